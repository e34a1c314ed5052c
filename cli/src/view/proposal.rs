//! Proposals.

use portcullis::{
    lifecycle::{Action, Lane, Now, Status},
    policy::{FLAG_ANYONE_MAY_EXECUTE, FLAG_NONCE_VOTES},
    state::{Proposal, ROLE_GUARD},
};
use portcullis_client::{
    account::{Commitment, Keyed, ProposalView, StoredAttestation},
    proposal::counted_triggers,
};
use serde_json::{json, Map, Value};

use super::{action_name, change_json, change_rows, content, content_json, lane_name, time, when};
use crate::{
    client_error::hash,
    duration::{human, relative},
    member::{role_names, ATTESTATION_KINDS},
    output::{printable, table, Fields},
    policy_args,
};

/// The columns of [`proposal_row`].
pub const LIST_HEADER: [&str; 5] = ["proposal", "action", "status", "hash", "approvals"];

/// `PROGRAM_ID/12`, or `COUNCIL/3` for a proposal about a council itself.
pub fn name(view: &ProposalView) -> String {
    let subject = view.program().unwrap_or(view.council_address);
    format!("{subject}/{}", view.proposal.terms.index)
}

/// The action and its lane for people.
pub fn action(view: &ProposalView) -> &'static str {
    match (view.action, view.lane) {
        (Action::Upgrade, Lane::Standard) => "upgrade, standard lane",
        (Action::Upgrade, Lane::Emergency) => "upgrade, EMERGENCY LANE",
        (Action::Upgrade, Lane::Rollback) => "standby: rollback to an earlier release",
        (Action::Upgrade, Lane::SafeMode) => "standby: safe mode",
        (Action::ChangeCouncil, _) => "change of the council's members",
        (Action::ChangePolicy, _) if view.gate.is_some() => "change of the gate's policy",
        (Action::ChangePolicy, _) => "change of the council's own policy",
        (Action::TransferAuthority, _) => "TRANSFER OF THE UPGRADE AUTHORITY",
        (Action::MoveGate, _) => "MOVE OF THE GATE to another council",
        (Action::Finalize, _) => "FINALIZATION: no upgrade ever again",
        (Action::RevokeRelease, _) => "revocation of a release",
    }
}

/// A status with the time that matters next.
pub fn status(view: &ProposalView) -> String {
    standing(view.status, &view.proposal, view.now)
}

/// The status that a proposal has at a moment, with the time that matters next.
pub fn standing(status: Status, proposal: &Proposal, at: Now) -> String {
    let now = at.timestamp;
    let snapshot = &proposal.terms.snapshot;
    let is_standby = proposal.terms.lane().is_ok_and(Lane::is_standby);
    let timelock = u64::from(snapshot.timelock_seconds);
    let slots = proposal
        .queued_slot
        .saturating_add(timelock)
        .saturating_sub(at.slot);
    let name = status.name();
    match status {
        Status::Draft => format!("{name}: its buffer is not verified"),
        Status::Voting if proposal.is_approved() => {
            format!("{name}: approved, but another proposal has its place")
        }
        Status::Voting if proposal.approval_weight >= snapshot.threshold => format!(
            "{name}: approved, waits for attestations, closes {}",
            relative(proposal.terms.voting_ends_at, now)
        ),
        Status::Voting => format!(
            "{name}, closes {}",
            relative(proposal.terms.voting_ends_at, now)
        ),
        Status::Queued if now < proposal.eta => {
            let then = if is_standby { "armed" } else { "ready" };
            format!("{name}, {then} {}", relative(proposal.eta, now))
        }
        Status::Queued if slots > 0 => format!("{name}, ready in {slots} slot(s)"),
        Status::Queued => format!("{name}, arms when the upgrade that it guards executes"),
        Status::Ready => format!("{name}, expires {}", relative(proposal.expires_at(), now)),
        Status::Armed if proposal.is_triggered(at) => {
            format!("{name} and TRIGGERED: anyone may execute it")
        }
        Status::Armed => format!(
            "{name}, triggers {} of {}, expires {}",
            counted_triggers(proposal, at),
            snapshot.trigger_threshold,
            relative(proposal.expires_at(), now)
        ),
        _ => name.to_string(),
    }
}

/// Who has voted and how. Empty where the members are no longer those of the proposal.
fn votes(view: &ProposalView) -> Vec<(String, String, &'static str)> {
    let proposal = &view.proposal;
    if !view.is_of_this_council() {
        return Vec::new();
    }
    view.council
        .members()
        .iter()
        .filter_map(|member| {
            let cast = |bitmap| view.has_cast(bitmap, &member.key);
            let vote = if cast(proposal.vetoes) {
                "vetoed"
            } else if cast(proposal.triggers) && view.counted_triggers() > 0 {
                "triggered"
            } else if cast(proposal.approvals) {
                "approved"
            } else if cast(proposal.rejections) {
                "rejected"
            } else if member.weight > 0 || member.has(ROLE_GUARD) {
                "-"
            } else {
                return None;
            };
            Some((member.key.to_string(), role_names(member).join(","), vote))
        })
        .collect()
}

