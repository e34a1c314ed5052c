//! Where a transaction carries a signed message: the ed25519 program's instruction, seen through the instructions sysvar.

use anchor_lang::prelude::*;
use solana_sdk_ids::ed25519_program;

use super::Outcome;
use crate::{error::PortcullisError, sysvar::instruction};

/// What the ed25519 program has verified.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Signed<'a> {
    pub signer: &'a [u8; 32],
    pub message: &'a [u8],
}

/// Bytes of an ed25519 instruction before its message: count, padding and offsets, the key, the signature.
const BEFORE_MESSAGE: usize = 16 + 32 + 64;

/// What was signed in the ed25519 instruction that stands immediately before the current top-level instruction. `sysvar` is
/// the data of the instructions sysvar, whose address the caller has checked.
///
/// The ed25519 program takes key, signature and message from wherever the offsets point, in whatever instruction of the
/// transaction (agave-precompiles 4.2, `ed25519::verify`). So only one layout is taken, the one that
/// `new_ed25519_instruction_with_signature` (solana-ed25519-program 3.0) and `@solana/web3.js` write: one signature, and
/// key, signature and message in this order in the instruction's own data, nothing between or behind. That the signature is
/// good the runtime has made sure: otherwise the transaction would have failed before.
///
/// # Errors
/// `InstructionsSysvarInvalid` where the data is not laid out as solana-instructions-sysvar 3 says,
/// `SignedMessageMissing` where another program's instruction or none stands there, `SignedMessageNotCanonical`.
pub fn signed_message(sysvar: &[u8]) -> Outcome<Signed<'_>> {
    let (count, current) = sysvar
        .first_chunk()
        .zip(sysvar.last_chunk())
        .ok_or(PortcullisError::InstructionsSysvarInvalid)?;
    let current = u16::from_le_bytes(*current);
    if current >= u16::from_le_bytes(*count) {
        return Err(PortcullisError::InstructionsSysvarInvalid);
    }
    let before = current
        .checked_sub(1)
        .ok_or(PortcullisError::SignedMessageMissing)?;
    let (program, data) =
        instruction(sysvar, before).ok_or(PortcullisError::InstructionsSysvarInvalid)?;
    if program != ed25519_program::ID.as_array() {
        return Err(PortcullisError::SignedMessageMissing);
    }
    canonical(data).ok_or(PortcullisError::SignedMessageNotCanonical)
}

/// Takes an ed25519 instruction's data apart. `None` unless it has the one layout.
fn canonical(data: &[u8]) -> Option<Signed<'_>> {
    let size = u16::try_from(data.len().checked_sub(BEFORE_MESSAGE)?).ok()?;
    let (found, rest) = data.split_first_chunk()?;
    if *found != offsets(size) {
        return None;
    }
    let (signer, rest) = rest.split_first_chunk()?;
    let (_signature, message) = rest.split_first_chunk::<64>()?;
    Some(Signed { signer, message })
}

/// What an ed25519 instruction's data begins with: the count, a padding byte that the ed25519 program does not look at, and
/// an `Ed25519SignatureOffsets`. An index of `u16::MAX` means the instruction itself.
const fn offsets(message_len: u16) -> [u8; 16] {
    let [low, high] = message_len.to_le_bytes();
    [
        1, 0, // one signature
        48, 0, 0xff, 0xff, // the signature: offset, instruction
        16, 0, 0xff, 0xff, // the key: offset, instruction
        112, 0, low, high, 0xff, 0xff, // the message: offset, size, instruction
    ]
}

/// The data of the ed25519 program's instruction that relays a signed message; it has no accounts. For clients.
///
/// # Errors
/// `Overflow` on a message above 65,535 bytes.
pub fn instruction_data(signer: &Pubkey, signature: &[u8; 64], message: &[u8]) -> Outcome<Vec<u8>> {
    let len = u16::try_from(message.len()).map_err(|_| PortcullisError::Overflow)?;
    Ok([&offsets(len)[..], signer.as_ref(), signature, message].concat())
}
