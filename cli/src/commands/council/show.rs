//! Shows a council.

use clap::Args;
use serde_json::json;

use crate::{context::Context, error::CliError, profile::Named, view};

/// Which council.
#[derive(Args, Debug)]
#[command(after_help = "Example:\n  portcullis council show COUNCIL -u devnet")]
pub struct Show {
    /// The council's address
    #[arg(value_name = "COUNCIL")]
    council: Named,
}

impl Show {
    /// Runs it.
    ///
    /// # Errors
    /// Where there is no such council.
    pub async fn run(self, ctx: &Context) -> Result<(), CliError> {
        let Self { council } = self;
        let client = ctx.client()?;
        let council = client.fetch_council(&ctx.council(&council)?).await?;
        let gates = client.list_gates(Some(&council.address)).await?;
        let address = council.address.to_string();
        let mut text = view::council_text(&address, &council.account);
        if !gates.is_empty() {
            text.push_str("\n\ngates");
            for gate in &gates {
                text.push_str(&format!("\n  {}", gate.account.program));
            }
        }
        let mut data = view::council_json(&address, &council.account);
        data["gates"] = gates
            .iter()
            .map(|gate| json!({ "program": gate.account.program.to_string(), "gate": gate.address.to_string() }))
            .collect();
        ctx.out.result(&text, data);
        Ok(())
    }
}
