//! Votes and attestations as signed messages, relayed on chain with the real ed25519 program: what counts, and what does not.

use portcullis::{
    change::{Change, CouncilChange},
    instructions::MessageVote,
    lifecycle::Lane,
    message::{Claim, Envelope, Verb},
    transitions::AttestArgs,
};
use portcullis_tests::{
    calls::substitute,
    elf,
    lanes::{self, reviewer, BUILD, MESSAGE_VALIDITY},
    messages::{relay, signature, signed_text},
    *,
};
use solana_sdk_ids::sysvar;

use MessageVote::{Approve, Reject, Trigger, Veto};

/// An upgrade to p-token that can be voted.
fn voting() -> (World, Proposed) {
    let mut world = lanes::world();
    let proposed = world.voting();
    (world, proposed)
}

/// A vote that can be cast, and by whom.
fn votes() -> Vec<(World, Proposed, MessageVote, &'static Keypair)> {
    let (world, proposed) = voting();
    let mut armed = lanes::upgraded();
    let standby = armed.armed_in(Lane::Rollback, elf::spl_token());
    vec![
        (world.clone(), proposed, Approve, voter(1)),
        (world.clone(), proposed, Reject, voter(1)),
        (world, proposed, Veto, guardian(0)),
        (armed, standby, Trigger, guardian(0)),
    ]
}

fn hex(bytes: &[u8]) -> String {
    bytes.iter().map(|byte| format!("{byte:02x}")).collect()
}

#[test]
fn g4_a_message_does_what_its_signers_transaction_would() {
    for (world, proposed, vote, who) in votes() {
        let args = world.trigger_args(&proposed);
        let key = who.pubkey();
        let own = match vote {
            Approve => BUILDER.approve(&proposed.keys, key, args),
            Reject => BUILDER.reject(&proposed.keys, key, args),
            Veto => BUILDER.veto(&proposed.keys, key, args),
            Trigger => BUILDER.trigger(&proposed.keys, key, args),
        };
        let (mut direct, mut relayed) = (world.clone(), world);
        direct.send(&[own], &[who]).unwrap();
        // Nobody but the payer of the fee signs, who is no member.
        let message = relayed.relayed(&proposed, vote, who, args);
        relayed.send(&message, &[]).unwrap();
        let gate = direct.gate_key();
        for account in [proposed.address, gate] {
            assert_eq!(direct.account(&account), relayed.account(&account));
        }
    }
}

#[test]
fn g4_an_attestations_message_does_what_its_signers_transaction_would() {
    let mut world = lanes::attested(1, 0).build();
    let proposed = world.voting();
    let args = world.attest_args(&proposed, BUILD);
    let (key, rent_payer) = (attester().pubkey(), payer().pubkey());
    let own = BUILDER.attest(&proposed.keys, key, rent_payer, args.clone());
    let (mut direct, mut relayed) = (world.clone(), world);
    direct.send(&[own], &[attester()]).unwrap();
    let message = relayed.relayed_attestation(&proposed, attester(), args);
    relayed.send(&message, &[]).unwrap();
    let attestation = BUILDER.attestation(&proposed.keys, &key);
    for account in [proposed.address, relayed.gate_key(), attestation] {
        assert_eq!(direct.account(&account), relayed.account(&account));
    }
    assert_eq!(relayed.proposal(&proposed).attestations[0], 1);
}

#[test]
fn g4_the_text_is_the_documented_one_in_either_envelope() {
    let (mut world, proposed) = voting();
    let digest = world.proposal(&proposed).digest;
    let text = format!(
        "Portcullis: APPROVE standard upgrade of program {}, code sha256 {}, digest {}, valid until 2027-01-15 08:10:00 UTC",
        world.program,
        hex(&Commitment::of(elf::p_token()).unwrap().sha256),
        hex(&digest),
    );
    let args = VoteArgs {
        digest,
        valid_until: START.timestamp + 600,
    };
    for (number, envelope) in [(0, Envelope::Short), (1, Envelope::Full)] {
        let who = voter(number);
        let bytes = envelope
            .wrap(&portcullis::ID, &who.pubkey(), text.as_bytes())
            .unwrap();
        let relay = relay(&proposed, Approve, &who.pubkey(), args);
        world.send(&[signature(who, &bytes), relay], &[]).unwrap();
    }
    assert_eq!(world.status(&proposed), Status::Queued);
}

