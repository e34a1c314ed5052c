//! What a Ledger is sent for a vote, that it takes it, and what it shows: the whole text in clear, without blind signing.

use portcullis::message::Envelope;
use proptest::prelude::*;
use solana_sdk::{pubkey::Pubkey, signature::Signer};

use super::{
    device::{
        commands, shown_hash, App, Ledger, INVALID_FORMAT, INVALID_HEADER, INVALID_MESSAGE,
        INVALID_SIZE, NOT_SUPPORTED, PATH,
    },
    *,
};

/// As it comes from the factory: no blind signing, no expert mode.
fn ledger(app: App) -> Ledger {
    Ledger {
        app,
        key: member().pubkey(),
        blind_signing: false,
        expert: false,
    }
}

/// The header that each app takes.
const PAIRS: [(App, Envelope); 2] = [(App::Old, Envelope::Short), (App::New, Envelope::Full)];

fn sent(envelope: Envelope, vote: &Vote) -> Vec<Vec<u8>> {
    commands(&PATH, &wrapped(envelope, vote)).unwrap()
}

#[test]
fn g4_every_vote_is_shown_in_clear_and_whole() {
    for (vote, text) in vectors() {
        for (app, envelope) in PAIRS {
            let screens = ledger(app).review(&sent(envelope, &vote)).unwrap();
            let message = ("Message".to_string(), text.clone());
            assert_eq!(screens.last(), Some(&message), "{app:?}");
            // An older app shows one more screen before it, a newer one nothing else.
            let before: Vec<&str> = screens.iter().map(|(title, _)| title.as_str()).collect();
            match app {
                App::Old => assert_eq!(before, ["Sign", "Message"]),
                App::New => assert_eq!(before, ["Message"]),
            }
        }
    }
}

/// The bytes on the wire, and the screens: what `docs/signed-messages.md` tells of.
#[test]
fn what_a_ledger_is_sent_and_shows() {
    let mut shown = String::new();
    for (vote, text) in vectors() {
        shown.push_str(&format!("{text}\n"));
        for command in sent(Envelope::Full, &vote) {
            shown.push_str(&format!("  > {}\n", hex(&command)));
        }
    }
    shown.push_str("\nThe first, by app, envelope and mode:\n");
    for (app, envelope) in PAIRS {
        for expert in [false, true] {
            let ledger = Ledger {
                expert,
                ..ledger(app)
            };
            shown.push_str(&format!("{app:?}, {envelope:?}, expert mode {expert}\n"));
            for (title, text) in ledger.review(&sent(envelope, &VOTE)).unwrap() {
                shown.push_str(&format!("  {title}: {text}\n"));
            }
        }
    }
    insta::assert_snapshot!(shown);
}

#[test]
fn an_expert_sees_portcullis_as_the_application_and_the_text_s_hash() {
    let expert = Ledger {
        expert: true,
        ..ledger(App::New)
    };
    let screens = expert.review(&sent(Envelope::Full, &VOTE)).unwrap();
    let of = |title: &str| {
        let screen = screens.iter().find(|(found, _)| found == title);
        screen.unwrap().1.clone()
    };
    assert_eq!(of("Application"), portcullis::ID.to_string());
    assert_eq!(of("Signer"), member().pubkey().to_string());
    let text = VOTE.text().unwrap();
    assert_eq!(of("Hash"), shown_hash(&text).to_string());
    assert_eq!(of("Size"), text.len().to_string());
}

/// Some apps show what stands behind the length of a header with one signer, however many there are
/// (`OFFCHAIN_MESSAGE_HEADER_LENGTH` 85 in `src/ui/sign_message_bagl.c`).
#[test]
fn the_text_stands_where_every_app_looks_for_it() {
    for (envelope, at) in [(Envelope::Short, 20), (Envelope::Full, 85)] {
        let message = wrapped(envelope, &VOTE);
        assert_eq!(message[at..], VOTE.text().unwrap());
    }
}

#[test]
fn the_longest_vote_fits_the_wire_and_the_device() {
    let uri = "u".repeat(portcullis::constants::MAX_URI_LEN);
    let longest = Vote {
        verb: Verb::Attest(Claim {
            kind: 7,
            uri: &uri,
            ..CLAIM
        }),
        lane: Lane::SafeMode,
        effect: Effect::TransferAuthority {
            to: &OTHER,
            checked: false,
        },
        ..VOTE
    };
    for (app, envelope) in PAIRS {
        // The longest path too.
        let path = [PATH.as_slice(), &[PATH[0], PATH[0]]].concat();
        let sent = commands(&path, &wrapped(envelope, &longest)).unwrap();
        assert!(sent.iter().all(|command| command.len() <= 5 + 255));
        assert!(ledger(app).review(&sent).is_ok());
    }
}

