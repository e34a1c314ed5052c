//! Building a council.

use anchor_lang::prelude::*;

use super::{require, Outcome};
use crate::{
    constants::{LAYOUT_VERSION, MAX_DURATION_SECONDS},
    error::PortcullisError,
    events::{CouncilCreated, CouncilSealed, MembersAdded},
    lifecycle::Now,
    policy::Policy,
    state::{Council, Member},
};

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
