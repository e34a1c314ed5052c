//! Whatever is given for an IDL, account data, a file of invariants: an error or a value, in bounded time and memory.
//!
//! `PORTCULLIS_FUZZ_SECONDS=600` goes on for so long.

use std::{
    cell::Cell,
    env,
    time::{Duration, Instant},
};

use proptest::{
    prelude::*,
    test_runner::{Config, TestRunner},
};
use serde_json::{json, Value as Json};
use solana_sdk::{account::Account, pubkey::Pubkey};

use crate::{
    idl::{chain, Idl},
    invariants::{Idls, Invariants, Snapshot},
    layout::{compare, evidence},
};

const PORTCULLIS: &[u8] = include_bytes!("../../../artifacts/portcullis.json");

/// Runs the cases, and then again until the time is over.
fn long<S: Strategy>(strategy: &S, cases: u32, test: impl Fn(S::Value)) {
    let seconds = env::var("PORTCULLIS_FUZZ_SECONDS").ok();
    let seconds = seconds.and_then(|text| text.parse().ok()).unwrap_or(0);
    let end = Instant::now() + Duration::from_secs(seconds);
    loop {
        let mut runner = TestRunner::new(Config {
            failure_persistence: None,
            ..Config::with_cases(cases)
        });
        let run = runner.run(strategy, |value| {
            test(value);
            Ok(())
        });
        run.unwrap();
        if Instant::now() >= end {
            return;
        }
    }
}

fn name() -> impl Strategy<Value = String> {
    prop_oneof![
        8 => proptest::sample::select(vec!["A", "B", "C", "D", "T", "N"]).prop_map(str::to_string),
        1 => "[a-z_]{0,6}",
        1 => ".{0,3}",
    ]
}

fn ty() -> impl Strategy<Value = Json> {
    let names = vec![
        "bool", "u8", "i16", "u32", "u64", "i64", "u128", "i256", "f32", "f64", "bytes", "string",
        "pubkey",
    ];
    let plain = proptest::sample::select(vec!["A", "B"]);
    let leaf = prop_oneof![
        60 => proptest::sample::select(names).prop_map(|name| json!(name)),
        30 => plain.prop_map(|name| json!({ "defined": { "name": name } })),
        10 => (0..4_u8).prop_map(|len| {
            json!({ "defined": { "name": "D", "generics": [{ "kind": "const", "value": len.to_string() }] } })
        }),
        1 => name().prop_map(|name| json!({ "defined": { "name": name } })),
        1 => name().prop_map(|name| json!({ "generic": name })),
    ];
    leaf.prop_recursive(4, 12, 3, |inner| {
        prop_oneof![
            30 => inner.clone().prop_map(|ty| json!({ "option": ty })),
            30 => inner.clone().prop_map(|ty| json!({ "vec": ty })),
            5 => (inner.clone(), any::<u64>()).prop_map(|(ty, len)| json!({ "array": [ty, len] })),
            30 => (inner.clone(), 0..5_u64).prop_map(|(ty, len)| json!({ "array": [ty, len] })),
            20 => inner.clone().prop_map(|ty| {
                json!({ "defined": { "name": "C", "generics": [{ "kind": "type", "type": ty }] } })
            }),
            1 => (inner.clone(), name()).prop_map(|(ty, name)| json!({ "array": [ty, { "generic": name }] })),
            1 => (name(), name()).prop_map(|(name, value)| {
                json!({ "defined": { "name": name, "generics": [{ "kind": "const", "value": value }] } })
            }),
        ]
    })
}

fn fields() -> impl Strategy<Value = Json> {
    prop_oneof![
        proptest::collection::vec((name(), ty()), 0..6).prop_map(|list| {
            let list = list.into_iter();
            list.map(|(name, ty)| json!({ "name": name, "type": ty }))
                .collect()
        }),
        proptest::collection::vec(ty(), 0..4).prop_map(Json::from),
    ]
}

