//! The ways in which an instruction is varied.

use std::collections::BTreeSet;

use solana_sdk::{
    account::{Account, AccountSharedData, ReadableAccount},
    instruction::Instruction,
    pubkey::Pubkey,
};
use solana_sdk_ids::{native_loader, system_program, sysvar};

use super::{constants::Constants, STRANGER, TWIN};
use crate::shadow::bundle::StoredAccount;

/// The longest account that is copied, in bytes.
pub(super) const MAX_COPY: usize = 1 << 20;
/// By what they are replaced: nothing, more than there mostly is and still room to calculate, the most.
const VALUES: [u64; 3] = [0, 1 << 40, u64::MAX];
/// Numbers in an instruction's data that are replaced.
const NUMBERS: usize = 4;
/// What accounts have where such numbers are to be paid from them. Each of its bytes is 0 or 1, as of flags.
const RICHES: u64 = 1 << 48;
/// A number in an account, and no key or text, is less.
const MAX_NUMBER: u64 = 1 << 40;
const DAY: i64 = 86_400;
/// By how many seconds the clock goes forward.
const DELAYS: [i64; 3] = [DAY, 366 * DAY, 3_653 * DAY];

/// What is varied. Places count the instruction's accounts from 0.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Change {
    Unsigned(usize),
    SignedByStranger(usize),
    /// By an address that only the proposed program's ELF holds.
    SignedByConstant(usize, Pubkey),
    Copied(usize),
    OwnedByStranger(usize),
    Same(usize, usize),
    Number {
        at: usize,
        value: u64,
    },
    /// A number, and more in the accounts that the instruction changes.
    Rich {
        at: usize,
        value: u64,
    },
    /// The same, and all who sign are strangers.
    Magic {
        at: usize,
        value: u64,
    },
    /// Seconds.
    Later(i64),
    /// Another instruction right before it, by its number among those kept.
    After(usize),
    Twice,
    /// Other bytes that tell which instruction it is; all who sign are strangers.
    Start(u64),
}

/// What variations are made from.
pub(super) struct Scene<'a> {
    pub program: &'a Pubkey,
    pub payer: &'a Pubkey,
    /// Bytes that tell instructions apart.
    pub discriminator: usize,
    /// Instructions that succeeded before.
    pub earlier: &'a [Instruction],
    /// The state before the transaction.
    pub account: &'a dyn Fn(&Pubkey) -> Option<Account>,
    /// What the transaction wrote.
    pub written: &'a [(Pubkey, AccountSharedData)],
}

/// What a variation needs beside its instructions.
pub(super) struct Varied {
    pub payer: Pubkey,
    pub accounts: Vec<StoredAccount>,
}

/// What can be varied of an instruction.
pub(super) fn changes(
    instruction: &Instruction,
    discriminator: usize,
    earlier: usize,
    constants: &Constants,
) -> Vec<Change> {
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
    let whole: Vec<usize> = whole.take(NUMBERS).collect();
    for at in whole.iter().copied() {
        changes.extend(VALUES.map(|value| Change::Number { at, value }));
    }
    changes.push(Change::Twice);
    changes.extend(DELAYS.map(Change::Later));
    for (place, _) in metas().filter(|(_, meta)| meta.is_signer) {
        let signed = |key: &Pubkey| Change::SignedByConstant(place, *key);
        changes.extend(constants.addresses.iter().map(signed));
    }
    for at in whole.iter().copied() {
        let others = VALUES.into_iter().filter(|value| *value > 0);
        changes.extend(others.map(|value| Change::Rich { at, value }));
    }
    changes.extend((0..earlier).map(Change::After));
    for at in whole {
        for value in constants.numbers.iter().copied() {
            changes.extend([
                Change::Number { at, value },
                Change::Rich { at, value },
                Change::Magic { at, value },
            ]);
        }
    }
    changes
}

