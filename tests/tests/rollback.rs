//! Where a standby may go: a rollback to what ran here before; neither it nor a safe mode to what was revoked.

use portcullis::{change::Change, lifecycle::Lane};
use portcullis_tests::{elf, lanes, *};

fn sha256(content: &[u8]) -> [u8; 32] {
    Commitment::of(content).unwrap().sha256
}

fn revoke(world: &mut World, content: &[u8]) -> Proposed {
    let sha256 = sha256(content);
    let proposed = world.gate_change(Change::RevokeRelease { sha256 });
    world.approve_fully(&proposed);
    proposed
}

/// Whether the gate has marked the releases with these bytes, of which it must know one.
fn is_revoked(world: &World, content: &[u8]) -> bool {
    let (gate, sha256) = (world.gate(), sha256(content));
    assert!(gate.knows(&sha256));
    gate.is_revoked(&sha256)
}

/// p-token ran and was rolled back to SPL Token.
fn rolled_back() -> World {
    let mut world = lanes::upgraded();
    let rollback = world.armed_in(Lane::Rollback, elf::spl_token());
    world.trigger_fully(&rollback);
    world.execute(&rollback).unwrap();
    world.pass(1);
    world
}

#[test]
fn g15_a_rollback_goes_only_to_an_earlier_release() {
    let mut world = lanes::upgraded();
    let unknown = world.prepared(elf::memo());
    let args = world.args_in(Lane::Rollback, elf::memo());
    world.refuse(PortcullisError::NotAnEarlierRelease, |w| {
        w.propose_with(&unknown, args)
    });
    // Not to what runs, and not to what would run.
    let current = world.prepared(elf::p_token());
    let args = world.args_in(Lane::Rollback, elf::p_token());
    world.refuse(PortcullisError::NotAnEarlierRelease, |w| {
        w.propose_with(&current, args)
    });
    let args = world.args_after(Lane::Rollback, elf::p_token(), elf::p_token());
    world.refuse(PortcullisError::NotAnEarlierRelease, |w| {
        w.propose_with(&current, args)
    });
    // Beside an upgrade that it guards, to what runs now.
    let args = world.args_after(Lane::Rollback, elf::p_token(), elf::memo());
    world.propose_with(&current, args).unwrap();
    // The hash alone is not the release.
    let earlier = world.prepared(elf::spl_token());
    let mut args = world.args_in(Lane::Rollback, elf::spl_token());
    args.commitment.len += 1;
    world.refuse(PortcullisError::NotAnEarlierRelease, |w| {
        w.propose_with(&earlier, args)
    });
    let args = world.args_in(Lane::Rollback, elf::spl_token());
    world.propose_with(&earlier, args).unwrap();
}

#[test]
fn a_safe_mode_is_any_reviewed_build() {
    let mut world = lanes::upgraded();
    let halt = world.armed_in(Lane::SafeMode, elf::memo());
    world.trigger_fully(&halt);
    world.execute(&halt).unwrap();
    let gate = world.gate();
    assert_eq!(gate.release.sha256, sha256(elf::memo()));
    // It marks nothing: what it halted may come back.
    assert!(!is_revoked(&world, elf::p_token()));
    world.pass(1);
    world.armed_in(Lane::Rollback, elf::p_token());
}

#[test]
fn g15_a_rollback_goes_to_the_last_eight_releases_only() {
    let release = |byte: u8| Release {
        sha256: [byte; 32],
        len: 1,
        ..Release::default()
    };
    let mut world = lanes::upgraded();
    world.edit_gate(|gate| (0..7).for_each(|byte| gate.push_release(release(byte)).unwrap()));
    let oldest = world.prepared(elf::spl_token());
    let args = world.args_in(Lane::Rollback, elf::spl_token());
    world.clone().propose_with(&oldest, args).unwrap();

    // A standby that was voted when the release was still known does not go there when the upgrade that it guards has pushed
    // the release out.
    let args = world.args_after(Lane::Rollback, elf::spl_token(), elf::memo());
    let standby = world.approved_with(elf::spl_token(), args);
    world.upgrade_to(elf::memo());
    assert_eq!(world.status(&standby), Status::Armed);
    world.refuse(PortcullisError::NotAnEarlierRelease, |w| {
        w.trigger(&standby, guardian(0))
    });
    let late = world.prepared(elf::spl_token());
    let args = world.args_in(Lane::Rollback, elf::spl_token());
    world.refuse(PortcullisError::NotAnEarlierRelease, |w| {
        w.propose_with(&late, args)
    });
}

#[test]
fn g15_no_standby_is_proposed_to_a_revoked_release() {
    let mut world = lanes::upgraded();
    let revocation = revoke(&mut world, elf::spl_token());
    world.warp_to_eta(&revocation);
    world.execute_change(&revocation).unwrap();
    let proposed = world.prepared(elf::spl_token());
    for lane in [Lane::Rollback, Lane::SafeMode] {
        let args = world.args_in(lane, elf::spl_token());
        world.refuse(PortcullisError::ReleaseRevoked, |w| {
            w.propose_with(&proposed, args)
        });
        let args = world.args_after(lane, elf::spl_token(), elf::memo());
        world.refuse(PortcullisError::ReleaseRevoked, |w| {
            w.propose_with(&proposed, args)
        });
    }
    // The standard lane votes on the code itself.
    world.upgrade_to(elf::spl_token());
}

