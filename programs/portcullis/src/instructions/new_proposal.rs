//! What all instructions that make a proposal have in common.

use core::cell::RefMut;

use anchor_lang::prelude::*;

use crate::{
    change::{Change, Predecessor},
    constants::PROPOSAL_SEED,
    error::PortcullisError,
    state::Proposal,
    zero_copy,
};

/// The account of a proposal to be made.
pub(crate) struct NewProposal<'a, 'info> {
    pub payer: &'a AccountInfo<'info>,
    pub account: &'a AccountInfo<'info>,
    /// The gate or the council.
    pub parent: &'a Pubkey,
    /// The parent's next.
    pub index: u32,
}

impl<'a> NewProposal<'a, '_> {
    /// Creates the account at the address of the parent's next proposal, with the bytes of its change behind the fixed part.
    /// Returns its content, all zero, and its bump.
    ///
    /// # Errors
    /// `ConstraintSeeds` at another address; System's where the account exists.
    pub(crate) fn create(&self, change: &[u8]) -> Result<(RefMut<'a, Proposal>, u8)> {
        zero_copy::create(
            self.payer,
            self.account,
            [
                PROPOSAL_SEED,
                self.parent.as_ref(),
                &self.index.to_le_bytes(),
            ],
            change,
        )
    }
}

/// What stands behind an upgrade: its predecessor, if it names one.
pub(crate) fn change_bytes(predecessor: Option<Predecessor>) -> Result<Vec<u8>> {
    Ok(match predecessor {
        Some(predecessor) => Change::Upgrade(predecessor).to_bytes()?,
        None => Vec::new(),
    })
}

/// The newest entry of SlotHashes: a `u64` count, then `(u64 slot, hash)` newest first (solana-slot-hashes 3).
pub(crate) fn newest_slot_hash(slot_hashes: &AccountInfo) -> Result<[u8; 32]> {
    let data = slot_hashes.try_borrow_data()?;
    data.get(16..48)
        .and_then(|hash| hash.try_into().ok())
        .ok_or_else(|| PortcullisError::Overflow.into())
}
