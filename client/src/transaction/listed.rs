//! The transactions that name an account, as the server lists and keeps them.

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

/// A transaction in a server's list.
struct Listed {
    slot: u64,
    signature: Signature,
    failed: bool,
}

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
        let listed = self.listed(address, limit, until).await?;
        Ok(listed.iter().rev().map(|found| found.signature).collect())
    }

    /// The successful transactions that name an account and are later than another, oldest first, with their slots.
    pub(crate) async fn signatures_of(
        &self,
        address: &Pubkey,
        later_than: Option<Signature>,
    ) -> Result<Vec<(u64, Signature)>, ClientError> {
        let listed = self.listed(address, usize::MAX, later_than).await?;
        // Failed ones changed nothing.
        let succeeded = listed.iter().rev().filter(|found| !found.failed);
        Ok(succeeded
            .map(|found| (found.slot, found.signature))
            .collect())
    }

    /// Page by page, the newest first.
    async fn listed(
        &self,
        address: &Pubkey,
        limit: usize,
        until: Option<Signature>,
    ) -> Result<Vec<Listed>, ClientError> {
        let bad = |reason| ClientError::bad_answer(RpcRequest::GetSignaturesForAddress, reason);
        let mut listed: Vec<Listed> = Vec::new();
        while listed.len() < limit {
            let before = listed.last().map(|found| found.signature);
            let wanted = limit.saturating_sub(listed.len()).min(PAGE);
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
                listed.push(Listed {
                    slot: found.slot,
                    signature: signature.map_err(|_| bad("a signature is malformed"))?,
                    failed: found.err.is_some(),
                });
            }
            if page.is_empty() {
                break;
            }
            // A server that gives the same page again and again would keep this for ever.
            if listed.last().map(|found| found.signature) == before {
                return Err(bad(
                    "it does not go back beyond a page, use another RPC server",
                ));
            }
        }
        Ok(listed)
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
    async fn failed_transactions_are_no_part_of_a_history() {
        let (request, mut entries) = page(&[5, 4, 3]);
        entries[1]["err"] = json!({ "InstructionError": [0, { "Custom": 1 }] });
        let client = mock::client([(request, entries), page(&[])]);
        let address = Pubkey::new_unique();
        let found = client.signatures_of(&address, None).await.unwrap();
        assert_eq!(
            found,
            [3, 5].map(|n| (u64::from(n), Signature::from([n; 64])))
        );
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
