//! What of it a reviewer should look at.

use super::{
    callers::calls_programs,
    code_findings::of_code,
    compare::Comparison,
    finding::{bounded, callers, finding, of_address, quoted, Finding},
    loader::LoaderRules,
    policy::Policy,
    report::{AddressKind, AddressReport, ElfReport, SyscallUse},
    rules::{self, Severity},
};
use crate::elf::{is_error_message, Effect, Syscall};

/// All findings, before the policy's rules change them, the gravest first.
pub(super) fn find(
    subject: &ElfReport,
    rules: &LoaderRules,
    against: Option<(&ElfReport, &Comparison)>,
    policy: &Policy,
) -> Vec<Finding> {
    let mut found = of_loader(subject, rules);
    found.extend(of_one(subject, rules, against.map(|(before, _)| before)));
    found.extend(of_policy(subject, policy));
    if let Some((before, comparison)) = against {
        found.extend(of_syscalls(subject, comparison, policy));
        found.extend(of_addresses(subject, comparison, policy));
        found.extend(of_code(subject, comparison));
        found.extend(of_messages(comparison));
        found.extend(of_the_rest(before, subject, comparison));
    }
    // Stable: within a severity by rule, as they were found.
    found.sort_by_key(|one| (std::cmp::Reverse(one.severity), one.rule));
    found
}

/// Whether the cluster would take it and run all of it.
fn of_loader(subject: &ElfReport, rules: &LoaderRules) -> Vec<Finding> {
    let mut found = Vec::new();
    if let Some(reason) = &subject.loader.reason {
        found.push(finding(
            rules::LOADER_REFUSES,
            format!("the loader would refuse it: {reason}"),
        ));
    } else if !subject.loader.not_offered.is_empty() {
        found.push(finding(
            rules::SYSCALL_NOT_OFFERED,
            format!("it calls {}", quoted(&subject.loader.not_offered)),
        ));
    }
    if let (Some(reason), Some(cluster)) = (&rules.unknown, &rules.cluster) {
        found.push(finding(
            rules::LOADER_RULES_UNKNOWN,
            format!("what {cluster} takes is not known: {reason}"),
        ));
    }
    found
}

/// Of one ELF; what was already so before is not told again.
fn of_one(subject: &ElfReport, rules: &LoaderRules, against: Option<&ElfReport>) -> Vec<Finding> {
    let mut found = Vec::new();
    let old = |version: u32| version < 3;
    let was_old = against.is_some_and(|before| old(before.sbpf_version));
    if old(subject.sbpf_version) && (rules.only_v3_next_epoch || !was_old) {
        let message = format!("it is built for sBPF version {}", subject.sbpf_version);
        found.push(match rules.only_v3_next_epoch {
            true => finding(
                rules::OLD_SBPF_VERSION,
                format!("{message}, and the cluster's next epoch takes only version 3"),
            )
            .at(Severity::Medium),
            false => finding(rules::OLD_SBPF_VERSION, message),
        });
    }
    let known_before = |one: &&SyscallUse| {
        against.is_some_and(|before| before.syscalls.iter().any(|old| old.name == one.name))
    };
    let unknown = subject.syscalls.iter().filter(|one| !one.known);
    let unknown = unknown.filter(|one| !known_before(one)).map(|one| {
        finding(
            rules::UNKNOWN_SYSCALL,
            format!("it calls {}, {}", one.name, callers(one)),
        )
    });
    found.extend(bounded(rules::UNKNOWN_SYSCALL, unknown.collect()));
    if subject.security_txt.is_none() && against.is_none() {
        found.push(finding(rules::NO_SECURITY_TXT, "it has no security.txt"));
    }
    if let Some(room) = subject
        .programdata
        .as_ref()
        .filter(|room| room.missing_bytes > 0)
    {
        found.push(finding(
            rules::PROGRAMDATA_TOO_SMALL,
            format!(
                "it has {} bytes, the account of {} holds {}: {} more are needed",
                subject.file_len_bytes, room.program, room.capacity_bytes, room.missing_bytes
            ),
        ));
    }
    found
}

