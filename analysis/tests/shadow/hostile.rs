//! Bundles that nobody should have written: an error or a report, never a panic, and bounded memory.

use std::{
    io::{Cursor, Read, Write},
    sync::LazyLock,
    time::{Duration, Instant},
};

use flate2::{write::GzEncoder, Compression};
use portcullis_analysis::{
    idl::Idl,
    invariants::{Idls, Invariants},
    shadow::{
        self, bundle::Header, Knowledge, Limits, Options, Reader, Report, ShadowError, Writer,
    },
};
use portcullis_localnet::samples;
use proptest::prelude::*;
use serde_json::{json, Value};
use solana_sdk::{
    instruction::{AccountMeta, Instruction},
    pubkey::Pubkey,
    signature::Signer,
};

use crate::{recording::Chain, token::PROGRAM, traffic::Traffic, vault::deposits::IDL};

/// A bundle of a few transactions.
static GOOD: LazyLock<Vec<u8>> = LazyLock::new(|| {
    let mut traffic = Traffic::new(PROGRAM, 1);
    let payer = traffic.payer.pubkey();
    // The smallest program there is: the bundle is parsed again and again.
    let mut chain = Chain::new(PROGRAM, &samples::memo().unwrap(), payer);
    let make = |header: &Header| Writer::new(Vec::new(), header);
    let mut recorder = chain.recorder(make);
    for _ in 0..12 {
        chain.run(&mut recorder, &traffic.step().instructions);
    }
    recorder.finish().unwrap()
});

fn limits() -> Limits {
    Limits {
        line_bytes: 4 << 20,
        total_bytes: 64 << 20,
        accounts: 1_000,
        transactions: 1_000,
        state_bytes: 8 << 20,
    }
}

fn replay(from: impl Read + Send + 'static) -> Result<Report, ShadowError> {
    let options = Options {
        new_elf: samples::memo().unwrap(),
        old_elf: None,
        required_fidelity: 0.9,
        probes: true,
        knowledge: Knowledge {
            // Of another program: nothing it says need be so.
            idl: Some(Idl::parse(IDL.as_bytes()).unwrap()),
            invariants: Some(Invariants::parse(&Traffic::invariants(), Idls::new()).unwrap()),
            ..Knowledge::default()
        },
    };
    let reader = Reader::new(from, limits())?;
    let report = shadow::run(reader, options)?;
    // Whatever is in it can be shown.
    shadow::report::render(&report);
    shadow::page::render(&report);
    Ok(report)
}

fn of(bytes: &[u8]) -> Result<Report, ShadowError> {
    replay(Cursor::new(bytes.to_vec()))
}

fn gzip(bytes: &[u8]) -> Vec<u8> {
    let mut to = GzEncoder::new(Vec::new(), Compression::fast());
    to.write_all(bytes).unwrap();
    to.finish().unwrap()
}

fn lines(bytes: &[u8]) -> Vec<Value> {
    let lines = bytes
        .split(|byte| *byte == b'\n')
        .filter(|line| !line.is_empty());
    lines
        .map(|line| serde_json::from_slice(line).unwrap())
        .collect()
}

fn join(lines: &[Value]) -> Vec<u8> {
    let lines: Vec<String> = lines.iter().map(|line| format!("{line}\n")).collect();
    lines.concat().into_bytes()
}

#[test]
fn a_bundle_is_read_compressed_or_not() {
    let plain = of(&GOOD).unwrap();
    let packed = of(&gzip(&GOOD)).unwrap();
    assert_eq!(plain.bundle.transactions, 12);
    assert_eq!(plain.fidelity.reproduced, 12);
    // It is named by the file's hash, which differs.
    assert_ne!(plain.bundle.sha256, packed.bundle.sha256);
    assert_eq!(
        plain.bundle.sha256,
        solana_sha256_hasher::hash(&GOOD)
            .to_bytes()
            .iter()
            .map(|b| format!("{b:02x}"))
            .collect::<String>()
    );
    assert_eq!(plain.summary, packed.summary);
}

#[test]
fn a_bundle_that_was_cut_is_refused_wherever_it_was_cut() {
    let packed = gzip(&GOOD);
    for whole in [&*GOOD, &packed] {
        for part in 0..40 {
            let cut = &whole[..whole.len() * part / 40];
            let error = of(cut).unwrap_err();
            assert!(
                matches!(
                    error,
                    ShadowError::Truncated | ShadowError::Malformed { .. } | ShadowError::Io(_)
                ),
                "{part}: {error}"
            );
        }
        assert!(matches!(
            of(&whole[..whole.len() - 1]),
            Err(ShadowError::Truncated | ShadowError::Io(_))
        ));
    }
}

