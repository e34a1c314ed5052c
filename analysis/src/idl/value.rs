//! What bytes mean: a tree of values.

use std::{fmt, sync::Arc};

use serde_json::{json, Map};
use solana_sdk::pubkey::Pubkey;

use super::number::Number;

/// A decoded value. Cheap to clone.
#[derive(Clone, Debug, PartialEq)]
pub enum Value {
    /// An `Option` that holds nothing.
    Null,
    Bool(bool),
    Number(Number),
    Text(Arc<str>),
    /// `bytes`, `[u8; n]` and `Vec<u8>`.
    Bytes(Arc<[u8]>),
    Key(Pubkey),
    /// Arrays, vectors and tuples.
    List(Arc<Vec<Value>>),
    Record(Arc<Record>),
    Variant(Arc<Variant>),
}

/// A struct.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Record {
    /// In their order.
    pub fields: Vec<(Arc<str>, Value)>,
    /// Of which account it is the content, if it is that of one.
    pub account: Option<Box<Origin>>,
}

/// The account that a record was read from.
#[derive(Clone, Debug, PartialEq)]
pub struct Origin {
    pub address: Pubkey,
    pub owner: Pubkey,
    pub lamports: u64,
    /// Bytes of data.
    pub len: usize,
}

/// One variant of an enum.
#[derive(Clone, Debug, PartialEq)]
pub struct Variant {
    pub name: Arc<str>,
    /// A record, a list, or null where it has no fields.
    pub fields: Value,
}

impl Value {
    /// A text.
    pub fn text(text: &str) -> Self {
        Self::Text(Arc::from(text))
    }

    /// A record without an account.
    pub fn record<'a>(fields: impl IntoIterator<Item = (&'a str, Self)>) -> Self {
        let fields = fields.into_iter();
        Self::Record(Arc::new(Record {
            fields: fields
                .map(|(name, value)| (Arc::from(name), value))
                .collect(),
            account: None,
        }))
    }

    /// What kind it is, for messages.
    pub fn kind(&self) -> &'static str {
        match self {
            Self::Null => "null",
            Self::Bool(_) => "a bool",
            Self::Number(_) => "a number",
            Self::Text(_) => "a text",
            Self::Bytes(_) => "bytes",
            Self::Key(_) => "an address",
            Self::List(_) => "a list",
            Self::Record(_) => "a record",
            Self::Variant(_) => "an enum's variant",
        }
    }

    /// A record's field.
    pub fn field(&self, name: &str) -> Option<&Self> {
        match self {
            Self::Record(record) => record.field(name),
            _ => None,
        }
    }

    /// As JSON: addresses in base58, bytes in hexadecimal, numbers that 64 bits do not hold as text.
    pub fn json(&self) -> serde_json::Value {
        match self {
            Self::Null => serde_json::Value::Null,
            Self::Bool(value) => json!(value),
            Self::Number(value) => {
                let small = value.to_i128().filter(|_| !value.is_decimal());
                let short = small.and_then(|small| i64::try_from(small).ok());
                match (short, value.to_u64().filter(|_| !value.is_decimal())) {
                    (Some(number), _) => json!(number),
                    (None, Some(number)) => json!(number),
                    (None, None) => json!(value.to_string()),
                }
            }
            Self::Text(text) => json!(text),
            Self::Bytes(bytes) => json!(hex(bytes)),
            Self::Key(key) => json!(key.to_string()),
            Self::List(list) => list.iter().map(Self::json).collect(),
            Self::Record(record) => {
                let fields = record.fields.iter();
                fields
                    .map(|(name, value)| (name.to_string(), value.json()))
                    .collect::<Map<_, _>>()
                    .into()
            }
            Self::Variant(variant) => match &variant.fields {
                Self::Null => json!(variant.name),
                fields => json!({ (variant.name.to_string()): fields.json() }),
            },
        }
    }
}

