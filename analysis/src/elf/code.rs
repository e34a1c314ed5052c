//! Instructions, and what each refers to.

use solana_sbpf::{
    ebpf::{self, Insn, INSN_SIZE, MM_REGION_SIZE},
    program::SBPFVersion,
};

use super::Region;

/// What an instruction refers to.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Operand {
    /// Nothing outside itself.
    None,
    /// A constant of 64 bits.
    Wide(u64),
    /// An address of constants.
    Data(u64),
    /// An instruction, as a function pointer.
    Code(usize),
    /// A function that is called.
    Call(usize),
    /// A system call by its hash.
    Syscall(u32),
    /// A call whose target is computed.
    Indirect,
}

/// An instruction; `lddw` with its second half.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Instruction {
    /// Its number among all eight-byte slots.
    pub pc: usize,
    pub opcode: u8,
    /// Target register in the lower half, source register in the upper one.
    pub registers: u8,
    pub offset: i16,
    pub immediate: i32,
    pub operand: Operand,
}

impl Instruction {
    /// Where it jumps to, if it jumps.
    pub fn jump_target(&self, version: u32) -> Option<usize> {
        let class = self.opcode & ebpf::BPF_CLS_MASK;
        // Version 2 has arithmetic in this class.
        let jumps = class == ebpf::BPF_JMP64 || (class == ebpf::BPF_JMP32 && version >= 3);
        if !jumps || matches!(self.opcode, ebpf::CALL_IMM | ebpf::CALL_REG | ebpf::EXIT) {
            return None;
        }
        self.pc.checked_add_signed(isize::from(self.offset) + 1)
    }

    /// Whether the next instruction is reached only by jumps.
    pub fn ends_a_block(&self) -> bool {
        matches!(self.opcode, ebpf::EXIT | ebpf::JA)
    }
}

/// A program's instructions.
#[derive(Clone, Debug)]
pub struct Code {
    /// 0 to 3.
    pub version: u32,
    pub text: Region,
    pub instructions: Vec<Instruction>,
    /// The instruction that runs first.
    pub entry: usize,
}

impl Code {
    /// Decodes relocated code. `function` gives the target that a call's key means before version 3.
    pub(super) fn decode(
        version: SBPFVersion,
        text: Region,
        entry: usize,
        data_address: u64,
        data: &[u8],
        function: impl Fn(u32) -> Option<usize>,
    ) -> Self {
        let slots = text.bytes.len() / INSN_SIZE;
        let refer = |value: u64| -> Operand {
            if let Some(offset) = text.offset(value) {
                // Rust puts no function into the zero page of constants such as 1 << 32.
                if offset % INSN_SIZE == 0 {
                    return Operand::Code(offset / INSN_SIZE);
                }
            }
            let in_data = value
                .checked_sub(data_address)
                .is_some_and(|offset| offset < data.len() as u64);
            match in_data {
                true => Operand::Data(value),
                false => Operand::Wide(value),
            }
        };
        let mut instructions = Vec::with_capacity(slots);
        let mut pc = 0;
        while pc < slots {
            // `pc` is below the number of slots.
            let insn = ebpf::get_insn_unchecked(&text.bytes, pc);
            let (operand, len) = operand(version, &text.bytes, slots, &insn, &refer, &function);
            instructions.push(Instruction {
                pc,
                opcode: insn.opc,
                registers: insn.dst | insn.src << 4,
                offset: insn.off,
                immediate: insn.imm as i32,
                operand,
            });
            pc = pc.saturating_add(len);
        }
        Self {
            version: match version {
                SBPFVersion::V0 => 0,
                SBPFVersion::V1 => 1,
                SBPFVersion::V2 => 2,
                _ => 3,
            },
            text,
            instructions,
            entry,
        }
    }

    /// The instructions from one slot to before another.
    pub fn between(&self, start: usize, end: usize) -> &[Instruction] {
        let at = |pc: usize| self.instructions.partition_point(|one| one.pc < pc);
        self.instructions
            .get(at(start)..at(end))
            .unwrap_or_default()
    }
}

/// What an instruction refers to, and how many slots it takes.
fn operand(
    version: SBPFVersion,
    text: &[u8],
    slots: usize,
    insn: &Insn,
    refer: &impl Fn(u64) -> Operand,
    function: &impl Fn(u32) -> Option<usize>,
) -> (Operand, usize) {
    let pc = insn.ptr;
    match insn.opc {
        ebpf::LD_DW_IMM if !version.disable_lddw() && pc + 1 < slots => {
            let mut whole = insn.clone();
            ebpf::augment_lddw_unchecked(text, &mut whole);
            (refer(whole.imm as u64), 2)
        }
        // Version 2 has the upper half in an instruction of its own.
        ebpf::HOR64_IMM if version.disable_lddw() && pc > 0 => {
            let low = ebpf::get_insn_unchecked(text, pc - 1);
            let joined =
                low.dst == insn.dst && matches!(low.opc, ebpf::MOV32_IMM | ebpf::MOV64_IMM);
            let value = (insn.imm as u64) << 32 | (low.imm as u64 & u64::from(u32::MAX));
            match joined && value >= MM_REGION_SIZE {
                true => (refer(value), 1),
                false => (Operand::None, 1),
            }
        }
        ebpf::CALL_IMM => (call(version, slots, insn, function), 1),
        ebpf::CALL_REG => (Operand::Indirect, 1),
        _ => (Operand::None, 1),
    }
}

