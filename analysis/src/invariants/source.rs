//! Where accounts come from: a live cluster's, read before, or those of a virtual machine.

use std::{borrow::Cow, collections::BTreeMap};

use litesvm::LiteSVM;
use solana_sdk::{account::Account, pubkey::Pubkey};

/// An account that there is.
#[derive(Clone, Debug)]
pub struct Found<'a> {
    pub owner: Pubkey,
    pub lamports: u64,
    pub data: Cow<'a, [u8]>,
}

/// All accounts of a program that fit.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Selection {
    pub program: Pubkey,
    /// Bytes of data, if all have as many.
    pub len: Option<usize>,
    /// Bytes that the data hold at these places.
    pub filters: Vec<(usize, Vec<u8>)>,
}

impl Selection {
    /// Whether an account is one of them.
    pub fn fits(&self, owner: &Pubkey, data: &[u8]) -> bool {
        *owner == self.program
            && self.len.is_none_or(|len| data.len() == len)
            && self.filters.iter().all(|(at, bytes)| {
                let found = data.get(*at..);
                found.is_some_and(|found| found.starts_with(bytes))
            })
    }
}

/// Gives accounts, all of one moment.
pub trait AccountSource {
    /// An account. `None`: there is none; one without lamports is none either.
    ///
    /// # Errors
    /// Where that cannot be said.
    fn get(&self, address: &Pubkey) -> Result<Option<Found<'_>>, String>;

    /// All accounts of a selection, in any order; more of the same program do not matter.
    ///
    /// # Errors
    /// Where they cannot be listed.
    fn select(&self, selection: &Selection) -> Result<Vec<(Pubkey, Found<'_>)>, String>;
}

/// Accounts that were read before.
#[derive(Clone, Debug, Default)]
pub struct Snapshot {
    pub accounts: BTreeMap<Pubkey, Account>,
}

fn found(account: &Account) -> Option<Found<'_>> {
    (account.lamports > 0).then(|| Found {
        owner: account.owner,
        lamports: account.lamports,
        data: Cow::Borrowed(&account.data),
    })
}

impl AccountSource for Snapshot {
    fn get(&self, address: &Pubkey) -> Result<Option<Found<'_>>, String> {
        Ok(self.accounts.get(address).and_then(found))
    }

    fn select(&self, selection: &Selection) -> Result<Vec<(Pubkey, Found<'_>)>, String> {
        let fitting = self.accounts.iter();
        Ok(fitting
            .filter(|(_, account)| selection.fits(&account.owner, &account.data))
            .filter_map(|(address, account)| Some((*address, found(account)?)))
            .collect())
    }
}

impl AccountSource for LiteSVM {
    fn get(&self, address: &Pubkey) -> Result<Option<Found<'_>>, String> {
        let account = self
            .get_account(address)
            .filter(|account| account.lamports > 0);
        Ok(account.map(|account| Found {
            owner: account.owner,
            lamports: account.lamports,
            data: Cow::Owned(account.data),
        }))
    }

    fn select(&self, selection: &Selection) -> Result<Vec<(Pubkey, Found<'_>)>, String> {
        let all = self.get_program_accounts(&selection.program).into_iter();
        Ok(all
            .filter(|(_, account)| {
                account.lamports > 0 && selection.fits(&account.owner, &account.data)
            })
            .map(|(address, account)| {
                let found = Found {
                    owner: account.owner,
                    lamports: account.lamports,
                    data: Cow::Owned(account.data),
                };
                (address, found)
            })
            .collect())
    }
}
