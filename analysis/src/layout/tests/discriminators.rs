//! Discriminators that are another's, or nobody's.

use serde_json::{json, Value as Json};

use super::{between, found, list};

#[test]
fn one_that_begins_as_another() {
    let more = |name: &str, head: Json| json!({ "name": name, "discriminator": head, "args": [], "accounts": [] });
    let instructions =
        |name: &str, head: Json| found(|new| list(new, "instructions").push(more(name, head)));
    assert_eq!(
        instructions("steal", json!([1, 0])),
        [
            "instruction-added safe steal",
            "discriminator-ambiguous breaking steal"
        ]
    );
    assert_eq!(
        instructions("steal", json!([1, 0, 5])),
        [
            "instruction-added safe steal",
            "discriminator-ambiguous breaking steal"
        ]
    );
    // Whatever is sent is taken for it.
    assert_eq!(
        instructions("steal", json!([1])),
        [
            "instruction-added safe steal",
            "discriminator-ambiguous breaking deposit"
        ]
    );
    assert_eq!(
        instructions("more", json!([1, 1])),
        ["instruction-added safe more"]
    );
    assert_eq!(
        found(|new| list(new, "accounts")[1]["discriminator"] = json!([9, 9, 1])),
        [
            "account-discriminator-changed breaking Pool",
            "discriminator-ambiguous breaking Pool"
        ]
    );
    assert_eq!(
        found(|new| list(new, "events").push(json!({ "name": "Point", "discriminator": [7, 7] }))),
        [
            "event-added safe Point",
            "discriminator-ambiguous breaking Point"
        ]
    );
    // An account and an event are never taken for each other; what was so before is no change.
    assert_eq!(
        found(|new| list(new, "accounts").push(json!({ "name": "Point", "discriminator": [7, 7] }))),
        ["account-added safe Point"]
    );
    let mut old = super::base();
    list(&mut old, "instructions").push(more("again", json!([2, 0])));
    assert_eq!(between(&old, &old), [""; 0]);
}

#[test]
fn one_that_has_another_s_name() {
    assert_eq!(
        found(|new| {
            let mut open = list(new, "instructions")[0].clone();
            open["discriminator"] = json!([6]);
            open["accounts"][0]["signer"] = json!(false);
            list(new, "instructions").push(open);
        }),
        ["not-compared breaking deposit"]
    );
}

#[test]
fn one_that_an_empty_account_has_too() {
    for head in [json!([0, 0]), json!([])] {
        let found = found(|new| list(new, "accounts")[0]["discriminator"] = head.clone());
        assert!(
            found.contains(&"discriminator-ambiguous breaking Vault".to_string()),
            "{found:?}"
        );
    }
}
