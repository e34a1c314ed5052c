//! Whether what two functions point to is the same, wherever it stands.

use std::{
    cell::RefCell,
    collections::{BTreeSet, HashMap},
};

use super::matching::Matching;
use crate::elf::{Elf, Operand};

/// Bytes that are compared behind a pointer, at most: its target's length is not known.
const MAX_TARGET: u64 = 4096;
/// The same from version 3 on where only constants point to it: its end is not known either.
const MAX_LOOSE_TARGET: u64 = 64;
/// Pointers to pointers that are followed.
const MAX_DEPTH: u8 = 3;
/// A `core::panic::Location`: the source's name, its length, line and column.
const LOCATION: usize = 24;
/// The longest text that a pointer and a length are taken for.
const MAX_TEXT: usize = 1024;

/// Where two constants differ: an address of each side.
pub(super) type Difference = (u64, u64);

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
        for at in (0..elf.data.bytes.len()).step_by(8) {
            let bytes = &elf.data.bytes[at..];
            let word = word(bytes);
            // From version 3 on constants lie at addresses that are small numbers, which need be no pointers.
            if elf.sbpf_version < 3 && elf.data.contains(word) {
                starts.insert(word);
            }
            if let Some(text) = text(elf, bytes) {
                starts.extend([word, word.saturating_add(text.len() as u64)]);
            }
        }
        Self { starts }
    }

    fn bytes_at<'a>(&self, elf: &'a Elf, address: u64) -> &'a [u8] {
        let next = self.starts.range(address.saturating_add(1)..).next();
        let most = match elf.sbpf_version >= 3 && !self.starts.contains(&address) {
            true => MAX_LOOSE_TARGET,
            false => MAX_TARGET,
        };
        let len = next.map_or(most, |next| (next - address).min(most));
        let Some(offset) = elf.data.offset(address) else {
            return &[];
        };
        let rest = elf.data.bytes.get(offset..).unwrap_or_default();
        rest.get(..len as usize).unwrap_or(rest)
    }

    /// Whether a word among the constants is a pointer to others, not a number that only looks like one.
    fn is_pointer(&self, elf: &Elf, word: u64) -> bool {
        elf.data.contains(word) && (elf.sbpf_version < 3 || self.starts.contains(&word))
    }
}

/// Compares constants of both sides.
pub(super) struct Constants<'a> {
    matching: &'a Matching<'a>,
    old: Targets,
    new: Targets,
    known: RefCell<HashMap<(u64, u64, u8), Option<Difference>>>,
}

impl<'a> Constants<'a> {
    pub fn new(matching: &'a Matching<'a>) -> Self {
        Self {
            matching,
            old: Targets::of(matching.old.elf),
            new: Targets::of(matching.new.elf),
            known: RefCell::default(),
        }
    }

    /// Where what stands at two addresses first differs; `None` where it is the same, as far as can be told. Lines and columns
    /// of panics do not count.
    pub fn difference(&self, old: u64, new: u64) -> Option<Difference> {
        self.difference_at(old, new, MAX_DEPTH)
    }

    fn difference_at(&self, old: u64, new: u64, depth: u8) -> Option<Difference> {
        let key = (old, new, depth);
        if let Some(known) = self.known.borrow().get(&key) {
            return *known;
        }
        let found = self.compare(old, new, depth);
        self.known.borrow_mut().insert(key, found);
        found
    }

    fn compare(&self, old: u64, new: u64, depth: u8) -> Option<Difference> {
        let (old_elf, new_elf) = (self.matching.old.elf, self.matching.new.elf);
        let a = self.old.bytes_at(old_elf, old);
        let b = self.new.bytes_at(new_elf, new);
        let len = a.len().min(b.len());
        let (a, b) = (&a[..len], &b[..len]);
        let mut at = 0;
        if old.is_multiple_of(8) && new.is_multiple_of(8) {
            while at + 8 <= len {
                let (a, b) = (&a[at..], &b[at..]);
                if is_location(old_elf, a) && is_location(new_elf, b) && a.len() >= LOCATION {
                    at += LOCATION;
                    continue;
                }
                let place = (old + at as u64, new + at as u64);
                let found = self.compare_words(a, b, place, depth);
                if found.is_some() {
                    return found;
                }
                at += 8;
            }
        }
        let differs = |at: &usize| a[*at] != b[*at];
        let at = (at..len).find(differs)?;
        let (old, new) = (old + at as u64, new + at as u64);
        // What stands here may have ended; the next begins behind another padding.
        match (padded(&a[at..], old), padded(&b[at..], new)) {
            (Some(x), Some(y)) if x != y => self.compare(old + x, new + y, depth.checked_sub(1)?),
            _ => Some((old, new)),
        }
    }

