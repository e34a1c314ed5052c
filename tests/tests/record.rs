//! The record: every transition's event is in the chain, in order, and the chain can be rebuilt from outside.

use std::collections::BTreeSet;

use litesvm::types::TransactionMetadata;
use portcullis::{record::Log, state::Parent, transitions};
use portcullis_tests::{elf, record, *};
use solana_sdk_ids::{bpf_loader_upgradeable, system_program};

/// The chains of a council and a gate, kept from the logs alone.
#[derive(Default)]
struct Mirror {
    council: Log,
    gate: Log,
    kinds: BTreeSet<[u8; 8]>,
}

impl Mirror {
    fn take(&mut self, meta: &TransactionMetadata) -> Vec<u8> {
        let events = record::events(meta);
        assert_eq!(events.len(), 1, "one event a transition");
        self.kinds.insert(events[0][..8].try_into().unwrap());
        events[0].clone()
    }

    /// A transition of the council.
    #[track_caller]
    fn council(&mut self, world: &World, result: Outcome) {
        let event = self.take(&result.unwrap());
        record::fold(&mut self.council, &world.council, &event);
        self.compare(world);
    }

    /// A transition of the gate.
    #[track_caller]
    fn gate(&mut self, world: &World, result: Outcome) {
        let event = self.take(&result.unwrap());
        record::fold(&mut self.gate, &world.gate_key(), &event);
        self.compare(world);
    }

    #[track_caller]
    fn compare(&self, world: &World) {
        assert_eq!(world.council().log, self.council);
        if !world.is_gone(&world.gate_key()) {
            assert_eq!(world.gate().log, self.gate);
        }
    }
}

/// Walks through every transition once, and asserts the chains after each.
fn whole_life() -> (World, Mirror) {
    let mut world = World::bare();
    let mut mirror = Mirror::default();
    let setup = Setup::default();
    let key = create_key().pubkey();

    let args = CreateCouncilArgs {
        policy: setup.council_policy,
        delay_floor_seconds: setup.delay_floor_seconds,
        members: setup.members[..2].to_vec(),
    };
    let create = BUILDER.create_council(key, payer().pubkey(), args);
    let result = world.send(&[create], &[create_key()]);
    mirror.council(&world, result);
    let add = BUILDER.add_members(key, setup.members[2..].to_vec());
    let result = world.send(&[add], &[create_key()]);
    mirror.council(&world, result);
    let result = world.send(&[BUILDER.seal_council(key)], &[create_key()]);
    mirror.council(&world, result);

    world.install(&address("program"), &setup.deployed);
    let meta = world.adopt(&setup).unwrap();
    let event = mirror.take(&meta);
    record::fold(&mut mirror.gate, &world.gate_key(), &event);
    record::fold(&mut mirror.council, &world.council, &event);
    mirror.compare(&world);

    macro_rules! step {
        ($step:expr) => {{
            let result = $step;
            mirror.gate(&world, result);
        }};
    }
    let mut proposed = vec![];
    for content in [elf::p_token(), elf::memo(), elf::memo(), elf::memo()] {
        let buffer = world.buffer(content, &voter(0).pubkey());
        let next = world.next(buffer);
        let args = world.upgrade_args(content);
        step!(world.propose_with(&next, args));
        step!(world.verify(&next));
        proposed.push(next);
    }
    let [first, second, third, fourth] = proposed[..] else {
        unreachable!()
    };
    step!(world.approve(&first, voter(0)));
    step!(world.approve(&first, voter(1)));
    step!(world.approve(&second, voter(0)));
    step!(world.approve(&second, voter(1)));
    step!(world.retract(&first, voter(1)));
    step!(world.queue(&second));
    step!(world.reject(&second, voter(2)));
    step!(world.veto(&second, guardian(0)));
    step!(world.approve(&first, voter(1)));
    step!(world.cancel(&third, voter(0)));
    step!(world.return_buffer(&third));
    step!(world.close_proposal(&third));
    world.pass(DAY);
    step!(world.execute(&first));
    step!(world.close_proposal(&first));
    world.pass(40 * DAY);
    step!(world.close_buffer(&second));
    step!(world.close_proposal(&second));
    step!(world.return_buffer(&fourth));
    step!(world.close_proposal(&fourth));
    (world, mirror)
}

