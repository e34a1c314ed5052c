//! Where functions begin and end. A stripped ELF does not say; what is called, pointed to, or lies behind the end of another
//! is one.

use std::collections::{BTreeMap, BTreeSet};

use solana_sbpf::ebpf::INSN_SIZE;

use super::{Code, Operand, Region};

/// Functions that are told apart, at most; what comes after belongs to the last one. The largest programs have a tenth of it.
pub const MAX_FUNCTIONS: usize = 100_000;

/// The instructions from `start` to before `end`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Function {
    pub start: usize,
    pub end: usize,
    /// From the symbol table, without the compiler's hash.
    pub name: Option<String>,
}

impl Function {
    /// Its name, or else the one that Solana's tools give it.
    pub fn label(&self) -> String {
        match &self.name {
            Some(name) => name.clone(),
            None => format!("function_{}", self.start),
        }
    }
}

pub(super) fn find(code: &Code, data: &Region, symbols: &BTreeMap<usize, String>) -> Vec<Function> {
    let slots = code.text.bytes.len() / INSN_SIZE;
    let mut starts = BTreeSet::from([0, code.entry]);
    starts.extend(symbols.keys());
    for instruction in &code.instructions {
        if let Operand::Call(pc) | Operand::Code(pc) = instruction.operand {
            starts.insert(pc);
        }
    }
    for word in data.bytes.chunks_exact(8) {
        let word = word.try_into().map_or(0, u64::from_le_bytes);
        if let Some(offset) = code.text.offset(word).filter(|offset| offset % 8 == 0) {
            starts.insert(offset / INSN_SIZE);
        }
    }
    split_behind_ends(code, &mut starts);
    let starts: Vec<usize> = starts
        .into_iter()
        .filter(|start| *start < slots)
        .take(MAX_FUNCTIONS)
        .collect();
    let ends = starts.iter().skip(1).copied().chain([slots]);
    starts
        .iter()
        .zip(ends)
        .map(|(start, end)| Function {
            start: *start,
            end,
            name: match symbols.get(start) {
                None if *start == code.entry => Some("entrypoint".to_string()),
                name => name.cloned(),
            },
        })
        .collect()
}

/// What follows an exit that nothing before it jumps over is another function, though nothing may refer to it.
fn split_behind_ends(code: &Code, starts: &mut BTreeSet<usize>) {
    let mut furthest = 0;
    let mut found = Vec::new();
    for (instruction, next) in code
        .instructions
        .iter()
        .zip(code.instructions.iter().skip(1))
    {
        if starts.contains(&instruction.pc) {
            furthest = 0;
        }
        if let Some(target) = instruction.jump_target(code.version) {
            furthest = furthest.max(target);
        }
        if instruction.ends_a_block() && furthest < next.pc {
            found.push(next.pc);
        }
    }
    starts.extend(found);
}

#[cfg(test)]
mod tests {
    use solana_sbpf::{ebpf, program::SBPFVersion};

    use super::*;

    fn starts(code: &[(u8, i16)], words: &[u64]) -> Vec<usize> {
        let mut bytes = Vec::new();
        for (opcode, offset) in code {
            bytes.extend([*opcode, 0]);
            bytes.extend(offset.to_le_bytes());
            bytes.extend([0; 4]);
        }
        let text = Region {
            address: 1 << 32,
            bytes,
        };
        let code = Code::decode(SBPFVersion::V3, text, 0, 0, &[], |_| None);
        let data = Region {
            address: 0,
            bytes: words.iter().flat_map(|word| word.to_le_bytes()).collect(),
        };
        let symbols = BTreeMap::new();
        let functions = find(&code, &data, &symbols);
        functions.iter().map(|function| function.start).collect()
    }

    const PLAIN: (u8, i16) = (ebpf::MOV64_IMM, 0);
    const EXIT: (u8, i16) = (ebpf::EXIT, 0);

    #[test]
    fn what_follows_an_end_that_nothing_jumps_over_is_another_function() {
        assert_eq!(starts(&[PLAIN, EXIT, PLAIN, EXIT], &[]), [0, 2]);
        let over = (ebpf::JEQ64_IMM, 1);
        assert_eq!(starts(&[over, EXIT, PLAIN, EXIT, PLAIN], &[]), [0, 4]);
        let back = (ebpf::JA, -1);
        assert_eq!(starts(&[back, PLAIN, EXIT], &[]), [0, 1]);
    }

    #[test]
    fn what_constants_point_to_is_a_function() {
        let code = [PLAIN, PLAIN, PLAIN];
        assert_eq!(starts(&code, &[(1 << 32) + 16]), [0, 2]);
        // Not at an instruction, and behind the end.
        assert_eq!(starts(&code, &[(1 << 32) + 12, (1 << 32) + 24]), [0]);
    }
}
