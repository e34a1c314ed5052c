//! Tells a durable-nonce transaction, in which an approval could have been signed long ago (Drift, 1 April 2026).

use anchor_lang::prelude::*;

use crate::sysvar::instruction;

/// `AdvanceNonceAccount`, the System program's instruction 4, as bincode writes it (solana-system-interface 3).
const ADVANCE_NONCE: [u8; 4] = 4u32.to_le_bytes();

/// Whether the transaction is a durable-nonce one: its first top-level instruction is the System program's
/// `AdvanceNonceAccount` (the runtime's own rule, `solana-svm-transaction` 4.2, `get_durable_nonce`, which looks at
/// these four bytes too).
///
/// `sysvar` is the data of the instructions sysvar. Returns `None` where it is not laid out as [`instruction()`] says.
pub fn is_durable_nonce_transaction(sysvar: &[u8]) -> Option<bool> {
    let (program, data) = instruction(sysvar, 0)?;
    Some(program == system_program::ID.as_array() && data.starts_with(&ADVANCE_NONCE))
}
