//! Whether the council can do what the rules ask for, and which votes and attestations are missing.

use portcullis::{
    lifecycle::{Lane, Status},
    message::KIND_NAMES,
    policy::{attestations_reachable, Powers, Snapshot},
    state::{Council, ROLE_ATTEST},
};

use super::{span, until, Facts, Finding, Measure, Severity, Topic};
use crate::{
    account::ProposalView,
    analyze::{self, analyze, DoorKind, Report, Subject},
};

pub(super) fn check(facts: &Facts, out: &mut Vec<Finding>) {
    if facts.is_over() {
        return;
    }
    check_reach(facts, out);
    let Some(snapshot) = facts.snapshot() else {
        return;
    };
    match &facts.proposal {
        Some(view) => check_given(facts, view, &snapshot, out),
        None => check_attesters(facts, &snapshot, out),
    }
}

fn analyze_command(facts: &Facts) -> String {
    format!("portcullis council analyze {}", facts.council.address)
}

fn check_reach(facts: &Facts, out: &mut Vec<Finding>) {
    let topic = Topic::Council;
    let council = &facts.council.account;
    if !council.is_sealed() {
        out.push(
            Finding::error(
                topic,
                "council_not_sealed",
                "the council is not sealed",
                "until then it can do nothing",
            )
            .mend("run the very `portcullis council create` command again that was interrupted"),
        );
        return;
    }
    let gates = match &facts.council_gates {
        Ok(gates) => gates,
        Err(reason) => {
            out.push(Finding::unknown(
                topic,
                Severity::Error,
                "the council's gates",
                reason,
            ));
            return;
        }
    };
    let report = analyze(&Subject {
        council: &facts.council,
        gates,
        now: facts.now.timestamp,
        // It is judged by itself.
        guardianship: None,
    });
    let Some(snapshot) = facts.snapshot() else {
        out.push(
            Finding::error(
                topic,
                "lane_closed",
                format!(
                    "the gate's policy keeps the {} lane closed",
                    lane_name(facts.lane)
                ),
                "nothing can be proposed in that lane",
            )
            .mend(format!("portcullis gate show {}", facts.program_id())),
        );
        return;
    };
    let before = out.len();
    if !can_pass(facts, &report, &snapshot) {
        let weight = Powers::of(council.members()).weight;
        out.push(
            Finding::error(
                topic,
                "council_unreachable",
                format!(
                    "all members together cannot pass this: it needs weight {}, they have {weight}{}",
                    snapshot.threshold,
                    match weight >= snapshot.threshold {
                        true => "; the attestations, or the roles to propose and execute, are missing",
                        false => "",
                    }
                ),
                "whatever they vote, it expires",
            )
            .measured(
                Measure::number(snapshot.threshold, "weight"),
                Measure::number(weight, "weight"),
            )
            .mend(analyze_command(facts)),
        );
    }
    let grave = grave(facts, &report);
    if !grave.is_empty() {
        out.push(
            Finding::note(
                topic,
                "council_weak",
                format!(
                    "the analysis of the council warns gravely: {}",
                    grave.join(", ")
                ),
                "the rules do not protect as people think they do",
            )
            .mend(analyze_command(facts)),
        );
    }
    if out.len() == before {
        out.push(Finding::ok(
            topic,
            "council_can_pass_it",
            format!(
                "the council can reach weight {} and all else that is asked for",
                snapshot.threshold
            ),
        ));
    }
}

/// By the rules of now, and by those that an open proposal keeps.
fn can_pass(facts: &Facts, report: &Report, snapshot: &Snapshot) -> bool {
    let members = facts.council.account.members();
    let kept = Powers::of(members).weight >= snapshot.threshold
        && attestations_reachable(&snapshot.attestations, members);
    let kind = match (&facts.program, facts.is_upgrade(), facts.lane) {
        (None, _, _) => DoorKind::CouncilChange,
        (Some(_), false, _) => DoorKind::GateChange,
        (Some(_), true, Lane::Standard) => DoorKind::Standard,
        (Some(_), true, Lane::Emergency) => DoorKind::Emergency,
        (Some(_), true, Lane::Rollback | Lane::SafeMode) => DoorKind::Standby,
    };
    let program = facts.program.as_ref().map(|p| p.gate.account.program);
    let of_gate = report
        .gates
        .iter()
        .filter(|gate| Some(gate.program) == program);
    let mut doors = of_gate.flat_map(|gate| &gate.doors).chain(&report.doors);
    let door = doors.find(|door| door.kind == kind);
    // The standby's door is closed where guardians trigger nothing by now; the proposal is open all the same.
    kept && door.is_none_or(|door| door.push.is_some())
}

/// The gravest warnings about this council and this gate, by their ids.
fn grave(facts: &Facts, report: &Report) -> Vec<&'static str> {
    let program = facts.program.as_ref().map(|p| p.gate.account.program);
    let mut ids: Vec<&str> = report
        .warnings
        .iter()
        .filter(|warning| warning.severity == analyze::Severity::High)
        .filter(|warning| warning.about == facts.council.address || Some(warning.about) == program)
        .map(|warning| warning.id)
        // That has a finding of its own.
        .filter(|id| *id != "unreachable")
        .collect();
    ids.sort_unstable();
    ids.dedup();
    ids
}

