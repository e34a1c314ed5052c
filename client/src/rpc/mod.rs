//! Reads accounts of one instance of Portcullis from an RPC server.
//!
//! What is listed is filtered on the server; what it means (status, whose vote is missing) is decided by the caller from
//! decoded accounts. A server can leave things out of a list; it cannot make a proposal look like another one, see
//! [`ProposalView::new`](crate::proposal::ProposalView::new).

mod bundle;
mod fetch;
mod guardianship;
mod list;
#[cfg(test)]
pub(crate) mod mock;
mod proposals;
mod select;
mod transport;

use std::sync::Arc;

use solana_account::Account;
use solana_client::{nonblocking::rpc_client::RpcClient, rpc_client::RpcClientConfig};
use solana_rpc_client_api::request::RpcRequest;
use solana_sdk::pubkey::Pubkey;

use self::transport::Transport;
pub use self::{
    guardianship::Guardianship,
    proposals::{ProposalFilter, ProposalList, STATUSES},
    transport::ConnectOptions,
};
use crate::{error::ClientError, instruction::Builder};

/// How many accounts one request may name (`MAX_MULTIPLE_ACCOUNTS`, rpc-client-api 4.2).
const MAX_MULTIPLE_ACCOUNTS: usize = 100;

/// A connection to one cluster, for one instance of Portcullis. Cheap to clone.
#[derive(Clone)]
pub struct Client {
    pub rpc: Arc<RpcClient>,
    /// The program id of the instance.
    pub portcullis: Pubkey,
}

impl Client {
    /// Connects to `url` at commitment `confirmed`. Sends nothing yet.
    pub fn new(url: impl Into<String>, portcullis: Pubkey) -> Self {
        Self::connect(vec![url.into()], portcullis, ConnectOptions::default())
    }

    /// Connects to one cluster through several servers: where one fails, the next is asked. Sends nothing yet.
    pub fn connect(urls: Vec<String>, portcullis: Pubkey, options: ConnectOptions) -> Self {
        let config = RpcClientConfig::with_commitment(options.commitment);
        let rpc = RpcClient::new_sender(Transport::new(urls, options), config);
        Self::from_rpc(Arc::new(rpc), portcullis)
    }

    /// Uses an existing connection.
    pub fn from_rpc(rpc: Arc<RpcClient>, portcullis: Pubkey) -> Self {
        Self { rpc, portcullis }
    }

    /// The instruction builder of this instance.
    pub fn builder(&self) -> Builder {
        Builder {
            portcullis: self.portcullis,
        }
    }

    /// An account, or `None`.
    pub async fn get_account(&self, address: &Pubkey) -> Result<Option<Account>, ClientError> {
        // The library's request for one account turns every failure into a text; that for several keeps its kind.
        Ok(self.get_accounts(&[*address]).await?.pop().flatten())
    }

    /// Accounts in the order asked, in as few requests as possible; all of one request are of the same slot.
    pub async fn get_accounts(
        &self,
        addresses: &[Pubkey],
    ) -> Result<Vec<Option<Account>>, ClientError> {
        let mut accounts = Vec::with_capacity(addresses.len());
        for chunk in addresses.chunks(MAX_MULTIPLE_ACCOUNTS) {
            let answer = self
                .rpc
                .get_multiple_accounts_with_commitment(chunk, self.rpc.commitment())
                .await?
                .value;
            if answer.len() != chunk.len() {
                return Err(ClientError::bad_answer(
                    RpcRequest::GetMultipleAccounts,
                    format!("{} accounts where {} were asked", answer.len(), chunk.len()),
                ));
            }
            accounts.extend(answer);
        }
        Ok(accounts)
    }

    async fn require(
        &self,
        address: &Pubkey,
        expected: &'static str,
    ) -> Result<Account, ClientError> {
        self.get_account(address)
            .await?
            .ok_or(ClientError::NotFound {
                address: *address,
                expected,
            })
    }
}
