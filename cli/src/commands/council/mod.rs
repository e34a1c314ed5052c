//! `portcullis council …`

mod analyze;
mod create;
mod show;

pub use {analyze::Analyze, create::Create, show::Show};

use clap::Subcommand;

use crate::{context::Context, error::CliError};

/// What can be done with councils.
#[derive(Debug, Subcommand)]
pub enum Council {
    /// Create a council: its members, and the rules for changing it
    Create(Create),
    /// Show a council
    Show(Show),
    /// Say who can push upgrades through, who can stop them, and what lost and stolen keys mean
    Analyze(Analyze),
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
            Self::Analyze(command) => command.run(ctx).await,
        }
    }
}