#[test]
fn g13_every_transition_is_in_the_chain() {
    let (world, mirror) = whole_life();
    assert_eq!(mirror.kinds.len(), 16, "every kind of event came up");
    assert_eq!(world.council().log.sequence, 4);
    assert_eq!(world.gate().log.sequence, 1 + 8 + 18);
    assert_ne!(mirror.council.head, mirror.gate.head);
}

#[test]
fn g11_the_gate_calls_system_to_create_and_the_loader_and_nothing_else() {
    let (world, _) = whole_life();
    let called: BTreeSet<(Pubkey, u32)> = world
        .calls
        .iter()
        .map(|(program, data)| {
            let tag = u32::from_le_bytes(data[..4].try_into().unwrap());
            (*program, tag)
        })
        .collect();
    let loader = bpf_loader_upgradeable::ID;
    // System: create account. Loader: upgrade, set authority, close, set authority checked.
    let expected = [
        (system_program::ID, 0),
        (loader, 3),
        (loader, 4),
        (loader, 5),
        (loader, 7),
    ];
    assert_eq!(called, expected.into_iter().collect());
    // One council, one gate, four proposals; one adoption and four buffers taken; one upgrade, two returned, one closed.
    assert_eq!(world.calls.len(), 6 + 5 + 1 + 2 + 1);
}

#[test]
fn g13_a_missing_or_altered_event_shows() {
    let (world, _) = whole_life();
    let gate = world.gate_key();
    let mut log = Log::default();
    record::fold(&mut log, &gate, b"one");
    record::fold(&mut log, &gate, b"two");
    let mut other = Log::default();
    record::fold(&mut other, &gate, b"two");
    record::fold(&mut other, &gate, b"one");
    assert_ne!(log.head, other.head);
    let mut program = Log::default();
    program.fold(&gate, b"one").unwrap();
    program.fold(&gate, b"two").unwrap();
    assert_eq!(program, log);
    let mut elsewhere = Log::default();
    elsewhere.fold(&world.council, b"one").unwrap();
    elsewhere.fold(&world.council, b"two").unwrap();
    assert_ne!(elsewhere.head, log.head);
}

#[test]
fn g13_a_failed_transition_is_not_in_the_chain() {
    let mut world = World::new();
    let proposed = world.voting();
    let before = world.gate().log;
    world.approve(&proposed, stranger(0)).unwrap_err();
    assert_eq!(world.gate().log, before);
}

#[test]
fn g13_logs_padded_until_they_are_dropped_hide_nothing() {
    let mut world = World::new();
    let proposed = world.voting();
    let (council, mut gate, mut proposal) =
        (world.council(), world.gate(), world.proposal(&proposed));
    let args = world.vote_args(&proposed);
    let memo = Instruction {
        program_id: Pubkey::from_str_const("MemoSq4gqABAXKb96qnH8TysNcWxMyWCqXgDLGmfcHr"),
        accounts: vec![],
        data: vec![b'a'; 200],
    };
    let mut instructions = vec![memo; 60];
    instructions.push(BUILDER.approve(&proposed.keys, voter(0).pubkey(), args));
    let meta = world.send(&instructions, &[voter(0)]).unwrap();
    assert!(meta.logs.iter().any(|line| line == "Log truncated"));
    assert!(record::events(&meta).is_empty(), "the event was dropped");

    // From the instruction's data, its accounts, the clock and the state before.
    let mut parent = Parent::Gate {
        council: &council,
        gate: &mut gate,
    };
    let event = transitions::approve(
        &mut parent,
        &mut proposal,
        proposed.address,
        voter(0).pubkey(),
        &args,
        transitions::Signed::Transaction,
        world.now(),
    )
    .unwrap();
    let bytes = anchor_lang::Event::data(&event);
    record::fold(&mut gate.log, &world.gate_key(), &bytes);
    assert_eq!(gate.log, world.gate().log);
    assert_eq!(
        bytemuck::bytes_of(&proposal),
        bytemuck::bytes_of(&world.proposal(&proposed))
    );
}

