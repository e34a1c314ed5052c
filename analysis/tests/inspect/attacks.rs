//! Changes that somebody may want to hide, each made by hand in a real program: what tells of it, and nothing that does not.

use std::collections::BTreeSet;

use portcullis_analysis::{
    elf::{Elf, Operand, ReadError},
    inspect::{Aspect, Severity},
};
use portcullis_localnet::samples;
use solana_sbpf::ebpf::{self, INSN_SIZE};

use crate::{common::PORTCULLIS, compared, of, offset_of, only, place};

const EXIT: [u8; 8] = [ebpf::EXIT, 0, 0, 0, 0, 0, 0, 0];
const SUCCESS: [u8; 8] = [ebpf::MOV64_IMM, 0, 0, 0, 0, 0, 0, 0];

#[test]
fn an_error_s_number_that_is_gone_is_told() {
    let elf = Elf::read(PORTCULLIS).unwrap();
    let mut new = PORTCULLIS.to_vec();
    let not_signer = elf
        .code
        .instructions
        .iter()
        .find(|one| one.immediate == 3010);
    let at = place(&elf, &new, not_signer.unwrap().pc) + 4;
    new[at..at + 4].copy_from_slice(&3005_i32.to_le_bytes());
    let inspection = compared(PORTCULLIS, &new);
    assert_eq!(
        only(&inspection, "PI122"),
        (
            Severity::Medium,
            "fewer places give the errors 3010 AccountNotSigner (1 → 0)"
        )
    );
    let (severity, message) = only(&inspection, "PI120");
    assert_eq!(severity, Severity::Low);
    assert!(message.contains("= 3010” → “") && message.ends_with("= 3005”"));
}

#[test]
fn real_bugs_leave_a_trace() {
    let folder = concat!(
        env!("CARGO_MANIFEST_DIR"),
        "/../tests/programs/vaults/vault"
    );
    let read = |bug: &str| std::fs::read(format!("{folder}{bug}.so")).unwrap();
    let good = read("");
    for (bug, rule, message) in [
        ("-balance-not-checked", "PI122", "fewer places give the errors 6001 (4 → 0)"),
        ("-owner-not-checked", "PI122", "fewer places give the errors 6001 (4 → 2)"),
        ("-pause-ignored", "PI122", "fewer places give the errors 6001 (4 → 3)"),
        ("-signer-not-checked", "PI123", "fewer conditions in function_70 (8 → 7)"),
        ("-fee-not-charged", "PI123", "fewer conditions in entrypoint (150 → 145)"),
        ("-rounds-against-the-vault", "PI123", "fewer conditions in entrypoint (150 → 149)"),
        (
            "-fields-reordered",
            "PI120",
            "function_155: “jump by 6 if r5 > 39” → “jump by 6 if r5 > 47”, “r0 = [r5 + 32]” → “r0 = [r5 + 40]”, \
             “[r5 + 32] = r0” → “[r5 + 40] = r0”",
        ),
    ] {
        assert_eq!(only(&compared(&good, &read(bug)), rule).1, message, "{bug}");
    }
}

#[test]
fn a_message_of_a_check_that_is_gone_is_told_before_others() {
    let old = samples::spl_token().unwrap();
    let mut new = old.clone();
    for (text, other) in [
        ("Error: Account is frozen", "Error: nothing to say 12"),
        ("Error: insufficient funds", "Error: nothing to say 123"),
    ] {
        let at = offset_of(&old, text.as_bytes());
        new[at..at + text.len()].copy_from_slice(other.as_bytes());
    }
    let inspection = compared(&old, &new);
    let check = "it no longer has what checks say: “Error: Account is frozen”";
    assert_eq!(only(&inspection, "PI118"), (Severity::Medium, check));
    let error = "it no longer has messages of errors: “Error: insufficient funds”";
    assert_eq!(only(&inspection, "PI113"), (Severity::Low, error));
    // As a part of a longer text it is still said.
    let at = offset_of(&old, b"Error: Account is frozen");
    let mut moved = old.clone();
    moved[at..at + 24].copy_from_slice(b"Error: nothing to say 12");
    let at = offset_of(
        &old,
        b"Error: Instruction does not support non-native tokens",
    );
    moved[at..at + 30].copy_from_slice(b"Error: Account is frozen, now ");
    assert!(of(&compared(&old, &moved), "PI118").is_empty());
}

#[test]
fn another_entry_point_is_told() {
    let elf = Elf::read(PORTCULLIS).unwrap();
    let entry = elf.functions.iter().find(|one| one.end - one.start > 100);
    let entry = entry.unwrap();
    assert_ne!(entry.start, elf.code.entry);
    let mut new = PORTCULLIS.to_vec();
    let address = elf.address_of(entry.start);
    new[24..32].copy_from_slice(&address.to_le_bytes());
    let inspection = compared(PORTCULLIS, &new);
    let (severity, message) = only(&inspection, "PI110");
    assert_eq!(severity, Severity::Medium);
    assert!(message.starts_with("the entry point's code was changed; "));
}

