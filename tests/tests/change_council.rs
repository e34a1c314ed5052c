//! A change of members: the epoch rises, and all that was open under the old members is dead. See `change_council_rules.rs` for
//! what cannot be proposed, and `guardians.rs` for the changes that guardians cannot veto.

use portcullis::{change::Change, events::CouncilChanged, lifecycle::Lane, transitions::VoteArgs};
use portcullis_tests::{elf, governance::*, lanes, record, *};

/// The third voter leaves, the first stranger joins as a voter.
fn swap() -> Change {
    council_change(
        &[voter(2).pubkey()],
        &[member(stranger(0).pubkey(), ROLE_VOTE)],
    )
}

#[test]
fn g8_members_leave_and_join_and_the_epoch_rises() {
    let mut world = World::new();
    let before = world.council();
    let proposed = world.own_change(swap());
    assert_eq!(world.proposal(&proposed).terms.parent, world.council);
    assert_eq!(world.council().proposal_count, 1);
    assert_eq!(world.council().members(), before.members());
    world.ready_change(&proposed);
    assert_eq!(world.council().pending.proposal, proposed.address);
    assert_eq!(world.council().members(), before.members());

    let now = world.now();
    let log = world.council().log;
    let meta = world.execute_change(&proposed).unwrap();
    let council = world.council();
    let expected = sorted(vec![
        member(voter(0).pubkey(), ROLE_PROPOSE | ROLE_VOTE | ROLE_EXECUTE),
        member(voter(1).pubkey(), ROLE_VOTE),
        member(stranger(0).pubkey(), ROLE_VOTE),
        member(guardian(0).pubkey(), ROLE_GUARD),
    ]);
    assert_eq!(council.members(), expected);
    assert_eq!(council.members[4..], [Member::default(); 60]);
    assert_eq!(council.config_epoch, 2);
    assert_eq!(council.pending, PendingSlot::default());
    assert_eq!(
        (council.policy, council.delay_floor_seconds),
        (before.policy, before.delay_floor_seconds)
    );
    assert_eq!(
        (council.gate_count, council.gate_maxima),
        (1, before.gate_maxima)
    );

    let event: CouncilChanged = record::event(&meta);
    assert_eq!((event.parent, event.index), (world.council, 0));
    assert_eq!(event.executor, voter(0).pubkey());
    assert_eq!(event.digest, world.proposal(&proposed).digest);
    assert_eq!(event.config_epoch, 2);
    assert_eq!(Change::Council(event.change), swap());
    assert_eq!((event.slot, event.timestamp), (now.slot, now.timestamp));
    let mut folded = log;
    record::fold(&mut folded, &world.council, &record::events(&meta)[0]);
    assert_eq!(council.log, folded);

    let proposal = world.proposal(&proposed);
    assert_eq!(proposal.ending, Ending::Executed as u8);
    assert_eq!(proposal.ended_at, now.timestamp);
    world.refuse(PortcullisError::ProposalExecuted, |w| {
        w.execute_change(&proposed)
    });
    let rent = world.lamports(&proposed.address);
    let paid = world.lamports(&payer().pubkey());
    world.close_proposal(&proposed).unwrap();
    assert!(world.is_gone(&proposed.address));
    assert_eq!(world.lamports(&payer().pubkey()), paid + rent - FEE);

    // The one who left votes no more, the one who joined does.
    let upgrade = world.voting();
    world.refuse(PortcullisError::NotAMember, |w| {
        w.approve(&upgrade, voter(2))
    });
    world.approve(&upgrade, stranger(0)).unwrap();
    world.approve(&upgrade, voter(1)).unwrap();
    world.warp_to_eta(&upgrade);
    world.execute(&upgrade).unwrap();
}

#[test]
fn g8_a_members_weight_and_roles_change_in_one_step() {
    let mut world = World::new();
    let heavier = Member {
        weight: 7,
        ..member(voter(1).pubkey(), ROLE_VOTE | ROLE_PROPOSE)
    };
    let proposed = world.own_change(council_change(&[voter(1).pubkey()], &[heavier]));
    world.ready_change(&proposed);
    world.execute_change(&proposed).unwrap();
    let council = world.council();
    assert_eq!((council.member_count, council.config_epoch), (4, 2));
    let found = council.member_with(&voter(1).pubkey(), ROLE_PROPOSE);
    assert_eq!(*found.unwrap().1, heavier);
    let upgrade = world.voting();
    world.approve(&upgrade, voter(1)).unwrap();
    assert_eq!(world.proposal(&upgrade).approval_weight, 7);
    assert_eq!(world.status(&upgrade), Status::Queued);
}

