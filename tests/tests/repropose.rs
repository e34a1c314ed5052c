//! An ended proposal's buffer goes over to a new proposal: nothing is uploaded again, and nothing of the old votes remains.

use portcullis::{events::UpgradeReproposed, lifecycle::Lane};
use portcullis_tests::{calls::substitute, elf, governance::*, lanes, record, *};

/// The gate's next proposal with the buffer of `former`.
fn next(world: &World, former: &Proposed) -> Proposed {
    Proposed {
        spill: former.spill,
        ..world.next(former.buffer)
    }
}

fn repropose_by(world: &mut World, former: &Proposed, args: UpgradeArgs, by: &Keypair) -> Outcome {
    let proposed = next(world, former);
    let instruction = BUILDER.repropose_upgrade(
        &proposed.keys,
        former.keys.index,
        by.pubkey(),
        payer().pubkey(),
        args,
    );
    world.send(&[instruction], &[by])
}

fn repropose(world: &mut World, former: &Proposed) -> Outcome {
    let args = world.upgrade_args(elf::p_token());
    repropose_by(world, former, args, voter(0))
}

type End = fn(&mut World) -> Proposed;

/// Each way to end while the gate holds the buffer, and whether it was verified before.
fn ends() -> Vec<(&'static str, End, Ending, bool)> {
    vec![
        (
            "rejected",
            |world| {
                let proposed = world.voting();
                world.reject(&proposed, voter(0)).unwrap();
                world.reject(&proposed, voter(1)).unwrap();
                proposed
            },
            Ending::Rejected,
            true,
        ),
        (
            "vetoed",
            |world| {
                let proposed = world.queued();
                world.veto(&proposed, guardian(0)).unwrap();
                proposed
            },
            Ending::Vetoed,
            true,
        ),
        (
            "cancelled draft",
            |world| {
                let proposed = world.draft();
                world.cancel(&proposed, voter(0)).unwrap();
                proposed
            },
            Ending::Cancelled,
            false,
        ),
        (
            "expired draft",
            |world| {
                let proposed = world.draft();
                world.pass(3 * DAY);
                proposed
            },
            Ending::Expired,
            false,
        ),
        (
            "expired vote",
            |world| {
                let proposed = world.voting();
                world.pass(3 * DAY);
                proposed
            },
            Ending::Expired,
            true,
        ),
        (
            "expired after its eta",
            |world| {
                let proposed = world.ready();
                world.pass(2 * DAY);
                proposed
            },
            Ending::Expired,
            true,
        ),
        (
            "stale by another release",
            |world| {
                let other = world.propose_elf(elf::memo());
                world.verify(&other).unwrap();
                world.approve_fully(&other);
                let proposed = world.voting();
                world.warp_to_eta(&other);
                world.execute(&other).unwrap();
                world.pass(1);
                proposed
            },
            Ending::Stale,
            true,
        ),
        (
            "stale by another epoch",
            |world| {
                let joins = member(stranger(0).pubkey(), ROLE_VOTE);
                let change = world.own_change(council_change(&[], &[joins]));
                world.approve_fully(&change);
                let eta = world.proposal(&change).eta;
                world.warp_to(eta - 60);
                let proposed = world.draft();
                world.warp_to(eta);
                world.execute_change(&change).unwrap();
                proposed
            },
            Ending::Stale,
            false,
        ),
    ]
}

