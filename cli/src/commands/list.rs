//! Lists proposals. The server leaves out what belongs elsewhere; status and missing votes are decided here.

use std::collections::BTreeMap;

use clap::Args;
use portcullis::state::Council;
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
    /// Only those about this council itself and its gates
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
        let councils = match (&program, &council) {
            (Some(_), _) => Vec::new(),
            (None, Some(council)) => vec![client.fetch_council(council).await?],
            (None, None) => client.list_councils().await?,
        };
        let mut known: BTreeMap<Pubkey, Keyed<Council>> = councils
            .iter()
            .map(|council| (council.address, *council))
            .collect();
        let now = client.now().await?;
        let mut views: Vec<ProposalView> = Vec::new();
        let mut counted = 0;
        for gate in &gates {
            let address = gate.account.council;
            if council.is_some_and(|council| address != council) {
                continue;
            }
            counted += 1;
            let council = match known.get(&address) {
                Some(council) => *council,
                None => {
                    let council = client.fetch_council(&address).await?;
                    known.insert(address, council);
                    council
                }
            };
            views.extend(view::proposals_of(ctx, gate, &council, now).await?);
        }
        for council in &councils {
            views.extend(view::proposals_of_council(ctx, council, now).await?);
        }
        views.retain(|view| {
            (statuses.is_empty() || statuses.iter().any(|status| status == view.status.name()))
                && needs_vote.is_none_or(|member| view.needs_vote_of(&member))
        });
        let text = if views.is_empty() {
            "no proposals".to_string()
        } else {
            table(
                &view::LIST_HEADER,
                views.iter().map(view::proposal_row).collect(),
            )
        };
        let proposals: Vec<Value> = views.iter().map(view::proposal_json).collect();
        ctx.out.result(
            &text,
            json!({ "proposals": proposals, "gates": counted, "councils": councils.len() }),
        );
        Ok(())
    }
}
