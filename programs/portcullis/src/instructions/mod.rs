//! One file an instruction: its accounts, what checks each, and its handler. The rules are in
//! [`transitions`](crate::transitions).

pub mod abandon_adoption;
pub mod add_members;
pub mod adopt_program;
pub mod approve;
pub mod attest;
pub mod cancel;
pub mod close_attestation;
pub mod close_buffer;
pub mod close_hashing;
pub mod close_proposal;
pub mod create_council;
pub mod execute_change;
pub mod execute_upgrade;
pub mod finalize_program;
pub mod hash_step;
pub mod move_gate;
pub mod propose_change;
pub mod propose_upgrade;
pub mod queue;
pub mod reject;
pub mod relay_vote;
pub mod repropose_upgrade;
pub mod retract;
pub mod return_buffer;
pub mod revoke_attestation;
pub mod seal_council;
pub mod transfer_authority;
pub mod trigger;
pub mod verify_buffer;
pub mod veto;

mod new_proposal;
mod subject;

pub use {
    abandon_adoption::*, add_members::*, adopt_program::*, approve::*, attest::*, cancel::*,
    close_attestation::*, close_buffer::*, close_hashing::*, close_proposal::*, create_council::*,
    execute_change::*, execute_upgrade::*, finalize_program::*, hash_step::*, move_gate::*,
    propose_change::*, propose_upgrade::*, queue::*, reject::*, relay_vote::*,
    repropose_upgrade::*, retract::*, return_buffer::*, revoke_attestation::*, seal_council::*,
    subject::*, transfer_authority::*, trigger::*, verify_buffer::*, veto::*,
};

use anchor_lang::prelude::*;

use crate::lifecycle::Now;

/// Reads the clock; each handler does so once.
pub(crate) fn now() -> Result<Now> {
    let clock = Clock::get()?;
    Ok(Now {
        timestamp: clock.unix_timestamp,
        slot: clock.slot,
    })
}
