//! Substituted accounts: each instruction succeeds with its own, and is refused with any other in their place.

use portcullis_tests::{
    calls::{readonly, substitute, unsigned, Call},
    elf, *,
};
use solana_sdk_ids::{bpf_loader, bpf_loader_upgradeable};

/// Sends an instruction with another account in the place of one, and requires the refusal.
#[track_caller]
fn refuse_other(
    world: &World,
    call: Call,
    proposed: &Proposed,
    (from, to): (Pubkey, Pubkey),
    reason: impl Into<Refusal>,
) {
    let mut world = world.clone();
    let (instruction, signers) = call.instruction(&world, proposed);
    let other = substitute(&instruction, &from, &to);
    eprintln!("{call:?}");
    world.refuse(reason, |w| w.send(&[other], &signers));
}

#[test]
fn every_instruction_succeeds_with_its_own_accounts() {
    for call in Call::ALL {
        let (mut world, proposed) = call.possible();
        let (instruction, signers) = call.instruction(&world, &proposed);
        world.send(&[instruction], &signers).unwrap();
    }
}

#[test]
fn g11_another_councils_members_are_refused() {
    for call in Call::ALL {
        let (mut world, proposed) = call.possible();
        let other = world.other_council();
        let swap = (world.council, other);
        refuse_other(
            &world,
            call,
            &proposed,
            swap,
            PortcullisError::GateOfAnotherCouncil,
        );
    }
}

#[test]
fn g11_a_proposal_of_another_gate_is_refused() {
    for call in Call::ALL {
        let (mut world, proposed) = call.possible();
        let program = world.adopt_another("another program");
        let swap = (world.gate_key(), BUILDER.gate(&program));
        refuse_other(
            &world,
            call,
            &proposed,
            swap,
            PortcullisError::ProposalOfAnotherGate,
        );

        // And the other way round: another gate's proposal beside this gate.
        let mut world = world;
        let home = world.program;
        world.program = program;
        let foreign = world.draft();
        world.program = home;
        let swap = (proposed.address, foreign.address);
        refuse_other(
            &world,
            call,
            &proposed,
            swap,
            PortcullisError::ProposalOfAnotherGate,
        );
    }
}

#[test]
fn g11_forged_accounts_are_refused() {
    for call in Call::ALL {
        let (world, proposed) = call.possible();
        for key in [world.council, world.gate_key(), proposed.address] {
            // A copy at another address, owned by another program, is what an attacker can make.
            let mut forged = world.clone();
            let copy = address("copy");
            let mut account = forged.account(&key);
            account.owner = address("some program");
            forged.put(&copy, account);
            let swap = (key, copy);
            let reason = ErrorCode::AccountOwnedByWrongProgram;
            refuse_other(&forged, call, &proposed, swap, reason);

            let mut forged = world.clone();
            forged.forge(&key, |account| account.data[3] ^= 1);
            let (instruction, signers) = call.instruction(&forged, &proposed);
            forged.refuse(ErrorCode::AccountDiscriminatorMismatch, |w| {
                w.send(&[instruction], &signers)
            });
        }
    }
}

#[test]
fn g11_one_kind_of_account_is_not_another() {
    for call in Call::ALL {
        let (mut world, proposed) = call.possible();
        let other = world.draft();
        let (gate, council) = (world.gate_key(), world.council);
        for swap in [
            (council, other.address),
            (gate, other.address),
            (gate, council),
            (proposed.address, council),
        ] {
            let reason = ErrorCode::AccountDiscriminatorMismatch;
            let mut world = world.clone();
            // Names each account once, so that nothing else stands against it.
            let (instruction, signers) = call.instruction(&world, &proposed);
            let third = address("a third account");
            let mut instruction = substitute(&instruction, &swap.0, &third);
            instruction.accounts.iter_mut().for_each(|meta| {
                if meta.pubkey == third {
                    meta.pubkey = swap.1;
                }
            });
            let result = world.send(&[instruction], &signers);
            assert!(result.is_err(), "{call:?}");
            if swap.1 == other.address {
                portcullis_tests::refusal::assert_refused(result, &reason.into());
            }
        }
    }
}

#[test]
fn g11_gates_and_proposals_must_be_writable() {
    for call in Call::ALL {
        let (world, proposed) = call.possible();
        for key in [world.gate_key(), proposed.address] {
            let mut world = world.clone();
            let (instruction, signers) = call.instruction(&world, &proposed);
            world.refuse(ErrorCode::ConstraintMut, |w| {
                w.send(&[readonly(&instruction, &key)], &signers)
            });
        }
    }
}

#[test]
fn g4_whoever_acts_signs() {
    for (call, who) in [
        (Call::Approve, voter(1)),
        (Call::Reject, voter(1)),
        (Call::Retract, voter(1)),
        (Call::Veto, guardian(0)),
        (Call::Cancel, voter(0)),
        (Call::Execute, voter(0)),
    ] {
        let (mut world, proposed) = call.possible();
        let (instruction, _) = call.instruction(&world, &proposed);
        world.refuse(ErrorCode::AccountNotSigner, |w| {
            w.send(&[unsigned(&instruction, &who.pubkey())], &[])
        });
    }
}

