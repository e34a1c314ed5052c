//! Accounts that hold more than their fixed part.

use anchor_lang::Discriminator;
use portcullis::{
    change::Change,
    state::{Attestation, Proposal},
};
use solana_sdk::pubkey::Pubkey;

use super::{decode, Decoded, PortcullisAccount, Statement};
use crate::error::ClientError;

/// What the account of a proposal holds: the fixed part, and the bytes of its [`Change`] behind it.
#[derive(Clone, Debug)]
pub struct StoredProposal {
    pub proposal: Proposal,
    /// As stored; the digest covers them. Empty for an upgrade without a predecessor.
    pub change: Vec<u8>,
}

impl StoredProposal {
    /// Bytes of its account, the discriminator included.
    pub fn space(&self) -> usize {
        Proposal::space().saturating_add(self.change.len())
    }
}

impl Decoded for StoredProposal {
    const NAME: &'static str = <Proposal as PortcullisAccount>::NAME;
    const HEAD: &'static [u8] = Proposal::DISCRIMINATOR;

    fn from_data(address: &Pubkey, data: &[u8]) -> Result<Self, ClientError> {
        Ok(Self {
            proposal: decode(address, data)?,
            change: data.get(Proposal::space()..).unwrap_or_default().to_vec(),
        })
    }

    fn address(&self, portcullis: &Pubkey) -> Pubkey {
        PortcullisAccount::address(&self.proposal, portcullis)
    }
}

/// What the account of an attestation holds: the fixed part, and the URI of the statement behind it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct StoredAttestation {
    pub attestation: Attestation,
    /// Printable ASCII; empty: not said.
    pub uri: String,
}

impl Decoded for StoredAttestation {
    const NAME: &'static str = <Attestation as PortcullisAccount>::NAME;
    const HEAD: &'static [u8] = Attestation::DISCRIMINATOR;

    fn from_data(address: &Pubkey, data: &[u8]) -> Result<Self, ClientError> {
        let attestation: Attestation = decode(address, data)?;
        let wrong = |reason: &str| ClientError::Decode {
            address: *address,
            expected: <Self as Decoded>::NAME,
            reason: reason.into(),
        };
        let uri = data.get(Attestation::SPACE..).unwrap_or_default().to_vec();
        let statement = Statement {
            sha256: attestation.statement_sha256,
            uri: String::from_utf8(uri).map_err(|_| wrong("its URI is no text"))?,
        };
        // A terminal would obey what is not printable.
        statement
            .validate()
            .map_err(|refusal| wrong(refusal.message()))?;
        Ok(Self {
            attestation,
            uri: statement.uri,
        })
    }

    fn address(&self, portcullis: &Pubkey) -> Pubkey {
        PortcullisAccount::address(&self.attestation, portcullis)
    }
}

/// The action of a proposal with its fields, from the bytes behind its fixed part.
///
/// # Errors
/// `Decode` on bytes that this version does not know.
pub fn decode_change(address: &Pubkey, bytes: &[u8]) -> Result<Option<Change>, ClientError> {
    Change::from_bytes(bytes).map_err(|_| unknown_kind(address))
}

/// The error for what a later version of Portcullis may have written.
pub(crate) fn unknown_kind(address: &Pubkey) -> ClientError {
    ClientError::Decode {
        address: *address,
        expected: <Proposal as PortcullisAccount>::NAME,
        reason: "it is of a kind that this version does not know".into(),
    }
}
