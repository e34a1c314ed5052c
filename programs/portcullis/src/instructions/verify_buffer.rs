//! Hashes the buffer in custody and opens the vote. Anyone may call it.

use anchor_lang::prelude::*;

use super::*;
use crate::{
    error::{require, PortcullisError},
    loader::{self, BUFFER_HEADER},
    transitions,
};

#[derive(Accounts)]
pub struct VerifyBuffer<'info> {
    pub subject: Subject<'info>,

    /// CHECK: its address is in the proposal; in the gate's custody (both in the handler).
    pub buffer: UncheckedAccount<'info>,
}

pub fn verify_buffer(ctx: Context<VerifyBuffer>) -> Result<()> {
    let buffer = &ctx.accounts.buffer;
    ctx.accounts.subject.apply(|parent, proposal, _, now| {
        require!(
            *buffer.key == proposal.terms.buffer,
            PortcullisError::BufferMismatch
        );
        let event = transitions::verify_buffer(parent, proposal, now)?;
        let authority = loader::buffer_authority(buffer)?;
        require!(
            parent
                .gate()
                .is_some_and(|gate| authority == Some(gate.authority)),
            PortcullisError::BufferNotHeld
        );
        loader::verify_content(buffer, BUFFER_HEADER, &proposal.terms.commitment())?;
        Ok(event)
    })?;
    Ok(())
}
