//! The buffer: verified byte for byte, out of everyone's reach while it is held, and never trusted again once it was not.

use portcullis::events::BufferVerified;
use portcullis_tests::{elf, record, *};
use solana_loader_v3_interface::instruction as loader;

/// A draft that commits to p-token, and holds a buffer with this content.
fn draft_of(content: &[u8]) -> (World, Proposed) {
    let mut world = World::new();
    let buffer = world.buffer(content, &voter(0).pubkey());
    let proposed = world.next(buffer);
    let args = world.upgrade_args(elf::p_token());
    world.propose_with(&proposed, args).unwrap();
    (world, proposed)
}

fn by_depositor(world: &mut World, instruction: Instruction) -> Outcome {
    world.send(&[instruction], &[voter(0)])
}

/// p-token without the zeros at its end.
fn elf_bytes() -> Vec<u8> {
    let mut content = elf::p_token().to_vec();
    content.truncate(Commitment::of(&content).unwrap().len as usize);
    content
}

#[test]
fn g1_verification_opens_the_vote() {
    let (mut world, proposed) = draft_of(elf::p_token());
    world.refuse(PortcullisError::BufferNotVerified, |w| {
        w.approve(&proposed, voter(0))
    });
    let meta = world.verify(&proposed).unwrap();
    let event: BufferVerified = record::event(&meta);
    assert_eq!((event.parent, event.index), (world.gate_key(), 0));
    assert_eq!(event.sha256, Commitment::of(elf::p_token()).unwrap().sha256);
    assert_eq!((event.slot, event.timestamp), (START.slot, START.timestamp));
    assert_eq!(world.proposal(&proposed).custody, Custody::Verified as u8);
    assert_eq!(world.status(&proposed), Status::Voting);
    world.refuse(PortcullisError::BufferAlreadyVerified, |w| {
        w.verify(&proposed)
    });
}

#[test]
fn g1_other_bytes_are_not_verified() {
    let good = elf_bytes();
    for position in [0, good.len() / 2, good.len() - 1] {
        let mut content = good.clone();
        content[position] ^= 0x55;
        assert_ne!(content[position], 0);
        let (mut world, proposed) = draft_of(&content);
        world.refuse(PortcullisError::HashMismatch, |w| w.verify(&proposed));
    }
}

#[test]
fn g1_a_shorter_buffer_is_not_verified() {
    let good = elf_bytes();
    let (mut world, proposed) = draft_of(&good[..good.len() - 1]);
    world.refuse(PortcullisError::LengthOutOfRange, |w| w.verify(&proposed));
    let (mut world, proposed) = draft_of(&[]);
    world.refuse(PortcullisError::LengthOutOfRange, |w| w.verify(&proposed));
}

#[test]
fn g1_a_longer_buffer_is_verified_only_with_zeros_behind() {
    let good = elf_bytes();
    for extra in [1, 2, 5_000] {
        let mut content = good.clone();
        content.resize(good.len() + extra, 0);
        let (mut world, proposed) = draft_of(&content);
        for position in [good.len(), good.len() + extra - 1] {
            let mut wrong = world.clone();
            wrong.forge(&proposed.buffer, |account| account.data[37 + position] = 1);
            wrong.refuse(PortcullisError::TailNotZero, |w| w.verify(&proposed));
        }
        // All of the tail the same, and not zero.
        let mut wrong = world.clone();
        wrong.forge(&proposed.buffer, |account| {
            account.data[37 + good.len()..].fill(9);
        });
        wrong.refuse(PortcullisError::TailNotZero, |w| w.verify(&proposed));
        world.verify(&proposed).unwrap();
    }
}

#[test]
fn g1_the_committed_length_counts_no_trailing_zeros() {
    let mut content = elf_bytes();
    content.push(0);
    let mut world = World::new();
    let buffer = world.buffer(&content, &voter(0).pubkey());
    let proposed = world.next(buffer);
    let mut args = world.upgrade_args(&content);
    // An honest hash of the bytes with a zero at their end.
    args.commitment = Commitment {
        sha256: solana_sha256_hasher::hash(&content).to_bytes(),
        len: content.len() as u32,
    };
    world.propose_with(&proposed, args).unwrap();
    world.refuse(PortcullisError::LengthCountsTrailingZeros, |w| {
        w.verify(&proposed)
    });
}

