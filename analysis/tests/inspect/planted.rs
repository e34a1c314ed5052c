//! Changes planted in real programs: what is reported is what was changed.

use portcullis_analysis::{
    elf::{Elf, Operand},
    inspect::{Aspect, Severity},
};
use portcullis_localnet::samples;
use solana_sbpf::ebpf::{self, hash_symbol_name, INSN_SIZE};
use solana_sdk::pubkey::Pubkey;

use crate::{
    alone, calling,
    common::{FORWARDER, PORTCULLIS},
    compared, place, rules,
};

/// Changes a constant in the middle of a function.
fn patched(bytes: &[u8], elf: &Elf, function: usize) -> Option<Vec<u8>> {
    let function = &elf.functions[function];
    let body = elf.code.between(function.start, function.end);
    let plain = [
        ebpf::MOV64_IMM,
        ebpf::ADD64_IMM,
        ebpf::JEQ64_IMM,
        ebpf::AND64_IMM,
    ];
    let middle = body.iter().skip(body.len() / 2);
    let instruction = middle
        .chain(body)
        .find(|one| plain.contains(&one.opcode) && one.operand == Operand::None)?;
    let place = place(elf, bytes, instruction.pc) + 4;
    let mut patched = bytes.to_vec();
    patched[place] ^= 1;
    Some(patched)
}

#[test]
fn exactly_the_changed_function_is_reported() {
    for (name, bytes) in [
        ("spl_token", samples::spl_token().unwrap()),
        ("portcullis", PORTCULLIS.to_vec()),
    ] {
        let elf = Elf::read(&bytes).unwrap();
        let mut tried = 0;
        for index in (0..elf.functions.len()).step_by(9) {
            let Some(patched) = patched(&bytes, &elf, index) else {
                continue;
            };
            tried += 1;
            let label = elf.functions[index].label();
            let inspection = compared(&bytes, &patched);
            let functions = &inspection.comparison.as_ref().unwrap().functions;
            let changed: Vec<&str> = functions
                .changed
                .iter()
                .map(|change| change.after.function.as_str())
                .collect();
            assert_eq!(changed, [label.as_str()], "{name}");
            assert_eq!(functions.changed[0].what, [Aspect::Code], "{name} {label}");
            assert_eq!((functions.added_count, functions.removed_count), (0, 0));
            let code = inspection.findings.iter().find(|one| one.rule == "PI109");
            assert_eq!(code.unwrap().function, Some(label), "{name}");
        }
        assert!(tried > 12, "{name}: {tried}");
    }
}

#[test]
fn who_calls_the_function_that_calls_other_programs_is_told() {
    let elf = Elf::read(PORTCULLIS).unwrap();
    let invoke = hash_symbol_name(b"sol_invoke_signed_rust");
    let makes = elf.code.instructions.iter();
    let mut makes = makes.filter(|one| one.operand == Operand::Syscall(invoke));
    let direct = elf.function_at(makes.next().unwrap().pc).unwrap();
    let start = elf.functions[direct].start;
    let caller = elf.code.instructions.iter();
    let mut callers = caller.filter(|one| one.operand == Operand::Call(start));
    let caller = elf.function_at(callers.next().unwrap().pc).unwrap();
    assert_ne!(caller, direct);
    let inspection = compared(PORTCULLIS, &patched(PORTCULLIS, &elf, caller).unwrap());
    assert_eq!(rules(&inspection.findings), ["PI108", "PI120", "PI109"]);
    let label = elf.functions[caller].label();
    assert_eq!(inspection.findings[0].function, Some(label));
}

/// The code of a v3 program with two instructions in front, and everything that points into it moved along.
fn moved(bytes: &[u8], elf: &Elf, front: [[u8; 8]; 2]) -> Vec<u8> {
    let shift = 2 * INSN_SIZE;
    let mut moved = bytes.to_vec();
    for instruction in &elf.code.instructions {
        if let Operand::Code(pc) = instruction.operand {
            let low = (pc * INSN_SIZE + shift) as u32;
            let at = place(elf, bytes, instruction.pc) + 4;
            moved[at..at + 4].copy_from_slice(&low.to_le_bytes());
        }
    }
    let data = elf.sections.iter().find(|one| one.name == "read-only data");
    let data = data.unwrap();
    let range = data.offset as usize..(data.offset + data.len) as usize;
    for word in moved[range].chunks_exact_mut(8) {
        let value = u64::from_le_bytes((&*word).try_into().unwrap());
        if elf.code.text.contains(value) {
            word.copy_from_slice(&(value + shift as u64).to_le_bytes());
        }
    }
    let start = place(elf, bytes, 0);
    moved.splice(start..start, front.concat());
    let mut add = |at: usize| {
        let value = u64::from_le_bytes(moved[at..at + 8].try_into().unwrap());
        moved[at..at + 8].copy_from_slice(&(value + shift as u64).to_le_bytes());
    };
    // e_entry, and p_filesz and p_memsz of the second program header.
    for at in [24, 64 + 56 + 32, 64 + 56 + 40] {
        add(at);
    }
    moved
}

