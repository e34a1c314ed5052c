//! Whether two structs are written by the same rules: borsh or as they lie in memory, aligned or packed.

use super::{
    leaves::within,
    types::{Place, Types},
    Change, Rule, Verdict,
};
use crate::idl::schema::{Def, Encoding, Repr, Type};

/// How a struct is written.
type Written = (Encoding, Repr);

impl Types<'_> {
    /// How both are written. What an IDL before Anchor 0.30 does not say is taken for what the other says.
    pub(super) fn written(&self, was: &Def, is: &Def, place: &Place) -> (Written, Written) {
        let old = (within(place.encodings.0, was.encoding), was.repr);
        let new = (within(place.encodings.1, is.encoding), is.repr);
        match self.legacy {
            (true, _) => (new, new),
            (false, true) => (old, old),
            (false, false) => (old, new),
        }
    }

    /// Tells of other rules than before.
    pub(super) fn rewritten(
        &mut self,
        (old, new): (&Type, &Type),
        (was, is): (Written, Written),
        place: &Place,
    ) {
        // What is within something that is written otherwise is told there.
        if place.encodings.0 != place.encodings.1 || shown(was) == shown(is) {
            return;
        }
        let change = Change::new(Rule::EncodingChanged, &place.path).between(shown(was), shown(is));
        let encodings = (was.0, is.0);
        let change = match self.same_bytes(old, new, encodings, place.depth == 0) {
            true => change.judged(
                Verdict::Safe,
                "both write the same bytes at the same places",
            ),
            false => change,
        };
        self.report.add(change);
    }
}

fn shown((encoding, repr): Written) -> String {
    match encoding {
        Encoding::Borsh => "borsh".to_string(),
        Encoding::Custom => "the program's own".to_string(),
        Encoding::Memory => {
            let packed = if repr.packed { ", packed" } else { "" };
            match repr.align {
                0 | 1 => format!("zero-copy{packed}"),
                align => format!("zero-copy{packed}, align({align})"),
            }
        }
    }
}
