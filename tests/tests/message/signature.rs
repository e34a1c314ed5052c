//! What the ed25519 program's instruction before a vote proves, and every known way to make it seem to prove more.

use portcullis::{
    error::PortcullisError,
    message::{instruction_data, signed_message},
};
use proptest::prelude::*;
use solana_sdk::instruction::{AccountMeta, Instruction};
use solana_sdk_ids::ed25519_program;

use super::{transaction::*, *};

#[test]
fn the_usual_instruction_is_laid_out_as_everyone_lays_it_out() {
    let bytes = bytes_to_sign();
    let data = signed(&member(), &bytes).data;
    assert_eq!(data[..2], [1, 0]);
    assert_eq!(data[2..16], Offsets::usual(bytes.len()).bytes());
    assert_eq!(data[16..48], member().pubkey().to_bytes());
    assert_eq!(data[48..112], *member().sign_message(&bytes).as_ref());
    assert_eq!(data[112..], bytes);
    let too_long = vec![0; 65_536];
    assert_eq!(
        instruction_data(&COUNCIL, &[0; 64], &too_long),
        Err(PortcullisError::Overflow)
    );
}

#[test]
fn g4_a_signed_message_is_taken_in_both_envelopes() {
    for envelope in [Envelope::Short, Envelope::Full] {
        let bytes = wrapped(envelope, &VOTE);
        let instruction = signed(&member(), &bytes);
        assert!(runtime_takes(std::slice::from_ref(&instruction)));
        let data = sysvar(&[instruction.clone(), relay()], 1);
        let found = signed_message(&data).unwrap();
        assert_eq!(found.signer, member().pubkey().as_array());
        assert_eq!(found.message, bytes);
        assert_eq!(check_one(instruction), Ok(()));
    }
}

#[test]
fn g4_each_vote_takes_the_signed_message_right_before_it() {
    let (good, bytes) = (signed(&member(), &bytes_to_sign()), bytes_to_sign());
    let other = signed(&Keypair::new_from_array([8; 32]), &bytes);
    let all = [other.clone(), relay(), good.clone(), relay(), relay()];
    assert_eq!(check(&all, 3), Ok(()));
    assert_eq!(check(&all, 1), Err(PortcullisError::SignedMessageMismatch));
    assert_eq!(check(&all, 4), Err(PortcullisError::SignedMessageMissing));
    // Accounts of the ed25519 instruction mean nothing.
    let mut with_accounts = good;
    with_accounts.accounts = relay_accounts();
    assert_eq!(check(&[other, with_accounts, relay()], 2), Ok(()));
}

fn relay_accounts() -> Vec<AccountMeta> {
    [PROGRAM, COUNCIL, OTHER]
        .map(|key| AccountMeta::new_readonly(key, false))
        .to_vec()
}

#[test]
fn g4_a_message_that_stands_elsewhere_is_not_looked_for() {
    let good = signed(&member(), &bytes_to_sign());
    let missing = Err(PortcullisError::SignedMessageMissing);
    assert_eq!(check(&[relay()], 0), missing);
    // Behind the vote, and with another instruction between.
    assert_eq!(check(&[relay(), good.clone()], 0), missing);
    assert_eq!(check(&[good.clone(), relay(), relay()], 2), missing);
    // The last two bytes say which one runs, not the last instruction.
    assert_eq!(check(&[good, relay(), relay()], 1), Ok(()));
}

#[test]
fn g4_another_program_with_the_same_data_proves_nothing() {
    for program in [
        portcullis::ID,
        solana_sdk_ids::secp256k1_program::ID,
        solana_sdk_ids::secp256r1_program::ID,
        solana_sdk_ids::system_program::ID,
        // One bit off.
        Pubkey::new_from_array({
            let mut key = ed25519_program::ID.to_bytes();
            key[31] ^= 1;
            key
        }),
    ] {
        let mut instruction = signed(&member(), &bytes_to_sign());
        instruction.program_id = program;
        assert_eq!(
            check_one(instruction),
            Err(PortcullisError::SignedMessageMissing)
        );
    }
}

