//! How many bytes a type takes, and where its fields begin.

use super::schema::{Def, DefKind, Encoding, Fields, Repr, Schema, Type, MAX_DEPTH};

/// The fewest and most bytes of a type.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Span {
    pub min: u64,
    /// `None`: unbounded, or not known.
    pub max: Option<u64>,
}

impl Span {
    const UNKNOWN: Self = Self { min: 0, max: None };

    const fn fixed(bytes: u64) -> Self {
        Self {
            min: bytes,
            max: Some(bytes),
        }
    }

    /// The bytes, if they are always as many.
    pub fn exact(self) -> Option<u64> {
        self.max.filter(|max| *max == self.min)
    }

    fn then(self, next: Self) -> Self {
        Self {
            min: self.min.saturating_add(next.min),
            max: self.max.zip(next.max).map(|(a, b)| a.saturating_add(b)),
        }
    }

    fn times(self, count: u64) -> Self {
        Self {
            min: self.min.saturating_mul(count),
            max: self.max.map(|max| max.saturating_mul(count)),
        }
    }
}

/// Bytes and alignment in memory.
type Memory = Option<(u64, u64)>;

/// The sizes of a schema's types.
pub struct Sizes<'a> {
    schema: &'a Schema,
    /// By type; outer `None`: not looked at yet.
    spans: Vec<Option<Span>>,
    memories: Vec<Option<Memory>>,
}

impl<'a> Sizes<'a> {
    /// Nothing is computed yet.
    pub fn new(schema: &'a Schema) -> Self {
        Self {
            schema,
            spans: vec![None; schema.defs.len()],
            memories: vec![None; schema.defs.len()],
        }
    }

    /// The bytes of a type as it is encoded.
    pub fn span(&mut self, ty: &Type, encoding: Encoding) -> Span {
        self.span_at(ty, encoding, 0)
    }

    fn span_at(&mut self, ty: &Type, encoding: Encoding, depth: usize) -> Span {
        if depth > MAX_DEPTH {
            return Span::UNKNOWN;
        }
        match encoding {
            Encoding::Borsh => {}
            Encoding::Memory => {
                let memory = self.memory_at(ty, depth);
                return memory.map_or(Span::UNKNOWN, |(size, _)| Span::fixed(size));
            }
            Encoding::Custom => return Span::UNKNOWN,
        }
        let depth = depth + 1;
        match ty {
            Type::Bool => Span::fixed(1),
            Type::Int { bytes, .. } | Type::Float { bytes } => Span::fixed(u64::from(*bytes)),
            Type::Key => Span::fixed(32),
            Type::Bytes | Type::Text | Type::Vec(_) => Span { min: 4, max: None },
            Type::Option(inner) => {
                let inner = self.span_at(inner, encoding, depth);
                Span {
                    min: 1,
                    max: inner.max.map(|max| max.saturating_add(1)),
                }
            }
            Type::Array(inner, len) => self.span_at(inner, encoding, depth).times(*len),
            Type::Unknown(_) => Span::UNKNOWN,
            Type::Defined(id) => {
                if let Some(Some(span)) = self.spans.get(*id) {
                    return *span;
                }
                let Some(def) = self.schema.def(*id) else {
                    return Span::UNKNOWN;
                };
                // What contains itself has no end; while it is being looked at that is assumed.
                self.note_span(*id, Span::UNKNOWN);
                let span = match (&def.kind, def.encoding) {
                    (DefKind::Alias(target), _) => self.span_at(target, encoding, depth),
                    (_, Encoding::Borsh) => self.def_span(def, depth),
                    (_, other) => self.span_at(ty, other, depth),
                };
                self.note_span(*id, span);
                span
            }
        }
    }

    fn note_span(&mut self, id: usize, span: Span) {
        if let Some(place) = self.spans.get_mut(id) {
            *place = Some(span);
        }
    }

    fn def_span(&mut self, def: &Def, depth: usize) -> Span {
        match &def.kind {
            DefKind::Struct(fields) => self.fields_span(fields, depth),
            DefKind::Alias(target) => self.span_at(target, Encoding::Borsh, depth),
            DefKind::Enum(variants) => {
                let spans = variants
                    .iter()
                    .map(|one| self.fields_span(&one.fields, depth));
                let spans: Vec<Span> = spans.collect();
                let min = spans.iter().map(|span| span.min).min().unwrap_or(0);
                let max = spans
                    .iter()
                    .map(|span| span.max)
                    .max_by_key(|max| max.unwrap_or(0));
                let bounded = spans.iter().all(|span| span.max.is_some());
                Span::fixed(1).then(Span {
                    min,
                    max: max.flatten().filter(|_| bounded),
                })
            }
        }
    }

