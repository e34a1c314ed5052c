//! What differs between two ELFs.

use std::collections::{BTreeMap, BTreeSet};

use portcullis_client::error::hex;
use serde::Serialize;
use solana_sdk::pubkey::Pubkey;

use super::{
    callers::Callers,
    checks::{self, CodeChange},
    constants::{self, Constants, Difference},
    edits::{self, Edit},
    matching::Matching,
    report::{
        address, AddressKind, AddressReport, ElfReport, FunctionReport, SyscallUse, MAX_LISTED,
    },
};
use crate::elf::{looks_random, Elf, Operand, Strings};

/// Differing constants that are shown of one function.
const MAX_CONSTANTS: usize = 5;

/// What differs. Lists hold the first thousand; counts are of all.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Comparison {
    /// Whether the bytes are the same, trailing zeros aside.
    pub identical: bool,
    pub syscalls_added: Vec<String>,
    pub syscalls_removed: Vec<String>,
    pub functions: FunctionChanges,
    pub addresses_added: Vec<AddressReport>,
    pub addresses_removed: Vec<AddressReport>,
    /// The address of the program that both are for, where only the old one holds it.
    pub own_address_removed: Option<String>,
    /// Whether the constants differ in any byte, lines and columns of panics aside.
    pub data_changed: bool,
    pub sections: Vec<SectionChange>,
    pub strings: StringChanges,
    /// Numbers of errors that stand in fewer places of the code.
    pub codes_removed: Vec<CodeChange>,
    pub security_txt: Vec<FieldChange>,
}

#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct FunctionChanges {
    pub unchanged_count: usize,
    /// Whether the function that runs first is among the changed ones.
    pub entry_changed: bool,
    pub changed_count: usize,
    pub added_count: usize,
    pub removed_count: usize,
    /// The entry point comes first, then those that call other programs.
    pub changed: Vec<FunctionChange>,
    pub added: Vec<FunctionReport>,
    pub removed: Vec<FunctionReport>,
    /// Those that did something before and now only return.
    pub emptied: Vec<Emptied>,
}

/// A function that does nothing any more.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Emptied {
    pub before: FunctionReport,
    pub after: FunctionReport,
}

/// A function of both sides.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct FunctionChange {
    pub before: FunctionReport,
    pub after: FunctionReport,
    pub what: Vec<Aspect>,
    /// By how often which instructions follow each other; below 100 for all that differs.
    pub likeness_percent: u32,
    /// Its instructions that differ, where they are few and all others are the same.
    pub edits: Vec<Edit>,
    /// The constants that it points to and that differ: the first ones.
    pub constants: Vec<ConstantChange>,
}

/// Constants that differ: 32 bytes from where they begin to; base58 where they look like addresses, else hexadecimal.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct ConstantChange {
    /// In the new ELF.
    pub address: String,
    pub kind: ConstantKind,
    pub before: String,
    pub after: String,
}

/// What constants that differ look like, on both sides.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum ConstantKind {
    /// What strings were added and removed says more.
    Text,
    Address,
    Bytes,
}

/// What of a function differs.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum Aspect {
    /// Its instructions.
    Code,
    /// Which functions it calls or points to.
    Calls,
    /// The constants that it points to.
    Constants,
}

impl Aspect {
    /// As the JSON says it.
    pub fn name(self) -> &'static str {
        match self {
            Self::Code => "code",
            Self::Calls => "calls",
            Self::Constants => "constants",
        }
    }
}

#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct SectionChange {
    pub name: String,
    pub before_bytes: Option<u64>,
    pub after_bytes: Option<u64>,
}

#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct StringChanges {
    pub added_count: usize,
    pub removed_count: usize,
    pub added: Vec<String>,
    pub removed: Vec<String>,
    /// Of those removed, what checks say; and nothing that is there now says it.
    pub checks_removed: Vec<String>,
}

#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct FieldChange {
    pub field: String,
    pub before: Option<String>,
    pub after: Option<String>,
}

impl FunctionChanges {
    /// Whether every function is as before.
    pub fn is_same(&self) -> bool {
        self.changed_count + self.added_count + self.removed_count == 0
    }
}

