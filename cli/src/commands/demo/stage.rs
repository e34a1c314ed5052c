//! Where the demo is seen: one line a step, with `ok` or the refusal's name.

use std::io::Write;

use portcullis_client::ClientError;
use serde_json::{json, Value};

use crate::{
    error::{chain, CliError},
    output::judged,
};

/// Prints the steps and counts the attacks.
pub struct Stage {
    text: bool,
    chapter: &'static str,
    shown_chapter: bool,
    steps: Vec<Value>,
    attempted: usize,
    refused: usize,
}

impl Stage {
    /// `text`: print each step as it happens.
    pub fn new(text: bool) -> Self {
        Self {
            text,
            chapter: "",
            shown_chapter: false,
            steps: Vec::new(),
            attempted: 0,
            refused: 0,
        }
    }

    /// Begins an act.
    pub fn act(&mut self, title: &str) {
        if self.text {
            let gap = if self.steps.is_empty() { "" } else { "\n" };
            // A closed pipe is no reason to stop.
            let _ = writeln!(std::io::stdout(), "{gap}{title}");
        }
    }

    /// Begins a chapter: SETUP, PROPOSE, …
    pub fn chapter(&mut self, name: &'static str) {
        self.chapter = name;
        self.shown_chapter = false;
    }

    fn line(&mut self, what: &str, outcome: &str, good: bool) {
        self.steps
            .push(json!({ "chapter": self.chapter, "step": what, "outcome": outcome, "as_it_must_be": good }));
        if self.text {
            let chapter = if self.shown_chapter { "" } else { self.chapter };
            self.shown_chapter = true;
            let outcome = judged(outcome, good);
            // A closed pipe is no reason to stop.
            let _ = writeln!(std::io::stdout(), "{chapter:<8} {what:<78} {outcome}");
        }
    }

    /// A step that went as it must.
    pub fn ok(&mut self, what: impl AsRef<str>) {
        self.line(what.as_ref(), "ok", true);
    }

    /// Requires that a step worked, and shows it.
    ///
    /// # Errors
    /// The step's own, with what was being done.
    pub fn must<T>(
        &mut self,
        what: impl AsRef<str>,
        result: Result<T, ClientError>,
    ) -> Result<T, CliError> {
        match result {
            Ok(value) => {
                self.ok(what);
                Ok(value)
            }
            Err(error) => {
                self.line(what.as_ref(), "FAILED", false);
                Err(CliError::from(error).context(what.as_ref()))
            }
        }
    }

    /// Requires that a fact holds, and shows it.
    ///
    /// # Errors
    /// Where it does not.
    pub fn prove(&mut self, what: impl AsRef<str>, holds: bool) -> Result<(), CliError> {
        if holds {
            self.ok(what);
            return Ok(());
        }
        self.line(what.as_ref(), "NOT SO", false);
        Err(CliError::general(format!(
            "this must hold and does not: {}",
            what.as_ref()
        )))
    }

    /// Shows an attack, which the chain must refuse with this name.
    pub fn attack<T>(
        &mut self,
        what: impl AsRef<str>,
        expected: &str,
        result: Result<T, ClientError>,
    ) {
        self.attempted += 1;
        let (outcome, good) = match &result {
            Ok(_) => ("NOT REFUSED".to_string(), false),
            Err(error) => match error.refusal() {
                Some(refusal) if refusal.name == expected => (format!("refused: {expected}"), true),
                Some(refusal) => (format!("NOT AS IT MUST BE: {}", refusal.name), false),
                None => (format!("NOT AS IT MUST BE: {}", chain(error)), false),
            },
        };
        if good {
            self.refused += 1;
        }
        self.line(what.as_ref(), &outcome, good);
    }

    /// Attacks refused as they must be, and attacks tried.
    pub fn tally(&self) -> (usize, usize) {
        (self.refused, self.attempted)
    }

    /// The steps, for JSON.
    pub fn into_steps(self) -> Vec<Value> {
        self.steps
    }
}
