//! Truncated, mutated and arbitrary ELFs: an answer or an error, never a panic, and an end. A few seconds by default;
//! `PORTCULLIS_FUZZ_SECONDS=600` makes it ten minutes for each of the tests.

mod common;

use std::{
    cell::Cell,
    env,
    time::{Duration, Instant},
};

use common::programs;
use portcullis_analysis::inspect::{Inspection, Policy, Subject};
use proptest::{
    prelude::*,
    test_runner::{Config, TestRunner},
};

fn inspect(bytes: Vec<u8>, against: &[u8]) -> bool {
    let subject = Subject::of(bytes);
    let against = Subject::of(against.to_vec());
    let policy = Policy::default();
    let alone = Inspection::new(&subject, None, &policy);
    let readable = alone.is_ok();
    if let Ok(alone) = alone {
        serde_json::to_string(&alone).unwrap();
        let compared = Inspection::new(&subject, Some(&against), &policy).unwrap();
        let text = serde_json::to_string(&compared).unwrap();
        assert!(text.len() < 64 << 20, "{} bytes of report", text.len());
        compared.sarif("x.so");
        Inspection::new(&against, Some(&subject), &policy).unwrap();
    }
    readable
}

fn seconds() -> Option<u64> {
    let text = env::var("PORTCULLIS_FUZZ_SECONDS").ok()?;
    text.parse().ok()
}

/// Runs a property for a while, or a few cases.
fn run<S: Strategy>(strategy: &S, cases: u32, test: impl Fn(S::Value) -> bool) {
    let until = seconds().map(|seconds| Instant::now() + Duration::from_secs(seconds));
    let (tried, readable) = (Cell::new(0_u64), Cell::new(0_u64));
    loop {
        let mut runner = TestRunner::new(Config {
            cases,
            failure_persistence: None,
            ..Config::default()
        });
        let outcome = runner.run(strategy, |value| {
            if until.is_none_or(|until| Instant::now() < until) {
                tried.set(tried.get() + 1);
                readable.set(readable.get() + u64::from(test(value)));
            }
            Ok(())
        });
        if let Err(error) = outcome {
            panic!("{error}");
        }
        if until.is_none_or(|until| Instant::now() >= until) {
            break;
        }
    }
    println!("{} tried, {} of them readable", tried.get(), readable.get());
}

/// What is done to an ELF.
#[derive(Clone, Debug)]
enum Change {
    /// A byte somewhere.
    Byte(prop::sample::Index, u8),
    /// A byte of the header and the tables behind it.
    Header(prop::sample::Index, u8),
    /// A byte of the tables at the end.
    Tail(prop::sample::Index, u8),
    /// A word that is a size, an offset or an address.
    Word(prop::sample::Index, u64),
    /// Cut off.
    Cut(prop::sample::Index),
    /// A part over another.
    Copy(prop::sample::Index, prop::sample::Index, usize),
}

fn change() -> impl Strategy<Value = Change> {
    let index = any::<prop::sample::Index>;
    let word = prop_oneof![
        any::<u64>(),
        Just(0),
        Just(u64::MAX),
        Just(1 << 32),
        0..2000_u64,
        (0..200_000_u64).prop_map(|low| low | 1 << 32),
    ];
    prop_oneof![
        4 => (index(), any::<u8>()).prop_map(|(at, byte)| Change::Byte(at, byte)),
        2 => (index(), any::<u8>()).prop_map(|(at, byte)| Change::Header(at, byte)),
        2 => (index(), any::<u8>()).prop_map(|(at, byte)| Change::Tail(at, byte)),
        2 => (index(), word).prop_map(|(at, word)| Change::Word(at, word)),
        1 => index().prop_map(Change::Cut),
        2 => (index(), index(), 1..4096_usize).prop_map(|(from, to, len)| Change::Copy(from, to, len)),
    ]
}

fn apply(bytes: &mut Vec<u8>, change: &Change) {
    if bytes.is_empty() {
        return;
    }
    let len = bytes.len();
    match change {
        Change::Byte(at, byte) => bytes[at.index(len)] = *byte,
        Change::Header(at, byte) => bytes[at.index(len.min(300))] = *byte,
        Change::Tail(at, byte) => bytes[len - 1 - at.index(len.min(1200))] = *byte,
        Change::Word(at, word) => {
            let start = at.index(len) & !7;
            let end = (start + 8).min(len);
            bytes[start..end].copy_from_slice(&word.to_le_bytes()[..end - start]);
        }
        Change::Cut(at) => bytes.truncate(at.index(len)),
        Change::Copy(from, to, count) => {
            let (from, to) = (from.index(len), to.index(len));
            let count = (*count).min(len - from.max(to));
            bytes.copy_within(from..from + count, to);
        }
    }
}

#[test]
fn mutated_programs_do_no_harm() {
    let programs = programs();
    // The large one is slow, and like the others.
    let which = prop_oneof![4 => Just(3_usize), 4 => Just(5), 2 => Just(0), 2 => Just(1), 1 => Just(4), 1 => Just(2)];
    let strategy = (which, prop::collection::vec(change(), 1..8));
    run(&strategy, 48, |(which, changes)| {
        let against = &programs[which].1;
        let mut bytes = against.clone();
        for change in &changes {
            apply(&mut bytes, change);
        }
        inspect(bytes, against)
    });
}

