//! One event for each transition, in the past tense. Every field is a function of the instruction's data and accounts, the
//! clock and the state before, so that the log chain can be rebuilt from transactions whose logs were dropped.
//!
//! The last two fields of each are the clock: `slot` and `timestamp` in Unix seconds. `index` is the proposal's number
//! within `parent`, its gate or council.

use anchor_lang::prelude::*;

use crate::{
    change::{Change, CouncilChange, Predecessor},
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
    /// False: the bytes are still to be hashed, and the gate does nothing until then.
    pub hashed: bool,
    pub policy: Policy,
    pub slot: u64,
    pub timestamp: i64,
}

/// An upgrade was proposed, and its buffer is in the gate's custody. The digest is in the votes.
#[event]
#[derive(Clone)]
pub struct UpgradeProposed {
    pub parent: Pubkey,
    pub index: u32,
    pub proposer: Pubkey,
    pub rent_payer: Pubkey,
    pub buffer: Pubkey,
    pub spill: Pubkey,
    pub commitment: Commitment,
    pub base_index: u32,
    pub base: Commitment,
    pub statement: Option<Statement>,
    pub predecessor: Option<Predecessor>,
    /// A [`Lane`](crate::lifecycle::Lane).
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
    /// A [`Lane`](crate::lifecycle::Lane).
    pub lane: u8,
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

/// A large program's bytes have been hashed; its gate governs it from now on.
#[event]
pub struct AdoptionCompleted {
    pub gate: Pubkey,
    pub life: u32,
    pub deployed: Commitment,
    pub slot: u64,
    pub timestamp: i64,
}

/// The upgrade authority went back before the bytes were hashed. In the logs of both the gate and the council.
#[event]
pub struct AdoptionAbandoned {
    pub gate: Pubkey,
    pub former_authority: Pubkey,
    pub life: u32,
    pub slot: u64,
    pub timestamp: i64,
}

/// An upgrade was proposed with the buffer that an ended proposal of the gate still held. `former_ending` is an
/// [`Ending`](crate::lifecycle::Ending), `custody` a [`Custody`](crate::lifecycle::Custody): what was verified stays verified.
#[event]
pub struct UpgradeReproposed {
    pub former_index: u32,
    pub former_ending: u8,
    pub custody: u8,
    pub proposed: UpgradeProposed,
}

/// Another action than an upgrade was proposed. The digest is in the votes.
#[event]
pub struct ChangeProposed {
    pub parent: Pubkey,
    pub index: u32,
    pub proposer: Pubkey,
    pub rent_payer: Pubkey,
    pub change: Change,
    pub base_index: u32,
    pub statement: Option<Statement>,
    pub epoch: u32,
    pub life: u32,
    pub not_before: i64,
    pub voting_ends_at: i64,
    pub slot: u64,
    pub timestamp: i64,
}

/// An attester attested. `eta` is set where this, or a vote before, queued the proposal.
#[event]
pub struct AttestationGiven {
    pub parent: Pubkey,
    pub index: u32,
    pub attester: Pubkey,
    pub digest: [u8; 32],
    pub kind: u8,
    pub statement: Statement,
    pub expires_at: i64,
    pub eta: i64,
    pub slot: u64,
    pub timestamp: i64,
}

/// An attester took its attestation back. `eta` is zero where the policy's are no longer met.
#[event]
pub struct AttestationRevoked {
    pub parent: Pubkey,
    pub index: u32,
    pub attester: Pubkey,
    pub digest: [u8; 32],
    pub kind: u8,
    pub eta: i64,
    pub slot: u64,
    pub timestamp: i64,
}

/// A guardian asked for an armed standby. `triggered`: enough have, and anyone may execute it until `lapses_at`.
#[event]
pub struct TriggerCast {
    pub parent: Pubkey,
    pub index: u32,
    pub guardian: Pubkey,
    pub digest: [u8; 32],
    pub triggered: bool,
    pub lapses_at: i64,
    pub slot: u64,
    pub timestamp: i64,
}

/// The council has other members; all that was open under the old ones is dead.
#[event]
pub struct CouncilChanged {
    pub parent: Pubkey,
    pub index: u32,
    pub executor: Pubkey,
    pub digest: [u8; 32],
    pub config_epoch: u32,
    pub change: CouncilChange,
    pub slot: u64,
    pub timestamp: i64,
}

/// The gate, or the council itself, has other rules.
#[event]
pub struct PolicyChanged {
    pub parent: Pubkey,
    pub index: u32,
    pub executor: Pubkey,
    pub digest: [u8; 32],
    pub former: Policy,
    pub policy: Policy,
    /// The council's.
    pub delay_floor_seconds: u32,
    pub slot: u64,
    pub timestamp: i64,
}

/// The upgrade authority went to another key. In the logs of both the gate and the council.
#[event]
pub struct AuthorityTransferred {
    pub parent: Pubkey,
    pub index: u32,
    pub executor: Pubkey,
    pub digest: [u8; 32],
    pub program: Pubkey,
    pub to: Pubkey,
    pub checked: bool,
    pub life: u32,
    pub slot: u64,
    pub timestamp: i64,
}

/// The gate went to another council. In the logs of the gate and of both councils.
#[event]
pub struct GateMoved {
    pub parent: Pubkey,
    pub index: u32,
    pub executor: Pubkey,
    pub digest: [u8; 32],
    pub former: Pubkey,
    pub council: Pubkey,
    /// The new council's epoch.
    pub epoch: u32,
    pub proposer: Pubkey,
    pub life: u32,
    pub slot: u64,
    pub timestamp: i64,
}

/// The program is final. In the logs of both the gate and the council.
#[event]
pub struct ProgramFinalized {
    pub parent: Pubkey,
    pub index: u32,
    pub executor: Pubkey,
    pub digest: [u8; 32],
    pub program: Pubkey,
    pub release: Commitment,
    pub life: u32,
    pub slot: u64,
    pub timestamp: i64,
}

/// A release was revoked.
#[event]
pub struct ReleaseRevoked {
    pub parent: Pubkey,
    pub index: u32,
    pub executor: Pubkey,
    pub digest: [u8; 32],
    pub sha256: [u8; 32],
    pub slot: u64,
    pub timestamp: i64,
}
