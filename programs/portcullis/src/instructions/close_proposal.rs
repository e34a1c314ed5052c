//! Closes the account of an ended proposal that holds no buffer; its rent goes back to who paid it. Anyone may call it.

use anchor_lang::{prelude::*, AccountsClose};

use super::*;
use crate::{error::PortcullisError, transitions};

#[derive(Accounts)]
pub struct CloseProposal<'info> {
    pub subject: Subject<'info>,

    /// CHECK: its address is in the proposal (handler).
    #[account(mut)]
    pub rent_payer: UncheckedAccount<'info>,
}

pub fn close_proposal(ctx: Context<CloseProposal>) -> Result<()> {
    let accounts = &ctx.accounts;
    accounts
        .subject
        .apply(|council, gate, proposal, key, now| {
            require!(
                *accounts.rent_payer.key == proposal.terms.rent_payer,
                PortcullisError::RentPayerMismatch
            );
            Ok(transitions::close_proposal(
                council, gate, proposal, key, now,
            )?)
        })?;
    accounts
        .subject
        .proposal
        .close(accounts.rent_payer.to_account_info())
}
