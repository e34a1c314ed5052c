//! Large programs: what one transaction can hash, to the byte, and beyond that in steps to what an account can hold. See
//! `hash_steps.rs` for the steps' rules, and `adopt_large.rs` for adoptions.

use portcullis_client::transaction::execution_compute_units;
use portcullis_tests::{
    elf,
    steps::{self, LONGEST},
    *,
};

const MAX_ELF_LEN: usize = 2_600_000;
/// Compute units of a transaction.
const MAX_UNITS: u64 = 1_400_000;
/// Bytes of an account.
const MAX_ACCOUNT: usize = 10 * 1_024 * 1_024;

/// Upgrades through the whole flow; every transaction stays within its compute units, or it would have failed.
fn upgrade(world: &mut World, content: &[u8]) {
    let proposed = world.propose_elf(content);
    let verified = world.verify(&proposed).unwrap();
    assert!(verified.compute_units_consumed <= MAX_UNITS);
    world.approve(&proposed, voter(0)).unwrap();
    world.approve(&proposed, voter(1)).unwrap();
    world.pass(DAY);
    let executed = world.execute(&proposed).unwrap();
    // What the CLI asks for is enough.
    let limit = execution_compute_units(content.len() as u32);
    assert!(executed.compute_units_consumed <= u64::from(limit));
    eprintln!(
        "{} bytes: verify {} CU, execute {} CU",
        content.len(),
        verified.compute_units_consumed,
        executed.compute_units_consumed
    );
    let data = world.account(&world.programdata()).data;
    assert_eq!(&data[45..45 + content.len()], content);
    assert_eq!(
        world.gate().release.commitment(),
        Commitment::of(content).unwrap()
    );
}

fn world_with(deployed: Vec<u8>) -> World {
    Setup {
        deployed,
        ..Setup::default()
    }
    .build()
}

#[test]
fn g1_a_large_program_is_upgraded_to_another_in_one_transaction() {
    let mut world = world_with(elf::large(1_400_000, 0xab));
    upgrade(&mut world, &elf::large(1_400_000, 0xcd));
}

#[test]
fn g1_the_longest_elf_passes_in_one_transaction() {
    let mut world = world_with(elf::large(MAX_ELF_LEN, 0xab));
    upgrade(&mut world, &elf::large(MAX_ELF_LEN, 0xcd));
}

#[test]
fn g12_a_stranger_who_extends_the_program_to_the_limit_blocks_no_elf() {
    for len in [1_400_000, MAX_ELF_LEN] {
        let mut world = world_with(elf::large(len, 0xab));
        let programdata = world.programdata();
        world.forge(&programdata, |account| {
            account.data.resize(MAX_ACCOUNT, 0);
            account.lamports *= 10;
        });
        upgrade(&mut world, &elf::large(len, 0xcd));
    }
}

#[test]
fn g12_zeros_behind_the_elf_do_not_make_a_buffer_that_verifies_but_cannot_execute() {
    let mut world = World::new();
    let mut content = elf::p_token().to_vec();
    content.resize(MAX_ELF_LEN + 1, 0);
    let buffer = world.buffer(&content, &voter(0).pubkey());
    let proposed = world.next(buffer);
    let args = world.upgrade_args(&content);
    world.refuse(PortcullisError::BufferNotExact, |w| {
        w.propose_with(&proposed, args)
    });
    // One zero less can be executed.
    content.pop();
    let buffer = world.buffer(&content, &voter(0).pubkey());
    let proposed = world.next(buffer);
    let args = world.upgrade_args(&content);
    world.propose_with(&proposed, args).unwrap();
}

/// Adopts a program of this length and upgrades it to another, all of it in steps. Prints the number of transactions.
fn whole_way(len: usize) {
    let mut world = steps::adopting(&elf::large(len, 0xab));
    assert_eq!(world.gate().state, 2);
    let adoption = 1 + world.hash_whole_program();
    assert_eq!(world.gate().state, 1);

    let content = elf::large(len, 0xcd);
    let proposed = world.propose_elf(&content);
    world.refuse(PortcullisError::NotHashedYet, |w| w.verify(&proposed));
    let steps = steps::steps(len);
    let (last, first) = steps.split_last().unwrap();
    let mut most = 0;
    for (number, step) in first.iter().enumerate() {
        let meta = world.hash(&proposed, *step).unwrap();
        most = most.max(meta.compute_units_consumed);
        // Now and then the same again by a stranger, and one that would leave a gap.
        if number % 50 == 0 {
            let again = world.hash_by(&proposed, *step, stranger(0), &stranger(0).pubkey());
            again.unwrap();
            assert_eq!(world.hashed(&proposed), step.offset + step.len);
            let gap = steps.get(number + 2).unwrap_or(last);
            world.refuse(PortcullisError::HashGap, |w| w.hash(&proposed, *gap));
        }
    }
    assert!(most <= MAX_UNITS);
    assert_eq!(world.status(&proposed), Status::Draft);
    assert_eq!(world.hashed(&proposed), last.offset);
    world.hash(&proposed, *last).unwrap();
    assert_eq!(world.status(&proposed), Status::Voting);
    assert!(world.is_gone(&world.hashing(&proposed)));

    world.approve(&proposed, voter(0)).unwrap();
    world.approve(&proposed, voter(1)).unwrap();
    world.pass(DAY);
    let executed = world.execute(&proposed).unwrap();
    assert!(executed.compute_units_consumed <= u64::from(execution_compute_units(len as u32)));
    let data = world.account(&world.programdata()).data;
    assert_eq!(data[45..], content);
    assert_eq!(
        world.gate().release.commitment(),
        Commitment::of(&content).unwrap()
    );
    world.close_proposal(&proposed).unwrap();
    eprintln!(
        "{len} bytes: {adoption} transactions to adopt, {} to propose, verify and execute with two votes; {most} CU a step, {} CU to execute",
        1 + steps.len() + 2 + 1,
        executed.compute_units_consumed
    );
}

#[test]
fn g1_a_program_of_3_mb_is_adopted_and_upgraded_in_steps() {
    whole_way(3_000_000);
}

#[test]
fn g1_the_longest_program_that_an_account_holds_is_adopted_and_upgraded_in_steps() {
    whole_way(LONGEST);
}

#[test]
fn g1_a_program_longer_than_an_account_is_not_proposed() {
    let mut world = steps::adopted();
    let buffer = world.buffer(&elf::large(LONGEST + 1, 0xcd), &voter(0).pubkey());
    let proposed = world.next(buffer);
    let mut args = world.upgrade_args(elf::p_token());
    args.commitment.len = LONGEST as u32 + 1;
    world.refuse(PortcullisError::ElfTooLarge, |w| {
        w.propose_with(&proposed, args)
    });
}
