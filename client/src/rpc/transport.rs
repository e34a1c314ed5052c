//! How requests reach the RPC servers: again after a failure, at another server where there is one, no faster than allowed.
//!
//! A question may be asked as often as one likes. A transaction that may have arrived is not sent again here: what became of it
//! must be looked up first, so that is left to whoever sent it.

mod answer;
#[cfg(test)]
mod tests;

use std::{
    future::Future,
    hash::{BuildHasher, RandomState},
    num::NonZeroU32,
    pin::Pin,
    sync::{
        atomic::{AtomicBool, AtomicU64, AtomicUsize, Ordering::Relaxed},
        Mutex, OnceLock, PoisonError,
    },
    time::{Duration, Instant},
};

use serde_json::Value;
use solana_client::rpc_sender::{RpcSender, RpcTransportStats};
use solana_commitment_config::CommitmentConfig;
use solana_rpc_client_api::{
    client_error::{reqwest, ErrorKind, Result},
    request::RpcRequest,
};
use tokio::time::{sleep, sleep_until};

use self::answer::{Answer, Failure};

/// Until the first repetition; twice as long before each further one.
const FIRST_PAUSE: Duration = Duration::from_millis(100);
/// The longest pause between two repetitions, unless a server asks for a longer one.
const LONGEST_PAUSE: Duration = Duration::from_secs(5);
/// A request is tried so often at least, however long each attempt takes.
const MIN_ATTEMPTS: u32 = 3;
const CONNECT_TIMEOUT: Duration = Duration::from_secs(10);
/// Nothing of an answer came for so long.
const READ_TIMEOUT: Duration = Duration::from_secs(30);
/// The whole of an answer that is short by its nature.
const SHORT_ANSWER_TIMEOUT: Duration = Duration::from_secs(15);
/// A server that refuses what others grant (no such method, no such key) is left alone for so long.
const REFUSED_PAUSE: Duration = Duration::from_secs(60);

/// How a client deals with its servers.
#[derive(Clone, Copy, Debug)]
pub struct ConnectOptions {
    pub commitment: CommitmentConfig,
    /// How long a request that fails is repeated.
    pub patience: Duration,
    /// Requests a second, to all servers together. `None`: as many as there are.
    pub requests_per_second: Option<NonZeroU32>,
}

impl Default for ConnectOptions {
    fn default() -> Self {
        Self {
            commitment: CommitmentConfig::confirmed(),
            patience: Duration::from_secs(30),
            requests_per_second: None,
        }
    }
}

struct Server {
    url: String,
    /// It has asked for a pause, or failed while others work.
    closed_until: Mutex<Instant>,
    genesis: tokio::sync::OnceCell<Value>,
}

pub(super) struct Transport {
    /// Why there is none: the system's TLS or name resolution cannot be set up.
    http: std::result::Result<reqwest::Client, String>,
    /// At least one.
    servers: Vec<Server>,
    /// The one that answered last, or the one after that which failed last.
    current: AtomicUsize,
    /// What the first server that was asked says; others must say the same.
    genesis: OnceLock<Value>,
    next_id: AtomicU64,
    /// When the next request may go out.
    next_turn: Mutex<Instant>,
    /// Since when all requests fail; none while they succeed.
    silent_since: Mutex<Option<Instant>>,
    ever_answered: AtomicBool,
    options: ConnectOptions,
}

fn locked<T>(mutex: &Mutex<T>) -> std::sync::MutexGuard<'_, T> {
    // What is kept here is whole at any time.
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

impl Transport {
    pub(super) fn new(urls: Vec<String>, options: ConnectOptions) -> Self {
        let now = Instant::now();
        let http = reqwest::Client::builder()
            .connect_timeout(CONNECT_TIMEOUT)
            .read_timeout(READ_TIMEOUT)
            .build()
            .map_err(|error| error.to_string());
        let server = |url| Server {
            url,
            closed_until: Mutex::new(now),
            genesis: tokio::sync::OnceCell::new(),
        };
        Self {
            http,
            servers: urls.into_iter().map(server).collect(),
            current: AtomicUsize::new(0),
            genesis: OnceLock::new(),
            next_id: AtomicU64::new(0),
            next_turn: Mutex::new(now),
            silent_since: Mutex::new(None),
            ever_answered: AtomicBool::new(false),
            options,
        }
    }

