//! From bytes to values.

use std::sync::Arc;

use solana_sdk::pubkey::Pubkey;

use super::{
    number::Number,
    schema::{DefKind, Encoding, Fields, Schema, Type, MAX_DEPTH},
    size::Places,
    value::{Record, Value, Variant},
};

/// Values beside those that the data's length allows for: a vector of empty structs would have no other bound.
const SPARE_VALUES: usize = 1_000;
/// Values for each byte: a byte in a struct in a struct, and so on.
const VALUES_PER_BYTE: usize = 4;

/// Why bytes are not of a type.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{path}at byte {at}: {reason}")]
pub struct DecodeError {
    /// Of the field, such as `vault.amount: `; empty for the whole.
    path: String,
    /// From the start of the data.
    pub at: usize,
    /// What was required, and what was found.
    pub reason: String,
}

impl DecodeError {
    pub(super) fn new(at: usize, reason: impl Into<String>) -> Self {
        Self {
            path: String::new(),
            at,
            reason: reason.into(),
        }
    }

    /// Of a field within something.
    fn within(mut self, field: &str) -> Self {
        // Long paths come of recursive types; their ends say enough.
        if self.path.len() < 200 {
            self.path = match self.path.strip_suffix(": ") {
                Some(path) if path.starts_with('[') => format!("{field}{path}: "),
                Some(path) => format!("{field}.{path}: "),
                None => format!("{field}: "),
            };
        }
        self
    }
}

/// Reads values one after the other.
pub struct Decoder<'a> {
    schema: &'a Schema,
    data: &'a [u8],
    at: usize,
    values_left: usize,
}

impl<'a> Decoder<'a> {
    /// From a place in an account's data.
    pub fn new(schema: &'a Schema, data: &'a [u8], at: usize) -> Self {
        Self {
            schema,
            data,
            at,
            values_left: data
                .len()
                .saturating_mul(VALUES_PER_BYTE)
                .saturating_add(SPARE_VALUES),
        }
    }

    /// Up to where it has read.
    pub fn position(&self) -> usize {
        self.at
    }

    /// Reads a value.
    ///
    /// # Errors
    /// Where the bytes are not one.
    pub fn value(&mut self, ty: &Type, encoding: Encoding) -> Result<Value, DecodeError> {
        self.value_at(ty, encoding, 0)
    }

    /// Reads the arguments of an instruction, or the fields of an event.
    ///
    /// # Errors
    /// Where the bytes are not theirs.
    pub fn arguments(&mut self, fields: &Fields) -> Result<Value, DecodeError> {
        self.fields(fields, None, Encoding::Borsh, 0)
    }

    fn fail<T>(&self, reason: impl Into<String>) -> Result<T, DecodeError> {
        Err(DecodeError::new(self.at, reason))
    }

