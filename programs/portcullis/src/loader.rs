//! All that Portcullis knows of loader v3 (`BPFLoaderUpgradeab1e…`). Layouts and instructions come from
//! `solana-loader-v3-interface`; the loader's rules are those of Agave 4.2.
//!
//! The calls leave out Anchor's look at whether an account's data is still borrowed: handlers call after their borrows have
//! ended, and these calls are what an upgrade's compute units go to.
//!
//! Checks that the loader makes too are made here as well: SIMD-0430 would let `Upgrade` skip the buffer's.

use anchor_lang::{
    prelude::*,
    solana_program::{
        bpf_loader_upgradeable::{self as loader_v3, UpgradeableLoaderState},
        program_memory::sol_memcmp,
    },
};
use solana_sha256_hasher::hashv;

use crate::{
    constants::AUTHORITY_SEED,
    cpi_call::{call, Meta},
    digest::Commitment,
    error::{require, PortcullisError},
};

/// Bytes before the ELF in a buffer account.
pub const BUFFER_HEADER: usize = UpgradeableLoaderState::size_of_buffer_metadata();
/// Bytes before the ELF in a programdata account.
pub const PROGRAMDATA_HEADER: usize = UpgradeableLoaderState::size_of_programdata_metadata();

/// The loader's program, as an account type.
#[derive(Clone)]
pub struct LoaderV3;

impl anchor_lang::Id for LoaderV3 {
    fn id() -> Pubkey {
        loader_v3::ID
    }
}

/// The header of a programdata account.
pub struct Programdata {
    /// The slot of the last deploy, upgrade or extension.
    pub slot: u64,
    pub upgrade_authority: Option<Pubkey>,
}

/// The bytes of the variant's number, which every account of the loader begins with.
const TAG: usize = UpgradeableLoaderState::size_of_uninitialized();
/// The numbers of `UpgradeableLoaderState`'s variants, in the order of their declaration, as bincode writes them. Decoded by
/// hand, because serde's error texts would add a tenth to the ELF; `tests/loader.rs` compares with bincode.
const BUFFER: u32 = 1;
const PROGRAM: u32 = 2;
const PROGRAMDATA: u32 = 3;

/// The header of a loader account of this kind: its first `len` bytes without the tag.
fn header(data: &[u8], tag: u32, len: usize) -> Option<&[u8]> {
    let (found, header) = data.get(..len)?.split_at_checked(TAG)?;
    (found == tag.to_le_bytes()).then_some(header)
}

/// An `Option<Pubkey>` as bincode writes it: a byte 0 or 1, and after 1 the key.
fn optional_key(bytes: &[u8]) -> Option<Option<Pubkey>> {
    match bytes.split_first()? {
        (0, _) => Some(None),
        (1, key) => Some(Some(Pubkey::try_from(key).ok()?)),
        _ => None,
    }
}

/// Reads an account that the loader must own.
fn read<T>(
    account: &AccountInfo,
    refusal: PortcullisError,
    decode: impl FnOnce(&[u8]) -> Option<T>,
) -> Result<T> {
    if *account.owner != loader_v3::ID {
        return Err(refusal.into());
    }
    decode(&account.try_borrow_data()?).ok_or_else(|| refusal.into())
}

/// The programdata address of a loader-v3 program.
///
/// # Errors
/// `NotALoaderV3Program`.
pub fn programdata_address(program: &AccountInfo) -> Result<Pubkey> {
    read(program, PortcullisError::NotALoaderV3Program, |data| {
        let header = header(data, PROGRAM, UpgradeableLoaderState::size_of_program())?;
        Pubkey::try_from(header).ok()
    })
}

/// The header of a programdata account.
///
/// # Errors
/// `NotProgramdata`.
pub fn programdata(account: &AccountInfo) -> Result<Programdata> {
    read(account, PortcullisError::NotProgramdata, |data| {
        let header = header(data, PROGRAMDATA, PROGRAMDATA_HEADER)?;
        let (slot, authority) = header.split_at_checked(core::mem::size_of::<u64>())?;
        Some(Programdata {
            slot: u64::from_le_bytes(slot.try_into().ok()?),
            upgrade_authority: optional_key(authority)?,
        })
    })
}

/// The authority of a buffer.
///
/// # Errors
/// `NotABuffer`.
pub fn buffer_authority(buffer: &AccountInfo) -> Result<Option<Pubkey>> {
    read(buffer, PortcullisError::NotABuffer, |data| {
        optional_key(header(data, BUFFER, BUFFER_HEADER)?)
    })
}

