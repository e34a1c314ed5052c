//! What can go wrong before there is a report.

use std::io;

use portcullis_client::ClientError;
use solana_sdk::pubkey::Pubkey;

/// Why there is no report, or no bundle.
#[derive(Debug, thiserror::Error)]
pub enum ShadowError {
    #[error("the bundle cannot be read or written")]
    Io(#[from] io::Error),
    #[error("line {line} of the bundle is not usable: {reason}")]
    Malformed { line: u64, reason: String },
    #[error("the bundle has more than {limit} {what}, which is the most that is read")]
    TooLarge { what: &'static str, limit: u64 },
    #[error("the bundle ends before its last line: it was not written to its end, or was cut")]
    Truncated,
    #[error("the bundle is of version {found}, and this program reads version {required}")]
    Version { found: u32, required: u32 },
    #[error("the bundle has no transactions")]
    Empty,
    #[error("the {which} program cannot be loaded: {reason}")]
    Program { which: &'static str, reason: String },
    #[error("account {address} cannot be loaded: {reason}")]
    Account { address: Pubkey, reason: String },
    #[error("transaction {signature} cannot be replayed: {reason}")]
    Transaction { signature: String, reason: String },
    #[error("the rehearsal of the upgrade failed: {0}")]
    Rehearsal(String),
    #[error(transparent)]
    Client(#[from] ClientError),
}
