//! The format before Anchor 0.30, converted as `anchor idl convert` does: names in snake case, discriminators computed.

use std::collections::HashSet;

use anchor_lang_idl_spec as spec;
use serde::Deserialize;
use solana_sha256_hasher::hash;

use super::IdlError;

#[derive(Deserialize)]
pub struct Idl {
    version: String,
    name: String,
    #[serde(default)]
    constants: Vec<Const>,
    instructions: Vec<Instruction>,
    #[serde(default)]
    accounts: Vec<TypeDef>,
    #[serde(default)]
    types: Vec<TypeDef>,
    events: Option<Vec<Event>>,
    errors: Option<Vec<spec::IdlErrorCode>>,
    metadata: Option<Metadata>,
}

#[derive(Deserialize)]
struct Metadata {
    address: Option<String>,
}

#[derive(Deserialize)]
struct Const {
    name: String,
    #[serde(rename = "type")]
    ty: Type,
    value: String,
}

#[derive(Deserialize)]
struct Instruction {
    name: String,
    accounts: Vec<AccountItem>,
    args: Vec<Field>,
    returns: Option<Type>,
}

#[derive(Deserialize)]
#[serde(untagged)]
enum AccountItem {
    Group {
        name: String,
        accounts: Vec<AccountItem>,
    },
    #[serde(rename_all = "camelCase")]
    Single {
        name: String,
        is_mut: bool,
        is_signer: bool,
        #[serde(default)]
        is_optional: Option<bool>,
        #[serde(default)]
        relations: Vec<String>,
    },
}

#[derive(Deserialize)]
struct Field {
    name: String,
    #[serde(rename = "type")]
    ty: Type,
}

#[derive(Deserialize)]
struct Event {
    name: String,
    fields: Vec<Field>,
}

#[derive(Deserialize)]
struct TypeDef {
    name: String,
    #[serde(default)]
    generics: Option<Vec<String>>,
    #[serde(rename = "type")]
    ty: TypeDefTy,
}

#[derive(Deserialize)]
#[serde(tag = "kind", rename_all = "lowercase")]
enum TypeDefTy {
    Struct { fields: Vec<Field> },
    Enum { variants: Vec<Variant> },
    Alias { value: Type },
}

#[derive(Deserialize)]
struct Variant {
    name: String,
    fields: Option<VariantFields>,
}

