//! Text among the constants. Rust's strings have no end mark: they are cut where something points to, and at the end of those whose
//! length stands beside a pointer. Text that the code itself puts together is not found.

use std::collections::BTreeSet;

use super::{printable, text::ascents, Code, Operand, Region};

/// Strings that are kept, at most.
const MAX_STRINGS: usize = 20_000;
const MIN_LEN: usize = 6;
const MAX_SHOWN: usize = 400;
/// Longer ones are not taken for a string by the length beside a pointer.
const MAX_PAIRED: u64 = 4096;

/// Words that messages of errors have.
const ERROR_WORDS: &[&str] = &[
    "abort",
    "already",
    "cannot",
    "can't",
    "denied",
    "error",
    "exceed",
    "expected",
    "expired",
    "fail",
    "illegal",
    "incorrect",
    "insufficient",
    "invalid",
    "mismatch",
    "missing",
    "must",
    "not ",
    "overflow",
    "panic",
    "paused",
    "refused",
    "too ",
    "unauthorized",
    "underflow",
    "unexpected",
    "unknown",
    "unwrap",
    "violat",
    "wrong",
];

/// All text of at least six characters.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Strings {
    /// Ordered.
    pub all: BTreeSet<String>,
    /// Whether there were more than are kept.
    pub truncated: bool,
}

impl Strings {
    pub(super) fn find(code: &Code, data: &Region) -> Self {
        let cuts = cuts(code, data);
        let mut found = Self::default();
        let mut start = 0;
        let mut cut = cuts.into_iter().peekable();
        for at in 0..=data.bytes.len() {
            let text = data.bytes.get(at).is_some_and(is_text);
            let mut cut_here = false;
            while cut.next_if(|cut| *cut <= at).is_some() {
                cut_here = true;
            }
            if cut_here || !text {
                found.add(data.bytes.get(start..at).unwrap_or_default());
                start = if text { at } else { at + 1 };
            }
        }
        found
    }

    fn add(&mut self, bytes: &[u8]) {
        let spoken = bytes
            .windows(3)
            .any(|letters| letters.iter().all(u8::is_ascii_alphabetic));
        let table = ascents(bytes) * 5 >= bytes.len() * 4;
        if bytes.len() < MIN_LEN || !spoken || table {
            return;
        }
        if self.all.len() >= MAX_STRINGS {
            self.truncated = true;
            return;
        }
        self.all.insert(printable(bytes, MAX_SHOWN));
    }

    /// Those that look like the message of an error.
    pub fn errors(&self) -> impl Iterator<Item = &String> {
        self.all.iter().filter(|text| is_error(text))
    }

    /// Those that name a source file: what the program was built from.
    pub fn sources(&self) -> impl Iterator<Item = &String> {
        self.all.iter().filter(|text| is_source(text))
    }
}

/// Whether text looks like the message of an error.
pub fn is_error(text: &str) -> bool {
    if is_source(text) || !text.contains(' ') {
        return false;
    }
    let lower = text.to_ascii_lowercase();
    ERROR_WORDS.iter().any(|word| lower.contains(word))
}

fn is_source(text: &str) -> bool {
    [".rs", ".c", ".cpp", ".zig"]
        .iter()
        .any(|end| text.ends_with(end))
        && !text.contains(' ')
}

fn is_text(byte: &u8) -> bool {
    matches!(byte, b' '..=b'~' | b'\n' | b'\t')
}

/// Where strings begin or end.
fn cuts(code: &Code, data: &Region) -> BTreeSet<usize> {
    let mut cuts = BTreeSet::new();
    for instruction in &code.instructions {
        if let Operand::Data(address) = instruction.operand {
            cuts.extend(data.offset(address));
        }
    }
    let words: Vec<u64> = data
        .bytes
        .chunks_exact(8)
        .map(|word| word.try_into().map_or(0, u64::from_le_bytes))
        .collect();
    for pair in words.windows(2) {
        let &[address, len] = pair else { continue };
        let Some(offset) = data
            .offset(address)
            .filter(|_| len > 0 && len <= MAX_PAIRED)
        else {
            continue;
        };
        let bytes = usize::try_from(len)
            .ok()
            .and_then(|len| data.get(address, len));
        if let Some(bytes) = bytes.filter(|bytes| bytes.iter().all(is_text)) {
            cuts.insert(offset);
            cuts.insert(offset + bytes.len());
        }
    }
    cuts
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn messages_and_sources_are_told_apart() {
        assert!(is_error("Error: insufficient funds"));
        assert!(is_error("account must be writable"));
        assert!(!is_error("Instruction: Transfer"));
        assert!(!is_error("overflow"));
        assert!(is_source("src/processor.rs"));
        assert!(!is_error("src/error.rs") && !is_source("see the error in lib.rs"));
    }
}
