//! The standby lane: voted in advance, armed by time and by the release it stands on, live until it expires or is stopped.

use portcullis::{
    change::{Change, CouncilChange},
    lifecycle::Lane,
};
use portcullis_tests::{
    elf,
    lanes::{self, STANDBY_VALIDITY},
    *,
};

const LANES: [Lane; 2] = [Lane::Rollback, Lane::SafeMode];

/// p-token runs; a standby that goes back to SPL Token is armed.
fn armed() -> (World, Proposed) {
    let mut world = lanes::upgraded();
    let standby = world.armed_in(Lane::Rollback, elf::spl_token());
    (world, standby)
}

/// SPL Token runs; an upgrade to p-token is queued, and beside it the way back.
fn guarded() -> (World, Proposed, Proposed) {
    let mut world = lanes::world();
    let upgrade = world.queued_in(Lane::Standard, elf::p_token());
    let args = world.args_after(Lane::Rollback, elf::spl_token(), elf::p_token());
    let standby = world.approved_with(elf::spl_token(), args);
    (world, upgrade, standby)
}

/// Requires that nobody triggers or executes it, and why.
#[track_caller]
fn does_nothing(world: &mut World, standby: &Proposed, reason: PortcullisError) {
    world.refuse(reason, |w| w.trigger(standby, guardian(0)));
    world.refuse(reason, |w| w.execute(standby));
}

#[test]
fn g15_a_policy_without_the_lane_takes_no_standby() {
    let mut world = World::new();
    let proposed = world.prepared(elf::memo());
    let args = world.args_in(Lane::SafeMode, elf::memo());
    world.refuse(PortcullisError::StandbyLaneOff, |w| {
        w.propose_with(&proposed, args)
    });
    let args = world.args_after(Lane::Rollback, elf::spl_token(), elf::memo());
    world.refuse(PortcullisError::StandbyLaneOff, |w| {
        w.propose_with(&proposed, args)
    });
}

#[test]
fn g15_a_standby_stands_on_the_current_release_or_the_next() {
    let mut world = lanes::upgraded();
    let proposed = world.prepared(elf::spl_token());
    for lane in LANES {
        let current = world.args_in(lane, elf::spl_token());
        let next = world.args_after(lane, elf::spl_token(), elf::memo());
        for args in [&current, &next] {
            let mut world = world.clone();
            world.propose_with(&proposed, args.clone()).unwrap();
        }
        let mut wrong = vec![
            current.clone(),
            current.clone(),
            current,
            next.clone(),
            next,
        ];
        wrong[0].base_index -= 1;
        wrong[1].base.sha256[0] ^= 1;
        wrong[2].base.len += 1;
        wrong[3].base_index += 1;
        wrong[4].base.len = 0;
        for args in wrong {
            world.refuse(PortcullisError::BaseMismatch, |w| {
                w.propose_with(&proposed, args)
            });
        }
    }
    for lane in [Lane::Standard, Lane::Emergency] {
        let args = world.args_after(lane, elf::spl_token(), elf::memo());
        world.refuse(PortcullisError::BaseMismatch, |w| {
            w.propose_with(&proposed, args)
        });
    }
}

#[test]
fn g15_a_standby_passes_votes_and_the_standard_timelock() {
    let mut world = lanes::upgraded();
    let start = world.now().timestamp;
    for lane in LANES {
        let mut world = world.clone();
        let standby = world.voting_in(lane, elf::spl_token());
        let snapshot = world.proposal(&standby).terms.snapshot;
        assert_eq!((snapshot.threshold, snapshot.trigger_threshold), (2, 2));
        world.approve(&standby, voter(0)).unwrap();
        assert_eq!(world.proposal(&standby).eta, 0);
        world.approve(&standby, voter(1)).unwrap();
        let eta = start + DAY;
        assert_eq!(world.proposal(&standby).eta, eta);
        world.warp_to(eta - 1);
        does_nothing(&mut world, &standby, PortcullisError::TimelockNotElapsed);
        world.warp_to(eta);
        assert_eq!(world.status(&standby), Status::Armed);
        world.trigger(&standby, guardian(0)).unwrap();
    }
    // Time alone does not arm it where the clock has jumped.
    let standby = world.queued_in(Lane::Rollback, elf::spl_token());
    let slot = world.now().slot;
    world.set_timestamp(start + DAY);
    world.set_slot(slot + DAY as u64 - 1);
    does_nothing(&mut world, &standby, PortcullisError::TimelockNotElapsed);
}

