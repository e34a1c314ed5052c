//! Stops a proposal for good, as a guardian.

use clap::Args;

use crate::{
    context::Context,
    error::CliError,
    vote::{Verb, Votes},
};

/// The proposal, and how to sign.
#[derive(Args, Debug)]
#[command(
    after_help = "Examples:\n  portcullis veto PROGRAM_ID/12\n  portcullis veto PROGRAM_ID/12 --yes --digest 7f3a90bc11d2e4f5"
)]
pub struct Veto {
    #[command(flatten)]
    votes: Votes,
}

impl Veto {
    /// Runs it.
    ///
    /// # Errors
    /// What stands against the vote.
    pub async fn run(self, ctx: &Context) -> Result<(), CliError> {
        self.votes.cast(ctx, Verb::Veto).await
    }
}
