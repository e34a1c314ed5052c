//! What each instruction does to council, gate and proposal: every rule that needs no account but these. Pure, so that the
//! client replays the chain's transactions with the very code that made them.
//!
//! Each function checks, changes, and returns the event; after an error nothing that it was given may be kept.

use anchor_lang::prelude::*;

use crate::{
    constants::{
        ABANDONED_BUFFER_SECONDS, LAYOUT_VERSION, MAX_DURATION_SECONDS, MAX_ELF_LEN, MAX_URI_LEN,
        MAX_VOTE_VALIDITY_SECONDS,
    },
    digest::{Commitment, Statement},
    error::PortcullisError,
    events::*,
    lifecycle::{check, Action, Custody, Ending, Lane, Now, Status, Step},
    policy::{Policy, FLAG_ANYONE_MAY_EXECUTE},
    state::{
        Council, Gate, Member, PendingSlot, Proposal, Release, Terms, ROLE_EXECUTE, ROLE_GUARD,
        ROLE_PROPOSE, ROLE_VOTE,
    },
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

/// What the proposer of an upgrade asks for and has seen.
#[derive(AnchorSerialize, AnchorDeserialize, Clone, Debug, PartialEq, Eq)]
pub struct UpgradeArgs {
    /// What the buffer holds.
    pub commitment: Commitment,
    /// The gate's current release, as the proposer saw it.
    pub base_index: u32,
    pub base: Commitment,
    /// The council's epoch and the gate's life, as the proposer saw them.
    pub epoch: u32,
    pub life: u32,
    /// The document that explains it, if any.
    pub statement: Option<Statement>,
    /// Never execute before this, Unix seconds. Zero: as soon as the timelock allows.
    pub not_before: i64,
}

/// What a voter signs.
#[derive(AnchorSerialize, AnchorDeserialize, Clone, Copy, Debug, PartialEq, Eq)]
pub struct VoteArgs {
    /// The digest of the proposal that the voter saw.
    pub digest: [u8; 32],
    /// The vote is refused from this time on, Unix seconds; at most a day ahead.
    pub valid_until: i64,
}

/// The accounts of an upgrade that the terms name.
#[derive(Clone, Copy, Debug)]
pub struct UpgradeAccounts {
    pub gate: Pubkey,
    pub buffer: Pubkey,
    pub spill: Pubkey,
    pub proposer: Pubkey,
    pub rent_payer: Pubkey,
}

/// What a new council starts with.
#[derive(AnchorSerialize, AnchorDeserialize, Clone, Debug, PartialEq, Eq)]
pub struct CreateCouncilArgs {
    /// The rules for changing the council itself; no gate may be stricter.
    pub policy: Policy,
    /// No delay of any gate may be below this, seconds.
    pub delay_floor_seconds: u32,
    /// The first members, in ascending order of their keys; `add_members` adds the rest.
    pub members: Vec<Member>,
}

/// Fills a new council, all but its bump.
pub fn create_council(
    council: &mut Council,
    key: Pubkey,
    create_key: Pubkey,
    args: CreateCouncilArgs,
    now: Now,
) -> Outcome<CouncilCreated> {
    require(
        args.delay_floor_seconds <= MAX_DURATION_SECONDS,
        PortcullisError::DurationTooLong,
    )?;
    council.version = LAYOUT_VERSION;
    council.create_key = create_key;
    council.policy = args.policy;
    council.delay_floor_seconds = args.delay_floor_seconds;
    council.push_members(&args.members)?;
    Ok(CouncilCreated {
        council: key,
        create_key,
        policy: args.policy,
        delay_floor_seconds: args.delay_floor_seconds,
        members: args.members,
        slot: now.slot,
        timestamp: now.timestamp,
    })
}

/// Adds members to an unsealed council.
pub fn add_members(
    council: &mut Council,
    key: Pubkey,
    members: Vec<Member>,
    now: Now,
) -> Outcome<MembersAdded> {
    require(!council.is_sealed(), PortcullisError::CouncilSealed)?;
    council.push_members(&members)?;
    Ok(MembersAdded {
        council: key,
        members,
        slot: now.slot,
        timestamp: now.timestamp,
    })
}

/// Seals a council whose policy its members can meet.
pub fn seal_council(council: &mut Council, key: Pubkey, now: Now) -> Outcome<CouncilSealed> {
    require(!council.is_sealed(), PortcullisError::CouncilSealed)?;
    council
        .policy
        .validate(&council.powers(), council.delay_floor_seconds)?;
    council.config_epoch = 1;
    Ok(CouncilSealed {
        council: key,
        config_epoch: council.config_epoch,
        member_count: council.member_count,
        slot: now.slot,
        timestamp: now.timestamp,
    })
}

/// What an adopter signs: the council, the rules and the deployed bytes that it saw.
#[derive(AnchorSerialize, AnchorDeserialize, Clone, Copy, Debug, PartialEq, Eq)]
pub struct AdoptArgs {
    pub epoch: u32,
    pub policy: Policy,
    pub deployed: Commitment,
}

/// The accounts of an adoption.
#[derive(Clone, Copy, Debug)]
pub struct AdoptAccounts {
    pub gate: Pubkey,
    pub council: Pubkey,
    pub program: Pubkey,
    pub programdata: Pubkey,
    pub authority: Pubkey,
    pub former_authority: Pubkey,
    pub proposer: Pubkey,
    pub gate_bump: u8,
    pub authority_bump: u8,
}

/// Fills a new gate and takes it into the council.
pub fn adopt_program(
    council: &mut Council,
    gate: &mut Gate,
    accounts: &AdoptAccounts,
    args: &AdoptArgs,
    now: Now,
) -> Outcome<ProgramAdopted> {
    require(council.is_sealed(), PortcullisError::CouncilNotSealed)?;
    require(
        args.epoch == council.config_epoch,
        PortcullisError::EpochMismatch,
    )?;
    council.member_with(&accounts.proposer, ROLE_PROPOSE)?;
    council.admit_gate(&args.policy)?;

    gate.version = LAYOUT_VERSION;
    gate.bump = accounts.gate_bump;
    gate.authority_bump = accounts.authority_bump;
    gate.life = 1;
    gate.council = accounts.council;
    gate.program = accounts.program;
    gate.programdata = accounts.programdata;
    gate.authority = accounts.authority;
    gate.policy = args.policy;
    gate.release = Release {
        sha256: args.deployed.sha256,
        len: args.deployed.len,
        slot: now.slot,
        timestamp: now.timestamp,
        index: 1,
        life: gate.life,
        ..Release::default()
    };
    Ok(ProgramAdopted {
        gate: accounts.gate,
        council: accounts.council,
        program: accounts.program,
        former_authority: accounts.former_authority,
        proposer: accounts.proposer,
        life: gate.life,
        epoch: council.config_epoch,
        release_index: gate.release.index,
        deployed: args.deployed,
        policy: args.policy,
        slot: now.slot,
        timestamp: now.timestamp,
    })
}

/// Fills a new proposal, all but its digest and bump.
pub fn propose_upgrade(
    council: &Council,
    gate: &mut Gate,
    proposal: &mut Proposal,
    accounts: &UpgradeAccounts,
    slot_hash: [u8; 32],
    args: UpgradeArgs,
    now: Now,
) -> Outcome<UpgradeProposed> {
    council.member_with(&accounts.proposer, ROLE_PROPOSE)?;
    require(
        args.epoch == council.config_epoch,
        PortcullisError::EpochMismatch,
    )?;
    require(args.life == gate.life, PortcullisError::LifeMismatch)?;
    require(
        args.base_index == gate.release.index && args.base == gate.release.commitment(),
        PortcullisError::BaseMismatch,
    )?;
    require(args.commitment.len > 0, PortcullisError::LengthOutOfRange)?;
    require(
        args.commitment.len <= MAX_ELF_LEN,
        PortcullisError::ElfTooLarge,
    )?;
    require(
        args.not_before >= 0 && args.not_before <= later(now.timestamp, MAX_DURATION_SECONDS)?,
        PortcullisError::NotBeforeOutOfRange,
    )?;
    if let Some(statement) = &args.statement {
        require(
            statement.uri.len() <= MAX_URI_LEN,
            PortcullisError::UriTooLong,
        )?;
        // A terminal would obey escape sequences in it.
        require(
            statement.uri.bytes().all(|byte| byte.is_ascii_graphic()),
            PortcullisError::UriNotPrintable,
        )?;
    }

    let lane = Lane::Standard;
    let snapshot = gate.policy.snapshot(lane);
    proposal.terms = Terms {
        parent: accounts.gate,
        buffer: accounts.buffer,
        spill: accounts.spill,
        proposer: accounts.proposer,
        rent_payer: accounts.rent_payer,
        statement: args
            .statement
            .as_ref()
            .map(Statement::commitment)
            .unwrap_or_default(),
        sha256: args.commitment.sha256,
        base_sha256: args.base.sha256,
        slot_hash,
        snapshot,
        created_slot: now.slot,
        voting_ends_at: later(now.timestamp, snapshot.voting_period_seconds)?,
        not_before: args.not_before,
        len: args.commitment.len,
        base_len: args.base.len,
        base_index: args.base_index,
        index: gate.proposal_count,
        epoch: args.epoch,
        life: args.life,
        action: Action::Upgrade as u8,
        lane: lane as u8,
        standby_use: 0,
        version: LAYOUT_VERSION,
        soak_seconds: 0,
    };
    proposal.custody = Custody::Held as u8;
    gate.proposal_count = gate
        .proposal_count
        .checked_add(1)
        .ok_or(PortcullisError::Overflow)?;
    let terms = &proposal.terms;
    Ok(UpgradeProposed {
        parent: terms.parent,
        index: terms.index,
        proposer: terms.proposer,
        rent_payer: terms.rent_payer,
        buffer: terms.buffer,
        spill: terms.spill,
        commitment: args.commitment,
        base_index: terms.base_index,
        statement: args.statement,
        lane: terms.lane,
        epoch: terms.epoch,
        life: terms.life,
        not_before: terms.not_before,
        voting_ends_at: terms.voting_ends_at,
        slot: now.slot,
        timestamp: now.timestamp,
    })
}

/// Notes that the buffer's bytes are the committed ones.
pub fn verify_buffer(
    council: &Council,
    gate: &Gate,
    proposal: &mut Proposal,
    now: Now,
) -> Outcome<BufferVerified> {
    check(proposal.status(council, gate, now)?, Step::Verify)?;
    proposal.custody = Custody::Verified as u8;
    Ok(BufferVerified {
        parent: proposal.terms.parent,
        index: proposal.terms.index,
        sha256: proposal.terms.sha256,
        slot: now.slot,
        timestamp: now.timestamp,
    })
}

/// What every vote must fulfil: the step is open, the digest is the proposal's, the vote has not lapsed.
fn check_vote(
    council: &Council,
    gate: &Gate,
    proposal: &Proposal,
    step: Step,
    args: &VoteArgs,
    now: Now,
) -> Outcome<Status> {
    let status = proposal.status(council, gate, now)?;
    check(status, step)?;
    require(
        args.digest == proposal.digest,
        PortcullisError::DigestMismatch,
    )?;
    require(
        now.timestamp < args.valid_until,
        PortcullisError::VoteExpired,
    )?;
    require(
        args.valid_until <= later(now.timestamp, MAX_VOTE_VALIDITY_SECONDS)?,
        PortcullisError::VoteValidTooLong,
    )?;
    Ok(status)
}

/// The bit of a member. Positions are below 64 because a council has at most 64 members.
fn bit(position: usize) -> Outcome<u64> {
    u32::try_from(position)
        .ok()
        .and_then(|position| 1u64.checked_shl(position))
        .ok_or(PortcullisError::Overflow)
}

/// Takes a slot and fixes `eta`; `false` where the lane's slots are all live.
fn fix_eta(
    council: &Council,
    gate: &mut Gate,
    proposal: &mut Proposal,
    key: Pubkey,
    now: Now,
) -> Outcome<bool> {
    let terms = &proposal.terms;
    let eta = later(now.timestamp, terms.snapshot.timelock_seconds)?.max(terms.not_before);
    let slot = PendingSlot {
        proposal: key,
        sha256: terms.sha256,
        eta,
        expires_at: later(eta, terms.snapshot.execution_window_seconds)?,
        epoch: council.config_epoch,
        life: terms.life,
        base_index: terms.base_index,
        action: terms.action,
        reserved: [0; 3],
    };
    if !gate.take_slot(terms.lane()?, slot, now) {
        return Ok(false);
    }
    proposal.eta = eta;
    proposal.queued_slot = now.slot;
    Ok(true)
}

/// Ends the proposal for good and frees its slot.
fn end(gate: &mut Gate, proposal: &mut Proposal, key: &Pubkey, ending: Ending, at: i64) {
    proposal.ending = ending as u8;
    proposal.ended_at = at;
    gate.clear_slot(key);
}

/// Counts an approval; the one that meets the threshold queues the proposal if the slot is free.
pub fn approve(
    council: &Council,
    gate: &mut Gate,
    proposal: &mut Proposal,
    key: Pubkey,
    voter: Pubkey,
    args: &VoteArgs,
    now: Now,
) -> Outcome<ApprovalCast> {
    let (position, member) = council.member_with(&voter, ROLE_VOTE)?;
    check_vote(council, gate, proposal, Step::Approve, args, now)?;
    require(
        now.timestamp < proposal.terms.voting_ends_at,
        PortcullisError::VotingClosed,
    )?;
    require(
        args.valid_until <= proposal.terms.voting_ends_at,
        PortcullisError::VoteValidTooLong,
    )?;
    let bit = bit(position)?;
    require(proposal.approvals & bit == 0, PortcullisError::AlreadyVoted)?;
    require(
        proposal.rejections & bit == 0,
        PortcullisError::OppositeVote,
    )?;
    proposal.approvals |= bit;
    proposal.approval_weight = proposal
        .approval_weight
        .checked_add(u32::from(member.weight))
        .ok_or(PortcullisError::Overflow)?;
    if proposal.eta == 0 && proposal.is_approved() {
        fix_eta(council, gate, proposal, key, now)?;
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
    council: &Council,
    gate: &mut Gate,
    proposal: &mut Proposal,
    key: Pubkey,
    voter: Pubkey,
    args: &VoteArgs,
    now: Now,
) -> Outcome<RejectionCast> {
    let (position, _) = council.member_with(&voter, ROLE_VOTE)?;
    check_vote(council, gate, proposal, Step::Reject, args, now)?;
    let bit = bit(position)?;
    require(
        proposal.rejections & bit == 0,
        PortcullisError::AlreadyVoted,
    )?;
    require(proposal.approvals & bit == 0, PortcullisError::OppositeVote)?;
    proposal.rejections |= bit;
    let reachable = council.weight_of(!proposal.rejections);
    let rejected = reachable < proposal.terms.snapshot.threshold;
    if rejected {
        end(gate, proposal, &key, Ending::Rejected, now.timestamp);
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
    council: &Council,
    gate: &mut Gate,
    proposal: &mut Proposal,
    key: Pubkey,
    voter: Pubkey,
    args: &VoteArgs,
    now: Now,
) -> Outcome<VoteRetracted> {
    let (position, member) = council.member_with(&voter, ROLE_VOTE)?;
    check_vote(council, gate, proposal, Step::Retract, args, now)?;
    let bit = bit(position)?;
    if proposal.approvals & bit != 0 {
        proposal.approvals &= !bit;
        proposal.approval_weight = proposal
            .approval_weight
            .checked_sub(u32::from(member.weight))
            .ok_or(PortcullisError::Overflow)?;
        if proposal.eta != 0 && !proposal.is_approved() {
            proposal.eta = 0;
            proposal.queued_slot = 0;
            gate.clear_slot(&key);
        }
    } else if proposal.rejections & bit != 0 {
        proposal.rejections &= !bit;
    } else {
        return Err(PortcullisError::NothingToRetract);
    }
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
    council: &Council,
    gate: &mut Gate,
    proposal: &mut Proposal,
    key: Pubkey,
    guardian: Pubkey,
    args: &VoteArgs,
    now: Now,
) -> Outcome<VetoCast> {
    let (position, _) = council.member_with(&guardian, ROLE_GUARD)?;
    check_vote(council, gate, proposal, Step::Veto, args, now)?;
    let needed = u32::from(proposal.terms.snapshot.veto_threshold);
    require(needed > 0, PortcullisError::VetoDisabled)?;
    let bit = bit(position)?;
    require(proposal.vetoes & bit == 0, PortcullisError::AlreadyVoted)?;
    proposal.vetoes |= bit;
    let vetoed = proposal.vetoes.count_ones() >= needed;
    if vetoed {
        end(gate, proposal, &key, Ending::Vetoed, now.timestamp);
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

/// Withdraws a proposal that is not queued.
pub fn cancel(
    council: &Council,
    gate: &mut Gate,
    proposal: &mut Proposal,
    key: Pubkey,
    proposer: Pubkey,
    now: Now,
) -> Outcome<ProposalCancelled> {
    require(
        proposer == proposal.terms.proposer,
        PortcullisError::NotTheProposer,
    )?;
    check(proposal.status(council, gate, now)?, Step::Cancel)?;
    end(gate, proposal, &key, Ending::Cancelled, now.timestamp);
    Ok(ProposalCancelled {
        parent: proposal.terms.parent,
        index: proposal.terms.index,
        proposer,
        slot: now.slot,
        timestamp: now.timestamp,
    })
}

/// Queues an approved proposal that found its slot taken.
pub fn queue(
    council: &Council,
    gate: &mut Gate,
    proposal: &mut Proposal,
    key: Pubkey,
    now: Now,
) -> Outcome<ProposalQueued> {
    check(proposal.status(council, gate, now)?, Step::Queue)?;
    require(proposal.is_approved(), PortcullisError::ThresholdNotMet)?;
    require(
        fix_eta(council, gate, proposal, key, now)?,
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

/// Executes a proposal that is ready: its release becomes the gate's.
pub fn execute_upgrade(
    council: &Council,
    gate: &mut Gate,
    proposal: &mut Proposal,
    key: Pubkey,
    executor: Pubkey,
    now: Now,
) -> Outcome<UpgradeExecuted> {
    if gate.policy.flags & proposal.terms.snapshot.flags & FLAG_ANYONE_MAY_EXECUTE == 0 {
        council.member_with(&executor, ROLE_EXECUTE)?;
    }
    check(proposal.status(council, gate, now)?, Step::Execute)?;
    require(
        proposal.terms.action()? == Action::Upgrade,
        PortcullisError::NotAnUpgrade,
    )?;
    let lane = proposal.terms.lane()?;
    if gate.last_upgrade_at != 0 {
        let interval = proposal
            .terms
            .snapshot
            .min_interval_seconds
            .max(gate.policy.min_interval_seconds(lane));
        require(
            now.timestamp >= later(gate.last_upgrade_at, interval)?,
            PortcullisError::IntervalNotElapsed,
        )?;
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
    gate.last_upgrade_at = now.timestamp;
    proposal.custody = Custody::Consumed as u8;
    end(gate, proposal, &key, Ending::Executed, now.timestamp);
    Ok(UpgradeExecuted {
        parent: proposal.terms.parent,
        index: proposal.terms.index,
        executor,
        program: gate.program,
        digest: proposal.digest,
        release_index: gate.release.index,
        former,
        deployed: proposal.terms.commitment(),
        slot: now.slot,
        timestamp: now.timestamp,
    })
}

/// Requires an ended proposal and stores how and when it ended, if that only followed from time or change so far.
fn settle(
    council: &Council,
    gate: &mut Gate,
    proposal: &mut Proposal,
    key: &Pubkey,
    step: Step,
    now: Now,
) -> Outcome<()> {
    let facts = proposal.facts(council, gate)?;
    let status = facts.status(now);
    check(status, step)?;
    if facts.ending == Ending::Open {
        let at = match status {
            Status::Expired => facts.deadline(),
            _ => now.timestamp,
        };
        end(gate, proposal, key, status.ending(), at);
    }
    Ok(())
}

/// Notes that an ended proposal's buffer goes back to its depositor.
pub fn return_buffer(
    council: &Council,
    gate: &mut Gate,
    proposal: &mut Proposal,
    key: Pubkey,
    now: Now,
) -> Outcome<BufferReturned> {
    settle(council, gate, proposal, &key, Step::ReleaseBuffer, now)?;
    require(
        proposal.custody()?.is_held(),
        PortcullisError::BufferReleased,
    )?;
    proposal.custody = Custody::Returned as u8;
    Ok(BufferReturned {
        parent: proposal.terms.parent,
        index: proposal.terms.index,
        buffer: proposal.terms.buffer,
        depositor: proposal.terms.proposer,
        ending: proposal.ending,
        slot: now.slot,
        timestamp: now.timestamp,
    })
}

/// Notes that the buffer of a proposal that ended long ago is closed.
pub fn close_buffer(
    council: &Council,
    gate: &mut Gate,
    proposal: &mut Proposal,
    key: Pubkey,
    now: Now,
) -> Outcome<BufferClosed> {
    settle(council, gate, proposal, &key, Step::ReleaseBuffer, now)?;
    require(
        proposal.custody()?.is_held(),
        PortcullisError::BufferReleased,
    )?;
    require(
        now.timestamp >= later(proposal.ended_at, ABANDONED_BUFFER_SECONDS)?,
        PortcullisError::BufferNotAbandoned,
    )?;
    proposal.custody = Custody::Closed as u8;
    Ok(BufferClosed {
        parent: proposal.terms.parent,
        index: proposal.terms.index,
        buffer: proposal.terms.buffer,
        spill: proposal.terms.spill,
        ending: proposal.ending,
        slot: now.slot,
        timestamp: now.timestamp,
    })
}

/// Ends an ended proposal's record on chain; its account is closed after this.
pub fn close_proposal(
    council: &Council,
    gate: &mut Gate,
    proposal: &mut Proposal,
    key: Pubkey,
    now: Now,
) -> Outcome<ProposalClosed> {
    settle(council, gate, proposal, &key, Step::Close, now)?;
    require(
        !proposal.custody()?.is_held(),
        PortcullisError::BufferStillHeld,
    )?;
    Ok(ProposalClosed {
        parent: proposal.terms.parent,
        index: proposal.terms.index,
        rent_payer: proposal.terms.rent_payer,
        ending: proposal.ending,
        slot: now.slot,
        timestamp: now.timestamp,
    })
}
