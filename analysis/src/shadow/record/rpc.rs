//! Records the last transactions of a program from an RPC server, with the accounts of today.

use std::{
    collections::{BTreeMap, BTreeSet},
    io::Write,
};

use base64::{engine::general_purpose::STANDARD, Engine};
use portcullis_client::{pda, Client};
use solana_sdk::{account::Account, pubkey::Pubkey, signature::Signature};
use solana_sdk_ids::{bpf_loader_upgradeable, sysvar};
use solana_transaction_status_client_types::{
    option_serializer::OptionSerializer, EncodedConfirmedTransactionWithStatusMeta,
    EncodedTransaction, UiTransactionStatusMeta,
};

use super::deployed_sha256;
use crate::{
    idl::chain,
    invariants::{Required, Snapshot},
    shadow::{
        bundle::{
            decode, Address, Balances, Header, Loaded, Outcome, PreState, Recorded, ReturnData,
            StoredAccount, Writer, KIND, SCHEMA_VERSION,
        },
        ShadowError,
    },
};

/// Transactions that are fetched before they are looked at.
const CHUNK: usize = 256;
/// Accounts that are fetched before they are written.
const ACCOUNTS: usize = 100;

/// What programs read of the cluster.
const SYSVARS: [Pubkey; 6] = [
    sysvar::clock::ID,
    sysvar::rent::ID,
    sysvar::epoch_schedule::ID,
    sysvar::slot_hashes::ID,
    sysvar::stake_history::ID,
    sysvar::last_restart_slot::ID,
];

/// A program on a cluster.
pub struct Source<'a> {
    pub client: &'a Client,
    pub program: Pubkey,
    /// What invariants read: it is part of the bundle from the start.
    pub required: Required,
}

/// A transaction with the accounts that its replay needs.
pub(super) struct Fetched {
    pub recorded: Recorded,
    /// What it names and what it looks up, lookup tables included, but no sysvars.
    pub accounts: Vec<Pubkey>,
}

/// Records the last `limit` transactions, and the accounts that they name as they are now.
///
/// # Errors
/// What the server or the writer says; a transaction that the server no longer has.
pub async fn record<W: Write>(
    source: &Source<'_>,
    limit: usize,
    make: impl FnOnce(&Header) -> Result<Writer<W>, ShadowError>,
) -> Result<Writer<W>, ShadowError> {
    let signatures = source
        .client
        .recent_signatures(&source.program, limit, None)
        .await?;
    let mut transactions = Vec::with_capacity(signatures.len());
    let mut needed: BTreeSet<Pubkey> = BTreeSet::new();
    for chunk in signatures.chunks(CHUNK) {
        for fetched in source.fetch(chunk).await? {
            needed.extend(fetched.accounts);
            transactions.push(fetched.recorded);
        }
    }
    let (program, header) = source.header(PreState::Snapshot).await?;
    let mut writer = make(&header)?;
    let mut written: BTreeSet<Pubkey> = program.keys().copied().collect();
    for (address, account) in program {
        writer.account(StoredAccount::new(address, Some(&account)))?;
    }
    let mut left: Vec<Pubkey> = needed.difference(&written).copied().collect();
    while !left.is_empty() {
        let chunk = left.split_off(left.len().saturating_sub(ACCOUNTS));
        written.extend(&chunk);
        let found = source.client.get_accounts(&chunk).await?;
        for (address, account) in chunk.iter().zip(found) {
            let Some(account) = account else { continue };
            let programdata = pda::programdata(address);
            if loads(&account) && written.insert(programdata) {
                left.push(programdata);
            }
            writer.account(StoredAccount::new(*address, Some(&account)))?;
        }
    }
    for transaction in transactions {
        writer.transaction(transaction)?;
    }
    Ok(writer)
}

/// Whether the code is in another account.
pub(super) fn loads(account: &Account) -> bool {
    account.executable && account.owner == bpf_loader_upgradeable::ID
}

