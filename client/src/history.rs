//! The history of a council and its gates: its transactions are fetched, replayed (see [`replay`](crate::replay)), and the
//! result is compared with the accounts. Events are rebuilt from instructions, not read from logs, so that it is whole even
//! where logs were padded until they were dropped; what the RPC server left out or altered shows as a difference.

mod rebuild;
mod transaction;

use std::collections::{BTreeMap, BTreeSet};

use portcullis::{
    record::Log,
    state::{Council, Gate},
};
use solana_account::Account;
use solana_sdk::{pubkey::Pubkey, signature::Signature};

use self::rebuild::{Doubt, Rebuild, Stop};
pub use self::transaction::{decode_transaction, ExecutedInstruction, ExecutedTransaction};
use crate::{account::decode_owned, error::ClientError, event::Event, replay::Replay, rpc::Client};

/// A transaction in the ledger.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Place {
    pub signature: Signature,
    pub slot: u64,
}

/// Events that an account has recorded, and that the server's transactions do not give.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Gap {
    /// Events that the account has recorded.
    pub required: u64,
    /// Those that the transactions give.
    pub found: u64,
    /// The first and the last of the missing numbers, from 0. What is missing can be noticed late: they may be earlier ones, on which
    /// nothing up to here depends.
    pub numbers: (u64, u64),
    /// The last transaction that could still be explained; none: not even the first.
    pub after: Option<Place>,
    /// The transaction that cannot be explained; none: the missing events may be later than all that the server gives.
    pub before: Option<Place>,
}

/// An event, and the transaction that it is from.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct HistoryEntry {
    /// The council or gate whose chain it is in.
    pub account: Pubkey,
    /// Its place in that chain, from 0.
    pub sequence: u64,
    /// The chain's head after it.
    pub head: [u8; 32],
    pub signature: Signature,
    pub slot: u64,
    /// Unix seconds.
    pub timestamp: i64,
    pub event: Event,
    /// The transaction's logs still show the event.
    pub emitted: bool,
}

impl HistoryEntry {
    /// The transaction that it is from.
    pub fn place(&self) -> Place {
        Place {
            signature: self.signature,
            slot: self.slot,
        }
    }
}

/// What the replay says about an account of the chain.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Verdict {
    /// The account's log head is the one that its transactions give, and so is its state, byte for byte, unless
    /// transactions came after it was read.
    Verified { head: [u8; 32], sequence: u64 },
    /// The server gave fewer transactions than the account has events.
    Gap(Gap),
    /// None are missing by their number, but one cannot be explained, and those behind it were not looked at.
    Unexplained {
        required: u64,
        /// Those before it.
        found: u64,
        at: Place,
        reason: String,
    },
    /// Events are missing, altered or added, although their number is right.
    HeadDiffers {
        sequence: u64,
        required: [u8; 32],
        found: [u8; 32],
    },
    /// The log is right, the rest of the account is not what its transactions give.
    StateDiffers,
    /// There is no such account, although its transactions say that there must be.
    Missing,
}

impl Verdict {
    /// Whether nothing is missing or altered.
    pub fn is_verified(&self) -> bool {
        matches!(self, Self::Verified { .. })
    }
}

/// The whole history of a council and its gates.
#[derive(Clone, Debug)]
pub struct History {
    /// Oldest first.
    pub entries: Vec<HistoryEntry>,
    /// For the council, and each of its gates.
    pub verdicts: BTreeMap<Pubkey, Verdict>,
    /// The state that the transactions give, proposals included.
    pub replay: Replay,
    /// The newest transaction that names the council, whether or not it has an event.
    pub newest: Option<Signature>,
}

impl History {
    /// Whether all accounts are verified.
    pub fn is_verified(&self) -> bool {
        self.verdicts.values().all(Verdict::is_verified)
    }
}

/// What an account's log shows beside what was rebuilt.
fn verdict<T: bytemuck::Pod>(
    found: Option<&T>,
    replayed: Option<&T>,
    log: impl Fn(&T) -> Log,
    known: &Known,
) -> Verdict {
    let mut verdict = plain_verdict(found, replayed, log, known);
    if let (Verdict::Gap(gap), Some(doubt)) = (&mut verdict, known.doubt) {
        doubt.narrow(gap);
    }
    verdict
}

