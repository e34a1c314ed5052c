//! Reading IDLs and decoding with them.

use std::mem::offset_of;

use portcullis::state::{Council, Gate};
use serde_json::json;
use solana_sdk::pubkey::Pubkey;

use super::*;

const PORTCULLIS: &str = include_str!("../../../artifacts/portcullis.json");

pub fn idl_of(types: serde_json::Value, accounts: &[&str]) -> Idl {
    let accounts = accounts.iter().enumerate().map(
        |(index, name)| json!({ "name": name, "discriminator": [index + 1, 2, 3, 4, 5, 6, 7, 8] }),
    );
    let json = json!({
        "address": Pubkey::new_from_array([7; 32]).to_string(),
        "metadata": { "name": "vaults", "version": "0.1.0", "spec": "0.1.0" },
        "instructions": [],
        "accounts": accounts.collect::<Vec<_>>(),
        "types": types,
    });
    Idl::parse(json.to_string().as_bytes()).unwrap()
}

fn fields(list: serde_json::Value) -> serde_json::Value {
    json!([{ "name": "Vault", "type": { "kind": "struct", "fields": list } }])
}

fn decode(idl: &Idl, body: &[u8]) -> Result<(Value, usize), DecodeError> {
    let account = idl.account("Vault").unwrap();
    idl.decode(account, &[&account.discriminator, body].concat())
}

#[test]
fn portcullis_own_accounts_are_decoded() {
    let idl = Idl::parse(PORTCULLIS.as_bytes()).unwrap();
    assert_eq!(idl.program(), Some(portcullis::ID));
    let program = Pubkey::new_unique();
    let account = idl.account("Gate").unwrap();
    let mut data = account.discriminator.clone();
    data.resize(8 + size_of::<Gate>(), 0);
    let mut put = |offset: usize, bytes: &[u8]| {
        data[8 + offset..8 + offset + bytes.len()].copy_from_slice(bytes);
    };
    put(offset_of!(Gate, program), program.as_ref());
    put(offset_of!(Gate, life), &[3]);
    put(offset_of!(Gate, policy.threshold), &[2]);
    put(offset_of!(Gate, proposal_count), &[77]);
    put(offset_of!(Gate, last_emergency_at), &(-5_i64).to_le_bytes());
    put(offset_of!(Gate, log.sequence), &[9]);
    assert_eq!(idl.account_of(&data).unwrap().name, "Gate");
    let (value, used) = idl.decode(account, &data).unwrap();
    assert_eq!(used, data.len());
    assert_eq!(value.field("program"), Some(&Value::Key(program)));
    let number = |value: &Value, name: &str| value.field(name).unwrap().to_string();
    assert_eq!(number(&value, "life"), "3");
    assert_eq!(number(value.field("policy").unwrap(), "threshold"), "2");
    assert_eq!(number(&value, "proposal_count"), "77");
    assert_eq!(number(&value, "last_emergency_at"), "-5");
    assert_eq!(number(value.field("log").unwrap(), "sequence"), "9");
    for len in 0..data.len() {
        assert!(idl.decode(account, &data[..len]).is_err(), "{len}");
    }
    // Its size is the program's own.
    let mut sizes = size::Sizes::new(&idl.schema);
    for (name, size) in [
        ("Gate", size_of::<Gate>()),
        ("Council", size_of::<Council>()),
    ] {
        let (found, _) = sizes.memory(&idl.account(name).unwrap().ty).unwrap();
        assert_eq!(found, size as u64, "{name}");
    }
}

