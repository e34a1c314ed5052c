//! Discriminators, and names, that no longer tell one thing from another.

use std::collections::HashSet;

use super::{Change, Report, Rule, Tagged, Verdict};
use crate::idl::{value::hex, Idl};

/// Tells of each pair of which one begins as the other does, unless it was so before.
pub fn ambiguous<T: Tagged>(old: &[T], new: &[T], report: &mut Report) {
    let known: HashSet<_> = pairs(old).into_iter().map(names).collect();
    for pair in pairs(new) {
        if known.contains(&names(pair)) {
            continue;
        }
        let ((short, short_head), (long, long_head)) = pair;
        let mut change = Change::new(Rule::DiscriminatorAmbiguous, long);
        change.is = Some(format!(
            "{} begins as {short}: {}",
            shown(long_head),
            shown(short_head)
        ));
        report.add(change);
    }
}

type Tag<'a> = (&'a str, &'a [u8]);

fn names<'a>((short, long): (Tag<'a>, Tag<'a>)) -> (&'a str, &'a str) {
    (short.0, long.0)
}

/// Each item with the longest other one that it begins with.
fn pairs<T: Tagged>(items: &[T]) -> Vec<(Tag<'_>, Tag<'_>)> {
    let mut sorted: Vec<Tag> = items.iter().map(Tagged::tag).collect();
    sorted.sort_by_key(|(name, head)| (*head, *name));
    // What a later one may begin with stands before it.
    let mut open: Vec<Tag> = Vec::new();
    let mut found = Vec::new();
    for tag in sorted {
        while open.last().is_some_and(|last| !tag.1.starts_with(last.1)) {
            open.pop();
        }
        if let Some(last) = open.last() {
            found.push((*last, tag));
        }
        open.push(tag);
    }
    found
}

fn shown(head: &[u8]) -> String {
    match head {
        [] => "nothing".to_string(),
        head => hex(head),
    }
}

/// Tells of names that more than one has: only the first is found by it.
pub fn twice<T: Tagged>(new: &[T], report: &mut Report) {
    let mut known = HashSet::new();
    for (name, head) in new.iter().map(Tagged::tag) {
        if !known.insert(name) {
            let mut change = Change::new(Rule::NotCompared, name);
            change.is = Some(shown(head));
            let reason = "another one has this name too, and only the first was compared";
            report.add(change.judged(Verdict::Breaking, reason));
        }
    }
}

/// Tells of accounts that begin with zeros, as one does that nobody has initialized.
pub fn zeros(old: &Idl, new: &Idl, report: &mut Report) {
    let zeros = |head: &[u8]| head.iter().all(|byte| *byte == 0);
    for account in new.accounts.iter().filter(|one| zeros(&one.discriminator)) {
        let before = old.account(&account.name);
        if before.is_some_and(|before| zeros(&before.discriminator)) {
            continue;
        }
        let mut change = Change::new(Rule::DiscriminatorAmbiguous, &account.name);
        change.is = Some(shown(&account.discriminator));
        report.add(change.judged(
            Verdict::Breaking,
            "an account that nobody has initialized begins so too",
        ));
    }
}