#[test]
fn g4_no_signature_at_all_is_refused() {
    // The ed25519 program takes a count of zero, without any data behind it.
    refused(
        ed25519(vec![0, 0]),
        PortcullisError::SignedMessageNotCanonical,
    );
    let mut instruction = signed(&member(), &bytes_to_sign());
    instruction.data[0] = 0;
    assert_eq!(
        check_one(instruction),
        Err(PortcullisError::SignedMessageNotCanonical)
    );
}

#[test]
fn g4_of_several_signatures_none_is_taken() {
    let bytes = bytes_to_sign();
    let good = Offsets::usual(bytes.len());
    // Twice the good one, so that the first looks as it should, though all stands 14 bytes further.
    let moved = Offsets {
        signature: (62, SELF),
        key: (30, SELF),
        message: (126, bytes.len() as u16, SELF),
    };
    for offsets in [good, moved] {
        let mut data = vec![2, 0];
        data.extend(offsets.bytes());
        data.extend(moved.bytes());
        data.extend(member().pubkey().to_bytes());
        data.extend(member().sign_message(&bytes).as_ref());
        data.extend(&bytes);
        assert_eq!(
            check_one(ed25519(data)),
            Err(PortcullisError::SignedMessageNotCanonical)
        );
    }
    let mut data = vec![2, 0];
    data.extend([moved.bytes(), moved.bytes()].concat());
    data.extend(member().pubkey().to_bytes());
    data.extend(member().sign_message(&bytes).as_ref());
    data.extend(&bytes);
    refused(ed25519(data), PortcullisError::SignedMessageNotCanonical);
}

#[test]
fn g4_the_padding_byte_must_be_zero() {
    // The ed25519 program does not look at it; with one byte of it free a count of 16 bits could be meant.
    let mut instruction = signed(&member(), &bytes_to_sign());
    instruction.data[1] = 1;
    refused(instruction, PortcullisError::SignedMessageNotCanonical);
}

/// The thief's own key, signature and message, verified by the ed25519 program, and behind the usual places the victim's key
/// and the message that the thief wants to have been signed.
struct Theft {
    offsets: Offsets,
    data: Vec<u8>,
}

fn theft() -> Theft {
    let thief = Keypair::new_from_array([9; 32]);
    let (wanted, real) = (bytes_to_sign(), b"something else".to_vec());
    let mut data = vec![0; 16];
    data.extend(member().pubkey().to_bytes());
    data.extend([0; 64]);
    data.extend(&wanted);
    let key = data.len() as u16;
    data.extend(thief.pubkey().to_bytes());
    data.extend(thief.sign_message(&real).as_ref());
    data.extend(&real);
    Theft {
        offsets: Offsets {
            signature: (key + 32, SELF),
            key: (key, SELF),
            message: (key + 96, real.len() as u16, SELF),
        },
        data,
    }
}

impl Theft {
    fn instruction(mut self, offsets: Offsets) -> Instruction {
        self.data[..2].copy_from_slice(&[1, 0]);
        self.data[2..16].copy_from_slice(&offsets.bytes());
        ed25519(self.data)
    }
}

#[test]
fn g4_offsets_further_back_in_the_same_instruction_are_refused() {
    let theft = theft();
    let offsets = theft.offsets;
    refused(
        theft.instruction(offsets),
        PortcullisError::SignedMessageNotCanonical,
    );
}

