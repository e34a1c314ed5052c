//! Execution: what runs afterwards, and every reason not to.

use portcullis::{events::UpgradeExecuted, lifecycle::Action};
use portcullis_tests::{
    calls::{substitute, unsigned},
    elf, record, *,
};

fn execute_instruction(proposed: &Proposed) -> Instruction {
    BUILDER.execute_upgrade(
        &proposed.keys,
        proposed.buffer,
        proposed.spill,
        voter(0).pubkey(),
        None,
    )
}

fn by_executor(world: &mut World, instruction: Instruction) -> Outcome {
    world.send(&[instruction], &[voter(0)])
}

#[test]
fn g1_the_voted_bytes_run_and_nothing_else() {
    let mut world = World::new();
    let proposed = world.ready();
    let former = world.gate().release;
    let digest = world.proposal(&proposed).digest;
    let rent = world.lamports(&proposed.buffer);
    let programdata = world.programdata();
    let size = world.account(&programdata).data.len();
    let now = world.now();
    let meta = world.execute(&proposed).unwrap();

    let after = world.account(&programdata);
    let mut expected = elf::p_token().to_vec();
    expected.resize(size - 45, 0);
    assert_eq!(
        after.data,
        elf::programdata(now.slot, Some(world.authority()), &expected).data,
        "the new bytes, zeros behind, the gate still the authority"
    );
    assert!(world.is_gone(&proposed.buffer) || world.lamports(&proposed.buffer) == 0);
    assert_eq!(world.lamports(&proposed.spill), rent);

    let deployed = Commitment::of(elf::p_token()).unwrap();
    let gate = world.gate();
    assert_eq!(
        gate.release,
        Release {
            sha256: deployed.sha256,
            proposal_digest: digest,
            slot: now.slot,
            timestamp: now.timestamp,
            index: 2,
            len: deployed.len,
            life: 1,
            ..Release::default()
        }
    );
    assert_eq!(gate.earlier[1], former);
    assert_eq!(gate.last_upgrade_at, now.timestamp);
    assert_eq!(gate.last_emergency_at, 0);
    assert_eq!(gate.pending, [PendingSlot::default(); 4]);

    let proposal = world.proposal(&proposed);
    assert_eq!(proposal.ending, Ending::Executed as u8);
    assert_eq!(proposal.custody, Custody::Consumed as u8);
    assert_eq!(proposal.ended_at, now.timestamp);

    let event: UpgradeExecuted = record::event(&meta);
    assert_eq!((event.parent, event.index), (world.gate_key(), 0));
    assert_eq!(
        (event.executor, event.program),
        (voter(0).pubkey(), world.program)
    );
    assert_eq!((event.digest, event.release_index), (digest, 2));
    assert_eq!(
        event.former,
        Commitment {
            sha256: former.sha256,
            len: former.len
        }
    );
    assert_eq!(event.deployed, deployed);
    assert_eq!((event.slot, event.timestamp), (now.slot, now.timestamp));
}

#[test]
fn g1_the_new_program_really_runs() {
    // SPL Token logs its instruction's name, p-token does not. `InitializeMultisig` of nothing fails in both.
    let logs = |world: &mut World| {
        let instruction = Instruction {
            program_id: world.program,
            accounts: vec![],
            data: vec![2, 1],
        };
        let failed = world.send(&[instruction], &[]).unwrap_err();
        failed.meta.logs.join("\n")
    };
    let mut world = World::new();
    assert!(logs(&mut world).contains("Instruction: InitializeMultisig"));
    let proposed = world.ready();
    world.execute(&proposed).unwrap();
    let now = world.now();
    world.set_slot(now.slot + 1);
    assert!(!logs(&mut world).contains("Instruction: InitializeMultisig"));
    // The last one is Memo, which logs what it is given.
    let second = world.propose_elf(elf::memo());
    world.verify(&second).unwrap();
    world.approve(&second, voter(0)).unwrap();
    world.approve(&second, voter(1)).unwrap();
    world.pass(DAY);
    world.execute(&second).unwrap();
    world.pass(1);
    let instruction = Instruction {
        program_id: world.program,
        accounts: vec![],
        data: b"a memo".to_vec(),
    };
    world.send(&[instruction], &[]).unwrap();
}

#[test]
fn g10_a_proposal_executes_once() {
    let mut world = World::new();
    let proposed = world.ready();
    world.execute(&proposed).unwrap();
    world.pass(1);
    world.refuse(PortcullisError::ProposalExecuted, |w| w.execute(&proposed));
}

#[test]
fn g4_only_executors_execute() {
    let mut world = World::new();
    let proposed = world.ready();
    world.refuse(PortcullisError::NotAMember, |w| {
        w.execute_by(&proposed, stranger(0))
    });
    for who in [voter(1), guardian(0)] {
        world.refuse(PortcullisError::RoleMissing, |w| {
            w.execute_by(&proposed, who)
        });
    }
    let instruction = execute_instruction(&proposed);
    world.refuse(ErrorCode::AccountNotSigner, |w| {
        w.send(&[unsigned(&instruction, &voter(0).pubkey())], &[])
    });
    by_executor(&mut world, instruction).unwrap();
}

