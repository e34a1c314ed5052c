//! What is in a program's ELF. It is read by the loader's own code, so what is shown is what would run: relocations are applied,
//! and an ELF that says one thing in its tables and does another is shown by what it does.

mod addresses;
mod code;
mod functions;
mod security_txt;
mod strings;
mod syscalls;
mod text;
mod well_known;

pub use addresses::{looks_random, Address, Place};
pub use code::{Code, Instruction, Operand};
pub use functions::{Function, MAX_FUNCTIONS};
pub use security_txt::SecurityTxt;
pub use strings::{is_error as is_error_message, Strings};
pub use syscalls::{Effect, Syscall, SYSCALLS};
pub use text::printable;
pub use well_known::{well_known, Known, KnownKind, WELL_KNOWN};

use std::{collections::BTreeMap, sync::Arc};

use portcullis_client::elf::NoContext;
use portcullis_client::{account::Commitment, elf::MAX_LOADER_ELF_LEN};
use solana_sbpf::{
    aligned_memory::AlignedMemory,
    ebpf::{hash_symbol_name, HOST_ALIGN, INSN_SIZE},
    elf::{get_sbpf_version, Executable},
    elf_parser::{types::Elf64Sym, Elf64},
    program::{BuiltinProgram, SBPFVersion},
    vm::Config,
};
use solana_sdk::pubkey::Pubkey;

/// Sections that a report names, at most: a program has about ten.
const MAX_SECTIONS: usize = 128;
/// The longest name of a function.
const MAX_NAME: usize = 300;

/// Why bytes cannot be inspected.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum ReadError {
    #[error("it is empty: give the .so file that the build made")]
    Empty,
    #[error(
        "it does not begin with the four bytes of an ELF: give the .so file that the build made"
    )]
    NotAnElf,
    #[error("it has {found} bytes, loader v3 takes {MAX_LOADER_ELF_LEN} at most: make it smaller")]
    TooLong { found: usize },
    #[error(
        "its sBPF version is {found}, and 0 to 3 can be read: build it for sBPF v3 or earlier"
    )]
    UnknownVersion {
        /// The `e_flags` of the ELF's header.
        found: u32,
    },
    #[error("no loader could read it ({reason}): the file may be cut off or not built for Solana; build it again")]
    Unreadable {
        /// The virtual machine's own words.
        reason: String,
    },
}

/// A part of the file by its name.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Section {
    pub name: String,
    /// Where the program sees it; zero where it does not.
    pub address: u64,
    /// In the file.
    pub offset: u64,
    pub len: u64,
}

/// Bytes that the program sees.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Region {
    pub address: u64,
    pub bytes: Vec<u8>,
}

impl Region {
    /// Whether an address lies in it.
    pub fn contains(&self, address: u64) -> bool {
        self.offset(address).is_some()
    }

    /// From an address to its place in the bytes.
    pub fn offset(&self, address: u64) -> Option<usize> {
        let offset = usize::try_from(address.checked_sub(self.address)?).ok()?;
        (offset < self.bytes.len()).then_some(offset)
    }

    /// `len` bytes at an address.
    pub fn get(&self, address: u64, len: usize) -> Option<&[u8]> {
        let offset = self.offset(address)?;
        self.bytes.get(offset..offset.checked_add(len)?)
    }

    /// The little-endian word at an address.
    pub fn word(&self, address: u64) -> Option<u64> {
        let bytes = self.get(address, 8)?.try_into().ok()?;
        Some(u64::from_le_bytes(bytes))
    }
}

/// An ELF that a loader could read.
#[derive(Clone, Debug)]
pub struct Elf {
    pub commitment: Commitment,
    /// The whole file's length.
    pub file_len: usize,
    /// 0 to 3.
    pub sbpf_version: u32,
    pub sections: Vec<Section>,
    /// The instructions.
    pub code: Code,
    /// The constants. Where they are merged with the code, the code's bytes are zero.
    pub data: Region,
    /// Ascending; the first begins with the first instruction.
    pub functions: Vec<Function>,
    /// Whether there is a symbol table. Without one only exported functions have names.
    pub has_symbols: bool,
    pub security_txt: Option<SecurityTxt>,
    pub strings: Strings,
    pub addresses: Vec<Address>,
    /// The names of system calls that the ELF itself gives, by their hash.
    named_syscalls: BTreeMap<u32, String>,
}

