//! Compiled limits and seeds. Durations are in seconds, lengths in bytes.

/// Seed of a [`Council`](crate::state::Council): `["council", create_key]`.
pub const COUNCIL_SEED: &[u8] = b"council";
/// Seed of a [`Gate`](crate::state::Gate): `["gate", program_id]`.
pub const GATE_SEED: &[u8] = b"gate";
/// Seed of the signer that holds a program's upgrade authority: `["authority", program_id]`.
pub const AUTHORITY_SEED: &[u8] = b"authority";
/// Seed of a [`Proposal`](crate::state::Proposal): `["proposal", gate or council, index as u32 little-endian]`.
pub const PROPOSAL_SEED: &[u8] = b"proposal";

/// Seed of an [`Attestation`](crate::state::Attestation): `["attestation", proposal, attester]`.
pub const ATTESTATION_SEED: &[u8] = b"attestation";
/// Seed of a [`Hashing`](crate::state::Hashing): `["hashing", proposal or gate]`.
pub const HASHING_SEED: &[u8] = b"hashing";

/// Domain tag of a proposal's digest.
pub const DIGEST_DOMAIN: &[u8] = b"portcullis:proposal:v1";
/// Domain tag of the log chain.
pub const LOG_DOMAIN: &[u8] = b"portcullis:log:v1";
/// Domain tag of a statement's commitment.
pub const STATEMENT_DOMAIN: &[u8] = b"portcullis:statement:v1";

/// Layout version of every account, in the account itself.
pub const LAYOUT_VERSION: u8 = 1;

/// Members of a council, at most: one bit each in a `u64` bitmap.
pub const MAX_MEMBERS: usize = 64;
/// Kinds of attestation: `build`, `audit`, `shadow`, `formal`, `scan`, `custom0`, `custom1`, `custom2`.
pub const ATTESTATION_KINDS: usize = 8;
/// Earlier releases that a gate remembers.
pub const RELEASE_RING: usize = 8;
/// Fixed places of a gate for what is pending: one standard, one emergency, two standbys.
pub const PENDING_SLOTS: usize = 4;

/// Every lane's delay is at least this.
pub const MIN_TIMELOCK_SECONDS: u32 = 600;
/// A voting period or an execution window is at least this: shorter ones cannot be met by people.
pub const MIN_WINDOW_SECONDS: u32 = 600;
/// Every duration is at most this (90 days).
pub const MAX_DURATION_SECONDS: u32 = 90 * 24 * 60 * 60;
/// A vote is valid for at most this long after it is cast.
pub const MAX_VOTE_VALIDITY_SECONDS: u32 = 24 * 60 * 60;
/// A buffer that its depositor left behind may be closed by anyone this long after the proposal's end (30 days).
pub const ABANDONED_BUFFER_SECONDS: u32 = 30 * 24 * 60 * 60;

/// Guardians' trigger votes lapse this long after the first of them.
pub const TRIGGER_LAPSE_SECONDS: u32 = 15 * 60;

/// The most bytes that one transaction hashes, zeros behind the ELF included: `sol_sha256` costs half a compute unit a byte, and
/// a transaction has 1,400,000 of them. What is longer is hashed in steps.
pub const MAX_HASHED_AT_ONCE: u32 = 2_600_000;
/// The longest ELF: what fits into a programdata account of 10 MiB behind its header of 45 bytes.
pub const MAX_ELF_LEN: u32 = 10 * 1024 * 1024 - 45;
/// The longest URI of a statement.
pub const MAX_URI_LEN: usize = 200;
/// Members that one `ChangeCouncil` adds, at most, and removes, at most: it fits one transaction.
pub const MAX_COUNCIL_CHANGES: usize = 8;
