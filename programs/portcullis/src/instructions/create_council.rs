//! Creates a council, unsealed.

use anchor_lang::prelude::*;

use super::now;
use crate::{
    constants::COUNCIL_SEED,
    record::emit,
    state::Council,
    transitions::{self, CreateCouncilArgs},
};

#[derive(Accounts)]
pub struct CreateCouncil<'info> {
    /// Signs, so that nobody can take this address before its owner; also for `add_members` and `seal_council`.
    pub create_key: Signer<'info>,

    #[account(mut)]
    pub payer: Signer<'info>,

    /// New, at the address that `create_key` determines.
    #[account(
        init,
        payer = payer,
        space = Council::SPACE,
        seeds = [COUNCIL_SEED, create_key.key().as_ref()],
        bump,
    )]
    pub council: AccountLoader<'info, Council>,

    pub system_program: Program<'info, System>,
}

pub fn create_council(ctx: Context<CreateCouncil>, args: CreateCouncilArgs) -> Result<()> {
    let key = ctx.accounts.council.key();
    let mut council = ctx.accounts.council.load_init()?;
    let event = transitions::create_council(
        &mut council,
        key,
        ctx.accounts.create_key.key(),
        args,
        now()?,
    )?;
    council.bump = ctx.bumps.council;
    emit(&mut council.log, &key, &event)
}