    /// Two words, and what follows them: numbers or pointers.
    fn compare_words(
        &self,
        a: &[u8],
        b: &[u8],
        place: Difference,
        depth: u8,
    ) -> Option<Difference> {
        let (old_elf, new_elf) = (self.matching.old.elf, self.matching.new.elf);
        let (x, y) = (word(a), word(b));
        if let (Some(a), Some(b)) = (old_elf.code.text.offset(x), new_elf.code.text.offset(y)) {
            return (!self.same_function(a / 8, b / 8)).then_some(place);
        }
        // A text: its length stands behind the pointer.
        if let (Some(a), Some(b)) = (text(old_elf, a), text(new_elf, b)) {
            return (a != b).then_some((x, y));
        }
        let pointers = self.old.is_pointer(old_elf, x) && self.new.is_pointer(new_elf, y);
        let loose = x != y && is_address(old_elf, x) && is_address(new_elf, y);
        match (pointers || loose, depth.checked_sub(1)) {
            (true, Some(depth)) => self.difference_at(x, y, depth),
            (true, None) => None,
            (false, _) => (x != y).then_some(place),
        }
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

/// The constants, lines and columns of panics left out: a comment more moves them.
pub(super) fn without_lines(elf: &Elf) -> Vec<u8> {
    let mut bytes = elf.data.bytes.clone();
    for at in (0..bytes.len()).step_by(8) {
        let end = at + LOCATION;
        if elf
            .data
            .bytes
            .get(at..end)
            .is_some_and(|bytes| is_location(elf, bytes))
        {
            bytes[at + 16..end].fill(0);
        }
    }
    bytes
}

/// How many zeros stand before the next multiple of eight, where nothing else does.
fn padded(bytes: &[u8], address: u64) -> Option<u64> {
    let len = address.next_multiple_of(8) - address;
    let zeros = bytes.get(..len as usize)?;
    zeros.iter().all(|byte| *byte == 0).then_some(len)
}

/// From version 3 on constants lie at addresses that are small numbers; the smallest of them are numbers.
fn is_address(elf: &Elf, word: u64) -> bool {
    elf.data.contains(word) && (elf.sbpf_version < 3 || word >= 64)
}

fn word(bytes: &[u8]) -> u64 {
    let word = bytes.get(..8).and_then(|word| word.try_into().ok());
    word.map_or(0, u64::from_le_bytes)
}

/// What a pointer and the length behind it mean.
fn slice<'a>(elf: &'a Elf, bytes: &[u8]) -> Option<&'a [u8]> {
    let len = word(bytes.get(8..)?);
    let len = usize::try_from(len).ok()?;
    let len = Some(len).filter(|len| (1..=MAX_TEXT).contains(len))?;
    elf.data.get(word(bytes), len)
}

fn text<'a>(elf: &'a Elf, bytes: &[u8]) -> Option<&'a [u8]> {
    let spoken = |byte: &u8| matches!(byte, b' '..=b'~' | b'\n' | b'\t');
    slice(elf, bytes).filter(|text| text.iter().all(spoken))
}

fn is_location(elf: &Elf, bytes: &[u8]) -> bool {
    slice(elf, bytes).is_some_and(|path| path.len() >= 4 && path.ends_with(b".rs"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_padding_ends_at_a_multiple_of_eight() {
        assert_eq!(padded(&[0, 0, 0, 7], 5), Some(3));
        assert_eq!(padded(&[7], 8), Some(0));
        assert_eq!(padded(&[0, 7, 0], 5), None);
        assert_eq!(padded(&[0, 0], 5), None);
    }
}