#[derive(Deserialize)]
#[serde(untagged)]
enum VariantFields {
    Named(Vec<Field>),
    Tuple(Vec<Type>),
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
enum Type {
    Bool,
    U8,
    I8,
    U16,
    I16,
    U32,
    I32,
    F32,
    U64,
    I64,
    F64,
    U128,
    I128,
    U256,
    I256,
    Bytes,
    String,
    PublicKey,
    Defined(String),
    Option(Box<Type>),
    Vec(Box<Type>),
    Array(Box<Type>, u64),
    GenericLenArray(Box<Type>, String),
    Generic(String),
    DefinedWithTypeArgs { name: String, args: Vec<TypeArg> },
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
enum TypeArg {
    Generic(String),
    Value(String),
    Type(Type),
}

/// The first eight bytes of a hash, as Anchor computes them.
fn discriminator(namespace: &str, name: &str) -> Vec<u8> {
    let hash = hash(format!("{namespace}:{name}").as_bytes()).to_bytes();
    hash.iter().take(8).copied().collect()
}

/// `depositCollateral` as `deposit_collateral`.
pub fn snake_case(name: &str) -> String {
    let letters: Vec<char> = name.chars().collect();
    let mut text = String::with_capacity(name.len() + 4);
    for (index, letter) in letters.iter().enumerate() {
        let before = index.checked_sub(1).and_then(|index| letters.get(index));
        let after = letters.get(index + 1);
        let begins = letter.is_uppercase()
            && before.is_some_and(|before| {
                *before != '_'
                    && (!before.is_uppercase() || after.is_some_and(|after| after.is_lowercase()))
            });
        if begins {
            text.push('_');
        }
        text.extend(letter.to_lowercase());
    }
    text
}

impl Idl {
    /// In the format of Anchor 0.30.
    ///
    /// # Errors
    /// An array's length that is no number.
    pub fn converted(self) -> Result<spec::Idl, IdlError> {
        let mut types = Vec::new();
        let mut accounts = Vec::new();
        for account in self.accounts {
            accounts.push(spec::IdlAccount {
                name: account.name.clone(),
                discriminator: discriminator("account", &account.name),
            });
            types.push(account.converted());
        }
        let mut events = Vec::new();
        for event in self.events.unwrap_or_default() {
            events.push(spec::IdlEvent {
                name: event.name.clone(),
                discriminator: discriminator("event", &event.name),
            });
            types.push(
                TypeDef {
                    name: event.name,
                    generics: None,
                    ty: TypeDefTy::Struct {
                        fields: event.fields,
                    },
                }
                .converted(),
            );
        }
        types.extend(self.types.into_iter().map(TypeDef::converted));
        // Anchor before 0.30 listed the type of an account, or one that is an event too, twice.
        let mut seen = HashSet::new();
        types.retain(|def| seen.insert(def.name.clone()));
        let constants = self.constants.into_iter().map(|constant| spec::IdlConst {
            name: constant.name,
            docs: Vec::new(),
            ty: constant.ty.converted(),
            value: constant.value,
        });
        Ok(spec::Idl {
            address: self
                .metadata
                .and_then(|found| found.address)
                .unwrap_or_default(),
            metadata: spec::IdlMetadata {
                name: self.name,
                version: self.version,
                spec: spec::IDL_SPEC.to_string(),
                description: None,
                repository: None,
                dependencies: Vec::new(),
                contact: None,
                deployments: None,
            },
            docs: Vec::new(),
            instructions: self
                .instructions
                .into_iter()
                .map(Instruction::converted)
                .collect(),
            accounts,
            events,
            errors: self.errors.unwrap_or_default(),
            constants: constants.collect(),
            types,
        })
    }
}

impl Instruction {
    fn converted(self) -> spec::IdlInstruction {
        let name = snake_case(&self.name);
        spec::IdlInstruction {
            discriminator: discriminator("global", &name),
            name,
            docs: Vec::new(),
            accounts: self
                .accounts
                .into_iter()
                .map(AccountItem::converted)
                .collect(),
            args: fields(self.args),
            returns: self.returns.map(Type::converted),
        }
    }
}

impl AccountItem {
    fn converted(self) -> spec::IdlInstructionAccountItem {
        match self {
            Self::Group { name, accounts } => {
                spec::IdlInstructionAccountItem::Composite(spec::IdlInstructionAccounts {
                    name: snake_case(&name),
                    accounts: accounts.into_iter().map(Self::converted).collect(),
                })
            }
            Self::Single {
                name,
                is_mut,
                is_signer,
                is_optional,
                relations,
            } => spec::IdlInstructionAccountItem::Single(spec::IdlInstructionAccount {
                name: snake_case(&name),
                docs: Vec::new(),
                writable: is_mut,
                signer: is_signer,
                optional: is_optional.unwrap_or_default(),
                address: None,
                // The old form names accounts and arguments in another way: it is not compared.
                pda: None,
                relations: relations.iter().map(|name| snake_case(name)).collect(),
            }),
        }
    }
}

impl TypeDef {
    fn converted(self) -> spec::IdlTypeDef {
        let ty = match self.ty {
            TypeDefTy::Struct { fields: list } => spec::IdlTypeDefTy::Struct {
                fields: Some(spec::IdlDefinedFields::Named(fields(list))),
            },
            TypeDefTy::Enum { variants } => spec::IdlTypeDefTy::Enum {
                variants: variants.into_iter().map(Variant::converted).collect(),
            },
            TypeDefTy::Alias { value } => spec::IdlTypeDefTy::Type {
                alias: value.converted(),
            },
        };
        let generics = self.generics.unwrap_or_default().into_iter();
        spec::IdlTypeDef {
            name: self.name,
            docs: Vec::new(),
            serialization: spec::IdlSerialization::Borsh,
            repr: None,
            generics: generics
                .map(|name| spec::IdlTypeDefGeneric::Type { name })
                .collect(),
            ty,
        }
    }
}

impl Variant {
    fn converted(self) -> spec::IdlEnumVariant {
        let converted = |found| match found {
            VariantFields::Named(list) => spec::IdlDefinedFields::Named(fields(list)),
            VariantFields::Tuple(types) => {
                spec::IdlDefinedFields::Tuple(types.into_iter().map(Type::converted).collect())
            }
        };
        spec::IdlEnumVariant {
            name: self.name,
            fields: self.fields.map(converted),
        }
    }
}

fn fields(list: Vec<Field>) -> Vec<spec::IdlField> {
    let list = list.into_iter();
    list.map(|field| spec::IdlField {
        name: snake_case(&field.name),
        docs: Vec::new(),
        ty: field.ty.converted(),
    })
    .collect()
}

impl Type {
    fn converted(self) -> spec::IdlType {
        use spec::{IdlArrayLen, IdlGenericArg, IdlType};
        let boxed = |inner: Box<Self>| Box::new(inner.converted());
        match self {
            Self::Bool => IdlType::Bool,
            Self::U8 => IdlType::U8,
            Self::I8 => IdlType::I8,
            Self::U16 => IdlType::U16,
            Self::I16 => IdlType::I16,
            Self::U32 => IdlType::U32,
            Self::I32 => IdlType::I32,
            Self::F32 => IdlType::F32,
            Self::U64 => IdlType::U64,
            Self::I64 => IdlType::I64,
            Self::F64 => IdlType::F64,
            Self::U128 => IdlType::U128,
            Self::I128 => IdlType::I128,
            Self::U256 => IdlType::U256,
            Self::I256 => IdlType::I256,
            Self::Bytes => IdlType::Bytes,
            Self::String => IdlType::String,
            Self::PublicKey => IdlType::Pubkey,
            Self::Option(inner) => IdlType::Option(boxed(inner)),
            Self::Vec(inner) => IdlType::Vec(boxed(inner)),
            Self::Array(inner, len) => IdlType::Array(
                boxed(inner),
                IdlArrayLen::Value(usize::try_from(len).unwrap_or(usize::MAX)),
            ),
            Self::GenericLenArray(inner, name) => {
                IdlType::Array(boxed(inner), IdlArrayLen::Generic(name))
            }
            Self::Generic(name) => IdlType::Generic(name),
            Self::Defined(name) => IdlType::Defined {
                name,
                generics: Vec::new(),
            },
            Self::DefinedWithTypeArgs { name, args } => {
                let generics = args.into_iter().map(|argument| match argument {
                    TypeArg::Generic(name) => IdlGenericArg::Type {
                        ty: IdlType::Generic(name),
                    },
                    TypeArg::Value(value) => IdlGenericArg::Const { value },
                    TypeArg::Type(ty) => IdlGenericArg::Type { ty: ty.converted() },
                });
                IdlType::Defined {
                    name,
                    generics: generics.collect(),
                }
            }
        }
    }
}
