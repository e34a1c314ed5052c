//! What depositors do with the tests' vault, and what its developers know of it.

use std::{fs, path::Path};

use solana_sdk::{
    account::Account,
    instruction::{AccountMeta, Instruction},
    pubkey::Pubkey,
};

use crate::recording::Chain;

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

/// The key of who owns something, which begins with what it owns.
fn owner(of: &[u8; 8], number: u8) -> Pubkey {
    let mut bytes = [number; 32];
    bytes[..8].copy_from_slice(of);
    Pubkey::new_from_array(bytes)
}

fn boss() -> Pubkey {
    owner(b"vault___", 3)
}

fn depositor(number: u8) -> Pubkey {
    owner(b"position", 20 + number)
}

/// What depositors do, now and then without the right to.
fn calls() -> Vec<Instruction> {
    calls_of(true)
}

/// What they may do.
#[allow(dead_code)] // Not of the command line's tests.
fn honest_calls() -> Vec<Instruction> {
    calls_of(false)
}

fn calls_of(with_tries: bool) -> Vec<Instruction> {
    let (vault, forged, boss) = (key(1), key(2), boss());
    let position = |number: u8| key(10 + number);
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
        calls.push(call(
            1,
            0,
            &[write(position(number)), signs(depositor(number))],
        ));
        let credit = [read(vault), write(position(number)), signs(boss)];
        calls.push(call(4, 100_000, &credit));
    }
    for round in 0..25_u64 {
        let (from, to) = ((round % 4) as u8, ((round + 1) % 4) as u8);
        let by = signs(depositor(from));
        calls.push(pay(write(vault), from, to, by.clone(), 100 + round * 7));
        calls.push(call(
            5,
            50 + round,
            &[write(vault), write(position(from)), by.clone()],
        ));
        if !with_tries {
            continue;
        }
        match round % 5 {
            0 => calls.push(pay(write(vault), from, to, read(depositor(from)), 100)),
            1 => calls.push(pay(write(vault), from, to, signs(depositor(to)), 100)),
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

/// Records what depositors do with the vault, and gives the number of transactions.
pub fn record(path: &Path) -> u64 {
    let (transactions, outcomes) = record_these(path, &calls());
    // Each thing that somebody may not do was tried, and refused for its own reason.
    assert_eq!(
        outcomes,
        [
            "InstructionError(0, Custom(6000))",
            "InstructionError(0, Custom(6001))",
            "InstructionError(0, Custom(6002))",
            "InstructionError(0, IllegalOwner)",
            "InstructionError(0, MissingRequiredSignature)",
            "ok",
        ]
    );
    transactions
}

/// The same of depositors who only do what they may.
#[allow(dead_code)] // Not of the command line's tests.
pub fn record_honest(path: &Path) -> u64 {
    let (transactions, outcomes) = record_these(path, &honest_calls());
    assert_eq!(outcomes, ["ok"]);
    transactions
}

fn record_these(path: &Path, calls: &[Instruction]) -> (u64, Vec<String>) {
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
        give(depositor(number), 10_000_000, 0, Pubkey::default());
    }
    give(boss(), 10_000_000, 0, Pubkey::default());
    let mut recorder = chain.to_file(path);
    for call in calls {
        chain.run(&mut recorder, std::slice::from_ref(call));
    }
    recorder.finish().unwrap();
    let outcomes = chain.outcomes.keys().cloned().collect();
    (calls.len() as u64, outcomes)
}

/// What its developers would write. Owners' keys begin with the name of what they own: what an IDL takes for the discriminator.
pub const IDL: &str = r#"{
  "address": "Vau1t11111111111111111111111111111111111111",
  "metadata": { "name": "vault", "version": "0.1.0", "spec": "0.1.0" },
  "instructions": [
    { "name": "pay", "discriminator": [3], "accounts": [{ "name": "vault" }, { "name": "from" }, { "name": "to" }, { "name": "owner" }],
      "args": [{ "name": "amount", "type": "u64" }] },
    { "name": "credit", "discriminator": [4],
      "accounts": [{ "name": "vault" }, { "name": "by", "accounts": [{ "name": "position" }, { "name": "authority" }] }], "args": [{ "name": "amount", "type": "u64" }] }
  ],
  "accounts": [
    { "name": "Vault", "discriminator": [118, 97, 117, 108, 116, 95, 95, 95] },
    { "name": "Position", "discriminator": [112, 111, 115, 105, 116, 105, 111, 110] }
  ],
  "errors": [{ "code": 6001, "name": "Insufficient" }],
  "types": [
    { "name": "Vault", "type": { "kind": "struct", "fields": [
      { "name": "authority", "type": { "array": ["u8", 24] } }, { "name": "fee", "type": "u64" },
      { "name": "paused", "type": "u64" }, { "name": "taken", "type": "u64" }] } },
    { "name": "Position", "type": { "kind": "struct", "fields": [
      { "name": "owner", "type": { "array": ["u8", 24] } }, { "name": "balance", "type": "u64" },
      { "name": "payments", "type": "u64" }] } }
  ]
}"#;

pub const INVARIANTS: &str = r#"
[programs.vault]
id = "Vau1t11111111111111111111111111111111111111"
idl = "vault.json"

[[invariants]]
name = "what was credited is all there is"
description = "Four depositors were credited 100,000 each."
expression = "sum(positions.map(position, position.balance)) + vault.taken <= 400000"
accounts.positions = { all = true, type = "Position", program = "vault", at_least = 0 }
accounts.vault = { address = "4vJ9JU1bJJE96FWSJKvHsmmFADCg4gpZQff4P3bkLKi", type = "Vault", program = "vault" }

[[invariants]]
name = "every payment costs"
expression = "sum(positions.map(position, position.payments)) <= vault.taken"
accounts.positions = { all = true, type = "Position", program = "vault", at_least = 0 }
accounts.vault = { address = "4vJ9JU1bJJE96FWSJKvHsmmFADCg4gpZQff4P3bkLKi", type = "Vault", program = "vault" }

[[invariants]]
name = "payments cost two on average"
description = "None is so small that its fee, rounded up, is less; five are spared."
expression = "vault.taken + 5 >= 2 * sum(positions.map(position, position.payments))"
accounts.positions = { all = true, type = "Position", program = "vault", at_least = 0 }
accounts.vault = { address = "4vJ9JU1bJJE96FWSJKvHsmmFADCg4gpZQff4P3bkLKi", type = "Vault", program = "vault" }
"#;

/// [`IDL`] of the program in which fields were reordered.
pub fn reordered_idl() -> String {
    let fields = |first: &str, second: &str| {
        format!(
            r#"{{ "name": "{first}", "type": "u64" }},
      {{ "name": "{second}", "type": "u64" }}"#
        )
    };
    let reordered = IDL.replace(
        &fields("balance", "payments"),
        &fields("payments", "balance"),
    );
    assert_ne!(reordered, IDL);
    reordered
}
