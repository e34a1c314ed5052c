//! The lines of a bundle.

use std::{borrow::Cow, fmt::Display, str::FromStr};

use base64::{engine::general_purpose::STANDARD, Engine};
use serde::{de::Error, Deserialize, Deserializer, Serialize, Serializer};
use serde_json::Value;
use solana_sdk::{
    account::Account,
    pubkey::Pubkey,
    transaction::{TransactionError, VersionedTransaction},
};
use solana_transaction_status_client_types::{
    EncodedTransaction, TransactionBinaryEncoding, UiTransactionError,
};

/// What the header says that the file is.
pub const KIND: &str = "portcullis-shadow-bundle";
/// Rises when a reader of the version before would misread the file.
pub const SCHEMA_VERSION: u32 = 1;

/// One line.
#[derive(Clone, Debug, Deserialize, Serialize)]
#[serde(rename_all = "snake_case", deny_unknown_fields)]
pub enum Line {
    Header(Header),
    Account(StoredAccount),
    Transaction(Box<Recorded>),
    End(End),
}

/// Where the state before each transaction is from.
#[derive(Clone, Copy, Debug, Deserialize, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum PreState {
    /// Each transaction carries the accounts of its moment.
    Recorded,
    /// There is one state for all, read when the bundle was made; the transactions are played on it one after the other.
    Snapshot,
}

/// The first line.
#[derive(Clone, Debug, Deserialize, PartialEq, Eq, Serialize)]
#[serde(deny_unknown_fields)]
pub struct Header {
    pub kind: String,
    pub schema_version: u32,
    /// The program whose transactions they are.
    #[serde(with = "text")]
    pub program: Pubkey,
    /// SHA-256 of the program's ELF without trailing zeros, when the bundle was made: 64 hexadecimal digits.
    pub deployed_sha256: String,
    /// Tells clusters apart.
    pub genesis_hash: String,
    pub pre_state: PreState,
}

/// An account.
#[derive(Clone, Debug, Deserialize, PartialEq, Eq, Serialize)]
#[serde(deny_unknown_fields)]
pub struct StoredAccount {
    #[serde(with = "text")]
    pub address: Pubkey,
    /// 0: there is no such account.
    pub lamports: u64,
    #[serde(with = "text")]
    pub owner: Pubkey,
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub executable: bool,
    pub rent_epoch: u64,
    #[serde(with = "binary")]
    pub data: Vec<u8>,
}

/// A transaction as the cluster recorded it.
#[derive(Clone, Debug, Deserialize, PartialEq, Serialize)]
#[serde(deny_unknown_fields)]
pub struct Recorded {
    pub signature: String,
    pub slot: u64,
    /// Unix seconds.
    pub block_time: Option<i64>,
    /// As it went over the wire, in base64.
    pub transaction: String,
    /// What its lookup tables stood for.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub loaded: Option<Loaded>,
    pub outcome: Outcome,
    /// The state before it: at least what differs both from what the bundle said last, and from what the deployed program left.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub accounts: Vec<StoredAccount>,
}

/// The addresses that were looked up, in the order of the message's lookups.
#[derive(Clone, Debug, Default, Deserialize, PartialEq, Eq, Serialize)]
#[serde(deny_unknown_fields)]
pub struct Loaded {
    pub writable: Vec<Address>,
    pub readonly: Vec<Address>,
}

