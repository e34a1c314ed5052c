//! Variations of what succeeded: without a signature, with another account in place of one, with other numbers, later. Users seldom
//! try these, so the recorded transactions alone do not show that a check is gone, or what waits behind one.

mod change;
mod constants;
#[cfg(test)]
mod tests;

pub(crate) use {change::Change, constants::Constants};

use std::collections::{BTreeMap, BTreeSet};

use super::bundle::StoredAccount;
use change::{changes, vary, Scene, Varied};
use solana_sdk::{
    account::{Account, AccountSharedData},
    instruction::{AccountMeta, Instruction},
    message::{Message, VersionedMessage},
    pubkey::Pubkey,
    signature::Signature,
    transaction::VersionedTransaction,
};

/// Signs, pays and owns what nobody in the recorded transactions does.
pub(crate) const STRANGER: Pubkey = Pubkey::new_from_array(*b"nobody in any recorded bundle...");
/// Where a copy of an account is put.
const TWIN: Pubkey = Pubkey::new_from_array(*b"a copy of some account of it....");
const FUNDS: u64 = 1_000_000_000_000;
/// How often the same is tried of an instruction, with other transactions.
const EACH: u8 = 2;
/// The most that are tried in a run, and of one transaction.
const MOST: usize = 5_000;
const MOST_OF_ONE: usize = 128;
/// The most that begin with other bytes, which tell instructions apart.
const MOST_STARTS: usize = 2_048;
/// The most accounts of a transaction that is varied: with those that are added there must be less than 256.
const MOST_KEYS: usize = 250;
/// The most bytes of copied accounts in a run: they wait for the proposed program.
const MOST_COPIED: usize = 64 << 20;
/// Calls of an instruction that others are tried behind.
const EARLIER: usize = 2;
/// And of all instructions.
const MOST_EARLIER: usize = 32;

/// A variation of a transaction.
#[derive(Clone, Debug)]
pub(crate) struct Probe {
    pub change: Change,
    /// Where the instruction that was varied stood in the transaction.
    pub place: usize,
    /// The data of the instruction that was varied, as it is now.
    pub data: Vec<u8>,
    /// The data of the one before it, where the change is that there is one.
    pub earlier: Option<Vec<u8>>,
    pub transaction: VersionedTransaction,
    /// What must be there beside the state before the transaction.
    pub accounts: Vec<StoredAccount>,
}

/// Who pays where the payer is not to sign.
pub(crate) fn stranger() -> StoredAccount {
    let account = Account {
        lamports: FUNDS,
        ..Account::default()
    };
    StoredAccount::new(STRANGER, Some(&account))
}

/// Makes probes, a few of each sort.
pub(crate) struct Prober {
    program: Pubkey,
    /// Bytes that tell instructions apart.
    discriminator: usize,
    constants: Constants,
    /// The first of each instruction with different data.
    earlier: Vec<Instruction>,
    /// How often, by the instruction.
    tried: BTreeMap<(Vec<u8>, Change), u8>,
    total: usize,
    starts: usize,
    /// Bytes of accounts.
    copied: usize,
}

impl Prober {
    pub fn new(program: Pubkey, discriminator: usize, constants: Constants) -> Self {
        Self {
            program,
            discriminator,
            constants,
            earlier: Vec::new(),
            tried: BTreeMap::new(),
            total: 0,
            starts: 0,
            copied: 0,
        }
    }

    /// The probes of a transaction that succeeded, and wrote `written`. `keys` are its accounts with those looked up, `account`
    /// gives the state before.
    pub fn probes(
        &mut self,
        message: &VersionedMessage,
        keys: &[Pubkey],
        account: impl Fn(&Pubkey) -> Option<Account>,
        written: &[(Pubkey, AccountSharedData)],
    ) -> Vec<Probe> {
        let Some(instructions) = instructions(message, keys) else {
            return Vec::new();
        };
        let Some(payer) = keys.first().filter(|_| keys.len() <= MOST_KEYS) else {
            return Vec::new();
        };
        let earlier = self.earlier.clone();
        let scene = Scene {
            program: &self.program.clone(),
            payer,
            discriminator: self.discriminator,
            earlier: &earlier,
            account: &account,
            written,
        };
        let mut probes = Vec::new();
        for (place, instruction) in instructions.iter().enumerate() {
            if instruction.program_id != self.program {
                continue;
            }
            let start = self.start(instruction);
            let ways = changes(instruction, start.len(), earlier.len(), &self.constants);
            for change in ways {
                if probes.len() >= MOST_OF_ONE || self.total >= MOST {
                    break;
                }
                let probe = self.probe(&start, change, &instructions, place, &scene);
                self.total = self.total.saturating_add(usize::from(probe.is_some()));
                probes.extend(probe);
            }
            // What another instruction does depends less on the rest of the data than on which accounts there are.
            let accounts = instruction.accounts.len().to_le_bytes();
            for change in self.other_starts() {
                if self.starts >= MOST_STARTS {
                    break;
                }
                let probe = self.probe(&accounts, change, &instructions, place, &scene);
                self.starts = self.starts.saturating_add(usize::from(probe.is_some()));
                probes.extend(probe);
            }
            self.keep(instruction);
        }
        probes
    }

