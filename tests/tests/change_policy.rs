//! A change of a gate's rules: it waits for the old timelock, and what is under way keeps its own rules. See `own_policy.rs` for
//! the council's, and `council_bounds.rs` for what gates may demand of a council.

use portcullis::{
    events::PolicyChanged,
    lifecycle::Lane,
    policy::{FLAG_ANYONE_MAY_EXECUTE, FLAG_NONCE_VOTES},
};
use portcullis_tests::{elf, governance::*, lanes, record, rules, *};

/// Everything weaker than the default: one voter, an hour, no veto, anyone executes.
fn weaker() -> Policy {
    Policy {
        threshold: 1,
        timelock_seconds: 3_600,
        voting_period_seconds: 600,
        execution_window_seconds: 600,
        veto_threshold: 0,
        flags: FLAG_ANYONE_MAY_EXECUTE,
        ..policy()
    }
}

/// Everything stricter.
fn stricter() -> Policy {
    Policy {
        timelock_seconds: 5 * 86_400,
        min_interval_seconds: 20 * 86_400,
        ..policy()
    }
}

#[test]
fn g9_a_new_policy_waits_for_the_old_timelock_whether_it_is_weaker_or_stricter() {
    for new in [weaker(), stricter()] {
        let mut world = World::new();
        let start = world.now().timestamp;
        let former = world.gate().policy;
        let mut of_council = world.council().log;
        let proposed = world.gate_change(policy_change(new, 0));
        world.approve_fully(&proposed);
        let eta = start + DAY;
        assert_eq!(world.proposal(&proposed).eta, eta);
        assert_eq!(world.gate().pending[0].proposal, proposed.address);
        assert_eq!(world.gate().pending[0].action, 2);
        world.warp_to(eta - 1);
        world.refuse(PortcullisError::TimelockNotElapsed, |w| {
            w.execute_change(&proposed)
        });
        assert_eq!(world.gate().policy, former);
        world.warp_to(eta);
        let before = world.gate();
        let meta = world.execute_change(&proposed).unwrap();

        let gate = world.gate();
        assert_eq!(gate.policy, new);
        assert_eq!(gate.pending[0], PendingSlot::default());
        assert_eq!((gate.life, gate.release), (1, before.release));
        let event: PolicyChanged = record::event(&meta);
        assert_eq!((event.parent, event.index), (world.gate_key(), 0));
        assert_eq!(event.executor, voter(0).pubkey());
        assert_eq!(event.digest, world.proposal(&proposed).digest);
        assert_eq!((event.former, event.policy), (former, new));
        assert_eq!(event.delay_floor_seconds, 3_600);
        assert_eq!(event.timestamp, eta);
        // It is in both logs, once.
        let bytes = &record::events(&meta)[0];
        let mut of_gate = before.log;
        record::fold(&mut of_gate, &world.gate_key(), bytes);
        record::fold(&mut of_council, &world.council, bytes);
        assert_eq!((gate.log, world.council().log), (of_gate, of_council));
        world.refuse(PortcullisError::ProposalExecuted, |w| {
            w.execute_change(&proposed)
        });
        world.clean_up(&proposed);
    }
}

#[test]
fn g9_open_proposals_keep_their_rules() {
    for new in [weaker(), stricter()] {
        let mut world = World::new();
        let change = world.gate_change(policy_change(new, 0));
        world.approve_fully(&change);
        world.pass(DAY - 600);
        let voting = world.voting();
        world.approve(&voting, voter(0)).unwrap();
        let terms = world.proposal(&voting).terms;
        world.warp_to_eta(&change);
        world.execute_change(&change).unwrap();

        assert_eq!(world.proposal(&voting).terms, terms);
        assert_eq!(
            terms.snapshot,
            policy().snapshot(Lane::Standard, 3_600).unwrap()
        );
        // One vote is not enough, though it would be under the new policy.
        assert_eq!(world.status(&voting), Status::Voting);
        world.refuse(PortcullisError::ThresholdNotMet, |w| w.queue(&voting));
        world.approve(&voting, voter(1)).unwrap();
        let eta = world.now().timestamp + DAY;
        assert_eq!(world.proposal(&voting).eta, eta);
        assert_eq!(world.proposal(&voting).expires_at(), eta + 2 * DAY);
        world.warp_to(eta);
        // Who may execute takes both rules.
        world.refuse(PortcullisError::NotAMember, |w| {
            w.execute_by(&voting, stranger(0))
        });
        let mut vetoed = world.clone();
        vetoed.veto(&voting, guardian(0)).unwrap();
        world.execute(&voting).unwrap();

        // New ones have the new rules.
        let fresh = world.propose_elf(elf::memo());
        let snapshot = world.proposal(&fresh).terms.snapshot;
        assert_eq!(snapshot, new.snapshot(Lane::Standard, 3_600).unwrap());
    }
}

