//! `portcullis shadow …`

mod proposed;
mod record;
mod rehearsal;
mod run;

pub use {record::Record, run::Run};

use clap::Subcommand;
use portcullis_analysis::{
    invariants::{Invariants, Required},
    shadow::ShadowError,
};

use crate::{
    context::Context,
    error::{chain, CliError},
    exit::ExitCode,
    output::printable,
};

/// What can be done with recorded transactions.
#[derive(Debug, Subcommand)]
pub enum Shadow {
    /// Record a program's transactions with the accounts that they need
    Record(Record),
    /// Replay transactions under the deployed and under the proposed program, and compare
    Run(Box<Run>),
}

impl Shadow {
    /// Its name, as the JSON envelope gives it.
    pub fn name(&self) -> &'static str {
        match self {
            Self::Record(_) => "shadow record",
            Self::Run(_) => "shadow run",
        }
    }

    /// Runs it.
    ///
    /// # Errors
    /// Those of the command.
    pub async fn run(self, ctx: &Context) -> Result<(), CliError> {
        match self {
            Self::Record(command) => command.run(ctx).await,
            Self::Run(command) => command.run(ctx).await,
        }
    }
}

/// What invariants read.
fn required(invariants: Option<&Invariants>) -> Required {
    let required = invariants.map(Invariants::required_accounts);
    required.unwrap_or_default()
}

/// Why there is no bundle, or no report.
fn refused(error: ShadowError) -> CliError {
    let message = printable(&chain(&error));
    match error {
        ShadowError::Client(error) => error.into(),
        ShadowError::Io(_) => CliError::usage("file_unreadable", message)
            .hint("check the path, and whether there is room for it"),
        ShadowError::Malformed { .. }
        | ShadowError::TooLarge { .. }
        | ShadowError::Truncated
        | ShadowError::Version { .. }
        | ShadowError::Empty
        | ShadowError::Account { .. } => CliError::usage("bundle_unusable", message)
            .hint("record it anew: portcullis shadow record PROGRAM --out FILE"),
        ShadowError::Program { .. } => CliError::usage("program_unusable", message)
            .hint("is it built for an sBPF version, and with syscalls, that mainnet has?"),
        ShadowError::Transaction { .. } => CliError::usage("transaction_unusable", message)
            .hint("record anew; the RPC server may no longer have the transaction: try another one with -u"),
        ShadowError::Rehearsal(_) => CliError::new(ExitCode::Refused, "rehearsal_failed", message)
            .hint("the proposal cannot be executed like this: portcullis review REF shows its state"),
    }
}
