//! Councils, gates and proposals at a moment, and what the time does to them.

use std::{collections::BTreeMap, time::Duration};

use portcullis::{
    lifecycle::{Now, Status},
    state::{Council, Gate, Proposal},
};
use solana_sdk::pubkey::Pubkey;

use super::WatchedGate;
use crate::replay::Replay;

/// The statuses of all proposals whose accounts are there, at one moment.
pub(super) type Statuses = BTreeMap<Pubkey, Status>;

/// The gate that a proposal is about, and the council that decides on it.
pub(super) fn parents<'a>(
    scene: &'a Replay,
    proposal: &Proposal,
) -> Option<(Option<&'a Gate>, Pubkey, &'a Council)> {
    let parent = proposal.terms.parent;
    let gate = scene.gates.get(&parent);
    let council = gate.map_or(parent, |gate| gate.council);
    Some((gate, council, scene.councils.get(&council)?))
}

/// The gate at an address.
pub(super) fn watched_gate(scene: &Replay, address: &Pubkey) -> Option<WatchedGate> {
    let gate = scene.gates.get(address)?;
    Some(WatchedGate {
        address: *address,
        program: gate.program,
    })
}

/// The status of one proposal. `None` where it is closed, or of a kind that this version does not know.
pub(super) fn status(scene: &Replay, address: &Pubkey, now: Now) -> Option<Status> {
    let proposal = scene.proposals.get(address)?;
    let (gate, _, council) = parents(scene, proposal)?;
    proposal.status(council, gate, now).ok()
}

/// The statuses of a council's proposals.
pub(super) fn statuses(scene: &Replay, council: &Pubkey, now: Now) -> Statuses {
    let of_this_council = |proposal: &Proposal| {
        parents(scene, proposal).is_some_and(|(_, decides, _)| decides == *council)
    };
    scene
        .proposals
        .iter()
        .filter(|(_, proposal)| of_this_council(proposal))
        .filter_map(|(address, _)| Some((*address, status(scene, address, now)?)))
        .collect()
}

/// Whether no event says that a proposal has come to this status.
pub(super) const fn comes_by_itself(status: Status) -> bool {
    matches!(
        status,
        Status::Ready | Status::Armed | Status::Expired | Status::Stale
    )
}

/// When a proposal came to a status, Unix seconds: the deadline that has passed, or now. A standby can be armed by the end of the
/// upgrade that it guards instead.
pub(super) fn came_at(proposal: &Proposal, status: Status, now: Now) -> i64 {
    match status {
        Status::Ready => proposal.eta,
        Status::Expired if proposal.eta == 0 => proposal.terms.voting_ends_at,
        Status::Expired => proposal.expires_at(),
        _ => now.timestamp,
    }
}

fn earliest_slot(proposal: &Proposal) -> u64 {
    let timelock = u64::from(proposal.terms.snapshot.timelock_seconds);
    proposal.queued_slot.saturating_add(timelock)
}

/// How long it is until the time changes the status of any of these.
pub(super) fn next_deadline(scene: &Replay, statuses: &Statuses, now: Now) -> Option<Duration> {
    let deadline = |(address, status): (&Pubkey, &Status)| {
        let proposal = scene.proposals.get(address)?;
        let at = match status {
            Status::Draft | Status::Voting if proposal.eta == 0 => proposal.terms.voting_ends_at,
            Status::Queued if now.timestamp < proposal.eta => proposal.eta,
            Status::Queued if now.slot < earliest_slot(proposal) => now.timestamp,
            status if status.is_ended() => return None,
            _ => proposal.expires_at(),
        };
        let left = at.saturating_sub(now.timestamp).max(0);
        Some(Duration::from_secs(left.unsigned_abs()))
    };
    statuses.iter().filter_map(deadline).min()
}

#[cfg(test)]
mod tests {
    use bytemuck::Zeroable;

    use super::*;

    const NOW: Now = Now {
        timestamp: 1_000,
        slot: 50,
    };

    fn proposal(eta: i64) -> Proposal {
        let mut proposal = Proposal::zeroed();
        proposal.terms.voting_ends_at = 1_700;
        proposal.terms.snapshot.timelock_seconds = 20;
        proposal.terms.snapshot.execution_window_seconds = 300;
        proposal.eta = eta;
        proposal
    }

    fn deadline(status: Status, proposal: Proposal) -> Option<u64> {
        let address = Pubkey::new_unique();
        let mut scene = Replay::default();
        scene.proposals.insert(address, proposal);
        let statuses = Statuses::from([(address, status)]);
        next_deadline(&scene, &statuses, NOW).map(|left| left.as_secs())
    }

    #[test]
    fn the_next_deadline_is_the_one_that_changes_the_status() {
        assert_eq!(deadline(Status::Voting, proposal(0)), Some(700));
        assert_eq!(deadline(Status::Queued, proposal(1_100)), Some(100));
        assert_eq!(deadline(Status::Ready, proposal(900)), Some(200));
        // Its time has come; its slots have not.
        let mut late = proposal(900);
        late.queued_slot = 31;
        assert_eq!(deadline(Status::Queued, late), Some(0));
        // Only the upgrade that it guards is missing, and that comes as an event.
        late.queued_slot = 30;
        assert_eq!(deadline(Status::Queued, late), Some(200));
        assert_eq!(deadline(Status::Executed, proposal(900)), None);
    }

    #[test]
    fn a_status_came_at_its_deadline_however_late_that_is_noticed() {
        assert_eq!(came_at(&proposal(900), Status::Ready, NOW), 900);
        assert_eq!(came_at(&proposal(600), Status::Expired, NOW), 900);
        assert_eq!(came_at(&proposal(0), Status::Expired, NOW), 1_700);
        assert_eq!(came_at(&proposal(0), Status::Stale, NOW), 1_000);
    }
}
