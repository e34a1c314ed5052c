//! The fields of two structs, or the arguments of two calls.

use super::{
    align::{align, Listed, Step},
    fields::Places,
    types::{Place, Types, Use},
    Change, Rule, Verdict,
};
use crate::idl::schema::{Field, Fields, Repr, Schema};

/// The rules for fields, and those for arguments.
struct Rules {
    renamed: Rule,
    moved: Rule,
    removed: Rule,
}

const FIELDS: Rules = Rules {
    renamed: Rule::FieldRenamed,
    moved: Rule::FieldMoved,
    removed: Rule::FieldRemoved,
};

const ARGUMENTS: Rules = Rules {
    renamed: Rule::ArgumentRenamed,
    moved: Rule::ArgumentMoved,
    removed: Rule::ArgumentRemoved,
};

impl Types<'_> {
    pub(super) fn fields(
        &mut self,
        old: &Fields,
        new: &Fields,
        reprs: (Repr, Repr),
        place: &Place,
        call: bool,
    ) {
        let steps = align(&listed(self.old, old), &listed(self.new, new));
        let places = Places::new(&mut self.sizes, (old, new), reprs, place);
        let reserve = self.purpose == Use::Account && places.keep(&steps);
        let rules = if call { ARGUMENTS } else { FIELDS };
        let inside = |name: &str| match call {
            true => format!("({name})"),
            false => format!(".{name}"),
        };
        let lasts = (
            old.list.len().saturating_sub(1),
            new.list.len().saturating_sub(1),
        );
        let told = self.report.changes.len();
        for step in steps {
            match step {
                Step::Kept(a, b) | Step::Renamed(a, b) => {
                    let (Some(was), Some(is)) = (old.list.get(a), new.list.get(b)) else {
                        continue;
                    };
                    let below = place.below(&inside(&was.name), (a, b) == lasts);
                    if reserve && places.is_reserve(a) {
                        // Its bytes are free, so that they may become anything.
                        if !places.is_new_reserve(b) {
                            self.used(place.below(&inside(&is.name), false).path, is);
                        }
                        continue;
                    }
                    // A tuple's fields have no names to compare.
                    if was.name != is.name && old.named && new.named {
                        let path = &below.path;
                        self.report
                            .add(Change::renamed(rules.renamed, path, &was.name, &is.name));
                    }
                    let unexplained = !self.report.is_breaking_since(told);
                    if let Some((from, to)) = places.moved(a, b).filter(|_| unexplained) {
                        let change = Change::new(Rule::FieldMoved, &below.path)
                            .between(format!("byte {from}"), format!("byte {to}"));
                        self.report
                            .add(change.judged(Verdict::Breaking, "it is aligned in another way"));
                    }
                    self.types(&was.ty, &is.ty, &below);
                }
                Step::Moved(a, b) => {
                    let (Some(was), Some(is)) = (old.list.get(a), new.list.get(b)) else {
                        continue;
                    };
                    let below = place.below(&inside(&was.name), false);
                    self.report.add(
                        Change::new(rules.moved, &below.path)
                            .between(format!("place {a}"), format!("place {b}")),
                    );
                    self.types(&was.ty, &is.ty, &below);
                }
                Step::Removed(a) => {
                    let Some(was) = old.list.get(a) else { continue };
                    if reserve && places.is_reserve(a) {
                        // What took its place is told; nothing else has moved.
                        continue;
                    }
                    let path = place.below(&inside(&was.name), false).path;
                    let mut change = Change::new(rules.removed, path);
                    change.was = Some(self.old.describe(&was.ty));
                    self.report.add(change);
                }
                Step::Inserted(b) | Step::Appended(b) => {
                    let Some(is) = new.list.get(b) else { continue };
                    let path = place.below(&inside(&is.name), false).path;
                    if !call && reserve && places.is_free(b) {
                        self.used(path, is);
                        continue;
                    }
                    let end = matches!(step, Step::Appended(_));
                    let mut change = self.added(path, place, call, end);
                    change.is = Some(self.new.describe(&is.ty));
                    self.report.add(change);
                }
            }
        }
    }

    /// A new field where bytes were free.
    fn used(&mut self, path: String, field: &Field) {
        let mut change = Change::new(Rule::ReserveUsed, path).judged(
            Verdict::Safe,
            "it lies in reserved bytes or padding: nothing moves; existing accounts have there what was left in them, zeros if it was never written",
        );
        change.is = Some(self.new.describe(&field.ty));
        self.report.add(change);
    }

    fn added(&self, path: String, place: &Place, call: bool, end: bool) -> Change {
        if call {
            return Change::new(Rule::ArgumentAdded, path);
        }
        if !end {
            return Change::new(Rule::FieldInserted, path);
        }
        let change = Change::new(Rule::FieldAppended, path);
        match (self.purpose, place.tail) {
            (Use::Account, true) if place.in_variant => change.judged(
                Verdict::Breaking,
                "existing accounts with this variant have there what a longer one has left",
            ),
            (Use::Account, true) => change.judged(
                Verdict::Safe,
                "nothing moves; that accounts are large enough is another rule, account-grown",
            ),
            (Use::Event, true) => change.judged(
                Verdict::Safe,
                "readers of the old layout find their fields where they were",
            ),
            (Use::Call, _) => change.judged(Verdict::Breaking, "callers do not send it"),
            (_, false) => change.judged(
                Verdict::Breaking,
                "something follows this struct, which is read from another place",
            ),
        }
    }
}

fn listed(schema: &Schema, fields: &Fields) -> Vec<Listed> {
    let listed = fields.list.iter().map(|field| Listed {
        name: field.name.to_string(),
        content: schema.describe(&field.ty),
    });
    listed.collect()
}
