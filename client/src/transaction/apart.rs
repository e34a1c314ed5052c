//! Transactions that several machines sign: each signs with the keys that it has, one puts the signatures together and sends.

use solana_message::VersionedMessage;
use solana_sdk::{pubkey::Pubkey, signature::Signature, transaction::TransactionError};
use solana_signer::Signer;
use solana_transaction::versioned::VersionedTransaction;

use super::{build::require_fits, send::signature as id_of};
use crate::{error::ClientError, rpc::Client};

/// Blocks for which a blockhash can be used (`MAX_PROCESSING_AGE`, solana-clock 3).
const BLOCKHASH_BLOCKS: u64 = 150;

/// The keys that must sign a message, in their order.
pub fn required_signers(message: &VersionedMessage) -> &[Pubkey] {
    let required = usize::from(message.header().num_required_signatures);
    message
        .static_account_keys()
        .get(..required)
        .unwrap_or_default()
}

/// The signatures that these signers can give, beside the keys that must sign. A signer that gives an empty signature, as a
/// `NullSigner` does, counts as absent.
///
/// # Errors
/// `Signing` where a signer fails.
pub fn sign_partly(
    message: &VersionedMessage,
    signers: &[&dyn Signer],
) -> Result<Vec<(Pubkey, Option<Signature>)>, ClientError> {
    let bytes = message.serialize();
    let sign = |key: &Pubkey| {
        let signer = signers
            .iter()
            .find(|signer| signer.try_pubkey().is_ok_and(|found| found == *key));
        let signature = match signer {
            Some(signer) => signer.try_sign_message(&bytes).map_err(|error| {
                let reason = error.to_string();
                ClientError::Signing { reason }
            })?,
            None => Signature::default(),
        };
        let given = (signature != Signature::default()).then_some(signature);
        Ok((*key, given))
    };
    required_signers(message).iter().map(sign).collect()
}

/// A whole transaction from the signatures that others gave and those that the signers here give. Whoever has signed elsewhere is
/// not asked again.
///
/// # Errors
/// `ForeignSignature` for one that is not over exactly this message, `Signing` where one is missing, `TransactionTooLarge`.
pub fn put_together(
    message: VersionedMessage,
    given: &[(Pubkey, Signature)],
    signers: &[&dyn Signer],
) -> Result<VersionedTransaction, ClientError> {
    let bytes = message.serialize();
    for (signer, signature) in given {
        let refuse = |reason| {
            let signer = *signer;
            Err(ClientError::ForeignSignature { signer, reason })
        };
        if !required_signers(&message).contains(signer) {
            return refuse("this transaction needs none of this key");
        }
        if !signature.verify(signer.as_ref(), &bytes) {
            return refuse("it was made over another transaction");
        }
    }
    let of = |key: &Pubkey| given.iter().find(|(signer, _)| signer == key);
    let here: Vec<&dyn Signer> = signers
        .iter()
        .filter(|signer| signer.try_pubkey().is_ok_and(|key| of(&key).is_none()))
        .copied()
        .collect();
    let mut signatures = Vec::new();
    for (key, signature) in sign_partly(&message, &here)? {
        let signature = of(&key).map(|(_, signature)| *signature).or(signature);
        signatures.push(signature.ok_or_else(|| ClientError::Signing {
            reason: format!("the signature of {key} is missing"),
        })?);
    }
    let transaction = VersionedTransaction {
        signatures,
        message,
    };
    require_fits(&transaction)?;
    Ok(transaction)
}

impl Client {
    /// Sends a signed transaction whose blockhash came from elsewhere, and waits for its confirmation.
    ///
    /// # Errors
    /// `BlockhashExpired` also where the server does not know the blockhash; else those of
    /// [`send_transaction`](Self::send_transaction).
    pub async fn send_signed(
        &self,
        transaction: &VersionedTransaction,
    ) -> Result<Signature, ClientError> {
        // How old the blockhash is does not show; it cannot live longer than one of now.
        let height = self.rpc.get_block_height().await?;
        let last = height.saturating_add(BLOCKHASH_BLOCKS);
        match self.send_transaction(transaction, last, false).await {
            Err(ClientError::TransactionFailed {
                error: TransactionError::BlockhashNotFound,
                ..
            }) => Err(ClientError::BlockhashExpired {
                signature: id_of(transaction),
            }),
            sent => sent,
        }
    }
}

#[cfg(test)]
mod tests {
    use solana_keypair::Keypair;
    use solana_sdk::{
        hash::Hash,
        instruction::{AccountMeta, Instruction},
        signer::null_signer::NullSigner,
    };

    use super::*;
    use crate::transaction::build_message;

    fn key(seed: u8) -> Keypair {
        Keypair::new_from_array([seed; 32])
    }

    /// Paid by 1, signed by 2 too.
    fn message(blockhash: [u8; 32]) -> VersionedMessage {
        let instruction = Instruction {
            program_id: portcullis::ID,
            accounts: vec![AccountMeta::new_readonly(key(2).pubkey(), true)],
            data: vec![7],
        };
        let blockhash = Hash::new_from_array(blockhash);
        build_message(&[instruction], &key(1).pubkey(), &[], blockhash).unwrap()
    }

    #[test]
    fn each_machine_signs_with_what_it_has() {
        let (payer, member) = (key(1), key(2));
        let message = message([9; 32]);
        let absent = NullSigner::new(&payer.pubkey());
        let signed = sign_partly(&message, &[&absent, &member]).unwrap();
        let signature = member.sign_message(&message.serialize());
        assert_eq!(
            signed,
            [(payer.pubkey(), None), (member.pubkey(), Some(signature))]
        );
        let whole = put_together(
            message.clone(),
            &[(member.pubkey(), signature)],
            &[&payer, &NullSigner::new(&member.pubkey())],
        )
        .unwrap();
        assert!(whole.verify_with_results().iter().all(|good| *good));
        let alone = put_together(message, &[], &[&payer, &member]).unwrap();
        assert_eq!(alone, whole);
    }

    #[test]
    fn a_signature_that_is_missing_or_over_another_transaction_is_named() {
        let (payer, member, stranger) = (key(1), key(2), key(3));
        let other = member.sign_message(&message([8; 32]).serialize());
        let refused = |given: &[(Pubkey, Signature)], signers: &[&dyn Signer]| {
            let error = put_together(message([9; 32]), given, signers).unwrap_err();
            error.to_string()
        };
        assert_eq!(
            refused(&[(member.pubkey(), other)], &[&payer, &member]),
            format!(
                "the signature of {} cannot be used: it was made over another transaction",
                member.pubkey()
            )
        );
        assert_eq!(
            refused(&[(stranger.pubkey(), other)], &[&payer, &member]),
            format!(
                "the signature of {} cannot be used: this transaction needs none of this key",
                stranger.pubkey()
            )
        );
        assert_eq!(
            refused(&[], &[&payer]),
            format!(
                "the transaction cannot be signed: the signature of {} is missing",
                member.pubkey()
            )
        );
    }
}
