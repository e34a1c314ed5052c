//! What gates may demand of a council: at their adoption no more than the council demands of itself, afterwards what it votes
//! for; and always what its members can meet, for all gates together.

use portcullis::policy::FLAG_NONCE_VOTES;
use portcullis_tests::{governance::*, lanes, *};

/// A proposer with a program of its own tries to put it under the council with these rules.
fn adopt(world: &mut World, name: &str, policy: Policy) -> Outcome {
    let setup = Setup {
        policy,
        ..Setup::default()
    };
    let program = address(name);
    let adopt = world.adopt_instruction(program, world.adopt_args(&setup));
    world.send(&[adopt], &[upgrade_authority(), voter(0)])
}

/// The default council with two guardians and a second attester.
fn setup() -> Setup {
    let mut setup = Setup::default();
    let attests = |key: &Keypair, attests| Member {
        attests,
        ..member(key.pubkey(), ROLE_ATTEST)
    };
    setup.members = sorted(
        [
            setup.members,
            vec![
                member(guardian(1).pubkey(), ROLE_GUARD),
                attests(attester(), 0b11),
            ],
        ]
        .concat(),
    );
    setup
}

/// What the council can meet, but does not demand of itself.
fn above() -> Vec<(&'static str, rules::Change)> {
    fn emergency(policy: &mut Policy) {
        policy.emergency_threshold = 2;
        policy.emergency_timelock_seconds = 3_600;
        policy.emergency_min_interval_seconds = 1;
    }
    vec![
        ("emergency threshold", |p| {
            emergency(p);
            p.emergency_threshold = 3;
        }),
        ("emergency veto", |p| {
            emergency(p);
            p.emergency_veto_threshold = 2;
        }),
        ("trigger", |p| {
            p.trigger_threshold = 2;
            p.standby_validity_seconds = 600;
        }),
        ("attestations", |p| p.attestations[0] = 1),
    ]
}

#[test]
fn g12_a_rogue_proposer_cannot_make_the_council_hard_to_change() {
    let mut world = setup().build();
    world.install(&address("rogue"), &Setup::default().deployed);
    let maxima = world.council().gate_maxima;
    for (name, raise) in above() {
        eprintln!("{name}");
        let mut policy = policy();
        raise(&mut policy);
        world.refuse(PortcullisError::PolicyAboveCouncil, |w| {
            adopt(w, "rogue", policy)
        });
    }
    for raise in [
        (|p| p.threshold = 3) as fn(&mut Policy),
        |p| p.timelock_seconds = 10 * 86_400 + 1,
        // Two guardians would have to agree where the council's change needs one: the council's veto is the easier.
    ] {
        let mut policy = policy();
        raise(&mut policy);
        world.refuse(PortcullisError::CouncilWeakerThanGate, |w| {
            adopt(w, "rogue", policy)
        });
    }
    let mut policy = policy();
    policy.veto_threshold = 2;
    world.refuse(PortcullisError::PolicyAboveCouncil, |w| {
        adopt(w, "rogue", policy)
    });
    assert_eq!(world.council().gate_maxima, maxima);
    assert_eq!(world.council().gate_count, 1);
}

#[test]
fn g9_the_same_rules_come_in_by_a_vote() {
    for (name, raise) in above() {
        eprintln!("{name}");
        let mut world = setup().build();
        let mut policy = policy();
        raise(&mut policy);
        let proposed = world.gate_change(policy_change(policy, 0));
        world.ready_change(&proposed);
        world.execute_change(&proposed).unwrap();
        assert_eq!(world.gate().policy, policy);
        let maxima = world.council().gate_maxima;
        assert_eq!(maxima.emergency_threshold, policy.emergency_threshold);
        assert_eq!(
            maxima.emergency_veto_threshold,
            policy.emergency_veto_threshold
        );
        assert_eq!(maxima.trigger_threshold, policy.trigger_threshold);
        assert_eq!(maxima.attestations, policy.attestations);
    }
}

#[test]
fn g12_rules_as_strict_as_the_councils_own_are_adopted() {
    let lanes = lanes::setup();
    let mut world = World::bare();
    world.create_council(&lanes).unwrap();
    world.install(&address("program"), &lanes.deployed);
    let mut policy = lanes.council_policy;
    policy.min_interval_seconds = 0;
    adopt(&mut world, "program", policy).unwrap();
    let maxima = world.council().gate_maxima;
    assert_eq!(
        (maxima.threshold, maxima.timelock_seconds),
        (2, 10 * 86_400)
    );
    assert_eq!((maxima.easiest_veto, maxima.refuses_nonce), (1, 1));
    assert_eq!(
        (maxima.emergency_threshold, maxima.trigger_threshold),
        (3, 2)
    );
}

