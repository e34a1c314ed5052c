//! Proposals: who signs, and which buffer, spill and other accounts are taken.

use portcullis_tests::{
    calls::{readonly, substitute, unsigned},
    elf,
    proposals::{by, prepared},
    *,
};
use solana_sdk_ids::{bpf_loader, bpf_loader_upgradeable, system_program, sysvar};

#[test]
fn a_proposer_has_the_role_and_signs() {
    let (mut world, proposed, args) = prepared();
    let instruction = world.propose_instruction(&proposed, args);
    let proposer = voter(0).pubkey();
    world.refuse(ErrorCode::AccountNotSigner, |w| {
        w.send(&[unsigned(&instruction, &proposer)], &[])
    });
    for (who, reason) in [
        (stranger(0), PortcullisError::NotAMember),
        (voter(1), PortcullisError::RoleMissing),
        (guardian(0), PortcullisError::RoleMissing),
    ] {
        let key = who.pubkey();
        world.put(&proposed.buffer, elf::buffer(Some(key), elf::p_token()));
        let other = substitute(&instruction, &proposer, &key);
        world.refuse(reason, |w| by(who, w, other));
    }
    world.put(
        &proposed.buffer,
        elf::buffer(Some(proposer), elf::p_token()),
    );
    by(voter(0), &mut world, instruction).unwrap();
}

#[test]
fn the_payer_of_a_proposal_signs_and_pays() {
    let (mut world, proposed, args) = prepared();
    let who = stranger(0).pubkey();
    let instruction = BUILDER.propose_upgrade(
        &proposed.keys,
        proposed.buffer,
        proposed.spill,
        voter(0).pubkey(),
        who,
        args,
    );
    world.refuse(ErrorCode::AccountNotSigner, |w| {
        w.send(&[unsigned(&instruction, &who)], &[voter(0)])
    });
    world.refuse(ErrorCode::ConstraintMut, |w| {
        w.send(&[readonly(&instruction, &who)], &[voter(0), stranger(0)])
    });
    let before = world.lamports(&who);
    world
        .send(&[instruction], &[voter(0), stranger(0)])
        .unwrap();
    let rent = world.account(&proposed.address).lamports;
    assert_eq!(before - world.lamports(&who), rent);
    assert_eq!(world.proposal(&proposed).terms.rent_payer, who);
}

#[test]
fn g2_the_buffers_authority_is_the_proposer() {
    let (mut world, proposed, args) = prepared();
    for authority in [
        Some(stranger(0).pubkey()),
        Some(payer().pubkey()),
        Some(voter(1).pubkey()),
        None,
    ] {
        world.put(&proposed.buffer, elf::buffer(authority, elf::p_token()));
        world.refuse(PortcullisError::BufferAuthorityMismatch, |w| {
            w.propose_with(&proposed, args.clone())
        });
    }
}

#[test]
fn g2_a_buffer_that_another_proposal_holds_is_refused() {
    let mut world = World::new();
    let first = world.draft();
    let second = world.next(first.buffer);
    let args = world.upgrade_args(elf::p_token());
    world.refuse(PortcullisError::BufferAuthorityMismatch, |w| {
        w.propose_with(&second, args)
    });
}

#[test]
fn a_proposal_takes_buffers_of_loader_v3_only() {
    let (mut world, proposed, args) = prepared();
    let real = world.account(&proposed.buffer);
    let proposer = voter(0).pubkey();
    for account in [
        Account {
            owner: address("some program"),
            ..real.clone()
        },
        elf::programdata(1, Some(proposer), elf::p_token()),
        Account {
            lamports: real.lamports,
            data: vec![0; 37],
            owner: bpf_loader_upgradeable::ID,
            ..Account::default()
        },
        Account {
            data: vec![],
            ..real.clone()
        },
        Account::new(1_000_000, 0, &system_program::ID),
    ] {
        world.put(&proposed.buffer, account);
        world.refuse(PortcullisError::NotABuffer, |w| {
            w.propose_with(&proposed, args.clone())
        });
    }
    let elsewhere = Proposed {
        buffer: world.programdata(),
        ..proposed
    };
    world.refuse(PortcullisError::NotABuffer, |w| {
        w.propose_with(&elsewhere, args.clone())
    });
    world.put(&proposed.buffer, real);
    world.propose_with(&proposed, args).unwrap();
}

