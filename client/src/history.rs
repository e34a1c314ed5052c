//! The history of a council and its gates: its transactions are fetched, replayed (see [`replay`](crate::replay)), and the
//! result is compared with the accounts. Events are rebuilt from instructions, not read from logs, so that it is whole even
//! where logs were padded until they were dropped; what the RPC server left out or altered shows as a difference.

use std::collections::{BTreeMap, BTreeSet};

use base64::{engine::general_purpose::STANDARD, Engine};
use portcullis::{
    lifecycle::Now,
    record::Log,
    state::{Council, Gate},
};
use solana_message::compiled_instruction::CompiledInstruction;
use solana_rpc_client_api::request::RpcRequest;
use solana_sdk::{pubkey::Pubkey, signature::Signature};
use solana_transaction_status_client_types::{
    option_serializer::OptionSerializer, EncodedConfirmedTransactionWithStatusMeta, UiInstruction,
    UiLoadedAddresses,
};

use crate::{
    error::ClientError,
    event::{decode_event, Event},
    replay::{Entry, Replay},
    rpc::Client,
};

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

/// What the replay says about an account of the chain.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Verdict {
    /// The account's log head is the one that its transactions give, and so is its state, byte for byte, unless
    /// transactions came after it was read.
    Verified { head: [u8; 32], sequence: u64 },
    /// The server gave fewer transactions than the account has events.
    Gap { required: u64, found: u64 },
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
}

impl History {
    /// Whether all accounts are verified.
    pub fn is_verified(&self) -> bool {
        self.verdicts.values().all(Verdict::is_verified)
    }
}

/// An instruction of Portcullis that was executed, top-level or by CPI.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ExecutedInstruction {
    pub data: Vec<u8>,
    /// The addresses of its accounts, in order.
    pub accounts: Vec<Pubkey>,
}

/// A successful transaction, reduced to what the replay needs.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ExecutedTransaction {
    pub signature: Signature,
    pub now: Now,
    /// Those of Portcullis, in the order of execution.
    pub instructions: Vec<ExecutedInstruction>,
    /// The bytes that `Program data:` lines show.
    pub logged: BTreeSet<Vec<u8>>,
}

impl ExecutedTransaction {
    /// Replays the transaction.
    ///
    /// # Errors
    /// `Replay`.
    pub fn replay(&self, replay: &mut Replay) -> Result<Vec<HistoryEntry>, ClientError> {
        let mut entries = Vec::new();
        for instruction in &self.instructions {
            let events = replay
                .feed(&instruction.data, &instruction.accounts, self.now)
                .map_err(|source| ClientError::Replay {
                    signature: self.signature,
                    source,
                })?;
            entries.extend(events.into_iter().map(|entry| self.entry(entry)));
        }
        Ok(entries)
    }

    fn entry(&self, entry: Entry) -> HistoryEntry {
        HistoryEntry {
            account: entry.account,
            sequence: entry.sequence,
            head: entry.head,
            signature: self.signature,
            slot: self.now.slot,
            timestamp: self.now.timestamp,
            emitted: self.logged.contains(&entry.event.bytes),
            event: entry.event,
        }
    }
}

/// The clock that a transaction's programs saw. Its slot is the transaction's. Its time is the block's: validators report the
/// Clock sysvar's `unix_timestamp` of the bank (Agave 4.2), and this project's localnet does the same. A server that has lost
/// the block's time may still have the logs, and every event ends with its time. Neither is trusted: with another time the
/// log's head comes out different.
fn clock(slot: u64, block_time: Option<i64>, logged: &BTreeSet<Vec<u8>>) -> Option<Now> {
    let from_logs = || {
        logged
            .iter()
            .find_map(|bytes| decode_event(bytes)?.fields.get("timestamp")?.as_i64())
    };
    Some(Now {
        timestamp: block_time.or_else(from_logs)?,
        slot,
    })
}

/// What `Program data:` lines show.
fn logged_data(logs: &[String]) -> BTreeSet<Vec<u8>> {
    logs.iter()
        .filter_map(|log| STANDARD.decode(log.strip_prefix("Program data: ")?).ok())
        .collect()
}