#[test]
fn g12_the_buffer_of_a_dead_proposal_is_carried_over() {
    for (name, end, ending, verified) in ends() {
        eprintln!("{name}");
        let mut world = World::new();
        let former = end(&mut world);
        let custody = if verified {
            Custody::Verified
        } else {
            Custody::Held
        };
        let digest = world.proposal(&former).digest;
        let proposed = next(&world, &former);
        let (log, buffer) = (world.gate().log, world.account(&former.buffer));
        let now = world.now();
        let meta = repropose(&mut world, &former).unwrap();

        let (old, new) = (world.proposal(&former), world.proposal(&proposed));
        assert_eq!(
            (old.custody, old.ending),
            (Custody::Carried as u8, ending as u8)
        );
        assert_ne!(old.ended_at, 0);
        assert_eq!(new.custody, custody as u8);
        assert_eq!(
            (new.terms.buffer, new.terms.spill),
            (former.buffer, former.spill)
        );
        assert_eq!(new.terms.proposer, voter(0).pubkey());
        assert_eq!(new.terms.commitment(), old.terms.commitment());
        assert_eq!(new.terms.base_index, world.gate().release.index);
        assert_eq!(new.terms.epoch, world.council().config_epoch);
        assert_eq!(new.terms.voting_ends_at, now.timestamp + 3 * DAY);
        assert_eq!((new.approvals, new.rejections, new.vetoes), (0, 0, 0));
        assert_eq!((new.eta, new.ending, new.approval_weight), (0, 0, 0));
        assert_eq!(
            new.digest,
            portcullis::digest::digest(&portcullis::ID, &world.council, &new.terms, &[])
        );
        assert_ne!(new.digest, digest);
        assert_eq!(world.account(&former.buffer), buffer);
        assert_eq!(
            world.buffer_authority(&former.buffer),
            Some(world.authority())
        );

        let event: UpgradeReproposed = record::event(&meta);
        assert_eq!(event.former_index, former.keys.index);
        assert_eq!(
            (event.former_ending, event.custody),
            (ending as u8, custody as u8)
        );
        assert_eq!(event.proposed.index, proposed.keys.index);
        assert_eq!(event.proposed.buffer, former.buffer);
        let mut folded = log;
        record::fold(&mut folded, &world.gate_key(), &record::events(&meta)[0]);
        assert_eq!(world.gate().log, folded);

        // The former has nothing to give back any more, and its account can go.
        let released = PortcullisError::BufferReleased;
        world.refuse(released, |w| w.return_buffer(&former));
        let mut later = world.clone();
        later.pass(30 * DAY);
        later.refuse(released, |w| w.close_buffer(&former));
        world.refuse(released, |w| repropose(w, &former));
        world.close_proposal(&former).unwrap();

        // The new one goes the whole way.
        if !verified {
            world.refuse(PortcullisError::BufferNotVerified, |w| {
                w.approve(&proposed, voter(0))
            });
            world.verify(&proposed).unwrap();
        }
        world.refuse(PortcullisError::BufferAlreadyVerified, |w| {
            w.verify(&proposed)
        });
        let mut args = world.vote_args(&proposed);
        args.digest = digest;
        world.refuse(PortcullisError::DigestMismatch, |w| {
            w.approve_with(&proposed, voter(0), args)
        });
        world.approve_fully(&proposed);
        let eta = world.proposal(&proposed).eta;
        assert_eq!(eta, world.now().timestamp + DAY);
        world.warp_to(eta);
        world.execute(&proposed).unwrap();
        assert_eq!(
            world.gate().release.commitment(),
            Commitment::of(elf::p_token()).unwrap()
        );
        world.clean_up(&proposed);
    }
}

#[test]
fn g2_a_live_proposal_keeps_its_buffer() {
    for state in [
        World::draft as End,
        World::voting,
        World::queued,
        World::ready,
    ] {
        let mut world = World::new();
        let former = state(&mut world);
        world.refuse(PortcullisError::ProposalStillLive, |w| {
            repropose(w, &former)
        });
    }
}

fn rejected() -> (World, Proposed) {
    let mut world = World::new();
    let former = ends()[0].1(&mut world);
    (world, former)
}

#[test]
fn g2_only_its_proposer_takes_the_buffer_on() {
    let mut setup = Setup::default();
    setup.members = sorted(
        [
            setup.members,
            vec![member(stranger(1).pubkey(), ROLE_PROPOSE)],
        ]
        .concat(),
    );
    let mut world = setup.build();
    let former = ends()[0].1(&mut world);
    let args = world.upgrade_args(elf::p_token());
    for who in [stranger(1), stranger(0), voter(1), payer()] {
        let args = args.clone();
        world.refuse(PortcullisError::NotTheProposer, |w| {
            repropose_by(w, &former, args, who)
        });
    }
    // Nor does it when it no longer proposes.
    let other = member(voter(0).pubkey(), ROLE_VOTE | ROLE_EXECUTE);
    let change = world.own_change(council_change(&[voter(0).pubkey()], &[other]));
    world.ready_change(&change);
    world.execute_change(&change).unwrap();
    world.refuse(PortcullisError::RoleMissing, |w| repropose(w, &former));
    world.return_buffer(&former).unwrap();
}

