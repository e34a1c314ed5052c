//! The adoption of a program that one transaction cannot hash: until its bytes are hashed in steps the gate does nothing but give
//! the authority back.

use portcullis::{
    events::{AdoptionAbandoned, AdoptionCompleted, ProgramAdopted},
    instructions::HashStepArgs,
};
use portcullis_tests::{
    calls::{substitute, unsigned},
    elf, record,
    steps::{self, SHORTEST, STEP},
    *,
};

fn content() -> Vec<u8> {
    elf::large(SHORTEST, 0xab)
}

fn adopting() -> World {
    steps::adopting(&content())
}

fn gate_hashing(world: &World) -> Pubkey {
    pda::hashing(&portcullis::ID, &world.gate_key())
}

#[test]
fn g1_the_last_step_opens_the_gate() {
    let setup = Setup {
        deployed: content(),
        ..Setup::default()
    };
    let mut world = World::bare();
    world.create_council(&setup).unwrap();
    world.install(&address("program"), &setup.deployed);
    let meta = world.adopt(&setup).unwrap();
    let event: ProgramAdopted = record::event(&meta);
    assert!(!event.hashed);
    assert_eq!(world.gate().state, 2);
    assert_eq!(world.upgrade_authority(), Some(world.authority()));
    assert_eq!(world.council().gate_count, 1);

    let steps = steps::steps(SHORTEST);
    let (last, first) = steps.split_last().unwrap();
    for step in first {
        // Anyone sends them, more than once.
        world.hash_program(*step).unwrap();
    }
    world
        .hash_program_by(first[0], stranger(0), &stranger(0).pubkey())
        .unwrap();
    let before = (world.gate(), world.council());
    let meta = world.hash_program(*last).unwrap();
    let gate = world.gate();
    assert_eq!((gate.state, gate.life), (1, 1));
    assert_eq!(gate.release, before.0.release);
    assert!(world.is_gone(&gate_hashing(&world)));
    let event: AdoptionCompleted = record::event(&meta);
    assert_eq!((event.gate, event.life), (world.gate_key(), 1));
    assert_eq!(event.deployed, Commitment::of(&content()).unwrap());
    let bytes = &record::events(&meta)[0];
    let (mut of_gate, mut of_council) = (before.0.log, before.1.log);
    record::fold(&mut of_gate, &world.gate_key(), bytes);
    record::fold(&mut of_council, &world.council, bytes);
    assert_eq!((gate.log, world.council().log), (of_gate, of_council));

    // Steps that come too late change nothing.
    for step in [steps[0], *last] {
        world
            .hash_program_by(step, stranger(0), &stranger(0).pubkey())
            .unwrap();
        assert_eq!(world.gate().log, of_gate);
        assert!(world.is_gone(&gate_hashing(&world)));
    }
    // Now it works.
    let upgrade = world.ready();
    world.execute(&upgrade).unwrap();
}

#[test]
fn g1_a_gate_that_is_adopting_does_nothing_else() {
    let mut world = adopting();
    world.refuse_all_proposals();
    let deployed = Commitment::of(&content()).unwrap();
    world.refuse(PortcullisError::UpgradeAuthorityMismatch, |w| {
        w.adopt_anew(deployed)
    });
    let (programdata, other) = (world.programdata(), upgrade_authority().pubkey());
    world.forge(&programdata, |account| {
        account.data[13..45].copy_from_slice(other.as_ref());
    });
    world.refuse(PortcullisError::GateNotExited, |w| w.adopt_anew(deployed));
}

