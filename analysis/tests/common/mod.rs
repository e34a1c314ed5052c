//! Real programs.

use portcullis_localnet::samples;

/// The committed program: sBPF v3.
pub const PORTCULLIS: &[u8] = include_bytes!("../../../artifacts/portcullis.so");
/// A small program: sBPF v3.
pub const FORWARDER: &[u8] = include_bytes!("../../../tests/programs/forwarder.so");

/// Real programs by name.
pub fn programs() -> Vec<(&'static str, Vec<u8>)> {
    vec![
        ("spl_token", samples::spl_token().unwrap()),
        ("p_token", samples::p_token().unwrap()),
        ("token_2022", samples::token_2022().unwrap()),
        ("memo", samples::memo().unwrap()),
        ("portcullis", PORTCULLIS.to_vec()),
        ("forwarder", FORWARDER.to_vec()),
    ]
}
