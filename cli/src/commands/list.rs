//! Lists proposals. The server leaves out what belongs elsewhere; status and missing votes are decided here.

use std::collections::BTreeMap;

use clap::Args;
use portcullis::state::{Council, Gate};
use portcullis_client::account::{Keyed, ProposalView};
use serde_json::{json, Value};
use solana_sdk::pubkey::Pubkey;

use crate::{context::Context, error::CliError, output::table, resolve, view};

const STATUSES: [&str; 11] = [
    "draft",
    "voting",
    "queued",
    "ready",
    "armed",
    "executed",
    "rejected",
    "vetoed",
    "cancelled",
    "expired",
    "stale",
];

/// Which proposals.
#[derive(Args, Debug)]
#[command(after_help = "Examples:\n  \
    portcullis list --needs-vote MEMBER\n  \
    portcullis list --program PROGRAM_ID --status queued --status ready")]
pub struct List {
    /// Only those of this program
    #[arg(long, value_name = "PROGRAM_ID", env = "PORTCULLIS_PROGRAM")]
    program: Option<Pubkey>,
    /// Only those of this council's gates
    #[arg(long, value_name = "COUNCIL")]
    council: Option<Pubkey>,
    /// Only those with this status; may be given several times
    #[arg(long = "status", value_name = "STATUS", value_parser = STATUSES)]
    statuses: Vec<String>,
    /// Only those that wait for this member's vote
    #[arg(long, value_name = "MEMBER")]
    needs_vote: Option<Pubkey>,
}

impl List {
    /// Runs it.
    ///
    /// # Errors
    /// Those of the RPC server.
    pub async fn run(self, ctx: &Context) -> Result<(), CliError> {
        let Self {
            program,
            council,
            statuses,
            needs_vote,
        } = self;
        let client = ctx.client()?;
        let gates = match &program {
            Some(program) => vec![resolve::gate(ctx, program).await?],
            None => client.list_gates(council.as_ref()).await?,
        };
        let gates: Vec<Keyed<Gate>> = gates
            .into_iter()
            .filter(|gate| council.is_none_or(|council| gate.account.council == council))
            .collect();
        let now = client.now().await?;
        let mut councils: BTreeMap<Pubkey, Keyed<Council>> = BTreeMap::new();
        let mut views: Vec<ProposalView> = Vec::new();
        for gate in &gates {
            let address = gate.account.council;
            let council = match councils.get(&address) {
                Some(council) => *council,
                None => {
                    let council = client.fetch_council(&address).await?;
                    councils.insert(address, council);
                    council
                }
            };
            views.extend(view::proposals_of(ctx, gate, &council, now).await?);
        }
        views.retain(|view| {
            (statuses.is_empty() || statuses.iter().any(|status| status == view.status.name()))
                && needs_vote.is_none_or(|member| view.needs_vote_of(&member))
        });
        let text = if views.is_empty() {
            "no proposals".to_string()
        } else {
            table(
                &["proposal", "status", "hash", "approvals"],
                views.iter().map(view::proposal_row).collect(),
            )
        };
        let proposals: Vec<Value> = views.iter().map(view::proposal_json).collect();
        ctx.out.result(
            &text,
            json!({ "proposals": proposals, "gates": gates.len() }),
        );
        Ok(())
    }
}
