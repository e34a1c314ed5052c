//! Whether what two functions point to is the same, wherever it stands.

use std::collections::BTreeSet;

use super::matching::Matching;
use crate::elf::{Elf, Operand};

/// Bytes that are compared behind a pointer, at most: its target's length is not known.
const MAX_TARGET: u64 = 64;
/// A `core::panic::Location`: the source's name, its length, line and column.
const LOCATION: usize = 24;

/// Where what is pointed to begins: the end of what stands before.
pub(super) struct Targets {
    starts: BTreeSet<u64>,
}

impl Targets {
    pub fn of(elf: &Elf) -> Self {
        let mut starts = BTreeSet::new();
        for instruction in &elf.code.instructions {
            if let Operand::Data(address) = instruction.operand {
                starts.insert(address);
            }
        }
        let words = elf.data.bytes.chunks_exact(8);
        let words = words.map(|word| word.try_into().map_or(0, u64::from_le_bytes));
        // From version 3 on constants lie at addresses that are small numbers, which need be no pointers.
        if elf.sbpf_version < 3 {
            starts.extend(words.filter(|word| elf.data.contains(*word)));
        }
        Self { starts }
    }

    fn bytes_at<'a>(&self, elf: &'a Elf, address: u64) -> &'a [u8] {
        let next = self.starts.range(address.saturating_add(1)..).next();
        let len = next.map_or(MAX_TARGET, |next| (next - address).min(MAX_TARGET));
        let Some(offset) = elf.data.offset(address) else {
            return &[];
        };
        let rest = elf.data.bytes.get(offset..).unwrap_or_default();
        rest.get(..len as usize).unwrap_or(rest)
    }
}

/// Compares constants of both sides.
pub(super) struct Constants<'a> {
    pub matching: &'a Matching<'a>,
    pub old: Targets,
    pub new: Targets,
}

impl Constants<'_> {
    /// Whether two addresses hold the same, as far as can be told. Lines and columns of panics do not count.
    pub fn same(&self, old: u64, new: u64) -> bool {
        self.same_at(old, new, true)
    }

    fn same_at(&self, old: u64, new: u64, follow: bool) -> bool {
        let (old_elf, new_elf) = (self.matching.old.elf, self.matching.new.elf);
        let a = self.old.bytes_at(old_elf, old);
        let b = self.new.bytes_at(new_elf, new);
        let len = a.len().min(b.len());
        let (a, b) = (&a[..len], &b[..len]);
        if a == b {
            return true;
        }
        if !old.is_multiple_of(8) || !new.is_multiple_of(8) {
            return false;
        }
        let mut at = 0;
        while at + 8 <= len {
            let end = at + LOCATION;
            if let (Some(a), Some(b)) = (a.get(at..end), b.get(at..end)) {
                if is_location(old_elf, a) && is_location(new_elf, b) {
                    at = end;
                    continue;
                }
            }
            let (x, y) = (word(&a[at..]), word(&b[at..]));
            if x != y && !self.same_pointer(x, y, follow) {
                return false;
            }
            at += 8;
        }
        a[at..] == b[at..]
    }

    fn same_pointer(&self, old: u64, new: u64, follow: bool) -> bool {
        let (old_elf, new_elf) = (self.matching.old.elf, self.matching.new.elf);
        if let (Some(a), Some(b)) = (old_elf.code.text.offset(old), new_elf.code.text.offset(new)) {
            return self.same_function(a / 8, b / 8);
        }
        let data = old_elf.data.contains(old) && new_elf.data.contains(new);
        data && (!follow || self.same_at(old, new, false))
    }

    /// Whether two instructions stand at the same place of functions that are a pair.
    pub fn same_function(&self, old: usize, new: usize) -> bool {
        let (old_elf, new_elf) = (self.matching.old.elf, self.matching.new.elf);
        let (Some(a), Some(b)) = (old_elf.function_at(old), new_elf.function_at(new)) else {
            return false;
        };
        let within = |elf: &Elf, function: usize, pc: usize| pc - elf.functions[function].start;
        self.matching.to_new[a] == Some(b) && within(old_elf, a, old) == within(new_elf, b, new)
    }
}

fn word(bytes: &[u8]) -> u64 {
    let word = bytes.get(..8).and_then(|word| word.try_into().ok());
    word.map_or(0, u64::from_le_bytes)
}

fn is_location(elf: &Elf, bytes: &[u8]) -> bool {
    let len = word(bytes.get(8..).unwrap_or_default());
    match usize::try_from(len) {
        Ok(len @ 4..=4096) => elf
            .data
            .get(word(bytes), len)
            .is_some_and(|path| path.ends_with(b".rs")),
        _ => false,
    }
}
