//! Votes: approvals, rejections, what takes them back, guardians' vetoes and triggers.

use anchor_lang::prelude::*;

use super::{bit, end, fix_eta, later, require, status, unfix_eta, Outcome};
use crate::{
    constants::{MAX_VOTE_VALIDITY_SECONDS, TRIGGER_LAPSE_SECONDS},
    error::PortcullisError,
    events::{ApprovalCast, ProposalQueued, RejectionCast, TriggerCast, VetoCast, VoteRetracted},
    lifecycle::{check, Ending, Now, Status, Step},
    state::{Parent, Proposal, ROLE_GUARD, ROLE_VOTE},
};

/// What a voter signs.
#[derive(AnchorSerialize, AnchorDeserialize, Clone, Copy, Debug, PartialEq, Eq)]
pub struct VoteArgs {
    /// The digest of the proposal that the voter saw.
    pub digest: [u8; 32],
    /// The vote is refused from this time on, Unix seconds; at most a day ahead.
    pub valid_until: i64,
}

/// How a member signs.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Signed {
    /// The transaction.
    Transaction,
    /// An off-chain message, which anyone relays.
    Message,
}

/// What every vote must fulfil: the step is open, the digest is the proposal's, the vote has not lapsed; and of a message,
/// that the policies of then and now allow it for so long, and that its signer has not taken anything back since.
#[allow(clippy::too_many_arguments)]
#[inline(always)]
pub(super) fn check_vote(
    parent: &Parent,
    proposal: &Proposal,
    position: usize,
    step: Step,
    args: &VoteArgs,
    signed: Signed,
    now: Now,
) -> Outcome<Status> {
    let status = status(parent, proposal, now)?;
    check(status, step)?;
    require(
        args.digest == proposal.digest,
        PortcullisError::DigestMismatch,
    )?;
    require(
        now.timestamp < args.valid_until,
        PortcullisError::VoteExpired,
    )?;
    let mut longest = MAX_VOTE_VALIDITY_SECONDS;
    if signed == Signed::Message {
        longest = proposal
            .terms
            .snapshot
            .message_validity_seconds
            .min(parent.policy().message_validity_seconds);
        require(longest > 0, PortcullisError::MessageVotesOff)?;
        require(
            proposal.retracted & bit(position)? == 0,
            PortcullisError::MessageAfterRetraction,
        )?;
    }
    require(
        args.valid_until <= later(now.timestamp, longest)?,
        PortcullisError::VoteValidTooLong,
    )?;
    Ok(status)
}

/// Approvals and attestations come before the voting deadline, and are not valid beyond it.
pub(super) fn check_deadline(proposal: &Proposal, args: &VoteArgs, now: Now) -> Outcome<()> {
    require(
        now.timestamp < proposal.terms.voting_ends_at,
        PortcullisError::VotingClosed,
    )?;
    require(
        args.valid_until <= proposal.terms.voting_ends_at,
        PortcullisError::VoteValidTooLong,
    )
}

/// Counts an approval; the one that meets the threshold queues the proposal if the slot is free.
#[inline(always)]
pub fn approve(
    parent: &mut Parent,
    proposal: &mut Proposal,
    key: Pubkey,
    voter: Pubkey,
    args: &VoteArgs,
    signed: Signed,
    now: Now,
) -> Outcome<ApprovalCast> {
    let (position, member) = parent.council().member_with(&voter, ROLE_VOTE)?;
    let weight = u32::from(member.weight);
    check_vote(parent, proposal, position, Step::Approve, args, signed, now)?;
    check_deadline(proposal, args, now)?;
    let bit = bit(position)?;
    require(proposal.approvals & bit == 0, PortcullisError::AlreadyVoted)?;
    require(
        proposal.rejections & bit == 0,
        PortcullisError::OppositeVote,
    )?;
    proposal.approvals |= bit;
    proposal.approval_weight = proposal
        .approval_weight
        .checked_add(weight)
        .ok_or(PortcullisError::Overflow)?;
    if proposal.eta == 0 && proposal.is_approved() {
        fix_eta(parent, proposal, key, now)?;
    }
    Ok(ApprovalCast {
        parent: proposal.terms.parent,
        index: proposal.terms.index,
        voter,
        digest: args.digest,
        valid_until: args.valid_until,
        approval_weight: proposal.approval_weight,
        eta: proposal.eta,
        slot: now.slot,
        timestamp: now.timestamp,
    })
}

/// Counts a rejection; once the others cannot reach the threshold, the proposal ends.
pub fn reject(
    parent: &mut Parent,
    proposal: &mut Proposal,
    key: Pubkey,
    voter: Pubkey,
    args: &VoteArgs,
    signed: Signed,
    now: Now,
) -> Outcome<RejectionCast> {
    let (position, _) = parent.council().member_with(&voter, ROLE_VOTE)?;
    check_vote(parent, proposal, position, Step::Reject, args, signed, now)?;
    let bit = bit(position)?;
    require(
        proposal.rejections & bit == 0,
        PortcullisError::AlreadyVoted,
    )?;
    require(proposal.approvals & bit == 0, PortcullisError::OppositeVote)?;
    proposal.rejections |= bit;
    let reachable = parent.council().weight_of(!proposal.rejections);
    let rejected = reachable < proposal.terms.snapshot.threshold;
    if rejected {
        end(parent, proposal, &key, Ending::Rejected, now.timestamp);
    }
    Ok(RejectionCast {
        parent: proposal.terms.parent,
        index: proposal.terms.index,
        voter,
        digest: args.digest,
        rejected,
        slot: now.slot,
        timestamp: now.timestamp,
    })
}

