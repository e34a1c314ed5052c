//! A gate moves to another council, which accepts it: its programs' rules stay, its decisions are the other council's.

use portcullis::{change::Change, events::GateMoved, lifecycle::Lane};
use portcullis_tests::{
    calls::{readonly, substitute, unsigned},
    elf,
    governance::*,
    lanes, record, *,
};

/// The other council: the second guardian proposes and executes, the strangers vote, the first guardian guards.
fn others() -> Setup {
    Setup {
        members: sorted(vec![
            member(guardian(1).pubkey(), ROLE_PROPOSE | ROLE_EXECUTE),
            member(stranger(0).pubkey(), ROLE_VOTE),
            member(stranger(1).pubkey(), ROLE_VOTE),
            member(guardian(0).pubkey(), ROLE_GUARD),
        ]),
        ..Setup::default()
    }
}

fn move_to(council: Pubkey, epoch: u32) -> Change {
    Change::MoveGate { council, epoch }
}

/// A move to a council of `setup` that is ready.
fn ready_to(setup: &Setup) -> (World, Proposed, Pubkey) {
    let mut world = World::new();
    let to = world.another_council("other council", setup);
    let proposed = world.gate_change(move_to(to, 1));
    world.ready_change(&proposed);
    (world, proposed, to)
}

fn ready() -> (World, Proposed, Pubkey) {
    ready_to(&others())
}

#[test]
fn g16_a_gate_moves_to_a_council_that_accepts_it() {
    let (mut world, proposed, to) = ready();
    let former = world.council;
    let (gate, left, joined) = (world.gate(), world.council(), world.council_at(&to));
    let program = world.account(&world.programdata());
    let now = world.now();
    let meta = world.move_gate(&proposed, to, guardian(1)).unwrap();

    let after = world.gate();
    assert_eq!((after.council, after.life, after.state), (to, 2, 1));
    assert_eq!((after.policy, after.release), (gate.policy, gate.release));
    assert_eq!(after.proposal_count, gate.proposal_count);
    assert_eq!(after.pending[0], PendingSlot::default());
    assert_eq!(world.account(&world.programdata()), program);
    let (council, other) = (world.council_at(&former), world.council_at(&to));
    assert_eq!((council.gate_count, other.gate_count), (0, 1));
    assert_eq!(council.gate_maxima, Default::default());
    assert_eq!(other.gate_maxima, left.gate_maxima);
    assert_eq!((council.config_epoch, other.config_epoch), (1, 1));

    let event: GateMoved = record::event(&meta);
    assert_eq!((event.parent, event.index), (world.gate_key(), 0));
    assert_eq!(event.executor, voter(0).pubkey());
    assert_eq!(event.digest, world.proposal(&proposed).digest);
    assert_eq!((event.former, event.council), (former, to));
    assert_eq!((event.epoch, event.life), (1, 2));
    assert_eq!(event.proposer, guardian(1).pubkey());
    assert_eq!((event.slot, event.timestamp), (now.slot, now.timestamp));
    // It is in the logs of all three.
    let bytes = &record::events(&meta)[0];
    for (log, key, folded) in [
        (gate.log, world.gate_key(), after.log),
        (left.log, former, council.log),
        (joined.log, to, other.log),
    ] {
        let mut log = log;
        record::fold(&mut log, &key, bytes);
        assert_eq!(log, folded);
    }

    // The new council's people decide, the former's do not.
    world.council = to;
    let buffer = world.buffer(elf::memo(), &guardian(1).pubkey());
    let next = world.next(buffer);
    let args = world.upgrade_args(elf::memo());
    let by = guardian(1).pubkey();
    let propose = BUILDER.propose_upgrade(
        &next.keys,
        buffer,
        next.spill,
        by,
        payer().pubkey(),
        args.clone(),
    );
    world.send(&[propose], &[guardian(1)]).unwrap();
    world.verify(&next).unwrap();
    world.refuse(PortcullisError::NotAMember, |w| w.approve(&next, voter(0)));
    world.approve(&next, stranger(0)).unwrap();
    world.approve(&next, stranger(1)).unwrap();
    world.warp_to_eta(&next);
    world.refuse(PortcullisError::NotAMember, |w| w.execute(&next));
    world.execute_by(&next, guardian(1)).unwrap();
    // Nor can they come back to it through their own council.
    world.council = former;
    let buffer = world.buffer(elf::p_token(), &voter(0).pubkey());
    let mut old = world.next(buffer);
    old.keys.council = former;
    world.refuse(PortcullisError::GateOfAnotherCouncil, |w| {
        w.propose_with(&old, args)
    });
    let keys = ProposalKeys::of_gate(former, world.program, world.gate().proposal_count);
    let back = Proposed {
        keys,
        address: BUILDER.proposal(&keys),
        ..old
    };
    let args = world.change_args(&back, move_to(to, 1));
    world.refuse(PortcullisError::GateOfAnotherCouncil, |w| {
        w.propose_change_with(&back, args)
    });
}