#[test]
fn g12_lamports_sent_ahead_block_nothing() {
    let mut world = World::bare();
    let setup = Setup::default();
    let send = |world: &mut World, key: &Pubkey| {
        world.put(key, Account::new(1_000_000, 0, &system_program::ID));
    };
    let council = world.council;
    send(&mut world, &council);
    world.create_council(&setup).unwrap();
    world.install(&address("program"), &setup.deployed);
    let gate = world.gate_key();
    send(&mut world, &gate);
    let authority = world.authority();
    send(&mut world, &authority);
    world.adopt(&setup).unwrap();
    let next = world.next(address("buffer")).address;
    send(&mut world, &next);
    let proposed = world.ready();
    world.execute(&proposed).unwrap();
}

#[test]
fn counters_that_are_full_refuse() {
    let mut world = World::new();
    world.edit_gate(|gate| gate.proposal_count = u32::MAX);
    let buffer = world.buffer(elf::p_token(), &voter(0).pubkey());
    let proposed = world.next(buffer);
    let args = world.upgrade_args(elf::p_token());
    world.refuse(PortcullisError::Overflow, |w| {
        w.propose_with(&proposed, args)
    });

    let mut world = World::new();
    world.edit_gate(|gate| gate.log.sequence = u64::MAX);
    let buffer = world.buffer(elf::p_token(), &voter(0).pubkey());
    let proposed = world.next(buffer);
    let args = world.upgrade_args(elf::p_token());
    world.refuse(PortcullisError::Overflow, |w| {
        w.propose_with(&proposed, args)
    });

    let mut world = World::new();
    world.edit_gate(|gate| gate.release.index = u32::MAX);
    let proposed = world.ready();
    world.refuse(PortcullisError::Overflow, |w| w.execute(&proposed));

    let mut world = World::new();
    world.edit_council(|council| council.gate_count = u32::MAX);
    world.program = address("another program");
    let setup = Setup::default();
    world.install(&address("another program"), &setup.deployed);
    world.refuse(PortcullisError::Overflow, |w| w.adopt(&setup));

    let mut world = World::new();
    let proposed = world.voting();
    world.edit_proposal(&proposed, |proposal| proposal.approval_weight = u32::MAX);
    world.refuse(PortcullisError::Overflow, |w| {
        w.approve(&proposed, voter(0))
    });
    world.edit_proposal(&proposed, |proposal| {
        proposal.approval_weight = 0;
        proposal.approvals = u64::MAX;
    });
    world.refuse(PortcullisError::Overflow, |w| {
        w.retract(&proposed, voter(0))
    });

    // Bytes that no version writes.
    let mut world = World::new();
    let proposed = world.voting();
    world.edit_proposal(&proposed, |proposal| proposal.custody = 9);
    world.refuse(PortcullisError::Overflow, |w| {
        w.approve(&proposed, voter(0))
    });
    world.edit_proposal(&proposed, |proposal| {
        proposal.custody = 2;
        proposal.ending = 9;
    });
    world.refuse(PortcullisError::Overflow, |w| {
        w.approve(&proposed, voter(0))
    });
    world.edit_proposal(&proposed, |proposal| {
        proposal.ending = 0;
        proposal.terms.lane = 9;
    });
    world.refuse(PortcullisError::Overflow, |w| {
        w.approve(&proposed, voter(0))
    });
}

#[test]
fn a_clock_at_the_end_of_time_refuses() {
    let mut world = World::new();
    let buffer = world.buffer(elf::p_token(), &voter(0).pubkey());
    let proposed = world.next(buffer);
    let args = world.upgrade_args(elf::p_token());
    world.set_timestamp(i64::MAX - 1);
    world.refuse(PortcullisError::Overflow, |w| {
        w.propose_with(&proposed, args)
    });
}
