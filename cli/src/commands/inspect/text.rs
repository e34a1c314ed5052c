//! An inspection for people.

use portcullis_analysis::inspect::{
    AddressKind, AddressReport, Comparison, ElfReport, Finding, FunctionChange, FunctionReport,
    Inspection, Severity,
};

use super::{loader, subject::Loaded};
use crate::output::{judged, printable, Fields};

/// Entries of one list that are shown; all are in the JSON.
const SHOWN: usize = 10;

pub fn report(inspection: &Inspection, subject: &Loaded, against: Option<&Loaded>) -> String {
    let mut parts = vec![elf(inspection, subject, against.is_some())];
    if let (Some(before), Some(comparison), Some(against)) =
        (&inspection.against, &inspection.comparison, against)
    {
        parts.push(compared(before, &inspection.subject, comparison, against));
    }
    parts.push(findings(inspection));
    parts.join("\n\n")
}

fn elf(inspection: &Inspection, subject: &Loaded, compared: bool) -> String {
    let report = &inspection.subject;
    let mut fields = Fields::new()
        .row(subject.kind, printable(&subject.name))
        .row(
            "sha256",
            format!("{} ({} bytes)", report.sha256, report.len_bytes),
        )
        .row("sBPF version", report.sbpf_version)
        .row(
            "loader",
            match &report.loader.reason {
                None => judged("accepts it", true),
                Some(reason) => format!("{}: {reason}", judged("REFUSES it", false)),
            },
        );
    let rules = loader::lines(&inspection.rules);
    rows(&mut fields, "by rules", rules.into_iter(), usize::MAX);
    if let Some(room) = &report.programdata {
        let fits = match room.missing_bytes {
            0 => "fits".to_string(),
            missing => format!("must be extended by {missing} bytes first"),
        };
        fields.push(
            "room",
            format!("{} bytes for {}: {fits}", room.capacity_bytes, room.program),
        );
    }
    fields.push(
        "entry point",
        format!("{} at {}", report.entry.function, report.entry.address),
    );
    let named = match report.has_symbols {
        true => "by name",
        false => "without names",
    };
    fields.push(
        "code",
        format!(
            "{} instructions in {} functions, {named}",
            report.instructions, report.functions
        ),
    );
    let sections = report.sections.iter();
    let sections = sections.map(|section| format!("{} {}", section.name, section.len_bytes));
    fields.push("sections", list(&sections.collect::<Vec<_>>()));
    rows(
        &mut fields,
        "system calls",
        report.syscalls.iter().map(|one| {
            let place = match one.callers.as_slice() {
                [only] => format!("in {only}"),
                _ => format!("in {} functions", one.caller_count),
            };
            let known = match one.known {
                true => "",
                false => " (not known)",
            };
            let times = match one.calls {
                1 => "once".to_string(),
                calls => format!("{calls} times"),
            };
            format!("{}{known}: {times}, {place}", one.name)
        }),
        usize::MAX,
    );
    let of = |kind: AddressKind| {
        let addresses = report.addresses.iter().filter(move |one| one.kind == kind);
        addresses.map(address)
    };
    rows(&mut fields, "itself", of(AddressKind::Itself), SHOWN);
    rows(
        &mut fields,
        "programs",
        of(AddressKind::Program),
        usize::MAX,
    );
    rows(
        &mut fields,
        "accounts",
        of(AddressKind::Account),
        usize::MAX,
    );
    rows(
        &mut fields,
        "maybe addresses",
        of(AddressKind::Unknown),
        SHOWN,
    );
    match &report.security_txt {
        None => fields.push("security.txt", "none"),
        Some(text) => rows(
            &mut fields,
            "security.txt",
            text.iter().map(|(name, value)| format!("{name}: {value}")),
            SHOWN,
        ),
    }
    fields.push(
        "text",
        format!(
            "{} strings, {} of them like messages of errors",
            report.strings.count,
            report.strings.errors.len()
        ),
    );
    if !compared {
        let errors = report.strings.errors.iter();
        rows(
            &mut fields,
            "",
            errors.map(|text| format!("“{text}”")),
            SHOWN,
        );
    }
    fields.render(0)
}

fn address(one: &AddressReport) -> String {
    let place = match one.at.starts_with("0x") {
        true => "at",
        false => "in",
    };
    match one.name {
        Some(name) => format!("{} {name}, {place} {}", one.address, one.at),
        None => format!("{} {place} {}", one.address, one.at),
    }
}

