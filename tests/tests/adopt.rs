//! Adoption: who signs, which program, which bytes.

use portcullis::events::ProgramAdopted;
use portcullis_tests::{
    adoption::{adopt_with, unadopted},
    calls::{readonly, substitute, unsigned},
    elf, record, *,
};
use solana_loader_v3_interface::instruction as loader;
use solana_sdk_ids::{bpf_loader, bpf_loader_upgradeable, system_program};

fn valid(world: &World) -> Instruction {
    world.adopt_instruction(world.program, world.adopt_args(&Setup::default()))
}

fn send(world: &mut World, instruction: Instruction) -> Outcome {
    world.send(&[instruction], &[upgrade_authority(), voter(0)])
}

#[test]
fn adoption_moves_the_authority_and_records_the_release() {
    let setup = Setup::default();
    let mut world = unadopted(&setup);
    let meta = world.adopt(&setup).unwrap();
    let deployed = Commitment::of(elf::spl_token()).unwrap();

    let data = world.account(&world.programdata()).data;
    let expected = elf::programdata(START.slot - 10, Some(world.authority()), &setup.deployed);
    assert_eq!(data, expected.data, "only the authority has changed");

    let gate = world.gate();
    assert_eq!(gate.version, 1);
    assert_eq!(gate.life, 1);
    assert_eq!(gate.council, world.council);
    assert_eq!(gate.program, world.program);
    assert_eq!(gate.programdata, world.programdata());
    assert_eq!(gate.authority, world.authority());
    assert_eq!(gate.policy, setup.policy);
    assert_eq!(gate.proposal_count, 0);
    assert_eq!(
        gate.release,
        Release {
            sha256: deployed.sha256,
            len: deployed.len,
            slot: START.slot,
            timestamp: START.timestamp,
            index: 1,
            life: 1,
            ..Release::default()
        }
    );
    assert_eq!(gate.earlier, [Release::default(); 8]);
    assert_eq!(gate.pending, [PendingSlot::default(); 4]);
    assert_eq!((gate.last_upgrade_at, gate.last_emergency_at), (0, 0));
    let derived = portcullis::state::find_gate(&portcullis::ID, &world.program);
    assert_eq!((world.gate_key(), gate.bump), derived);
    let derived = portcullis::state::find_authority(&portcullis::ID, &world.program);
    assert_eq!((gate.authority, gate.authority_bump), derived);

    let event: ProgramAdopted = record::event(&meta);
    assert_eq!(event.gate, world.gate_key());
    assert_eq!(event.council, world.council);
    assert_eq!(event.program, world.program);
    assert_eq!(event.former_authority, upgrade_authority().pubkey());
    assert_eq!(event.proposer, voter(0).pubkey());
    assert_eq!((event.life, event.epoch, event.release_index), (1, 1, 1));
    assert_eq!((event.deployed, event.policy), (deployed, setup.policy));
    assert_eq!((event.slot, event.timestamp), (START.slot, START.timestamp));
    assert_eq!(world.council().gate_count, 1);
}

#[test]
fn g2_the_former_authority_has_lost_the_program() {
    let mut world = World::new();
    let former = upgrade_authority().pubkey();
    let buffer = world.buffer(elf::p_token(), &former);
    let upgrade = loader::upgrade(&world.program, &buffer, &former, &former);
    world.refuse(InstructionError::IncorrectAuthority, |w| {
        w.send(&[upgrade], &[upgrade_authority()])
    });
    let take_back = loader::set_upgrade_authority(&world.program, &former, Some(&former));
    world.refuse(InstructionError::IncorrectAuthority, |w| {
        w.send(&[take_back], &[upgrade_authority()])
    });
    let close = loader::close_any(
        &world.programdata(),
        &former,
        Some(&former),
        Some(&world.program),
    );
    world.refuse(InstructionError::IncorrectAuthority, |w| {
        w.send(&[close], &[upgrade_authority()])
    });
}

#[test]
fn the_current_upgrade_authority_signs() {
    let mut world = unadopted(&Setup::default());
    let instruction = valid(&world);
    let authority = upgrade_authority().pubkey();
    world.refuse(ErrorCode::AccountNotSigner, |w| {
        w.send(&[unsigned(&instruction, &authority)], &[voter(0)])
    });
    let other = substitute(&instruction, &authority, &stranger(0).pubkey());
    world.refuse(PortcullisError::UpgradeAuthorityMismatch, |w| {
        w.send(&[other], &[stranger(0), voter(0)])
    });
    send(&mut world, instruction).unwrap();
}

