//! Addresses, by the program's own derivations. `portcullis` is the program id of the instance that is meant.

use solana_sdk::pubkey::Pubkey;

pub use portcullis::ID;

/// The address of the council that `create_key` created.
pub fn council(portcullis: &Pubkey, create_key: &Pubkey) -> Pubkey {
    portcullis::state::find_council(portcullis, create_key).0
}

/// The address of the gate of `program`.
pub fn gate(portcullis: &Pubkey, program: &Pubkey) -> Pubkey {
    portcullis::state::find_gate(portcullis, program).0
}

/// The address that signs for the gate of `program`: the program's upgrade authority, and its buffers' authority.
pub fn authority(portcullis: &Pubkey, program: &Pubkey) -> Pubkey {
    portcullis::state::find_authority(portcullis, program).0
}

/// The address of a proposal of `parent`, a gate or a council.
pub fn proposal(portcullis: &Pubkey, parent: &Pubkey, index: u32) -> Pubkey {
    portcullis::state::find_proposal(portcullis, parent, index).0
}

/// The programdata address of a loader-v3 program.
pub fn programdata(program: &Pubkey) -> Pubkey {
    solana_loader_v3_interface::get_program_data_address(program)
}

/// The address of the attestation of a proposal by `attester`.
pub fn attestation(portcullis: &Pubkey, proposal: &Pubkey, attester: &Pubkey) -> Pubkey {
    portcullis::state::find_attestation(portcullis, proposal, attester).0
}

/// The address of the hashing of a proposal's large buffer, or of a gate's large program.
pub fn hashing(portcullis: &Pubkey, target: &Pubkey) -> Pubkey {
    portcullis::state::find_hashing(portcullis, target).0
}
