//! The server's WebSocket: it says when something that names a council was executed. Tried again and again; what it says is not
//! believed, so nothing is lost with it.

use std::time::Duration;

use futures::{
    future::ready,
    stream::{once, select_all},
    StreamExt,
};
use solana_client::{
    nonblocking::pubsub_client::{PubsubClient, PubsubClientError},
    rpc_config::{RpcTransactionLogsConfig, RpcTransactionLogsFilter},
};
use solana_commitment_config::CommitmentConfig;
use solana_sdk::pubkey::Pubkey;
use tokio::{
    sync::mpsc,
    task::JoinHandle,
    time::{sleep, timeout, Instant},
};

use crate::error::chain;

/// Connecting and subscribing, each.
const PATIENCE: Duration = Duration::from_secs(10);
const FIRST_PAUSE: Duration = Duration::from_millis(500);
const LONGEST_PAUSE: Duration = Duration::from_secs(60);
/// What lived so long was no failed attempt.
const STEADY: Duration = Duration::from_secs(60);
/// Signals that wait to be read. One more of the same says nothing new.
const SIGNALS: usize = 16;

pub(super) enum Signal {
    Up,
    /// And why.
    Down(String),
    Changed,
}

/// Closed when it is dropped.
pub(super) struct Socket {
    signals: mpsc::Receiver<Signal>,
    task: JoinHandle<()>,
}

impl Drop for Socket {
    fn drop(&mut self) {
        self.task.abort();
    }
}

impl Socket {
    pub(super) fn open(url: String, councils: Vec<Pubkey>, commitment: CommitmentConfig) -> Self {
        let (sender, signals) = mpsc::channel(SIGNALS);
        let task = tokio::spawn(async move {
            let mut pause = FIRST_PAUSE;
            let mut down = false;
            loop {
                let begun = Instant::now();
                let reason = listen(&url, &councils, commitment, &sender).await;
                let was_up = matches!(reason, Ended::Lost(_));
                let (Ended::Refused(reason) | Ended::Lost(reason)) = reason;
                if begun.elapsed() > STEADY {
                    pause = FIRST_PAUSE;
                }
                tracing::debug!(%reason, ?pause, "no WebSocket");
                if (was_up || !down) && sender.send(Signal::Down(reason)).await.is_err() {
                    return;
                }
                down = true;
                sleep(pause).await;
                pause = pause.saturating_mul(2).min(LONGEST_PAUSE);
            }
        });
        Self { signals, task }
    }

    /// The next signal.
    pub(super) async fn next(&mut self) -> Signal {
        match self.signals.recv().await {
            Some(signal) => signal,
            // The task ends only after this has gone.
            None => std::future::pending().await,
        }
    }
}

enum Ended {
    /// There was no subscription.
    Refused(String),
    /// There was one.
    Lost(String),
}

/// One connection, until it ends.
async fn listen(
    url: &str,
    councils: &[Pubkey],
    commitment: CommitmentConfig,
    sender: &mpsc::Sender<Signal>,
) -> Ended {
    let slow = || Ended::Refused(format!("no answer within {} s", PATIENCE.as_secs()));
    let failed = |error: PubsubClientError| Ended::Refused(reason(&error));
    let pubsub = match timeout(PATIENCE, PubsubClient::new(url)).await {
        Ok(Ok(pubsub)) => pubsub,
        Ok(Err(error)) => return failed(error),
        Err(_) => return slow(),
    };
    let mut streams = Vec::new();
    for council in councils {
        let filter = RpcTransactionLogsFilter::Mentions(vec![council.to_string()]);
        let config = RpcTransactionLogsConfig {
            commitment: Some(commitment),
        };
        match timeout(PATIENCE, pubsub.logs_subscribe(filter, config)).await {
            Ok(Ok((stream, _unsubscribe))) => streams.push(stream),
            Ok(Err(error)) => return failed(error),
            Err(_) => return slow(),
        }
    }
    if sender.send(Signal::Up).await.is_err() {
        return Ended::Lost(String::new());
    }
    // All of them end with the connection.
    let ends = |stream| StreamExt::map(stream, |_| true).chain(once(ready(false)));
    let mut notices = select_all(streams.into_iter().map(|stream| ends(stream).boxed()));
    while let Some(true) = notices.next().await {
        // A full queue says as much.
        let _ = sender.try_send(Signal::Changed);
    }
    Ended::Lost("the connection was lost".into())
}

/// Without the URL, which may hold a credential.
fn reason(error: &PubsubClientError) -> String {
    match error {
        PubsubClientError::ConnectionError(cause) => chain(cause.as_ref()),
        error => chain(error),
    }
}