/// What the policy's lists do not have.
fn of_policy(subject: &ElfReport, policy: &Policy) -> Vec<Finding> {
    let mut found = Vec::new();
    if let Some(max) = policy.max_len_bytes.filter(|max| subject.len_bytes > *max) {
        found.push(finding(
            rules::TOO_LARGE,
            format!(
                "it has {} bytes, the policy allows {max}",
                subject.len_bytes
            ),
        ));
    }
    let syscalls = subject.syscalls.iter();
    let refused = syscalls.filter(|one| policy.allows_syscall(&one.name) == Some(false));
    let refused = refused.map(|one| {
        finding(
            rules::SYSCALL_NOT_ALLOWED,
            format!("it calls {}, {}", one.name, callers(one)),
        )
    });
    found.extend(bounded(rules::SYSCALL_NOT_ALLOWED, refused.collect()));
    for one in &subject.addresses {
        let program = one.kind == AddressKind::Program;
        if program && policy.allows_program(&one.address) == Some(false) {
            found.push(of_address(rules::PROGRAM_NOT_ALLOWED, one, "it holds"));
        }
    }
    found
}

fn of_syscalls(subject: &ElfReport, comparison: &Comparison, policy: &Policy) -> Vec<Finding> {
    let mut found = Vec::new();
    for one in &subject.syscalls {
        if !one.known || !comparison.syscalls_added.contains(&one.name) {
            continue;
        }
        let does = one.does.unwrap_or_default();
        let message = format!("it calls {}, {}: it {does}", one.name, callers(one));
        let effect = Syscall::by_name(&one.name).map(|one| one.effect);
        let new = match effect {
            // Also where it could already do so in the other way: its signatures are made anew.
            Some(Effect::Calls) => finding(rules::CPI_ADDED, message),
            Some(Effect::Reads | Effect::Computes) | None => finding(rules::SYSCALL_ADDED, message),
            Some(Effect::Tells) => finding(rules::SYSCALL_ADDED, message).at(Severity::Low),
            Some(Effect::Plain) => finding(rules::SYSCALL_ADDED, message).at(Severity::Info),
        };
        found.push(match policy.allows_syscall(&one.name) {
            Some(true) => new.allowed(),
            _ => new,
        });
    }
    // What it no longer reads or computes, a check may have been made of.
    let plain = |name: &&String| {
        let effect = Syscall::by_name(name).map(|one| one.effect);
        matches!(effect, Some(Effect::Plain | Effect::Tells))
    };
    let removed = comparison.syscalls_removed.iter();
    let (plain, others): (Vec<&String>, Vec<&String>) = removed.partition(plain);
    for (names, severity) in [(others, Severity::Low), (plain, Severity::Info)] {
        let names: Vec<String> = names.into_iter().cloned().collect();
        if !names.is_empty() {
            let message = format!("it no longer calls {}", quoted(&names));
            found.push(finding(rules::SYSCALL_REMOVED, message).at(severity));
        }
    }
    found
}

