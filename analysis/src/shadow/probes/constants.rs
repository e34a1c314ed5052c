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
        let addresses = new.addresses.iter().map(|one| one.address);
        let [had_numbers, mut numbers] = [&old, &new].map(numbers);
        numbers.retain(|number| !had_numbers.contains(number));
        let wide = numbers
            .iter()
            .filter(|number| **number > u64::from(u32::MAX));
        Self {
            addresses: addresses
                .filter(|address| !had.contains(address))
                .take(MAX_ADDRESSES)
                .collect(),
            starts: wide.copied().take(MAX_STARTS).collect(),
            numbers: (numbers.iter())
                .flat_map(|number| [*number, number.saturating_add(1)])
                .take(MAX_NUMBERS)
                .collect(),
        }
    }
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
