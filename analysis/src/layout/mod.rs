//! What a new version of a program means for accounts, callers and readers of the old one, by their two IDLs: as OpenZeppelin's
//! upgrade plugins check the storage of contracts. Optionally tried on accounts that exist, see [`evidence`].

mod align;
mod discriminators;
pub mod evidence;
mod fields;
mod interface;
mod leaves;
mod memory;
mod rules;
mod structs;
#[cfg(test)]
mod tests;
mod types;
mod variants;

pub use self::rules::{Rule, Verdict};

use std::collections::HashMap;

use crate::idl::{schema::Encoding, size::Sizes, Call, Described, Idl};

/// More changes are not listed.
pub const MAX_CHANGES: usize = 5_000;

/// A change.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Change {
    pub rule: Rule,
    pub verdict: Verdict,
    /// Where: `Vault.position.amount`, `deposit(amount)`, `deposit[vault]`, `error 6000`.
    pub path: String,
    /// Why it is safe or breaking.
    pub reason: String,
    /// Before and after, where that can be said in a few words.
    pub was: Option<String>,
    pub is: Option<String>,
}

/// All changes between two IDLs.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Report {
    pub changes: Vec<Change>,
    /// Whether there are more than [`MAX_CHANGES`].
    pub truncated: bool,
    /// Account types of both, under their old and new names, for [`evidence`].
    pub(crate) pairs: Vec<(String, String)>,
}

impl Report {
    /// Those that hurt.
    pub fn breaking(&self) -> impl Iterator<Item = &Change> {
        self.changes
            .iter()
            .filter(|change| change.verdict == Verdict::Breaking)
    }

    pub(crate) fn add(&mut self, change: Change) {
        match self.changes.len() < MAX_CHANGES {
            true => self.changes.push(change),
            // Among those that are not listed there may be breaking ones.
            false if !self.truncated => {
                self.truncated = true;
                self.changes
                    .push(Change::new(Rule::NotCompared, "all further changes"));
            }
            false => {}
        }
    }

    /// Whether one of those that were added behind the first `told` is breaking.
    pub(crate) fn is_breaking_since(&self, told: usize) -> bool {
        let mut later = self.changes.iter().skip(told);
        later.any(|change| change.verdict == Verdict::Breaking)
    }

    /// A change with the rule's own verdict and meaning.
    pub(crate) fn plain(&mut self, rule: Rule, path: impl Into<String>) {
        self.add(Change::new(rule, path));
    }
}

impl Change {
    pub(crate) fn new(rule: Rule, path: impl Into<String>) -> Self {
        Self {
            rule,
            verdict: rule.usual(),
            path: path.into(),
            reason: rule.meaning().to_string(),
            was: None,
            is: None,
        }
    }

    /// Another name at the same place.
    pub(crate) fn renamed(rule: Rule, path: &str, was: &str, is: &str) -> Self {
        let change = Self::new(rule, path).between(was, is);
        match align::alike(was, is) {
            true => change.judged(Verdict::Safe, "the same name, written otherwise"),
            false => change,
        }
    }

    pub(crate) fn between(mut self, was: impl Into<String>, is: impl Into<String>) -> Self {
        self.was = Some(shortened(was.into()));
        self.is = Some(shortened(is.into()));
        self
    }

    pub(crate) fn judged(mut self, verdict: Verdict, reason: impl Into<String>) -> Self {
        self.verdict = verdict;
        self.reason = reason.into();
        self
    }
}

/// Messages and constants can be long.
fn shortened(text: String) -> String {
    const SHOWN: usize = 200;
    match text.char_indices().nth(SHOWN) {
        Some((end, _)) => format!("{}...", text.get(..end).unwrap_or_default()),
        None => text,
    }
}

/// Compares two IDLs of a program. Never fails: what an IDL does not tell is compared by its name.
pub fn compare(old: &Idl, new: &Idl) -> Report {
    let mut report = Report::default();
    let (was, is) = (old.program(), new.program());
    // An old IDL need not name it.
    if was.is_some() && was != is && !(is.is_none() && new.legacy) {
        let change = Change::new(Rule::ProgramAddressChanged, "address");
        report.add(change.between(&old.spec.address, &new.spec.address));
    }
    if new.legacy && !old.legacy {
        report.plain(Rule::FormatOlder, "metadata.spec");
    }
    accounts(old, new, &mut report);
    interface::instructions(old, new, &mut report);
    events(old, new, &mut report);
    interface::errors(old, new, &mut report);
    interface::constants(old, new, &mut report);
    discriminators::ambiguous(&old.accounts, &new.accounts, &mut report);
    discriminators::ambiguous(&old.instructions, &new.instructions, &mut report);
    discriminators::ambiguous(&old.events, &new.events, &mut report);
    discriminators::zeros(old, new, &mut report);
    discriminators::twice(&new.accounts, &mut report);
    discriminators::twice(&new.instructions, &mut report);
    discriminators::twice(&new.events, &mut report);
    report
}

/// What has a name and a discriminator.
trait Tagged {
    fn tag(&self) -> (&str, &[u8]);
}

