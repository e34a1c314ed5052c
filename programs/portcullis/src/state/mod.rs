//! The accounts: zero-copy, fixed in size, without padding. Handlers and the client's replay share their methods.

mod council;
mod gate;
mod proposal;

pub use {council::*, gate::*, proposal::*};

use anchor_lang::prelude::*;

use crate::constants::{AUTHORITY_SEED, COUNCIL_SEED, GATE_SEED, PROPOSAL_SEED};

/// The address and bump of a council.
pub fn find_council(portcullis: &Pubkey, create_key: &Pubkey) -> (Pubkey, u8) {
    Pubkey::find_program_address(&[COUNCIL_SEED, create_key.as_ref()], portcullis)
}

/// The address and bump of the gate of a program.
pub fn find_gate(portcullis: &Pubkey, program: &Pubkey) -> (Pubkey, u8) {
    Pubkey::find_program_address(&[GATE_SEED, program.as_ref()], portcullis)
}

/// The address and bump of the signer that is a gated program's upgrade authority, and its buffers' authority.
pub fn find_authority(portcullis: &Pubkey, program: &Pubkey) -> (Pubkey, u8) {
    Pubkey::find_program_address(&[AUTHORITY_SEED, program.as_ref()], portcullis)
}

/// The address and bump of a proposal. `parent`: its gate, or its council.
pub fn find_proposal(portcullis: &Pubkey, parent: &Pubkey, index: u32) -> (Pubkey, u8) {
    Pubkey::find_program_address(
        &[PROPOSAL_SEED, parent.as_ref(), &index.to_le_bytes()],
        portcullis,
    )
}
