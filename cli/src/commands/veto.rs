//! Stops a proposal for good, as a guardian.

use clap::Args;

use crate::{
    context::Context,
    error::CliError,
    reference::Reference,
    vote::{cast, Verb, VoteOptions},
};

/// The proposal, and how to sign.
#[derive(Args, Debug)]
#[command(
    after_help = "Examples:\n  portcullis veto PROGRAM_ID/12\n  portcullis veto PROGRAM_ID/12 --yes --digest 7f3a90bc11d2e4f5"
)]
pub struct Veto {
    /// Which proposal: 12, PROGRAM_ID/12 or its address
    #[arg(value_name = "REF")]
    proposal: Reference,
    #[command(flatten)]
    options: VoteOptions,
}

impl Veto {
    /// Runs it.
    ///
    /// # Errors
    /// What stands against the vote.
    pub async fn run(self, ctx: &Context) -> Result<(), CliError> {
        let Self { proposal, options } = self;
        cast(ctx, Verb::Veto, &[proposal], options).await
    }
}
