//! `portcullis propose …`

mod upgrade;

pub use upgrade::Upgrade;

use clap::Subcommand;

use crate::{context::Context, error::CliError};

/// What can be proposed.
#[derive(Debug, Subcommand)]
pub enum Propose {
    /// Propose to upgrade a program to what a buffer holds
    Upgrade(Upgrade),
}

impl Propose {
    /// Runs it.
    ///
    /// # Errors
    /// Those of the command.
    pub async fn run(self, ctx: &Context) -> Result<(), CliError> {
        match self {
            Self::Upgrade(command) => command.run(ctx).await,
        }
    }
}