const EXIT: [u8; 8] = [ebpf::EXIT, 0, 0, 0, 0, 0, 0, 0];

#[test]
fn a_move_changes_no_function() {
    for (name, bytes) in [("portcullis", PORTCULLIS), ("forwarder", FORWARDER)] {
        let elf = Elf::read(bytes).unwrap();
        let nothing = [ebpf::MOV64_IMM, 0, 0, 0, 0, 0, 0, 0];
        let inspection = compared(bytes, &moved(bytes, &elf, [nothing, EXIT]));
        let functions = &inspection.comparison.as_ref().unwrap().functions;
        assert_eq!(functions.changed, [], "{name}");
        assert_eq!((functions.added_count, functions.removed_count), (1, 0));
        assert_eq!(functions.unchanged_count, elf.functions.len());
        assert!(inspection.subject.loader.accepted, "{name}");
        assert_eq!(rules(&inspection.findings), ["PI109", "PI115"]);
    }
}

#[test]
fn a_call_of_other_programs_that_nobody_refers_to_is_seen() {
    let elf = Elf::read(PORTCULLIS).unwrap();
    let mut call = [ebpf::CALL_IMM, 0, 0, 0, 0, 0, 0, 0];
    call[4..].copy_from_slice(&hash_symbol_name(b"sol_invoke_signed_c").to_le_bytes());
    let inspection = compared(PORTCULLIS, &moved(PORTCULLIS, &elf, [call, EXIT]));
    assert_eq!(
        rules(&inspection.findings),
        ["PI101", "PI108", "PI109", "PI115"]
    );
    assert_eq!(inspection.highest(), Some(Severity::High));
    let finding = &inspection.findings[0];
    assert_eq!(
        finding.message,
        "it calls sol_invoke_signed_c, once, in function_0: it can call other programs and sign for its own addresses"
    );
    assert_eq!(
        inspection.findings[1].function.as_deref(),
        Some("function_0")
    );
}

#[test]
fn a_new_system_call_is_found_by_what_the_loader_resolves() {
    let old = samples::spl_token().unwrap();
    let inspection = compared(&old, &calling());
    assert_eq!(
        rules(&inspection.findings),
        ["PI101", "PI108", "PI103", "PI120", "PI109"]
    );
    let comparison = inspection.comparison.as_ref().unwrap();
    assert_eq!(comparison.syscalls_added, ["sol_invoke_signed_c"]);
    assert_eq!(comparison.syscalls_removed, ["sol_get_rent_sysvar"]);
    assert_eq!(comparison.functions.changed_count, 1);
}

#[test]
fn an_unknown_system_call_is_named_and_refused() {
    let mut bytes = samples::spl_token().unwrap();
    let (old, new) = (b"sol_get_rent_sysvar", b"sol_get_rent_\x1b[2Jxy");
    let at = bytes
        .windows(old.len())
        .position(|name| name == old)
        .unwrap();
    bytes[at..at + new.len()].copy_from_slice(new);
    let inspection = alone(&bytes);
    assert_eq!(
        rules(&inspection.findings),
        ["PI001", "PI003", "PI002", "PI004"]
    );
    assert_eq!(
        inspection.findings[1].message,
        "it calls sol_get_rent_\\u{1b}[2Jxy, once, in function_9778"
    );
    assert!(!inspection.subject.loader.accepted);
}

#[test]
fn a_changed_message_is_found_and_so_is_who_uses_it() {
    let old = samples::spl_token().unwrap();
    let mut new = old.clone();
    let text = b"Error: owner does not match";
    let at = old.windows(text.len()).position(|one| one == text).unwrap();
    new[at + 7] = b'O';
    let inspection = compared(&old, &new);
    assert_eq!(
        rules(&inspection.findings),
        ["PI118", "PI110", "PI109", "PI114"]
    );
    let functions = &inspection.comparison.as_ref().unwrap().functions;
    assert_eq!(functions.changed_count, 1);
    assert_eq!(functions.changed[0].what, [Aspect::Constants]);
}

#[test]
fn a_changed_constant_that_nothing_points_to_is_found() {
    let elf = Elf::read(PORTCULLIS).unwrap();
    let data = &elf.sections[0];
    let found = (0..data.len as usize / 8).rev().find_map(|word| {
        let mut new = PORTCULLIS.to_vec();
        new[data.offset as usize + word * 8] ^= 0x55;
        let inspection = compared(PORTCULLIS, &new);
        (rules(&inspection.findings) == ["PI116"]).then_some(inspection)
    });
    let message = "constants were changed, and no function";
    assert_eq!(found.unwrap().findings[0].message, message);
}

