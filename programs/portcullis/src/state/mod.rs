//! The accounts: zero-copy, fixed in size, without padding. Handlers and the client's replay share their methods.

mod attestation;
mod council;
mod gate;
mod hashing;
mod parent;
mod proposal;

pub use {attestation::*, council::*, gate::*, hashing::*, parent::*, proposal::*};

use anchor_lang::prelude::*;

use crate::constants::{
    ATTESTATION_SEED, AUTHORITY_SEED, COUNCIL_SEED, GATE_SEED, HASHING_SEED, PROPOSAL_SEED,
};

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

/// The address and bump of an attestation.
pub fn find_attestation(portcullis: &Pubkey, proposal: &Pubkey, attester: &Pubkey) -> (Pubkey, u8) {
    Pubkey::find_program_address(
        &[ATTESTATION_SEED, proposal.as_ref(), attester.as_ref()],
        portcullis,
    )
}

/// The address and bump of the hashing of a large buffer or program. `target`: the proposal, or the gate.
pub fn find_hashing(portcullis: &Pubkey, target: &Pubkey) -> (Pubkey, u8) {
    Pubkey::find_program_address(&[HASHING_SEED, target.as_ref()], portcullis)
}
