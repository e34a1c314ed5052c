//! The proposal itself: whether it can be executed now, until when, and what it still waits for.

use portcullis::lifecycle::{Lane, Status};

use super::{slots::is_taken, span, until, utc, Facts, Finding, Measure, Severity, Topic};
use crate::account::ProposalView;

const TOPIC: Topic = Topic::Proposal;
/// Less than this is little time for people to act, in seconds.
pub(super) const SOON: u64 = 3_600;

pub(super) fn check(facts: &Facts, out: &mut Vec<Finding>) {
    match &facts.proposal {
        None => check_interval_ahead(facts, out),
        Some(view) if view.status.is_ended() => out.push(ended(facts, view)),
        Some(view) => {
            out.push(open(facts, view));
            check_deadline(facts, view, out);
            check_interval(facts, view, out);
            check_slot(facts, out);
        }
    }
}

fn ended(facts: &Facts, view: &ProposalView) -> Finding {
    let name = facts.name();
    let again = match view.holds_buffer() {
        true => format!("portcullis repropose {name}"),
        false => format!("portcullis review {name}"),
    };
    if view.status != Status::Stale {
        return Finding::error(
            TOPIC,
            "proposal_ended",
            format!("{name} is {}", view.status.name()),
            "what has ended never comes back to life",
        )
        .measured(Measure::name("ready"), Measure::name(view.status.name()))
        .mend(again);
    }
    let terms = &view.proposal.terms;
    let epoch = view.council.config_epoch;
    let gate = view.gate.as_ref().map(|gate| &gate.account);
    let (code, what, required, found) = match gate {
        _ if terms.epoch != epoch => (
            "epoch_stale",
            format!(
                "{name} was made for epoch {} of the council, it is {epoch} now",
                terms.epoch
            ),
            terms.epoch,
            epoch,
        ),
        Some(gate) if terms.life != gate.life => (
            "life_stale",
            format!(
                "{name} was made for life {} of the gate, it is {} now",
                terms.life, gate.life
            ),
            terms.life,
            gate.life,
        ),
        gate => {
            let release = gate.map_or(0, |gate| gate.release.index);
            (
                "base_stale",
                format!(
                    "{name} builds on release {}, release {release} runs now",
                    terms.base_index
                ),
                terms.base_index,
                release,
            )
        }
    };
    Finding::error(
        TOPIC,
        code,
        what,
        "it executes only on top of what its voters saw",
    )
    .measured(
        Measure::number(required, "number"),
        Measure::number(found, "number"),
    )
    .mend(again)
}

/// What an open proposal waits for.
fn open(facts: &Facts, view: &ProposalView) -> Finding {
    let (name, proposal) = (facts.name(), &view.proposal);
    let now = facts.now;
    match view.status {
        Status::Draft => Finding::error(
            TOPIC,
            "buffer_unverified",
            format!("the gate has not hashed the buffer of {name} yet"),
            "nobody can vote before that",
        )
        .mend(format!("portcullis execute {name}"))
        .not_yet(),
        Status::Voting if proposal.is_approved() && !is_taken(facts) => Finding::error(
            TOPIC,
            "not_queued",
            format!("{name} has its votes and waits for its lane's place"),
            "the timelock begins when the place is taken",
        )
        .mend(format!("portcullis execute {name}"))
        .not_yet(),
        Status::Voting => {
            let required = proposal.terms.snapshot.threshold;
            let found = proposal.approval_weight;
            match found >= required {
                true => Finding::note(
                    TOPIC,
                    "votes_given",
                    format!("{name} has approvals of weight {found}, as it needs"),
                    "it waits for attestations, or for its lane's place",
                ),
                false => Finding::error(
                    TOPIC,
                    "votes_missing",
                    format!("{name} has approvals of weight {found}, it needs {required}"),
                    "the timelock begins with the last vote",
                )
                .measured(
                    Measure::number(required, "weight"),
                    Measure::number(found, "weight"),
                )
                .mend(format!(
                    "portcullis approve {name} --artifact {}",
                    facts.file()
                ))
                .not_yet(),
            }
        }
        Status::Queued if !view.facts.based => Finding::error(
            TOPIC,
            "awaits_upgrade",
            format!(
                "{name} waits for release {}, release {} runs now",
                proposal.terms.base_index,
                view.gate
                    .as_ref()
                    .map_or(0, |gate| gate.account.release.index)
            ),
            "a standby is armed by the upgrade that it guards",
        )
        .mend(format!("portcullis wait {name} --for armed"))
        .not_yet(),
        Status::Queued if now.timestamp < proposal.eta => Finding::error(
            TOPIC,
            "timelock_running",
            format!(
                "{name} can be executed in {}, from {} on",
                span(until(proposal.eta, now.timestamp)),
                utc(proposal.eta)
            ),
            "nothing executes before its eta",
        )
        .measured(
            Measure::number(proposal.eta, "unix_seconds"),
            Measure::number(now.timestamp, "unix_seconds"),
        )
        .mend(format!("portcullis wait {name} --for ready"))
        .not_yet(),
        Status::Queued => Finding::error(
            TOPIC,
            "timelock_running",
            format!(
                "{name} can be executed from slot {} on, it is slot {}",
                view.facts.earliest_slot, now.slot
            ),
            "a timelock waits for as many slots as it has seconds",
        )
        .measured(
            Measure::number(view.facts.earliest_slot, "slots"),
            Measure::number(now.slot, "slots"),
        )
        .mend(format!("portcullis wait {name} --for ready"))
        .not_yet(),
        Status::Armed if !proposal.is_triggered(now) => {
            let required = proposal.terms.snapshot.trigger_threshold;
            let found = view.counted_triggers();
            Finding::error(
                TOPIC,
                "not_triggered",
                format!("{name} is armed; {found} of {required} guardian(s) ask for it"),
                "a standby executes only when guardians trigger it",
            )
            .measured(
                Measure::number(required, "guardians"),
                Measure::number(found, "guardians"),
            )
            .mend(format!(
                "portcullis trigger {} {}",
                facts.program_id(),
                match view.lane {
                    Lane::SafeMode => "safe-mode",
                    _ => "rollback",
                }
            ))
            .not_yet()
        }
        _ => Finding::ok(
            TOPIC,
            "ready",
            format!(
                "{name} can be executed since {}, until {}",
                utc(proposal.eta),
                utc(proposal.expires_at())
            ),
        ),
    }
}

