//! Accounts that exist, tried with both layouts.

use std::collections::BTreeMap;

use serde_json::{json, Value as Json};
use solana_sdk::pubkey::Pubkey;

use super::{base, field, idl, list};
use crate::layout::{
    compare,
    evidence::{check, Sample, TypeEvidence},
    Rule, Verdict,
};

/// A vault's bytes: admin, total, state, points, limit.
fn vault(total: u64, room: usize) -> Vec<u8> {
    let mut data = vec![9, 9];
    data.extend([3; 32]);
    data.extend(total.to_le_bytes());
    data.push(1);
    data.extend([1, 0, 0, 0, 5, 0, 0, 0, 6, 0, 0, 0]);
    data.push(0);
    data.resize(data.len() + room, 0);
    data
}

/// What is found in accounts after a change; and the verdict on the account's growth.
fn tried(
    accounts: &[Vec<u8>],
    total: usize,
    change: impl FnOnce(&mut Json),
) -> (TypeEvidence, Option<Verdict>) {
    let mut new = base();
    change(&mut new);
    let (old, new) = (idl(&base()), idl(&new));
    let mut report = compare(&old, &new);
    let keyed: Vec<_> = accounts
        .iter()
        .map(|data| (Pubkey::new_unique(), data.clone()))
        .collect();
    let sample = Sample {
        accounts: &keyed,
        totals: BTreeMap::from([("Vault".to_string(), total)]),
    };
    let found = check(&old, &new, &sample, &mut report);
    let vaults = found
        .into_iter()
        .find(|one| one.account == "Vault")
        .unwrap();
    for (rule, count) in [
        (Rule::AccountsLost, vaults.lost),
        (Rule::AccountsChanged, vaults.changed),
    ] {
        let told = report.changes.iter().any(|change| change.rule == rule);
        assert_eq!(told, count > 0);
    }
    let grown = report
        .changes
        .iter()
        .find(|change| change.rule == Rule::AccountGrown);
    (vaults, grown.map(|change| change.verdict))
}

#[test]
fn accounts_that_exist_are_tried() {
    let append = |new: &mut Json| list(new, "Vault").push(field("fee", json!("u16")));
    let (roomy, tight) = (vault(7, 2), vault(7, 1));
    let (found, verdict) = tried(&[roomy.clone(), roomy.clone()], 2, append);
    assert_eq!((found.read, found.lost, found.changed), (2, 0, 0));
    assert_eq!(verdict, Some(Verdict::Safe));
    // Those that were not read may be too small.
    let (found, verdict) = tried(std::slice::from_ref(&roomy), 2, append);
    assert_eq!((found.read, found.total), (1, 2));
    assert_eq!(verdict, Some(Verdict::Breaking));
    let (found, verdict) = tried(&[roomy.clone(), tight], 2, append);
    assert_eq!((found.lost, verdict), (1, Some(Verdict::Breaking)));
    assert!(
        found.examples[0].what.starts_with("fee: at byte"),
        "{:?}",
        found.examples
    );
    let (_, verdict) = tried(&[], 0, append);
    assert_eq!(verdict, Some(Verdict::Safe));

    // Nobody says that there is none.
    let (mut report, nothing) = (
        compare(&idl(&base()), &{
            let mut new = base();
            append(&mut new);
            idl(&new)
        }),
        Sample {
            accounts: &[],
            totals: BTreeMap::new(),
        },
    );
    check(&idl(&base()), &idl(&base()), &nothing, &mut report);
    assert!(report
        .breaking()
        .any(|change| change.rule == Rule::AccountGrown));
    // A longer list that once was there has left its bytes.
    let mut used = vault(7, 2);
    *used.last_mut().unwrap() = 5;
    let (found, _) = tried(&[used], 1, append);
    assert_eq!((found.lost, found.changed), (0, 1));
    assert_eq!(
        found.examples[0].what,
        "behind the old layout are bytes that are not zero: 0x0005"
    );

    let sign = |new: &mut Json| list(new, "Vault")[1]["type"] = json!("i64");
    let (found, _) = tried(&[vault(7, 0), vault(u64::MAX, 0)], 2, sign);
    assert_eq!((found.lost, found.changed), (0, 1));
    assert_eq!(
        found.examples[0].what,
        "total: 18446744073709551615, now -1"
    );
    let swapped = |new: &mut Json| list(new, "State").swap(1, 2);
    let (found, _) = tried(&[vault(7, 0)], 1, swapped);
    assert_eq!((found.lost, found.changed), (1, 0));
    let points = |new: &mut Json| list(new, "Point").swap(0, 1);
    let (found, _) = tried(&[vault(7, 0)], 1, points);
    assert_eq!(
        found.examples[0].what,
        "points[0].x: 5, now 6; points[0].y: 6, now 5"
    );
    let (found, _) = tried(&[vec![9, 9, 1]], 1, points);
    assert_eq!((found.read, found.unreadable), (1, 1));
    let head = |new: &mut Json| list(new, "accounts")[0]["discriminator"] = json!([5]);
    let (found, _) = tried(&[vault(7, 0)], 1, head);
    assert_eq!(found.lost, 1);
}

