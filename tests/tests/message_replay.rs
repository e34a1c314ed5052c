//! A signed message counts in its time, once, with its signature right before it, and never again after its signer has taken
//! something back.

use portcullis::{instructions::MessageVote, lifecycle::Lane, message};
use portcullis_tests::{
    calls::substitute,
    elf,
    lanes::{self, AUDIT, BUILD, LAPSE},
    messages::relay,
    *,
};
use solana_sdk_ids::{ed25519_program, sysvar};

use MessageVote::{Approve, Reject, Trigger, Veto};

fn voting() -> (World, Proposed) {
    let mut world = lanes::world();
    let proposed = world.voting();
    (world, proposed)
}

#[test]
fn g4_a_message_counts_once() {
    let (mut world, proposed) = voting();
    for (vote, who) in [(Approve, voter(0)), (Reject, voter(2))] {
        let args = world.trigger_args(&proposed);
        let message = world.relayed(&proposed, vote, who, args);
        world.send(&message, &[]).unwrap();
        world.refuse(PortcullisError::AlreadyVoted, |w| w.send(&message, &[]));
    }
    assert_eq!(world.proposal(&proposed).approval_weight, 1);
    // However it was cast.
    world.approve(&proposed, voter(1)).unwrap();
    world.refuse(PortcullisError::AlreadyVoted, |w| {
        w.relay_vote(&proposed, Approve, voter(1))
    });
}

#[test]
fn g4_the_opposite_vote_makes_a_message_void() {
    let (mut world, proposed) = voting();
    let args = world.trigger_args(&proposed);
    let approval = world.relayed(&proposed, Approve, voter(1), args);
    let rejection = world.relayed(&proposed, Reject, voter(2), args);
    world.reject(&proposed, voter(1)).unwrap();
    world.approve(&proposed, voter(2)).unwrap();
    world.refuse(PortcullisError::OppositeVote, |w| w.send(&approval, &[]));
    world.refuse(PortcullisError::OppositeVote, |w| w.send(&rejection, &[]));
}

#[test]
fn g4_after_a_retraction_only_transactions_count() {
    for first in [Approve, Reject] {
        let (mut world, proposed) = voting();
        let args = world.trigger_args(&proposed);
        let approval = world.relayed(&proposed, Approve, voter(1), args);
        let rejection = world.relayed(&proposed, Reject, voter(1), args);
        let cast = if first == Approve {
            &approval
        } else {
            &rejection
        };
        world.send(cast, &[]).unwrap();
        world.retract(&proposed, voter(1)).unwrap();
        for message in [&approval, &rejection] {
            world.refuse(PortcullisError::MessageAfterRetraction, |w| {
                w.send(message, &[])
            });
        }
        world.pass(10);
        world.refuse(PortcullisError::MessageAfterRetraction, |w| {
            w.relay_vote(&proposed, Approve, voter(1))
        });
        // Nobody else is concerned, nor another proposal.
        world.relay_vote(&proposed, Approve, voter(0)).unwrap();
        let other = world.voting();
        world.relay_vote(&other, Approve, voter(1)).unwrap();
        world.approve(&proposed, voter(1)).unwrap();
        assert_eq!(world.status(&proposed), Status::Queued);
    }
}

#[test]
fn g4_after_taking_back_an_attestation_only_transactions_count() {
    let mut setup = lanes::attested(1, 0);
    for member in &mut setup.members {
        if member.key == attester().pubkey() {
            member.roles |= ROLE_VOTE | ROLE_GUARD;
            member.weight = 1;
        }
    }
    let mut world = setup.build();
    let proposed = world.voting();
    world.approve_fully(&proposed);
    let args = world.attest_args(&proposed, BUILD);
    let message = world.relayed_attestation(&proposed, attester(), args.clone());
    world.send(&message, &[]).unwrap();
    assert_eq!(world.status(&proposed), Status::Queued);
    let (key, rent_payer) = (attester().pubkey(), payer().pubkey());
    let revoke = BUILDER.revoke_attestation(&proposed.keys, key, rent_payer, args.vote);
    world.send(&[revoke], &[attester()]).unwrap();
    let reason = PortcullisError::MessageAfterRetraction;
    world.refuse(reason, |w| w.send(&message, &[]));
    for vote in [Approve, Reject, Veto] {
        world.refuse(reason, |w| w.relay_vote(&proposed, vote, attester()));
    }
    let other = world.relayed_attestation(&proposed, &lanes::reviewer(), args);
    world.clone().send(&other, &[]).unwrap();
    world.attest(&proposed, attester(), BUILD).unwrap();
    assert_eq!(world.status(&proposed), Status::Queued);
}

#[test]
fn g4_an_attestation_by_message_counts_once() {
    let (mut world, proposed) = voting();
    let mut args = world.attest_args(&proposed, BUILD);
    let in_use = Refusal::Code(0, "AccountAlreadyInUse".to_string());
    let first = world.relayed_attestation(&proposed, &lanes::reviewer(), args.clone());
    world.send(&first, &[]).unwrap();
    world.refuse(in_use.clone(), |w| w.send(&first, &[]));
    args.kind = AUDIT;
    let second = world.relayed_attestation(&proposed, &lanes::reviewer(), args);
    world.refuse(in_use, |w| w.send(&second, &[]));
}

