//! `where`: which of all accounts are meant.

use super::{expression::same, read::Decode};
use crate::idl::{
    schema::{DefKind, Type},
    size::Sizes,
    Idl, Number, Value,
};

/// Whether a record holds what is required of its fields.
pub fn fits(record: &Value, conditions: &[(String, Value)]) -> Result<bool, String> {
    for (path, required) in conditions {
        let mut value = record;
        for name in path.split('.') {
            value = value
                .field(name)
                .ok_or_else(|| format!("`where`: there is no field `{path}`"))?;
        }
        let fits = same(value, required).map_err(|reason| format!("`where`: {path}: {reason}"))?;
        if !fits {
            return Ok(false);
        }
    }
    Ok(true)
}

/// Where a field of a condition begins, if that is always the same, and its type.
pub fn place_of(
    name: &str,
    decode: &Decode,
    idl: Option<&Idl>,
) -> Result<Option<(Option<usize>, Type)>, String> {
    let unknown = |known: Vec<&str>| {
        Err(format!(
            "`where`: there is no field `{name}`, only {}",
            known.join(", ")
        ))
    };
    match decode {
        Decode::Token(kind) => match kind.fields().contains(&name) {
            true => Ok(kind.place_of(name).map(|at| (Some(at), Type::Key))),
            false => unknown(kind.fields().to_vec()),
        },
        Decode::Fields(fields) => {
            let field = fields.iter().find(|(known, _)| known.as_ref() == name);
            match field {
                Some((_, field)) => Ok(Some((Some(field.offset), field.ty.as_type()))),
                None => unknown(fields.iter().map(|(name, _)| name.as_ref()).collect()),
            }
        }
        Decode::Idl(_, ty) => {
            let Some((idl, described)) = idl.and_then(|idl| Some((idl, idl.account(ty)?))) else {
                return Ok(None);
            };
            let Type::Defined(id) = &described.ty else {
                return Ok(None);
            };
            let Some((def, DefKind::Struct(fields))) =
                idl.schema.def(*id).map(|def| (def, &def.kind))
            else {
                return Ok(None);
            };
            // A field of a field is compared after decoding.
            let first = name.split('.').next().unwrap_or(name);
            let place = fields
                .list
                .iter()
                .position(|one| one.name.as_ref() == first);
            let Some((place, field)) = place.and_then(|at| Some((at, fields.list.get(at)?))) else {
                return unknown(fields.list.iter().map(|one| one.name.as_ref()).collect());
            };
            if first != name {
                return Ok(None);
            }
            let offsets = Sizes::new(&idl.schema).offsets(def, def.encoding);
            let offset = offsets.get(place).copied().flatten();
            let offset = offset.and_then(|offset| usize::try_from(offset).ok());
            let at = offset.and_then(|offset| offset.checked_add(described.discriminator.len()));
            Ok(Some((at, field.ty.clone())))
        }
    }
}

/// What a file requires, as a value of the field's type.
pub fn literal(name: &str, value: &toml::Value, ty: Option<&Type>) -> Result<Value, String> {
    let wrong = |required: &str| Err(format!("`where`: {name} must be {required}, found {value}"));
    Ok(match (value, ty) {
        (toml::Value::Boolean(value), _) => Value::Bool(*value),
        (toml::Value::Integer(value), _) => Value::Number((*value).into()),
        (toml::Value::String(text), Some(Type::Int { .. })) => match text.parse::<Number>() {
            Ok(number) => Value::Number(number),
            Err(_) => return wrong("a number"),
        },
        (toml::Value::String(text), Some(Type::Key)) => match text.parse() {
            Ok(key) => Value::Key(key),
            Err(_) => return wrong("an address"),
        },
        (toml::Value::String(text), _) => Value::text(text),
        _ => return wrong("a text, a whole number or a bool"),
    })
}

/// As an account holds it.
pub fn bytes_of(value: &Value, ty: &Type) -> Option<Vec<u8>> {
    match (value, ty) {
        (Value::Bool(value), Type::Bool) => Some(vec![u8::from(*value)]),
        (Value::Key(key), Type::Key) => Some(key.to_bytes().to_vec()),
        (Value::Number(number), Type::Int { bytes, .. }) => {
            let all = match number.to_i128() {
                Some(number) => number.to_le_bytes(),
                None => number.to_u128()?.to_le_bytes(),
            };
            // One that does not fit equals none, which is found out after decoding.
            let taken = all.get(..usize::from(*bytes))?.to_vec();
            let signed = matches!(ty, Type::Int { signed: true, .. });
            (Number::from_le_bytes(&taken, signed) == *number).then_some(taken)
        }
        _ => None,
    }
}