#[test]
fn g4_the_other_header_and_the_header_of_another_key_are_refused() {
    for (app, envelope) in [(App::Old, Envelope::Full), (App::New, Envelope::Short)] {
        let refused = ledger(app).review(&sent(envelope, &VOTE));
        assert_eq!(refused, Err(INVALID_HEADER), "{app:?}");
    }
    let another = Ledger {
        key: Pubkey::new_from_array([9; 32]),
        ..ledger(App::New)
    };
    let refused = another.review(&sent(Envelope::Full, &VOTE));
    assert_eq!(refused, Err(INVALID_HEADER));
}

/// Each rule of the device refuses what breaks it: else the acceptance above would say nothing.
#[test]
fn what_breaks_a_rule_of_the_device_is_refused() {
    const FORMAT: usize = 49;
    const LENGTH: usize = 83;
    let new = ledger(App::New);
    let review = |ledger: &Ledger, change: &dyn Fn(&mut Vec<u8>)| {
        let mut message = wrapped(Envelope::Full, &VOTE);
        change(&mut message);
        ledger.review(&commands(&PATH, &message).unwrap())
    };
    type Change = fn(&mut Vec<u8>);
    let cases: [(&str, Change, u16); 11] = [
        ("another domain", |bytes| bytes[1] = b'S', INVALID_HEADER),
        ("version 2", |bytes| bytes[16] = 2, INVALID_HEADER),
        ("format 2", |bytes| bytes[FORMAT] = 2, INVALID_HEADER),
        ("no signer", |bytes| bytes[50] = 0, INVALID_HEADER),
        ("two signers", |bytes| bytes[50] = 2, INVALID_HEADER),
        ("too long", |bytes| bytes[LENGTH] += 1, INVALID_HEADER),
        ("too short", |bytes| bytes[LENGTH] -= 1, INVALID_HEADER),
        ("cut off", |bytes| bytes.truncate(84), INVALID_HEADER),
        (
            "something behind it",
            |bytes| bytes.push(b' '),
            INVALID_HEADER,
        ),
        ("a tabulator", |bytes| bytes[90] = b'\t', INVALID_FORMAT),
        ("half a letter", |bytes| bytes[90] = 0xc3, INVALID_FORMAT),
    ];
    for (name, change, status) in cases {
        assert_eq!(review(&new, &change), Err(status), "{name}");
    }
    // What is no plain ASCII is signed blindly or not at all: why the texts hold nothing else.
    let accent = |bytes: &mut Vec<u8>| {
        bytes[FORMAT] = 1;
        bytes[90..92].copy_from_slice("é".as_bytes());
    };
    assert_eq!(review(&new, &accent), Err(NOT_SUPPORTED));
    let blind = Ledger {
        blind_signing: true,
        ..new
    };
    let screens = review(&blind, &accent).unwrap();
    assert_eq!(screens.len(), 1);
    assert_eq!(screens[0].0, "Hash");

    let good = sent(Envelope::Full, &VOTE);
    let with = |place: usize, at: usize, value: u8| {
        let mut sent = good.clone();
        sent[place][at] = value;
        new.review(&sent)
    };
    assert!(good.len() > 1);
    assert_eq!(with(0, 2, 0), Err(NOT_SUPPORTED), "without asking");
    assert_eq!(with(0, 4, 1), Err(INVALID_SIZE), "another length");
    assert_eq!(with(0, 5, 2), Err(INVALID_MESSAGE), "two keys");
    assert_eq!(with(0, 10, 0x3c), Err(INVALID_MESSAGE), "another path");
    assert_eq!(with(1, 3, 0), Err(INVALID_MESSAGE), "a new message");
    assert_eq!(new.review(&good[..1]), Err(INVALID_MESSAGE), "half of it");
    let mut long = wrapped(Envelope::Full, &VOTE);
    long.resize(1_216, b' ');
    assert_eq!(commands(&PATH, &long), None, "the host");
}

proptest! {
    #[test]
    fn any_statement_s_address_keeps_the_text_in_clear(uri in "[!-~]{0,200}", kind in 0_u8..8) {
        let vote = Vote {
            verb: Verb::Attest(Claim { kind, uri: &uri, ..CLAIM }),
            ..VOTE
        };
        let text = String::from_utf8(vote.text().unwrap()).unwrap();
        for (app, envelope) in PAIRS {
            let screens = ledger(app).review(&sent(envelope, &vote)).unwrap();
            prop_assert_eq!(&screens.last().unwrap().1, &text);
        }
    }
}
