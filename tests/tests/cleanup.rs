//! After the end: buffers and rent go back to whose they are, and everything comes back.

use portcullis::events::{BufferClosed, BufferReturned, ProposalClosed};
use portcullis_tests::{elf, governance::*, record, *};
use solana_loader_v3_interface::state::UpgradeableLoaderState;
use solana_system_interface::instruction as system_instruction;

type End = fn(&mut World) -> Proposed;

/// A proposal for each way to end with a buffer, and the ending.
fn ends() -> [(End, Ending); 5] {
    [
        (
            |world| {
                let proposed = world.draft();
                world.cancel(&proposed, voter(0)).unwrap();
                proposed
            },
            Ending::Cancelled,
        ),
        (
            |world| {
                let proposed = world.queued();
                world.veto(&proposed, guardian(0)).unwrap();
                proposed
            },
            Ending::Vetoed,
        ),
        (
            |world| {
                let proposed = world.voting();
                world.reject(&proposed, voter(0)).unwrap();
                world.reject(&proposed, voter(1)).unwrap();
                proposed
            },
            Ending::Rejected,
        ),
        (
            |world| {
                let proposed = world.voting();
                world.pass(3 * DAY);
                proposed
            },
            Ending::Expired,
        ),
        (
            |world| {
                let first = world.queued();
                let proposed = world.voting();
                world.pass(DAY);
                world.execute(&first).unwrap();
                proposed
            },
            Ending::Stale,
        ),
    ]
}

fn buffer_authority(world: &World, buffer: &Pubkey) -> Option<Pubkey> {
    let data = world.account(buffer).data;
    assert_eq!(data[..4], [1, 0, 0, 0]);
    (data[4] == 1).then(|| Pubkey::try_from(&data[5..37]).unwrap())
}

#[test]
fn g12_anyone_hands_the_buffer_back_after_every_end() {
    for (end, ending) in ends() {
        let mut world = World::new();
        let proposed = end(&mut world);
        let now = world.now();
        assert_eq!(
            buffer_authority(&world, &proposed.buffer),
            Some(world.authority())
        );
        let meta = world.return_buffer(&proposed).unwrap();
        let event: BufferReturned = record::event(&meta);
        let index = world.proposal(&proposed).terms.index;
        assert_eq!((event.parent, event.index), (world.gate_key(), index));
        assert_eq!(event.buffer, proposed.buffer);
        assert_eq!(event.depositor, voter(0).pubkey());
        assert_eq!(event.ending, ending as u8);
        assert_eq!((event.slot, event.timestamp), (now.slot, now.timestamp));
        assert_eq!(
            buffer_authority(&world, &proposed.buffer),
            Some(voter(0).pubkey())
        );
        let proposal = world.proposal(&proposed);
        assert_eq!(proposal.custody, Custody::Returned as u8);
        assert_eq!(proposal.ending, ending as u8);
        assert_ne!(proposal.ended_at, 0);
        world.refuse(PortcullisError::BufferReleased, |w| {
            w.return_buffer(&proposed)
        });
        let meta = world.close_proposal(&proposed).unwrap();
        let event: ProposalClosed = record::event(&meta);
        assert_eq!((event.parent, event.index), (world.gate_key(), index));
        assert_eq!(event.rent_payer, payer().pubkey());
        assert_eq!(event.ending, ending as u8);
        assert!(world.is_gone(&proposed.address));
    }
}

#[test]
fn g12_an_abandoned_buffer_is_closed_30_days_after_the_end() {
    for (end, ending) in ends() {
        let mut world = World::new();
        let proposed = end(&mut world);
        let ended_at = match ending {
            Ending::Expired => world.proposal(&proposed).terms.voting_ends_at,
            Ending::Stale => {
                // Nothing has written down when it became stale, so the first who asks does; here it is expired by then.
                world.proposal(&proposed).terms.voting_ends_at
            }
            _ => world.proposal(&proposed).ended_at,
        };
        world.warp_to(ended_at + 30 * DAY - 1);
        world.refuse(PortcullisError::BufferNotAbandoned, |w| {
            w.close_buffer(&proposed)
        });
        world.warp_to(ended_at + 30 * DAY);
        let rent = world.lamports(&proposed.buffer);
        let spill = world.lamports(&proposed.spill);
        let now = world.now();
        let meta = world.close_buffer(&proposed).unwrap();
        let event: BufferClosed = record::event(&meta);
        assert_eq!(
            (event.buffer, event.spill),
            (proposed.buffer, proposed.spill)
        );
        assert_eq!((event.parent, event.slot), (world.gate_key(), now.slot));
        assert_eq!(event.timestamp, now.timestamp);
        assert_eq!(world.lamports(&proposed.spill), spill + rent);
        assert!(world.is_gone(&proposed.buffer));
        let proposal = world.proposal(&proposed);
        assert_eq!(proposal.custody, Custody::Closed as u8);
        assert_eq!(proposal.ended_at, ended_at);
        let expected = match ending {
            Ending::Stale => Ending::Expired,
            other => other,
        };
        assert_eq!(
            (event.ending, proposal.ending),
            (expected as u8, expected as u8)
        );
        world.close_proposal(&proposed).unwrap();
    }
}

#[test]
fn g12_the_end_of_a_queued_proposal_is_its_expiry() {
    let mut world = World::new();
    let proposed = world.queued();
    let expires_at = world.proposal(&proposed).expires_at();
    world.warp_to(expires_at + 30 * DAY - 1);
    world.refuse(PortcullisError::BufferNotAbandoned, |w| {
        w.close_buffer(&proposed)
    });
    world.pass(1);
    world.close_buffer(&proposed).unwrap();
    assert_eq!(world.proposal(&proposed).ended_at, expires_at);
    assert_eq!(world.gate().pending[0], PendingSlot::default());
}

