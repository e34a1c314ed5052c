//! What callers rely on: instructions with their arguments and accounts, errors, constants.

use std::collections::{BTreeMap, HashMap, HashSet};

use anchor_lang_idl_spec::{IdlConst, IdlInstructionAccount, IdlInstructionAccountItem, IdlType};

use super::{
    align::{align, Item, Step},
    types::{Types, Use},
    Change, Counterparts, Report, Rule, Verdict,
};
use crate::idl::{schema::MAX_DEPTH, value::hex, Call, Idl};

pub fn instructions(old: &Idl, new: &Idl, report: &mut Report) {
    let found = Counterparts::new(&old.instructions, &new.instructions);
    let back = Counterparts::new(&new.instructions, &old.instructions);
    for (index, call) in old.instructions.iter().enumerate() {
        let place = found.place(call);
        let Some((place, other)) = place.and_then(|at| Some((at, new.instructions.get(at)?)))
        else {
            report.plain(Rule::InstructionRemoved, &call.name);
            continue;
        };
        if call.name != other.name {
            let change = Change::new(Rule::InstructionRenamed, &call.name);
            report.add(change.between(&call.name, &other.name));
        }
        if call.discriminator != other.discriminator {
            let change = Change::new(Rule::InstructionDiscriminatorChanged, &call.name);
            report.add(change.between(hex(&call.discriminator), hex(&other.discriminator)));
        }
        Types::new(old, new, Use::Call, report).arguments(&call.name, &call.args, &other.args);
        let same = match (&call.returns, &other.returns) {
            (Some(was), Some(is)) => {
                // Callers are readers of it.
                let mut inner = Report::default();
                Types::new(old, new, Use::Event, &mut inner).returned(&call.name, was, is);
                !inner.is_breaking_since(0)
            }
            (None, None) => true,
            _ => false,
        };
        if !same {
            let shown = |idl: &Idl, call: &Call| match &call.returns {
                Some(ty) => idl.schema.describe(ty),
                None => "nothing".to_string(),
            };
            let change = Change::new(Rule::ReturnChanged, &call.name);
            report.add(change.between(shown(old, call), shown(new, other)));
        }
        let listed = |idl: &Idl, at: usize| {
            let mut list = Vec::new();
            if let Some(instruction) = idl.spec.instructions.get(at) {
                flatten(&instruction.accounts, "", 0, &mut list);
            }
            list
        };
        let known_seeds = !old.legacy && !new.legacy;
        metas(
            &call.name,
            &listed(old, index),
            &listed(new, place),
            known_seeds,
            report,
        );
    }
    for call in &new.instructions {
        if back.place(call).is_none() {
            report.plain(Rule::InstructionAdded, &call.name);
        }
    }
}

/// Letters of a name that are shown.
const MAX_SHOWN: usize = 100;

fn shown(name: &str) -> String {
    name.chars().take(MAX_SHOWN).collect()
}

/// An account of an instruction, out of its groups.
struct Meta {
    name: String,
    account: IdlInstructionAccount,
}

impl Item for Meta {
    fn name(&self) -> &str {
        &self.name
    }

    /// Any could be the same account under another name.
    fn content(&self) -> &str {
        ""
    }
}

fn flatten(items: &[IdlInstructionAccountItem], group: &str, depth: usize, list: &mut Vec<Meta>) {
    for item in items {
        match item {
            IdlInstructionAccountItem::Single(account) => list.push(Meta {
                name: format!("{group}{}", shown(&account.name)),
                account: account.clone(),
            }),
            // JSON is not nested more deeply than that either.
            IdlInstructionAccountItem::Composite(_) if depth > 2 * MAX_DEPTH => {}
            IdlInstructionAccountItem::Composite(inner) => {
                let name = shown(&inner.name);
                let mut group = format!("{group}{name}.");
                if group.len() > 4 * MAX_SHOWN {
                    group = format!("{name}.");
                }
                flatten(&inner.accounts, &group, depth + 1, list);
            }
        }
    }
}

fn metas(call: &str, old: &[Meta], new: &[Meta], known_seeds: bool, report: &mut Report) {
    let path = |meta: &Meta| format!("{call}[{}]", meta.name);
    for step in align(old, new) {
        match step {
            Step::Kept(a, b) | Step::Renamed(a, b) | Step::Moved(a, b) => {
                let (Some(was), Some(is)) = (old.get(a), new.get(b)) else {
                    continue;
                };
                match step {
                    Step::Renamed(..) => {
                        let (rule, path) = (Rule::MetaRenamed, path(was));
                        report.add(Change::renamed(rule, &path, &was.name, &is.name));
                    }
                    Step::Moved(..) => {
                        let change = Change::new(Rule::MetaMoved, path(was));
                        report.add(change.between(format!("place {a}"), format!("place {b}")));
                    }
                    _ => {}
                }
                meta(&path(was), &was.account, &is.account, known_seeds, report);
            }
            Step::Removed(a) => {
                if let Some(was) = old.get(a) {
                    report.plain(Rule::MetaRemoved, path(was));
                }
            }
            Step::Inserted(b) | Step::Appended(b) => {
                let Some(is) = new.get(b) else { continue };
                let change = Change::new(Rule::MetaAdded, path(is));
                report.add(match (step, is.account.optional) {
                    (Step::Appended(_), true) => change.judged(
                        Verdict::Breaking,
                        "callers do not pass this account, and even for none they must pass the program's id in its place",
                    ),
                    (Step::Appended(_), false) => change,
                    _ => change.judged(
                        Verdict::Breaking,
                        "callers do not pass this account, so all behind it are taken for others",
                    ),
                });
            }
        }
    }
}

