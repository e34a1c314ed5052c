//! A change of the council's own rules: it is never easier to change than one of its gates, and its delay floor only rises.

use portcullis::{events::PolicyChanged, lifecycle::Lane, policy::FLAG_NONCE_VOTES};
use portcullis_tests::{elf, governance::*, lanes, record, *};

const FLOOR: u32 = 3_600;

fn own(change: fn(&mut Policy)) -> Policy {
    let mut policy = council_policy();
    change(&mut policy);
    policy
}

#[test]
fn g9_the_councils_new_policy_waits_for_its_old_timelock() {
    for new in [
        own(|p| p.timelock_seconds = 86_400),
        own(|p| p.timelock_seconds = 20 * 86_400),
    ] {
        let mut world = World::new();
        let eta = world.now().timestamp + 10 * DAY;
        let proposed = world.own_change(policy_change(new, FLOOR));
        world.approve_fully(&proposed);
        assert_eq!(world.proposal(&proposed).eta, eta);
        // One that is under way keeps its rules.
        world.warp_to(eta - 1);
        let other = world.own_change(council_change(&[voter(2).pubkey()], &[]));
        world.refuse(PortcullisError::TimelockNotElapsed, |w| {
            w.execute_change(&proposed)
        });
        world.warp_to(eta);
        let (log, of_gate) = (world.council().log, world.gate().log);
        let meta = world.execute_change(&proposed).unwrap();
        let council = world.council();
        assert_eq!((council.policy, council.delay_floor_seconds), (new, FLOOR));
        assert_eq!(council.config_epoch, 1);
        assert_eq!(council.pending, PendingSlot::default());
        let event: PolicyChanged = record::event(&meta);
        assert_eq!((event.parent, event.index), (world.council, 0));
        assert_eq!((event.former, event.policy), (council_policy(), new));
        assert_eq!(event.delay_floor_seconds, FLOOR);
        let mut folded = log;
        record::fold(&mut folded, &world.council, &record::events(&meta)[0]);
        assert_eq!((council.log, world.gate().log), (folded, of_gate));

        world.approve_fully(&other);
        assert_eq!(world.proposal(&other).eta, eta + 10 * DAY);
    }
}

/// What would make the council the weaker door.
fn weaker() -> Vec<Policy> {
    vec![
        own(|p| p.threshold = 1),
        own(|p| p.timelock_seconds = 86_399),
        own(|p| p.veto_threshold = 0),
        own(|p| p.flags = FLAG_NONCE_VOTES),
    ]
}

#[test]
fn g9_the_council_is_never_easier_to_change_than_a_gate() {
    let mut world = World::new();
    for policy in weaker() {
        let reason = PortcullisError::CouncilWeakerThanGate;
        world.refuse_change(reason, policy_change(policy, FLOOR), true);
    }
    // As strict as the gate is strict enough.
    world.own_change(policy_change(own(|p| p.timelock_seconds = 86_400), FLOOR));
    // More guardians than the gate's veto needs would be harder to stop.
    let mut setup = Setup::default();
    setup.members = sorted(
        [
            setup.members,
            vec![member(guardian(1).pubkey(), ROLE_GUARD)],
        ]
        .concat(),
    );
    let mut world = setup.build();
    world.refuse_change(
        PortcullisError::CouncilWeakerThanGate,
        policy_change(own(|p| p.veto_threshold = 2), FLOOR),
        true,
    );
    // Without gates it may be as it likes.
    let mut world = World::bare();
    world.create_council(&Setup::default()).unwrap();
    for policy in weaker() {
        let proposed = world.own_change(policy_change(policy, FLOOR));
        world.cancel(&proposed, voter(0)).unwrap();
    }
}

#[test]
fn g9_a_gate_that_became_stricter_stops_the_weakening_at_its_execution() {
    let mut world = World::new();
    let proposed = world.own_change(policy_change(
        own(|p| p.timelock_seconds = 2 * 86_400),
        FLOOR,
    ));
    world.approve_fully(&proposed);
    let stricter = Policy {
        timelock_seconds: 2 * 86_400 + 1,
        ..policy()
    };
    let of_gate = world.gate_change(policy_change(stricter, 0));
    world.ready_change(&of_gate);
    world.execute_change(&of_gate).unwrap();
    world.warp_to_eta(&proposed);
    world.refuse(PortcullisError::CouncilWeakerThanGate, |w| {
        w.execute_change(&proposed)
    });
}

#[test]
fn g9_a_gate_does_not_become_stricter_than_its_council() {
    let mut world = World::new();
    for breaks in [(|p| p.threshold = 3) as fn(&mut Policy), |p| {
        p.timelock_seconds = 10 * 86_400 + 1
    }] {
        let mut policy = policy();
        breaks(&mut policy);
        let reason = PortcullisError::CouncilWeakerThanGate;
        world.refuse_change(reason, policy_change(policy, 0), false);
    }
}

