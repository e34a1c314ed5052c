//! Transactions, taken apart.

use std::collections::{BTreeMap, BTreeSet};

use base64::{engine::general_purpose::STANDARD, Engine};
use portcullis::lifecycle::Now;
use solana_message::compiled_instruction::CompiledInstruction;
use solana_rpc_client_api::request::RpcRequest;
use solana_sdk::{pubkey::Pubkey, signature::Signature};
use solana_transaction_status_client_types::{
    option_serializer::OptionSerializer, EncodedConfirmedTransactionWithStatusMeta, UiInstruction,
    UiLoadedAddresses,
};

use super::{HistoryEntry, Place};
use crate::{
    error::ClientError,
    event::decode_event,
    replay::{Entry, Replay},
};

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

    /// Where it is in the ledger.
    pub fn place(&self) -> Place {
        Place {
            signature: self.signature,
            slot: self.now.slot,
        }
    }

    pub(super) fn entry(&self, entry: Entry) -> HistoryEntry {
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
    let bad = |reason: &str| {
        let reason = format!("transaction {signature}: {reason}");
        ClientError::bad_answer(RpcRequest::GetTransaction, reason)
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
