//! Writes a buffer's bytes: many transactions at a time, sent again until they are confirmed.

use std::time::Instant;

use futures::{stream, StreamExt};
use solana_sdk::signature::Signature;
use solana_sdk_ids::bpf_loader_upgradeable;
use solana_transaction::versioned::VersionedTransaction;

use super::{
    uploader::{Chunk, Uploader},
    UploadProgress,
};
use crate::{
    error::ClientError,
    transaction::{sign, signature, unchecked, unsettled, PATIENCE, POLL, RESEND},
};

/// How many signatures one status request may name (`MAX_GET_SIGNATURE_STATUSES_QUERY_ITEMS`, rpc-client-api 4.2); writes go
/// out in windows of as many.
const WINDOW: usize = 256;
/// Rounds in a row that may pass without a single confirmed write.
const IDLE_ROUNDS: u32 = 5;

impl Uploader<'_> {
    /// Writes the chunks; signs again what a blockhash did not live long enough for.
    pub(super) async fn write_all(
        &self,
        mut pending: Vec<Chunk>,
        progress: &dyn Fn(UploadProgress),
    ) -> Result<(), ClientError> {
        let total = self.artifact.len();
        let report = |pending: &[Chunk]| {
            let missing = pending.iter().map(ExactSizeIterator::len).sum();
            progress(UploadProgress {
                written: total.saturating_sub(missing),
                total,
            });
        };
        report(&pending);
        let mut idle = 0;
        while !pending.is_empty() {
            let rest = pending.split_off(pending.len().min(WINDOW));
            let before = pending.len();
            let (mut failed, reason) = self.write_window(pending).await?;
            idle = if failed.len() < before {
                0
            } else {
                idle + 1_u32
            };
            if idle > IDLE_ROUNDS {
                return Err(reason.unwrap_or(ClientError::BlockhashExpired {
                    signature: Signature::default(),
                }));
            }
            if idle > 0 {
                let wait = RESEND.saturating_mul(1_u32.checked_shl(idle).unwrap_or(u32::MAX));
                tracing::debug!(idle, ?wait, "no write was confirmed, waiting");
                tokio::time::sleep(wait).await;
            }
            failed.extend(rest);
            pending = failed;
            report(&pending);
        }
        Ok(())
    }

    /// Writes up to [`WINDOW`] chunks under one blockhash. Returns those that were not confirmed, with the last error that
    /// sending them met.
    async fn write_window(
        &self,
        chunks: Vec<Chunk>,
    ) -> Result<(Vec<Chunk>, Option<ClientError>), ClientError> {
        let (blockhash, last_valid_block_height) = match self.blockhash().await {
            Ok(found) => found,
            Err(error) if error.is_transient() => return Ok((chunks, Some(error))),
            Err(error) => return Err(error),
        };
        let signers = [self.payer, self.authority];
        let mut open = Vec::with_capacity(chunks.len());
        for chunk in chunks {
            let transaction = sign(self.write_message(chunk.clone(), blockhash)?, &signers)?;
            open.push((chunk, transaction));
        }
        let mut reason = self.send_all(&open).await;
        let begun = Instant::now();
        let mut sent = begun;
        loop {
            tokio::time::sleep(POLL).await;
            let height = self.client.rpc.get_block_height().await;
            let signatures: Vec<Signature> = open.iter().map(|(_, tx)| signature(tx)).collect();
            match self.client.rpc.get_signature_statuses(&signatures).await {
                Ok(statuses) => {
                    let mut statuses = statuses.value.into_iter();
                    let mut still = Vec::with_capacity(open.len());
                    for (chunk, transaction) in open {
                        match statuses.next().flatten() {
                            Some(status) if self.client.is_settled(&status) => {
                                if let Some(error) = status.err {
                                    let signature = signature(&transaction);
                                    let programs = [bpf_loader_upgradeable::ID];
                                    return Err(self
                                        .client
                                        .failure(&signature, error, &programs)
                                        .await);
                                }
                            }
                            _ => still.push((chunk, transaction)),
                        }
                    }
                    open = still;
                }
                Err(error) => reason = Some(error.into()),
            }
            if open.is_empty() {
                return Ok((Vec::new(), None));
            }
            match height {
                Ok(height) if height > last_valid_block_height => break,
                Ok(height) if begun.elapsed() >= PATIENCE => {
                    reason = signatures.first().map(|signature| {
                        unsettled(signature, height, last_valid_block_height, PATIENCE)
                    });
                    break;
                }
                Ok(_) => {}
                Err(error) => {
                    reason = Some(error.into());
                    // Without an answer nothing says that the blockhash has expired.
                    if begun.elapsed() >= PATIENCE {
                        break;
                    }
                    continue;
                }
            }
            if sent.elapsed() >= RESEND {
                sent = Instant::now();
                reason = self.send_all(&open).await.or(reason);
            }
        }
        // Writing the same bytes twice does no harm, so one that was confirmed unseen may be written again.
        Ok((open.into_iter().map(|(chunk, _)| chunk).collect(), reason))
    }

    /// Sends transactions without waiting for their confirmation. Returns an error that one of them met.
    async fn send_all(&self, open: &[(Chunk, VersionedTransaction)]) -> Option<ClientError> {
        stream::iter(open)
            .map(|(_, transaction)| {
                self.client
                    .rpc
                    .send_transaction_with_config(transaction, unchecked())
            })
            .buffer_unordered(self.options.concurrency.max(1))
            .fold(None, |last, sent| async move {
                match sent {
                    Ok(_) => last,
                    Err(error) => Some(ClientError::from(error)),
                }
            })
            .await
    }
}
