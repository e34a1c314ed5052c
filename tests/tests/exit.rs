//! Exit: the upgrade authority goes to another key, from every state, and everything comes back. See `adopt_again.rs`,
//! `move_gate.rs` and `finalize.rs` for the rest.

use portcullis::{events::AuthorityTransferred, lifecycle::Lane};
use portcullis_tests::{
    calls::{substitute, unsigned},
    elf,
    governance::*,
    lanes, record, *,
};

/// A transfer to the first stranger that is ready.
fn ready(world: &mut World, checked: bool) -> Proposed {
    let proposed = world.gate_change(transfer_to(stranger(0).pubkey(), checked));
    world.ready_change(&proposed);
    proposed
}

#[test]
fn g16_the_authority_goes_to_a_key_that_signs() {
    let mut world = World::new();
    let proposed = ready(&mut world, true);
    let before = (world.gate(), world.council());
    let programdata = world.account(&world.programdata());
    let meta = world.transfer(&proposed, stranger(0)).unwrap();

    // The loader asks for the signature too: `SetAuthorityChecked`.
    assert_eq!(meta.inner_instructions[0][0].instruction.data, [7, 0, 0, 0]);
    assert_eq!(world.upgrade_authority(), Some(stranger(0).pubkey()));
    let after = world.account(&world.programdata());
    assert_eq!(after.data[45..], programdata.data[45..]);
    let (gate, council) = (world.gate(), world.council());
    assert_eq!((gate.state, gate.life), (0, 2));
    assert_eq!(gate.release, before.0.release);
    assert_eq!(gate.pending[0], PendingSlot::default());
    assert_eq!(council.gate_count, 0);
    assert_eq!(council.gate_maxima, Default::default());

    let event: AuthorityTransferred = record::event(&meta);
    assert_eq!((event.parent, event.index), (world.gate_key(), 0));
    assert_eq!(event.executor, voter(0).pubkey());
    assert_eq!(event.digest, world.proposal(&proposed).digest);
    assert_eq!(event.program, world.program);
    assert_eq!((event.to, event.checked), (stranger(0).pubkey(), true));
    assert_eq!(event.life, 2);
    let bytes = &record::events(&meta)[0];
    let (mut of_gate, mut of_council) = (before.0.log, before.1.log);
    record::fold(&mut of_gate, &world.gate_key(), bytes);
    record::fold(&mut of_council, &world.council, bytes);
    assert_eq!((gate.log, council.log), (of_gate, of_council));

    // The new authority governs: it may upgrade the program as the loader lets it.
    let buffer = world.buffer(elf::memo(), &stranger(0).pubkey());
    world.pass(1);
    let upgrade = solana_loader_v3_interface::instruction::upgrade(
        &world.program,
        &buffer,
        &stranger(0).pubkey(),
        &address("spill"),
    );
    world.send(&[upgrade], &[stranger(0)]).unwrap();
    world.clean_up(&proposed);
}

#[test]
fn g16_the_new_authority_signs_unless_the_proposal_says_otherwise() {
    let mut world = World::new();
    let proposed = ready(&mut world, true);
    let with = |to: Pubkey, checked| {
        BUILDER.transfer_authority(&proposed.keys, voter(0).pubkey(), to, checked)
    };
    world.refuse(PortcullisError::NewAuthorityMustSign, |w| {
        w.send(&[with(stranger(0).pubkey(), false)], &[voter(0)])
    });
    for other in [stranger(1), voter(0), upgrade_authority()] {
        world.refuse(PortcullisError::NewAuthorityMismatch, |w| {
            w.transfer(&proposed, other)
        });
    }
    let mut world = World::new();
    let proposed = ready(&mut world, false);
    for checked in [true, false] {
        world.refuse(PortcullisError::NewAuthorityMismatch, |w| {
            let other = stranger(1);
            let transfer = BUILDER.transfer_authority(
                &proposed.keys,
                voter(0).pubkey(),
                other.pubkey(),
                checked,
            );
            let signers: &[&Keypair] = &[voter(0), other];
            w.send(&[transfer], if checked { signers } else { &signers[..1] })
        });
    }
    let mut signed = world.clone();
    signed.transfer(&proposed, stranger(0)).unwrap();
    assert_eq!(signed.upgrade_authority(), Some(stranger(0).pubkey()));
    let transfer = BUILDER.transfer_authority(
        &proposed.keys,
        voter(0).pubkey(),
        stranger(0).pubkey(),
        false,
    );
    let meta = world.send(&[transfer], &[voter(0)]).unwrap();
    let event: AuthorityTransferred = record::event(&meta);
    assert!(!event.checked);
    assert_eq!(world.upgrade_authority(), Some(stranger(0).pubkey()));
}

