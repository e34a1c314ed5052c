//! `docs/spec.md` says what the program does: its tables are parsed and compared.

use std::collections::BTreeSet;

use portcullis::{
    lifecycle::{check, Step},
    state::{Attestation, Hashing},
};
use portcullis_client::STATUSES;
use portcullis_tests::{
    calls::STEPS,
    matrix::{idl, instructions},
    *,
};
use serde_json::Value;

const SPEC: &str = include_str!("../../docs/spec.md");

/// The rows of the table that begins with this head, in cells.
#[track_caller]
fn table(head: &str) -> Vec<Vec<&'static str>> {
    let start = SPEC.find(head).unwrap_or_else(|| panic!("no table {head}"));
    SPEC[start..]
        .lines()
        .skip(2)
        .take_while(|line| line.starts_with('|'))
        .map(|line| line.trim_matches('|').split('|').map(str::trim).collect())
        .collect()
}

#[test]
fn g10_the_lifecycle_is_the_specified_one() {
    let (live, ends) = STATUSES.split_at(5);
    let head = "| step | Draft | Voting | Queued | Ready | Armed |";
    let rows = table(head);
    assert_eq!(rows.len(), STEPS.len());
    for (row, step) in rows.iter().zip(STEPS) {
        assert_eq!(row[0], format!("{step:?}"));
        for (cell, status) in row[1..].iter().zip(live) {
            let found = check(*status, step).map_or_else(|error| error.name(), |()| "ok");
            assert_eq!(*cell, found, "{status:?} {step:?}");
        }
    }

    let rows = table("| end | error |");
    assert_eq!(rows.len(), ends.len());
    for (row, status) in rows.iter().zip(ends) {
        assert_eq!(row[0], format!("{status:?}"));
        for step in STEPS {
            let cleans_up = matches!(step, Step::ReleaseBuffer | Step::Close);
            let expected = if cleans_up { "ok" } else { row[1] };
            let found = check(*status, step).map_or_else(|error| error.name(), |()| "ok");
            assert_eq!(expected, found, "{status:?} {step:?}");
        }
    }
}

/// The accounts of an instruction or a group as the specification writes them.
fn written(accounts: &Value) -> String {
    let names = accounts.as_array().unwrap().iter().map(|account| {
        let name = account["name"].as_str().unwrap();
        let flags: String = [("signer", 's'), ("writable", 'w'), ("optional", '?')]
            .into_iter()
            .filter(|(flag, _)| account[*flag].as_bool() == Some(true))
            .map(|(_, letter)| letter)
            .collect();
        if flags.is_empty() {
            name.to_string()
        } else {
            format!("{name} {flags}")
        }
    });
    format!("`{}`", names.collect::<Vec<_>>().join(", "))
}

/// The groups among these accounts, and those within them.
fn groups(accounts: &Value, found: &mut BTreeSet<(String, String)>) {
    for account in accounts.as_array().unwrap() {
        if account["accounts"].is_array() {
            let name = format!("`{}`", account["name"].as_str().unwrap());
            found.insert((name, written(&account["accounts"])));
            groups(&account["accounts"], found);
        }
    }
}

#[test]
fn every_instruction_is_specified_with_its_accounts() {
    let idl = idl();
    let head = "| instruction | who | accounts | event | errors beside the general ones |";
    let rows = table(head);
    let names: BTreeSet<&str> = rows.iter().map(|row| row[0].trim_matches('`')).collect();
    assert_eq!(names, instructions(&idl));
    assert_eq!(rows.len(), names.len());

    let mut found = BTreeSet::new();
    for instruction in idl["instructions"].as_array().unwrap() {
        let name = format!("`{}`", instruction["name"].as_str().unwrap());
        let row = rows.iter().find(|row| row[0] == name).unwrap();
        assert_eq!(row[2], written(&instruction["accounts"]), "{name}");
        groups(&instruction["accounts"], &mut found);
    }
    let specified: BTreeSet<(String, String)> = table("| group | accounts |")
        .iter()
        .map(|row| (row[0].to_string(), row[1].to_string()))
        .collect();
    assert_eq!(specified, found);
}

#[test]
fn every_event_is_specified() {
    let idl = idl();
    let names = |value: &Value| -> BTreeSet<String> {
        let items = value.as_array().unwrap().iter();
        items
            .map(|item| item["name"].as_str().unwrap().to_string())
            .collect()
    };
    let rows = table("| event | fields between |");
    let specified: BTreeSet<String> = rows.iter().map(|row| row[0].to_string()).collect();
    assert_eq!(specified, names(&idl["events"]));
    // And each stands with an instruction that emits it.
    let head = "| instruction | who | accounts | event | errors beside the general ones |";
    let emitted: String = table(head).iter().map(|row| row[3]).collect();
    for event in specified {
        assert!(emitted.contains(&event), "{event}");
    }
}

#[test]
fn every_error_is_specified() {
    let unspecified: Vec<&str> = PortcullisError::ALL
        .iter()
        .map(|error| error.name())
        .filter(|name| {
            !SPEC.contains(&format!("`{name}`")) && !SPEC.contains(&format!("| {name} |"))
        })
        .collect();
    assert_eq!(unspecified, Vec::<&str>::new());
}

#[test]
fn sizes_are_the_specified_ones() {
    let rows = table("| what | seeds | size |");
    let size = |what: &str| -> usize {
        let row = rows.iter().find(|row| row[0] == what).unwrap();
        let digits = row[2].split(", ").next().unwrap().replace(',', "");
        digits.parse().unwrap()
    };
    assert_eq!(size("Council"), Council::SPACE);
    assert_eq!(size("Gate"), Gate::SPACE);
    assert_eq!(size("Proposal"), Proposal::SPACE);
    assert_eq!(size("Attestation"), Attestation::SPACE);
    assert_eq!(size("Hashing"), Hashing::SPACE);
}