/// The function's first instructions.
fn patched(bytes: &[u8], elf: &Elf, function: usize, code: &[[u8; 8]]) -> Vec<u8> {
    let mut new = bytes.to_vec();
    let at = place(elf, bytes, elf.functions[function].start);
    new[at..at + code.len() * INSN_SIZE].copy_from_slice(&code.concat());
    new
}

#[test]
fn a_function_that_was_emptied_is_told() {
    for bytes in [samples::spl_token().unwrap(), PORTCULLIS.to_vec()] {
        let elf = Elf::read(&bytes).unwrap();
        let calls = |function: usize| {
            let start = elf.functions[function].start;
            let mut code = elf.code.instructions.iter();
            code.any(|one| one.operand == Operand::Call(start))
        };
        let long = |index: &usize| elf.functions[*index].end - elf.functions[*index].start > 20;
        let called = (0..elf.functions.len())
            .filter(long)
            .filter(|one| calls(*one));
        let mut tried = 0;
        for function in called.step_by(9) {
            let label = elf.functions[function].label();
            let inspection = compared(&bytes, &patched(&bytes, &elf, function, &[SUCCESS, EXIT]));
            let found = of(&inspection, "PI119");
            assert_eq!(found.len(), 1, "{label}");
            assert_eq!(found[0].severity, Severity::High);
            assert_eq!(found[0].function.as_ref(), Some(&label));
            tried += 1;
        }
        assert!(tried > 3, "{tried}");
    }
}

#[test]
fn a_condition_that_is_turned_round_or_gone_is_told() {
    let elf = Elf::read(PORTCULLIS).unwrap();
    let jumps = elf.code.instructions.iter();
    let mut jumps = jumps.filter(|one| one.opcode == ebpf::JNE64_IMM && one.immediate == 0);
    let jump = jumps.nth(20).unwrap();
    let label = elf.functions[elf.function_at(jump.pc).unwrap()].label();
    let at = place(&elf, PORTCULLIS, jump.pc);
    let mut turned = PORTCULLIS.to_vec();
    turned[at] = ebpf::JEQ64_IMM;
    let (offset, register) = (jump.offset, jump.registers & 0xf);
    let before = format!("“jump by {offset} if r{register} != 0”");
    let message = format!("{label}: {before} → “jump by {offset} if r{register} == 0”");
    let inspection = compared(PORTCULLIS, &turned);
    assert_eq!(
        only(&inspection, "PI120"),
        (Severity::Low, message.as_str())
    );
    assert!(of(&inspection, "PI123").is_empty());

    let mut gone = PORTCULLIS.to_vec();
    gone[at..at + 8].copy_from_slice(&SUCCESS);
    let inspection = compared(PORTCULLIS, &gone);
    let message = format!("{label}: {before} → “r0 = 0”");
    assert_eq!(
        only(&inspection, "PI120"),
        (Severity::Low, message.as_str())
    );
    let (severity, message) = only(&inspection, "PI123");
    assert_eq!(severity, Severity::Low);
    assert!(message.starts_with(&format!("fewer conditions in {label} (")));
}

#[test]
fn who_calls_other_programs_for_the_first_time_is_told() {
    let elf = Elf::read(PORTCULLIS).unwrap();
    let invoke = ebpf::hash_symbol_name(b"sol_invoke_signed_rust");
    let mut makes = elf.code.instructions.iter();
    let direct = makes.find(|one| one.operand == Operand::Syscall(invoke));
    let direct = elf.function_at(direct.unwrap().pc).unwrap();
    let wrapper = elf.functions[direct].start;
    // A function that calls some other one, and whose callees call none.
    let candidates = elf
        .code
        .instructions
        .iter()
        .filter(|one| match one.operand {
            Operand::Call(pc) => pc != wrapper && elf.function_at(one.pc) != Some(direct),
            _ => false,
        });
    let mut told = 0;
    for call in candidates.step_by(97) {
        let mut new = PORTCULLIS.to_vec();
        let at = place(&elf, &new, call.pc) + 4;
        let far = wrapper as i32 - call.pc as i32 - 1;
        new[at..at + 4].copy_from_slice(&far.to_le_bytes());
        let label = elf.functions[elf.function_at(call.pc).unwrap()].label();
        let inspection = compared(PORTCULLIS, &new);
        let message = format!("{label} calls other programs, which it did not before");
        told += usize::from(
            of(&inspection, "PI108")
                .iter()
                .any(|one| one.message == message),
        );
    }
    assert!(told > 3, "{told}");
}

