//! Accounts that are read as they lie in memory.

use serde_json::{json, Value as Json};

use super::{base, between, field, found, idl, in_memory, list, of_types};
use crate::layout::{compare, Rule, Verdict};

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

/// Fields may move though no list of fields has changed.
#[test]
fn alignment_within_zero_copy_accounts() {
    let inner = |more: &[Json]| {
        let fields = [&[field("x", json!("u32")), field("y", json!("u8"))], more].concat();
        in_memory("Inner", json!(fields))
    };
    let outer = |inner: Json, behind: &[Json]| {
        let mine = field("inner", json!({ "defined": { "name": "Inner" } }));
        let fields = [&[field("head", json!("u32")), mine], behind].concat();
        of_types(&json!([in_memory("A", json!(fields)), inner]))
    };
    let last = [field("last", json!("u32"))];
    let old = outer(inner(&[]), &last);
    let with = |repr: Json| {
        let mut inner = inner(&[]);
        inner["repr"] = repr;
        outer(inner, &last)
    };
    assert_eq!(
        between(&old, &with(json!({ "kind": "c", "packed": true }))),
        ["encoding-changed breaking A.inner"]
    );
    assert_eq!(
        between(&old, &with(json!({ "kind": "c", "align": 16 }))),
        [
            "field-moved breaking A.inner",
            "encoding-changed breaking A.inner",
            "account-grown breaking A"
        ]
    );
    // What is aligned so anyhow.
    assert_eq!(
        between(&old, &with(json!({ "kind": "c", "align": 4 }))),
        ["encoding-changed safe A.inner"]
    );
    // At the very end, but its new field is aligned to eight bytes and takes the whole with it.
    assert_eq!(
        between(
            &outer(inner(&[]), &[]),
            &outer(inner(&[field("z", json!("u64"))]), &[])
        ),
        [
            "field-moved breaking A.inner",
            "field-appended safe A.inner.z",
            "account-grown breaking A"
        ]
    );
    // Each fits where the old one was, but the next one of the array does not.
    let listed = |first: Json| {
        let item = json!({ "array": [{ "defined": { "name": "Inner" } }, 2] });
        let inner = in_memory("Inner", json!([first, field("a", json!("u32"))]));
        of_types(&json!([
            in_memory("A", json!([field("list", item)])),
            inner
        ]))
    };
    let reserve = field("_reserved", json!({ "array": ["u8", 8] }));
    let broken = between(&listed(reserve), &listed(field("fee", json!("u64"))));
    assert_eq!(
        broken,
        [
            "field-removed breaking A.list[]._reserved",
            "field-inserted breaking A.list[].fee",
            "account-grown breaking A"
        ]
    );
}

#[test]
fn a_struct_within_another_is_written_otherwise() {
    let with = |change: &dyn Fn(&mut Json)| {
        let mut inner = json!({ "name": "Inner", "type": { "kind": "struct", "fields": [
            field("flag", json!("u8")), field("amount", json!("u64")) ] } });
        change(&mut inner);
        let fields = json!([
            field("inner", json!({ "defined": { "name": "Inner" } })),
            field("x", json!("u8"))
        ]);
        of_types(&json!([{ "name": "A", "type": { "kind": "struct", "fields": fields } }, inner]))
    };
    let old = with(&|_| ());
    assert_eq!(
        between(
            &old,
            &with(&|inner| inner["serialization"] = json!("bytemuck"))
        ),
        [
            "encoding-changed breaking A.inner",
            "account-grown breaking A"
        ]
    );
    let custom = |inner: &mut Json| inner["serialization"] = json!({ "custom": "own" });
    let found = between(&old, &with(&custom));
    assert_eq!(found[0], "encoding-changed breaking A.inner");
}

#[test]
fn reserves_become_anything_of_their_size() {
    let pool = |change: &dyn Fn(&mut Vec<Json>)| found(|new| change(list(new, "Pool")));
    assert_eq!(
        pool(&|list| list[2]["name"] = json!("salt")),
        ["reserve-used safe Pool.salt"]
    );
    assert_eq!(pool(&|list| list[2]["name"] = json!("_padding")), [""; 0]);
    // A field that is given up is a field less.
    assert_eq!(
        pool(&|list| list[1]["name"] = json!("_unused")),
        ["field-renamed breaking Pool.rate"]
    );
}
