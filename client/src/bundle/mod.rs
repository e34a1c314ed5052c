//! A proposal in a file, for a machine without a network: all that is needed to decode it, to compute its digest and to sign a
//! vote on it as a message.
//!
//! Whoever wrote the file is trusted for nothing that a vote says. The digest is computed anew from the terms, and the text is
//! written from what the digest covers; a digest that no proposal on the chain has makes a signature that the program refuses.
//! What the digest does not cover (the members and their votes so far, attestations, the policy of now, the clock) may be false:
//! it can only lead to a vote that the chain refuses.

#[cfg(test)]
mod tests;

use base64::{engine::general_purpose::STANDARD, Engine};
use portcullis::{
    lifecycle::Now,
    state::{Council, Gate},
};
use serde::{Deserialize, Serialize};
use serde_json::Value;
use solana_account::Account;
use solana_sdk::pubkey::Pubkey;

use crate::{
    account::{decode_owned, Decoded, Keyed, PortcullisAccount, StoredAttestation, StoredProposal},
    error::ClientError,
    proposal::ProposalView,
};

/// What the file says that it is.
pub const KIND: &str = "portcullis-offline-bundle";
/// Of the file's layout. Rises when a key changes its meaning or goes away.
pub const SCHEMA: u64 = 1;

/// The file.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Bundle {
    pub schema_version: u64,
    pub kind: String,
    /// The version of what wrote it.
    pub written_by: String,
    /// As its writer called it.
    pub cluster: String,
    /// Base58.
    pub genesis_hash: String,
    /// The instance's program id.
    pub portcullis: String,
    /// The cluster's clock in the slot of the accounts.
    pub chain_time: ChainTime,
    /// The proposal's address.
    pub proposal: String,
    pub accounts: Vec<BundledAccount>,
    /// The document that explains the proposal.
    pub statement: Option<BundledStatement>,
}

/// The cluster's clock.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct ChainTime {
    pub unix_seconds: i64,
    pub slot: u64,
}

/// An account as the chain holds it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct BundledAccount {
    pub kind: AccountKind,
    pub address: String,
    pub owner: String,
    pub data_base64: String,
}

/// What an account is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum AccountKind {
    Proposal,
    Gate,
    Council,
    Attestation,
}

/// The document that explains a proposal.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct BundledStatement {
    pub uri: String,
    pub content_base64: String,
}

impl BundledStatement {
    /// From the document's bytes.
    pub fn new(uri: String, content: &[u8]) -> Self {
        Self {
            uri,
            content_base64: STANDARD.encode(content),
        }
    }

    /// The document's bytes.
    ///
    /// # Errors
    /// `InvalidBundle`.
    pub fn content(&self) -> Result<Vec<u8>, ClientError> {
        decode_base64(&self.content_base64, "its statement")
    }
}

impl BundledAccount {
    /// An account for the file.
    pub fn new(kind: AccountKind, address: &Pubkey, account: &Account) -> Self {
        Self {
            kind,
            address: address.to_string(),
            owner: account.owner.to_string(),
            data_base64: STANDARD.encode(&account.data),
        }
    }

    fn decode<T: Decoded>(&self, portcullis: &Pubkey) -> Result<Keyed<T>, ClientError> {
        let address = parse_key(&self.address, "an account's address")?;
        let account = Account {
            owner: parse_key(&self.owner, "an account's owner")?,
            data: decode_base64(&self.data_base64, &format!("account {address}"))?,
            ..Account::default()
        };
        let account = decode_owned(portcullis, &address, &account).map_err(falsehood)?;
        Ok(Keyed { address, account })
    }

    /// An account whose length is fixed.
    fn decode_whole<T: PortcullisAccount>(
        &self,
        portcullis: &Pubkey,
    ) -> Result<Keyed<T>, ClientError> {
        let found = self.decode::<T>(portcullis)?;
        let len = decode_base64(&self.data_base64, &self.address)?.len();
        if len == T::space() {
            return Ok(found);
        }
        Err(false_bundle(format!(
            "account {} must have {} bytes, it has {len}",
            found.address,
            T::space()
        )))
    }
}

/// What a bundle holds, decoded and checked.
#[derive(Clone, Debug)]
pub struct Opened {
    pub view: ProposalView,
    pub attestations: Vec<Keyed<StoredAttestation>>,
}

impl Bundle {
    /// Reads the file's text. Nothing in it is decoded yet.
    ///
    /// # Errors
    /// `InvalidBundle`.
    pub fn parse(text: &str) -> Result<Self, ClientError> {
        let value: Value = serde_json::from_str(text).map_err(|error| {
            invalid(match error.is_eof() {
                true => "it ends too early, as a truncated file does",
                false => "it must be JSON, and is not",
            })
        })?;
        let kind = value.get("kind").and_then(Value::as_str);
        if kind != Some(KIND) {
            return Err(invalid(format!(
                "its kind must be {KIND}, it is {}",
                kind.unwrap_or("not given")
            )));
        }
        let schema = value.get("schema_version").and_then(Value::as_u64);
        if schema != Some(SCHEMA) {
            return Err(invalid(format!(
                "its schema_version must be {SCHEMA}, it is {}",
                schema.map_or("not given".to_string(), |schema| schema.to_string())
            )));
        }
        serde_json::from_value(value).map_err(|error| invalid(error.to_string()))
    }

