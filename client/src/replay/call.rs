//! One instruction under way: its accounts, and what goes wrong with it.

use std::collections::BTreeMap;

use portcullis::{error::PortcullisError, lifecycle::Now, record::Log};
use solana_sdk::pubkey::Pubkey;

use super::{Entry, ReplayError};
use crate::event::Event;

/// An instruction that is being replayed.
#[derive(Clone, Copy)]
pub(super) struct Call<'a> {
    /// Its name in the program, for errors.
    pub name: &'static str,
    pub keys: &'a [Pubkey],
    /// How many of them are passed over.
    pub passed: usize,
    pub now: Now,
}

impl Call<'_> {
    /// Its first accounts; those behind them are not needed here.
    pub(super) fn accounts<const N: usize>(&self) -> Result<[Pubkey; N], ReplayError> {
        let keys = self.keys.get(self.passed..).unwrap_or_default();
        keys.first_chunk()
            .copied()
            .ok_or(ReplayError::MissingAccounts {
                instruction: self.name,
                required: self.passed.saturating_add(N),
                found: self.keys.len(),
            })
    }

    /// The same call behind its first accounts.
    pub(super) fn behind(&self, accounts: usize) -> Self {
        Self {
            passed: self.passed.saturating_add(accounts),
            ..*self
        }
    }

    /// A copy of an account, so that after an error nothing is kept.
    pub(super) fn found<T: Clone>(
        &self,
        accounts: &BTreeMap<Pubkey, T>,
        address: &Pubkey,
    ) -> Result<T, ReplayError> {
        accounts
            .get(address)
            .cloned()
            .ok_or(ReplayError::UnknownAccount {
                instruction: self.name,
                address: *address,
            })
    }

    pub(super) fn refused(&self, refusal: PortcullisError) -> ReplayError {
        ReplayError::Refused {
            instruction: self.name,
            refusal,
        }
    }

    /// Puts the event into an account's log chain.
    pub(super) fn fold(
        &self,
        log: &mut Log,
        account: Pubkey,
        event: Event,
    ) -> Result<Entry, ReplayError> {
        let sequence = log.sequence;
        log.fold(&account, &event.bytes)
            .map_err(|refusal| self.refused(refusal))?;
        Ok(Entry {
            account,
            sequence,
            head: log.head,
            event,
        })
    }
}
