//! What a name of an expression stands for, checked, and read as a value.

use std::sync::Arc;

use solana_sdk::pubkey::Pubkey;

use super::{
    conditions::{bytes_of, fits, literal, place_of},
    file::{Account, Field, FieldType, File},
    source::{AccountSource, Found, Selection},
    token, Idls,
};
use crate::idl::{
    schema::Type,
    value::{Origin, Record},
    Idl, Number, Value,
};

/// Accounts to read. Two names for the same are read once.
#[derive(Clone, Debug, PartialEq)]
pub struct Read {
    pub target: Target,
    decode: Decode,
    /// Who must own it; `None`: anybody, or any token program.
    owner: Option<Pubkey>,
}

/// Which accounts.
#[derive(Clone, Debug, PartialEq)]
pub enum Target {
    One {
        address: Pubkey,
        optional: bool,
    },
    All {
        selection: Selection,
        at_least: usize,
        /// Fields and what they must hold.
        conditions: Vec<(String, Value)>,
    },
}

/// How an account's data become a value.
#[derive(Clone, Debug, PartialEq)]
pub enum Decode {
    Token(token::Kind),
    /// A program's name in the file, and the type's.
    Idl(String, String),
    Fields(Vec<(Arc<str>, Field)>),
}

impl Read {
    /// Checks a declaration.
    ///
    /// # Errors
    /// What is missing in it, or does not go together.
    pub fn new(account: &Account, file: &File, idls: &Idls) -> Result<Self, String> {
        let (decode, idl) = Self::decode_of(account, idls)?;
        let program = account
            .program
            .as_deref()
            .map(|name| program_id(name, file))
            .transpose()?;
        let target = match (&account.address, &account.pda, account.all) {
            (Some(address), None, false) => Target::One {
                address: key(address)?,
                optional: account.optional,
            },
            (None, Some(pda), false) => {
                let seeds = pda.seeds.iter().map(super::file::Seed::bytes);
                let seeds: Vec<Vec<u8>> = seeds.collect::<Result<_, _>>()?;
                let seeds: Vec<&[u8]> = seeds.iter().map(Vec::as_slice).collect();
                let id = program_id(&pda.program, file)?;
                if seeds.len() > 15 || seeds.iter().any(|seed| seed.len() > 32) {
                    return Err("an address has at most 15 seeds of at most 32 bytes".to_string());
                }
                let found = Pubkey::try_find_program_address(&seeds, &id);
                let (address, _) = found.ok_or("no address follows from these seeds")?;
                Target::One {
                    address,
                    optional: account.optional,
                }
            }
            (None, None, true) => {
                let token = matches!(decode, Decode::Token(_)).then_some(token::TOKEN);
                let program = program.or(token).ok_or("`all` needs a `program`")?;
                Self::all_of(account, program, &decode, idl)?
            }
            _ => {
                return Err("it needs exactly one of `address`, `pda` and `all = true`".to_string())
            }
        };
        let single = matches!(target, Target::One { .. });
        let only_all =
            !account.conditions.is_empty() || account.size.is_some() || account.at_least.is_some();
        if single && only_all {
            return Err("`where`, `size` and `at_least` go with `all = true`".to_string());
        }
        if !single && account.optional {
            return Err("`optional` does not go with `all`, say `at_least = 0`".to_string());
        }
        Ok(Self {
            target,
            decode,
            owner: program,
        })
    }