impl Record {
    /// A field.
    pub fn field(&self, name: &str) -> Option<&Value> {
        let mut fields = self.fields.iter();
        fields
            .find(|(found, _)| found.as_ref() == name)
            .map(|(_, value)| value)
    }
}

/// In one line, shortened: for messages.
impl fmt::Display for Value {
    fn fmt(&self, f: &mut fmt::Formatter) -> fmt::Result {
        const SHOWN: usize = 80;
        match self {
            Self::Record(_) | Self::List(_) | Self::Variant(_) => {
                // A tree can be large: only what is shown of it is written out.
                let mut text = Shortened {
                    text: String::new(),
                    room: SHOWN,
                };
                let complete = text.value(self);
                f.write_str(&text.text)?;
                f.write_str(if complete { "" } else { "..." })
            }
            Self::Null => f.write_str("null"),
            Self::Bool(value) => write!(f, "{value}"),
            Self::Number(number) => {
                let digits = number.to_string();
                // All of ASCII.
                let shown = digits.get(..SHOWN).unwrap_or(&digits);
                let rest = if shown.len() < digits.len() {
                    "..."
                } else {
                    ""
                };
                write!(f, "{shown}{rest}")
            }
            Self::Text(text) => {
                let short: String = text.chars().take(SHOWN).collect();
                write!(
                    f,
                    "{short:?}{}",
                    if short.len() < text.len() { "..." } else { "" }
                )
            }
            Self::Bytes(bytes) => {
                let shown = bytes.get(..SHOWN / 2).unwrap_or(bytes);
                let rest = if shown.len() < bytes.len() { "..." } else { "" };
                write!(f, "0x{}{rest}", hex(shown))
            }
            Self::Key(key) => write!(f, "{key}"),
        }
    }
}

struct Shortened {
    text: String,
    room: usize,
}

impl Shortened {
    /// Whether there was room for it.
    fn push(&mut self, text: &str) -> bool {
        self.text.push_str(text);
        self.text.len() <= self.room
    }

    fn value(&mut self, value: &Value) -> bool {
        match value {
            Value::List(list) => {
                self.push("[")
                    && list
                        .iter()
                        .enumerate()
                        .all(|(index, item)| (index == 0 || self.push(", ")) && self.value(item))
                    && self.push("]")
            }
            Value::Record(record) => {
                self.push("{")
                    && record
                        .fields
                        .iter()
                        .enumerate()
                        .all(|(index, (name, item))| {
                            (index == 0 || self.push(", "))
                                && self.push(&format!("{name}: "))
                                && self.value(item)
                        })
                    && self.push("}")
            }
            Value::Variant(variant) => {
                self.push(&variant.name)
                    && match &variant.fields {
                        Value::Null => true,
                        fields => self.push(" ") && self.value(fields),
                    }
            }
            other => self.push(&other.to_string()),
        }
    }
}

/// The lower-case hexadecimal form.
pub fn hex(bytes: &[u8]) -> String {
    bytes.iter().map(|byte| format!("{byte:02x}")).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn values_are_shown_shortly_and_written_in_full() {
        let variant = Value::Variant(Arc::new(Variant {
            name: "Open".into(),
            fields: Value::record([("until", Value::Number(u128::MAX.into()))]),
        }));
        let value = Value::record([
            ("state", variant),
            ("seed", Value::Bytes(Arc::from([1, 255].as_slice()))),
            ("small", Value::Number((-1_i8).into())),
            ("list", Value::List(Arc::new(vec![Value::Null; 1_000]))),
        ]);
        let shown = value.to_string();
        assert!(shown.starts_with("{state: Open {until: 3402823"), "{shown}");
        assert!(shown.len() < 120 && shown.ends_with("..."), "{shown}");
        let json = value.json();
        assert_eq!(json["seed"], "01ff");
        assert_eq!(json["small"], -1);
        assert_eq!(json["state"]["Open"]["until"], u128::MAX.to_string());
        assert_eq!(json["list"].as_array().unwrap().len(), 1_000);
        assert_eq!(Value::text(&"x".repeat(100)).to_string().len(), 85);
    }
}