fn lane_name(lane: Lane) -> &'static str {
    match lane {
        Lane::Standard => "standard",
        Lane::Emergency => "emergency",
        Lane::Rollback | Lane::SafeMode => "standby",
    }
}

/// The kinds that are required, with their names and how many.
fn required(snapshot: &Snapshot) -> impl Iterator<Item = (usize, &'static str, u8)> + '_ {
    KIND_NAMES
        .iter()
        .enumerate()
        .zip(&snapshot.attestations)
        .filter(|(_, count)| **count > 0)
        .map(|((kind, name), count)| (kind, *name, *count))
}

/// Who attests a kind.
fn attesters(council: &Council, kind: usize) -> Vec<String> {
    council
        .members()
        .iter()
        .filter(|member| member.has(ROLE_ATTEST) && (member.attests >> kind) & 1 == 1)
        .map(|member| member.key.to_string())
        .collect()
}

fn not_required(out: &mut Vec<Finding>) {
    out.push(Finding::ok(
        Topic::Attestations,
        "attestations_not_required",
        "no attestation is required",
    ));
}

/// Before anything is proposed: who will have to attest.
fn check_attesters(facts: &Facts, snapshot: &Snapshot, out: &mut Vec<Finding>) {
    if required(snapshot).next().is_none() {
        not_required(out);
        return;
    }
    for (kind, name, count) in required(snapshot) {
        let able = attesters(&facts.council.account, kind);
        let measured = |finding: Finding| {
            finding.measured(
                Measure::number(count, "attestations"),
                Measure::number(able.len(), "attesters"),
            )
        };
        out.push(match able.len() < usize::from(count) {
            true => measured(Finding::error(
                Topic::Attestations,
                "attesters_missing",
                format!("{count} attestation(s) of kind {name} are required, {} member(s) may give them", able.len()),
                "what nobody can attest is never queued",
            ))
            .mend(format!("portcullis propose council --council {} --add ATTESTER:attest={name}", facts.council.address)),
            false => measured(Finding::note(
                Topic::Attestations,
                "attestations_needed",
                format!("{count} attestation(s) of kind {name} will be needed, from {}", able.join(", ")),
                "without them the timelock does not begin",
            )),
        });
    }
}

/// Of a proposal: which attestations are missing, and which do not last.
fn check_given(facts: &Facts, view: &ProposalView, snapshot: &Snapshot, out: &mut Vec<Finding>) {
    let topic = Topic::Attestations;
    if required(snapshot).next().is_none() {
        if view.is_upgrade() {
            not_required(out);
        }
        return;
    }
    let before = out.len();
    let name = facts.name();
    for (kind, kind_name, count) in required(snapshot) {
        let given = view
            .proposal
            .attestations
            .get(kind)
            .copied()
            .unwrap_or_default();
        if given < count {
            let able = attesters(&facts.council.account, kind);
            out.push(
                Finding::error(
                    topic,
                    "attestation_missing",
                    format!(
                        "{given} of {count} attestation(s) of kind {kind_name} are given; {} may give them",
                        able.join(", ")
                    ),
                    "without them the timelock does not begin",
                )
                .measured(
                    Measure::number(count, "attestations"),
                    Measure::number(given, "attestations"),
                )
                .mend(format!(
                    "portcullis attest {name} --kind {kind_name} --statement FILE --uri URI -k ATTESTER"
                ))
                .not_yet(),
            );
        }
    }
    match &facts.attestations {
        Err(reason) => out.push(Finding::unknown(
            topic,
            Severity::Error,
            "the attestations' expiry",
            reason,
        )),
        Ok(list) => {
            let queued = view.status != Status::Voting && view.proposal.eta > 0;
            let last = match queued {
                true => view.proposal.expires_at(),
                false => view.attestation_must_outlast(),
            };
            let first = match queued {
                true => view.proposal.eta.max(facts.now.timestamp),
                false => facts.now.timestamp,
            };
            for stored in list {
                let given = &stored.account.attestation;
                let (attester, expires_at) = (given.attester, given.expires_at);
                if expires_at >= last {
                    continue;
                }
                let over = expires_at <= first;
                let finding = Finding::new(
                    topic,
                    match over {
                        true => Severity::Error,
                        false => Severity::Warning,
                    },
                    "attestation_expires",
                    match over {
                        true => format!("the attestation by {attester} ends before it can be executed"),
                        false => format!(
                            "the attestation by {attester} ends in {}, before the last moment of the execution",
                            span(until(expires_at, facts.now.timestamp))
                        ),
                    },
                    "an attestation must outlast the execution that it vouches for",
                )
                .measured(
                    Measure::number(last, "unix_seconds"),
                    Measure::number(expires_at, "unix_seconds"),
                );
                out.push(finding.mend(format!(
                    "portcullis attest {name} --revoke -k ATTESTER, then attest it anew"
                )));
            }
        }
    }
    if out.len() == before {
        out.push(Finding::ok(
            topic,
            "attestations_given",
            "all required attestations are given, and outlast the execution",
        ));
    }
}
