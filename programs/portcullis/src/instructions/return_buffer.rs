//! Hands the buffer of an ended proposal back to its depositor. Anyone may call it.

use anchor_lang::prelude::*;

use super::*;
use crate::{
    error::{require, PortcullisError},
    loader::{self, LoaderV3},
    transitions,
};

#[derive(Accounts)]
pub struct ReturnBuffer<'info> {
    pub subject: Subject<'info>,

    /// CHECK: its address is in the proposal (handler), whose custody says that the gate holds it; the loader checks the
    /// authority.
    #[account(mut)]
    pub buffer: UncheckedAccount<'info>,

    /// CHECK: its address is in the gate (handler).
    pub authority: UncheckedAccount<'info>,

    /// CHECK: its address is in the proposal (handler). It need not sign: it gets back what it gave.
    pub depositor: UncheckedAccount<'info>,

    /// Address.
    pub loader_program: Program<'info, LoaderV3>,
}

pub fn return_buffer(ctx: Context<ReturnBuffer>) -> Result<()> {
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
                *accounts.depositor.key == proposal.terms.proposer,
                PortcullisError::DepositorMismatch
            );
            Ok(transitions::return_buffer(parent, proposal, key, now)?)
        })?;
    loader::return_buffer(
        &accounts.buffer,
        &accounts.authority,
        &accounts.depositor,
        &signer,
    )
}
