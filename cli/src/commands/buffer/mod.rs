//! `portcullis buffer …`

mod close;
mod hand_back;
mod list;
pub(crate) mod upload;

pub use {close::Close, hand_back::Return, list::List, upload::Upload};

use clap::Subcommand;
use portcullis::{error::PortcullisError, lifecycle};
use portcullis_client::account::ProposalView;

use crate::{client_error::rule, context::Context, error::CliError};

/// What can be done with buffers.
#[derive(Debug, Subcommand)]
pub enum Buffer {
    /// Upload a build; takes up an upload that was interrupted
    Upload(Upload),
    /// List the buffers of an authority
    List(List),
    /// Hand the buffer of an ended proposal back to who proposed it
    Return(Return),
    /// Close buffers of your own, or one that was left behind for 30 days
    Close(Close),
}

impl Buffer {
    /// Runs it.
    ///
    /// # Errors
    /// Those of the command.
    pub async fn run(self, ctx: &Context) -> Result<(), CliError> {
        match self {
            Self::Upload(command) => command.run(ctx).await,
            Self::List(command) => command.run(ctx).await,
            Self::Return(command) => command.run(ctx).await,
            Self::Close(command) => command.run(ctx).await,
        }
    }
}

/// Requires that a proposal has ended and still holds its buffer.
fn require_releasable(view: &ProposalView, name: &str) -> Result<(), CliError> {
    lifecycle::check(view.status, lifecycle::Step::ReleaseBuffer).map_err(|error| {
        rule(error).context(format!("proposal {name} is {}", view.status.name()))
    })?;
    if !view.holds_buffer() {
        return Err(rule(PortcullisError::BufferReleased).context(format!("proposal {name}")));
    }
    Ok(())
}
