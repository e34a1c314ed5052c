//! A good signature over something else than the vote proves nothing.

use portcullis::error::PortcullisError;

use super::{transaction::*, *};

#[test]
fn g4_another_signer_is_refused() {
    let other = Keypair::new_from_array([8; 32]);
    refused(
        signed(&other, &bytes_to_sign()),
        PortcullisError::SignedMessageMismatch,
    );
    // Nor does a message that names the member as its signer but is signed by another, or the other way round.
    let bytes = Envelope::Full
        .wrap(&portcullis::ID, &other.pubkey(), &VOTE.text().unwrap())
        .unwrap();
    refused(
        signed(&member(), &bytes),
        PortcullisError::SignedMessageMismatch,
    );
}

#[test]
fn g4_another_vote_of_the_same_member_is_refused() {
    for (vote, text) in vectors().iter().skip(1) {
        for envelope in [Envelope::Short, Envelope::Full] {
            assert_eq!(
                check_one(signed(&member(), &wrapped(envelope, vote))),
                Err(PortcullisError::SignedMessageMismatch),
                "{text}"
            );
        }
    }
}

#[test]
fn g4_other_envelopes_are_refused() {
    let text = VOTE.text().unwrap();
    let signer = member().pubkey();
    let short = wrapped(Envelope::Short, &VOTE);
    let full = wrapped(Envelope::Full, &VOTE);
    let with = |bytes: &[u8], position: usize, byte: u8| {
        let mut bytes = bytes.to_vec();
        bytes[position] = byte;
        bytes
    };
    let len = (text.len() as u16).to_le_bytes();
    let two_signers = [
        &full[..0x32],
        &[2],
        signer.as_ref(),
        OTHER.as_ref(),
        &len,
        &text,
    ]
    .concat();
    let cases: [(&str, Vec<u8>); 13] = [
        ("no envelope", text.clone()),
        ("the domain alone", [&short[..16], &text].concat()),
        ("a transaction's first byte", with(&short, 0, 1)),
        ("version 1", with(&short, 16, 1)),
        ("UTF-8", with(&short, 17, 1)),
        ("another length", with(&short, 18, len[0] ^ 1)),
        ("version 1", with(&full, 16, 1)),
        ("UTF-8", with(&full, 0x31, 1)),
        ("another count of signers", with(&full, 0x32, 0)),
        ("two signers", two_signers),
        ("another length", with(&full, 0x54, len[1] ^ 1)),
        (
            "another application",
            Envelope::Full.wrap(&OTHER, &signer, &text).unwrap(),
        ),
        (
            "no application",
            Envelope::Full
                .wrap(&Pubkey::default(), &signer, &text)
                .unwrap(),
        ),
    ];
    for (case, bytes) in cases {
        assert_eq!(
            check_one(signed(&member(), &bytes)),
            Err(PortcullisError::SignedMessageMismatch),
            "{case}"
        );
    }
    // An envelope within an envelope.
    for inner in [&short, &full] {
        for envelope in [Envelope::Short, Envelope::Full] {
            let bytes = envelope.wrap(&portcullis::ID, &signer, inner).unwrap();
            assert_eq!(
                check_one(signed(&member(), &bytes)),
                Err(PortcullisError::SignedMessageMismatch)
            );
        }
    }
}

#[test]
fn g4_any_other_byte_of_the_message_is_refused() {
    let bytes = bytes_to_sign();
    for position in 0..bytes.len() {
        let mut bytes = bytes.clone();
        bytes[position] ^= 0x20;
        assert_eq!(
            check_one(signed(&member(), &bytes)),
            Err(PortcullisError::SignedMessageMismatch),
            "{position}"
        );
    }
}
