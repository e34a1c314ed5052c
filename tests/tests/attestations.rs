//! Attestations: what the policy requires must be there before `eta`, by whom, for how long, and what taking one back does.

use portcullis::{
    change::Change,
    events::{AttestationGiven, AttestationRevoked},
    lifecycle::Lane,
    state::{find_attestation, Attestation},
    transitions::AttestArgs,
};
use portcullis_tests::{
    elf,
    lanes::{self, auditor, reviewer, AUDIT, BUILD},
    record, *,
};

/// An upgrade that two voters have approved; one build and one audit are missing.
fn approved() -> (World, Proposed) {
    let mut world = lanes::attested(1, 1).build();
    let proposed = world.voting();
    world.approve_fully(&proposed);
    assert_eq!(world.proposal(&proposed).eta, 0);
    (world, proposed)
}

/// The same, queued by both attestations.
fn queued() -> (World, Proposed) {
    let (mut world, proposed) = approved();
    world.attest(&proposed, attester(), BUILD).unwrap();
    world.attest(&proposed, &auditor(), AUDIT).unwrap();
    assert_eq!(world.status(&proposed), Status::Queued);
    (world, proposed)
}

fn attestation(proposed: &Proposed, attester: &Keypair) -> Pubkey {
    BUILDER.attestation(&proposed.keys, &attester.pubkey())
}

#[test]
fn g5_the_required_attestations_are_there_before_eta() {
    let (mut world, proposed) = approved();
    world.refuse(PortcullisError::ThresholdNotMet, |w| w.queue(&proposed));
    world.attest(&proposed, attester(), BUILD).unwrap();
    world.refuse(PortcullisError::ThresholdNotMet, |w| w.queue(&proposed));
    assert_eq!(world.gate().pending[0], PendingSlot::default());
    world.pass(100);
    let now = world.now();
    let args = world.attest_args(&proposed, AUDIT);
    let meta = world
        .attest_with(&proposed, &auditor(), args.clone())
        .unwrap();
    let eta = now.timestamp + DAY;
    let event: AttestationGiven = record::event(&meta);
    assert_eq!((event.parent, event.index), (world.gate_key(), 0));
    assert_eq!(event.attester, auditor().pubkey());
    assert_eq!(event.digest, world.proposal(&proposed).digest);
    assert_eq!(
        (event.kind, event.statement),
        (AUDIT, args.statement.clone())
    );
    assert_eq!((event.expires_at, event.eta), (args.expires_at, eta));
    assert_eq!((event.slot, event.timestamp), (now.slot, now.timestamp));

    let proposal = world.proposal(&proposed);
    assert_eq!(proposal.attestations, [1, 1, 0, 0, 0, 0, 0, 0]);
    assert_eq!((proposal.eta, proposal.queued_slot), (eta, now.slot));
    let slot = world.gate().pending[0];
    assert_eq!((slot.proposal, slot.eta), (proposed.address, eta));
    let address = attestation(&proposed, &auditor());
    let record: Attestation =
        bytemuck::pod_read_unaligned(&world.account(&address).data[8..Attestation::SPACE]);
    let (_, bump) = find_attestation(&portcullis::ID, &proposed.address, &auditor().pubkey());
    assert_eq!(
        record,
        Attestation {
            proposal: proposed.address,
            attester: auditor().pubkey(),
            rent_payer: stranger(0).pubkey(),
            statement_sha256: args.statement.sha256,
            expires_at: args.expires_at,
            kind: AUDIT,
            version: 1,
            bump,
            reserved: [0; 5],
        }
    );
    let uri = &world.account(&address).data[Attestation::SPACE..];
    assert_eq!(uri, args.statement.uri.as_bytes());

    world.executes_from(&proposed, eta);
}

#[test]
fn g5_the_last_approval_queues_what_was_attested_before() {
    let mut world = lanes::attested(1, 1).build();
    let proposed = world.voting();
    world.attest(&proposed, attester(), BUILD).unwrap();
    world.attest(&proposed, &reviewer(), AUDIT).unwrap();
    world.approve(&proposed, voter(0)).unwrap();
    assert_eq!(world.proposal(&proposed).eta, 0);
    world.refuse(PortcullisError::ThresholdNotMet, |w| w.queue(&proposed));
    world.pass(50);
    world.approve(&proposed, voter(1)).unwrap();
    let eta = START.timestamp + 50 + DAY;
    assert_eq!(world.proposal(&proposed).eta, eta);
}

