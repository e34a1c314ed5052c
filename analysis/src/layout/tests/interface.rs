//! Instructions, events, errors and constants.

use serde_json::{json, Value as Json};

use super::{base, between, field, found, list};

#[test]
fn instructions() {
    assert_eq!(
        found(|new| drop(list(new, "instructions").remove(1))),
        ["instruction-removed breaking close"]
    );
    assert_eq!(
        found(|new| list(new, "instructions")[1]["name"] = json!("shut")),
        ["instruction-renamed safe close"]
    );
    assert_eq!(
        found(|new| list(new, "instructions")[1]["discriminator"] = json!([3])),
        ["instruction-discriminator-changed breaking close"]
    );
    assert_eq!(
        found(|new| {
            let more = json!({ "name": "more", "discriminator": [4], "args": [], "accounts": [] });
            list(new, "instructions").push(more);
        }),
        ["instruction-added safe more"]
    );
    assert_eq!(
        found(|new| new["instructions"][0]["returns"] = json!("u32")),
        ["return-changed breaking deposit"]
    );
    let args = |change: &dyn Fn(&mut Vec<Json>)| found(|new| change(list(new, "args")));
    assert_eq!(
        args(&|list| list.push(field("min", json!("u64")))),
        ["argument-added breaking deposit(min)"]
    );
    assert_eq!(
        args(&|list| drop(list.pop())),
        ["argument-removed breaking deposit(memo)"]
    );
    assert_eq!(
        args(&|list| list.swap(0, 1)),
        ["argument-moved breaking deposit(amount)"]
    );
    assert_eq!(
        args(&|list| list[0]["type"] = json!("u128")),
        ["argument-retyped breaking deposit(amount)"]
    );
    assert_eq!(
        args(&|list| list[0]["name"] = json!("lamports")),
        ["argument-renamed breaking deposit(amount)"]
    );
}

#[test]
fn accounts_of_instructions() {
    let metas = |change: &dyn Fn(&mut Vec<Json>)| found(|new| change(list(new, "metas")));
    let meta = |name: &str| json!({ "name": name });
    assert_eq!(
        metas(&|list| list.push(meta("clock"))),
        ["account-meta-added breaking deposit[clock]"]
    );
    assert_eq!(
        metas(&|list| list.insert(0, meta("clock"))),
        ["account-meta-added breaking deposit[clock]"]
    );
    assert_eq!(
        metas(&|list| drop(list[2]["accounts"].as_array_mut().unwrap().pop())),
        ["account-meta-removed breaking deposit[tokens.delegate]"]
    );
    assert_eq!(
        metas(&|list| list.swap(0, 1)),
        ["account-meta-moved breaking deposit[user]"]
    );
    assert_eq!(
        metas(&|list| list[0]["name"] = json!("owner")),
        ["account-meta-renamed breaking deposit[user]"]
    );
    for (at, key, value, rule) in [
        (
            0,
            "signer",
            json!(false),
            "account-meta-signer-dropped breaking deposit[user]",
        ),
        (
            1,
            "signer",
            json!(true),
            "account-meta-signer-added breaking deposit[vault]",
        ),
        (
            0,
            "writable",
            json!(false),
            "account-meta-writable-dropped safe deposit[user]",
        ),
        (
            1,
            "optional",
            json!(true),
            "account-meta-optional-added breaking deposit[vault]",
        ),
        (
            1,
            "relations",
            json!([]),
            "account-meta-relation-dropped breaking deposit[vault]",
        ),
        (
            0,
            "relations",
            json!(["x"]),
            "account-meta-relation-added safe deposit[user]",
        ),
        (
            1,
            "pda",
            json!(null),
            "account-meta-seeds-dropped breaking deposit[vault]",
        ),
        (
            0,
            "pda",
            json!({ "seeds": [] }),
            "account-meta-seeds-added breaking deposit[user]",
        ),
        (
            1,
            "pda",
            json!({ "seeds": [] }),
            "account-meta-seeds-changed breaking deposit[vault]",
        ),
        (
            0,
            "address",
            json!("x"),
            "account-meta-address-added breaking deposit[user]",
        ),
    ] {
        assert_eq!(metas(&|list| list[at][key] = value.clone()), [rule]);
    }
    let inner = |key: &'static str, at: usize, value: Json| {
        metas(&|list| list[2]["accounts"][at][key] = value.clone())
    };
    assert_eq!(
        inner("writable", 0, json!(true)),
        ["account-meta-writable-added breaking deposit[tokens.mint]"]
    );
    assert_eq!(
        inner("optional", 1, json!(false)),
        ["account-meta-optional-dropped breaking deposit[tokens.delegate]"]
    );
    assert_eq!(
        inner("address", 0, json!("x")),
        ["account-meta-address-changed breaking deposit[tokens.mint]"]
    );
    assert_eq!(
        inner("address", 0, json!(null)),
        ["account-meta-address-dropped breaking deposit[tokens.mint]"]
    );
}