#[test]
fn g4_a_message_about_another_action_says_which() {
    // The council's own.
    let mut world = lanes::world();
    let add = vec![member(stranger(1).pubkey(), ROLE_VOTE)];
    let change = Change::Council(CouncilChange {
        add,
        remove: vec![],
    });
    let own = world.own_change(change);
    let to = stranger(0).pubkey();
    let change = Change::TransferAuthority { to, checked: true };
    let transfer = world.gate_change(change);
    let change = Change::TransferAuthority { to, checked: false };
    let unchecked = world.gate_change(change);
    let (council, program) = (world.council, world.program);
    for (proposed, words) in [
        (own, format!("member change of council {council}")),
        (
            transfer,
            format!("authority transfer of program {program}, to {to}"),
        ),
        (
            unchecked,
            format!("authority transfer of program {program}, to {to} without its signature"),
        ),
    ] {
        let digest = world.proposal(&proposed).digest;
        let args = world.trigger_args(&proposed);
        let text = |words: &str| {
            format!(
                "Portcullis: APPROVE standard {words}, digest {}, valid until 2027-01-15 08:10:00 UTC",
                hex(&digest)
            )
        };
        let vote = relay(&proposed, Approve, &voter(1).pubkey(), args);
        for lie in [
            format!("policy change of program {program}"),
            format!("authority transfer of program {program}, to {council}"),
            match proposed.address == transfer.address {
                true => format!(
                    "authority transfer of program {program}, to {to} without its signature"
                ),
                false => format!("authority transfer of program {program}, to {to}"),
            },
            format!(
                "upgrade of program {program}, code sha256 {}",
                hex(&[0; 32])
            ),
        ] {
            let signed = signed_text(voter(1), text(&lie).as_bytes());
            world.refuse(PortcullisError::SignedMessageMismatch, |w| {
                w.send(&[signed, vote.clone()], &[])
            });
        }
        let signed = signed_text(voter(1), text(&words).as_bytes());
        world.send(&[signed, vote], &[]).unwrap();
        assert_eq!(world.proposal(&proposed).approval_weight, 1);
    }
}

#[test]
fn g4_a_message_of_another_key_does_not_count() {
    for (mut world, proposed, vote, who) in votes() {
        let args = world.trigger_args(&proposed);
        let text = world.text(&proposed, messages::verb(vote), &args);
        let relay = relay(&proposed, vote, &who.pubkey(), args);
        for other in [stranger(0), voter(2), guardian(1), payer()] {
            // In either envelope, whomever the envelope names.
            let full = |named: &Keypair| {
                Envelope::Full
                    .wrap(&portcullis::ID, &named.pubkey(), &text)
                    .unwrap()
            };
            for signed in [
                signed_text(other, &text),
                signature(other, &full(who)),
                signature(other, &full(other)),
                signature(who, &full(other)),
            ] {
                world.refuse(PortcullisError::SignedMessageMismatch, |w| {
                    w.send(&[signed, relay.clone()], &[])
                });
            }
        }
        world.send(&[signed_text(who, &text), relay], &[]).unwrap();
    }
}

#[test]
fn g4_a_message_with_other_words_does_not_count() {
    for (mut world, proposed, vote, who) in votes() {
        let args = world.trigger_args(&proposed);
        let right = world.text(&proposed, messages::verb(vote), &args);
        let right = String::from_utf8(right).unwrap();
        let vote = relay(&proposed, vote, &who.pubkey(), args);
        let verb = right.split(' ').nth(1).unwrap();
        let other_verb = if verb == "VETO" { "TRIGGER" } else { "VETO" };
        for (old, new) in [
            (verb, other_verb),
            (verb, "approve"),
            (" upgrade", " EMERGENCY upgrade"),
            ("code sha256 ", "code sha256 0"),
            ("UTC", "UTC "),
            ("UTC", "UT"),
            ("until 2", "until 3"),
            ("digest ", "digest  "),
            ("Portcullis: ", "Portcullis: Portcullis: "),
            (&right[..], ""),
        ] {
            let wrong = right.replace(old, new);
            assert_ne!(wrong, right);
            let signed = signed_text(who, wrong.as_bytes());
            world.refuse(PortcullisError::SignedMessageMismatch, |w| {
                w.send(&[signed, vote.clone()], &[])
            });
        }
        // Nor the words without an envelope, which a transaction could be.
        let bare = signature(who, right.as_bytes());
        world.refuse(PortcullisError::SignedMessageMismatch, |w| {
            w.send(&[bare, vote], &[])
        });
    }
}

