//! What else is pending, and would get in the way: each lane has a place or two, and who executes first makes the others stale.

use portcullis::{
    lifecycle::{Action, Lane, Status},
    state::PendingSlot,
};
use solana_sdk::pubkey::Pubkey;

use super::{span, until, Facts, Finding, Measure, Topic};

const TOPIC: Topic = Topic::Slots;

pub(super) fn check(facts: &Facts, out: &mut Vec<Finding>) {
    if facts.is_over() {
        return;
    }
    let before = out.len();
    if let Some(program) = &facts.program {
        check_gate(facts, &program.gate.account.pending, out);
    }
    check_council(facts, out);
    if out.len() == before {
        out.push(Finding::ok(
            TOPIC,
            "slots_free",
            "nothing else is pending that would get in the way",
        ));
    }
}

/// Another proposal in a slot, if it can still be executed.
fn is_live(facts: &Facts, slot: &PendingSlot) -> bool {
    let own = facts.proposal.as_ref().map(|view| view.address);
    let (life, release) = match &facts.program {
        Some(program) => (
            program.gate.account.life,
            program.gate.account.release.index,
        ),
        None => (0, 0),
    };
    let epoch = facts.council.account.config_epoch;
    Some(slot.proposal) != own && slot.is_live(epoch, life, release, facts.now)
}

/// The places of a lane.
fn places(lane: Lane, pending: &[PendingSlot]) -> &[PendingSlot] {
    let [standard, emergency, standbys @ ..] = pending else {
        return &[];
    };
    match lane {
        Lane::Standard => core::slice::from_ref(standard),
        Lane::Emergency => core::slice::from_ref(emergency),
        Lane::Rollback | Lane::SafeMode => standbys,
    }
}

/// Whether what is not queued yet would find no place in its lane.
pub(super) fn is_taken(facts: &Facts) -> bool {
    let queued = facts
        .proposal
        .as_ref()
        .is_some_and(|view| view.proposal.eta != 0);
    let gate = facts.program.as_ref().map(|program| &program.gate.account);
    !queued
        && gate.is_some_and(|gate| {
            let places = places(facts.lane, &gate.pending);
            places.iter().all(|slot| is_live(facts, slot))
        })
}

fn check_gate(facts: &Facts, pending: &[PendingSlot], out: &mut Vec<Finding>) {
    let [standard, emergency, standbys @ ..] = pending else {
        return;
    };
    let own_lane = places(facts.lane, pending);
    if is_taken(facts) {
        let approved = facts
            .proposal
            .as_ref()
            .is_some_and(|view| view.status == Status::Voting && view.proposal.is_approved());
        let holders: Vec<String> = own_lane
            .iter()
            .map(|slot| slot.proposal.to_string())
            .collect();
        let what = format!("the lane's place is taken by {}", holders.join(", "));
        let why =
            "what is approved is not queued before that ends; and once that executes, it is stale";
        let finding = match approved {
            true => Finding::error(TOPIC, "slot_taken", what, why).not_yet(),
            false => Finding::warning(TOPIC, "slot_taken", what, why),
        };
        let first = holders.into_iter().next().unwrap_or_default();
        out.push(
            finding
                .measured(
                    Measure::number(1, "free_places"),
                    Measure::number(0, "free_places"),
                )
                .mend(format!("portcullis wait {first} --for ended")),
        );
    }
    // An upgrade builds on the release that runs now, a standby may be for the next one.
    if !facts.is_upgrade() {
        return;
    }
    let (of_standard, of_emergency) = (
        facts.lane != Lane::Standard && is_live(facts, standard),
        facts.lane != Lane::Emergency && is_live(facts, emergency),
    );
    for (slot, live, lane) in [
        (standard, of_standard, "standard"),
        (emergency, of_emergency, "emergency"),
    ] {
        // The standby of an upgrade is made for the release that this very upgrade brings.
        let guards = facts.lane.is_standby() && lane == "standard";
        if live && !guards {
            out.push(
                Finding::warning(
                    TOPIC,
                    "competing_upgrade",
                    format!(
                        "{} is pending in the {lane} lane, {}",
                        slot.proposal,
                        when(slot, facts.now.timestamp)
                    ),
                    "if it executes first, the release moves on and this one is stale",
                )
                .mend(format!("portcullis review {}", slot.proposal)),
            );
        }
    }
    if facts.lane.is_standby() {
        return;
    }
    let release = facts
        .program
        .as_ref()
        .map(|program| program.gate.account.release.index);
    for slot in standbys {
        if is_live(facts, slot) && Some(slot.base_index) == release {
            out.push(
                Finding::note(
                    TOPIC,
                    "standby_armed",
                    format!(
                        "the standby {} may be triggered, {}",
                        slot.proposal,
                        when(slot, facts.now.timestamp)
                    ),
                    "if guardians trigger it, this one is stale",
                )
                .mend(format!("portcullis review {}", slot.proposal)),
            );
        }
    }
}

/// When something that is pending can be executed.
fn when(slot: &PendingSlot, now: i64) -> String {
    match until(slot.eta, now) {
        0 => "and can be executed now".to_string(),
        left => format!("ready in {}", span(left)),
    }
}

fn check_council(facts: &Facts, out: &mut Vec<Finding>) {
    let slot = &facts.council.account.pending;
    let own = facts.proposal.as_ref().map(|view| view.address);
    let live = Some(slot.proposal) != own
        && slot.proposal != Pubkey::default()
        && slot.is_live(facts.council.account.config_epoch, 0, 0, facts.now);
    if live && slot.action == Action::ChangeCouncil as u8 {
        out.push(
            Finding::warning(
                TOPIC,
                "council_change_pending",
                format!(
                    "a change of the council's members is pending, {}: {}",
                    when(slot, facts.now.timestamp),
                    slot.proposal
                ),
                "once it executes, every open proposal is dead and must be voted anew",
            )
            .mend(format!("portcullis review {}", slot.proposal)),
        );
    }
}