#[test]
fn every_borsh_type_is_decoded() {
    let idl = idl_of(
        json!([
            { "name": "Vault", "type": { "kind": "struct", "fields": [
                { "name": "open", "type": "bool" },
                { "name": "small", "type": "i16" },
                { "name": "large", "type": "u128" },
                { "name": "wide", "type": "i256" },
                { "name": "rate", "type": "f64" },
                { "name": "name", "type": "string" },
                { "name": "seed", "type": { "array": ["u8", 3] } },
                { "name": "blob", "type": "bytes" },
                { "name": "admin", "type": { "option": "pubkey" } },
                { "name": "list", "type": { "vec": "u32" } },
                { "name": "pair", "type": { "defined": { "name": "Pair", "generics": [
                    { "kind": "type", "type": "u8" }, { "kind": "const", "value": "2" } ] } } },
                { "name": "state", "type": { "defined": { "name": "State" } } },
            ] } },
            { "name": "Pair", "generics": [
                { "kind": "type", "name": "T" }, { "kind": "const", "name": "N", "type": "usize" } ],
              "type": { "kind": "struct", "fields": [
                { "generic": "T" }, { "array": [{ "generic": "T" }, { "generic": "N" }] } ] } },
            { "name": "State", "type": { "kind": "enum", "variants": [
                { "name": "Idle" },
                { "name": "Open", "fields": [{ "name": "until", "type": "u64" }] },
            ] } },
        ]),
        &["Vault"],
    );
    let mut body = vec![1];
    body.extend((-2_i16).to_le_bytes());
    body.extend(u128::MAX.to_le_bytes());
    body.extend([0xff; 32]);
    body.extend(0.25_f64.to_le_bytes());
    body.extend([2, 0, 0, 0, b'h', b'i']);
    body.extend([9, 8, 7]);
    body.extend([1, 0, 0, 0, 5]);
    body.push(0);
    body.extend([1, 0, 0, 0, 6, 0, 0, 0]);
    body.extend([1, 2, 3]);
    body.push(1);
    body.extend(u64::MAX.to_le_bytes());
    let (value, used) = decode(&idl, &body).unwrap();
    assert_eq!(used, 8 + body.len());
    assert_eq!(
        value.json(),
        json!({
            "open": true, "small": -2, "large": u128::MAX.to_string(), "wide": -1, "rate": "0.25", "name": "hi",
            "seed": "090807", "blob": "05", "admin": null, "list": [6], "pair": [1, "0203"],
            "state": { "Open": { "until": u64::MAX } },
        })
    );
    body[0] = 2;
    assert_eq!(
        decode(&idl, &body).unwrap_err().to_string(),
        "open: at byte 8: a bool or option must begin with 0 or 1, found 2"
    );
    for len in 1..body.len() {
        assert!(decode(&idl, &body[1..len]).is_err());
    }
}

#[test]
fn memory_has_gaps_and_borsh_has_none() {
    let of = |more: serde_json::Value| {
        let mut def = json!({ "name": "Vault", "type": { "kind": "struct", "fields": [
            { "name": "small", "type": "u8" }, { "name": "large", "type": "u64" }, { "name": "last", "type": "u16" },
        ] } });
        for (key, value) in more.as_object().unwrap() {
            def[key] = value.clone();
        }
        idl_of(json!([def]), &["Vault"])
    };
    let body: Vec<u8> = (1..=24).collect();
    for (more, used, large) in [
        (json!({}), 11, u64::from_le_bytes([2, 3, 4, 5, 6, 7, 8, 9])),
        (
            json!({ "serialization": "bytemuck", "repr": { "kind": "c" } }),
            24,
            u64::from_le_bytes([9, 10, 11, 12, 13, 14, 15, 16]),
        ),
        (
            json!({ "serialization": "bytemuckunsafe", "repr": { "kind": "rust", "packed": true } }),
            11,
            u64::from_le_bytes([2, 3, 4, 5, 6, 7, 8, 9]),
        ),
    ] {
        let (value, found) = decode(&of(more), &body).unwrap();
        assert_eq!(found, 8 + used);
        assert_eq!(value.field("large"), Some(&Value::Number(large.into())));
    }
    let custom = of(json!({ "serialization": { "custom": "wincode" } }));
    let error = decode(&custom, &body).unwrap_err().to_string();
    assert!(error.contains("by code of its own"), "{error}");
}

