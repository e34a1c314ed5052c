//! Adoption: which policy a gate may have, and what its council then keeps.

use portcullis_tests::{
    adoption::{adopt_with, unadopted},
    rules, *,
};

#[test]
fn an_impossible_policy_of_a_gate_is_refused_by_name() {
    let setup = Setup::default();
    let sealed = unadopted(&setup);
    for (reason, name, change) in rules::violations() {
        let mut world = sealed.clone();
        let mut args = world.adopt_args(&setup);
        change(&mut args.policy);
        eprintln!("{reason:?}: {name}");
        world.refuse(reason, |w| adopt_with(w, args));
    }
}

#[test]
fn a_policy_of_a_gate_at_a_limit_is_taken() {
    let setup = Setup {
        council_policy: Policy {
            threshold: 3,
            timelock_seconds: 90 * 86_400,
            ..council_policy()
        },
        ..Setup::default()
    };
    let sealed = unadopted(&setup);
    for (name, change) in rules::limits() {
        let mut world = sealed.clone();
        let mut args = world.adopt_args(&setup);
        change(&mut args.policy);
        eprintln!("{name}");
        adopt_with(&mut world, args).unwrap();
    }
}

#[test]
fn a_gate_that_nobody_could_execute_is_refused() {
    let mut setup = Setup::default();
    for member in &mut setup.members {
        member.roles &= !ROLE_EXECUTE;
    }
    setup.council_policy.flags = FLAG_ANYONE_MAY_EXECUTE;
    let mut world = unadopted(&setup);
    world.refuse(PortcullisError::NoExecutor, |w| w.adopt(&setup));
    setup.policy.flags = FLAG_ANYONE_MAY_EXECUTE;
    world.adopt(&setup).unwrap();
}

#[test]
fn g9_a_council_is_never_weaker_than_its_gates() {
    let setup = Setup::default();
    let mut world = unadopted(&setup);
    let args = world.adopt_args(&setup);
    let strict = |threshold, timelock_seconds| {
        let mut args = args;
        args.policy.threshold = threshold;
        args.policy.timelock_seconds = timelock_seconds;
        args
    };
    for stricter in [strict(3, 86_400), strict(2, 10 * 86_400 + 1)] {
        world.refuse(PortcullisError::CouncilWeakerThanGate, |w| {
            adopt_with(w, stricter)
        });
    }
    adopt_with(&mut world, strict(2, 10 * 86_400)).unwrap();
}

#[test]
fn g9_the_council_keeps_the_most_that_any_gate_demands() {
    let mut members = default_members();
    members.push(member(guardian(1).pubkey(), ROLE_GUARD));
    for kind in 0..4 {
        members.push(Member {
            attests: 0b11,
            ..member(address(&format!("attester {kind}")), ROLE_ATTEST)
        });
    }
    let mut setup = Setup {
        members: sorted(members),
        council_policy: Policy {
            threshold: 3,
            emergency_threshold: 3,
            emergency_timelock_seconds: 3_600,
            emergency_min_interval_seconds: 1,
            emergency_veto_threshold: 2,
            attestations: [2, 2, 0, 0, 0, 0, 0, 0],
            trigger_threshold: 2,
            standby_validity_seconds: 600,
            ..council_policy()
        },
        ..Setup::default()
    };
    let mut world = unadopted(&setup);
    setup.policy = Policy {
        threshold: 1,
        timelock_seconds: 5 * 86_400,
        emergency_threshold: 3,
        emergency_timelock_seconds: 3_600,
        emergency_min_interval_seconds: 1,
        attestations: [2, 1, 0, 0, 0, 0, 0, 0],
        veto_threshold: 1,
        emergency_veto_threshold: 2,
        trigger_threshold: 1,
        standby_validity_seconds: 600,
        ..policy()
    };
    world.adopt(&setup).unwrap();
    let first = world.council().gate_maxima;
    assert_eq!((first.threshold, first.emergency_threshold), (1, 3));
    assert_eq!(first.timelock_seconds, 5 * 86_400);
    assert_eq!(first.attestations, [2, 1, 0, 0, 0, 0, 0, 0]);
    assert_eq!(
        (first.veto_threshold, first.emergency_veto_threshold),
        (1, 2)
    );
    assert_eq!(first.trigger_threshold, 1);

    setup.policy = Policy {
        threshold: 2,
        attestations: [1, 2, 0, 0, 0, 0, 0, 0],
        veto_threshold: 2,
        trigger_threshold: 2,
        standby_validity_seconds: 600,
        ..policy()
    };
    world.program = address("another program");
    world.install(&address("another program"), &setup.deployed);
    world.adopt(&setup).unwrap();
    let both = world.council();
    assert_eq!(both.gate_count, 2);
    let both = both.gate_maxima;
    assert_eq!((both.threshold, both.emergency_threshold), (2, 3));
    assert_eq!(both.timelock_seconds, 5 * 86_400);
    assert_eq!(both.attestations, [2, 2, 0, 0, 0, 0, 0, 0]);
    assert_eq!((both.veto_threshold, both.emergency_veto_threshold), (2, 2));
    assert_eq!(both.trigger_threshold, 2);
}
