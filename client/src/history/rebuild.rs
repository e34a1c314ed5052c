//! Replays transactions as far as they can be explained, account by account: what is missing in one gate's chain hides nothing in
//! another's.

use std::collections::BTreeMap;

use solana_sdk::pubkey::Pubkey;

use super::{ExecutedInstruction, ExecutedTransaction, Gap, HistoryEntry, Known, Place, Verdict};
use crate::{
    concerns::{chains, concerns},
    replay::Replay,
};

/// The bytes of an event that say which one it is.
const DISCRIMINATOR: usize = 8;

/// The first event of a chain that the transaction's own logs show otherwise: something before it is missing.
pub(super) struct Doubt {
    sequence: u64,
    at: Place,
    /// The transaction of the event before.
    after: Option<Place>,
}

impl Doubt {
    /// A gap that was noticed later begins here.
    pub(super) fn narrow(&self, gap: &mut Gap) {
        let (first, last) = gap.numbers;
        if self.sequence < first {
            let count = last.saturating_sub(first);
            gap.numbers = (self.sequence, self.sequence.saturating_add(count));
            gap.after = self.after;
            gap.before = Some(self.at);
        }
    }
}

/// Where an account's chain can no longer be explained.
pub(super) struct Stop {
    at: Place,
    reason: String,
    /// The events of the instructions from there on.
    left: u64,
}

impl Stop {
    pub(super) fn verdict(&self, required: u64, found: u64, after: Option<Place>) -> Verdict {
        let missing = required.saturating_sub(found).saturating_sub(self.left);
        if missing == 0 {
            return Verdict::Unexplained {
                required,
                found,
                at: self.at,
                reason: self.reason.clone(),
            };
        }
        Verdict::Gap(Gap {
            required,
            found: required.saturating_sub(missing),
            numbers: (found, found.saturating_add(missing).saturating_sub(1)),
            after,
            before: Some(self.at),
        })
    }
}

/// A replay, and where it stopped.
pub(super) struct Rebuild {
    portcullis: Pubkey,
    pub(super) replay: Replay,
    pub(super) entries: Vec<HistoryEntry>,
    /// By council or gate.
    stops: BTreeMap<Pubkey, Stop>,
    doubts: BTreeMap<Pubkey, Doubt>,
    /// The transaction of each one's last event.
    last: BTreeMap<Pubkey, Place>,
}

impl Rebuild {
    pub(super) fn new(portcullis: Pubkey, councils: impl IntoIterator<Item = Pubkey>) -> Self {
        Self {
            portcullis,
            replay: Replay::of_councils(portcullis, councils),
            entries: Vec::new(),
            stops: BTreeMap::new(),
            doubts: BTreeMap::new(),
            last: BTreeMap::new(),
        }
    }

    /// Replays what can be replayed of a transaction.
    pub(super) fn take(&mut self, transaction: &ExecutedTransaction) {
        for instruction in &transaction.instructions {
            let named = concerns(&self.portcullis, &instruction.data, &instruction.accounts);
            if let Some(stopped) = named.iter().find(|key| self.stops.contains_key(key)) {
                let reason =
                    format!("it follows from what happened to {stopped}, which is not known");
                self.stop(transaction, instruction, &reason);
                continue;
            }
            let fed = self
                .replay
                .feed(&instruction.data, &instruction.accounts, transaction.now);
            match fed {
                Ok(events) => {
                    for entry in events {
                        self.keep(transaction, transaction.entry(entry));
                    }
                }
                Err(error) => self.stop(transaction, instruction, &error.to_string()),
            }
        }
    }

    fn keep(&mut self, transaction: &ExecutedTransaction, entry: HistoryEntry) {
        let after = self.last.insert(entry.account, entry.place());
        let kind = entry.event.bytes.get(..DISCRIMINATOR).unwrap_or_default();
        let shown = |bytes: &Vec<u8>| bytes.starts_with(kind);
        if !entry.emitted && transaction.logged.iter().any(shown) {
            self.doubts.entry(entry.account).or_insert_with(|| Doubt {
                sequence: entry.sequence,
                at: entry.place(),
                after,
            });
        }
        self.entries.push(entry);
    }

    /// What has no event stops nothing: where it matters, the state differs in the end.
    fn stop(
        &mut self,
        transaction: &ExecutedTransaction,
        instruction: &ExecutedInstruction,
        reason: &str,
    ) {
        let chains = chains(
            &self.portcullis,
            &instruction.data,
            &instruction.accounts,
            &transaction.logged,
        );
        for chain in chains {
            let stop = self.stops.entry(chain).or_insert_with(|| Stop {
                at: transaction.place(),
                reason: reason.to_string(),
                left: 0,
            });
            stop.left = stop.left.saturating_add(1);
        }
    }

    /// What is known of each account's chain.
    pub(super) fn known(&self) -> BTreeMap<Pubkey, Known<'_>> {
        let mut known: BTreeMap<Pubkey, Known> = BTreeMap::new();
        for entry in &self.entries {
            let account = known.entry(entry.account).or_default();
            let behind = entry.sequence.saturating_add(1);
            account.heads.insert(behind, entry.head);
        }
        for (account, place) in &self.last {
            known.entry(*account).or_default().last = Some(*place);
        }
        for (account, doubt) in &self.doubts {
            known.entry(*account).or_default().doubt = Some(doubt);
        }
        for (account, stop) in &self.stops {
            known.entry(*account).or_default().stop = Some(stop);
        }
        known
    }
}
