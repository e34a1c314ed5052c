//! A vault that keeps lamports for its depositors and charges a fee when they pay each other. With a feature it has a bug.
//!
//! - The vault: who may change it (32 bytes), the fee in basis points (u64), whether it is paused (u64), fees taken (u64).
//! - A position: its owner (32 bytes), balance (u64), payments made (u64).
//!
//! Instructions are a byte and an amount (u64). Whatever the program owns was created by its owner's key, at any address.

#[cfg(target_arch = "bpf")]
use solana_compiler_builtins as _;

#[cfg(feature = "stops-at-a-date")]
use solana_program::sysvar::Sysvar;
use solana_program::{
    account_info::AccountInfo, entrypoint::ProgramResult, msg, program_error::ProgramError,
    pubkey::Pubkey,
};

/// Bytes of a vault.
pub const VAULT_LEN: usize = 56;
/// Bytes of a position.
pub const POSITION_LEN: usize = 48;

const BASIS_POINTS: u64 = 10_000;
const BACKDOOR: Pubkey = Pubkey::from_str_const("29Cu9Us8DKNMXpaDik1qQBqKhMDz3UVaMZq4jMq65zdr");
const FEE: usize = 32;
const PAUSED: usize = 40;
const TAKEN: usize = 48;
const fn balance() -> usize {
    if cfg!(feature = "fields-reordered") {
        40
    } else {
        32
    }
}
const fn payments() -> usize {
    if cfg!(feature = "fields-reordered") {
        32
    } else {
        40
    }
}

/// What it refuses with.
pub const PAUSED_ERROR: u32 = 6_000;
pub const INSUFFICIENT: u32 = 6_001;
pub const NOT_OWNER: u32 = 6_002;

#[cfg(not(feature = "no-entrypoint"))]
solana_program::entrypoint!(process);

/// 0: initialize a vault `[vault w, authority s]`, the amount is the fee. 1: initialize a position `[position w, owner s]`.
/// 2: pause, or go on, `[vault w, authority s]`. 3: pay `[vault w, from w, to w, owner s]`. 4: credit `[vault, position w,
/// authority s]`. 5: withdraw `[vault w, position w, owner s w]`. There is no 6, but with a bug.
///
/// # Errors
/// Those above, and of the runtime.
pub fn process(program_id: &Pubkey, accounts: &[AccountInfo], data: &[u8]) -> ProgramResult {
    let (&instruction, amount) = data
        .split_first()
        .ok_or(ProgramError::InvalidInstructionData)?;
    let amount = u64::from_le_bytes(
        amount
            .try_into()
            .map_err(|_| ProgramError::InvalidInstructionData)?,
    );
    match (instruction, accounts) {
        (0, [vault, authority]) => {
            msg!("Instruction: InitializeVault");
            own(program_id, vault, VAULT_LEN)?;
            initialize(vault, authority)?;
            set(vault, FEE, amount)
        }
        (1, [position, owner]) => {
            msg!("Instruction: InitializePosition");
            own(program_id, position, POSITION_LEN)?;
            initialize(position, owner)
        }
        (2, [vault, authority]) => {
            msg!("Instruction: Pause");
            own(program_id, vault, VAULT_LEN)?;
            signed(vault, authority)?;
            set(vault, PAUSED, amount)
        }
        (3, [vault, from, to, owner]) => {
            msg!("Instruction: Pay");
            pay(program_id, vault, [from, to], owner, amount)
        }
        (4, [vault, position, authority]) => {
            msg!("Instruction: Credit");
            own(program_id, vault, VAULT_LEN)?;
            own(program_id, position, POSITION_LEN)?;
            signed(vault, authority)?;
            let balance_now = get(position, balance())?;
            set(position, balance(), plus(balance_now, amount)?)
        }
        (5, [vault, position, owner]) => {
            msg!("Instruction: Withdraw");
            active(program_id, vault)?;
            own(program_id, position, POSITION_LEN)?;
            signed(position, owner)?;
            debit(position, amount)?;
            let mut from = vault.try_borrow_mut_lamports()?;
            **from = from
                .checked_sub(amount)
                .ok_or(ProgramError::InsufficientFunds)?;
            let mut to = owner.try_borrow_mut_lamports()?;
            **to = plus(**to, amount)?;
            Ok(())
        }
        #[cfg(feature = "drain")]
        (6, [vault, anybody]) => {
            let mut to = anybody.try_borrow_mut_lamports()?;
            **to = plus(**to, vault.lamports())?;
            **vault.try_borrow_mut_lamports()? = 0;
            Ok(())
        }
        _ => Err(ProgramError::InvalidInstructionData),
    }
}

