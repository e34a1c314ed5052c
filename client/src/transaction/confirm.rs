//! Waits for transactions, and finds out what became of them.

use std::time::{Duration, Instant};

use solana_sdk::{pubkey::Pubkey, signature::Signature, transaction::TransactionError};
use solana_transaction::versioned::VersionedTransaction;
use solana_transaction_status_client_types::TransactionStatus;

use super::{send::unchecked, signature};
use crate::{error::ClientError, rpc::Client};

/// Between two looks at what became of something.
pub(crate) const POLL: Duration = Duration::from_millis(300);
/// Until what is not confirmed yet is sent again.
pub(crate) const RESEND: Duration = Duration::from_secs(2);
/// Servers that answer no poll for so long are given up; the transaction may still land.
const SILENCE: Duration = Duration::from_secs(15);
/// Nothing is waited for longer, whatever block height the server shows: a blockhash lives about a minute (150 blocks).
pub(crate) const PATIENCE: Duration = Duration::from_secs(180);

impl Client {
    /// Waits until a transaction that was sent is confirmed or cannot land any more; sends it again meanwhile.
    pub(super) async fn confirm(
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

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use serde_json::json;
    use solana_client::nonblocking::rpc_client::RpcClient;
    use solana_rpc_client_api::request::RpcRequest;

    use super::*;
    use crate::{
        rpc::mock,
        transaction::{build_message, unsigned},
    };

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
}