#[test]
fn g16_a_proposer_of_the_new_council_accepts() {
    let (mut world, proposed, to) = ready();
    for (who, reason) in [
        (voter(0), PortcullisError::NotAMember),
        (upgrade_authority(), PortcullisError::NotAMember),
        (stranger(0), PortcullisError::RoleMissing),
        (guardian(0), PortcullisError::RoleMissing),
    ] {
        world.refuse(reason, |w| w.move_gate(&proposed, to, who));
    }
    let valid = BUILDER.move_gate(&proposed.keys, voter(0).pubkey(), guardian(1).pubkey(), to);
    world.refuse(ErrorCode::AccountNotSigner, |w| {
        w.send(&[unsigned(&valid, &guardian(1).pubkey())], &[voter(0)])
    });
    world.refuse(ErrorCode::AccountNotSigner, |w| {
        w.send(&[unsigned(&valid, &voter(0).pubkey())], &[guardian(1)])
    });
    // To the council that was voted for.
    let third = world.another_council("third council", &others());
    for instead in [third, world.council] {
        world.refuse(PortcullisError::CouncilMismatch, |w| {
            w.move_gate(&proposed, instead, guardian(1))
        });
    }
    world.refuse(PortcullisError::GateOfAnotherCouncil, |w| {
        let wrong = substitute(&valid, &w.council, &third);
        w.send(&[wrong], &[voter(0), guardian(1)])
    });
    for (key, reason) in [
        (world.council, ErrorCode::AccountNotMutable),
        (to, ErrorCode::ConstraintMut),
    ] {
        world.refuse(reason, |w| {
            w.send(&[readonly(&valid, &key)], &[voter(0), guardian(1)])
        });
    }
    world.refuse(PortcullisError::RoleMissing, |w| {
        let by = BUILDER.move_gate(&proposed.keys, voter(1).pubkey(), guardian(1).pubkey(), to);
        w.send(&[by], &[voter(1), guardian(1)])
    });
}

#[test]
fn g8_the_new_council_is_the_one_that_the_voters_saw() {
    let (mut world, proposed, to) = ready();
    // Its members change before the move.
    world.edit(&to, |council: &mut Council| council.config_epoch = 2);
    world.refuse(PortcullisError::EpochMismatch, |w| {
        w.move_gate(&proposed, to, guardian(1))
    });
    // One that is not sealed has no members that anybody has seen.
    let mut world = World::new();
    let key = keypair("other council");
    let create = create_instruction(&key, &others());
    world.send(&[create], &[&key]).unwrap();
    let to = pda::council(&portcullis::ID, &key.pubkey());
    let proposed = world.gate_change(move_to(to, 0));
    world.ready_change(&proposed);
    world.refuse(PortcullisError::CouncilNotSealed, |w| {
        w.move_gate(&proposed, to, guardian(1))
    });
}

#[test]
fn g12_a_gate_does_not_move_to_its_own_council() {
    let mut world = World::new();
    let change = move_to(world.council, 1);
    world.refuse_change(PortcullisError::SameCouncil, change, false);
}

