//! Makes and signs transactions. Nothing is sent here.

use solana_compute_budget_interface::ComputeBudgetInstruction;
use solana_message::{legacy, v0, AddressLookupTableAccount, CompileError, VersionedMessage};
use solana_sdk::{hash::Hash, instruction::Instruction, pubkey::Pubkey, signature::Signature};
use solana_signer::Signer;
use solana_transaction::versioned::VersionedTransaction;

use super::{SendOptions, MAX_TRANSACTION_BYTES};
use crate::error::ClientError;

/// The instructions with those of the compute budget before them.
pub fn with_budget(instructions: &[Instruction], options: &SendOptions) -> Vec<Instruction> {
    let limit = options
        .compute_unit_limit
        .map(ComputeBudgetInstruction::set_compute_unit_limit);
    let price = options
        .compute_unit_price_micro_lamports
        .map(ComputeBudgetInstruction::set_compute_unit_price);
    limit
        .into_iter()
        .chain(price)
        .chain(instructions.iter().cloned())
        .collect()
}

/// The message of a transaction, ready to sign; instructions as given, see [`with_budget`].
///
/// # Errors
/// `InvalidTransaction`.
pub fn build_message(
    instructions: &[Instruction],
    payer: &Pubkey,
    lookup_tables: &[AddressLookupTableAccount],
    blockhash: Hash,
) -> Result<VersionedMessage, ClientError> {
    if lookup_tables.is_empty() {
        return Ok(VersionedMessage::Legacy(
            legacy::Message::new_with_blockhash(instructions, Some(payer), &blockhash),
        ));
    }
    v0::Message::try_compile(payer, instructions, lookup_tables, blockhash)
        .map(VersionedMessage::V0)
        .map_err(|error: CompileError| ClientError::InvalidTransaction {
            reason: error.to_string(),
        })
}

/// Signs a message with those of the signers that it needs.
///
/// # Errors
/// `Signing` where a signature is missing or a signer fails, `TransactionTooLarge`.
pub fn sign(
    message: VersionedMessage,
    signers: &[&dyn Signer],
) -> Result<VersionedTransaction, ClientError> {
    let required = usize::from(message.header().num_required_signatures);
    let keys = message
        .static_account_keys()
        .get(..required)
        .unwrap_or_default();
    let mut needed: Vec<&dyn Signer> = Vec::with_capacity(required);
    for key in keys {
        let signer = signers
            .iter()
            .find(|signer| signer.try_pubkey().is_ok_and(|found| found == *key))
            .ok_or_else(|| ClientError::Signing {
                reason: format!("{key} must sign, but its key is not among those given"),
            })?;
        needed.push(*signer);
    }
    let transaction =
        VersionedTransaction::try_new(message, needed.as_slice()).map_err(|error| {
            ClientError::Signing {
                reason: error.to_string(),
            }
        })?;
    require_fits(&transaction)?;
    Ok(transaction)
}

/// Requires that a transaction is not too large to be sent.
pub(super) fn require_fits(transaction: &VersionedTransaction) -> Result<(), ClientError> {
    let size = transaction_size(transaction);
    if size > MAX_TRANSACTION_BYTES {
        return Err(ClientError::TransactionTooLarge {
            size,
            limit: MAX_TRANSACTION_BYTES,
        });
    }
    Ok(())
}

/// A transaction with empty signatures: what is simulated or measured needs no others.
pub(crate) fn unsigned(message: VersionedMessage) -> VersionedTransaction {
    let required = usize::from(message.header().num_required_signatures);
    VersionedTransaction {
        signatures: vec![Signature::default(); required],
        message,
    }
}

/// Bytes of a transaction on the wire: a one-byte count (at most 127 signatures), the signatures, the message.
pub fn transaction_size(transaction: &VersionedTransaction) -> usize {
    let signatures = transaction
        .signatures
        .len()
        .saturating_mul(core::mem::size_of::<Signature>());
    transaction
        .message
        .serialize()
        .len()
        .saturating_add(signatures)
        .saturating_add(1)
}

/// The programs of a message's instructions, in order, as [`decode_refusal`](crate::refusal::decode_refusal) wants them.
pub(super) fn message_programs(message: &VersionedMessage) -> Vec<Pubkey> {
    let keys = message.static_account_keys();
    message
        .instructions()
        .iter()
        .map(|ix| {
            keys.get(usize::from(ix.program_id_index))
                .copied()
                .unwrap_or_default()
        })
        .collect()
}
