//! Which functions call other programs. Compilers keep the system call in one small function, so those that call it count as well.

use solana_sbpf::ebpf;

use super::report::{address, FunctionReport};
use crate::elf::{Effect, Elf, Instruction, Operand, Syscall};

/// Which functions of an ELF call other programs.
pub(super) struct Callers<'a> {
    elf: &'a Elf,
    calling: Vec<bool>,
}

impl<'a> Callers<'a> {
    /// Those that make the system call, and those that call one of them.
    pub fn of(elf: &'a Elf) -> Self {
        let all = |test: &dyn Fn(&Instruction) -> bool| -> Vec<bool> {
            let functions = elf.functions.iter();
            let bodies = functions.map(|one| elf.code.between(one.start, one.end));
            bodies.map(|body| body.iter().any(test)).collect()
        };
        let direct = all(&|one| match one.operand {
            Operand::Syscall(hash) => calls_programs(&elf.syscall_name(hash).0),
            _ => false,
        });
        let is_direct = |function: usize| direct.get(function).copied().unwrap_or_default();
        let mut calling = all(&|one| match one.operand {
            // A pointer to it is there to be called.
            Operand::Call(pc) | Operand::Code(pc) => elf.function_at(pc).is_some_and(is_direct),
            _ => false,
        });
        for (one, direct) in calling.iter_mut().zip(&direct) {
            *one |= direct;
        }
        Self { elf, calling }
    }

    /// Whether a function is one of them.
    pub fn has(&self, function: usize) -> bool {
        self.calling.get(function).copied().unwrap_or_default()
    }

    /// A function for a report.
    pub fn report(&self, index: usize) -> FunctionReport {
        let function = &self.elf.functions[index];
        let code = self.elf.code.between(function.start, function.end);
        let decides = |one: &&Instruction| {
            one.opcode != ebpf::JA && one.jump_target(self.elf.sbpf_version).is_some()
        };
        FunctionReport {
            function: function.label(),
            address: address(self.elf.address_of(function.start)),
            instructions: code.len(),
            conditions: code.iter().filter(decides).count(),
            calls_programs: self.has(index),
        }
    }
}

/// Whether a system call calls other programs.
pub(super) fn calls_programs(name: &str) -> bool {
    Syscall::by_name(name).is_some_and(|one| one.effect == Effect::Calls)
}