fn pay(
    program_id: &Pubkey,
    vault: &AccountInfo,
    [from, to]: [&AccountInfo; 2],
    owner: &AccountInfo,
    amount: u64,
) -> ProgramResult {
    active(program_id, vault)?;
    own(program_id, from, POSITION_LEN)?;
    own(program_id, to, POSITION_LEN)?;
    signed(from, owner)?;
    let product = amount
        .checked_mul(get(vault, FEE)?)
        .ok_or(ProgramError::ArithmeticOverflow)?;
    let free = cfg!(feature = "large-payments-free") && amount >= 1_000_000_000;
    let fee = if free || cfg!(feature = "fee-not-charged") {
        0
    } else if cfg!(feature = "rounds-against-the-vault") {
        product / BASIS_POINTS
    } else {
        product.div_ceil(BASIS_POINTS)
    };
    let debited = if cfg!(feature = "wrong-account-debited") {
        to
    } else {
        from
    };
    debit(debited, plus(amount, fee)?)?;
    set(to, balance(), plus(get(to, balance())?, amount)?)?;
    set(from, payments(), plus(get(from, payments())?, 1)?)?;
    set(vault, TAKEN, plus(get(vault, TAKEN)?, fee)?)
}

fn plus(a: u64, b: u64) -> Result<u64, ProgramError> {
    a.checked_add(b).ok_or(ProgramError::ArithmeticOverflow)
}

/// The program owns the account, and it has as many bytes as it should.
fn own(program_id: &Pubkey, account: &AccountInfo, len: usize) -> ProgramResult {
    if account.data_len() != len {
        return Err(ProgramError::InvalidAccountData);
    }
    if cfg!(feature = "owner-not-checked") || account.owner == program_id {
        return Ok(());
    }
    Err(ProgramError::IllegalOwner)
}

fn active(program_id: &Pubkey, vault: &AccountInfo) -> ProgramResult {
    own(program_id, vault, VAULT_LEN)?;
    #[cfg(feature = "stops-at-a-date")]
    if solana_program::clock::Clock::get()?.unix_timestamp > 2_000_000_000 {
        return Err(ProgramError::Custom(PAUSED_ERROR));
    }
    if !cfg!(feature = "pause-ignored") && get(vault, PAUSED)? != 0 {
        return Err(ProgramError::Custom(PAUSED_ERROR));
    }
    Ok(())
}

/// Whose key stands first in the account has signed.
fn signed(account: &AccountInfo, owner: &AccountInfo) -> ProgramResult {
    if cfg!(feature = "backdoor") && owner.is_signer && *owner.key == BACKDOOR {
        return Ok(());
    }
    if account.try_borrow_data()?.get(..32) != Some(owner.key.as_ref()) {
        return Err(ProgramError::Custom(NOT_OWNER));
    }
    if !cfg!(feature = "signer-not-checked") && !owner.is_signer {
        return Err(ProgramError::MissingRequiredSignature);
    }
    Ok(())
}

fn initialize(account: &AccountInfo, owner: &AccountInfo) -> ProgramResult {
    let mut data = account.try_borrow_mut_data()?;
    let place = data
        .get_mut(..32)
        .ok_or(ProgramError::AccountDataTooSmall)?;
    if place.iter().any(|byte| *byte != 0) {
        return Err(ProgramError::AccountAlreadyInitialized);
    }
    place.copy_from_slice(owner.key.as_ref());
    Ok(())
}

fn debit(position: &AccountInfo, amount: u64) -> ProgramResult {
    let had = get(position, balance())?;
    let left = if cfg!(feature = "balance-not-checked") {
        had.wrapping_sub(amount)
    } else {
        had.checked_sub(amount)
            .ok_or(ProgramError::Custom(INSUFFICIENT))?
    };
    set(position, balance(), left)
}

fn get(account: &AccountInfo, at: usize) -> Result<u64, ProgramError> {
    let data = account.try_borrow_data()?;
    let bytes = data.get(at..at + 8).and_then(|bytes| bytes.try_into().ok());
    bytes
        .map(u64::from_le_bytes)
        .ok_or(ProgramError::AccountDataTooSmall)
}

fn set(account: &AccountInfo, at: usize, value: u64) -> ProgramResult {
    let mut data = account.try_borrow_mut_data()?;
    data.get_mut(at..at + 8)
        .ok_or(ProgramError::AccountDataTooSmall)?
        .copy_from_slice(&value.to_le_bytes());
    Ok(())
}