#[test]
fn what_is_too_large_is_refused_before_it_is_kept() {
    let too_large = |bytes: &[u8], expected: &str| match of(bytes) {
        Err(ShadowError::TooLarge { what, .. }) => assert_eq!(what, expected),
        other => panic!("{:?}", other.err()),
    };
    // A thousand times its size once it is unpacked.
    let header = GOOD.split_inclusive(|byte| *byte == b'\n').next().unwrap();
    let bomb = gzip(&[header, &vec![b' '; 512 << 20]].concat());
    assert!(bomb.len() < 4 << 20);
    too_large(&bomb, "bytes in a line");
    let account = json!({ "account": {
        "address": PROGRAM.to_string(), "lamports": 1, "owner": PROGRAM.to_string(), "rent_epoch": 0, "data": "" } });
    let many: Vec<Value> = [vec![lines(&GOOD)[0].clone()], vec![account; 1_001]].concat();
    too_large(&join(&many), "accounts");
    let mut large = lines(&GOOD);
    for number in 0..12_u8 {
        let address = solana_sdk::pubkey::Pubkey::new_from_array([number; 32]).to_string();
        let data = "AAAA".repeat(1 << 18);
        large.insert(1, json!({ "account": {
            "address": address, "lamports": 1, "owner": PROGRAM.to_string(), "rent_epoch": 0, "data": data } }));
    }
    too_large(&join(&large), "bytes of accounts");
}

#[test]
fn accounts_that_only_transactions_name_are_counted() {
    let bundle = |transactions: u64| {
        let payer = Traffic::new(PROGRAM, 1).payer.pubkey();
        let mut chain = Chain::new(PROGRAM, &samples::memo().unwrap(), payer);
        let make = |header: &Header| Writer::new(Vec::new(), header);
        let mut recorder = chain.recorder(make);
        for _ in 0..transactions {
            let metas = (0..200).map(|_| AccountMeta::new_readonly(Pubkey::new_unique(), false));
            let call = Instruction::new_with_bytes(PROGRAM, b"hello", metas.collect());
            chain.run(&mut recorder, &[call]);
        }
        let mut all = lines(&recorder.finish().unwrap());
        all[0]["header"]["pre_state"] = json!("snapshot");
        for line in &mut all {
            let before = line.pointer_mut("/transaction/outcome/balances/before");
            for lamports in before.and_then(Value::as_array_mut).into_iter().flatten() {
                *lamports = json!(lamports.as_u64().unwrap().max(5));
            }
        }
        of(&join(&all))
    };
    assert!(bundle(5).is_ok());
    match bundle(6) {
        Err(ShadowError::TooLarge { what, limit }) => {
            assert_eq!((what, limit), ("accounts", 1_000))
        }
        other => panic!("{:?}", other.err()),
    }
}

#[test]
fn what_a_bundle_says_of_itself_must_be_so() {
    let changed = |change: &dyn Fn(&mut Vec<Value>)| {
        let mut lines = lines(&GOOD);
        change(&mut lines);
        of(&join(&lines)).unwrap_err().to_string()
    };
    let says = |found: String, expected: &str| assert!(found.contains(expected), "{found}");
    says(
        changed(&|lines| lines[0]["header"]["kind"] = json!("other")),
        "it must be the header",
    );
    says(
        changed(&|lines| lines[0]["header"]["schema_version"] = json!(2)),
        "version 2",
    );
    says(
        changed(&|lines| lines[0]["header"]["deployed_sha256"] = json!("00")),
        "another hash",
    );
    says(
        changed(&|lines| lines[0]["header"]["extra"] = json!(1)),
        "unknown field",
    );
    says(changed(&|lines| drop(lines.remove(3))), "it counts");
    says(
        changed(&|lines| {
            let last = lines.len() - 2;
            lines.remove(last);
        }),
        "it counts",
    );
    says(
        changed(&|lines| lines.push(json!({ "end": { "accounts": 0, "transactions": 0 } }))),
        "follows",
    );
    says(changed(&|lines| lines.swap(1, 8)), "");
    says(
        changed(&|lines| lines.retain(|line| line.get("transaction").is_none())),
        "it counts",
    );
}

#[test]
fn a_lie_about_what_happened_is_not_judged() {
    let mut lines = lines(&GOOD);
    let at = lines
        .iter()
        .position(|line| line.get("transaction").is_some())
        .unwrap();
    let outcome = |line: &mut Value| line["transaction"]["outcome"].take();
    let mut lie = |place: usize, change: &dyn Fn(&mut Value)| {
        let mut found = outcome(&mut lines[at + place]);
        change(&mut found);
        lines[at + place]["transaction"]["outcome"] = found;
    };
    lie(0, &|outcome| outcome["error"] = json!("AccountInUse"));
    lie(1, &|outcome| {
        outcome["logs"][0] = json!("Program log: other")
    });
    lie(2, &|outcome| outcome["balances"]["after"][0] = json!(1));
    lie(3, &|outcome| {
        for when in ["before", "after"] {
            let lamports = outcome["balances"][when][0].as_u64().unwrap();
            outcome["balances"][when][0] = json!(lamports + 1);
        }
    });
    let report = of(&join(&lines)).unwrap();
    let found = report.fidelity.deviations;
    assert_eq!(
        (
            found.error,
            found.logs,
            found.balances,
            found.balances_before
        ),
        (1, 1, 1, 1)
    );
    assert_eq!((report.fidelity.reproduced, report.summary.judged), (8, 8));
    assert!(!report.is_faithful());
}