    /// The file's text.
    pub fn to_text(&self) -> String {
        // A value made of strings and numbers always serializes.
        let mut text = serde_json::to_string_pretty(self).unwrap_or_default();
        text.push('\n');
        text
    }

    /// The clock that was written down.
    pub fn written_at(&self) -> Now {
        Now {
            timestamp: self.chain_time.unix_seconds,
            slot: self.chain_time.slot,
        }
    }

    /// Decodes the accounts, proves that they belong together, and computes the digest anew; all as of `now`.
    ///
    /// # Errors
    /// `InvalidBundle` for what lacks or is malformed, `FalseBundle` for what cannot be true.
    pub fn open(&self, portcullis: &Pubkey, now: Now) -> Result<Opened, ClientError> {
        let instance = parse_key(&self.portcullis, "its instance of Portcullis")?;
        if instance != *portcullis {
            return Err(invalid(format!(
                "it is for the instance {instance} of Portcullis, and {portcullis} is meant"
            )));
        }
        let address = parse_key(&self.proposal, "its proposal")?;
        let proposal: Keyed<StoredProposal> =
            self.only(AccountKind::Proposal)?.decode(portcullis)?;
        if proposal.address != address {
            return Err(false_bundle(format!(
                "it must hold the account of proposal {address}, it holds that of {}",
                proposal.address
            )));
        }
        let council: Keyed<Council> = self.only(AccountKind::Council)?.decode_whole(portcullis)?;
        let gate: Option<Keyed<Gate>> = match self.of(AccountKind::Gate).next() {
            Some(_) => Some(self.only(AccountKind::Gate)?.decode_whole(portcullis)?),
            None => None,
        };
        let view = ProposalView::new(portcullis, address, proposal.account, gate, council, now)
            .map_err(falsehood)?;
        let life = view.gate.as_ref().map_or(0, |gate| gate.account.life);
        if view.proposal.terms.life != life {
            return Err(false_bundle(
                "the gate has begun another life since the proposal was made, so that it takes no vote and its digest cannot be computed",
            ));
        }
        let mut attestations: Vec<Keyed<StoredAttestation>> = Vec::new();
        for account in self.of(AccountKind::Attestation) {
            let found: Keyed<StoredAttestation> = account.decode(portcullis)?;
            if found.account.attestation.proposal != address {
                return Err(false_bundle(format!(
                    "attestation {} is about another proposal",
                    found.address
                )));
            }
            attestations.push(found);
        }
        Ok(Opened { view, attestations })
    }

    fn of(&self, kind: AccountKind) -> impl Iterator<Item = &BundledAccount> {
        self.accounts
            .iter()
            .filter(move |account| account.kind == kind)
    }

    fn only(&self, kind: AccountKind) -> Result<&BundledAccount, ClientError> {
        let mut found = self.of(kind);
        match (found.next(), found.next()) {
            (Some(only), None) => Ok(only),
            (first, _) => {
                let found = if first.is_some() {
                    "are several"
                } else {
                    "is none"
                };
                Err(invalid(format!(
                    "one account of the kind {kind:?} is required, there {found}"
                )))
            }
        }
    }
}

/// What an RPC server would be accused of is the file's.
fn falsehood(error: ClientError) -> ClientError {
    use crate::error::hex;
    match error {
        ClientError::Decode {
            address,
            expected,
            reason,
        } => false_bundle(format!("{address} was expected to be {expected}: {reason}")),
        ClientError::WrongOwner {
            address,
            required,
            found,
            ..
        } => false_bundle(format!(
            "the owner of account {address} must be {required}, it is {found}"
        )),
        ClientError::Unrelated { address, reason } => false_bundle(format!(
            "{address} and the other accounts do not belong together: {reason}"
        )),
        ClientError::DigestMismatch {
            stored, computed, ..
        } => false_bundle(format!(
            "the proposal's terms have the digest {}, beside them stands {}",
            hex(&computed),
            hex(&stored)
        )),
        error => error,
    }
}

fn parse_key(text: &str, what: &str) -> Result<Pubkey, ClientError> {
    text.parse()
        .map_err(|_| invalid(format!("{what} must be a key in base58")))
}

fn decode_base64(text: &str, what: &str) -> Result<Vec<u8>, ClientError> {
    STANDARD
        .decode(text)
        .map_err(|_| invalid(format!("{what} must be base64, and is not")))
}

/// Some of the reason may be the file's own words, which must not begin a line.
fn invalid(reason: impl Into<String>) -> ClientError {
    let reason = reason.into().replace(char::is_control, "\u{fffd}");
    ClientError::InvalidBundle { reason }
}

fn false_bundle(reason: impl Into<String>) -> ClientError {
    ClientError::FalseBundle {
        reason: reason.into(),
    }
}
