//! Moving and holding a localnet's clock, and forging its accounts, over JSON-RPC alone.
use crate::error::LocalnetError;
use serde_json::{json, Value};
use solana_account::Account;
use solana_clock::Clock;
use solana_pubkey::Pubkey;
use solana_rpc_client::nonblocking::rpc_client::RpcClient;
use solana_rpc_client_api::{client_error::Error as ClientError, request::RpcRequest};
use std::fmt::Write;

/// What the Clock sysvar shows to the transactions of the open slot.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct ChainTime {
    /// The open slot.
    pub slot: u64,
    /// Seconds since the Unix epoch.
    pub unix_timestamp: i64,
}

/// A localnet's clock, reached over JSON-RPC.
pub struct TimeControl {
    rpc: RpcClient,
}

impl TimeControl {
    /// The clock of the localnet at `rpc_url`. Nothing is sent yet.
    pub fn new(rpc_url: impl Into<String>) -> Self {
        Self {
            rpc: RpcClient::new(rpc_url.into()),
        }
    }

    /// The time that a transaction sent now would see.
    ///
    /// # Errors
    /// [`LocalnetError::Rpc`] without an answer, [`LocalnetError::Clock`] with a wrong one.
    pub async fn now(&self) -> Result<ChainTime, LocalnetError> {
        let account = self
            .rpc
            .get_account(&solana_sdk_ids::sysvar::clock::ID)
            .await;
        let account = account.map_err(|error| rpc_error(&self.rpc, "getAccountInfo", error))?;
        let clock: Clock = account
            .deserialize_data()
            .map_err(|_| LocalnetError::Clock {
                url: self.rpc.url(),
            })?;
        Ok(ChainTime {
            slot: clock.slot,
            unix_timestamp: clock.unix_timestamp,
        })
    }

    /// Moves the clock forward so that the transactions that follow see `unix_timestamp` (seconds) or later: the first
    /// slot that begins at or after that second. The slots of the time passed over go by too (2.5 a second at 400 ms).
    /// The open slot closes, so its transactions are confirmed. Does nothing if that time is reached already. A held
    /// clock stays held.
    ///
    /// # Errors
    /// As [`TimeControl::now`], and [`LocalnetError::Rpc`] if the server refuses.
    pub async fn advance_to(&self, unix_timestamp: i64) -> Result<ChainTime, LocalnetError> {
        let now = self.now().await?;
        if now.unix_timestamp >= unix_timestamp {
            return Ok(now);
        }
        let milliseconds = unix_timestamp.saturating_mul(1_000);
        let moved = self
            .request(
                "surfnet_timeTravel",
                json!([{ "absoluteTimestamp": milliseconds }]),
            )
            .await;
        let now = self.now().await?;
        match moved {
            // The server refuses to go back, and the clock may have got there by itself meanwhile.
            Err(error) if now.unix_timestamp < unix_timestamp => Err(error),
            _ => Ok(now),
        }
    }

    /// Closes the open slot now, which confirms its transactions, and opens the next. A held clock stays held.
    ///
    /// # Errors
    /// As [`TimeControl::now`].
    pub async fn next_slot(&self) -> Result<ChainTime, LocalnetError> {
        let before = self.now().await?;
        let closed = self
            .request(
                "surfnet_timeTravel",
                json!([{ "absoluteSlot": before.slot + 1 }]),
            )
            .await;
        let now = self.now().await?;
        match closed {
            Err(error) if now.slot <= before.slot => Err(error),
            _ => Ok(now),
        }
    }

    /// Stops the clock: transactions run, all in the slot that is open now, until [`TimeControl::resume`] or
    /// [`TimeControl::next_slot`]. Until then none is confirmed, and `getSignatureStatuses` answers null for them, so
    /// send them without waiting: `sendTransaction` returns when the transaction has run.
    ///
    /// # Errors
    /// As [`TimeControl::now`].
    pub async fn hold(&self) -> Result<ChainTime, LocalnetError> {
        self.request("surfnet_pauseClock", json!([])).await?;
        self.now().await
    }

    /// Lets a held clock go on; the slot that was held closes one slot time later.
    ///
    /// # Errors
    /// [`LocalnetError::Rpc`].
    pub async fn resume(&self) -> Result<(), LocalnetError> {
        self.request("surfnet_resumeClock", json!([])).await
    }

    async fn request(&self, method: &'static str, params: Value) -> Result<(), LocalnetError> {
        request(&self.rpc, method, params).await
    }
}

/// Writes an account as given, in place of what is there; without lamports it removes it. For an executable account
/// write its `ProgramData` first: surfpool loads the code then, and drops the write without an error if it cannot.
/// The request holds the data as hexadecimal and may have 15 MiB, so data is limited to about 7 MiB.
///
/// # Errors
/// [`LocalnetError::Rpc`].
pub async fn set_account(
    rpc: &RpcClient,
    address: &Pubkey,
    account: &Account,
) -> Result<(), LocalnetError> {
    let mut data = String::with_capacity(account.data.len() * 2);
    for byte in &account.data {
        // Writing to a String cannot fail.
        let _ = write!(data, "{byte:02x}");
    }
    let update = json!({
        "lamports": account.lamports,
        "data": data,
        "owner": account.owner.to_string(),
        "executable": account.executable,
        "rentEpoch": account.rent_epoch,
    });
    request(
        rpc,
        "surfnet_setAccount",
        json!([address.to_string(), update]),
    )
    .await
}

async fn request(
    rpc: &RpcClient,
    method: &'static str,
    params: Value,
) -> Result<(), LocalnetError> {
    let answer: Result<Value, ClientError> = rpc.send(RpcRequest::Custom { method }, params).await;
    answer
        .map(drop)
        .map_err(|error| rpc_error(rpc, method, error))
}

fn rpc_error(rpc: &RpcClient, method: &'static str, error: ClientError) -> LocalnetError {
    LocalnetError::Rpc {
        method,
        url: rpc.url(),
        source: Box::new(error),
    }
}
