//! What differs between two ELFs.

use std::collections::{BTreeMap, BTreeSet};

use serde::Serialize;

use super::{
    callers::Callers,
    constants::{Constants, Targets},
    matching::Matching,
    report::{AddressKind, AddressReport, ElfReport, FunctionReport, SyscallUse, MAX_LISTED},
};
use crate::elf::{Elf, Operand, Strings};

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
    /// Whether the constants differ in any byte.
    pub data_changed: bool,
    pub sections: Vec<SectionChange>,
    pub strings: StringChanges,
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
}

/// A function of both sides.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct FunctionChange {
    pub before: FunctionReport,
    pub after: FunctionReport,
    pub what: Vec<Aspect>,
    /// By how often which instructions follow each other; below 100 for all that differs.
    pub likeness_percent: u32,
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
}

#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct FieldChange {
    pub field: String,
    pub before: Option<String>,
    pub after: Option<String>,
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
            data_changed: old.data.bytes != new.data.bytes,
            sections: sections(old, new),
            strings: strings(&old.strings, &new.strings),
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

fn functions(old: &Elf, new: &Elf) -> FunctionChanges {
    let matching = Matching::new(old, new);
    let constants = Constants {
        matching: &matching,
        old: Targets::of(old),
        new: Targets::of(new),
    };
    let entry = new.function_at(new.code.entry);
    let (mut changed, mut unchanged_count, mut entry_changed) = (Vec::new(), 0, false);
    for (a, b) in matching.to_new.iter().enumerate() {
        let Some(b) = *b else { continue };
        let what = aspects(&matching, &constants, a, b);
        if what.is_empty() {
            unchanged_count += 1;
        } else {
            entry_changed |= entry == Some(b);
            changed.push((a, b, what));
        }
    }
    let (before, after) = (Callers::of(old), Callers::of(new));
    changed.sort_by_key(|(a, b, _)| {
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
            .map(|(a, b, what)| FunctionChange {
                before: before.report(a),
                after: after.report(b),
                what,
                likeness_percent: matching.likeness(a, b),
            })
            .collect(),
    }
}

fn aspects(matching: &Matching, constants: &Constants, old: usize, new: usize) -> Vec<Aspect> {
    let (a, b) = (&matching.old.bodies[old], &matching.new.bodies[new]);
    if a.hash != b.hash {
        return vec![Aspect::Code];
    }
    let mut what = Vec::new();
    for (x, y) in a.references.iter().zip(&b.references) {
        let aspect = match (x, y) {
            (Operand::Call(x), Operand::Call(y)) | (Operand::Code(x), Operand::Code(y)) => {
                (!constants.same_function(*x, *y)).then_some(Aspect::Calls)
            }
            (Operand::Data(x), Operand::Data(y)) => {
                (!constants.same(*x, *y)).then_some(Aspect::Constants)
            }
            _ => Some(Aspect::Code),
        };
        what.extend(aspect.filter(|aspect| !what.contains(aspect)));
    }
    what
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
    let (removed_count, removed) = list(old, new);
    StringChanges {
        added_count,
        removed_count,
        added,
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
