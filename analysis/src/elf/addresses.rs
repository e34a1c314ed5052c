//! Addresses of programs and accounts among the constants and in the code. That an address is there does not prove that it is
//! called; that none is found proves nothing, since an address can also be computed or come with the transaction.

use std::collections::{BTreeMap, BTreeSet, HashSet};

use solana_sbpf::ebpf;
use solana_sdk::pubkey::Pubkey;

use super::{
    text::ascents,
    well_known::{Known, WELL_KNOWN},
    Code, Function, Instruction, Operand, Region,
};

/// Unknown ones that are kept, at most.
const MAX_UNKNOWN: usize = 1000;
/// Random bytes have about thirty different ones in 32.
const MIN_DISTINCT: usize = 24;
/// The four words of an address lie at most so many instructions apart.
const MAX_SPREAD: usize = 40;

/// Where an address was found.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Place {
    /// Among the constants, at this address.
    Data(u64),
    /// In the code of this function: its first instruction.
    Code(usize),
}

/// 32 bytes that are, or look like, an address.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Address {
    pub address: Pubkey,
    /// `None`: it only looks like one, and may be a hash, a seed or a table.
    pub known: Option<&'static Known>,
    pub place: Place,
}

/// Well-known addresses wherever they stand, then what else looks like one.
pub(super) fn find(code: &Code, functions: &[Function], data: &Region) -> Vec<Address> {
    let mut found = BTreeMap::new();
    known_in_data(data, &mut found);
    // Constants can hide between instructions.
    known_in_data(&code.text, &mut found);
    for function in functions {
        in_code(
            code.between(function.start, function.end),
            function.start,
            &mut found,
        );
    }
    unknown_in_data(code, data, &mut found);
    let mut addresses: Vec<Address> = found
        .into_iter()
        .map(|(bytes, (known, place))| Address {
            address: Pubkey::new_from_array(bytes),
            known,
            place,
        })
        .collect();
    addresses.sort_by_key(|one| (one.known.map_or("~", |known| known.name), one.address));
    let known = addresses.iter().filter(|one| one.known.is_some()).count();
    addresses.truncate(known.saturating_add(MAX_UNKNOWN));
    addresses
}

/// Whether an address stands anywhere among the constants, or its words anywhere in the code.
pub(super) fn holds(code: &Code, data: &Region, address: &Pubkey) -> bool {
    let stands = |region: &Region| {
        let mut windows = region.bytes.windows(32);
        windows.any(|bytes| bytes == address.as_ref())
    };
    let wide = |word: u64| {
        let mut all = code.instructions.iter();
        all.any(|one| one.operand == Operand::Wide(word))
    };
    let words = words_of(&address.to_bytes());
    stands(data) || stands(&code.text) || words.into_iter().all(wide)
}

