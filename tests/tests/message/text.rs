//! The text of a vote, the envelope around it, and the document that shows both.

use portcullis::{
    change::{Change, CouncilChange, PolicyChange, Predecessor},
    error::PortcullisError,
    message::{utc, Claim, Effect, Envelope, Subject, Verb, Vote},
    policy::Policy,
};
use proptest::prelude::*;
use solana_sdk::{offchain_message::OffchainMessage, pubkey::Pubkey, signature::Signer};
use solana_sha256_hasher::hash;

use super::*;

fn text(vote: &Vote) -> String {
    String::from_utf8(vote.text().unwrap()).unwrap()
}

#[test]
fn g4_the_texts_byte_for_byte() {
    for (vote, expected) in vectors() {
        assert_eq!(text(&vote), expected);
        assert!(expected.bytes().all(|byte| (0x20..=0x7e).contains(&byte)));
    }
    for (word, sha256) in [("code", CODE), ("digest", DIGEST), ("statement", STATEMENT)] {
        assert_eq!(hash(word.as_bytes()).to_bytes(), bytes(sha256));
    }
}

#[test]
fn g4_votes_that_differ_have_texts_that_differ() {
    const ELSE: &[u8; 32] = &[0x44; 32];
    let mut votes: Vec<Vote> = vectors().into_iter().map(|(vote, _)| vote).collect();
    votes.extend([
        Vote {
            digest: ELSE,
            ..VOTE
        },
        Vote {
            valid_until: VALID_UNTIL + 1,
            ..VOTE
        },
        Vote {
            subject: Subject::Program(&OTHER),
            ..VOTE
        },
        Vote {
            effect: Effect::Upgrade { sha256: ELSE },
            ..VOTE
        },
    ]);
    let claims = (1..8).map(|kind| Claim { kind, ..CLAIM }).chain([
        Claim {
            statement: ELSE,
            ..CLAIM
        },
        Claim {
            expires_at: VALID_UNTIL,
            ..CLAIM
        },
        Claim {
            uri: "ipfs://a",
            ..CLAIM
        },
        // It looks like what follows, but without the space that ends every field.
        Claim {
            uri: "ipfs://a,",
            ..CLAIM
        },
    ]);
    votes.extend(claims.map(|claim| Vote {
        verb: Verb::Attest(claim),
        ..VOTE
    }));
    let mut texts: Vec<String> = votes.iter().map(text).collect();
    let count = texts.len();
    texts.sort();
    texts.dedup();
    assert_eq!(texts.len(), count);
}

#[test]
fn g4_the_effect_is_that_of_the_details() {
    let (sha256, to, council) = (&[1; 32], OTHER, COUNCIL);
    let revoked = [2; 32];
    let predecessor = Predecessor {
        gate: OTHER,
        digest: [3; 32],
        soak_seconds: 1,
    };
    let policy = PolicyChange {
        policy: Policy::default(),
        delay_floor_seconds: 0,
    };
    let cases = [
        (None, Effect::Upgrade { sha256 }),
        (
            Some(Change::Upgrade(predecessor)),
            Effect::Upgrade { sha256 },
        ),
        (
            Some(Change::Council(CouncilChange::default())),
            Effect::ChangeCouncil,
        ),
        (Some(Change::Policy(policy)), Effect::ChangePolicy),
        (Some(Change::Finalize), Effect::Finalize),
        (
            Some(Change::TransferAuthority { to, checked: true }),
            Effect::TransferAuthority {
                to: &to,
                checked: true,
            },
        ),
        (
            Some(Change::TransferAuthority { to, checked: false }),
            Effect::TransferAuthority {
                to: &to,
                checked: false,
            },
        ),
        (
            Some(Change::MoveGate { council, epoch: 1 }),
            Effect::MoveGate { council: &council },
        ),
        (
            Some(Change::RevokeRelease { sha256: revoked }),
            Effect::RevokeRelease { sha256: &revoked },
        ),
    ];
    for (change, effect) in cases {
        assert_eq!(Effect::of(sha256, change.as_ref()), effect);
    }
}

#[test]
fn g4_a_uri_that_could_hide_the_rest_makes_no_text() {
    for uri in ["a b", "a\nb", "\u{1b}[2K", "\u{fc}", "a\u{7f}"] {
        let vote = Vote {
            verb: Verb::Attest(Claim { uri, ..CLAIM }),
            ..VOTE
        };
        assert_eq!(
            vote.text(),
            Err(PortcullisError::UriNotPrintable),
            "{uri:?}"
        );
    }
}

#[test]
fn an_unknown_kind_of_attestation_makes_no_text() {
    for kind in [8, u8::MAX] {
        let vote = Vote {
            verb: Verb::Attest(Claim { kind, ..CLAIM }),
            ..VOTE
        };
        assert_eq!(vote.text(), Err(PortcullisError::Overflow));
    }
}

#[test]
fn times_are_readable_from_1970_to_9999() {
    let show = |timestamp| utc(timestamp).map(|text| String::from_utf8(text.to_vec()).unwrap());
    for (timestamp, expected) in [
        (0, "1970-01-01 00:00:00 UTC"),
        (951_782_399, "2000-02-28 23:59:59 UTC"),
        (951_782_400, "2000-02-29 00:00:00 UTC"),
        (VALID_UNTIL, "2026-11-21 10:00:00 UTC"),
        (4_107_542_399, "2100-02-28 23:59:59 UTC"),
        (4_107_542_400, "2100-03-01 00:00:00 UTC"),
        (253_402_300_799, "9999-12-31 23:59:59 UTC"),
    ] {
        assert_eq!(show(timestamp).as_deref(), Some(expected));
    }
    for timestamp in [-1, i64::MIN, 253_402_300_800, 1 << 40, 1 << 60, i64::MAX] {
        assert_eq!(utc(timestamp), None, "{timestamp}");
        let valid_until = Vote {
            valid_until: timestamp,
            ..VOTE
        };
        let expires_at = Vote {
            verb: Verb::Attest(Claim {
                expires_at: timestamp,
                ..CLAIM
            }),
            ..VOTE
        };
        assert_eq!(valid_until.text(), Err(PortcullisError::Overflow));
        assert_eq!(expires_at.text(), Err(PortcullisError::Overflow));
    }
}

