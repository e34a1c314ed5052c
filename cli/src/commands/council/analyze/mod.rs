//! Says what a council's rules amount to: who can push upgrades through, who can stop them, what lost and stolen keys mean.

mod names;
mod page;

use clap::Args;
use portcullis::state::{Council, Gate, GateState};
use portcullis_client::{
    account::Keyed,
    analyze::{analyze, Report, Subject},
};
use serde_json::{json, Value};

use self::page::Page;
use crate::{context::Context, error::CliError, member::role_names, profile::Named, view};

/// Which council.
#[derive(Args, Debug)]
#[command(after_help = "Examples:\n  \
    portcullis council analyze COUNCIL -u devnet\n  \
    portcullis council analyze COUNCIL --output json | jq '.data.warnings[].id'\n\n\
    Sets of keys are the smallest ones; members go by the number in the first table. Times are the shortest possible.\n\
    A program among the members counts as one key, and keys that lie in one drawer as several.")]
pub struct Analyze {
    /// The council's address
    #[arg(value_name = "COUNCIL")]
    council: Named,
}

impl Analyze {
    /// Runs it.
    ///
    /// # Errors
    /// Where there is no such council.
    pub async fn run(self, ctx: &Context) -> Result<(), CliError> {
        let Self { council } = self;
        let client = ctx.client()?;
        let council = client.fetch_council(&ctx.council(&council)?).await?;
        // A gate that gave its program away governs nothing, whatever its policy says.
        let gates: Vec<Keyed<Gate>> = client
            .list_gates(Some(&council.address))
            .await?
            .into_iter()
            .filter(|gate| gate.account.state() != Ok(GateState::Exited))
            .collect();
        let now = client.now().await?.timestamp;
        let (guardian, guardian_json) = view::guardian(ctx).await?;
        let report = analyze(&Subject {
            council: &council,
            gates: &gates,
            now,
            guardianship: Some(client.guardianship(&[portcullis::ID]).await?),
        });
        let mut data = json(&report, &council.account)?;
        data["portcullis_upgrade_authority"] = guardian_json;
        let text = format!(
            "{}\n\nPortcullis's own upgrade authority: {guardian}",
            Page {
                report: &report,
                council: &council,
                now
            }
            .text()
        );
        ctx.out.result(&text, data);
        Ok(())
    }
}

fn json(report: &Report, council: &Council) -> Result<Value, CliError> {
    let mut data = serde_json::to_value(report)
        .map_err(|error| CliError::general(format!("the report cannot be written: {error}")))?;
    let rows = data["members"].as_array_mut().into_iter().flatten();
    for (row, member) in rows.zip(council.members()) {
        row["roles"] = json!(role_names(member));
    }
    Ok(data)
}
