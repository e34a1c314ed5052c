//! Closes the buffer of a proposal that ended long ago; its lamports go to the proposal's spill account. Anyone may call it.

use anchor_lang::prelude::*;

use super::*;
use crate::{
    error::{require, PortcullisError},
    loader::{self, LoaderV3},
    transitions,
};

#[derive(Accounts)]
pub struct CloseBuffer<'info> {
    pub subject: Subject<'info>,

    /// CHECK: its address is in the proposal (handler), whose custody says that the gate holds it; the loader checks the
    /// authority.
    #[account(mut)]
    pub buffer: UncheckedAccount<'info>,

    /// CHECK: its address is in the gate (handler).
    pub authority: UncheckedAccount<'info>,

    /// CHECK: its address is in the proposal (handler).
    #[account(mut)]
    pub spill: UncheckedAccount<'info>,

    /// Address.
    pub loader_program: Program<'info, LoaderV3>,
}

pub fn close_buffer(ctx: Context<CloseBuffer>) -> Result<()> {
    let accounts = &ctx.accounts;
    let signer = accounts
        .subject
        .apply_to_gate(|parent, proposal, key, now| {
            require!(
                *accounts.buffer.key == proposal.terms.buffer,
                PortcullisError::BufferMismatch
            );
            require!(
                parent
                    .gate()
                    .is_some_and(|gate| gate.authority == *accounts.authority.key),
                PortcullisError::GateAuthorityMismatch
            );
            require!(
                *accounts.spill.key == proposal.terms.spill,
                PortcullisError::SpillMismatch
            );
            Ok(transitions::close_buffer(parent, proposal, key, now)?)
        })?;
    loader::close_buffer(
        &accounts.buffer,
        &accounts.spill,
        &accounts.authority,
        &signer,
    )
}
