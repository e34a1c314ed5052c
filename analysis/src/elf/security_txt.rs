//! Whom to tell about a flaw, as the crate solana-security-txt embeds it: names and values, each with a zero byte behind it.

use serde::Serialize;

use super::printable;

const BEGIN: &[u8] = b"=======BEGIN SECURITY.TXT V1=======\0";
const END: &[u8] = b"=======END SECURITY.TXT V1=======\0";
/// Bytes between the marks, at most.
const MAX_LEN: usize = 64 * 1024;
const MAX_FIELDS: usize = 64;
const MAX_NAME: usize = 64;
const MAX_VALUE: usize = 4096;

/// The fields in their order.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[serde(transparent)]
pub struct SecurityTxt {
    pub fields: Vec<(String, String)>,
}

impl SecurityTxt {
    /// The first one in the bytes of a file.
    pub fn find(bytes: &[u8]) -> Option<Self> {
        let start = position(bytes, BEGIN)?.checked_add(BEGIN.len())?;
        let rest = bytes.get(start..)?;
        let rest = rest.get(..MAX_LEN).unwrap_or(rest);
        let body = rest.get(..position(rest, END)?)?;
        let mut parts = body.split(|byte| *byte == 0);
        let mut fields = Vec::new();
        while let (Some(name), Some(value)) = (parts.next(), parts.next()) {
            if fields.len() == MAX_FIELDS {
                break;
            }
            fields.push((printable(name, MAX_NAME), printable(value, MAX_VALUE)));
        }
        Some(Self { fields })
    }

    /// The value of a field.
    pub fn get(&self, name: &str) -> Option<&str> {
        let (_, value) = self.fields.iter().find(|(field, _)| field == name)?;
        Some(value)
    }
}

/// Where bytes first occur in others.
fn position(bytes: &[u8], mark: &[u8]) -> Option<usize> {
    let first = mark.first()?;
    let mut from = 0;
    while let Some(at) = bytes.get(from..)?.iter().position(|byte| byte == first) {
        let start = from + at;
        if bytes.get(start..)?.starts_with(mark) {
            return Some(start);
        }
        from = start + 1;
    }
    None
}

#[cfg(test)]
mod tests {
    use super::*;

    fn file(body: &[u8]) -> Vec<u8> {
        [b"======", BEGIN, body, END, b"more"].concat()
    }

    #[test]
    fn fields_are_read_in_their_order() {
        let found = SecurityTxt::find(&file(b"name\0App\0contacts\0email:a@b.c\0")).unwrap();
        assert_eq!(found.get("contacts"), Some("email:a@b.c"));
        let names: Vec<&str> = found.fields.iter().map(|(name, _)| name.as_str()).collect();
        assert_eq!(names, ["name", "contacts"]);
    }

    #[test]
    fn hostile_ones_are_bounded_and_printable() {
        let found = SecurityTxt::find(&file(b"name\0\x1b[2Jx\0lonely")).unwrap();
        assert_eq!(found.get("name"), Some("\\u{1b}[2Jx"));
        let many = b"a\0b\0".repeat(1000);
        assert_eq!(
            SecurityTxt::find(&file(&many)).unwrap().fields.len(),
            MAX_FIELDS
        );
        assert_eq!(SecurityTxt::find(&file(&vec![b'a'; MAX_LEN])), None);
        assert_eq!(SecurityTxt::find(BEGIN), None);
        assert_eq!(SecurityTxt::find(b"="), None);
    }
}
