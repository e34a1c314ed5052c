//! Hashing a large buffer in steps: in order without gaps, by anyone, as often as they like.

use portcullis::{instructions::HashStepArgs, transitions::UpgradeArgs};
use portcullis_tests::{
    calls::substitute,
    elf,
    governance::*,
    steps::{self, SHORTEST, STEP},
    *,
};

/// A draft of an upgrade to a large ELF that ends on `fill`.
fn draft(world: &mut World, fill: u8) -> Proposed {
    world.propose_elf(&elf::large(SHORTEST, fill))
}

fn large() -> (World, Proposed, Vec<HashStepArgs>) {
    let mut world = steps::adopted();
    let proposed = draft(&mut world, 0xcd);
    (world, proposed, steps::steps(SHORTEST))
}

/// What a step may change.
fn state(world: &World, proposed: &Proposed) -> (Account, Account) {
    (
        world.account(&proposed.address),
        world.account(&world.hashing(proposed)),
    )
}

#[test]
fn g1_steps_that_would_leave_a_gap_are_refused() {
    let (mut world, proposed, steps) = large();
    let gap = PortcullisError::HashGap;
    for later in [steps[1], steps[2], *steps.last().unwrap()] {
        world.refuse(gap, |w| w.hash(&proposed, later));
    }
    let far = HashStepArgs {
        offset: u32::MAX,
        len: STEP,
    };
    world.refuse(gap, |w| w.hash(&proposed, far));
    world.hash(&proposed, steps[0]).unwrap();
    assert_eq!(world.hashed(&proposed), STEP);
    for offset in [STEP + 64, STEP + 1, 2 * STEP, SHORTEST as u32, u32::MAX] {
        let wrong = HashStepArgs { offset, len: STEP };
        world.refuse(gap, |w| w.hash(&proposed, wrong));
    }
    world.hash(&proposed, steps[1]).unwrap();
    assert_eq!(world.hashed(&proposed), 2 * STEP);
}

#[test]
fn a_step_is_whole_blocks_or_all_that_is_left() {
    let (mut world, proposed, _) = large();
    for len in [1, 63, 65, STEP - 1] {
        let step = HashStepArgs { offset: 0, len };
        world.refuse(PortcullisError::LengthOutOfRange, |w| {
            w.hash(&proposed, step)
        });
    }
    // A step of another length than the usual is as good.
    for (offset, len) in [(0, 64), (64, 128), (192, 64 * 100)] {
        world.hash(&proposed, HashStepArgs { offset, len }).unwrap();
    }
    assert_eq!(world.hashed(&proposed), 192 + 6_400);
}

#[test]
fn g12_a_step_that_is_done_already_changes_nothing() {
    let (mut world, proposed, steps) = large();
    for step in &steps[..3] {
        world.hash(&proposed, *step).unwrap();
    }
    let before = state(&world, &proposed);
    let again = [
        steps[0],
        steps[2],
        HashStepArgs { offset: 1, len: 7 },
        HashStepArgs {
            offset: 3 * STEP,
            len: 0,
        },
    ];
    for step in again {
        for who in [payer(), stranger(0)] {
            world.hash_by(&proposed, step, who, &who.pubkey()).unwrap();
            assert_eq!(state(&world, &proposed), before);
        }
    }
}

#[test]
fn g12_a_step_that_is_done_in_part_does_the_rest() {
    let (mut world, proposed, steps) = large();
    world.hash(&proposed, steps[0]).unwrap();
    // It ends at a whole block, wherever it begins.
    for (offset, len) in [(STEP - 1, STEP), (0, STEP + 1)] {
        world.refuse(PortcullisError::LengthOutOfRange, |w| {
            w.hash(&proposed, HashStepArgs { offset, len })
        });
    }
    for (offset, end) in [(7, STEP + 64), (64, STEP + 640), (0, 2 * STEP)] {
        let len = end - offset;
        world.hash(&proposed, HashStepArgs { offset, len }).unwrap();
        assert_eq!(world.hashed(&proposed), end);
    }
    // The rest makes the whole hash: the last step says to where it goes, or further.
    let (last, first) = steps.split_last().unwrap();
    for step in &first[2..] {
        world.hash(&proposed, *step).unwrap();
    }
    let rest = HashStepArgs {
        offset: last.offset - 64,
        len: u32::MAX,
    };
    world.hash(&proposed, rest).unwrap();
    assert_eq!(world.status(&proposed), Status::Voting);
}

