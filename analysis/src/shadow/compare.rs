//! What differs between the same transaction under either program.

use std::fmt::Write;

use serde::Serialize;
use solana_sdk::{
    account::{AccountSharedData, ReadableAccount},
    instruction::InstructionError,
    pubkey::Pubkey,
    transaction::TransactionError,
};

use super::{
    calls::same_logs,
    hooks::{Hooks, Violation},
    lines::{bounded, bytes, differing, logs_diff, ranges},
    replay::Execution,
};

/// The most byte ranges that a cause names.
const MAX_RANGES: usize = 4;

/// What kind of difference, the worst first.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Kind {
    /// Only the proposed program breaks an invariant.
    Invariant,
    /// It fails where it succeeded.
    NewFailure,
    /// It succeeds where it failed: a check may be gone.
    NewSuccess,
    /// An account's owner, or whether it exists.
    Existence,
    /// Lamports that an account has afterwards.
    Lamports,
    /// Bytes that an account has afterwards.
    Data,
    /// What it returned.
    ReturnData,
    /// It fails as before, with another error.
    Error,
    /// Nothing but its logs.
    Logs,
}

impl Kind {
    /// Whether the chain's state, or what callers get, is another one.
    pub fn is_effect(self) -> bool {
        self < Self::Error
    }

    /// Whether something fails, or is broken, that was not.
    pub fn is_failure(self) -> bool {
        self <= Self::NewFailure
    }
}

/// One difference. Those with the same kind and title have the same cause.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Difference {
    pub kind: Kind,
    pub title: String,
    /// What was found in this transaction.
    pub lines: Vec<String>,
}

/// The two executions of one transaction.
pub(crate) struct Pair<'a> {
    pub program: &'a Pubkey,
    pub old: &'a Execution,
    pub new: &'a Execution,
    /// The names of the program's calls, each with the instruction of the transaction that it is part of.
    pub calls: &'a [(usize, String)],
    /// The accounts before it.
    pub before: &'a dyn Fn(&Pubkey) -> Option<AccountSharedData>,
    pub hooks: &'a dyn Hooks,
    /// What only the proposed program breaks.
    pub violations: &'a [Violation],
    /// Whether one more example of a cause is kept. Lines of logs are only made for those.
    pub keeps: &'a dyn Fn(Kind, &str) -> bool,
}