/// All that there is to know of a proposal, for people.
pub fn proposal_text(view: &ProposalView) -> String {
    let now = view.now.timestamp;
    let proposal = &view.proposal;
    let terms = &proposal.terms;
    let mut fields = Fields::new()
        .row("proposal", name(view))
        .row("address", view.address)
        .row("status", status(view))
        .row("action", action(view));
    if let Some(program) = view.program() {
        fields.push("program", program);
    }
    if view.is_upgrade() {
        let base = Commitment {
            sha256: terms.base_sha256,
            len: terms.base_len,
        };
        fields.push(
            "from",
            format!("{}, release {}", content(&base), terms.base_index),
        );
        fields.push("to", content(&view.commitment()));
        fields.push("buffer", terms.buffer);
    }
    fields.extend(change_rows(view));
    fields.push("proposer", terms.proposer);
    if view.is_upgrade() {
        fields.push("spill", terms.spill);
    }
    fields.push("rent payer", terms.rent_payer);
    fields.push(
        "council",
        format!("{}, epoch {}", view.council_address, terms.epoch),
    );
    fields.push("voting ends", when(terms.voting_ends_at, now));
    if terms.not_before != 0 {
        fields.push("not before", when(terms.not_before, now));
    }
    if proposal.eta != 0 {
        fields.push("eta", when(proposal.eta, now));
        fields.push("expires", when(proposal.expires_at(), now));
    }
    if proposal.ended_at != 0 {
        fields.push("ended", when(proposal.ended_at, now));
    }
    fields.extend(rules(view));
    fields.push("digest", hash(&view.digest));
    let rows: Vec<Vec<String>> = votes(view)
        .into_iter()
        .map(|(member, roles, vote)| vec![member, roles, vote.to_string()])
        .collect();
    if rows.is_empty() {
        return format!(
            "{}\n\nthe council has changed since; who voted is in portcullis history",
            fields.render(0)
        );
    }
    format!(
        "{}\n\n{}",
        fields.render(0),
        table(&["member", "roles", "vote"], rows)
    )
}

/// The rules that the proposal keeps, beside what it has met of them.
fn rules(view: &ProposalView) -> Fields {
    let proposal = &view.proposal;
    let snapshot = &proposal.terms.snapshot;
    let mut fields = Fields::new().row(
        "approvals",
        format!(
            "weight {} of {}",
            proposal.approval_weight, snapshot.threshold
        ),
    );
    for (kind, (have, needed)) in kinds(view) {
        fields.push("attestations", format!("{kind}: {have} of {needed}"));
    }
    fields.push("timelock", human(snapshot.timelock_seconds));
    let window = match view.lane.is_standby() {
        true => "standby validity",
        false => "execution window",
    };
    fields.push(window, human(snapshot.execution_window_seconds));
    fields.push(
        "vetoes",
        match snapshot.veto_threshold {
            0 => "nobody can veto".to_string(),
            needed => format!("{} of {needed}", proposal.vetoes.count_ones()),
        },
    );
    if view.lane.is_standby() {
        fields.push(
            "triggers",
            format!(
                "{} of {}",
                view.counted_triggers(),
                snapshot.trigger_threshold
            ),
        );
    } else {
        fields.push("who may execute", policy_args::executors(snapshot.flags));
    }
    fields.push(
        "durable-nonce votes",
        policy_args::nonce_votes(snapshot.flags),
    );
    fields
}

/// The kinds of attestations that are required or given, with how many are there and needed.
fn kinds(view: &ProposalView) -> Vec<(&'static str, (u8, u8))> {
    let have = view.proposal.attestations;
    let needed = view.proposal.terms.snapshot.attestations;
    ATTESTATION_KINDS
        .into_iter()
        .zip(have.into_iter().zip(needed))
        .filter(|(_, counts)| *counts != (0, 0))
        .collect()
}

/// Attestations under a header, for people; empty text where there are none.
pub fn attestation_rows(attestations: &[Keyed<StoredAttestation>], now: i64) -> String {
    if attestations.is_empty() {
        return String::new();
    }
    let rows = attestations
        .iter()
        .map(|attestation| {
            let (account, uri) = (&attestation.account.attestation, &attestation.account.uri);
            vec![
                kind_name(account.kind).to_string(),
                account.attester.to_string(),
                hash(&account.statement_sha256),
                printable(uri),
                when(account.expires_at, now),
            ]
        })
        .collect();
    table(
        &["attestation", "attester", "statement", "at", "holds until"],
        rows,
    )
}

