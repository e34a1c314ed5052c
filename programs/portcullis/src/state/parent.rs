//! What a proposal is about: a gate, or the council itself.

use anchor_lang::prelude::*;

use crate::{
    error::PortcullisError,
    lifecycle::{Lane, Now},
    policy::Policy,
    record::Log,
    state::{Council, Gate, PendingSlot},
};

/// The account that a proposal would change, with the council that decides. A gate's council is only read, so that
/// proposals of several gates can be voted in parallel.
pub enum Parent<'a> {
    Gate {
        council: &'a Council,
        gate: &'a mut Gate,
    },
    Council(&'a mut Council),
}

impl Parent<'_> {
    /// The council that decides.
    pub fn council(&self) -> &Council {
        match self {
            Parent::Gate { council, .. } => council,
            Parent::Council(council) => council,
        }
    }

    /// The gate, if it is one.
    pub fn gate(&self) -> Option<&Gate> {
        match self {
            Parent::Gate { gate, .. } => Some(gate),
            Parent::Council(_) => None,
        }
    }

    /// The gate, to be changed.
    ///
    /// # Errors
    /// `NotOfAGate` where the proposal is about the council itself.
    pub fn gate_mut(&mut self) -> core::result::Result<&mut Gate, PortcullisError> {
        match self {
            Parent::Gate { gate, .. } => Ok(gate),
            Parent::Council(_) => Err(PortcullisError::NotOfAGate),
        }
    }

    /// The rules as they are now.
    pub fn policy(&self) -> &Policy {
        match self {
            Parent::Gate { gate, .. } => &gate.policy,
            Parent::Council(council) => &council.policy,
        }
    }

    /// The log chain that proposals about it are recorded in.
    pub fn log(&mut self) -> &mut Log {
        match self {
            Parent::Gate { gate, .. } => &mut gate.log,
            Parent::Council(council) => &mut council.log,
        }
    }

    /// Proposals made so far, the next one's index.
    pub fn proposal_count(&self) -> u32 {
        match self {
            Parent::Gate { gate, .. } => gate.proposal_count,
            Parent::Council(council) => council.proposal_count,
        }
    }

    /// Numbers the next proposal.
    ///
    /// # Errors
    /// `Overflow` after 2^32 proposals.
    pub fn next_index(&mut self) -> core::result::Result<u32, PortcullisError> {
        let count = match self {
            Parent::Gate { gate, .. } => &mut gate.proposal_count,
            Parent::Council(council) => &mut council.proposal_count,
        };
        let index = *count;
        *count = index.checked_add(1).ok_or(PortcullisError::Overflow)?;
        Ok(index)
    }

    /// Takes a free or dead slot of the lane; `false` where all are live.
    pub fn take_slot(&mut self, lane: Lane, slot: PendingSlot, now: Now) -> bool {
        match self {
            Parent::Gate { gate, .. } => gate.take_slot(lane, slot, now),
            Parent::Council(council) => {
                let free = !council.pending.is_live(slot.epoch, 0, 0, now);
                if free {
                    council.pending = slot;
                }
                free
            }
        }
    }

    /// Frees the slot that `proposal` has taken, if it has; no other.
    pub fn clear_slot(&mut self, proposal: &Pubkey) {
        match self {
            Parent::Gate { gate, .. } => gate.clear_slot(proposal),
            Parent::Council(council) => {
                if council.pending.proposal == *proposal {
                    council.pending = PendingSlot::default();
                }
            }
        }
    }
}
