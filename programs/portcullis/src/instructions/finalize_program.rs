//! Executes a finalization: the program has no upgrade authority any more, for ever.

use anchor_lang::prelude::*;

use super::*;
use crate::{
    change::Change,
    error::{require, PortcullisError},
    loader,
    record::emit_to_both,
    transitions::{self, wrong_action, ChangeExecution},
};

#[derive(Accounts)]
pub struct FinalizeProgram<'info> {
    /// Its EXECUTE role is checked in `transitions`, unless the policy lets anyone execute.
    pub executor: Signer<'info>,

    /// The council is writable: it lets the gate go.
    pub subject: Subject<'info>,

    pub held: Held<'info>,
}

pub fn finalize_program(ctx: Context<FinalizeProgram>) -> Result<()> {
    let accounts = &ctx.accounts;
    let subject = &accounts.subject;
    let change = subject.change()?;
    if change != Some(Change::Finalize) {
        return Err(wrong_action(change.as_ref()).into());
    }
    // Once SIMD-0500 is active the loader will refuse this for older ones; then it should not have been tried.
    require!(
        loader::sbpf_version(&accounts.held.programdata)? >= loader::FINALIZABLE_SBPF_VERSION,
        PortcullisError::NotFinalizable
    );
    let signer = {
        let mut open = subject.open_all()?;
        let gate = open
            .gate
            .as_deref_mut()
            .ok_or(PortcullisError::NotOfAGate)?;
        accounts.held.check(gate)?;
        let execution = ChangeExecution {
            proposal: subject.proposal.key(),
            executor: *accounts.executor.key,
            now: open.now,
        };
        let event =
            transitions::finalize_program(&mut open.council, gate, &mut open.proposal, &execution)?;
        emit_to_both(
            (&mut gate.log, subject.parent()),
            (&mut open.council.log, subject.council.key),
            &event,
        )?;
        loader::Signer::new(gate.program, gate.authority_bump)
    };
    let held = &accounts.held;
    loader::give_up_authority(&held.programdata, &held.authority, &signer)
}