fn meta(
    path: &str,
    was: &IdlInstructionAccount,
    is: &IdlInstructionAccount,
    known_seeds: bool,
    report: &mut Report,
) {
    for (before, now, added, dropped) in [
        (
            was.signer,
            is.signer,
            Rule::MetaSignerAdded,
            Rule::MetaSignerDropped,
        ),
        (
            was.writable,
            is.writable,
            Rule::MetaWritableAdded,
            Rule::MetaWritableDropped,
        ),
    ] {
        match (before, now) {
            (false, true) => report.plain(added, path),
            (true, false) => report.plain(dropped, path),
            _ => {}
        }
    }
    match (was.optional, is.optional) {
        (true, false) => report.plain(Rule::MetaOptionalDropped, path),
        (false, true) => {
            let change = Change::new(Rule::MetaOptionalAdded, path);
            let checked = was.signer
                || was.address.is_some()
                || was.pda.is_some()
                || !was.relations.is_empty();
            report.add(match checked {
                true => change.judged(
                    Verdict::Breaking,
                    "the account may be left out, and with it what was checked of it: is the check still there?",
                ),
                false => change,
            });
        }
        _ => {}
    }
    match (&was.address, &is.address) {
        (Some(before), Some(now)) if before != now => {
            let change = Change::new(Rule::MetaAddressChanged, path);
            report.add(change.between(before, now));
        }
        // An old IDL does not say which addresses are fixed.
        (None, Some(_)) if known_seeds => report.plain(Rule::MetaAddressAdded, path),
        (Some(_), None) if known_seeds => report.plain(Rule::MetaAddressDropped, path),
        _ => {}
    }
    if known_seeds {
        match (&was.pda, &is.pda) {
            (Some(before), Some(now)) if before != now => {
                report.plain(Rule::MetaSeedsChanged, path);
            }
            (None, Some(_)) => report.plain(Rule::MetaSeedsAdded, path),
            (Some(_), None) => report.plain(Rule::MetaSeedsDropped, path),
            _ => {}
        }
    }
    let relations = |meta: &IdlInstructionAccount| -> HashSet<String> {
        meta.relations.iter().cloned().collect()
    };
    let (before, now) = (relations(was), relations(is));
    for relation in &was.relations {
        if !now.contains(relation) {
            let mut change = Change::new(Rule::MetaRelationDropped, path);
            change.was = Some(shown(relation));
            report.add(change);
        }
    }
    for relation in &is.relations {
        if !before.contains(relation) {
            let mut change = Change::new(Rule::MetaRelationAdded, path);
            change.is = Some(shown(relation));
            report.add(change);
        }
    }
}

pub fn errors(old: &Idl, new: &Idl, report: &mut Report) {
    let by_code = |idl: &Idl| -> BTreeMap<u32, (String, Option<String>)> {
        let errors = idl.spec.errors.iter();
        errors
            .map(|error| (error.code, (error.name.clone(), error.msg.clone())))
            .collect()
    };
    let by_name = |idl: &Idl| -> BTreeMap<String, u32> {
        let errors = idl.spec.errors.iter();
        errors
            .map(|error| (error.name.clone(), error.code))
            .collect()
    };
    let (was, is) = (by_code(old), by_code(new));
    let (was_names, is_names) = (by_name(old), by_name(new));
    for (code, (name, message)) in &was {
        let path = format!("error {code}");
        match (is.get(code), is_names.get(name)) {
            (Some((other, text)), _) if other == name => {
                if text != message {
                    let change = Change::new(Rule::ErrorMessageChanged, path);
                    report.add(change.between(
                        message.clone().unwrap_or_default(),
                        text.clone().unwrap_or_default(),
                    ));
                }
            }
            (_, Some(now)) => {
                let change = Change::new(Rule::ErrorRenumbered, format!("error {}", shown(name)));
                report.add(change.between(code.to_string(), now.to_string()));
            }
            (Some((other, _)), None) => {
                report.add(Change::new(Rule::ErrorReplaced, path).between(name, other));
            }
            (None, None) => {
                let mut change = Change::new(Rule::ErrorRemoved, path);
                change.was = Some(shown(name));
                report.add(change);
            }
        }
    }
    for (code, (name, _)) in &is {
        // What replaced another, or was renumbered, is told above.
        if !was.contains_key(code) && !was_names.contains_key(name) {
            let mut change = Change::new(Rule::ErrorAdded, format!("error {code}"));
            change.is = Some(shown(name));
            report.add(change);
        }
    }
}

pub fn constants(old: &Idl, new: &Idl, report: &mut Report) {
    let constants = new.spec.constants.iter();
    let known: HashMap<&str, &IdlConst> = constants
        .map(|constant| (constant.name.as_str(), constant))
        .collect();
    for was in &old.spec.constants {
        let path = format!("const {}", shown(&was.name));
        let Some(is) = known.get(was.name.as_str()) else {
            let mut change = Change::new(Rule::ConstantRemoved, path);
            change.was = Some(shown(&was.value));
            report.add(change);
            continue;
        };
        if was.value == is.value && was.ty == is.ty {
            continue;
        }
        let change = Change::new(Rule::ConstantChanged, path).between(&was.value, &is.value);
        // Addresses of accounts are derived from it, or it says who may do something.
        let found_by = |ty: &IdlType| match ty {
            IdlType::Pubkey | IdlType::Bytes | IdlType::String => true,
            IdlType::Array(inner, _) => matches!(**inner, IdlType::U8),
            _ => false,
        };
        report.add(match found_by(&was.ty) || found_by(&is.ty) {
            true => change.judged(
                Verdict::Breaking,
                "callers that know the old address or seed take another account than the program",
            ),
            false => change,
        });
    }
}
