//! A finding, and how it is put into words.

use serde::Serialize;

use super::{
    report::{AddressReport, FunctionReport, SyscallUse},
    rules::{Rule, Severity},
};

/// Findings of one rule about single functions or addresses, at most: what is beyond is told in one more.
const MAX_OF_A_RULE: usize = 50;
/// Texts that one finding quotes.
const MAX_QUOTED: usize = 5;

/// Something to look at.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Finding {
    /// The rule's id.
    pub rule: &'static str,
    pub name: &'static str,
    pub severity: Severity,
    /// What was found; text from the ELF in it is printable.
    pub message: String,
    /// Why it matters.
    pub explanation: &'static str,
    /// The function that it is about.
    pub function: Option<String>,
    /// Where that begins, or where the constant stands.
    pub address: Option<String>,
}

/// A finding that the policy takes out.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Ignored {
    pub finding: Finding,
    /// The policy's words.
    pub reason: String,
}

pub(super) fn finding(rule: Rule, message: impl Into<String>) -> Finding {
    Finding {
        rule: rule.id,
        name: rule.name,
        severity: rule.severity,
        message: message.into(),
        explanation: rule.explanation,
        function: None,
        address: None,
    }
}

impl Finding {
    pub(super) fn at(self, severity: Severity) -> Self {
        Self { severity, ..self }
    }

    pub(super) fn within(self, function: &FunctionReport) -> Self {
        Self {
            function: Some(function.function.clone()),
            address: Some(function.address.clone()),
            ..self
        }
    }

    /// Approved in advance: to know, no more.
    pub(super) fn allowed(self) -> Self {
        Self {
            severity: Severity::Info,
            message: format!("{} (the policy allows it)", self.message),
            ..self
        }
    }
}

pub(super) fn of_address(rule: Rule, one: &AddressReport, verb: &str) -> Finding {
    let name = match one.name {
        Some(name) => format!("{} ({name})", one.address),
        None => one.address.clone(),
    };
    let (function, address) = match one.at.starts_with("0x") {
        true => (None, Some(one.at.clone())),
        false => (Some(one.at.clone()), None),
    };
    let place = match &function {
        Some(function) => format!("in the code of {function}"),
        None => "among its constants".to_string(),
    };
    Finding {
        function,
        address,
        ..finding(rule, format!("{verb} {name}, {place}"))
    }
}

/// The first findings of a rule, and how many more there are.
pub(super) fn bounded(rule: Rule, mut findings: Vec<Finding>) -> Vec<Finding> {
    let more = findings.len().saturating_sub(MAX_OF_A_RULE);
    findings.truncate(MAX_OF_A_RULE);
    if more > 0 {
        findings.push(finding(rule, format!("and {more} more like these")));
    }
    findings
}

pub(super) fn callers(one: &SyscallUse) -> String {
    let functions = match one.caller_count {
        1 => format!("in {}", one.callers.join("")),
        count => format!("in {count} functions"),
    };
    match one.calls {
        1 => format!("once, {functions}"),
        calls => format!("{calls} times, {functions}"),
    }
}

pub(super) fn quoted(texts: &[String]) -> String {
    let shown: Vec<String> = texts
        .iter()
        .take(MAX_QUOTED)
        .map(|text| match text.char_indices().nth(120) {
            Some((end, _)) => format!("{}…", &text[..end]),
            None => text.clone(),
        })
        .collect();
    let shown = shown.join(", ");
    match texts.len().saturating_sub(MAX_QUOTED) {
        0 => shown,
        more => format!("{shown} and {more} more"),
    }
}