impl Source<'_> {
    /// The program's own accounts with the sysvars, for [`Recorder::new`](super::Recorder::new), and the genesis hash.
    ///
    /// # Errors
    /// What the server says; where there is no such program.
    pub async fn start(&self) -> Result<(Vec<(Pubkey, Account)>, String), ShadowError> {
        let (accounts, header) = self.header(PreState::Recorded).await?;
        Ok((accounts.into_iter().collect(), header.genesis_hash))
    }

    /// Transactions as the server recorded them, in the order asked.
    ///
    /// # Errors
    /// What the server says; a transaction that it does not have.
    pub async fn transactions(
        &self,
        signatures: &[Signature],
    ) -> Result<Vec<Recorded>, ShadowError> {
        let fetched = self.fetch(signatures).await?;
        Ok(fetched
            .into_iter()
            .map(|fetched| fetched.recorded)
            .collect())
    }

    /// The program's own accounts and its IDL, the sysvars and what invariants read, and the header.
    pub(super) async fn header(
        &self,
        pre_state: PreState,
    ) -> Result<(BTreeMap<Pubkey, Account>, Header), ShadowError> {
        let mut addresses = vec![self.program, pda::programdata(&self.program)];
        addresses.extend(SYSVARS);
        addresses.extend(chain::idl_addresses(&self.program));
        let mut accounts = Snapshot::read(self.client, &self.required).await?.accounts;
        // Other programs come with their code, where a transaction calls them.
        accounts.retain(|_, account| !account.executable);
        let found = self.client.get_accounts(&addresses).await?;
        let found = addresses.into_iter().zip(found);
        accounts.extend(found.filter_map(|(address, account)| Some((address, account?))));
        let genesis = self.client.rpc.get_genesis_hash().await;
        let header = Header {
            kind: KIND.into(),
            schema_version: SCHEMA_VERSION,
            program: self.program,
            deployed_sha256: deployed_sha256(&self.program, |address| accounts.get(address))?,
            genesis_hash: genesis
                .map_err(portcullis_client::ClientError::from)?
                .to_string(),
            pre_state,
        };
        Ok((accounts, header))
    }

    /// Transactions with what they need.
    pub(super) async fn fetch(
        &self,
        signatures: &[Signature],
    ) -> Result<Vec<Fetched>, ShadowError> {
        let found = self.client.fetch_transactions(signatures).await?;
        let pairs = signatures.iter().zip(found);
        pairs
            .map(|(signature, found)| fetched(signature, found))
            .collect()
    }
}

fn fetched(
    signature: &Signature,
    found: EncodedConfirmedTransactionWithStatusMeta,
) -> Result<Fetched, ShadowError> {
    let unusable = |reason: &str| ShadowError::Transaction {
        signature: signature.to_string(),
        reason: reason.into(),
    };
    let EncodedTransaction::Binary(transaction, _) = found.transaction.transaction else {
        return Err(unusable("the server does not give its bytes"));
    };
    let decoded =
        decode(transaction.clone()).ok_or_else(|| unusable("the server gives other bytes"))?;
    let meta = found
        .transaction
        .meta
        .ok_or_else(|| unusable("the server does not say what became of it"))?;
    let loaded = loaded(&meta).ok_or_else(|| unusable("the server gives no addresses"))?;
    let mut accounts = decoded.message.static_account_keys().to_vec();
    let lookups = decoded.message.address_table_lookups().unwrap_or_default();
    accounts.extend(lookups.iter().map(|lookup| lookup.account_key));
    if let Some(loaded) = &loaded {
        let addresses = loaded.writable.iter().chain(&loaded.readonly);
        accounts.extend(addresses.map(|address| address.0));
    }
    accounts.retain(|address| *address != sysvar::instructions::ID && !SYSVARS.contains(address));
    Ok(Fetched {
        recorded: Recorded {
            signature: signature.to_string(),
            slot: found.slot,
            block_time: found.block_time,
            transaction,
            loaded,
            outcome: outcome(meta),
            accounts: Vec::new(),
        },
        accounts,
    })
}

fn loaded(meta: &UiTransactionStatusMeta) -> Option<Option<Loaded>> {
    let OptionSerializer::Some(found) = &meta.loaded_addresses else {
        return Some(None);
    };
    if found.writable.is_empty() && found.readonly.is_empty() {
        return Some(None);
    }
    let parse = |list: &[String]| -> Option<Vec<Address>> {
        let addresses = list.iter().map(|text| text.parse().ok().map(Address));
        addresses.collect()
    };
    Some(Some(Loaded {
        writable: parse(&found.writable)?,
        readonly: parse(&found.readonly)?,
    }))
}

fn outcome(meta: UiTransactionStatusMeta) -> Outcome {
    let return_data = match meta.return_data {
        OptionSerializer::Some(data) => STANDARD
            .decode(&data.data.0)
            .ok()
            .zip(data.program_id.parse().ok())
            .map(|(data, program)| ReturnData { program, data }),
        _ => None,
    };
    Outcome {
        // What the server wrote, read and written again.
        error: meta.err.and_then(|error| serde_json::to_value(error).ok()),
        logs: match meta.log_messages {
            OptionSerializer::Some(logs) => Some(logs),
            _ => None,
        },
        return_data,
        compute_units: Option::from(meta.compute_units_consumed),
        balances: Some(Balances {
            before: meta.pre_balances,
            after: meta.post_balances,
        }),
    }
}
