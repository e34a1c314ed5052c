//! Real programs inspected and compared, and changes planted in them.

mod attacks;
#[path = "../common/mod.rs"]
mod common;
mod keys;
mod loader;
mod planted;
mod real;

use portcullis_analysis::{
    elf::Elf,
    inspect::{Finding, Inspection, Policy, Severity, Subject},
};
use portcullis_localnet::samples;
use serde_json::Value;
use solana_sbpf::ebpf::{INSN_SIZE, MM_BYTECODE_START};

fn alone(bytes: &[u8]) -> Inspection {
    Inspection::new(&Subject::of(bytes.to_vec()), None, &Policy::default()).unwrap()
}

fn compared(old: &[u8], new: &[u8]) -> Inspection {
    with_policy(old, new, "version = 1")
}

fn with_policy(old: &[u8], new: &[u8], policy: &str) -> Inspection {
    let (old, new) = (Subject::of(old.to_vec()), Subject::of(new.to_vec()));
    Inspection::new(&new, Some(&old), &policy.parse().unwrap()).unwrap()
}

fn rules(findings: &[Finding]) -> Vec<&'static str> {
    findings.iter().map(|one| one.rule).collect()
}

/// Where the file has the instruction in this slot.
fn place(elf: &Elf, bytes: &[u8], pc: usize) -> usize {
    let start = match elf.sbpf_version {
        3 => {
            let code = elf.sections.iter().find(|section| section.name == "code");
            code.unwrap().offset as usize
        }
        _ => (elf.code.text.address - MM_BYTECODE_START) as usize,
    };
    let place = start + pc * INSN_SIZE;
    assert!(place + INSN_SIZE <= bytes.len());
    place
}

/// SPL Token, which calls no other program, with the rent's system call renamed.
fn calling() -> Vec<u8> {
    let mut bytes = samples::spl_token().unwrap();
    let (old, new) = (b"sol_get_rent_sysvar", b"sol_invoke_signed_c");
    let at = bytes
        .windows(old.len())
        .position(|name| name == old)
        .unwrap();
    bytes[at..at + new.len()].copy_from_slice(new);
    bytes
}

fn results(sarif: &Value) -> &[Value] {
    sarif["runs"][0]["results"].as_array().unwrap()
}

fn of<'a>(inspection: &'a Inspection, rule: &str) -> Vec<&'a Finding> {
    let findings = inspection.findings.iter();
    findings.filter(|one| one.rule == rule).collect()
}

/// The only finding of a rule.
fn only<'a>(inspection: &'a Inspection, rule: &str) -> (Severity, &'a str) {
    match of(inspection, rule).as_slice() {
        [one] => (one.severity, one.message.as_str()),
        _ => panic!("{:?}", inspection.findings),
    }
}

fn find(bytes: &[u8], sought: &[u8]) -> Option<usize> {
    let mut windows = bytes.windows(sought.len());
    windows.position(|one| one == sought)
}

fn offset_of(bytes: &[u8], sought: &[u8]) -> usize {
    find(bytes, sought).unwrap()
}