#[test]
fn arbitrary_code_does_no_harm() {
    let memo = programs().remove(3).1;
    let opcodes = prop_oneof![
        any::<[u8; 8]>(),
        // Calls, jumps, wide constants and exits.
        (
            prop_oneof![
                Just(0x85_u8),
                Just(0x18),
                Just(0x95),
                Just(0x05),
                Just(0x8d),
                Just(0xf7)
            ],
            any::<[u8; 7]>()
        )
            .prop_map(|(opcode, rest)| {
                let mut bytes = [0; 8];
                bytes[0] = opcode;
                bytes[1..].copy_from_slice(&rest);
                bytes
            }),
        // Near targets.
        (
            prop_oneof![Just(0x85_u8), Just(0x05), Just(0x18)],
            0..2_u8,
            -40..40_i32
        )
            .prop_map(|(opcode, source, near)| {
                let mut bytes = [
                    opcode,
                    source << 4,
                    near as u8,
                    (near >> 8) as u8,
                    0,
                    0,
                    0,
                    0,
                ];
                bytes[4..].copy_from_slice(&near.to_le_bytes());
                bytes
            }),
        Just([0x95, 0, 0, 0, 0, 0, 0, 0]),
    ];
    let strategy = (
        prop::collection::vec(any::<u8>(), 0..400),
        prop::collection::vec(opcodes, 1..400),
        any::<prop::sample::Index>(),
    );
    run(&strategy, 96, |(data, code, entry)| {
        inspect(v3(&data, &code, entry.index(code.len())), &memo)
    });
}

#[test]
fn arbitrary_bytes_do_no_harm() {
    let memo = programs().remove(3).1;
    let strategy = (0..5_u8, prop::collection::vec(any::<u8>(), 0..3000));
    run(&strategy, 128, |(version, rest)| {
        let mut bytes = memo[..64].to_vec();
        bytes[48] = version;
        bytes.extend(rest);
        inspect(bytes, &memo)
    });
}

/// A v3 ELF with these constants and instructions.
fn v3(data: &[u8], code: &[[u8; 8]], entry: usize) -> Vec<u8> {
    let mut data = data.to_vec();
    data.resize(data.len().next_multiple_of(8).max(8), 0);
    let code = code.concat();
    let start = 64 + 2 * 56;
    let mut elf = vec![0x7f, b'E', b'L', b'F', 2, 1, 1, 0, 0, 0, 0, 0, 0, 0, 0, 0];
    elf.extend([3, 0, 247, 0, 1, 0, 0, 0]);
    elf.extend(((1_u64 << 32) + entry as u64 * 8).to_le_bytes());
    elf.extend(64_u64.to_le_bytes());
    elf.extend(0_u64.to_le_bytes());
    elf.extend([3, 0, 0, 0, 64, 0, 56, 0, 2, 0, 64, 0, 0, 0, 0, 0]);
    for (flags, offset, address, len) in [
        (4_u32, start, 0_u64, data.len()),
        (1, start + data.len(), 1 << 32, code.len()),
    ] {
        elf.extend(1_u32.to_le_bytes());
        elf.extend(flags.to_le_bytes());
        for word in [offset as u64, address, address, len as u64, len as u64, 0] {
            elf.extend(word.to_le_bytes());
        }
    }
    elf.extend(data);
    elf.extend(code);
    elf
}

/// The costliest of what fits into a program's account; an eighth of it by default.
#[test]
fn the_largest_programs_are_read_to_their_end() {
    let share = if seconds().is_some() { 1 } else { 8 };
    let count = (10_485_760 - 45 - 400) / 8 / share;
    let memo = programs().remove(3).1;
    let number = |opcode: u8, registers: u8, number: u32| {
        let mut code = [opcode, registers, 0, 0, 0, 0, 0, 0];
        code[4..].copy_from_slice(&number.to_le_bytes());
        code
    };
    type Code = Box<dyn Fn(u32) -> [u8; 8]>;
    let codes: [(&str, Code); 6] = [
        (
            "nothing but ends",
            Box::new(|_| [0x95, 0, 0, 0, 0, 0, 0, 0]),
        ),
        (
            "calls of the next",
            Box::new(move |_| number(0x85, 0x10, 0)),
        ),
        (
            "unknown system calls",
            Box::new(move |at| number(0x85, 0, at)),
        ),
        ("addresses", Box::new(move |at| number(0x18, 1, at % 2 * 8))),
        (
            "constants",
            Box::new(move |at| number(0x18, 1, at.wrapping_mul(0x9e37_79b9))),
        ),
        // Functions of four instructions, of which no two are the same.
        (
            "short functions",
            Box::new(move |at| match at % 4 {
                3 => [0x95, 0, 0, 0, 0, 0, 0, 0],
                _ => number(0xb7, 0, at),
            }),
        ),
    ];
    for (name, code) in codes {
        let code: Vec<[u8; 8]> = (0..count).map(code).collect();
        let elf = v3(&[0; 64], &code, 0);
        assert!(inspect(elf.clone(), &memo), "{name}");
        let mut other = elf;
        let len = other.len();
        other[len - 16..].reverse();
        let started = Instant::now();
        let last = other.clone();
        other[300] ^= 1;
        Inspection::new(
            &Subject::of(other),
            Some(&Subject::of(last)),
            &Policy::default(),
        )
        .unwrap();
        println!("{name}: {:?} for two", started.elapsed());
    }
}
