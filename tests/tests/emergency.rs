//! The emergency lane: upgrades only, a higher threshold, a delay of its own, rate-limited.

use portcullis::{
    change::Change,
    events::UpgradeExecuted,
    lifecycle::{Action, Lane},
};
use portcullis_tests::{
    elf,
    lanes::{self, EMERGENCY_DELAY, EMERGENCY_INTERVAL},
    record, *,
};

/// A world in which an emergency upgrade to p-token was just executed, and when.
fn after_an_emergency() -> (World, i64) {
    after_an_emergency_under(&lanes::setup())
}

fn after_an_emergency_under(setup: &Setup) -> (World, i64) {
    let mut world = setup.build();
    let first = world.ready_in(Lane::Emergency, elf::p_token());
    world.execute(&first).unwrap();
    let at = world.now().timestamp;
    assert_eq!(world.gate().last_emergency_at, at);
    world.pass(1);
    (world, at)
}

/// Requires that an emergency upgrade executes at `from` and not before.
#[track_caller]
fn executes_from(world: &mut World, proposed: &Proposed, from: i64) {
    world.warp_to(from - 1);
    world.refuse(PortcullisError::IntervalNotElapsed, |w| w.execute(proposed));
    world.warp_to(from);
    world.execute(proposed).unwrap();
    assert_eq!(world.gate().last_emergency_at, from);
}

#[test]
fn g14_a_policy_without_the_lane_takes_no_emergency() {
    let mut world = World::new();
    let proposed = world.prepared(elf::p_token());
    let args = world.args_in(Lane::Emergency, elf::p_token());
    world.refuse(PortcullisError::EmergencyLaneOff, |w| {
        w.propose_with(&proposed, args)
    });
}

#[test]
fn g14_an_emergency_needs_the_higher_threshold() {
    let mut world = lanes::world();
    let proposed = world.voting_in(Lane::Emergency, elf::p_token());
    world.approve(&proposed, voter(0)).unwrap();
    world.approve(&proposed, voter(1)).unwrap();
    assert_eq!(world.proposal(&proposed).eta, 0);
    assert_eq!(world.gate().pending[1], PendingSlot::default());
    world.refuse(PortcullisError::ThresholdNotMet, |w| w.queue(&proposed));
    world.pass(EMERGENCY_DELAY);
    world.refuse(PortcullisError::NotQueued, |w| w.execute(&proposed));
    let now = world.now().timestamp;
    world.approve(&proposed, voter(2)).unwrap();
    assert_eq!(world.proposal(&proposed).eta, now + EMERGENCY_DELAY);
    // One that is taken back is missing again.
    world.retract(&proposed, voter(1)).unwrap();
    assert_eq!(world.proposal(&proposed).eta, 0);
    assert_eq!(world.gate().pending[1], PendingSlot::default());
}

#[test]
fn g14_one_rejection_ends_what_needs_all() {
    let mut world = lanes::world();
    let proposed = world.voting_in(Lane::Emergency, elf::p_token());
    world.reject(&proposed, voter(2)).unwrap();
    assert_eq!(world.status(&proposed), Status::Rejected);
}

#[test]
fn g14_an_emergency_has_its_own_delay_and_executes_within_its_window() {
    let mut world = lanes::world();
    let proposed = world.queued_in(Lane::Emergency, elf::p_token());
    let eta = START.timestamp + EMERGENCY_DELAY;
    assert_eq!(world.proposal(&proposed).eta, eta);
    world.warp_to(eta - 1);
    world.refuse(PortcullisError::TimelockNotElapsed, |w| {
        w.execute(&proposed)
    });
    // Nor does a clock that jumps swallow the delay.
    let mut jumped = lanes::world();
    let same = jumped.queued_in(Lane::Emergency, elf::p_token());
    jumped.set_timestamp(eta);
    jumped.set_slot(START.slot + EMERGENCY_DELAY as u64 - 1);
    jumped.refuse(PortcullisError::TimelockNotElapsed, |w| w.execute(&same));

    let expires_at = eta + 2 * DAY;
    let mut late = world.clone();
    late.warp_to(expires_at);
    late.refuse(PortcullisError::ProposalExpired, |w| w.execute(&proposed));
    let mut last_moment = world.clone();
    last_moment.warp_to(expires_at - 1);
    last_moment.execute(&proposed).unwrap();

    world.warp_to(eta);
    for (who, reason) in [
        (stranger(0), PortcullisError::NotAMember),
        (voter(1), PortcullisError::RoleMissing),
        (guardian(0), PortcullisError::RoleMissing),
    ] {
        world.refuse(reason, |w| w.execute_by(&proposed, who));
    }
    let meta = world.execute(&proposed).unwrap();
    let event: UpgradeExecuted = record::event(&meta);
    assert_eq!(event.lane, Lane::Emergency as u8);
    let gate = world.gate();
    assert_eq!((gate.last_emergency_at, gate.last_upgrade_at), (eta, eta));
    assert_eq!(
        gate.release.commitment(),
        Commitment::of(elf::p_token()).unwrap()
    );
}

