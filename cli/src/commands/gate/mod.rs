//! `portcullis gate …`

mod abandon;
mod adopt;
mod show;

pub use {abandon::Abandon, adopt::Adopt, show::Show};

use clap::Subcommand;

use crate::{context::Context, error::CliError};

/// What can be done with gates.
#[derive(Debug, Subcommand)]
pub enum Gate {
    /// Put a program behind a gate: its upgrade authority goes to the gate
    Adopt(Adopt),
    /// Take the authority of a large program back before its bytes are all hashed
    Abandon(Abandon),
    /// Show a program's gate
    Show(Show),
}

impl Gate {
    /// Runs it.
    ///
    /// # Errors
    /// Those of the command.
    pub async fn run(self, ctx: &Context) -> Result<(), CliError> {
        match self {
            Self::Adopt(command) => command.run(ctx).await,
            Self::Abandon(command) => command.run(ctx).await,
            Self::Show(command) => command.run(ctx).await,
        }
    }
}