#[test]
fn g15_a_trigger_by_message_does_not_outlive_the_triggers_lapse() {
    let mut world = lanes::upgraded();
    let standby = world.armed_in(Lane::Rollback, elf::spl_token());
    let first = world.now().timestamp;
    let until = |world: &World, who: &Keypair, valid_until: i64| {
        let digest = world.proposal(&standby).digest;
        let args = VoteArgs {
            digest,
            valid_until,
        };
        world.relayed(&standby, Trigger, who, args)
    };
    let too_long = until(&world, guardian(0), first + LAPSE + 1);
    world.refuse(PortcullisError::VoteValidTooLong, |w| {
        w.send(&too_long, &[])
    });
    let message = until(&world, guardian(0), first + LAPSE);
    world.send(&message, &[]).unwrap();
    world.warp_to(first + LAPSE - 1);
    world.refuse(PortcullisError::AlreadyVoted, |w| w.send(&message, &[]));
    // The second guardian's is measured against the first vote.
    let too_long = until(&world, guardian(1), first + LAPSE + 1);
    world.refuse(PortcullisError::VoteValidTooLong, |w| {
        w.send(&too_long, &[])
    });
    let mut quorum = world.clone();
    let second = until(&world, guardian(1), first + LAPSE);
    quorum.send(&second, &[]).unwrap();
    quorum.execute_by(&standby, stranger(0)).unwrap();

    // A vote that has lapsed does not come back.
    world.warp_to(first + LAPSE);
    for message in [&message, &second] {
        world.refuse(PortcullisError::VoteExpired, |w| w.send(message, &[]));
    }
    world.trigger(&standby, guardian(1)).unwrap();
    world.refuse(PortcullisError::VoteExpired, |w| w.send(&message, &[]));
    world.refuse(PortcullisError::StandbyNotTriggered, |w| {
        w.execute(&standby)
    });
}

#[test]
fn g4_a_message_may_be_relayed_in_a_durable_nonce_transaction() {
    // Its text names the digest and a time, so nothing was signed ahead.
    let (mut world, proposed) = voting();
    let args = world.trigger_args(&proposed);
    let message = world.relayed(&proposed, Approve, voter(1), args);
    world.send_durable(&message, &[]).unwrap();
    assert_eq!(world.proposal(&proposed).approval_weight, 1);
    let attest = world.attest_args(&proposed, BUILD);
    let message = world.relayed_attestation(&proposed, attester(), attest);
    world.send_durable(&message, &[]).unwrap();
    let mut world = lanes::upgraded();
    let standby = world.armed_in(Lane::SafeMode, elf::memo());
    let args = world.trigger_args(&standby);
    let message = world.relayed(&standby, Trigger, guardian(0), args);
    world.send_durable(&message, &[]).unwrap();
}

#[test]
fn g4_an_approval_by_message_is_not_valid_beyond_the_voting_deadline() {
    let (mut world, proposed) = voting();
    let closes = world.proposal(&proposed).terms.voting_ends_at;
    world.warp_to(closes - 600);
    let mut args = world.trigger_args(&proposed);
    args.valid_until = closes + 1;
    let message = world.relayed(&proposed, Approve, voter(1), args);
    world.refuse(PortcullisError::VoteValidTooLong, |w| w.send(&message, &[]));
    args.valid_until = closes;
    let message = world.relayed(&proposed, Approve, voter(1), args);
    world.send(&message, &[]).unwrap();
}

#[test]
fn g9_messages_count_as_long_as_snapshot_and_policy_both_allow() {
    for (then, now, longest) in [
        (0, 3_600, 0),
        (3_600, 0, 0),
        (60, 3_600, 60),
        (3_600, 60, 60),
    ] {
        let mut setup = lanes::setup();
        setup.policy.message_validity_seconds = then;
        let mut world = setup.build();
        let proposed = world.voting();
        world.edit_gate(|gate| gate.policy.message_validity_seconds = now);
        let mut args = world.trigger_args(&proposed);
        let clock = world.now().timestamp;
        for (vote, who) in [(Approve, voter(0)), (Reject, voter(1)), (Veto, guardian(0))] {
            args.valid_until = clock + longest + 1;
            let message = world.relayed(&proposed, vote, who, args);
            let reason = if longest == 0 {
                PortcullisError::MessageVotesOff
            } else {
                PortcullisError::VoteValidTooLong
            };
            world.refuse(reason, |w| w.send(&message, &[]));
        }
        let mut attest = world.attest_args(&proposed, BUILD);
        if longest == 0 {
            let message = world.relayed_attestation(&proposed, attester(), attest);
            world.refuse(PortcullisError::MessageVotesOff, |w| w.send(&message, &[]));
            // Transactions vote all the same.
            world.approve(&proposed, voter(0)).unwrap();
        } else {
            attest.vote.valid_until = clock + longest;
            let message = world.relayed_attestation(&proposed, attester(), attest);
            world.send(&message, &[]).unwrap();
            args.valid_until = clock + longest;
            let message = world.relayed(&proposed, Approve, voter(0), args);
            world.send(&message, &[]).unwrap();
        }
    }
}