#[test]
fn g12_strangers_hash_at_once_and_the_first_gets_the_rent_back() {
    let (mut world, proposed, steps) = large();
    let (first, second) = (stranger(0), stranger(1));
    let lamports = world.lamports(&first.pubkey());
    for (number, step) in steps.iter().enumerate() {
        // Both send every step; the first is there before the second.
        world
            .hash_by(&proposed, *step, first, &first.pubkey())
            .unwrap();
        if number + 1 < steps.len() {
            world
                .hash_by(&proposed, *step, second, &first.pubkey())
                .unwrap();
        }
        if number == 0 {
            let rent = world.lamports(&world.hashing(&proposed));
            assert_eq!(world.lamports(&first.pubkey()), lamports - rent);
        }
        if number == 0 || number + 2 == steps.len() {
            for other in [second, payer()] {
                world.refuse(PortcullisError::RentPayerMismatch, |w| {
                    w.hash_by(&proposed, steps[number + 1], second, &other.pubkey())
                });
            }
        }
    }
    assert_eq!(world.status(&proposed), Status::Voting);
    assert_eq!(world.lamports(&first.pubkey()), lamports);
    assert!(world.is_gone(&world.hashing(&proposed)));

    // What comes too late changes nothing, and makes no account.
    let before = world.account(&proposed.address);
    let log = world.gate().log;
    for step in [steps[0], steps[7], *steps.last().unwrap()] {
        world
            .hash_by(&proposed, step, second, &second.pubkey())
            .unwrap();
        assert!(world.is_gone(&world.hashing(&proposed)));
        assert_eq!(world.account(&proposed.address), before);
        assert_eq!(world.gate().log, log);
    }
}

#[test]
fn g1_two_buffers_are_hashed_in_between_each_other() {
    let (mut world, one, steps) = large();
    let two = draft(&mut world, 0xef);
    let lent = world.hashing(&two);
    world.hash(&two, steps[0]).unwrap();
    // Neither with the other's hash, nor with the other's buffer.
    let valid = BUILDER.hash_buffer(
        &one.keys,
        one.buffer,
        payer().pubkey(),
        payer().pubkey(),
        steps[0],
    );
    let own = world.hashing(&one);
    world.refuse(PortcullisError::HashingMismatch, |w| {
        w.send(&[substitute(&valid, &own, &lent)], &[])
    });
    world.refuse(PortcullisError::BufferMismatch, |w| {
        w.send(&[substitute(&valid, &one.buffer, &two.buffer)], &[])
    });
    for number in 0..steps.len() {
        world.hash(&one, steps[number]).unwrap();
        if let Some(step) = steps.get(number + 1) {
            world.hash(&two, *step).unwrap();
        }
    }
    for proposed in [one, two] {
        assert_eq!(world.status(&proposed), Status::Voting);
        assert!(world.is_gone(&world.hashing(&proposed)));
    }
}

