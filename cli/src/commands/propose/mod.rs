//! `portcullis propose …`

mod change;
mod common;
mod council;
mod finalize;
mod move_gate;
mod plan;
mod policy;
mod predecessor;
mod repropose;
mod revoke;
mod source;
mod standby;
mod transfer;
mod upgrade;

pub use repropose::Repropose;

use clap::Subcommand;

use crate::{context::Context, error::CliError};

/// What can be proposed.
#[derive(Debug, Subcommand)]
pub enum Propose {
    /// Propose to upgrade a program to what a buffer holds
    Upgrade(upgrade::Upgrade),
    /// Propose a standby that halts a program with a reviewed build, triggered by guardians
    SafeMode(standby::SafeMode),
    /// Propose a standby that goes back to an earlier release, triggered by guardians
    Rollback(standby::Rollback),
    /// Propose other rules for a gate, or for a council itself
    Policy(policy::Policy),
    /// Propose other members
    Council(council::Council),
    /// Propose to give the upgrade authority to another key
    Transfer(transfer::Transfer),
    /// Propose to give a gate to another council
    Move(move_gate::Move),
    /// Propose that a program is never upgraded again
    Finalize(finalize::Finalize),
    /// Propose that no rollback goes to a release any more
    Revoke(revoke::Revoke),
}

impl Propose {
    /// Its name, as the JSON envelope gives it.
    pub fn name(&self) -> &'static str {
        match self {
            Self::Upgrade(_) => "propose upgrade",
            Self::SafeMode(_) => "propose safe-mode",
            Self::Rollback(_) => "propose rollback",
            Self::Policy(_) => "propose policy",
            Self::Council(_) => "propose council",
            Self::Transfer(_) => "propose transfer",
            Self::Move(_) => "propose move",
            Self::Finalize(_) => "propose finalize",
            Self::Revoke(_) => "propose revoke",
        }
    }

    /// Runs it.
    ///
    /// # Errors
    /// Those of the command.
    pub async fn run(self, ctx: &Context) -> Result<(), CliError> {
        match self {
            Self::Upgrade(command) => command.run(ctx).await,
            Self::SafeMode(command) => command.run(ctx).await,
            Self::Rollback(command) => command.run(ctx).await,
            Self::Policy(command) => command.run(ctx).await,
            Self::Council(command) => command.run(ctx).await,
            Self::Transfer(command) => command.run(ctx).await,
            Self::Move(command) => command.run(ctx).await,
            Self::Finalize(command) => command.run(ctx).await,
            Self::Revoke(command) => command.run(ctx).await,
        }
    }
}
