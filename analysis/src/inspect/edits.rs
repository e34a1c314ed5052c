//! What a small patch looks like: a few instructions that differ, a function that now only returns.

use std::collections::BTreeSet;

use serde::Serialize;
use solana_sbpf::ebpf;

use super::matching::{Body, Matching, Side};
use crate::elf::{Elf, Instruction, Operand};

/// A function with more differing instructions was written anew.
const MAX_EDITS: usize = 8;
/// Or with more than one in so many.
const SHARE: usize = 4;
/// A shorter function has nothing to lose.
const MIN_BEFORE: usize = 8;
/// What a function that only returns has, at most: it sets a result and exits.
const MAX_EMPTY: usize = 4;

/// An instruction that was changed.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Edit {
    /// Its number among those of the function.
    pub instruction: usize,
    pub before: String,
    pub after: String,
}

/// The instructions that differ between two functions with equally many, where they are few; else none.
pub(super) fn find(matching: &Matching, old: usize, new: usize) -> Vec<Edit> {
    let (a, b) = (&matching.old, &matching.new);
    if a.bodies[old].len != b.bodies[new].len {
        return Vec::new();
    }
    let pairs = a.code(old).iter().zip(b.code(new));
    let differs = |(_, (x, y)): &(usize, (&Instruction, &Instruction))| !same(x, y);
    let found: Vec<Edit> = pairs
        .enumerate()
        .filter(differs)
        .take(MAX_EDITS + 1)
        .map(|(instruction, (x, y))| Edit {
            instruction,
            before: words(a.elf, x),
            after: words(b.elf, y),
        })
        .collect();
    let few = found.len() <= MAX_EDITS && found.len() * SHARE <= a.bodies[old].len;
    match few || found.len() == 1 {
        true => found,
        false => Vec::new(),
    }
}

/// Whether two instructions do the same, wherever what they refer to stands.
fn same(a: &Instruction, b: &Instruction) -> bool {
    let operands = match (a.operand, b.operand) {
        (Operand::Data(_), Operand::Data(_))
        | (Operand::Code(_), Operand::Code(_))
        | (Operand::Call(_), Operand::Call(_)) => true,
        (Operand::None | Operand::Indirect, _) => {
            a.operand == b.operand && a.immediate == b.immediate
        }
        (x, y) => x == y,
    };
    operands && (a.opcode, a.registers, a.offset) == (b.opcode, b.registers, b.offset)
}

/// An instruction for people who do not know machine code: what it compares with, or which number it has.
fn words(elf: &Elf, one: &Instruction) -> String {
    let (target, source) = (one.registers & 0xf, one.registers >> 4);
    match one.operand {
        Operand::Wide(value) => return format!("r{target} = {value}"),
        Operand::Syscall(hash) => return format!("call {}", elf.syscall_name(hash).0),
        Operand::Call(_) | Operand::Indirect => return "call a function".to_string(),
        Operand::Data(_) => return format!("r{target} = a constant's address"),
        Operand::Code(_) => return format!("r{target} = a function's address"),
        Operand::None => {}
    }
    let by_register = one.opcode & ebpf::BPF_X != 0;
    let value = match by_register {
        true => format!("r{source}"),
        false => one.immediate.to_string(),
    };
    if one.jump_target(elf.sbpf_version).is_some() {
        let condition = match one.opcode & 0xf0 {
            ebpf::BPF_JEQ => "==",
            ebpf::BPF_JGT => ">",
            ebpf::BPF_JGE => ">=",
            ebpf::BPF_JSET => "&",
            ebpf::BPF_JNE => "!=",
            ebpf::BPF_JSGT => "signed >",
            ebpf::BPF_JSGE => "signed >=",
            ebpf::BPF_JLT => "<",
            ebpf::BPF_JLE => "<=",
            ebpf::BPF_JSLT => "signed <",
            ebpf::BPF_JSLE => "signed <=",
            _ => return format!("jump by {}", one.offset),
        };
        return format!("jump by {} if r{target} {condition} {value}", one.offset);
    }
    let (offset, class) = (one.offset, one.opcode & ebpf::BPF_CLS_MASK);
    // Version 2 has other numbers for these.
    match (class, one.opcode & 0xf0) {
        _ if one.opcode == ebpf::EXIT => "exit".to_string(),
        (ebpf::BPF_LDX, _) if elf.sbpf_version != 2 => {
            format!("r{target} = [r{source} + {offset}]")
        }
        (ebpf::BPF_STX, _) if elf.sbpf_version != 2 => {
            format!("[r{target} + {offset}] = r{source}")
        }
        (ebpf::BPF_ST, _) if elf.sbpf_version != 2 => {
            format!("[r{target} + {offset}] = {}", one.immediate)
        }
        (ebpf::BPF_ALU32_LOAD | ebpf::BPF_ALU64_STORE, ebpf::BPF_MOV) => {
            format!("r{target} = {value}")
        }
        (ebpf::BPF_ALU32_LOAD | ebpf::BPF_ALU64_STORE, ebpf::BPF_ADD) => {
            format!("r{target} += {value}")
        }
        (ebpf::BPF_ALU32_LOAD | ebpf::BPF_ALU64_STORE, ebpf::BPF_SUB) => {
            format!("r{target} -= {value}")
        }
        (ebpf::BPF_ALU32_LOAD | ebpf::BPF_ALU64_STORE, ebpf::BPF_AND) => {
            format!("r{target} &= {value}")
        }
        _ => format!(
            "operation 0x{:02x} of r{target} and {value}, offset {offset}",
            one.opcode
        ),
    }
}

/// Functions that did something and now only return, by the old and the new one: pairs, and what the same instruction of a
/// caller that was not changed calls.
pub(super) fn emptied(matching: &Matching) -> BTreeSet<(usize, usize)> {
    let (a, b) = (&matching.old, &matching.new);
    let mut found = BTreeSet::new();
    let mut look = |old: usize, new: usize| {
        let did = a.bodies[old].len >= MIN_BEFORE && !is_empty(a, old);
        if did && is_empty(b, new) {
            found.insert((old, new));
        }
    };
    for (old, new) in matching.to_new.iter().enumerate() {
        let Some(new) = *new else { continue };
        look(old, new);
        if a.bodies[old].hash != b.bodies[new].hash {
            continue;
        }
        for (x, y) in called(a, &a.bodies[old]).zip(called(b, &b.bodies[new])) {
            if let (Some(x), Some(y)) = (x, y) {
                look(x, y);
            }
        }
    }
    found
}

/// The functions that begin where a body's calls and function pointers lead.
fn called<'a>(side: &'a Side, body: &'a Body) -> impl Iterator<Item = Option<usize>> + 'a {
    body.references.iter().filter_map(|one| match one {
        Operand::Call(pc) | Operand::Code(pc) => {
            let function = side.elf.function_at(*pc);
            Some(function.filter(|index| side.elf.functions[*index].start == *pc))
        }
        _ => None,
    })
}

/// Whether a function only sets a result and returns.
fn is_empty(side: &Side, function: usize) -> bool {
    let code = side.code(function);
    let plain = |one: &Instruction| {
        one.jump_target(side.elf.sbpf_version).is_none()
            && matches!(one.operand, Operand::None | Operand::Wide(_))
    };
    // What stands behind the exit is never reached.
    let mut start = code.iter().take(MAX_EMPTY);
    let end = start.position(|one| one.opcode == ebpf::EXIT);
    end.is_some_and(|end| code[..end].iter().all(plain))
}
