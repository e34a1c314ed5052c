//! What differs between the same transaction under either program.

mod accounts;

use serde::Serialize;
use solana_sdk::{
    account::AccountSharedData, instruction::InstructionError, pubkey::Pubkey,
    transaction::TransactionError,
};

use super::{
    calls::{failing, same_logs},
    checks::Violation,
    knowledge::{Knowledge, Under},
    lines::{bounded, bytes, logs_diff},
    replay::Execution,
};

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
    /// A variation succeeds that the deployed program refuses: a check may be gone. Nobody sent it.
    Accepted,
    /// An account's owner, or whether it exists.
    Existence,
    /// Lamports that an account has afterwards.
    Lamports,
    /// Bytes that an account has afterwards.
    Data,
    /// What it returned.
    ReturnData,
    /// A variation has another effect, though the transaction itself has the same. Nobody sent it.
    Varied,
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

    /// Whether it is of a variation, which nobody sent.
    pub fn is_varied(self) -> bool {
        matches!(self, Self::Accepted | Self::Varied)
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
    pub knowledge: &'a Knowledge,
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
                let (error, call) = (self.error(Under::Proposed, error), self.failed(error));
                let title = format!("newly fails: {error} in {call}");
                found.push(self.by_logs(Kind::NewFailure, title));
            }
            (Some(error), None) => {
                let (error, call) = (self.error(Under::Deployed, error), self.failed(error));
                found.push(Difference {
                    kind: Kind::NewSuccess,
                    title: format!("succeeds where it failed: {error} in {call}"),
                    lines: self.writes(),
                });
            }
            (Some(old), Some(new)) if old != new => {
                let was = self.error(Under::Deployed, old);
                let (is, call) = (self.error(Under::Proposed, new), self.failed(new));
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

    /// A variation, in words, that the deployed program refuses.
    pub fn accepted(&self, variation: &str, name: &str) -> Option<Difference> {
        let (Some(error), None) = (&self.old.error, &self.new.error) else {
            return None;
        };
        let error = self.error(Under::Deployed, error);
        Some(Difference {
            kind: Kind::Accepted,
            title: format!("{name} accepts {variation}, which is refused now: {error}"),
            lines: self.writes(),
        })
    }

    /// How a variation, in words, that the deployed program accepts has another effect: the worst way.
    pub fn varied(&self, variation: &str) -> Option<Difference> {
        let worst = self.differences().into_iter().next()?;
        worst.kind.is_effect().then(|| Difference {
            kind: Kind::Varied,
            title: format!("{}, with {variation}", worst.title),
            lines: worst.lines,
        })
    }

    /// A difference that the logs explain.
    fn by_logs(&self, kind: Kind, title: String) -> Difference {
        let lines = match (self.keeps)(kind, &title) {
            true => logs_diff(self.knowledge, &self.old.logs, &self.new.logs),
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

    fn error(&self, under: Under, error: &TransactionError) -> String {
        let TransactionError::InstructionError(_, reason) = error else {
            return format!("{error:?}");
        };
        let InstructionError::Custom(code) = reason else {
            return format!("{reason:?}");
        };
        let execution = match under {
            Under::Deployed => self.old,
            Under::Proposed => self.new,
        };
        // Codes are each program's own.
        let of = failing(&execution.logs).filter(|id| **id != self.program.to_string());
        match (of, self.knowledge.error(under, *code)) {
            (Some(other), _) => format!("Custom({code}) of {other}"),
            (None, Some(name)) => format!("{name} ({code})"),
            (None, None) => format!("Custom({code})"),
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

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_error_is_named_by_the_program_that_failed() {
        let program = Pubkey::new_unique();
        let failed = |logs: &[String]| Execution {
            error: Some(TransactionError::InstructionError(
                0,
                InstructionError::Custom(1),
            )),
            logs: logs.to_vec(),
            ..Execution::default()
        };
        let title = |id: &str| {
            let logs = [format!("Program {id} failed: custom program error: 0x1")];
            let pair = Pair {
                program: &program,
                old: &Execution::default(),
                new: &failed(&logs),
                calls: &[(0, "pay".to_string())],
                before: &|_| None,
                knowledge: &Knowledge::default(),
                violations: &[],
                keeps: &|_, _| false,
            };
            pair.differences().remove(0).title
        };
        assert_eq!(title(&program.to_string()), "newly fails: Custom(1) in pay");
        assert_eq!(title("Other"), "newly fails: Custom(1) of Other in pay");
    }
}
