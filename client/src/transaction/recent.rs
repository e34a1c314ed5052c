//! The newest transactions of a program, as the server keeps them.

use futures::{stream, StreamExt, TryStreamExt};
use solana_client::rpc_client::GetConfirmedSignaturesForAddress2Config;
use solana_rpc_client_api::request::RpcRequest;
use solana_sdk::{pubkey::Pubkey, signature::Signature};
use solana_transaction_status_client_types::EncodedConfirmedTransactionWithStatusMeta;

use crate::{error::ClientError, rpc::Client};

/// Signatures in one page (the most that servers give).
const PAGE: usize = 1_000;
/// Transactions that are fetched at the same time.
const CONCURRENCY: usize = 8;

impl Client {
    /// The signatures of the newest transactions that name an address, failed ones too, oldest first: at most `limit`, and only
    /// those after `until`.
    ///
    /// # Errors
    /// `BadAnswer` from a server that repeats a page, or gives what is no signature.
    pub async fn recent_signatures(
        &self,
        address: &Pubkey,
        limit: usize,
        until: Option<Signature>,
    ) -> Result<Vec<Signature>, ClientError> {
        let mut signatures: Vec<Signature> = Vec::new();
        while signatures.len() < limit {
            let before = signatures.last().copied();
            let wanted = limit.saturating_sub(signatures.len()).min(PAGE);
            let config = GetConfirmedSignaturesForAddress2Config {
                before,
                until,
                limit: Some(wanted),
                commitment: Some(self.rpc.commitment()),
            };
            let page = self
                .rpc
                .get_signatures_for_address_with_config(address, config)
                .await?;
            for found in page.iter().take(wanted) {
                let signature = found.signature.parse();
                signatures.push(signature.map_err(|_| bad_list("a signature is malformed"))?);
            }
            match signatures.last().copied() {
                last if page.is_empty() || last.is_none() => break,
                last if last == before => {
                    return Err(bad_list(
                        "it does not go back beyond a page, use another RPC server",
                    ))
                }
                _ => {}
            }
        }
        signatures.reverse();
        Ok(signatures)
    }

    /// Transactions as the server keeps them, in the order asked, several at the same time.
    ///
    /// # Errors
    /// `TransactionNotFound`.
    pub async fn fetch_transactions(
        &self,
        signatures: &[Signature],
    ) -> Result<Vec<EncodedConfirmedTransactionWithStatusMeta>, ClientError> {
        stream::iter(signatures)
            .map(|signature| self.fetch_transaction(signature))
            .buffered(CONCURRENCY)
            .try_collect()
            .await
    }
}

fn bad_list(reason: &str) -> ClientError {
    ClientError::BadAnswer {
        request: RpcRequest::GetSignaturesForAddress.as_str().into(),
        reason: reason.into(),
    }
}

#[cfg(test)]
mod tests {
    use serde_json::{json, Value};

    use super::*;
    use crate::rpc::mock;

    fn page(bytes: &[u8]) -> (RpcRequest, Value) {
        let entry = |byte: &u8| {
            let signature = Signature::from([*byte; 64]).to_string();
            json!({ "signature": signature, "slot": byte, "err": null })
        };
        let entries: Vec<Value> = bytes.iter().map(entry).collect();
        (RpcRequest::GetSignaturesForAddress, json!(entries))
    }

    #[tokio::test]
    async fn pages_are_joined_oldest_first_up_to_the_limit() {
        let address = Pubkey::new_unique();
        let client = mock::client([page(&[5, 4]), page(&[3]), page(&[])]);
        let found = client.recent_signatures(&address, 9, None).await.unwrap();
        assert_eq!(found, [3, 4, 5].map(|byte| Signature::from([byte; 64])));
        let client = mock::client([page(&[5, 4, 3])]);
        let found = client.recent_signatures(&address, 2, None).await.unwrap();
        assert_eq!(found, [4, 5].map(|byte| Signature::from([byte; 64])));
    }

    #[tokio::test]
    async fn a_server_that_repeats_a_page_is_given_up() {
        let client = mock::client([page(&[5]), page(&[5])]);
        let address = Pubkey::new_unique();
        let found = client.recent_signatures(&address, 9, None).await;
        let error = found.unwrap_err();
        assert!(
            matches!(&error, ClientError::BadAnswer { reason, .. } if reason.contains("beyond a page")),
            "{error}"
        );
    }
}
