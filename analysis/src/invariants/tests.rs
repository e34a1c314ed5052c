//! Files, and accounts as they are on the chain.

mod accounts;
mod docs;
mod files;
mod tokens;

use serde_json::json;
use solana_sdk::account::Account;

use super::{file::File, *};

const LENDING: Pubkey = Pubkey::new_from_array([7; 32]);

pub fn lending_idl() -> Idl {
    let json = json!({
        "address": LENDING.to_string(),
        "metadata": { "name": "lending", "version": "0.1.0", "spec": "0.1.0" },
        "instructions": [],
        "accounts": [
            { "name": "Deposit", "discriminator": [1, 0, 0, 0, 0, 0, 0, 1] },
            { "name": "Loan", "discriminator": [2, 0, 0, 0, 0, 0, 0, 2] },
        ],
        "types": [
            { "name": "Deposit", "type": { "kind": "struct", "fields": [
                { "name": "owner", "type": "pubkey" }, { "name": "amount", "type": "u64" }, { "name": "open", "type": "bool" } ] } },
            { "name": "Loan", "type": { "kind": "struct", "fields": [
                { "name": "collateral", "type": "u128" }, { "name": "debt", "type": "u128" },
                { "name": "state", "type": { "defined": { "name": "LoanState" } } } ] } },
            { "name": "LoanState", "type": { "kind": "enum", "variants": [{ "name": "Active" }, { "name": "Closed" }] } },
        ],
    });
    Idl::parse(json.to_string().as_bytes()).unwrap()
}

fn account(owner: Pubkey, data: Vec<u8>) -> Account {
    Account {
        lamports: 1_000_000,
        data,
        owner,
        ..Account::default()
    }
}

fn deposit(owner: u8, amount: u64, open: bool) -> Account {
    let mut data = vec![1, 0, 0, 0, 0, 0, 0, 1];
    data.extend([owner; 32]);
    data.extend(amount.to_le_bytes());
    data.push(u8::from(open));
    account(LENDING, data)
}

fn loan(collateral: u128, debt: u128, state: u8) -> Account {
    let mut data = vec![2, 0, 0, 0, 0, 0, 0, 2];
    data.extend(collateral.to_le_bytes());
    data.extend(debt.to_le_bytes());
    data.push(state);
    account(LENDING, data)
}

fn token_account(mint: u8, owner: Pubkey, amount: u64) -> Account {
    let mut data = vec![0; 165];
    data[..32].copy_from_slice(&[mint; 32]);
    data[32..64].copy_from_slice(owner.as_ref());
    data[64..72].copy_from_slice(&amount.to_le_bytes());
    data[108] = 1;
    account(token::TOKEN, data)
}

fn snapshot(accounts: impl IntoIterator<Item = (Pubkey, Account)>) -> Snapshot {
    Snapshot {
        accounts: accounts.into_iter().collect(),
    }
}

const PROGRAMS: &str = "[programs.lending]\nid = '$LENDING'\nidl = 'lending.json'\n";

fn idls() -> Idls {
    BTreeMap::from([("lending".to_string(), lending_idl())])
}

fn try_parse(text: &str) -> Result<Invariants, InvariantsError> {
    let text = format!("{PROGRAMS}\n{text}").replace("$LENDING", &LENDING.to_string());
    Invariants::parse(&text, idls())
}

/// One invariant, with its accounts and expression.
fn one(accounts: &str, expression: &str) -> Result<Invariants, InvariantsError> {
    try_parse(&format!(
        "[[invariants]]\nname = 'it'\nexpression = '''{expression}'''\naccounts = {{ {accounts} }}"
    ))
}

#[track_caller]
fn verdict(accounts: &str, expression: &str, source: &dyn AccountSource) -> Verdict {
    let invariants = one(accounts, expression).unwrap();
    let outcome = invariants.evaluate(source).pop().unwrap();
    assert_eq!(
        invariants.evaluate_some(&[0], source),
        std::slice::from_ref(&outcome)
    );
    outcome.verdict
}

#[track_caller]
fn failed(accounts: &str, expression: &str, source: &dyn AccountSource, words: &str) {
    match verdict(accounts, expression, source) {
        Verdict::Failed(reason) => assert!(reason.contains(words), "{reason}"),
        other => panic!("{other:?}"),
    }
}
