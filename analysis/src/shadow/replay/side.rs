//! One program's side of a run: a machine that meets one transaction after the other.

use std::collections::BTreeSet;

use solana_sdk::{
    account::Account, message::VersionedMessage, pubkey::Pubkey, transaction::VersionedTransaction,
};
use solana_sdk_ids::{native_loader, sysvar};

use super::{tables, Execution, Vm};
use crate::shadow::{
    bundle::{PreState, Recorded, StoredAccount},
    ShadowError,
};

/// A recorded transaction, decoded.
pub(super) struct Prepared {
    pub recorded: Recorded,
    pub transaction: VersionedTransaction,
    /// Its accounts, with those looked up.
    pub keys: Vec<Pubkey>,
}

impl Prepared {
    /// Decodes what was recorded.
    pub fn new(recorded: Recorded) -> Result<Self, ShadowError> {
        let failed = |reason: String| ShadowError::Transaction {
            signature: recorded.signature.clone(),
            reason,
        };
        let transaction = recorded
            .decode()
            .ok_or_else(|| failed("its bytes are no transaction".into()))?;
        let keys = tables::resolve(&transaction.message, recorded.loaded.as_ref());
        Ok(Self {
            keys: keys.map_err(failed)?,
            transaction,
            recorded,
        })
    }

    pub fn message(&self) -> &VersionedMessage {
        &self.transaction.message
    }
}

/// A machine, and what it knows of the bundle.
#[derive(Clone)]
pub(crate) struct Side {
    pub vm: Vm,
    pub pre_state: PreState,
    /// Each transaction says what its clock is.
    clock_recorded: bool,
    /// Accounts that were made only for the lamports that they had, and the most of them.
    made: u64,
    accounts_limit: u64,
}

impl Side {
    pub fn new(vm: Vm, pre_state: PreState, accounts_limit: u64) -> Self {
        Self {
            vm,
            pre_state,
            clock_recorded: false,
            made: 0,
            accounts_limit,
        }
    }

    /// Brings the state before a transaction about; accounts in `own` stay as this side left them.
    pub(super) fn meet(
        &mut self,
        prepared: &Prepared,
        own: &BTreeSet<Pubkey>,
    ) -> Result<(), ShadowError> {
        let recorded = &prepared.recorded;
        if own.is_empty() {
            self.vm.put(&recorded.accounts)?;
        } else {
            let accounts = recorded.accounts.iter();
            let taken: Vec<StoredAccount> = accounts
                .filter(|account| !own.contains(&account.address))
                .cloned()
                .collect();
            self.vm.put(&taken)?;
        }
        if self.pre_state == PreState::Snapshot {
            self.set_balances(prepared, own)?;
        }
        let mut addresses = recorded.accounts.iter().map(|account| account.address);
        self.clock_recorded |= self.pre_state == PreState::Recorded
            && addresses.any(|address| address == sysvar::clock::ID);
        if !self.clock_recorded {
            self.vm.set_time(recorded.slot, recorded.block_time);
        }
        let loaded = recorded.loaded.as_ref();
        tables::provide(&mut self.vm, prepared.message(), loaded, recorded.slot)
    }

    /// Gives accounts the lamports that they had before the transaction: what had none was not there.
    fn set_balances(
        &mut self,
        prepared: &Prepared,
        own: &BTreeSet<Pubkey>,
    ) -> Result<(), ShadowError> {
        let balances = prepared.recorded.outcome.balances.as_ref();
        let before = balances.map_or(&[][..], |balances| &balances.before);
        for (address, lamports) in prepared.keys.iter().zip(before) {
            if own.contains(address) || self.vm.lamports(address) == *lamports {
                continue;
            }
            let found = self.vm.account(address).unwrap_or_default();
            // Code and sysvars are as the machine has them.
            if found.executable || [sysvar::ID, native_loader::ID].contains(&found.owner) {
                continue;
            }
            // A hostile bundle must not fill the memory with names.
            if found.lamports == 0 {
                self.made = self.made.saturating_add(1);
                if self.made > self.accounts_limit {
                    return Err(ShadowError::TooLarge {
                        what: "accounts",
                        limit: self.accounts_limit,
                    });
                }
            }
            let account = Account {
                lamports: *lamports,
                ..found
            };
            let account = (*lamports > 0).then_some(&account);
            self.vm.put(&[StoredAccount::new(*address, account)])?;
        }
        Ok(())
    }

    /// Goes on from what a program left: the deployed program on both sides, so that one difference is not counted again and
    /// again. Where the bundle knows better, it says so with the next transaction.
    pub(super) fn leave(
        &mut self,
        prepared: &Prepared,
        done: &Execution,
    ) -> Result<(), ShadowError> {
        match (&done.error, prepared.keys.first()) {
            (Some(_), Some(payer)) => self.vm.charge(payer, done.fee),
            _ => self.vm.keep(&done.written),
        }
    }
}