/// An address in a list.
#[derive(Clone, Copy, Debug, Deserialize, PartialEq, Eq, Serialize)]
#[serde(transparent)]
pub struct Address(#[serde(with = "text")] pub Pubkey);

/// What happened. What is `None` was not recorded, but for `error`.
#[derive(Clone, Debug, Default, Deserialize, PartialEq, Serialize)]
#[serde(deny_unknown_fields)]
pub struct Outcome {
    /// As RPC servers write it; `None`: it succeeded.
    pub error: Option<Value>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub logs: Option<Vec<String>>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub return_data: Option<ReturnData>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub compute_units: Option<u64>,
    /// Lamports, in the order of the message's accounts, then those looked up: writable, read-only.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub balances: Option<Balances>,
}

/// Lamports of each account.
#[derive(Clone, Debug, Default, Deserialize, PartialEq, Eq, Serialize)]
#[serde(deny_unknown_fields)]
pub struct Balances {
    pub before: Vec<u64>,
    pub after: Vec<u64>,
}

/// What the last program returned.
#[derive(Clone, Debug, Deserialize, PartialEq, Eq, Serialize)]
#[serde(deny_unknown_fields)]
pub struct ReturnData {
    #[serde(with = "text")]
    pub program: Pubkey,
    #[serde(with = "binary")]
    pub data: Vec<u8>,
}

/// The last line.
#[derive(Clone, Copy, Debug, Default, Deserialize, PartialEq, Eq, Serialize)]
#[serde(deny_unknown_fields)]
pub struct End {
    pub accounts: u64,
    pub transactions: u64,
}

impl StoredAccount {
    /// An account as it is; `None`: there is none.
    pub fn new(address: Pubkey, account: Option<&Account>) -> Self {
        let account = account.cloned().unwrap_or_default();
        Self {
            address,
            lamports: account.lamports,
            owner: account.owner,
            executable: account.executable,
            rent_epoch: account.rent_epoch,
            data: account.data,
        }
    }

    /// The account itself.
    pub fn into_account(self) -> Account {
        Account {
            lamports: self.lamports,
            data: self.data,
            owner: self.owner,
            executable: self.executable,
            rent_epoch: self.rent_epoch,
        }
    }
}

impl Outcome {
    /// Of a transaction that failed so, or succeeded; nothing else is known.
    pub fn failed(error: Option<&TransactionError>) -> Self {
        Self {
            error: error.map(error_value),
            ..Self::default()
        }
    }
}

impl Recorded {
    /// The transaction; `None` where the bytes are not one.
    pub fn decode(&self) -> Option<VersionedTransaction> {
        decode(self.transaction.clone())
    }
}

/// A transaction from base64; `None` where the bytes are not one.
pub(crate) fn decode(base64: String) -> Option<VersionedTransaction> {
    EncodedTransaction::Binary(base64, TransactionBinaryEncoding::Base64).decode()
}

/// A transaction in base64, as it goes over the wire: a one-byte count (at most 127 signatures), the signatures, the message.
pub(crate) fn encode(transaction: &VersionedTransaction) -> String {
    let mut bytes = vec![u8::try_from(transaction.signatures.len()).unwrap_or(u8::MAX)];
    for signature in &transaction.signatures {
        bytes.extend(signature.as_ref());
    }
    bytes.extend(transaction.message.serialize());
    STANDARD.encode(bytes)
}

/// An error as RPC servers write it.
pub(crate) fn error_value(error: &TransactionError) -> Value {
    // Names and numbers always serialize.
    serde_json::to_value(UiTransactionError::from(error.clone())).unwrap_or_default()
}

/// Whatever is written as text.
mod text {
    use super::*;

    pub fn serialize<T: Display, S: Serializer>(value: &T, to: S) -> Result<S::Ok, S::Error> {
        to.collect_str(value)
    }

    pub fn deserialize<'de, T: FromStr, D: Deserializer<'de>>(from: D) -> Result<T, D::Error> {
        let text = Cow::<str>::deserialize(from)?;
        text.parse()
            .map_err(|_| D::Error::custom("an address must be 32 bytes in base58"))
    }
}

/// Bytes in base64.
mod binary {
    use super::*;

    pub fn serialize<S: Serializer>(value: &[u8], to: S) -> Result<S::Ok, S::Error> {
        to.serialize_str(&STANDARD.encode(value))
    }

    pub fn deserialize<'de, D: Deserializer<'de>>(from: D) -> Result<Vec<u8>, D::Error> {
        let text = Cow::<str>::deserialize(from)?;
        STANDARD
            .decode(text.as_bytes())
            .map_err(|_| D::Error::custom("bytes must be base64"))
    }
}
