//! Durable nonces: approvals in such a transaction are refused, unless the policy allowed them then and allows them now.

use portcullis::nonce::is_durable_nonce_transaction;
use portcullis_tests::{calls::substitute, *};
use solana_compute_budget_interface::ComputeBudgetInstruction;
use solana_sdk::{hash::Hash, message::Message, transaction::Transaction};
use solana_sdk_ids::{system_program, sysvar};
use solana_system_interface::instruction as system;

/// Makes a nonce account of `payer()`; its size is 80.
fn nonce_account(world: &mut World) -> Keypair {
    let nonce = keypair("nonce");
    let rent = world.svm.minimum_balance_for_rent_exemption(80);
    let instructions =
        system::create_nonce_account(&payer().pubkey(), &nonce.pubkey(), &payer().pubkey(), rent);
    world.send(&instructions, &[&nonce]).unwrap();
    nonce
}

/// The nonce that a transaction must carry: bytes 40 to 72 of the account.
fn stored(world: &World, nonce: &Pubkey) -> Hash {
    let data = world.account(nonce).data;
    Hash::new_from_array(data[40..72].try_into().unwrap())
}

/// Sends a real durable-nonce transaction: signed for the stored nonce, long after the blockhash of that time.
fn durable(world: &mut World, instruction: Instruction, signer: &Keypair) -> Outcome {
    let nonce = nonce_account(world);
    let advance = system::advance_nonce_account(&nonce.pubkey(), &payer().pubkey());
    let message = Message::new(&[advance, instruction], Some(&payer().pubkey()));
    let mut transaction = Transaction::new_unsigned(message);
    transaction.sign(&[payer(), signer], stored(world, &nonce.pubkey()));
    // LiteSVM takes a nonce whose value is not that of the current blockhash.
    world.svm.expire_blockhash();
    world.svm.send_transaction(transaction).map_err(Box::new)
}

/// A refusal of a durable-nonce transaction; such a failure may advance the nonce, so only the proposal is compared.
#[track_caller]
fn refused(world: &mut World, proposed: &Proposed) {
    let before = world.account(&proposed.address);
    let gate = world.account(&world.gate_key());
    let args = world.vote_args(proposed);
    let approve = BUILDER.approve(&proposed.keys, voter(1).pubkey(), args);
    let result = durable(world, approve, voter(1));
    portcullis_tests::refusal::assert_refused(
        result,
        &PortcullisError::DurableNonceTransaction.into(),
    );
    assert_eq!(world.account(&proposed.address), before);
    assert_eq!(world.account(&world.gate_key()), gate);
}

fn world_with(flags: u8) -> (World, Proposed) {
    let mut setup = Setup::default();
    setup.policy.flags = flags;
    let mut world = setup.build();
    let proposed = world.voting();
    (world, proposed)
}

#[test]
fn g4_an_approval_in_a_durable_nonce_transaction_is_refused() {
    let (mut world, proposed) = world_with(0);
    refused(&mut world, &proposed);
    world.approve(&proposed, voter(1)).unwrap();
}

#[test]
fn g4_votes_that_stop_things_may_use_a_durable_nonce() {
    let (world, proposed) = world_with(0);
    let args = world.vote_args(&proposed);
    let mut rejected = world.clone();
    let reject = BUILDER.reject(&proposed.keys, voter(1).pubkey(), args);
    durable(&mut rejected, reject, voter(1)).unwrap();
    let mut retracted = world.clone();
    retracted.approve(&proposed, voter(1)).unwrap();
    let retract = BUILDER.retract(&proposed.keys, voter(1).pubkey(), args);
    durable(&mut retracted, retract, voter(1)).unwrap();
    let mut vetoed = world;
    let veto = BUILDER.veto(&proposed.keys, guardian(0).pubkey(), args);
    durable(&mut vetoed, veto, guardian(0)).unwrap();
}

#[test]
fn g9_nonce_approvals_count_only_where_snapshot_and_policy_both_allow_them() {
    let (mut world, proposed) = world_with(FLAG_NONCE_VOTES);
    let args = world.vote_args(&proposed);
    let approve = BUILDER.approve(&proposed.keys, voter(1).pubkey(), args);
    let mut forbidden_since = world.clone();
    forbidden_since.edit_gate(|gate| gate.policy.flags = FLAG_ANYONE_MAY_EXECUTE);
    refused(&mut forbidden_since, &proposed);
    durable(&mut world, approve, voter(1)).unwrap();
    assert_eq!(world.proposal(&proposed).approval_weight, 1);

    let (mut world, proposed) = world_with(FLAG_ANYONE_MAY_EXECUTE);
    world.edit_gate(|gate| gate.policy.flags = FLAG_NONCE_VOTES);
    refused(&mut world, &proposed);
}

#[test]
fn g4_other_instructions_of_system_may_come_first() {
    let (mut world, proposed) = world_with(0);
    let args = world.vote_args(&proposed);
    let approve = BUILDER.approve(&proposed.keys, voter(1).pubkey(), args);
    let transfer = system::transfer(&payer().pubkey(), &stranger(0).pubkey(), 1);
    world.send(&[transfer, approve], &[voter(1)]).unwrap();
}