#[test]
fn an_old_idl_is_converted() {
    let old = json!({
        "version": "0.1.0", "name": "vaults",
        "instructions": [{
            "name": "depositTokens",
            "accounts": [
                { "name": "vaultAuthority", "isMut": true, "isSigner": true },
                { "name": "group", "accounts": [{ "name": "mint", "isMut": false, "isSigner": false, "isOptional": true }] },
            ],
            "args": [{ "name": "amountIn", "type": { "option": { "defined": "Side" } } }],
        }],
        "accounts": [{ "name": "Vault", "type": { "kind": "struct", "fields": [
            { "name": "totalDebt", "type": "u64" }, { "name": "owner", "type": "publicKey" } ] } }],
        "types": [{ "name": "Side", "type": { "kind": "enum", "variants": [{ "name": "Buy" }, { "name": "Sell", "fields": ["u8"] }] } }],
        "events": [{ "name": "Paid", "fields": [{ "name": "amount", "type": "u64", "index": false }] }],
        "errors": [{ "code": 6000, "name": "No", "msg": "no" }],
        "metadata": { "address": "11111111111111111111111111111111" },
    });
    let idl = Idl::parse(old.to_string().as_bytes()).unwrap();
    assert!(idl.legacy);
    let call = &idl.instructions[0];
    assert_eq!(call.name, "deposit_tokens");
    assert_eq!(call.args.list[0].name.as_ref(), "amount_in");
    // As `sha256("account:Vault")` and `sha256("global:deposit_tokens")` begin.
    assert_eq!(
        value::hex(&idl.accounts[0].discriminator),
        "d308e82b02987577"
    );
    assert_eq!(value::hex(&call.discriminator), "b053e512bf8fb096");
    let mut body = 5_u64.to_le_bytes().to_vec();
    body.extend([7; 32]);
    let (value, _) = decode(&idl, &body).unwrap();
    assert_eq!(value.field("total_debt"), Some(&Value::Number(5_u8.into())));
    for (name, snake) in [
        ("mintA2B", "mint_a2_b"),
        ("NFTMint", "nft_mint"),
        ("already_so", "already_so"),
        ("x", "x"),
    ] {
        assert_eq!(legacy::snake_case(name), snake);
    }
}

#[test]
fn other_formats_are_named() {
    let refused = |json: serde_json::Value| {
        Idl::parse(json.to_string().as_bytes())
            .unwrap_err()
            .to_string()
    };
    assert!(refused(json!({ "kind": "rootNode", "standard": "codama" })).contains("a Codama IDL"));
    let shank = json!({ "name": "x", "metadata": { "origin": "shank" } });
    assert!(refused(shank).contains("a Shank IDL"));
    assert!(refused(json!({ "name": "x" })).contains("missing field `version`"));
    assert!(refused(json!([])).contains("no Anchor IDL"));
    let large = vec![b' '; MAX_IDL_BYTES + 1];
    assert_eq!(
        Idl::parse(&large).unwrap_err(),
        IdlError::TooLarge("bytes", MAX_IDL_BYTES)
    );
}