impl Pair<'_> {
    /// All differences, the worst first; empty where there is none.
    pub fn differences(&self) -> Vec<Difference> {
        let mut found: Vec<Difference> = self.violations.iter().map(broken).collect();
        match (&self.old.error, &self.new.error) {
            (None, None) => self.effects(&mut found),
            (None, Some(error)) => {
                let (error, call) = (self.error(error), self.failed(error));
                let title = format!("newly fails: {error} in {call}");
                found.push(self.by_logs(Kind::NewFailure, title));
            }
            (Some(error), None) => {
                let (error, call) = (self.error(error), self.failed(error));
                found.push(Difference {
                    kind: Kind::NewSuccess,
                    title: format!("succeeds where it failed: {error} in {call}"),
                    lines: self.writes(),
                });
            }
            (Some(old), Some(new)) if old != new => {
                let (was, is, call) = (self.error(old), self.error(new), self.failed(new));
                let title = format!("fails with another error in {call}: {is}, was {was}");
                found.push(self.by_logs(Kind::Error, title));
            }
            _ => {}
        }
        // Another outcome always comes with other logs.
        if found.is_empty() && !same_logs(&self.old.logs, &self.new.logs) {
            let title = format!("only the logs differ: {}", self.label());
            found.push(self.by_logs(Kind::Logs, title));
        }
        found.sort_by_key(|difference| difference.kind);
        found
    }

    /// A difference that the logs explain.
    fn by_logs(&self, kind: Kind, title: String) -> Difference {
        let lines = match (self.keeps)(kind, &title) {
            true => logs_diff(&self.old.logs, &self.new.logs),
            false => Vec::new(),
        };
        Difference { kind, title, lines }
    }

    fn effects(&self, found: &mut Vec<Difference>) {
        for (address, old) in &self.old.written {
            let Some((_, new)) = self.new.written.iter().find(|(key, _)| key == address) else {
                continue;
            };
            if old != new {
                self.account(address, old, new, found);
            }
        }
        let (old, new) = (&self.old.return_data, &self.new.return_data);
        if old != new {
            found.push(Difference {
                kind: Kind::ReturnData,
                title: format!("returns other data: {}", self.label()),
                lines: vec![
                    format!("old {}", bytes(&old.1)),
                    format!("new {}", bytes(&new.1)),
                ],
            });
        }
    }

    fn account(
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
        let what = self.what(address, was.as_ref().unwrap_or(old));
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
            let (part, lines) = self.data(address, old, new);
            add(Kind::Data, format!("{part} of {what} differ"), lines);
        }
    }

    /// Which fields, or bytes.
    fn data(
        &self,
        address: &Pubkey,
        old: &AccountSharedData,
        new: &AccountSharedData,
    ) -> (String, Vec<String>) {
        let described =
            |account: &AccountSharedData| self.hooks.describe(address, &account.clone().into());
        if let (Some(old), Some(new)) = (described(old), described(new)) {
            let fields = differing(&old, &new);
            if old.kind == new.kind && !fields.is_empty() {
                let names: Vec<&str> = fields.iter().map(|(name, _, _)| *name).collect();
                let lines = fields
                    .iter()
                    .map(|(name, old, new)| format!("{name}: old {old}, new {new}"));
                return (format!("fields {}", names.join(", ")), lines.collect());
            }
        }
        if old.data().len() != new.data().len() {
            let lines = vec![
                format!("old {} bytes", old.data().len()),
                format!("new {} bytes", new.data().len()),
            ];
            return ("the lengths".to_string(), lines);
        }
        let ranges = ranges(old.data(), new.data());
        let mut names: Vec<String> = (ranges.iter().take(MAX_RANGES))
            .map(|(start, end)| format!("{start}..{end}"))
            .collect();
        if ranges.len() > MAX_RANGES {
            names.push("more".into());
        }
        let at = |account: &AccountSharedData, (start, end): &(usize, usize)| {
            bytes(account.data().get(*start..*end).unwrap_or_default())
        };
        let lines = ranges.iter().take(MAX_RANGES).map(|range| {
            format!(
                "bytes {}..{}: old {}, new {}",
                range.0,
                range.1,
                at(old, range),
                at(new, range)
            )
        });
        (format!("bytes {}", names.join(", ")), lines.collect())
    }

    /// An account in words: its type, or its owner and length.
    fn what(&self, address: &Pubkey, account: &AccountSharedData) -> String {
        if let Some(described) = self.hooks.describe(address, &account.clone().into()) {
            return described.kind;
        }
        let owner = account.owner();
        match account.data().len() {
            0 if *owner == solana_sdk_ids::system_program::ID => "a System account".to_string(),
            len if owner == self.program => format!("an account of the program with {len} bytes"),
            len => format!("an account of {owner} with {len} bytes"),
        }
    }

    /// What a success wrote that was a failure before.
    fn writes(&self) -> Vec<String> {
        let lines = self.new.written.iter().filter_map(|(address, account)| {
            let before = (self.before)(address).unwrap_or_default();
            let lamports = i128::from(account.lamports()) - i128::from(before.lamports());
            let ranges = ranges(before.data(), account.data());
            let changed = !ranges.is_empty() || before.data().len() != account.data().len();
            if lamports == 0 && !changed {
                return None;
            }
            let mut line = format!("writes {address}: {lamports:+} lamports");
            if changed {
                let described = |account: &AccountSharedData| {
                    self.hooks.describe(address, &account.clone().into())
                };
                match (described(&before), described(account)) {
                    (Some(old), Some(new)) => {
                        for (name, old, new) in differing(&old, &new) {
                            let _ = write!(line, ", {name} {old} → {new}");
                        }
                    }
                    _ => line.push_str(", other data"),
                }
            }
            Some(line)
        });
        bounded(lines.collect())
    }

    /// The program's calls in words.
    fn label(&self) -> String {
        const MAX: usize = 3;
        let mut names: Vec<&str> = Vec::new();
        for (_, name) in self.calls {
            if !names.contains(&name.as_str()) {
                names.push(name);
            }
        }
        if names.len() > MAX {
            names.truncate(MAX);
            names.push("…");
        }
        match names.is_empty() {
            true => "no call of the program".into(),
            false => names.join(" + "),
        }
    }

    /// The call that failed.
    fn failed(&self, error: &TransactionError) -> String {
        let TransactionError::InstructionError(index, _) = error else {
            return self.label();
        };
        let within = |(top, _): &&(usize, String)| *top == usize::from(*index);
        match self.calls.iter().rfind(within) {
            Some((_, name)) => name.clone(),
            None => format!("another program's instruction {index}"),
        }
    }

    fn error(&self, error: &TransactionError) -> String {
        match error {
            TransactionError::InstructionError(_, InstructionError::Custom(code)) => {
                match self.hooks.error(*code) {
                    Some(name) => format!("{name} ({code})"),
                    None => format!("Custom({code})"),
                }
            }
            TransactionError::InstructionError(_, error) => format!("{error:?}"),
            error => format!("{error:?}"),
        }
    }
}

fn broken(violation: &Violation) -> Difference {
    Difference {
        kind: Kind::Invariant,
        title: format!("breaks the invariant {}", violation.name),
        lines: bounded(vec![violation.reason.clone()]),
    }
}