#[test]
fn g9_anyone_executes_where_snapshot_and_policy_both_say_so() {
    let mut setup = Setup::default();
    setup.policy.flags = FLAG_ANYONE_MAY_EXECUTE;
    let mut world = setup.build();
    let proposed = world.ready();
    let mut closed_since = world.clone();
    closed_since.edit_gate(|gate| gate.policy.flags = FLAG_NONCE_VOTES);
    closed_since.refuse(PortcullisError::NotAMember, |w| {
        w.execute_by(&proposed, stranger(0))
    });
    world.execute_by(&proposed, stranger(0)).unwrap();

    let mut world = World::new();
    let proposed = world.ready();
    world.edit_gate(|gate| gate.policy.flags = FLAG_ANYONE_MAY_EXECUTE);
    world.refuse(PortcullisError::NotAMember, |w| {
        w.execute_by(&proposed, stranger(0))
    });
}

#[test]
fn g5_what_is_not_queued_is_not_executed() {
    let mut world = World::new();
    let draft = world.draft();
    world.refuse(PortcullisError::BufferNotVerified, |w| w.execute(&draft));
    world.verify(&draft).unwrap();
    world.refuse(PortcullisError::NotQueued, |w| w.execute(&draft));
    world.approve(&draft, voter(0)).unwrap();
    world.refuse(PortcullisError::NotQueued, |w| w.execute(&draft));
}

#[test]
fn g1_another_buffer_is_not_executed() {
    let mut world = World::new();
    let proposed = world.ready();
    let other = world.propose_elf(elf::memo());
    let instruction = execute_instruction(&proposed);
    let swapped = substitute(&instruction, &proposed.buffer, &other.buffer);
    world.refuse(PortcullisError::BufferMismatch, |w| by_executor(w, swapped));
}

#[test]
fn g1_bytes_that_changed_while_held_are_not_executed() {
    let mut world = World::new();
    let proposed = world.ready();
    let len = Commitment::of(elf::p_token()).unwrap().len as usize;
    for position in [0, len / 2, len - 1] {
        let mut forged = world.clone();
        forged.forge(&proposed.buffer, |account| {
            account.data[37 + position] ^= 0x55;
            assert_ne!(account.data[37 + position], 0);
        });
        forged.refuse(PortcullisError::HashMismatch, |w| w.execute(&proposed));
    }
    let mut forged = world.clone();
    forged.forge(&proposed.buffer, |account| account.data.push(1));
    forged.refuse(PortcullisError::TailNotZero, |w| w.execute(&proposed));
    let mut forged = world.clone();
    forged.forge(&proposed.buffer, |account| account.data.truncate(36 + len));
    forged.refuse(PortcullisError::LengthOutOfRange, |w| w.execute(&proposed));
    let mut forged = world.clone();
    forged.forge(&proposed.buffer, |account| account.data[36 + len] = 0);
    forged.refuse(PortcullisError::LengthCountsTrailingZeros, |w| {
        w.execute(&proposed)
    });
    world.execute(&proposed).unwrap();
}

#[test]
fn g2_a_buffer_out_of_custody_is_not_executed() {
    let mut world = World::new();
    let proposed = world.ready();
    for authority in [Some(voter(0).pubkey()), None] {
        world.put(&proposed.buffer, elf::buffer(authority, elf::p_token()));
        world.refuse(PortcullisError::BufferNotHeld, |w| w.execute(&proposed));
    }
    let authority = world.authority();
    world.put(
        &proposed.buffer,
        elf::programdata(1, Some(authority), elf::p_token()),
    );
    world.refuse(PortcullisError::NotABuffer, |w| w.execute(&proposed));
    world.put(
        &proposed.buffer,
        Account {
            owner: address("some program"),
            ..elf::buffer(Some(authority), elf::p_token())
        },
    );
    world.refuse(PortcullisError::NotABuffer, |w| w.execute(&proposed));
}

#[test]
fn g3_a_program_that_the_gate_lost_is_not_upgraded() {
    let mut world = World::new();
    let proposed = world.ready();
    let programdata = world.programdata();
    let real = world.account(&programdata);
    let deployed = Setup::default().deployed;
    for authority in [Some(upgrade_authority().pubkey()), None] {
        world.put(&programdata, elf::programdata(1, authority, &deployed));
        world.refuse(PortcullisError::GateNotUpgradeAuthority, |w| {
            w.execute(&proposed)
        });
    }
    let authority = world.authority();
    for account in [
        Account {
            owner: address("some program"),
            ..real
        },
        elf::buffer(Some(authority), &deployed),
    ] {
        world.put(&programdata, account);
        world.refuse(PortcullisError::NotProgramdata, |w| w.execute(&proposed));
    }
}