#[test]
fn g4_offsets_into_another_instruction_are_refused() {
    // First the thief's own signature, then one whose offsets all point there.
    let thief = Keypair::new_from_array([9; 32]);
    let real = b"something else";
    let own = signed(&thief, real);
    let mut forged = signed(&member(), &bytes_to_sign());
    forged.data[48..112].fill(0);
    let offsets = Offsets {
        signature: (48, 0),
        key: (16, 0),
        message: (112, real.len() as u16, 0),
    };
    forged.data[2..16].copy_from_slice(&offsets.bytes());
    assert!(runtime_takes(&[own.clone(), forged.clone()]));
    assert_eq!(
        check(&[own, forged, relay()], 2),
        Err(PortcullisError::SignedMessageNotCanonical)
    );
}

#[test]
fn g4_each_index_alone_must_be_the_instruction_itself() {
    let bytes = bytes_to_sign();
    let usual = Offsets::usual(bytes.len());
    // An index of zero is this very instruction here, so the ed25519 program takes it; there is one way to say it.
    for index in [0, 1, SELF - 1] {
        let cases = [
            Offsets {
                signature: (48, index),
                ..usual
            },
            Offsets {
                key: (16, index),
                ..usual
            },
            Offsets {
                message: (112, bytes.len() as u16, index),
                ..usual
            },
        ];
        for offsets in cases {
            let instruction = laid_out(&offsets, &member(), &bytes);
            assert_eq!(
                runtime_takes(std::slice::from_ref(&instruction)),
                index == 0
            );
            assert_eq!(
                check_one(instruction),
                Err(PortcullisError::SignedMessageNotCanonical)
            );
        }
    }
}

#[test]
fn g4_a_key_elsewhere_than_the_one_that_is_read_is_refused() {
    // The thief signed the member's message; the member's key stands where it is usually read.
    let thief = Keypair::new_from_array([9; 32]);
    let bytes = bytes_to_sign();
    let mut instruction = signed(&thief, &bytes);
    let end = instruction.data.len() as u16;
    instruction.data[16..48].copy_from_slice(member().pubkey().as_ref());
    instruction.data.extend(thief.pubkey().to_bytes());
    let offsets = Offsets {
        key: (end, SELF),
        ..Offsets::usual(bytes.len())
    };
    instruction.data[2..16].copy_from_slice(&offsets.bytes());
    refused(instruction, PortcullisError::SignedMessageNotCanonical);
}

#[test]
fn g4_a_signature_elsewhere_is_refused() {
    let bytes = bytes_to_sign();
    let mut instruction = signed(&member(), &bytes);
    let end = instruction.data.len() as u16;
    let signature = instruction.data[48..112].to_vec();
    instruction.data[48..112].fill(0);
    instruction.data.extend(signature);
    let offsets = Offsets {
        signature: (end, SELF),
        ..Offsets::usual(bytes.len())
    };
    instruction.data[2..16].copy_from_slice(&offsets.bytes());
    refused(instruction, PortcullisError::SignedMessageNotCanonical);
}

#[test]
fn g4_a_message_elsewhere_than_the_one_that_is_read_is_refused() {
    // The member signed something harmless; what the thief wants stands where it is usually read.
    let (wanted, harmless) = (bytes_to_sign(), b"hello".to_vec());
    let mut instruction = signed(&member(), &harmless);
    instruction.data.truncate(112);
    instruction.data.extend(&wanted);
    let end = instruction.data.len() as u16;
    instruction.data.extend(&harmless);
    let offsets = Offsets {
        message: (end, harmless.len() as u16, SELF),
        ..Offsets::usual(wanted.len())
    };
    instruction.data[2..16].copy_from_slice(&offsets.bytes());
    refused(instruction, PortcullisError::SignedMessageNotCanonical);
}

#[test]
fn g4_a_message_that_overlaps_the_header_is_refused() {
    // The message that is signed begins at the offsets, the key or the signature itself.
    for start in [0, 2, 16] {
        let bytes = bytes_to_sign();
        let mut instruction = signed(&member(), &bytes);
        let len = 48 - start;
        let offsets = Offsets {
            message: (start, len, SELF),
            ..Offsets::usual(bytes.len())
        };
        instruction.data[2..16].copy_from_slice(&offsets.bytes());
        let message = instruction.data[usize::from(start)..48].to_vec();
        instruction.data[48..112].copy_from_slice(member().sign_message(&message).as_ref());
        refused(instruction, PortcullisError::SignedMessageNotCanonical);
    }
}

