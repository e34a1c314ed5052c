//! An execution that does not do what was voted for is no rehearsal.

use portcullis_analysis::shadow::{self, Knowledge, Options, Rehearsal, ShadowError};
use portcullis_client::account::Commitment;
use solana_sdk::{
    account::Account,
    instruction::{AccountMeta, Instruction},
    pubkey::Pubkey,
};

use crate::{
    recording::{open, Chain},
    vault::deposits::{elf, PROGRAM},
};

/// Rehearses one instruction in place of an execution that should leave `expected`.
fn rehearsed(fee: &[u8], expected: &[u8], with_program: bool) -> Result<i64, ShadowError> {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("bundle");
    let [executor, vault] = [1, 2].map(|number| Pubkey::new_from_array([number; 32]));
    let mut chain = Chain::new(PROGRAM, &elf(""), executor);
    let owned = Account {
        lamports: 10_000_000,
        data: vec![0; 56],
        owner: PROGRAM,
        ..Account::default()
    };
    chain.svm.set_account(vault, owned).unwrap();
    let metas = vec![
        AccountMeta::new(vault, false),
        AccountMeta::new(executor, true),
    ];
    let call = Instruction::new_with_bytes(PROGRAM, &[&[0], fee].concat(), metas);
    let good = Instruction {
        data: vec![0; 9],
        ..call.clone()
    };
    let programdata = portcullis_client::pda::programdata(&PROGRAM);
    let mut needed = vec![vault];
    needed.extend(
        with_program
            .then_some([PROGRAM, programdata])
            .into_iter()
            .flatten(),
    );
    let accounts = needed
        .into_iter()
        .map(|key| (key, chain.svm.get_account(&key).unwrap()));
    let rehearsal = Rehearsal {
        proposal: "it".into(),
        accounts: accounts.collect(),
        steps: vec![vec![call]],
        executor,
        unix_timestamp: 1_800_000_000,
        slot: 500_000_000,
        commitment: Commitment::of(expected).unwrap(),
    };
    let mut recorder = chain.to_file(&path);
    chain.run(&mut recorder, &[good]);
    recorder.finish().unwrap();
    let options = Options {
        new_elf: Vec::new(),
        old_elf: None,
        required_fidelity: 1.0,
        probes: true,
        knowledge: Knowledge::default(),
    };
    let report = shadow::run_as_upgraded(open(&path), options, &rehearsal)?;
    assert_eq!(report.new.sha256, report.old.sha256);
    Ok(report.as_upgraded.unwrap().executed_at)
}

#[test]
fn a_rehearsal_must_succeed_and_leave_what_was_voted_for() {
    let (fee, deployed) = (1_u64.to_le_bytes(), elf(""));
    assert_eq!(rehearsed(&fee, &deployed, true).unwrap(), 1_800_000_000);
    let says = |done: Result<i64, ShadowError>, expected: &str| match done {
        Err(ShadowError::Rehearsal(reason)) => assert!(reason.contains(expected), "{reason}"),
        other => panic!("{other:?}"),
    };
    says(
        rehearsed(&fee[..7], &deployed, true),
        "invalid instruction data",
    );
    says(
        rehearsed(&fee, &elf("-pause-ignored"), true),
        "other bytes than were voted for",
    );
    says(rehearsed(&fee, &deployed, false), "has no programdata");
}