/// The second stranger joins as a voter.
fn grow() -> Change {
    council_change(&[], &[member(stranger(1).pubkey(), ROLE_VOTE)])
}

/// What is open when a change of members executes.
struct Open {
    world: World,
    change: Proposed,
    /// A draft, one that is voted on, a queued one.
    gates: Vec<Proposed>,
    armed: Proposed,
    /// Another change of the council, voted on.
    own: Proposed,
}

fn open() -> Open {
    let mut world = lanes::world();
    let change = world.own_change(swap());
    world.approve_fully(&change);
    let eta = world.proposal(&change).eta;
    world.warp_to(eta - DAY);
    let armed = world.queued_in(Lane::SafeMode, elf::memo());
    let draft = world.draft();
    let voting = world.voting();
    let ready = world.queued();
    let own = world.own_change(grow());
    let other_gate = {
        let program = world.adopt_another("another program");
        world.at(program, |w| w.voting())
    };
    world.warp_to(eta);
    assert_eq!(world.status(&draft), Status::Draft);
    assert_eq!(world.status(&voting), Status::Voting);
    assert_eq!(world.status(&ready), Status::Ready);
    assert_eq!(world.status(&armed), Status::Armed);
    assert_eq!(world.status(&own), Status::Voting);
    Open {
        world,
        change,
        gates: vec![draft, voting, ready, other_gate],
        armed,
        own,
    }
}

/// Nothing but cleaning up is possible with it.
#[track_caller]
fn is_dead(world: &mut World, proposed: &Proposed) {
    let stale = PortcullisError::ProposalStale;
    assert_eq!(world.status(proposed), Status::Stale);
    world.refuse(stale, |w| w.approve(proposed, voter(0)));
    world.refuse(stale, |w| w.reject(proposed, voter(0)));
    world.refuse(stale, |w| w.retract(proposed, voter(0)));
    world.refuse(stale, |w| w.veto(proposed, guardian(0)));
    world.refuse(stale, |w| w.cancel(proposed, voter(0)));
    world.refuse(stale, |w| w.queue(proposed));
    world.refuse(stale, |w| w.trigger(proposed, guardian(0)));
    if proposed.keys.program.is_some() {
        world.refuse(stale, |w| w.verify(proposed));
    } else {
        world.refuse(stale, |w| w.execute_change(proposed));
    }
}

#[test]
fn g8_all_open_proposals_of_the_council_and_its_gates_are_dead() {
    let Open {
        mut world,
        change,
        gates,
        armed,
        own,
    } = open();
    world.trigger(&armed, guardian(0)).unwrap();
    world.execute_change(&change).unwrap();

    for proposed in gates.iter().chain([&armed, &own]) {
        is_dead(&mut world, proposed);
    }
    let [_, _, ready, _] = &gates[..] else {
        panic!()
    };
    for proposed in [ready, &armed] {
        world.refuse(PortcullisError::ProposalStale, |w| w.execute(proposed));
    }
    // Nor do they come back when the former members do.
    let back = world.own_change(council_change(
        &[stranger(0).pubkey()],
        &[member(voter(2).pubkey(), ROLE_VOTE)],
    ));
    world.ready_change(&back);
    world.execute_change(&back).unwrap();
    assert_eq!(world.council().config_epoch, 3);
    assert_eq!(world.council().members(), lanes::setup().members);
    for proposed in gates.iter().chain([&armed, &own]) {
        assert!(world.status(proposed).is_ended());
    }
}

#[test]
fn g12_what_died_holds_no_slot_and_gives_everything_back() {
    let Open {
        mut world,
        change,
        gates,
        armed,
        own,
    } = open();
    world.execute_change(&change).unwrap();
    // Their places are taken over although nobody has cleaned up.
    let pending = world.gate().pending;
    assert_eq!(pending[0].proposal, gates[2].address);
    assert_eq!(pending[2].proposal, armed.address);
    let fresh = world.queued();
    assert_eq!(world.gate().pending[0].proposal, fresh.address);
    let standby = world.queued_in(Lane::SafeMode, elf::memo());
    assert_eq!(world.gate().pending[2].proposal, standby.address);
    let again = world.own_change(grow());
    world.approve_fully(&again);
    assert_eq!(world.council().pending.proposal, again.address);

    for proposed in gates.iter().chain([&armed]) {
        world.clean_up(proposed);
    }
    world.clean_up(&own);
    world.clean_up(&change);
    // The cleaning up has not touched the new ones' places.
    assert_eq!(world.gate().pending[0].proposal, fresh.address);
    assert_eq!(world.gate().pending[2].proposal, standby.address);
    assert_eq!(world.council().pending.proposal, again.address);
}

