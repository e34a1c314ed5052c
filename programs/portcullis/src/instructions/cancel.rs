//! The proposer withdraws a proposal that is not queued.

use anchor_lang::prelude::*;

use super::*;
use crate::transitions;

#[derive(Accounts)]
pub struct Cancel<'info> {
    /// Compared with the proposal's proposer in `transitions::cancel`.
    pub proposer: Signer<'info>,

    pub subject: Subject<'info>,
}

pub fn cancel(ctx: Context<Cancel>) -> Result<()> {
    let proposer = ctx.accounts.proposer.key();
    ctx.accounts.subject.apply(|parent, proposal, key, now| {
        Ok(transitions::cancel(parent, proposal, key, proposer, now)?)
    })?;
    Ok(())
}
