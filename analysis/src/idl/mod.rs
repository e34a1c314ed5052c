//! IDLs: what a program's accounts, instructions and events look like, and what their bytes mean.
//!
//! Understood are Anchor's IDLs since 0.30 and, converted, those before. Where they come from (a file, an account on the chain)
//! is the caller's; [`chain`] knows the accounts. An IDL is somebody's claim: whatever it says, reading it and decoding with it
//! ends, in bounded memory, with a value or an error.

mod build;
pub mod chain;
mod decode;
mod legacy;
pub mod number;
pub mod schema;
pub mod size;
pub mod value;

#[cfg(test)]
mod hostile;
#[cfg(test)]
mod tests;

use std::str::FromStr;

use anchor_lang_idl_spec as spec;
use serde::{de::IgnoredAny, Deserialize};
use solana_sdk::pubkey::Pubkey;

use self::{
    build::Builder,
    decode::Decoder,
    schema::{short, Encoding, Fields, Schema, Type},
};
pub use self::{decode::DecodeError, number::Number, value::Value};

/// Longer texts are refused; the longest known IDLs have about 1 MB.
pub const MAX_IDL_BYTES: usize = 8 << 20;
/// Accounts, events and instructions together.
const MAX_ITEMS: usize = 10_000;
/// The longest discriminator, in bytes.
const MAX_DISCRIMINATOR: usize = 64;