    async fn request(&self, request: RpcRequest, params: Value) -> Result<Value> {
        let id = self.next_id.fetch_add(1, Relaxed);
        let body = request.build_request_json(id, params).to_string();
        let begun = Instant::now();
        let (mut attempts, mut refusals) = (0_u32, 0);
        loop {
            let (index, server) = self.choose()?;
            let opens = *locked(&server.closed_until);
            sleep_until(opens.into()).await;
            let failure = match self.attempt(server, request, &body).await {
                Ok(value) => {
                    self.answered(index);
                    return value;
                }
                Err(failure) => failure,
            };
            attempts = attempts.saturating_add(1);
            refusals += usize::from(failure.answer == Answer::Refused);
            tracing::debug!(%request, server = index, attempts, reason = %failure.reason(), "a request failed");
            let pause = self.failed(index, &failure, attempts);
            // A transaction that has arrived must not be refused as one that was sent before.
            let ambiguous =
                request == RpcRequest::SendTransaction && failure.answer == Answer::Unknown;
            let wait = pause.max(self.until_open());
            if ambiguous
                || failure.answer == Answer::WrongCluster
                || refusals >= self.servers.len()
                || self.gives_up(&failure, begun, attempts, wait)
            {
                return Err(failure.after(attempts, begun.elapsed()));
            }
            sleep(pause).await;
        }
    }

    /// Whether it is of no use to go on after another pause.
    fn gives_up(&self, failure: &Failure, begun: Instant, attempts: u32, wait: Duration) -> bool {
        let patience = self.options.patience;
        // Who was never reached is more likely a wrong URL than an interruption.
        let wrong = failure.answer == Answer::NoConnection && !self.ever_answered.load(Relaxed);
        let enough = MIN_ATTEMPTS.saturating_mul(u32::try_from(self.servers.len()).unwrap_or(1));
        let silence = locked(&self.silent_since).map_or(Duration::ZERO, |since| since.elapsed());
        (wrong && attempts >= enough)
            || wait > patience
            || (attempts >= MIN_ATTEMPTS
                && begun.elapsed().max(silence).saturating_add(wait) > patience)
    }

    /// The server to ask: the current one or those after it, or else the one that is open first.
    fn choose(&self) -> Result<(usize, &Server)> {
        let now = Instant::now();
        let current = self.current.load(Relaxed);
        let count = self.servers.len();
        (0..count)
            .map(|step| current.wrapping_add(step).checked_rem(count).unwrap_or(0))
            .filter_map(|index| Some((index, self.servers.get(index)?)))
            // The first of those that are open, since all of them count as open now.
            .min_by_key(|(_, server)| (*locked(&server.closed_until)).max(now))
            .ok_or_else(|| ErrorKind::Custom("no RPC server is given".into()).into())
    }

    /// How long no server may be asked.
    fn until_open(&self) -> Duration {
        let opens = self.servers.iter().map(|s| *locked(&s.closed_until)).min();
        opens.map_or(Duration::ZERO, |at| {
            at.saturating_duration_since(Instant::now())
        })
    }

    fn answered(&self, index: usize) {
        self.current.store(index, Relaxed);
        self.ever_answered.store(true, Relaxed);
        *locked(&self.silent_since) = None;
    }

    /// Notes a failure. Returns how long this request pauses, beside what the servers ask for.
    fn failed(&self, index: usize, failure: &Failure, attempts: u32) -> Duration {
        locked(&self.silent_since).get_or_insert_with(Instant::now);
        let count = self.servers.len();
        let next = index.wrapping_add(1).checked_rem(count).unwrap_or(0);
        // Only the first of many requests that fail at the same time moves on.
        let _ = self.current.compare_exchange(index, next, Relaxed, Relaxed);
        let pause = pause_after(attempts);
        let alone = count == 1;
        let close = match failure.answer {
            Answer::TooMany { wait } => wait.unwrap_or(pause),
            Answer::Refused if !alone => REFUSED_PAUSE,
            _ if !alone => pause,
            _ => return pause,
        };
        if let (Some(server), Some(until)) =
            (self.servers.get(index), Instant::now().checked_add(close))
        {
            let mut closed = locked(&server.closed_until);
            *closed = (*closed).max(until);
        }
        Duration::ZERO
    }

