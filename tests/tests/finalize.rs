//! Finalization: the program has no upgrade authority any more. And releases that are revoked by a vote.

use portcullis::{
    change::Change,
    events::{ProgramFinalized, ReleaseRevoked},
    lifecycle::Lane,
};
use portcullis_tests::{calls::substitute, elf, lanes, record, *};

/// A gate whose program is of sBPF v3: a copy of Portcullis itself.
fn world_v3() -> World {
    Setup {
        deployed: elf::portcullis().to_vec(),
        ..lanes::setup()
    }
    .build()
}

/// Sets the sBPF version of the program's ELF.
fn set_version(world: &mut World, version: u32) {
    let programdata = world.programdata();
    world.forge(&programdata, |account| {
        account.data[45 + 48..][..4].copy_from_slice(&version.to_le_bytes());
    });
}

#[test]
fn g16_a_finalized_program_has_no_authority_for_ever() {
    let mut world = world_v3();
    let finalize = world.gate_change(Change::Finalize);
    let terms = world.proposal(&finalize).terms;
    let release = world.gate().release;
    assert_eq!(
        (terms.base_index, terms.base_sha256, terms.base_len),
        (1, release.sha256, release.len)
    );
    world.approve_fully(&finalize);
    let armed = world.queued_in(Lane::SafeMode, elf::memo());
    world.pass(DAY - 60);
    let voting = world.voting();
    world.warp_to_eta(&finalize);
    let before = (world.gate().log, world.council().log);
    let meta = world.finalize(&finalize).unwrap();

    assert_eq!(world.upgrade_authority(), None);
    let (gate, council) = (world.gate(), world.council());
    assert_eq!((gate.state, gate.life), (0, 2));
    assert_eq!(gate.release, release);
    assert_eq!(council.gate_count, 0);
    let event: ProgramFinalized = record::event(&meta);
    assert_eq!((event.parent, event.index), (world.gate_key(), 0));
    assert_eq!(event.executor, voter(0).pubkey());
    assert_eq!(event.digest, world.proposal(&finalize).digest);
    assert_eq!(event.program, world.program);
    assert_eq!((event.release, event.life), (release.commitment(), 2));
    let bytes = &record::events(&meta)[0];
    let (mut of_gate, mut of_council) = before;
    record::fold(&mut of_gate, &world.gate_key(), bytes);
    record::fold(&mut of_council, &world.council, bytes);
    assert_eq!((gate.log, council.log), (of_gate, of_council));

    world.pass(10);
    for proposed in [&armed, &voting] {
        world.refuse(PortcullisError::ProposalStale, |w| w.execute(proposed));
    }
    for proposed in [&armed, &voting, &finalize] {
        world.clean_up(proposed);
    }
    let mut left = vec![world.council, world.gate_key()];
    left.sort();
    assert_eq!(world.own_accounts(), left);
    world.refuse_change(PortcullisError::GateNotActive, Change::Finalize, false);
    // Nobody can adopt it again: there is no upgrade authority that could sign.
    let args = AdoptArgs {
        epoch: 1,
        policy: policy(),
        deployed: release.commitment(),
    };
    let adopt = world.adopt_instruction(world.program, args);
    world.refuse(PortcullisError::UpgradeAuthorityMismatch, |w| {
        w.send(&[adopt], &[upgrade_authority(), voter(0)])
    });
}

#[test]
fn g16_only_programs_of_sbpf_v3_or_later_are_finalized() {
    let mut world = world_v3();
    let finalize = world.gate_change(Change::Finalize);
    world.ready_change(&finalize);
    for version in [0, 1, 2] {
        set_version(&mut world, version);
        world.refuse(PortcullisError::NotFinalizable, |w| w.finalize(&finalize));
    }
    for version in [3, 4] {
        let mut world = world.clone();
        set_version(&mut world, version);
        world.finalize(&finalize).unwrap();
    }
    // SPL Token is of the old one.
    let mut world = World::new();
    let finalize = world.gate_change(Change::Finalize);
    world.ready_change(&finalize);
    world.refuse(PortcullisError::NotFinalizable, |w| w.finalize(&finalize));
}

#[test]
fn g3_a_finalization_is_of_the_release_that_the_voters_saw() {
    let mut world = world_v3();
    let upgrade = world.queued();
    world.pass(DAY - 60);
    let finalize = world.gate_change(Change::Finalize);
    world.approve(&finalize, voter(0)).unwrap();
    world.warp_to_eta(&upgrade);
    world.execute(&upgrade).unwrap();
    assert_eq!(world.status(&finalize), Status::Stale);
    world.refuse(PortcullisError::ProposalStale, |w| {
        w.approve(&finalize, voter(1))
    });
    set_version(&mut world, 3);
    world.refuse(PortcullisError::ProposalStale, |w| w.finalize(&finalize));
}

