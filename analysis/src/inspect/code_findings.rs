//! What of changed functions a reviewer should look at.

use std::collections::BTreeMap;

use super::{
    compare::{Aspect, Comparison, ConstantChange, ConstantKind, FunctionChange, FunctionChanges},
    finding::{bounded, finding, quoted, Finding},
    report::{AddressReport, ElfReport, FunctionReport},
    rules::{self, Severity},
};

/// Percent that an entry point must be alike to be taken for the one that was there.
const SAME_ENTRY: u32 = 50;

pub(super) fn of_code(subject: &ElfReport, comparison: &Comparison) -> Vec<Finding> {
    let functions = &comparison.functions;
    let mut found = Vec::new();
    let mut callers = Vec::new();
    for change in &functions.changed {
        if change.before.calls_programs || change.after.calls_programs {
            let (before, after) = (&change.before.function, &change.after.function);
            let calls = match (change.before.calls_programs, change.after.calls_programs) {
                (false, _) => "calls other programs, which it did not before",
                (_, false) => "was changed and no longer calls other programs",
                _ => "calls other programs and was changed",
            };
            let message = match before == after {
                true => format!("{after} {calls}"),
                false => format!("{after} {calls}; it was {before}"),
            };
            callers.push(finding(rules::CALLER_CHANGED, message).within(&change.after));
        }
    }
    for one in functions.added.iter().filter(|one| one.calls_programs) {
        let message = format!("{} calls other programs and is new", one.function);
        callers.push(finding(rules::CALLER_CHANGED, message).within(one));
    }
    found.extend(bounded(rules::CALLER_CHANGED, callers));
    if !functions.is_same() {
        let mut only = finding(
            rules::CODE_CHANGED,
            format!(
                "functions: {} changed, {} added, {} removed, {} as before",
                functions.changed_count,
                functions.added_count,
                functions.removed_count,
                functions.unchanged_count
            ),
        );
        // A single change has a place.
        if let ([change], [], []) = (
            functions.changed.as_slice(),
            functions.added.as_slice(),
            functions.removed.as_slice(),
        ) {
            only = only.within(&change.after);
        }
        found.push(only);
    }
    found.extend(of_entry(subject, functions));
    found.extend(of_edits(functions));
    found.extend(of_conditions(functions));
    found.extend(of_codes(comparison));
    found.extend(of_constants(comparison));
    let emptied = functions.emptied.iter().map(|one| {
        let (before, after) = (&one.before, &one.after);
        let was = match before.function == after.function {
            true => String::new(),
            false => format!("{}, which had ", before.function),
        };
        let message = format!(
            "{} only returns; it was {was}{} instructions",
            after.function, before.instructions
        );
        finding(rules::FUNCTION_EMPTIED, message).within(after)
    });
    found.extend(bounded(rules::FUNCTION_EMPTIED, emptied.collect()));
    found
}

fn of_entry(subject: &ElfReport, functions: &FunctionChanges) -> Option<Finding> {
    let mut changed = functions.changed.iter();
    let entry = changed.find(|change| change.after.address == subject.entry.address)?;
    if !entry.what.contains(&Aspect::Code) {
        let message = "what the entry point calls or points to was changed";
        return Some(finding(rules::ENTRY_CHANGED, message).within(&entry.after));
    }
    let message = format!(
        "the entry point's code was changed; {} percent of its shape is as before",
        entry.likeness_percent
    );
    let changed = finding(rules::ENTRY_CHANGED, message).within(&entry.after);
    Some(match entry.likeness_percent < SAME_ENTRY {
        true => changed.at(Severity::Medium),
        false => changed,
    })
}

/// Functions of which only a few instructions are others: what a patch looks like, and what a changed limit looks like.
fn of_edits(functions: &FunctionChanges) -> Vec<Finding> {
    let edited = functions.changed.iter().filter(|one| !one.edits.is_empty());
    let found = edited.map(|change| {
        let edits: Vec<String> = change
            .edits
            .iter()
            .map(|edit| format!("“{}” → “{}”", edit.before, edit.after))
            .collect();
        let message = format!("{}: {}", change.after.function, quoted(&edits));
        finding(rules::LITTLE_CHANGED, message).within(&change.after)
    });
    bounded(rules::LITTLE_CHANGED, found.collect())
}

/// Functions that decide in fewer places, the most of them first.
fn of_conditions(functions: &FunctionChanges) -> Option<Finding> {
    let missing =
        |one: &&FunctionChange| one.before.conditions.saturating_sub(one.after.conditions);
    let fewer = functions.changed.iter().filter(|one| missing(one) > 0);
    let mut fewer: Vec<&FunctionChange> = fewer.collect();
    fewer.sort_by_key(|one| std::cmp::Reverse(missing(one)));
    let told: Vec<String> = fewer
        .iter()
        .map(|one| {
            let (before, after) = (one.before.conditions, one.after.conditions);
            format!("{} ({before} → {after})", one.after.function)
        })
        .collect();
    let found = finding(
        rules::CONDITIONS_REMOVED,
        format!("fewer conditions in {}", quoted(&told)),
    );
    match fewer.as_slice() {
        [] => None,
        [only] => Some(found.within(&only.after)),
        _ => Some(found),
    }
}

fn of_codes(comparison: &Comparison) -> Option<Finding> {
    let changes = comparison.codes_removed.iter().map(|one| {
        let name = one.name.map_or(String::new(), |name| format!(" {name}"));
        let (before, after) = (one.before, one.after);
        format!("{}{name} ({before} → {after})", one.code)
    });
    let changes: Vec<String> = changes.collect();
    (!changes.is_empty()).then(|| {
        let message = format!("fewer places give the errors {}", quoted(&changes));
        finding(rules::ERROR_CODE_REMOVED, message)
    })
}

/// Constants of functions whose code is the same, or that no function is known to use. Texts are told as such, and so are
/// addresses that are new as a whole.
fn of_constants(comparison: &Comparison) -> Vec<Finding> {
    let functions = &comparison.functions;
    let mut users: BTreeMap<&str, (&ConstantChange, Vec<&FunctionReport>)> = BTreeMap::new();
    for change in &functions.changed {
        for constant in &change.constants {
            let entry = users.entry(&constant.address);
            entry
                .or_insert((constant, Vec::new()))
                .1
                .push(&change.after);
        }
    }
    let (mut addresses, mut others) = (Vec::new(), Vec::new());
    for (constant, functions) in users.values() {
        let told = |one: &AddressReport| one.address == constant.after;
        let (rule, found) = match constant.kind {
            ConstantKind::Text => continue,
            ConstantKind::Address if comparison.addresses_added.iter().any(told) => continue,
            ConstantKind::Address => (rules::ADDRESS_REPLACED, &mut addresses),
            ConstantKind::Bytes => (rules::DATA_CHANGED, &mut others),
        };
        let [first, more @ ..] = functions.as_slice() else {
            continue;
        };
        let more = match more.len() {
            0 => "has".to_string(),
            more => format!("and {more} more have"),
        };
        let message = format!(
            "{} {more} the same code and other constants: {} → {}",
            first.function, constant.before, constant.after
        );
        found.push(Finding {
            address: Some(constant.address.clone()),
            ..finding(rule, message).within(first)
        });
    }
    if comparison.data_changed && functions.is_same() {
        let message = "constants were changed, and no function";
        others.push(finding(rules::DATA_CHANGED, message));
    }
    let mut found = bounded(rules::ADDRESS_REPLACED, addresses);
    found.extend(bounded(rules::DATA_CHANGED, others));
    found
}
