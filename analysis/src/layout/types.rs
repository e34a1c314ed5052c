//! Two types against each other, wherever they are used. Each pair is compared once, so that recursive types end.

use std::collections::HashSet;

use super::{
    align::{align, Item, Step},
    fields::Places,
    leaves::{within, Leaves},
    Change, Report, Rule, Verdict,
};
use crate::idl::{
    schema::{Def, DefId, DefKind, Encoding, Fields, Schema, Type, VariantDef, MAX_DEPTH},
    size::Sizes,
    Described, Idl,
};

/// What bytes of the types are there for, or will be.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Use {
    /// They exist and were written by the old program.
    Account,
    /// Callers of the old interface send them.
    Call,
    /// Readers of the old interface get them.
    Event,
}

/// Where a comparison is.
#[derive(Clone)]
pub struct Place {
    pub path: String,
    /// Whether nothing follows.
    pub tail: bool,
    pub encodings: (Encoding, Encoding),
    pub depth: usize,
}

impl Place {
    fn below(&self, name: &str, tail: bool) -> Self {
        // Only types that contain themselves have longer ones.
        let path = match self.path.len() < 400 {
            true => format!("{}{name}", self.path),
            false => self.path.clone(),
        };
        Self {
            path,
            tail: self.tail && tail,
            encodings: self.encodings,
            depth: self.depth + 1,
        }
    }
}

/// Compares the types of two IDLs.
pub struct Types<'a> {
    old: &'a Schema,
    new: &'a Schema,
    purpose: Use,
    report: &'a mut Report,
    seen: HashSet<(DefId, DefId, bool, bool)>,
    pub(super) sizes: (Sizes<'a>, Sizes<'a>),
}

impl<'a> Types<'a> {
    pub fn new(old: &'a Idl, new: &'a Idl, purpose: Use, report: &'a mut Report) -> Self {
        Self {
            old: &old.schema,
            new: &new.schema,
            purpose,
            report,
            seen: HashSet::new(),
            sizes: (Sizes::new(&old.schema), Sizes::new(&new.schema)),
        }
    }

    /// The types of two accounts or events.
    pub fn roots(&mut self, old: &Described, new: &Described, encodings: (Encoding, Encoding)) {
        let place = Place {
            path: old.name.clone(),
            tail: true,
            encodings,
            depth: 0,
        };
        if encodings.0 != encodings.1 {
            let shown = |encoding| match encoding {
                Encoding::Borsh => "borsh",
                Encoding::Memory => "zero-copy",
                Encoding::Custom => "the program's own",
            };
            let change = Change::new(Rule::EncodingChanged, &old.name)
                .between(shown(encodings.0), shown(encodings.1));
            let same = self.same_bytes(&old.ty, &new.ty, encodings);
            self.report.add(match same {
                true => change.judged(
                    Verdict::Safe,
                    "both write the same bytes at the same places",
                ),
                false => change,
            });
            // Field by field nothing would be where it was.
            if !same {
                return;
            }
        }
        self.packing(&old.ty, &new.ty, &place);
        self.types(&old.ty, &new.ty, &place);
    }

    /// `#[repr(packed)]` gained or lost.
    fn packing(&mut self, old: &Type, new: &Type, place: &Place) {
        if place.encodings != (Encoding::Memory, Encoding::Memory) {
            return;
        }
        let packed = |schema: &Schema, ty: &Type| match ty {
            Type::Defined(id) => schema.def(*id).is_some_and(|def| def.packed),
            _ => false,
        };
        let (was, is) = (packed(self.old, old), packed(self.new, new));
        if was == is || self.same_bytes(old, new, place.encodings) {
            return;
        }
        let shown = |packed| if packed { "packed" } else { "aligned" };
        let change = Change::new(Rule::EncodingChanged, &place.path);
        self.report.add(change.between(shown(was), shown(is)));
    }

    /// The arguments of two calls.
    pub fn arguments(&mut self, name: &str, old: &Fields, new: &Fields) {
        let place = Place {
            path: name.to_string(),
            tail: true,
            encodings: (Encoding::Borsh, Encoding::Borsh),
            depth: 0,
        };
        self.fields(old, new, (false, false), &place, true);
    }

    /// What two calls return.
    pub fn same_return(&mut self, old: &Type, new: &Type) -> bool {
        let before = self.report.changes.len();
        let place = Place {
            path: String::new(),
            tail: false,
            encodings: (Encoding::Borsh, Encoding::Borsh),
            depth: 0,
        };
        self.types(old, new, &place);
        let found = self
            .report
            .changes
            .split_off(before.min(self.report.changes.len()));
        found.iter().all(|change| change.verdict == Verdict::Safe)
    }