#[test]
fn g1_other_bytes_than_the_committed_ones_are_refused_at_the_last_step() {
    let mut world = steps::adopted();
    let content = elf::large(SHORTEST, 0xcd);
    let buffer = world.buffer(&content, &voter(0).pubkey());
    let proposed = world.next(buffer);
    let mut args = world.upgrade_args(&content);
    args.commitment.sha256[31] ^= 1;
    world.propose_with(&proposed, args).unwrap();
    let steps = steps::steps(SHORTEST);
    let (last, first) = steps.split_last().unwrap();
    for step in first {
        world.hash(&proposed, *step).unwrap();
    }
    world.refuse(PortcullisError::HashMismatch, |w| w.hash(&proposed, *last));
    assert_eq!(world.hashed(&proposed), last.offset);
    world.refuse(PortcullisError::BufferNotVerified, |w| {
        w.approve(&proposed, voter(0))
    });
    // It ends like every draft, and everything comes back.
    world.pass(3 * DAY);
    world.refuse(PortcullisError::ProposalExpired, |w| {
        w.hash(&proposed, *last)
    });
    world.clean_up(&proposed);
    world
        .close_hashing(&proposed.address, &payer().pubkey())
        .unwrap();
    assert!(world.is_gone(&world.hashing(&proposed)));
}

#[test]
fn g1_a_length_that_counts_trailing_zeros_is_refused_at_the_last_step() {
    let mut world = steps::adopted();
    let mut content = elf::large(SHORTEST, 0xcd);
    *content.last_mut().unwrap() = 0;
    let buffer = world.buffer(&content, &voter(0).pubkey());
    let proposed = world.next(buffer);
    let args = UpgradeArgs {
        commitment: Commitment {
            // Their SHA-256 with the zero.
            sha256: solana_sha256_hasher::hash(&content).to_bytes(),
            len: SHORTEST as u32,
        },
        ..world.upgrade_args(&content)
    };
    world.propose_with(&proposed, args).unwrap();
    let steps = steps::steps(SHORTEST);
    let (last, first) = steps.split_last().unwrap();
    for step in first {
        world.hash(&proposed, *step).unwrap();
    }
    world.refuse(PortcullisError::LengthCountsTrailingZeros, |w| {
        w.hash(&proposed, *last)
    });
}

#[test]
fn what_one_transaction_hashes_is_not_hashed_in_steps() {
    let mut world = World::new();
    let proposed = world.draft();
    let len = world.proposal(&proposed).terms.len;
    for step in [
        HashStepArgs { offset: 0, len: 64 },
        HashStepArgs { offset: 0, len },
    ] {
        world.refuse(PortcullisError::HashedAtOnce, |w| w.hash(&proposed, step));
    }
}

#[test]
fn g2_only_a_draft_whose_buffer_the_gate_holds_is_hashed() {
    let (mut world, proposed, steps) = large();
    world.hash(&proposed, steps[0]).unwrap();
    let mut vetoed = world.clone();
    vetoed.veto(&proposed, guardian(0)).unwrap();
    vetoed.refuse(PortcullisError::ProposalVetoed, |w| {
        w.hash(&proposed, steps[1])
    });
    let mut cancelled = world.clone();
    cancelled.cancel(&proposed, voter(0)).unwrap();
    cancelled.refuse(PortcullisError::ProposalCancelled, |w| {
        w.hash(&proposed, steps[1])
    });
    let mut forged = world.clone();
    let other = stranger(0).pubkey();
    forged.forge(&proposed.buffer, |account| {
        account.data[5..37].copy_from_slice(other.as_ref());
    });
    forged.refuse(PortcullisError::BufferNotHeld, |w| {
        w.hash(&proposed, steps[1])
    });
    // A proposal about the council has no buffer.
    let own = world.own_change(council_change(&[voter(2).pubkey()], &[]));
    world.refuse(PortcullisError::NotOfAGate, |w| w.hash(&own, steps[0]));
    let change = world.gate_change(policy_change(policy(), 0));
    let with_buffer = Proposed {
        buffer: proposed.buffer,
        ..change
    };
    world.refuse(PortcullisError::BufferMismatch, |w| {
        w.hash(&with_buffer, steps[0])
    });
}