    /// By what an instruction is told apart.
    fn start(&self, instruction: &Instruction) -> Vec<u8> {
        let start = instruction.data.get(..self.discriminator);
        start.unwrap_or(&instruction.data).to_vec()
    }

    /// Instructions that the proposed program may have: of one byte all, of eight those that it holds.
    fn other_starts(&self) -> Vec<Change> {
        let starts: Vec<u64> = match self.discriminator {
            1 => (0..=u64::from(u8::MAX)).collect(),
            _ => self.constants.starts.clone(),
        };
        let is_known = |start: &u64| {
            let start = start.to_le_bytes();
            let start = start.get(..self.discriminator).unwrap_or_default();
            let mut earlier = self.earlier.iter();
            earlier.any(|earlier| earlier.data.starts_with(start))
        };
        let new = starts.into_iter().filter(|start| !is_known(start));
        new.map(Change::Start).collect()
    }

    /// One variation, if it was not tried often enough. `sort` is what is meant by the same.
    fn probe(
        &mut self,
        sort: &[u8],
        change: Change,
        instructions: &[Instruction],
        place: usize,
        scene: &Scene,
    ) -> Option<Probe> {
        let sort = (sort.to_vec(), change);
        if self.tried.get(&sort).is_some_and(|tried| *tried >= EACH) {
            return None;
        }
        let mut varied = instructions.to_vec();
        let Varied { payer, accounts } = vary(&mut varied, place, change, scene)?;
        let bytes = accounts.iter().map(|account| account.data.len());
        let copied = bytes.fold(self.copied, usize::saturating_add);
        if copied > MOST_COPIED {
            return None;
        }
        self.copied = copied;
        let tried = self.tried.entry(sort).or_default();
        *tried = tried.saturating_add(1);
        let (at, earlier) = match change {
            Change::After(earlier) => (place.saturating_add(1), scene.earlier.get(earlier)),
            Change::Start(_) => (0, None),
            _ => (place, None),
        };
        let data = &varied.get(at)?.data;
        Some(Probe {
            change,
            place,
            data: data.clone(),
            earlier: earlier.map(|earlier| earlier.data.clone()),
            transaction: unsigned(&varied, &payer),
            accounts,
        })
    }

    /// Keeps an instruction to try others behind it.
    fn keep(&mut self, instruction: &Instruction) {
        let start = self.start(instruction);
        let mut kept = 0_usize;
        for earlier in &self.earlier {
            if earlier.data == instruction.data {
                return;
            }
            kept = kept.saturating_add(usize::from(earlier.data.starts_with(&start)));
        }
        if kept < EARLIER && self.earlier.len() < MOST_EARLIER {
            self.earlier.push(instruction.clone());
        }
    }
}

/// The instructions of a message; `None` where it names accounts that it does not have.
fn instructions(message: &VersionedMessage, keys: &[Pubkey]) -> Option<Vec<Instruction>> {
    let compiled = message.instructions().iter().map(|compiled| {
        let metas = compiled.accounts.iter().map(|index| {
            let place = usize::from(*index);
            Some(AccountMeta {
                pubkey: *keys.get(place)?,
                is_signer: message.is_signer(place),
                is_writable: message
                    .is_maybe_writable_with_reserved_addresses(place, None::<&BTreeSet<Pubkey>>),
            })
        });
        Some(Instruction {
            program_id: *keys.get(usize::from(compiled.program_id_index))?,
            accounts: metas.collect::<Option<_>>()?,
            data: compiled.data.clone(),
        })
    });
    compiled.collect()
}

fn unsigned(instructions: &[Instruction], payer: &Pubkey) -> VersionedTransaction {
    let message = VersionedMessage::Legacy(Message::new(instructions, Some(payer)));
    let required = usize::from(message.header().num_required_signatures);
    VersionedTransaction {
        signatures: vec![Signature::default(); required],
        message,
    }
}