/// Numbers that follow each other without order.
struct Chance(u64);

impl Chance {
    fn below(&mut self, limit: usize) -> usize {
        self.0 ^= self.0 << 13;
        self.0 ^= self.0 >> 7;
        self.0 ^= self.0 << 17;
        (self.0 >> 11) as usize % limit.max(1)
    }
}

/// One change somewhere in a value: what stands there, or something that does not belong there.
fn disturb(value: &mut Value, chance: &mut Chance) {
    const OWNERS: [&str; 7] = [
        "11111111111111111111111111111111",
        "BPFLoaderUpgradeab1e11111111111111111111111",
        "BPFLoader2111111111111111111111111111111111",
        "NativeLoader1111111111111111111111111111111",
        "Sysvar1111111111111111111111111111111111111",
        "SysvarC1ock11111111111111111111111111111111",
        "SysvarRent111111111111111111111111111111111",
    ];
    match value {
        Value::Object(fields) if !fields.is_empty() => {
            let place = chance.below(fields.len());
            let Some((name, field)) = fields.iter_mut().nth(place) else {
                return;
            };
            match (name.as_str(), chance.below(3)) {
                ("owner" | "address" | "program", 0) => {
                    *field = json!(OWNERS[chance.below(OWNERS.len())]);
                }
                ("executable", _) => *field = json!(chance.below(2) == 0),
                _ => disturb(field, chance),
            }
        }
        Value::Array(list) if !list.is_empty() => match chance.below(4) {
            0 => drop(list.remove(chance.below(list.len()))),
            1 => {
                let copy = list[chance.below(list.len())].clone();
                list.push(copy);
            }
            _ => {
                let place = chance.below(list.len());
                disturb(&mut list[place], chance);
            }
        },
        Value::Number(_) => {
            let numbers = [0, 1, 255, u64::MAX, u64::MAX - 1, 1 << 63, 400_000_000];
            *value = json!(numbers[chance.below(numbers.len())]);
        }
        Value::String(text) => {
            let mut bytes = text.clone().into_bytes();
            match chance.below(4) {
                0 => bytes.truncate(chance.below(bytes.len())),
                1 => bytes.extend(b"AAAA"),
                _ if !bytes.is_empty() => {
                    let place = chance.below(bytes.len());
                    bytes[place] = b"ABCDabcd1234/+=z"[chance.below(16)];
                }
                _ => {}
            }
            *text = String::from_utf8_lossy(&bytes).into_owned();
        }
        other => *other = json!(chance.below(2)),
    }
}

/// Replays a bundle with changes; it does not matter what comes of it.
fn survives(seed: u64) {
    let chance = &mut Chance(seed | 1);
    let mut lines = lines(&GOOD);
    for _ in 0..=chance.below(4) {
        // The header is seldom what is changed.
        let place = chance.below(lines.len() * 4).min(lines.len() - 1);
        let place = if chance.below(8) == 0 {
            place
        } else {
            1 + chance.below(lines.len() - 2)
        };
        match chance.below(12) {
            0 => drop(lines.remove(place)),
            1 => {
                let other = chance.below(lines.len());
                lines.swap(place, other);
            }
            2 => lines.insert(place, lines[chance.below(lines.len())].clone()),
            _ => disturb(&mut lines[place], chance),
        }
    }
    // So that what follows the changes is looked at, the last line is made right.
    let count = |name: &str| lines.iter().filter(|line| line.get(name).is_some()).count();
    let end =
        json!({ "end": { "accounts": count("account"), "transactions": count("transaction") } });
    lines.retain(|line| line.get("end").is_none());
    lines.push(end);
    let mut bytes = join(&lines);
    if chance.below(6) == 0 {
        let place = chance.below(bytes.len());
        bytes[place] ^= 1 << chance.below(8);
    }
    let _ = of(&bytes);
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(64))]

    #[test]
    fn any_bytes_are_refused(bytes in proptest::collection::vec(any::<u8>(), 0..2_000)) {
        prop_assert!(of(&bytes).is_err());
        prop_assert!(of(&gzip(&bytes)).is_err());
        let header = GOOD.split_inclusive(|byte| *byte == b'\n').next().unwrap_or_default();
        prop_assert!(of(&[header, &bytes].concat()).is_err());
    }

    #[test]
    fn a_bundle_with_any_changes_gives_an_error_or_a_report(seed in any::<u64>()) {
        survives(seed);
    }
}

/// The same for longer: PORTCULLIS_FUZZ_SECONDS=600.
#[test]
fn changed_bundles_for_as_long_as_asked() {
    let seconds = std::env::var("PORTCULLIS_FUZZ_SECONDS").ok();
    let Some(seconds) = seconds.and_then(|text| text.parse().ok()) else {
        return;
    };
    let (begun, mut seed) = (Instant::now(), 0_u64);
    while begun.elapsed() < Duration::from_secs(seconds) {
        seed += 1;
        survives(seed.wrapping_mul(0x9e37_79b9_7f4a_7c15));
    }
    println!("{seed} bundles");
}
