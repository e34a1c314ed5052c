//! `invariants.toml` as it is written.

use std::collections::BTreeMap;

use serde::Deserialize;
use solana_sdk::pubkey::Pubkey;

use super::InvariantsError;

/// The longest file, in bytes.
pub const MAX_FILE: usize = 1 << 20;
/// Invariants in a file.
const MAX_INVARIANTS: usize = 1_000;
/// The largest number of accounts that one name may stand for.
const MAX_ACCOUNTS: usize = 1_000_000;
/// The largest number of steps of one evaluation.
const MAX_STEPS: u64 = 10_000_000_000;
/// Unless the file says otherwise.
const DEFAULT_ACCOUNTS: usize = 100_000;

/// The whole file.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct File {
    /// SHA-256 of its text.
    #[serde(skip)]
    pub sha256: [u8; 32],
    /// By the name that accounts give.
    #[serde(default)]
    pub programs: BTreeMap<String, Program>,
    #[serde(default)]
    pub limits: Limits,
    pub invariants: Vec<Invariant>,
}

/// A program whose accounts are read.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Program {
    /// Its program id.
    pub id: String,
    /// The file with its IDL, from the folder of this file; `None`: it is fetched, if it is needed.
    pub idl: Option<String>,
}

/// How much may be done.
#[derive(Clone, Copy, Debug, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct Limits {
    /// Accounts that one name stands for.
    pub accounts: usize,
    /// Steps of one evaluation.
    pub steps: u64,
}

impl Default for Limits {
    fn default() -> Self {
        Self {
            accounts: DEFAULT_ACCOUNTS,
            steps: super::expression::DEFAULT_STEPS,
        }
    }
}

/// One invariant.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Invariant {
    pub name: String,
    /// What it is for.
    #[serde(default)]
    pub description: String,
    /// By the names that the expression uses.
    pub accounts: BTreeMap<String, Account>,
    /// In CEL.
    pub expression: String,
}

/// What a name of an expression stands for.
#[derive(Clone, Debug, Default, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct Account {
    /// One account.
    pub address: Option<String>,
    /// One account, by the seeds of its address.
    pub pda: Option<Pda>,
    /// All accounts of the type.
    pub all: bool,
    /// Who must own it: a name of `[programs]`, or an address.
    pub program: Option<String>,
    /// `token-account`, `mint`, `multisig`, or an account type of the program's IDL.
    #[serde(rename = "type")]
    pub ty: Option<String>,
    /// In place of a type.
    pub fields: BTreeMap<String, Field>,
    /// Of all: only those with these values in their fields.
    #[serde(rename = "where")]
    pub conditions: BTreeMap<String, toml::Value>,
    /// Of all: only those with so many bytes of data.
    pub size: Option<usize>,
    /// Of all: fewer are an error. 1 unless it is given: a filter that fits nothing must not pass.
    pub at_least: Option<usize>,
    /// Of one: `null` where there is no account.
    pub optional: bool,
}

/// An address that follows from seeds.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Pda {
    /// A name of `[programs]`, or an address.
    pub program: String,
    pub seeds: Vec<Seed>,
}

/// A seed.
#[derive(Clone, Debug, Deserialize)]
#[serde(untagged)]
pub enum Seed {
    Text(String),
    Other(OtherSeed),
}

/// A seed that is no text; numbers in little-endian order.
#[derive(Clone, Debug, Deserialize)]
#[serde(rename_all = "lowercase", deny_unknown_fields)]
pub enum OtherSeed {
    Pubkey(String),
    Hex(String),
    U8(u8),
    U16(u16),
    U32(u32),
    U64(u64),
}

/// Bytes of an account and what they are.
#[derive(Clone, Debug, Deserialize, PartialEq, Eq)]
#[serde(deny_unknown_fields)]
pub struct Field {
    pub offset: usize,
    #[serde(rename = "type")]
    pub ty: FieldType,
}

