//! What is in one ELF, as a report shows it.

use std::collections::{BTreeMap, BTreeSet};

use portcullis_client::error::hex;
use serde::Serialize;

use super::{
    loader::{Loader, LoaderRules},
    Subject,
};
use crate::elf::{Elf, KnownKind, Operand, Place, Syscall};

/// Entries of one list in a report, at most; the count beside it is of all.
pub const MAX_LISTED: usize = 1000;
/// Callers that are named for one system call.
const MAX_CALLERS: usize = 100;

/// What is in an ELF.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct ElfReport {
    /// Of the ELF without its trailing zeros: what voters commit to.
    pub sha256: String,
    /// Without trailing zeros.
    pub len_bytes: usize,
    /// With them.
    pub file_len_bytes: usize,
    pub sbpf_version: u32,
    pub entry: EntryPoint,
    pub loader: Loader,
    pub sections: Vec<SectionReport>,
    pub instructions: usize,
    pub functions: usize,
    /// Whether functions have names of their own.
    pub has_symbols: bool,
    pub syscalls: Vec<SyscallUse>,
    pub addresses: Vec<AddressReport>,
    pub security_txt: Option<BTreeMap<String, String>>,
    pub strings: StringsReport,
    /// Where the program is known that it is for.
    pub programdata: Option<Capacity>,
}

/// Where a program begins.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct EntryPoint {
    pub address: String,
    pub function: String,
}

#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct SectionReport {
    pub name: String,
    pub address: String,
    pub offset: u64,
    pub len_bytes: u64,
}

/// A system call that the code makes.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct SyscallUse {
    pub name: String,
    /// Whether this version knows it.
    pub known: bool,
    /// What it lets the program do.
    pub does: Option<&'static str>,
    /// Places in the code.
    pub calls: usize,
    pub callers: Vec<String>,
    /// Functions, of which `callers` names the first.
    pub caller_count: usize,
}

/// 32 bytes that are, or look like, an address.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct AddressReport {
    pub address: String,
    /// `None`: nobody's that this version knows, and perhaps no address.
    pub name: Option<&'static str>,
    pub kind: AddressKind,
    /// Where it stands, or the function that has it.
    pub at: String,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum AddressKind {
    /// The program that the ELF is for.
    Itself,
    /// A well-known program.
    Program,
    /// A well-known account that is no program.
    Account,
    /// It only looks like an address.
    Unknown,
}

#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct StringsReport {
    pub count: usize,
    /// Those that look like messages of errors.
    pub errors: Vec<String>,
    /// Names of source files.
    pub sources: Vec<String>,
}

/// A function.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct FunctionReport {
    pub function: String,
    pub address: String,
    pub instructions: usize,
    /// Those that jump or not, by what they find.
    pub conditions: usize,
    /// Whether it calls other programs, itself or through one function in between.
    pub calls_programs: bool,
}

/// The room that a deployed program has.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Capacity {
    pub program: String,
    /// What the programdata account holds behind its header.
    pub capacity_bytes: usize,
    /// By how much it must be extended first.
    pub missing_bytes: usize,
}

impl ElfReport {
    /// What is in an ELF, judged by the rules of the cluster that it is for.
    pub fn new(elf: &Elf, subject: &Subject, rules: &LoaderRules) -> Self {
        let room = subject.room.clone();
        let syscalls = syscalls(elf);
        let entry = elf.code.entry;
        let own = room.as_ref().map(|(program, _)| program.clone());
        let label = |pc: usize| match elf.function_at(pc) {
            Some(index) => elf.functions[index].label(),
            None => format!("function_{pc}"),
        };
        let listed = |texts: &mut dyn Iterator<Item = &String>| {
            texts.take(MAX_LISTED).cloned().collect::<Vec<_>>()
        };
        Self {
            sha256: hex(&elf.commitment.sha256),
            len_bytes: elf.commitment.len as usize,
            file_len_bytes: elf.file_len,
            sbpf_version: elf.sbpf_version,
            entry: EntryPoint {
                address: address(elf.address_of(entry)),
                function: label(entry),
            },
            loader: Loader::judge(&subject.bytes, &syscalls, rules),
            sections: elf
                .sections
                .iter()
                .map(|section| SectionReport {
                    name: section.name.clone(),
                    address: address(section.address),
                    offset: section.offset,
                    len_bytes: section.len,
                })
                .collect(),
            instructions: elf.code.instructions.len(),
            functions: elf.functions.len(),
            has_symbols: elf.has_symbols,
            syscalls,
            addresses: elf
                .addresses
                .iter()
                .map(|one| (one, one.address.to_string()))
                .map(|(one, text)| AddressReport {
                    name: one.known.map(|known| known.name),
                    kind: match one.known.map(|known| known.kind) {
                        _ if own.as_ref() == Some(&text) => AddressKind::Itself,
                        Some(KnownKind::Program) => AddressKind::Program,
                        Some(KnownKind::Account) => AddressKind::Account,
                        None => AddressKind::Unknown,
                    },
                    address: text,
                    at: match one.place {
                        Place::Data(place) => address(place),
                        Place::Code(pc) => label(pc),
                    },
                })
                .collect(),
            security_txt: elf
                .security_txt
                .as_ref()
                .map(|text| text.fields.iter().cloned().collect()),
            strings: StringsReport {
                count: elf.strings.all.len(),
                errors: listed(&mut elf.strings.errors()),
                sources: listed(&mut elf.strings.sources()),
            },
            programdata: room.map(|(program, capacity_bytes)| Capacity {
                program,
                capacity_bytes,
                // The loader copies the whole buffer, trailing zeros included.
                missing_bytes: elf.file_len.saturating_sub(capacity_bytes),
            }),
        }
    }
}

/// An address as people write it.
pub fn address(address: u64) -> String {
    format!("0x{address:x}")
}

fn syscalls(elf: &Elf) -> Vec<SyscallUse> {
    let mut uses: BTreeMap<u32, (usize, BTreeSet<usize>)> = BTreeMap::new();
    for instruction in &elf.code.instructions {
        if let Operand::Syscall(hash) = instruction.operand {
            // No loader takes a single one that it does not know.
            if uses.len() >= MAX_LISTED && !elf.syscall_name(hash).1 && !uses.contains_key(&hash) {
                continue;
            }
            let (calls, callers) = uses.entry(hash).or_default();
            *calls += 1;
            callers.extend(elf.function_at(instruction.pc));
        }
    }
    let mut uses: Vec<SyscallUse> = uses
        .into_iter()
        .map(|(hash, (calls, callers))| {
            let (name, known) = elf.syscall_name(hash);
            SyscallUse {
                does: Syscall::by_name(&name)
                    .filter(|_| known)
                    .map(|one| one.does),
                name,
                known,
                calls,
                caller_count: callers.len(),
                callers: callers
                    .into_iter()
                    .take(MAX_CALLERS)
                    .map(|index| elf.functions[index].label())
                    .collect(),
            }
        })
        .collect();
    uses.sort_by(|a, b| a.name.cmp(&b.name));
    uses
}
