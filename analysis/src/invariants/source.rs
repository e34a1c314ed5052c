//! Where accounts come from.

use std::{borrow::Cow, collections::BTreeMap};

use portcullis_client::{Client, ClientError};
use solana_sdk::{account::Account, pubkey::Pubkey};

use super::Required;

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

/// Filters that servers take, the length counted.
const MAX_FILTERS: usize = 4;

impl Snapshot {
    /// Reads what is required from a cluster.
    ///
    /// # Errors
    /// Those of the RPC server.
    pub async fn read(client: &Client, required: &Required) -> Result<Self, ClientError> {
        let mut snapshot = Self::default();
        for selection in &required.selections {
            let Selection {
                program,
                len,
                filters,
            } = selection;
            let most = MAX_FILTERS.saturating_sub(usize::from(len.is_some()));
            // Those beyond are applied by who reads the snapshot.
            let filters = filters.iter().take(most);
            let filters: Vec<(usize, &[u8])> =
                filters.map(|(at, bytes)| (*at, bytes.as_slice())).collect();
            let listed = client.select_accounts(program, *len, &filters, None);
            snapshot.accounts.extend(listed.await?);
        }
        // Last, so that of what is read twice this is kept, all of one slot.
        let addresses: Vec<Pubkey> = required.addresses.iter().copied().collect();
        let accounts = client.get_accounts(&addresses).await?;
        for (address, account) in addresses.into_iter().zip(accounts) {
            match account {
                Some(account) => snapshot.accounts.insert(address, account),
                None => snapshot.accounts.remove(&address),
            };
        }
        Ok(snapshot)
    }
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
