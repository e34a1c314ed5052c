//! Portcullis holds its own upgrade authority: its gate upgrades it, and all state stays what it was.

use portcullis::lifecycle::Lane;
use portcullis_tests::{elf, governance::*, lanes, *};

const SAYS: &[u8] = b"The timelock has not elapsed";
const SAYS_NOW: &[u8] = b"The timelock HAS not elapsed";

/// Another build of Portcullis: it behaves the same, but one message is written differently.
fn other_build() -> Vec<u8> {
    let mut elf = elf::portcullis().to_vec();
    let places: Vec<usize> = (0..elf.len() - SAYS.len())
        .filter(|place| elf[*place..].starts_with(SAYS))
        .collect();
    assert!(!places.is_empty(), "the ELF has no such message");
    for place in places {
        elf[place..][..SAYS.len()].copy_from_slice(SAYS_NOW);
    }
    elf
}

/// The default program behind its gate, and Portcullis behind its own, both of one council.
fn world() -> World {
    let mut world = lanes::world();
    world.install(&portcullis::ID, elf::portcullis());
    let setup = Setup {
        deployed: elf::portcullis().to_vec(),
        ..lanes::setup()
    };
    let adopt = world.adopt_instruction(portcullis::ID, world.adopt_args(&setup));
    world
        .send(&[adopt], &[upgrade_authority(), voter(0)])
        .unwrap();
    world
}

/// What the build that runs says about an execution that comes too early.
fn message(world: &World, early: &Proposed) -> String {
    let mut world = world.clone();
    let failed = world.execute(early).unwrap_err();
    failed.meta.logs.join("\n")
}

#[test]
fn g1_portcullis_is_upgraded_by_its_own_gate_and_keeps_all_state() {
    let mut world = world();
    let own = world.at(portcullis::ID, |w| {
        assert_eq!(w.upgrade_authority(), Some(w.authority()));
        let proposed = w.propose_elf(&other_build());
        w.verify(&proposed).unwrap();
        w.approve_fully(&proposed);
        proposed
    });
    let eta = world.proposal(&own).eta;
    world.warp_to(eta - 3_600);
    // Under way at the other gate meanwhile: a queued upgrade, an armed standby, votes.
    let queued = world.queued();
    let standby = world.queued_in(Lane::SafeMode, elf::memo());
    let voting = world.voting();
    world.approve(&voting, voter(0)).unwrap();
    let change = world.own_change(council_change(
        &[],
        &[member(stranger(0).pubkey(), ROLE_VOTE)],
    ));
    world.approve_fully(&change);

    let early = queued;
    assert!(message(&world, &early).contains(std::str::from_utf8(SAYS).unwrap()));
    world.at(portcullis::ID, |w| {
        w.refuse(PortcullisError::TimelockNotElapsed, |w| w.execute(&own))
    });
    world.warp_to(eta);
    let before = world.before();
    world.at(portcullis::ID, |w| w.execute(&own).unwrap());

    // Only what the upgrade is about has changed.
    let gate = BUILDER.gate(&portcullis::ID);
    let programdata = pda::programdata(&portcullis::ID);
    let about = [
        gate,
        programdata,
        portcullis::ID,
        own.address,
        own.buffer,
        own.spill,
        voter(0).pubkey(),
    ];
    let after = world.before();
    for (key, account) in &before {
        if !about.contains(key) {
            assert_eq!(after.get(key), Some(account), "{key}");
        }
    }
    assert_eq!(world.account(&programdata).data[45..], other_build());
    let of_itself: Gate = world.read(&gate);
    assert_eq!(
        of_itself.release.commitment(),
        Commitment::of(&other_build()).unwrap()
    );
    assert_eq!((of_itself.release.index, of_itself.life), (2, 1));

    // The other build runs, with the state that the former left.
    world.pass(1);
    assert!(message(&world, &early).contains(std::str::from_utf8(SAYS_NOW).unwrap()));
    world.approve(&voting, voter(1)).unwrap();
    world.warp_to_eta(&standby);
    assert_eq!(world.status(&standby), Status::Armed);
    world.execute(&queued).unwrap();
    world.clean_up(&queued);
    world.clean_up(&own);
    world.warp_to_eta(&change);
    world.execute_change(&change).unwrap();
    assert_eq!(world.council().config_epoch, 2);
}

#[test]
fn g15_portcullis_rolls_itself_back() {
    let mut world = world();
    world.at(portcullis::ID, |w| {
        let other = other_build();
        let upgrade = w.propose_elf(&other);
        w.verify(&upgrade).unwrap();
        let args = w.args_after(Lane::Rollback, elf::portcullis(), &other);
        let rollback = w.approved_with(elf::portcullis(), args);
        w.approve_fully(&upgrade);
        w.warp_to_eta(&upgrade);
        w.execute(&upgrade).unwrap();
        w.pass(1);
        assert_eq!(w.status(&rollback), Status::Armed);
        w.trigger_fully(&rollback);
        w.execute_by(&rollback, stranger(0)).unwrap();
        assert_eq!(
            w.gate().release.commitment(),
            Commitment::of(elf::portcullis()).unwrap()
        );
        assert!(w.gate().is_revoked(&Commitment::of(&other).unwrap().sha256));
        w.pass(1);
    });
    // It answers as before.
    let queued = world.queued();
    assert!(message(&world, &queued).contains(std::str::from_utf8(SAYS).unwrap()));
}

#[test]
fn g16_portcullis_lets_itself_go_and_is_finalized() {
    let mut world = world();
    let mut finalized = world.clone();
    world.at(portcullis::ID, |w| {
        let exit = w.gate_change(transfer_to(stranger(0).pubkey(), true));
        w.ready_change(&exit);
        w.transfer(&exit, stranger(0)).unwrap();
        assert_eq!(w.upgrade_authority(), Some(stranger(0).pubkey()));
    });
    let upgrade = world.ready();
    world.execute(&upgrade).unwrap();
    finalized.at(portcullis::ID, |w| {
        let finalize = w.gate_change(portcullis::change::Change::Finalize);
        w.ready_change(&finalize);
        w.finalize(&finalize).unwrap();
        assert_eq!(w.upgrade_authority(), None);
    });
    let upgrade = finalized.ready();
    finalized.execute(&upgrade).unwrap();
}
