//! Making proposals.

use anchor_lang::prelude::*;

use super::{later, require, settle, Outcome};
use crate::{
    change::{only_removes_guardians, Change, Predecessor},
    constants::{LAYOUT_VERSION, MAX_DURATION_SECONDS, MAX_ELF_LEN},
    decode,
    digest::{Commitment, Statement},
    error::PortcullisError,
    events::{ChangeProposed, UpgradeProposed, UpgradeReproposed},
    lifecycle::{Custody, Lane, Now, Step},
    policy::Snapshot,
    state::{Gate, GateState, Parent, Proposal, Terms, ROLE_PROPOSE},
};

/// What the proposer of an upgrade asks for and has seen.
#[derive(AnchorSerialize, AnchorDeserialize, Clone, Debug, PartialEq, Eq)]
pub struct UpgradeArgs {
    pub lane: Lane,
    /// What the buffer holds.
    pub commitment: Commitment,
    /// The release that it builds on, as the proposer saw it: the gate's current one, or of a standby also the next, which another
    /// proposal will bring.
    pub base_index: u32,
    pub base: Commitment,
    /// The council's epoch and the gate's life, as the proposer saw them.
    pub epoch: u32,
    pub life: u32,
    /// The document that explains it, if any.
    #[cfg_attr(not(feature = "idl-build"), borsh(deserialize_with = "decode::option"))]
    pub statement: Option<Statement>,
    /// Never execute before this, Unix seconds. Zero: as soon as the timelock allows.
    pub not_before: i64,
    /// A release of another gate that must have run before.
    #[cfg_attr(not(feature = "idl-build"), borsh(deserialize_with = "decode::option"))]
    pub predecessor: Option<Predecessor>,
}

