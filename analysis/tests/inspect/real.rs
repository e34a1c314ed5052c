//! What is in real programs, what differs between them, and how findings are weighed and written.

use portcullis_analysis::{
    elf::{Elf, ReadError},
    inspect::{InspectError, Inspection, Policy, Severity, Subject, RULES},
};
use portcullis_localnet::samples;
use serde_json::Value;

use crate::{
    alone, calling,
    common::{programs, FORWARDER, PORTCULLIS},
    compared, results, rules, with_policy,
};

/// What differs, in lines.
fn summary(inspection: &Inspection) -> String {
    let comparison = inspection.comparison.as_ref().unwrap();
    let functions = &comparison.functions;
    let mut text = format!(
        "functions: {} changed, {} added, {} removed, {} as before\n",
        functions.changed_count,
        functions.added_count,
        functions.removed_count,
        functions.unchanged_count
    );
    for change in &functions.changed {
        text.push_str(&format!(
            "  {} -> {} {:?} {}%\n",
            change.before.function, change.after.function, change.what, change.likeness_percent
        ));
    }
    for finding in &inspection.findings {
        text.push_str(&format!(
            "{} {} {}\n",
            finding.severity, finding.rule, finding.message
        ));
    }
    text
}

#[test]
fn spl_token_to_p_token() {
    let inspection = compared(&samples::spl_token().unwrap(), &samples::p_token().unwrap());
    insta::assert_snapshot!("spl_token_to_p_token", summary(&inspection));
}

#[test]
fn a_program_against_itself_has_no_finding() {
    for (name, bytes) in programs() {
        let inspection = compared(&bytes, &bytes);
        assert_eq!(inspection.findings, [], "{name}");
        let comparison = inspection.comparison.unwrap();
        assert!(comparison.identical, "{name}");
        let functions = comparison.functions;
        let changes = functions.changed_count + functions.added_count + functions.removed_count;
        assert_eq!(changes, 0, "{name}");
        assert_eq!(functions.unchanged_count, inspection.subject.functions);
    }
}

#[test]
fn trailing_zeros_are_no_change() {
    let mut padded = PORTCULLIS.to_vec();
    padded.resize(padded.len() + 5000, 0);
    let inspection = compared(PORTCULLIS, &padded);
    assert_eq!(inspection.findings, []);
    assert!(inspection.comparison.unwrap().identical);
}

#[test]
fn a_policy_approves_raises_and_ignores() {
    let old = samples::spl_token().unwrap();
    let new = calling();
    let allowed = r#"
        version = 1
        max_len_bytes = 1000
        [syscalls]
        allow = ["sol_invoke_signed_c", "abort", "sol_log_", "sol_memcmp_", "sol_memcpy_", "sol_memmove_", "sol_memset_"]
        [programs]
        allow = []
        [[rule]]
        id = "PI103"
        severity = "high"
        reason = "nothing may go away"
        [[rule]]
        id = "PI108"
        severity = "ignore"
        reason = "reviewed on Monday"
    "#;
    let inspection = with_policy(&old, &new, allowed);
    assert_eq!(
        rules(&inspection.findings),
        ["PI006", "PI007", "PI103", "PI120", "PI101", "PI109"]
    );
    assert_eq!(
        inspection.findings[1].message,
        "it calls sol_set_return_data, once, in function_9455"
    );
    assert_eq!(inspection.findings[2].severity, Severity::High);
    assert_eq!(inspection.findings[4].severity, Severity::Info);
    assert!(inspection.findings[4]
        .message
        .ends_with("(the policy allows it)"));
    assert_eq!(inspection.ignored.len(), 1);
    assert_eq!(inspection.ignored[0].reason, "reviewed on Monday");
    let sarif = inspection.sarif("app.so");
    let suppressed: Vec<&Value> = results(&sarif)
        .iter()
        .filter(|one| one.get("suppressions").is_some())
        .collect();
    assert_eq!(suppressed.len(), 1);
    assert_eq!(
        suppressed[0]["suppressions"][0]["justification"],
        "reviewed on Monday"
    );

    let programs =
        "version = 1\n[programs]\nallow = [\"TokenkegQfeZyiNwAJbNbGKPFXCWuBvf9Ss623VQ5DA\"]";
    let inspection = with_policy(&old, &samples::p_token().unwrap(), programs);
    let of = |rule: &str| {
        inspection
            .findings
            .iter()
            .filter(|one| one.rule == rule)
            .collect::<Vec<_>>()
    };
    assert_eq!(of("PI008").len(), 1);
    assert!(of("PI008")[0].message.contains("Token-2022"));
    assert_eq!(of("PI104")[1].severity, Severity::Info);
}

