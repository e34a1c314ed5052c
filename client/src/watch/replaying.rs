//! From transactions to what waits to be told, and what the time does meanwhile.

use portcullis::lifecycle::Now;
use solana_sdk::signature::Signature;

use super::{
    follow::{Follower, Pending, Told, DIFFERS},
    scene::{came_at, comes_by_itself, statuses, watched_gate},
    ChainLink, Since, StatusChange, WatchedProposal,
};
use crate::{
    error::ClientError,
    history::{ExecutedTransaction, Verdict},
    replay::{Entry, Replay},
};

/// Transactions that are held at the same time.
const AT_ONCE: usize = 64;

impl Follower {
    /// Replays all there is. `since`: where to begin to tell; `None`: behind what was told. Gives the reason where the transactions
    /// do not explain the accounts.
    pub(super) async fn rebuild(
        &mut self,
        since: Option<Since>,
    ) -> Result<Option<String>, ClientError> {
        let sources = match self.client.sources(&self.council).await {
            Ok(sources) => sources,
            Err(error @ ClientError::TransactionNotFound { .. }) => {
                return Ok(Some(error.to_string()))
            }
            Err(error) => return Err(error),
        };
        let councils = sources.councils.keys().copied();
        self.scene = Replay::of_councils(self.client.portcullis, councils);
        self.pending.clear();
        self.statuses.clear();
        let now = self.now.take();
        let mut before_it = matches!(since, Some(Since::Now | Since::After(_)));
        self.silent = since.is_none() || before_it;
        for signature in sources.order()? {
            if let Some(Some(transaction)) = sources.transactions.get(&signature) {
                if let Err(error) = self.take(transaction) {
                    return Ok(Some(error.to_string()));
                }
            }
            if before_it {
                self.pass_over();
            }
            if since == Some(Since::After(signature)) {
                before_it = false;
                self.hear();
            }
        }
        if let (true, Some(Since::After(signature))) = (before_it, since) {
            return Err(ClientError::NotInHistory { signature });
        }
        self.newest = sources.newest(&self.council);
        if let Some(now) = now {
            self.later(now);
        }
        let found = self.compare().await?;
        if self.silent {
            self.hear();
        }
        // Something may have happened since the lists were read; the next look finds it.
        let explained = matches!(found.worst, Verdict::Verified { .. } | Verdict::Gap(_));
        Ok((!explained).then(|| DIFFERS.to_string()))
    }

    /// From now on, what the time does is told.
    fn hear(&mut self) {
        self.silent = false;
        if let Some(now) = self.now {
            self.statuses = statuses(&self.scene, &self.council, now);
        }
    }

    /// Counts what waits as told.
    fn pass_over(&mut self) {
        for pending in std::mem::take(&mut self.pending) {
            if let Pending::Event(event) = pending {
                self.note_told(&event.chains);
            }
        }
    }

    pub(super) fn note_told(&mut self, chains: &[ChainLink]) {
        for link in chains {
            let told = Told {
                count: link.sequence.saturating_add(1),
                head: link.head,
            };
            self.told.insert(link.account, told);
        }
    }

    /// Fetches and replays the transactions behind the newest one.
    pub(super) async fn take_new(&mut self) -> Result<(), ClientError> {
        for signatures in self.new_signatures().await?.chunks(AT_ONCE) {
            let transactions = self.client.executed_transactions(signatures.to_vec());
            for (signature, transaction) in transactions.await? {
                if let Some(transaction) = transaction {
                    self.take(&transaction)?;
                }
                self.newest = Some(signature);
                // Who goes on is not stuck.
                self.behind_since = None;
            }
        }
        Ok(())
    }

    /// Every instruction on a gate names its council, so the council's list is that of its gates as well.
    pub(super) async fn new_signatures(&self) -> Result<Vec<Signature>, ClientError> {
        let list = self
            .client
            .signatures_of(&self.council, self.newest)
            .await?;
        Ok(list.into_iter().map(|(_, signature)| signature).collect())
    }

    /// Replays a transaction.
    fn take(&mut self, transaction: &ExecutedTransaction) -> Result<(), ClientError> {
        let now = self.later(transaction.now);
        self.pass_time(now);
        for instruction in &transaction.instructions {
            let entries = self
                .scene
                .feed(&instruction.data, &instruction.accounts, transaction.now)
                .map_err(|source| ClientError::Replay {
                    signature: transaction.signature,
                    source,
                })?;
            // One event, in the chains of all that it concerns; the first is the gate's.
            let link = |entry: &Entry| ChainLink {
                account: entry.account,
                sequence: entry.sequence,
                head: entry.head,
            };
            let chains: Vec<ChainLink> = entries.iter().map(link).collect();
            let Some(entry) = entries.into_iter().next() else {
                continue;
            };
            let ours = self.ours();
            let concerns_us = chains.iter().any(|link| ours.contains(&link.account));
            let told = chains.iter().all(|link| {
                let told = self.told.get(&link.account);
                told.is_some_and(|told| link.sequence < told.count)
            });
            let event = self.event(transaction, entry.event, chains, now);
            if let Some(proposal) = &event.proposal {
                match proposal.after {
                    Some(status) => self.statuses.insert(proposal.address, status),
                    None => self.statuses.remove(&proposal.address),
                };
            }
            if concerns_us && !told {
                self.pending.push_back(Pending::Event(Box::new(event)));
            }
        }
        self.pass_time(now);
        Ok(())
    }

    /// The chain's time never goes back here: a transaction may be older than the last look.
    pub(super) fn later(&mut self, now: Now) -> Now {
        let later = match self.now {
            Some(known) if known.timestamp > now.timestamp => known,
            _ => now,
        };
        self.now = Some(later);
        later
    }

    /// Brings the statuses to the time of the last look.
    pub(super) fn settle(&mut self) {
        if let Some(now) = self.now {
            self.pass_time(now);
        }
    }

    /// Notices what has come to another status although no event says so.
    fn pass_time(&mut self, now: Now) {
        if self.silent {
            return;
        }
        let found = statuses(&self.scene, &self.council, now);
        for (address, status) in &found {
            // Where it is not known how it was before, nothing has changed.
            let (Some(before), Some(account)) = (
                self.statuses.get(address).copied(),
                self.scene.proposals.get(address),
            ) else {
                continue;
            };
            if before == *status || !comes_by_itself(*status) {
                continue;
            }
            let change = StatusChange {
                council: self.council,
                gate: watched_gate(&self.scene, &account.terms.parent),
                proposal: WatchedProposal {
                    address: *address,
                    index: account.terms.index,
                    before: Some(before),
                    after: Some(*status),
                    account: Some(*account),
                },
                timestamp: came_at(account, *status, now),
                now,
                unverified: self.unverified.clone(),
            };
            self.pending.push_back(Pending::Status(Box::new(change)));
        }
        self.statuses = found;
    }
}
