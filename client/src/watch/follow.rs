//! One council with its gates: from transactions to events that are proven.

use std::{
    collections::{BTreeMap, BTreeSet, VecDeque},
    time::Duration,
};

use portcullis::lifecycle::Now;
use solana_sdk::{pubkey::Pubkey, signature::Signature};
use tokio::time::Instant;

use super::{
    scene::{next_deadline, watched_gate, Statuses},
    ChainLink, OpenProposal, Since, StatusChange, Update, WatchedEvent, WatchedGate,
};
use crate::{
    error::ClientError,
    history::{Gap, Verdict},
    replay::Replay,
    rpc::Client,
};

/// A server's list of transactions may be behind its accounts for so long, before that counts as a gap.
const PATIENCE: Duration = Duration::from_secs(10);

/// What waits to be told, in order.
pub(super) enum Pending {
    Event(Box<WatchedEvent>),
    Status(Box<StatusChange>),
}

/// How far an account's chain was told.
#[derive(Clone, Copy, Default)]
pub(super) struct Told {
    pub(super) count: u64,
    pub(super) head: [u8; 32],
}

impl Told {
    /// One of several servers can be behind what another one has shown before.
    fn judge(self, verdict: Verdict) -> Verdict {
        match verdict {
            Verdict::HeadDiffers { sequence, .. } if sequence < self.count => Verdict::Gap(Gap {
                required: self.count,
                found: sequence,
                numbers: (sequence, self.count.saturating_sub(1)),
                after: None,
                before: None,
            }),
            verdict => verdict,
        }
    }
}

pub(super) struct Follower {
    pub(super) client: Client,
    pub(super) council: Pubkey,
    /// Councils, gates and proposals: rebuilt, or where that is not possible as the server shows them.
    pub(super) scene: Replay,
    /// Why the scene is not proven.
    pub(super) unverified: Option<String>,
    /// The newest transaction that was looked at.
    pub(super) newest: Option<Signature>,
    /// The newest one of which, and of all before it, everything was told; and those behind it of which something was.
    settled: Option<Signature>,
    pub(super) told_since: BTreeSet<Signature>,
    /// By council or gate. What is older than the watch counts as told.
    pub(super) told: BTreeMap<Pubkey, Told>,
    pub(super) pending: VecDeque<Pending>,
    pub(super) statuses: Statuses,
    /// The chain's time at the last look.
    pub(super) now: Option<Now>,
    /// The past is being replayed: what the time alone did is passed over.
    pub(super) silent: bool,
    /// Since when the accounts say more than the transactions.
    pub(super) behind_since: Option<Instant>,
}

impl Follower {
    pub(super) async fn start(
        client: &Client,
        council: Pubkey,
        since: Since,
        updates: &mut VecDeque<Update>,
    ) -> Result<Self, ClientError> {
        client.fetch_council(&council).await?;
        let mut follower = Self {
            client: client.clone(),
            council,
            scene: Replay::default(),
            unverified: None,
            newest: None,
            settled: None,
            told_since: BTreeSet::new(),
            told: BTreeMap::new(),
            pending: VecDeque::new(),
            statuses: Statuses::new(),
            now: None,
            silent: false,
            behind_since: None,
        };
        let mut broken = follower.rebuild(Some(since)).await?;
        if broken.is_some() {
            // What happened while the accounts were read one after the other may not fit together.
            broken = follower.rebuild(Some(since)).await?;
        }
        if let Some(reason) = broken {
            follower.settled = follower.place_before(since).await?;
            follower.give_up_proof(reason, updates);
        }
        follower.look(updates).await?;
        Ok(follower)
    }

    pub(super) fn gates(&self) -> Vec<(Pubkey, WatchedGate)> {
        let gate = |address: &Pubkey| Some((self.council, watched_gate(&self.scene, address)?));
        self.ours().iter().filter_map(gate).collect()
    }

    pub(super) fn open(&self) -> Vec<OpenProposal> {
        let open = self.statuses.iter().filter(|(_, s)| !s.is_ended());
        let proposal = |(address, status): (&Pubkey, &_)| {
            let account = *self.scene.proposals.get(address)?;
            Some(OpenProposal {
                council: self.council,
                gate: watched_gate(&self.scene, &account.terms.parent),
                status: *status,
                account,
            })
        };
        open.filter_map(proposal).collect()
    }

    pub(super) fn next_deadline(&self) -> Option<Duration> {
        next_deadline(&self.scene, &self.statuses, self.now?)
    }

    /// The council and its gates.
    pub(super) fn ours(&self) -> Vec<Pubkey> {
        let gates = self.scene.gates.iter();
        let of_this_council = gates.filter(|(_, gate)| gate.council == self.council);
        let mut ours = vec![self.council];
        ours.extend(of_this_council.map(|(address, _)| *address));
        ours
    }

    /// Looks at the chain. `false` where it did not show all yet.
    pub(super) async fn look(
        &mut self,
        updates: &mut VecDeque<Update>,
    ) -> Result<bool, ClientError> {
        if self.unverified.is_some() {
            self.look_unverified(updates).await?;
            return Ok(true);
        }
        let mut found = self.compare().await?;
        let mut late = None;
        if !found.worst.is_verified() {
            match self.take_new().await {
                Ok(()) => {}
                Err(error @ ClientError::Replay { .. }) => {
                    return self.mend(error.to_string(), updates).await
                }
                // It can take a moment until a server gives what it lists.
                Err(error @ ClientError::TransactionNotFound { .. }) => {
                    late = Some(error.to_string());
                }
                Err(error) => return Err(error),
            }
            found = self.compare().await?;
        }
        self.settle();
        self.tell(&found.verified, updates);
        let reason = match found.worst {
            Verdict::Verified { .. } => {
                self.behind_since = None;
                return Ok(self.pending.is_empty());
            }
            Verdict::Gap(gap) => late.unwrap_or(format!(
                "{} events are recorded, the server's transactions give {}",
                gap.required, gap.found
            )),
            _ => return self.mend(DIFFERS.to_string(), updates).await,
        };
        let since = self.behind_since.get_or_insert_with(Instant::now);
        if since.elapsed() < PATIENCE {
            return Ok(false);
        }
        self.mend(reason, updates).await
    }