type Found = BTreeMap<[u8; 32], (Option<&'static Known>, Place)>;

fn known_in_data(data: &Region, found: &mut Found) {
    let start = |bytes: &[u8]| match bytes {
        [first, second, ..] => usize::from(*first) << 8 | usize::from(*second),
        _ => 0,
    };
    let mut by_start: BTreeMap<usize, Vec<&'static Known>> = BTreeMap::new();
    let mut starts = vec![false; 1 << 16];
    for known in WELL_KNOWN {
        let start = start(known.address.as_ref());
        starts[start] = true;
        by_start.entry(start).or_default().push(known);
    }
    for (offset, bytes) in data.bytes.windows(32).enumerate() {
        let start = start(bytes);
        if !starts[start] {
            continue;
        }
        for known in by_start.get(&start).into_iter().flatten() {
            if known.address.as_ref() == bytes {
                let at = data.address.saturating_add(offset as u64);
                found
                    .entry(known.address.to_bytes())
                    .or_insert((Some(known), Place::Data(at)));
            }
        }
    }
}

/// Compilers compare and write an address as four words, in any order.
fn in_code(instructions: &[Instruction], function: usize, found: &mut Found) {
    let mut wide: Vec<(usize, u64)> = instructions
        .iter()
        .enumerate()
        .filter_map(|(index, one)| match one.operand {
            Operand::Wide(value) => Some((index, value)),
            _ => None,
        })
        .collect();
    if wide.len() < 4 {
        return;
    }
    let words: HashSet<u64> = wide.iter().map(|(_, value)| *value).collect();
    let mut explained = HashSet::new();
    for known in WELL_KNOWN {
        let bytes = known.address.to_bytes();
        let of_known = words_of(&bytes);
        if of_known.iter().all(|word| words.contains(word)) {
            explained.extend(of_known);
            found
                .entry(bytes)
                .or_insert((Some(known), Place::Code(function)));
        }
    }
    wide.retain(|(_, value)| !explained.contains(value));
    for four in wide.windows(4) {
        let spread = four.last().zip(four.first());
        if spread.is_none_or(|((last, _), (first, _))| last - first > MAX_SPREAD) {
            continue;
        }
        let mut placed: Vec<(i16, u64)> = four
            .iter()
            .filter_map(|(index, value)| Some((offset_beside(instructions, *index)?, *value)))
            .collect();
        placed.sort_unstable();
        let adjacent = placed
            .windows(2)
            .all(|pair| i32::from(pair[1].0) - i32::from(pair[0].0) == 8);
        if placed.len() < 4 || !adjacent {
            continue;
        }
        let mut bytes = [0; 32];
        for (word, (_, value)) in bytes.chunks_exact_mut(8).zip(&placed) {
            word.copy_from_slice(&value.to_le_bytes());
        }
        if looks_random(&bytes) {
            found.entry(bytes).or_insert((None, Place::Code(function)));
        }
    }
}

fn words_of(bytes: &[u8; 32]) -> [u64; 4] {
    let mut words = [0; 4];
    for (word, bytes) in words.iter_mut().zip(bytes.chunks_exact(8)) {
        *word = bytes.try_into().map_or(0, u64::from_le_bytes);
    }
    words
}

/// The offset of the word in memory that a constant is compared with or written to.
fn offset_beside(instructions: &[Instruction], index: usize) -> Option<i16> {
    [
        index + 1,
        index.wrapping_sub(1),
        index + 2,
        index.wrapping_sub(2),
    ]
    .into_iter()
    .filter_map(|index| instructions.get(index))
    .find(|one| {
        matches!(
            one.opcode,
            ebpf::LD_DW_REG | ebpf::ST_DW_REG | ebpf::LD_8B_REG | ebpf::ST_8B_REG
        )
    })
    .map(|one| one.offset)
}

/// What something points to, 32 random bytes that nothing else points into.
fn unknown_in_data(code: &Code, data: &Region, found: &mut Found) {
    let mut pointers = BTreeSet::new();
    for instruction in &code.instructions {
        if let Operand::Data(address) = instruction.operand {
            pointers.insert(address);
        }
    }
    for word in data.bytes.chunks_exact(8) {
        let word = word.try_into().map_or(0, u64::from_le_bytes);
        // Small numbers are no pointers, though from version 3 on constants lie there.
        if data.contains(word) && (data.address > 0 || word >= 64) {
            pointers.insert(word);
        }
    }
    for pointer in &pointers {
        let Some(bytes) = data.get(*pointer, 32) else {
            continue;
        };
        let inside = pointers
            .range(pointer.saturating_add(1)..pointer.saturating_add(32))
            .next();
        let Ok(bytes) = <[u8; 32]>::try_from(bytes) else {
            continue;
        };
        if inside.is_none() && looks_random(&bytes) {
            found.entry(bytes).or_insert((None, Place::Data(*pointer)));
        }
    }
}

/// Whether 32 bytes may be an address, and are no text, no table and nothing well-known.
pub fn looks_random(bytes: &[u8; 32]) -> bool {
    let distinct: BTreeSet<u8> = bytes.iter().copied().collect();
    let text = bytes
        .iter()
        .filter(|byte| matches!(byte, b' '..=b'~'))
        .count();
    let small = bytes.iter().filter(|byte| **byte < b' ').count();
    // Of 32 random bytes, 12 are text, 4 small, half above the one before. Rust's Unicode tables are small and ascend.
    distinct.len() >= MIN_DISTINCT
        && text < 20
        && small < 13
        && ascents(bytes) < 22
        && !CONSTANTS.contains(bytes)
        && !near_known(bytes)
}

/// Three words of a well-known address beside another constant.
fn near_known(bytes: &[u8; 32]) -> bool {
    let words = words_of(bytes);
    WELL_KNOWN.iter().any(|known| {
        let of_known = words_of(&known.address.to_bytes());
        let shared = words.iter().filter(|word| of_known.contains(word));
        shared.count() >= 2
    })
}

/// What cryptography has in every program.
const CONSTANTS: [[u8; 32]; 2] = [
    // SHA-256's first state.
    [
        0x67, 0xe6, 0x09, 0x6a, 0x85, 0xae, 0x67, 0xbb, 0x72, 0xf3, 0x6e, 0x3c, 0x3a, 0xf5, 0x4f,
        0xa5, 0x7f, 0x52, 0x0e, 0x51, 0x8c, 0x68, 0x05, 0x9b, 0xab, 0xd9, 0x83, 0x1f, 0x19, 0xcd,
        0xe0, 0x5b,
    ],
    // Ristretto's base point.
    [
        0xe2, 0xf2, 0xae, 0x0a, 0x6a, 0xbc, 0x4e, 0x71, 0xa8, 0x84, 0xa9, 0x61, 0xc5, 0x00, 0x51,
        0x5f, 0x58, 0xe3, 0x0b, 0x6a, 0xa5, 0x82, 0xdd, 0x8d, 0xb6, 0xa6, 0x59, 0x45, 0xe0, 0x8d,
        0x2d, 0x76,
    ],
];