#[test]
fn g1_steps_of_a_program_follow_the_same_rules() {
    let mut world = adopting();
    let steps = steps::steps(SHORTEST);
    world.refuse(PortcullisError::HashGap, |w| w.hash_program(steps[1]));
    world.refuse(PortcullisError::LengthOutOfRange, |w| {
        w.hash_program(HashStepArgs { offset: 0, len: 65 })
    });
    world.refuse(PortcullisError::RentPayerMismatch, |w| {
        w.hash_program_by(steps[0], stranger(0), &stranger(1).pubkey())
    });
    world
        .hash_program_by(steps[0], stranger(0), &stranger(0).pubkey())
        .unwrap();
    world.refuse(PortcullisError::HashGap, |w| {
        w.hash_program_by(steps[2], stranger(1), &stranger(0).pubkey())
    });
    world.refuse(PortcullisError::HashingInUse, |w| {
        let gate = w.gate_key();
        w.close_hashing(&gate, &stranger(0).pubkey())
    });
    let valid = BUILDER.hash_program(
        world.council,
        world.program,
        payer().pubkey(),
        stranger(0).pubkey(),
        steps[1],
    );
    // Another gate's, with a hash in the making.
    let other = world.adopt_another("another program");
    let draft = world.at(other, |w| w.propose_elf(&content()));
    world.hash(&draft, steps[0]).unwrap();
    let foreign = world.other_council();
    for (account, instead, reason) in [
        (
            world.programdata(),
            pda::programdata(&other),
            PortcullisError::ProgramdataMismatch,
        ),
        (
            world.council,
            foreign,
            PortcullisError::GateOfAnotherCouncil,
        ),
        (
            gate_hashing(&world),
            pda::hashing(&portcullis::ID, &draft.address),
            PortcullisError::HashingMismatch,
        ),
    ] {
        world.refuse(reason, |w| {
            w.send(&[substitute(&valid, &account, &instead)], &[])
        });
    }
    for wrong in [payer(), stranger(1)] {
        world.refuse(PortcullisError::RentPayerMismatch, |w| {
            w.hash_program_by(steps[1], stranger(1), &wrong.pubkey())
        });
    }
    for step in &steps[1..] {
        world
            .hash_program_by(*step, stranger(1), &stranger(0).pubkey())
            .unwrap();
    }
    assert_eq!(world.gate().state, 1);
    // A small program's gate was hashed at once.
    let mut small = World::new();
    let before = small.before();
    small.hash_program(steps[0]).unwrap();
    assert!(small.before() == before);
}

#[test]
fn g1_a_program_of_other_bytes_is_never_governed() {
    let mut world = World::bare();
    let setup = Setup {
        deployed: content(),
        ..Setup::default()
    };
    world.create_council(&setup).unwrap();
    world.install(&address("program"), &setup.deployed);
    let right = world.adopt_args(&setup);
    // What can be told at once is.
    for (reason, len, content_len) in [
        (PortcullisError::LengthOutOfRange, SHORTEST + 1, SHORTEST),
        (
            PortcullisError::LengthCountsTrailingZeros,
            SHORTEST + 1,
            SHORTEST + 1,
        ),
        (PortcullisError::TailNotZero, SHORTEST, SHORTEST + 1),
    ] {
        let mut content = content();
        content.resize(content_len, u8::from(len == SHORTEST));
        world.install(&address("program"), &content);
        let mut args = right;
        args.deployed.len = len as u32;
        let adopt = world.adopt_instruction(world.program, args);
        world.refuse(reason, |w| {
            w.send(&[adopt], &[upgrade_authority(), voter(0)])
        });
    }
    // What only the hash can tell, at the last step.
    world.install(&address("program"), &content());
    let mut args = right;
    args.deployed.sha256[0] ^= 1;
    let adopt = world.adopt_instruction(world.program, args);
    world
        .send(&[adopt], &[upgrade_authority(), voter(0)])
        .unwrap();
    let steps = steps::steps(SHORTEST);
    let (last, first) = steps.split_last().unwrap();
    for step in first {
        world.hash_program(*step).unwrap();
    }
    world.refuse(PortcullisError::HashMismatch, |w| w.hash_program(*last));
    world.abandon(upgrade_authority()).unwrap();
    assert_eq!(
        world.upgrade_authority(),
        Some(upgrade_authority().pubkey())
    );
}

#[test]
fn g12_a_stranger_who_extends_the_program_does_not_stop_the_adoption() {
    let mut world = adopting();
    let steps = steps::steps(SHORTEST);
    let programdata = world.programdata();
    for (number, step) in steps.iter().enumerate() {
        world.hash_program(*step).unwrap();
        if number == 5 {
            world.forge(&programdata, |account| {
                account.data.resize(account.data.len() + 10_240, 0);
                account.lamports *= 2;
            });
        }
    }
    assert_eq!(world.gate().state, 1);
}

