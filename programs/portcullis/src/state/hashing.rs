//! A hash in the making, of a buffer or a deployed program that one transaction cannot hash.

use anchor_lang::prelude::*;

use crate::sha256::Sha256State;

/// A SHA-256 that is computed in steps. Address: `["hashing", target]`. Closed when the hash is complete.
#[account(zero_copy)]
#[derive(Debug)]
pub struct Hashing {
    /// The proposal whose buffer, or the gate whose program, is hashed. A proposal's address is never used again.
    pub target: Pubkey,
    /// The gate's life when it began: a program that is adopted again is hashed from the start.
    pub life: u32,
    /// [`LAYOUT_VERSION`](crate::constants::LAYOUT_VERSION).
    pub version: u8,
    pub bump: u8,
    /// Zero; makes the bytes without padding.
    pub reserved: [u8; 2],
    /// Gets this account's rent back.
    pub rent_payer: Pubkey,
    pub state: Sha256State,
}

impl Hashing {
    /// Bytes of the account, its discriminator included.
    pub const SPACE: usize = Self::DISCRIMINATOR.len() + core::mem::size_of::<Self>();
}
