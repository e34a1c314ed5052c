//! One standard proposal of a gate is pending at a time; the others wait for its end.

use portcullis::{events::ProposalQueued, lifecycle::Lane};
use portcullis_tests::{elf, lanes, record, *};

/// A queued proposal, and an approved one that found the slot taken.
fn two() -> (World, Proposed, Proposed) {
    let mut world = World::new();
    let first = world.queued();
    let second = world.queued_second();
    (world, first, second)
}

#[test]
fn g5_a_proposal_that_finds_the_slot_taken_has_no_eta() {
    let (mut world, first, second) = two();
    let proposal = world.proposal(&second);
    assert_eq!((proposal.eta, proposal.queued_slot), (0, 0));
    assert_eq!(proposal.approval_weight, 2);
    assert_eq!(world.gate().pending[0].proposal, first.address);
    world.refuse(PortcullisError::SlotTaken, |w| w.queue(&second));
    world.pass(DAY);
    world.refuse(PortcullisError::NotQueued, |w| w.execute(&second));
    // A further approval finds the slot taken still.
    world.approve(&second, voter(2)).unwrap();
    assert_eq!(world.proposal(&second).eta, 0);
}

#[test]
fn g5_queue_fixes_eta_from_now_on() {
    let (mut world, first, second) = two();
    world.pass(1_000);
    world.veto(&first, guardian(0)).unwrap();
    let now = world.now();
    let meta = world.queue(&second).unwrap();
    let proposal = world.proposal(&second);
    assert_eq!(
        (proposal.eta, proposal.queued_slot),
        (now.timestamp + DAY, now.slot)
    );
    let event: ProposalQueued = record::event(&meta);
    assert_eq!((event.parent, event.index), (world.gate_key(), 1));
    assert_eq!(
        (event.eta, event.expires_at),
        (proposal.eta, proposal.eta + 2 * DAY)
    );
    assert_eq!((event.slot, event.timestamp), (now.slot, now.timestamp));
    let slot = world.gate().pending[0];
    assert_eq!((slot.proposal, slot.eta), (second.address, proposal.eta));
    world.refuse(PortcullisError::AlreadyQueued, |w| w.queue(&second));
    world.warp_to(proposal.eta);
    world.refuse(PortcullisError::AlreadyQueued, |w| w.queue(&second));
    world.execute(&second).unwrap();
}

#[test]
fn a_slot_is_free_again_after_every_end() {
    type End = fn(&mut World, &Proposed);
    let ends: [End; 3] = [
        |world, first| {
            world.veto(first, guardian(0)).unwrap();
        },
        |world, first| {
            world.retract(first, voter(0)).unwrap();
        },
        |world, first| {
            world.reject(first, voter(2)).unwrap();
            world.retract(first, voter(1)).unwrap();
            world.reject(first, voter(1)).unwrap();
        },
    ];
    for end in ends {
        let (mut world, first, second) = two();
        end(&mut world, &first);
        assert_eq!(world.gate().pending[0], PendingSlot::default());
        world.queue(&second).unwrap();
        assert_eq!(world.gate().pending[0].proposal, second.address);
    }
}

#[test]
fn a_slot_whose_proposal_expired_is_free() {
    let mut setup = Setup::default();
    setup.policy.timelock_seconds = 3_600;
    setup.policy.execution_window_seconds = 3_600;
    let mut world = setup.build();
    let first = world.queued();
    let second = world.queued_second();
    let expires_at = world.proposal(&first).expires_at();
    world.warp_to(expires_at - 1);
    world.refuse(PortcullisError::SlotTaken, |w| w.queue(&second));
    world.warp_to(expires_at);
    world.queue(&second).unwrap();
    assert_eq!(world.gate().pending[0].proposal, second.address);
    // The end of the first, written down later, leaves the second's slot alone.
    world.return_buffer(&first).unwrap();
    assert_eq!(world.gate().pending[0].proposal, second.address);
    let eta = world.proposal(&second).eta;
    world.warp_to(eta);
    world.execute(&second).unwrap();
}

#[test]
fn g8_slots_of_another_epoch_life_or_base_are_free() {
    type Change = fn(&mut PendingSlot);
    let changes: [Change; 4] = [
        |slot| slot.epoch = 9,
        |slot| slot.life = 9,
        |slot| slot.base_index = 9,
        |slot| slot.proposal = Pubkey::default(),
    ];
    for change in changes {
        let (mut world, _, second) = two();
        world.refuse(PortcullisError::SlotTaken, |w| w.queue(&second));
        world.edit_gate(|gate| change(&mut gate.pending[0]));
        world.queue(&second).unwrap();
        assert_eq!(world.gate().pending[0].proposal, second.address);
    }
}