fn definition() -> impl Strategy<Value = Json> {
    let kind = prop_oneof![
        5 => fields().prop_map(|fields| json!({ "kind": "struct", "fields": fields })),
        2 => proptest::collection::vec((name(), fields()), 0..5).prop_map(|variants| {
            let variants = variants.into_iter();
            let variants: Json = variants.map(|(name, fields)| json!({ "name": name, "fields": fields })).collect();
            json!({ "kind": "enum", "variants": variants })
        }),
        1 => ty().prop_map(|ty| json!({ "kind": "type", "alias": ty })),
    ];
    let encoding = proptest::sample::select(vec!["borsh", "bytemuck", "bytemuckunsafe"]);
    (kind, encoding, any::<bool>()).prop_map(|(kind, encoding, packed)| {
        json!({ "type": kind, "serialization": encoding, "repr": { "kind": "c", "packed": packed } })
    })
}

fn idl() -> impl Strategy<Value = Json> {
    (proptest::collection::vec(definition(), 4), fields()).prop_map(|(definitions, args)| {
        let names = ["A", "B", "C", "D"];
        let types = names.iter().zip(definitions);
        let types: Json = types
            .map(|(name, mut definition)| {
                definition["name"] = json!(name);
                match *name {
                    "C" => {
                        let field = json!({ "name": "t", "type": { "generic": "T" } });
                        definition["generics"] = json!([{ "kind": "type", "name": "T" }]);
                        definition["type"] = json!({ "kind": "struct", "fields": [field] });
                    }
                    "D" => {
                        let list = json!({ "array": [{ "defined": { "name": "A" } }, { "generic": "N" }] });
                        let field = json!({ "name": "n", "type": list });
                        definition["generics"] = json!([{ "kind": "const", "name": "N", "type": "usize" }]);
                        definition["type"] = json!({ "kind": "struct", "fields": [field] });
                    }
                    _ => {}
                }
                definition
            })
            .collect();
        let described = |tag: u8| -> Json {
            // The others are generic.
            let names = names.iter().take(2).enumerate();
            names
                .map(|(index, name)| json!({ "name": name, "discriminator": [tag, index] }))
                .collect()
        };
        let args = match args.get(0).is_some_and(|first| first.get("name").is_some()) {
            true => args,
            false => json!([]),
        };
        json!({
            "address": Pubkey::new_from_array([3; 32]).to_string(),
            "metadata": { "name": "x", "version": "0", "spec": "0.1.0" },
            "instructions": [{ "name": "go", "discriminator": [9], "accounts": [], "args": args }],
            "accounts": described(1), "events": described(2), "types": types,
        })
    })
}

fn parsed(json: &Json) -> Option<Idl> {
    Idl::parse(json.to_string().as_bytes()).ok()
}

#[test]
fn any_idls_and_any_bytes() {
    let bytes = proptest::collection::vec(prop_oneof![3 => 0..3_u8, 1 => any::<u8>()], 0..200);
    let strategy = (idl(), idl(), bytes, 0..2_u8);
    let (tried, compared) = (Cell::new(0), Cell::new(0));
    long(&strategy, 200, |(old, new, bytes, kind)| {
        tried.set(tried.get() + 1);
        let (Some(old), Some(new)) = (parsed(&old), parsed(&new)) else {
            return;
        };
        compared.set(compared.get() + 1);
        let data = [[1, kind].as_slice(), &bytes].concat();
        let mut report = compare(&old, &new);
        assert!(compare(&old, &old).breaking().next().is_none());
        let accounts = [(Pubkey::new_from_array([5; 32]), data.clone())];
        let sample = evidence::Sample {
            accounts: &accounts,
            totals: Default::default(),
        };
        evidence::check(&old, &new, &sample, &mut report);
        if let Some(account) = old.account_of(&data) {
            if let Ok((value, used)) = old.decode(account, &data) {
                assert!(used <= data.len());
                let _ = (value.json(), value.to_string());
            }
        }
        let _ = old.decode_args(&old.instructions[0], &bytes);
    });
    // What is refused at once tries nothing.
    assert!(
        compared.get() * 4 > tried.get(),
        "{compared:?} of {tried:?}"
    );
}

