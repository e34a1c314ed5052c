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
/// Servers that answer no poll for so long are given up; the transaction may still land.
const SILENCE: Duration = Duration::from_secs(15);
/// How often a transaction is sent with the server's simulation while no answer comes; then without, as part of the waiting.
const SEND_ATTEMPTS: u32 = 3;
/// How often a transaction is signed anew because a server that is behind gave a blockhash that has expired.
const STALE_BLOCKHASHES: u32 = 5;
/// Nothing is waited for longer, whatever block height the server shows: a blockhash lives about a minute (150 blocks).
pub(crate) const PATIENCE: Duration = Duration::from_secs(180);

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

    async fn confirm(
        &self,
        transaction: &VersionedTransaction,
        last_valid_block_height: u64,
        programs: &[Pubkey],
        patience: Duration,
    ) -> Result<Signature, ClientError> {
        let signature = &signature(transaction);
        let begun = Instant::now();
        let mut sent = begun;
        let mut heard = begun;
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
                    return self.expired(signature, programs).await;
                }
                (Ok(height), Ok(_)) if begun.elapsed() >= patience => {
                    return Err(unsettled(
                        signature,
                        height,
                        last_valid_block_height,
                        patience,
                    ));
                }
                (Ok(_), Ok(_)) => heard = Instant::now(),
                (Err(error), _) => {
                    require_heard(heard, signature, error.into())?;
                }
                (_, Err(error)) => require_heard(heard, signature, error)?,
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

    /// Servers forget what is not the newest from their quick list; only the whole history says that something never landed.
    async fn expired(
        &self,
        signature: &Signature,
        programs: &[Pubkey],
    ) -> Result<Signature, ClientError> {
        let rpc = &self.rpc;
        let answer = rpc.get_signature_statuses_with_history(&[*signature]).await;
        let answer = answer.map_err(|error| ClientError::NotConfirmed {
            signature: *signature,
            reason: ClientError::from(error).to_string(),
        })?;
        match answer.value.into_iter().next().flatten() {
            None => Err(ClientError::BlockhashExpired {
                signature: *signature,
            }),
            Some(status) => match status.err {
                None => Ok(*signature),
                Some(error) => Err(self.failure(signature, error, programs).await),
            },
        }
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

/// Requires that servers have answered a poll not too long ago.
fn require_heard(
    heard: Instant,
    signature: &Signature,
    error: ClientError,
) -> Result<(), ClientError> {
    if heard.elapsed() < SILENCE {
        return Ok(());
    }
    Err(ClientError::NotConfirmed {
        signature: *signature,
        reason: error.to_string(),
    })
}

/// Whether a request may have arrived although no answer to it came; a gateway answers HTTP 5xx in the server's place.
pub(crate) fn is_unanswered(error: &ClientError) -> bool {
    match error {
        ClientError::Unreachable { .. } | ClientError::BadAnswer { .. } => true,
        ClientError::RpcRefused { code, .. } => code.is_some_and(|code| (500..600).contains(&code)),
        _ => false,
    }
}

/// Neither confirmed nor expired after all the time that is waited.
pub(crate) fn unsettled(
    signature: &Signature,
    height: u64,
    last_valid_block_height: u64,
    waited: Duration,
) -> ClientError {
    ClientError::NotConfirmed {
        signature: *signature,
        reason: format!(
            "a confirmation or a block height above {last_valid_block_height} was required within {} s, the height is {height}",
            waited.as_secs()
        ),
    }
}

/// What a transaction is known by: the payer's signature, which [`sign`] makes.
pub(crate) fn signature(transaction: &VersionedTransaction) -> Signature {
    transaction.signatures.first().copied().unwrap_or_default()
}

/// Whether the transaction has arrived before: an earlier attempt whose answer was lost, or the same transaction of a process
/// that was killed. Not every server says so by the runtime's error; some only by its text.
fn is_processed(error: &ClientError) -> bool {
    let processed = TransactionError::AlreadyProcessed.to_string();
    error.to_string().contains(&processed)
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use serde_json::json;
    use solana_client::nonblocking::rpc_client::RpcClient;
    use solana_rpc_client_api::request::RpcRequest;

    use super::*;
    use crate::{rpc::mock, transaction::unsigned};

    /// A server whose block height is 1234 for ever, and that knows no transaction.
    async fn confirm(last_valid_block_height: u64, patience: Duration) -> ClientError {
        let rpc = Arc::new(RpcClient::new_mock("sig_not_found".to_string()));
        let client = Client::from_rpc(rpc, portcullis::ID);
        let message = build_message(&[], &Pubkey::new_unique(), &[], Default::default()).unwrap();
        client
            .confirm(&unsigned(message), last_valid_block_height, &[], patience)
            .await
            .unwrap_err()
    }

    #[tokio::test]
    async fn a_block_height_that_never_advances_is_not_waited_for_for_ever() {
        let error = confirm(1234, Duration::ZERO).await;
        assert!(
            matches!(&error, ClientError::NotConfirmed { reason, .. } if *reason
                == "a confirmation or a block height above 1234 was required within 0 s, the height is 1234"),
            "{error}"
        );
        let text = error.to_string();
        assert!(
            text.ends_with("; it may still land, so look it up before you send it again"),
            "{text}"
        );
        // An expired blockhash is certain, however long it took.
        let error = confirm(1233, Duration::ZERO).await;
        assert!(
            matches!(error, ClientError::BlockhashExpired { .. }),
            "{error}"
        );
    }

    #[tokio::test]
    async fn what_a_server_forgot_for_a_moment_is_no_failure() {
        let status = |status| json!({ "context": { "slot": 1 }, "value": [status] });
        let landed =
            json!({ "slot": 1, "confirmations": null, "err": null, "status": { "Ok": null } });
        let failed = json!({
            "slot": 1, "confirmations": null, "err": "AccountInUse", "status": { "Err": "AccountInUse" },
        });
        for (found, is_there) in [(landed, true), (failed, false)] {
            let request = RpcRequest::GetSignatureStatuses;
            // Its list of the newest lacks the transaction, its history does not.
            let client = mock::client([status(json!(null)), status(found)].map(|a| (request, a)));
            let message = build_message(&[], &Pubkey::new_unique(), &[], Default::default());
            let transaction = unsigned(message.unwrap());
            let done = client.confirm(&transaction, 0, &[], Duration::ZERO).await;
            match done {
                Ok(found) => assert!(is_there && found == signature(&transaction)),
                Err(error) => assert!(
                    !is_there && matches!(error, ClientError::TransactionFailed { .. }),
                    "{error}"
                ),
            }
        }
    }

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
