//! Accounts as they stand on chain: Portcullis's own, and loader v3's. Nothing is fetched here.
//!
//! Whoever answers the request for an account could lie about it. The owner, the discriminator and the layout version are
//! checked at each decoding, and a proposal's digest is computed from its terms, never taken from its account.

use anchor_lang::{AccountDeserialize, Discriminator};
use bytemuck::Pod;
use portcullis::{
    change::Change,
    constants::LAYOUT_VERSION,
    state::{Attestation, Council, Gate, Hashing, Proposal},
};
use solana_account::Account;
use solana_loader_v3_interface::state::UpgradeableLoaderState;
use solana_sdk::pubkey::Pubkey;
use solana_sdk_ids::bpf_loader_upgradeable;

use crate::error::ClientError;

pub use crate::proposal::ProposalView;
pub use portcullis::digest::{digest, Commitment, Statement};

/// Bytes before the ELF in a buffer account.
pub const BUFFER_HEADER: usize = UpgradeableLoaderState::size_of_buffer_metadata();
/// Bytes before the ELF in a programdata account.
pub const PROGRAMDATA_HEADER: usize = UpgradeableLoaderState::size_of_programdata_metadata();

/// The hash commitment to an ELF; trailing zeros do not count. `None` where nothing but zeros is there.
pub fn commitment(elf: &[u8]) -> Option<Commitment> {
    Commitment::of(elf)
}

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
}

impl PortcullisAccount for Gate {
    const NAME: &'static str = "a Portcullis gate";
    fn version(&self) -> u8 {
        self.version
    }
}

impl PortcullisAccount for Proposal {
    const NAME: &'static str = "a Portcullis proposal";
    fn version(&self) -> u8 {
        self.terms.version
    }
}

impl PortcullisAccount for Hashing {
    const NAME: &'static str = "a hash in the making of Portcullis";
    fn version(&self) -> u8 {
        self.version
    }
}

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
}

impl<T: PortcullisAccount> Decoded for T {
    const NAME: &'static str = <T as PortcullisAccount>::NAME;
    const HEAD: &'static [u8] = T::DISCRIMINATOR;

    fn from_data(address: &Pubkey, data: &[u8]) -> Result<Self, ClientError> {
        decode(address, data)
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
}

impl PortcullisAccount for Attestation {
    const NAME: &'static str = "a Portcullis attestation";
    fn version(&self) -> u8 {
        self.version
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
        let uri = data.get(Attestation::SPACE..).unwrap_or_default().to_vec();
        Ok(Self {
            attestation: decode(address, data)?,
            uri: String::from_utf8(uri).map_err(|_| ClientError::Decode {
                address: *address,
                expected: <Self as Decoded>::NAME,
                reason: "its URI is no text".into(),
            })?,
        })
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
        reason: "it is of a kind that this version does not know: install the newest portcullis"
            .into(),
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
    let head = T::DISCRIMINATOR.len();
    match data.get(..head) {
        None => {
            return Err(wrong(format!(
                "it has {} bytes where {} are required",
                data.len(),
                T::space()
            )))
        }
        Some(found) if found != T::DISCRIMINATOR => {
            return Err(wrong(
                "its discriminator is that of another kind of account".into(),
            ))
        }
        Some(_) => {}
    }
    // What stands behind the fixed part is not this function's to judge.
    let body = data.get(head..T::space()).ok_or_else(|| {
        wrong(format!(
            "it has {} bytes where {} are required",
            data.len(),
            T::space()
        ))
    })?;
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

/// Decodes an account of the instance `portcullis`.
///
/// # Errors
/// `WrongOwner`, and those of [`decode`].
pub fn decode_owned<T: Decoded>(
    portcullis: &Pubkey,
    address: &Pubkey,
    account: &Account,
) -> Result<T, ClientError> {
    require_owner(address, account, portcullis, T::NAME)?;
    T::from_data(address, &account.data)
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

/// The programdata account of a loader-v3 program.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Programdata {
    /// The slot of the last deploy, upgrade or extension.
    pub slot: u64,
    /// `None`: the program is final.
    pub upgrade_authority: Option<Pubkey>,
    /// All bytes behind the header: the ELF, and zeros to the account's end.
    pub elf: Vec<u8>,
}

/// A buffer account of loader v3.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Buffer {
    /// `None`: nobody can change it any more.
    pub authority: Option<Pubkey>,
    /// All bytes behind the header.
    pub elf: Vec<u8>,
}

fn loader_state(
    address: &Pubkey,
    account: &Account,
    expected: &'static str,
) -> Result<UpgradeableLoaderState, ClientError> {
    require_owner(address, account, &bpf_loader_upgradeable::ID, expected)?;
    UpgradeableLoaderState::try_deserialize_unchecked(&mut account.data.as_slice()).map_err(|_| {
        ClientError::Decode {
            address: *address,
            expected,
            reason: "loader v3 knows no account with these bytes".into(),
        }
    })
}

fn other_state(
    address: &Pubkey,
    expected: &'static str,
    found: UpgradeableLoaderState,
) -> ClientError {
    let found = match found {
        UpgradeableLoaderState::Uninitialized => "an uninitialized account",
        UpgradeableLoaderState::Buffer { .. } => "a buffer",
        UpgradeableLoaderState::Program { .. } => "a program",
        UpgradeableLoaderState::ProgramData { .. } => "a programdata account",
    };
    ClientError::Decode {
        address: *address,
        expected,
        reason: format!("it is {found} of loader v3"),
    }
}

const PROGRAM: &str = "an upgradeable program (loader v3)";
const PROGRAMDATA: &str = "the programdata of an upgradeable program (loader v3)";
const BUFFER: &str = "a buffer (loader v3)";

/// The programdata address that a program account names.
///
/// # Errors
/// `WrongOwner` for a program of another loader, `Decode`.
pub fn decode_program(address: &Pubkey, account: &Account) -> Result<Pubkey, ClientError> {
    match loader_state(address, account, PROGRAM)? {
        UpgradeableLoaderState::Program {
            programdata_address,
        } => Ok(programdata_address),
        other => Err(other_state(address, PROGRAM, other)),
    }
}

/// A programdata account.
///
/// # Errors
/// `WrongOwner`, `Decode`.
pub fn decode_programdata(address: &Pubkey, account: &Account) -> Result<Programdata, ClientError> {
    match loader_state(address, account, PROGRAMDATA)? {
        UpgradeableLoaderState::ProgramData {
            slot,
            upgrade_authority_address,
        } => Ok(Programdata {
            slot,
            upgrade_authority: upgrade_authority_address,
            elf: account
                .data
                .get(PROGRAMDATA_HEADER..)
                .unwrap_or_default()
                .to_vec(),
        }),
        other => Err(other_state(address, PROGRAMDATA, other)),
    }
}

/// A buffer account.
///
/// # Errors
/// `WrongOwner`, `Decode`.
pub fn decode_buffer(address: &Pubkey, account: &Account) -> Result<Buffer, ClientError> {
    match loader_state(address, account, BUFFER)? {
        UpgradeableLoaderState::Buffer { authority_address } => Ok(Buffer {
            authority: authority_address,
            elf: account
                .data
                .get(BUFFER_HEADER..)
                .unwrap_or_default()
                .to_vec(),
        }),
        other => Err(other_state(address, BUFFER, other)),
    }
}

impl Programdata {
    /// The hash commitment to the deployed ELF. `None` where nothing but zeros is there.
    pub fn commitment(&self) -> Option<Commitment> {
        Commitment::of(&self.elf)
    }
}

impl Buffer {
    /// The hash commitment to the buffer's ELF. `None` where nothing but zeros is there.
    pub fn commitment(&self) -> Option<Commitment> {
        Commitment::of(&self.elf)
    }
}

#[cfg(test)]
mod tests {
    use bytemuck::Zeroable;

