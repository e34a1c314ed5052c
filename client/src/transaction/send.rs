//! Sends transactions.

use solana_message::VersionedMessage;
use solana_rpc_client_api::config::{RpcSendTransactionConfig, UiTransactionEncoding};
use solana_sdk::{
    instruction::Instruction, pubkey::Pubkey, signature::Signature, transaction::TransactionError,
};
use solana_signer::Signer;
use solana_transaction::versioned::VersionedTransaction;

use super::{
    build::message_programs,
    build_message,
    confirm::{PATIENCE, POLL},
    sign, with_budget, SendOptions,
};
use crate::{error::ClientError, refusal::decode_refusal, rpc::Client};

/// How often a transaction is sent with the server's simulation while no answer comes; then without, as part of the waiting.
const SEND_ATTEMPTS: u32 = 3;
/// How often a transaction is signed anew because a server that is behind gave a blockhash that has expired.
const STALE_BLOCKHASHES: u32 = 5;

/// Sending without the server's simulation; the server does not repeat it, this crate does.
pub(crate) fn unchecked() -> RpcSendTransactionConfig {
    RpcSendTransactionConfig {
        skip_preflight: true,
        encoding: Some(UiTransactionEncoding::Base64),
        max_retries: Some(0),
        ..RpcSendTransactionConfig::default()
    }
}

impl Client {
    /// Builds, signs, sends and confirms a transaction; sends it again until it is confirmed or its blockhash expires.
    /// `signers` may hold more than are needed, and the payer again.
    ///
    /// # Errors
    /// `Refused` with the program's own reason, `TransactionFailed` for the runtime's, `BlockhashExpired` (without effect,
    /// safe to repeat), `NotConfirmed` (unknown), and those of [`sign`].
    pub async fn send(
        &self,
        instructions: &[Instruction],
        payer: &dyn Signer,
        signers: &[&dyn Signer],
        options: &SendOptions,
    ) -> Result<Signature, ClientError> {
        let instructions = with_budget(instructions, options);
        let mut stale = 0;
        loop {
            let (blockhash, last_valid_block_height) = self
                .rpc
                .get_latest_blockhash_with_commitment(self.rpc.commitment())
                .await?;
            let message = build_message(
                &instructions,
                &payer.pubkey(),
                &options.lookup_tables,
                blockhash,
            )?;
            let transaction = sign(message, &[&[payer], signers].concat())?;
            let sent = self
                .send_transaction(
                    &transaction,
                    last_valid_block_height,
                    options.skip_preflight,
                )
                .await;
            match sent {
                // It was refused before it got anywhere.
                Err(ClientError::TransactionFailed {
                    error: TransactionError::BlockhashNotFound,
                    ..
                }) if stale < STALE_BLOCKHASHES => stale = stale.saturating_add(1),
                sent => return sent,
            }
            tokio::time::sleep(POLL).await;
        }
    }

    /// Sends a signed transaction without looking whether it succeeds.
    pub(crate) async fn submit(
        &self,
        transaction: &VersionedTransaction,
    ) -> Result<Signature, ClientError> {
        let config = RpcSendTransactionConfig {
            // Nobody else sends it again.
            max_retries: None,
            ..unchecked()
        };
        Ok(self
            .rpc
            .send_transaction_with_config(transaction, config)
            .await?)
    }

    /// Sends a signed transaction and waits for its confirmation; see [`send`](Self::send).
    ///
    /// # Errors
    /// `Refused`, `TransactionFailed`, `BlockhashExpired`, `NotConfirmed`.
    pub async fn send_transaction(
        &self,
        transaction: &VersionedTransaction,
        last_valid_block_height: u64,
        skip_preflight: bool,
    ) -> Result<Signature, ClientError> {
        let programs = message_programs(&transaction.message);
        let config = RpcSendTransactionConfig {
            skip_preflight,
            preflight_commitment: Some(self.rpc.commitment().commitment),
            ..unchecked()
        };
        let signature = signature(transaction);
        for attempt in 1..=SEND_ATTEMPTS {
            let sent = self
                .rpc
                .send_transaction_with_config(transaction, config)
                .await
                .map_err(|error| self.explain_error(error.into(), &programs));
            let error = match sent {
                Ok(_) => break,
                Err(error) if is_processed(&error) => break,
                Err(error) => error,
            };
            // From the first that may have arrived on, only `confirm` finds out what became of it; it sends it again, too.
            if attempt == 1 && !is_unanswered(&error) {
                return Err(error);
            }
            tracing::debug!(%signature, %error, "no answer to sending");
            if !is_unanswered(&error) {
                break;
            }
            tokio::time::sleep(POLL).await;
        }
        self.confirm(transaction, last_valid_block_height, &programs, PATIENCE)
            .await
    }

    /// Why a transaction with this message failed, from its error and logs: `Refused` where a program refused, else
    /// `TransactionFailed`.
    pub fn explain(
        &self,
        error: TransactionError,
        logs: Vec<String>,
        message: &VersionedMessage,
    ) -> ClientError {
        self.explain_error(
            ClientError::TransactionFailed { error, logs },
            &message_programs(message),
        )
    }

    pub(super) fn explain_error(&self, error: ClientError, programs: &[Pubkey]) -> ClientError {
        let ClientError::TransactionFailed { error, logs } = error else {
            return error;
        };
        match decode_refusal(&error, programs, &logs, &self.portcullis) {
            Some(refusal) => ClientError::Refused(Box::new(refusal)),
            None => ClientError::TransactionFailed { error, logs },
        }
    }
}

/// Whether a request may have arrived although no answer to it came; a gateway answers HTTP 5xx in the server's place.
pub(crate) fn is_unanswered(error: &ClientError) -> bool {
    match error {
        ClientError::Unreachable { .. } | ClientError::BadAnswer { .. } => true,
        ClientError::RpcRefused { code, .. } => code.is_some_and(|code| (500..600).contains(&code)),
        _ => false,
    }
}

/// What a transaction is known by: the payer's signature, which [`sign`] makes.
pub(crate) fn signature(transaction: &VersionedTransaction) -> Signature {
    transaction.signatures.first().copied().unwrap_or_default()
}

/// Whether the transaction has arrived before: an earlier attempt whose answer was lost, or the same transaction of a process
/// that was killed. Not every server says so by the runtime's error; some only by its text.
pub(crate) fn is_processed(error: &ClientError) -> bool {
    let processed = TransactionError::AlreadyProcessed.to_string();
    error.to_string().contains(&processed)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_a_gateway_answers_says_nothing_about_the_transaction() {
        let refused = |code| ClientError::RpcRefused {
            request: "sendTransaction".into(),
            code,
            reason: String::new(),
        };
        for (code, unanswered) in [
            (Some(500), true),
            (Some(504), true),
            (Some(429), false),
            (Some(-32005), false),
            (None, false),
        ] {
            assert_eq!(is_unanswered(&refused(code)), unanswered, "{code:?}");
        }
    }

    #[test]
    fn a_transaction_that_arrived_before_is_no_failure() {
        // As surfpool 1.6 says it.
        let refused = ClientError::RpcRefused {
            request: "sendTransaction".into(),
            code: Some(-32603),
            reason: "Transaction error: This transaction has already been processed".into(),
        };
        assert!(is_processed(&refused));
        let failed = |error| ClientError::TransactionFailed {
            error,
            logs: vec![],
        };
        assert!(is_processed(&failed(TransactionError::AlreadyProcessed)));
        assert!(!is_processed(&failed(TransactionError::AccountNotFound)));
    }
}
