//! Creates a council, unsealed.

use anchor_lang::prelude::*;

use super::now;
use crate::{
    constants::COUNCIL_SEED,
    record::emit,
    state::Council,
    transitions::{self, CreateCouncilArgs},
    zero_copy,
};

#[derive(Accounts)]
pub struct CreateCouncil<'info> {
    /// Signs, so that nobody can take this address before its owner; also for `add_members` and `seal_council`.
    pub create_key: Signer<'info>,

    #[account(mut)]
    pub payer: Signer<'info>,

    /// CHECK: new, at the address that `create_key` determines (handler).
    #[cfg_attr(not(feature = "idl-build"), account(mut))]
    #[cfg_attr(feature = "idl-build", account(mut, seeds = [COUNCIL_SEED, create_key.key().as_ref()], bump))]
    pub council: UncheckedAccount<'info>,

    pub system_program: Program<'info, System>,
}

pub fn create_council(ctx: Context<CreateCouncil>, args: CreateCouncilArgs) -> Result<()> {
    let key = ctx.accounts.council.key();
    let (mut council, bump) = zero_copy::create::<Council>(
        &ctx.accounts.payer,
        &ctx.accounts.council,
        [COUNCIL_SEED, ctx.accounts.create_key.key.as_ref(), &[]],
        &[],
    )?;
    let event = transitions::create_council(
        &mut council,
        key,
        ctx.accounts.create_key.key(),
        args,
        now()?,
    )?;
    council.bump = bump;
    emit(&mut council.log, &key, &event)
}
