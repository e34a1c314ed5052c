//! Accounts as they stand on chain: Portcullis's own, and loader v3's. Nothing is fetched here.
//!
//! Whoever answers the request for an account could lie about it. The owner, the discriminator, the layout version and the
//! address that follows from the content are checked at each decoding, and a proposal's digest is computed from its terms, never taken from its account.

mod loader;
mod stored;
#[cfg(test)]
mod tests;

use anchor_lang::Discriminator;
use bytemuck::Pod;
use portcullis::{
    constants::LAYOUT_VERSION,
    state::{Attestation, Council, Gate, Hashing, Proposal},
};
use solana_account::Account;
use solana_sdk::pubkey::Pubkey;

pub(crate) use self::stored::unknown_kind;
pub use self::{
    loader::*,
    stored::{decode_change, StoredAttestation, StoredProposal},
};
pub use crate::proposal::ProposalView;
pub use portcullis::digest::{digest, Commitment, Statement};

use crate::{error::ClientError, pda};

/// A decoded account and where it stands.
#[derive(Clone, Copy, Debug)]
pub struct Keyed<T> {
    pub address: Pubkey,
    pub account: T,
}

/// An account of Portcullis that can be decoded from its bytes.
pub trait PortcullisAccount: Pod + Discriminator {
    /// What it is called in errors.
    const NAME: &'static str;
    /// The layout version that it carries.
    fn version(&self) -> u8;
    /// Where it must stand, from what it holds.
    fn address(&self, portcullis: &Pubkey) -> Pubkey;

    /// Bytes of the fixed part, the discriminator included.
    fn space() -> usize {
        Self::DISCRIMINATOR.len() + core::mem::size_of::<Self>()
    }
}

impl PortcullisAccount for Council {
    const NAME: &'static str = "a Portcullis council";
    fn version(&self) -> u8 {
        self.version
    }
    fn address(&self, portcullis: &Pubkey) -> Pubkey {
        pda::council(portcullis, &self.create_key)
    }
}

impl PortcullisAccount for Gate {
    const NAME: &'static str = "a Portcullis gate";
    fn version(&self) -> u8 {
        self.version
    }
    fn address(&self, portcullis: &Pubkey) -> Pubkey {
        pda::gate(portcullis, &self.program)
    }
}

impl PortcullisAccount for Proposal {
    const NAME: &'static str = "a Portcullis proposal";
    fn version(&self) -> u8 {
        self.terms.version
    }
    fn address(&self, portcullis: &Pubkey) -> Pubkey {
        pda::proposal(portcullis, &self.terms.parent, self.terms.index)
    }
}

impl PortcullisAccount for Hashing {
    const NAME: &'static str = "a hash in the making of Portcullis";
    fn version(&self) -> u8 {
        self.version
    }
    fn address(&self, portcullis: &Pubkey) -> Pubkey {
        pda::hashing(portcullis, &self.target)
    }
}

impl PortcullisAccount for Attestation {
    const NAME: &'static str = "a Portcullis attestation";
    fn version(&self) -> u8 {
        self.version
    }
    fn address(&self, portcullis: &Pubkey) -> Pubkey {
        pda::attestation(portcullis, &self.proposal, &self.attester)
    }
}

/// What an account can be decoded to.
pub trait Decoded: Sized {
    /// What it is called in errors.
    const NAME: &'static str;
    /// The first bytes of such an account.
    const HEAD: &'static [u8];

    /// Decodes the account's data.
    ///
    /// # Errors
    /// `Decode`, `UnknownVersion`.
    fn from_data(address: &Pubkey, data: &[u8]) -> Result<Self, ClientError>;

    /// Where it must stand, from what it holds.
    fn address(&self, portcullis: &Pubkey) -> Pubkey;
}

impl<T: PortcullisAccount> Decoded for T {
    const NAME: &'static str = <T as PortcullisAccount>::NAME;
    const HEAD: &'static [u8] = T::DISCRIMINATOR;

    fn from_data(address: &Pubkey, data: &[u8]) -> Result<Self, ClientError> {
        decode(address, data)
    }

    fn address(&self, portcullis: &Pubkey) -> Pubkey {
        PortcullisAccount::address(self, portcullis)
    }
}

/// Decodes a council, gate or proposal from an account's data.
///
/// # Errors
/// `Decode` where the discriminator is another one or the data is too short, `UnknownVersion`.
pub fn decode<T: PortcullisAccount>(address: &Pubkey, data: &[u8]) -> Result<T, ClientError> {
    let wrong = |reason: String| ClientError::Decode {
        address: *address,
        expected: T::NAME,
        reason,
    };
    let too_short = || {
        wrong(format!(
            "it has {} bytes where {} are required",
            data.len(),
            T::space()
        ))
    };
    let head = data.get(..T::DISCRIMINATOR.len()).ok_or_else(too_short)?;
    if head != T::DISCRIMINATOR {
        return Err(wrong(
            "its discriminator is that of another kind of account".into(),
        ));
    }
    // What stands behind the fixed part is not this function's to judge.
    let body = data.get(head.len()..T::space()).ok_or_else(too_short)?;
    let value: T = bytemuck::pod_read_unaligned(body);
    if value.version() != LAYOUT_VERSION {
        return Err(ClientError::UnknownVersion {
            address: *address,
            expected: T::NAME,
            required: LAYOUT_VERSION,
            found: value.version(),
        });
    }
    Ok(value)
}

/// Decodes an account of the instance `portcullis`, which must be the one of this address.
///
/// # Errors
/// `WrongOwner`, `Unrelated` for the content of another address, and those of [`decode`].
pub fn decode_owned<T: Decoded>(
    portcullis: &Pubkey,
    address: &Pubkey,
    account: &Account,
) -> Result<T, ClientError> {
    require_owner(address, account, portcullis, T::NAME)?;
    let decoded = T::from_data(address, &account.data)?;
    require_address(portcullis, address, &decoded)?;
    Ok(decoded)
}

/// Requires that an account of the instance `portcullis` stands where it must, from what it holds.
///
/// # Errors
/// `Unrelated`.
pub fn require_address<T: Decoded>(
    portcullis: &Pubkey,
    address: &Pubkey,
    decoded: &T,
) -> Result<(), ClientError> {
    if decoded.address(portcullis) == *address {
        return Ok(());
    }
    Err(ClientError::Unrelated {
        address: *address,
        reason: "what it holds belongs to another address",
    })
}

/// Requires an account's owner.
///
/// # Errors
/// `WrongOwner`.
pub fn require_owner(
    address: &Pubkey,
    account: &Account,
    owner: &Pubkey,
    expected: &'static str,
) -> Result<(), ClientError> {
    if account.owner == *owner {
        return Ok(());
    }
    Err(ClientError::WrongOwner {
        address: *address,
        expected,
        required: *owner,
        found: account.owner,
    })
}
