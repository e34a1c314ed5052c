//! A table of changes, and what each is called.

mod discriminators;
mod evidence;
mod interface;
mod types;
mod zero_copy;

use proptest::prelude::*;
use serde_json::{json, Value as Json};

use super::*;

const BASE: &str = r#"{
    "address": "11111111111111111111111111111112",
    "metadata": { "name": "vaults", "version": "0.1.0", "spec": "0.1.0" },
    "instructions": [
        { "name": "deposit", "discriminator": [1, 0], "args": [{ "name": "amount", "type": "u64" }, { "name": "memo", "type": "string" }],
          "accounts": [
            { "name": "user", "signer": true, "writable": true },
            { "name": "vault", "writable": true, "relations": ["admin"], "pda": { "seeds": [{ "kind": "const", "value": [1] }] } },
            { "name": "tokens", "accounts": [{ "name": "mint", "address": "11111111111111111111111111111111" }, { "name": "delegate", "optional": true }] }
          ], "returns": "u64" },
        { "name": "close", "discriminator": [2, 0], "args": [], "accounts": [] }
    ],
    "accounts": [{ "name": "Vault", "discriminator": [9, 9] }, { "name": "Pool", "discriminator": [8, 8] }],
    "events": [{ "name": "Paid", "discriminator": [7, 7] }],
    "errors": [{ "code": 6000, "name": "TooLow", "msg": "too low" }, { "code": 6001, "name": "Closed" }],
    "constants": [{ "name": "FEE", "type": "u64", "value": "30" }],
    "types": [
        { "name": "Vault", "type": { "kind": "struct", "fields": [
            { "name": "admin", "type": "pubkey" }, { "name": "total", "type": "u64" },
            { "name": "state", "type": { "defined": { "name": "State" } } },
            { "name": "points", "type": { "vec": { "defined": { "name": "Point" } } } },
            { "name": "limit", "type": { "option": "u32" } } ] } },
        { "name": "State", "type": { "kind": "enum", "variants": [{ "name": "Open" }, { "name": "Paused" }, { "name": "Shut", "fields": [{ "name": "at", "type": "i64" }] }] } },
        { "name": "Point", "type": { "kind": "struct", "fields": [{ "name": "x", "type": "u32" }, { "name": "y", "type": "u32" }] } },
        { "name": "Pool", "serialization": "bytemuck", "repr": { "kind": "c" }, "type": { "kind": "struct", "fields": [
            { "name": "count", "type": "u64" }, { "name": "rate", "type": "u64" }, { "name": "_reserved", "type": { "array": ["u8", 16] } }, { "name": "last", "type": "u64" } ] } },
        { "name": "Paid", "type": { "kind": "struct", "fields": [{ "name": "amount", "type": "u64" }] } }
    ]
}"#;

fn base() -> Json {
    serde_json::from_str(BASE).unwrap()
}

fn idl(json: &Json) -> Idl {
    Idl::parse(json.to_string().as_bytes()).unwrap()
}

/// The fields of a type, the accounts or arguments of `deposit`, or another list.
fn list<'a>(json: &'a mut Json, name: &str) -> &'a mut Vec<Json> {
    let found = match name {
        "args" | "metas" => {
            let key = if name == "args" { "args" } else { "accounts" };
            &mut json["instructions"][0][key]
        }
        "State" => &mut json["types"][1]["type"]["variants"],
        "Vault" | "Point" | "Pool" | "Paid" => {
            let at = match name {
                "Vault" => 0,
                "Point" => 2,
                "Pool" => 3,
                _ => 4,
            };
            &mut json["types"][at]["type"]["fields"]
        }
        other => &mut json[other],
    };
    found.as_array_mut().unwrap()
}

fn field(name: &str, ty: Json) -> Json {
    json!({ "name": name, "type": ty })
}

/// An IDL of types only, of which the first is an account's.
fn of_types(types: &Json) -> Json {
    json!({
        "address": "11111111111111111111111111111112",
        "metadata": { "name": "vaults", "version": "0.1.0", "spec": "0.1.0" },
        "instructions": [], "types": types,
        "accounts": [{ "name": types[0]["name"], "discriminator": [9] }],
    })
}

/// A struct that lies in memory.
fn in_memory(name: &str, fields: Json) -> Json {
    json!({
        "name": name, "serialization": "bytemuck", "repr": { "kind": "c" },
        "type": { "kind": "struct", "fields": fields },
    })
}

/// Rules, verdicts and places of what a change of the base leads to.
fn found(change: impl FnOnce(&mut Json)) -> Vec<String> {
    let mut new = base();
    change(&mut new);
    between(&base(), &new)
}

/// Likewise of two IDLs.
fn between(old: &Json, new: &Json) -> Vec<String> {
    let report = compare(&idl(old), &idl(new));
    let changes = report.changes.iter();
    changes
        .map(|change| {
            format!(
                "{} {} {}",
                change.rule.id(),
                change.verdict.name(),
                change.path
            )
        })
        .collect()
}

#[test]
fn nothing_changed() {
    assert_eq!(found(|_| ()), [""; 0]);
    assert!(found(|new| new["metadata"]["version"] = json!("2.0.0")).is_empty());
}

