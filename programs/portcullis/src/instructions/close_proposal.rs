//! Closes the account of an ended proposal that holds no buffer; its rent goes back to who paid it. Anyone may call it.

use anchor_lang::prelude::*;

use super::*;
use crate::{
    error::{require, PortcullisError},
    transitions, zero_copy,
};

#[derive(Accounts)]
pub struct CloseProposal<'info> {
    pub subject: Subject<'info>,

    /// CHECK: its address is in the proposal (handler).
    #[account(mut)]
    pub rent_payer: UncheckedAccount<'info>,
}

pub fn close_proposal(ctx: Context<CloseProposal>) -> Result<()> {
    let accounts = &ctx.accounts;
    accounts.subject.apply(|parent, proposal, key, now| {
        require!(
            *accounts.rent_payer.key == proposal.terms.rent_payer,
            PortcullisError::RentPayerMismatch
        );
        Ok(transitions::close_proposal(parent, proposal, key, now)?)
    })?;
    zero_copy::close(accounts.subject.proposal.as_ref(), &accounts.rent_payer)
}
