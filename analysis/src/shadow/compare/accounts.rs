//! How an account differs after the same transaction.

use solana_sdk::{
    account::{AccountSharedData, ReadableAccount},
    pubkey::Pubkey,
};

use super::{Difference, Kind, Pair};
use crate::shadow::{
    fields::{differing, Field},
    knowledge::{Described, Under},
    lines::{bounded, bytes, ranges},
};

/// The most byte ranges, or fields, that a cause names.
const MAX_NAMES: usize = 4;

impl Pair<'_> {
    /// Adds how the account differs.
    pub(super) fn account(
        &self,
        address: &Pubkey,
        old: &AccountSharedData,
        new: &AccountSharedData,
        found: &mut Vec<Difference>,
    ) {
        let (gone_old, gone_new) = (old.lamports() == 0, new.lamports() == 0);
        if gone_old && gone_new {
            return;
        }
        let was = (self.before)(address).filter(|account| account.lamports() > 0);
        let what = self.what(was.as_ref(), old, new);
        let of = |name: &str, account: &AccountSharedData| {
            let lamports = account.lamports();
            format!(
                "{name} {lamports} lamports, owner {}, {} bytes",
                account.owner(),
                account.data().len()
            )
        };
        let mut add = |kind, title: String, lines: Vec<String>| {
            let mut all = vec![format!("account {address}")];
            all.extend(lines);
            found.push(Difference {
                kind,
                title: format!("{title} after {}", self.label()),
                lines: bounded(all),
            });
        };
        if gone_old != gone_new
            || old.owner() != new.owner()
            || old.executable() != new.executable()
        {
            let title = match (gone_old, gone_new) {
                (true, false) => format!("an account is not closed: {what}"),
                (false, true) => format!("an account is gone: {what}"),
                _ => format!("an account has another owner: {what}"),
            };
            add(Kind::Existence, title, vec![of("old", old), of("new", new)]);
            return;
        }
        if old.lamports() != new.lamports() {
            let before = was.as_ref().map_or(0, ReadableAccount::lamports);
            let change =
                |account: &AccountSharedData| i128::from(account.lamports()) - i128::from(before);
            add(
                Kind::Lamports,
                format!("lamports differ: {what}"),
                vec![
                    format!("old {:+} lamports, to {}", change(old), old.lamports()),
                    format!("new {:+} lamports, to {}", change(new), new.lamports()),
                ],
            );
        }
        if old.data() != new.data() {
            let (part, lines) = self.data(old, new);
            add(Kind::Data, format!("{part} of {what} differ"), lines);
        }
    }

    fn describe(&self, under: Under, account: &AccountSharedData) -> Option<Described> {
        self.knowledge.describe(under, self.program, account)
    }

    /// Which fields, or bytes.
    fn data(&self, old: &AccountSharedData, new: &AccountSharedData) -> (String, Vec<String>) {
        let described = [(Under::Deployed, old), (Under::Proposed, new)]
            .map(|(under, account)| self.describe(under, account));
        if let [Some(was), Some(is)] = &described {
            let (fields, more) = differing(&was.value, &is.value);
            if was.kind == is.kind && !fields.is_empty() {
                let mut lines: Vec<String> = fields.iter().map(line).collect();
                if more {
                    lines.push("and other fields".into());
                }
                let rest = |account: &AccountSharedData, from: usize| {
                    account.data().get(from..).map(<[u8]>::to_vec)
                };
                if rest(old, was.len) != rest(new, is.len) {
                    lines.push("and bytes behind the fields".into());
                }
                return (format!("fields {}", names(&fields)), lines);
            }
        }
        let mut lines = Vec::new();
        if let [Some(was), None] = &described {
            lines.push(format!("new: it does not decode as {} any more", was.kind));
        }
        if old.data().len() != new.data().len() {
            lines.push(format!("old {} bytes", old.data().len()));
            lines.push(format!("new {} bytes", new.data().len()));
            return ("the lengths".to_string(), lines);
        }
        let ranges = ranges(old.data(), new.data());
        let mut names: Vec<String> = (ranges.iter().take(MAX_NAMES))
            .map(|(start, end)| format!("{start}..{end}"))
            .collect();
        if ranges.len() > MAX_NAMES {
            names.push("more".into());
        }
        let at = |account: &AccountSharedData, (start, end): &(usize, usize)| {
            let found = account.data().get(*start..*end).unwrap_or_default();
            // Mostly it is a number.
            match <[u8; 8]>::try_from(found) {
                Ok(number) => format!("{} ({})", bytes(found), u64::from_le_bytes(number)),
                Err(_) => bytes(found),
            }
        };
        lines.extend(ranges.iter().take(MAX_NAMES).map(|range| {
            format!(
                "bytes {}..{}: old {}, new {}",
                range.0,
                range.1,
                at(old, range),
                at(new, range)
            )
        }));
        (format!("bytes {}", names.join(", ")), lines)
    }

    /// An account in words: its type, or its owner and length.
    fn what(
        &self,
        was: Option<&AccountSharedData>,
        old: &AccountSharedData,
        new: &AccountSharedData,
    ) -> String {
        // One that is made now has a type only then.
        let described = (was.and_then(|was| self.describe(Under::Deployed, was)))
            .or_else(|| self.describe(Under::Deployed, old))
            .or_else(|| self.describe(Under::Proposed, new));
        if let Some(described) = described {
            return described.kind;
        }
        let account = was.unwrap_or(old);
        let owner = account.owner();
        match account.data().len() {
            0 if *owner == solana_sdk_ids::system_program::ID => "a System account".to_string(),
            len if owner == self.program => format!("an account of the program with {len} bytes"),
            len => format!("an account of {owner} with {len} bytes"),
        }
    }

    /// What a success wrote that was a failure before.
    pub(super) fn writes(&self) -> Vec<String> {
        let lines = self.new.written.iter().filter_map(|(address, account)| {
            let before = (self.before)(address).unwrap_or_default();
            let lamports = i128::from(account.lamports()) - i128::from(before.lamports());
            let changed = before.data() != account.data();
            if lamports == 0 && !changed {
                return None;
            }
            let mut parts = Vec::new();
            if lamports != 0 {
                parts.push(format!("{lamports:+} lamports"));
            }
            if changed {
                let was = self.describe(Under::Deployed, &before);
                match (was, self.describe(Under::Proposed, account)) {
                    (Some(was), Some(is)) => {
                        for field in differing(&was.value, &is.value).0 {
                            parts.push(format!("{} {} → {}", field.path, field.old, field.new));
                        }
                    }
                    _ => parts.push("other data".into()),
                }
            }
            Some(format!("writes {address}: {}", parts.join(", ")))
        });
        bounded(lines.collect())
    }
}

fn line(field: &Field) -> String {
    format!("{}: old {}, new {}", field.path, field.old, field.new)
}

/// The names of fields, each once.
fn names(fields: &[Field]) -> String {
    let mut names: Vec<String> = Vec::new();
    for name in fields.iter().map(Field::name) {
        if !names.contains(&name) {
            names.push(name);
        }
    }
    if names.len() > MAX_NAMES {
        names.truncate(MAX_NAMES);
        names.push("more".into());
    }
    names.join(", ")
}
