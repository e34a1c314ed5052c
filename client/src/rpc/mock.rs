//! A server for tests that answers what it is told to.

use std::sync::Arc;

use base64::{engine::general_purpose::STANDARD, Engine};
use serde_json::{json, Value};
use solana_client::nonblocking::rpc_client::RpcClient;
use solana_rpc_client_api::request::RpcRequest;
use solana_sdk::pubkey::Pubkey;

use super::Client;

/// A client whose server gives these answers, each once, those to the same request in their order.
pub(crate) fn client(answers: impl IntoIterator<Item = (RpcRequest, Value)>) -> Client {
    let answers = answers.into_iter().collect();
    let rpc = RpcClient::new_mock_with_mocks_map("fails", answers);
    Client::from_rpc(Arc::new(rpc), portcullis::ID)
}

fn account(owner: &Pubkey, data: &[u8]) -> Value {
    json!({
        "lamports": 1,
        "owner": owner.to_string(),
        "data": [STANDARD.encode(data), "base64"],
        "executable": false,
        "rentEpoch": 0,
        "space": data.len(),
    })
}

/// The answer to a request for a program's accounts, each with its address and owner.
pub(crate) fn listed(accounts: &[(Pubkey, Pubkey, &[u8])]) -> Value {
    let entry = |(address, owner, data): &(Pubkey, Pubkey, &[u8])| json!({ "pubkey": address.to_string(), "account": account(owner, data) });
    accounts.iter().map(entry).collect()
}

/// The answer to a request for accounts, each with its owner.
pub(crate) fn found(accounts: &[Option<(Pubkey, &[u8])>]) -> Value {
    let value: Vec<Option<Value>> = accounts
        .iter()
        .map(|found| found.map(|(owner, data)| account(&owner, data)))
        .collect();
    json!({ "context": { "slot": 1 }, "value": value })
}