#[test]
fn the_spill_account_is_systems_and_none_of_the_upgrade() {
    let (mut world, proposed, args) = prepared();
    let owned = address("owned by a program");
    world.put(&owned, Account::new(1_000_000_000, 0, &portcullis::ID));
    for spill in [
        owned,
        proposed.buffer,
        world.authority(),
        world.gate_key(),
        world.council,
        world.program,
        world.programdata(),
    ] {
        let wrong = Proposed { spill, ..proposed };
        world.refuse(PortcullisError::SpillInvalid, |w| {
            w.propose_with(&wrong, args.clone())
        });
    }
    // The new proposal itself belongs to Portcullis by the time it is looked at.
    let wrong = Proposed {
        spill: proposed.address,
        ..proposed
    };
    world.refuse(PortcullisError::SpillInvalid, |w| {
        w.propose_with(&wrong, args.clone())
    });
    // The runtime never lets a reserved address be writable, so the execution could not pass.
    for spill in [
        sysvar::slot_hashes::ID,
        solana_sdk_ids::native_loader::ID,
        solana_sdk_ids::sysvar::ID,
    ] {
        let wrong = Proposed { spill, ..proposed };
        world.refuse(ErrorCode::ConstraintMut, |w| {
            w.propose_with(&wrong, args.clone())
        });
    }
    // The proposer, the payer and an empty account are fine.
    for spill in [voter(0).pubkey(), payer().pubkey(), address("empty")] {
        let mut world = world.clone();
        let right = Proposed { spill, ..proposed };
        world.propose_with(&right, args.clone()).unwrap();
    }
}

#[test]
fn the_accounts_of_a_proposal_stand_at_their_addresses() {
    let (mut world, proposed, args) = prepared();
    let instruction = world.propose_instruction(&proposed, args);
    let other_council = world.other_council();
    let fake = address("fake hashes");
    let hashes = world.account(&sysvar::slot_hashes::ID);
    world.put(&fake, hashes);
    let far = ProposalKeys {
        index: 1,
        ..proposed.keys
    };
    let cases: Vec<(Pubkey, Pubkey, Refusal)> = vec![
        (
            world.council,
            other_council,
            PortcullisError::GateOfAnotherCouncil.into(),
        ),
        (
            world.authority(),
            address("elsewhere"),
            PortcullisError::GateAuthorityMismatch.into(),
        ),
        (
            proposed.address,
            BUILDER.proposal(&far),
            ErrorCode::ConstraintSeeds.into(),
        ),
        (
            sysvar::slot_hashes::ID,
            fake,
            ErrorCode::ConstraintAddress.into(),
        ),
        (
            bpf_loader_upgradeable::ID,
            bpf_loader::ID,
            ErrorCode::InvalidProgramId.into(),
        ),
        (
            system_program::ID,
            portcullis::ID,
            ErrorCode::InvalidProgramId.into(),
        ),
    ];
    for (from, to, reason) in cases {
        let other = substitute(&instruction, &from, &to);
        world.refuse(reason, |w| by(voter(0), w, other));
    }
    for key in [world.gate_key(), proposed.buffer] {
        world.refuse(ErrorCode::ConstraintMut, |w| {
            by(voter(0), w, readonly(&instruction, &key))
        });
    }
    // A gate or council that Portcullis did not make.
    for (key, reason) in [
        (world.gate_key(), ErrorCode::AccountOwnedByWrongProgram),
        (world.council, ErrorCode::AccountOwnedByWrongProgram),
    ] {
        let mut forged = world.clone();
        forged.forge(&key, |account| account.owner = address("some program"));
        forged.refuse(reason, |w| by(voter(0), w, instruction.clone()));
        let mut forged = world.clone();
        forged.forge(&key, |account| account.data[0] ^= 1);
        forged.refuse(ErrorCode::AccountDiscriminatorMismatch, |w| {
            by(voter(0), w, instruction.clone())
        });
    }
    by(voter(0), &mut world, instruction).unwrap();
}
