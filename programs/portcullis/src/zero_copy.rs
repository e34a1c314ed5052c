//! Opens the zero-copy accounts. Anchor's `AccountLoader` checks an account when the accounts are read and at each load, and
//! writes its discriminator again at the end; here an account is checked once, and by code that all three kinds share.

use std::cell::{Ref, RefMut};

use anchor_lang::{
    error::{Error, ErrorCode},
    prelude::*,
    ZeroCopy,
};

use crate::{cpi_call::create_account, pda};

/// The account as a `T`, for reading.
///
/// # Errors
/// `AccountOwnedByWrongProgram`, `AccountDiscriminatorMismatch`; `AccountDidNotDeserialize` where it is too short, or open
/// for writing.
#[inline]
pub fn read<'a, T: ZeroCopy>(info: &'a AccountInfo) -> Result<Ref<'a, T>> {
    check(info, T::DISCRIMINATOR)?;
    let data = info.data.try_borrow().map_err(|_| borrowed())?;
    Ref::filter_map(data, |data| {
        let data = data.get(T::DISCRIMINATOR.len()..len::<T>())?;
        bytemuck::try_from_bytes(data).ok()
    })
    .map_err(|_| borrowed())
}

/// The account as a `T`, for writing.
///
/// # Errors
/// As [`read`]; besides `AccountNotMutable` where the transaction does not make it writable.
#[inline]
pub fn write<'a, T: ZeroCopy>(info: &'a AccountInfo) -> Result<RefMut<'a, T>> {
    check(info, T::DISCRIMINATOR)?;
    if !info.is_writable {
        return Err(refuse(ErrorCode::AccountNotMutable));
    }
    let data = info.data.try_borrow_mut().map_err(|_| borrowed())?;
    RefMut::filter_map(data, |data| {
        let data = data.get_mut(T::DISCRIMINATOR.len()..len::<T>())?;
        bytemuck::try_from_bytes_mut(data).ok()
    })
    .map_err(|_| borrowed())
}

/// Creates the account of a `T` at the address that `seeds` derive (an empty one changes nothing), and opens it for writing.
/// `behind` stands behind the `T`; all other bytes but the discriminator are zero. Returns the address's bump as well.
///
/// # Errors
/// `ConstraintSeeds` where the account is not at that address, and those of [`create_account`].
#[inline]
pub fn create<'a, 'info, T: ZeroCopy>(
    payer: &AccountInfo<'info>,
    info: &'a AccountInfo<'info>,
    seeds: [&[u8]; 3],
    behind: &[u8],
) -> Result<(RefMut<'a, T>, u8)> {
    let bump = create_at(payer, info, seeds, T::DISCRIMINATOR, len::<T>(), behind)?;
    Ok((write(info)?, bump))
}

#[inline(never)]
fn create_at<'info>(
    payer: &AccountInfo<'info>,
    info: &AccountInfo<'info>,
    seeds: [&[u8]; 3],
    discriminator: &[u8],
    len: usize,
    behind: &[u8],
) -> Result<u8> {
    let (address, bump) = pda::find(seeds);
    if address != *info.key {
        return Err(refuse(ErrorCode::ConstraintSeeds));
    }
    let [first, second, third] = seeds;
    let space = len.saturating_add(behind.len());
    create_account(payer, info, space, &[first, second, third, &[bump]])?;
    let mut data = info.try_borrow_mut_data()?;
    for (start, bytes) in [(0, discriminator), (len, behind)] {
        data.get_mut(start..start.saturating_add(bytes.len()))
            .ok_or_else(borrowed)?
            .copy_from_slice(bytes);
    }
    Ok(bump)
}

/// Whether the account is a `T` of Portcullis.
pub fn is<T: ZeroCopy>(info: &AccountInfo) -> bool {
    check(info, T::DISCRIMINATOR).is_ok()
}

/// Closes an account of Portcullis: its lamports go to `destination`, its data is gone, and it is System's.
///
/// # Errors
/// `ConstraintClose` where both are the same account.
pub fn close(info: &AccountInfo, destination: &AccountInfo) -> Result<()> {
    if info.key == destination.key {
        return Err(refuse(ErrorCode::ConstraintClose));
    }
    let lamports = core::mem::take(&mut **info.try_borrow_mut_lamports()?);
    let mut balance = destination.try_borrow_mut_lamports()?;
    **balance = balance
        .checked_add(lamports)
        .ok_or(ProgramError::ArithmeticOverflow)?;
    info.assign(&system_program::ID);
    info.resize(0)?;
    Ok(())
}

/// Bytes of a `T` with its discriminator.
const fn len<T: ZeroCopy>() -> usize {
    T::DISCRIMINATOR.len().saturating_add(size_of::<T>())
}

/// Owner and discriminator.
#[inline(never)]
fn check(info: &AccountInfo, discriminator: &[u8]) -> Result<()> {
    if *info.owner != crate::ID {
        return Err(refuse(ErrorCode::AccountOwnedByWrongProgram));
    }
    let data = info.data.try_borrow().map_err(|_| borrowed())?;
    if !data.starts_with(discriminator) {
        return Err(refuse(ErrorCode::AccountDiscriminatorMismatch));
    }
    Ok(())
}

#[cold]
#[inline(never)]
fn borrowed() -> Error {
    refuse(ErrorCode::AccountDidNotDeserialize)
}

#[cold]
#[inline(never)]
fn refuse(error: ErrorCode) -> Error {
    error.into()
}
