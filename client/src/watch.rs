//! Follows councils and their gates as they change: every event once, in the order of the log chains, and what the time alone does to
//! proposals.
//!
//! The server is told to say when something happens; what has happened is never taken from that. Transactions are fetched and
//! replayed (see [`replay`](crate::replay)), and an event is handed out when the chain of hashes that it gives is the one that the
//! account stores. So it does not matter what a socket loses, repeats or invents: it only says when to look.

mod follow;
mod logs;
mod replaying;
mod scene;
mod socket;

use std::{collections::VecDeque, time::Duration};

use portcullis::{
    lifecycle::{Now, Status},
    state::Proposal,
};
use solana_sdk::{pubkey::Pubkey, signature::Signature};
use tokio::time::Instant;

use self::{
    follow::Follower,
    socket::{Signal, Socket},
};
use crate::{error::ClientError, event::Event, rpc::Client};

/// With a socket the chain is looked at so much less often: for the time, and for what the socket may have lost.
const SOCKET_FACTOR: u32 = 6;
/// Until the next look where the last one has not shown all, or where a deadline passes.
const SHORT_PAUSE: Duration = Duration::from_millis(400);

/// What is watched, and how.
#[derive(Clone, Debug)]
pub struct WatchOptions {
    pub councils: Vec<Pubkey>,
    /// The URL of the server's WebSocket. It may hold a credential. `None`: none is used.
    pub websocket: Option<String>,
    /// How often the chain is looked at where there is no socket.
    pub interval: Duration,
    pub since: Since,
}

/// Where a watch begins.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Since {
    /// With what happens from now on.
    Now,
    /// With the first event of all.
    Beginning,
    /// Behind this transaction.
    After(Signature),
}

/// Something to tell.
#[derive(Clone, Debug)]
pub enum Update {
    /// A transition on the chain.
    Event(Box<WatchedEvent>),
    /// What the time, or the end of another proposal, has done to a proposal: no transaction names it.
    Status(Box<StatusChange>),
    /// How the watch learns that something happened.
    Source(Source),
    /// The history of a council cannot be rebuilt. From now on its events are what the logs say.
    Unverified { council: Pubkey, reason: String },
    /// The server does not answer. The watch goes on; nothing is lost.
    Trouble { reason: String },
}

/// How the watch learns that something happened.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Source {
    WebSocket,
    /// The socket is not to be had; it is tried again and again.
    Polling {
        reason: String,
    },
}

/// An event's place in a log chain.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct ChainLink {
    /// The council or gate.
    pub account: Pubkey,
    /// From 0.
    pub sequence: u64,
    /// The chain's head after it.
    pub head: [u8; 32],
}

/// An event, and what it is about.
#[derive(Clone, Debug)]
pub struct WatchedEvent {
    pub council: Pubkey,
    /// The gate that it is about; none where it is about the council itself.
    pub gate: Option<WatchedGate>,
    /// The proposal that it is about.
    pub proposal: Option<WatchedProposal>,
    pub signature: Signature,
    pub slot: u64,
    /// Unix seconds.
    pub timestamp: i64,
    pub event: Event,
    /// Its places in the chains of the gate and of councils. Empty where they are not known.
    pub chains: Vec<ChainLink>,
    /// Why the event is not proven. `None`: it was rebuilt from the transaction, and the chain has the head that follows from it.
    pub unverified: Option<String>,
}

/// A gate and its program.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct WatchedGate {
    pub address: Pubkey,
    pub program: Pubkey,
}

/// A proposal behind an event.
#[derive(Clone, Debug)]
pub struct WatchedProposal {
    pub address: Pubkey,
    pub index: u32,
    /// `None` before it was made.
    pub before: Option<Status>,
    /// `None` once its account is closed.
    pub after: Option<Status>,
    /// The account, unless it is closed.
    pub account: Option<Proposal>,
}

/// A proposal that has another status, although nobody has done anything to it.
#[derive(Clone, Debug)]
pub struct StatusChange {
    pub council: Pubkey,
    pub gate: Option<WatchedGate>,
    pub proposal: WatchedProposal,
    /// Unix seconds: the deadline that passed, or when it was noticed.
    pub timestamp: i64,
    /// The chain's time when it was noticed.
    pub now: Now,
    /// Why the account behind it is not proven, as [`WatchedEvent::unverified`].
    pub unverified: Option<String>,
}