impl Comparison {
    /// What differs between two ELFs, and their reports.
    pub fn new(old: (&Elf, &ElfReport), new: (&Elf, &ElfReport)) -> Self {
        let ((old, before), (new, after)) = (old, new);
        Self {
            identical: old.commitment == new.commitment,
            syscalls_added: missing(&after.syscalls, &before.syscalls),
            syscalls_removed: missing(&before.syscalls, &after.syscalls),
            functions: functions(old, new),
            addresses_added: missing_addresses(&after.addresses, &before.addresses),
            addresses_removed: missing_addresses(&before.addresses, &after.addresses),
            own_address_removed: own_address_removed(before, new),
            data_changed: constants::without_lines(old) != constants::without_lines(new),
            sections: sections(old, new),
            strings: strings(&old.strings, &new.strings),
            codes_removed: checks::codes_removed(old, new),
            security_txt: security_txt(before, after),
        }
    }
}

fn missing(of: &[SyscallUse], among: &[SyscallUse]) -> Vec<String> {
    let among: BTreeSet<&str> = among.iter().map(|one| one.name.as_str()).collect();
    of.iter()
        .map(|one| one.name.clone())
        .filter(|name| !among.contains(name.as_str()))
        .collect()
}

fn missing_addresses(of: &[AddressReport], among: &[AddressReport]) -> Vec<AddressReport> {
    let among: BTreeSet<&str> = among.iter().map(|one| one.address.as_str()).collect();
    of.iter()
        .filter(|one| one.kind != AddressKind::Itself && !among.contains(one.address.as_str()))
        .take(MAX_LISTED)
        .cloned()
        .collect()
}

fn own_address_removed(before: &ElfReport, new: &Elf) -> Option<String> {
    let mut held = before.addresses.iter();
    let own = held.find(|one| one.kind == AddressKind::Itself)?;
    let address = own.address.parse().ok()?;
    (!new.holds(&address)).then(|| own.address.clone())
}

fn functions(old: &Elf, new: &Elf) -> FunctionChanges {
    let matching = Matching::new(old, new);
    let constants = Constants::new(&matching);
    let entry = new.function_at(new.code.entry);
    let (mut changed, mut unchanged_count, mut entry_changed) = (Vec::new(), 0, false);
    for (a, b) in matching.to_new.iter().enumerate() {
        let Some(b) = *b else { continue };
        let (what, differences) = aspects(&matching, &constants, a, b);
        if what.is_empty() {
            unchanged_count += 1;
        } else {
            entry_changed |= entry == Some(b);
            changed.push((a, b, what, differences));
        }
    }
    let (before, after) = (Callers::of(old), Callers::of(new));
    changed.sort_by_key(|(a, b, ..)| {
        let calls = before.has(*a) || after.has(*b);
        (entry != Some(*b), !calls, *a)
    });
    let (removed, added) = (matching.removed(), matching.added());
    let list = |callers: &Callers, mut functions: Vec<usize>| {
        functions.sort_by_key(|index| !callers.has(*index));
        let functions = functions.iter().take(MAX_LISTED);
        functions.map(|index| callers.report(*index)).collect()
    };
    FunctionChanges {
        unchanged_count,
        entry_changed,
        changed_count: changed.len(),
        added_count: added.len(),
        removed_count: removed.len(),
        added: list(&after, added),
        removed: list(&before, removed),
        changed: changed
            .into_iter()
            .take(MAX_LISTED)
            .map(|(a, b, what, differences)| FunctionChange {
                before: before.report(a),
                after: after.report(b),
                what,
                likeness_percent: matching.likeness(a, b),
                edits: edits::find(&matching, a, b),
                constants: differences
                    .iter()
                    .map(|one| constant(old, new, *one))
                    .collect(),
            })
            .collect(),
        emptied: edits::emptied(&matching)
            .into_iter()
            .take(MAX_LISTED)
            .map(|(a, b)| Emptied {
                before: before.report(a),
                after: after.report(b),
            })
            .collect(),
    }
}

