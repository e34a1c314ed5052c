//! Rejections and vetoes: what ends a proposal, and when.

use portcullis::events::{RejectionCast, VetoCast};
use portcullis_tests::{record, *};

#[test]
fn g12_a_rejection_ends_a_proposal_exactly_when_the_threshold_is_out_of_reach() {
    let mut world = World::new();
    let proposed = world.voting();
    let meta = world.reject(&proposed, voter(0)).unwrap();
    let event: RejectionCast = record::event(&meta);
    assert_eq!((event.parent, event.index), (world.gate_key(), 0));
    assert_eq!((event.voter, event.rejected), (voter(0).pubkey(), false));
    assert_eq!(event.digest, world.proposal(&proposed).digest);
    assert_eq!((event.slot, event.timestamp), (START.slot, START.timestamp));
    assert_eq!(world.status(&proposed), Status::Voting);
    assert_eq!(world.proposal(&proposed).ended_at, 0);

    // Taken back, it does not count.
    world.retract(&proposed, voter(0)).unwrap();
    world.reject(&proposed, voter(1)).unwrap();
    assert_eq!(world.status(&proposed), Status::Voting);
    world.pass(7);
    let meta = world.reject(&proposed, voter(2)).unwrap();
    let event: RejectionCast = record::event(&meta);
    assert!(event.rejected);
    let proposal = world.proposal(&proposed);
    assert_eq!(proposal.ending, Ending::Rejected as u8);
    assert_eq!(proposal.ended_at, START.timestamp + 7);
    world.refuse(PortcullisError::ProposalRejected, |w| {
        w.retract(&proposed, voter(2))
    });
    world.refuse(PortcullisError::ProposalRejected, |w| {
        w.approve(&proposed, voter(0))
    });
}

#[test]
fn a_rejection_of_a_queued_proposal_frees_its_slot() {
    let mut world = World::new();
    let proposed = world.queued();
    world.reject(&proposed, voter(2)).unwrap();
    assert_eq!(world.status(&proposed), Status::Queued);
    world.retract(&proposed, voter(1)).unwrap();
    world.reject(&proposed, voter(1)).unwrap();
    assert_eq!(world.status(&proposed), Status::Rejected);
    assert_eq!(world.gate().pending[0], PendingSlot::default());
}

#[test]
fn g7_a_veto_ends_a_proposal_in_every_live_state() {
    let states: [fn(&mut World) -> Proposed; 4] =
        [World::draft, World::voting, World::queued, World::ready];
    for state in states {
        let mut world = World::new();
        let proposed = state(&mut world);
        world.pass(3);
        let now = world.now();
        let meta = world.veto(&proposed, guardian(0)).unwrap();
        let event: VetoCast = record::event(&meta);
        assert_eq!((event.parent, event.index), (world.gate_key(), 0));
        assert_eq!((event.guardian, event.vetoed), (guardian(0).pubkey(), true));
        assert_eq!(event.digest, world.proposal(&proposed).digest);
        assert_eq!((event.slot, event.timestamp), (now.slot, now.timestamp));
        let proposal = world.proposal(&proposed);
        assert_eq!(proposal.ending, Ending::Vetoed as u8);
        assert_eq!(proposal.ended_at, now.timestamp);
        assert_eq!(world.gate().pending[0], PendingSlot::default());
        world.refuse(PortcullisError::ProposalVetoed, |w| w.execute(&proposed));
        world.refuse(PortcullisError::ProposalVetoed, |w| {
            w.veto(&proposed, guardian(0))
        });
    }
}

#[test]
fn g7_as_many_guardians_as_the_policy_says_veto() {
    let mut setup = Setup::default();
    setup.members.push(member(guardian(1).pubkey(), ROLE_GUARD));
    setup.members = sorted(setup.members);
    setup.policy.veto_threshold = 2;
    setup.council_policy.veto_threshold = 2;
    let mut world = setup.build();
    let proposed = world.queued();
    let meta = world.veto(&proposed, guardian(0)).unwrap();
    let event: VetoCast = record::event(&meta);
    assert!(!event.vetoed);
    assert_eq!(world.status(&proposed), Status::Queued);
    assert_eq!(world.gate().pending[0].proposal, proposed.address);
    world.refuse(PortcullisError::AlreadyVoted, |w| {
        w.veto(&proposed, guardian(0))
    });
    world.veto(&proposed, guardian(1)).unwrap();
    assert_eq!(world.status(&proposed), Status::Vetoed);
    assert_eq!(world.gate().pending[0], PendingSlot::default());
}

#[test]
fn a_lane_without_veto_takes_none() {
    let mut setup = Setup::default();
    setup.policy.veto_threshold = 0;
    let mut world = setup.build();
    let proposed = world.queued();
    world.refuse(PortcullisError::VetoDisabled, |w| {
        w.veto(&proposed, guardian(0))
    });
}