fn kind_name(kind: u8) -> &'static str {
    ATTESTATION_KINDS
        .get(usize::from(kind))
        .copied()
        .unwrap_or("unknown")
}

/// Attestations for programs.
pub fn attestations_json(attestations: &[Keyed<StoredAttestation>]) -> Value {
    attestations
        .iter()
        .map(|attestation| {
            let (account, uri) = (&attestation.account.attestation, &attestation.account.uri);
            json!({
                "address": attestation.address.to_string(),
                "kind": kind_name(account.kind),
                "attester": account.attester.to_string(),
                "statement_sha256": hash(&account.statement_sha256),
                "uri": uri,
                "expires_at": time(account.expires_at),
                "rent_payer": account.rent_payer.to_string(),
            })
        })
        .collect()
}

/// All that there is to know of a proposal, for programs.
pub fn proposal_json(view: &ProposalView) -> Value {
    let proposal = &view.proposal;
    let terms = &proposal.terms;
    let snapshot = &terms.snapshot;
    let queued = proposal.eta != 0;
    let key = |present: bool, key: &dyn ToString| match present {
        true => json!(key.to_string()),
        false => Value::Null,
    };
    let upgrade = view.is_upgrade();
    let votes: Vec<Value> = votes(view)
        .into_iter()
        .map(|(member, roles, vote)| {
            json!({ "member": member, "roles": roles, "vote": if vote == "-" { Value::Null } else { json!(vote) } })
        })
        .collect();
    let attestations: Map<String, Value> = kinds(view)
        .into_iter()
        .map(|(kind, (have, needed))| {
            (
                kind.to_string(),
                json!({ "given": have, "required": needed }),
            )
        })
        .collect();
    // One object more would be too deep for the macro.
    let policy = json!({
        "threshold": snapshot.threshold,
        "timelock_seconds": snapshot.timelock_seconds,
        "voting_period_seconds": snapshot.voting_period_seconds,
        "execution_window_seconds": snapshot.execution_window_seconds,
        "min_interval_seconds": snapshot.min_interval_seconds,
        "message_validity_seconds": snapshot.message_validity_seconds,
        "veto_threshold": snapshot.veto_threshold,
        "trigger_threshold": snapshot.trigger_threshold,
        "anyone_may_execute": snapshot.flags & FLAG_ANYONE_MAY_EXECUTE != 0,
        "nonce_votes": snapshot.flags & FLAG_NONCE_VOTES != 0,
    });
    json!({
        "ref": name(view),
        "address": view.address.to_string(),
        "status": view.status.name(),
        "action": action_name(view.action),
        "lane": lane_name(view.lane),
        "program": view.program().map(|program| program.to_string()),
        "gate": view.gate.as_ref().map(|gate| gate.address.to_string()),
        "council": view.council_address.to_string(),
        "index": terms.index,
        "epoch": terms.epoch,
        "life": terms.life,
        "digest": hash(&view.digest),
        "base": { "sha256": hash(&terms.base_sha256), "len_bytes": terms.base_len, "release_index": terms.base_index },
        "new": if upgrade { content_json(&view.commitment()) } else { Value::Null },
        "change": change_json(view.change.as_ref()),
        "statement_commitment": if terms.statement == [0; 32] { Value::Null } else { json!(hash(&terms.statement)) },
        "buffer": key(upgrade, &terms.buffer),
        "proposer": terms.proposer.to_string(),
        "spill": key(upgrade, &terms.spill),
        "rent_payer": terms.rent_payer.to_string(),
        "voting_ends_at": time(terms.voting_ends_at),
        "not_before": time(terms.not_before),
        "eta": time(proposal.eta),
        "expires_at": if queued { time(proposal.expires_at()) } else { Value::Null },
        "ended_at": time(proposal.ended_at),
        "approval_weight": proposal.approval_weight,
        "vetoes": proposal.vetoes.count_ones(),
        "triggers": view.counted_triggers(),
        "triggered": view.status == Status::Armed && proposal.is_triggered(view.now),
        "attestations": attestations,
        "votes": votes,
        "policy": policy,
        "chain_time": time(view.now.timestamp),
        "chain_slot": view.now.slot,
    })
}

/// One line of a list of proposals, under [`LIST_HEADER`].
pub fn proposal_row(view: &ProposalView) -> Vec<String> {
    let terms = &view.proposal.terms;
    vec![
        name(view),
        match view.lane {
            Lane::Standard => action_name(view.action).replace('_', " "),
            Lane::Emergency => "EMERGENCY upgrade".to_string(),
            lane => format!("standby {}", lane_name(lane).replace('_', " ")),
        },
        status(view),
        match terms.sha256 == [0; 32] {
            true => "-".to_string(),
            false => hash(&terms.sha256),
        },
        format!(
            "{}/{}",
            view.proposal.approval_weight, terms.snapshot.threshold
        ),
    ]
}