fn aspects(
    matching: &Matching,
    constants: &Constants,
    old: usize,
    new: usize,
) -> (Vec<Aspect>, Vec<Difference>) {
    let (a, b) = (&matching.old.bodies[old], &matching.new.bodies[new]);
    if a.hash != b.hash {
        return (vec![Aspect::Code], Vec::new());
    }
    let (mut what, mut differences) = (Vec::new(), Vec::new());
    for (x, y) in a.references.iter().zip(&b.references) {
        let aspect = match (x, y) {
            (Operand::Call(x), Operand::Call(y)) | (Operand::Code(x), Operand::Code(y)) => {
                (!constants.same_function(*x, *y)).then_some(Aspect::Calls)
            }
            (Operand::Data(x), Operand::Data(y)) => {
                let found = constants.difference(*x, *y);
                let new = found.filter(|one| !differences.contains(one));
                differences.extend(new.filter(|_| differences.len() < MAX_CONSTANTS));
                found.map(|_| Aspect::Constants)
            }
            _ => Some(Aspect::Code),
        };
        what.extend(aspect.filter(|aspect| !what.contains(aspect)));
    }
    (what, differences)
}

fn constant(old: &Elf, new: &Elf, (before, after): Difference) -> ConstantChange {
    let bytes = |elf: &Elf, at: u64| -> [u8; 32] {
        let rest = elf.data.offset(at).and_then(|at| elf.data.bytes.get(at..));
        let mut bytes = [0; 32];
        for (to, from) in bytes.iter_mut().zip(rest.unwrap_or_default()) {
            *to = *from;
        }
        bytes
    };
    let sides = [bytes(old, before), bytes(new, after)];
    let text = |bytes: &[u8; 32]| bytes[..4].iter().all(|byte| matches!(byte, b' '..=b'~'));
    let kind = match () {
        () if sides.iter().all(looks_random) => ConstantKind::Address,
        () if sides.iter().all(text) => ConstantKind::Text,
        () => ConstantKind::Bytes,
    };
    let [before, new_bytes] = sides.map(|bytes| match kind {
        ConstantKind::Address => Pubkey::new_from_array(bytes).to_string(),
        ConstantKind::Text | ConstantKind::Bytes => hex(&bytes),
    });
    ConstantChange {
        address: address(after),
        kind,
        before,
        after: new_bytes,
    }
}

fn sections(old: &Elf, new: &Elf) -> Vec<SectionChange> {
    let mut sizes: BTreeMap<&str, (Option<u64>, Option<u64>)> = BTreeMap::new();
    for section in &old.sections {
        let size = &mut sizes.entry(&section.name).or_default().0;
        *size = Some(size.unwrap_or_default().saturating_add(section.len));
    }
    for section in &new.sections {
        let size = &mut sizes.entry(&section.name).or_default().1;
        *size = Some(size.unwrap_or_default().saturating_add(section.len));
    }
    sizes
        .into_iter()
        .filter(|(_, (before, after))| before != after)
        .map(|(name, (before_bytes, after_bytes))| SectionChange {
            name: name.to_string(),
            before_bytes,
            after_bytes,
        })
        .collect()
}

fn strings(old: &Strings, new: &Strings) -> StringChanges {
    let list = |of: &Strings, among: &Strings| {
        let texts: Vec<String> = of.all.difference(&among.all).cloned().collect();
        let count = texts.len();
        (count, texts.into_iter().take(MAX_LISTED).collect())
    };
    let (added_count, added) = list(new, old);
    let (removed_count, removed): (usize, Vec<String>) = list(old, new);
    StringChanges {
        added_count,
        removed_count,
        added,
        checks_removed: checks::removed(&removed, new),
        removed,
    }
}

fn security_txt(old: &ElfReport, new: &ElfReport) -> Vec<FieldChange> {
    let (old, new) = (old.security_txt.as_ref(), new.security_txt.as_ref());
    let fields: BTreeSet<&String> = [old, new]
        .into_iter()
        .flatten()
        .flat_map(BTreeMap::keys)
        .collect();
    fields
        .into_iter()
        .map(|field| FieldChange {
            field: field.clone(),
            before: old.and_then(|text| text.get(field)).cloned(),
            after: new.and_then(|text| text.get(field)).cloned(),
        })
        .filter(|change| change.before != change.after)
        .collect()
}
