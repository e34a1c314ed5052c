//! What the user is told when something fails: one message, one hint, one exit code.

use std::{error::Error, fmt};

use serde_json::{json, Value};

use crate::exit::ExitCode;

/// A failure as the user sees it.
#[derive(Debug)]
pub struct CliError {
    /// How the process ends.
    pub exit: ExitCode,
    /// A stable name for scripts: `not_found`, or the violated rule's name such as `VotingClosed`.
    pub code: String,
    /// A lowercase fragment, causes behind colons.
    pub message: String,
    /// What to do about it.
    pub hint: Option<String>,
    /// What was found out before it failed.
    pub data: Option<Value>,
}

impl CliError {
    /// A failure with its own code.
    pub fn new(exit: ExitCode, code: impl Into<String>, message: impl Into<String>) -> Self {
        Self {
            exit,
            code: code.into(),
            message: message.into(),
            hint: None,
            data: None,
        }
    }

    /// Anything that has no better code.
    pub fn general(message: impl Into<String>) -> Self {
        Self::new(ExitCode::General, "general", message)
    }

    /// Input that cannot be used.
    pub fn usage(code: &str, message: impl Into<String>) -> Self {
        Self::new(ExitCode::Usage, code, message)
    }

    /// An account that is not there.
    pub fn not_found(message: impl Into<String>) -> Self {
        Self::new(ExitCode::NotFound, "not_found", message)
    }

    /// A hash or digest that differs.
    pub fn mismatch(code: &str, message: impl Into<String>) -> Self {
        Self::new(ExitCode::Mismatch, code, message)
    }

    /// A write that nobody confirmed.
    pub fn aborted(message: impl Into<String>) -> Self {
        Self::new(ExitCode::Aborted, "aborted", message)
    }

    /// Something whose time has not come.
    pub fn not_ready(code: &str, message: impl Into<String>) -> Self {
        Self::new(ExitCode::NotReady, code, message)
    }

    /// Adds what to do.
    #[must_use]
    pub fn hint(mut self, hint: impl Into<String>) -> Self {
        self.hint = Some(hint.into());
        self
    }

    /// Adds what was found out.
    #[must_use]
    pub fn data(mut self, data: Value) -> Self {
        self.data = Some(data);
        self
    }

    /// Says in front what was being done.
    #[must_use]
    pub fn context(mut self, what: impl fmt::Display) -> Self {
        self.message = format!("{what}: {}", self.message);
        self
    }

    /// The `error` of the JSON envelope.
    pub fn json(&self) -> Value {
        json!({
            "code": self.code,
            "exit_code": self.exit.number(),
            "message": self.message,
            "hint": self.hint,
        })
    }
}

impl fmt::Display for CliError {
    fn fmt(&self, f: &mut fmt::Formatter) -> fmt::Result {
        f.write_str(&self.message)
    }
}

impl Error for CliError {}

/// An error and its causes in one line, each cause once.
pub fn chain(error: &dyn Error) -> String {
    let mut text = error.to_string();
    let mut source = error.source();
    while let Some(cause) = source {
        let cause_text = cause.to_string();
        if !text.contains(&cause_text) {
            text = format!("{text}: {cause_text}");
        }
        source = cause.source();
    }
    text
}

#[cfg(test)]
mod tests {
    use std::io;

    use super::*;

    #[derive(Debug)]
    struct Outer(io::Error);
    impl fmt::Display for Outer {
        fn fmt(&self, f: &mut fmt::Formatter) -> fmt::Result {
            f.write_str("failed to read the ELF")
        }
    }
    impl Error for Outer {
        fn source(&self) -> Option<&(dyn Error + 'static)> {
            Some(&self.0)
        }
    }

    #[test]
    fn causes_stand_behind_colons() {
        let error = Outer(io::Error::other("disk gone"));
        assert_eq!(chain(&error), "failed to read the ELF: disk gone");
    }

    #[test]
    fn json_carries_code_exit_code_message_and_hint() {
        let error = CliError::mismatch("digest_mismatch", "the digest differs").hint("review it");
        assert_eq!(
            error.context("approve").json(),
            json!({
                "code": "digest_mismatch",
                "exit_code": 4,
                "message": "approve: the digest differs",
                "hint": "review it",
            })
        );
    }
}