#[test]
fn g16_no_authority_that_would_be_lost_is_proposed() {
    let mut world = World::new();
    for to in [Pubkey::default(), world.authority()] {
        for checked in [true, false] {
            let reason = PortcullisError::NewAuthorityInvalid;
            world.refuse_change(reason, transfer_to(to, checked), false);
        }
    }
}

#[test]
fn g16_only_the_gates_own_accounts_are_touched() {
    let mut world = World::new();
    let other = world.adopt_another("another program");
    let proposed = ready(&mut world, true);
    let valid = BUILDER.transfer_authority(
        &proposed.keys,
        voter(0).pubkey(),
        stranger(0).pubkey(),
        true,
    );
    let cases = [
        (world.program, other, PortcullisError::ProgramMismatch),
        (
            world.programdata(),
            pda::programdata(&other),
            PortcullisError::ProgramdataMismatch,
        ),
        (
            world.authority(),
            pda::authority(&portcullis::ID, &other),
            PortcullisError::GateAuthorityMismatch,
        ),
        (
            world.gate_key(),
            BUILDER.gate(&other),
            PortcullisError::ProposalOfAnotherGate,
        ),
    ];
    for (account, instead, reason) in cases {
        world.refuse(reason, |w| {
            let wrong = substitute(&valid, &account, &instead);
            w.send(&[wrong], &[voter(0), stranger(0)])
        });
    }
    let foreign = world.other_council();
    world.refuse(PortcullisError::GateOfAnotherCouncil, |w| {
        let wrong = substitute(&valid, &w.council, &foreign);
        w.send(&[wrong], &[voter(0), stranger(0)])
    });
    world.refuse(ErrorCode::AccountNotSigner, |w| {
        let wrong = unsigned(&valid, &voter(0).pubkey());
        w.send(&[wrong], &[stranger(0)])
    });
    for who in [voter(1), guardian(0)] {
        world.refuse(PortcullisError::RoleMissing, |w| {
            let by = BUILDER.transfer_authority(
                &proposed.keys,
                who.pubkey(),
                stranger(0).pubkey(),
                true,
            );
            w.send(&[by], &[who, stranger(0)])
        });
    }
}

#[test]
fn g16_an_exit_waits_is_vetoed_and_expires_as_an_upgrade_does() {
    let mut world = World::new();
    let proposed = world.gate_change(transfer_to(stranger(0).pubkey(), true));
    world.refuse(PortcullisError::NotQueued, |w| {
        w.transfer(&proposed, stranger(0))
    });
    world.approve_fully(&proposed);
    let eta = world.proposal(&proposed).eta;
    world.warp_to(eta - 1);
    world.refuse(PortcullisError::TimelockNotElapsed, |w| {
        w.transfer(&proposed, stranger(0))
    });
    world.warp_to(eta);
    let mut vetoed = world.clone();
    vetoed.veto(&proposed, guardian(0)).unwrap();
    vetoed.refuse(PortcullisError::ProposalVetoed, |w| {
        w.transfer(&proposed, stranger(0))
    });
    let expires_at = world.proposal(&proposed).expires_at();
    world.warp_to(expires_at - 1);
    let mut in_time = world.clone();
    in_time.transfer(&proposed, stranger(0)).unwrap();
    world.warp_to(expires_at);
    world.refuse(PortcullisError::ProposalExpired, |w| {
        w.transfer(&proposed, stranger(0))
    });
}

