//! The log chain: every event of a council or a gate is folded into a hash that its account keeps, so that anyone can
//! prove from the transactions that no event is missing or altered.

use anchor_lang::{prelude::*, Event};
use solana_sha256_hasher::hashv;

use crate::{constants::LOG_DOMAIN, error::PortcullisError};

/// The head of a log chain.
#[derive(
    AnchorSerialize,
    AnchorDeserialize,
    Clone,
    Copy,
    Debug,
    Default,
    PartialEq,
    Eq,
    bytemuck::Pod,
    bytemuck::Zeroable,
)]
#[repr(C)]
pub struct Log {
    /// `sha256(domain ‖ account ‖ sequence ‖ previous head ‖ event)`; zeros before the first event.
    pub head: [u8; 32],
    /// Events so far.
    pub sequence: u64,
}

impl Log {
    /// Folds the bytes of an event (discriminator and Borsh) into the chain of `account`.
    ///
    /// # Errors
    /// `Overflow` after 2^64 events.
    pub fn fold(
        &mut self,
        account: &Pubkey,
        event: &[u8],
    ) -> core::result::Result<(), PortcullisError> {
        self.head = hashv(&[
            LOG_DOMAIN,
            account.as_ref(),
            &self.sequence.to_le_bytes(),
            &self.head,
            event,
        ])
        .to_bytes();
        self.sequence = self
            .sequence
            .checked_add(1)
            .ok_or(PortcullisError::Overflow)?;
        Ok(())
    }
}

/// Emits an event as `emit!` does and folds it into the log of `account`; the bytes are made once for both.
pub fn emit(log: &mut Log, account: &Pubkey, event: &impl Event) -> Result<()> {
    let bytes = event.data();
    anchor_lang::solana_program::log::sol_log_data(&[&bytes]);
    log.fold(account, &bytes)?;
    Ok(())
}