#[test]
fn accounts_themselves() {
    assert_eq!(
        found(|new| drop(list(new, "accounts").remove(1))),
        ["account-removed breaking Pool"]
    );
    assert_eq!(
        found(|new| list(new, "accounts")[0]["discriminator"] = json!([5])),
        ["account-discriminator-changed breaking Vault"]
    );
    assert_eq!(
        found(|new| {
            list(new, "accounts").push(json!({ "name": "Point", "discriminator": [6] }));
        }),
        ["account-added safe Point"]
    );
    assert_eq!(
        found(|new| {
            list(new, "accounts")[0]["name"] = json!("Safe");
            list(new, "types")[0]["name"] = json!("Safe");
        }),
        ["account-renamed safe Vault"]
    );
    assert_eq!(
        found(|new| new["address"] = json!("11111111111111111111111111111113")),
        ["program-address-changed breaking address"]
    );
    assert_eq!(
        found(|new| new["address"] = json!("nobody's")),
        ["program-address-changed breaking address"]
    );
}

#[test]
fn what_is_not_compared_is_no_reason_to_pass() {
    let legacy = json!({ "version": "0.1.0", "name": "vaults", "instructions": [] });
    assert_eq!(
        between(
            &of_types(&json!([{ "name": "A", "type": { "kind": "struct" } }])),
            &legacy
        ),
        [
            "format-older breaking metadata.spec",
            "account-removed breaking A"
        ]
    );
    // The signer is beyond what is listed.
    let more = found(|new| {
        for number in 0..MAX_CHANGES {
            let name = format!("Added{number}");
            let head = (number as u32 + 0x0a00_0000).to_be_bytes();
            list(new, "accounts").push(json!({ "name": name, "discriminator": head }));
        }
        list(new, "metas")[0]["signer"] = json!(false);
    });
    assert_eq!(more.len(), MAX_CHANGES + 1);
    assert_eq!(
        more.last().unwrap(),
        "not-compared breaking all further changes"
    );
    let deep = |leaf: &str| {
        let mut types = vec![];
        for level in 0..70 {
            let ty = match level {
                69 => json!(leaf),
                _ => json!({ "defined": { "name": format!("T{}", level + 1) } }),
            };
            let fields = json!([field("f", ty)]);
            types.push(json!({ "name": format!("T{level}"), "type": { "kind": "struct", "fields": fields } }));
        }
        of_types(&json!(types))
    };
    let found = between(&deep("u64"), &deep("i64"));
    assert_eq!(found.len(), 1);
    assert!(found[0].starts_with("not-compared breaking T0.f.f"));
}

#[test]
fn every_rule_is_tried() {
    let source = [
        include_str!("tests.rs"),
        include_str!("tests/discriminators.rs"),
        include_str!("tests/evidence.rs"),
        include_str!("tests/interface.rs"),
        include_str!("tests/types.rs"),
        include_str!("tests/zero_copy.rs"),
    ]
    .concat();
    for rule in Rule::ALL {
        let known = source.contains(&format!("\"{} ", rule.id()))
            || source.contains(&format!("Rule::{rule:?}"));
        assert!(known, "{}", rule.id());
    }
}

#[test]
fn the_page_lists_every_rule() {
    let page = include_str!("../../../docs/layout.md");
    for rule in Rule::ALL {
        let (id, verdict, meaning) = (rule.id(), rule.usual().name(), rule.meaning());
        let row = format!("| `{id}` | {verdict} | {meaning} |");
        assert!(page.contains(&row), "docs/layout.md lacks {row}");
    }
    let rows = page.lines().filter(|line| line.starts_with("| `"));
    assert_eq!(rows.count(), Rule::ALL.len());
}

#[test]
fn recursive_types_are_compared_once() {
    let tree = |leaf: &str| {
        let mut json = base();
        list(&mut json, "Vault").push(field("tree", json!({ "defined": { "name": "Tree" } })));
        let fields = json!([
            { "name": "left", "type": { "option": { "defined": { "name": "Tree" } } } },
            { "name": "right", "type": { "option": { "defined": { "name": "Tree" } } } },
            { "name": "leaf", "type": leaf },
        ]);
        list(&mut json, "types")
            .push(json!({ "name": "Tree", "type": { "kind": "struct", "fields": fields } }));
        idl(&json)
    };
    assert!(compare(&tree("u64"), &tree("u64")).changes.is_empty());
    let report = compare(&tree("u64"), &tree("u32"));
    let retyped = report
        .changes
        .iter()
        .filter(|change| change.rule == Rule::FieldRetyped);
    // Once at the end, once where something follows.
    assert!((1..=2).contains(&retyped.count()));
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(64))]
    /// Comparing an IDL with itself finds nothing, whatever fields are added to both.
    #[test]
    fn the_same_is_the_same(names in proptest::collection::vec("[a-z]{1,3}", 0..8)) {
        let mut json = base();
        for name in names {
            list(&mut json, "Vault").push(field(&name, json!("u8")));
        }
        prop_assert!(compare(&idl(&json), &idl(&json)).changes.is_empty());
    }
}