#[test]
fn a_program_that_does_not_fit_must_be_extended() {
    let subject = Subject {
        bytes: PORTCULLIS.to_vec(),
        room: Some(("Prog".to_string(), PORTCULLIS.len() - 7)),
    };
    let inspection = Inspection::new(&subject, None, &Policy::default()).unwrap();
    assert_eq!(rules(&inspection.findings), ["PI005"]);
    assert_eq!(inspection.subject.programdata.unwrap().missing_bytes, 7);
}

#[test]
fn a_step_back_is_told() {
    let inspection = compared(PORTCULLIS, &samples::memo().unwrap());
    let of = |rule: &str| {
        let mut of = inspection.findings.iter().filter(|one| one.rule == rule);
        of.next().map(|one| (one.severity, one.message.as_str()))
    };
    let version = "its sBPF version was 3 and is 0";
    assert_eq!(of("PI111"), Some((Severity::Medium, version)));
    assert!(of("PI002").is_some());
    let gone = "its security.txt is gone";
    assert_eq!(of("PI112"), Some((Severity::Low, gone)));
    let loader = "it no longer holds BPFLoaderUpgradeab1e11111111111111111111111 (BPF Loader v3), among its constants";
    assert_eq!(of("PI105"), Some((Severity::Low, loader)));
    let forward = compared(&samples::memo().unwrap(), PORTCULLIS);
    let of = |rule: &str| forward.findings.iter().find(|one| one.rule == rule);
    assert_eq!(of("PI111").unwrap().severity, Severity::Info);
    assert_eq!(of("PI112").unwrap().severity, Severity::Info);
    assert_eq!(of("PI002"), None);
}

#[test]
fn addresses_in_real_programs() {
    let mut text = String::new();
    for (name, bytes) in programs() {
        text.push_str(&format!("{name}\n"));
        for one in alone(&bytes).subject.addresses {
            let known = one.name.unwrap_or("?");
            text.push_str(&format!("  {} {known}, {}\n", one.address, one.at));
        }
    }
    insta::assert_snapshot!("addresses", text);
}

#[test]
fn a_program_s_own_address_is_no_finding() {
    let inspected = |program: &str| {
        let subject = Subject {
            bytes: PORTCULLIS.to_vec(),
            room: Some((program.to_string(), PORTCULLIS.len())),
        };
        let old = Subject::of(FORWARDER.to_vec());
        Inspection::new(&subject, Some(&old), &Policy::default()).unwrap()
    };
    let own = "9YJvXBYcd5uzK7Qn6BKt2UfR4iZS6vRk5a9poB7RnyNq";
    let added = |program: &str| {
        let findings = inspected(program).findings;
        findings
            .iter()
            .filter(|one| one.message.contains(own))
            .count()
    };
    assert_eq!((added("another"), added(own)), (1, 0));
}

#[test]
fn the_committed_program_is_read_whole() {
    let inspection = alone(PORTCULLIS);
    assert_eq!(inspection.findings, []);
    let report = inspection.subject;
    assert_eq!(report.sbpf_version, 3);
    assert!(report.loader.accepted);
    let names: Vec<&str> = report
        .syscalls
        .iter()
        .map(|one| one.name.as_str())
        .collect();
    assert!(names.contains(&"sol_invoke_signed_rust") && names.contains(&"sol_sha256"));
    let known: Vec<&str> = report.addresses.iter().filter_map(|one| one.name).collect();
    assert!(
        known.contains(&"BPF Loader v3") && known.contains(&"Portcullis"),
        "{known:?}"
    );
    assert_eq!(report.security_txt.unwrap()["name"], "Portcullis");
    assert!(report.strings.errors.len() > 50);
}