    /// The bytes of all fields, one behind the other.
    pub fn fields_span(&mut self, fields: &Fields, depth: usize) -> Span {
        let start = Span::fixed(0);
        fields.list.iter().fold(start, |sum, field| {
            sum.then(self.span_at(&field.ty, Encoding::Borsh, depth))
        })
    }

    /// Size and alignment in memory, by the rules of `#[repr(C)]` for Solana's virtual machine. `None`: it is not of fixed size.
    pub fn memory(&mut self, ty: &Type) -> Memory {
        self.memory_at(ty, 0)
    }

    fn memory_at(&mut self, ty: &Type, depth: usize) -> Memory {
        if depth > MAX_DEPTH {
            return None;
        }
        match ty {
            Type::Bool => Some((1, 1)),
            // There, 128 bits are aligned as 64.
            Type::Int { bytes, .. } | Type::Float { bytes } => {
                Some((u64::from(*bytes), u64::from(*bytes).min(8)))
            }
            Type::Key => Some((32, 1)),
            Type::Array(inner, len) => {
                let (size, align) = self.memory_at(inner, depth + 1)?;
                Some((size.saturating_mul(*len), align))
            }
            Type::Bytes | Type::Text | Type::Vec(_) | Type::Option(_) | Type::Unknown(_) => None,
            Type::Defined(id) => {
                if let Some(Some(memory)) = self.memories.get(*id) {
                    return *memory;
                }
                let def = self.schema.def(*id)?;
                // What contains itself is of no size.
                self.note_memory(*id, None);
                let memory = match &def.kind {
                    DefKind::Alias(target) => self.memory_at(target, depth + 1),
                    DefKind::Enum(variants) => {
                        let plain = variants.iter().all(|one| one.fields.list.is_empty());
                        plain.then_some((1, 1))
                    }
                    DefKind::Struct(fields) => self
                        .places(fields, def.repr, depth + 1)
                        .map(|places| places.whole),
                };
                self.note_memory(*id, memory);
                memory
            }
        }
    }

    fn note_memory(&mut self, id: usize, memory: Memory) {
        if let Some(place) = self.memories.get_mut(id) {
            *place = Some(memory);
        }
    }

    /// Where fields lie in memory.
    pub fn places(&mut self, fields: &Fields, repr: Repr, depth: usize) -> Option<Places> {
        let (mut at, mut largest) = (0_u64, repr.align.max(1));
        let mut starts = Vec::with_capacity(fields.list.len());
        for field in &fields.list {
            let (size, align) = self.memory_at(&field.ty, depth)?;
            let align = if repr.packed { 1 } else { align };
            at = at.checked_next_multiple_of(align)?;
            starts.push(at);
            at = at.saturating_add(size);
            largest = largest.max(align);
        }
        Some(Places {
            starts,
            whole: (at.checked_next_multiple_of(largest)?, largest),
        })
    }

    /// Where each field of a struct begins, as far as that does not depend on the values before it.
    pub fn offsets(&mut self, def: &Def, encoding: Encoding) -> Vec<Option<u64>> {
        let DefKind::Struct(fields) = &def.kind else {
            return Vec::new();
        };
        if encoding == Encoding::Memory {
            return match self.places(fields, def.repr, 0) {
                Some(places) => places.starts.into_iter().map(Some).collect(),
                None => vec![None; fields.list.len()],
            };
        }
        let mut at = Some(0_u64);
        let offsets = fields.list.iter().map(|field| {
            let here = at;
            let size = self.span(&field.ty, encoding).exact();
            at = at.zip(size).map(|(at, size)| at.saturating_add(size));
            here
        });
        offsets.collect()
    }
}

/// Where the fields of a struct lie in memory.
#[derive(Debug)]
pub struct Places {
    /// Of each field.
    pub starts: Vec<u64>,
    /// Size and alignment of the struct.
    pub whole: (u64, u64),
}
