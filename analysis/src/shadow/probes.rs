//! Variations of what succeeded, each of which a careful program refuses: without a signature, with somebody else's, with another
//! account in place of one. Users seldom try these, so the recorded transactions alone do not show that a check is gone.

use std::collections::{BTreeMap, BTreeSet};

use solana_sdk::{
    account::Account,
    instruction::{AccountMeta, Instruction},
    message::{Message, VersionedMessage},
    pubkey::Pubkey,
    signature::Signature,
    transaction::VersionedTransaction,
};
use solana_sdk_ids::{native_loader, system_program, sysvar};

use super::bundle::StoredAccount;

/// Signs, pays and owns what nobody in the recorded transactions does.
pub(crate) const STRANGER: Pubkey = Pubkey::new_from_array(*b"nobody in any recorded bundle...");
/// Where a copy of an account is put.
const TWIN: Pubkey = Pubkey::new_from_array(*b"a copy of some account of it....");
const FUNDS: u64 = 1_000_000_000_000;
/// How often the same is tried of an instruction, with other transactions.
const EACH: u8 = 2;
/// The most that are tried in a run, and of one transaction.
const MOST: usize = 5_000;
const MOST_OF_ONE: usize = 64;
/// The most accounts of a transaction that is varied: with those that are added there must be less than 256.
const MOST_KEYS: usize = 250;
/// The longest account that is copied, in bytes.
const MAX_COPY: usize = 1 << 20;
/// And the most bytes of copies in a run: they wait for the proposed program.
const MOST_COPIED: usize = 64 << 20;
/// By what they are replaced: nothing, more than there mostly is and still room to calculate, the most.
const VALUES: [u64; 3] = [0, 1 << 40, u64::MAX];
/// Numbers in an instruction's data that are replaced.
const NUMBERS: usize = 4;

/// What is varied. Places count the instruction's accounts from 0.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Change {
    Unsigned(usize),
    SignedByStranger(usize),
    Copied(usize),
    OwnedByStranger(usize),
    Same(usize, usize),
    Number { at: usize, value: u64 },
    Twice,
}

/// A variation of a transaction.
#[derive(Clone, Debug)]
pub(crate) struct Probe {
    pub change: Change,
    /// The data of the instruction that was varied.
    pub data: Vec<u8>,
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
    tried: BTreeMap<(Vec<u8>, Change), u8>,
    total: usize,
    copied: usize,
}

impl Prober {
    pub fn new(program: Pubkey, discriminator: usize) -> Self {
        Self {
            program,
            discriminator,
            tried: BTreeMap::new(),
            total: 0,
            copied: 0,
        }
    }