/// Why an IDL cannot be used.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum IdlError {
    #[error("the IDL has more than {1} {0}")]
    TooLarge(&'static str, usize),
    /// Another format.
    #[error("this is {found}; an IDL must be Anchor's")]
    Unsupported { found: &'static str },
    #[error("this is no Anchor IDL: {0}")]
    Invalid(String),
}

impl IdlError {
    fn invalid(reason: impl Into<String>) -> Self {
        Self::Invalid(reason.into())
    }
}

/// A program's IDL.
#[derive(Debug)]
pub struct Idl {
    /// As it is written, in the format of Anchor 0.30 and later.
    pub spec: spec::Idl,
    /// SHA-256 of the JSON that it was read from.
    pub sha256: [u8; 32],
    /// Whether it was converted from the format before Anchor 0.30, which does not say which accounts are zero-copy.
    pub legacy: bool,
    /// All types.
    pub schema: Schema,
    /// By their order in the IDL.
    pub accounts: Vec<Described>,
    pub events: Vec<Described>,
    pub instructions: Vec<Call>,
}

/// An account or event: bytes that begin with a discriminator.
#[derive(Debug)]
pub struct Described {
    pub name: String,
    pub discriminator: Vec<u8>,
    pub ty: Type,
}

/// An instruction.
#[derive(Debug)]
pub struct Call {
    pub name: String,
    pub discriminator: Vec<u8>,
    pub args: Fields,
    pub returns: Option<Type>,
}

#[derive(Deserialize)]
struct Probe {
    address: Option<IgnoredAny>,
    name: Option<IgnoredAny>,
    kind: Option<serde_json::Value>,
    #[serde(default)]
    metadata: Option<ProbeMetadata>,
}

#[derive(Deserialize)]
struct ProbeMetadata {
    spec: Option<IgnoredAny>,
    origin: Option<String>,
}

impl Idl {
    /// Reads the JSON of an IDL.
    ///
    /// # Errors
    /// What is no IDL of Anchor, and what is larger than any of use.
    pub fn parse(json: &[u8]) -> Result<Self, IdlError> {
        if json.len() > MAX_IDL_BYTES {
            return Err(IdlError::TooLarge("bytes", MAX_IDL_BYTES));
        }
        let invalid = |error: serde_json::Error| IdlError::invalid(error.to_string());
        let probe: Probe = serde_json::from_slice(json).map_err(invalid)?;
        let metadata = probe.metadata.as_ref();
        let origin = metadata.and_then(|metadata| metadata.origin.as_deref());
        if probe.kind == Some("rootNode".into()) {
            return Err(IdlError::Unsupported {
                found: "a Codama IDL",
            });
        }
        if origin == Some("shank") {
            return Err(IdlError::Unsupported {
                found: "a Shank IDL, of a program without Anchor's discriminators",
            });
        }
        let sha256 = solana_sha256_hasher::hash(json).to_bytes();
        let modern = metadata.is_some_and(|metadata| metadata.spec.is_some());
        if modern || (probe.address.is_some() && probe.name.is_none()) {
            let spec = serde_json::from_slice(json).map_err(invalid)?;
            return Self::new(spec, false, sha256);
        }
        let old: legacy::Idl = serde_json::from_slice(json).map_err(invalid)?;
        Self::new(old.converted()?, true, sha256)
    }

    fn new(spec: spec::Idl, legacy: bool, sha256: [u8; 32]) -> Result<Self, IdlError> {
        let heads = spec
            .accounts
            .iter()
            .map(|one| (&one.name, &one.discriminator));
        let heads = heads.chain(
            spec.events
                .iter()
                .map(|one| (&one.name, &one.discriminator)),
        );
        let calls = spec.instructions.iter();
        let heads = heads.chain(calls.map(|one| (&one.name, &one.discriminator)));
        for (count, (name, discriminator)) in heads.enumerate() {
            short(name)?;
            if count >= MAX_ITEMS {
                return Err(IdlError::TooLarge(
                    "accounts, events and instructions",
                    MAX_ITEMS,
                ));
            }
            if discriminator.len() > MAX_DISCRIMINATOR {
                return Err(IdlError::TooLarge(
                    "bytes in a discriminator",
                    MAX_DISCRIMINATOR,
                ));
            }
        }
        let mut builder = Builder::new(&spec.types)?;
        let mut accounts = Vec::with_capacity(spec.accounts.len());
        for account in &spec.accounts {
            accounts.push(Described {
                name: account.name.clone(),
                discriminator: account.discriminator.clone(),
                ty: builder.named(&account.name)?,
            });
        }
        let mut events = Vec::with_capacity(spec.events.len());
        for event in &spec.events {
            events.push(Described {
                name: event.name.clone(),
                discriminator: event.discriminator.clone(),
                ty: builder.named(&event.name)?,
            });
        }
        let mut instructions = Vec::with_capacity(spec.instructions.len());
        for instruction in &spec.instructions {
            let returns = instruction.returns.as_ref();
            instructions.push(Call {
                name: instruction.name.clone(),
                discriminator: instruction.discriminator.clone(),
                args: builder.arguments(&instruction.args)?,
                returns: returns.map(|ty| builder.used(ty)).transpose()?,
            });
        }
        let schema = builder.finish()?;
        Ok(Self {
            sha256,
            legacy,
            schema,
            accounts,
            events,
            instructions,
            spec,
        })
    }

    /// The program that it is for. `None`: an old IDL need not say.
    pub fn program(&self) -> Option<Pubkey> {
        Pubkey::from_str(&self.spec.address).ok()
    }

    /// An account type by its name.
    pub fn account(&self, name: &str) -> Option<&Described> {
        self.accounts.iter().find(|account| account.name == name)
    }

    /// The type of an account by its data: that with the longest discriminator that the data begin with.
    pub fn account_of(&self, data: &[u8]) -> Option<&Described> {
        longest(&self.accounts, data)
    }

    /// The type of an event by its data, as `emit!` logs it and `emit_cpi!` sends it behind its own tag.
    pub fn event_of(&self, data: &[u8]) -> Option<&Described> {
        longest(&self.events, data)
    }

    /// The instruction by its data.
    pub fn instruction_of(&self, data: &[u8]) -> Option<&Call> {
        let fitting = self.instructions.iter();
        fitting
            .filter(|call| !call.discriminator.is_empty() && data.starts_with(&call.discriminator))
            .max_by_key(|call| call.discriminator.len())
    }

    /// Decodes an account or event of a known type; gives the value, and how many bytes it took with the discriminator. Bytes
    /// behind it are no error: accounts may have room to grow.
    ///
    /// # Errors
    /// Another discriminator, or bytes that are not of the type.
    pub fn decode(
        &self,
        described: &Described,
        data: &[u8],
    ) -> Result<(Value, usize), DecodeError> {
        let head = &described.discriminator;
        if !data.starts_with(head) {
            return Err(DecodeError::new(
                0,
                format!(
                    "{} must begin with the discriminator {}, found {}",
                    described.name,
                    value::hex(head),
                    value::hex(data.get(..head.len()).unwrap_or(data)),
                ),
            ));
        }
        let mut decoder = Decoder::new(&self.schema, data, head.len());
        let value = decoder.value(&described.ty, Encoding::Borsh)?;
        Ok((value, decoder.position()))
    }

    /// Decodes the arguments of an instruction from all of its data.
    ///
    /// # Errors
    /// Bytes that are not theirs.
    pub fn decode_args(&self, call: &Call, data: &[u8]) -> Result<Value, DecodeError> {
        Decoder::new(&self.schema, data, call.discriminator.len()).arguments(&call.args)
    }

    /// How an account or event is encoded.
    pub fn encoding_of(&self, described: &Described) -> Encoding {
        match &described.ty {
            Type::Defined(id) => self
                .schema
                .def(*id)
                .map_or(Encoding::Borsh, |def| def.encoding),
            _ => Encoding::Borsh,
        }
    }
}

fn longest<'a>(all: &'a [Described], data: &[u8]) -> Option<&'a Described> {
    all.iter()
        .filter(|one| !one.discriminator.is_empty() && data.starts_with(&one.discriminator))
        .max_by_key(|one| one.discriminator.len())
}