#[test]
fn g2_a_live_proposal_keeps_its_buffer_and_its_account() {
    let states: [fn(&mut World) -> Proposed; 4] =
        [World::draft, World::voting, World::queued, World::ready];
    for state in states {
        let mut world = World::new();
        let proposed = state(&mut world);
        world.refuse(PortcullisError::ProposalStillLive, |w| {
            w.return_buffer(&proposed)
        });
        world.refuse(PortcullisError::ProposalStillLive, |w| {
            w.close_buffer(&proposed)
        });
        world.refuse(PortcullisError::ProposalStillLive, |w| {
            w.close_proposal(&proposed)
        });
    }
}

#[test]
fn g2_a_proposal_that_holds_a_buffer_is_not_closed() {
    for (end, _) in ends() {
        let mut world = World::new();
        let proposed = end(&mut world);
        world.refuse(PortcullisError::BufferStillHeld, |w| {
            w.close_proposal(&proposed)
        });
    }
    // Neither while only held, nor when verified: the first of the ends above is a draft, the others are verified.
}

#[test]
fn g10_an_end_once_written_down_stays() {
    // Stale is written down by the first who cleans up; afterwards time does not make it expired.
    let mut world = World::new();
    let first = world.queued();
    let proposed = world.voting();
    world.pass(DAY);
    world.execute(&first).unwrap();
    let now = world.now().timestamp;
    world.return_buffer(&proposed).unwrap();
    let proposal = world.proposal(&proposed);
    assert_eq!(
        (proposal.ending, proposal.ended_at),
        (Ending::Stale as u8, now)
    );
    world.pass(10 * DAY);
    assert_eq!(world.status(&proposed), Status::Stale);
    let event: ProposalClosed = record::event(&world.close_proposal(&proposed).unwrap());
    assert_eq!(event.ending, Ending::Stale as u8);

    // Expired, it stays so when the council changes afterwards.
    let mut world = World::new();
    let proposed = world.voting();
    world.pass(3 * DAY);
    world.edit_council(|council| council.config_epoch += 1);
    assert_eq!(world.status(&proposed), Status::Expired);
    world.return_buffer(&proposed).unwrap();
    world.pass(3);
    let proposal = world.proposal(&proposed);
    assert_eq!(proposal.ending, Ending::Expired as u8);
    assert_eq!(proposal.ended_at, START.timestamp + 3 * DAY);
}

#[test]
fn g12_rent_returns_to_the_lamport() {
    let mut world = World::new();
    let by = stranger(0).pubkey();
    let buffer = world.buffer(elf::p_token(), &voter(0).pubkey());
    let mut proposed = world.next(buffer);
    proposed.spill = by;
    let before = world.lamports(&by) + world.lamports(&buffer);
    let args = world.upgrade_args(elf::p_token());
    let propose = BUILDER.propose_upgrade(&proposed.keys, buffer, by, voter(0).pubkey(), by, args);
    world.send(&[propose], &[voter(0), stranger(0)]).unwrap();
    let rent = world.lamports(&proposed.address);
    assert_eq!(
        rent,
        world
            .svm
            .minimum_balance_for_rent_exemption(Proposal::SPACE)
    );
    world.verify(&proposed).unwrap();
    world.approve(&proposed, voter(0)).unwrap();
    world.approve(&proposed, voter(1)).unwrap();
    world.pass(DAY);
    world.execute(&proposed).unwrap();
    // A gift to the account goes where the rent goes.
    world.forge(&proposed.address, |account| account.lamports += 5);
    let close = BUILDER.close_proposal(&proposed.keys, by);
    world.send(&[close], &[]).unwrap();
    assert_eq!(world.lamports(&by), before + 5);
    assert!(world.is_gone(&proposed.address));
    let header = UpgradeableLoaderState::size_of_programdata_metadata();
    let data = world.account(&world.programdata()).data;
    assert!(data[header..].starts_with(elf::p_token()));
}

#[test]
fn g10_a_closed_proposal_never_comes_back() {
    let mut world = World::new();
    let proposed = world.draft();
    world.cancel(&proposed, voter(0)).unwrap();
    world.return_buffer(&proposed).unwrap();
    let vote = world.vote_args(&proposed);
    world.close_proposal(&proposed).unwrap();
    // The address is empty, so System's.
    world.refuse(ErrorCode::AccountOwnedByWrongProgram, |w| {
        w.verify(&proposed)
    });
    world.refuse(ErrorCode::AccountOwnedByWrongProgram, |w| {
        w.approve_with(&proposed, voter(0), vote)
    });
    // The next proposal has another index and so another address.
    let next = world.draft();
    assert_ne!(next.address, proposed.address);
    assert_eq!(world.proposal(&next).terms.index, 1);
}

#[test]
fn g12_what_is_closed_is_systems_at_once() {
    let mut world = World::new();
    let joins = member(stranger(0).pubkey(), ROLE_VOTE);
    let proposed = world.own_change(council_change(&[], &[joins]));
    world.cancel(&proposed, voter(0)).unwrap();
    let close = BUILDER.close_proposal(&proposed.keys, payer().pubkey());
    let fund = system_instruction::transfer(&payer().pubkey(), &proposed.address, 1_000_000_000);
    world.send(&[close, fund], &[]).unwrap();
    let account = world.account(&proposed.address);
    assert_eq!(account.owner, solana_sdk_ids::system_program::ID);
    assert!(account.data.is_empty());
}
