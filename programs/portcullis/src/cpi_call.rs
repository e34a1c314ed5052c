//! Calls other programs: accounts and data are put together here, once for all calls. The instruction builders of the
//! interface crates serialise through serde, which costs thousands of bytes and compute units.

use anchor_lang::{
    prelude::*,
    solana_program::{instruction::Instruction, program::invoke_signed_unchecked},
};

/// An account of a call.
pub struct Meta<'a, 'info> {
    info: &'a AccountInfo<'info>,
    writable: bool,
    signer: bool,
}

impl<'a, 'info> Meta<'a, 'info> {
    /// Only read.
    pub fn read(info: &'a AccountInfo<'info>) -> Self {
        Self {
            info,
            writable: false,
            signer: false,
        }
    }

    /// Written to.
    pub fn write(info: &'a AccountInfo<'info>) -> Self {
        Self {
            info,
            writable: true,
            signer: false,
        }
    }

    /// Signs as well: in the transaction, or by the seeds of the call.
    pub fn signs(self) -> Self {
        Self {
            signer: true,
            ..self
        }
    }
}

/// Calls `program`. No account may be borrowed.
///
/// # Errors
/// The called program's.
#[inline(never)]
pub fn call(program: &Pubkey, accounts: &[Meta], data: &[u8], seeds: &[&[u8]]) -> Result<()> {
    let mut metas = Vec::with_capacity(accounts.len());
    let mut infos = Vec::with_capacity(accounts.len());
    for account in accounts {
        metas.push(AccountMeta {
            pubkey: *account.info.key,
            is_signer: account.signer,
            is_writable: account.writable,
        });
        infos.push(account.info.clone());
    }
    let instruction = Instruction {
        program_id: *program,
        accounts: metas,
        data: data.to_vec(),
    };
    invoke_signed_unchecked(&instruction, &infos, &[seeds])?;
    Ok(())
}

/// The System program's instructions that are used here, by their numbers, as bincode writes them (solana-system-interface 3).
mod system {
    pub const CREATE_ACCOUNT: u32 = 0;
    pub const ASSIGN: u32 = 1;
    pub const TRANSFER: u32 = 2;
    pub const ALLOCATE: u32 = 8;
}

/// Creates a rent-exempt account of Portcullis at the address that `seeds` (with the bump) derive; `payer` pays what is
/// missing. Whoever sends lamports to the address beforehand only pays a part.
///
/// # Errors
/// System's `AccountAlreadyInUse` where the account exists.
#[inline(never)]
pub fn create_account<'info>(
    payer: &AccountInfo<'info>,
    account: &AccountInfo<'info>,
    space: usize,
    seeds: &[&[u8]],
) -> Result<()> {
    let rent = rent_exempt(space)?;
    let space = (space as u64).to_le_bytes();
    let owner = crate::ID.to_bytes();
    let funded = account.lamports();
    if funded == 0 {
        let mut data = [0; 52];
        write(
            &mut data,
            &[
                &system::CREATE_ACCOUNT.to_le_bytes(),
                &rent.to_le_bytes(),
                &space,
                &owner,
            ],
        );
        let accounts = [Meta::write(payer).signs(), Meta::write(account).signs()];
        return call(&system_program::ID, &accounts, &data, seeds);
    }
    if let Some(missing @ 1..) = rent.checked_sub(funded) {
        let mut data = [0; 12];
        write(
            &mut data,
            &[&system::TRANSFER.to_le_bytes(), &missing.to_le_bytes()],
        );
        let accounts = [Meta::write(payer).signs(), Meta::write(account)];
        call(&system_program::ID, &accounts, &data, seeds)?;
    }
    let mut data = [0; 12];
    write(&mut data, &[&system::ALLOCATE.to_le_bytes(), &space]);
    call(
        &system_program::ID,
        &[Meta::write(account).signs()],
        &data,
        seeds,
    )?;
    let mut data = [0; 36];
    write(&mut data, &[&system::ASSIGN.to_le_bytes(), &owner]);
    call(
        &system_program::ID,
        &[Meta::write(account).signs()],
        &data,
        seeds,
    )
}

/// Puts the parts one after the other; what does not fit is left out.
fn write(data: &mut [u8], parts: &[&[u8]]) {
    let bytes = parts.iter().flat_map(|part| part.iter());
    for (place, byte) in data.iter_mut().zip(bytes) {
        *place = *byte;
    }
}

/// The lamports that an account of this size needs. As `Rent::minimum_balance` without floating point: the threshold is 2
/// years on all clusters, and 1 after SIMD-0194.
#[allow(deprecated)] // The renamed fields come with version 4 of the crate.
fn rent_exempt(space: usize) -> Result<u64> {
    const OVERHEAD: u64 = 128;
    let rent = Rent::get()?;
    let years = match rent.exemption_threshold.to_bits() {
        TWO => 2,
        ONE => 1,
        _ => return Err(ProgramError::UnsupportedSysvar.into()),
    };
    (space as u64)
        .checked_add(OVERHEAD)
        .and_then(|bytes| bytes.checked_mul(rent.lamports_per_byte_year))
        .and_then(|lamports| lamports.checked_mul(years))
        .ok_or_else(|| ProgramError::ArithmeticOverflow.into())
}

const TWO: u64 = 2f64.to_bits();
const ONE: u64 = 1f64.to_bits();
