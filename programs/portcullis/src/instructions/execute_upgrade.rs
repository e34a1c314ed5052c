//! Executes an upgrade that is ready: the buffer is hashed once more, then the loader replaces the program's bytes.

use anchor_lang::prelude::*;

use super::*;
use crate::{
    error::PortcullisError,
    loader::{self, LoaderV3, BUFFER_HEADER},
    state::{Gate, Proposal},
    transitions,
};

#[derive(Accounts)]
pub struct ExecuteUpgrade<'info> {
    /// Its EXECUTE role is checked in `transitions::execute_upgrade`, unless the policy lets anyone execute.
    pub executor: Signer<'info>,

    pub subject: Subject<'info>,

    /// CHECK: its address is in the gate (`validate`).
    #[account(mut)]
    pub program: UncheckedAccount<'info>,

    /// CHECK: its address is in the gate (`validate`); owner, kind, size and authority by `loader::Upgrade::check`.
    #[account(mut)]
    pub programdata: UncheckedAccount<'info>,

    /// CHECK: its address is in the proposal (`validate`); owner, kind and authority by `loader::Upgrade::check`, its bytes by
    /// `loader::verify_content`.
    #[account(mut)]
    pub buffer: UncheckedAccount<'info>,

    /// CHECK: its address is in the proposal (`validate`), where `propose_upgrade` has checked it. That it is still System's is not
    /// required: whoever has its key could otherwise block the upgrade by assigning it to a program.
    #[account(mut)]
    pub spill: UncheckedAccount<'info>,

    /// CHECK: its address is in the gate (`validate`).
    pub authority: UncheckedAccount<'info>,

    /// CHECK: the loader checks its address.
    pub rent: UncheckedAccount<'info>,

    /// CHECK: the loader checks its address.
    pub clock: UncheckedAccount<'info>,

    /// Address.
    pub loader_program: Program<'info, LoaderV3>,
}

impl ExecuteUpgrade<'_> {
    /// The accounts that gate and proposal name.
    fn validate(&self, gate: &Gate, proposal: &Proposal) -> Result<()> {
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
        require!(
            *self.buffer.key == proposal.terms.buffer,
            PortcullisError::BufferMismatch
        );
        require!(
            *self.spill.key == proposal.terms.spill,
            PortcullisError::SpillMismatch
        );
        Ok(())
    }
}

pub fn execute_upgrade(ctx: Context<ExecuteUpgrade>) -> Result<()> {
    let accounts = &ctx.accounts;
    let upgrade = loader::Upgrade {
        programdata: &accounts.programdata,
        program: &accounts.program,
        buffer: &accounts.buffer,
        spill: &accounts.spill,
        rent: &accounts.rent,
        clock: &accounts.clock,
        authority: &accounts.authority,
    };
    let executor = accounts.executor.key();
    let signer = accounts
        .subject
        .apply(|council, gate, proposal, key, now| {
            accounts.validate(gate, proposal)?;
            let event = transitions::execute_upgrade(council, gate, proposal, key, executor, now)?;
            upgrade.check(now.slot)?;
            loader::verify_content(upgrade.buffer, BUFFER_HEADER, &proposal.terms.commitment())?;
            Ok(event)
        })?;
    upgrade.invoke(&signer)
}
