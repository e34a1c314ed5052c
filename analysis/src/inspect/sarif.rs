//! Findings as SARIF 2.1.0 (OASIS, 2020): <https://docs.oasis-open.org/sarif/sarif/v2.1.0/sarif-v2.1.0.html>.

use serde_json::{json, Value};

use super::{
    finding::Finding,
    rules::{Severity, RULES},
    Inspection,
};

const SCHEMA: &str =
    "https://docs.oasis-open.org/sarif/sarif/v2.1.0/errata01/os/schemas/sarif-schema-2.1.0.json";

/// One run with all rules and all findings; what the policy ignores is there as suppressed.
pub(super) fn log(inspection: &Inspection, uri: &str) -> Value {
    let uri = encoded(uri);
    let kept = inspection.findings.iter().map(|one| result(one, &uri));
    let ignored = inspection.ignored.iter().map(|one| {
        let mut result = result(&one.finding, &uri);
        result["suppressions"] = json!([{ "kind": "external", "justification": one.reason }]);
        result
    });
    json!({
        "$schema": SCHEMA,
        "version": "2.1.0",
        "runs": [{
            "tool": { "driver": {
                "name": "portcullis",
                "semanticVersion": env!("CARGO_PKG_VERSION"),
                "informationUri": env!("CARGO_PKG_REPOSITORY"),
                "rules": rules(),
            } },
            "artifacts": [{
                "location": { "uri": uri },
                "length": inspection.subject.file_len_bytes,
                "mimeType": "application/x-elf",
                "properties": { "sha256WithoutTrailingZeros": inspection.subject.sha256 },
            }],
            "columnKind": "unicodeCodePoints",
            "results": kept.chain(ignored).collect::<Vec<_>>(),
        }],
    })
}

fn rules() -> Vec<Value> {
    let rules = RULES.iter();
    rules
        .map(|rule| {
            json!({
                "id": rule.id,
                "name": camel(rule.name),
                "shortDescription": { "text": rule.name },
                "fullDescription": { "text": rule.explanation },
                "help": { "text": rule.explanation },
                "defaultConfiguration": { "level": level(rule.severity) },
                "properties": { "security-severity": weight(rule.severity), "tags": ["security"] },
            })
        })
        .collect()
}

fn result(finding: &Finding, uri: &str) -> Value {
    let index = RULES.iter().position(|rule| rule.id == finding.rule);
    let mut location = json!({
        "physicalLocation": { "artifactLocation": { "uri": uri, "index": 0 } },
    });
    let address = finding
        .address
        .as_deref()
        .and_then(|text| text.strip_prefix("0x"));
    let address = address.and_then(|digits| i64::from_str_radix(digits, 16).ok());
    if let Some(address) = address {
        location["physicalLocation"]["address"] = json!({ "absoluteAddress": address });
    }
    if let Some(function) = &finding.function {
        location["logicalLocations"] =
            json!([{ "fullyQualifiedName": function, "kind": "function" }]);
    }
    json!({
        "ruleId": finding.rule,
        "ruleIndex": index,
        "level": level(finding.severity),
        "message": { "text": sentence(&finding.message) },
        "locations": [location],
        "properties": { "severity": finding.severity },
    })
}

/// Readers take the text for a sentence.
fn sentence(text: &str) -> String {
    let mut letters = text.chars();
    match letters.next() {
        Some(first) => first.to_uppercase().chain(letters).chain(['.']).collect(),
        None => String::new(),
    }
}

fn level(severity: Severity) -> &'static str {
    match severity {
        Severity::Info | Severity::Low => "note",
        Severity::Medium => "warning",
        Severity::High => "error",
    }
}

/// What GitHub sorts by, from 0 to 10.
fn weight(severity: Severity) -> &'static str {
    match severity {
        Severity::Info => "0.0",
        Severity::Low => "3.0",
        Severity::Medium => "6.0",
        Severity::High => "8.0",
    }
}

/// `cpi-added` as `CpiAdded`: rule names are identifiers.
fn camel(name: &str) -> String {
    let words = name.split('-').map(|word| {
        let mut letters = word.chars();
        let first = letters.next().map(|first| first.to_ascii_uppercase());
        first.into_iter().chain(letters).collect::<String>()
    });
    words.collect()
}

/// A path or `solana:ADDRESS` as a URI reference.
fn encoded(path: &str) -> String {
    let mut uri = String::new();
    for byte in path.bytes() {
        let plain = byte.is_ascii_alphanumeric() || b"-._~/:".contains(&byte);
        match plain {
            true => uri.push(char::from(byte)),
            false => uri.push_str(&format!("%{byte:02X}")),
        }
    }
    uri
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_and_paths_are_what_sarif_wants() {
        assert_eq!(camel("cpi-added"), "CpiAdded");
        assert_eq!(encoded("target/my app.so"), "target/my%20app.so");
        assert_eq!(sentence("it calls x"), "It calls x.");
    }
}
