//! Lets the gate itself put the proposed program in place, on the proposed program's side of a run.

use portcullis_client::account::{decode_programdata, Commitment};
use solana_sdk::{
    account::Account, instruction::Instruction, message::Message, message::VersionedMessage,
    pubkey::Pubkey, signature::Signature, transaction::VersionedTransaction,
};

use super::{
    bundle::{Reader, StoredAccount},
    replay::{Options, Replay, Vm},
    report::{Rehearsed, Report},
    ShadowError,
};

/// Enough for any fee and rent that an execution pays.
const FUNDS: u64 = 1_000_000_000_000;

/// The execution of a proposal, and the state that it needs.
#[derive(Clone, Debug)]
pub struct Rehearsal {
    /// The proposal's name, for the report.
    pub proposal: String,
    /// Every account that the execution names, as it is now: gate, council, proposal, buffer, program and programdata, and the
    /// gate's own program.
    pub accounts: Vec<(Pubkey, Account)>,
    /// One transaction each, in slots that follow each other; the last one is the execution.
    pub steps: Vec<Vec<Instruction>>,
    /// Who executes, and pays.
    pub executor: Pubkey,
    /// The clock of the first step: the proposal's eta.
    pub unix_timestamp: i64,
    pub slot: u64,
    /// What must be deployed then.
    pub commitment: Commitment,
}

/// Executes the proposal on the forked state, then replays the bundle: the deployed program on one side, what the execution left
/// on the other. `options.new_elf` is not used.
///
/// # Errors
/// Where the execution fails, or leaves other bytes than were voted for; those of [`run`](super::run).
pub fn run_as_upgraded(
    mut reader: Reader,
    mut options: Options,
    rehearsal: &Rehearsal,
) -> Result<Report, ShadowError> {
    let program = reader.header().program;
    let programdata = portcullis_client::pda::programdata(&program);
    let found = rehearsal
        .accounts
        .iter()
        .find(|(key, _)| *key == programdata);
    let (_, account) = found.ok_or_else(|| {
        ShadowError::Rehearsal(format!("{program} has no programdata on the cluster"))
    })?;
    // Until the execution, the same program runs on both sides.
    options.new_elf = decode_programdata(&programdata, account)?.elf;
    let mut replay = Replay::load(&mut reader, &options)?;
    let rehearsed = rehearse(&mut replay.new.vm, &programdata, rehearsal)?;
    replay.finish(reader, options, Some(rehearsed))
}

fn rehearse(
    vm: &mut Vm,
    programdata: &Pubkey,
    rehearsal: &Rehearsal,
) -> Result<Rehearsed, ShadowError> {
    let mut accounts: Vec<StoredAccount> = (rehearsal.accounts.iter())
        .map(|(address, account)| StoredAccount::new(*address, Some(account)))
        .collect();
    // Who has no lamports has no account.
    if accounts
        .iter()
        .all(|account| account.address != rehearsal.executor)
    {
        accounts.push(StoredAccount::new(rehearsal.executor, None));
    }
    for account in &mut accounts {
        if account.address == rehearsal.executor {
            account.lamports = account.lamports.max(FUNDS);
        }
    }
    vm.put(&accounts)?;
    let mut compute_units = 0;
    for (place, step) in (0_u64..).zip(&rehearsal.steps) {
        let slot = rehearsal.slot.saturating_add(place);
        vm.set_time(slot, Some(rehearsal.unix_timestamp));
        let done = vm
            .execute(&unsigned(step, &rehearsal.executor))
            .map_err(ShadowError::Rehearsal)?;
        if let Some(error) = &done.error {
            let last = done.logs.iter().rev().find(|line| line.contains("Error"));
            let reason = last.map_or_else(|| error.to_string(), |line| format!("{error}: {line}"));
            return Err(ShadowError::Rehearsal(reason));
        }
        compute_units = done.compute_units;
        if let Some((_, written)) = done.written.iter().find(|(key, _)| key == programdata) {
            let account: Account = written.clone().into();
            vm.set_elf(decode_programdata(programdata, &account)?.elf);
        }
        vm.keep(&done.written)?;
    }
    if Commitment::of(vm.elf()) != Some(rehearsal.commitment) {
        return Err(ShadowError::Rehearsal(
            "it left other bytes than were voted for".into(),
        ));
    }
    Ok(Rehearsed {
        proposal: rehearsal.proposal.clone(),
        executed_at: rehearsal.unix_timestamp,
        compute_units,
    })
}

fn unsigned(instructions: &[Instruction], payer: &Pubkey) -> VersionedTransaction {
    let message = VersionedMessage::Legacy(Message::new(instructions, Some(payer)));
    let required = usize::from(message.header().num_required_signatures);
    VersionedTransaction {
        signatures: vec![Signature::default(); required],
        message,
    }
}