    fn types(&mut self, old: &Type, new: &Type, place: &Place) {
        if place.depth > MAX_DEPTH || self.report.truncated {
            return;
        }
        let (Some(was), Some(is)) = (self.old.unaliased(old), self.new.unaliased(new)) else {
            return;
        };
        match (was, is) {
            (Type::Option(was), Type::Option(is)) => self.types(was, is, &place.below("", true)),
            (Type::Vec(was), Type::Vec(is)) => self.types(was, is, &place.below("[]", false)),
            (Type::Array(was_item, was_len), Type::Array(is_item, is_len)) => {
                if was_len != is_len {
                    self.resized(was, is, place);
                }
                let only = *was_len == 1 && *is_len == 1;
                self.types(was_item, is_item, &place.below("[]", only));
            }
            (Type::Defined(was_id), Type::Defined(is_id)) => {
                let root = place.depth == 0;
                if !self.seen.insert((*was_id, *is_id, place.tail, root)) {
                    return;
                }
                let defs = (self.old.def(*was_id), self.new.def(*is_id));
                if let (Some(was_def), Some(is_def)) = defs {
                    self.defs((was, was_def), (is, is_def), place);
                }
            }
            (Type::Unknown(was), Type::Unknown(is)) if was == is => {}
            (was, is) if was == is && !matches!(was, Type::Defined(_)) => {}
            _ => self.retyped(old, new, place),
        }
    }

    fn resized(&mut self, was: &Type, is: &Type, place: &Place) {
        let shown = (self.old.describe(was), self.new.describe(is));
        let change = Change::new(Rule::ArrayResized, &place.path).between(shown.0, shown.1);
        let grows = self.sizes.1.span(is, place.encodings.1).min
            >= self.sizes.0.span(was, place.encodings.0).min;
        let safe = place.tail && grows && self.purpose == Use::Account;
        self.report.add(match safe {
            true => change.judged(Verdict::Safe, "nothing follows it: nothing moves"),
            false => change.judged(
                Verdict::Breaking,
                "existing bytes have the old length, so what follows is read from other places",
            ),
        });
    }

    fn retyped(&mut self, old: &Type, new: &Type, place: &Place) {
        let argument = self.purpose == Use::Call && place.path.ends_with(')');
        let rule = match argument {
            true => Rule::ArgumentRetyped,
            false => Rule::FieldRetyped,
        };
        let shown = (self.old.describe(old), self.new.describe(new));
        let change = Change::new(rule, &place.path).between(shown.0, shown.1);
        let sizes = (
            self.sizes.0.span(old, place.encodings.0).exact(),
            self.sizes.1.span(new, place.encodings.1).exact(),
        );
        let change = match sizes {
            _ if self.same_bytes(old, new, place.encodings) => {
                change.judged(Verdict::Safe, "both are the same bytes")
            }
            (Some(was), Some(is)) if was == is => change.judged(
                Verdict::Breaking,
                format!("the same {was} bytes mean something else"),
            ),
            (Some(was), Some(is)) => change.judged(
                Verdict::Breaking,
                format!("{is} bytes are read where {was} were written"),
            ),
            _ => change.judged(Verdict::Breaking, "existing bytes are of the old type"),
        };
        self.report.add(change);
    }

    fn defs(&mut self, (old, was): (&Type, &Def), (new, is): (&Type, &Def), place: &Place) {
        let encodings = (
            within(place.encodings.0, was.encoding),
            within(place.encodings.1, is.encoding),
        );
        let place = Place {
            encodings,
            ..place.clone()
        };
        match (&was.kind, &is.kind) {
            (DefKind::Struct(a), DefKind::Struct(b)) => {
                self.fields(a, b, (was.packed, is.packed), &place, false);
            }
            (DefKind::Enum(a), DefKind::Enum(b)) => self.variants(a, b, &place),
            _ => self.retyped(old, new, &place),
        }
    }

    fn fields(
        &mut self,
        old: &Fields,
        new: &Fields,
        packed: (bool, bool),
        place: &Place,
        call: bool,
    ) {
        let items = (listed(self.old, old), listed(self.new, new));
        let steps = align(&items.0, &items.1);
        let places = Places::new(&mut self.sizes, (old, new), packed, place);
        let reserve = self.purpose == Use::Account && places.keep(&steps);
        let inside = |name: &str| match call {
            true => format!("({name})"),
            false => format!(".{name}"),
        };
        let lasts = (
            old.list.len().saturating_sub(1),
            new.list.len().saturating_sub(1),
        );
        for step in steps {
            match step {
                Step::Kept(a, b) | Step::Renamed(a, b) => {
                    let (Some(was), Some(is)) = (old.list.get(a), new.list.get(b)) else {
                        continue;
                    };
                    let below = place.below(&inside(&was.name), (a, b) == lasts);
                    if was.name != is.name {
                        let rule = choose(call, Rule::ArgumentRenamed, Rule::FieldRenamed);
                        let change = Change::new(rule, &below.path);
                        self.report
                            .add(change.between(was.name.as_ref(), is.name.as_ref()));
                    }
                    if !(reserve && places.is_reserve(a)) {
                        self.types(&was.ty, &is.ty, &below);
                    }
                }
                Step::Moved(a, b) => {
                    let (Some(was), Some(is)) = (old.list.get(a), new.list.get(b)) else {
                        continue;
                    };
                    let rule = choose(call, Rule::ArgumentMoved, Rule::FieldMoved);
                    let below = place.below(&inside(&was.name), false);
                    self.report.add(
                        Change::new(rule, &below.path)
                            .between(format!("place {a}"), format!("place {b}")),
                    );
                    self.types(&was.ty, &is.ty, &below);
                }
                Step::Removed(a) => {
                    let Some(was) = old.list.get(a) else { continue };
                    let path = place.below(&inside(&was.name), false).path;
                    let rule = choose(call, Rule::ArgumentRemoved, Rule::FieldRemoved);
                    if reserve && places.is_reserve(a) {
                        // What took its place is told; nothing else has moved.
                        continue;
                    }
                    let mut change = Change::new(rule, path);
                    change.was = Some(self.old.describe(&was.ty));
                    self.report.add(change);
                }
                Step::Inserted(b) | Step::Appended(b) => {
                    let Some(is) = new.list.get(b) else { continue };
                    let path = place.below(&inside(&is.name), false).path;
                    let end = matches!(step, Step::Appended(_));
                    let free = reserve && places.is_free(b);
                    let change = self.added(path, place, call, end, free);
                    let shown = Some(self.new.describe(&is.ty));
                    self.report.add(Change {
                        is: shown,
                        ..change
                    });
                }
            }
        }
    }

