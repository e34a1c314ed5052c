//! Executing an upgrade.

use anchor_lang::prelude::*;

use super::{check_executor, end, later, require, status, Outcome};
use crate::{
    change::Predecessor,
    error::PortcullisError,
    events::UpgradeExecuted,
    lifecycle::{check, Action, Custody, Ending, Lane, Now, Step},
    state::{Gate, GateState, Parent, Proposal, Release},
};

/// Executes an upgrade that is ready, or a standby that was triggered: its release becomes the gate's. `predecessor`: what the
/// upgrade waits for, and that release's gate.
pub fn execute_upgrade(
    parent: &mut Parent,
    proposal: &mut Proposal,
    key: Pubkey,
    executor: Pubkey,
    predecessor: Option<(&Predecessor, &Gate)>,
    now: Now,
) -> Outcome<UpgradeExecuted> {
    require(
        proposal.terms.action()? == Action::Upgrade,
        PortcullisError::NotAnUpgrade,
    )?;
    let lane = proposal.terms.lane()?;
    // The guardians' quorum decides when a standby executes; then every second counts, and anyone may send it.
    if !lane.is_standby() {
        check_executor(parent, proposal, &executor)?;
    }
    check(status(parent, proposal, now)?, Step::Execute)?;
    if let Some((predecessor, gate)) = predecessor {
        check_predecessor(predecessor, gate, parent.gate(), now)?;
    }
    let gate = parent.gate_mut()?;
    check_interval(gate, proposal, lane, now)?;
    if lane.is_standby() {
        require(
            proposal.is_triggered(now),
            PortcullisError::StandbyNotTriggered,
        )?;
        check_standby_target(gate, proposal)?;
    }

    let former = gate.release.commitment();
    gate.push_release(Release {
        sha256: proposal.terms.sha256,
        len: proposal.terms.len,
        proposal_digest: proposal.digest,
        slot: now.slot,
        timestamp: now.timestamp,
        life: gate.life,
        ..Release::default()
    })?;
    match lane {
        // Only a decision with a vote on this very code takes back what a rollback has marked.
        Lane::Standard | Lane::Emergency => gate.set_revoked(&proposal.terms.sha256, false),
        Lane::Rollback => gate.set_revoked(&former.sha256, true),
        Lane::SafeMode => {}
    }
    gate.last_upgrade_at = now.timestamp;
    if lane == Lane::Emergency {
        gate.last_emergency_at = now.timestamp;
    }
    let (program, release_index) = (gate.program, gate.release.index);
    proposal.custody = Custody::Consumed as u8;
    end(parent, proposal, &key, Ending::Executed, now.timestamp);
    Ok(UpgradeExecuted {
        parent: proposal.terms.parent,
        index: proposal.terms.index,
        executor,
        program,
        digest: proposal.digest,
        lane: proposal.terms.lane,
        release_index,
        former,
        deployed: proposal.terms.commitment(),
        slot: now.slot,
        timestamp: now.timestamp,
    })
}

/// The stricter of the policy then and now; never reset.
fn check_interval(gate: &Gate, proposal: &Proposal, lane: Lane, now: Now) -> Outcome<()> {
    let last = match lane {
        Lane::Standard => gate.last_upgrade_at,
        Lane::Emergency => gate.last_emergency_at,
        Lane::Rollback | Lane::SafeMode => return Ok(()),
    };
    let interval = proposal
        .terms
        .snapshot
        .min_interval_seconds
        .max(gate.policy.min_interval_seconds(lane));
    require(
        now.timestamp >= later(last, interval)?,
        PortcullisError::IntervalNotElapsed,
    )
}

/// A standby never runs what was revoked since, and a rollback only what the gate still remembers.
pub(super) fn check_standby_target(gate: &Gate, proposal: &Proposal) -> Outcome<()> {
    let sha256 = &proposal.terms.sha256;
    require(!gate.is_revoked(sha256), PortcullisError::ReleaseRevoked)?;
    require(
        proposal.terms.lane()? != Lane::Rollback || gate.knows(sha256),
        PortcullisError::NotAnEarlierRelease,
    )
}

/// The release that was named runs or ran at its gate in this life, long enough, and was neither revoked nor rolled back, which revokes it.
fn check_predecessor(
    predecessor: &Predecessor,
    gate: &Gate,
    own: Option<&Gate>,
    now: Now,
) -> Outcome<()> {
    require(
        own.is_some_and(|own| own.council == gate.council),
        PortcullisError::PredecessorInvalid,
    )?;
    // Of this life: after an exit nobody knows what runs there.
    let release = gate
        .releases()
        .find(|release| release.proposal_digest == predecessor.digest && release.life == gate.life)
        .filter(|_| gate.state == GateState::Active as u8)
        .ok_or(PortcullisError::PredecessorNotExecuted)?;
    require(
        !gate.is_revoked(&release.sha256),
        PortcullisError::PredecessorRevoked,
    )?;
    // What was replaced before, by a safe mode perhaps, has not run for long enough and never will.
    let ran_until = release
        .index
        .checked_add(1)
        .and_then(|next| gate.releases().find(|release| release.index == next))
        .map_or(now.timestamp, |next| next.timestamp);
    require(
        ran_until >= later(release.timestamp, predecessor.soak_seconds)?,
        PortcullisError::PredecessorSoaking,
    )
}