/// Requires that the bytes of an account behind its header are those of the commitment, and zeros after them.
///
/// # Errors
/// `NotHashedYet` where they are too many for one transaction; `LengthOutOfRange`, `LengthCountsTrailingZeros`, `TailNotZero`,
/// `HashMismatch`.
pub fn verify_content(account: &AccountInfo, header: usize, commitment: &Commitment) -> Result<()> {
    verify_ends(account, header, commitment)?;
    let data = account.try_borrow_data()?;
    require!(
        commitment.is_hashed_at_once(),
        PortcullisError::NotHashedYet
    );
    let elf = data
        .get(header..)
        .and_then(|bytes| bytes.get(..commitment.len as usize))
        .ok_or(PortcullisError::LengthOutOfRange)?;
    require!(
        hashv(&[elf]).to_bytes() == commitment.sha256,
        PortcullisError::HashMismatch
    );
    Ok(())
}

/// Requires that the length of the commitment is that of the content without trailing zeros.
///
/// # Errors
/// `LengthOutOfRange`, `LengthCountsTrailingZeros`, `TailNotZero`.
pub fn verify_ends(account: &AccountInfo, header: usize, commitment: &Commitment) -> Result<()> {
    let data = account.try_borrow_data()?;
    let bytes = data.get(header..).unwrap_or_default();
    let len = commitment.len as usize;
    require!(
        len > 0 && len <= bytes.len(),
        PortcullisError::LengthOutOfRange
    );
    let (elf, tail) = bytes.split_at(len);
    require!(
        elf.last().is_some_and(|byte| *byte != 0),
        PortcullisError::LengthCountsTrailingZeros
    );
    require!(is_zero(tail), PortcullisError::TailNotZero);
    Ok(())
}

/// The least sBPF version whose program may lose its upgrade authority (SIMD-0500).
pub const FINALIZABLE_SBPF_VERSION: u32 = 3;

/// The sBPF version of a deployed program: the flags of its ELF header (`e_flags` of ELF64, solana-sbpf 0.21 `elf.rs`).
///
/// # Errors
/// `NotProgramdata`.
pub fn sbpf_version(programdata: &AccountInfo) -> Result<u32> {
    const FLAGS: usize = PROGRAMDATA_HEADER + 48;
    read(programdata, PortcullisError::NotProgramdata, |data| {
        let flags = data.get(FLAGS..)?.first_chunk()?;
        Some(u32::from_le_bytes(*flags))
    })
}

/// Whether all bytes are zero: the first is, and each equals the one before it. One `sol_memcmp` call does the latter at
/// 1/250 compute unit a byte, where a loop would cost some.
fn is_zero(bytes: &[u8]) -> bool {
    let Some((first, rest)) = bytes.split_first() else {
        return true;
    };
    // SAFETY: both slices hold at least `rest.len()` bytes.
    *first == 0 && unsafe { sol_memcmp(rest, bytes, rest.len()) } == 0
}

/// The loader's instructions that may be called by CPI, by their numbers, as bincode writes them
/// (solana-loader-v3-interface 6; none of those used here has fields that are needed).
const UPGRADE: [u8; 4] = 3u32.to_le_bytes();
const SET_AUTHORITY: [u8; 4] = 4u32.to_le_bytes();
const CLOSE: [u8; 4] = 5u32.to_le_bytes();
const SET_AUTHORITY_CHECKED: [u8; 4] = 7u32.to_le_bytes();

/// Moves the authority of a buffer, or of the program that a programdata account belongs to, to the gate's signer; both sign.
pub fn take_authority<'info>(
    account: &AccountInfo<'info>,
    current: &AccountInfo<'info>,
    authority: &AccountInfo<'info>,
    signer: &Signer,
) -> Result<()> {
    call(
        &loader_v3::ID,
        &[
            Meta::write(account),
            Meta::read(current).signs(),
            Meta::read(authority).signs(),
        ],
        &SET_AUTHORITY_CHECKED,
        &signer.seeds(),
    )
}

