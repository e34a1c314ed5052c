//! Variations of what succeeded: without a signature, with another account in place of one, with other numbers, later. Users seldom
//! try these, so the recorded transactions alone do not show that a check is gone, or what waits behind one.

mod change;
mod constants;

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

#[cfg(test)]
mod tests {
    use super::{change::MAX_COPY, *};

    const PROGRAM: Pubkey = Pubkey::new_from_array([1; 32]);

    fn key(number: u8) -> Pubkey {
        Pubkey::new_from_array([number; 32])
    }

    /// `[signer w, account w, account w, read]` with two numbers behind a byte.
    fn transaction(accounts: usize) -> (VersionedMessage, Vec<Pubkey>) {
        let mut metas = vec![
            AccountMeta::new(key(9), true),
            AccountMeta::new(key(10), false),
            AccountMeta::new(key(11), false),
        ];
        let more = (0..accounts).map(|number| {
            let mut bytes = [12; 32];
            bytes[..8].copy_from_slice(&number.to_le_bytes());
            AccountMeta::new_readonly(Pubkey::new_from_array(bytes), false)
        });
        metas.extend(more);
        let call = Instruction::new_with_bytes(PROGRAM, &[3; 17], metas);
        let message = Message::new(&[call], Some(&key(9)));
        let keys = message.account_keys.clone();
        (VersionedMessage::Legacy(message), keys)
    }

    /// What there is at any address.
    fn account(_: &Pubkey) -> Option<Account> {
        Some(Account {
            lamports: 1,
            data: [[7; 8], 500_u64.to_le_bytes()].concat(),
            owner: PROGRAM,
            ..Account::default()
        })
    }

    #[test]
    fn each_way_is_tried_a_few_times() {
        let (message, keys) = transaction(1);
        let mut after = account(&key(10)).unwrap();
        after.data = [[9; 8], 400_u64.to_le_bytes()].concat();
        let written = [(key(10), after.into())];
        let constants = Constants {
            addresses: vec![key(8)],
            numbers: vec![500],
            starts: Vec::new(),
        };
        let mut prober = Prober::new(PROGRAM, 1, constants);
        let mut all = prober.probes(&message, &keys, account, &written);
        // All bytes but its own begin another instruction.
        let others = all.split_off(all.len() - 255);
        assert_eq!(others[3].change, Change::Start(4));
        assert_eq!(others[3].data[..2], [4, 3]);
        assert!(others[3].transaction.message.is_signer(0));
        assert_eq!(
            others[3].transaction.message.static_account_keys()[0],
            STRANGER
        );
        let first = all;
        let changes: Vec<Change> = first.iter().map(|probe| probe.change).collect();
        let number = |at, value| Change::Number { at, value };
        let rich = |at, value| Change::Rich { at, value };
        let magic = |at, value| Change::Magic { at, value };
        assert_eq!(
            changes,
            [
                Change::Unsigned(0),
                Change::SignedByStranger(0),
                Change::Copied(1),
                Change::OwnedByStranger(1),
                Change::Copied(2),
                Change::OwnedByStranger(2),
                Change::Copied(3),
                Change::OwnedByStranger(3),
                Change::Same(0, 1),
                Change::Same(0, 2),
                Change::Same(1, 2),
                number(1, 0),
                number(1, 1 << 40),
                number(1, u64::MAX),
                number(9, 0),
                number(9, 1 << 40),
                number(9, u64::MAX),
                Change::Twice,
                Change::Later(86_400),
                Change::Later(366 * 86_400),
                Change::Later(3_653 * 86_400),
                Change::SignedByConstant(0, key(8)),
                rich(1, 1 << 40),
                rich(1, u64::MAX),
                rich(9, 1 << 40),
                rich(9, u64::MAX),
                number(1, 500),
                rich(1, 500),
                magic(1, 500),
                number(9, 500),
                rich(9, 500),
                magic(9, 500),
            ]
        );
        let unsigned = first.iter().find(|probe| probe.change == magic(9, 500));
        let unsigned = &unsigned.unwrap().transaction.message;
        assert!(unsigned.static_account_keys()[..2].contains(&STRANGER));
        // Only the number that the transaction changes is a higher one, and not the text beside it.
        let richer = &first[22].accounts;
        assert_eq!(richer.len(), 1);
        assert_eq!(richer[0].address, key(10));
        assert_eq!(richer[0].data, [[7; 8], [0, 0, 0, 0, 0, 0, 1, 0]].concat());
        assert_eq!(richer[0].lamports, 1);
        // Who does not sign does not pay either.
        let [unsigned, stranger, copied] = [0, 1, 2].map(|at| &first[at].transaction.message);
        assert_eq!(unsigned.static_account_keys()[0], STRANGER);
        assert!(!unsigned.static_account_keys()[1..]
            .iter()
            .enumerate()
            .any(|(at, _)| unsigned.is_signer(at + 1)));
        assert!(stranger.static_account_keys().contains(&STRANGER));
        assert!(copied.static_account_keys().contains(&TWIN));
        assert_eq!(first[3].accounts[0].owner, STRANGER);

        let again = prober.probes(&message, &keys, account, &written);
        assert_eq!(again.len(), first.len() + others.len());
        let again = prober.probes(&message, &keys, account, &written);
        assert!(again.is_empty());
    }

    #[test]
    fn copies_do_not_fill_the_memory() {
        let sized = |len: usize| {
            move |_: &Pubkey| {
                Some(Account {
                    data: vec![7; len],
                    owner: PROGRAM,
                    ..Account::default()
                })
            }
        };
        let (message, keys) = transaction(200);
        let mut prober = Prober::new(PROGRAM, 1, Constants::default());
        let mut copies = 0;
        for _ in 0..2 {
            let probes = prober.probes(&message, &keys, sized(MAX_COPY), &[]);
            copies += probes.iter().flat_map(|probe| &probe.accounts).count();
        }
        assert_eq!(copies, MOST_COPIED / MAX_COPY);
        let mut prober = Prober::new(PROGRAM, 1, Constants::default());
        let probes = prober.probes(&message, &keys, sized(MAX_COPY + 1), &[]);
        assert!(probes.iter().all(|probe| probe.accounts.is_empty()));
    }

    #[test]
    fn what_cannot_be_varied_is_left() {
        let changes = |message: &VersionedMessage, keys: &[Pubkey], account: fn(&Pubkey) -> _| {
            let mut prober = Prober::new(PROGRAM, 1, Constants::default());
            let mut probes = prober.probes(message, keys, account, &[]);
            probes.retain(|probe| !matches!(probe.change, Change::Start(_)));
            probes.len()
        };
        let (message, keys) = transaction(1);
        // Without accounts there are no copies, and nothing that could hold more.
        assert_eq!(changes(&message, &keys, |_| None), 12);
        // As many accounts as a message can have leave no room for others.
        let (message, keys) = transaction(248);
        assert_eq!(changes(&message, &keys, account), 0);
        let (message, keys) = transaction(200);
        assert_eq!(changes(&message, &keys, account), MOST_OF_ONE);
        // A message that names what it does not have.
        assert_eq!(changes(&message, &keys[..3], account), 0);
    }
}