#[test]
fn g4_a_message_is_no_other_vote_and_about_no_other_proposal() {
    let (mut world, proposed) = voting();
    let emergency = world.voting_in(Lane::Emergency, elf::p_token());
    let args = world.trigger_args(&proposed);
    for (signed_as, cast_as, who) in [
        (Approve, Reject, voter(1)),
        (Reject, Approve, voter(1)),
        (Veto, Approve, voter(1)),
        (Trigger, Veto, guardian(0)),
        (Approve, Veto, guardian(0)),
    ] {
        let [signed, _] = world.relayed(&proposed, signed_as, who, args);
        let cast = relay(&proposed, cast_as, &who.pubkey(), args);
        world.refuse(PortcullisError::SignedMessageMismatch, |w| {
            w.send(&[signed, cast], &[])
        });
    }
    // The same code in another lane, with the digest that was signed or its own.
    let [signed, _] = world.relayed(&proposed, Approve, voter(1), args);
    let own = VoteArgs {
        digest: world.proposal(&emergency).digest,
        ..args
    };
    for args in [args, own] {
        let cast = relay(&emergency, Approve, &voter(1).pubkey(), args);
        world.refuse(PortcullisError::SignedMessageMismatch, |w| {
            w.send(&[signed.clone(), cast], &[])
        });
    }
    // Another proposal of the same code in the same lane: the text differs by the digest only.
    let twin = world.voting();
    let cast = relay(&twin, Approve, &voter(1).pubkey(), args);
    world.refuse(PortcullisError::DigestMismatch, |w| {
        w.send(&[signed.clone(), cast], &[])
    });
    // A time that the message does not say.
    let longer = VoteArgs {
        valid_until: args.valid_until + 1,
        ..args
    };
    let cast = relay(&proposed, Approve, &voter(1).pubkey(), longer);
    world.refuse(PortcullisError::SignedMessageMismatch, |w| {
        w.send(&[signed.clone(), cast], &[])
    });
    // An approval's message attests nothing.
    let attest = AttestArgs {
        vote: args,
        ..world.attest_args(&proposed, BUILD)
    };
    let [_, cast] = world.relayed_attestation(&proposed, attester(), attest.clone());
    let [signed, _] = world.relayed(&proposed, Approve, attester(), args);
    world.refuse(PortcullisError::SignedMessageMismatch, |w| {
        w.send(&[signed, cast.clone()], &[])
    });
    // Every part of a claim is in the text.
    type Part = fn(&mut AttestArgs);
    let parts: [Part; 5] = [
        |args| args.kind = lanes::AUDIT,
        |args| args.statement.sha256[31] ^= 1,
        |args| args.statement.uri.push('x'),
        |args| args.statement.uri.clear(),
        |args| args.expires_at += 1,
    ];
    let [signed, _] = world.relayed_attestation(&proposed, &reviewer(), attest.clone());
    for part in parts {
        let mut other = attest.clone();
        part(&mut other);
        let [_, cast] = world.relayed_attestation(&proposed, &reviewer(), other);
        world.refuse(PortcullisError::SignedMessageMismatch, |w| {
            w.send(&[signed.clone(), cast], &[])
        });
    }
}

#[test]
fn g4_a_message_says_nothing_that_its_signer_may_not() {
    let (mut world, proposed) = voting();
    for (vote, who, reason) in [
        (Approve, stranger(0), PortcullisError::NotAMember),
        (Approve, guardian(0), PortcullisError::RoleMissing),
        (Reject, guardian(0), PortcullisError::RoleMissing),
        (Veto, voter(0), PortcullisError::RoleMissing),
        (Trigger, voter(0), PortcullisError::RoleMissing),
        (Trigger, guardian(0), PortcullisError::NotQueued),
    ] {
        world.refuse(reason, |w| w.relay_vote(&proposed, vote, who));
    }
    let args = world.attest_args(&proposed, BUILD);
    let message = world.relayed_attestation(&proposed, voter(0), args);
    world.refuse(PortcullisError::RoleMissing, |w| w.send(&message, &[]));
}