#[test]
fn g16_everything_that_was_open_is_dead_and_comes_back() {
    let mut world = lanes::world();
    let empty = {
        let mut keys = vec![world.council, world.gate_key()];
        keys.sort();
        keys
    };
    assert_eq!(world.own_accounts(), empty);
    let exit = world.gate_change(transfer_to(stranger(0).pubkey(), true));
    world.approve_fully(&exit);
    let armed = world.queued_in(Lane::SafeMode, elf::memo());
    world.pass(DAY - 3_600);
    let draft = world.draft();
    let voting = world.voting();
    let emergency = world.queued_in(Lane::Emergency, elf::memo());
    let change = world.gate_change(policy_change(policy(), 0));
    world.warp_to_eta(&exit);
    assert_eq!(world.status(&armed), Status::Armed);
    assert_eq!(world.status(&emergency), Status::Ready);
    world.trigger_fully(&armed);
    let rents: Vec<u64> = [armed, draft, voting, emergency]
        .iter()
        .map(|proposed| world.lamports(&proposed.buffer))
        .collect();
    world.transfer(&exit, stranger(0)).unwrap();

    let stale = PortcullisError::ProposalStale;
    for proposed in [&armed, &draft, &voting, &emergency, &change] {
        assert_eq!(world.status(proposed), Status::Stale);
        world.refuse(stale, |w| w.approve(proposed, voter(2)));
        world.refuse(stale, |w| w.veto(proposed, guardian(0)));
    }
    world.refuse(stale, |w| w.verify(&draft));
    world.refuse(stale, |w| w.trigger(&armed, guardian(0)));
    for proposed in [&armed, &emergency] {
        world.refuse(stale, |w| w.execute(proposed));
    }
    world.refuse(stale, |w| w.execute_change(&change));
    world.refuse(PortcullisError::ProposalExecuted, |w| {
        w.transfer(&exit, stranger(0))
    });

    for proposed in [&armed, &draft, &voting, &emergency, &change, &exit] {
        world.clean_up(proposed);
    }
    assert_eq!(world.own_accounts(), empty);
    for (proposed, rent) in [armed, draft, voting, emergency].iter().zip(rents) {
        assert_eq!(world.lamports(&proposed.buffer), rent);
    }
}

#[test]
fn g16_a_gate_that_was_left_does_nothing() {
    let mut world = World::new();
    let proposed = ready(&mut world, true);
    world.transfer(&proposed, stranger(0)).unwrap();
    world.refuse_all_proposals();
    world.refuse(PortcullisError::GateNotAdopting, |w| {
        let abandon = BUILDER.abandon_adoption(w.council, w.program, upgrade_authority().pubkey());
        w.send(&[abandon], &[upgrade_authority()])
    });
    // The council may be changed as if it had never had a gate.
    let free = Policy {
        threshold: 1,
        veto_threshold: 0,
        ..council_policy()
    };
    world.own_change(policy_change(free, 3_600));
}

#[test]
fn g16_one_member_that_is_left_can_move_the_authority_out() {
    let mut world = World::new();
    let everything = Member {
        weight: 2,
        ..member(
            voter(0).pubkey(),
            ROLE_PROPOSE | ROLE_VOTE | ROLE_EXECUTE | ROLE_GUARD,
        )
    };
    let all: Vec<Pubkey> = world.council().members().iter().map(|m| m.key).collect();
    let left = world.draft();
    let alone = world.own_change(council_change(&all, &[everything]));
    world.ready_change(&alone);
    world.execute_change(&alone).unwrap();
    assert_eq!(world.council().members(), [everything]);
    let exit = world.gate_change(transfer_to(stranger(0).pubkey(), true));
    let open = world.voting();
    world.approve(&exit, voter(0)).unwrap();
    world.warp_to_eta(&exit);
    world.transfer(&exit, stranger(0)).unwrap();
    assert_eq!(world.upgrade_authority(), Some(stranger(0).pubkey()));
    // And everything comes back: what it had, and what the former members left.
    for proposed in [alone, exit, open, left] {
        world.clean_up(&proposed);
    }
    assert_eq!(world.own_accounts().len(), 2);
}
