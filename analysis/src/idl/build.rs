//! From the types of an IDL to a [`Schema`], generics filled in.

use std::{
    collections::{HashMap, VecDeque},
    sync::Arc,
};

use anchor_lang_idl_spec::{
    IdlArrayLen, IdlDefinedFields, IdlField, IdlGenericArg, IdlRepr, IdlSerialization, IdlType,
    IdlTypeDef, IdlTypeDefGeneric, IdlTypeDefTy,
};

use super::{
    schema::{short, Def, DefId, DefKind, Encoding, Field, Fields, Repr, Schema, Type, VariantDef},
    size::Sizes,
    IdlError,
};

/// Types, each instance of a generic one counted.
const MAX_DEFS: usize = 10_000;
/// Fields and variants of all types, likewise.
const MAX_FIELDS: usize = 200_000;
/// The name of an instance of a generic type, in bytes.
const MAX_INSTANCE: usize = 2_000;

#[derive(Clone)]
enum Argument {
    Type(Type),
    Const(String),
}

type Arguments = HashMap<String, Argument>;

/// Fills a [`Schema`].
pub struct Builder<'a> {
    types: HashMap<&'a str, &'a IdlTypeDef>,
    ids: HashMap<String, DefId>,
    schema: Schema,
    /// What is named, and not yet in the schema.
    queue: VecDeque<(DefId, &'a IdlTypeDef, Arguments)>,
    fields: usize,
}

impl<'a> Builder<'a> {
    /// Of the types that an IDL defines.
    ///
    /// # Errors
    /// A name that is defined twice.
    pub fn new(types: &'a [IdlTypeDef]) -> Result<Self, IdlError> {
        if types.len() > MAX_DEFS {
            return Err(IdlError::TooLarge("types", MAX_DEFS));
        }
        let mut by_name = HashMap::with_capacity(types.len());
        for def in types {
            short(&def.name)?;
            if by_name.insert(def.name.as_str(), def).is_some() {
                return Err(IdlError::invalid(format!(
                    "the type `{}` is defined twice",
                    def.name
                )));
            }
        }
        Ok(Self {
            types: by_name,
            ids: HashMap::new(),
            schema: Schema::default(),
            queue: VecDeque::new(),
            fields: 0,
        })
    }

    /// The type with this name, which takes no generics; or that whose path ends so.
    ///
    /// # Errors
    /// Where the IDL is too large.
    pub fn named(&mut self, name: &str) -> Result<Type, IdlError> {
        let last = |path: &str| path.rsplit("::").next().unwrap_or(path).to_string();
        let found = match self.types.get_key_value(name) {
            Some((name, _)) => *name,
            None => {
                let mut names = self.types.keys().filter(|known| last(known) == last(name));
                match (names.next(), names.next()) {
                    (Some(only), None) => only,
                    _ => return Ok(Type::Unknown(name.to_string())),
                }
            }
        };
        self.instance(found, Vec::new())
    }

    /// The fields of an instruction's arguments.
    ///
    /// # Errors
    /// Where the IDL is too large.
    pub fn arguments(&mut self, fields: &[IdlField]) -> Result<Fields, IdlError> {
        self.named_fields(fields, &Arguments::new())
    }

    /// A type as it is used outside of other types.
    ///
    /// # Errors
    /// Where the IDL is too large.
    pub fn used(&mut self, ty: &IdlType) -> Result<Type, IdlError> {
        self.resolve(ty, &Arguments::new())
    }

    /// The schema, with all that was asked for.
    ///
    /// # Errors
    /// Where the IDL is too large.
    pub fn finish(mut self) -> Result<Schema, IdlError> {
        while let Some((id, def, arguments)) = self.queue.pop_front() {
            let kind = match &def.ty {
                IdlTypeDefTy::Struct { fields } => {
                    DefKind::Struct(self.defined_fields(fields.as_ref(), &arguments)?)
                }
                IdlTypeDefTy::Enum { variants } => {
                    self.count(variants.len())?;
                    let variants = variants.iter().map(|variant| {
                        short(&variant.name)?;
                        Ok(VariantDef {
                            name: Arc::from(variant.name.as_str()),
                            fields: self.defined_fields(variant.fields.as_ref(), &arguments)?,
                        })
                    });
                    DefKind::Enum(variants.collect::<Result<_, IdlError>>()?)
                }
                IdlTypeDefTy::Type { alias } => DefKind::Alias(self.resolve(alias, &arguments)?),
            };
            if let Some(place) = self.schema.defs.get_mut(id) {
                place.kind = kind;
            }
        }
        let mut sizes = Sizes::new(&self.schema);
        let places = self.schema.defs.iter().map(|def| match &def.kind {
            DefKind::Struct(fields) => sizes.places(fields, def.repr, 0),
            _ => None,
        });
        let places = places.collect();
        self.schema.places = places;
        Ok(self.schema)
    }

    fn count(&mut self, more: usize) -> Result<(), IdlError> {
        self.fields = self.fields.saturating_add(more);
        if self.fields > MAX_FIELDS {
            return Err(IdlError::TooLarge("fields", MAX_FIELDS));
        }
        Ok(())
    }

    fn defined_fields(
        &mut self,
        fields: Option<&IdlDefinedFields>,
        arguments: &Arguments,
    ) -> Result<Fields, IdlError> {
        match fields {
            None => Ok(Fields::default()),
            Some(IdlDefinedFields::Named(fields)) => self.named_fields(fields, arguments),
            Some(IdlDefinedFields::Tuple(types)) => {
                self.count(types.len())?;
                let list = types.iter().enumerate().map(|(index, ty)| {
                    Ok(Field {
                        name: Arc::from(index.to_string()),
                        ty: self.resolve(ty, arguments)?,
                    })
                });
                Ok(Fields {
                    named: false,
                    list: list.collect::<Result<_, IdlError>>()?,
                })
            }
        }
    }