#[test]
fn g1_the_commitment_stays() {
    let (mut world, former) = rejected();
    let right = world.upgrade_args(elf::p_token());
    let mut wrong = right.clone();
    wrong.commitment.sha256[0] ^= 1;
    let mut shorter = right.clone();
    shorter.commitment.len -= 1;
    let other = world.upgrade_args(elf::memo());
    for args in [wrong, shorter, other] {
        world.refuse(PortcullisError::HashMismatch, |w| {
            repropose_by(w, &former, args, voter(0))
        });
    }
    // All else is checked as in any proposal.
    let mut base = right.clone();
    base.base_index = 2;
    let mut epoch = right.clone();
    epoch.epoch = 2;
    let mut life = right.clone();
    life.life = 2;
    let mut lane = right.clone();
    lane.lane = Lane::Emergency;
    for (reason, args) in [
        (PortcullisError::BaseMismatch, base),
        (PortcullisError::EpochMismatch, epoch),
        (PortcullisError::LifeMismatch, life),
        (PortcullisError::EmergencyLaneOff, lane),
    ] {
        world.refuse(reason, |w| repropose_by(w, &former, args, voter(0)));
    }
    repropose_by(&mut world, &former, right, voter(0)).unwrap();
}

#[test]
fn g2_a_buffer_that_the_gate_holds_no_more_is_not_carried_over() {
    let released = PortcullisError::BufferReleased;
    let (mut world, former) = rejected();
    let mut returned = world.clone();
    returned.return_buffer(&former).unwrap();
    returned.refuse(released, |w| repropose(w, &former));
    world.pass(30 * DAY);
    world.close_buffer(&former).unwrap();
    world.refuse(released, |w| repropose(w, &former));

    let mut world = World::new();
    let executed = world.ready();
    world.execute(&executed).unwrap();
    world.refuse(released, |w| repropose(w, &executed));
    // A change has none.
    let change = world.gate_change(policy_change(policy(), 0));
    world.veto(&change, guardian(0)).unwrap();
    world.refuse(released, |w| repropose(w, &change));
}

#[test]
fn g11_another_councils_proposer_carries_nothing_over() {
    let (mut world, former) = rejected();
    let other = world.other_council();
    let instruction = BUILDER.repropose_upgrade(
        &next(&world, &former).keys,
        former.keys.index,
        voter(0).pubkey(),
        payer().pubkey(),
        world.upgrade_args(elf::p_token()),
    );
    let instruction = substitute(&instruction, &world.council, &other);
    world.refuse(PortcullisError::GateOfAnotherCouncil, |w| {
        w.send(&[instruction], &[voter(0)])
    });
}

#[test]
fn g2_another_gates_buffer_is_not_carried_over() {
    let (mut world, former) = rejected();
    let program = world.adopt_another("another program");
    let proposed = world.at(program, |w| w.next(former.buffer));
    let args = world.at(program, |w| w.upgrade_args(elf::p_token()));
    let mut instruction =
        BUILDER.repropose_upgrade(&proposed.keys, 0, voter(0).pubkey(), payer().pubkey(), args);
    let wrong = BUILDER.proposal(&ProposalKeys {
        index: 0,
        ..proposed.keys
    });
    // The other gate's first proposal is the new one itself.
    let position = instruction
        .accounts
        .iter()
        .position(|meta| meta.pubkey == wrong);
    instruction.accounts[position.unwrap()].pubkey = former.address;
    world.refuse(PortcullisError::ProposalOfAnotherGate, |w| {
        w.send(&[instruction], &[voter(0)])
    });
}

#[test]
fn g16_a_gate_that_was_left_carries_nothing_over_but_gives_it_back() {
    let (mut world, former) = rejected();
    let exit = world.gate_change(transfer_to(stranger(0).pubkey(), true));
    world.ready_change(&exit);
    world.transfer(&exit, stranger(0)).unwrap();
    world.refuse(PortcullisError::GateNotActive, |w| repropose(w, &former));
    world.clean_up(&former);
}

#[test]
fn g14_a_rejected_upgrade_is_proposed_anew_in_another_lane() {
    let mut world = lanes::world();
    let former = world.queued_in(Lane::Standard, elf::p_token());
    world.veto(&former, guardian(0)).unwrap();
    let proposed = next(&world, &former);
    let args = world.args_in(Lane::Emergency, elf::p_token());
    repropose_by(&mut world, &former, args, voter(0)).unwrap();
    world.approve_fully(&proposed);
    let eta = world.proposal(&proposed).eta;
    assert_eq!(eta, world.now().timestamp + lanes::EMERGENCY_DELAY);
    world.warp_to(eta);
    world.execute(&proposed).unwrap();
}