#[test]
fn g16_only_the_former_authority_takes_the_program_back() {
    let mut world = adopting();
    let steps = steps::steps(SHORTEST);
    world.hash_program(steps[0]).unwrap();
    for who in [voter(0), stranger(0), payer()] {
        world.refuse(PortcullisError::UpgradeAuthorityMismatch, |w| {
            w.abandon(who)
        });
    }
    let former = upgrade_authority().pubkey();
    let valid = BUILDER.abandon_adoption(world.council, world.program, former);
    world.refuse(ErrorCode::AccountNotSigner, |w| {
        w.send(&[unsigned(&valid, &former)], &[])
    });
    let other = world.adopt_another("another program");
    let foreign = world.other_council();
    for (account, instead, reason) in [
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
            world.council,
            foreign,
            PortcullisError::GateOfAnotherCouncil,
        ),
    ] {
        world.refuse(reason, |w| {
            let wrong = substitute(&valid, &account, &instead);
            w.send(&[wrong], &[upgrade_authority()])
        });
    }

    let before = (world.gate(), world.council());
    assert_eq!(before.1.gate_count, 2);
    let meta = world.abandon(upgrade_authority()).unwrap();
    assert_eq!(world.upgrade_authority(), Some(former));
    let gate = world.gate();
    assert_eq!((gate.state, gate.life), (0, 2));
    assert_eq!(world.council().gate_count, 1);
    let event: AdoptionAbandoned = record::event(&meta);
    assert_eq!((event.gate, event.life), (world.gate_key(), 2));
    assert_eq!(event.former_authority, former);
    let bytes = &record::events(&meta)[0];
    let (mut of_gate, mut of_council) = (before.0.log, before.1.log);
    record::fold(&mut of_gate, &world.gate_key(), bytes);
    record::fold(&mut of_council, &world.council, bytes);
    assert_eq!((gate.log, world.council().log), (of_gate, of_council));

    let not_adopting = PortcullisError::GateNotAdopting;
    world.refuse(not_adopting, |w| w.abandon(upgrade_authority()));
    world.refuse(not_adopting, |w| w.hash_program(steps[1]));
    let (gate, rent) = (world.gate_key(), world.lamports(&gate_hashing(&world)));
    let lamports = world.lamports(&payer().pubkey());
    world.close_hashing(&gate, &payer().pubkey()).unwrap();
    assert_eq!(world.lamports(&payer().pubkey()), lamports + rent - FEE);
}

#[test]
fn g16_a_gate_that_governs_is_not_abandoned() {
    for mut world in [steps::adopted(), World::new()] {
        world.refuse(PortcullisError::GateNotAdopting, |w| {
            w.abandon(upgrade_authority())
        });
    }
}

#[test]
fn g1_a_program_that_is_adopted_again_is_hashed_from_the_start() {
    let mut world = adopting();
    let steps = steps::steps(SHORTEST);
    let first = stranger(0).pubkey();
    for step in &steps[..3] {
        world.hash_program_by(*step, stranger(0), &first).unwrap();
    }
    world.abandon(upgrade_authority()).unwrap();
    // While nobody held it the bytes have become others.
    let other = elf::large(SHORTEST, 0xee);
    let program = world.program;
    world.install(&program, &other);
    world.adopt_anew(Commitment::of(&other).unwrap()).unwrap();
    assert_eq!((world.gate().state, world.gate().life), (2, 3));
    // The hash of the former life does not count, though its account is still there, unless somebody closes it.
    let target = world.gate_key();
    world.clone().close_hashing(&target, &first).unwrap();
    let next = HashStepArgs {
        offset: 3 * STEP,
        len: STEP,
    };
    world.refuse(PortcullisError::HashGap, |w| {
        w.hash_program_by(next, stranger(1), &first)
    });
    for step in &steps {
        world.hash_program_by(*step, stranger(1), &first).unwrap();
    }
    assert_eq!(world.gate().state, 1);
    assert_eq!(
        world.gate().release.commitment(),
        Commitment::of(&other).unwrap()
    );
}