    fn take(&mut self, len: usize) -> Result<&'a [u8], DecodeError> {
        let end = self
            .at
            .checked_add(len)
            .filter(|end| *end <= self.data.len());
        let Some(bytes) = end.and_then(|end| self.data.get(self.at..end)) else {
            let left = self.data.len().saturating_sub(self.at);
            return self.fail(format!("{len} bytes are needed, {left} are left"));
        };
        self.at = self.at.saturating_add(len);
        Ok(bytes)
    }

    fn byte(&mut self) -> Result<u8, DecodeError> {
        Ok(self.take(1)?.first().copied().unwrap_or_default())
    }

    fn length(&mut self) -> Result<usize, DecodeError> {
        let bytes = self.take(4)?;
        let number = Number::from_le_bytes(bytes, false).to_u64();
        Ok(number
            .and_then(|len| usize::try_from(len).ok())
            .unwrap_or(usize::MAX))
    }

    fn flag(&mut self) -> Result<bool, DecodeError> {
        match self.byte()? {
            0 => Ok(false),
            1 => Ok(true),
            other => Err(DecodeError::new(
                self.at.saturating_sub(1),
                format!("a bool or option must begin with 0 or 1, found {other}"),
            )),
        }
    }

    fn value_at(
        &mut self,
        ty: &Type,
        encoding: Encoding,
        depth: usize,
    ) -> Result<Value, DecodeError> {
        if depth > MAX_DEPTH {
            return self.fail(format!("values are nested more than {MAX_DEPTH} deep"));
        }
        let Some(left) = self.values_left.checked_sub(1) else {
            return self.fail("it holds more values than its bytes can be");
        };
        self.values_left = left;
        if encoding == Encoding::Custom {
            return self
                .fail("the program writes it by code of its own, which an IDL does not tell");
        }
        let unsized_in_memory = matches!(
            ty,
            Type::Bytes | Type::Text | Type::Vec(_) | Type::Option(_)
        );
        if encoding == Encoding::Memory && unsized_in_memory {
            let shown = self.schema.describe(ty);
            return self.fail(format!("a zero-copy account cannot hold {shown}"));
        }
        let depth = depth + 1;
        Ok(match ty {
            Type::Bool => Value::Bool(self.flag()?),
            Type::Int { bytes, signed } => {
                let bytes = self.take(usize::from(*bytes))?;
                Value::Number(int(bytes, *signed))
            }
            Type::Float { bytes } => float(self.take(usize::from(*bytes))?),
            Type::Key => {
                let key = Pubkey::try_from(self.take(32)?);
                Value::Key(key.unwrap_or_default())
            }
            Type::Bytes => {
                let len = self.length()?;
                Value::Bytes(Arc::from(self.take(len)?))
            }
            Type::Text => {
                let start = self.at;
                let len = self.length()?;
                let text = std::str::from_utf8(self.take(len)?);
                let text = text.map_err(|_| DecodeError::new(start, "a text must be UTF-8"))?;
                Value::text(text)
            }
            Type::Option(inner) => match self.flag()? {
                true => self.value_at(inner, encoding, depth)?,
                false => Value::Null,
            },
            Type::Vec(inner) => {
                let len = self.length()?;
                self.list(inner, len, encoding, depth)?
            }
            Type::Array(inner, len) => {
                let len = usize::try_from(*len).unwrap_or(usize::MAX);
                self.list(inner, len, encoding, depth)?
            }
            Type::Defined(id) => {
                let schema = self.schema;
                let Some(def) = schema.def(*id) else {
                    return self.fail("its type is not in the IDL");
                };
                let encoding = match encoding {
                    Encoding::Borsh => def.encoding,
                    other => other,
                };
                match &def.kind {
                    DefKind::Alias(target) => self.value_at(target, encoding, depth)?,
                    DefKind::Struct(fields) if encoding == Encoding::Memory => {
                        let places = schema.places.get(*id).and_then(Option::as_ref);
                        let Some(places) = places else {
                            return self.fail(format!(
                                "{} lies in memory and must be of fixed size",
                                def.name
                            ));
                        };
                        self.fields(fields, Some(places), encoding, depth)?
                    }
                    DefKind::Struct(fields) => self.fields(fields, None, encoding, depth)?,
                    DefKind::Enum(variants) => {
                        let start = self.at;
                        let index = self.byte()?;
                        let variant = variants.get(usize::from(index)).ok_or_else(|| {
                            DecodeError::new(
                                start,
                                format!(
                                    "{} has {} variants, found number {index}",
                                    def.name,
                                    variants.len()
                                ),
                            )
                        })?;
                        let fields = match variant.fields.list.is_empty() {
                            true => Value::Null,
                            false if encoding == Encoding::Memory => {
                                return self.fail(format!(
                                    "{} lies in memory and must have no fields in its variants",
                                    def.name
                                ))
                            }
                            false => self
                                .fields(&variant.fields, None, encoding, depth)
                                .map_err(|error| error.within(&variant.name))?,
                        };
                        let name = Arc::clone(&variant.name);
                        Value::Variant(Arc::new(Variant { name, fields }))
                    }
                }
            }
            Type::Unknown(name) => {
                return self.fail(format!("the type `{name}` is not in the IDL"))
            }
        })
    }

    fn list(
        &mut self,
        inner: &Type,
        len: usize,
        encoding: Encoding,
        depth: usize,
    ) -> Result<Value, DecodeError> {
        let byte = Type::Int {
            bytes: 1,
            signed: false,
        };
        if *inner == byte {
            return Ok(Value::Bytes(Arc::from(self.take(len)?)));
        }
        if len > self.values_left {
            return self.fail(format!("{len} values do not fit into an account"));
        }
        // What is claimed is believed only as far as there are bytes.
        let mut list = Vec::with_capacity(len.min(self.data.len().saturating_sub(self.at)));
        for index in 0..len {
            let item = self.value_at(inner, encoding, depth);
            list.push(item.map_err(|error| error.within(&format!("[{index}]")))?);
        }
        Ok(Value::List(Arc::new(list)))
    }

    /// `places`: where they lie, if that is not one behind the other.
    fn fields(
        &mut self,
        fields: &Fields,
        places: Option<&Places>,
        encoding: Encoding,
        depth: usize,
    ) -> Result<Value, DecodeError> {
        let host = |bytes: u64| usize::try_from(bytes).unwrap_or(usize::MAX);
        let start = self.at;
        let mut list = Vec::with_capacity(fields.list.len());
        for (index, field) in fields.list.iter().enumerate() {
            if let Some(offset) = places.and_then(|places| places.starts.get(index)) {
                self.at = start.saturating_add(host(*offset));
            }
            let value = self
                .value_at(&field.ty, encoding, depth)
                .map_err(|error| error.within(&field.name))?;
            list.push((Arc::clone(&field.name), value));
        }
        if let Some(places) = places {
            self.at = start;
            self.take(host(places.whole.0))?;
        }
        Ok(match fields.named || fields.list.is_empty() {
            true => Value::Record(Arc::new(Record {
                fields: list,
                account: None,
            })),
            false => Value::List(Arc::new(list.into_iter().map(|(_, value)| value).collect())),
        })
    }
}

fn int(bytes: &[u8], signed: bool) -> Number {
    // The common widths without a detour.
    match (
        <[u8; 8]>::try_from(bytes),
        <[u8; 16]>::try_from(bytes),
        signed,
    ) {
        (Ok(bytes), _, false) => u64::from_le_bytes(bytes).into(),
        (Ok(bytes), _, true) => i64::from_le_bytes(bytes).into(),
        (_, Ok(bytes), false) => u128::from_le_bytes(bytes).into(),
        (_, Ok(bytes), true) => i128::from_le_bytes(bytes).into(),
        _ => Number::from_le_bytes(bytes, signed),
    }
}

/// One that is not finite is a text, which cannot be computed with.
fn float(bytes: &[u8]) -> Value {
    // As short as a float of its width prints, so that 0.1 is 0.1.
    let (value, text) = match (<[u8; 4]>::try_from(bytes), <[u8; 8]>::try_from(bytes)) {
        (Ok(bytes), _) => {
            let value = f32::from_le_bytes(bytes);
            (f64::from(value), value.to_string())
        }
        (_, Ok(bytes)) => {
            let value = f64::from_le_bytes(bytes);
            (value, value.to_string())
        }
        _ => (f64::NAN, f64::NAN.to_string()),
    };
    let number = value.is_finite().then(|| text.parse::<Number>().ok());
    match number
        .flatten()
        .and_then(|number| number.into_decimal().ok())
    {
        Some(number) => Value::Number(number),
        None => Value::text(&text),
    }
}
