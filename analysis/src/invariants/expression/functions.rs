//! The functions that expressions can call.

use std::{str::FromStr, sync::Arc};

use solana_sdk::pubkey::Pubkey;

use super::{eval::Work, values::compare};
use crate::idl::{number::NumberError, value::Origin, Number, Value};

macro_rules! functions {
    ($($function:ident $name:literal $least:literal $most:expr,)*) => {
        #[derive(Clone, Copy, Debug, PartialEq, Eq)]
        pub enum Function { $($function,)* }

        impl Function {
            pub fn named(name: &str) -> Option<Self> {
                match name { $($name => Some(Self::$function),)* _ => None }
            }

            pub fn names() -> Vec<&'static str> {
                vec![$($name,)*]
            }

            fn counts(self) -> (usize, usize) {
                match self { $(Self::$function => ($least, $most),)* }
            }

            fn name(self) -> &'static str {
                match self { $(Self::$function => $name,)* }
            }
        }
    };
}

functions! {
    Size "size" 1 1,
    Sum "sum" 1 1,
    Min "min" 1 100,
    Max "max" 1 100,
    Abs "abs" 1 1,
    Floor "floor" 1 1,
    Ceil "ceil" 1 1,
    Int "int" 1 1,
    Dec "dec" 1 1,
    Ratio "ratio" 2 2,
    Pow "pow" 2 2,
    Key "pubkey" 1 1,
    Address "address" 1 1,
    Owner "owner" 1 1,
    Lamports "lamports" 1 1,
    DataLen "data_len" 1 1,
    Contains "contains" 2 2,
    StartsWith "startsWith" 2 2,
    EndsWith "endsWith" 2 2,
}

impl Function {
    pub fn takes(self, count: usize) -> bool {
        let (least, most) = self.counts();
        (least..=most).contains(&count)
    }

    pub fn arity(self) -> String {
        match self.counts() {
            (1, 1) => "one argument".to_string(),
            (least, most) if least == most => format!("{least} arguments"),
            (least, _) => format!("at least {least} arguments"),
        }
    }

    /// Calls it.
    ///
    /// # Errors
    /// A reason, without the place.
    pub fn call(self, values: &[Value], work: &mut Work) -> Result<Value, String> {
        let (Some(first), second) = (values.first(), values.get(1)) else {
            return Err(format!("`{}` takes {}", self.name(), self.arity()));
        };
        match self {
            Self::Size => size(first).map(Value::Number),
            Self::Sum => {
                let list = self.list(first)?;
                work.spend(list.len())?;
                let mut sum = Number::ZERO;
                for item in list.iter() {
                    let item = self.number(item)?;
                    work.spend(sum.weight().saturating_add(item.weight()))?;
                    sum = sum.add(item).map_err(text)?;
                }
                Ok(Value::Number(sum))
            }
            Self::Min | Self::Max => self.extreme(first, values, work),
            Self::Abs => self.with_number(first, Number::abs),
            Self::Floor => self.with_number(first, Number::floor),
            Self::Ceil => self.with_number(first, Number::ceil),
            Self::Int => self.parsed(first)?.trunc().map(Value::Number).map_err(text),
            Self::Dec => {
                let decimal = self.parsed(first)?.into_decimal();
                decimal.map(Value::Number).map_err(text)
            }
            Self::Ratio => {
                let divisor = self.number(second.unwrap_or(first))?;
                work.spend(divisor.weight())?;
                let dividend = self.number(first)?.clone().into_decimal().map_err(text)?;
                dividend.div(divisor).map(Value::Number).map_err(text)
            }
            Self::Pow => {
                let exponent = self.number(second.unwrap_or(first))?;
                let power = self.number(first)?.pow(exponent).map_err(text)?;
                work.spend(power.weight())?;
                Ok(Value::Number(power))
            }
            Self::Key => match first {
                Value::Key(_) => Ok(first.clone()),
                Value::Text(text) => match Pubkey::from_str(text) {
                    Ok(key) => Ok(Value::Key(key)),
                    Err(_) => Err(format!(
                        "`pubkey` takes an address in base58, found {first}"
                    )),
                },
                other => Err(self.wants("a text", other)),
            },
            Self::Address => Ok(Value::Key(self.origin(first)?.address)),
            Self::Owner => Ok(Value::Key(self.origin(first)?.owner)),
            Self::Lamports => Ok(Value::Number(self.origin(first)?.lamports.into())),
            Self::DataLen => Ok(Value::Number((self.origin(first)?.len as u64).into())),
            Self::Contains | Self::StartsWith | Self::EndsWith => {
                match (first, second.unwrap_or(first)) {
                    (Value::Text(whole), Value::Text(part)) => {
                        work.spend(whole.len())?;
                        let part: &str = part;
                        Ok(Value::Bool(match self {
                            Self::Contains => whole.contains(part),
                            Self::StartsWith => whole.starts_with(part),
                            _ => whole.ends_with(part),
                        }))
                    }
                    (Value::Text(_), other) | (other, _) => Err(self.wants("two texts", other)),
                }
            }
        }
    }

    fn wants(self, required: &str, found: &Value) -> String {
        format!("`{}` takes {required}, found {}", self.name(), found.kind())
    }

    fn number(self, value: &Value) -> Result<&Number, String> {
        match value {
            Value::Number(number) => Ok(number),
            other => Err(self.wants("numbers", other)),
        }
    }

    fn with_number(
        self,
        value: &Value,
        compute: impl FnOnce(&Number) -> Result<Number, NumberError>,
    ) -> Result<Value, String> {
        compute(self.number(value)?)
            .map(Value::Number)
            .map_err(text)
    }

    /// A number, or what is written as one.
    fn parsed(self, value: &Value) -> Result<Number, String> {
        match value {
            Value::Number(number) => Ok(number.clone()),
            Value::Text(written) => written.parse::<Number>().map_err(text),
            other => Err(self.wants("a number or a text", other)),
        }
    }

    fn list(self, value: &Value) -> Result<&Arc<Vec<Value>>, String> {
        match value {
            Value::List(list) => Ok(list),
            other => Err(self.wants("a list", other)),
        }
    }

    fn origin(self, value: &Value) -> Result<&Origin, String> {
        let record = match value {
            Value::Record(record) => record.account.as_deref(),
            _ => None,
        };
        record.ok_or_else(|| self.wants("an account", value))
    }

    fn extreme(self, first: &Value, all: &[Value], work: &mut Work) -> Result<Value, String> {
        let list = match (first, all.len()) {
            (Value::List(list), 1) => list.as_slice(),
            _ => all,
        };
        work.spend(list.len())?;
        let mut list = list.iter();
        let mut best = list
            .next()
            .ok_or_else(|| format!("`{}` of an empty list is not defined", self.name()))?;
        self.number(best)?;
        for item in list {
            let order = compare(item, best)?;
            if order
                == match self {
                    Self::Min => std::cmp::Ordering::Less,
                    _ => std::cmp::Ordering::Greater,
                }
            {
                best = item;
            }
        }
        Ok(best.clone())
    }
}

fn size(value: &Value) -> Result<Number, String> {
    let len = match value {
        Value::List(list) => list.len(),
        Value::Text(text) => text.chars().count(),
        Value::Bytes(bytes) => bytes.len(),
        other => {
            return Err(format!(
                "`size` takes a list, a text or bytes, found {}",
                other.kind()
            ))
        }
    };
    Ok((len as u64).into())
}

fn text(error: impl std::error::Error) -> String {
    error.to_string()
}
