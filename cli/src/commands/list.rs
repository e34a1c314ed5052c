//! Lists proposals. The server leaves out what belongs elsewhere; status and missing votes are decided here.

use std::num::NonZeroUsize;

use clap::Args;
use portcullis::lifecycle::Status;
use portcullis_client::{ProposalFilter, ProposalList, STATUSES};
use serde::Serialize;
use solana_sdk::pubkey::Pubkey;

use crate::{
    context::Context,
    error::CliError,
    output::{table, Sequence},
    profile::Named,
    resolve, view,
};

/// Which proposals.
#[derive(Args, Debug)]
#[command(after_help = "Examples:\n  \
    portcullis list --needs-vote MEMBER\n  \
    portcullis list --program PROGRAM_ID --status queued --status ready")]
pub struct List {
    /// Only those of this program
    #[arg(long, value_name = "PROGRAM_ID", env = "PORTCULLIS_PROGRAM")]
    program: Option<Named>,
    /// Only those about this council itself and its gates
    #[arg(long, value_name = "COUNCIL")]
    council: Option<Named>,
    /// Only those with this status; may be given several times
    #[arg(long = "status", value_name = "STATUS", value_parser = STATUSES.map(Status::name))]
    statuses: Vec<String>,
    /// Only those that wait for this member's vote
    #[arg(long, value_name = "MEMBER")]
    needs_vote: Option<Pubkey>,
    /// At most so many: of each gate the newest first
    #[arg(long, value_name = "NUMBER")]
    limit: Option<NonZeroUsize>,
}

/// The result for programs. It can be long, so it is written while it is made.
#[derive(Serialize)]
struct Found<T: Serialize> {
    councils: usize,
    gates: usize,
    proposals: T,
    total: usize,
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
            limit,
        } = self;
        let program = program.map(|program| ctx.program(&program)).transpose()?;
        let council = council.map(|council| ctx.council(&council)).transpose()?;
        let client = ctx.client()?;
        let gate = match &program {
            Some(program) => Some(resolve::gate(ctx, program).await?),
            None => None,
        };
        let named = |status: &Status| statuses.iter().any(|name| name == status.name());
        let list = client
            .list_matching(&ProposalFilter {
                gate,
                council,
                statuses: STATUSES.into_iter().filter(named).collect(),
                needs_vote_of: needs_vote,
                limit: limit.map(NonZeroUsize::get),
            })
            .await?;
        ctx.out.long_result(
            || text(&list),
            &Found {
                councils: if gate.is_some() {
                    0
                } else {
                    list.council_count()
                },
                gates: list.gate_count(),
                proposals: Sequence(|| list.views().map(|view| view::proposal_json(&view))),
                total: list.total,
            },
        );
        Ok(())
    }
}

fn text(list: &ProposalList) -> String {
    if list.is_empty() {
        return "no proposals".to_string();
    }
    let rows = list.views().map(|view| view::proposal_row(&view)).collect();
    let mut text = table(&view::LIST_HEADER, rows);
    if list.len() < list.total {
        text.push_str(&format!("\n{} of {} proposals", list.len(), list.total));
    }
    text
}
