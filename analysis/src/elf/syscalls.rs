//! The system calls of Agave 4.2, and what a program can do with each.

use std::{collections::BTreeMap, sync::LazyLock};

use solana_sbpf::ebpf::hash_symbol_name;

/// What a system call lets a program do.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Effect {
    /// Call other programs, and sign for the program's own addresses.
    Calls,
    /// Read what is not among the instruction's accounts.
    Reads,
    /// Compute; a new one may point to new cryptography.
    Computes,
    /// Hand data to the caller, or to whoever reads logs.
    Tells,
    /// Nothing beyond what plain code does.
    Plain,
}

/// A system call that this version knows.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Syscall {
    pub name: &'static str,
    pub effect: Effect,
    /// What it does, as the end of a sentence that begins with the program.
    pub does: &'static str,
}

const fn of(name: &'static str, effect: Effect, does: &'static str) -> Syscall {
    Syscall { name, effect, does }
}

static BY_HASH: LazyLock<BTreeMap<u32, &'static Syscall>> = LazyLock::new(|| {
    let hash = |one: &Syscall| hash_symbol_name(one.name.as_bytes());
    SYSCALLS.iter().map(|one| (hash(one), one)).collect()
});

/// The system call with this hash.
pub(super) fn by_hash(hash: u32) -> Option<&'static Syscall> {
    BY_HASH.get(&hash).copied()
}

impl Syscall {
    /// The system call with this name.
    pub fn by_name(name: &str) -> Option<&'static Self> {
        SYSCALLS.iter().find(|syscall| syscall.name == name)
    }
}

/// All that `create_program_runtime_environment_v1` registers (solana-syscalls 4.2). Some are behind a feature gate: whether a
/// cluster has it is for the cluster to say.
pub static SYSCALLS: &[Syscall] = &[
    of(
        "sol_invoke_signed_c",
        Effect::Calls,
        "can call other programs and sign for its own addresses",
    ),
    of(
        "sol_invoke_signed_rust",
        Effect::Calls,
        "can call other programs and sign for its own addresses",
    ),
    of("sol_get_clock_sysvar", Effect::Reads, "reads the time"),
    of(
        "sol_get_epoch_schedule_sysvar",
        Effect::Reads,
        "reads the epochs' lengths",
    ),
    of("sol_get_fees_sysvar", Effect::Reads, "reads the fees"),
    of("sol_get_rent_sysvar", Effect::Reads, "reads the rent"),
    of(
        "sol_get_last_restart_slot",
        Effect::Reads,
        "reads when the cluster was restarted",
    ),
    of(
        "sol_get_epoch_rewards_sysvar",
        Effect::Reads,
        "reads the epoch's rewards",
    ),
    of(
        "sol_get_sysvar",
        Effect::Reads,
        "reads sysvars that are not among its accounts",
    ),
    of(
        "sol_get_epoch_stake",
        Effect::Reads,
        "reads the stake of validators",
    ),
    of(
        "sol_get_processed_sibling_instruction",
        Effect::Reads,
        "reads the transaction's other instructions",
    ),
    of(
        "sol_get_stack_height",
        Effect::Reads,
        "can tell whether it was called by another program",
    ),
    of(
        "sol_get_return_data",
        Effect::Reads,
        "reads what a program that it called has returned",
    ),
    of(
        "sol_remaining_compute_units",
        Effect::Reads,
        "reads the compute units that are left",
    ),
    of(
        "sol_create_program_address",
        Effect::Computes,
        "derives addresses that it can sign for",
    ),
    of(
        "sol_try_find_program_address",
        Effect::Computes,
        "derives addresses that it can sign for",
    ),
    of("sol_sha256", Effect::Computes, "computes SHA-256"),
    of("sol_sha512", Effect::Computes, "computes SHA-512"),
    of("sol_keccak256", Effect::Computes, "computes Keccak-256"),
    of("sol_blake3", Effect::Computes, "computes BLAKE3"),
    of("sol_poseidon", Effect::Computes, "computes Poseidon hashes"),
    of(
        "sol_secp256k1_recover",
        Effect::Computes,
        "recovers the keys of Ethereum signatures",
    ),
    of(
        "sol_curve_validate_point",
        Effect::Computes,
        "computes on elliptic curves",
    ),
    of(
        "sol_curve_group_op",
        Effect::Computes,
        "computes on elliptic curves",
    ),
    of(
        "sol_curve_multiscalar_mul",
        Effect::Computes,
        "computes on elliptic curves",
    ),
    of(
        "sol_curve_decompress",
        Effect::Computes,
        "computes on elliptic curves",
    ),
    of(
        "sol_curve_pairing_map",
        Effect::Computes,
        "computes pairings",
    ),
    of(
        "sol_alt_bn128_group_op",
        Effect::Computes,
        "computes on the curve alt_bn128, as zero-knowledge proofs need",
    ),
    of(
        "sol_alt_bn128_compression",
        Effect::Computes,
        "computes on the curve alt_bn128, as zero-knowledge proofs need",
    ),
    of(
        "sol_big_mod_exp",
        Effect::Computes,
        "computes with large numbers, as RSA needs",
    ),
    of(
        "sol_set_return_data",
        Effect::Tells,
        "returns data to its caller",
    ),
    of("sol_log_", Effect::Tells, "writes to the log"),
    of("sol_log_64_", Effect::Tells, "writes numbers to the log"),
    of(
        "sol_log_pubkey",
        Effect::Tells,
        "writes addresses to the log",
    ),
    of(
        "sol_log_compute_units_",
        Effect::Tells,
        "writes the compute units to the log",
    ),
    of(
        "sol_log_data",
        Effect::Tells,
        "writes data to the log, as events are",
    ),
    of("abort", Effect::Plain, "can abort"),
    of("sol_panic_", Effect::Plain, "can abort"),
    of("sol_memcpy_", Effect::Plain, "copies memory"),
    of("sol_memmove_", Effect::Plain, "copies memory"),
    of("sol_memset_", Effect::Plain, "fills memory"),
    of("sol_memcmp_", Effect::Plain, "compares memory"),
    of(
        "sol_alloc_free_",
        Effect::Plain,
        "allocates memory, in a way that may no longer be deployed",
    ),
];

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use super::*;

    #[test]
    fn names_and_hashes_are_unique_and_found() {
        let hashes: BTreeSet<u32> = SYSCALLS
            .iter()
            .map(|one| hash_symbol_name(one.name.as_bytes()))
            .collect();
        assert_eq!(hashes.len(), SYSCALLS.len());
        for syscall in SYSCALLS {
            let hash = hash_symbol_name(syscall.name.as_bytes());
            assert_eq!(by_hash(hash), Some(syscall));
            assert_eq!(Syscall::by_name(syscall.name), Some(syscall));
        }
        assert_eq!(by_hash(0), None);
    }
}
