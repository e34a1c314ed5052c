//! A table of changes, and what each is called.

mod evidence;
mod interface;

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

/// Rules, verdicts and places of what a change of the base leads to.
fn found(change: impl FnOnce(&mut Json)) -> Vec<String> {
    let mut new = base();
    change(&mut new);
    let report = compare(&idl(&base()), &idl(&new));
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
fn fields_of_accounts() {
    let vault = |change: &dyn Fn(&mut Vec<Json>)| found(|new| change(list(new, "Vault")));
    assert_eq!(
        vault(&|list| drop(list.remove(1))),
        ["field-removed breaking Vault.total"]
    );
    assert_eq!(
        vault(&|list| drop(list.remove(4))),
        ["field-removed breaking Vault.limit"]
    );
    assert_eq!(vault(&|list| list.swap(0, 1)).len(), 1);
    assert!(vault(&|list| list.swap(0, 1))[0].starts_with("field-moved breaking Vault."));
    assert_eq!(
        vault(&|list| list[1]["type"] = json!("u128")),
        [
            "field-retyped breaking Vault.total",
            "account-grown breaking Vault"
        ]
    );
    assert_eq!(
        vault(&|list| list[1]["type"] = json!("i64")),
        ["field-retyped breaking Vault.total"]
    );
    assert_eq!(
        vault(&|list| list.insert(1, field("fee", json!("u16")))),
        [
            "field-inserted breaking Vault.fee",
            "account-grown breaking Vault"
        ]
    );
    assert_eq!(
        vault(&|list| list.push(field("fee", json!("u16")))),
        [
            "field-appended safe Vault.fee",
            "account-grown breaking Vault"
        ]
    );
    assert_eq!(
        vault(&|list| list[1]["name"] = json!("sum")),
        ["field-renamed safe Vault.total"]
    );
    assert_eq!(
        vault(&|list| list[4]["type"] = json!({ "option": "u64" })),
        ["field-retyped breaking Vault.limit"]
    );
    assert_eq!(
        vault(&|list| list[3]["type"] = json!({ "vec": "u32" })),
        ["field-retyped breaking Vault.points[]"]
    );
    assert_eq!(
        vault(&|list| list[0]["type"] = json!({ "array": ["u8", 32] })),
        ["field-retyped safe Vault.admin"]
    );
    assert_eq!(
        vault(&|list| list[4]["type"] = json!("u32")),
        [
            "field-retyped breaking Vault.limit",
            "account-grown breaking Vault"
        ]
    );
    // In place of what was last.
    assert_eq!(
        vault(&|list| list[4] = field("other", json!("string"))),
        [
            "field-removed breaking Vault.limit",
            "field-inserted breaking Vault.other",
            "account-grown breaking Vault"
        ]
    );
}

#[test]
fn types_within_types() {
    let appended = |new: &mut Json| list(new, "Point").push(field("z", json!("u32")));
    assert_eq!(
        found(appended),
        ["field-appended breaking Vault.points[].z"]
    );
    assert_eq!(
        found(|new| list(new, "Point").swap(0, 1)),
        ["field-moved breaking Vault.points[].x"]
    );
    // The same bytes, grouped otherwise.
    assert_eq!(
        found(|new| {
            list(new, "types").push(field(
                "Amount",
                json!({ "kind": "struct", "fields": ["u64"] }),
            ));
            list(new, "Vault")[1]["type"] = json!({ "defined": { "name": "Amount" } });
        }),
        ["field-retyped safe Vault.total"]
    );
    // An alias changes nothing.
    assert!(found(|new| {
        list(new, "types").push(field("Amount", json!({ "kind": "type", "alias": "u64" })));
        list(new, "Vault")[1]["type"] = json!({ "defined": { "name": "Amount" } });
    })
    .is_empty());
    // Another name for the same type, and a type that is not there.
    assert!(found(|new| {
        list(new, "types")[2]["name"] = json!("Spot");
        list(new, "Vault")[3]["type"] = json!({ "vec": { "defined": { "name": "Spot" } } });
    })
    .is_empty());
}

#[test]
fn variants_of_enums() {
    let state = |change: &dyn Fn(&mut Vec<Json>)| found(|new| change(list(new, "State")));
    assert_eq!(state(&|list| list.swap(0, 1)).len(), 1);
    assert!(state(&|list| list.swap(0, 1))[0].starts_with("variant-moved breaking Vault.state::"));
    assert_eq!(
        state(&|list| drop(list.remove(1))),
        ["variant-removed breaking Vault.state::Paused"]
    );
    assert_eq!(
        state(&|list| list.insert(1, json!({ "name": "Draining" }))),
        ["variant-inserted breaking Vault.state::Draining"]
    );
    assert_eq!(
        state(&|list| list.push(json!({ "name": "Draining" }))),
        ["variant-appended safe Vault.state::Draining"]
    );
    assert_eq!(
        state(&|list| list[1]["name"] = json!("Halted")),
        ["variant-renamed breaking Vault.state::Paused"]
    );
    assert_eq!(
        state(&|list| list[2]["fields"] = json!([{ "name": "at", "type": "u32" }])),
        ["field-retyped breaking Vault.state::Shut.at"]
    );
    assert_eq!(
        state(&|list| list[2]["fields"] =
            json!([{ "name": "at", "type": "i64" }, { "name": "by", "type": "pubkey" }])),
        ["field-appended breaking Vault.state::Shut.by"]
    );
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
}

#[test]
fn zero_copy_accounts() {
    let pool = |change: &dyn Fn(&mut Vec<Json>)| found(|new| change(list(new, "Pool")));
    let reserve = |bytes: u64| field("_reserved", json!({ "array": ["u8", bytes] }));
    assert_eq!(
        pool(&|list| {
            list[2] = reserve(8);
            list.insert(2, field("fee", json!("u64")));
        }),
        ["reserve-used safe Pool.fee"]
    );
    assert_eq!(
        pool(&|list| list[2] = field("owner", json!("u128"))),
        ["reserve-used safe Pool.owner"]
    );
    // More than was reserved.
    assert_eq!(
        pool(&|list| {
            list[2] = reserve(16);
            list.insert(2, field("fee", json!("u64")));
        }),
        [
            "field-inserted breaking Pool.fee",
            "account-grown breaking Pool"
        ]
    );
    assert_eq!(
        pool(&|list| list[2] = reserve(24)),
        [
            "array-resized breaking Pool._reserved",
            "account-grown breaking Pool"
        ]
    );
    assert_eq!(
        pool(&|list| list.push(field("more", json!("u64")))),
        [
            "field-appended safe Pool.more",
            "account-grown breaking Pool"
        ]
    );
    // Without padding both encodings are the same bytes; with it they are not.
    let plain = |new: &mut Json| {
        let def = new["types"][3].as_object_mut().unwrap();
        def.remove("serialization");
        def.remove("repr");
    };
    assert_eq!(found(plain), ["encoding-changed safe Pool"]);
    let mut old = base();
    list(&mut old, "Pool").insert(0, field("flag", json!("u8")));
    let mut new = old.clone();
    plain(&mut new);
    let report = compare(&idl(&old), &idl(&new));
    assert_eq!(report.changes.len(), 1);
    assert_eq!(
        (report.changes[0].rule, report.changes[0].verdict),
        (Rule::EncodingChanged, Verdict::Breaking)
    );
    // A field where there was only padding.
    let mut filled = old.clone();
    list(&mut filled, "Pool").insert(1, field("kind", json!("u8")));
    let report = compare(&idl(&old), &idl(&filled));
    assert_eq!(report.changes.len(), 1);
    assert_eq!(report.changes[0].rule, Rule::ReserveUsed);
    let mut packed = old.clone();
    packed["types"][3]["repr"] = json!({ "kind": "c", "packed": true });
    let report = compare(&idl(&old), &idl(&packed));
    assert!(report
        .breaking()
        .any(|change| change.rule == Rule::EncodingChanged));
}

#[test]
fn every_rule_is_tried() {
    let source = [
        include_str!("tests.rs"),
        include_str!("tests/evidence.rs"),
        include_str!("tests/interface.rs"),
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