    fn added(&self, path: String, place: &Place, call: bool, end: bool, free: bool) -> Change {
        if call {
            return Change::new(Rule::ArgumentAdded, path);
        }
        if free {
            return Change::new(Rule::ReserveUsed, path).judged(
                Verdict::Safe,
                "it lies in reserved bytes or padding: nothing moves; existing accounts have there what was left in them, zeros if it was never written",
            );
        }
        if !end {
            return Change::new(Rule::FieldInserted, path);
        }
        let change = Change::new(Rule::FieldAppended, path);
        match (self.purpose, place.tail) {
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

    fn variants(&mut self, old: &[VariantDef], new: &[VariantDef], place: &Place) {
        let listed = |schema: &Schema, variants: &[VariantDef]| -> Vec<Listed> {
            let shown = variants.iter().map(|variant| Listed {
                name: variant.name.to_string(),
                content: shape(schema, &variant.fields),
            });
            shown.collect()
        };
        let items = (listed(self.old, old), listed(self.new, new));
        for step in align(&items.0, &items.1) {
            let named = |list: &[VariantDef], at: usize| {
                list.get(at)
                    .map_or_else(String::new, |one| one.name.to_string())
            };
            match step {
                Step::Kept(a, b) | Step::Renamed(a, b) | Step::Moved(a, b) => {
                    let (Some(was), Some(is)) = (old.get(a), new.get(b)) else {
                        continue;
                    };
                    let below = place.below(&format!("::{}", was.name), true);
                    let change = match step {
                        Step::Renamed(..) => Some(Rule::VariantRenamed),
                        Step::Moved(..) => Some(Rule::VariantMoved),
                        // Something before it came or went, which is told there.
                        _ => None,
                    };
                    if let Some(rule) = change {
                        let change = Change::new(rule, &below.path);
                        self.report.add(
                            change.between(
                                format!("{} = {a}", was.name),
                                format!("{} = {b}", is.name),
                            ),
                        );
                    }
                    self.fields(&was.fields, &is.fields, (false, false), &below, false);
                }
                Step::Removed(a) => {
                    let path = place.below(&format!("::{}", named(old, a)), false).path;
                    self.report.plain(Rule::VariantRemoved, path);
                }
                Step::Inserted(b) => {
                    let path = place.below(&format!("::{}", named(new, b)), false).path;
                    self.report.plain(Rule::VariantInserted, path);
                }
                Step::Appended(b) => {
                    let path = place.below(&format!("::{}", named(new, b)), false).path;
                    let change = Change::new(Rule::VariantAppended, path);
                    self.report.add(match self.purpose {
                        Use::Event => change.judged(
                            Verdict::Breaking,
                            "readers of the old layout do not know its number",
                        ),
                        _ => change,
                    });
                }
            }
        }
    }

    /// Whether two types of fixed size are the same numbers, keys and so on at the same places.
    fn same_bytes(&self, old: &Type, new: &Type, encodings: (Encoding, Encoding)) -> bool {
        let was = Leaves::of(self.old, old, encodings.0);
        was.is_some() && was == Leaves::of(self.new, new, encodings.1)
    }
}

fn choose(call: bool, argument: Rule, field: Rule) -> Rule {
    match call {
        true => argument,
        false => field,
    }
}

struct Listed {
    name: String,
    content: String,
}

impl Item for Listed {
    fn name(&self) -> &str {
        &self.name
    }

    fn content(&self) -> &str {
        &self.content
    }
}

fn listed(schema: &Schema, fields: &Fields) -> Vec<Listed> {
    let listed = fields.list.iter().map(|field| Listed {
        name: field.name.to_string(),
        content: schema.describe(&field.ty),
    });
    listed.collect()
}

fn shape(schema: &Schema, fields: &Fields) -> String {
    let types = fields.list.iter().map(|field| schema.describe(&field.ty));
    types.collect::<Vec<_>>().join(", ")
}
