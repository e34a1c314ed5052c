//! What only the proposed program's ELF holds. What it compares its input with is what it must be tried with: nobody guesses the
//! key of a backdoor.

use std::collections::BTreeSet;

use solana_sbpf::ebpf;
use solana_sdk::pubkey::Pubkey;

use crate::elf::{Elf, Operand};

/// The most of each that are tried: another compiler changes them all.
const MAX_ADDRESSES: usize = 8;
const MAX_NUMBERS: usize = 32;
const MAX_STARTS: usize = 64;
/// Smaller numbers are mostly lengths and tags.
const MIN_NUMBER: u64 = 16;

#[derive(Debug, Default)]
pub(crate) struct Constants {
    pub addresses: Vec<Pubkey>,
    /// With those that are one more.
    pub numbers: Vec<u64>,
    /// Eight bytes, by which it may tell instructions apart.
    pub starts: Vec<u64>,
}

impl Constants {
    /// Those of the second ELF that the first has not; none where one cannot be read.
    pub fn only_in(new: &[u8], old: &[u8]) -> Self {
        let (Ok(old), Ok(new)) = (Elf::read(old), Elf::read(new)) else {
            return Self::default();
        };
        let had: BTreeSet<Pubkey> = old.addresses.iter().map(|one| one.address).collect();
        let found = new.addresses.iter().map(|one| one.address);
        let mut addresses: Vec<Pubkey> = found.filter(|one| !had.contains(one)).collect();
        let [had_numbers, mut numbers] = [&old, &new].map(numbers);
        numbers.retain(|number| !had_numbers.contains(number));
        let words = new.code.instructions.iter().map(|one| one.operand);
        let words: Vec<u64> = words
            .filter_map(|operand| match operand {
                Operand::Wide(value) if numbers.contains(&value) => Some(value),
                _ => None,
            })
            .collect();
        for key in keys(&words) {
            if !addresses.contains(&key) {
                addresses.push(key);
            }
        }
        addresses.truncate(MAX_ADDRESSES);
        let wide = numbers.iter();
        let wide = wide.filter(|number| **number > u64::from(u32::MAX));
        Self {
            addresses,
            starts: wide.copied().take(MAX_STARTS).collect(),
            numbers: (numbers.iter())
                .flat_map(|number| [*number, number.saturating_add(1)])
                .take(MAX_NUMBERS)
                .collect(),
        }
    }
}

/// Keys that look like none: four words in a row, or one four times.
fn keys(words: &[u64]) -> Vec<Pubkey> {
    let fours = words.windows(4).map(<[u64]>::to_vec);
    let fours = fours.chain(words.iter().map(|word| vec![*word; 4]));
    let keys = fours.filter_map(|four| {
        let bytes: Vec<u8> = four.iter().flat_map(|word| word.to_le_bytes()).collect();
        Pubkey::try_from(bytes).ok()
    });
    keys.collect()
}

/// Numbers in the code, the least first.
fn numbers(elf: &Elf) -> BTreeSet<u64> {
    let found = elf.code.instructions.iter().filter_map(|one| {
        let class = one.opcode & ebpf::BPF_CLS_MASK;
        let compares = [ebpf::BPF_JMP64, ebpf::BPF_JMP32].contains(&class)
            && one.opcode & ebpf::BPF_X == 0
            && !matches!(one.opcode, ebpf::JA | ebpf::CALL_IMM | ebpf::EXIT);
        match one.operand {
            Operand::Wide(value) => Some(value),
            Operand::None
                if compares || matches!(one.opcode, ebpf::MOV32_IMM | ebpf::MOV64_IMM) =>
            {
                u64::try_from(one.immediate).ok()
            }
            _ => None,
        }
    });
    found.filter(|number| *number >= MIN_NUMBER).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn keys_are_put_together_from_words() {
        let word = |byte: u8| u64::from_le_bytes([byte; 8]);
        let found = keys(&[word(1), word(2), word(3), word(4)]);
        let first: Vec<u8> = (1..=4).flat_map(|byte| [byte; 8]).collect();
        assert_eq!(found.len(), 5);
        assert_eq!(found[0].as_ref(), first);
        assert_eq!(found[1].to_bytes(), [1; 32]);
    }

    #[test]
    fn only_what_the_new_elf_alone_holds_is_tried() {
        let elf = |name: &str| {
            let folder = concat!(env!("CARGO_MANIFEST_DIR"), "/../tests/programs/vaults");
            std::fs::read(format!("{folder}/{name}.so")).unwrap()
        };
        let (old, new) = (elf("vault"), elf("vault-large-payments-free"));
        let found = Constants::only_in(&new, &old);
        assert!(found.numbers.contains(&1_000_000_000), "{found:?}");
        assert!(found.addresses.is_empty() && found.starts.is_empty());
        assert!(Constants::only_in(&old, &old).numbers.is_empty());
        assert!(Constants::only_in(b"no ELF", &old).numbers.is_empty());
        let found = Constants::only_in(&elf("vault-backdoor"), &old);
        let key = "29Cu9Us8DKNMXpaDik1qQBqKhMDz3UVaMZq4jMq65zdr";
        assert_eq!(found.addresses[0].to_string(), key);
        assert_eq!(found.starts.len(), 4);
    }
}