    use super::*;

    fn bytes<T: PortcullisAccount>(value: &T) -> Vec<u8> {
        [T::DISCRIMINATOR, bytemuck::bytes_of(value)].concat()
    }

    fn gate() -> Gate {
        Gate {
            version: LAYOUT_VERSION,
            ..Gate::zeroed()
        }
    }

    fn account(owner: Pubkey, data: Vec<u8>) -> Account {
        Account {
            lamports: 1,
            data,
            owner,
            ..Account::default()
        }
    }

    #[test]
    fn a_gate_is_decoded_and_bytes_behind_it_are_allowed() {
        let address = Pubkey::new_unique();
        let mut data = bytes(&gate());
        assert!(decode::<Gate>(&address, &data).is_ok());
        data.push(1);
        assert!(decode::<Gate>(&address, &data).is_ok());
    }

    #[test]
    fn what_is_no_gate_is_refused_by_cause() {
        let address = Pubkey::new_unique();
        let data = bytes(&gate());
        for len in [0, 7, 8, data.len() - 1] {
            assert!(matches!(
                decode::<Gate>(&address, &data[..len]),
                Err(ClientError::Decode { .. })
            ));
        }
        let error = decode::<Council>(&address, &data).unwrap_err().to_string();
        assert!(error.contains("discriminator"), "{error}");
        let newer = Gate {
            version: LAYOUT_VERSION + 1,
            ..gate()
        };
        assert!(matches!(
            decode::<Gate>(&address, &bytes(&newer)),
            Err(ClientError::UnknownVersion { found: 2, .. })
        ));
        let foreign = account(Pubkey::new_unique(), data);
        assert!(matches!(
            decode_owned::<Gate>(&portcullis::ID, &address, &foreign),
            Err(ClientError::WrongOwner { .. })
        ));
    }

    #[test]
    fn loader_accounts_of_another_kind_are_named() {
        let address = Pubkey::new_unique();
        let loader = bpf_loader_upgradeable::ID;
        let mut program = 2_u32.to_le_bytes().to_vec();
        program.extend_from_slice(address.as_ref());
        let program = account(loader, program);
        assert_eq!(decode_program(&address, &program).unwrap(), address);
        let error = decode_buffer(&address, &program).unwrap_err().to_string();
        assert!(error.ends_with("it is a program of loader v3"), "{error}");
        let v2 = account(solana_sdk_ids::bpf_loader::ID, Vec::new());
        assert!(matches!(
            decode_program(&address, &v2),
            Err(ClientError::WrongOwner { .. })
        ));
        for data in [vec![], vec![9, 0, 0, 0]] {
            assert!(matches!(
                decode_programdata(&address, &account(loader, data)),
                Err(ClientError::Decode { .. })
            ));
        }
    }
}