impl Elf {
    /// Reads the bytes of an ELF. Memory and time grow with their number only.
    ///
    /// # Errors
    /// Where no loader could make a program of them.
    pub fn read(bytes: &[u8]) -> Result<Self, ReadError> {
        if bytes.len() > MAX_LOADER_ELF_LEN {
            return Err(ReadError::TooLong { found: bytes.len() });
        }
        let commitment = Commitment::of(bytes).ok_or(ReadError::Empty)?;
        if !bytes.starts_with(b"\x7fELF") {
            return Err(ReadError::NotAnElf);
        }
        let unreadable = |reason: &dyn std::fmt::Display| ReadError::Unreadable {
            reason: printable(reason.to_string().as_bytes(), MAX_NAME),
        };
        let version = get_sbpf_version(bytes).map_err(|error| unreadable(&error))?;
        let sbpf_version = match version {
            SBPFVersion::V0 => 0,
            SBPFVersion::V1 => 1,
            SBPFVersion::V2 => 2,
            SBPFVersion::V3 => 3,
            _ => {
                let flags = bytes.get(48..52).and_then(|flags| flags.try_into().ok());
                return Err(ReadError::UnknownVersion {
                    found: flags.map_or(u32::MAX, u32::from_le_bytes),
                });
            }
        };
        let executable = Executable::<NoContext>::load(bytes, Arc::new(lenient_loader()))
            .map_err(|error| unreadable(&error))?;
        let (address, text) = executable.get_text_bytes();
        let code = Code::decode(
            version,
            Region {
                address,
                bytes: text.to_vec(),
            },
            executable.get_entrypoint_instruction_offset(),
            executable.get_ro_region().vm_addr,
            executable.get_ro_section(),
            |key| {
                let (_, pc) = executable.get_function_registry().lookup_by_key(key)?;
                Some(pc)
            },
        );
        let data = without_code(
            Region {
                address: executable.get_ro_region().vm_addr,
                bytes: executable.get_ro_section().to_vec(),
            },
            &code.text,
        );
        let tables = Tables::read(bytes, &code.text);
        let functions = functions::find(&code, &data, &tables.symbols);
        let strings = Strings::find(&code, &data);
        let addresses = addresses::find(&code, &functions, &data);
        Ok(Self {
            commitment,
            file_len: bytes.len(),
            sbpf_version,
            sections: tables.sections,
            has_symbols: tables.has_symbols,
            security_txt: SecurityTxt::find(bytes),
            strings,
            addresses,
            named_syscalls: tables.syscalls,
            code,
            data,
            functions,
        })
    }

    /// The name of a system call by its hash, and whether it is one that this version knows.
    pub fn syscall_name(&self, hash: u32) -> (String, bool) {
        match syscalls::by_hash(hash) {
            Some(syscall) => (syscall.name.to_string(), true),
            None => match self.named_syscalls.get(&hash) {
                Some(name) => (name.clone(), false),
                None => (format!("0x{hash:08x}"), false),
            },
        }
    }

    /// Whether these 32 bytes stand anywhere in it, or their four words in its code.
    pub fn holds(&self, address: &Pubkey) -> bool {
        addresses::holds(&self.code, &self.data, address)
    }

    /// The address of an instruction.
    pub fn address_of(&self, pc: usize) -> u64 {
        let offset = (pc as u64).saturating_mul(INSN_SIZE as u64);
        self.code.text.address.saturating_add(offset)
    }

    /// Which function an instruction belongs to.
    pub fn function_at(&self, pc: usize) -> Option<usize> {
        let after = self
            .functions
            .partition_point(|function| function.start <= pc);
        after.checked_sub(1)
    }
}

/// Merged sections hold the code too: it is no data.
fn without_code(mut data: Region, text: &Region) -> Region {
    let end = text.address.saturating_add(text.bytes.len() as u64);
    let first = text.address.max(data.address);
    if let (Some(start), true) = (data.offset(first), end > data.address) {
        let len = usize::try_from(end.saturating_sub(first)).unwrap_or(usize::MAX);
        let stop = start.saturating_add(len).min(data.bytes.len());
        if let Some(code) = data.bytes.get_mut(start..stop) {
            code.fill(0);
        }
    }
    data
}