#[test]
fn g12_a_hash_that_nobody_needs_is_closed_and_its_rent_goes_back() {
    let (mut world, proposed, steps) = large();
    let who = stranger(0).pubkey();
    let lamports = world.lamports(&who);
    world
        .hash_by(&proposed, steps[0], stranger(0), &who)
        .unwrap();
    let target = proposed.address;
    world.refuse(PortcullisError::HashingInUse, |w| {
        w.close_hashing(&target, &who)
    });
    // Expired, but nobody has settled that: the return of the buffer does.
    let mut expired = world.clone();
    expired.pass(3 * DAY);
    expired.refuse(PortcullisError::HashingInUse, |w| {
        w.close_hashing(&target, &who)
    });
    expired.return_buffer(&proposed).unwrap();
    expired.close_hashing(&target, &who).unwrap();
    assert_eq!(expired.lamports(&who), lamports);

    world.cancel(&proposed, voter(0)).unwrap();
    world.refuse(PortcullisError::RentPayerMismatch, |w| {
        w.close_hashing(&target, &stranger(1).pubkey())
    });
    let valid = BUILDER.close_hashing(target, who);
    let gate = world.gate_key();
    world.refuse(PortcullisError::HashingMismatch, |w| {
        w.send(&[substitute(&valid, &target, &gate)], &[])
    });
    let mut gone = world.clone();
    gone.clean_up(&proposed);
    gone.close_hashing(&target, &who).unwrap();
    assert_eq!(gone.lamports(&who), lamports);
    world.close_hashing(&target, &who).unwrap();
    assert_eq!(world.lamports(&who), lamports);
    assert!(world.is_gone(&world.hashing(&proposed)));
}

#[test]
fn g12_a_hash_whose_target_is_hashed_is_closed() {
    let mut world = World::new();
    let proposed = world.voting();
    for target in [proposed.address, world.gate_key()] {
        world.forge_hashing(&target);
        let who = stranger(0).pubkey();
        world.close_hashing(&target, &who).unwrap();
    }
}

#[test]
fn g1_a_buffer_that_is_carried_over_is_hashed_from_the_start() {
    let (mut world, former, steps) = large();
    for step in &steps[..2] {
        world.hash(&former, *step).unwrap();
    }
    world.cancel(&former, voter(0)).unwrap();
    let proposed = world.next(former.buffer);
    let args = world.upgrade_args(&elf::large(SHORTEST, 0xcd));
    let repropose = BUILDER.repropose_upgrade(
        &proposed.keys,
        former.keys.index,
        voter(0).pubkey(),
        payer().pubkey(),
        args,
    );
    world.send(&[repropose], &[voter(0)]).unwrap();
    world.refuse(PortcullisError::HashGap, |w| w.hash(&proposed, steps[2]));
    world
        .close_hashing(&former.address, &payer().pubkey())
        .unwrap();
    world.hash_whole(&proposed);
    assert_eq!(world.status(&proposed), Status::Voting);
    // One that was verified stays so.
    world.cancel(&proposed, voter(0)).unwrap();
    let again = world.next(former.buffer);
    let args = world.upgrade_args(&elf::large(SHORTEST, 0xcd));
    let repropose = BUILDER.repropose_upgrade(
        &again.keys,
        proposed.keys.index,
        voter(0).pubkey(),
        payer().pubkey(),
        args,
    );
    world.send(&[repropose], &[voter(0)]).unwrap();
    assert_eq!(world.status(&again), Status::Voting);
}

#[test]
fn g1_what_was_hashed_in_steps_is_executed_only_at_its_length() {
    let (mut world, proposed, _) = large();
    world.hash_whole(&proposed);
    world.approve_fully(&proposed);
    world.warp_to_eta(&proposed);
    // A stranger's extension of the program changes nothing.
    let programdata = world.programdata();
    world.forge(&programdata, |account| {
        account.data.resize(10 * 1_024 * 1_024, 0);
        account.lamports *= 10;
    });
    for change in [(|data| data.push(1)) as fn(&mut Vec<u8>), |data| {
        data.truncate(data.len() - 1)
    }] {
        let mut forged = world.clone();
        forged.forge(&proposed.buffer, |account| change(&mut account.data));
        forged.refuse(PortcullisError::BufferNotExact, |w| w.execute(&proposed));
    }
    world.execute(&proposed).unwrap();
}