#[test]
fn g15_a_release_that_was_revoked_since_is_neither_triggered_nor_executed() {
    for lane in [Lane::Rollback, Lane::SafeMode] {
        let mut world = lanes::upgraded();
        let standby = world.queued_in(lane, elf::spl_token());
        let revocation = revoke(&mut world, elf::spl_token());
        world.warp_to_eta(&revocation);
        assert_eq!(world.status(&standby), Status::Armed);
        world.trigger_fully(&standby);
        let mut before = world.clone();
        world.execute_change(&revocation).unwrap();
        assert_eq!(world.status(&standby), Status::Armed);
        world.refuse(PortcullisError::ReleaseRevoked, |w| w.execute(&standby));
        world.pass(lanes::LAPSE);
        world.refuse(PortcullisError::ReleaseRevoked, |w| {
            w.trigger(&standby, guardian(0))
        });
        before.execute(&standby).unwrap();
    }
}

#[test]
fn g15_a_rollback_revokes_the_release_that_it_leaves() {
    let mut world = rolled_back();
    let gate = world.gate();
    assert_eq!(gate.release.index, 3);
    assert_eq!(gate.release.revoked, 0);
    assert!(is_revoked(&world, elf::p_token()));
    assert!(!is_revoked(&world, elf::spl_token()));
    let [first, second] = [gate.earlier[1], gate.earlier[2]];
    assert_eq!((first.index, first.revoked), (1, 0));
    assert_eq!((second.index, second.revoked), (2, 1));
    // The code that failed does not come back by a standby.
    let proposed = world.prepared(elf::p_token());
    for lane in [Lane::Rollback, Lane::SafeMode] {
        let args = world.args_in(lane, elf::p_token());
        world.refuse(PortcullisError::ReleaseRevoked, |w| {
            w.propose_with(&proposed, args)
        });
    }
}

#[test]
fn g15_a_vote_on_the_same_code_takes_the_mark_away() {
    for lane in [Lane::Standard, Lane::Emergency] {
        let mut world = rolled_back();
        let again = world.ready_in(lane, elf::p_token());
        // The vote alone does not.
        assert!(is_revoked(&world, elf::p_token()));
        world.execute(&again).unwrap();
        assert!(!is_revoked(&world, elf::p_token()));
        let marked = |release: &&Release| release.revoked != 0;
        assert_eq!(world.gate().releases().filter(marked).count(), 0);
    }
    // An upgrade to other code does not either.
    let mut world = rolled_back();
    world.upgrade_to(elf::memo());
    assert!(is_revoked(&world, elf::p_token()));
}

#[test]
fn g15_a_safe_mode_does_not_take_a_mark_away() {
    // The standby on p-token as safe mode was armed before p-token was rolled back.
    let mut world = lanes::upgraded();
    let args = world.args_after(Lane::SafeMode, elf::p_token(), elf::spl_token());
    let safe_mode = world.approved_with(elf::p_token(), args);
    let rollback = world.armed_in(Lane::Rollback, elf::spl_token());
    world.trigger_fully(&rollback);
    world.execute(&rollback).unwrap();
    world.pass(1);
    assert_eq!(world.status(&safe_mode), Status::Armed);
    world.refuse(PortcullisError::ReleaseRevoked, |w| {
        w.trigger(&safe_mode, guardian(0))
    });
    assert!(is_revoked(&world, elf::p_token()));
}

#[test]
fn g15_a_mark_outlives_leaving_and_coming_back() {
    let mut world = rolled_back();
    world.leave();
    world.come_back();
    assert!(is_revoked(&world, elf::p_token()));
    let proposed = world.prepared(elf::p_token());
    let args = world.args_in(Lane::Rollback, elf::p_token());
    world.refuse(PortcullisError::ReleaseRevoked, |w| {
        w.propose_with(&proposed, args)
    });
    // And so do the releases that were there before.
    world.upgrade_to(elf::memo());
    world.armed_in(Lane::Rollback, elf::spl_token());
}

#[test]
fn g3_a_rollback_makes_what_was_pending_stale() {
    let mut world = lanes::upgraded();
    let standard = world.queued_in(Lane::Standard, elf::memo());
    let emergency = world.queued_in(Lane::Emergency, elf::memo());
    let rollback = world.armed_in(Lane::Rollback, elf::spl_token());
    world.trigger_fully(&rollback);
    world.execute(&rollback).unwrap();
    world.pass(1);
    // SPL Token runs again, but as another release: nothing old comes back to life.
    for old in [&standard, &emergency] {
        world.refuse(PortcullisError::ProposalStale, |w| w.execute(old));
    }
    world.refuse(PortcullisError::ProposalExecuted, |w| w.execute(&rollback));
}
