//! Executes a transfer: the program's upgrade authority goes to another key, and the gate lets the program go.

use anchor_lang::prelude::*;

use super::*;
use crate::{
    change::Change,
    error::{require, PortcullisError},
    loader::{self, LoaderV3},
    record::emit_to_both,
    state::Gate,
    transitions::{self, wrong_action, ChangeExecution},
};

/// The program and its upgrade authority, which an exit takes from the gate.
#[derive(Accounts)]
pub struct Held<'info> {
    /// CHECK: its address is in the gate (`check`).
    pub program: UncheckedAccount<'info>,

    /// CHECK: its address is in the gate (`check`); the loader checks owner, kind and authority.
    #[account(mut)]
    pub programdata: UncheckedAccount<'info>,

    /// CHECK: its address is in the gate (`check`).
    pub authority: UncheckedAccount<'info>,

    /// Address.
    pub loader_program: Program<'info, LoaderV3>,
}

impl Held<'_> {
    /// The accounts are those of the gate.
    pub(crate) fn check(&self, gate: &Gate) -> Result<()> {
        require!(
            *self.program.key == gate.program,
            PortcullisError::ProgramMismatch
        );
        require!(
            *self.programdata.key == gate.programdata,
            PortcullisError::ProgramdataMismatch
        );
        require!(
            *self.authority.key == gate.authority,
            PortcullisError::GateAuthorityMismatch
        );
        Ok(())
    }
}

#[derive(Accounts)]
pub struct TransferAuthority<'info> {
    /// Its EXECUTE role is checked in `transitions`, unless the policy lets anyone execute.
    pub executor: Signer<'info>,

    /// The council is writable: it lets the gate go.
    pub subject: Subject<'info>,

    pub held: Held<'info>,

    /// CHECK: its address is in the proposal, and it signs unless the proposal says otherwise (handler).
    pub new_authority: UncheckedAccount<'info>,
}

pub fn transfer_authority(ctx: Context<TransferAuthority>) -> Result<()> {
    let accounts = &ctx.accounts;
    let subject = &accounts.subject;
    let change = subject.change()?;
    let Some(Change::TransferAuthority { to, checked }) = change else {
        return Err(wrong_action(change.as_ref()).into());
    };
    require!(
        *accounts.new_authority.key == to,
        PortcullisError::NewAuthorityMismatch
    );
    require!(
        accounts.new_authority.is_signer || !checked,
        PortcullisError::NewAuthorityMustSign
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
        let event = transitions::transfer_authority(
            &mut open.council,
            gate,
            &mut open.proposal,
            &execution,
            to,
            checked,
        )?;
        emit_to_both(
            (&mut gate.log, subject.parent()),
            (&mut open.council.log, subject.council.key),
            &event,
        )?;
        loader::Signer::new(gate.program, gate.authority_bump)
    };
    let held = &accounts.held;
    loader::give_authority(
        &held.programdata,
        &held.authority,
        &accounts.new_authority,
        checked,
        &signer,
    )
}