/// Gives a program's upgrade authority to another key, which signs if it is `checked`.
pub fn give_authority<'info>(
    programdata: &AccountInfo<'info>,
    authority: &AccountInfo<'info>,
    to: &AccountInfo<'info>,
    checked: bool,
    signer: &Signer,
) -> Result<()> {
    let current = Meta::read(authority).signs();
    let (to, data) = if checked {
        (Meta::read(to).signs(), &SET_AUTHORITY_CHECKED)
    } else {
        (Meta::read(to), &SET_AUTHORITY)
    };
    call(
        &loader_v3::ID,
        &[Meta::write(programdata), current, to],
        data,
        &signer.seeds(),
    )
}

/// Takes a program's upgrade authority away for ever.
pub fn give_up_authority<'info>(
    programdata: &AccountInfo<'info>,
    authority: &AccountInfo<'info>,
    signer: &Signer,
) -> Result<()> {
    call(
        &loader_v3::ID,
        &[Meta::write(programdata), Meta::read(authority).signs()],
        &SET_AUTHORITY,
        &signer.seeds(),
    )
}

/// Hands a buffer back to its depositor, who need not sign.
pub fn return_buffer<'info>(
    buffer: &AccountInfo<'info>,
    authority: &AccountInfo<'info>,
    depositor: &AccountInfo<'info>,
    signer: &Signer,
) -> Result<()> {
    call(
        &loader_v3::ID,
        &[
            Meta::write(buffer),
            Meta::read(authority).signs(),
            Meta::read(depositor),
        ],
        &SET_AUTHORITY,
        &signer.seeds(),
    )
}

/// Closes a buffer; its lamports go to `spill`.
pub fn close_buffer<'info>(
    buffer: &AccountInfo<'info>,
    spill: &AccountInfo<'info>,
    authority: &AccountInfo<'info>,
    signer: &Signer,
) -> Result<()> {
    call(
        &loader_v3::ID,
        &[
            Meta::write(buffer),
            Meta::write(spill),
            Meta::read(authority).signs(),
        ],
        &CLOSE,
        &signer.seeds(),
    )
}

/// The accounts of the loader's `Upgrade`.
pub struct Upgrade<'a, 'info> {
    pub programdata: &'a AccountInfo<'info>,
    pub program: &'a AccountInfo<'info>,
    pub buffer: &'a AccountInfo<'info>,
    pub spill: &'a AccountInfo<'info>,
    pub rent: &'a AccountInfo<'info>,
    pub clock: &'a AccountInfo<'info>,
    pub authority: &'a AccountInfo<'info>,
}

impl Upgrade<'_, '_> {
    /// Requires what the loader will require, so that a refusal has a name.
    ///
    /// # Errors
    /// `GateNotUpgradeAuthority`, `BufferNotHeld`, `ProgramdataTooSmall`, `ProgramDeployedThisSlot`, and where an account
    /// is not what it should be `NotProgramdata`, `NotABuffer`.
    pub fn check(&self, slot: u64) -> Result<()> {
        let programdata = programdata(self.programdata)?;
        require!(
            programdata.upgrade_authority == Some(*self.authority.key),
            PortcullisError::GateNotUpgradeAuthority
        );
        require!(
            buffer_authority(self.buffer)? == Some(*self.authority.key),
            PortcullisError::BufferNotHeld
        );
        let capacity = self
            .programdata
            .data_len()
            .saturating_sub(PROGRAMDATA_HEADER);
        let needed = self.buffer.data_len().saturating_sub(BUFFER_HEADER);
        require!(needed <= capacity, PortcullisError::ProgramdataTooSmall);
        require!(
            programdata.slot < slot,
            PortcullisError::ProgramDeployedThisSlot
        );
        Ok(())
    }

    /// Replaces the program's bytes by the buffer's.
    pub fn invoke(&self, signer: &Signer) -> Result<()> {
        call(
            &loader_v3::ID,
            &[
                Meta::write(self.programdata),
                Meta::write(self.program),
                Meta::write(self.buffer),
                Meta::write(self.spill),
                Meta::read(self.rent),
                Meta::read(self.clock),
                Meta::read(self.authority).signs(),
            ],
            &UPGRADE,
            &signer.seeds(),
        )
    }
}

/// Signs as the gate of a program, for the loader instructions above and nothing else.
pub struct Signer {
    program: Pubkey,
    bump: [u8; 1],
}

impl Signer {
    /// The signer of the gate of `program`.
    pub fn new(program: Pubkey, authority_bump: u8) -> Self {
        Self {
            program,
            bump: [authority_bump],
        }
    }

    fn seeds(&self) -> [&[u8]; 3] {
        [AUTHORITY_SEED, self.program.as_ref(), &self.bump]
    }
}