/// How long it stays open.
fn check_deadline(facts: &Facts, view: &ProposalView, out: &mut Vec<Finding>) {
    let left = until(view.facts.deadline(), facts.now.timestamp);
    if left >= SOON {
        return;
    }
    let (code, what) = match view.proposal.eta {
        0 => ("voting_ends_soon", "approvals are taken"),
        _ => ("expires_soon", "it can be executed"),
    };
    out.push(
        Finding::warning(
            TOPIC,
            code,
            format!(
                "{what} for {} more: it expires in {}",
                span(left),
                span(left)
            ),
            "what has expired must be proposed and voted anew",
        )
        .measured(
            Measure::number(SOON, "seconds"),
            Measure::number(left, "seconds"),
        )
        .mend(match view.proposal.eta {
            0 => format!(
                "portcullis approve {} --artifact {}",
                facts.name(),
                facts.file()
            ),
            _ => format!("portcullis execute {}", facts.name()),
        }),
    );
}

/// When the next upgrade of a lane may execute, by the stricter of the policy then and now.
fn earliest(facts: &Facts) -> Option<i64> {
    let gate = &facts.program.as_ref()?.gate.account;
    let last = match facts.lane {
        Lane::Standard => gate.last_upgrade_at,
        Lane::Emergency => gate.last_emergency_at,
        Lane::Rollback | Lane::SafeMode => 0,
    };
    let snapshot = facts.snapshot()?.min_interval_seconds;
    let interval = snapshot.max(gate.policy.min_interval_seconds(facts.lane));
    (last != 0).then(|| last.saturating_add(i64::from(interval)))
}

fn check_interval(facts: &Facts, view: &ProposalView, out: &mut Vec<Finding>) {
    let now = facts.now.timestamp;
    let Some(earliest) = earliest(facts).filter(|earliest| view.is_upgrade() && now < *earliest)
    else {
        return;
    };
    out.push(
        Finding::error(
            TOPIC,
            "interval_running",
            format!(
                "the interval since the last upgrade ends in {}, at {}",
                span(until(earliest, now)),
                utc(earliest)
            ),
            "the policy sets a least time between two upgrades",
        )
        .measured(
            Measure::number(earliest, "unix_seconds"),
            Measure::number(now, "unix_seconds"),
        )
        .mend(format!("portcullis wait {} --for ready", facts.name()))
        .not_yet(),
    );
}

/// Before proposing, the interval matters where it is longer than the timelock.
fn check_interval_ahead(facts: &Facts, out: &mut Vec<Finding>) {
    let now = facts.now.timestamp;
    let Some(snapshot) = facts.snapshot() else {
        return;
    };
    let eta = now.saturating_add(i64::from(snapshot.timelock_seconds));
    if let Some(earliest) = earliest(facts).filter(|earliest| eta < *earliest) {
        out.push(
            Finding::note(
                TOPIC,
                "interval_delays",
                format!(
                    "the interval since the last upgrade ends in {}, after the timelock",
                    span(until(earliest, now))
                ),
                "the policy sets a least time between two upgrades",
            )
            .measured(
                Measure::number(earliest, "unix_seconds"),
                Measure::number(eta, "unix_seconds"),
            ),
        );
    }
}

/// The loader takes no upgrade in the slot of another, or of an extension.
fn check_slot(facts: &Facts, out: &mut Vec<Finding>) {
    let Some(Ok((programdata, _))) = facts.program.as_ref().map(|p| &p.programdata) else {
        return;
    };
    let now = facts.now.slot;
    if facts.is_upgrade() && programdata.slot >= now {
        out.push(
            Finding::warning(
                TOPIC,
                "deployed_this_slot",
                format!("the program was deployed or extended in slot {}, which is this one", programdata.slot),
                "the loader takes no upgrade in the slot of another; `portcullis execute` tries again",
            )
            .measured(
                Measure::number(programdata.slot.saturating_add(1), "slots"),
                Measure::number(now, "slots"),
            )
            .mend(format!("portcullis execute {}", facts.name())),
        );
    }
}

/// What the server itself says to the execution; only where nothing else explains it.
pub(super) fn check_simulation(facts: &Facts, out: &mut Vec<Finding>) {
    let explained = out
        .iter()
        .any(|finding| finding.severity == Severity::Error);
    let Some(simulation) = facts.simulation.as_ref().filter(|_| !explained) else {
        return;
    };
    out.push(match simulation {
        Ok(None) => Finding::ok(
            TOPIC,
            "simulation_passed",
            "a simulation of the execution passes",
        ),
        Ok(Some(refusal)) => Finding::error(
            TOPIC,
            "simulation_refused",
            format!(
                "a simulation of the execution is refused: {}: {}",
                refusal.rule, refusal.message
            ),
            "the execution would be refused as well",
        )
        .measured(
            Measure::name("accepted"),
            Measure::name(refusal.rule.clone()),
        )
        .mend(format!("portcullis execute {} --dry-run", facts.name())),
        Err(reason) => Finding::unknown(
            TOPIC,
            Severity::Warning,
            "a simulation of the execution",
            reason,
        ),
    });
}
