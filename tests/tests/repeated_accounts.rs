//! The same account given twice, and the same person in many places.

use std::cmp::Ordering;

use portcullis_tests::{
    calls::{self, Call},
    elf, *,
};

#[test]
fn one_person_may_be_everyone() {
    // Proposer, payer, upgrade authority; then proposer, payer, spill, voter, executor: one key in many places.
    let mut world = World::bare();
    let setup = Setup::default();
    let me = voter(0);
    world.create_council(&setup).unwrap();
    let program = world.program;
    world.install(&program, &setup.deployed);
    let slot = world.now().slot - 10;
    let programdata = elf::programdata(slot, Some(me.pubkey()), &setup.deployed);
    world.put(&pda::programdata(&program), programdata);
    let args = world.adopt_args(&setup);
    let key = me.pubkey();
    let adopt = BUILDER.adopt_program(world.council, program, key, key, key, args);
    world.send(&[adopt], &[me]).unwrap();

    let mut proposed = world.prepared(elf::p_token());
    proposed.spill = key;
    let args = world.upgrade_args(elf::p_token());
    let propose = BUILDER.propose_upgrade(&proposed.keys, proposed.buffer, key, key, key, args);
    world.send(&[propose], &[me]).unwrap();
    let terms = world.proposal(&proposed).terms;
    assert_eq!([terms.proposer, terms.spill, terms.rent_payer], [key; 3]);
    world.verify(&proposed).unwrap();
    world.approve_fully(&proposed);
    world.warp_to_eta(&proposed);
    world.execute(&proposed).unwrap();
    assert_eq!(world.gate().release.index, 2);
}

#[test]
fn accounts_that_an_instruction_repeats_change_nothing() {
    for call in Call::ALL {
        let (world, proposed) = call.possible();
        let (instruction, signers) = call.instruction(&world, &proposed);
        let mut once = world.clone();
        once.send(std::slice::from_ref(&instruction), &signers)
            .unwrap();

        // Behind its own accounts come all of them again, in the other order, and each once more.
        let mut again = instruction.clone();
        let own = instruction.accounts;
        again.accounts.extend(own.iter().rev().cloned());
        again
            .accounts
            .extend(own.iter().flat_map(|meta| [meta.clone(), meta.clone()]));
        let mut twice = world.clone();
        eprintln!("{call:?}");
        twice.send(&[again], &signers).unwrap();
        assert!(once.before() == twice.before(), "{call:?}");
    }
}

#[test]
fn g11_one_account_is_not_two() {
    for call in [Call::Approve, Call::Execute, Call::CloseBuffer] {
        let (world, proposed) = call.possible();
        let (instruction, signers) = call.instruction(&world, &proposed);
        let subject = [world.council, world.gate_key(), proposed.address];
        for (place, from) in subject.iter().enumerate() {
            for (position, to) in subject.iter().enumerate() {
                // They are opened from the last to the first: the wrong one is first, or is open already.
                let reason = match place.cmp(&position) {
                    Ordering::Greater => ErrorCode::AccountDiscriminatorMismatch,
                    Ordering::Less => ErrorCode::AccountDidNotDeserialize,
                    Ordering::Equal => continue,
                };
                eprintln!("{call:?} {place} {position}");
                let doubled = calls::substitute(&instruction, from, to);
                let mut world = world.clone();
                world.refuse(reason, |w| w.send(&[doubled], &signers));
            }
        }
    }
}
