//! One file an instruction: its accounts, what checks each, and its handler. The rules are in
//! [`transitions`](crate::transitions).

pub mod add_members;
pub mod adopt_program;
pub mod approve;
pub mod cancel;
pub mod close_buffer;
pub mod close_proposal;
pub mod create_council;
pub mod execute_upgrade;
pub mod propose_upgrade;
pub mod queue;
pub mod reject;
pub mod retract;
pub mod return_buffer;
pub mod seal_council;
pub mod verify_buffer;
pub mod veto;

mod subject;

pub use {
    add_members::*, adopt_program::*, approve::*, cancel::*, close_buffer::*, close_proposal::*,
    create_council::*, execute_upgrade::*, propose_upgrade::*, queue::*, reject::*, retract::*,
    return_buffer::*, seal_council::*, subject::*, verify_buffer::*, veto::*,
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
