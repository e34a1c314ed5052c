//! Votes against a proposal. When the others can no longer reach the threshold, it ends.

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
    after_help = "Examples:\n  portcullis reject PROGRAM_ID/12\n  portcullis reject PROGRAM_ID/12 --yes --digest 7f3a90bc11d2e4f5"
)]
pub struct Reject {
    /// Which proposal: 12, PROGRAM_ID/12 or its address
    #[arg(value_name = "REF")]
    proposal: Reference,
    #[command(flatten)]
    options: VoteOptions,
}

impl Reject {
    /// Runs it.
    ///
    /// # Errors
    /// What stands against the vote.
    pub async fn run(self, ctx: &Context) -> Result<(), CliError> {
        let Self { proposal, options } = self;
        cast(ctx, Verb::Reject, &[proposal], options).await
    }
}
