//! Records a program's transactions as they come, with the accounts as they were when the server was last asked.
//!
//! A server tells of a transaction after it has changed its accounts. So all accounts that were named before are read again
//! and again; a transaction that meets them as they were read is exact. One that does not, since two of them came between two
//! readings or an account was never named before, shows in the replay by what it had before, and is not judged.

use std::{collections::BTreeMap, future::Future, io::Write};

use portcullis_client::pda;
use solana_sdk::{account::Account, pubkey::Pubkey, signature::Signature};

use super::rpc::{loads, Source};
use crate::shadow::{
    bundle::{Header, PreState, StoredAccount, Writer},
    ShadowError,
};

/// The most transactions that are fetched after one pause.
const MAX_NEW: usize = 1_000;
/// The most accounts that are read again and again.
const MAX_WATCHED: usize = 5_000;

/// What a recording has so far.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Watched {
    pub transactions: u64,
    /// Accounts that are read again and again.
    pub accounts: usize,
}

/// Records as long as `go_on` says, which is asked before each reading. The accounts of the last `warm_up` transactions are
/// watched from the start. `pause` waits for the next reading.
///
/// # Errors
/// What the server or the writer says.
pub async fn watch<W: Write, P: Future<Output = ()>>(
    source: &Source<'_>,
    warm_up: usize,
    make: impl FnOnce(&Header) -> Result<Writer<W>, ShadowError>,
    mut pause: impl FnMut() -> P,
    mut go_on: impl FnMut(Watched) -> bool,
) -> Result<Writer<W>, ShadowError> {
    let (program, header) = source.header(PreState::Recorded).await?;
    let mut writer = make(&header)?;
    let mut said = BTreeMap::new();
    for (address, account) in program {
        writer.account(StoredAccount::new(address, Some(&account)))?;
        said.insert(address, Some(account));
    }
    let earlier = source
        .client
        .recent_signatures(&source.program, warm_up.max(1), None)
        .await?;
    let mut state = State::default();
    for fetched in source.fetch(&earlier).await? {
        state.watch(&fetched.accounts);
    }
    let mut last: Option<Signature> = earlier.last().copied();
    state.read(source).await?;
    let mut watched = Watched {
        transactions: 0,
        accounts: state.accounts.len(),
    };
    while go_on(watched) {
        pause().await;
        let new = source
            .client
            .recent_signatures(&source.program, MAX_NEW, last)
            .await?;
        let mut touched: Vec<Pubkey> = Vec::new();
        for mut fetched in source.fetch(&new).await? {
            state.watch(&fetched.accounts);
            state.read_new(source).await?;
            for address in &fetched.accounts {
                // Once one of the batch named it, only the replay knows what it left.
                if touched.contains(address) {
                    continue;
                }
                touched.push(*address);
                state.say(address, &mut said, &mut fetched.recorded.accounts);
            }
            writer.transaction(fetched.recorded)?;
        }
        for address in &touched {
            said.remove(address);
        }
        last = new.last().copied().or(last);
        state.read(source).await?;
        watched = Watched {
            transactions: writer.transactions(),
            accounts: state.accounts.len(),
        };
    }
    Ok(writer)
}

/// The accounts as they were read last.
#[derive(Default)]
struct State {
    accounts: BTreeMap<Pubkey, Option<Option<Account>>>,
}

impl State {
    fn watch(&mut self, addresses: &[Pubkey]) {
        for address in addresses {
            if self.accounts.len() < MAX_WATCHED {
                self.accounts.entry(*address).or_insert(None);
            }
        }
    }

    /// Reads all of them.
    async fn read(&mut self, source: &Source<'_>) -> Result<(), ShadowError> {
        let addresses: Vec<Pubkey> = self.accounts.keys().copied().collect();
        self.read_these(source, addresses).await
    }

    /// Reads those that were never read.
    async fn read_new(&mut self, source: &Source<'_>) -> Result<(), ShadowError> {
        let unread = self
            .accounts
            .iter()
            .filter(|(_, account)| account.is_none());
        let addresses: Vec<Pubkey> = unread.map(|(address, _)| *address).collect();
        self.read_these(source, addresses).await
    }

    async fn read_these(
        &mut self,
        source: &Source<'_>,
        mut addresses: Vec<Pubkey>,
    ) -> Result<(), ShadowError> {
        while !addresses.is_empty() {
            let found = source.client.get_accounts(&addresses).await?;
            let mut programs = Vec::new();
            for (address, account) in addresses.iter().zip(found) {
                if let Some(account) = &account {
                    let programdata = pda::programdata(address);
                    if loads(account) && !self.accounts.contains_key(&programdata) {
                        programs.push(programdata);
                    }
                }
                self.accounts.insert(*address, Some(account));
            }
            addresses = programs;
        }
        Ok(())
    }

    /// Adds an account, and its code, unless the bundle said the same before.
    fn say(
        &self,
        address: &Pubkey,
        said: &mut BTreeMap<Pubkey, Option<Account>>,
        to: &mut Vec<StoredAccount>,
    ) {
        for address in [*address, pda::programdata(address)] {
            let Some(Some(account)) = self.accounts.get(&address) else {
                continue;
            };
            if said.get(&address) != Some(account) {
                said.insert(address, account.clone());
                to.push(StoredAccount::new(address, account.as_ref()));
            }
        }
    }
}
