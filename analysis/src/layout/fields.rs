//! Where the fields of two structs lie, so that what takes reserved bytes is told from what moves others.

use super::{align::Step, types::Place};
use crate::idl::{
    schema::{Encoding, Fields, Repr, Type},
    size::Sizes,
};

/// The segments of a struct begin behind its fields of varying size.
#[derive(Clone, Copy)]
struct Position {
    segment: usize,
    /// Within the segment.
    start: u64,
    /// `None`: varying.
    len: Option<u64>,
}

impl Position {
    fn end(self) -> u64 {
        self.start.saturating_add(self.len.unwrap_or(0))
    }
}

/// The fields of an old and a new struct.
pub struct Places {
    old: Vec<Position>,
    new: Vec<Position>,
    /// Of the old and the new fields: whether its bytes are kept free.
    reserves: (Vec<bool>, Vec<bool>),
    /// Whether both are as large, and aligned alike.
    same_whole: bool,
    /// Whether both lie in memory by the same rules.
    same_rules: bool,
    /// Where the old segments end.
    ends: Vec<u64>,
    tail: bool,
}

impl Places {
    pub fn new(
        sizes: &mut (Sizes, Sizes),
        (old, new): (&Fields, &Fields),
        reprs: (Repr, Repr),
        place: &Place,
    ) -> Self {
        let (old_positions, old_whole) = positions(&mut sizes.0, old, reprs.0, place.encodings.0);
        let (new_positions, new_whole) = positions(&mut sizes.1, new, reprs.1, place.encodings.1);
        let mut ends = Vec::new();
        for position in &old_positions {
            ends.resize(position.segment + 1, 0);
            if let Some(end) = ends.get_mut(position.segment) {
                *end = position.end();
            }
        }
        let reserves = |fields: &Fields| -> Vec<bool> {
            let fields = fields.list.iter();
            fields.map(|one| is_reserve(&one.name, &one.ty)).collect()
        };
        Self {
            old: old_positions,
            new: new_positions,
            reserves: (reserves(old), reserves(new)),
            same_whole: old_whole == new_whole,
            same_rules: old_whole.is_some() && new_whole.is_some() && reprs.0 == reprs.1,
            ends,
            tail: place.tail,
        }
    }

    /// Whether every old field is where it was, up to reserves that have become smaller or are gone.
    pub fn keep(&self, steps: &[Step]) -> bool {
        let pairs = steps.iter().all(|step| match *step {
            Step::Kept(a, b) | Step::Renamed(a, b) => {
                let (Some(old), Some(new)) = (self.old.get(a), self.new.get(b)) else {
                    return false;
                };
                if self.is_reserve(a) {
                    let inside = old.segment == new.segment
                        && new.start >= old.start
                        && new.start <= old.end();
                    let last = self.tail && b + 1 == self.new.len();
                    return inside && (last || new.end() <= old.end());
                }
                (old.segment, old.start) == (new.segment, new.start)
            }
            Step::Moved(..) => false,
            Step::Removed(a) => self.is_reserve(a),
            Step::Inserted(_) | Step::Appended(_) => true,
        });
        // What follows the struct must not move either.
        pairs && (self.tail || (end(&self.old) == end(&self.new) && self.same_whole))
    }

    /// Whether an old field only keeps bytes free.
    pub fn is_reserve(&self, old: usize) -> bool {
        self.reserves.0.get(old).copied().unwrap_or(false)
    }

    /// Whether a new field only keeps bytes free.
    pub fn is_new_reserve(&self, new: usize) -> bool {
        self.reserves.1.get(new).copied().unwrap_or(false)
    }

    /// Where a field was and is in memory, if that is not the same.
    pub fn moved(&self, old: usize, new: usize) -> Option<(u64, u64)> {
        let (old, new) = (self.old.get(old)?, self.new.get(new)?);
        (self.same_rules && old.start != new.start).then_some((old.start, new.start))
    }

