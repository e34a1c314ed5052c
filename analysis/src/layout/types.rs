//! Two types against each other, wherever they are used. Each pair is compared once, so that recursive types end.

use std::collections::HashSet;

use super::{leaves::Leaves, Change, Report, Rule, Verdict};
use crate::idl::{
    schema::{Def, DefId, DefKind, Encoding, Fields, Repr, Schema, Type, MAX_DEPTH},
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
    /// Of what is around it.
    pub encodings: (Encoding, Encoding),
    pub depth: usize,
    /// Whether other variants of an enum take the same bytes.
    pub in_variant: bool,
}

impl Place {
    fn root(path: &str, tail: bool) -> Self {
        Self {
            path: path.to_string(),
            tail,
            encodings: (Encoding::Borsh, Encoding::Borsh),
            depth: 0,
            in_variant: false,
        }
    }

    pub(super) fn below(&self, name: &str, tail: bool) -> Self {
        // Only types that contain themselves have longer ones.
        let path = match self.path.len() < 400 {
            true => format!("{}{name}", self.path),
            false => self.path.clone(),
        };
        Self {
            path,
            tail: self.tail && tail,
            depth: self.depth + 1,
            ..*self
        }
    }
}

/// What the outcome for a pair of types depends on.
#[derive(PartialEq, Eq, Hash)]
struct Seen {
    defs: (DefId, DefId),
    encodings: (Encoding, Encoding),
    tail: bool,
    in_variant: bool,
    root: bool,
}

/// Compares the types of two IDLs.
pub struct Types<'a> {
    pub(super) old: &'a Schema,
    pub(super) new: &'a Schema,
    /// Which of them is of the format before Anchor 0.30.
    pub(super) legacy: (bool, bool),
    pub(super) purpose: Use,
    pub(super) report: &'a mut Report,
    pub(super) sizes: (Sizes<'a>, Sizes<'a>),
    seen: HashSet<Seen>,
}

impl<'a> Types<'a> {
    pub fn new(old: &'a Idl, new: &'a Idl, purpose: Use, report: &'a mut Report) -> Self {
        Self {
            old: &old.schema,
            new: &new.schema,
            legacy: (old.legacy, new.legacy),
            purpose,
            report,
            sizes: (Sizes::new(&old.schema), Sizes::new(&new.schema)),
            seen: HashSet::new(),
        }
    }

    /// The types of two accounts or events.
    pub fn roots(&mut self, old: &Described, new: &Described) {
        self.types(&old.ty, &new.ty, &Place::root(&old.name, true));
    }

    /// The arguments of two calls.
    pub fn arguments(&mut self, name: &str, old: &Fields, new: &Fields) {
        let plain = (Repr::default(), Repr::default());
        self.fields(old, new, plain, &Place::root(name, true), true);
    }

    /// What two calls return.
    pub fn returned(&mut self, name: &str, old: &Type, new: &Type) {
        self.types(old, new, &Place::root(name, false));
    }

    pub(super) fn types(&mut self, old: &Type, new: &Type, place: &Place) {
        if self.report.truncated {
            return;
        }
        if place.depth > MAX_DEPTH {
            self.report.plain(Rule::NotCompared, &place.path);
            return;
        }
        // Before aliases are followed, which may lead back to themselves.
        if let (Type::Defined(was), Type::Defined(is)) = (old, new) {
            let seen = Seen {
                defs: (*was, *is),
                encodings: place.encodings,
                tail: place.tail,
                in_variant: place.in_variant,
                root: place.depth == 0,
            };
            if !self.seen.insert(seen) {
                return;
            }
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
        let safe = place.tail && !place.in_variant && grows && self.purpose == Use::Account;
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
            _ if self.same_bytes(old, new, place.encodings, false) => {
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
        let (one, other) = self.written(was, is, place);
        let within = Place {
            encodings: (one.0, other.0),
            ..place.clone()
        };
        match (&was.kind, &is.kind) {
            (DefKind::Struct(a), DefKind::Struct(b)) => {
                self.rewritten((old, new), (one, other), place);
                self.fields(a, b, (one.1, other.1), &within, false);
            }
            (DefKind::Enum(a), DefKind::Enum(b)) => self.variants(a, b, &within),
            _ => self.retyped(old, new, &within),
        }
    }

    /// Whether two types of fixed size are the same numbers, keys and so on at the same places. What follows the whole of an
    /// account does not matter.
    pub(super) fn same_bytes(
        &mut self,
        old: &Type,
        new: &Type,
        encodings: (Encoding, Encoding),
        whole: bool,
    ) -> bool {
        let byte_list = |ty: Option<&Type>| match ty {
            Some(Type::Bytes) => true,
            Some(Type::Vec(inner)) => {
                **inner
                    == Type::Int {
                        bytes: 1,
                        signed: false,
                    }
            }
            _ => false,
        };
        if byte_list(self.old.unaliased(old)) && byte_list(self.new.unaliased(new)) {
            return encodings == (Encoding::Borsh, Encoding::Borsh);
        }
        let sizes = (
            self.sizes.0.span(old, encodings.0),
            self.sizes.1.span(new, encodings.1),
        );
        let was = Leaves::of(self.old, old, encodings.0);
        was.is_some()
            && (whole || sizes.0 == sizes.1)
            && was == Leaves::of(self.new, new, encodings.1)
    }
}