#[test]
fn every_day_of_the_calendar_has_its_date() {
    let mut day = 0_i64;
    for year in 1970..=9999 {
        let leap = year % 4 == 0 && (year % 100 != 0 || year % 400 == 0);
        let february = if leap { 29 } else { 28 };
        let lengths = [31, february, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31];
        for (month, length) in (1..).zip(lengths) {
            // The first and the last of each month, and all days of some years.
            for date in 1..=length {
                if date == 1 || date == length || year % 50 == 20 {
                    let expected = format!("{year:04}-{month:02}-{date:02} 12:34:56 UTC");
                    let noon = day * 86_400 + 12 * 3_600 + 34 * 60 + 56;
                    assert_eq!(utc(noon).unwrap(), *expected.as_bytes());
                }
                day += 1;
            }
        }
    }
}

proptest! {
    #[test]
    fn keys_and_hashes_are_written_as_everyone_writes_them(
        mut key: [u8; 32], zeros in 0..33_usize, digest: [u8; 32],
    ) {
        // Leading zeros are base58's special case.
        key[..zeros].fill(0);
        let key = Pubkey::new_from_array(key);
        let vote = Vote {
            subject: Subject::Program(&key),
            digest: &digest,
            ..VOTE
        };
        let expected = vectors()[0]
            .1
            .replace(&PROGRAM.to_string(), &key.to_string())
            .replace(DIGEST, &hex(&digest));
        prop_assert_eq!(text(&vote), expected);
    }
}

#[test]
fn the_largest_and_the_smallest_keys_are_written_too() {
    for key in [[0xff; 32], [0; 32], [0x80; 32]].map(Pubkey::new_from_array) {
        let vote = Vote {
            subject: Subject::Program(&key),
            ..VOTE
        };
        assert!(text(&vote).contains(&format!(" program {key}, ")));
    }
}

#[test]
fn the_short_envelope_is_the_one_of_solana_sign_offchain_message() {
    let text = VOTE.text().unwrap();
    let bytes = wrapped(Envelope::Short, &VOTE);
    let message = OffchainMessage::new(0, &text).unwrap();
    assert_eq!(bytes, message.serialize().unwrap());
    assert_eq!(bytes.len(), text.len() + Envelope::SHORT_LEN);
}

#[test]
fn the_full_envelope_is_the_specified_one() {
    let text = VOTE.text().unwrap();
    let bytes = wrapped(Envelope::Full, &VOTE);
    // The offsets of docs.anza.xyz/proposals/off-chain-message-signing, one signer.
    assert_eq!(&bytes[..0x10], b"\xffsolana offchain");
    assert_eq!(bytes[0x10], 0);
    assert_eq!(bytes[0x11..0x31], portcullis::ID.to_bytes());
    assert_eq!(bytes[0x31], 0);
    assert_eq!(bytes[0x32], 1);
    assert_eq!(bytes[0x33..0x53], member().pubkey().to_bytes());
    assert_eq!(bytes[0x53..0x55], (text.len() as u16).to_le_bytes());
    assert_eq!(bytes[0x55..], text);
    assert_eq!(bytes.len(), text.len() + Envelope::FULL_LEN);
}

#[test]
fn a_text_that_is_too_long_has_no_envelope() {
    for envelope in [Envelope::Short, Envelope::Full] {
        let wrap = |len| envelope.wrap(&portcullis::ID, &COUNCIL, &vec![b'a'; len]);
        assert!(wrap(65_535).is_ok());
        assert_eq!(wrap(65_536), Err(PortcullisError::Overflow));
    }
}

/// solana-remote-wallet 4.2 sends a Ledger 1,215 bytes at most.
#[test]
fn a_ledger_shows_any_text_in_clear() {
    let uri = "u".repeat(portcullis::constants::MAX_URI_LEN);
    let longest = Vote {
        verb: Verb::Attest(Claim {
            kind: 7,
            uri: &uri,
            ..CLAIM
        }),
        lane: Lane::SafeMode,
        ..VOTE
    };
    let len = wrapped(Envelope::Full, &longest).len();
    assert!(len <= 1_215, "{len}");
}

/// The vectors as `docs/signed-messages.md` prints them.
fn document() -> Vec<String> {
    let envelopes = [(Envelope::Short, "short"), (Envelope::Full, "full")];
    let mut parts = vec![];
    for (vote, text) in vectors() {
        let signatures = envelopes.map(|(envelope, name)| {
            let signature = member().sign_message(&wrapped(envelope, &vote));
            format!("- {name}: `{signature}`\n")
        });
        parts.push(format!("```text\n{text}\n```\n{}", signatures.concat()));
    }
    for (envelope, name) in envelopes {
        let bytes = wrapped(envelope, &VOTE);
        let lines: Vec<String> = bytes.chunks(32).map(hex).collect();
        parts.push(format!("{name}:\n```text\n{}\n```\n", lines.join("\n")));
    }
    parts
}

#[test]
fn the_document_has_these_vectors() {
    let written = include_str!("../../../docs/signed-messages.md");
    let parts = document();
    assert!(written.contains(&member().pubkey().to_string()));
    for part in &parts {
        assert!(
            written.contains(part),
            "it should say:\n{}",
            parts.join("\n")
        );
    }
}