    fn named_fields(
        &mut self,
        fields: &[IdlField],
        arguments: &Arguments,
    ) -> Result<Fields, IdlError> {
        self.count(fields.len())?;
        let list = fields.iter().map(|field| {
            short(&field.name)?;
            Ok(Field {
                name: Arc::from(field.name.as_str()),
                ty: self.resolve(&field.ty, arguments)?,
            })
        });
        Ok(Fields {
            named: true,
            list: list.collect::<Result<_, IdlError>>()?,
        })
    }

    fn resolve(&mut self, ty: &IdlType, arguments: &Arguments) -> Result<Type, IdlError> {
        let int = |bytes, signed| Type::Int { bytes, signed };
        Ok(match ty {
            IdlType::Bool => Type::Bool,
            IdlType::U8 => int(1, false),
            IdlType::I8 => int(1, true),
            IdlType::U16 => int(2, false),
            IdlType::I16 => int(2, true),
            IdlType::U32 => int(4, false),
            IdlType::I32 => int(4, true),
            IdlType::U64 => int(8, false),
            IdlType::I64 => int(8, true),
            IdlType::U128 => int(16, false),
            IdlType::I128 => int(16, true),
            IdlType::U256 => int(32, false),
            IdlType::I256 => int(32, true),
            IdlType::F32 => Type::Float { bytes: 4 },
            IdlType::F64 => Type::Float { bytes: 8 },
            IdlType::Bytes => Type::Bytes,
            IdlType::String => Type::Text,
            IdlType::Pubkey => Type::Key,
            IdlType::Option(inner) => Type::Option(Box::new(self.resolve(inner, arguments)?)),
            IdlType::Vec(inner) => Type::Vec(Box::new(self.resolve(inner, arguments)?)),
            IdlType::Array(inner, len) => {
                let len = self.length(len, arguments)?;
                Type::Array(Box::new(self.resolve(inner, arguments)?), len)
            }
            IdlType::Defined { name, generics } => {
                short(name)?;
                let given = generics.iter().map(|argument| match argument {
                    IdlGenericArg::Type { ty } => Ok(Argument::Type(self.resolve(ty, arguments)?)),
                    IdlGenericArg::Const { value } => Ok(match arguments.get(value) {
                        Some(outer) => outer.clone(),
                        None => Argument::Const(value.clone()),
                    }),
                });
                let given = given.collect::<Result<Vec<_>, IdlError>>()?;
                self.instance(name, given)?
            }
            IdlType::Generic(name) => match arguments.get(name) {
                Some(Argument::Type(ty)) => ty.clone(),
                _ => {
                    short(name)?;
                    Type::Unknown(name.clone())
                }
            },
            // The crate may learn types that this one does not know.
            _ => Type::Unknown("a type of a newer IDL".to_string()),
        })
    }

    fn length(&self, len: &IdlArrayLen, arguments: &Arguments) -> Result<u64, IdlError> {
        let name = match len {
            IdlArrayLen::Value(len) => return Ok(*len as u64),
            IdlArrayLen::Generic(name) => name,
        };
        let value = match arguments.get(name) {
            Some(Argument::Const(value)) => value.replace('_', ""),
            _ => name.clone(),
        };
        value.parse().map_err(|_| {
            IdlError::invalid(format!(
                "the length of an array must be a number, found `{value}`"
            ))
        })
    }

    fn instance(&mut self, name: &str, given: Vec<Argument>) -> Result<Type, IdlError> {
        let shown = given.iter().map(|argument| match argument {
            Argument::Type(ty) => self.schema.describe(ty),
            Argument::Const(value) => value.clone(),
        });
        let shown: Vec<String> = shown.collect();
        let shown = match shown.is_empty() {
            true => name.to_string(),
            false => format!("{name}<{}>", shown.join(", ")),
        };
        let Some((name, def)) = self.types.get_key_value(name) else {
            return match shown.len() > MAX_INSTANCE {
                true => Err(IdlError::TooLarge("bytes in a type", MAX_INSTANCE)),
                false => Ok(Type::Unknown(shown)),
            };
        };
        let (name, def) = (*name, *def);
        if let Some(id) = self.ids.get(&shown) {
            return Ok(Type::Defined(*id));
        }
        if shown.len() > MAX_INSTANCE || self.schema.defs.len() >= MAX_DEFS {
            return Err(IdlError::TooLarge("types", MAX_DEFS));
        }
        if def.generics.len() != given.len() {
            return Err(IdlError::invalid(format!(
                "the type `{name}` takes {} generic arguments, found {}",
                def.generics.len(),
                given.len()
            )));
        }
        let names = def.generics.iter().map(|generic| match generic {
            IdlTypeDefGeneric::Type { name } | IdlTypeDefGeneric::Const { name, .. } => {
                name.clone()
            }
        });
        let arguments = names.zip(given).collect();
        let id = self.schema.defs.len();
        self.schema.defs.push(Def {
            name: shown.clone(),
            encoding: match def.serialization {
                IdlSerialization::Borsh => Encoding::Borsh,
                IdlSerialization::Bytemuck | IdlSerialization::BytemuckUnsafe => Encoding::Memory,
                _ => Encoding::Custom,
            },
            repr: match &def.repr {
                Some(IdlRepr::C(modifier) | IdlRepr::Rust(modifier)) => Repr {
                    packed: modifier.packed,
                    align: modifier.align.map_or(0, |align| align as u64),
                },
                _ => Repr::default(),
            },
            kind: DefKind::Struct(Fields::default()),
        });
        self.ids.insert(shown, id);
        self.queue.push_back((id, def, arguments));
        Ok(Type::Defined(id))
    }
}