/// A v0 ELF with a symbol table: these names for the functions that begin there.
fn with_symbols(bytes: &[u8], names: &[(usize, &str)]) -> Vec<u8> {
    let elf = Elf::read(bytes).unwrap();
    let at = |place: usize| u64::from_le_bytes(bytes[place..place + 8].try_into().unwrap());
    let (headers, count) = (at(40) as usize, usize::from(bytes[60]));
    let mut table = bytes[headers..headers + count * 64].to_vec();
    let last = table.len() - 64;
    let section_names = elf.sections.last().unwrap();
    let start = section_names.offset as usize;
    let mut strings = bytes[start..start + section_names.len as usize].to_vec();
    let (symtab, strtab) = (strings.len(), strings.len() + 8);
    strings.extend(b".symtab\0.strtab\0");
    strings.resize(strings.len().next_multiple_of(8), 0);
    let (mut symbols, mut texts) = (vec![0; 24], vec![0]);
    for (pc, name) in names {
        symbols.extend((texts.len() as u32).to_le_bytes());
        symbols.extend([2, 0, 1, 0]);
        symbols.extend((0x120 + *pc as u64 * 8).to_le_bytes());
        symbols.extend(8_u64.to_le_bytes());
        texts.extend(name.as_bytes());
        texts.push(0);
    }
    texts.resize(texts.len().next_multiple_of(8), 0);
    let mut new = bytes[..headers].to_vec();
    let mut section = |name: usize, kind: u32, link: u32, content: &[u8], size: u64| {
        let mut header = vec![0; 64];
        header[..4].copy_from_slice(&(name as u32).to_le_bytes());
        header[4..8].copy_from_slice(&kind.to_le_bytes());
        header[24..32].copy_from_slice(&(new.len() as u64).to_le_bytes());
        header[32..40].copy_from_slice(&(content.len() as u64).to_le_bytes());
        header[40..44].copy_from_slice(&link.to_le_bytes());
        header[48] = 8;
        header[56..].copy_from_slice(&size.to_le_bytes());
        new.extend(content);
        header
    };
    let name_of_names = u32::from_le_bytes(table[last..last + 4].try_into().unwrap());
    let moved = section(name_of_names as usize, 3, 0, &strings, 0);
    let symtab = section(symtab, 2, count as u32 + 1, &symbols, 24);
    let strtab = section(strtab, 3, 0, &texts, 0);
    table.truncate(last);
    table.extend([moved, symtab, strtab].concat());
    let start = new.len() as u64;
    new[40..48].copy_from_slice(&start.to_le_bytes());
    new[60] = (count + 2) as u8;
    new.extend(table);
    new
}

#[test]
fn functions_are_told_apart_by_their_names_without_the_compiler_s_hash() {
    let bytes = samples::spl_token().unwrap();
    let elf = Elf::read(&bytes).unwrap();
    let function = elf
        .functions
        .iter()
        .position(|one| one.start == 906)
        .unwrap();
    let symbol = |hash: &str| format!("_ZN9spl_token9processor9Processor7process17h{hash}E");
    let (before, after) = (symbol("0123456789abcdef"), symbol("fedcba9876543210"));
    let old = with_symbols(&bytes, &[(906, &before)]);
    let mut new = with_symbols(&bytes, &[(906, &after)]);
    assert!(Elf::read(&old).unwrap().has_symbols && !elf.has_symbols);
    let same = compared(&old, &new).comparison.unwrap().functions;
    assert_eq!((same.changed_count, same.added_count), (0, 0));
    // All of its instructions but the last.
    let body = &elf.functions[function];
    for pc in body.start..body.end - 1 {
        let place = place(&elf, &bytes, pc);
        new[place..place + 8].copy_from_slice(&[ebpf::MOV64_IMM, 0, 0, 0, 7, 0, 0, 0]);
    }
    let functions = compared(&old, &new).comparison.unwrap().functions;
    let changed: Vec<&str> = functions
        .changed
        .iter()
        .map(|change| change.after.function.as_str())
        .collect();
    assert_eq!(changed, ["spl_token::processor::Processor::process"]);
    assert!(functions.changed[0].likeness_percent < 10);
}

#[test]
fn an_address_that_hides_in_the_code_is_found() {
    let elf = Elf::read(PORTCULLIS).unwrap();
    let token = "TokenkegQfeZyiNwAJbNbGKPFXCWuBvf9Ss623VQ5DA";
    let bytes: Pubkey = token.parse().unwrap();
    let mut hidden = PORTCULLIS.to_vec();
    let at = place(&elf, &hidden, 1000) + 3;
    hidden[at..at + 32].copy_from_slice(bytes.as_ref());
    let inspection = compared(PORTCULLIS, &hidden);
    let finding = inspection.findings.iter().find(|one| one.rule == "PI104");
    assert!(finding.unwrap().message.contains(token));
}

#[test]
fn findings_of_a_rule_are_bounded() {
    let elf = Elf::read(FORWARDER).unwrap();
    let mut many = FORWARDER.to_vec();
    for pc in 0..60 {
        let place = place(&elf, &many, pc);
        let number = (pc as u32).to_le_bytes();
        many[place..place + 8].copy_from_slice(&[[ebpf::CALL_IMM, 0, 0, 0], number].concat());
    }
    let inspection = alone(&many);
    let unknown = inspection.findings.iter().filter(|one| one.rule == "PI003");
    let messages: Vec<&str> = unknown.map(|one| one.message.as_str()).collect();
    assert_eq!(messages.len(), 51);
    assert_eq!(messages[50], "and 10 more like these");
}
