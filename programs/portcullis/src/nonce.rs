//! Tells a durable-nonce transaction, in which an approval could have been signed long ago (Drift, 1 April 2026).

use anchor_lang::prelude::*;

/// `AdvanceNonceAccount`, the System program's instruction 4, as bincode writes it (solana-system-interface 3).
const ADVANCE_NONCE: [u8; 4] = 4u32.to_le_bytes();

/// Whether the transaction is a durable-nonce one: its first top-level instruction is the System program's
/// `AdvanceNonceAccount` (the runtime's own rule, `solana-svm-transaction` 4.2, `get_durable_nonce`, which looks at
/// these four bytes too).
///
/// `sysvar` is the data of the instructions sysvar: a `u16` count, a `u16` offset of each instruction, and at the offset a
/// `u16` number of accounts, 33 bytes for each, the program, a `u16` length and the data (solana-instructions-sysvar 3,
/// `construct_instructions_data`). Returns `None` where it is not laid out so.
pub fn is_durable_nonce_transaction(sysvar: &[u8]) -> Option<bool> {
    let first = usize::from(u16_at(sysvar, 2)?);
    let accounts = usize::from(u16_at(sysvar, first)?);
    // A u16 of accounts at 33 bytes each, and a u16 before: far below usize::MAX.
    let program = sysvar.get(
        first
            .saturating_add(accounts.saturating_mul(33))
            .saturating_add(2)..,
    )?;
    let (program, rest) = program.split_at_checked(32)?;
    let (len, data) = rest.split_at_checked(2)?;
    let len = usize::from(u16::from_le_bytes([*len.first()?, *len.get(1)?]));
    let data = data.get(..len)?;
    Some(program == system_program::ID.as_ref() && data.starts_with(&ADVANCE_NONCE))
}

fn u16_at(bytes: &[u8], offset: usize) -> Option<u16> {
    let bytes = bytes.get(offset..)?.first_chunk()?;
    Some(u16::from_le_bytes(*bytes))
}
