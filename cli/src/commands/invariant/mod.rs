//! `portcullis invariant …`

pub mod check;

pub use check::Check;

use clap::Subcommand;

use crate::{context::Context, error::CliError};

/// What can be done with invariants.
#[derive(Debug, Subcommand)]
pub enum Invariant {
    /// Check the invariants of a file against the cluster's accounts
    Check(Check),
}

impl Invariant {
    /// Runs it.
    ///
    /// # Errors
    /// Those of the command.
    pub async fn run(self, ctx: &Context) -> Result<(), CliError> {
        match self {
            Self::Check(command) => command.run(ctx).await,
        }
    }
}
