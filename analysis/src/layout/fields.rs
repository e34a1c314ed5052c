//! Where the fields of two structs lie, so that what takes reserved bytes is told from what moves others.

use super::{align::Step, types::Place};
use crate::idl::{
    schema::{Encoding, Fields, Type},
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
    /// Of the old fields: whether its bytes are kept free.
    reserves: Vec<bool>,
    /// Where the old segments end.
    ends: Vec<u64>,
    tail: bool,
}

impl Places {
    pub fn new(
        sizes: &mut (Sizes, Sizes),
        (old, new): (&Fields, &Fields),
        packed: (bool, bool),
        place: &Place,
    ) -> Self {
        let old_positions = positions(&mut sizes.0, old, packed.0, place.encodings.0);
        let mut ends = Vec::new();
        for position in &old_positions {
            ends.resize(position.segment + 1, 0);
            if let Some(end) = ends.get_mut(position.segment) {
                *end = position.end();
            }
        }
        Self {
            new: positions(&mut sizes.1, new, packed.1, place.encodings.1),
            reserves: old
                .list
                .iter()
                .map(|one| is_reserve(&one.name, &one.ty))
                .collect(),
            old: old_positions,
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
        pairs && (self.tail || end(&self.old) == end(&self.new))
    }

    /// Whether an old field only keeps bytes free.
    pub fn is_reserve(&self, old: usize) -> bool {
        self.reserves.get(old).copied().unwrap_or(false)
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
    packed: bool,
    encoding: Encoding,
) -> Vec<Position> {
    if encoding == Encoding::Memory {
        if let Some(places) = sizes.places(fields, packed, 0) {
            let list = fields.list.iter().zip(places.starts);
            return list
                .map(|(field, start)| Position {
                    segment: 0,
                    start,
                    len: sizes.memory(&field.ty).map(|(size, _)| size),
                })
                .collect();
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
    list.collect()
}

/// By its name and type, as programs write it: `_reserved: [u64; 8]`, `padding1: [u8; 7]`, `_pad: u32`.
fn is_reserve(name: &str, ty: &Type) -> bool {
    let plain = match ty {
        Type::Int { .. } => true,
        Type::Array(inner, _) => matches!(inner.as_ref(), Type::Int { .. } | Type::Array(..)),
        _ => false,
    };
    let bare = name.trim_start_matches('_').to_lowercase();
    let words = [
        "reserved",
        "padding",
        "unused",
        "spare",
        "gap",
        "pad",
        "future_use",
        "extra_space",
    ];
    let named = words.iter().any(|word| {
        bare.strip_prefix(word)
            .is_some_and(|rest| !rest.starts_with(|c: char| c.is_alphabetic()))
            || bare.ends_with(&format!("_{word}"))
    });
    plain && named
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
        for name in ["reserve", "reserves", "padded", "gapless", "amount"] {
            assert!(!is_reserve(name, &bytes), "{name}");
        }
        assert!(is_reserve("_pad", &byte) && !is_reserve("_padding", &Type::Key));
    }
}