#[test]
fn a_pointer_to_the_function_that_calls_other_programs_counts_as_a_call() {
    let elf = Elf::read(PORTCULLIS).unwrap();
    let invoke = ebpf::hash_symbol_name(b"sol_invoke_signed_rust");
    let mut makes = elf.code.instructions.iter();
    let direct = makes.find(|one| one.operand == Operand::Syscall(invoke));
    let direct = elf.function_at(direct.unwrap().pc).unwrap();
    let address = elf.address_of(elf.functions[direct].start);
    // A constant of 64 bits in a function that calls no other program becomes the pointer.
    let mut wide = elf.code.instructions.iter();
    let wide = wide
        .find(|one| matches!(one.operand, Operand::Wide(_)))
        .unwrap();
    let label = elf.functions[elf.function_at(wide.pc).unwrap()].label();
    let mut new = PORTCULLIS.to_vec();
    let at = place(&elf, &new, wide.pc);
    new[at + 4..at + 8].copy_from_slice(&(address as u32).to_le_bytes());
    new[at + 12..at + 16].copy_from_slice(&((address >> 32) as u32).to_le_bytes());
    let inspection = compared(PORTCULLIS, &new);
    let message = format!("{label} calls other programs, which it did not before");
    assert_eq!(
        only(&inspection, "PI108"),
        (Severity::Medium, message.as_str())
    );
}

#[test]
fn a_section_that_can_be_written_is_refused() {
    let mut bytes = samples::spl_token().unwrap();
    let at = offset_of(&bytes, b".data.rel.ro\0");
    bytes[at + 5] = b'_';
    assert_eq!(
        Elf::read(&bytes).unwrap_err(),
        ReadError::Unreadable {
            reason: "Found writable section (.data_rel.ro) in ELF, read-write data not supported"
                .to_string()
        }
    );
}

#[test]
fn a_security_txt_that_is_gone_is_told() {
    let mut new = PORTCULLIS.to_vec();
    let at = offset_of(&new, b"=======BEGIN SECURITY.TXT");
    new[at + 8] = b'X';
    let gone = "its security.txt is gone";
    assert_eq!(
        only(&compared(PORTCULLIS, &new), "PI112"),
        (Severity::Low, gone)
    );
}

/// What a comment more in a source does: the panics behind it are some lines further down.
#[test]
fn a_rebuild_with_another_comment_has_no_finding() {
    for bytes in [samples::spl_token().unwrap(), PORTCULLIS.to_vec()] {
        let elf = Elf::read(&bytes).unwrap();
        let mut new = bytes.clone();
        let mut moved = 0;
        for at in (0..elf.data.bytes.len() - 24).step_by(8) {
            let address = elf.data.address + at as u64;
            let (text, len) = (elf.data.word(address), elf.data.word(address + 8));
            let path = text
                .zip(len.filter(|len| (4..200).contains(len)))
                .and_then(|(text, len)| elf.data.get(text, len as usize));
            if !path.is_some_and(|path| path.ends_with(b".rs")) {
                continue;
            }
            let line = &elf.data.bytes[at..at + 24];
            // Relocated in memory, so only the line is as in the file.
            let place = match elf.sbpf_version {
                3 => elf.sections[0].offset as usize + at,
                _ => at + (elf.data.address - (1 << 32)) as usize,
            };
            assert_eq!(new[place + 16..place + 24], line[16..24]);
            new[place + 16] = new[place + 16].wrapping_add(3);
            moved += 1;
        }
        assert!(moved > 5, "{moved}");
        let inspection = compared(&bytes, &new);
        assert_eq!(inspection.findings, []);
        assert!(!inspection.comparison.unwrap().data_changed);
    }
}

#[test]
fn what_constants_point_to_is_compared_though_the_pointers_are_the_same() {
    let bytes = samples::spl_token().unwrap();
    let elf = Elf::read(&bytes).unwrap();
    let pointed: BTreeSet<u64> = elf
        .code
        .instructions
        .iter()
        .filter_map(|one| match one.operand {
            Operand::Data(address) => Some(address),
            _ => None,
        })
        .collect();
    let mut tried = 0;
    for pointer in pointed.iter().filter(|one| one.is_multiple_of(8)) {
        let Some(target) = elf.data.word(*pointer) else {
            continue;
        };
        let Some(text) = elf.data.get(target, 4) else {
            continue;
        };
        // Names of sources do not count, and what the code points to as well is compared without the pointer.
        let len = elf.data.word(pointer + 8).unwrap_or_default() as usize;
        let name = elf.data.get(target, len).unwrap_or_default();
        let of_a_source = name.ends_with(b".rs");
        if pointed.contains(&target) || of_a_source || text.contains(&0) {
            continue;
        }
        // As text, and as what is no text.
        for first in [text[0], 0x80] {
            let with = |byte: u8| {
                let mut bytes = bytes.clone();
                bytes[(target - (1 << 32)) as usize] = byte;
                bytes
            };
            let inspection = compared(&with(first), &with(first ^ 1));
            let functions = inspection.comparison.unwrap().functions;
            assert!(functions.changed_count > 0, "{target:x}");
            assert_eq!(functions.changed[0].what, [Aspect::Constants]);
        }
        tried += 1;
    }
    assert!(tried > 3, "{tried}");
}