    /// The probes of a transaction that succeeded. `keys` are its accounts with those looked up, `account` gives the state before.
    pub fn probes(
        &mut self,
        message: &VersionedMessage,
        keys: &[Pubkey],
        account: impl Fn(&Pubkey) -> Option<Account>,
    ) -> Vec<Probe> {
        let Some(instructions) = instructions(message, keys) else {
            return Vec::new();
        };
        let Some(payer) = keys.first().filter(|_| keys.len() <= MOST_KEYS) else {
            return Vec::new();
        };
        let mut probes = Vec::new();
        for (place, instruction) in instructions.iter().enumerate() {
            if instruction.program_id != self.program {
                continue;
            }
            for change in changes(instruction, self.discriminator) {
                if probes.len() >= MOST_OF_ONE || self.total >= MOST {
                    return probes;
                }
                let start = instruction.data.get(..self.discriminator);
                let start = start.unwrap_or(&instruction.data).to_vec();
                let tried = self.tried.entry((start, change)).or_default();
                if *tried >= EACH {
                    continue;
                }
                let mut varied = instructions.clone();
                let Some((payer, accounts)) =
                    vary(&mut varied, place, change, payer, &self.program, &account)
                else {
                    continue;
                };
                let bytes = accounts.iter().map(|account| account.data.len());
                let copied = bytes.fold(self.copied, usize::saturating_add);
                if copied > MOST_COPIED {
                    continue;
                }
                self.copied = copied;
                *tried = tried.saturating_add(1);
                self.total = self.total.saturating_add(1);
                probes.push(Probe {
                    change,
                    data: instruction.data.clone(),
                    transaction: unsigned(&varied, &payer),
                    accounts,
                });
            }
        }
        probes
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

/// What can be varied of an instruction.
fn changes(instruction: &Instruction, discriminator: usize) -> Vec<Change> {
    let metas = || instruction.accounts.iter().enumerate();
    let mut changes = Vec::new();
    for (place, meta) in metas() {
        if meta.is_signer {
            changes.extend([Change::Unsigned(place), Change::SignedByStranger(place)]);
        } else {
            changes.extend([Change::Copied(place), Change::OwnedByStranger(place)]);
        }
    }
    for (place, meta) in metas().filter(|(_, meta)| meta.is_writable) {
        let before = metas().take(place).filter(|(_, one)| one.is_writable);
        let others = before.filter(|(_, one)| one.pubkey != meta.pubkey);
        changes.extend(others.map(|(other, _)| Change::Same(other, place)));
    }
    let numbers = (discriminator..instruction.data.len()).step_by(8);
    let whole = numbers.filter(|at| at.saturating_add(8) <= instruction.data.len());
    for at in whole.take(NUMBERS) {
        changes.extend(VALUES.map(|value| Change::Number { at, value }));
    }
    changes.push(Change::Twice);
    changes
}

/// Varies an instruction; gives who pays, and what must be there. `None`: there is nothing to vary.
fn vary(
    instructions: &mut Vec<Instruction>,
    place: usize,
    change: Change,
    payer: &Pubkey,
    program: &Pubkey,
    account: &impl Fn(&Pubkey) -> Option<Account>,
) -> Option<(Pubkey, Vec<StoredAccount>)> {
    let mut accounts = Vec::new();
    let mut paid_by = *payer;
    match change {
        Change::Unsigned(at) => {
            let key = instructions.get(place)?.accounts.get(at)?.pubkey;
            // One signature is enough wherever the transaction needs it.
            let metas = instructions.iter_mut().flat_map(|one| &mut one.accounts);
            for meta in metas.filter(|meta| meta.pubkey == key) {
                meta.is_signer = false;
            }
            if key == *payer {
                paid_by = STRANGER;
            }
        }
        Change::SignedByStranger(at) => {
            instructions.get_mut(place)?.accounts.get_mut(at)?.pubkey = STRANGER;
        }
        Change::Copied(at) | Change::OwnedByStranger(at) => {
            let meta = instructions.get_mut(place)?.accounts.get_mut(at)?;
            let mut copy = account(&meta.pubkey)?;
            let plain = copy.executable
                || copy.data.is_empty()
                || copy.data.len() > MAX_COPY
                || [sysvar::ID, native_loader::ID, system_program::ID].contains(&copy.owner);
            if plain {
                return None;
            }
            if matches!(change, Change::OwnedByStranger(_)) {
                if copy.owner != *program {
                    return None;
                }
                copy.owner = STRANGER;
            }
            meta.pubkey = TWIN;
            accounts.push(StoredAccount::new(TWIN, Some(&copy)));
        }
        Change::Same(first, second) => {
            let metas = &mut instructions.get_mut(place)?.accounts;
            let [one, other] = [first, second].map(|at| metas.get(at).cloned());
            let (one, other) = (one?, other?);
            let [a, b] = [&one, &other].map(|meta| account(&meta.pubkey));
            let alike = |a: &Account, b: &Account| {
                a.owner == b.owner && a.data.len() == b.data.len() && !a.data.is_empty()
            };
            if !alike(&a?, &b?) {
                return None;
            }
            metas.get_mut(second)?.pubkey = one.pubkey;
        }
        Change::Number { at, value } => {
            let data = &mut instructions.get_mut(place)?.data;
            let number = data.get_mut(at..at.checked_add(8)?)?;
            if number == value.to_le_bytes() {
                return None;
            }
            number.copy_from_slice(&value.to_le_bytes());
        }
        Change::Twice => {
            let again = instructions.get(place)?.clone();
            instructions.push(again);
        }
    }
    Some((paid_by, accounts))
}

fn unsigned(instructions: &[Instruction], payer: &Pubkey) -> VersionedTransaction {
    let message = VersionedMessage::Legacy(Message::new(instructions, Some(payer)));
    let required = usize::from(message.header().num_required_signatures);
    VersionedTransaction {
        signatures: vec![Signature::default(); required],
        message,
    }
}

impl Change {
    /// What the proposed program accepts then. `name` names an account by its place.
    pub fn told(self, name: impl Fn(usize) -> String) -> String {
        match self {
            Self::Unsigned(at) => format!("{} without its signature", name(at)),
            Self::SignedByStranger(at) => format!("anybody's signature as {}", name(at)),
            Self::Copied(at) => format!("a copy of {} at another address", name(at)),
            Self::OwnedByStranger(at) => {
                format!("a copy of {} that belongs to another program", name(at))
            }
            Self::Same(first, second) => {
                format!(
                    "the same account as {} and as {}",
                    name(first),
                    name(second)
                )
            }
            Self::Number { at, value } => format!("the number {value} from byte {at} of its data"),
            Self::Twice => "the same call twice".into(),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

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
            data: vec![7; 8],
            owner: PROGRAM,
            ..Account::default()
        })
    }

    #[test]
    fn each_way_is_tried_a_few_times() {
        let (message, keys) = transaction(1);
        let mut prober = Prober::new(PROGRAM, 1);
        let first = prober.probes(&message, &keys, account);
        let changes: Vec<Change> = first.iter().map(|probe| probe.change).collect();
        let number = |at, value| Change::Number { at, value };
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
            ]
        );
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

