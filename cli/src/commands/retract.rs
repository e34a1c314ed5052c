//! Takes an approval or a rejection back. An approval that the threshold needs takes the timelock with it.

use clap::Args;

use crate::{
    context::Context,
    error::CliError,
    reference::Reference,
    vote::{cast, MessageOptions, Verb, VoteOptions},
};

/// The proposal, and how to sign.
#[derive(Args, Debug)]
#[command(
    after_help = "Examples:\n  portcullis retract PROGRAM_ID/12\n  portcullis retract PROGRAM_ID/12 --yes --digest 7f3a90bc11d2e4f5"
)]
pub struct Retract {
    /// Which proposals: 12, PROGRAM_ID/12, council/3 or addresses
    #[arg(value_name = "REF", required = true)]
    proposals: Vec<Reference>,
    #[command(flatten)]
    options: VoteOptions,
}

impl Retract {
    /// Runs it.
    ///
    /// # Errors
    /// What stands against the vote.
    pub async fn run(self, ctx: &Context) -> Result<(), CliError> {
        let Self { proposals, options } = self;
        cast(
            ctx,
            Verb::Retract,
            &proposals,
            options,
            MessageOptions::none(),
        )
        .await
    }
}
