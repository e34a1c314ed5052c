//! `portcullis council …`

mod create;
mod show;

pub use {create::Create, show::Show};

use clap::Subcommand;

use crate::{context::Context, error::CliError};

/// What can be done with councils.
#[derive(Debug, Subcommand)]
pub enum Council {
    /// Create a council: its members, and the rules for changing it
    Create(Create),
    /// Show a council
    Show(Show),
}

impl Council {
    /// Runs it.
    ///
    /// # Errors
    /// Those of the command.
    pub async fn run(self, ctx: &Context) -> Result<(), CliError> {
        match self {
            Self::Create(command) => command.run(ctx).await,
            Self::Show(command) => command.run(ctx).await,
        }
    }
}