        assert_eq!(prober.probes(&message, &keys, account).len(), first.len());
        assert!(prober.probes(&message, &keys, account).is_empty());
    }

    #[test]
    fn copies_do_not_fill_the_memory() {
        let large = |_: &Pubkey| {
            Some(Account {
                data: vec![7; MAX_COPY],
                ..account(&PROGRAM)?
            })
        };
        let (message, keys) = transaction(200);
        let mut prober = Prober::new(PROGRAM, 1);
        let probes = prober.probes(&message, &keys, large);
        assert_eq!(probes.len(), MOST_OF_ONE);
        // There is room for two more.
        let more = prober.probes(&message, &keys, large);
        let copies = probes.iter().chain(&more).flat_map(|probe| &probe.accounts);
        assert_eq!(copies.count(), MOST_COPIED / MAX_COPY);
        let too_large = |_: &Pubkey| {
            Some(Account {
                data: vec![7; MAX_COPY + 1],
                ..account(&PROGRAM)?
            })
        };
        let probes = Prober::new(PROGRAM, 1).probes(&message, &keys, too_large);
        assert!(probes.iter().all(|probe| probe.accounts.is_empty()));
    }

    #[test]
    fn what_cannot_be_varied_is_left() {
        let changes = |message: &VersionedMessage, keys: &[Pubkey], account: fn(&Pubkey) -> _| {
            let mut prober = Prober::new(PROGRAM, 1);
            prober.probes(message, keys, account).len()
        };
        let (message, keys) = transaction(1);
        // Without accounts there are no copies; 8 of the ways above.
        assert_eq!(changes(&message, &keys, |_| None), 9);
        // As many accounts as a message can have leave no room for others.
        let (message, keys) = transaction(248);
        assert_eq!(changes(&message, &keys, account), 0);
        let (message, keys) = transaction(200);
        assert_eq!(changes(&message, &keys, account), MOST_OF_ONE);
        // A message that names what it does not have.
        assert_eq!(changes(&message, &keys[..3], account), 0);
    }
}
