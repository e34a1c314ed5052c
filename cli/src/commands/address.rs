//! Prints the address of the signer, as members and authorities are named by it.

use clap::Args;
use serde_json::json;

use crate::{context::Context, error::CliError};

/// Nothing but the global `-k`.
#[derive(Args, Debug)]
#[command(after_help = "Examples:\n  \
    portcullis address                    of the signer in Solana's configuration\n  \
    portcullis address -k alice.json\n  \
    portcullis address -k prompt://")]
pub struct Address {}

impl Address {
    /// Runs it. Asks no server.
    ///
    /// # Errors
    /// Where the signer's key cannot be used.
    pub async fn run(self, ctx: &Context) -> Result<(), CliError> {
        let Self {} = self;
        let address = ctx.signer()?.pubkey().to_string();
        ctx.out.result(&address, json!({ "address": address }));
        Ok(())
    }
}
