//! Records bundles: from a server, or step by step by whoever sends the transactions.

mod live;
mod rpc;

pub use live::{watch, Watched};
pub use rpc::{record, Source};

use std::{
    collections::{BTreeMap, BTreeSet},
    io::Write,
};

use portcullis_client::account::{Commitment, PROGRAMDATA_HEADER};
use solana_sdk::{account::Account, pubkey::Pubkey, transaction::VersionedTransaction};
use solana_sdk_ids::bpf_loader_upgradeable;

use crate::shadow::{
    bundle::{
        encode, Header, Loaded, Outcome, PreState, Recorded, StoredAccount, Writer, KIND,
        SCHEMA_VERSION,
    },
    report::hex,
    ShadowError,
};

/// The hash of no account.
const UNKNOWN: [u8; 32] = [0; 32];

/// Records one transaction after the other: [`before`](Self::before) with the accounts that it will meet, then
/// [`after`](Self::after) with what happened. Nobody else may change these accounts in between; where somebody did, the replay
/// does not reproduce the record, and the transaction is not judged.
pub struct Recorder<W: Write> {
    writer: Writer<W>,
    /// What the bundle said of each account last, by the hash of it.
    known: BTreeMap<Pubkey, [u8; 32]>,
    pending: Vec<StoredAccount>,
}

/// What a transaction was.
#[derive(Clone, Debug)]
pub struct Moment {
    pub signature: String,
    pub slot: u64,
    /// Unix seconds.
    pub block_time: Option<i64>,
}

impl<W: Write> Recorder<W> {
    /// Begins a bundle, with the accounts that are there from the start: the program, other programs that are called, sysvars,
    /// and whatever else.
    ///
    /// # Errors
    /// Where the program is not among them; what the writer says.
    pub fn new(
        program: Pubkey,
        genesis_hash: String,
        accounts: Vec<(Pubkey, Account)>,
        make: impl FnOnce(&Header) -> Result<Writer<W>, ShadowError>,
    ) -> Result<Self, ShadowError> {
        let find = |address: Pubkey| accounts.iter().find(|(key, _)| *key == address);
        let mut recorder = Self {
            writer: make(&Header {
                kind: KIND.into(),
                schema_version: SCHEMA_VERSION,
                program,
                deployed_sha256: deployed_sha256(&program, |address| {
                    find(*address).map(|(_, account)| account)
                })?,
                genesis_hash,
                pre_state: PreState::Recorded,
            })?,
            known: BTreeMap::new(),
            pending: Vec::new(),
        };
        for (address, account) in &accounts {
            let stored = StoredAccount::new(*address, Some(account));
            recorder.known.insert(*address, fingerprint(&stored));
            recorder.writer.account(stored)?;
        }
        Ok(recorder)
    }

    /// The accounts that the next transaction names, as they are before it; `None`: there is none at the address.
    pub fn before<'b>(
        &mut self,
        accounts: impl IntoIterator<Item = (Pubkey, Option<&'b Account>)>,
    ) {
        for (address, account) in accounts {
            let stored = StoredAccount::new(address, account);
            let print = fingerprint(&stored);
            let known = self.known.insert(address, print);
            // What was never named is not there.
            if known != Some(print) && (known.is_some() || stored.lamports > 0) {
                self.pending.push(stored);
            }
        }
    }

    /// What happened then. `loaded` are the addresses that the transaction looked up, if it did.
    ///
    /// # Errors
    /// What the writer says.
    pub fn after(
        &mut self,
        moment: Moment,
        transaction: &VersionedTransaction,
        loaded: Option<Loaded>,
        outcome: Outcome,
    ) -> Result<(), ShadowError> {
        self.record(Recorded {
            signature: moment.signature,
            slot: moment.slot,
            block_time: moment.block_time,
            transaction: encode(transaction),
            loaded,
            outcome,
            accounts: Vec::new(),
        })
    }

    /// What happened then, as a server tells it ([`Source::transactions`]).
    ///
    /// # Errors
    /// What the writer says; bytes that are no transaction.
    pub fn record(&mut self, mut recorded: Recorded) -> Result<(), ShadowError> {
        let transaction = recorded.decode().ok_or_else(|| ShadowError::Transaction {
            signature: recorded.signature.clone(),
            reason: "its bytes are no transaction".into(),
        })?;
        // The replay has its own idea of what it wrote from now on.
        let message = &transaction.message;
        for (place, address) in message.static_account_keys().iter().enumerate() {
            if message.is_maybe_writable_with_reserved_addresses(place, None::<&BTreeSet<Pubkey>>) {
                self.known.insert(*address, UNKNOWN);
            }
        }
        let loaded = recorded.loaded.iter().flat_map(|loaded| &loaded.writable);
        for address in loaded {
            self.known.insert(address.0, UNKNOWN);
        }
        recorded.accounts = std::mem::take(&mut self.pending);
        self.writer.transaction(recorded)
    }

    /// How many transactions it has.
    pub fn transactions(&self) -> u64 {
        self.writer.transactions()
    }

    /// Ends the bundle.
    ///
    /// # Errors
    /// What the writer says.
    pub fn finish(self) -> Result<W, ShadowError> {
        self.writer.finish()
    }
}

/// The hash of a program's ELF, from its accounts.
pub(crate) fn deployed_sha256<'a>(
    program: &Pubkey,
    find: impl Fn(&Pubkey) -> Option<&'a Account>,
) -> Result<String, ShadowError> {
    let missing = || ShadowError::Program {
        which: "deployed",
        reason: format!("{program} has no accounts of a program"),
    };
    let account = find(program).ok_or_else(missing)?;
    let elf = if account.owner == bpf_loader_upgradeable::ID {
        let programdata = find(&portcullis_client::pda::programdata(program));
        let data = programdata.map(|account| account.data.as_slice());
        data.and_then(|data| data.get(PROGRAMDATA_HEADER..))
            .ok_or_else(missing)?
    } else {
        &account.data
    };
    let commitment = Commitment::of(elf).ok_or_else(missing)?;
    Ok(hex(&commitment.sha256))
}

fn fingerprint(account: &StoredAccount) -> [u8; 32] {
    let parts: [&[u8]; 5] = [
        &account.lamports.to_le_bytes(),
        account.owner.as_ref(),
        &[u8::from(account.executable)],
        &account.rent_epoch.to_le_bytes(),
        &account.data,
    ];
    solana_sha256_hasher::hashv(&parts).to_bytes()
}
