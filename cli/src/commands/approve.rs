//! Votes for proposals; several at once are one signature where they fit into one transaction.

use clap::Args;

use crate::{
    context::Context,
    error::CliError,
    vote::{Verb, Votes},
};

/// The proposals, and how to sign.
#[derive(Args, Debug)]
#[command(after_help = "Examples:\n  \
    portcullis approve PROGRAM_ID/12 --artifact target/deploy/app.so\n  \
    portcullis approve PROGRAM_ID/12 --yes --digest 7f3a90bc11d2e4f5\n  \
    portcullis approve PROGRAM_ID/12 OTHER_ID/3 --digest 7f3a90bc11d2e4f5 --digest 01bb4cf2a9e8d736 --yes")]
pub struct Approve {
    #[command(flatten)]
    votes: Votes,
}

impl Approve {
    /// Runs it.
    ///
    /// # Errors
    /// What stands against one of the votes; then none is sent.
    pub async fn run(self, ctx: &Context) -> Result<(), CliError> {
        self.votes.cast(ctx, Verb::Approve).await
    }
}
