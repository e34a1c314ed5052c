//! Why something did not work: one variant a cause. Messages say what was required, what was found and what to do.

mod from_rpc;

use std::path::PathBuf;

use portcullis::digest::Commitment;
use solana_sdk::{pubkey::Pubkey, signature::Signature, transaction::TransactionError};

pub(crate) use from_rpc::chain;

use crate::{elf::ElfError, refusal::Refusal, replay::ReplayError};

/// Everything that can go wrong in this crate.
#[derive(Debug, thiserror::Error)]
pub enum ClientError {
    /// No answer from the RPC server: wrong URL, no network, server down.
    #[error(
        "the RPC server cannot be reached ({request}): {reason}; check the URL and the network"
    )]
    Unreachable { request: String, reason: String },

    /// The RPC server answered with an error.
    #[error("the RPC server refused {request}: {reason}")]
    RpcRefused {
        request: String,
        /// The JSON-RPC error code, if the answer had one.
        code: Option<i64>,
        reason: String,
    },

    /// The RPC server answered something that cannot be understood.
    #[error("the RPC server's answer to {request} cannot be read: {reason}")]
    BadAnswer { request: String, reason: String },

    /// No account at this address.
    #[error(
        "{address} was expected to be {expected}, but there is no such account on this cluster: \
         check the address and the cluster"
    )]
    NotFound {
        address: Pubkey,
        expected: &'static str,
    },

    /// The account belongs to another program.
    #[error(
        "{address} was expected to be {expected}, owned by {required}, but its owner is {found}: \
         check the address, the cluster and the instance of Portcullis"
    )]
    WrongOwner {
        address: Pubkey,
        expected: &'static str,
        required: Pubkey,
        found: Pubkey,
    },

    /// The account's bytes are not those of what it should be.
    #[error(
        "{address} was expected to be {expected}: {reason}; check the address, the cluster, and that this client is \
         the newest"
    )]
    Decode {
        address: Pubkey,
        expected: &'static str,
        reason: String,
    },

    /// A newer Portcullis wrote the account.
    #[error("{address} is {expected} with layout version {found}, this client knows version {required}: update the client")]
    UnknownVersion {
        address: Pubkey,
        expected: &'static str,
        required: u8,
        found: u8,
    },

    /// The RPC server shows a proposal whose terms do not have the digest beside them.
    #[error(
        "the digest stored in proposal {proposal} is {}, but its terms have the digest {}: \
         do not sign, the RPC server does not show what the chain holds",
        hex(stored),
        hex(computed)
    )]
    DigestMismatch {
        proposal: Pubkey,
        stored: [u8; 32],
        computed: [u8; 32],
    },

    /// The RPC server shows accounts that do not belong together.
    #[error("{address} and the accounts that it names do not belong together: {reason}; the RPC server does not show what the chain holds")]
    Unrelated {
        address: Pubkey,
        reason: &'static str,
    },

    /// A program refused the transaction.
    #[error("{0}")]
    Refused(Box<Refusal>),

    /// The runtime refused the transaction before any program could.
    #[error("the transaction was refused: {error}")]
    TransactionFailed {
        error: TransactionError,
        logs: Vec<String>,
    },

    /// The transaction's blockhash expired before it was confirmed: it can no longer be executed, so it is safe to retry.
    #[error("transaction {signature} was not confirmed before its blockhash expired: it had no effect, send it again")]
    BlockhashExpired { signature: Signature },

    /// Whether the transaction was executed is not known.
    #[error(
        "it is not known whether transaction {signature} was executed: {reason}; it may still land, so look it up \
         before you send it again"
    )]
    NotConfirmed {
        signature: Signature,
        reason: String,
    },

    /// The payer cannot pay.
    #[error("{payer} needs {required} lamports and has {found}: fund it with {} lamports more", required.saturating_sub(*found))]
    InsufficientFunds {
        payer: Pubkey,
        /// Lamports.
        required: u64,
        /// Lamports.
        found: u64,
    },

    /// The instructions do not fit into one transaction.
    #[error("the transaction would have {size} bytes, {limit} are allowed: use fewer instructions or a lookup table")]
    TransactionTooLarge { size: usize, limit: usize },

    /// The instructions cannot be put into a transaction.
    #[error("the transaction cannot be built: {reason}")]
    InvalidTransaction { reason: String },

    /// A required signature is missing or a signer failed.
    #[error("the transaction cannot be signed: {reason}")]
    Signing { reason: String },

    /// A signature that was made elsewhere is not one over this transaction.
    #[error("the signature of {signer} cannot be used: {reason}")]
    ForeignSignature {
        signer: Pubkey,
        reason: &'static str,
    },

    /// An artifact file cannot be read.
    #[error("{} cannot be read: {source}", path.display())]
    ReadFile {
        path: PathBuf,
        #[source]
        source: std::io::Error,
    },

    /// An artifact is not a program that can be deployed.
    #[error("{} is not a program that can be deployed: {source}", path.display())]
    Artifact {
        path: PathBuf,
        #[source]
        source: ElfError,
    },

    /// The bytes are not a program that can be deployed.
    #[error("this is not a program that can be deployed: {0}")]
    Elf(#[from] ElfError),

    /// A buffer is there, under another authority.
    #[error("buffer {buffer} must have the authority {required}, it has {}: use the key that uploaded it, or another seed", found.map_or("none".to_string(), |key| key.to_string()))]
    BufferAuthority {
        buffer: Pubkey,
        required: Pubkey,
        found: Option<Pubkey>,
    },

    /// A buffer is there, with another size.
    #[error(
        "buffer {buffer} must hold {required} bytes, it holds {found}: close it and upload again"
    )]
    BufferSize {
        buffer: Pubkey,
        /// Bytes behind the header.
        required: usize,
        /// Bytes behind the header.
        found: usize,
    },

    /// A buffer that is to be used again has no room for the artifact.
    #[error("buffer {buffer} must have room for {required} bytes, it has room for {found}: upload into a new buffer")]
    BufferTooSmall {
        buffer: Pubkey,
        /// Bytes behind the header.
        required: usize,
        /// Bytes behind the header.
        found: usize,
    },

    /// The buffer's bytes are not those of the artifact, although all writes were confirmed.
    #[error("buffer {buffer} differs from the artifact from byte {offset} on: run the upload again, or use another RPC server")]
    BufferContent { buffer: Pubkey, offset: usize },

    /// A program's bytes are not the expected ones.
    #[error("{address} must hold the bytes with SHA-256 {}, it holds {}", hex(&required.sha256), found.map_or("nothing".to_string(), |found| hex(&found.sha256)))]
    ContentMismatch {
        address: Pubkey,
        required: Commitment,
        found: Option<Commitment>,
    },

    /// The program is not one that can be extended so far.
    #[error("program {program} would need {required} bytes, loader v3 allows {limit}: use a smaller ELF")]
    ProgramTooLarge {
        program: Pubkey,
        required: usize,
        limit: usize,
    },

    /// A vote that cannot be written as a text to sign.
    #[error("this vote cannot be written as a message: {reason}")]
    InvalidMessage { reason: String },

    /// A file for an air-gapped machine that cannot be used.
    #[error("this bundle cannot be used: {reason}")]
    InvalidBundle { reason: String },

    /// A file for an air-gapped machine that does not show what any chain could hold.
    #[error("this bundle does not show what a chain holds: {reason}")]
    FalseBundle { reason: String },

    /// The steps of a large hash were sent again and again, and it did not go on.
    #[error("the hash stopped at {hashed} of {total} bytes: run the command again, it goes on from there")]
    HashStalled {
        /// Bytes.
        hashed: u32,
        /// Bytes.
        total: u32,
    },

    /// A transaction of the history is not to be had from this RPC server.
    #[error(
        "the RPC server does not keep transaction {signature}: use one with the whole history"
    )]
    TransactionNotFound { signature: Signature },

    /// A transaction that was named has no event of the council.
    #[error(
        "transaction {signature} has no event of this council: name one that its history shows"
    )]
    NotInHistory { signature: Signature },

    /// The history of a council cannot be replayed.
    #[error("the history cannot be rebuilt at transaction {signature}: {source}")]
    Replay {
        signature: Signature,
        #[source]
        source: ReplayError,
    },
}