fn plain_verdict<T: bytemuck::Pod>(
    found: Option<&T>,
    replayed: Option<&T>,
    log: impl Fn(&T) -> Log,
    known: &Known,
) -> Verdict {
    let Some(found) = found else {
        return Verdict::Missing;
    };
    let Log { head, sequence } = log(found);
    let count = replayed.map_or(0, |replayed| log(replayed).sequence);
    if let Some(stop) = known.stop {
        return stop.verdict(sequence, count, known.last);
    }
    if count < sequence {
        return Verdict::Gap(Gap {
            required: sequence,
            found: count,
            numbers: (count, sequence.saturating_sub(1)),
            after: known.last,
            before: None,
        });
    }
    // No event, no head: zeros.
    let computed = known.heads.get(&sequence).copied().unwrap_or_default();
    if computed != head {
        return Verdict::HeadDiffers {
            sequence,
            required: head,
            found: computed,
        };
    }
    let same = |replayed: &T| bytemuck::bytes_of(replayed) == bytemuck::bytes_of(found);
    if count == sequence && !replayed.is_some_and(same) {
        return Verdict::StateDiffers;
    }
    Verdict::Verified { head, sequence }
}

/// What was rebuilt of an account's chain.
#[derive(Default)]
struct Known<'a> {
    /// By the number of events behind each.
    heads: BTreeMap<u64, [u8; 32]>,
    /// The transaction of the last event.
    last: Option<Place>,
    stop: Option<&'a Stop>,
    doubt: Option<&'a Doubt>,
}

impl Client {
    /// What an account shows beside a replay, whose chain may have had `heads` by the number of events behind each.
    ///
    /// # Errors
    /// Where the account is neither a council nor a gate.
    pub(crate) fn verdict_of(
        &self,
        replay: &Replay,
        address: &Pubkey,
        account: Option<&Account>,
        mut heads: BTreeMap<u64, [u8; 32]>,
    ) -> Result<Verdict, ClientError> {
        let mut known = |log: Option<Log>| {
            heads.extend(log.map(|log| (log.sequence, log.head)));
            Known {
                heads: std::mem::take(&mut heads),
                ..Known::default()
            }
        };
        if let Some(gate) = replay.gates.get(address) {
            let found = account.map(|account| decode_owned(&self.portcullis, address, account));
            let known = known(Some(gate.log));
            let log = |gate: &Gate| gate.log;
            return Ok(verdict(
                found.transpose()?.as_ref(),
                Some(gate),
                log,
                &known,
            ));
        }
        let council = replay.councils.get(address);
        let found = account.map(|account| decode_owned(&self.portcullis, address, account));
        let known = known(council.map(|council| council.log));
        let log = |council: &Council| council.log;
        Ok(verdict(found.transpose()?.as_ref(), council, log, &known))
    }

    /// Rebuilds the history of a council and its gates, and compares it with the accounts. Where a gate has moved or was adopted
    /// again by another council, that one's history is part of it.
    ///
    /// # Errors
    /// `BadAnswer`; `TransactionNotFound` where the server lists a transaction that it does not keep; `NotFound` where there is no such
    /// council. That the history is not whole, or differs from the accounts, is no error but a [`Verdict`].
    pub async fn history(&self, council: &Pubkey) -> Result<History, ClientError> {
        let history = self.try_history(council).await?;
        if history.is_verified() {
            return Ok(history);
        }
        // What happened while the accounts were read one after the other may not fit together.
        self.try_history(council).await
    }

    async fn try_history(&self, council: &Pubkey) -> Result<History, ClientError> {
        self.fetch_council(council).await?;
        let sources = self.sources(council).await?;
        let councils = sources.councils.keys().copied();
        let mut rebuild = Rebuild::new(self.portcullis, councils);
        for signature in sources.order()? {
            if let Some(Some(transaction)) = sources.transactions.get(&signature) {
                rebuild.take(transaction);
            }
        }
        let newest = sources.newest(council);
        let known = rebuild.known();
        let replay = &rebuild.replay;
        let nothing = Known::default();
        let known = |address: &Pubkey| known.get(address).unwrap_or(&nothing);
        let mut verdicts = BTreeMap::new();
        for (address, council) in &sources.councils {
            let log = |council: &Council| council.log;
            let replayed = replay.councils.get(address);
            verdicts.insert(
                *address,
                verdict(Some(council), replayed, log, known(address)),
            );
        }
        let gates: BTreeSet<Pubkey> = sources
            .gates
            .keys()
            .chain(replay.gates.keys())
            .copied()
            .collect();
        for address in gates {
            let log = |gate: &Gate| gate.log;
            let (found, replayed) = (sources.gates.get(&address), replay.gates.get(&address));
            verdicts.insert(address, verdict(found, replayed, log, known(&address)));
        }
        Ok(History {
            entries: rebuild.entries,
            verdicts,
            replay: rebuild.replay,
            newest,
        })
    }

    /// A transaction, taken apart; `None` where it failed.
    ///
    /// # Errors
    /// `TransactionNotFound`, `BadAnswer`.
    pub async fn executed_transaction(
        &self,
        signature: Signature,
    ) -> Result<Option<ExecutedTransaction>, ClientError> {
        let encoded = self.fetch_transaction(&signature).await?;
        decode_transaction(&self.portcullis, signature, encoded)
    }
}