#[test]
fn g5_a_finalization_waits_is_vetoed_and_needs_an_executor() {
    let mut world = world_v3();
    let finalize = world.gate_change(Change::Finalize);
    world.approve_fully(&finalize);
    let eta = world.proposal(&finalize).eta;
    world.warp_to(eta - 1);
    world.refuse(PortcullisError::TimelockNotElapsed, |w| {
        w.finalize(&finalize)
    });
    world.warp_to(eta);
    for who in [voter(1), guardian(0)] {
        world.refuse(PortcullisError::RoleMissing, |w| {
            let by = BUILDER.finalize_program(&finalize.keys, who.pubkey());
            w.send(&[by], &[who])
        });
    }
    let other = world.adopt_another("another program");
    let valid = BUILDER.finalize_program(&finalize.keys, voter(0).pubkey());
    for (account, instead, reason) in [
        (world.program, other, PortcullisError::ProgramMismatch),
        (
            world.authority(),
            pda::authority(&portcullis::ID, &other),
            PortcullisError::GateAuthorityMismatch,
        ),
    ] {
        world.refuse(reason, |w| {
            w.send(&[substitute(&valid, &account, &instead)], &[voter(0)])
        });
    }
    // Another programdata whose program could be finalized.
    let programdata = pda::programdata(&other);
    let mut content = elf::portcullis().to_vec();
    world.forge(&programdata, |account| {
        account.data.truncate(45);
        account.data.append(&mut content);
        account.lamports *= 10;
    });
    world.refuse(PortcullisError::ProgramdataMismatch, |w| {
        let wrong = substitute(&valid, &w.programdata(), &programdata);
        w.send(&[wrong], &[voter(0)])
    });
    world.veto(&finalize, guardian(0)).unwrap();
    world.refuse(PortcullisError::ProposalVetoed, |w| w.finalize(&finalize));
}

fn revoke(content: &[u8]) -> Change {
    Change::RevokeRelease {
        sha256: Commitment::of(content).unwrap().sha256,
    }
}

#[test]
fn g15_a_release_is_revoked_by_a_vote() {
    for (content, current) in [(elf::spl_token(), false), (elf::p_token(), true)] {
        let mut world = lanes::upgraded();
        let proposed = world.gate_change(revoke(content));
        let sha256 = Commitment::of(content).unwrap().sha256;
        assert_eq!(world.proposal(&proposed).terms.sha256, sha256);
        world.approve_fully(&proposed);
        let eta = world.proposal(&proposed).eta;
        world.warp_to(eta - 1);
        world.refuse(PortcullisError::TimelockNotElapsed, |w| {
            w.execute_change(&proposed)
        });
        world.warp_to(eta);
        let before = (world.gate(), world.council());
        let meta = world.execute_change(&proposed).unwrap();
        let gate = world.gate();
        assert_eq!(gate.release.revoked, u8::from(current));
        assert_eq!(gate.earlier[1].revoked, u8::from(!current));
        assert!(gate.is_revoked(&sha256));
        assert_eq!((gate.life, gate.release.index), (1, 2));
        let event: ReleaseRevoked = record::event(&meta);
        assert_eq!((event.parent, event.index), (world.gate_key(), 1));
        assert_eq!(event.sha256, sha256);
        assert_eq!(event.digest, world.proposal(&proposed).digest);
        // It is the gate's alone.
        let mut log = before.0.log;
        record::fold(&mut log, &world.gate_key(), &record::events(&meta)[0]);
        assert_eq!((gate.log, world.council().log), (log, before.1.log));
        world.refuse(PortcullisError::ProposalExecuted, |w| {
            w.execute_change(&proposed)
        });
    }
}

#[test]
fn g15_only_a_release_that_the_gate_remembers_is_revoked() {
    let mut world = World::new();
    for content in [elf::memo(), elf::p_token()] {
        world.refuse_change(PortcullisError::NotAnEarlierRelease, revoke(content), false);
    }
    // The places of releases that never were hold zeros.
    let nothing = Change::RevokeRelease { sha256: [0; 32] };
    world.refuse_change(PortcullisError::NotAnEarlierRelease, nothing, false);
    // It may be forgotten before the vote is over: eight releases later.
    let proposed = world.gate_change(revoke(elf::spl_token()));
    world.ready_change(&proposed);
    let programs = [elf::p_token(), elf::memo()];
    let upgrades = |world: &mut World, count: usize| {
        for number in 0..count {
            world.edit_gate(|gate| {
                let commitment = Commitment::of(programs[number % 2]).unwrap();
                gate.push_release(Release {
                    sha256: commitment.sha256,
                    len: commitment.len,
                    life: 1,
                    ..Release::default()
                })
                .unwrap();
            });
        }
    };
    let mut remembered = world.clone();
    upgrades(&mut remembered, 8);
    remembered.execute_change(&proposed).unwrap();
    upgrades(&mut world, 9);
    world.refuse(PortcullisError::NotAnEarlierRelease, |w| {
        w.execute_change(&proposed)
    });
}
