//! Sends transactions and waits for them.

use std::time::{Duration, Instant};

use solana_message::VersionedMessage;
use solana_rpc_client_api::config::{RpcSendTransactionConfig, UiTransactionEncoding};
use solana_sdk::{
    instruction::Instruction, pubkey::Pubkey, signature::Signature, transaction::TransactionError,
};
use solana_signer::Signer;
use solana_transaction::versioned::VersionedTransaction;
use solana_transaction_status_client_types::TransactionStatus;

use super::{build::message_programs, build_message, sign, with_budget, SendOptions};
use crate::{error::ClientError, refusal::decode_refusal, rpc::Client};

/// Between two looks at what became of something.
pub(crate) const POLL: Duration = Duration::from_millis(300);
/// Until what is not confirmed yet is sent again.
pub(crate) const RESEND: Duration = Duration::from_secs(2);
/// A server that fails this many polls in a row is given up; the transaction may still land.
const FAILED_POLLS: u32 = 50;

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
        self.send_transaction(
            &transaction,
            last_valid_block_height,
            options.skip_preflight,
        )
        .await
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
        match self
            .rpc
            .send_transaction_with_config(transaction, config)
            .await
            .map_err(|error| self.explain_error(error.into(), &programs))
        {
            Ok(_) => {}
            // The first attempt may have arrived although its answer did not.
            Err(ClientError::TransactionFailed {
                error: TransactionError::AlreadyProcessed,
                ..
            }) => {}
            // It may have arrived although no answer came; `confirm` finds out, and sends it again.
            Err(error @ (ClientError::Unreachable { .. } | ClientError::BadAnswer { .. })) => {
                tracing::debug!(%signature, %error, "no answer to sending");
            }
            Err(error) => return Err(error),
        }
        self.confirm(transaction, &signature, last_valid_block_height, &programs)
            .await
    }

    async fn confirm(
        &self,
        transaction: &VersionedTransaction,
        signature: &Signature,
        last_valid_block_height: u64,
        programs: &[Pubkey],
    ) -> Result<Signature, ClientError> {
        let mut sent = Instant::now();
        let mut failed_polls = 0;
        loop {
            // The height is read first: a status that is missing after the last valid block will not come any more.
            let height = self.rpc.get_block_height().await;
            let status = self.signature_status(signature).await;
            match (height, status) {
                (_, Ok(Some(status))) if self.is_settled(&status) => {
                    return match status.err {
                        None => Ok(*signature),
                        Some(error) => Err(self.failure(signature, error, programs).await),
                    };
                }
                (Ok(height), Ok(None)) if height > last_valid_block_height => {
                    return Err(ClientError::BlockhashExpired {
                        signature: *signature,
                    });
                }
                (Ok(_), Ok(_)) => failed_polls = 0,
                (Err(error), _) => {
                    failed_polls = self.count(failed_polls, signature, error.into())?
                }
                (_, Err(error)) => failed_polls = self.count(failed_polls, signature, error)?,
            }
            if sent.elapsed() >= RESEND {
                sent = Instant::now();
                if let Err(error) = self
                    .rpc
                    .send_transaction_with_config(transaction, unchecked())
                    .await
                {
                    let error = ClientError::from(error);
                    tracing::debug!(%signature, %error, "sending again failed");
                }
            }
            tokio::time::sleep(POLL).await;
        }
    }

    fn count(
        &self,
        failed: u32,
        signature: &Signature,
        error: ClientError,
    ) -> Result<u32, ClientError> {
        if failed >= FAILED_POLLS {
            return Err(ClientError::NotConfirmed {
                signature: *signature,
                reason: error.to_string(),
            });
        }
        Ok(failed.saturating_add(1))
    }

    async fn signature_status(
        &self,
        signature: &Signature,
    ) -> Result<Option<TransactionStatus>, ClientError> {
        let answer = self.rpc.get_signature_statuses(&[*signature]).await?.value;
        Ok(answer.into_iter().next().flatten())
    }

    pub(crate) fn is_settled(&self, status: &TransactionStatus) -> bool {
        status.satisfies_commitment(self.rpc.commitment())
    }

    /// The reason of a transaction that failed on chain, with its logs where the server has them.
    pub(crate) async fn failure(
        &self,
        signature: &Signature,
        error: TransactionError,
        programs: &[Pubkey],
    ) -> ClientError {
        let logs = match self.transaction_summary(signature).await {
            Ok(summary) => summary.logs,
            Err(reason) => {
                tracing::debug!(%signature, %reason, "no logs");
                Vec::new()
            }
        };
        self.explain_error(ClientError::TransactionFailed { error, logs }, programs)
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

    fn explain_error(&self, error: ClientError, programs: &[Pubkey]) -> ClientError {
        let ClientError::TransactionFailed { error, logs } = error else {
            return error;
        };
        match decode_refusal(&error, programs, &logs, &self.portcullis) {
            Some(refusal) => ClientError::Refused(Box::new(refusal)),
            None => ClientError::TransactionFailed { error, logs },
        }
    }
}

/// What a transaction is known by: the payer's signature, which [`sign`] makes.
pub(crate) fn signature(transaction: &VersionedTransaction) -> Signature {
    transaction.signatures.first().copied().unwrap_or_default()
}