#[test]
fn g5_a_change_waits_for_the_councils_timelock() {
    let mut world = World::new();
    let proposed = world.own_change(swap());
    let now = world.now().timestamp;
    world.refuse(PortcullisError::NotQueued, |w| w.execute_change(&proposed));
    world.approve(&proposed, voter(0)).unwrap();
    world.refuse(PortcullisError::NotQueued, |w| w.execute_change(&proposed));
    world.approve(&proposed, voter(1)).unwrap();
    let eta = now + 10 * DAY;
    assert_eq!(world.proposal(&proposed).eta, eta);
    assert_eq!(
        world.council().pending,
        PendingSlot {
            proposal: proposed.address,
            sha256: [0; 32],
            eta,
            expires_at: eta + 2 * DAY,
            epoch: 1,
            life: 0,
            base_index: 0,
            action: 1,
            reserved: [0; 3],
        }
    );
    world.warp_to(eta - 1);
    world.refuse(PortcullisError::TimelockNotElapsed, |w| {
        w.execute_change(&proposed)
    });
    let mut early = world.clone();
    early.set_timestamp(eta);
    early.refuse(PortcullisError::TimelockNotElapsed, |w| {
        w.execute_change(&proposed)
    });
    world.warp_to(eta);
    for who in [voter(1), guardian(0)] {
        world.refuse(PortcullisError::RoleMissing, |w| {
            let change = BUILDER.execute_change(&proposed.keys, who.pubkey());
            w.send(&[change], &[who])
        });
    }
    world.warp_to(eta + 2 * DAY - 1);
    let mut late = world.clone();
    late.execute_change(&proposed).unwrap();
    world.warp_to(eta + 2 * DAY);
    world.refuse(PortcullisError::ProposalExpired, |w| {
        w.execute_change(&proposed)
    });
}

#[test]
fn g7_a_change_of_voters_is_vetoed_rejected_retracted_and_cancelled_as_an_upgrade_is() {
    let start = World::new();
    let mut world = start.clone();
    let proposed = world.own_change(swap());
    world.ready_change(&proposed);
    world.veto(&proposed, guardian(0)).unwrap();
    assert_eq!(world.council().pending, PendingSlot::default());
    world.refuse(PortcullisError::ProposalVetoed, |w| {
        w.execute_change(&proposed)
    });

    let mut world = start.clone();
    let proposed = world.own_change(swap());
    world.approve_fully(&proposed);
    world.retract(&proposed, voter(1)).unwrap();
    assert_eq!(world.proposal(&proposed).eta, 0);
    assert_eq!(world.council().pending, PendingSlot::default());
    world.reject(&proposed, voter(1)).unwrap();
    world.reject(&proposed, voter(2)).unwrap();
    assert_eq!(world.status(&proposed), Status::Rejected);

    let mut world = start;
    let proposed = world.own_change(swap());
    world.cancel(&proposed, voter(0)).unwrap();
    world.refuse(PortcullisError::ProposalCancelled, |w| {
        w.approve(&proposed, voter(0))
    });
}

#[test]
fn a_council_has_one_change_queued_at_a_time() {
    let mut world = World::new();
    let first = world.own_change(swap());
    let second = world.own_change(grow());
    world.approve_fully(&first);
    world.approve_fully(&second);
    assert_eq!(world.status(&second), Status::Voting);
    world.refuse(PortcullisError::SlotTaken, |w| w.queue(&second));
    world.veto(&first, guardian(0)).unwrap();
    world.pass(60);
    world.queue(&second).unwrap();
    let eta = world.proposal(&second).eta;
    assert_eq!(eta, world.now().timestamp + 10 * DAY);
    assert_eq!(world.council().pending.proposal, second.address);
}

#[test]
fn g4_votes_on_a_change_name_its_digest() {
    let mut world = World::new();
    let proposed = world.own_change(swap());
    let other = world.own_change(swap());
    let right = world.vote_args(&proposed);
    let wrong = VoteArgs {
        digest: world.proposal(&other).digest,
        ..right
    };
    assert_ne!(right.digest, wrong.digest);
    world.refuse(PortcullisError::DigestMismatch, |w| {
        w.approve_with(&proposed, voter(0), wrong)
    });
    // The change behind the terms is part of it.
    let proposal = world.proposal(&proposed);
    let bytes = swap().to_bytes().unwrap();
    let digest = |bytes: &[u8]| {
        portcullis::digest::digest(&portcullis::ID, &world.council, &proposal.terms, bytes)
    };
    assert_eq!(proposal.digest, digest(&bytes));
    assert_ne!(proposal.digest, digest(&[]));
    let data = world.account(&proposed.address).data;
    assert_eq!(data[Proposal::SPACE..], bytes);
}