#[test]
fn g4_a_signed_prefix_of_the_message_is_refused() {
    // Only a part is signed; the rest stands behind it.
    let bytes = bytes_to_sign();
    for len in [0, 1, 85, bytes.len() - 1] {
        let mut instruction = signed(&member(), &bytes[..len]);
        instruction.data.extend(&bytes[len..]);
        refused(instruction, PortcullisError::SignedMessageNotCanonical);
        // Nor does the part alone do.
        refused(
            signed(&member(), &bytes[..len]),
            PortcullisError::SignedMessageMismatch,
        );
    }
}

#[test]
fn g4_bytes_behind_the_message_are_refused() {
    let mut instruction = signed(&member(), &bytes_to_sign());
    instruction.data.push(0);
    refused(instruction, PortcullisError::SignedMessageNotCanonical);
    let longer = [&bytes_to_sign()[..], b" "].concat();
    refused(
        signed(&member(), &longer),
        PortcullisError::SignedMessageMismatch,
    );
}

#[test]
fn g4_data_that_is_cut_short_is_refused() {
    let instruction = signed(&member(), &bytes_to_sign());
    for len in 0..instruction.data.len() {
        let cut = ed25519(instruction.data[..len].to_vec());
        assert_eq!(
            check_one(cut),
            Err(PortcullisError::SignedMessageNotCanonical),
            "{len}"
        );
    }
}

#[test]
fn g4_any_other_byte_in_the_offsets_is_refused() {
    let good = signed(&member(), &bytes_to_sign());
    for position in 0..16 {
        for bit in 0..8 {
            let mut instruction = good.clone();
            instruction.data[position] ^= 1 << bit;
            assert_eq!(
                check_one(instruction),
                Err(PortcullisError::SignedMessageNotCanonical),
                "{position} {bit}"
            );
        }
    }
}

#[test]
fn g4_a_bad_signature_fails_before_the_vote() {
    let mut instruction = signed(&member(), &bytes_to_sign());
    instruction.data[48] ^= 1;
    assert!(!runtime_takes(&[instruction]));
}

#[test]
fn g4_a_sysvar_that_lies_about_its_instructions_is_not_read() {
    let bytes = sysvar(&[signed(&member(), &bytes_to_sign()), relay()], 1);
    let with = |position: usize, value: u16| {
        let mut bytes = bytes.clone();
        bytes[position..position + 2].copy_from_slice(&value.to_le_bytes());
        signed_message(&bytes).map(|_| ())
    };
    let invalid = Err(PortcullisError::InstructionsSysvarInvalid);
    assert!(signed_message(&bytes).is_ok());
    // A current index at or beyond the count.
    let end = bytes.len() - 2;
    assert_eq!(with(end, 2), invalid);
    assert_eq!(with(end, u16::MAX), invalid);
    // The count; the instruction's offset, its number of accounts, the length of its data.
    assert_eq!(with(0, 1), invalid);
    assert_eq!(with(2, u16::MAX), invalid);
    assert_eq!(with(6, u16::MAX), invalid);
    assert_eq!(with(6 + 2 + 32, u16::MAX), invalid);
    for short in [&[][..], &[1], &[0, 0], &[2, 0, 1, 0]] {
        assert_eq!(signed_message(short).map(|_| ()), invalid, "{short:?}");
    }
}

proptest! {
    #[test]
    fn any_bytes_are_an_error_and_no_panic(bytes in proptest::collection::vec(any::<u8>(), 0..300)) {
        prop_assert!(signed_message(&bytes).is_err());
        prop_assert!(check_one(ed25519(bytes)).is_err());
    }
}
