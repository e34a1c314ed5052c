//! Nothing executes before its time or after it.

use portcullis::lifecycle::Lane;
use portcullis_tests::{elf, lanes, *};

#[test]
fn g5_execute_before_eta_is_rejected() {
    let mut world = World::new();
    let proposed = world.queued();
    let eta = world.proposal(&proposed).eta;
    assert_eq!(eta, START.timestamp + DAY);
    for early in [START.timestamp, eta - 1] {
        world.warp_to(early);
        world.refuse(PortcullisError::TimelockNotElapsed, |w| {
            w.execute(&proposed)
        });
    }
    world.warp_to(eta);
    world.execute(&proposed).unwrap();
}

#[test]
fn g6_execute_at_expiry_is_rejected() {
    let mut world = World::new();
    let proposed = world.queued();
    let expires_at = world.proposal(&proposed).expires_at();
    assert_eq!(expires_at, START.timestamp + 3 * DAY);
    world.warp_to(expires_at - 1);
    let mut last_moment = world.clone();
    last_moment.execute(&proposed).unwrap();
    for late in [expires_at, expires_at + 1] {
        world.warp_to(late);
        world.refuse(PortcullisError::ProposalExpired, |w| w.execute(&proposed));
        world.refuse(PortcullisError::ProposalExpired, |w| {
            w.approve(&proposed, voter(2))
        });
        world.refuse(PortcullisError::ProposalExpired, |w| {
            w.veto(&proposed, guardian(0))
        });
    }
}

#[test]
fn g5_a_clock_that_jumps_does_not_swallow_the_timelock() {
    let mut world = World::new();
    let proposed = world.queued();
    let eta = world.proposal(&proposed).eta;
    world.set_timestamp(eta);
    for slot in [START.slot, START.slot + 86_399] {
        world.set_slot(slot);
        world.refuse(PortcullisError::TimelockNotElapsed, |w| {
            w.execute(&proposed)
        });
    }
    world.set_slot(START.slot + 86_400);
    world.execute(&proposed).unwrap();
}

#[test]
fn g5_slots_alone_do_not_pass_the_timelock() {
    let mut world = World::new();
    let proposed = world.queued();
    world.set_slot(START.slot + 10_000_000);
    world.refuse(PortcullisError::TimelockNotElapsed, |w| {
        w.execute(&proposed)
    });
}

#[test]
fn g5_not_before_moves_eta_but_never_forward() {
    for (not_before, eta) in [
        (START.timestamp + 20 * DAY, START.timestamp + 20 * DAY),
        (START.timestamp + DAY + 1, START.timestamp + DAY + 1),
        (START.timestamp + DAY - 1, START.timestamp + DAY),
        (1, START.timestamp + DAY),
    ] {
        let mut world = World::new();
        let buffer = world.buffer(elf::p_token(), &voter(0).pubkey());
        let proposed = world.next(buffer);
        let mut args = world.upgrade_args(elf::p_token());
        args.not_before = not_before;
        world.propose_with(&proposed, args).unwrap();
        world.verify(&proposed).unwrap();
        world.approve(&proposed, voter(0)).unwrap();
        world.approve(&proposed, voter(1)).unwrap();
        let proposal = world.proposal(&proposed);
        assert_eq!(proposal.eta, eta);
        assert_eq!(proposal.expires_at(), eta + 2 * DAY);
        world.executes_from(&proposed, eta);
    }
}

/// A ready proposal of a gate whose last upgrade was now.
fn second_upgrade(interval: u32) -> (World, Proposed, i64) {
    let mut setup = Setup::default();
    setup.policy.min_interval_seconds = interval;
    let mut world = setup.build();
    let first = world.ready();
    world.execute(&first).unwrap();
    let last = world.gate().last_upgrade_at;
    assert_eq!(last, world.now().timestamp);
    let second = world.propose_elf(elf::memo());
    world.verify(&second).unwrap();
    world.approve(&second, voter(0)).unwrap();
    world.approve(&second, voter(1)).unwrap();
    (world, second, last)
}

#[test]
fn the_first_upgrade_waits_for_no_interval() {
    let mut setup = Setup::default();
    setup.policy.min_interval_seconds = 90 * 86_400;
    let mut world = setup.build();
    let proposed = world.ready();
    world.execute(&proposed).unwrap();
}

#[test]
fn the_interval_between_upgrades_holds_to_the_second() {
    let interval = 2 * DAY;
    let (mut world, second, last) = second_upgrade(interval as u32);
    world.warp_to(last + interval - 1);
    world.refuse(PortcullisError::IntervalNotElapsed, |w| w.execute(&second));
    world.warp_to(last + interval);
    world.execute(&second).unwrap();
}

#[test]
fn g9_the_stricter_interval_of_snapshot_and_policy_counts() {
    let interval = (2 * DAY) as u32;
    // The policy was loosened since: the snapshot counts.
    let (mut world, second, last) = second_upgrade(interval);
    world.edit_gate(|gate| gate.policy.min_interval_seconds = 0);
    world.warp_to(last + 2 * DAY - 1);
    world.refuse(PortcullisError::IntervalNotElapsed, |w| w.execute(&second));
    world.warp_to(last + 2 * DAY);
    world.execute(&second).unwrap();

    // It was tightened since: the policy counts.
    let (mut world, second, last) = second_upgrade(0);
    world.edit_gate(|gate| gate.policy.min_interval_seconds = interval);
    world.warp_to(last + 2 * DAY - 1);
    world.refuse(PortcullisError::IntervalNotElapsed, |w| w.execute(&second));
    world.warp_to(last + 2 * DAY);
    world.execute(&second).unwrap();
}

#[test]
fn g9_the_emergency_interval_is_not_the_standard_one() {
    let (mut world, second, last) = second_upgrade(0);
    world.edit_gate(|gate| gate.policy.emergency_min_interval_seconds = 90 * 86_400);
    world.warp_to(last + DAY);
    world.execute(&second).unwrap();
}

/// Executes an upgrade; of a standby, once the guardians have triggered it.
fn execute_in(world: &mut World, lane: Lane, proposed: &Proposed) -> Outcome {
    if lane.is_standby() {
        for number in 0..2 {
            world.trigger(proposed, guardian(number))?;
        }
    }
    world.execute(proposed)
}

#[test]
fn g6_every_lane_executes_from_eta_until_its_expiry_to_the_second() {
    for (lane, content) in [
        (Lane::Standard, elf::memo()),
        (Lane::Emergency, elf::memo()),
        (Lane::Rollback, elf::spl_token()),
        (Lane::SafeMode, elf::memo()),
    ] {
        let mut world = lanes::upgraded();
        let proposed = world.queued_in(lane, content);
        let proposal = world.proposal(&proposed);
        let (eta, expires_at) = (proposal.eta, proposal.expires_at());
        for (time, refused) in [
            (eta - 1, Some(PortcullisError::TimelockNotElapsed)),
            (eta, None),
            (expires_at - 1, None),
            (expires_at, Some(PortcullisError::ProposalExpired)),
        ] {
            let mut world = world.clone();
            world.warp_to(time);
            match refused {
                Some(reason) => {
                    world.refuse(reason, |w| execute_in(w, lane, &proposed));
                    world.refuse(reason, |w| w.execute(&proposed));
                }
                None => {
                    execute_in(&mut world, lane, &proposed).unwrap();
                }
            }
        }
    }
}
