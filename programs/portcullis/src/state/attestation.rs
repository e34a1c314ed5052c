//! An attestation: an attester's signed claim about what a proposal would run.

use anchor_lang::prelude::*;

/// An attestation. Address: `["attestation", proposal, attester]`, so one of an attester and proposal. It counts from its creation
/// until it is revoked, which closes it. Behind it stands the URI of the statement, to the account's end.
#[account(zero_copy)]
#[derive(Debug, PartialEq, Eq)]
pub struct Attestation {
    pub proposal: Pubkey,
    pub attester: Pubkey,
    /// Gets this account's rent back.
    pub rent_payer: Pubkey,
    /// SHA-256 of the document that the attester signed.
    pub statement_sha256: [u8; 32],
    /// The statement does not hold from this time on, Unix seconds. Later than any time at which the proposal could execute.
    pub expires_at: i64,
    /// A number below 8: an index of [`KIND_NAMES`](crate::message::KIND_NAMES).
    pub kind: u8,
    /// [`LAYOUT_VERSION`](crate::constants::LAYOUT_VERSION).
    pub version: u8,
    pub bump: u8,
    /// Zero; makes the bytes without padding.
    pub reserved: [u8; 5],
}

impl Attestation {
    /// Bytes of the account without the URI, its discriminator included.
    pub const SPACE: usize = Self::DISCRIMINATOR.len() + core::mem::size_of::<Self>();
}