#[test]
fn a_standard_proposal_takes_no_slot_of_another_lane() {
    let (mut world, first, second) = two();
    assert_eq!(world.gate().pending[1..], [PendingSlot::default(); 3]);
    let other = world.gate().pending[0];
    world.edit_gate(|gate| {
        for slot in &mut gate.pending[1..] {
            slot.proposal = address("of another lane");
        }
    });
    world.veto(&first, guardian(0)).unwrap();
    world.queue(&second).unwrap();
    let pending = world.gate().pending;
    assert_eq!(pending[0].proposal, second.address);
    assert_ne!(pending[0], other);
    for slot in &pending[1..] {
        assert_eq!(slot.proposal, address("of another lane"));
    }
}

#[test]
fn g3_after_the_first_executed_the_second_is_stale() {
    let (mut world, first, second) = two();
    world.pass(DAY);
    world.execute(&first).unwrap();
    assert_eq!(world.status(&second), Status::Stale);
    world.refuse(PortcullisError::ProposalStale, |w| w.queue(&second));
    world.refuse(PortcullisError::ProposalStale, |w| {
        w.approve(&second, voter(2))
    });
    world.refuse(PortcullisError::ProposalStale, |w| w.execute(&second));
}

#[test]
fn g6_nothing_is_queued_after_the_voting_deadline() {
    let (mut world, first, second) = two();
    let deadline = world.proposal(&second).terms.voting_ends_at;
    world.warp_to(deadline - 1);
    world
        .veto(&first, guardian(0))
        .unwrap_or_else(|_| panic!("the first is live until its expiry"));
    let mut in_time = world.clone();
    in_time.queue(&second).unwrap();
    world.warp_to(deadline);
    world.refuse(PortcullisError::ProposalExpired, |w| w.queue(&second));
}

#[test]
fn g4_nothing_is_queued_without_its_threshold() {
    let mut world = World::new();
    let draft = world.draft();
    world.refuse(PortcullisError::BufferNotVerified, |w| w.queue(&draft));
    let proposed = world.propose_elf(elf::memo());
    world.verify(&proposed).unwrap();
    world.refuse(PortcullisError::ThresholdNotMet, |w| w.queue(&proposed));
    world.approve(&proposed, voter(0)).unwrap();
    world.refuse(PortcullisError::ThresholdNotMet, |w| w.queue(&proposed));
}

#[test]
fn g4_required_attestations_hold_a_proposal_back() {
    let mut setup = Setup::default();
    setup.members.push(member(attester().pubkey(), ROLE_ATTEST));
    setup.members = sorted(setup.members);
    setup.policy.attestations[0] = 1;
    setup.council_policy.attestations[0] = 1;
    let mut world = setup.build();
    let proposed = world.voting();
    world.approve(&proposed, voter(0)).unwrap();
    world.approve(&proposed, voter(1)).unwrap();
    assert_eq!(world.proposal(&proposed).eta, 0);
    world.refuse(PortcullisError::ThresholdNotMet, |w| w.queue(&proposed));
    // Nothing attests yet, so the count is forged.
    world.edit_proposal(&proposed, |proposal| proposal.attestations[1] = 1);
    world.refuse(PortcullisError::ThresholdNotMet, |w| w.queue(&proposed));
    world.edit_proposal(&proposed, |proposal| proposal.attestations[0] = 1);
    world.queue(&proposed).unwrap();
}

#[test]
fn g5_more_than_needed_changes_no_eta_where_a_slot_is_free() {
    let mut world = lanes::upgraded();
    let standby = world.queued_in(Lane::Rollback, elf::spl_token());
    let before = (world.proposal(&standby).eta, world.gate().pending);
    assert_eq!(before.1[3], PendingSlot::default());
    world.pass(60);
    world.approve(&standby, voter(2)).unwrap();
    world.attest(&standby, attester(), lanes::BUILD).unwrap();
    let proposal = world.proposal(&standby);
    assert_eq!((proposal.approval_weight, proposal.attestations[0]), (3, 1));
    assert_eq!((proposal.eta, world.gate().pending), before);
}

#[test]
fn g8_only_a_standby_waits_for_a_release_to_come() {
    let mut world = World::new();
    let proposed = world.voting();
    let next = world.gate().release.index + 1;
    world.edit_proposal(&proposed, |proposal| proposal.terms.base_index = next);
    world.refuse(PortcullisError::ProposalStale, |w| {
        w.approve(&proposed, voter(0))
    });
}
