//! A program that had left is adopted again: the gate goes on where it was, and nothing of its former lives comes back.

use portcullis::{change::Change, events::ProgramAdopted, lifecycle::Lane};
use portcullis_tests::{calls::substitute, elf, governance::*, lanes, record, *};

/// The authority goes out to the one who had it first.
fn exit(world: &mut World) {
    let to = upgrade_authority();
    let proposed = world.gate_change(transfer_to(to.pubkey(), true));
    world.ready_change(&proposed);
    world.transfer(&proposed, to).unwrap();
    world.pass(1);
}

fn adopt_args(world: &World, policy: Policy, content: &[u8]) -> AdoptArgs {
    AdoptArgs {
        epoch: world.council().config_epoch,
        policy,
        deployed: Commitment::of(content).unwrap(),
    }
}

fn adopt(world: &mut World, args: AdoptArgs) -> Outcome {
    let adopt = world.adopt_instruction(world.program, args);
    world.send(&[adopt], &[upgrade_authority(), voter(0)])
}

#[test]
fn g10_life_releases_and_numbers_go_on() {
    let mut world = lanes::upgraded();
    let first = world.gate();
    assert_eq!(
        (first.life, first.release.index, first.proposal_count),
        (1, 2, 1)
    );
    exit(&mut world);
    let left = world.gate();
    let args = adopt_args(&world, lanes::setup().policy, elf::p_token());
    let (log, of_council) = (left.log, world.council().log);
    let meta = adopt(&mut world, args).unwrap();
    let gate = world.gate();
    assert_eq!((gate.state, gate.life), (1, 3));
    assert_eq!(gate.proposal_count, 2);
    assert_eq!((gate.release.index, gate.release.life), (3, 3));
    assert_eq!(gate.release.commitment(), args.deployed);
    assert_eq!(gate.release.proposal_digest, [0; 32]);
    // The earlier releases are still known.
    assert_eq!(gate.earlier[1], first.earlier[1]);
    assert_eq!(gate.earlier[2], first.release);
    assert_eq!(gate.last_upgrade_at, first.last_upgrade_at);
    assert_ne!(gate.last_upgrade_at, 0);
    assert_eq!(world.council().gate_count, 1);
    assert_eq!(world.upgrade_authority(), Some(world.authority()));

    let event: ProgramAdopted = record::event(&meta);
    assert_eq!((event.life, event.release_index), (3, 3));
    let bytes = &record::events(&meta)[0];
    let (mut of_gate, mut council_log) = (log, of_council);
    record::fold(&mut of_gate, &world.gate_key(), bytes);
    record::fold(&mut council_log, &world.council, bytes);
    assert_eq!((gate.log, world.council().log), (of_gate, council_log));

    // And it works.
    world.upgrade_to(elf::memo());
    assert_eq!(world.gate().release.index, 4);
}

#[test]
fn g11_a_gate_that_was_left_takes_no_other_program() {
    let mut world = lanes::upgraded();
    exit(&mut world);
    let (program, deployed) = (address("another program"), Setup::default().deployed);
    world.install(&program, &deployed);
    let args = adopt_args(&world, lanes::setup().policy, &deployed);
    let adopt = world.adopt_instruction(program, args);
    let swapped = substitute(&adopt, &BUILDER.gate(&program), &world.gate_key());
    world.refuse(ErrorCode::ConstraintSeeds, |w| {
        w.send(&[swapped], &[upgrade_authority(), voter(0)])
    });
    world
        .send(&[adopt], &[upgrade_authority(), voter(0)])
        .unwrap();
}

#[test]
fn g10_no_proposal_of_a_former_life_comes_back() {
    let mut world = lanes::world();
    let standby = world.queued_in(Lane::SafeMode, elf::memo());
    let leaves = world.gate_change(transfer_to(upgrade_authority().pubkey(), true));
    world.approve_fully(&leaves);
    let second_exit = world.gate_change(transfer_to(stranger(1).pubkey(), true));
    world.pass(DAY - 60);
    let voting = world.voting();
    world.approve(&voting, voter(0)).unwrap();
    world.warp_to_eta(&leaves);
    world.transfer(&leaves, upgrade_authority()).unwrap();
    let args = adopt_args(&world, lanes::setup().policy, elf::spl_token());
    adopt(&mut world, args).unwrap();
    let stale = PortcullisError::ProposalStale;
    for proposed in [&standby, &voting, &second_exit] {
        assert_eq!(world.status(proposed), Status::Stale);
        world.refuse(stale, |w| w.approve(proposed, voter(1)));
    }
    world.refuse(stale, |w| w.execute(&standby));
    world.refuse(stale, |w| w.trigger(&standby, guardian(0)));
    world.refuse(stale, |w| w.transfer(&second_exit, stranger(1)));
    // The slots of that life are free.
    let fresh = world.queued();
    assert_eq!(world.gate().pending[0].proposal, fresh.address);
    let armed = world.queued_in(Lane::SafeMode, elf::memo());
    assert_eq!(world.gate().pending[2].proposal, armed.address);
    for proposed in [&standby, &voting, &second_exit, &leaves] {
        world.clean_up(proposed);
    }
    assert_eq!(world.gate().pending[0].proposal, fresh.address);
    assert_eq!(world.gate().pending[2].proposal, armed.address);
}