#[test]
fn a_final_program_is_not_adopted() {
    let setup = Setup::default();
    let mut world = unadopted(&setup);
    let slot = world.now().slot - 10;
    let programdata = world.programdata();
    world.put(&programdata, elf::programdata(slot, None, &setup.deployed));
    world.refuse(PortcullisError::UpgradeAuthorityMismatch, |w| {
        w.adopt(&setup)
    });
}

#[test]
fn a_proposer_of_the_council_signs() {
    let mut world = unadopted(&Setup::default());
    let instruction = valid(&world);
    let proposer = voter(0).pubkey();
    world.refuse(ErrorCode::AccountNotSigner, |w| {
        w.send(&[unsigned(&instruction, &proposer)], &[upgrade_authority()])
    });
    for (who, reason) in [
        (stranger(0), PortcullisError::NotAMember),
        (voter(1), PortcullisError::RoleMissing),
        (guardian(0), PortcullisError::RoleMissing),
    ] {
        let other = substitute(&instruction, &proposer, &who.pubkey());
        world.refuse(reason, |w| w.send(&[other], &[upgrade_authority(), who]));
    }
    send(&mut world, instruction).unwrap();
}

#[test]
fn the_payer_of_a_gate_signs() {
    let mut world = unadopted(&Setup::default());
    let by = stranger(1).pubkey();
    let mut instruction = valid(&world);
    instruction = substitute(&instruction, &payer().pubkey(), &by);
    world.refuse(ErrorCode::AccountNotSigner, |w| {
        send(w, unsigned(&instruction, &by))
    });
    world.refuse(ErrorCode::ConstraintMut, |w| {
        w.send(
            &[readonly(&instruction, &by)],
            &[upgrade_authority(), voter(0), stranger(1)],
        )
    });
    let before = world.lamports(&by);
    world
        .send(
            &[instruction],
            &[upgrade_authority(), voter(0), stranger(1)],
        )
        .unwrap();
    let rent = world.account(&world.gate_key()).lamports;
    assert_eq!(before - world.lamports(&by), rent);
}

#[test]
fn g8_the_adopter_has_seen_the_current_epoch() {
    let setup = Setup::default();
    let mut world = unadopted(&setup);
    for epoch in [0, 2] {
        let args = AdoptArgs {
            epoch,
            ..world.adopt_args(&setup)
        };
        world.refuse(PortcullisError::EpochMismatch, |w| adopt_with(w, args));
    }
    world.adopt(&setup).unwrap();
}

#[test]
fn g1_the_adopter_has_seen_the_deployed_bytes() {
    let setup = Setup::default();
    let mut world = unadopted(&setup);
    let args = world.adopt_args(&setup);
    let len = args.deployed.len;
    let with = |len, sha256| AdoptArgs {
        deployed: Commitment { sha256, len },
        ..args
    };
    let mut wrong = args.deployed.sha256;
    wrong[31] ^= 1;
    let cases = [
        (with(len, wrong), PortcullisError::HashMismatch),
        (
            with(0, args.deployed.sha256),
            PortcullisError::LengthOutOfRange,
        ),
        (
            with(setup.deployed.len() as u32 + 1, args.deployed.sha256),
            PortcullisError::LengthOutOfRange,
        ),
        (
            with(u32::MAX, args.deployed.sha256),
            PortcullisError::LengthOutOfRange,
        ),
        (
            with(len + 1, args.deployed.sha256),
            PortcullisError::LengthCountsTrailingZeros,
        ),
        (
            with(setup.deployed.len() as u32, args.deployed.sha256),
            PortcullisError::LengthCountsTrailingZeros,
        ),
    ];
    for (args, reason) in cases {
        world.refuse(reason, |w| adopt_with(w, args));
    }
    // A shorter length, the bytes before it hashed honestly, is no commitment to what runs.
    let end = setup.deployed[..len as usize - 1]
        .iter()
        .rposition(|byte| *byte != 0)
        .unwrap();
    let shorter = Commitment::of(&setup.deployed[..=end]).unwrap();
    world.refuse(PortcullisError::TailNotZero, |w| {
        adopt_with(w, with(shorter.len, shorter.sha256))
    });
    world.adopt(&setup).unwrap();
}