#[test]
fn any_change_of_a_real_idl() {
    let edits =
        proptest::collection::vec((any::<prop::sample::Index>(), any::<u8>(), 0..3_u8), 1..6);
    let strategy = (edits, any::<prop::sample::Index>());
    let whole = Idl::parse(PORTCULLIS).unwrap();
    long(&strategy, 30, |(edits, end)| {
        let mut bytes = PORTCULLIS.to_vec();
        for (at, byte, how) in edits {
            let at = at.index(bytes.len());
            match how {
                0 => bytes[at] = byte,
                1 => drop(bytes.remove(at)),
                _ => bytes.insert(at, byte),
            }
        }
        if let Ok(changed) = Idl::parse(&bytes) {
            compare(&whole, &changed);
            compare(&changed, &whole);
        }
        bytes.truncate(end.index(bytes.len()));
        assert!(Idl::parse(&bytes).is_err());
    });
}

#[test]
fn any_account_that_should_hold_an_idl() {
    let head = prop_oneof![
        Just(vec![24, 70, 98, 191, 58, 144, 123, 158]),
        Just(vec![2]),
        Just(vec![])
    ];
    let strategy = (head, proptest::collection::vec(any::<u8>(), 0..300));
    long(&strategy, 200, |(head, rest)| {
        let data = [head, rest].concat();
        let _ = chain::read_anchor_idl(&data);
        let _ = chain::read_metadata_idl(&data);
    });
}

#[test]
fn any_file_of_invariants() {
    let word = proptest::sample::select(vec![
        "address", "pda", "all", "type", "program", "fields", "where", "size", "at_least",
        "optional", "true", "'A'", "'p'", "'mint'", "1", "-1", "{", "}", "=", ",", "[", "]", "'1'",
        "x", "offset", "seeds", "\n",
    ]);
    let words = proptest::collection::vec(word, 0..20).prop_map(|words| words.join(" "));
    let expression = proptest::collection::vec(
        proptest::sample::select(vec![
            "x",
            ".a",
            "[0]",
            "+",
            "<",
            "==",
            "sum(x)",
            ".map(y, y)",
            "1",
            "2.5",
            "(",
            ")",
            "&&",
            "size(x)",
            "'a'",
        ]),
        1..10,
    );
    let account = prop_oneof![
        words,
        Just("all = true, type = 'A', program = 'p'".to_string()),
        Just("all = true, type = 'B', program = 'p', where = { a = 1 }".to_string()),
        Just("address = '11111111111111111111111111111111', fields = { a = { offset = 3, type = 'u128' } }".to_string()),
    ];
    let data = proptest::collection::vec(any::<u8>(), 0..60);
    let strategy = (account, expression, idl(), data);
    long(&strategy, 60, |(account, expression, idl, data)| {
        let Some(idl) = parsed(&idl) else { return };
        let program = Pubkey::new_from_array([3; 32]);
        let text = format!(
            "[programs.p]\nid = '{program}'\n[limits]\nsteps = 10000\n[[invariants]]\nname = 'n'\n\
             expression = \"{}\"\naccounts = {{ x = {{ {account} }} }}",
            expression.join(" ")
        );
        let idls = Idls::from([("p".to_string(), idl)]);
        let Ok(invariants) = Invariants::parse(&text, idls) else {
            return;
        };
        let of = |head: &[u8]| Account {
            lamports: 1,
            data: [head, &data].concat(),
            owner: program,
            ..Account::default()
        };
        let snapshot = Snapshot {
            accounts: [
                (Pubkey::default(), of(&[])),
                (Pubkey::new_unique(), of(&[1, 0])),
                (Pubkey::new_unique(), of(&[1, 1])),
            ]
            .into(),
        };
        assert_eq!(invariants.evaluate(&snapshot).len(), 1);
    });
}