#[test]
fn g5_each_kind_is_counted_for_itself() {
    let mut world = lanes::attested(2, 1).build();
    let proposed = world.voting();
    world.approve_fully(&proposed);
    world.attest(&proposed, attester(), BUILD).unwrap();
    let mut wrong = world.clone();
    wrong.attest(&proposed, &reviewer(), AUDIT).unwrap();
    wrong.attest(&proposed, &auditor(), AUDIT).unwrap();
    assert_eq!(wrong.proposal(&proposed).attestations[..2], [1, 2]);
    wrong.refuse(PortcullisError::ThresholdNotMet, |w| w.queue(&proposed));
    world.attest(&proposed, &reviewer(), BUILD).unwrap();
    assert_eq!(world.proposal(&proposed).eta, 0);
    world.attest(&proposed, &auditor(), AUDIT).unwrap();
    assert_ne!(world.proposal(&proposed).eta, 0);
}

#[test]
fn g5_emergencies_and_standbys_need_them_too() {
    for lane in [Lane::Emergency, Lane::SafeMode] {
        let mut world = lanes::attested(1, 0).build();
        let proposed = world.voting_in(lane, elf::memo());
        world.approve_fully(&proposed);
        world.refuse(PortcullisError::ThresholdNotMet, |w| w.queue(&proposed));
        world.attest(&proposed, attester(), BUILD).unwrap();
        assert_eq!(world.status(&proposed), Status::Queued);
    }
}

#[test]
fn g12_other_actions_need_none() {
    let mut world = lanes::attested(1, 1).build();
    let sha256 = world.gate().release.sha256;
    let change = world.gate_change(Change::RevokeRelease { sha256 });
    world.approve_fully(&change);
    assert_eq!(world.status(&change), Status::Queued);
    world.warp_to_eta(&change);
    world.execute_change(&change).unwrap();
}

#[test]
fn g11_only_members_that_attest_the_kind_do() {
    let (mut world, proposed) = approved();
    for (who, reason) in [
        (stranger(1), PortcullisError::NotAMember),
        (voter(0), PortcullisError::RoleMissing),
        (guardian(0), PortcullisError::RoleMissing),
    ] {
        world.refuse(reason, |w| w.attest(&proposed, who, BUILD));
    }
    for kind in [AUDIT, 2, 7, 8, 9, 16, 255] {
        world.refuse(PortcullisError::KindNotAttested, |w| {
            w.attest(&proposed, attester(), kind)
        });
    }
    for (who, reason) in [
        (attester(), PortcullisError::RoleMissing),
        (&auditor(), PortcullisError::RoleMissing),
    ] {
        world.refuse(reason, |w| w.approve(&proposed, who));
        world.refuse(reason, |w| w.veto(&proposed, who));
        world.refuse(reason, |w| w.execute_by(&proposed, who));
    }
    // Who attests no more takes nothing back either.
    let mut former = world.clone();
    former.attest(&proposed, attester(), BUILD).unwrap();
    former.edit_council(|council| {
        for member in &mut council.members {
            member.roles &= !ROLE_ATTEST;
        }
    });
    former.refuse(PortcullisError::RoleMissing, |w| {
        w.revoke(&proposed, attester())
    });

    // A kind that nothing requires is recorded all the same.
    let mut world = lanes::world();
    let proposed = world.voting();
    world.attest(&proposed, &reviewer(), AUDIT).unwrap();
    assert_eq!(world.proposal(&proposed).attestations[..2], [0, 1]);
}

