//! Fields and variants of what accounts hold.

use serde_json::{json, Value as Json};

use super::{between, field, found, list, of_types};

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
        ["field-renamed breaking Vault.total"]
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
fn another_name_may_be_another_thing() {
    let positions = |names: [&str; 2]| {
        let fields = json!([field(names[0], json!("u64")), field(names[1], json!("u64"))]);
        of_types(&json!([{ "name": "A", "type": { "kind": "struct", "fields": fields } }]))
    };
    let old = positions(["collateral", "debt"]);
    // What was owed is owned now.
    assert_eq!(
        between(&old, &positions(["debt_amount", "collateral_amount"])),
        [
            "field-renamed breaking A.collateral",
            "field-renamed breaking A.debt"
        ]
    );
    assert_eq!(
        between(&old, &positions(["Collateral", "_debt"])),
        [
            "field-renamed safe A.collateral",
            "field-renamed safe A.debt"
        ]
    );
    let tuple =
        of_types(&json!([{ "name": "A", "type": { "kind": "struct", "fields": ["u64", "u64"] } }]));
    assert_eq!(between(&tuple, &old), [""; 0]);
    assert_eq!(
        found(|new| list(new, "State")[1]["name"] = json!("PAUSED")),
        ["variant-renamed safe Vault.state::Paused"]
    );
}

#[test]
fn variants_share_their_bytes() {
    let account = |open: Json, list: u64| {
        let shut = json!([
            field("at", json!("i64")),
            field("keys", json!({ "array": ["u8", 8] }))
        ]);
        let last = json!([field("keys", json!({ "array": ["u8", list] }))]);
        of_types(&json!([
            { "name": "A", "type": { "kind": "struct", "fields": [field("state", json!({ "defined": { "name": "State" } }))] } },
            { "name": "State", "type": { "kind": "enum", "variants": [
                { "name": "None" }, { "name": "Open", "fields": open }, { "name": "Shut", "fields": shut }, { "name": "Last", "fields": last } ] } },
        ]))
    };
    // Nothing follows, and the account does not grow; but there may be what `Shut` has left.
    let old = account(json!([]), 2);
    assert_eq!(
        between(&old, &account(json!([field("since", json!("i64"))]), 2)),
        ["field-appended breaking A.state::Open.since"]
    );
    assert_eq!(
        between(&old, &account(json!([]), 4)),
        ["array-resized breaking A.state::Last.keys"]
    );
}

#[test]
fn types_that_are_not_in_the_idl_or_generic() {
    let with = |ty: Json| {
        of_types(&json!([
            { "name": "A", "type": { "kind": "struct", "fields": [field("x", ty), field("y", json!("u8"))] } },
            { "name": "Buffer", "generics": [{ "kind": "type", "name": "T" }, { "kind": "const", "name": "N", "type": "usize" }],
              "type": { "kind": "struct", "fields": [field("list", json!({ "array": [{ "generic": "T" }, { "generic": "N" }] }))] } },
        ]))
    };
    let coption = |ty: &str| json!({ "defined": { "name": "COption", "generics": [{ "kind": "type", "type": ty }] } });
    assert_eq!(
        between(&with(coption("u64")), &with(coption("u64"))),
        [""; 0]
    );
    let retyped = ["field-retyped breaking A.x"];
    assert_eq!(
        between(&with(coption("u64")), &with(coption("pubkey"))),
        retyped
    );
    let option = with(json!({ "option": "u64" }));
    assert_eq!(between(&option, &with(coption("u64")))[..1], retyped);
    let buffer = |ty: &str, len: &str| {
        with(
            json!({ "defined": { "name": "Buffer", "generics": [{ "kind": "type", "type": ty }, { "kind": "const", "value": len }] } }),
        )
    };
    assert_eq!(
        between(&buffer("u64", "4"), &buffer("u64", "1_2")),
        [
            "array-resized breaking A.x.list",
            "account-grown breaking A"
        ]
    );
    assert_eq!(
        between(&buffer("u64", "4"), &buffer("i64", "4")),
        ["field-retyped breaking A.x.list[]"]
    );
    // Borsh writes both alike.
    let bytes = (json!("bytes"), json!({ "vec": "u8" }));
    assert_eq!(
        between(&with(bytes.0), &with(bytes.1)),
        ["field-retyped safe A.x"]
    );
    assert_eq!(
        between(&with(json!("bytes")), &with(json!("string"))),
        retyped
    );
}
