//! What the execution of a proposal needs, to rehearse it on forked state.

use std::collections::BTreeSet;

use portcullis::lifecycle::Status;
use portcullis::state::ROLE_EXECUTE;
use portcullis_analysis::shadow::Rehearsal;
use portcullis_client::{
    account::{Commitment, ProposalView, BUFFER_HEADER},
    deploy::extension_bytes,
    pda,
    transaction::{execution_compute_units, with_budget},
    SendOptions,
};
use solana_loader_v3_interface::instruction as loader_v3;
use solana_sdk::{instruction::Instruction, pubkey::Pubkey};

use crate::{context::Context, error::CliError, view};

/// Fetches everything that the execution of a queued proposal names.
///
/// # Errors
/// A proposal that is not queued, or cannot be executed by anybody.
pub async fn prepare(ctx: &Context, view: &ProposalView) -> Result<Rehearsal, CliError> {
    let name = view::name(view);
    if !matches!(view.status, Status::Queued | Status::Ready) {
        return Err(CliError::not_ready(
            "not_queued",
            format!(
                "an execution can be rehearsed once the proposal is queued, and {name} is {}",
                view::status(view)
            ),
        )
        .hint(format!(
            "compare its bytes alone: leave --as-upgraded out, or wait: portcullis wait {name} --for queued"
        )));
    }
    let client = ctx.client()?;
    let terms = &view.proposal.terms;
    let program = view.keys().program();
    let members = view.council.members();
    let executes = members.iter().find(|member| member.has(ROLE_EXECUTE));
    // The policy may let anyone execute.
    let executor = executes.or(members.first()).map(|member| member.key);
    let executor = executor.unwrap_or_default();
    let room = client.fetch_programdata(&program).await?.account.elf.len();
    let buffer = client.get_account(&terms.buffer).await?;
    let needed = buffer.map_or(0, |account| {
        account.data.len().saturating_sub(BUFFER_HEADER)
    });
    let mut steps: Vec<Vec<Instruction>> = Vec::new();
    if let Some(bytes) = extension_bytes(&program, room, needed)? {
        steps.push(vec![loader_v3::extend_program(
            &program,
            Some(&executor),
            bytes,
        )]);
    }
    let execute = ctx.builder().execute_upgrade(
        &view.keys(),
        terms.buffer,
        terms.spill,
        executor,
        view.predecessor().map(|predecessor| predecessor.gate),
    );
    let options = SendOptions::with_compute_units(execution_compute_units(terms.len));
    steps.push(with_budget(&[execute], &options));
    let mut addresses: BTreeSet<Pubkey> = BTreeSet::new();
    for instruction in steps.iter().flatten() {
        addresses.insert(instruction.program_id);
        addresses.extend(instruction.accounts.iter().map(|meta| meta.pubkey));
    }
    addresses.extend([program, pda::programdata(&program), executor]);
    addresses.insert(pda::programdata(&ctx.portcullis()));
    let addresses: Vec<Pubkey> = addresses.into_iter().collect();
    let found = client.get_accounts(&addresses).await?;
    let accounts = addresses.iter().zip(found);
    let eta = view.proposal.eta.max(view.now.timestamp);
    // The gate counts both time and slots.
    let seconds = u64::try_from(eta.saturating_sub(view.now.timestamp)).unwrap_or(0);
    let by_time = view.now.slot.saturating_add(seconds);
    let timelock = u64::from(terms.snapshot.timelock_seconds);
    let by_slots = view.proposal.queued_slot.saturating_add(timelock);
    Ok(Rehearsal {
        proposal: name,
        accounts: accounts
            .filter_map(|(address, account)| Some((*address, account?)))
            .collect(),
        steps,
        executor,
        unix_timestamp: eta,
        slot: by_time.max(by_slots).saturating_add(1),
        commitment: Commitment {
            sha256: terms.sha256,
            len: terms.len,
        },
    })
}
