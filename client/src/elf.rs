//! Artifacts: files that hold a program's ELF. They are loaded and verified by the very virtual machine that the loader will
//! use, so that a broken build is refused before anyone pays for a buffer.

use std::{
    collections::BTreeSet, mem::offset_of, ops::RangeInclusive, path::Path, ptr::NonNull, sync::Arc,
};

use portcullis::digest::Commitment;
use solana_sbpf::{
    ebpf::{hash_symbol_name, CALL_IMM, INSN_SIZE},
    elf::{get_sbpf_version, Executable},
    elf_parser::types::Elf64Ehdr,
    error::EbpfError,
    memory_region::MemoryMapping,
    program::{BuiltinFunctionDefinition, BuiltinProgram, SBPFVersion},
    verifier::RequisiteVerifier,
    vm::{Config, ContextObject},
};

use crate::{account::PROGRAMDATA_HEADER, error::ClientError};

/// The most bytes of an account (`MAX_PERMITTED_DATA_LENGTH`, solana-system-interface 3).
pub const MAX_ACCOUNT_LEN: usize = solana_system_interface::MAX_PERMITTED_DATA_LENGTH as usize;
/// The longest ELF that loader v3 takes.
pub const MAX_LOADER_ELF_LEN: usize = MAX_ACCOUNT_LEN - PROGRAMDATA_HEADER;

const MAGIC: &[u8] = b"\x7fELF";

/// Every system call of Agave 4.2 (`create_program_runtime_environment_v1`, solana-syscalls 4.2), but `sol_alloc_free_`, which
/// may no longer be deployed. Some are behind a feature gate: whether the cluster has it is for the cluster to say.
const SYSCALLS: &[&str] = &[
    "abort",
    "sol_panic_",
    "sol_log_",
    "sol_log_64_",
    "sol_log_pubkey",
    "sol_log_compute_units_",
    "sol_log_data",
    "sol_create_program_address",
    "sol_try_find_program_address",
    "sol_sha256",
    "sol_sha512",
    "sol_keccak256",
    "sol_secp256k1_recover",
    "sol_blake3",
    "sol_curve_validate_point",
    "sol_curve_group_op",
    "sol_curve_multiscalar_mul",
    "sol_curve_decompress",
    "sol_curve_pairing_map",
    "sol_get_clock_sysvar",
    "sol_get_epoch_schedule_sysvar",
    "sol_get_fees_sysvar",
    "sol_get_rent_sysvar",
    "sol_get_last_restart_slot",
    "sol_get_epoch_rewards_sysvar",
    "sol_memcpy_",
    "sol_memmove_",
    "sol_memset_",
    "sol_memcmp_",
    "sol_get_processed_sibling_instruction",
    "sol_get_stack_height",
    "sol_set_return_data",
    "sol_get_return_data",
    "sol_invoke_signed_c",
    "sol_invoke_signed_rust",
    "sol_alt_bn128_group_op",
    "sol_alt_bn128_compression",
    "sol_big_mod_exp",
    "sol_poseidon",
    "sol_remaining_compute_units",
    "sol_get_sysvar",
    "sol_get_epoch_stake",
];

/// Why bytes are not a program that can be deployed.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum ElfError {
    #[error("the file is empty: build the program first")]
    Empty,
    #[error(
        "it does not begin with the four bytes of an ELF: give the .so file that the build made"
    )]
    NotAnElf,
    #[error(
        "its sBPF version is {found}, 0 to 3 can be deployed: build it for sBPF v3 or earlier"
    )]
    UnknownVersion {
        /// The `e_flags` of the ELF's header.
        found: u32,
    },
    #[error(
        "its sBPF version is {found}, this cluster takes {} for new deployments",
        versions(*lowest, *highest)
    )]
    VersionRefused {
        found: u32,
        lowest: u32,
        highest: u32,
    },
    #[error("it calls {name}, which this cluster does not offer")]
    SyscallMissing { name: &'static str },
    #[error("it has {found} bytes, loader v3 takes {MAX_LOADER_ELF_LEN} at most: make it smaller")]
    TooLong { found: usize },
    #[error("it has {found} bytes, its headers speak of {required}: it was cut off, copy or build it again")]
    Truncated { required: u64, found: usize },
    #[error("the loader would refuse it ({reason}): the file may be cut off or not built for Solana; build it again")]
    NotLoadable {
        /// The virtual machine's own words.
        reason: String,
    },
}

