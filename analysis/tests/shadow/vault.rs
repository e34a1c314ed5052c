//! A program with one bug after the other: each is caught.

use std::fs;

use portcullis_analysis::shadow::{
    self,
    hooks::{Described, Hooks, Moment, State, Violation},
    report::Cause,
    NoHooks, Options, Report,
};
use solana_sdk::{
    account::{Account, ReadableAccount},
    instruction::{AccountMeta, Instruction},
    pubkey::Pubkey,
};

use crate::recording::{open, Chain};

const FOLDER: &str = concat!(
    env!("CARGO_MANIFEST_DIR"),
    "/../tests/programs/vaults/vault"
);
pub const PROGRAM: Pubkey = Pubkey::from_str_const("Vau1t11111111111111111111111111111111111111");

pub fn elf(bug: &str) -> Vec<u8> {
    fs::read(format!("{FOLDER}{bug}.so")).unwrap()
}

fn key(number: u8) -> Pubkey {
    Pubkey::new_from_array([number; 32])
}

fn call(instruction: u8, amount: u64, accounts: &[AccountMeta]) -> Instruction {
    let data = [&[instruction], amount.to_le_bytes().as_slice()].concat();
    Instruction::new_with_bytes(PROGRAM, &data, accounts.to_vec())
}

/// What depositors do, now and then without the right to.
fn calls() -> Vec<Instruction> {
    let (vault, forged, boss) = (key(1), key(2), key(3));
    let position = |number: u8| key(10 + number);
    let owner = |number: u8| key(20 + number);
    let write = |address: Pubkey| AccountMeta::new(address, false);
    let read = |address: Pubkey| AccountMeta::new_readonly(address, false);
    let signs = |address: Pubkey| AccountMeta::new(address, true);
    let pay = |vault: AccountMeta, from: u8, to: u8, owner: AccountMeta, amount: u64| {
        call(
            3,
            amount,
            &[vault, write(position(from)), write(position(to)), owner],
        )
    };
    let mut calls = vec![call(0, 125, &[write(vault), signs(boss)])];
    for number in 0..4 {
        calls.push(call(1, 0, &[write(position(number)), signs(owner(number))]));
        let credit = [read(vault), write(position(number)), signs(boss)];
        calls.push(call(4, 100_000, &credit));
    }
    for round in 0..25_u64 {
        let (from, to) = ((round % 4) as u8, ((round + 1) % 4) as u8);
        let by = signs(owner(from));
        calls.push(pay(write(vault), from, to, by.clone(), 100 + round * 7));
        calls.push(call(
            5,
            50 + round,
            &[write(vault), write(position(from)), by.clone()],
        ));
        match round % 5 {
            0 => calls.push(pay(write(vault), from, to, read(owner(from)), 100)),
            1 => calls.push(pay(write(vault), from, to, signs(owner(to)), 100)),
            2 => calls.push(pay(write(vault), from, to, by, 10_000_000)),
            3 => calls.push(pay(read(forged), from, to, by, 100)),
            _ => {
                calls.push(call(2, 1, &[write(vault), signs(boss)]));
                calls.push(pay(write(vault), from, to, by, 100));
                calls.push(call(2, 0, &[write(vault), signs(boss)]));
            }
        }
    }
    calls
}

/// Records what depositors do with the vault, and replays it with another one.
fn replayed(new: &str) -> Report {
    replayed_with(new, &mut NoHooks)
}

fn replayed_with(new: &str, hooks: &mut dyn Hooks) -> Report {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("bundle");
    let mut chain = Chain::new(PROGRAM, &elf(""), key(9));
    let mut give = |address: Pubkey, lamports: u64, len: usize, owner: Pubkey| {
        let account = Account {
            lamports,
            data: vec![0; len],
            owner,
            executable: false,
            rent_epoch: u64::MAX,
        };
        chain.svm.set_account(address, account).unwrap();
    };
    give(key(1), 1_000_000_000, 56, PROGRAM);
    // Charges no fee, and is nobody's.
    give(key(2), 1_000_000_000, 56, Pubkey::default());
    for number in 0..4 {
        give(key(10 + number), 10_000_000, 48, PROGRAM);
        give(key(20 + number), 10_000_000, 0, Pubkey::default());
    }
    give(key(3), 10_000_000, 0, Pubkey::default());
    let mut recorder = chain.to_file(&path);
    let calls = calls();
    for call in &calls {
        chain.run(&mut recorder, std::slice::from_ref(call));
    }
    recorder.finish().unwrap();
    // Each thing that somebody may not do was tried, and refused for its own reason.
    let refusals: Vec<&str> = chain.outcomes.keys().map(String::as_str).collect();
    assert_eq!(
        refusals,
        [
            "InstructionError(0, Custom(6000))",
            "InstructionError(0, Custom(6001))",
            "InstructionError(0, Custom(6002))",
            "InstructionError(0, IllegalOwner)",
            "InstructionError(0, MissingRequiredSignature)",
            "ok",
        ]
    );
    let options = Options {
        new_elf: elf(new),
        old_elf: None,
        required_fidelity: 1.0,
    };
    let report = shadow::run(open(&path), options, hooks).unwrap();
    assert_eq!(report.fidelity.reproduced, calls.len() as u64);
    report
}

fn titles(report: &Report) -> Vec<(u64, &str)> {
    let shown = |cause: &'_ Cause| cause.transactions;
    let causes = report.causes.iter();
    causes
        .map(|cause| (shown(cause), cause.title.as_str()))
        .collect()
}

