//! Makes and signs transactions. Nothing is sent here.

use solana_compute_budget_interface::ComputeBudgetInstruction;
use solana_message::{legacy, v0, AddressLookupTableAccount, CompileError, VersionedMessage};
use solana_sdk::{hash::Hash, instruction::Instruction, pubkey::Pubkey, signature::Signature};
use solana_signer::Signer;
use solana_transaction::versioned::VersionedTransaction;

use super::{SendOptions, MAX_COMPUTE_UNITS, MAX_TRANSACTION_BYTES};
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

/// Lamports that a transaction costs at most, by its real number of signatures; no server is asked. Signatures that a
/// precompile checks are not counted.
///
/// # Errors
/// `InvalidTransaction`.
pub fn fee(
    instructions: &[Instruction],
    payer: &Pubkey,
    options: &SendOptions,
) -> Result<u64, ClientError> {
    // Of the runtime (Agave 4.2): lamports for a signature, and the limit of an instruction where none is asked for.
    const SIGNATURE_LAMPORTS: u64 = 5_000;
    const DEFAULT_COMPUTE_UNITS: u64 = 200_000;
    let instructions = with_budget(instructions, options);
    let message = build_message(
        &instructions,
        payer,
        &options.lookup_tables,
        Hash::default(),
    )?;
    let signatures = u64::from(message.header().num_required_signatures);
    let units = match options.compute_unit_limit {
        Some(limit) => u64::from(limit),
        None => DEFAULT_COMPUTE_UNITS.saturating_mul(instructions.len() as u64),
    };
    let units = units.min(u64::from(MAX_COMPUTE_UNITS));
    let price = options
        .compute_unit_price_micro_lamports
        .unwrap_or_default();
    let priority = price.saturating_mul(units).div_ceil(1_000_000);
    Ok(signatures
        .saturating_mul(SIGNATURE_LAMPORTS)
        .saturating_add(priority))
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

#[cfg(test)]
mod tests {
    use solana_sdk::instruction::AccountMeta;

    use super::*;

    #[test]
    fn a_fee_counts_each_signer_once_and_the_price_of_the_limit() {
        let [payer, member, program] = [(); 3].map(|()| Pubkey::new_unique());
        let signed = |keys: &[Pubkey]| {
            let keys = keys.iter().map(|key| AccountMeta::new(*key, true));
            Instruction::new_with_bytes(program, &[], keys.collect())
        };
        let of = |instructions: &[Instruction], options: &SendOptions| {
            fee(instructions, &payer, options).unwrap()
        };
        let plain = SendOptions::default();
        assert_eq!(of(&[signed(&[payer])], &plain), 5_000);
        assert_eq!(of(&[signed(&[member])], &plain), 10_000);
        assert_eq!(
            of(&[signed(&[member]), signed(&[member, payer])], &plain),
            10_000
        );
        let priced = |limit| SendOptions {
            compute_unit_limit: limit,
            compute_unit_price_micro_lamports: Some(7),
            ..SendOptions::default()
        };
        // 100,001 units at 7 micro-lamports are begun lamports.
        assert_eq!(of(&[signed(&[payer])], &priced(Some(100_001))), 5_001);
        // The instruction, and the one that sets the price.
        assert_eq!(of(&[signed(&[payer])], &priced(None)), 5_003);
    }
}