#[test]
fn g12_a_council_that_could_not_meet_the_gate_does_not_take_it() {
    let weak = |change: fn(&mut Setup)| {
        let mut setup = others();
        change(&mut setup);
        setup
    };
    let cases = [
        (
            PortcullisError::VetoUnreachable,
            weak(|s| {
                s.members.retain(|m| m.key != guardian(0).pubkey());
                s.council_policy.veto_threshold = 0;
            }),
        ),
        (
            PortcullisError::ThresholdUnreachable,
            weak(|s| {
                s.members.retain(|m| m.key != stranger(0).pubkey());
                s.council_policy.threshold = 1;
            }),
        ),
        (
            PortcullisError::CouncilWeakerThanGate,
            weak(|s| s.council_policy.threshold = 1),
        ),
        (
            PortcullisError::CouncilWeakerThanGate,
            weak(|s| s.council_policy.timelock_seconds = 86_399),
        ),
        (
            PortcullisError::DelayBelowFloor,
            weak(|s| s.delay_floor_seconds = 2 * 86_400),
        ),
    ];
    for (reason, setup) in cases {
        let (mut world, proposed, to) = ready_to(&setup);
        world.refuse(reason, |w| w.move_gate(&proposed, to, guardian(1)));
    }
    // One that demands less of itself than the gate's rules takes it no more than at an adoption.
    let mut world = World::new();
    let to = world.another_council("other council", &others());
    let emergency = Policy {
        emergency_threshold: 2,
        emergency_timelock_seconds: 3_600,
        emergency_min_interval_seconds: 1,
        emergency_veto_threshold: 1,
        ..policy()
    };
    let raise = world.gate_change(policy_change(emergency, 0));
    world.ready_change(&raise);
    world.execute_change(&raise).unwrap();
    let fits = world.gate_change(move_to(to, 1));
    world.ready_change(&fits);
    let mut moved = world.clone();
    moved.move_gate(&fits, to, guardian(1)).unwrap();
    world.edit_gate(|gate| gate.policy.trigger_threshold = 1);
    world.edit_gate(|gate| gate.policy.standby_validity_seconds = 600);
    world.edit(&to, |council: &mut Council| {
        council.policy.veto_threshold = 1;
        council.gate_maxima = Default::default();
    });
    let mut bounded = world.clone();
    bounded.move_gate(&fits, to, guardian(1)).unwrap();
    world.edit_gate(|gate| gate.policy.veto_threshold = 0);
    world.edit(&to, |council: &mut Council| {
        council.policy.veto_threshold = 0
    });
    world.refuse(PortcullisError::PolicyAboveCouncil, |w| {
        w.move_gate(&fits, to, guardian(1))
    });
}

#[test]
fn g16_what_was_open_is_dead_and_the_new_council_cleans_up() {
    let mut world = lanes::world();
    let former = world.council;
    let to = world.another_council("other council", &lanes::setup());
    let change = world.gate_change(move_to(to, 1));
    world.approve_fully(&change);
    let armed = world.queued_in(Lane::SafeMode, elf::memo());
    world.pass(DAY - 60);
    let draft = world.draft();
    let voting = world.voting();
    world.approve(&voting, voter(0)).unwrap();
    world.warp_to_eta(&change);
    world.move_gate(&change, to, voter(0)).unwrap();
    for mut proposed in [armed, draft, voting] {
        // The council that it was voted in has nothing to say any more, not even to clean up.
        world.refuse(PortcullisError::GateOfAnotherCouncil, |w| {
            w.approve(&proposed, voter(1))
        });
        world.refuse(PortcullisError::GateOfAnotherCouncil, |w| {
            w.return_buffer(&proposed)
        });
        // The new one has the same members at the same epoch, but it is another life.
        proposed.keys.council = to;
        world.refuse(PortcullisError::ProposalStale, |w| {
            w.approve(&proposed, voter(1))
        });
        world.refuse(PortcullisError::ProposalStale, |w| w.execute(&proposed));
        world.clean_up(&proposed);
    }
    let mut change = change;
    world.refuse(PortcullisError::GateOfAnotherCouncil, |w| {
        w.move_gate(&change, to, voter(0))
    });
    change.keys.council = to;
    world.clean_up(&change);
    let mut left = vec![former, to, world.gate_key()];
    left.sort();
    assert_eq!(world.own_accounts(), left);
    // And back again.
    world.council = to;
    let back = world.gate_change(move_to(former, 1));
    world.ready_change(&back);
    world.move_gate(&back, former, voter(0)).unwrap();
    assert_eq!((world.gate().council, world.gate().life), (former, 3));
}

#[test]
fn g9_the_council_keeps_the_maxima_while_it_has_gates() {
    let mut world = World::new();
    let second = world.adopt_another("second");
    let to = world.another_council("other council", &others());
    let maxima = world.council().gate_maxima;
    let proposed = world.gate_change(move_to(to, 1));
    world.ready_change(&proposed);
    world.move_gate(&proposed, to, guardian(1)).unwrap();
    assert_eq!(world.council().gate_count, 1);
    assert_eq!(world.council().gate_maxima, maxima);
    let exit = world.at(second, |w| {
        let exit = w.gate_change(transfer_to(stranger(0).pubkey(), true));
        w.ready_change(&exit);
        exit
    });
    world.transfer(&exit, stranger(0)).unwrap();
    assert_eq!(world.council().gate_count, 0);
    assert_eq!(world.council().gate_maxima, Default::default());
}