#[test]
fn the_other_accounts_are_those_of_gate_and_proposal() {
    use PortcullisError::*;
    let elsewhere = address("elsewhere");
    for call in [
        Call::Verify,
        Call::Execute,
        Call::ReturnBuffer,
        Call::CloseBuffer,
    ] {
        let (mut world, proposed) = call.possible();
        let authority = world.authority();
        let other = world.buffer(elf::p_token(), &authority);
        let swap = (proposed.buffer, other);
        refuse_other(&world, call, &proposed, swap, BufferMismatch);
    }
    for call in [Call::Execute, Call::ReturnBuffer, Call::CloseBuffer] {
        let (mut world, proposed) = call.possible();
        let program = world.adopt_another("another program");
        for other in [elsewhere, pda::authority(&portcullis::ID, &program)] {
            let swap = (world.authority(), other);
            refuse_other(&world, call, &proposed, swap, GateAuthorityMismatch);
        }
        let swap = (bpf_loader_upgradeable::ID, bpf_loader::ID);
        refuse_other(&world, call, &proposed, swap, ErrorCode::InvalidProgramId);
    }
    for call in [Call::Execute, Call::CloseBuffer] {
        let (world, proposed) = call.possible();
        for other in [elsewhere, stranger(0).pubkey()] {
            let swap = (proposed.spill, other);
            refuse_other(&world, call, &proposed, swap, SpillMismatch);
        }
    }
    let (mut world, proposed) = Call::Execute.possible();
    let another = world.adopt_another("another program");
    let swap = (world.program, another);
    refuse_other(&world, Call::Execute, &proposed, swap, ProgramMismatch);
    let swap = (world.programdata(), pda::programdata(&another));
    refuse_other(&world, Call::Execute, &proposed, swap, ProgramdataMismatch);

    let (world, proposed) = Call::ReturnBuffer.possible();
    let swap = (voter(0).pubkey(), stranger(0).pubkey());
    refuse_other(
        &world,
        Call::ReturnBuffer,
        &proposed,
        swap,
        DepositorMismatch,
    );

    let (world, proposed) = Call::CloseProposal.possible();
    for thief in [stranger(0).pubkey(), elsewhere] {
        // The payer pays the fee too, so it stays in the transaction.
        let instruction = BUILDER.close_proposal(&proposed.keys, thief);
        let mut world = world.clone();
        world.refuse(RentPayerMismatch, |w| w.send(&[instruction], &[]));
    }
}

#[test]
fn what_the_loader_writes_must_be_writable() {
    for call in [Call::Execute, Call::ReturnBuffer, Call::CloseBuffer] {
        let (world, proposed) = call.possible();
        let mut keys = vec![proposed.buffer];
        if call == Call::Execute {
            keys.extend([world.program, world.programdata(), proposed.spill]);
        }
        if call == Call::CloseBuffer {
            keys.push(proposed.spill);
        }
        for key in keys {
            let mut world = world.clone();
            let (instruction, signers) = call.instruction(&world, &proposed);
            world.refuse(ErrorCode::ConstraintMut, |w| {
                w.send(&[readonly(&instruction, &key)], &signers)
            });
        }
    }
    // The rent payer of a proposal, here one that pays no fee.
    let mut world = World::new();
    let buffer = world.buffer(elf::p_token(), &voter(0).pubkey());
    let proposed = world.next(buffer);
    let args = world.upgrade_args(elf::p_token());
    let rent_payer = stranger(0).pubkey();
    let propose = BUILDER.propose_upgrade(
        &proposed.keys,
        buffer,
        proposed.spill,
        voter(0).pubkey(),
        rent_payer,
        args,
    );
    world.send(&[propose], &[voter(0), stranger(0)]).unwrap();
    world.cancel(&proposed, voter(0)).unwrap();
    world.return_buffer(&proposed).unwrap();
    let close = BUILDER.close_proposal(&proposed.keys, rent_payer);
    world.refuse(ErrorCode::ConstraintMut, |w| {
        w.send(&[readonly(&close, &rent_payer)], &[])
    });
    world.send(&[close], &[]).unwrap();
}

#[test]
fn g8_after_a_change_of_epoch_or_life_only_cleaning_up_is_left() {
    type Change = fn(&mut World);
    let changes: [Change; 2] = [
        |world| world.edit_council(|council| council.config_epoch += 1),
        |world| world.edit_gate(|gate| gate.life += 1),
    ];
    for change in changes {
        for call in Call::ALL {
            if call.cleans_up() {
                continue;
            }
            let (mut world, proposed) = call.possible();
            change(&mut world);
            let (instruction, signers) = call.instruction(&world, &proposed);
            eprintln!("{call:?}");
            world.refuse(PortcullisError::ProposalStale, |w| {
                w.send(&[instruction], &signers)
            });
            let pending = world.gate().pending[0].proposal;
            world.return_buffer(&proposed).unwrap();
            let proposal = world.proposal(&proposed);
            assert_eq!(proposal.ending, Ending::Stale as u8);
            assert_eq!(proposal.ended_at, world.now().timestamp);
            // Its own slot is free again.
            if pending == proposed.address {
                assert_eq!(world.gate().pending[0], PendingSlot::default());
            }
            // Back in its epoch it stays dead.
            world.edit_council(|council| council.config_epoch = 1);
            world.edit_gate(|gate| gate.life = 1);
            assert_eq!(world.status(&proposed), Status::Stale);
            world.close_proposal(&proposed).unwrap();
        }
    }
}