#[test]
fn a_program_compared_with_itself_differs_in_nothing() {
    let report = replayed("");
    assert_eq!(titles(&report), []);
    assert_eq!(report.summary.same, report.summary.judged);
    assert_eq!(report.compute_units.old, report.compute_units.new);
    assert_eq!(report.verdict().class, "good");
}

/// The bug is found, and all that it causes.
fn caught(bug: &str, expected: &[(u64, &str)]) {
    let report = replayed(&format!("-{bug}"));
    let found = titles(&report);
    assert_eq!(found, expected, "{bug}: {found:#?}");
    assert!(report.summary.effects() > 0, "{bug}");
    assert_eq!(report.verdict().class, "bad", "{bug}");
}

#[test]
fn a_fee_that_is_not_charged_is_caught() {
    caught(
        "fee-not-charged",
        &[
            (
                25,
                "bytes 32..40 of an account of the program with 48 bytes differ after Pay",
            ),
            (
                25,
                "bytes 48..56 of an account of the program with 56 bytes differ after Pay",
            ),
        ],
    );
}

#[test]
fn a_debit_of_the_wrong_account_is_caught() {
    caught(
        "wrong-account-debited",
        &[(
            25,
            "bytes 32..40 of an account of the program with 48 bytes differ after Pay",
        )],
    );
}

#[test]
fn a_signer_that_is_not_checked_is_caught() {
    caught(
        "signer-not-checked",
        &[(
            5,
            "succeeds where it failed: MissingRequiredSignature in Pay",
        )],
    );
}

#[test]
fn an_owner_that_is_not_checked_is_caught() {
    caught(
        "owner-not-checked",
        &[(5, "succeeds where it failed: IllegalOwner in Pay")],
    );
}

#[test]
fn fields_in_another_order_are_caught() {
    caught(
        "fields-reordered",
        &[
            (25, "newly fails: Custom(6001) in Pay"),
            (25, "newly fails: Custom(6001) in Withdraw"),
            (
                4,
                "bytes 32..48 of an account of the program with 48 bytes differ after Credit",
            ),
        ],
    );
}

#[test]
fn rounding_the_wrong_way_is_caught() {
    caught(
        "rounds-against-the-vault",
        &[
            (
                24,
                "bytes 32..40 of an account of the program with 48 bytes differ after Pay",
            ),
            (
                24,
                "bytes 48..56 of an account of the program with 56 bytes differ after Pay",
            ),
        ],
    );
}

#[test]
fn a_pause_that_is_ignored_is_caught() {
    caught(
        "pause-ignored",
        &[(5, "succeeds where it failed: Custom(6000) in Pay")],
    );
}

#[test]
fn a_balance_that_is_not_checked_is_caught() {
    caught(
        "balance-not-checked",
        &[(5, "succeeds where it failed: Custom(6001) in Pay")],
    );
}

/// What somebody knows about the vault.
struct Known {
    /// How often each moment was looked at.
    moments: [u64; 3],
}

fn number(data: &[u8], at: usize) -> u64 {
    u64::from_le_bytes(data[at..at + 8].try_into().unwrap())
}

impl Hooks for Known {
    fn instruction(&self, data: &[u8]) -> Option<String> {
        (data.first() == Some(&3)).then(|| "pay".into())
    }

    fn error(&self, code: u32) -> Option<String> {
        (code == 6_001).then(|| "Insufficient".into())
    }

    fn describe(&self, _: &Pubkey, account: &Account) -> Option<Described> {
        (account.owner == PROGRAM && account.data.len() == 48).then(|| Described {
            kind: "a position".into(),
            fields: vec![
                ("balance".into(), number(&account.data, 32).to_string()),
                ("payments".into(), number(&account.data, 40).to_string()),
            ],
        })
    }

    fn checks(&self) -> bool {
        true
    }

    /// Nobody has more than was ever credited.
    fn check(&mut self, moment: Moment, state: &State) -> Vec<Violation> {
        self.moments[moment as usize] += 1;
        let positions = state.accounts().filter(|(address, account)| {
            // What a transaction wrote is what is read.
            assert_eq!(
                state.account(address).as_ref().map(|found| &found.data[..]),
                Some(account.data())
            );
            *account.owner() == PROGRAM && account.data().len() == 48
        });
        let most = positions
            .map(|(_, account)| number(account.data(), 32))
            .max();
        let broken = most.filter(|most| *most > 400_000);
        let violation = broken.map(|most| Violation {
            name: "nobody has more than all".into(),
            reason: format!("at most 400000, found {most}"),
        });
        violation.into_iter().collect()
    }
}

#[test]
fn names_fields_and_invariants_come_from_who_knows_the_program() {
    let mut known = Known { moments: [0; 3] };
    let report = replayed_with("-balance-not-checked", &mut known);
    assert_eq!(
        titles(&report),
        [
            (5, "breaks the invariant nobody has more than all"),
            (5, "succeeds where it failed: Insufficient (6001) in pay"),
        ]
    );
    assert_eq!(
        (
            report.summary.broken_invariants,
            report.summary.new_successes
        ),
        (5, 0)
    );
    assert_eq!(known.moments, [report.summary.judged; 3]);
    assert!(report.causes[0].examples[0].lines[0].starts_with("at most 400000, found 18446744073"));

    let report = replayed_with("-fee-not-charged", &mut known);
    let found = titles(&report)[1];
    assert_eq!(found, (25, "fields balance of a position differ after pay"));
    let lines = &report.causes[1].examples[0].lines;
    assert_eq!(lines[1], "balance: old 99898, new 99900");
}