#[test]
fn g2_the_former_authority_has_lost_the_buffer() {
    let (mut world, proposed) = draft_of(elf::p_token());
    let (buffer, former) = (proposed.buffer, voter(0).pubkey());
    let stolen = stranger(0).pubkey();
    let attempts = [
        loader::write(&buffer, &former, 0, vec![1; 8]),
        loader::set_buffer_authority(&buffer, &former, &stolen),
        loader::close(&buffer, &former, &former),
        loader::upgrade(&world.program, &buffer, &former, &former),
    ];
    for attempt in attempts {
        world.refuse(InstructionError::IncorrectAuthority, |w| {
            by_depositor(w, attempt)
        });
    }
    let checked = loader::set_buffer_authority_checked(&buffer, &former, &former);
    world.refuse(InstructionError::IncorrectAuthority, |w| {
        by_depositor(w, checked)
    });
    assert_eq!(
        world.account(&buffer).data,
        elf::buffer(Some(world.authority()), elf::p_token()).data
    );
}

#[test]
fn g2_a_buffer_that_the_gate_does_not_hold_is_not_verified() {
    for authority in [Some(voter(0).pubkey()), None] {
        let (mut world, proposed) = draft_of(elf::p_token());
        world.put(&proposed.buffer, elf::buffer(authority, elf::p_token()));
        world.refuse(PortcullisError::BufferNotHeld, |w| w.verify(&proposed));
    }
    let (mut world, proposed) = draft_of(elf::p_token());
    let authority = world.authority();
    world.forge(&proposed.buffer, |account| {
        account.owner = address("some program")
    });
    world.refuse(PortcullisError::NotABuffer, |w| w.verify(&proposed));
    world.put(
        &proposed.buffer,
        elf::programdata(1, Some(authority), elf::p_token()),
    );
    world.refuse(PortcullisError::NotABuffer, |w| w.verify(&proposed));
}

#[test]
fn g2_a_buffer_made_anew_at_the_same_address_is_never_used_again() {
    // Verified, approved, then vetoed and handed back: its former owner has it, and may do with it what it likes.
    let mut world = World::new();
    let proposed = world.queued();
    world.veto(&proposed, guardian(0)).unwrap();
    world.return_buffer(&proposed).unwrap();
    let close = loader::close(&proposed.buffer, &stranger(0).pubkey(), &voter(0).pubkey());
    by_depositor(&mut world, close).unwrap();
    assert!(world.is_gone(&proposed.buffer));
    // It is created anew with other bytes, and the gate as its authority.
    let authority = world.authority();
    world.put(&proposed.buffer, elf::buffer(Some(authority), elf::memo()));
    world.refuse(PortcullisError::ProposalVetoed, |w| w.verify(&proposed));
    world.refuse(PortcullisError::ProposalVetoed, |w| w.execute(&proposed));
    world.refuse(PortcullisError::BufferReleased, |w| {
        w.return_buffer(&proposed)
    });
    world.pass(31 * DAY);
    world.refuse(PortcullisError::BufferReleased, |w| {
        w.close_buffer(&proposed)
    });
    // Nor by a new proposal: only the gate could sign for it, and it does not.
    let again = world.next(proposed.buffer);
    let args = world.upgrade_args(elf::memo());
    world.refuse(PortcullisError::BufferAuthorityMismatch, |w| {
        w.propose_with(&again, args)
    });
    world.close_proposal(&proposed).unwrap();
}

#[test]
fn g2_after_its_close_a_buffer_made_anew_stays_out_of_reach() {
    let mut world = World::new();
    let proposed = world.draft();
    world.cancel(&proposed, voter(0)).unwrap();
    world.pass(30 * DAY);
    world.close_buffer(&proposed).unwrap();
    assert!(world.is_gone(&proposed.buffer));
    let authority = world.authority();
    world.put(
        &proposed.buffer,
        elf::buffer(Some(authority), elf::p_token()),
    );
    world.refuse(PortcullisError::BufferReleased, |w| {
        w.close_buffer(&proposed)
    });
    world.refuse(PortcullisError::BufferReleased, |w| {
        w.return_buffer(&proposed)
    });
    world.refuse(PortcullisError::ProposalCancelled, |w| w.verify(&proposed));
}

#[test]
fn g2_after_execution_a_buffer_made_anew_stays_out_of_reach() {
    let mut world = World::new();
    let proposed = world.ready();
    world.execute(&proposed).unwrap();
    let authority = world.authority();
    world.put(
        &proposed.buffer,
        elf::buffer(Some(authority), elf::p_token()),
    );
    world.refuse(PortcullisError::ProposalExecuted, |w| w.execute(&proposed));
    world.refuse(PortcullisError::BufferReleased, |w| {
        w.return_buffer(&proposed)
    });
    world.pass(31 * DAY);
    world.refuse(PortcullisError::BufferReleased, |w| {
        w.close_buffer(&proposed)
    });
}
