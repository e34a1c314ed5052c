//! Lists the buffers of an authority.

use clap::Args;
use serde_json::{json, Value};
use solana_sdk::pubkey::Pubkey;

use crate::{context::Context, error::CliError, output::table};

/// Whose buffers.
#[derive(Args, Debug)]
#[command(
    after_help = "Examples:\n  portcullis buffer list\n  portcullis buffer list --authority MEMBER"
)]
pub struct List {
    /// The buffers' authority [default: the signer]
    #[arg(long, value_name = "ADDRESS")]
    authority: Option<Pubkey>,
}

impl List {
    /// Runs it.
    ///
    /// # Errors
    /// Those of the RPC server.
    pub async fn run(self, ctx: &Context) -> Result<(), CliError> {
        let Self { authority } = self;
        let authority = match authority {
            Some(authority) => authority,
            None => ctx.signer()?.pubkey(),
        };
        let buffers = ctx.client()?.list_buffers(&authority).await?;
        let rows: Vec<Vec<String>> = buffers
            .iter()
            .map(|buffer| {
                vec![
                    buffer.address.to_string(),
                    format!("{} bytes", buffer.len),
                    format!("{} lamports", buffer.lamports),
                ]
            })
            .collect();
        let text = if rows.is_empty() {
            format!("{authority} has no buffers")
        } else {
            table(&["buffer", "size", "rent"], rows)
        };
        let list: Vec<Value> = buffers
            .iter()
            .map(|buffer| {
                json!({
                    "buffer": buffer.address.to_string(),
                    "len_bytes": buffer.len,
                    "rent_lamports": buffer.lamports,
                })
            })
            .collect();
        ctx.out.result(
            &text,
            json!({ "authority": authority.to_string(), "buffers": list }),
        );
        Ok(())
    }
}