#[test]
fn g14_a_delay_floor_that_rose_since_holds_for_emergencies_too() {
    let mut world = lanes::world();
    world.edit_council(|council| council.delay_floor_seconds = 2 * 3_600);
    let proposed = world.queued_in(Lane::Emergency, elf::p_token());
    let eta = START.timestamp + 2 * 3_600;
    assert_eq!(world.proposal(&proposed).eta, eta);
    world.executes_from(&proposed, eta);
}

#[test]
fn g14_guardians_veto_an_emergency_by_its_own_threshold() {
    let mut world = lanes::world();
    let proposed = world.ready_in(Lane::Emergency, elf::p_token());
    world.veto(&proposed, guardian(0)).unwrap();
    assert_eq!(world.status(&proposed), Status::Ready);
    world.refuse(PortcullisError::AlreadyVoted, |w| {
        w.veto(&proposed, guardian(0))
    });
    world.veto(&proposed, guardian(1)).unwrap();
    assert_eq!(world.status(&proposed), Status::Vetoed);
    assert_eq!(world.gate().pending[1], PendingSlot::default());
    world.refuse(PortcullisError::ProposalVetoed, |w| w.execute(&proposed));

    let mut setup = lanes::setup();
    setup.policy.emergency_veto_threshold = 0;
    let mut world = setup.build();
    let proposed = world.queued_in(Lane::Emergency, elf::p_token());
    world.refuse(PortcullisError::VetoDisabled, |w| {
        w.veto(&proposed, guardian(0))
    });
}

#[test]
fn g14_emergencies_of_a_gate_are_an_interval_apart() {
    let (mut world, at) = after_an_emergency();
    world.warp_to(at + 4 * DAY);
    let second = world.ready_in(Lane::Emergency, elf::memo());
    world.refuse(PortcullisError::IntervalNotElapsed, |w| w.execute(&second));
    executes_from(&mut world, &second, at + EMERGENCY_INTERVAL);
}

#[test]
fn g14_the_interval_is_the_stricter_of_snapshot_and_current_policy() {
    let days = |days: i64| (days * DAY) as u32;
    for (then, now) in [(5, 1), (1, 5), (5, 5)] {
        let mut setup = lanes::setup();
        setup.policy.emergency_min_interval_seconds = days(then);
        let (mut world, at) = after_an_emergency_under(&setup);
        world.warp_to(at + 4 * DAY);
        let second = world.ready_in(Lane::Emergency, elf::memo());
        world.edit_gate(|gate| gate.policy.emergency_min_interval_seconds = days(now));
        executes_from(&mut world, &second, at + 5 * DAY);
    }
}

#[test]
fn g14_a_standard_upgrade_does_not_reset_the_interval() {
    let (mut world, at) = after_an_emergency();
    world.pass(DAY);
    world.upgrade_to(elf::spl_token());
    let gate = world.gate();
    assert_eq!(gate.last_emergency_at, at);
    assert!(gate.last_upgrade_at > at);
    world.warp_to(at + 4 * DAY);
    let second = world.ready_in(Lane::Emergency, elf::memo());
    executes_from(&mut world, &second, at + EMERGENCY_INTERVAL);
}

#[test]
fn g14_leaving_and_coming_back_does_not_reset_the_interval() {
    let (mut world, at) = after_an_emergency();
    world.leave();
    world.come_back();
    assert_eq!(world.gate().last_emergency_at, at);
    world.warp_to(at + 4 * DAY);
    let second = world.ready_in(Lane::Emergency, elf::memo());
    executes_from(&mut world, &second, at + EMERGENCY_INTERVAL);
}