#[test]
fn g9_the_easiest_veto_of_all_gates_is_remembered() {
    let mut setup = setup();
    let maxima = |world: &World| {
        let maxima = world.council().gate_maxima;
        (maxima.veto_threshold, maxima.easiest_veto)
    };
    let vetoed_by = |world: &mut World, guardians| {
        let policy = Policy {
            veto_threshold: guardians,
            ..policy()
        };
        let proposed = world.gate_change(policy_change(policy, 0));
        world.ready_change(&proposed);
        world.execute_change(&proposed).unwrap();
    };
    let mut world = setup.build();
    assert_eq!(maxima(&world), (1, 1));
    vetoed_by(&mut world, 2);
    assert_eq!(maxima(&world), (2, 1));

    setup.council_policy.veto_threshold = 1;
    setup.policy.veto_threshold = 0;
    let mut world = setup.build();
    assert_eq!(maxima(&world), (0, 0));
    vetoed_by(&mut world, 2);
    assert_eq!(maxima(&world), (2, 2));
    vetoed_by(&mut world, 1);
    assert_eq!(maxima(&world), (2, 1));
}

#[test]
fn g4_a_gate_that_takes_nonces_binds_its_council_to_nothing() {
    let mut setup = Setup::default();
    setup.council_policy.flags |= FLAG_NONCE_VOTES;
    setup.policy.flags |= FLAG_NONCE_VOTES;
    let mut world = setup.build();
    assert_eq!(world.council().gate_maxima.refuses_nonce, 0);
    world.refuse_change(
        PortcullisError::CouncilWeakerThanGate,
        policy_change(policy(), 0),
        false,
    );
}

#[test]
fn g12_a_council_without_executors_whose_gates_need_none_changes_its_members() {
    let mut setup = Setup::default();
    for policy in [&mut setup.policy, &mut setup.council_policy] {
        policy.flags |= FLAG_ANYONE_MAY_EXECUTE;
    }
    for member in &mut setup.members {
        member.roles &= !ROLE_EXECUTE;
    }
    let mut world = setup.build();
    let joins = member(stranger(0).pubkey(), ROLE_VOTE);
    let proposed = world.own_change(council_change(&[], &[joins]));
    world.ready_change(&proposed);
    world.execute_change(&proposed).unwrap();
    assert_eq!(world.council().config_epoch, 2);
}

#[test]
fn g9_the_maxima_stay_when_a_gate_asks_for_less() {
    let mut world = World::new();
    let maxima = world.council().gate_maxima;
    let less = Policy {
        threshold: 1,
        timelock_seconds: 3_600,
        veto_threshold: 0,
        ..policy()
    };
    let proposed = world.gate_change(policy_change(less, 0));
    world.ready_change(&proposed);
    world.execute_change(&proposed).unwrap();
    assert_eq!(world.council().gate_maxima, maxima);
}

#[test]
fn g12_attesters_must_suffice_for_all_gates_together() {
    // One attester attests both kinds, but one kind a proposal.
    let mut world = setup().build();
    let both = |kinds: [u8; 2]| {
        let mut policy = policy();
        policy.attestations[..2].copy_from_slice(&kinds);
        policy_change(policy, 0)
    };
    for kinds in [[1, 1], [2, 0]] {
        world.refuse_change(PortcullisError::AttestationsUnreachable, both(kinds), false);
    }
    // The first gate demands a build, the second an audit: a change of members must meet both, so they do not go together.
    let program = {
        world.install(&address("second"), &Setup::default().deployed);
        adopt(&mut world, "second", policy()).unwrap();
        address("second")
    };
    let first = world.gate_change(both([1, 0]));
    let second = world.at(program, |w| w.gate_change(both([0, 1])));
    world.approve_fully(&first);
    world.approve_fully(&second);
    world.warp_to_eta(&second);
    world.execute_change(&first).unwrap();
    world.refuse(PortcullisError::AttestationsUnreachable, |w| {
        w.execute_change(&second)
    });
    world.at(program, |w| {
        w.refuse_change(
            PortcullisError::AttestationsUnreachable,
            both([0, 1]),
            false,
        );
        w.gate_change(both([1, 0]));
    });
    // A second attester makes it possible.
    let joins = Member {
        attests: 0b10,
        ..member(stranger(1).pubkey(), ROLE_ATTEST)
    };
    let change = world.own_change(council_change(&[], &[joins]));
    world.ready_change(&change);
    world.execute_change(&change).unwrap();
    let second = world.at(program, |w| w.gate_change(both([0, 1])));
    world.ready_change(&second);
    world.execute_change(&second).unwrap();
    // And now neither of the two may leave.
    for key in [attester().pubkey(), stranger(1).pubkey()] {
        world.refuse_change(
            PortcullisError::GateCouldNotBeMet,
            council_change(&[key], &[]),
            true,
        );
    }
}
