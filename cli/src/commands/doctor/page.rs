//! The findings for people: errors first, at the end how many there are.

use portcullis_client::doctor::{Counts, Facts, Finding, Measure, Severity};
use serde_json::Value;

use crate::{
    duration::utc_and_local,
    output::{cautioned, judged, Fields},
    view,
};

/// What is shown.
pub struct Page<'a> {
    pub facts: &'a Facts,
    pub findings: &'a [Finding],
    pub counts: Counts,
}

impl Page<'_> {
    /// All of it.
    pub fn text(&self) -> String {
        let mut parts = vec![self.head()];
        for (severity, title) in [
            (Severity::Error, "errors"),
            (Severity::Warning, "warnings"),
            (Severity::Note, "notes"),
        ] {
            let findings: Vec<String> = self.of(severity).map(long).collect();
            if !findings.is_empty() {
                parts.push(format!("{title}\n{}", findings.join("\n")));
            }
        }
        let mut fields = Fields::new();
        for finding in self.of(Severity::Ok) {
            fields.push(finding.topic.name(), &finding.what);
        }
        let passed = fields.render(2);
        if !passed.is_empty() {
            parts.push(format!("in order\n{passed}"));
        }
        parts.push(self.last_line());
        parts.join("\n\n")
    }

    fn of(&self, severity: Severity) -> impl Iterator<Item = &Finding> {
        let these = move |finding: &&Finding| finding.severity == severity;
        self.findings.iter().filter(these)
    }

    fn head(&self) -> String {
        let facts = self.facts;
        let mut fields = Fields::new().row("examined", stage(facts));
        if let Some(program) = &facts.program {
            fields.push("program", program.gate.account.program);
            fields.push("gate", program.gate.address);
        }
        fields.push("council", facts.council.address);
        if let Some(view) = &facts.proposal {
            fields.push("proposal", facts.name());
            fields.push("action", view::action(view));
            fields.push("status", view::status(view));
        }
        fields.push("chain time", utc_and_local(facts.now.timestamp));
        fields.render(0)
    }

    fn last_line(&self) -> String {
        let Counts {
            error,
            warning,
            note,
            ok,
        } = self.counts;
        let line = format!(
            "{}, {}, {}, {ok} in order",
            count(error, "error"),
            count(warning, "warning"),
            count(note, "note"),
        );
        match (error, warning) {
            (0, 0) => judged(&line, true),
            (0, _) => cautioned(&line),
            _ => judged(&line, false),
        }
    }
}

/// When it is examined.
pub fn stage(facts: &Facts) -> &'static str {
    match facts.proposal {
        None => "before proposing",
        Some(_) => "before executing",
    }
}

/// `1 error`, `2 errors`.
pub fn count(number: usize, what: &str) -> String {
    match number {
        1 => format!("1 {what}"),
        number => format!("{number} {what}s"),
    }
}

/// A finding with all that it says.
fn long(finding: &Finding) -> String {
    let code = match finding.severity {
        Severity::Error => judged(finding.code, false),
        Severity::Warning => cautioned(finding.code),
        Severity::Note | Severity::Ok => finding.code.to_string(),
    };
    let mut fields = Fields::new();
    if let (Some(required), Some(found)) = (&finding.required, &finding.found) {
        fields.push("required", measure(required));
        fields.push("found", measure(found));
    }
    if !finding.why.is_empty() {
        fields.push("why", finding.why);
    }
    if let Some(mend) = &finding.mend {
        fields.push("mend", mend);
    }
    format!("  {code}: {}\n{}", finding.what, fields.render(4))
}

fn measure(measure: &Measure) -> String {
    match (&measure.value, measure.unit) {
        (Value::String(text), _) => text.clone(),
        (Value::Number(seconds), "unix_seconds") => {
            utc_and_local(seconds.as_i64().unwrap_or_default())
        }
        (value, "number") => value.to_string(),
        (value, unit) => {
            let unit = unit.replace('_', " ");
            match value.as_u64() {
                Some(1) => format!("1 {}", unit.trim_end_matches('s')),
                _ => format!("{value} {unit}"),
            }
        }
    }
}
