//! Builds, sends and simulates transactions, and looks up what became of them.

mod apart;
mod build;
mod confirm;
mod listed;
mod price;
mod recorded;
mod send;
mod simulate;

pub use apart::{put_together, required_signers, sign_partly};
pub use build::*;
pub(crate) use confirm::{unsettled, PATIENCE, POLL, RESEND};
pub use recorded::TransactionSummary;
pub(crate) use send::{is_processed, is_unanswered, signature, unchecked};
pub use simulate::Simulation;

use portcullis::constants::MAX_ELF_LEN;
use solana_message::AddressLookupTableAccount;
pub use solana_message::VersionedMessage;

/// The most bytes of a transaction (`PACKET_DATA_SIZE`, solana-packet 4).
pub const MAX_TRANSACTION_BYTES: usize = 1232;
/// The most compute units of a transaction.
pub const MAX_COMPUTE_UNITS: u32 = 1_400_000;
/// What verifying, adopting and executing cost beside the hash, with room to spare (see docs/compute-units.md).
pub const HASH_BASE_COMPUTE_UNITS: u32 = 60_000;

/// What proposing an upgrade costs beside the hash, with room to spare.
pub const PROPOSE_COMPUTE_UNITS: u32 = 40_000;

/// The compute units of an instruction that hashes `len` bytes: `sol_sha256` costs 85 and half a unit a byte (Agave 4.2).
/// At most [`MAX_COMPUTE_UNITS`].
pub fn hash_compute_units(len: u32) -> u32 {
    (len / 2)
        .saturating_add(85 + HASH_BASE_COMPUTE_UNITS)
        .min(MAX_COMPUTE_UNITS)
}

/// The compute units of an execution that hashes `len` bytes. A CPI costs one for each 250 bytes of the accounts that it
/// passes on, and anyone may extend the programdata to the account limit of 10 MiB, so both are counted at their most: twice
/// the programdata and the buffer. At most [`MAX_COMPUTE_UNITS`].
pub fn execution_compute_units(len: u32) -> u32 {
    const ACCOUNTS: u32 = 2 * (10 * 1024 * 1024 + MAX_ELF_LEN) / 250;
    hash_compute_units(len)
        .saturating_add(ACCOUNTS)
        .min(MAX_COMPUTE_UNITS)
}

/// How a transaction is built and sent.
#[derive(Clone, Debug, Default)]
pub struct SendOptions {
    /// `None`: the runtime's default, 200,000 for each instruction.
    pub compute_unit_limit: Option<u32>,
    /// Micro-lamports for each compute unit. `None`: no priority fee.
    pub compute_unit_price_micro_lamports: Option<u64>,
    /// With tables the message is of version 0, without legacy, which every hardware wallet can show.
    pub lookup_tables: Vec<AddressLookupTableAccount>,
    /// Sends without the server's simulation: for transactions that are meant to fail on chain.
    pub skip_preflight: bool,
}

impl SendOptions {
    /// With a limit of compute units.
    pub fn with_compute_units(limit: u32) -> Self {
        Self {
            compute_unit_limit: Some(limit),
            ..Self::default()
        }
    }
}