impl ClientError {
    /// The refusal of a program, if that is what it is.
    pub fn refusal(&self) -> Option<&Refusal> {
        match self {
            Self::Refused(refusal) => Some(refusal),
            _ => None,
        }
    }

    /// The program's logs, where there are any.
    pub fn logs(&self) -> &[String] {
        match self {
            Self::Refused(refusal) => &refusal.logs,
            Self::TransactionFailed { logs, .. } => logs,
            _ => &[],
        }
    }

    /// Whether the same call may work a moment later and could not have had an effect so far.
    pub fn is_transient(&self) -> bool {
        match self {
            Self::Unreachable { .. } | Self::BlockhashExpired { .. } => true,
            Self::TransactionFailed { error, .. } => matches!(
                error,
                TransactionError::BlockhashNotFound | TransactionError::AccountInUse
            ),
            Self::RpcRefused { code, .. } => {
                code.is_some_and(|code| TRANSIENT_CODES.contains(&code))
            }
            _ => false,
        }
    }
}

/// JSON-RPC codes of a node that is behind, and of a rate limit (rpc-client-api 4.2, `custom_error`; HTTP 429).
const TRANSIENT_CODES: [i64; 3] = [-32004, -32005, 429];

/// Bytes in lower-case hexadecimal.
pub fn hex(bytes: &[u8]) -> String {
    use std::fmt::Write;
    bytes.iter().fold(String::new(), |mut text, byte| {
        // Writing to a String cannot fail.
        let _ = write!(text, "{byte:02x}");
        text
    })
}