#[test]
fn accounts_that_are_others_by_another_name() {
    // The same accounts, grouped otherwise.
    let found = found(|new| {
        let inner = list(new, "metas")[2]["accounts"].clone();
        list(new, "metas").pop();
        list(new, "metas").extend(inner.as_array().unwrap().clone());
    });
    assert_eq!(
        found,
        [
            "account-meta-renamed safe deposit[tokens.mint]",
            "account-meta-renamed safe deposit[tokens.delegate]"
        ]
    );
}

#[test]
fn an_account_that_may_be_left_out_is_not_checked() {
    let with = |meta: Json| {
        let mut idl = base();
        list(&mut idl, "metas").push(meta);
        idl
    };
    for (check, verdict) in [
        (json!({}), "safe"),
        (json!({ "writable": true }), "safe"),
        (json!({ "signer": true }), "breaking"),
        (
            json!({ "address": "11111111111111111111111111111111" }),
            "breaking",
        ),
        (json!({ "pda": { "seeds": [] } }), "breaking"),
        (json!({ "relations": ["vault"] }), "breaking"),
    ] {
        let mut meta = check.clone();
        meta["name"] = json!("guard");
        let old = with(meta.clone());
        meta["optional"] = json!(true);
        assert_eq!(
            between(&old, &with(meta)),
            [format!(
                "account-meta-optional-added {verdict} deposit[guard]"
            )],
            "{check}"
        );
    }
}

#[test]
fn what_is_returned_is_read() {
    let with = |change: &dyn Fn(&mut Json)| {
        let mut idl = base();
        let state = json!({ "defined": { "name": "State" } });
        list(&mut idl, "instructions")[0]["returns"] = state.clone();
        list(&mut idl, "args")[0]["type"] = state;
        change(&mut idl);
        idl
    };
    // Callers may send no new variant, but they get it.
    assert_eq!(
        between(
            &with(&|_| ()),
            &with(&|idl| list(idl, "State").push(json!({ "name": "Draining" })))
        ),
        [
            "variant-appended safe Vault.state::Draining",
            "variant-appended safe deposit(amount)::Draining",
            "return-changed breaking deposit"
        ]
    );
}

#[test]
fn events_errors_and_constants() {
    assert_eq!(
        found(|new| drop(list(new, "events").pop())),
        ["event-removed breaking Paid"]
    );
    assert_eq!(
        found(|new| list(new, "events")[0]["discriminator"] = json!([1])),
        ["event-discriminator-changed breaking Paid"]
    );
    assert_eq!(
        found(|new| list(new, "Paid").push(field("fee", json!("u64")))),
        ["field-appended safe Paid.fee"]
    );
    assert_eq!(
        found(|new| list(new, "Paid").insert(0, field("fee", json!("u64")))),
        ["field-inserted breaking Paid.fee"]
    );
    assert_eq!(
        found(|new| {
            list(new, "events")[0]["name"] = json!("Sent");
            list(new, "types")[4]["name"] = json!("Sent");
        }),
        ["event-renamed safe Paid"]
    );
    assert_eq!(
        found(|new| list(new, "events").push(json!({ "name": "Point", "discriminator": [1] }))),
        ["event-added safe Point"]
    );
    let errors = |change: &dyn Fn(&mut Vec<Json>)| found(|new| change(list(new, "errors")));
    assert_eq!(
        errors(&|list| drop(list.pop())),
        ["error-removed breaking error 6001"]
    );
    assert_eq!(
        errors(&|list| list[1]["name"] = json!("Open")),
        ["error-replaced breaking error 6001"]
    );
    assert_eq!(
        errors(&|list| list[1]["code"] = json!(6002)),
        ["error-renumbered breaking error Closed"]
    );
    assert_eq!(
        errors(&|list| list[0]["msg"] = json!("low")),
        ["error-message-changed safe error 6000"]
    );
    assert_eq!(
        errors(&|list| list.push(json!({ "code": 6002, "name": "New" }))),
        ["error-added safe error 6002"]
    );
    assert_eq!(
        found(|new| new["constants"][0]["value"] = json!("0")),
        ["constant-changed safe const FEE"]
    );
    assert_eq!(
        found(|new| drop(list(new, "constants").pop())),
        ["constant-removed safe const FEE"]
    );
    // Another admin, another seed.
    for ty in [
        json!("pubkey"),
        json!("bytes"),
        json!("string"),
        json!({ "array": ["u8", 4] }),
    ] {
        let with = |value: &str| {
            let mut idl = base();
            list(&mut idl, "constants")[0] = json!({ "name": "SEED", "type": ty, "value": value });
            idl
        };
        assert_eq!(
            between(&with("a"), &with("b")),
            ["constant-changed breaking const SEED"]
        );
    }
}