#[test]
fn g4_the_same_bytes_to_another_program_make_no_durable_nonce_transaction() {
    let (mut world, proposed) = world_with(0);
    let args = world.vote_args(&proposed);
    let approve = BUILDER.approve(&proposed.keys, voter(1).pubkey(), args);
    // Begins as `AdvanceNonceAccount` does.
    let limit = ComputeBudgetInstruction::set_loaded_accounts_data_size_limit(3 << 24);
    assert!(limit.data.starts_with(&[4, 0, 0, 0]));
    world.send(&[limit, approve], &[voter(1)]).unwrap();
}

#[test]
fn g4_an_advance_that_is_not_first_makes_no_durable_nonce_transaction() {
    let (mut world, proposed) = world_with(0);
    let nonce = nonce_account(&mut world);
    let args = world.vote_args(&proposed);
    let approve = BUILDER.approve(&proposed.keys, voter(1).pubkey(), args);
    let advance = system::advance_nonce_account(&nonce.pubkey(), &payer().pubkey());
    let transfer = system::transfer(&payer().pubkey(), &stranger(0).pubkey(), 1);
    // It needs a fresh blockhash, so it was not signed long ago.
    let mut fresh = world.clone();
    fresh
        .send(&[transfer, advance.clone(), approve.clone()], &[voter(1)])
        .unwrap();
    // As the first one it is refused, even with a fresh blockhash.
    let failed = world.send(&[advance, approve], &[voter(1)]);
    portcullis_tests::refusal::assert_refused(
        failed,
        &PortcullisError::DurableNonceTransaction.into(),
    );
}

#[test]
fn g4_the_instructions_sysvar_is_itself() {
    let (mut world, proposed) = world_with(0);
    let args = world.vote_args(&proposed);
    let approve = BUILDER.approve(&proposed.keys, voter(1).pubkey(), args);
    let fake = address("fake instructions");
    // It shows a transaction without a nonce.
    let mut data = vec![1, 0, 4, 0];
    data.extend([0; 2 + 32 + 2 + 4]);
    world.put(
        &fake,
        Account {
            lamports: 1_000_000_000,
            data,
            owner: system_program::ID,
            ..Account::default()
        },
    );
    for other in [fake, sysvar::clock::ID, system_program::ID] {
        let swapped = substitute(&approve, &sysvar::instructions::ID, &other);
        world.refuse(PortcullisError::InstructionsSysvarInvalid, |w| {
            w.send(&[swapped], &[voter(1)])
        });
    }
    // Not even where nonce votes are allowed.
    let (mut world, proposed) = world_with(FLAG_NONCE_VOTES);
    let args = world.vote_args(&proposed);
    let approve = BUILDER.approve(&proposed.keys, voter(1).pubkey(), args);
    let swapped = substitute(&approve, &sysvar::instructions::ID, &fake);
    world.put(&fake, Account::new(1_000_000, 0, &system_program::ID));
    world.refuse(PortcullisError::InstructionsSysvarInvalid, |w| {
        w.send(&[swapped], &[voter(1)])
    });
}

/// A sysvar's bytes: one instruction of `program` with `accounts` accounts and this data.
fn sysvar_bytes(program: &Pubkey, accounts: u16, data: &[u8]) -> Vec<u8> {
    let mut bytes = vec![1, 0, 4, 0];
    bytes.extend(accounts.to_le_bytes());
    for number in 0..accounts {
        bytes.push(3);
        bytes.extend(address(&format!("account {number}")).to_bytes());
    }
    bytes.extend(program.to_bytes());
    bytes.extend((data.len() as u16).to_le_bytes());
    bytes.extend(data);
    // Behind the instructions the sysvar keeps the current index.
    bytes.extend([0, 0]);
    bytes
}

#[test]
fn g4_the_first_instruction_is_read_as_the_runtime_reads_it() {
    let system = system_program::ID;
    let cases: [(&Pubkey, u16, &[u8], bool); 9] = [
        (&system, 3, &[4, 0, 0, 0], true),
        (&system, 0, &[4, 0, 0, 0], true),
        (&system, 3, &[4, 0, 0, 0, 9, 9], true),
        (&system, 3, &[4, 0, 0], false),
        (&system, 3, &[], false),
        (&system, 3, &[4, 0, 0, 1], false),
        (&system, 3, &[2, 0, 0, 0], false),
        (&portcullis::ID, 3, &[4, 0, 0, 0], false),
        (&portcullis::ID, 0, &[], false),
    ];
    for (program, accounts, data, durable) in cases {
        let bytes = sysvar_bytes(program, accounts, data);
        assert_eq!(is_durable_nonce_transaction(&bytes), Some(durable));
    }
}

#[test]
fn g4_a_sysvar_that_is_cut_or_lies_is_not_read() {
    let bytes = sysvar_bytes(&system_program::ID, 2, &[4, 0, 0, 0]);
    let whole = bytes.len() - 2;
    for len in 0..whole {
        assert_eq!(is_durable_nonce_transaction(&bytes[..len]), None, "{len}");
    }
    assert_eq!(is_durable_nonce_transaction(&bytes[..whole]), Some(true));
    let with = |position: usize, value: u16| {
        let mut bytes = bytes.clone();
        bytes[position..position + 2].copy_from_slice(&value.to_le_bytes());
        bytes
    };
    // The offset of the first instruction, its number of accounts, the length of its data.
    for position in [2, 4, 4 + 2 + 66 + 32] {
        assert_eq!(
            is_durable_nonce_transaction(&with(position, u16::MAX)),
            None
        );
    }
}