#[test]
fn g5_an_attestation_outlasts_every_possible_execution() {
    let (mut world, proposed) = approved();
    let limit = START.timestamp + (3 + 1 + 2) * DAY;
    let mut args = world.attest_args(&proposed, BUILD);
    for expires_at in [limit - 1, START.timestamp, 0, -1] {
        args.expires_at = expires_at;
        world.refuse(PortcullisError::AttestationTooShort, |w| {
            w.attest_with(&proposed, attester(), args.clone())
        });
    }
    args.expires_at = limit;
    world.attest_with(&proposed, attester(), args).unwrap();

    // Where the proposal waits for longer, so does the attestation.
    let mut upgrade = world.upgrade_args(elf::memo());
    upgrade.not_before = START.timestamp + 20 * DAY;
    let later = world.voting_with(elf::memo(), upgrade);
    let limit = START.timestamp + (20 + 2) * DAY;
    let mut args = world.attest_args(&later, BUILD);
    args.expires_at = limit - 1;
    world.refuse(PortcullisError::AttestationTooShort, |w| {
        w.attest_with(&later, attester(), args.clone())
    });
    args.expires_at = limit;
    world.attest_with(&later, attester(), args).unwrap();
}

#[test]
fn g5_taking_back_a_required_attestation_clears_eta_and_slot() {
    let (mut world, proposed) = queued();
    world.pass(DAY - 1);
    let rent = world.lamports(&attestation(&proposed, attester()));
    let purse = world.lamports(&stranger(0).pubkey());
    let now = world.now();
    let meta = world.revoke(&proposed, attester()).unwrap();
    let event: AttestationRevoked = record::event(&meta);
    assert_eq!((event.parent, event.index), (world.gate_key(), 0));
    assert_eq!((event.attester, event.kind), (attester().pubkey(), BUILD));
    assert_eq!(event.digest, world.proposal(&proposed).digest);
    assert_eq!(event.eta, 0);
    assert_eq!((event.slot, event.timestamp), (now.slot, now.timestamp));
    let proposal = world.proposal(&proposed);
    assert_eq!((proposal.eta, proposal.queued_slot), (0, 0));
    assert_eq!(proposal.attestations[..2], [0, 1]);
    assert_eq!(world.gate().pending[0], PendingSlot::default());
    assert!(world.is_gone(&attestation(&proposed, attester())));
    assert_eq!(world.lamports(&stranger(0).pubkey()), purse + rent);
    world.pass(1);
    world.refuse(PortcullisError::NotQueued, |w| w.execute(&proposed));

    // Another's, or its own anew, starts the timelock anew.
    for who in [attester(), &reviewer()] {
        let mut world = world.clone();
        world.attest(&proposed, who, BUILD).unwrap();
        let eta = world.now().timestamp + DAY;
        assert_eq!(world.proposal(&proposed).eta, eta);
        world.executes_from(&proposed, eta);
    }
}

#[test]
fn g5_taking_back_one_more_than_required_changes_no_eta() {
    let (mut world, proposed) = queued();
    let eta = world.proposal(&proposed).eta;
    world.pass(10);
    world.attest(&proposed, &reviewer(), BUILD).unwrap();
    assert_eq!(world.proposal(&proposed).eta, eta);
    let meta = world.revoke(&proposed, attester()).unwrap();
    let event: AttestationRevoked = record::event(&meta);
    assert_eq!(event.eta, eta);
    let proposal = world.proposal(&proposed);
    assert_eq!((proposal.eta, proposal.attestations[0]), (eta, 1));
    assert_eq!(world.gate().pending[0].proposal, proposed.address);
}

#[test]
fn g5_an_attestation_is_taken_back_until_execution() {
    let (mut world, proposed) = queued();
    world.warp_to_eta(&proposed);
    let mut executed = world.clone();
    executed.execute(&proposed).unwrap();
    executed.refuse(PortcullisError::ProposalExecuted, |w| {
        w.revoke(&proposed, attester())
    });
    let mut vetoed = world.clone();
    vetoed.veto(&proposed, guardian(0)).unwrap();
    vetoed.refuse(PortcullisError::ProposalVetoed, |w| {
        w.revoke(&proposed, attester())
    });
    world.revoke(&proposed, attester()).unwrap();
    world.refuse(PortcullisError::NotQueued, |w| w.execute(&proposed));

    // After the voting deadline nobody attests anew, so the proposal has expired.
    let (mut world, proposed) = approved();
    let closes = world.proposal(&proposed).terms.voting_ends_at;
    world.warp_to(closes - 1);
    world.attest(&proposed, attester(), BUILD).unwrap();
    world.attest(&proposed, &auditor(), AUDIT).unwrap();
    world.pass(1);
    assert_eq!(world.status(&proposed), Status::Queued);
    world.refuse(PortcullisError::VotingClosed, |w| {
        w.attest(&proposed, &reviewer(), BUILD)
    });
    world.revoke(&proposed, attester()).unwrap();
    assert_eq!(world.status(&proposed), Status::Expired);
    world.refuse(PortcullisError::ProposalExpired, |w| {
        w.attest(&proposed, &reviewer(), BUILD)
    });
}

