//! Members that are programs: an address of another program proposes, votes, attests, guards and executes through CPI, as a
//! multisig's vault or a DAO's treasury does.

use std::collections::HashSet;

use portcullis::events::{ApprovalCast, AttestationGiven, VetoCast};
use portcullis_tests::{
    calls::{readonly, substitute},
    elf,
    forwarder::{self, forward, forward_with, member_key},
    governance::*,
    lanes, record, *,
};
use solana_sdk_ids::sysvar;

const TREASURY: &str = "treasury";
const WATCH: &str = "watch";
const LAB: &str = "lab";

fn setup() -> Setup {
    let mut setup = lanes::setup();
    setup.members = sorted(
        [
            setup.members,
            vec![
                member(
                    member_key(TREASURY),
                    ROLE_PROPOSE | ROLE_VOTE | ROLE_EXECUTE,
                ),
                member(member_key(WATCH), ROLE_GUARD),
                member(member_key(LAB), ROLE_ATTEST),
            ],
        ]
        .concat(),
    );
    setup
}

fn world() -> World {
    let mut world = setup().build();
    forwarder::install(&mut world);
    world
}

/// Sends what a program's address signs.
fn by(world: &mut World, name: &str, call: &Instruction) -> Outcome {
    world.send(&[forward(name, call)], &[])
}

fn approve_call(world: &World, proposed: &Proposed, name: &str) -> Instruction {
    BUILDER.approve(&proposed.keys, member_key(name), world.vote_args(proposed))
}

#[test]
fn g4_an_address_of_a_program_approves_and_its_weight_counts() {
    let mut world = world();
    let proposed = world.voting();
    world.approve(&proposed, voter(0)).unwrap();
    let call = approve_call(&world, &proposed, TREASURY);
    let log = world.gate().log;
    let meta = by(&mut world, TREASURY, &call).unwrap();
    let event: ApprovalCast = record::event(&meta);
    assert_eq!(event.voter, member_key(TREASURY));
    assert_eq!(event.approval_weight, 2);
    let mut folded = log;
    record::fold(&mut folded, &world.gate_key(), &record::events(&meta)[0]);
    assert_eq!(world.gate().log, folded);
    let council = world.council();
    let bits: HashSet<usize> = [voter(0).pubkey(), member_key(TREASURY)]
        .iter()
        .map(|key| council.member_with(key, ROLE_VOTE).unwrap().0)
        .collect();
    let approvals = world.proposal(&proposed).approvals;
    let set: HashSet<usize> = (0..64).filter(|bit| approvals >> bit & 1 == 1).collect();
    assert_eq!(set, bits);
    assert_eq!(world.status(&proposed), Status::Queued);
    world.refuse(PortcullisError::AlreadyVoted, |w| by(w, TREASURY, &call));
}

#[test]
fn g4_an_address_of_a_program_rejects_retracts_and_vetoes() {
    let mut world = world();
    let proposed = world.voting();
    let args = world.vote_args(&proposed);
    let (treasury, watch) = (member_key(TREASURY), member_key(WATCH));
    by(
        &mut world,
        TREASURY,
        &BUILDER.reject(&proposed.keys, treasury, args),
    )
    .unwrap();
    assert_ne!(world.proposal(&proposed).rejections, 0);
    by(
        &mut world,
        TREASURY,
        &BUILDER.retract(&proposed.keys, treasury, args),
    )
    .unwrap();
    assert_eq!(world.proposal(&proposed).rejections, 0);
    let veto = BUILDER.veto(&proposed.keys, watch, args);
    let meta = by(&mut world, WATCH, &veto).unwrap();
    let event: VetoCast = record::event(&meta);
    assert_eq!((event.guardian, event.vetoed), (watch, true));
    assert_eq!(world.status(&proposed), Status::Vetoed);
}

