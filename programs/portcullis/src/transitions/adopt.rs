//! Taking a program in.

use anchor_lang::prelude::*;

use super::{require, Outcome};
use crate::{
    constants::LAYOUT_VERSION,
    digest::Commitment,
    error::PortcullisError,
    events::{AdoptionAbandoned, AdoptionCompleted, ProgramAdopted},
    lifecycle::Now,
    policy::Policy,
    state::{Council, Gate, GateState, Release, ROLE_PROPOSE},
};

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

/// Fills a new gate, or one that its program had left, and takes it into the council. Where the deployed bytes are too many for
/// the handler to hash them, the gate only begins to adopt.
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
    require(
        gate.state()? == GateState::Exited,
        PortcullisError::GateNotExited,
    )?;
    council.member_with(&accounts.proposer, ROLE_PROPOSE)?;
    council.admit_gate(&args.policy)?;
    let at_once = args.deployed.is_hashed_at_once();

    gate.version = LAYOUT_VERSION;
    gate.bump = accounts.gate_bump;
    gate.authority_bump = accounts.authority_bump;
    gate.state = if at_once {
        GateState::Active as u8
    } else {
        GateState::Adopting as u8
    };
    gate.begin_life()?;
    gate.council = accounts.council;
    gate.program = accounts.program;
    gate.programdata = accounts.programdata;
    gate.authority = accounts.authority;
    gate.former_authority = accounts.former_authority;
    gate.policy = args.policy;
    // Of a gate that was left, releases and intervals go on: neither a rollback's target nor a rate limit is forgotten.
    let revoked = gate.is_revoked(&args.deployed.sha256);
    gate.push_release(Release {
        sha256: args.deployed.sha256,
        len: args.deployed.len,
        slot: now.slot,
        timestamp: now.timestamp,
        life: gate.life,
        revoked: u8::from(revoked),
        ..Release::default()
    })?;
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
        hashed: at_once,
        policy: args.policy,
        slot: now.slot,
        timestamp: now.timestamp,
    })
}

/// Opens a gate whose program's bytes have been hashed in steps.
pub fn complete_adoption(gate: &mut Gate, key: Pubkey, now: Now) -> Outcome<AdoptionCompleted> {
    require(
        gate.state()? == GateState::Adopting,
        PortcullisError::GateNotAdopting,
    )?;
    gate.state = GateState::Active as u8;
    Ok(AdoptionCompleted {
        gate: key,
        life: gate.life,
        deployed: gate.release.commitment(),
        slot: now.slot,
        timestamp: now.timestamp,
    })
}

/// Gives the upgrade authority back before the program's bytes are hashed.
pub fn abandon_adoption(
    council: &mut Council,
    gate: &mut Gate,
    key: Pubkey,
    now: Now,
) -> Outcome<AdoptionAbandoned> {
    require(
        gate.state()? == GateState::Adopting,
        PortcullisError::GateNotAdopting,
    )?;
    gate.state = GateState::Exited as u8;
    gate.begin_life()?;
    // Its bytes were only claimed: nobody shall roll back to what never ran here. Its index stays used.
    gate.release = Release {
        index: gate.release.index,
        ..Release::default()
    };
    council.release_gate()?;
    Ok(AdoptionAbandoned {
        gate: key,
        former_authority: gate.former_authority,
        life: gate.life,
        slot: now.slot,
        timestamp: now.timestamp,
    })
}
