//! Votes against a proposal. When the others can no longer reach the threshold, it ends.

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
    after_help = "Examples:\n  portcullis reject PROGRAM_ID/12\n  portcullis reject PROGRAM_ID/12 --yes --digest 7f3a90bc11d2e4f5"
)]
pub struct Reject {
    /// Which proposals: 12, PROGRAM_ID/12, council/3 or addresses
    #[arg(value_name = "REF", required_unless_present = "relay")]
    proposals: Vec<Reference>,
    #[command(flatten)]
    options: VoteOptions,
    #[command(flatten)]
    messages: MessageOptions,
}

impl Reject {
    /// Runs it.
    ///
    /// # Errors
    /// What stands against the vote.
    pub async fn run(self, ctx: &Context) -> Result<(), CliError> {
        let Self {
            proposals,
            options,
            messages,
        } = self;
        cast(ctx, Verb::Reject, &proposals, options, messages).await
    }
}
