//! The types of an IDL with their generics filled in, in a table: types name one another by index, so that recursive ones are finite.

use std::sync::Arc;

use super::{size::Places, IdlError};

/// How deeply types may be nested; also values.
pub const MAX_DEPTH: usize = 64;
/// Any other name.
const MAX_NAME: usize = 256;

/// The place of a type in a [`Schema`].
pub type DefId = usize;

/// A type where it is used.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Type {
    Bool,
    Int {
        bytes: u8,
        signed: bool,
    },
    Float {
        bytes: u8,
    },
    Bytes,
    Text,
    Key,
    Option(Box<Type>),
    Vec(Box<Type>),
    Array(Box<Type>, u64),
    Defined(DefId),
    /// Not in the IDL.
    Unknown(String),
}

/// How a type is written as bytes.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Encoding {
    Borsh,
    /// As it lies in memory (`zero_copy`).
    Memory,
    /// By code of the program's own.
    Custom,
}

/// How a struct lies in memory, where that is not `#[repr(C)]` alone.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Repr {
    /// `packed`: no field is aligned.
    pub packed: bool,
    /// `align(8)`: the struct is aligned at least so. 0: no such attribute.
    pub align: u64,
}

/// A defined type.
#[derive(Clone, Debug)]
pub struct Def {
    /// With its generics.
    pub name: String,
    pub encoding: Encoding,
    pub repr: Repr,
    pub kind: DefKind,
}

/// What a defined type is.
#[derive(Clone, Debug)]
pub enum DefKind {
    Struct(Fields),
    Enum(Vec<VariantDef>),
    Alias(Type),
}

/// The fields of a struct or variant.
#[derive(Clone, Debug, Default)]
pub struct Fields {
    /// False for a tuple, whose fields are named by their places.
    pub named: bool,
    pub list: Vec<Field>,
}

/// A field.
#[derive(Clone, Debug)]
pub struct Field {
    pub name: Arc<str>,
    pub ty: Type,
}

/// A variant of an enum.
#[derive(Clone, Debug)]
pub struct VariantDef {
    pub name: Arc<str>,
    pub fields: Fields,
}

/// All types of an IDL.
#[derive(Debug, Default)]
pub struct Schema {
    pub defs: Vec<Def>,
    /// Where the fields of each struct lie in memory. `None`: it is not of fixed size, or no struct.
    pub places: Vec<Option<Places>>,
}

/// A name that can be shown, and repeated.
///
/// # Errors
/// A longer one than people give.
pub fn short(name: &str) -> Result<(), IdlError> {
    match name.len() > MAX_NAME {
        true => Err(IdlError::TooLarge("bytes in a name", MAX_NAME)),
        false => Ok(()),
    }
}

impl Schema {
    /// A defined type.
    pub fn def(&self, id: DefId) -> Option<&Def> {
        self.defs.get(id)
    }

    /// A type behind its aliases. `None`: they never end.
    pub fn unaliased<'a>(&'a self, ty: &'a Type) -> Option<&'a Type> {
        let mut ty = ty;
        for _ in 0..MAX_DEPTH {
            match ty {
                Type::Defined(id) => match &self.def(*id)?.kind {
                    DefKind::Alias(target) => ty = target,
                    _ => return Some(ty),
                },
                _ => return Some(ty),
            }
        }
        None
    }

    /// A type as Rust writes it.
    pub fn describe(&self, ty: &Type) -> String {
        match ty {
            Type::Bool => "bool".to_string(),
            Type::Int { bytes, signed } => {
                format!(
                    "{}{}",
                    if *signed { 'i' } else { 'u' },
                    u16::from(*bytes) * 8
                )
            }
            Type::Float { bytes } => format!("f{}", u16::from(*bytes) * 8),
            Type::Bytes => "bytes".to_string(),
            Type::Text => "String".to_string(),
            Type::Key => "Pubkey".to_string(),
            Type::Option(inner) => format!("Option<{}>", self.describe(inner)),
            Type::Vec(inner) => format!("Vec<{}>", self.describe(inner)),
            Type::Array(inner, len) => format!("[{}; {len}]", self.describe(inner)),
            Type::Defined(id) => self
                .def(*id)
                .map_or_else(String::new, |def| def.name.clone()),
            Type::Unknown(name) => name.clone(),
        }
    }
}