fn versions(lowest: u32, highest: u32) -> String {
    match lowest == highest {
        true => format!("only {lowest}"),
        false => format!("{lowest} to {highest}"),
    }
}

/// What an ELF says of itself.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct ElfInfo {
    pub commitment: Commitment,
    /// 0 to 3. Later clusters take only version 3 for new deployments.
    pub sbpf_version: u32,
}

/// A program that can be deployed, and what voters will commit to.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Artifact {
    /// The whole file. An ELF's last header often ends with zeros, which the loader needs although the commitment does not
    /// count them: a buffer holds all of these bytes.
    pub bytes: Vec<u8>,
    pub commitment: Commitment,
    /// 0 to 3.
    pub sbpf_version: u32,
}

impl Artifact {
    /// Takes the bytes of an ELF.
    ///
    /// # Errors
    /// Those of [`check`].
    pub fn new(bytes: Vec<u8>) -> Result<Self, ElfError> {
        let info = check(&bytes)?;
        Ok(Self {
            bytes,
            commitment: info.commitment,
            sbpf_version: info.sbpf_version,
        })
    }
}

/// Reads an artifact from a file.
///
/// # Errors
/// `ReadFile` where there is no such file or it cannot be read, `Artifact` where it is not a program that can be deployed.
pub fn read_artifact(path: &Path) -> Result<Artifact, ClientError> {
    let bytes = std::fs::read(path).map_err(|source| ClientError::ReadFile {
        path: path.to_path_buf(),
        source,
    })?;
    Artifact::new(bytes).map_err(|source| ClientError::Artifact {
        path: path.to_path_buf(),
        source,
    })
}

/// Requires that the loader would take these bytes as a program.
///
/// # Errors
/// What stands against it. System calls behind a feature gate of the cluster are not judged.
pub fn check(bytes: &[u8]) -> Result<ElfInfo, ElfError> {
    if bytes.is_empty() {
        return Err(ElfError::Empty);
    }
    if !bytes.starts_with(MAGIC) {
        return Err(ElfError::NotAnElf);
    }
    let refused = |reason: &dyn std::fmt::Display| ElfError::NotLoadable {
        reason: reason.to_string(),
    };
    let sbpf_version = match get_sbpf_version(bytes) {
        Ok(SBPFVersion::V0) => 0,
        Ok(SBPFVersion::V1) => 1,
        Ok(SBPFVersion::V2) => 2,
        Ok(SBPFVersion::V3) => 3,
        Ok(_) => {
            return Err(ElfError::UnknownVersion {
                found: e_flags(bytes).unwrap_or(u32::MAX),
            })
        }
        Err(error) => return Err(refused(&format!("{error:?}"))),
    };
    if bytes.len() > MAX_LOADER_ELF_LEN {
        return Err(ElfError::TooLong { found: bytes.len() });
    }
    // From version 3 on the loader does not look at the section headers, which stand last: it would take a file that lost
    // some of them.
    match sections_end(bytes) {
        Some(required) if usize::try_from(required).is_ok_and(|end| end <= bytes.len()) => {}
        Some(required) => {
            return Err(ElfError::Truncated {
                required,
                found: bytes.len(),
            })
        }
        None => return Err(refused(&"its header is incomplete")),
    }
    load(bytes, &[])?;
    let commitment = Commitment::of(bytes).ok_or(ElfError::Empty)?;
    Ok(ElfInfo {
        commitment,
        sbpf_version,
    })
}

/// What one cluster takes as a new deployment, by its active features.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct DeployRules {
    pub sbpf_versions: RangeInclusive<u32>,
    /// System calls that its virtual machine does not offer.
    pub missing_syscalls: Vec<&'static str>,
}

/// Requires that the loader of a cluster with these rules would take these bytes as a program.
///
/// # Errors
/// Those of [`check`], and `VersionRefused`. Where a system call is used that the cluster lacks, `NotLoadable` below sBPF v3;
/// from v3 on the loader takes it, and it fails where it gets there: `SyscallMissing`.
pub fn check_on(bytes: &[u8], rules: &DeployRules) -> Result<ElfInfo, ElfError> {
    let info = check(bytes)?;
    if !rules.sbpf_versions.contains(&info.sbpf_version) {
        return Err(ElfError::VersionRefused {
            found: info.sbpf_version,
            lowest: *rules.sbpf_versions.start(),
            highest: *rules.sbpf_versions.end(),
        });
    }
    if rules.missing_syscalls.is_empty() {
        return Ok(info);
    }
    let executable = load(bytes, &rules.missing_syscalls)?;
    match missing_syscall(&executable, &rules.missing_syscalls) {
        Some(name) => Err(ElfError::SyscallMissing { name }),
        None => Ok(info),
    }
}

