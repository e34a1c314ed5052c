//! What each instruction does to council, gate and proposal: every rule that needs no account but these. Pure, so that the
//! client replays the chain's transactions with the very code that made them.
//!
//! Each function checks, changes, and returns the event; after an error nothing that it was given may be kept.

mod adopt;
mod attest;
mod change;
mod cleanup;
mod council;
mod execute;
mod propose;
mod vote;

pub use {adopt::*, attest::*, change::*, cleanup::*, council::*, execute::*, propose::*, vote::*};

use anchor_lang::prelude::*;

use crate::{
    error::PortcullisError,
    lifecycle::{check, Ending, Now, Status, Step},
    policy::FLAG_ANYONE_MAY_EXECUTE,
    state::{Parent, PendingSlot, Proposal, ROLE_EXECUTE},
};

type Outcome<T> = core::result::Result<T, PortcullisError>;

fn require(rule: bool, error: PortcullisError) -> Outcome<()> {
    if rule {
        Ok(())
    } else {
        Err(error)
    }
}

fn later(timestamp: i64, seconds: u32) -> Outcome<i64> {
    timestamp
        .checked_add(i64::from(seconds))
        .ok_or(PortcullisError::Overflow)
}

fn status(parent: &Parent, proposal: &Proposal, now: Now) -> Outcome<Status> {
    proposal.status(parent.council(), parent.gate(), now)
}

/// The bit of a member. Positions are below 64 because a council has at most 64 members.
fn bit(position: usize) -> Outcome<u64> {
    u32::try_from(position)
        .ok()
        .and_then(|position| 1u64.checked_shl(position))
        .ok_or(PortcullisError::Overflow)
}

/// Takes a slot and fixes `eta`; `false` where the lane's slots are all live.
fn fix_eta(parent: &mut Parent, proposal: &mut Proposal, key: Pubkey, now: Now) -> Outcome<bool> {
    let terms = &proposal.terms;
    let eta = later(now.timestamp, terms.snapshot.timelock_seconds)?.max(terms.not_before);
    let slot = PendingSlot {
        proposal: key,
        sha256: terms.sha256,
        eta,
        expires_at: later(eta, terms.snapshot.execution_window_seconds)?,
        epoch: terms.epoch,
        life: terms.life,
        base_index: terms.base_index,
        action: terms.action,
        reserved: [0; 3],
    };
    if !parent.take_slot(terms.lane()?, slot, now) {
        return Ok(false);
    }
    proposal.eta = eta;
    proposal.queued_slot = now.slot;
    Ok(true)
}

/// Clears `eta` and frees the slot where approvals or attestations have been taken back that it needs.
fn unfix_eta(parent: &mut Parent, proposal: &mut Proposal, key: &Pubkey) {
    if !proposal.is_approved() {
        proposal.eta = 0;
        proposal.queued_slot = 0;
        // What guardians asked for was a standby that is not armed any more.
        proposal.triggers = 0;
        proposal.triggered_at = 0;
        parent.clear_slot(key);
    }
}

/// Ends the proposal for good and frees its slot.
fn end(parent: &mut Parent, proposal: &mut Proposal, key: &Pubkey, ending: Ending, at: i64) {
    proposal.ending = ending as u8;
    proposal.ended_at = at;
    parent.clear_slot(key);
}

/// Requires an ended proposal and stores how and when it ended, if that only followed from time or change so far.
fn settle(
    parent: &mut Parent,
    proposal: &mut Proposal,
    key: &Pubkey,
    step: Step,
    now: Now,
) -> Outcome<()> {
    let facts = proposal.facts(parent.council(), parent.gate())?;
    let status = facts.status(now);
    check(status, step)?;
    if facts.ending == Ending::Open {
        let at = match status {
            Status::Expired => facts.deadline(),
            _ => now.timestamp,
        };
        end(parent, proposal, key, status.ending(), at);
    }
    Ok(())
}

/// Requires the EXECUTE role, unless both the proposal's policy and the current one let anyone execute.
fn check_executor(parent: &Parent, proposal: &Proposal, executor: &Pubkey) -> Outcome<()> {
    if parent.policy().flags & proposal.terms.snapshot.flags & FLAG_ANYONE_MAY_EXECUTE == 0 {
        parent.council().member_with(executor, ROLE_EXECUTE)?;
    }
    Ok(())
}