    /// Whether a new field lies where no old one did, before the end. Only where [`keep`](Self::keep) holds.
    pub fn is_free(&self, new: usize) -> bool {
        let Some(position) = self.new.get(new) else {
            return false;
        };
        let end = self.ends.get(position.segment).copied().unwrap_or(0);
        position.len.is_some() && position.end() <= end
    }
}

fn end(positions: &[Position]) -> Option<(usize, u64)> {
    let last = positions.last()?;
    Some((last.segment, last.end()))
}

fn positions(
    sizes: &mut Sizes,
    fields: &Fields,
    repr: Repr,
    encoding: Encoding,
) -> (Vec<Position>, Option<(u64, u64)>) {
    if encoding == Encoding::Memory {
        if let Some(places) = sizes.places(fields, repr, 0) {
            let list = fields.list.iter().zip(places.starts);
            let list = list.map(|(field, start)| Position {
                segment: 0,
                start,
                len: sizes.memory(&field.ty).map(|(size, _)| size),
            });
            return (list.collect(), Some(places.whole));
        }
    }
    let (mut segment, mut at) = (0, 0_u64);
    let list = fields.list.iter().map(|field| {
        let len = sizes.span(&field.ty, encoding).exact();
        let here = Position {
            segment,
            start: at,
            len,
        };
        match len {
            Some(len) => at = at.saturating_add(len),
            None => (segment, at) = (segment + 1, 0),
        }
        here
    });
    (list.collect(), None)
}

/// By its name and type, as programs write it: `_reserved: [u64; 8]`, `padding1: [u8; 7]`, `_pad: u32`.
fn is_reserve(name: &str, ty: &Type) -> bool {
    match ty {
        Type::Int { .. } => is_reserve_name(name, false),
        Type::Array(inner, _) => {
            matches!(inner.as_ref(), Type::Int { .. } | Type::Array(..))
                && is_reserve_name(name, true)
        }
        _ => false,
    }
}

/// Whether a list, or a single number, is named as programs name bytes that they keep free. `reserved_liquidity` and
/// `funding_gap` are none: they count something.
pub fn is_reserve_name(name: &str, list: bool) -> bool {
    const PADDING: [&str; 4] = ["padding", "pad", "reserved", "unused"];
    const ROOM: [&str; 4] = ["spare", "gap", "future_use", "extra_space"];
    let bare = name.trim_start_matches('_').to_lowercase();
    let marked = name.starts_with('_');
    let room: &[&str] = if list || marked { &ROOM } else { &[] };
    let first = PADDING.iter().chain(room).any(|word| {
        bare.strip_prefix(word).is_some_and(|rest| match marked {
            true => !rest.starts_with(|c: char| c.is_alphabetic()),
            false => rest.chars().all(|c| c == '_' || c.is_ascii_digit()),
        })
    });
    let last = PADDING
        .get(..if marked { 4 } else { 2 })
        .unwrap_or_default();
    first || last.iter().any(|word| bare.ends_with(&format!("_{word}")))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn reserves_are_known_by_name_and_type() {
        let byte = Type::Int {
            bytes: 1,
            signed: false,
        };
        let bytes = Type::Array(Box::new(byte.clone()), 7);
        for name in [
            "_reserved",
            "padding1",
            "reserved_2",
            "_pad",
            "__gap",
            "lamports_padding",
        ] {
            assert!(is_reserve(name, &bytes), "{name}");
        }
        for name in [
            "reserve",
            "reserves",
            "padded",
            "gapless",
            "amount",
            "reserved_slots",
            "amounts_reserved",
        ] {
            assert!(!is_reserve(name, &bytes), "{name}");
        }
        for name in [
            "reserved_liquidity",
            "total_reserved",
            "gap",
            "funding_gap",
            "spare",
        ] {
            assert!(!is_reserve(name, &byte), "{name}");
        }
        for name in [
            "padding",
            "pad2",
            "reserved_1",
            "_gap",
            "_for_what_is_unused",
        ] {
            assert!(is_reserve(name, &byte), "{name}");
        }
        assert!(is_reserve("_pad", &byte) && !is_reserve("_padding", &Type::Key));
    }
}
