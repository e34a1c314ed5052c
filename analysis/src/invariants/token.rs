//! Accounts of the token programs, by their layout (`spl-token-interface` 3, `state.rs`; the same in Token-2022 up to its extensions).

use std::sync::Arc;

use solana_sdk::{pubkey, pubkey::Pubkey};

use crate::idl::{
    value::{Record, Variant},
    Number, Value,
};

/// SPL Token.
pub const TOKEN: Pubkey = spl_token_interface::ID;
/// Token-2022.
pub const TOKEN_2022: Pubkey = pubkey!("TokenzQdBNbLqP5VEhdkAS6EPFLC1PHnBqCXEpPxuEb");

/// The types that a file may name.
pub const KINDS: [&str; 3] = ["token-account", "mint", "multisig"];

/// A type of account.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Kind {
    Account,
    Mint,
    Multisig,
}

const ACCOUNT_LEN: usize = 165;
const MINT_LEN: usize = 82;
const MULTISIG_LEN: usize = 355;

impl Kind {
    pub fn named(name: &str) -> Option<Self> {
        match name {
            "token-account" => Some(Self::Account),
            "mint" => Some(Self::Mint),
            "multisig" => Some(Self::Multisig),
            _ => None,
        }
    }

    pub fn name(self) -> &'static str {
        match self {
            Self::Account => "token-account",
            Self::Mint => "mint",
            Self::Multisig => "multisig",
        }
    }

    /// The bytes of data; those of Token-2022 may be more.
    pub fn len(self) -> usize {
        match self {
            Self::Account => ACCOUNT_LEN,
            Self::Mint => MINT_LEN,
            Self::Multisig => MULTISIG_LEN,
        }
    }

    /// Where a field is by which accounts can be asked for, and its bytes: 0 for a number of eight.
    pub fn place_of(self, field: &str) -> Option<usize> {
        match (self, field) {
            (Self::Account, "mint") => Some(0),
            (Self::Account, "owner") => Some(32),
            _ => None,
        }
    }

    /// The names of its fields.
    pub fn fields(self) -> &'static [&'static str] {
        match self {
            Self::Account => &[
                "mint",
                "owner",
                "amount",
                "delegate",
                "state",
                "is_native",
                "delegated_amount",
                "close_authority",
            ],
            Self::Mint => &["mint_authority", "supply", "decimals", "freeze_authority"],
            Self::Multisig => &["m", "n", "signers"],
        }
    }

    /// Whether data of the token programs is of this type.
    pub fn fits(self, data: &[u8]) -> bool {
        let len = self.len();
        if data.len() == len {
            return true;
        }
        // Behind the length of an account, extensions begin with the type.
        let tag = match self {
            Self::Account => 2,
            Self::Mint => 1,
            Self::Multisig => return false,
        };
        data.len() > ACCOUNT_LEN
            && data.len() != MULTISIG_LEN
            && data.get(ACCOUNT_LEN) == Some(&tag)
    }

    /// The type of data of the token programs.
    pub fn of(data: &[u8]) -> Option<Self> {
        let all = [Self::Account, Self::Mint, Self::Multisig];
        all.into_iter().find(|kind| kind.fits(data))
    }

    /// Decodes it.
    ///
    /// # Errors
    /// What is of another type, or not initialised.
    pub fn decode(self, data: &[u8]) -> Result<Record, String> {
        let name = self.name();
        if !self.fits(data) {
            return Err(format!(
                "a {name} must have {} bytes, found {} of another type",
                self.len(),
                data.len()
            ));
        }
        let mut reader = Reader { data, at: 0 };
        let fields = match self {
            Self::Account => reader.account(),
            Self::Mint => reader.mint(),
            Self::Multisig => reader.multisig(),
        };
        let fields = fields.map_err(|reason| format!("this {name} {reason}"))?;
        let names = self.fields().iter().map(|name| Arc::from(*name));
        Ok(Record {
            fields: names.zip(fields).collect(),
            account: None,
        })
    }
}

struct Reader<'a> {
    data: &'a [u8],
    at: usize,
}

impl Reader<'_> {
    fn take<const N: usize>(&mut self) -> Result<[u8; N], String> {
        let end = self.at.saturating_add(N);
        let bytes = self.data.get(self.at..end);
        let bytes = bytes.and_then(|bytes| <[u8; N]>::try_from(bytes).ok());
        self.at = end;
        bytes.ok_or_else(|| "is too short".to_string())
    }

    fn key(&mut self) -> Result<Value, String> {
        Ok(Value::Key(Pubkey::new_from_array(self.take()?)))
    }

    fn u64(&mut self) -> Result<Value, String> {
        Ok(Value::Number(u64::from_le_bytes(self.take()?).into()))
    }

    fn byte(&mut self) -> Result<u8, String> {
        let [byte] = self.take()?;
        Ok(byte)
    }

    /// Its bytes are there even where it holds nothing.
    fn option(
        &mut self,
        read: impl FnOnce(&mut Self) -> Result<Value, String>,
    ) -> Result<Value, String> {
        let tag = u32::from_le_bytes(self.take()?);
        let value = read(self)?;
        match tag {
            0 => Ok(Value::Null),
            1 => Ok(value),
            other => Err(format!("has the option {other}")),
        }
    }

    fn account(&mut self) -> Result<Vec<Value>, String> {
        let (mint, owner, amount) = (self.key()?, self.key()?, self.u64()?);
        let delegate = self.option(Self::key)?;
        let state = match self.byte()? {
            0 => return Err("is not initialized".to_string()),
            1 => "Initialized",
            2 => "Frozen",
            other => return Err(format!("has the state {other}")),
        };
        let state = Value::Variant(Arc::new(Variant {
            name: Arc::from(state),
            fields: Value::Null,
        }));
        let is_native = self.option(Self::u64)?;
        let delegated = self.u64()?;
        let close = self.option(Self::key)?;
        Ok(vec![
            mint, owner, amount, delegate, state, is_native, delegated, close,
        ])
    }

    fn mint(&mut self) -> Result<Vec<Value>, String> {
        let authority = self.option(Self::key)?;
        let supply = self.u64()?;
        let decimals = Value::Number(self.byte()?.into());
        self.initialized()?;
        let freeze = self.option(Self::key)?;
        Ok(vec![authority, supply, decimals, freeze])
    }

    fn initialized(&mut self) -> Result<(), String> {
        match self.byte()? {
            1 => Ok(()),
            _ => Err("is not initialized".to_string()),
        }
    }

    fn multisig(&mut self) -> Result<Vec<Value>, String> {
        let (required, count) = (self.byte()?, self.byte()?);
        self.initialized()?;
        if count > 11 {
            return Err(format!("has {count} signers"));
        }
        let signers = (0..count).map(|_| self.key());
        let signers: Result<Vec<Value>, String> = signers.collect();
        let number = |byte: u8| Value::Number(Number::from(byte));
        Ok(vec![
            number(required),
            number(count),
            Value::List(Arc::new(signers?)),
        ])
    }
}