#[test]
fn g5_an_address_of_a_program_attests_and_somebody_else_pays() {
    let mut world = world();
    let proposed = world.voting();
    let args = world.attest_args(&proposed, lanes::BUILD);
    let lab = member_key(LAB);
    let attest = BUILDER.attest(&proposed.keys, lab, payer().pubkey(), args);
    let meta = by(&mut world, LAB, &attest).unwrap();
    let event: AttestationGiven = record::event(&meta);
    assert_eq!(event.attester, lab);
    assert_eq!(world.proposal(&proposed).attestations[0], 1);
    let args = world.vote_args(&proposed);
    let revoke = BUILDER.revoke_attestation(&proposed.keys, lab, payer().pubkey(), args);
    by(&mut world, LAB, &revoke).unwrap();
    assert_eq!(world.proposal(&proposed).attestations[0], 0);
    assert!(world.is_gone(&BUILDER.attestation(&proposed.keys, &lab)));
}

#[test]
fn g15_an_address_of_a_program_triggers_a_standby() {
    let mut world = world();
    let armed = world.armed_in(portcullis::lifecycle::Lane::SafeMode, elf::memo());
    world.trigger(&armed, guardian(0)).unwrap();
    let args = world.trigger_args(&armed);
    let trigger = BUILDER.trigger(&armed.keys, member_key(WATCH), args);
    world.refuse_durable(
        PortcullisError::DurableNonceTransaction,
        forward(WATCH, &trigger),
        &[],
    );
    by(&mut world, WATCH, &trigger).unwrap();
    world.execute_by(&armed, stranger(0)).unwrap();
}

#[test]
fn g4_a_durable_nonce_around_the_call_is_refused() {
    let mut world = world();
    let proposed = world.voting();
    let nonce = PortcullisError::DurableNonceTransaction;
    let approve = approve_call(&world, &proposed, TREASURY);
    world.refuse_durable(nonce, forward(TREASURY, &approve), &[]);
    let args = world.attest_args(&proposed, lanes::BUILD);
    let attest = BUILDER.attest(&proposed.keys, member_key(LAB), payer().pubkey(), args);
    world.refuse_durable(nonce, forward(LAB, &attest), &[]);
    by(&mut world, TREASURY, &approve).unwrap();
    by(&mut world, LAB, &attest).unwrap();
    // What stops things may be signed ahead.
    let args = world.vote_args(&proposed);
    let retract = BUILDER.retract(&proposed.keys, member_key(TREASURY), args);
    world
        .send_durable(&[forward(TREASURY, &retract)], &[])
        .unwrap();
    let veto = BUILDER.veto(&proposed.keys, member_key(WATCH), args);
    world.send_durable(&[forward(WATCH, &veto)], &[]).unwrap();
    assert_eq!(world.status(&proposed), Status::Vetoed);
}

#[test]
fn g4_a_caller_cannot_show_another_account_as_the_instructions_sysvar() {
    let mut world = world();
    let proposed = world.voting();
    // The bytes of a harmless transaction, in an account of the calling program's.
    let fake = address("fake sysvar");
    let mut data = vec![1, 0, 4, 0, 0, 0];
    data.extend([7; 32]);
    data.extend([0; 8]);
    world.put(
        &fake,
        Account {
            lamports: 10_000_000,
            data,
            owner: forwarder::program(),
            ..Account::default()
        },
    );
    let approve = approve_call(&world, &proposed, TREASURY);
    let args = world.attest_args(&proposed, lanes::BUILD);
    let attest = BUILDER.attest(&proposed.keys, member_key(LAB), payer().pubkey(), args);
    let invalid = PortcullisError::InstructionsSysvarInvalid;
    for (name, call) in [(TREASURY, &approve), (LAB, &attest)] {
        for other in [fake, sysvar::slot_hashes::ID, proposed.address] {
            world.refuse(invalid, |w| {
                by(
                    w,
                    name,
                    &substitute(call, &sysvar::instructions::ID, &other),
                )
            });
        }
        // Nor does it hide the nonce.
        let faked = substitute(call, &sysvar::instructions::ID, &fake);
        world.refuse_durable(invalid, forward(name, &faked), &[]);
    }
}