/// What bytes are.
#[derive(Clone, Copy, Debug, Deserialize, PartialEq, Eq)]
#[serde(rename_all = "lowercase")]
pub enum FieldType {
    Bool,
    Pubkey,
    U8,
    U16,
    U32,
    U64,
    U128,
    I8,
    I16,
    I32,
    I64,
    I128,
}

impl File {
    /// Reads the TOML; what it says is not checked yet.
    ///
    /// # Errors
    /// Other or missing keys, too much of anything.
    pub fn parse(text: &str) -> Result<Self, InvariantsError> {
        let fail = |reason: String| InvariantsError::File { reason };
        if text.len() > MAX_FILE {
            return Err(fail(format!(
                "it may have {MAX_FILE} bytes, found {}",
                text.len()
            )));
        }
        let mut file: Self =
            toml::from_str(text).map_err(|error| fail(error.to_string().trim_end().to_string()))?;
        file.sha256 = solana_sha256_hasher::hash(text.as_bytes()).to_bytes();
        if file.invariants.is_empty() {
            return Err(fail("it names no invariant".to_string()));
        }
        if file.invariants.len() > MAX_INVARIANTS {
            return Err(fail(format!(
                "it may name {MAX_INVARIANTS} invariants, found {}",
                file.invariants.len()
            )));
        }
        if file.limits.accounts > MAX_ACCOUNTS {
            return Err(fail(format!(
                "limits.accounts may be {MAX_ACCOUNTS}, found {}",
                file.limits.accounts
            )));
        }
        if file.limits.steps > MAX_STEPS {
            return Err(fail(format!(
                "limits.steps may be {MAX_STEPS}, found {}",
                file.limits.steps
            )));
        }
        Ok(file)
    }

    /// The programs of which an IDL is needed, by name: those by whose IDL an account is decoded.
    pub fn needs_idl(&self) -> BTreeMap<&str, &Program> {
        let accounts = self.invariants.iter().flat_map(|one| one.accounts.values());
        let needed = accounts.filter(|account| {
            let known = account.ty.as_deref();
            known.is_some_and(|known| !super::token::KINDS.contains(&known))
        });
        let names = needed.filter_map(|account| account.program.as_deref());
        names
            .filter_map(|name| self.programs.get_key_value(name))
            .map(|(name, program)| (name.as_str(), program))
            .collect()
    }
}

impl Seed {
    /// Its bytes.
    ///
    /// # Errors
    /// An address or bytes that are not written as such.
    pub fn bytes(&self) -> Result<Vec<u8>, String> {
        Ok(match self {
            Self::Text(text) => text.as_bytes().to_vec(),
            Self::Other(OtherSeed::Pubkey(text)) => {
                let key: Pubkey = text
                    .parse()
                    .map_err(|_| format!("a seed must be an address, found `{text}`"))?;
                key.to_bytes().to_vec()
            }
            Self::Other(OtherSeed::Hex(text)) => {
                let pairs = text.as_bytes().chunks(2).map(|pair| {
                    let pair = std::str::from_utf8(pair)
                        .ok()
                        .filter(|pair| pair.len() == 2);
                    let plain = pair.filter(|pair| pair.bytes().all(|one| one.is_ascii_hexdigit()));
                    plain.and_then(|pair| u8::from_str_radix(pair, 16).ok())
                });
                let bytes: Option<Vec<u8>> = pairs.collect();
                bytes.ok_or_else(|| format!("a seed must be hexadecimal, found `{text}`"))?
            }
            Self::Other(OtherSeed::U8(number)) => number.to_le_bytes().to_vec(),
            Self::Other(OtherSeed::U16(number)) => number.to_le_bytes().to_vec(),
            Self::Other(OtherSeed::U32(number)) => number.to_le_bytes().to_vec(),
            Self::Other(OtherSeed::U64(number)) => number.to_le_bytes().to_vec(),
        })
    }
}