    /// Waits for this request's turn.
    async fn turn(&self) {
        let Some(rate) = self.options.requests_per_second else {
            return;
        };
        let distance = Duration::from_secs(1)
            .checked_div(rate.get())
            .unwrap_or_default();
        let turn = {
            let mut next = locked(&self.next_turn);
            let turn = (*next).max(Instant::now());
            *next = turn.checked_add(distance).unwrap_or(turn);
            turn
        };
        sleep_until(turn.into()).await;
    }

    /// Asks one server once. What it answers about the request itself is no failure.
    async fn attempt(
        &self,
        server: &Server,
        request: RpcRequest,
        body: &str,
    ) -> std::result::Result<Result<Value>, Failure> {
        if self.servers.len() > 1 {
            self.require_same_cluster(server).await?;
        }
        self.post(server, request, body).await
    }

    /// Servers of different clusters must never pass for one another.
    async fn require_same_cluster(&self, server: &Server) -> std::result::Result<(), Failure> {
        let found = server
            .genesis
            .get_or_try_init(|| async {
                let request = RpcRequest::GetGenesisHash;
                let body = request.build_request_json(0, Value::Null).to_string();
                self.post(server, request, &body)
                    .await?
                    .map_err(Failure::refused)
            })
            .await?;
        let required = self.genesis.get_or_init(|| found.clone());
        if found == required {
            return Ok(());
        }
        Err(Failure::wrong_cluster(found, required))
    }

    async fn post(
        &self,
        server: &Server,
        request: RpcRequest,
        body: &str,
    ) -> std::result::Result<Result<Value>, Failure> {
        self.turn().await;
        let http = self.http.as_ref().map_err(|reason| {
            Failure::refused(ErrorKind::Custom(format!("no HTTP client: {reason}")).into())
        })?;
        let mut post = http
            .post(&server.url)
            .header("content-type", "application/json")
            .body(body.to_string());
        if !is_long(request) {
            post = post.timeout(SHORT_ANSWER_TIMEOUT);
        }
        answer::read(post.send().await, self.servers.len() > 1).await
    }
}

/// Whether an answer may take as long as it has bytes.
fn is_long(request: RpcRequest) -> bool {
    matches!(
        request,
        RpcRequest::GetProgramAccounts
            | RpcRequest::GetMultipleAccounts
            | RpcRequest::GetAccountInfo
            | RpcRequest::GetSignaturesForAddress
            | RpcRequest::GetTransaction
            | RpcRequest::GetBlock
    )
}

/// The pause after so many failures: twice as long each time, and between half of that and all of it by chance, so that requests
/// that failed together are not repeated together.
fn pause_after(failures: u32) -> Duration {
    let doublings = failures.saturating_sub(1).min(16);
    let most = FIRST_PAUSE
        .saturating_mul(1 << doublings)
        .min(LONGEST_PAUSE);
    // Each `RandomState` has other keys.
    let chance = u32::from(RandomState::new().hash_one(failures) as u16);
    let half = most / 2;
    half.saturating_add(half.saturating_mul(chance) / u32::from(u16::MAX))
}

impl RpcSender for Transport {
    fn send<'a, 'f>(
        &'a self,
        request: RpcRequest,
        params: Value,
    ) -> Pin<Box<dyn Future<Output = Result<Value>> + Send + 'f>>
    where
        'a: 'f,
        Self: 'f,
    {
        Box::pin(self.request(request, params))
    }

    fn get_transport_stats(&self) -> RpcTransportStats {
        RpcTransportStats::default()
    }

    /// Of the first server. It may hold a credential.
    fn url(&self) -> String {
        let first = self.servers.first();
        first.map(|server| server.url.clone()).unwrap_or_default()
    }
}