#[test]
fn g14_intervals_are_not_forgotten() {
    let interval = 40 * DAY;
    let mut setup = Setup::default();
    setup.policy.min_interval_seconds = interval as u32;
    let mut world = setup.build();
    let first = world.ready();
    world.execute(&first).unwrap();
    let last = world.now().timestamp;
    assert_eq!(world.gate().last_upgrade_at, last);
    exit(&mut world);
    let args = adopt_args(&world, setup.policy, elf::p_token());
    adopt(&mut world, args).unwrap();
    let second = world.propose_elf(elf::memo());
    world.warp_to(last + interval - 3 * DAY);
    // The first try expired long ago.
    assert_eq!(world.status(&second), Status::Expired);
    let second = world.propose_elf(elf::memo());
    world.verify(&second).unwrap();
    world.pass(DAY + 10);
    world.approve_fully(&second);
    world.warp_to(last + interval - 1);
    assert_eq!(world.status(&second), Status::Ready);
    world.refuse(PortcullisError::IntervalNotElapsed, |w| w.execute(&second));
    world.warp_to(last + interval);
    world.execute(&second).unwrap();
}

#[test]
fn g15_a_revoked_release_stays_revoked() {
    let mut world = lanes::upgraded();
    let revoked = Commitment::of(elf::spl_token()).unwrap().sha256;
    let change = world.gate_change(Change::RevokeRelease { sha256: revoked });
    world.pass_change(&change);
    assert!(world.gate().is_revoked(&revoked));
    exit(&mut world);
    // Outside of the gate the revoked bytes were deployed again.
    let programdata = world.programdata();
    let mut content = elf::spl_token().to_vec();
    content.resize(Setup::default().deployed.len(), 0);
    world.forge(&programdata, |account| {
        account.data[45..].copy_from_slice(&content)
    });
    let args = adopt_args(&world, lanes::setup().policy, elf::spl_token());
    adopt(&mut world, args).unwrap();
    let gate = world.gate();
    assert_eq!((gate.release.sha256, gate.release.revoked), (revoked, 1));
    assert_eq!(gate.earlier[1].revoked, 1);
    assert!(!gate.is_revoked(&gate.earlier[2].sha256));
}

#[test]
fn a_gate_that_holds_its_program_is_not_adopted_twice() {
    let mut world = World::new();
    let args = adopt_args(&world, policy(), elf::spl_token());
    world.refuse(PortcullisError::UpgradeAuthorityMismatch, |w| {
        adopt(w, args)
    });
    // Even if the loader gave the authority to another.
    let programdata = world.programdata();
    let other = upgrade_authority().pubkey();
    world.forge(&programdata, |account| {
        account.data[13..45].copy_from_slice(other.as_ref())
    });
    world.refuse(PortcullisError::GateNotExited, |w| adopt(w, args));
}

#[test]
fn g16_another_council_adopts_and_cleans_up() {
    let mut world = World::new();
    let draft = world.draft();
    let leaves = world.gate_change(transfer_to(upgrade_authority().pubkey(), true));
    world.ready_change(&leaves);
    world.transfer(&leaves, upgrade_authority()).unwrap();
    let former = world.council;
    world.council = world.other_council();
    let args = adopt_args(&world, policy(), elf::spl_token());
    adopt(&mut world, args).unwrap();
    assert_eq!(world.gate().council, world.council);
    assert_eq!(world.council().gate_count, 1);
    assert_eq!(world.council_at(&former).gate_count, 0);
    // What the former council left open goes back with the one that is the gate's now.
    world.refuse(PortcullisError::GateOfAnotherCouncil, |w| {
        w.return_buffer(&draft)
    });
    for mut proposed in [draft, leaves] {
        proposed.keys.council = world.council;
        world.clean_up(&proposed);
    }
    let fresh = world.ready();
    world.execute(&fresh).unwrap();
}