#[test]
fn a_program_too_small_is_extended_first() {
    let mut world = World::new();
    let proposed = world.ready();
    let programdata = world.programdata();
    let authority = Some(world.authority());
    let len = elf::p_token().len();
    let slot = world.now().slot - 1;
    let with = |size: usize| elf::programdata(slot, authority, &vec![1; size]);
    world.put(&programdata, with(len - 1));
    world.refuse(PortcullisError::ProgramdataTooSmall, |w| {
        w.execute(&proposed)
    });
    world.put(&programdata, with(len));
    world.execute(&proposed).unwrap();
}

#[test]
fn in_the_slot_of_a_deployment_it_is_refused_and_one_slot_later_not() {
    let mut world = World::new();
    let proposed = world.ready();
    let programdata = world.programdata();
    let authority = Some(world.authority());
    let slot = world.now().slot;
    world.put(
        &programdata,
        elf::programdata(slot, authority, &Setup::default().deployed),
    );
    world.refuse(PortcullisError::ProgramDeployedThisSlot, |w| {
        w.execute(&proposed)
    });
    world.set_slot(slot + 1);
    world.execute(&proposed).unwrap();
}

#[test]
fn g3_a_proposal_on_an_earlier_release_is_stale_for_ever() {
    let mut world = World::new();
    let first = world.queued();
    let old = world.propose_elf(elf::memo());
    world.verify(&old).unwrap();
    world.pass(DAY);
    world.execute(&first).unwrap();
    for attempt in [
        World::execute as fn(&mut World, &Proposed) -> Outcome,
        World::verify,
        World::queue,
    ] {
        world.refuse(PortcullisError::ProposalStale, |w| attempt(w, &old));
    }
    world.refuse(PortcullisError::ProposalStale, |w| {
        w.approve(&old, voter(0))
    });
    // The same bytes come back as another release: the old proposal stays dead.
    let back = world.propose_elf(&Setup::default().deployed);
    world.verify(&back).unwrap();
    world.approve(&back, voter(0)).unwrap();
    world.approve(&back, voter(1)).unwrap();
    world.pass(DAY);
    world.execute(&back).unwrap();
    let gate = world.gate();
    assert_eq!(gate.release.index, 3);
    assert_eq!(gate.release.sha256, gate.earlier[1].sha256);
    world.refuse(PortcullisError::ProposalStale, |w| {
        w.approve(&old, voter(0))
    });
}

#[test]
fn g3_the_ring_keeps_the_last_eight_releases() {
    let mut world = World::new();
    let contents: [&[u8]; 2] = [elf::memo(), elf::p_token()];
    for round in 0..10u32 {
        let proposed = world.propose_elf(contents[round as usize % 2]);
        world.verify(&proposed).unwrap();
        world.approve(&proposed, voter(0)).unwrap();
        world.approve(&proposed, voter(1)).unwrap();
        world.pass(DAY);
        let former = world.gate().release;
        world.execute(&proposed).unwrap();
        let gate = world.gate();
        assert_eq!(gate.release.index, round + 2);
        assert_eq!(gate.earlier[former.index as usize % 8], former);
        world.close_proposal(&proposed).unwrap();
    }
    let mut indices: Vec<u32> = world.gate().earlier.iter().map(|r| r.index).collect();
    indices.sort_unstable();
    assert_eq!(indices, (3..=10).collect::<Vec<_>>());
    assert_eq!(world.gate().proposal_count, 10);
}

#[test]
fn a_spill_account_that_changed_hands_does_not_block() {
    let mut world = World::new();
    let proposed = world.ready();
    world.put(
        &proposed.spill,
        Account::new(1_000_000_000, 0, &address("some program")),
    );
    world.execute(&proposed).unwrap();
}

#[test]
fn the_sysvars_of_an_upgrade_are_themselves() {
    let mut world = World::new();
    let proposed = world.ready();
    let instruction = execute_instruction(&proposed);
    for sysvar in [
        solana_sdk_ids::sysvar::rent::ID,
        solana_sdk_ids::sysvar::clock::ID,
    ] {
        let fake = address("fake sysvar");
        let account = world.account(&sysvar);
        world.put(&fake, account);
        let other = substitute(&instruction, &sysvar, &fake);
        let before = world.before();
        assert!(by_executor(&mut world, other).is_err());
        assert!(before == world.before());
    }
    by_executor(&mut world, instruction).unwrap();
}

#[test]
fn g11_a_proposal_of_another_action_is_not_executed_as_an_upgrade() {
    let mut world = World::new();
    let proposed = world.ready();
    world.edit_proposal(&proposed, |proposal| {
        proposal.terms.action = Action::ChangePolicy as u8;
    });
    world.refuse(PortcullisError::NotAnUpgrade, |w| w.execute(&proposed));
}