#[test]
fn what_is_no_program_is_refused_by_name() {
    let refused = |bytes: &[u8]| Elf::read(bytes).unwrap_err();
    assert_eq!(refused(&[]), ReadError::Empty);
    assert_eq!(refused(&[0; 99]), ReadError::Empty);
    assert_eq!(refused(b"#!/bin/sh\n"), ReadError::NotAnElf);
    let mut future = PORTCULLIS.to_vec();
    future[48] = 7;
    assert_eq!(refused(&future), ReadError::UnknownVersion { found: 7 });
    assert!(matches!(
        refused(&PORTCULLIS[..200]),
        ReadError::Unreadable { .. }
    ));
    let mut huge = PORTCULLIS.to_vec();
    huge.resize(11 << 20, 1);
    assert_eq!(refused(&huge), ReadError::TooLong { found: 11 << 20 });
    let error = Inspection::new(
        &Subject::of(PORTCULLIS.to_vec()),
        Some(&Subject::of(Vec::new())),
        &Policy::default(),
    );
    assert_eq!(error.unwrap_err(), InspectError::Against(ReadError::Empty));
}

#[test]
fn the_page_lists_every_rule_and_its_policy_is_one() {
    let page = include_str!("../../../docs/inspect.md");
    let rows: Vec<&str> = page
        .lines()
        .filter(|line| line.starts_with("| `PI"))
        .collect();
    let expected: Vec<String> = RULES
        .iter()
        .map(|rule| {
            format!(
                "| `{}` | {} | {} | {} |",
                rule.id, rule.name, rule.severity, rule.explanation
            )
        })
        .collect();
    assert_eq!(rows, expected);
    let policy = page.split("```toml\n").nth(1).unwrap();
    let policy: Policy = policy.split("```").next().unwrap().parse().unwrap();
    assert_eq!(policy.max_len_bytes, Some(400_000));
}

/// What the schema of SARIF 2.1.0 requires of what is used here.
#[test]
fn sarif_has_what_its_schema_requires() {
    let inspection = compared(
        &samples::spl_token().unwrap(),
        &samples::token_2022().unwrap(),
    );
    let sarif = inspection.sarif("target/my app.so");
    assert_eq!(sarif["version"], "2.1.0");
    let run = &sarif["runs"][0];
    let driver = &run["tool"]["driver"];
    assert_eq!(driver["name"], "portcullis");
    assert_eq!(run["artifacts"][0]["location"]["uri"], "target/my%20app.so");
    assert!(run["artifacts"][0]["length"].as_i64().unwrap() > 0);
    let rules = driver["rules"].as_array().unwrap();
    assert_eq!(rules.len(), RULES.len());
    let levels = ["none", "note", "warning", "error"];
    for rule in rules {
        assert!(rule["id"].is_string() && rule["name"].is_string());
        for text in ["shortDescription", "fullDescription", "help"] {
            assert!(!rule[text]["text"].as_str().unwrap().is_empty());
        }
        assert!(levels.contains(&rule["defaultConfiguration"]["level"].as_str().unwrap()));
    }
    assert_eq!(results(&sarif).len(), inspection.findings.len());
    for result in results(&sarif) {
        let index = result["ruleIndex"].as_u64().unwrap() as usize;
        assert_eq!(rules[index]["id"], result["ruleId"]);
        assert!(levels.contains(&result["level"].as_str().unwrap()));
        let text = result["message"]["text"].as_str().unwrap();
        assert!(text.ends_with('.') && !text.chars().any(char::is_control));
        let location = &result["locations"][0];
        let physical = &location["physicalLocation"];
        assert_eq!(physical["artifactLocation"]["uri"], "target/my%20app.so");
        assert_eq!(physical["artifactLocation"]["index"], 0);
        if let Some(address) = physical.get("address") {
            assert!(address["absoluteAddress"].as_i64().unwrap() >= 0);
        }
        for logical in location["logicalLocations"]
            .as_array()
            .into_iter()
            .flatten()
        {
            assert!(logical["fullyQualifiedName"].is_string());
        }
    }
}
