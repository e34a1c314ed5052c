//! Loader v3's accounts.

use anchor_lang::AccountDeserialize;
use solana_account::Account;
use solana_loader_v3_interface::state::UpgradeableLoaderState;
use solana_sdk::pubkey::Pubkey;
use solana_sdk_ids::bpf_loader_upgradeable;

use super::{require_owner, Commitment};
use crate::{error::ClientError, pda};

/// Bytes before the ELF in a buffer account.
pub const BUFFER_HEADER: usize = UpgradeableLoaderState::size_of_buffer_metadata();
/// Bytes before the ELF in a programdata account.
pub const PROGRAMDATA_HEADER: usize = UpgradeableLoaderState::size_of_programdata_metadata();

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

/// The programdata address that a program account names. Loader v3 derives it from the program's own.
///
/// # Errors
/// `WrongOwner` for a program of another loader, `Decode`, `Unrelated` for a programdata account of another program.
pub fn decode_program(address: &Pubkey, account: &Account) -> Result<Pubkey, ClientError> {
    match loader_state(address, account, PROGRAM)? {
        UpgradeableLoaderState::Program {
            programdata_address,
        } if programdata_address == pda::programdata(address) => Ok(programdata_address),
        UpgradeableLoaderState::Program { .. } => Err(ClientError::Unrelated {
            address: *address,
            reason: "the program names the programdata account of another program",
        }),
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
