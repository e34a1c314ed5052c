//! One event for each transition, in the past tense. Every field is a function of the instruction's data and accounts, the
//! clock and the state before, so that the log chain can be rebuilt from transactions whose logs were dropped.
//!
//! The last two fields of each are the clock: `slot` and `timestamp` in Unix seconds. `index` is the proposal's number
//! within `parent`, its gate or council.

use anchor_lang::prelude::*;

use crate::{
    digest::{Commitment, Statement},
    policy::Policy,
    state::Member,
};

/// A council was created, unsealed.
#[event]
pub struct CouncilCreated {
    pub council: Pubkey,
    pub create_key: Pubkey,
    pub policy: Policy,
    pub delay_floor_seconds: u32,
    pub members: Vec<Member>,
    pub slot: u64,
    pub timestamp: i64,
}

/// Members were added to an unsealed council.
#[event]
pub struct MembersAdded {
    pub council: Pubkey,
    pub members: Vec<Member>,
    pub slot: u64,
    pub timestamp: i64,
}

/// A council was sealed: from now on it acts.
#[event]
pub struct CouncilSealed {
    pub council: Pubkey,
    pub config_epoch: u32,
    pub member_count: u8,
    pub slot: u64,
    pub timestamp: i64,
}

/// A program's upgrade authority went to its gate. In the logs of both the gate and the council.
#[event]
pub struct ProgramAdopted {
    pub gate: Pubkey,
    pub council: Pubkey,
    pub program: Pubkey,
    pub former_authority: Pubkey,
    pub proposer: Pubkey,
    pub life: u32,
    pub epoch: u32,
    pub release_index: u32,
    pub deployed: Commitment,
    pub policy: Policy,
    pub slot: u64,
    pub timestamp: i64,
}

/// An upgrade was proposed, and its buffer is in the gate's custody. The digest is in the votes.
#[event]
pub struct UpgradeProposed {
    pub parent: Pubkey,
    pub index: u32,
    pub proposer: Pubkey,
    pub rent_payer: Pubkey,
    pub buffer: Pubkey,
    pub spill: Pubkey,
    pub commitment: Commitment,
    pub base_index: u32,
    pub statement: Option<Statement>,
    pub lane: u8,
    pub epoch: u32,
    pub life: u32,
    pub not_before: i64,
    pub voting_ends_at: i64,
    pub slot: u64,
    pub timestamp: i64,
}

/// The buffer's bytes were hashed and are the committed ones.
#[event]
pub struct BufferVerified {
    pub parent: Pubkey,
    pub index: u32,
    pub sha256: [u8; 32],
    pub slot: u64,
    pub timestamp: i64,
}

/// A voter approved. `eta` is set where this vote, or one before, queued the proposal.
#[event]
pub struct ApprovalCast {
    pub parent: Pubkey,
    pub index: u32,
    pub voter: Pubkey,
    pub digest: [u8; 32],
    pub valid_until: i64,
    pub approval_weight: u32,
    pub eta: i64,
    pub slot: u64,
    pub timestamp: i64,
}

/// A voter rejected. `rejected`: the threshold can no longer be reached, which ended the proposal.
#[event]
pub struct RejectionCast {
    pub parent: Pubkey,
    pub index: u32,
    pub voter: Pubkey,
    pub digest: [u8; 32],
    pub rejected: bool,
    pub slot: u64,
    pub timestamp: i64,
}

/// A voter took its approval or rejection back. `eta` is zero where the threshold is no longer met.
#[event]
pub struct VoteRetracted {
    pub parent: Pubkey,
    pub index: u32,
    pub voter: Pubkey,
    pub digest: [u8; 32],
    pub approval_weight: u32,
    pub eta: i64,
    pub slot: u64,
    pub timestamp: i64,
}

/// A guardian vetoed. `vetoed`: enough have, which ended the proposal.
#[event]
pub struct VetoCast {
    pub parent: Pubkey,
    pub index: u32,
    pub guardian: Pubkey,
    pub digest: [u8; 32],
    pub vetoed: bool,
    pub slot: u64,
    pub timestamp: i64,
}

/// The proposer withdrew the proposal.
#[event]
pub struct ProposalCancelled {
    pub parent: Pubkey,
    pub index: u32,
    pub proposer: Pubkey,
    pub slot: u64,
    pub timestamp: i64,
}

/// An approved proposal took the slot that was not free before.
#[event]
pub struct ProposalQueued {
    pub parent: Pubkey,
    pub index: u32,
    pub eta: i64,
    pub expires_at: i64,
    pub slot: u64,
    pub timestamp: i64,
}

/// The new program runs.
#[event]
pub struct UpgradeExecuted {
    pub parent: Pubkey,
    pub index: u32,
    pub executor: Pubkey,
    pub program: Pubkey,
    pub digest: [u8; 32],
    pub release_index: u32,
    pub former: Commitment,
    pub deployed: Commitment,
    pub slot: u64,
    pub timestamp: i64,
}

/// The buffer went back to its depositor. `ending` is an [`Ending`](crate::lifecycle::Ending).
#[event]
pub struct BufferReturned {
    pub parent: Pubkey,
    pub index: u32,
    pub buffer: Pubkey,
    pub depositor: Pubkey,
    pub ending: u8,
    pub slot: u64,
    pub timestamp: i64,
}

/// An abandoned buffer was closed, its lamports went to the spill account.
#[event]
pub struct BufferClosed {
    pub parent: Pubkey,
    pub index: u32,
    pub buffer: Pubkey,
    pub spill: Pubkey,
    pub ending: u8,
    pub slot: u64,
    pub timestamp: i64,
}

/// The proposal's account was closed, its rent went back.
#[event]
pub struct ProposalClosed {
    pub parent: Pubkey,
    pub index: u32,
    pub rent_payer: Pubkey,
    pub ending: u8,
    pub slot: u64,
    pub timestamp: i64,
}