#[test]
fn g15_the_upgrade_that_it_guards_arms_a_standby() {
    let (mut world, upgrade, standby) = guarded();
    let eta = START.timestamp + DAY;
    assert_eq!(world.proposal(&standby).eta, eta);
    let slot = world.gate().pending[2];
    assert_eq!((slot.proposal, slot.base_index), (standby.address, 2));
    assert_eq!(slot.expires_at, eta + STANDBY_VALIDITY);
    // Its timelock is over, but the release that it stands on is not there.
    world.warp_to(eta + 100);
    assert_eq!(world.status(&standby), Status::Queued);
    does_nothing(&mut world, &standby, PortcullisError::TimelockNotElapsed);

    world.execute(&upgrade).unwrap();
    assert_eq!(world.status(&standby), Status::Armed);
    assert_eq!(world.gate().pending[2], slot);
    world.trigger_fully(&standby);
    world.refuse(PortcullisError::ProgramDeployedThisSlot, |w| {
        w.execute(&standby)
    });
    world.pass(1);
    world.execute(&standby).unwrap();
    let release = world.gate().release;
    assert_eq!(release.index, 3);
    assert_eq!(
        release.commitment(),
        Commitment::of(elf::spl_token()).unwrap()
    );
}

#[test]
fn g15_a_standby_waits_for_its_own_timelock_after_the_upgrade_too() {
    let mut world = lanes::world();
    let upgrade = world.queued_in(Lane::Standard, elf::p_token());
    world.pass(DAY / 2);
    let args = world.args_after(Lane::Rollback, elf::spl_token(), elf::p_token());
    let standby = world.approved_with(elf::spl_token(), args);
    world.warp_to_eta(&upgrade);
    world.execute(&upgrade).unwrap();
    let eta = world.proposal(&standby).eta;
    world.warp_to(eta - 1);
    assert_eq!(world.status(&standby), Status::Queued);
    does_nothing(&mut world, &standby, PortcullisError::TimelockNotElapsed);
    world.warp_to(eta);
    world.trigger(&standby, guardian(0)).unwrap();
}

#[test]
fn g3_a_standby_is_stale_when_other_bytes_take_the_release_that_it_stands_on() {
    let (mut world, upgrade, standby) = guarded();
    world.veto(&upgrade, guardian(0)).unwrap();
    let other = world.ready_in(Lane::Standard, elf::memo());
    world.execute(&other).unwrap();
    assert_eq!(world.gate().release.index, 2);
    assert_eq!(world.status(&standby), Status::Stale);
    world.pass(1);
    does_nothing(&mut world, &standby, PortcullisError::ProposalStale);
    world.refuse(PortcullisError::ProposalStale, |w| {
        w.approve(&standby, voter(2))
    });
    // Its buffer and its slot are free.
    world.return_buffer(&standby).unwrap();
    assert_eq!(world.gate().pending[2], PendingSlot::default());
}

#[test]
fn g3_a_standby_arms_when_another_proposal_brings_the_same_bytes() {
    let (mut world, upgrade, standby) = guarded();
    world.veto(&upgrade, guardian(0)).unwrap();
    world.upgrade_to(elf::p_token());
    assert_eq!(world.status(&standby), Status::Armed);
}

#[test]
fn g3_an_armed_standby_is_stale_after_the_next_upgrade() {
    let (mut world, standby) = armed();
    let emergency = world.ready_in(Lane::Emergency, elf::memo());
    world.execute(&emergency).unwrap();
    world.pass(1);
    assert_eq!(world.status(&standby), Status::Stale);
    does_nothing(&mut world, &standby, PortcullisError::ProposalStale);
}

#[test]
fn g6_a_standby_stays_armed_until_it_expires() {
    let (world, standby) = armed();
    let expires_at = world.proposal(&standby).expires_at();
    assert_eq!(expires_at, world.now().timestamp + STANDBY_VALIDITY);
    let mut last_moment = world.clone();
    last_moment.warp_to(expires_at - 1);
    last_moment.trigger_fully(&standby);
    let mut triggered = last_moment.clone();
    last_moment.execute(&standby).unwrap();
    // A quorum does not outlive it.
    triggered.warp_to(expires_at);
    does_nothing(&mut triggered, &standby, PortcullisError::ProposalExpired);
    triggered.refuse(PortcullisError::ProposalExpired, |w| {
        w.veto(&standby, guardian(0))
    });
}