    /// Begins anew from the first transaction; what was told is not told again.
    async fn mend(
        &mut self,
        reason: String,
        updates: &mut VecDeque<Update>,
    ) -> Result<bool, ClientError> {
        tracing::info!(%reason, "rebuilding the history");
        let statuses = std::mem::take(&mut self.statuses);
        let broken = self.rebuild(None).await;
        // Also where the server did not answer half-way.
        self.statuses = statuses;
        self.silent = false;
        if let Some(found) = broken? {
            self.give_up_proof(found, updates);
            return Ok(false);
        }
        let found = self.compare().await?;
        self.settle();
        self.tell(&found.verified, updates);
        let still_behind = matches!(found.worst, Verdict::Gap(_));
        if still_behind
            && self
                .behind_since
                .is_some_and(|since| since.elapsed() >= PATIENCE)
        {
            self.give_up_proof(reason, updates);
        }
        Ok(!still_behind)
    }

    /// From now on events are what the logs say, beginning behind what was told.
    fn give_up_proof(&mut self, reason: String, updates: &mut VecDeque<Update>) {
        self.newest = self.settled;
        self.pending.clear();
        self.silent = false;
        self.unverified = Some(reason.clone());
        updates.push_back(Update::Unverified {
            council: self.council,
            reason,
        });
    }

    /// Compares the accounts with the replay so far, and reads the clock beside them.
    pub(super) async fn compare(&mut self) -> Result<Compared, ClientError> {
        let ours = self.ours();
        // Of gates that have another council by now only what waits is of interest.
        let waiting = self.pending.iter().flat_map(Pending::chains);
        let others: BTreeSet<Pubkey> = waiting
            .map(|link| link.account)
            .filter(|account| self.scene.gates.contains_key(account) && !ours.contains(account))
            .collect();
        let all: Vec<Pubkey> = ours.iter().chain(&others).copied().collect();
        let (accounts, now) = self.client.accounts_and_clock(&all).await?;
        self.later(now);
        let mut compared = Compared {
            // Of nothing; the council itself is always there.
            worst: Verdict::Verified {
                head: [0; 32],
                sequence: 0,
            },
            verified: BTreeMap::new(),
        };
        for (address, account) in all.iter().zip(&accounts) {
            let told = self.told.get(address).copied().unwrap_or_default();
            // The heads that the account may have: what was told, and what waits.
            let mut heads = BTreeMap::from([(told.count, told.head)]);
            let waiting = self.pending.iter().flat_map(Pending::chains);
            let waiting = waiting.filter(|link| link.account == *address);
            heads.extend(waiting.map(|link| (link.sequence.saturating_add(1), link.head)));
            let verdict = self
                .client
                .verdict_of(&self.scene, address, account.as_ref(), heads)?;
            if let Verdict::Verified { sequence, .. } = verdict {
                compared.verified.insert(*address, sequence);
            }
            if !others.contains(address) {
                compared.add(told.judge(verdict));
            }
        }
        Ok(compared)
    }

    /// Hands out what waits, as far as the accounts have the heads that the replay gives.
    fn tell(&mut self, verified: &BTreeMap<Pubkey, u64>, updates: &mut VecDeque<Update>) {
        let ours = self.ours();
        while let Some(next) = self.pending.pop_front() {
            let mut event = match next {
                Pending::Status(change) => {
                    // It follows from the gate and the council.
                    let gate = change.gate.map_or(self.council, |gate| gate.address);
                    if ![gate, self.council]
                        .iter()
                        .all(|key| verified.contains_key(key))
                    {
                        self.pending.push_front(Pending::Status(change));
                        return;
                    }
                    updates.push_back(Update::Status(change));
                    continue;
                }
                Pending::Event(event) => event,
            };
            let proves = |link: &ChainLink| {
                let count = verified.get(&link.account);
                count.is_some_and(|count| link.sequence < *count)
            };
            let waits = |link: &ChainLink| ours.contains(&link.account) && !proves(link);
            if event.chains.iter().any(waits) {
                self.pending.push_front(Pending::Event(event));
                return;
            }
            if !event.chains.iter().any(proves) {
                event.unverified = Some("its gate has another council by now".to_string());
            }
            self.note_told(&event.chains);
            self.told_since.insert(event.signature);
            updates.push_back(Update::Event(event));
        }
        self.settled = self.newest;
        self.told_since.clear();
    }
}

pub(super) const DIFFERS: &str = "the transactions do not give the state that the accounts have";

impl Pending {
    fn chains(&self) -> &[ChainLink] {
        match self {
            Self::Event(event) => &event.chains,
            Self::Status(_) => &[],
        }
    }
}

/// What the accounts say about a replay.
pub(super) struct Compared {
    pub(super) worst: Verdict,
    /// How many events of an account's chain are proven.
    pub(super) verified: BTreeMap<Pubkey, u64>,
}

impl Compared {
    /// A gap may close; what differs will not.
    fn add(&mut self, verdict: Verdict) {
        let rank = |verdict: &Verdict| match verdict {
            Verdict::Verified { .. } => 0,
            Verdict::Gap(_) => 1,
            _ => 2,
        };
        if rank(&verdict) > rank(&self.worst) {
            self.worst = verdict;
        }
    }
}
