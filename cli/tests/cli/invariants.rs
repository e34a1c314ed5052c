//! `invariant check`: the examples of docs/invariants.md on a chain, and what is no pass.

use std::fs;

use serde_json::json;
use solana_sdk::pubkey::Pubkey;

use crate::net::{address, Net};

const TOKEN: &str = "TokenkegQfeZyiNwAJbNbGKPFXCWuBvf9Ss623VQ5DA";

fn program() -> Pubkey {
    address("program").parse().unwrap()
}

fn idl() -> String {
    let idl = json!({
        "address": address("program"),
        "metadata": { "name": "lending", "version": "0.1.0", "spec": "0.1.0" },
        "instructions": [],
        "accounts": [
            { "name": "Deposit", "discriminator": [1, 0, 0, 0, 0, 0, 0, 1] },
            { "name": "Loan", "discriminator": [2, 0, 0, 0, 0, 0, 0, 2] },
        ],
        "types": [
            { "name": "Deposit", "type": { "kind": "struct", "fields": [
                { "name": "owner", "type": "pubkey" }, { "name": "amount", "type": "u64" } ] } },
            { "name": "Loan", "type": { "kind": "struct", "fields": [
                { "name": "collateral", "type": "u128" }, { "name": "debt", "type": "u128" },
                { "name": "state", "type": { "defined": { "name": "LoanState" } } } ] } },
            { "name": "LoanState", "type": { "kind": "enum", "variants": [{ "name": "Active" }, { "name": "Closed" }] } },
        ],
    });
    idl.to_string()
}

/// Both examples in one file.
fn examples(net: &Net) {
    let page = concat!(env!("CARGO_MANIFEST_DIR"), "/../docs/invariants.md");
    let page = fs::read_to_string(page).unwrap();
    let blocks: Vec<&str> = page
        .split("```toml\n")
        .skip(1)
        .filter_map(|rest| rest.split("```").next())
        .collect();
    assert_eq!(blocks.len(), 2);
    let second = blocks[1].split_once("[[invariants]]").unwrap().1;
    let file = format!("{}[[invariants]]{second}", blocks[0]);
    let file = file.replace(
        "LendZxHiaH8Zd1xPPXkGGVn6JQEoEGUq8ZjSCP6wKXo",
        &address("program"),
    );
    net.write("invariants.toml", file.as_bytes());
    net.write("lending.json", idl().as_bytes());
}

fn deposit(net: &Net, number: u8, amount: u64) {
    let mut data = vec![1, 0, 0, 0, 0, 0, 0, 1];
    data.extend([number; 32]);
    data.extend(amount.to_le_bytes());
    net.set_account(&Pubkey::new_from_array([number; 32]), program(), data);
}

fn loan(net: &Net, number: u8, collateral: u128, debt: u128) {
    let mut data = vec![2, 0, 0, 0, 0, 0, 0, 2];
    data.extend(collateral.to_le_bytes());
    data.extend(debt.to_le_bytes());
    data.push(0);
    net.set_account(&Pubkey::new_from_array([number; 32]), program(), data);
}

fn vault(net: &Net, amount: u64) {
    let at = Pubkey::find_program_address(&[b"vault"], &program()).0;
    let mut data = vec![0; 165];
    data[..64].copy_from_slice(&[5; 64]);
    data[64..72].copy_from_slice(&amount.to_le_bytes());
    data[108] = 1;
    net.set_account(&at, TOKEN.parse().unwrap(), data);
}

#[test]
fn the_examples_of_the_docs_are_checked_on_a_chain() {
    let net = Net::start();
    let run = net.recorder("invariant");
    run("01_no_file", "invariant check");
    examples(&net);
    run("02_no_accounts", "invariant check");
    vault(&net, u64::MAX);
    deposit(&net, 1, u64::MAX);
    loan(&net, 11, 150, 100);
    run("03_all_hold", "invariant check");
    run("04_all_hold_json", "invariant check --output json");
    // One more than 64 bits hold.
    deposit(&net, 2, 1);
    loan(&net, 12, u128::MAX, u128::MAX);
    run("05_both_violated", "invariant check");
    run("06_both_violated_json", "invariant check --output json");
    // A truncated account is no pass, and no violation either.
    deposit(&net, 2, 0);
    loan(&net, 12, 0, 0);
    net.set_account(
        &Pubkey::new_from_array([13; 32]),
        program(),
        vec![2, 0, 0, 0, 0, 0, 0, 2, 1],
    );
    run("07_one_cannot_be_computed", "invariant check");
}

#[test]
fn files_are_explained() {
    let net = Net::start();
    let run = net.recorder("invariant");
    net.write("broken.toml", b"[[invariants]]\nname = 1\n");
    run("08_broken_file", "invariant check --file broken.toml");
    let file = format!(
        "[programs.lending]\nid = '{}'\n[[invariants]]\nname = 'it'\nexpression = 'x.amount > 1'\n\
         accounts = {{ x = {{ all = true, type = 'Deposit', program = 'lending' }} }}\n",
        address("program")
    );
    net.write("chain.toml", file.as_bytes());
    run(
        "09_no_idl_on_the_chain",
        "invariant check --file chain.toml",
    );
    net.write("lending.json", idl().as_bytes());
    let file = file.replace("[[inv", "idl = 'lending.json'\n[[inv");
    let file = file.replace("x.amount", "y.amount");
    net.write("names.toml", file.as_bytes());
    run("10_unknown_name", "invariant check --file names.toml");
    let tokens = format!(
        "[[invariants]]\nname = 'tokens of a mint'\nexpression = 'sum(x.map(one, one.amount)) == 7'\n\
         accounts = {{ x = {{ all = true, type = 'token-account', where = {{ mint = '{}' }} }} }}\n",
        Pubkey::new_from_array([5; 32])
    );
    net.write("tokens.toml", tokens.as_bytes());
    vault(&net, 7);
    run("11_tokens_of_a_mint", "invariant check --file tokens.toml");
}