#[test]
fn g9_the_council_that_became_weaker_stops_the_gate_at_its_execution() {
    let mut world = World::new();
    let proposed = world.own_change(policy_change(
        own(|p| p.timelock_seconds = 2 * 86_400),
        FLOOR,
    ));
    world.approve_fully(&proposed);
    world.pass(9 * DAY + DAY / 2);
    let stricter = Policy {
        timelock_seconds: 3 * 86_400,
        ..policy()
    };
    let of_gate = world.gate_change(policy_change(stricter, 0));
    world.approve_fully(&of_gate);
    world.warp_to_eta(&proposed);
    world.execute_change(&proposed).unwrap();
    world.warp_to_eta(&of_gate);
    world.refuse(PortcullisError::CouncilWeakerThanGate, |w| {
        w.execute_change(&of_gate)
    });
}

#[test]
fn g5_the_delay_floor_only_rises() {
    let mut world = World::new();
    for (reason, floor) in [
        (PortcullisError::DelayFloorLowered, 0),
        (PortcullisError::DelayFloorLowered, FLOOR - 1),
        (PortcullisError::DurationTooLong, 90 * 86_400 + 1),
        // The council's own timelock is ten days.
        (PortcullisError::DelayBelowFloor, 10 * 86_400 + 1),
    ] {
        world.refuse_change(reason, policy_change(council_policy(), floor), true);
    }
    // As high as can be.
    let mut highest = Setup::default();
    highest.council_policy.timelock_seconds = 90 * 86_400;
    let mut highest = highest.build();
    let policy = highest.council().policy;
    highest.own_change(policy_change(policy, 90 * 86_400));
    // One that was proposed before another rose the floor cannot lower it again.
    let higher = world.own_change(policy_change(council_policy(), 2 * 86_400));
    world.approve_fully(&higher);
    let eta = world.proposal(&higher).eta;
    world.warp_to(eta - DAY);
    let lower = world.own_change(policy_change(council_policy(), 86_400));
    world.approve_fully(&lower);
    world.warp_to(eta);
    world.execute_change(&higher).unwrap();
    assert_eq!(world.council().delay_floor_seconds, 2 * 86_400);
    world.queue(&lower).unwrap();
    world.warp_to_eta(&lower);
    world.refuse(PortcullisError::DelayFloorLowered, |w| {
        w.execute_change(&lower)
    });
}

#[test]
fn g5_a_raised_floor_holds_for_every_lane_of_every_gate_from_then_on() {
    const HIGHER: u32 = 2 * 86_400;
    let mut world = lanes::world();
    let policy = lanes::setup().council_policy;
    let raised = Policy {
        emergency_timelock_seconds: HIGHER,
        ..policy
    };
    let proposed = world.own_change(policy_change(raised, HIGHER));
    world.approve_fully(&proposed);
    let eta = world.proposal(&proposed).eta;
    world.warp_to(eta - 3_600);
    let open = world.voting();
    world.warp_to(eta);
    world.execute_change(&proposed).unwrap();

    // What is under way keeps its own; gates' policies are below the floor, and it overrides them.
    world.approve_fully(&open);
    assert_eq!(world.proposal(&open).eta, eta + DAY);
    world.veto(&open, guardian(0)).unwrap();
    for lane in [Lane::Standard, Lane::Emergency, Lane::SafeMode] {
        let queued = world.queued_in(lane, elf::memo());
        let proposal = world.proposal(&queued);
        assert_eq!(proposal.terms.snapshot.timelock_seconds, HIGHER);
        assert_eq!(proposal.eta, eta + i64::from(HIGHER));
    }
    // New policies must respect it themselves.
    let below = lanes::setup().policy;
    world.refuse_change(
        PortcullisError::DelayBelowFloor,
        policy_change(below, 0),
        false,
    );
    let at_floor = Policy {
        timelock_seconds: HIGHER,
        emergency_timelock_seconds: HIGHER,
        ..below
    };
    let change = world.gate_change(policy_change(at_floor, 0));
    assert_eq!(
        world.proposal(&change).terms.snapshot.timelock_seconds,
        HIGHER
    );
    // And adoptions.
    let program = address("another program");
    let setup = lanes::setup();
    world.install(&program, &setup.deployed);
    let adopt = world.adopt_instruction(program, world.adopt_args(&setup));
    world.refuse(PortcullisError::DelayBelowFloor, |w| {
        w.send(&[adopt], &[upgrade_authority(), voter(0)])
    });
}