#[test]
fn g9_what_is_queued_keeps_its_eta() {
    for new in [weaker(), stricter()] {
        let mut world = lanes::world();
        let change = world.gate_change(policy_change(
            Policy {
                timelock_seconds: new.timelock_seconds,
                ..lanes::setup().policy
            },
            0,
        ));
        world.approve_fully(&change);
        // The standard slot is the change's; standbys have their own.
        let standby = world.queued_in(Lane::SafeMode, elf::memo());
        let eta = world.proposal(&standby).eta;
        world.warp_to_eta(&change);
        world.execute_change(&change).unwrap();
        assert_eq!(world.proposal(&standby).eta, eta);
        assert_eq!(world.gate().pending[2].eta, eta);
        assert_eq!(world.gate().pending[2].proposal, standby.address);
        assert_eq!(world.status(&standby), Status::Armed);
    }
}

#[test]
fn impossible_policies_are_refused_by_name_for_the_gate_and_for_the_council() {
    let mut world = World::new();
    for (reason, name, breaks) in rules::violations() {
        eprintln!("{reason:?}: {name}");
        let mut of_gate = policy();
        breaks(&mut of_gate);
        world.refuse_change(reason, policy_change(of_gate, 0), false);
        let mut own = council_policy();
        breaks(&mut own);
        world.refuse_change(reason, policy_change(own, 3_600), true);
    }
}

#[test]
fn a_gate_has_no_delay_floor() {
    let mut world = World::new();
    for floor in [1, 3_600, 86_400] {
        world.refuse_change(
            PortcullisError::DelayFloorOfAGate,
            policy_change(policy(), floor),
            false,
        );
    }
}

#[test]
fn g11_only_executors_execute_a_change_unless_both_policies_let_anyone() {
    let anyone = Policy {
        flags: FLAG_ANYONE_MAY_EXECUTE,
        ..policy()
    };
    let mut world = Setup {
        policy: anyone,
        ..Setup::default()
    }
    .build();
    let by = |world: &mut World, proposed: &Proposed, who: &Keypair| {
        let change = BUILDER.execute_change(&proposed.keys, who.pubkey());
        world.send(&[change], &[who])
    };
    let first = world.gate_change(policy_change(policy(), 0));
    let second = world.gate_change(policy_change(stricter(), 0));
    world.ready_change(&first);
    world.approve_fully(&second);
    by(&mut world, &first, stranger(0)).unwrap();
    // The second was made when anyone might; now not everyone may any more.
    world.queue(&second).unwrap();
    world.warp_to_eta(&second);
    world.refuse(PortcullisError::NotAMember, |w| by(w, &second, stranger(0)));
    for who in [voter(1), guardian(0)] {
        world.refuse(PortcullisError::RoleMissing, |w| by(w, &second, who));
    }
    by(&mut world, &second, voter(0)).unwrap();
}

#[test]
fn g6_a_change_of_policy_expires_and_takes_no_longer_than_its_window() {
    let mut world = World::new();
    let proposed = world.gate_change(policy_change(stricter(), 0));
    world.ready_change(&proposed);
    let expires_at = world.proposal(&proposed).expires_at();
    world.warp_to(expires_at - 1);
    let mut in_time = world.clone();
    in_time.execute_change(&proposed).unwrap();
    world.warp_to(expires_at);
    world.refuse(PortcullisError::ProposalExpired, |w| {
        w.execute_change(&proposed)
    });
}

#[test]
fn g12_a_change_needs_no_attestations() {
    let mut setup = lanes::setup();
    setup.council_policy.attestations = [1, 0, 0, 0, 0, 0, 0, 0];
    setup.policy.attestations = [1, 0, 0, 0, 0, 0, 0, 0];
    let mut world = setup.build();
    let mut without = setup.policy;
    without.attestations = [0; 8];
    let proposed = world.gate_change(policy_change(without, 0));
    assert_eq!(
        world.proposal(&proposed).terms.snapshot.attestations,
        [0; 8]
    );
    world.ready_change(&proposed);
    world.execute_change(&proposed).unwrap();
    assert_eq!(world.gate().policy, without);
    // An upgrade needed one before.
    let upgrade = world.queued();
    assert_ne!(world.proposal(&upgrade).eta, 0);
}

#[test]
fn g4_a_policy_that_lets_nonces_count_needs_a_council_that_does() {
    let mut world = World::new();
    let nonces = Policy {
        flags: FLAG_NONCE_VOTES,
        ..policy()
    };
    // The gate may: it is the weaker of the two then.
    let proposed = world.gate_change(policy_change(nonces, 0));
    world.ready_change(&proposed);
    world.execute_change(&proposed).unwrap();
    // The council may not, as long as its gates have refused nonces.
    let own = Policy {
        flags: FLAG_NONCE_VOTES,
        ..council_policy()
    };
    world.refuse_change(
        PortcullisError::CouncilWeakerThanGate,
        policy_change(own, 3_600),
        true,
    );
}