/// What only the ELF's tables say: names.
#[derive(Default)]
struct Tables {
    sections: Vec<Section>,
    /// By instruction.
    symbols: BTreeMap<usize, String>,
    has_symbols: bool,
    syscalls: BTreeMap<u32, String>,
}

impl Tables {
    /// From sBPF version 3 on an ELF need have none.
    fn read(bytes: &[u8], text: &Region) -> Self {
        let aligned = AlignedMemory::<HOST_ALIGN>::from_slice(bytes);
        let Ok(elf) = Elf64::parse(aligned.as_slice()) else {
            return Self {
                sections: segments(aligned.as_slice()),
                ..Self::default()
            };
        };
        let mut sections: Vec<Section> = elf
            .section_header_table()
            .iter()
            .skip(1)
            .take(MAX_SECTIONS)
            .map(|header| Section {
                name: printable(elf.section_name(header.sh_name).unwrap_or_default(), 64),
                address: header.sh_addr,
                offset: header.sh_offset,
                len: header.sh_size,
            })
            .collect();
        if sections.is_empty() {
            sections = segments(aligned.as_slice());
        }
        let mut tables = Self {
            sections,
            ..Self::default()
        };
        let dynamic = elf.dynamic_symbol_table().unwrap_or_default();
        for symbol in dynamic {
            let Ok(name) = elf.dynamic_symbol_name(symbol.st_name) else {
                continue;
            };
            if symbol.is_function() && symbol.st_value != 0 {
                tables.name_function(symbol, name, text);
            } else if !name.is_empty() {
                let name_text = printable(name, 64);
                tables.syscalls.insert(hash_symbol_name(name), name_text);
            }
        }
        for symbol in elf.symbol_table().ok().flatten().unwrap_or_default() {
            if let (true, Ok(name)) = (symbol.is_function(), elf.symbol_name(symbol.st_name)) {
                tables.has_symbols = true;
                tables.name_function(symbol, name, text);
            }
        }
        tables
    }

    fn name_function(&mut self, symbol: &Elf64Sym, name: &[u8], text: &Region) {
        // Before version 3 symbols lie a region below where the program sees them.
        let low = text.address & u64::from(u32::MAX);
        let offset = symbol
            .st_value
            .checked_sub(text.address)
            .or_else(|| symbol.st_value.checked_sub(low));
        let Some(pc) = offset.and_then(|offset| usize::try_from(offset / INSN_SIZE as u64).ok())
        else {
            return;
        };
        if pc < text.bytes.len() / INSN_SIZE && !name.is_empty() {
            let name = String::from_utf8_lossy(name.get(..1024).unwrap_or(name)).into_owned();
            let plain = format!("{:#}", rustc_demangle::demangle(&name));
            let plain = printable(plain.as_bytes(), MAX_NAME);
            self.symbols.entry(pc).or_insert(plain);
        }
    }
}

/// The program headers, where there are no sections.
fn segments(aligned: &[u8]) -> Vec<Section> {
    let Ok((range, header)) = Elf64::parse_file_header(aligned) else {
        return Vec::new();
    };
    let Ok((_, table)) = Elf64::parse_program_header_table(aligned, range, header) else {
        return Vec::new();
    };
    table
        .iter()
        .take(MAX_SECTIONS)
        .enumerate()
        .map(|(index, header)| Section {
            name: match header.p_flags {
                4 => "read-only data".to_string(),
                1 | 5 => "code".to_string(),
                _ => format!("segment {index}"),
            },
            address: header.p_vaddr,
            offset: header.p_offset,
            len: header.p_filesz,
        })
        .collect()
}

/// A loader that takes what the real one might refuse for what it calls: a report says so, and shows the rest.
fn lenient_loader() -> BuiltinProgram<NoContext> {
    BuiltinProgram::new_loader(Config {
        enabled_sbpf_versions: SBPFVersion::V0..=SBPFVersion::V3,
        ..Config::default()
    })
}
