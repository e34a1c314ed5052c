//! What the chain recorded of a transaction.

use serde_json::json;
use solana_rpc_client_api::{config::RpcTransactionConfig, request::RpcRequest};
use solana_sdk::{signature::Signature, transaction::TransactionError};
use solana_transaction_status_client_types::{
    option_serializer::OptionSerializer, EncodedConfirmedTransactionWithStatusMeta,
    UiTransactionEncoding,
};

use crate::{error::ClientError, rpc::Client};

/// What the chain recorded of a transaction.
#[derive(Clone, Debug)]
pub struct TransactionSummary {
    pub signature: Signature,
    pub slot: u64,
    /// Unix seconds.
    pub block_time: Option<i64>,
    pub compute_units: Option<u64>,
    /// Lamports.
    pub fee: u64,
    pub logs: Vec<String>,
    pub error: Option<TransactionError>,
}

impl Client {
    /// What the chain recorded of a transaction: logs, compute units, fee.
    ///
    /// # Errors
    /// `TransactionNotFound`.
    pub async fn transaction_summary(
        &self,
        signature: &Signature,
    ) -> Result<TransactionSummary, ClientError> {
        let transaction = self.fetch_transaction(signature).await?;
        let meta = transaction
            .transaction
            .meta
            .ok_or(ClientError::TransactionNotFound {
                signature: *signature,
            })?;
        Ok(TransactionSummary {
            signature: *signature,
            slot: transaction.slot,
            block_time: transaction.block_time,
            compute_units: Option::from(meta.compute_units_consumed),
            fee: meta.fee,
            logs: match meta.log_messages {
                OptionSerializer::Some(logs) => logs,
                _ => Vec::new(),
            },
            error: meta.err.map(TransactionError::from),
        })
    }

    /// A transaction as the server keeps it.
    pub(crate) async fn fetch_transaction(
        &self,
        signature: &Signature,
    ) -> Result<EncodedConfirmedTransactionWithStatusMeta, ClientError> {
        let config = RpcTransactionConfig {
            encoding: Some(UiTransactionEncoding::Base64),
            commitment: Some(self.rpc.commitment()),
            max_supported_transaction_version: Some(0),
        };
        // A server that does not have it answers null, for which the typed request has no place.
        let found: Option<EncodedConfirmedTransactionWithStatusMeta> = self
            .rpc
            .send(
                RpcRequest::GetTransaction,
                json!([signature.to_string(), config]),
            )
            .await?;
        found.ok_or(ClientError::TransactionNotFound {
            signature: *signature,
        })
    }
}