#[test]
fn g4_several_messages_go_into_one_transaction() {
    let (mut world, proposed) = voting();
    let args = world.trigger_args(&proposed);
    let both = [voter(0), voter(1)].map(|who| world.relayed(&proposed, Approve, who, args));
    world.send(&both.concat(), &[]).unwrap();
    assert_eq!(world.status(&proposed), Status::Queued);
}

#[test]
fn g4_the_signature_stands_immediately_before_the_vote() {
    let (mut world, proposed) = voting();
    let args = world.trigger_args(&proposed);
    let [signed, vote] = world.relayed(&proposed, Approve, voter(1), args);
    let transfer =
        solana_system_interface::instruction::transfer(&payer().pubkey(), &stranger(0).pubkey(), 1);
    let missing = [
        vec![vote.clone()],
        vec![transfer.clone(), vote.clone()],
        vec![vote.clone(), signed.clone()],
        vec![signed.clone(), transfer, vote.clone()],
        // One signature is not read for two votes.
        vec![
            signed.clone(),
            vote.clone(),
            relay(&proposed, Reject, &voter(1).pubkey(), args),
        ],
    ];
    for instructions in missing {
        world.refuse(PortcullisError::SignedMessageMissing, |w| {
            w.send(&instructions, &[])
        });
    }
    // The same bytes for another program are no signature.
    let mut elsewhere = signed.clone();
    elsewhere.program_id = sysvar::clock::ID;
    assert!(world.send(&[elsewhere, vote.clone()], &[]).is_err());

    let fake = substitute(&vote, &sysvar::instructions::ID, &address("fake"));
    world.refuse(PortcullisError::InstructionsSysvarInvalid, |w| {
        w.send(&[signed.clone(), fake], &[])
    });
    world.send(&[signed, vote], &[]).unwrap();
}

#[test]
fn g4_a_bad_signature_fails_the_transaction() {
    let (mut world, proposed) = voting();
    let args = world.trigger_args(&proposed);
    let [signed, vote] = world.relayed(&proposed, Approve, voter(1), args);
    // The key at 16, the signature at 48, the text behind 112.
    for position in [48, 111, 132] {
        let mut signed = signed.clone();
        signed.data[position] ^= 1;
        // `PrecompileError::InvalidSignature`.
        let reason = Refusal::Code(2, "InvalidSignature".to_string());
        world.refuse(reason, |w| w.send(&[signed, vote.clone()], &[]));
    }
}

#[test]
fn g4_signatures_that_the_ed25519_program_takes_are_refused_in_any_other_layout() {
    let (mut world, proposed) = voting();
    let args = world.trigger_args(&proposed);
    let [signed, vote] = world.relayed(&proposed, Approve, voter(1), args);
    let len = (signed.data.len() - 112) as u16;
    let offsets = |signature: u16, key: u16, text: u16, instruction: u16| {
        [
            signature,
            instruction,
            key,
            instruction,
            text,
            len,
            instruction,
        ]
        .map(u16::to_le_bytes)
        .concat()
    };
    let own = u16::MAX;
    assert_eq!(signed.data[2..16], offsets(48, 16, 112, own));
    let behind = |head: Vec<u8>| [head, signed.data[16..].to_vec()].concat();
    let layouts = [
        // This instruction named by its number.
        behind([vec![1, 0], offsets(48, 16, 112, 0)].concat()),
        // Two signatures.
        behind(
            [
                vec![2, 0],
                offsets(62, 30, 126, own),
                offsets(62, 30, 126, own),
            ]
            .concat(),
        ),
        // None.
        vec![0, 0],
        // The padding byte is not looked at by the ed25519 program.
        behind([vec![1, 9], offsets(48, 16, 112, own)].concat()),
        // A byte behind the text, and one before the key.
        [signed.data.clone(), vec![0]].concat(),
        behind([vec![1, 0], offsets(49, 17, 113, own), vec![0]].concat()),
    ];
    for data in layouts {
        let other = Instruction {
            program_id: ed25519_program::ID,
            accounts: vec![],
            data,
        };
        world
            .clone()
            .send(std::slice::from_ref(&other), &[])
            .unwrap();
        world.refuse(PortcullisError::SignedMessageNotCanonical, |w| {
            w.send(&[other, vote.clone()], &[])
        });
    }
    // The key and the text in another instruction, which nobody signed.
    let data = message::instruction_data(&voter(1).pubkey(), &[0; 64], b"").unwrap();
    let empty = Instruction {
        program_id: ed25519_program::ID,
        accounts: vec![],
        data,
    };
    let bad = Refusal::Code(2, "InvalidSignature".to_string());
    world.refuse(bad, |w| w.send(&[empty, vote.clone()], &[]));
}