/// Takes a vote back; an approval that the threshold needs takes `eta` and the slot with it.
pub fn retract(
    parent: &mut Parent,
    proposal: &mut Proposal,
    key: Pubkey,
    voter: Pubkey,
    args: &VoteArgs,
    now: Now,
) -> Outcome<VoteRetracted> {
    let (position, member) = parent.council().member_with(&voter, ROLE_VOTE)?;
    let weight = u32::from(member.weight);
    let signed = Signed::Transaction;
    check_vote(parent, proposal, position, Step::Retract, args, signed, now)?;
    let bit = bit(position)?;
    if proposal.approvals & bit != 0 {
        proposal.approvals &= !bit;
        proposal.approval_weight = proposal
            .approval_weight
            .checked_sub(weight)
            .ok_or(PortcullisError::Overflow)?;
        unfix_eta(parent, proposal, &key);
    } else if proposal.rejections & bit != 0 {
        proposal.rejections &= !bit;
    } else {
        return Err(PortcullisError::NothingToRetract);
    }
    proposal.retracted |= bit;
    Ok(VoteRetracted {
        parent: proposal.terms.parent,
        index: proposal.terms.index,
        voter,
        digest: args.digest,
        approval_weight: proposal.approval_weight,
        eta: proposal.eta,
        slot: now.slot,
        timestamp: now.timestamp,
    })
}

/// Counts a guardian's veto; enough of them end the proposal.
pub fn veto(
    parent: &mut Parent,
    proposal: &mut Proposal,
    key: Pubkey,
    guardian: Pubkey,
    args: &VoteArgs,
    signed: Signed,
    now: Now,
) -> Outcome<VetoCast> {
    let (position, _) = parent.council().member_with(&guardian, ROLE_GUARD)?;
    check_vote(parent, proposal, position, Step::Veto, args, signed, now)?;
    let needed = u32::from(proposal.terms.snapshot.veto_threshold);
    require(needed > 0, PortcullisError::VetoDisabled)?;
    let bit = bit(position)?;
    require(proposal.vetoes & bit == 0, PortcullisError::AlreadyVoted)?;
    proposal.vetoes |= bit;
    let vetoed = proposal.vetoes.count_ones() >= needed;
    if vetoed {
        end(parent, proposal, &key, Ending::Vetoed, now.timestamp);
    }
    Ok(VetoCast {
        parent: proposal.terms.parent,
        index: proposal.terms.index,
        guardian,
        digest: args.digest,
        vetoed,
        slot: now.slot,
        timestamp: now.timestamp,
    })
}

/// Counts a guardian's wish to execute an armed standby. The votes lapse 15 minutes after the first of them.
pub fn trigger(
    parent: &mut Parent,
    proposal: &mut Proposal,
    guardian: Pubkey,
    args: &VoteArgs,
    signed: Signed,
    now: Now,
) -> Outcome<TriggerCast> {
    let (position, _) = parent.council().member_with(&guardian, ROLE_GUARD)?;
    check_vote(parent, proposal, position, Step::Trigger, args, signed, now)?;
    super::check_standby_target(parent.gate_mut()?, proposal)?;
    let bit = bit(position)?;
    if proposal.triggers_lapsed(now) {
        proposal.triggers = 0;
        proposal.triggered_at = now.timestamp;
    }
    require(proposal.triggers & bit == 0, PortcullisError::AlreadyVoted)?;
    let lapses_at = later(proposal.triggered_at, TRIGGER_LAPSE_SECONDS)?;
    // Else anyone could relay it anew after the lapse, and revive a vote that had lapsed.
    require(
        signed == Signed::Transaction || args.valid_until <= lapses_at,
        PortcullisError::VoteValidTooLong,
    )?;
    proposal.triggers |= bit;
    Ok(TriggerCast {
        parent: proposal.terms.parent,
        index: proposal.terms.index,
        guardian,
        digest: args.digest,
        triggered: proposal.is_triggered(now),
        lapses_at,
        slot: now.slot,
        timestamp: now.timestamp,
    })
}

/// Queues an approved proposal that found its slot taken.
pub fn queue(
    parent: &mut Parent,
    proposal: &mut Proposal,
    key: Pubkey,
    now: Now,
) -> Outcome<ProposalQueued> {
    check(status(parent, proposal, now)?, Step::Queue)?;
    require(proposal.is_approved(), PortcullisError::ThresholdNotMet)?;
    require(
        fix_eta(parent, proposal, key, now)?,
        PortcullisError::SlotTaken,
    )?;
    Ok(ProposalQueued {
        parent: proposal.terms.parent,
        index: proposal.terms.index,
        eta: proposal.eta,
        expires_at: proposal.expires_at(),
        slot: now.slot,
        timestamp: now.timestamp,
    })
}