#[test]
fn g4_a_message_is_refused_from_its_time_on() {
    for (mut world, proposed, vote, who) in votes() {
        let mut args = world.trigger_args(&proposed);
        let message = world.relayed(&proposed, vote, who, args);
        world.warp_to(args.valid_until - 1);
        world.clone().send(&message, &[]).unwrap();
        world.warp_to(args.valid_until);
        world.refuse(PortcullisError::VoteExpired, |w| w.send(&message, &[]));
        // Nor for longer than the policy says.
        let now = world.now().timestamp;
        args.valid_until = now + MESSAGE_VALIDITY + 1;
        let message = world.relayed(&proposed, vote, who, args);
        world.refuse(PortcullisError::VoteValidTooLong, |w| w.send(&message, &[]));
        if vote != Trigger {
            args.valid_until = now + MESSAGE_VALIDITY;
            let message = world.relayed(&proposed, vote, who, args);
            world.send(&message, &[]).unwrap();
        }
    }
}

#[test]
fn g4_the_text_of_a_claim_is_written_from_the_account_of_the_proposal() {
    let (mut world, proposed) = voting();
    let args = world.attest_args(&proposed, BUILD);
    let claim = Verb::Attest(Claim {
        kind: BUILD,
        statement: &args.statement.sha256,
        uri: &args.statement.uri,
        expires_at: args.expires_at,
    });
    let text = String::from_utf8(world.text(&proposed, claim, &args.vote)).unwrap();
    assert!(text.starts_with("Portcullis: ATTEST build for standard upgrade of program "));
    let [_, cast] = world.relayed_attestation(&proposed, attester(), args);
    let lie = text.replace("ATTEST build", "ATTEST audit");
    world.refuse(PortcullisError::SignedMessageMismatch, |w| {
        w.send(
            &[signed_text(attester(), lie.as_bytes()), cast.clone()],
            &[],
        )
    });
    let sysvar = substitute(&cast, &sysvar::instructions::ID, &sysvar::clock::ID);
    world.refuse(PortcullisError::InstructionsSysvarInvalid, |w| {
        w.send(&[signed_text(attester(), text.as_bytes()), sysvar], &[])
    });
    world
        .send(&[signed_text(attester(), text.as_bytes()), cast], &[])
        .unwrap();
}

#[test]
fn g4_the_text_names_no_place_where_a_claim_has_none() {
    let (mut world, proposed) = voting();
    let mut args = world.attest_args(&proposed, BUILD);
    args.statement.uri.clear();
    let claim = Verb::Attest(Claim {
        kind: BUILD,
        statement: &args.statement.sha256,
        uri: "",
        expires_at: args.expires_at,
    });
    let text = String::from_utf8(world.text(&proposed, claim, &args.vote)).unwrap();
    assert!(!text.contains(", at "), "{text}");
    let message = world.relayed_attestation(&proposed, attester(), args);
    world.send(&message, &[]).unwrap();
}

#[test]
fn g4_the_text_tells_every_date() {
    const DATES: [(i64, &str); 8] = [
        (1_803_859_199, "2027-02-28 23:59:59"),
        (1_803_859_200, "2027-03-01 00:00:00"),
        (1_835_395_200, "2028-02-29 00:00:00"),
        (1_835_481_600, "2028-03-01 00:00:00"),
        (1_861_919_999, "2028-12-31 23:59:59"),
        (4_107_542_400, "2100-03-01 00:00:00"),
        (13_574_563_200, "2400-02-29 00:00:00"),
        (LAST_SECOND, "9999-12-31 23:59:59"),
    ];
    /// Of the year 9999.
    const LAST_SECOND: i64 = 253_402_300_799;
    for (time, date) in DATES {
        let mut world = lanes::world();
        world.warp_to(time - 600);
        let proposed = world.voting();
        let mut args = world.vote_args(&proposed);
        args.valid_until = time;
        let text = String::from_utf8(world.text(&proposed, Verb::Approve, &args)).unwrap();
        assert!(text.ends_with(&format!("valid until {date} UTC")), "{text}");
        let message = world.relayed(&proposed, Approve, voter(1), args);
        world.send(&message, &[]).unwrap();

        // The text of a later time cannot be written.
        if time == LAST_SECOND {
            args.valid_until += 1;
            let relay = relay(&proposed, Approve, &voter(2).pubkey(), args);
            let signed = signed_text(voter(2), text.as_bytes());
            world.refuse(PortcullisError::Overflow, |w| w.send(&[signed, relay], &[]));
        }
    }
}
