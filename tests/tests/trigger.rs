//! Guardians trigger an armed standby: who, when, with what, how many, and for how long their votes count.

use portcullis::{
    events::{TriggerCast, UpgradeExecuted},
    lifecycle::Lane,
};
use portcullis_tests::{
    elf,
    lanes::{self, LAPSE},
    record, *,
};

/// p-token runs; a standby that goes back to SPL Token is armed.
fn armed() -> (World, Proposed) {
    let mut world = lanes::upgraded();
    let standby = world.armed_in(Lane::Rollback, elf::spl_token());
    (world, standby)
}

fn bit(world: &World, member: &Keypair) -> u64 {
    let position = world
        .council()
        .members()
        .iter()
        .position(|other| other.key == member.pubkey())
        .unwrap();
    1 << position
}

#[test]
fn g15_nothing_but_an_armed_standby_is_triggered() {
    let mut world = lanes::upgraded();
    let args = world.args_in(Lane::Rollback, elf::spl_token());
    let standby = world.prepared(elf::spl_token());
    world.propose_with(&standby, args).unwrap();
    world.refuse(PortcullisError::BufferNotVerified, |w| {
        w.trigger(&standby, guardian(0))
    });
    world.verify(&standby).unwrap();
    world.refuse(PortcullisError::NotQueued, |w| {
        w.trigger(&standby, guardian(0))
    });
    world.approve_fully(&standby);
    world.refuse(PortcullisError::TimelockNotElapsed, |w| {
        w.trigger(&standby, guardian(0))
    });
    let mut cancelled = lanes::upgraded();
    let withdrawn = cancelled.voting_in(Lane::SafeMode, elf::memo());
    cancelled.cancel(&withdrawn, voter(0)).unwrap();
    cancelled.refuse(PortcullisError::ProposalCancelled, |w| {
        w.trigger(&withdrawn, guardian(0))
    });
    world.warp_to_eta(&standby);
    world.trigger_fully(&standby);
    world.execute(&standby).unwrap();
    world.refuse(PortcullisError::ProposalExecuted, |w| {
        w.trigger(&standby, guardian(0))
    });

    for lane in [Lane::Standard, Lane::Emergency] {
        let mut world = lanes::world();
        let proposed = world.queued_in(lane, elf::p_token());
        world.refuse(PortcullisError::TimelockNotElapsed, |w| {
            w.trigger(&proposed, guardian(0))
        });
        world.warp_to_eta(&proposed);
        world.refuse(PortcullisError::NotAStandby, |w| {
            w.trigger(&proposed, guardian(0))
        });
    }
}

#[test]
fn g11_only_guardians_trigger() {
    let (mut world, standby) = armed();
    for number in 0..3 {
        world.refuse(PortcullisError::RoleMissing, |w| {
            w.trigger(&standby, voter(number))
        });
    }
    world.refuse(PortcullisError::RoleMissing, |w| {
        w.trigger(&standby, attester())
    });
    for who in [stranger(0), payer()] {
        world.refuse(PortcullisError::NotAMember, |w| w.trigger(&standby, who));
    }
    // With a guardian's key, but not its signature.
    let args = world.trigger_args(&standby);
    let instruction = BUILDER.trigger(&standby.keys, guardian(0).pubkey(), args);
    let unsigned = calls::unsigned(&instruction, &guardian(0).pubkey());
    world.refuse(ErrorCode::AccountNotSigner, |w| w.send(&[unsigned], &[]));
}

#[test]
fn g4_a_trigger_names_the_digest_and_is_valid_for_a_day_at_most() {
    let (mut world, standby) = armed();
    let other = world.voting_in(Lane::SafeMode, elf::memo());
    let right = world.trigger_args(&standby);
    for digest in [[0; 32], world.proposal(&other).digest] {
        let args = VoteArgs { digest, ..right };
        world.refuse(PortcullisError::DigestMismatch, |w| {
            w.trigger_with(&standby, guardian(0), args)
        });
    }
    let now = world.now().timestamp;
    for (valid_until, reason) in [
        (0, PortcullisError::VoteExpired),
        (now, PortcullisError::VoteExpired),
        (now + DAY + 1, PortcullisError::VoteValidTooLong),
        (i64::MAX, PortcullisError::VoteValidTooLong),
    ] {
        let args = VoteArgs {
            valid_until,
            ..right
        };
        world.refuse(reason, |w| w.trigger_with(&standby, guardian(0), args));
    }
    for valid_until in [now + 1, now + DAY] {
        let args = VoteArgs {
            valid_until,
            ..right
        };
        world
            .clone()
            .trigger_with(&standby, guardian(0), args)
            .unwrap();
    }
}