fn call(
    version: SBPFVersion,
    slots: usize,
    insn: &Insn,
    function: &impl Fn(u32) -> Option<usize>,
) -> Operand {
    let key = insn.imm as u32;
    if !version.static_syscalls() {
        return match function(key) {
            Some(target) => Operand::Call(target),
            None => Operand::Syscall(key),
        };
    }
    if insn.src == 0 {
        return Operand::Syscall(key);
    }
    let target = (insn.ptr as i64).saturating_add(insn.imm).saturating_add(1);
    match usize::try_from(target) {
        Ok(target) if target < slots => Operand::Call(target),
        // Refused by the verifier.
        _ => Operand::Indirect,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const DATA: u64 = MM_REGION_SIZE + 0x1000;

    fn decode(version: SBPFVersion, code: &[(u8, u8, i32)]) -> Vec<Operand> {
        let mut bytes = Vec::new();
        for (opcode, registers, immediate) in code {
            bytes.extend([*opcode, *registers, 0, 0]);
            bytes.extend(immediate.to_le_bytes());
        }
        let text = Region {
            address: MM_REGION_SIZE,
            bytes,
        };
        let function = |key| (key == 77).then_some(2);
        let code = Code::decode(version, text, 0, DATA, &[0; 64], function);
        code.instructions.iter().map(|one| one.operand).collect()
    }

    #[test]
    fn calls_mean_what_their_version_says() {
        let calls = [
            (ebpf::CALL_IMM, 0x10, 1),
            (ebpf::CALL_IMM, 0, 77),
            (ebpf::CALL_REG, 0, 1),
        ];
        assert_eq!(
            decode(SBPFVersion::V0, &calls),
            [Operand::Syscall(1), Operand::Call(2), Operand::Indirect]
        );
        assert_eq!(
            decode(SBPFVersion::V3, &calls),
            [Operand::Call(2), Operand::Syscall(77), Operand::Indirect]
        );
        // Behind the end and before the beginning.
        for far in [2, -2] {
            let call = (ebpf::CALL_IMM, 0x10, far);
            assert_eq!(decode(SBPFVersion::V3, &[call]), [Operand::Indirect]);
        }
    }

    #[test]
    fn wide_constants_are_told_from_addresses() {
        let wide = |low: i32, high: i32| {
            decode(SBPFVersion::V0, &[(ebpf::LD_DW_IMM, 1, low), (0, 0, high)])
        };
        assert_eq!(wide(0x1008, 1), [Operand::Data(DATA + 8)]);
        assert_eq!(wide(8, 1), [Operand::Code(1)]);
        assert_eq!(wide(-1, 7), [Operand::Wide(0x7_ffff_ffff)]);
        assert_eq!(wide(0x1040, 1), [Operand::Wide(DATA + 64)]);
        // The second half is missing.
        assert_eq!(
            decode(SBPFVersion::V0, &[(ebpf::LD_DW_IMM, 1, 8)]),
            [Operand::None]
        );
    }

    #[test]
    fn version_2_joins_two_halves() {
        let halves = |register| {
            let low = (ebpf::MOV32_IMM, register, 0x1010);
            decode(SBPFVersion::V2, &[low, (ebpf::HOR64_IMM, 1, 1)])
        };
        assert_eq!(halves(1), [Operand::None, Operand::Data(DATA + 16)]);
        assert_eq!(halves(2), [Operand::None, Operand::None]);
    }

    #[test]
    fn jumps_are_relative_and_calls_are_none() {
        let jump = |opcode, version| {
            let one = Instruction {
                pc: 10,
                opcode,
                registers: 0,
                offset: -4,
                immediate: 0,
                operand: Operand::None,
            };
            one.jump_target(version)
        };
        assert_eq!(jump(ebpf::JA, 0), Some(7));
        assert_eq!(jump(ebpf::JEQ32_IMM, 3), Some(7));
        // Arithmetic in version 2.
        assert_eq!(jump(ebpf::JEQ32_IMM, 2), None);
        for opcode in [ebpf::CALL_IMM, ebpf::CALL_REG, ebpf::EXIT, ebpf::MOV64_IMM] {
            assert_eq!(jump(opcode, 0), None);
        }
    }
}