#[test]
fn hostile_types_end_in_an_error() {
    // A list without an end in the data is one in the value only as deep as allowed.
    let endless = idl_of(
        fields(
            json!([{ "name": "next", "type": { "option": { "defined": { "name": "Vault" } } } }]),
        ),
        &["Vault"],
    );
    let (value, used) = decode(&endless, &[1, 1, 0, 9]).unwrap();
    assert_eq!(
        (value.to_string(), used),
        ("{next: {next: {next: null}}}".to_string(), 11)
    );
    let error = decode(&endless, &[1; 1_000]).unwrap_err().to_string();
    assert!(error.contains("nested more than 64 deep"), "{error}");

    let itself = idl_of(
        fields(json!([{ "name": "me", "type": { "defined": { "name": "Vault" } } }])),
        &["Vault"],
    );
    assert!(decode(&itself, &[1; 100]).is_err());
    let alias = json!([{ "name": "Vault", "type": { "kind": "type", "alias": { "defined": { "name": "Vault" } } } }]);
    assert!(decode(&idl_of(alias, &["Vault"]), &[1]).is_err());

    // Vectors of nothing, and products of them.
    let nothing = idl_of(
        json!([
            { "name": "Nothing", "type": { "kind": "struct" } },
            { "name": "Vault", "type": { "kind": "struct", "fields": [
                { "name": "all", "type": { "vec": { "defined": { "name": "Nothing" } } } } ] } },
        ]),
        &["Vault"],
    );
    assert!(decode(&nothing, &[0xff; 4]).is_err());
    let huge = idl_of(
        fields(
            json!([{ "name": "all", "type": { "array": [{ "array": ["u16", 1_u64 << 60] }, 1_u64 << 60] } }]),
        ),
        &["Vault"],
    );
    assert!(decode(&huge, &[0; 100]).is_err());
    let mut doubling = vec![json!({ "name": "T0", "type": { "kind": "struct" } })];
    for level in 1..60 {
        let below = json!({ "defined": { "name": format!("T{}", level - 1) } });
        doubling.push(json!({ "name": format!("T{level}"), "type": { "kind": "struct", "fields": [below, below] } }));
    }
    doubling.push(json!({ "name": "Vault", "type": { "kind": "struct", "fields": [{ "defined": { "name": "T59" } }] } }));
    let doubling = idl_of(json!(doubling), &["Vault"]);
    let error = decode(&doubling, &[]).unwrap_err().to_string();
    assert!(
        error.contains("more values than its bytes can be"),
        "{error}"
    );

    // A generic type that needs another instance of itself each time.
    let growing = json!({
        "address": "x", "metadata": { "name": "x", "version": "1", "spec": "0.1.0" }, "instructions": [],
        "accounts": [{ "name": "Vault", "discriminator": [1] }],
        "types": [
            { "name": "Vault", "type": { "kind": "struct", "fields": [{ "defined": { "name": "G", "generics": [{ "kind": "type", "type": "u8" }] } }] } },
            { "name": "G", "generics": [{ "kind": "type", "name": "T" }], "type": { "kind": "struct", "fields": [
                { "option": { "defined": { "name": "G", "generics": [{ "kind": "type", "type": { "vec": { "generic": "T" } } }] } } } ] } },
        ],
    });
    assert!(matches!(
        Idl::parse(growing.to_string().as_bytes()),
        Err(IdlError::TooLarge(..))
    ));
}

#[test]
fn names_and_lists_are_bounded() {
    let of = |json: serde_json::Value| Idl::parse(json.to_string().as_bytes());
    let with = |accounts: serde_json::Value, types: serde_json::Value| {
        of(json!({
            "address": "x", "metadata": { "name": "x", "version": "1", "spec": "0.1.0" }, "instructions": [],
            "accounts": accounts, "types": types,
        }))
    };
    let long = "x".repeat(257);
    let account = |name: &str, len: usize| json!({ "name": name, "discriminator": vec![1; len] });
    assert!(with(json!([account("A", 64)]), json!([])).is_ok());
    for (accounts, types) in [
        (json!([account(&long, 8)]), json!([])),
        (json!([account("A", 65)]), json!([])),
        (json!(vec![account("A", 1); 10_001]), json!([])),
        (
            json!([]),
            json!([{ "name": long, "type": { "kind": "struct" } }]),
        ),
        (
            json!([account("A", 1)]),
            json!([{ "name": "A", "type": { "kind": "struct", "fields": [{ "name": long, "type": "u8" }] } }]),
        ),
    ] {
        assert!(matches!(with(accounts, types), Err(IdlError::TooLarge(..))));
    }
    let twice = json!([{ "name": "A", "type": { "kind": "struct" } }, { "name": "A", "type": { "kind": "struct" } }]);
    let error = with(json!([]), twice).unwrap_err().to_string();
    assert!(error.contains("the type `A` is defined twice"), "{error}");
}