#[test]
fn g7_an_armed_standby_can_be_vetoed_rejected_and_retracted() {
    let (world, standby) = armed();
    let mut vetoed = world.clone();
    vetoed.trigger_fully(&standby);
    vetoed.veto(&standby, guardian(0)).unwrap();
    assert_eq!(vetoed.gate().pending[2], PendingSlot::default());
    does_nothing(&mut vetoed, &standby, PortcullisError::ProposalVetoed);

    let mut retracted = world.clone();
    retracted.trigger_fully(&standby);
    retracted.retract(&standby, voter(0)).unwrap();
    let proposal = retracted.proposal(&standby);
    assert_eq!((proposal.eta, proposal.queued_slot), (0, 0));
    assert_eq!(retracted.gate().pending[2], PendingSlot::default());
    does_nothing(&mut retracted, &standby, PortcullisError::NotQueued);
    // Approved again, it waits anew.
    retracted.approve(&standby, voter(2)).unwrap();
    does_nothing(
        &mut retracted,
        &standby,
        PortcullisError::TimelockNotElapsed,
    );

    let mut rejected = world.clone();
    rejected.reject(&standby, voter(2)).unwrap();
    assert_eq!(rejected.status(&standby), Status::Armed);
    rejected.retract(&standby, voter(1)).unwrap();
    rejected.reject(&standby, voter(1)).unwrap();
    does_nothing(&mut rejected, &standby, PortcullisError::ProposalRejected);

    let mut cancelled = world;
    cancelled.refuse(PortcullisError::AlreadyQueued, |w| {
        w.cancel(&standby, voter(0))
    });
    cancelled.refuse(PortcullisError::AlreadyQueued, |w| w.queue(&standby));
}

#[test]
fn g8_another_epoch_kills_an_armed_standby() {
    let (mut world, standby) = armed();
    let change = Change::Council(CouncilChange {
        add: vec![member(stranger(1).pubkey(), ROLE_VOTE)],
        remove: vec![],
    });
    world.trigger(&standby, guardian(0)).unwrap();
    let change = world.own_change(change);
    world.pass_change(&change);
    assert_eq!(world.council().config_epoch, 2);
    assert!(world.now().timestamp < world.proposal(&standby).expires_at());
    assert_eq!(world.status(&standby), Status::Stale);
    does_nothing(&mut world, &standby, PortcullisError::ProposalStale);
    world.refuse(PortcullisError::ProposalStale, |w| {
        w.veto(&standby, guardian(0))
    });
    // The new epoch's takes its slot.
    let next = world.queued_in(Lane::Rollback, elf::spl_token());
    assert_eq!(world.gate().pending[2].proposal, next.address);
}

#[test]
fn g8_another_life_kills_an_armed_standby() {
    let (mut world, standby) = armed();
    world.leave();
    world.come_back();
    assert_eq!(world.gate().life, 3);
    assert_eq!(world.status(&standby), Status::Stale);
    does_nothing(&mut world, &standby, PortcullisError::ProposalStale);
}

#[test]
fn a_gate_has_two_standbys_and_no_third() {
    let mut world = lanes::upgraded();
    let standard = world.queued_in(Lane::Standard, elf::memo());
    let first = world.queued_in(Lane::Rollback, elf::spl_token());
    let second = world.queued_in(Lane::SafeMode, elf::memo());
    let pending = world.gate().pending.map(|slot| slot.proposal);
    let [none, taken] = [Pubkey::default(), standard.address];
    assert_eq!(pending, [taken, none, first.address, second.address]);

    let args = world.args_in(Lane::SafeMode, elf::spl_token());
    let third = world.approved_with(elf::spl_token(), args);
    assert_eq!(world.proposal(&third).eta, 0);
    world.refuse(PortcullisError::SlotTaken, |w| w.queue(&third));
    world.veto(&second, guardian(0)).unwrap();
    world.queue(&third).unwrap();
    let pending = world.gate().pending.map(|slot| slot.proposal);
    assert_eq!(pending, [taken, none, first.address, third.address]);
}

#[test]
fn a_standby_that_waits_for_its_release_keeps_its_slot() {
    let mut world = lanes::world();
    let after = |world: &mut World| {
        let args = world.args_after(Lane::Rollback, elf::spl_token(), elf::p_token());
        world.approved_with(elf::spl_token(), args)
    };
    let [first, second, third] = [(); 3].map(|()| after(&mut world));
    let pending = world.gate().pending.map(|slot| slot.proposal);
    assert_eq!(pending[2..], [first.address, second.address]);
    assert_eq!(world.proposal(&third).eta, 0);
    world.refuse(PortcullisError::SlotTaken, |w| w.queue(&third));
}

#[test]
fn a_standby_whose_release_is_gone_blocks_no_slot() {
    let (mut world, old) = armed();
    let safe_mode = world.queued_in(Lane::SafeMode, elf::memo());
    world.upgrade_to(elf::memo());
    let first = world.queued_in(Lane::Rollback, elf::p_token());
    let second = world.queued_in(Lane::SafeMode, elf::spl_token());
    let pending = world.gate().pending.map(|slot| slot.proposal);
    assert_eq!(pending[2..], [first.address, second.address]);
    // What the old ones leave behind later is not theirs any more.
    world.return_buffer(&old).unwrap();
    world.return_buffer(&safe_mode).unwrap();
    assert_eq!(world.gate().pending.map(|slot| slot.proposal), pending);
}