fn of_addresses(subject: &ElfReport, comparison: &Comparison, policy: &Policy) -> Vec<Finding> {
    let mut found = Vec::new();
    let mut all = Vec::new();
    let can_call = subject.syscalls.iter().any(|one| calls_programs(&one.name));
    for one in &comparison.addresses_added {
        let rule = match one.kind {
            AddressKind::Program => rules::PROGRAM_ADDED,
            _ => rules::ADDRESS_ADDED,
        };
        let mut new = of_address(rule, one, "it now holds");
        if one.kind == AddressKind::Program && !can_call {
            new = new.at(Severity::Low);
            new.message.push_str("; it calls no other program");
        }
        all.push(match policy.allows_program(&one.address) {
            Some(true) => new.allowed(),
            _ => new,
        });
    }
    for one in &comparison.addresses_removed {
        let rule = match one.kind {
            AddressKind::Program => rules::PROGRAM_REMOVED,
            _ => rules::ADDRESS_REMOVED,
        };
        // Where it stood says nothing about the new ELF.
        all.push(Finding {
            function: None,
            address: None,
            ..of_address(rule, one, "it no longer holds")
        });
    }
    let unknown = |of: &[AddressReport]| -> Vec<String> {
        let unknown = of.iter().filter(|one| one.kind == AddressKind::Unknown);
        unknown.map(|one| one.address.clone()).collect()
    };
    let (gone, new) = (
        unknown(&comparison.addresses_removed),
        unknown(&comparison.addresses_added),
    );
    if !gone.is_empty() && !new.is_empty() {
        let message = format!("{} before, {} now", quoted(&gone), quoted(&new));
        found.push(finding(rules::ADDRESS_REPLACED, message));
    }
    if let Some(own) = &comparison.own_address_removed {
        let message = format!("it no longer holds {own}");
        found.push(finding(rules::OWN_ADDRESS_REMOVED, message));
    }
    for rule in [
        rules::PROGRAM_ADDED,
        rules::PROGRAM_REMOVED,
        rules::ADDRESS_ADDED,
        rules::ADDRESS_REMOVED,
    ] {
        let of_rule = all.iter().filter(|one| one.rule == rule.id);
        found.extend(bounded(rule, of_rule.cloned().collect()));
    }
    found
}

fn of_the_rest(before: &ElfReport, after: &ElfReport, comparison: &Comparison) -> Vec<Finding> {
    let mut found = Vec::new();
    let (old, new) = (before.sbpf_version, after.sbpf_version);
    if old != new {
        let changed = finding(
            rules::SBPF_VERSION_CHANGED,
            format!("its sBPF version was {old} and is {new}"),
        );
        found.push(match new < old {
            true => changed.at(Severity::Medium),
            false => changed,
        });
    }
    if !comparison.security_txt.is_empty() {
        let fields: Vec<String> = comparison
            .security_txt
            .iter()
            .map(|change| change.field.clone())
            .collect();
        let message = match (&before.security_txt, &after.security_txt) {
            (Some(_), None) => "its security.txt is gone".to_string(),
            (None, _) => "it has a security.txt now".to_string(),
            _ => format!("its security.txt was changed: {}", quoted(&fields)),
        };
        let changed = finding(rules::SECURITY_TXT_CHANGED, message);
        found.push(match before.security_txt {
            Some(_) => changed,
            None => changed.at(Severity::Info),
        });
    }
    if before.len_bytes != after.len_bytes {
        found.push(finding(
            rules::SIZE_CHANGED,
            format!(
                "it had {} bytes and has {}",
                before.len_bytes, after.len_bytes
            ),
        ));
    }
    found
}

/// Messages that came and went; what a check says first, since it may be gone with what it says.
fn of_messages(comparison: &Comparison) -> Vec<Finding> {
    let strings = &comparison.strings;
    let (of_checks, others): (Vec<&String>, Vec<&String>) = strings
        .removed
        .iter()
        .partition(|text| strings.checks_removed.contains(text));
    let mut found = Vec::new();
    for (rule, texts, verb) in [
        (
            rules::CHECK_REMOVED,
            of_checks,
            "it no longer has what checks say",
        ),
        (
            rules::ERRORS_REMOVED,
            others
                .into_iter()
                .filter(|text| is_error_message(text))
                .collect(),
            "it no longer has messages of errors",
        ),
        (
            rules::ERRORS_ADDED,
            strings
                .added
                .iter()
                .filter(|text| is_error_message(text))
                .collect(),
            "it has new messages of errors",
        ),
    ] {
        let texts: Vec<String> = texts.iter().map(|text| format!("“{text}”")).collect();
        if !texts.is_empty() {
            found.push(finding(rule, format!("{verb}: {}", quoted(&texts))));
        }
    }
    found
}