#[test]
fn g14_each_gate_counts_its_own_interval() {
    let (mut world, _) = after_an_emergency();
    let program = address("another program");
    let setup = lanes::setup();
    world.install(&program, &setup.deployed);
    world.at(program, |world| {
        world.adopt(&setup).unwrap();
        let proposed = world.ready_in(Lane::Emergency, elf::p_token());
        world.execute(&proposed).unwrap();
    });
}

#[test]
fn g14_the_standard_interval_does_not_hold_an_emergency_back_but_counts_it() {
    let mut setup = lanes::setup();
    setup.policy.min_interval_seconds = 3 * DAY as u32;
    let mut world = setup.build();
    world.upgrade_to(elf::p_token());
    let emergency = world.ready_in(Lane::Emergency, elf::memo());
    world.execute(&emergency).unwrap();
    let at = world.now().timestamp;
    world.warp_to(at + DAY);
    let standard = world.ready_in(Lane::Standard, elf::p_token());
    world.warp_to(at + 3 * DAY - 1);
    world.refuse(PortcullisError::IntervalNotElapsed, |w| {
        w.execute(&standard)
    });
    world.warp_to(at + 3 * DAY);
    world.execute(&standard).unwrap();
}

#[test]
fn g14_other_actions_have_no_emergency() {
    let mut world = lanes::world();
    let upgrade = world.queued_in(Lane::Standard, elf::p_token());
    let sha256 = world.gate().release.sha256;
    let change = world.gate_change(Change::RevokeRelease { sha256 });
    let terms = world.proposal(&change).terms;
    assert_eq!(terms.action, Action::RevokeRelease as u8);
    assert_eq!(terms.lane, Lane::Standard as u8);
    assert_eq!(terms.snapshot.threshold, 2);
    assert_eq!(i64::from(terms.snapshot.timelock_seconds), DAY);
    // It waits for the standard slot, though the emergency's is free.
    world.approve_fully(&change);
    world.refuse(PortcullisError::SlotTaken, |w| w.queue(&change));
    world.veto(&upgrade, guardian(0)).unwrap();
    world.queue(&change).unwrap();
    assert_eq!(world.gate().pending[0].proposal, change.address);
    assert_eq!(world.gate().pending[1], PendingSlot::default());
}

#[test]
fn g14_an_emergency_has_a_slot_of_its_own() {
    let mut world = lanes::world();
    let standard = world.queued_in(Lane::Standard, elf::p_token());
    let emergency = world.queued_in(Lane::Emergency, elf::p_token());
    let pending = world.gate().pending;
    assert_eq!(pending[0].proposal, standard.address);
    assert_eq!(
        pending[1],
        PendingSlot {
            proposal: emergency.address,
            sha256: Commitment::of(elf::p_token()).unwrap().sha256,
            eta: START.timestamp + EMERGENCY_DELAY,
            expires_at: START.timestamp + EMERGENCY_DELAY + 2 * DAY,
            epoch: 1,
            life: 1,
            base_index: 1,
            ..PendingSlot::default()
        }
    );
    assert_eq!(pending[2..], [PendingSlot::default(); 2]);

    let args = world.args_in(Lane::Emergency, elf::memo());
    let second = world.approved_with(elf::memo(), args);
    assert_eq!(world.proposal(&second).eta, 0);
    world.refuse(PortcullisError::SlotTaken, |w| w.queue(&second));
    world.retract(&emergency, voter(0)).unwrap();
    assert_eq!(world.gate().pending[0], pending[0]);
    world.queue(&second).unwrap();
    assert_eq!(world.gate().pending[1].proposal, second.address);
}

#[test]
fn g3_an_emergency_makes_the_pending_standard_upgrade_stale() {
    let mut world = lanes::world();
    let standard = world.queued_in(Lane::Standard, elf::p_token());
    let emergency = world.ready_in(Lane::Emergency, elf::memo());
    world.execute(&emergency).unwrap();
    assert_eq!(world.status(&standard), Status::Stale);
    world.warp_to_eta(&standard);
    world.refuse(PortcullisError::ProposalStale, |w| w.execute(&standard));
    world.refuse(PortcullisError::ProposalStale, |w| {
        w.approve(&standard, voter(2))
    });
    // Its slot is free for the next.
    let next = world.queued_in(Lane::Standard, elf::p_token());
    assert_eq!(world.gate().pending[0].proposal, next.address);
}
