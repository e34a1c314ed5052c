//! The log chain: every event of a council or a gate is folded into a hash that its account keeps, so that anyone can
//! prove from the transactions that no event is missing or altered.

use std::io;

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

/// Room for an event: the largest is a council's creation with 64 members, 36 bytes each.
const MAX_EVENT_LEN: usize = 3_072;

/// Emits an event as `emit!` does and folds it into the log of `account`.
///
/// # Errors
/// `Overflow` where the event is too long.
pub fn emit(log: &mut Log, account: &Pubkey, event: &impl Event) -> Result<()> {
    record(log, account, &encode(event)?)
}

/// Emits an event and folds it into the logs of both accounts; its bytes are in the logs once, and returned.
///
/// # Errors
/// As [`emit`](fn@emit).
pub fn emit_to_both(
    one: (&mut Log, &Pubkey),
    other: (&mut Log, &Pubkey),
    event: &impl Event,
) -> Result<Vec<u8>> {
    let bytes = encode(event)?;
    record(one.0, one.1, &bytes)?;
    other.0.fold(other.1, &bytes)?;
    Ok(bytes)
}

/// The bytes that are emitted and folded: discriminator and Borsh.
///
/// # Errors
/// `Overflow` where the event is too long.
pub fn encode(event: &impl Event) -> Result<Vec<u8>> {
    let mut bytes = vec![0; MAX_EVENT_LEN];
    let mut writer = Writer { rest: &mut bytes };
    let written = writer
        .put(event_discriminator(event))
        .and_then(|()| event.serialize(&mut writer));
    if written.is_err() {
        return Err(PortcullisError::Overflow.into());
    }
    let rest = writer.rest.len();
    bytes.truncate(MAX_EVENT_LEN.saturating_sub(rest));
    Ok(bytes)
}

fn event_discriminator<E: Event>(_: &E) -> &'static [u8] {
    E::DISCRIMINATOR
}

/// Emits the bytes of an event and folds them into the log of `account`.
///
/// # Errors
/// As [`Log::fold`].
#[inline(never)]
pub fn record(log: &mut Log, account: &Pubkey, bytes: &[u8]) -> Result<()> {
    anchor_lang::solana_program::log::sol_log_data(&[bytes]);
    log.fold(account, bytes)?;
    Ok(())
}

/// Writes into a slice. A `Vec` looks at each write whether it must grow.
struct Writer<'a> {
    rest: &'a mut [u8],
}

impl Writer<'_> {
    #[inline(always)]
    fn put(&mut self, bytes: &[u8]) -> io::Result<()> {
        let rest = core::mem::take(&mut self.rest);
        let Some((place, rest)) = rest.split_at_mut_checked(bytes.len()) else {
            return Err(io::ErrorKind::WriteZero.into());
        };
        place.copy_from_slice(bytes);
        self.rest = rest;
        Ok(())
    }
}

impl io::Write for Writer<'_> {
    #[inline(always)]
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.put(bytes)?;
        Ok(bytes.len())
    }

    #[inline(always)]
    fn write_all(&mut self, bytes: &[u8]) -> io::Result<()> {
        self.put(bytes)
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}