    fn decode_of<'a>(
        account: &Account,
        idls: &'a Idls,
    ) -> Result<(Decode, Option<&'a Idl>), String> {
        if let Some(name) = &account.ty {
            if !account.fields.is_empty() {
                return Err("`type` and `fields` exclude each other".to_string());
            }
            if let Some(kind) = token::Kind::named(name) {
                return Ok((Decode::Token(kind), None));
            }
            let program = account.program.as_deref().ok_or_else(|| {
                format!("the type `{name}` needs a `program` whose IDL defines it")
            })?;
            let idl = idls.get(program).ok_or_else(|| {
                format!("there is no IDL of the program `{program}`: name its file in [programs.{program}]")
            })?;
            if idl.account(name).is_none() {
                let known: Vec<&str> = idl.accounts.iter().map(|one| one.name.as_str()).collect();
                return Err(format!(
                    "the IDL of `{program}` has no account type `{name}`, only {}",
                    known.join(", ")
                ));
            }
            return Ok((Decode::Idl(program.to_string(), name.clone()), Some(idl)));
        }
        let fields = account.fields.iter();
        let fields = fields.map(|(name, field)| (Arc::from(name.as_str()), field.clone()));
        Ok((Decode::Fields(fields.collect()), None))
    }

    fn all_of(
        account: &Account,
        program: Pubkey,
        decode: &Decode,
        idl: Option<&Idl>,
    ) -> Result<Target, String> {
        let mut filters = Vec::new();
        let mut len = account.size;
        match decode {
            // Other accounts of the programs have other lengths, or a type behind this one.
            Decode::Token(kind) if program == token::TOKEN => len = len.or(Some(kind.len())),
            Decode::Idl(_, name) => {
                let described = idl.and_then(|idl| idl.account(name));
                let head = described.map(|one| one.discriminator.clone());
                filters.push((0, head.unwrap_or_default()));
            }
            _ => {}
        }
        let mut conditions = Vec::new();
        for (name, required) in &account.conditions {
            let place = place_of(name, decode, idl)?;
            let value = literal(name, required, place.as_ref().map(|(_, ty)| ty))?;
            if let Some((Some(at), ty)) = place {
                filters.extend(bytes_of(&value, &ty).map(|bytes| (at, bytes)));
            }
            conditions.push((name.clone(), value));
        }
        filters.retain(|(_, bytes)| !bytes.is_empty());
        Ok(Target::All {
            selection: Selection {
                program,
                len,
                filters,
            },
            at_least: account.at_least.unwrap_or(1),
            conditions,
        })
    }

    /// Reads it as a value: a record, null, or a list of records in the order of their addresses.
    ///
    /// # Errors
    /// What is missing, of another owner or type, or too many.
    pub fn value(
        &self,
        source: &dyn AccountSource,
        idls: &Idls,
        limit: usize,
    ) -> Result<Value, String> {
        match &self.target {
            Target::One { address, optional } => match source.get(address)? {
                None if *optional => Ok(Value::Null),
                None => Err(format!("there is no account {address}")),
                Some(found) => self.record(address, &found, idls),
            },
            Target::All {
                selection,
                at_least,
                conditions,
            } => {
                let mut found = source.select(selection)?;
                found.retain(|(_, account)| selection.fits(&account.owner, &account.data));
                if let Decode::Token(kind) = &self.decode {
                    found.retain(|(_, account)| kind.fits(&account.data));
                }
                if found.len() > limit {
                    return Err(format!(
                        "{} accounts fit, limits.accounts allows {limit}",
                        found.len()
                    ));
                }
                found.sort_by_key(|(address, _)| *address);
                let mut list = Vec::with_capacity(found.len());
                for (address, account) in &found {
                    let record = self.record(address, account, idls)?;
                    if fits(&record, conditions)? {
                        list.push(record);
                    }
                }
                if list.len() < *at_least {
                    return Err(format!(
                        "{} accounts of program {} fit, at least {at_least} must (at_least)",
                        list.len(),
                        selection.program
                    ));
                }
                Ok(Value::List(Arc::new(list)))
            }
        }
    }

    fn record(&self, address: &Pubkey, found: &Found, idls: &Idls) -> Result<Value, String> {
        let owned = match (&self.owner, &self.decode) {
            (Some(owner), _) => found.owner == *owner,
            (None, Decode::Token(_)) => [token::TOKEN, token::TOKEN_2022].contains(&found.owner),
            (None, _) => true,
        };
        if !owned {
            let required = match &self.owner {
                Some(owner) => owner.to_string(),
                None => "a token program".to_string(),
            };
            return Err(format!(
                "account {address} must be owned by {required}, found {}",
                found.owner
            ));
        }
        let failed = |reason: String| format!("account {address}: {reason}");
        let mut record = match &self.decode {
            Decode::Token(kind) => kind.decode(&found.data).map_err(failed)?,
            Decode::Idl(program, name) => {
                let idl = idls.get(program);
                let described = idl.and_then(|idl| Some((idl, idl.account(name)?)));
                let (idl, described) = described.ok_or_else(|| failed("no IDL".to_string()))?;
                let decoded = idl.decode(described, &found.data);
                match decoded.map_err(|error| failed(error.to_string()))?.0 {
                    Value::Record(record) => Arc::unwrap_or_clone(record),
                    // An account that is an enum or a tuple.
                    other => Record {
                        fields: vec![(Arc::from("value"), other)],
                        account: None,
                    },
                }
            }
            Decode::Fields(fields) => {
                let values = fields.iter().map(|(name, field)| {
                    let value = field.read(&found.data);
                    let value = value.map_err(|reason| failed(format!("{name} {reason}")))?;
                    Ok((Arc::clone(name), value))
                });
                Record {
                    fields: values.collect::<Result<_, String>>()?,
                    account: None,
                }
            }
        };
        record.account = Some(Box::new(Origin {
            address: *address,
            owner: found.owner,
            lamports: found.lamports,
            len: found.data.len(),
        }));
        Ok(Value::Record(Arc::new(record)))
    }
}