#[test]
fn only_programs_of_loader_v3_are_adopted() {
    let setup = Setup::default();
    let mut world = unadopted(&setup);
    let program = world.program;
    let real = world.account(&program);
    let programdata = world.programdata();
    let refuse = |world: &mut World| {
        world.refuse(PortcullisError::NotALoaderV3Program, |w| w.adopt(&setup));
    };

    // A program of loader v2.
    world.put(
        &program,
        Account {
            lamports: 10_000_000_000,
            data: elf::memo().to_vec(),
            owner: bpf_loader::ID,
            executable: false,
            rent_epoch: 0,
        },
    );
    refuse(&mut world);
    // The bytes of a program account, owned by another program.
    world.put(
        &program,
        Account {
            owner: address("some program"),
            executable: false,
            ..real.clone()
        },
    );
    refuse(&mut world);
    // Other accounts of the loader.
    for other in [
        elf::buffer(Some(upgrade_authority().pubkey()), elf::memo()),
        elf::programdata(1, Some(upgrade_authority().pubkey()), elf::memo()),
    ] {
        world.put(&program, other);
        refuse(&mut world);
    }
    // Nothing at all, and rubbish.
    world.put(
        &program,
        Account {
            lamports: 1_000_000_000,
            owner: bpf_loader_upgradeable::ID,
            data: vec![9; 36],
            ..Account::default()
        },
    );
    refuse(&mut world);
    world.put(&program, Account::new(1_000_000, 0, &system_program::ID));
    refuse(&mut world);
    world.put(&program, real);
    assert!(!world.is_gone(&programdata));
    world.adopt(&setup).unwrap();
}

#[test]
fn a_fake_programdata_account_is_refused() {
    let setup = Setup::default();
    let mut world = unadopted(&setup);
    let slot = world.now().slot - 10;
    let authority = upgrade_authority().pubkey();
    let real_key = world.programdata();
    let real = world.account(&real_key);
    let instruction = valid(&world);

    // Elsewhere: one of another program, one by another owner, a buffer.
    world.install(&address("another program"), &setup.deployed);
    let fake = address("fake");
    for (key, account) in [
        (pda::programdata(&address("another program")), None),
        (
            fake,
            Some(elf::programdata(slot, Some(authority), &setup.deployed)),
        ),
        (fake, Some(elf::buffer(Some(authority), &setup.deployed))),
        (
            fake,
            Some(Account {
                owner: address("some program"),
                ..real.clone()
            }),
        ),
    ] {
        if let Some(account) = account {
            world.put(&key, account);
        }
        let other = substitute(&instruction, &real_key, &key);
        world.refuse(PortcullisError::ProgramdataMismatch, |w| send(w, other));
    }

    // At the right address, but not the loader's, or not programdata.
    for account in [
        Account {
            owner: address("some program"),
            ..real.clone()
        },
        elf::buffer(Some(authority), &setup.deployed),
        Account {
            data: vec![],
            ..real.clone()
        },
    ] {
        world.put(&real_key, account);
        world.refuse(PortcullisError::NotProgramdata, |w| w.adopt(&setup));
    }
    world.put(&real_key, real);
    world.adopt(&setup).unwrap();
}

#[test]
fn gate_authority_and_programs_stand_at_their_addresses() {
    let mut world = unadopted(&Setup::default());
    let instruction = valid(&world);
    let (gate, authority) = (world.gate_key(), world.authority());
    let cases = [
        (gate, address("elsewhere"), ErrorCode::ConstraintSeeds),
        (authority, address("elsewhere"), ErrorCode::ConstraintSeeds),
        (
            bpf_loader_upgradeable::ID,
            bpf_loader::ID,
            ErrorCode::InvalidProgramId,
        ),
        (
            system_program::ID,
            portcullis::ID,
            ErrorCode::InvalidProgramId,
        ),
    ];
    for (from, to, reason) in cases {
        let other = substitute(&instruction, &from, &to);
        world.refuse(reason, |w| send(w, other));
    }
    for key in [world.council, world.programdata()] {
        world.refuse(ErrorCode::ConstraintMut, |w| {
            send(w, readonly(&instruction, &key))
        });
    }
    send(&mut world, instruction).unwrap();
}

#[test]
fn a_foreign_account_is_not_the_council_of_a_gate() {
    let mut world = unadopted(&Setup::default());
    let key = world.council;
    let real = world.account(&key);
    world.forge(&key, |account| account.owner = address("some program"));
    let instruction = valid(&world);
    world.refuse(ErrorCode::AccountOwnedByWrongProgram, |w| {
        send(w, instruction.clone())
    });
    world.put(&key, real);
    world.forge(&key, |account| account.data[7] ^= 1);
    world.refuse(ErrorCode::AccountDiscriminatorMismatch, |w| {
        send(w, instruction)
    });
}

#[test]
fn a_program_is_adopted_once() {
    let setup = Setup::default();
    let mut world = World::new();
    // The gate holds the authority; and even with that back by force it is not adopted anew.
    world.refuse(PortcullisError::UpgradeAuthorityMismatch, |w| {
        w.adopt(&setup)
    });
    let programdata = world.programdata();
    world.put(
        &programdata,
        elf::programdata(
            START.slot - 10,
            Some(upgrade_authority().pubkey()),
            &setup.deployed,
        ),
    );
    world.refuse(PortcullisError::GateNotExited, |w| w.adopt(&setup));
}
