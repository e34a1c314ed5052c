//! Which fields of two decoded values differ.

use std::fmt::Write;

use crate::idl::Value;

/// The most fields that are told: accounts may have thousands.
const MAX_FIELDS: usize = 24;
/// Decoding ends at some depth, and so does this.
const MAX_DEPTH: usize = 64;

/// A field that differs.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Field {
    /// `policy.threshold`, `members[2].key`.
    pub path: String,
    pub old: String,
    pub new: String,
}

impl Field {
    /// The path without places in lists, by which the same cause is found again.
    pub fn name(&self) -> String {
        let mut name = String::new();
        for part in self.path.split_inclusive('[') {
            let rest = part.trim_start_matches(|letter: char| letter.is_ascii_digit());
            // Only behind a bracket a number is a place.
            name.push_str(if name.ends_with('[') { rest } else { part });
        }
        name
    }
}

/// The fields that differ, and whether there are more of them.
pub(crate) fn differing(old: &Value, new: &Value) -> (Vec<Field>, bool) {
    let mut found = Found {
        fields: Vec::new(),
        more: false,
    };
    found.compare(&mut String::new(), Some(old), Some(new), 0);
    (found.fields, found.more)
}

struct Found {
    fields: Vec<Field>,
    more: bool,
}

impl Found {
    fn compare(
        &mut self,
        path: &mut String,
        old: Option<&Value>,
        new: Option<&Value>,
        depth: usize,
    ) {
        if old == new || self.more {
            return;
        }
        match (old, new) {
            _ if depth >= MAX_DEPTH => self.add(path, old, new),
            (Some(Value::Record(a)), Some(Value::Record(b))) => {
                for (name, value) in &a.fields {
                    self.within(path, name, Some(value), b.field(name), depth);
                }
                for (name, value) in &b.fields {
                    if a.field(name).is_none() {
                        self.within(path, name, None, Some(value), depth);
                    }
                }
            }
            (Some(Value::List(a)), Some(Value::List(b))) => {
                for place in 0..a.len().max(b.len()) {
                    let len = path.len();
                    // Writing to a String cannot fail.
                    let _ = write!(path, "[{place}]");
                    self.compare(path, a.get(place), b.get(place), depth.saturating_add(1));
                    path.truncate(len);
                    if self.more {
                        break;
                    }
                }
            }
            (Some(Value::Variant(a)), Some(Value::Variant(b))) if a.name == b.name => {
                self.within(path, &a.name, Some(&a.fields), Some(&b.fields), depth);
            }
            _ => self.add(path, old, new),
        }
    }

    fn within(
        &mut self,
        path: &mut String,
        name: &str,
        old: Option<&Value>,
        new: Option<&Value>,
        depth: usize,
    ) {
        let len = path.len();
        if len > 0 {
            path.push('.');
        }
        path.push_str(name);
        self.compare(path, old, new, depth.saturating_add(1));
        path.truncate(len);
    }

    fn add(&mut self, path: &str, old: Option<&Value>, new: Option<&Value>) {
        if self.fields.len() >= MAX_FIELDS {
            self.more = true;
            return;
        }
        let shown = |value: Option<&Value>| value.map_or("nothing".into(), Value::to_string);
        let path = if path.is_empty() { "value" } else { path };
        self.fields.push(Field {
            path: path.to_string(),
            old: shown(old),
            new: shown(new),
        });
    }
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use super::*;
    use crate::idl::value::Variant;

    fn number(number: u64) -> Value {
        Value::Number(number.into())
    }

    fn list(items: impl IntoIterator<Item = u64>) -> Value {
        Value::List(Arc::new(items.into_iter().map(number).collect()))
    }

    #[test]
    fn fields_are_named_by_their_paths_and_causes_without_places() {
        let open = |until: u64| {
            Value::Variant(Arc::new(Variant {
                name: "Open".into(),
                fields: Value::record([("until", number(until))]),
            }))
        };
        let old = Value::record([
            ("same", number(1)),
            ("state", open(5)),
            ("gone", number(2)),
            ("list", list([1, 2, 3])),
        ]);
        let new = Value::record([
            ("same", number(1)),
            ("state", open(6)),
            ("list", list([1, 9])),
            ("come", number(7)),
        ]);
        let (found, more) = differing(&old, &new);
        assert!(!more);
        let shown: Vec<(&str, &str, &str)> = found
            .iter()
            .map(|field| (field.path.as_str(), field.old.as_str(), field.new.as_str()))
            .collect();
        assert_eq!(
            shown,
            [
                ("state.Open.until", "5", "6"),
                ("gone", "2", "nothing"),
                ("list[1]", "2", "9"),
                ("list[2]", "3", "nothing"),
                ("come", "nothing", "7"),
            ]
        );
        let names: Vec<String> = found.iter().map(Field::name).collect();
        assert_eq!(names[2], names[3]);
        assert_eq!(names[2], "list[]");
        assert_eq!(differing(&old, &old), (Vec::new(), false));
    }

    #[test]
    fn a_long_list_is_not_told_in_full() {
        let (found, more) = differing(&list(0..10_000), &list(1..10_001));
        assert_eq!((found.len(), more), (MAX_FIELDS, true));
    }
}
