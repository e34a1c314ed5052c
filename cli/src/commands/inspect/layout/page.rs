//! What was found, for people and for programs.

use portcullis_analysis::layout::{evidence::TypeEvidence, Change, Verdict};
use serde_json::{json, Value};

use super::Outcome;
use crate::{
    idl::Found,
    output::{judged, one_line, table, Fields},
};

/// For people: breaking changes first, of these the ones that take a check away.
pub fn text(outcome: &Outcome) -> String {
    let head = Fields::new()
        .row("old", shown(&outcome.old))
        .row("new", shown(&outcome.new));
    let mut parts = vec![head.render(0)];
    let (mut breaking, mut allowed, mut safe) = (Vec::new(), Vec::new(), Vec::new());
    for change in &outcome.report.changes {
        match (change.verdict, outcome.is_allowed(change)) {
            (Verdict::Safe, _) => safe.push(change),
            (Verdict::Breaking, true) => allowed.push(change),
            (Verdict::Breaking, false) => breaking.push(change),
        }
    }
    breaking.sort_by_key(|change| !change.rule.drops_check());
    for (title, good, changes) in [
        ("breaking", false, &breaking),
        ("breaking, but allowed", true, &allowed),
        ("safe", true, &safe),
    ] {
        if !changes.is_empty() {
            parts.push(list(&judged(title, good), changes));
        }
    }
    if outcome.report.truncated {
        parts.push("there are more changes, which are not listed".to_string());
    }
    if let Some(evidence) = &outcome.evidence {
        parts.push(tried(evidence));
    }
    parts.push(match outcome.report.changes.len() {
        0 => judged("no change", true),
        _ => format!(
            "{} breaking, {} allowed, {} safe",
            breaking.len(),
            allowed.len(),
            safe.len()
        ),
    });
    parts.join("\n\n")
}

fn shown(found: &Found) -> String {
    let metadata = &found.idl.spec.metadata;
    let format = match found.idl.legacy {
        true => ", in the format before Anchor 0.30",
        false => "",
    };
    one_line(&format!(
        "{} {} ({}{format})",
        metadata.name, metadata.version, found.from
    ))
}

fn list(title: &str, changes: &[&Change]) -> String {
    let mut lines = vec![title.to_string()];
    for change in changes {
        let (rule, path) = (change.rule.id(), one_line(&change.path));
        let between = match (&change.was, &change.is) {
            (Some(was), Some(is)) => format!(": {} -> {}", one_line(was), one_line(is)),
            (Some(was), None) => format!(": was {}", one_line(was)),
            (None, Some(is)) => format!(": {}", one_line(is)),
            (None, None) => String::new(),
        };
        lines.push(format!("  {rule}  {path}{between}"));
        lines.push(format!("    {}", one_line(&change.reason)));
    }
    lines.join("\n")
}

fn tried(evidence: &[TypeEvidence]) -> String {
    let rows = evidence.iter().map(|one| {
        vec![
            one_line(&one.account),
            format!("{} of {}", one.read, one.total),
            one.unreadable.to_string(),
            one.lost.to_string(),
            one.changed.to_string(),
        ]
    });
    let header = ["accounts", "tried", "unreadable before", "lost", "changed"];
    let mut lines = vec![table(&header, rows.collect())];
    for one in evidence {
        for example in &one.examples {
            let (name, what) = (one_line(&one.account), one_line(&example.what));
            lines.push(format!("{name} {}: {what}", example.address));
        }
    }
    lines.join("\n")
}

/// For programs.
pub fn json(outcome: &Outcome) -> Value {
    let changes = outcome.report.changes.iter().map(|change| {
        json!({
            "rule": change.rule.id(),
            "verdict": change.verdict.name(),
            "allowed": outcome.is_allowed(change),
            "path": change.path,
            "reason": change.reason,
            "was": change.was,
            "is": change.is,
        })
    });
    let evidence = outcome.evidence.as_ref().map(|evidence| {
        let types = evidence.iter().map(|one| {
            let examples = one.examples.iter().map(
                |example| json!({ "address": example.address.to_string(), "what": example.what }),
            );
            json!({
                "account": one.account,
                "read": one.read,
                "total": one.total,
                "unreadable": one.unreadable,
                "lost": one.lost,
                "changed": one.changed,
                "examples": examples.collect::<Vec<_>>(),
            })
        });
        types.collect::<Vec<_>>()
    });
    json!({
        "old": source(&outcome.old),
        "new": source(&outcome.new),
        "breaking": outcome.breaking(),
        "changes": changes.collect::<Vec<_>>(),
        "truncated": outcome.report.truncated,
        "accounts": evidence,
    })
}

fn source(found: &Found) -> Value {
    let metadata = &found.idl.spec.metadata;
    json!({
        "from": found.from,
        "program": found.idl.program().or(found.program).map(|program| program.to_string()),
        "name": metadata.name,
        "version": metadata.version,
        "legacy": found.idl.legacy,
    })
}