#[test]
fn an_old_idl_does_not_say_which_accounts_are_zero_copy() {
    let old = json!({
        "version": "0.1.0", "name": "vaults", "instructions": [],
        "accounts": [{ "name": "Pool", "type": { "kind": "struct", "fields": [
            { "name": "flag", "type": "u8" }, { "name": "lastRate", "type": "u64" } ] } }],
    });
    let old = idl(&old);
    let with = |rate: &str| {
        idl(&json!({
            "address": Pubkey::new_from_array([1; 32]).to_string(),
            "metadata": { "name": "vaults", "version": "0.2.0", "spec": "0.1.0" },
            "instructions": [],
            "accounts": [{ "name": "Pool", "discriminator": old.accounts[0].discriminator }],
            "types": [{ "name": "Pool", "serialization": "bytemuck", "repr": { "kind": "c" }, "type": { "kind": "struct", "fields": [
                { "name": "flag", "type": "u8" }, { "name": "last_rate", "type": rate } ] } }],
        }))
    };
    assert!(compare(&old, &with("u64")).changes.is_empty());
    let report = compare(&old, &with("i64"));
    assert_eq!(report.changes.len(), 1);
    assert_eq!(report.changes[0].rule, Rule::FieldRetyped);
}

#[test]
fn used_reserves_change_nothing() {
    for (item, bytes) in [("u64", 8), ("u8", 64)] {
        let with = |fields: Json| {
            idl(&json!({
                "address": "x", "metadata": { "name": "x", "version": "1", "spec": "0.1.0" }, "instructions": [],
                "accounts": [{ "name": "Vault", "discriminator": [9] }],
                "types": [{ "name": "Vault", "type": { "kind": "struct", "fields": fields } }],
            }))
        };
        let reserve = |len: u64| field("_reserved", json!({ "array": [item, len] }));
        let old = with(json!([field("total", json!("u64")), reserve(bytes)]));
        let used = bytes - bytes / 8;
        let new = with(json!([
            field("total", json!("u64")),
            field("fee", json!("u64")),
            reserve(used)
        ]));
        let mut report = compare(&old, &new);
        assert_eq!(report.changes.len(), 1);
        assert_eq!(report.changes[0].rule, Rule::ReserveUsed);
        let data: Vec<u8> = [vec![9], vec![7; 8], vec![0; 64]].concat();
        let accounts = [(Pubkey::new_unique(), data)];
        let sample = Sample {
            accounts: &accounts,
            totals: BTreeMap::new(),
        };
        let found = check(&old, &new, &sample, &mut report);
        assert_eq!(
            (found[0].read, found[0].lost, found[0].changed),
            (1, 0, 0),
            "{item}"
        );
    }
}