/// The first of these system calls that a program's code calls. From version 3 on the code names them by their hashes, which
/// nobody checks before they are called (SIMD-0178, solana-sbpf 0.21).
fn missing_syscall(
    executable: &Executable<NoContext>,
    missing: &[&'static str],
) -> Option<&'static str> {
    if !executable.get_sbpf_version().static_syscalls() {
        return None;
    }
    let (_, text) = executable.get_text_bytes();
    let called: BTreeSet<u32> = text
        .chunks_exact(INSN_SIZE)
        .filter_map(|instruction| match instruction {
            // The source register is in the upper half of the second byte; zero: a system call.
            [CALL_IMM, registers, _, _, hash @ ..] if registers >> 4 == 0 => {
                hash.try_into().ok().map(u32::from_le_bytes)
            }
            _ => None,
        })
        .collect();
    let calls = |name: &&&str| called.contains(&hash_symbol_name(name.as_bytes()));
    missing.iter().find(calls).copied()
}

/// Loads and verifies as the virtual machine does, without these system calls.
fn load(bytes: &[u8], missing_syscalls: &[&str]) -> Result<Executable<NoContext>, ElfError> {
    let refused = |error: &dyn std::fmt::Display| ElfError::NotLoadable {
        reason: error.to_string(),
    };
    let loader = Arc::new(loader(missing_syscalls)?);
    let executable =
        Executable::<NoContext>::load(bytes, loader).map_err(|error| refused(&error))?;
    executable
        .verify::<RequisiteVerifier>()
        .map_err(|error| refused(&error))?;
    Ok(executable)
}

/// A little-endian field of the header of a 64-bit ELF.
fn field<const N: usize>(bytes: &[u8], offset: usize) -> Option<[u8; N]> {
    bytes.get(offset..offset.checked_add(N)?)?.try_into().ok()
}

fn e_flags(bytes: &[u8]) -> Option<u32> {
    field(bytes, offset_of!(Elf64Ehdr, e_flags)).map(u32::from_le_bytes)
}

/// Where the table of section headers ends. Saturates, so that no value wraps to a small one.
fn sections_end(bytes: &[u8]) -> Option<u64> {
    let start = field(bytes, offset_of!(Elf64Ehdr, e_shoff)).map(u64::from_le_bytes)?;
    let size = field(bytes, offset_of!(Elf64Ehdr, e_shentsize)).map(u16::from_le_bytes)?;
    let count = field(bytes, offset_of!(Elf64Ehdr, e_shnum)).map(u16::from_le_bytes)?;
    Some(start.saturating_add(u64::from(size).saturating_mul(u64::from(count))))
}

/// The loader's environment for deployments (`morph_into_deployment_environment`, solana-program-runtime 4.2).
fn loader(missing_syscalls: &[&str]) -> Result<BuiltinProgram<NoContext>, ElfError> {
    let mut loader = BuiltinProgram::new_loader(Config {
        reject_broken_elfs: true,
        enabled_sbpf_versions: SBPFVersion::V0..=SBPFVersion::V3,
        ..Config::default()
    });
    for name in SYSCALLS
        .iter()
        .filter(|name| !missing_syscalls.contains(name))
    {
        NoSyscall::register(&mut loader, name).map_err(|error| ElfError::NotLoadable {
            reason: error.to_string(),
        })?;
    }
    Ok(loader)
}

/// What a program runs in: programs are loaded and verified with it, never run.
pub struct NoContext;

impl ContextObject for NoContext {
    fn consume(&mut self, _amount: u64) {}

    fn get_remaining(&self) -> u64 {
        0
    }

    fn active_mapping_ptr(&mut self) -> NonNull<MemoryMapping> {
        NonNull::dangling()
    }
}

/// Stands for every system call, so that its name is known.
struct NoSyscall;

impl BuiltinFunctionDefinition<NoContext> for NoSyscall {
    type Error = EbpfError;

    fn rust(_: &mut NoContext, _: u64, _: u64, _: u64, _: u64, _: u64) -> Result<u64, EbpfError> {
        Err(EbpfError::SyscallError("this program is never run".into()))
    }
}

#[cfg(test)]
mod tests;