fn key(text: &str) -> Result<Pubkey, String> {
    text.parse()
        .map_err(|_| format!("an address in base58 is needed, found `{text}`"))
}

/// The id of a program by its name in the file, or its address.
fn program_id(name: &str, file: &File) -> Result<Pubkey, String> {
    match file.programs.get(name) {
        Some(program) => key(&program.id),
        None => name.parse().map_err(|_| {
            format!("there is no program `{name}` in [programs], and it is no address")
        }),
    }
}

impl FieldType {
    pub fn as_type(self) -> Type {
        let int = |bytes, signed| Type::Int { bytes, signed };
        match self {
            Self::Bool => Type::Bool,
            Self::Pubkey => Type::Key,
            Self::U8 => int(1, false),
            Self::U16 => int(2, false),
            Self::U32 => int(4, false),
            Self::U64 => int(8, false),
            Self::U128 => int(16, false),
            Self::I8 => int(1, true),
            Self::I16 => int(2, true),
            Self::I32 => int(4, true),
            Self::I64 => int(8, true),
            Self::I128 => int(16, true),
        }
    }
}

impl Field {
    fn read(&self, data: &[u8]) -> Result<Value, String> {
        let ty = self.ty.as_type();
        let len = match ty {
            Type::Key => 32,
            Type::Int { bytes, .. } => usize::from(bytes),
            _ => 1,
        };
        let end = self.offset.saturating_add(len);
        let bytes = data.get(self.offset..end).ok_or_else(|| {
            format!(
                "is at bytes {} to {end}, the account has {}",
                self.offset,
                data.len()
            )
        })?;
        match (ty, bytes) {
            (Type::Int { signed, .. }, bytes) => {
                Ok(Value::Number(Number::from_le_bytes(bytes, signed)))
            }
            (Type::Bool, [0]) => Ok(Value::Bool(false)),
            (Type::Bool, [1]) => Ok(Value::Bool(true)),
            (Type::Bool, _) => Err("must be 0 or 1 to be a bool".to_string()),
            (_, bytes) => Ok(Value::Key(Pubkey::try_from(bytes).unwrap_or_default())),
        }
    }
}