/// What the proposer of any other action asks for and has seen.
#[derive(AnchorSerialize, AnchorDeserialize, Clone, Debug, PartialEq, Eq)]
pub struct ChangeArgs {
    pub change: Change,
    /// The council's epoch and the gate's life, as the proposer saw them; the latter zero where the council is the parent.
    pub epoch: u32,
    pub life: u32,
    /// The document that explains it, if any.
    #[cfg_attr(not(feature = "idl-build"), borsh(deserialize_with = "decode::option"))]
    pub statement: Option<Statement>,
    /// Never execute before this, Unix seconds. Zero: as soon as the timelock allows.
    pub not_before: i64,
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

/// The accounts of another action that the terms name.
#[derive(Clone, Copy, Debug)]
pub struct ChangeAccounts {
    /// The gate or the council.
    pub parent: Pubkey,
    pub proposer: Pubkey,
    pub rent_payer: Pubkey,
}

fn check_common(statement: Option<&Statement>, not_before: i64, now: Now) -> Outcome<[u8; 32]> {
    require(
        not_before >= 0 && not_before <= later(now.timestamp, MAX_DURATION_SECONDS)?,
        PortcullisError::NotBeforeOutOfRange,
    )?;
    match statement {
        Some(statement) => {
            statement.validate()?;
            Ok(statement.commitment())
        }
        None => Ok([0; 32]),
    }
}

/// The base of a standby is the release that runs or the one after it; of everything else the one that runs.
fn check_base(gate: &Gate, args: &UpgradeArgs) -> Outcome<()> {
    let current = args.base_index == gate.release.index && args.base == gate.release.commitment();
    let next = args.lane.is_standby()
        && Some(args.base_index) == gate.release.index.checked_add(1)
        && args.base.len > 0;
    require(current || next, PortcullisError::BaseMismatch)
}

/// A rollback's target has run here, is not revoked, and is not what it would replace.
fn check_target(gate: &Gate, args: &UpgradeArgs) -> Outcome<()> {
    if args.lane.is_standby() {
        require(
            !gate.is_revoked(&args.commitment.sha256),
            PortcullisError::ReleaseRevoked,
        )?;
    }
    if args.lane == Lane::Rollback {
        require(
            gate.releases()
                .any(|release| release.commitment() == args.commitment)
                && args.commitment.sha256 != args.base.sha256,
            PortcullisError::NotAnEarlierRelease,
        )?;
    }
    Ok(())
}

/// Fills a new proposal, all but its digest and bump. The change's bytes stand behind it.
#[allow(clippy::too_many_arguments)]
pub fn propose_upgrade(
    parent: &mut Parent,
    proposal: &mut Proposal,
    accounts: &UpgradeAccounts,
    slot_hash: [u8; 32],
    args: UpgradeArgs,
    now: Now,
) -> Outcome<UpgradeProposed> {
    let council = parent.council();
    council.member_with(&accounts.proposer, ROLE_PROPOSE)?;
    require(
        args.epoch == council.config_epoch,
        PortcullisError::EpochMismatch,
    )?;
    let floor = council.delay_floor_seconds;
    let gate = parent.gate_mut()?;
    require(
        gate.state()? == GateState::Active,
        PortcullisError::GateNotActive,
    )?;
    require(args.life == gate.life, PortcullisError::LifeMismatch)?;
    check_base(gate, &args)?;
    check_target(gate, &args)?;
    require(args.commitment.len > 0, PortcullisError::LengthOutOfRange)?;
    require(
        args.commitment.len <= MAX_ELF_LEN,
        PortcullisError::ElfTooLarge,
    )?;
    if let Some(predecessor) = &args.predecessor {
        require(
            !args.lane.is_standby()
                && predecessor.gate != accounts.gate
                // Zeros stand for the release found at an adoption, which no proposal brought.
                && predecessor.digest != [0; 32]
                && predecessor.soak_seconds <= MAX_DURATION_SECONDS,
            PortcullisError::PredecessorInvalid,
        )?;
    }
    let statement = check_common(args.statement.as_ref(), args.not_before, now)?;
    let snapshot = gate.policy.snapshot(args.lane, floor)?;
    let index = parent.next_index()?;
    let voting_ends_at = later(now.timestamp, snapshot.voting_period_seconds)?;
    proposal.terms = Terms {
        parent: accounts.gate,
        buffer: accounts.buffer,
        spill: accounts.spill,
        proposer: accounts.proposer,
        rent_payer: accounts.rent_payer,
        statement,
        sha256: args.commitment.sha256,
        base_sha256: args.base.sha256,
        slot_hash,
        snapshot,
        created_slot: now.slot,
        voting_ends_at,
        not_before: args.not_before,
        len: args.commitment.len,
        base_len: args.base.len,
        base_index: args.base_index,
        index,
        epoch: args.epoch,
        life: args.life,
        action: 0,
        lane: args.lane as u8,
        version: LAYOUT_VERSION,
        reserved: 0,
    };
    proposal.custody = Custody::Held as u8;
    let terms = &proposal.terms;
    Ok(UpgradeProposed {
        parent: terms.parent,
        index,
        proposer: terms.proposer,
        rent_payer: terms.rent_payer,
        buffer: terms.buffer,
        spill: terms.spill,
        commitment: args.commitment,
        base_index: terms.base_index,
        base: args.base,
        statement: args.statement,
        predecessor: args.predecessor,
        lane: terms.lane,
        epoch: terms.epoch,
        life: terms.life,
        not_before: terms.not_before,
        voting_ends_at: terms.voting_ends_at,
        slot: now.slot,
        timestamp: now.timestamp,
    })
}

/// Fills a new proposal with the buffer that an ended one still holds; what was verified there stays verified.
#[allow(clippy::too_many_arguments)]
pub fn repropose_upgrade(
    parent: &mut Parent,
    former: &mut Proposal,
    former_key: &Pubkey,
    proposal: &mut Proposal,
    accounts: &UpgradeAccounts,
    slot_hash: [u8; 32],
    args: UpgradeArgs,
    now: Now,
) -> Outcome<UpgradeReproposed> {
    settle(parent, former, former_key, Step::ReleaseBuffer, now)?;
    let custody = former.custody()?;
    require(custody.is_held(), PortcullisError::BufferReleased)?;
    require(
        accounts.proposer == former.terms.proposer,
        PortcullisError::NotTheProposer,
    )?;
    require(
        args.commitment == former.terms.commitment(),
        PortcullisError::HashMismatch,
    )?;
    let proposed = propose_upgrade(parent, proposal, accounts, slot_hash, args, now)?;
    proposal.custody = custody as u8;
    former.custody = Custody::Carried as u8;
    Ok(UpgradeReproposed {
        former_index: former.terms.index,
        former_ending: former.ending,
        custody: proposal.custody,
        proposed,
    })
}

/// Fills a new proposal, all but its digest and bump. The change's bytes stand behind it.
pub fn propose_change(
    parent: &mut Parent,
    proposal: &mut Proposal,
    accounts: &ChangeAccounts,
    slot_hash: [u8; 32],
    args: ChangeArgs,
    now: Now,
) -> Outcome<ChangeProposed> {
    let council = parent.council();
    require(council.is_sealed(), PortcullisError::CouncilNotSealed)?;
    council.member_with(&accounts.proposer, ROLE_PROPOSE)?;
    require(
        args.epoch == council.config_epoch,
        PortcullisError::EpochMismatch,
    )?;
    if let Some(gate) = parent.gate() {
        require(
            gate.state()? == GateState::Active,
            PortcullisError::GateNotActive,
        )?;
    }
    let life = parent.gate().map_or(0, |gate| gate.life);
    require(args.life == life, PortcullisError::LifeMismatch)?;
    let statement = check_common(args.statement.as_ref(), args.not_before, now)?;
    let snapshot = check_change(parent, &args.change)?;
    let base = match (&args.change, parent.gate()) {
        // Final: the voters saw which release stays for ever.
        (Change::Finalize, Some(gate)) => Some(gate.release),
        _ => None,
    };
    let index = parent.next_index()?;
    let voting_ends_at = later(now.timestamp, snapshot.voting_period_seconds)?;
    proposal.terms = Terms {
        parent: accounts.parent,
        proposer: accounts.proposer,
        rent_payer: accounts.rent_payer,
        statement,
        sha256: match &args.change {
            Change::RevokeRelease { sha256 } => *sha256,
            _ => [0; 32],
        },
        base_sha256: base.map_or([0; 32], |base| base.sha256),
        slot_hash,
        snapshot,
        created_slot: now.slot,
        voting_ends_at,
        not_before: args.not_before,
        base_len: base.map_or(0, |base| base.len),
        base_index: base.map_or(0, |base| base.index),
        index,
        epoch: args.epoch,
        life,
        action: args.change.action() as u8,
        lane: Lane::Standard as u8,
        version: LAYOUT_VERSION,
        ..bytemuck::Zeroable::zeroed()
    };
    let terms = &proposal.terms;
    Ok(ChangeProposed {
        parent: terms.parent,
        index,
        proposer: terms.proposer,
        rent_payer: terms.rent_payer,
        change: args.change,
        base_index: terms.base_index,
        statement: args.statement,
        epoch: terms.epoch,
        life: terms.life,
        not_before: terms.not_before,
        voting_ends_at: terms.voting_ends_at,
        slot: now.slot,
        timestamp: now.timestamp,
    })
}

/// Refuses a change that could not be executed if it were executed now; returns the rules that it is voted under. The same is
/// required again when it is executed.
fn check_change(parent: &Parent, change: &Change) -> Outcome<Snapshot> {
    let council = parent.council();
    let mut snapshot = parent
        .policy()
        .snapshot_of_change(council.delay_floor_seconds);
    match (change, parent.gate()) {
        (Change::Upgrade(_), _) => return Err(PortcullisError::NotAChange),
        (Change::Council(change), None) => {
            let after = change.members_after(council)?;
            council.check_members(&after)?;
            if only_removes_guardians(council.members(), &after) {
                // Guardians cannot veto their own removal; it waits twice as long instead.
                snapshot.veto_threshold = 0;
                snapshot.timelock_seconds = snapshot.timelock_seconds.saturating_mul(2);
            }
        }
        (Change::Council(_), Some(_)) => return Err(PortcullisError::NotOfTheCouncil),
        (Change::Policy(change), None) => {
            council.check_policy(&change.policy, change.delay_floor_seconds)?;
        }
        (Change::Policy(change), Some(_)) => {
            require(
                change.delay_floor_seconds == 0,
                PortcullisError::DelayFloorOfAGate,
            )?;
            let mut council = *council;
            council.admit_voted_policy(&change.policy, snapshot.threshold)?;
        }
        (_, None) => return Err(PortcullisError::NotOfAGate),
        (Change::TransferAuthority { to, .. }, Some(gate)) => {
            require(
                *to != Pubkey::default() && *to != gate.authority,
                PortcullisError::NewAuthorityInvalid,
            )?;
        }
        (Change::MoveGate { council, .. }, Some(gate)) => {
            require(*council != gate.council, PortcullisError::SameCouncil)?;
        }
        (Change::Finalize, Some(_)) => {}
        (Change::RevokeRelease { sha256 }, Some(gate)) => {
            require(gate.knows(sha256), PortcullisError::NotAnEarlierRelease)?;
        }
    }
    Ok(snapshot)
}