/// Varies an instruction. `None`: there is nothing to vary.
pub(super) fn vary(
    instructions: &mut Vec<Instruction>,
    place: usize,
    change: Change,
    scene: &Scene,
) -> Option<Varied> {
    let account = scene.account;
    let mut accounts = Vec::new();
    let mut payer = *scene.payer;
    match change {
        Change::Unsigned(at) => {
            let key = instructions.get(place)?.accounts.get(at)?.pubkey;
            // One signature is enough wherever the transaction needs it.
            let metas = instructions.iter_mut().flat_map(|one| &mut one.accounts);
            for meta in metas.filter(|meta| meta.pubkey == key) {
                meta.is_signer = false;
            }
            if key == payer {
                payer = STRANGER;
            }
        }
        Change::SignedByStranger(at) => {
            instructions.get_mut(place)?.accounts.get_mut(at)?.pubkey = STRANGER;
        }
        Change::SignedByConstant(at, key) => {
            instructions.get_mut(place)?.accounts.get_mut(at)?.pubkey = key;
            if account(&key).is_none() {
                let funded = account(&STRANGER).unwrap_or_default();
                accounts.push(StoredAccount::new(key, Some(&funded)));
            }
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
                if copy.owner != *scene.program {
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
        Change::Number { at, value } | Change::Rich { at, value } | Change::Magic { at, value } => {
            let instruction = instructions.get_mut(place)?;
            let number = instruction.data.get_mut(at..at.checked_add(8)?)?;
            if number == value.to_le_bytes() {
                return None;
            }
            number.copy_from_slice(&value.to_le_bytes());
            if matches!(change, Change::Rich { .. }) {
                accounts = enriched(instruction, scene);
                if accounts.is_empty() {
                    return None;
                }
            }
            if matches!(change, Change::Magic { .. }) {
                accounts = enriched(instruction, scene);
                by_strangers(instruction);
            }
        }
        Change::Later(_) => {}
        Change::After(earlier) => {
            let earlier = scene.earlier.get(earlier)?;
            let instruction = instructions.get(place)?;
            if earlier == instruction || !meet(earlier, instruction) {
                return None;
            }
            instructions.insert(place, earlier.clone());
        }
        Change::Twice => {
            let again = instructions.get(place)?.clone();
            instructions.push(again);
        }
        Change::Start(value) => {
            let mut alone = instructions.get(place)?.clone();
            let start = alone.data.get_mut(..scene.discriminator)?;
            let value = value.to_le_bytes();
            let value = value.get(..scene.discriminator)?;
            if start == value {
                return None;
            }
            start.copy_from_slice(value);
            by_strangers(&mut alone);
            *instructions = vec![alone];
            payer = STRANGER;
        }
    }
    Some(Varied { payer, accounts })
}

fn by_strangers(instruction: &mut Instruction) {
    let metas = instruction.accounts.iter_mut();
    for meta in metas.filter(|meta| meta.is_signer) {
        meta.pubkey = STRANGER;
    }
}

/// Whether one writes what the other writes.
fn meet(one: &Instruction, other: &Instruction) -> bool {
    let written = |of: &Instruction| -> BTreeSet<Pubkey> {
        let metas = of.accounts.iter().filter(|meta| meta.is_writable);
        metas.map(|meta| meta.pubkey).collect()
    };
    !written(one).is_disjoint(&written(other))
}

/// The program's accounts that the instruction changes, with high numbers where it changes numbers.
fn enriched(instruction: &Instruction, scene: &Scene) -> Vec<StoredAccount> {
    let mut done: Vec<StoredAccount> = Vec::new();
    for meta in instruction.accounts.iter().filter(|meta| meta.is_writable) {
        let key = meta.pubkey;
        let mut written = scene.written.iter().filter(|(address, _)| *address == key);
        let before = (scene.account)(&key)
            .filter(|before| before.owner == *scene.program && before.data.len() <= MAX_COPY);
        let known = done.iter().any(|account| account.address == key);
        let (Some((_, after)), Some(mut account), false) = (written.next(), before, known) else {
            continue;
        };
        let mut richer = account.lamports != after.lamports();
        if richer {
            account.lamports = account.lamports.saturating_add(RICHES);
        }
        richer |= raise(&mut account.data, after.data());
        if richer {
            done.push(StoredAccount::new(key, Some(&account)));
        }
    }
    done
}

/// Raises all numbers that differ from those of `after`: one without the others would be a state that the program never leaves
/// behind. Gives whether there is any.
fn raise(data: &mut [u8], after: &[u8]) -> bool {
    const LEN: usize = size_of::<u64>();
    let is_number = |data: &[u8], at: usize| {
        let word = data.get(at..at.saturating_add(LEN));
        let word: Option<[u8; LEN]> = word.and_then(|word| word.try_into().ok());
        word.is_some_and(|word| u64::from_le_bytes(word) < MAX_NUMBER)
    };
    let mut raised = false;
    let mut at = 0_usize;
    while at < data.len().min(after.len()) {
        // A number's first byte is its lowest, which differs first.
        if data.get(at) == after.get(at) {
            at = at.saturating_add(1);
            continue;
        }
        if is_number(data, at) && is_number(after, at) {
            if let Some(word) = data.get_mut(at..at.saturating_add(LEN)) {
                word.copy_from_slice(&RICHES.to_le_bytes());
                raised = true;
            }
        }
        at = at.saturating_add(LEN);
    }
    raised
}

impl Change {
    /// By how many seconds the clock goes forward.
    pub fn delay(self) -> i64 {
        match self {
            Self::Later(seconds) => seconds,
            _ => 0,
        }
    }

    /// What the proposed program meets then. `name` names an account by its place, `earlier` is the instruction before it.
    pub fn told(self, name: impl Fn(usize) -> String, earlier: Option<String>) -> String {
        match self {
            Self::Unsigned(at) => format!("{} without its signature", name(at)),
            Self::SignedByStranger(at) => format!("anybody's signature as {}", name(at)),
            Self::SignedByConstant(at, key) => {
                format!(
                    "the signature of {key}, which only the proposed ELF holds, as {}",
                    name(at)
                )
            }
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
            Self::Rich { at, value } => {
                format!("the number {value} from byte {at} of its data and more in its accounts")
            }
            Self::Magic { at, value } => {
                format!("anybody's signature with the number {value} from byte {at} of its data")
            }
            Self::Later(seconds) => format!("the clock {} days later", seconds / DAY),
            Self::After(_) => format!("a call right after {}", earlier.unwrap_or_default()),
            Self::Twice => "the same call twice".into(),
            Self::Start(_) => "anybody's call".into(),
        }
    }
}
