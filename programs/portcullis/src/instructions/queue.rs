//! Queues an approved proposal that found its slot taken, once the slot is free. Anyone may call it.

use anchor_lang::prelude::*;

use super::*;
use crate::transitions;

#[derive(Accounts)]
pub struct Queue<'info> {
    pub subject: Subject<'info>,
}

pub fn queue(ctx: Context<Queue>) -> Result<()> {
    ctx.accounts
        .subject
        .apply(|parent, proposal, key, now| Ok(transitions::queue(parent, proposal, key, now)?))?;
    Ok(())
}