#[test]
fn g11_only_the_members_own_program_signs_for_it() {
    let mut world = world();
    let proposed = world.voting();
    let call = approve_call(&world, &proposed, TREASURY);
    // Without the signature, or with that of another of the program's addresses.
    let unsigned = ErrorCode::AccountNotSigner;
    world.refuse(unsigned, |w| {
        w.send(&[forward_with(TREASURY, &call, false)], &[])
    });
    let as_another = forward("another", &call);
    let mut as_another = readonly(&as_another, &member_key(TREASURY));
    for meta in &mut as_another.accounts {
        if meta.pubkey == member_key(TREASURY) {
            meta.is_signer = false;
        }
    }
    world.refuse(unsigned, |w| w.send(&[as_another], &[]));
    // An address that is no member, or has not the role.
    let another = approve_call(&world, &proposed, "another");
    world.refuse(PortcullisError::NotAMember, |w| by(w, "another", &another));
    for name in [WATCH, LAB] {
        let call = approve_call(&world, &proposed, name);
        world.refuse(PortcullisError::RoleMissing, |w| by(w, name, &call));
    }
}

#[test]
fn g2_an_address_of_a_program_proposes_and_executes_an_upgrade() {
    let mut world = world();
    let treasury = member_key(TREASURY);
    let buffer = world.buffer(elf::p_token(), &treasury);
    let proposed = world.next(buffer);
    let args = world.upgrade_args(elf::p_token());
    let propose = BUILDER.propose_upgrade(
        &proposed.keys,
        buffer,
        proposed.spill,
        treasury,
        payer().pubkey(),
        args,
    );
    by(&mut world, TREASURY, &propose).unwrap();
    assert_eq!(world.buffer_authority(&buffer), Some(world.authority()));
    world.verify(&proposed).unwrap();
    world.approve_fully(&proposed);
    world.warp_to_eta(&proposed);
    let mut returned = world.clone();
    let execute = BUILDER.execute_upgrade(&proposed.keys, buffer, proposed.spill, treasury, None);
    by(&mut world, TREASURY, &execute).unwrap();
    assert_eq!(
        world.gate().release.commitment(),
        Commitment::of(elf::p_token()).unwrap()
    );
    // Had it been vetoed, the buffer would have gone back to that address.
    returned.veto(&proposed, guardian(0)).unwrap();
    let back = BUILDER.return_buffer(&proposed.keys, buffer, treasury);
    returned.send(&[back], &[]).unwrap();
    assert_eq!(returned.buffer_authority(&buffer), Some(treasury));
}

#[test]
fn g16_the_authority_comes_from_an_address_of_a_program_and_goes_to_one() {
    let mut world = world();
    let vault = member_key("vault");
    let exit = world.gate_change(transfer_to(vault, true));
    world.ready_change(&exit);
    let transfer = BUILDER.transfer_authority(&exit.keys, voter(0).pubkey(), vault, true);
    world.refuse(PortcullisError::NewAuthorityMustSign, |w| {
        w.send(&[forward_with("vault", &transfer, false)], &[voter(0)])
    });
    world
        .send(&[forward("vault", &transfer)], &[voter(0)])
        .unwrap();
    assert_eq!(world.upgrade_authority(), Some(vault));
    // And back: the vault signs inside of its program, somebody else pays the rent.
    world.pass(1);
    let adopt = BUILDER.adopt_program(
        world.council,
        world.program,
        vault,
        voter(0).pubkey(),
        payer().pubkey(),
        AdoptArgs {
            epoch: 1,
            policy: setup().policy,
            deployed: world.gate().release.commitment(),
        },
    );
    world
        .send(&[forward("vault", &adopt)], &[voter(0)])
        .unwrap();
    assert_eq!(world.upgrade_authority(), Some(world.authority()));
    assert_eq!((world.gate().state, world.gate().life), (1, 3));
    assert_eq!(world.gate().former_authority, vault);
}