#[test]
fn g4_a_trigger_in_a_durable_nonce_transaction_is_refused() {
    let (mut world, standby) = armed();
    let args = world.trigger_args(&standby);
    let trigger = BUILDER.trigger(&standby.keys, guardian(0).pubkey(), args);
    world.refuse_durable(
        PortcullisError::DurableNonceTransaction,
        trigger.clone(),
        &[guardian(0)],
    );
    world.send(&[trigger], &[guardian(0)]).unwrap();
}

#[test]
fn g9_nonce_triggers_count_only_where_snapshot_and_policy_both_allow_them() {
    let mut setup = lanes::setup();
    setup.policy.flags = FLAG_NONCE_VOTES;
    let mut world = setup.build();
    let standby = world.armed_in(Lane::SafeMode, elf::memo());
    let args = world.trigger_args(&standby);
    let trigger = BUILDER.trigger(&standby.keys, guardian(0).pubkey(), args);
    let mut forbidden_since = world.clone();
    forbidden_since.edit_gate(|gate| gate.policy.flags = 0);
    forbidden_since.refuse_durable(
        PortcullisError::DurableNonceTransaction,
        trigger.clone(),
        &[guardian(0)],
    );
    world.send_durable(&[trigger], &[guardian(0)]).unwrap();
    assert_eq!(world.proposal(&standby).triggers.count_ones(), 1);
}

#[test]
fn g15_the_guardians_quorum_executes_by_anyone_and_not_before() {
    let (mut world, standby) = armed();
    let now = world.now();
    world.refuse(PortcullisError::StandbyNotTriggered, |w| {
        w.execute_by(&standby, stranger(0))
    });
    let digest = world.proposal(&standby).digest;
    for (number, triggered) in [(0, false), (1, true)] {
        let who = guardian(number);
        let meta = world.trigger(&standby, who).unwrap();
        let event: TriggerCast = record::event(&meta);
        assert_eq!((event.parent, event.index), (world.gate_key(), 1));
        assert_eq!((event.guardian, event.digest), (who.pubkey(), digest));
        assert_eq!(event.triggered, triggered);
        assert_eq!(event.lapses_at, now.timestamp + LAPSE);
        assert_eq!((event.slot, event.timestamp), (now.slot, now.timestamp));
        world.refuse(PortcullisError::AlreadyVoted, |w| w.trigger(&standby, who));
        if !triggered {
            world.refuse(PortcullisError::StandbyNotTriggered, |w| {
                w.execute(&standby)
            });
        }
    }
    let proposal = world.proposal(&standby);
    let bits = bit(&world, guardian(0)) | bit(&world, guardian(1));
    assert_eq!(proposal.triggers, bits);
    assert_eq!(proposal.triggered_at, now.timestamp);
    assert_eq!((proposal.vetoes, proposal.approvals.count_ones()), (0, 2));

    let former = world.gate();
    let meta = world.execute_by(&standby, stranger(0)).unwrap();
    let event: UpgradeExecuted = record::event(&meta);
    assert_eq!(event.lane, Lane::Rollback as u8);
    assert_eq!(event.executor, stranger(0).pubkey());
    assert_eq!((event.release_index, event.digest), (3, digest));
    let gate = world.gate();
    assert_eq!(gate.last_upgrade_at, now.timestamp);
    assert_eq!(gate.last_emergency_at, former.last_emergency_at);
    assert_eq!(gate.pending, [PendingSlot::default(); 4]);
    assert_eq!(gate.release.proposal_digest, digest);
}

#[test]
fn g15_as_many_guardians_as_the_snapshot_says_trigger() {
    let mut setup = lanes::setup();
    setup.policy.trigger_threshold = 1;
    let mut world = setup.build();
    let standby = world.armed_in(Lane::SafeMode, elf::memo());
    // Neither a stricter nor a laxer policy since counts: the voters saw this one.
    world.edit_gate(|gate| gate.policy.trigger_threshold = 2);
    world.trigger(&standby, guardian(1)).unwrap();
    world.execute_by(&standby, stranger(0)).unwrap();
}

