//! What accounts declare, in every instruction: who signs, what is writable, which programs and sysvars they are. The matrix
//! refuses the same accounts for whatever reason; here the reason is the declaration's own, before anything else is looked at.

use anchor_lang::error::ErrorCode;
use portcullis_tests::{
    calls::{readonly, substitute, unsigned},
    matrix::{accounts, idl, IdlAccount},
    refusal::Refusal,
    scenes::{self, Scene},
    *,
};
use solana_sdk::instruction::Instruction;
use solana_sdk_ids::sysvar;

/// Each way to break what an account declares, and the refusal.
fn broken(scene: &Scene, account: &IdlAccount, key: &Pubkey) -> Vec<(Instruction, Refusal)> {
    let valid = &scene.instruction;
    let mut found = Vec::new();
    let mut add = |instruction, reason: Refusal| found.push((instruction, reason));
    if account.signer {
        add(unsigned(valid, key), ErrorCode::AccountNotSigner.into());
    }
    if account.writable {
        add(readonly(valid, key), ErrorCode::ConstraintMut.into());
    }
    let other = |instead: &Pubkey| substitute(valid, key, instead);
    match account.name.as_str() {
        "system_program" | "loader_program" => {
            add(other(&portcullis::ID), ErrorCode::InvalidProgramId.into());
        }
        "slot_hashes" => add(
            other(&sysvar::clock::ID),
            ErrorCode::ConstraintAddress.into(),
        ),
        "instructions" => add(
            other(&sysvar::clock::ID),
            PortcullisError::InstructionsSysvarInvalid.into(),
        ),
        _ => {}
    }
    found
}

#[test]
fn g11_accounts_are_refused_for_what_they_declare() {
    let idl = idl();
    let mut count = 0;
    for make in scenes::all() {
        let scene = make();
        let mut world = scene.world.clone();
        let metas = &scene.instruction.accounts;
        for (meta, account) in metas.iter().zip(accounts(&idl, scene.name)) {
            if account.optional && meta.pubkey == portcullis::ID {
                continue;
            }
            for (instruction, reason) in broken(&scene, &account, &meta.pubkey) {
                eprintln!("{}: {}, {reason:?}", scene.title(), account.name);
                world.refuse(reason, |w| scene.send(w, &instruction));
                count += 1;
            }
        }
    }
    println!("{count} declarations broken and refused");
}