#[test]
fn g4_attesting_and_taking_back_name_the_digest_and_a_time() {
    let (mut world, proposed) = queued();
    let other = world.voting();
    let right = world.trigger_args(&proposed);
    let now = world.now().timestamp;
    let attest = |world: &mut World, vote: VoteArgs| {
        let args = world.attest_args(&proposed, BUILD);
        world.attest_with(&proposed, &reviewer(), AttestArgs { vote, ..args })
    };
    let revoke = |world: &mut World, vote: VoteArgs| world.revoke_with(&proposed, attester(), vote);
    for digest in [[0; 32], world.proposal(&other).digest] {
        let args = VoteArgs { digest, ..right };
        world.refuse(PortcullisError::DigestMismatch, |w| attest(w, args));
        world.refuse(PortcullisError::DigestMismatch, |w| revoke(w, args));
    }
    for (valid_until, reason) in [
        (now - 1, PortcullisError::VoteExpired),
        (now, PortcullisError::VoteExpired),
        (now + DAY + 1, PortcullisError::VoteValidTooLong),
    ] {
        let args = VoteArgs {
            valid_until,
            ..right
        };
        world.refuse(reason, |w| attest(w, args));
        world.refuse(reason, |w| revoke(w, args));
    }
    for valid_until in [now + 1, now + DAY] {
        let args = VoteArgs {
            valid_until,
            ..right
        };
        attest(&mut world.clone(), args).unwrap();
        revoke(&mut world.clone(), args).unwrap();
    }
    // Near the voting deadline an attestation, like an approval, is not valid beyond it.
    let closes = world.proposal(&proposed).terms.voting_ends_at;
    world.warp_to(closes - 10);
    let beyond = VoteArgs {
        valid_until: closes + 1,
        ..right
    };
    world.refuse(PortcullisError::VoteValidTooLong, |w| attest(w, beyond));
    revoke(&mut world.clone(), beyond).unwrap();
    let until = VoteArgs {
        valid_until: closes,
        ..right
    };
    attest(&mut world, until).unwrap();
}

#[test]
fn g4_an_attestation_in_a_durable_nonce_transaction_is_refused() {
    let (mut world, proposed) = approved();
    let args = world.attest_args(&proposed, BUILD);
    let (key, payer) = (attester().pubkey(), stranger(0).pubkey());
    let attest = BUILDER.attest(&proposed.keys, key, payer, args.clone());
    let signers = [attester(), stranger(0)];
    world.refuse_durable(
        PortcullisError::DurableNonceTransaction,
        attest.clone(),
        &signers,
    );
    world.send(&[attest], &signers).unwrap();
    // Taking it back may wait for no blockhash.
    let revoke = BUILDER.revoke_attestation(&proposed.keys, key, payer, args.vote);
    world.send_durable(&[revoke], &[attester()]).unwrap();
    assert_eq!(world.proposal(&proposed).attestations[0], 0);
}

#[test]
fn g10_what_is_not_verified_or_ended_is_not_attested() {
    let mut world = lanes::attested(1, 1).build();
    let draft = world.draft();
    world.refuse(PortcullisError::BufferNotVerified, |w| {
        w.attest(&draft, attester(), BUILD)
    });
    world.verify(&draft).unwrap();
    let mut ended = world.clone();
    ended.cancel(&draft, voter(0)).unwrap();
    ended.refuse(PortcullisError::ProposalCancelled, |w| {
        w.attest(&draft, attester(), BUILD)
    });
    world.attest(&draft, attester(), BUILD).unwrap();
    world.edit_council(|council| council.config_epoch += 1);
    world.refuse(PortcullisError::ProposalStale, |w| {
        w.attest(&draft, &reviewer(), BUILD)
    });
    world.refuse(PortcullisError::ProposalStale, |w| {
        w.revoke(&draft, attester())
    });
}
