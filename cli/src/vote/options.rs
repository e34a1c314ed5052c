//! What votes take on the command line.

use std::path::PathBuf;

use clap::Args;

use super::{cast, digest::DigestArg, MessageOptions, Verb};
use crate::{
    args::{RefArgs, WriteArgs},
    context::Context,
    duration::{parse_seconds, parse_time},
    error::CliError,
    reference::Reference,
};

/// The options of every vote.
#[derive(Args, Clone, Debug)]
pub struct VoteOptions {
    /// The digest that you reviewed: all 64 hexadecimal digits, or at least the first 32. Required with --yes
    #[arg(long = "digest", value_name = "HEX")]
    pub(super) digests: Vec<DigestArg>,
    /// Your own build: its hash must be the proposal's
    #[arg(long = "artifact", value_name = "FILE")]
    pub(super) artifacts: Vec<PathBuf>,
    /// How long the signed vote can be used, at most 24h and never past the voting deadline
    #[arg(long, value_name = "DURATION", value_parser = parse_seconds, default_value = "1h")]
    pub(super) valid_for: u32,
    /// The time from which the vote is refused, instead: RFC 3339 or Unix seconds
    #[arg(long, value_name = "TIME", value_parser = parse_time, conflicts_with = "valid_for")]
    pub(super) valid_until: Option<i64>,
    #[command(flatten)]
    pub reference: RefArgs,
    #[command(flatten)]
    pub write: WriteArgs,
}

/// Votes that can also be signed as messages, and relayed.
#[derive(Args, Clone, Debug)]
pub struct Votes {
    /// Which proposals: 12, PROGRAM_ID/12, council/3 or addresses
    #[arg(value_name = "REF", required_unless_present_any = ["relay", "bundle"])]
    proposals: Vec<Reference>,
    #[command(flatten)]
    options: VoteOptions,
    #[command(flatten)]
    messages: MessageOptions,
}

impl Votes {
    /// Casts them.
    ///
    /// # Errors
    /// What stands against one of the votes; then none is sent.
    pub async fn cast(self, ctx: &Context, verb: Verb) -> Result<(), CliError> {
        cast(ctx, verb, &self.proposals, self.options, self.messages).await
    }
}