impl Tagged for Described {
    fn tag(&self) -> (&str, &[u8]) {
        (&self.name, &self.discriminator)
    }
}

impl Tagged for Call {
    fn tag(&self) -> (&str, &[u8]) {
        (&self.name, &self.discriminator)
    }
}

/// Finds the item of the same name, else that with the same discriminator whose own name is not known.
struct Counterparts<'a> {
    names: HashMap<&'a str, usize>,
    heads: HashMap<&'a [u8], usize>,
}

impl<'a> Counterparts<'a> {
    /// Of items `from` among items `to`.
    fn new<T: Tagged>(from: &[T], to: &'a [T]) -> Self {
        let known: HashMap<&str, ()> = from.iter().map(|one| (one.tag().0, ())).collect();
        let (mut names, mut heads) = (HashMap::new(), HashMap::new());
        for (place, (name, head)) in to.iter().map(Tagged::tag).enumerate() {
            names.entry(name).or_insert(place);
            if !known.contains_key(name) {
                heads.entry(head).or_insert(place);
            }
        }
        Self { names, heads }
    }

    fn place(&self, one: &impl Tagged) -> Option<usize> {
        let (name, head) = one.tag();
        let place = self.names.get(name).or_else(|| self.heads.get(head));
        place.copied()
    }
}

fn accounts(old: &Idl, new: &Idl, report: &mut Report) {
    let mut sizes = (Sizes::new(&old.schema), Sizes::new(&new.schema));
    let found = Counterparts::new(&old.accounts, &new.accounts);
    let back = Counterparts::new(&new.accounts, &old.accounts);
    for account in &old.accounts {
        let other = found.place(account).and_then(|at| new.accounts.get(at));
        let Some(other) = other else {
            report.plain(Rule::AccountRemoved, &account.name);
            continue;
        };
        if account.name != other.name {
            let change = Change::new(Rule::AccountRenamed, &account.name);
            report.add(change.between(&account.name, &other.name));
        }
        discriminator(Rule::AccountDiscriminatorChanged, account, other, report);
        report
            .pairs
            .push((account.name.clone(), other.name.clone()));
        let mut types = types::Types::new(old, new, types::Use::Account, report);
        types.roots(account, other);
        let encodings = encodings(old, new, account, other);
        grown(&mut sizes, (account, other), encodings, report);
    }
    for account in &new.accounts {
        if back.place(account).is_none() {
            report.plain(Rule::AccountAdded, &account.name);
        }
    }
}

/// How both are encoded. An old IDL does not say, so there it is taken for what the other says.
fn encodings(old: &Idl, new: &Idl, was: &Described, is: &Described) -> (Encoding, Encoding) {
    match (old.encoding_of(was), new.encoding_of(is)) {
        (_, known) if old.legacy => (known, known),
        (known, _) if new.legacy => (known, known),
        both => both,
    }
}

fn grown(
    sizes: &mut (Sizes, Sizes),
    (account, other): (&Described, &Described),
    encodings: (Encoding, Encoding),
    report: &mut Report,
) {
    let (was, is) = (
        sizes.0.span(&account.ty, encodings.0),
        sizes.1.span(&other.ty, encodings.1),
    );
    // What is not known has no size to compare.
    let more = match (was.max, is.max) {
        (Some(was), Some(is)) if is > was => true,
        (Some(_), None) => is.min > 0,
        _ => is.min > was.min,
    };
    if !more {
        return;
    }
    let shown = |head: &[u8], min: u64, max: Option<u64>| {
        let head = head.len() as u64;
        match max {
            Some(max) if max == min => format!("{} bytes", head.saturating_add(min)),
            Some(max) => format!(
                "{} to {} bytes",
                head.saturating_add(min),
                head.saturating_add(max)
            ),
            None => format!("{} bytes or more", head.saturating_add(min)),
        }
    };
    let change = Change::new(Rule::AccountGrown, &account.name).between(
        shown(&account.discriminator, was.min, was.max),
        shown(&other.discriminator, is.min, is.max),
    );
    report.add(change);
}

fn discriminator(rule: Rule, old: &Described, new: &Described, report: &mut Report) {
    if old.discriminator != new.discriminator {
        let shown = |one: &Described| crate::idl::value::hex(&one.discriminator);
        report.add(Change::new(rule, &old.name).between(shown(old), shown(new)));
    }
}

fn events(old: &Idl, new: &Idl, report: &mut Report) {
    let found = Counterparts::new(&old.events, &new.events);
    let back = Counterparts::new(&new.events, &old.events);
    for event in &old.events {
        let other = found.place(event).and_then(|at| new.events.get(at));
        let Some(other) = other else {
            report.plain(Rule::EventRemoved, &event.name);
            continue;
        };
        if event.name != other.name {
            let change = Change::new(Rule::EventRenamed, &event.name);
            report.add(change.between(&event.name, &other.name));
        }
        discriminator(Rule::EventDiscriminatorChanged, event, other, report);
        let mut types = types::Types::new(old, new, types::Use::Event, report);
        types.roots(event, other);
    }
    for event in &new.events {
        if back.place(event).is_none() {
            report.plain(Rule::EventAdded, &event.name);
        }
    }
}