/// An open proposal, for whoever shows how things stand.
#[derive(Clone, Debug)]
pub struct OpenProposal {
    pub council: Pubkey,
    pub gate: Option<WatchedGate>,
    pub status: Status,
    pub account: Proposal,
}

/// A watch under way.
pub struct Watch {
    interval: Duration,
    followers: Vec<Follower>,
    socket: Option<Socket>,
    connected: bool,
    /// The last attempt to look failed, which was told.
    troubled: bool,
    looked: Instant,
    /// Look again soon.
    soon: bool,
    updates: VecDeque<Update>,
}

impl Watch {
    /// Rebuilds what has been so far, and begins. Afterwards [`next`](Self::next) never fails.
    ///
    /// # Errors
    /// `NotFound` for a council that is not there, `NotInHistory` for a transaction to begin behind, and those of the server.
    pub async fn start(client: &Client, options: WatchOptions) -> Result<Self, ClientError> {
        let mut followers = Vec::new();
        let mut updates = VecDeque::new();
        for council in &options.councils {
            let follower = Follower::start(client, *council, options.since, &mut updates);
            followers.push(follower.await?);
        }
        let commitment = client.rpc.commitment();
        let socket = options
            .websocket
            .map(|url| Socket::open(url, options.councils, commitment));
        Ok(Self {
            interval: options.interval,
            followers,
            socket,
            connected: false,
            troubled: false,
            looked: Instant::now(),
            soon: false,
            updates,
        })
    }

    /// The next thing to tell; waits for it.
    pub async fn next(&mut self) -> Update {
        loop {
            if let Some(update) = self.updates.pop_front() {
                return update;
            }
            self.wait().await;
            if self.updates.is_empty() {
                self.look().await;
            }
        }
    }

    /// The proposals that are open now.
    pub fn open(&self) -> Vec<OpenProposal> {
        self.followers.iter().flat_map(Follower::open).collect()
    }

    /// The gates that are watched, with their councils.
    pub fn gates(&self) -> Vec<(Pubkey, WatchedGate)> {
        self.followers.iter().flat_map(Follower::gates).collect()
    }

    /// The chain's time at the last look.
    pub fn now(&self) -> Option<Now> {
        let now = self.followers.iter().filter_map(|follower| follower.now);
        now.max_by_key(|now| now.timestamp)
    }

    /// Until the socket says something, or it is time to look.
    async fn wait(&mut self) {
        let usual = match self.connected {
            true => self.interval.saturating_mul(SOCKET_FACTOR),
            false => self.interval,
        };
        let deadline = self
            .followers
            .iter()
            .filter_map(Follower::next_deadline)
            .min();
        let pause = match (self.soon, deadline) {
            (true, _) => SHORT_PAUSE,
            (false, Some(deadline)) => usual.min(deadline.max(SHORT_PAUSE)),
            (false, None) => usual,
        };
        // Far enough, where the sum overflows.
        let next = self.looked.checked_add(pause);
        let sleep = async {
            match next {
                Some(next) => tokio::time::sleep_until(next).await,
                None => std::future::pending().await,
            }
        };
        let signal = async {
            match &mut self.socket {
                Some(socket) => socket.next().await,
                None => std::future::pending().await,
            }
        };
        let signal = tokio::select! {
            signal = signal => signal,
            () = sleep => return,
        };
        let source = match signal {
            Signal::Up => Source::WebSocket,
            Signal::Down(reason) => Source::Polling { reason },
            Signal::Changed => return,
        };
        self.connected = source == Source::WebSocket;
        self.updates.push_back(Update::Source(source));
        // What happened meanwhile is to be looked at, however long ago the last look was.
        self.look().await;
    }

    async fn look(&mut self) {
        self.looked = Instant::now();
        self.soon = false;
        let mut failed = None;
        for follower in &mut self.followers {
            match follower.look(&mut self.updates).await {
                Ok(complete) => self.soon |= !complete,
                Err(error) => failed = Some(error),
            }
        }
        let Some(error) = failed else {
            self.troubled = false;
            return;
        };
        if !self.troubled {
            self.troubled = true;
            self.updates.push_back(Update::Trouble {
                reason: error.to_string(),
            });
        }
    }
}
