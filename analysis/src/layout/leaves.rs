//! Whether two types are the same bytes, however they are grouped and named.

use crate::idl::schema::{DefKind, Encoding, Schema, Type, MAX_DEPTH};

/// How a type is encoded within another.
pub fn within(outer: Encoding, own: Encoding) -> Encoding {
    match outer {
        Encoding::Borsh => own,
        other => other,
    }
}

/// The indivisible parts of a type with their places.
pub struct Leaves<'a> {
    schema: &'a Schema,
    at: u64,
    found: Vec<(u64, Type)>,
    visits: usize,
}

impl<'a> Leaves<'a> {
    /// Types looked at, at most.
    const MOST: usize = 20_000;

    /// `None`: it is not of fixed size, or has too many parts.
    pub fn of(schema: &'a Schema, ty: &Type, encoding: Encoding) -> Option<Vec<(u64, Type)>> {
        let mut leaves = Self {
            schema,
            at: 0,
            found: Vec::new(),
            visits: 0,
        };
        leaves.visit(ty, encoding, 0)?;
        Some(leaves.found)
    }

    fn leaf(&mut self, ty: &Type, bytes: u64) {
        self.found.push((self.at, ty.clone()));
        self.at = self.at.saturating_add(bytes);
    }

    fn visit(&mut self, ty: &Type, encoding: Encoding, depth: usize) -> Option<()> {
        self.visits += 1;
        if depth > MAX_DEPTH || self.visits > Self::MOST {
            return None;
        }
        match ty {
            Type::Bool => self.leaf(ty, 1),
            Type::Int { bytes, .. } | Type::Float { bytes } => self.leaf(ty, u64::from(*bytes)),
            // 32 plain bytes are as good.
            Type::Key => {
                let byte = Type::Int {
                    bytes: 1,
                    signed: false,
                };
                (0..32).for_each(|_| self.leaf(&byte, 1));
            }
            Type::Array(inner, len) => {
                for _ in 0..*len {
                    self.visit(inner, encoding, depth + 1)?;
                }
            }
            Type::Defined(id) => {
                let schema = self.schema;
                let def = schema.def(*id)?;
                match &def.kind {
                    DefKind::Alias(target) => self.visit(target, encoding, depth + 1)?,
                    DefKind::Enum(_) => return None,
                    DefKind::Struct(fields) => {
                        let encoding = within(encoding, def.encoding);
                        let places = match encoding {
                            Encoding::Borsh => None,
                            Encoding::Memory => Some(schema.places.get(*id)?.as_ref()?),
                            Encoding::Custom => return None,
                        };
                        let start = self.at;
                        for (index, field) in fields.list.iter().enumerate() {
                            if let Some(places) = places {
                                self.at = start.saturating_add(*places.starts.get(index)?);
                            }
                            self.visit(&field.ty, encoding, depth + 1)?;
                        }
                        if let Some(places) = places {
                            self.at = start.saturating_add(places.whole.0);
                        }
                    }
                }
            }
            _ => return None,
        }
        Some(())
    }
}