/// Takes a transaction apart as the server gave it: Portcullis's instructions, each top-level one before those that it called.
/// `None` for a transaction that failed.
///
/// # Errors
/// `BadAnswer` where the answer is not whole.
pub fn decode_transaction(
    portcullis: &Pubkey,
    signature: Signature,
    encoded: EncodedConfirmedTransactionWithStatusMeta,
) -> Result<Option<ExecutedTransaction>, ClientError> {
    let bad = |reason: &str| ClientError::BadAnswer {
        request: RpcRequest::GetTransaction.as_str().into(),
        reason: format!("transaction {signature}: {reason}"),
    };
    let meta = encoded
        .transaction
        .meta
        .ok_or_else(|| bad("without metadata"))?;
    if meta.err.is_some() {
        return Ok(None);
    }
    let transaction = encoded
        .transaction
        .transaction
        .decode()
        .ok_or_else(|| bad("cannot be decoded"))?;
    if transaction.signatures.first() != Some(&signature) {
        return Err(bad("is another one"));
    }

    let loaded = match meta.loaded_addresses {
        OptionSerializer::Some(loaded) => loaded,
        _ => UiLoadedAddresses::default(),
    };
    let mut keys = transaction.message.static_account_keys().to_vec();
    // Addresses from lookup tables follow the static ones, the writable first (solana-message 4, `AccountKeys`).
    for address in loaded.writable.iter().chain(&loaded.readonly) {
        keys.push(
            address
                .parse()
                .map_err(|_| bad("an address is malformed"))?,
        );
    }
    let mut inner: BTreeMap<usize, Vec<CompiledInstruction>> = BTreeMap::new();
    let OptionSerializer::Some(lists) = meta.inner_instructions else {
        return Err(bad("without inner instructions"));
    };
    for list in lists {
        let place = inner.entry(usize::from(list.index)).or_default();
        for instruction in list.instructions {
            let UiInstruction::Compiled(instruction) = instruction else {
                return Err(bad("an inner instruction is not in compiled form"));
            };
            place.push(CompiledInstruction {
                program_id_index: instruction.program_id_index,
                accounts: instruction.accounts,
                data: bs58::decode(&instruction.data)
                    .into_vec()
                    .map_err(|_| bad("an inner instruction's data is malformed"))?,
            });
        }
    }

    let mut instructions = Vec::new();
    for (index, outer) in transaction.message.instructions().iter().enumerate() {
        let called = inner.remove(&index).unwrap_or_default();
        for instruction in [outer].into_iter().chain(&called) {
            let program = keys
                .get(usize::from(instruction.program_id_index))
                .ok_or_else(|| bad("an instruction's program is missing"))?;
            if program != portcullis {
                continue;
            }
            let accounts = instruction
                .accounts
                .iter()
                .map(|index| keys.get(usize::from(*index)).copied())
                .collect::<Option<_>>()
                .ok_or_else(|| bad("an instruction's account is missing"))?;
            instructions.push(ExecutedInstruction {
                data: instruction.data.clone(),
                accounts,
            });
        }
    }
    let logs = match meta.log_messages {
        OptionSerializer::Some(logs) => logs,
        _ => Vec::new(),
    };
    let logged = logged_data(&logs);
    Ok(Some(ExecutedTransaction {
        signature,
        now: clock(encoded.slot, encoded.block_time, &logged)
            .ok_or_else(|| bad("without a block time"))?,
        instructions,
        logged,
    }))
}

fn verdict<T: bytemuck::Pod>(
    found: Option<&T>,
    replayed: Option<&T>,
    log: impl Fn(&T) -> Log,
    heads: &BTreeMap<u64, [u8; 32]>,
) -> Verdict {
    let Some(found) = found else {
        return Verdict::Missing;
    };
    let Log { head, sequence } = log(found);
    let count = replayed.map_or(0, |replayed| log(replayed).sequence);
    if count < sequence {
        return Verdict::Gap {
            required: sequence,
            found: count,
        };
    }
    // No event, no head: zeros.
    let computed = heads.get(&sequence).copied().unwrap_or_default();
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

impl Client {
    /// Rebuilds the history of a council and its gates, and compares it with the accounts. Where a gate has moved or was adopted
    /// again by another council, that one's history is part of it.
    ///
    /// # Errors
    /// `Replay`, `BadAnswer` and `TransactionNotFound` where the server's history is not whole; `NotFound` where there is no
    /// such council. That the accounts differ from the history is no error but a [`Verdict`].
    pub async fn history(&self, council: &Pubkey) -> Result<History, ClientError> {
        match self.try_history(council).await {
            // What happened while the accounts were read one after the other may not fit together.
            Ok(history) if history.is_verified() => Ok(history),
            Err(error) if !matches!(error, ClientError::Replay { .. }) => Err(error),
            _ => self.try_history(council).await,
        }
    }

    async fn try_history(&self, council: &Pubkey) -> Result<History, ClientError> {
        self.fetch_council(council).await?;
        let sources = self.sources(council).await?;
        let mut replay = Replay::of_councils(self.portcullis, sources.councils.keys().copied());
        let mut entries = Vec::new();
        for signature in sources.order()? {
            if let Some(Some(transaction)) = sources.transactions.get(&signature) {
                entries.extend(transaction.replay(&mut replay)?);
            }
        }
        let mut verdicts = BTreeMap::new();
        for (address, council) in &sources.councils {
            let log = |council: &Council| council.log;
            let heads = heads(&entries, address);
            let replayed = replay.councils.get(address);
            verdicts.insert(*address, verdict(Some(council), replayed, log, &heads));
        }
        let gates: BTreeSet<Pubkey> = sources
            .gates
            .keys()
            .chain(replay.gates.keys())
            .copied()
            .collect();
        for address in gates {
            let log = |gate: &Gate| gate.log;
            let heads = heads(&entries, &address);
            let (found, replayed) = (sources.gates.get(&address), replay.gates.get(&address));
            verdicts.insert(address, verdict(found, replayed, log, &heads));
        }
        Ok(History {
            entries,
            verdicts,
            replay,
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

/// The heads that the chain of an account has had, by the number of events behind each.
fn heads(entries: &[HistoryEntry], account: &Pubkey) -> BTreeMap<u64, [u8; 32]> {
    entries
        .iter()
        .filter(|entry| entry.account == *account)
        .map(|entry| (entry.sequence.saturating_add(1), entry.head))
        .collect()
}