/// A line for each, the name before the first.
fn rows(fields: &mut Fields, name: &str, lines: impl Iterator<Item = String>, most: usize) {
    let lines: Vec<String> = lines.collect();
    for (index, line) in lines.iter().take(most).enumerate() {
        fields.push(if index == 0 { name } else { "" }, line);
    }
    if let Some(more) = lines.len().checked_sub(most).filter(|more| *more > 0) {
        fields.push("", format!("and {more} more: --output json"));
    }
}

fn compared(
    before: &ElfReport,
    after: &ElfReport,
    comparison: &Comparison,
    against: &Loaded,
) -> String {
    let mut fields = Fields::new()
        .row(
            "compared with",
            format!("{} {}", against.kind, printable(&against.name)),
        )
        .row(
            "sha256",
            format!("{} ({} bytes)", before.sha256, before.len_bytes),
        );
    if comparison.identical {
        fields.push("bytes", "the same");
        return fields.render(0);
    }
    if before.sbpf_version != after.sbpf_version {
        fields.push(
            "sBPF version",
            format!("{} → {}", before.sbpf_version, after.sbpf_version),
        );
    }
    let functions = &comparison.functions;
    fields.push(
        "functions",
        format!(
            "{} changed, {} added, {} removed, {} as before",
            functions.changed_count,
            functions.added_count,
            functions.removed_count,
            functions.unchanged_count
        ),
    );
    rows(
        &mut fields,
        "  changed",
        functions.changed.iter().map(change),
        SHOWN,
    );
    rows(
        &mut fields,
        "  added",
        functions.added.iter().map(function),
        SHOWN,
    );
    rows(
        &mut fields,
        "  removed",
        functions.removed.iter().map(function),
        SHOWN,
    );
    let sections: Vec<String> = comparison
        .sections
        .iter()
        .map(|one| {
            let size = |bytes: Option<u64>| bytes.map_or("none".to_string(), |n| n.to_string());
            format!(
                "{} {} → {}",
                one.name,
                size(one.before_bytes),
                size(one.after_bytes)
            )
        })
        .collect();
    if !sections.is_empty() {
        fields.push("sections", list(&sections));
    }
    fields.push(
        "text",
        format!(
            "{} strings added, {} removed",
            comparison.strings.added_count, comparison.strings.removed_count
        ),
    );
    fields.render(0)
}

fn change(change: &FunctionChange) -> String {
    let what: Vec<&str> = change.what.iter().map(|one| one.name()).collect();
    let (before, after) = (&change.before, &change.after);
    let name = match before.function == after.function {
        true => after.function.clone(),
        false => format!("{} (was {})", after.function, before.function),
    };
    let alike = match change.likeness_percent {
        100 => String::new(),
        percent => format!(", {percent}% alike"),
    };
    format!(
        "{name}: {}{alike}{}",
        what.join(" and "),
        calls(before.calls_programs || after.calls_programs)
    )
}

fn function(one: &FunctionReport) -> String {
    format!(
        "{}: {} instructions{}",
        one.function,
        one.instructions,
        calls(one.calls_programs)
    )
}

fn calls(programs: bool) -> &'static str {
    match programs {
        true => ", calls other programs",
        false => "",
    }
}

fn findings(inspection: &Inspection) -> String {
    let ignored = match inspection.ignored.len() {
        0 => String::new(),
        count => format!(", {count} ignored by the policy"),
    };
    if inspection.findings.is_empty() {
        return format!("No findings{ignored}.");
    }
    let mut counts = Vec::new();
    for severity in [
        Severity::High,
        Severity::Medium,
        Severity::Low,
        Severity::Info,
    ] {
        let of = inspection.findings.iter();
        let count = of.filter(|one| one.severity == severity).count();
        if count > 0 {
            counts.push(format!("{count} {severity}"));
        }
    }
    let mut lines = vec![format!("Findings: {}{ignored}", counts.join(", "))];
    let mut explained = "";
    for one in &inspection.findings {
        // Findings of one rule stand together: why it matters is said once.
        if explained != one.rule {
            explained = one.rule;
            lines.push(format!("\n{} {}", label(one), one.explanation));
        }
        lines.push(format!("  {}", one.message));
    }
    lines.join("\n")
}

fn label(finding: &Finding) -> String {
    let text = format!(
        "{:<6} {} {}:",
        finding.severity.to_string().to_uppercase(),
        finding.rule,
        finding.name
    );
    match finding.severity {
        Severity::High | Severity::Medium => judged(&text, false),
        _ => text,
    }
}

fn list(texts: &[String]) -> String {
    let shown: Vec<&str> = texts.iter().take(SHOWN).map(String::as_str).collect();
    match texts.len().saturating_sub(SHOWN) {
        0 => shown.join(", "),
        more => format!("{} and {more} more", shown.join(", ")),
    }
}
