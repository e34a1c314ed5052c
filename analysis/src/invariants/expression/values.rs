//! What operators make of values.

use std::{cmp::Ordering, sync::Arc};

use super::{eval::Work, Binary};
use crate::idl::{Number, Value};

/// The longest text that can be put together, in bytes.
const MAX_TEXT: usize = 65_536;

impl Binary {
    /// As it is written.
    pub fn sign(self) -> &'static str {
        match self {
            Self::Add => "+",
            Self::Subtract => "-",
            Self::Multiply => "*",
            Self::Divide => "/",
            Self::Remainder => "%",
            Self::Equal => "==",
            Self::NotEqual => "!=",
            Self::Less => "<",
            Self::LessOrEqual => "<=",
            Self::Greater => ">",
            Self::GreaterOrEqual => ">=",
            Self::In => "in",
        }
    }
}

/// A field of a record, or of the variant that an enum is.
pub fn found_field(value: &Value, name: &str) -> Result<Option<Value>, String> {
    match value {
        Value::Record(record) => Ok(record.field(name).cloned()),
        Value::Variant(variant) if variant.name.as_ref() == name => {
            Ok(Some(variant.fields.clone()))
        }
        Value::Variant(_) => Ok(None),
        other => Err(format!("`.{name}` takes a record, found {}", other.kind())),
    }
}

pub fn missing(value: &Value, name: &str) -> String {
    match value {
        Value::Record(record) => {
            let known = record.fields.iter().map(|(name, _)| name.as_ref()).take(30);
            let known: Vec<&str> = known.collect();
            format!("there is no field `{name}`, only {}", known.join(", "))
        }
        Value::Variant(variant) => format!("it is {}, not {name}", variant.name),
        _ => format!("there is no field `{name}`"),
    }
}

pub fn at(value: &Value, index: &Value) -> Result<Value, String> {
    if let (Value::Record(_), Value::Text(name)) = (value, index) {
        return found_field(value, name)?.ok_or_else(|| missing(value, name));
    }
    let Value::Number(number) = index else {
        return Err(format!("an index must be a number, found {}", index.kind()));
    };
    let place = number
        .to_u64()
        .and_then(|place| usize::try_from(place).ok());
    let (len, item) = match value {
        Value::List(list) => (list.len(), place.and_then(|at| list.get(at).cloned())),
        Value::Bytes(bytes) => {
            let byte = place.and_then(|at| bytes.get(at).copied());
            (bytes.len(), byte.map(|byte| Value::Number(byte.into())))
        }
        other => return Err(format!("`[]` takes a list, found {}", other.kind())),
    };
    item.ok_or_else(|| format!("there is no item {number}, the list has {len}"))
}

pub fn combine(
    binary: Binary,
    left: &Value,
    right: &Value,
    work: &mut Work,
) -> Result<Value, String> {
    match binary {
        Binary::Equal => return equal(left, right, work).map(Value::Bool),
        Binary::NotEqual => return equal(left, right, work).map(|same| Value::Bool(!same)),
        Binary::In => {
            let Value::List(list) = right else {
                return Err(format!("`in` takes a list, found {}", right.kind()));
            };
            for item in list.iter() {
                if equal(left, item, work)? {
                    return Ok(Value::Bool(true));
                }
            }
            return Ok(Value::Bool(false));
        }
        Binary::Less => return Ok(Value::Bool(compare(left, right)? == Ordering::Less)),
        Binary::Greater => return Ok(Value::Bool(compare(left, right)? == Ordering::Greater)),
        Binary::LessOrEqual => return Ok(Value::Bool(compare(left, right)? != Ordering::Greater)),
        Binary::GreaterOrEqual => return Ok(Value::Bool(compare(left, right)? != Ordering::Less)),
        _ => {}
    }
    match (left, right) {
        (Value::Number(a), Value::Number(b)) => {
            work.spend(a.weight().saturating_add(b.weight()))?;
            let result = match binary {
                Binary::Add => Number::add(a, b),
                Binary::Subtract => Number::sub(a, b),
                Binary::Multiply => Number::mul(a, b),
                Binary::Divide => Number::div(a, b),
                _ => Number::rem(a, b),
            };
            let result =
                result.map_err(|error| format!("{left} {} {right}: {error}", binary.sign()));
            result.map(Value::Number)
        }
        (Value::Text(a), Value::Text(b)) if binary == Binary::Add => {
            if a.len().saturating_add(b.len()) > MAX_TEXT {
                return Err(format!("a text may have {MAX_TEXT} bytes"));
            }
            work.spend(a.len() + b.len())?;
            Ok(Value::text(&format!("{a}{b}")))
        }
        (Value::List(a), Value::List(b)) if binary == Binary::Add => {
            work.spend(a.len().saturating_add(b.len()))?;
            Ok(Value::List(Arc::new(
                a.iter().chain(b.iter()).cloned().collect(),
            )))
        }
        _ => Err(format!(
            "`{}` takes two numbers, found {} and {}",
            binary.sign(),
            left.kind(),
            right.kind()
        )),
    }
}

/// The order of numbers, or of texts.
pub fn compare(left: &Value, right: &Value) -> Result<Ordering, String> {
    match (left, right) {
        (Value::Number(a), Value::Number(b)) => Ok(a.cmp(b)),
        (Value::Text(a), Value::Text(b)) => Ok(a.cmp(b)),
        _ => Err(format!(
            "{} cannot be compared with {}",
            left.kind(),
            right.kind()
        )),
    }
}

/// Whether two values are the same. An address equals its base58, a variant its name; nothing else equals what is of another kind.
fn equal(left: &Value, right: &Value, work: &mut Work) -> Result<bool, String> {
    work.spend(1)?;
    match (left, right) {
        (Value::Null, Value::Null) => Ok(true),
        (Value::Null, _) | (_, Value::Null) => Ok(false),
        (Value::Bool(a), Value::Bool(b)) => Ok(a == b),
        (Value::Number(a), Value::Number(b)) => Ok(a == b),
        (Value::Text(a), Value::Text(b)) => Ok(a == b),
        (Value::Bytes(a), Value::Bytes(b)) => {
            work.spend(a.len())?;
            Ok(a == b)
        }
        (Value::Key(a), Value::Key(b)) => Ok(a == b),
        (Value::Key(key), Value::Text(text)) | (Value::Text(text), Value::Key(key)) => {
            Ok(key.to_string().as_str() == text.as_ref())
        }
        (Value::Variant(variant), Value::Text(text))
        | (Value::Text(text), Value::Variant(variant)) => Ok(variant.name == *text),
        (Value::Variant(a), Value::Variant(b)) => {
            Ok(a.name == b.name && equal(&a.fields, &b.fields, work)?)
        }
        (Value::List(a), Value::List(b)) => {
            if a.len() != b.len() {
                return Ok(false);
            }
            for (a, b) in a.iter().zip(b.iter()) {
                if !equal(a, b, work)? {
                    return Ok(false);
                }
            }
            Ok(true)
        }
        (Value::Record(a), Value::Record(b)) => {
            for (name, value) in &a.fields {
                match b.field(name) {
                    Some(other) if equal(value, other, work)? => {}
                    _ => return Ok(false),
                }
            }
            Ok(a.fields.len() == b.fields.len())
        }
        _ => Err(format!(
            "{} cannot be compared with {}",
            left.kind(),
            right.kind()
        )),
    }
}

/// As expressions compare with `==`, for the conditions of a file.
pub fn same(left: &Value, right: &Value) -> Result<bool, String> {
    equal(left, right, &mut 1_000_000.into())
}
