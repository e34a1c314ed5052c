//! Whether an upgrade would pass: asked before it is proposed, and again before it is executed.
//!
//! [`Facts`] are what was read, by [`Client::facts`](crate::Client::facts) or by others; [`diagnose`] is pure and says what they
//! mean. What could not be read is a finding as well. The codes are stable: scripts may compare them.

mod authority;
mod buffer;
mod clock;
mod content;
mod costs;
mod council;
mod facts;
mod features;
mod fetch;
mod funds;
mod loading;
mod portcullis_itself;
mod proposal;
mod size;
mod slots;
#[cfg(test)]
mod tests;

use serde::Serialize;
use serde_json::{json, Value};
use solana_sdk::pubkey::Pubkey;

pub use self::{
    facts::*,
    features::{Features, ENABLE_V3, ONLY_V3},
    fetch::{Question, Target},
};
use crate::error::hex;

/// How grave a finding is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Severity {
    /// The next step would be refused, or must not be taken.
    Error,
    /// It would pass now; it may fail later, or something that people rely on is weak.
    Warning,
    /// Worth knowing.
    Note,
    /// Checked, and in order.
    Ok,
}

/// What a finding is about.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Topic {
    Proposal,
    Elf,
    Hash,
    Size,
    Authority,
    Buffer,
    Spill,
    Funds,
    Council,
    Attestations,
    Slots,
    Clock,
    Portcullis,
}

impl Topic {
    /// Its name, as JSON gives it.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Proposal => "proposal",
            Self::Elf => "elf",
            Self::Hash => "hash",
            Self::Size => "size",
            Self::Authority => "authority",
            Self::Buffer => "buffer",
            Self::Spill => "spill",
            Self::Funds => "funds",
            Self::Council => "council",
            Self::Attestations => "attestations",
            Self::Slots => "slots",
            Self::Clock => "clock",
            Self::Portcullis => "portcullis",
        }
    }
}

/// Something required or found, with its unit.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Measure {
    /// A number, or a text where the unit is `address`, `sha256` or `name`.
    pub value: Value,
    pub unit: &'static str,
}

impl Measure {
    fn number(value: impl Into<Value>, unit: &'static str) -> Self {
        Self {
            value: value.into(),
            unit,
        }
    }

    fn bytes(count: usize) -> Self {
        Self::number(count, "bytes")
    }

    fn address(key: &Pubkey) -> Self {
        Self::number(key.to_string(), "address")
    }

    fn sha256(hash: &[u8; 32]) -> Self {
        Self::number(hex(hash), "sha256")
    }

    fn name(text: impl Into<String>) -> Self {
        Self::number(text.into(), "name")
    }
}

/// What a check has found.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Finding {
    /// Never changes its meaning.
    pub code: &'static str,
    pub severity: Severity,
    pub topic: Topic,
    pub what: String,
    pub why: &'static str,
    /// The command that mends it, or that comes next; none where nothing can be run against it.
    pub mend: Option<String>,
    pub required: Option<Measure>,
    pub found: Option<Measure>,
    /// An error that time alone mends.
    pub not_yet: bool,
}

impl Finding {
    fn new(
        topic: Topic,
        severity: Severity,
        code: &'static str,
        what: impl Into<String>,
        why: &'static str,
    ) -> Self {
        Self {
            code,
            severity,
            topic,
            what: what.into(),
            why,
            mend: None,
            required: None,
            found: None,
            not_yet: false,
        }
    }

    fn error(topic: Topic, code: &'static str, what: impl Into<String>, why: &'static str) -> Self {
        Self::new(topic, Severity::Error, code, what, why)
    }

    fn warning(
        topic: Topic,
        code: &'static str,
        what: impl Into<String>,
        why: &'static str,
    ) -> Self {
        Self::new(topic, Severity::Warning, code, what, why)
    }

    fn note(topic: Topic, code: &'static str, what: impl Into<String>, why: &'static str) -> Self {
        Self::new(topic, Severity::Note, code, what, why)
    }

    fn ok(topic: Topic, code: &'static str, what: impl Into<String>) -> Self {
        Self::new(topic, Severity::Ok, code, what, "")
    }

    /// A check that could not be made.
    fn unknown(topic: Topic, severity: Severity, what: &str, reason: &str) -> Self {
        Self::new(
            topic,
            severity,
            "could_not_check",
            format!("{what} could not be read: {reason}"),
            "what was not read was not checked: it may be wrong",
        )
        .mend("ask another RPC server: -u URL")
    }

    fn mend(mut self, command: impl Into<String>) -> Self {
        self.mend = Some(command.into());
        self
    }

    fn measured(mut self, required: Measure, found: Measure) -> Self {
        self.required = Some(required);
        self.found = Some(found);
        self
    }

    fn not_yet(mut self) -> Self {
        self.not_yet = true;
        self
    }
}

/// How many findings of each severity there are.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize)]
pub struct Counts {
    pub error: usize,
    pub warning: usize,
    pub note: usize,
    pub ok: usize,
}

impl Counts {
    /// Counts them.
    pub fn of(findings: &[Finding]) -> Self {
        let count = |severity| {
            let these = |finding: &&Finding| finding.severity == severity;
            findings.iter().filter(these).count()
        };
        Self {
            error: count(Severity::Error),
            warning: count(Severity::Warning),
            note: count(Severity::Note),
            ok: count(Severity::Ok),
        }
    }

    /// For programs.
    pub fn json(&self) -> Value {
        json!({ "error": self.error, "warning": self.warning, "note": self.note, "ok": self.ok })
    }
}

/// Everything that can be said about these facts: the gravest first, within a severity by topic.
pub fn diagnose(facts: &Facts) -> Vec<Finding> {
    let mut found = Vec::new();
    let checks: &[fn(&Facts, &mut Vec<Finding>)] = &[
        proposal::check,
        loading::check,
        content::check,
        size::check,
        authority::check,
        buffer::check,
        funds::check,
        council::check,
        slots::check,
        clock::check,
        portcullis_itself::check,
    ];
    for check in checks {
        check(facts, &mut found);
    }
    // Last: it adds what the others have not found.
    proposal::check_simulation(facts, &mut found);
    // Stable: what was found first stays first.
    found.sort_by_key(|finding| (finding.severity, finding.topic));
    found
}

/// A span of time in its two largest units.
fn span(seconds: u64) -> String {
    let units = [(86_400, "d"), (3_600, "h"), (60, "m"), (1, "s")];
    let mut left = seconds;
    let mut parts = Vec::new();
    for (size, unit) in units {
        let count = left / size;
        left %= size;
        if count > 0 {
            parts.push(format!("{count}{unit}"));
        }
    }
    parts.truncate(2);
    match parts.is_empty() {
        true => "0s".to_string(),
        false => parts.join(" "),
    }
}

/// How long until a time, for people; nothing where it has come.
fn until(time: i64, now: i64) -> u64 {
    u64::try_from(time.saturating_sub(now)).unwrap_or_default()
}

/// A time in UTC; the number itself where it is beyond the calendar.
fn utc(time: i64) -> String {
    let text = portcullis::message::utc(time);
    let text = text.and_then(|text| String::from_utf8(text.to_vec()).ok());
    text.unwrap_or_else(|| time.to_string())
}