#[test]
fn g15_a_standby_waits_for_no_interval() {
    let mut setup = lanes::setup();
    setup.policy.min_interval_seconds = 5 * DAY as u32;
    let mut world = setup.build();
    let upgrade = world.queued_in(Lane::Standard, elf::p_token());
    let args = world.args_after(Lane::Rollback, elf::spl_token(), elf::p_token());
    let standby = world.approved_with(elf::spl_token(), args);
    let snapshot = world.proposal(&standby).terms.snapshot;
    assert_eq!(snapshot.min_interval_seconds, 0);
    world.warp_to_eta(&upgrade);
    world.execute(&upgrade).unwrap();
    world.pass(1);
    world.trigger_fully(&standby);
    world.execute(&standby).unwrap();
}

#[test]
fn g15_trigger_votes_lapse_fifteen_minutes_after_the_first() {
    let (world, standby) = armed();
    let first = world.now().timestamp;

    let mut in_time = world.clone();
    in_time.trigger(&standby, guardian(0)).unwrap();
    in_time.warp_to(first + LAPSE - 1);
    in_time.refuse(PortcullisError::AlreadyVoted, |w| {
        w.trigger(&standby, guardian(0))
    });
    let meta = in_time.trigger(&standby, guardian(1)).unwrap();
    let event: TriggerCast = record::event(&meta);
    assert!(event.triggered);
    assert_eq!(event.lapses_at, first + LAPSE);
    // The second vote does not renew the first.
    let mut lapsed = in_time.clone();
    in_time.execute(&standby).unwrap();
    lapsed.warp_to(first + LAPSE);
    lapsed.refuse(PortcullisError::StandbyNotTriggered, |w| {
        w.execute(&standby)
    });

    let mut late = world;
    late.trigger(&standby, guardian(0)).unwrap();
    late.warp_to(first + LAPSE);
    let meta = late.trigger(&standby, guardian(1)).unwrap();
    let event: TriggerCast = record::event(&meta);
    assert!(!event.triggered);
    assert_eq!(event.lapses_at, first + 2 * LAPSE);
    let proposal = late.proposal(&standby);
    assert_eq!(proposal.triggers, bit(&late, guardian(1)));
    assert_eq!(proposal.triggered_at, first + LAPSE);
    late.refuse(PortcullisError::StandbyNotTriggered, |w| {
        w.execute(&standby)
    });
    // The first guardian votes anew, in the second's time.
    late.warp_to(first + 2 * LAPSE - 1);
    late.trigger(&standby, guardian(0)).unwrap();
    late.execute(&standby).unwrap();
}

#[test]
fn g15_triggers_do_not_lapse_by_slots() {
    let (mut world, standby) = armed();
    world.trigger_fully(&standby);
    let slot = world.now().slot;
    world.set_slot(slot + 1_000_000);
    world.execute(&standby).unwrap();
}

#[test]
fn g15_triggers_of_one_standby_do_not_count_for_another() {
    let mut world = lanes::upgraded();
    let rollback = world.queued_in(Lane::Rollback, elf::spl_token());
    let safe_mode = world.armed_in(Lane::SafeMode, elf::memo());
    world.trigger(&rollback, guardian(0)).unwrap();
    world.trigger(&safe_mode, guardian(1)).unwrap();
    for standby in [&rollback, &safe_mode] {
        world.refuse(PortcullisError::StandbyNotTriggered, |w| w.execute(standby));
    }
}

#[test]
fn g15_trigger_votes_end_with_the_arming() {
    let mut world = lanes::world();
    let proposed = world.armed_in(Lane::SafeMode, elf::memo());
    world.trigger_fully(&proposed);
    assert!(world.proposal(&proposed).is_triggered(world.now()));
    // The threshold is lost: it is no longer armed, and what was asked for is gone.
    world.retract(&proposed, voter(0)).unwrap();
    let lost = world.proposal(&proposed);
    assert_eq!((lost.eta, lost.triggers, lost.triggered_at), (0, 0, 0));
}
