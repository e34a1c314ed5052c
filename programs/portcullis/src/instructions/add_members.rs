//! Adds members to a council that is not sealed yet: for councils too large for one transaction.

use anchor_lang::prelude::*;

use super::now;
use crate::{
    error::PortcullisError,
    record::emit,
    state::{Council, Member},
    transitions,
};

/// The accounts of `add_members` and `seal_council`.
#[derive(Accounts)]
pub struct BuildCouncil<'info> {
    /// Checked by `has_one` of the council.
    pub create_key: Signer<'info>,

    /// Checked by owner, discriminator and `has_one`; only `create_council` makes such an account.
    #[account(mut, has_one = create_key @ PortcullisError::CreateKeyMismatch)]
    pub council: AccountLoader<'info, Council>,
}

pub fn add_members(ctx: Context<BuildCouncil>, members: Vec<Member>) -> Result<()> {
    let key = ctx.accounts.council.key();
    let mut council = ctx.accounts.council.load_mut()?;
    let event = transitions::add_members(&mut council, key, members, now()?)?;
    emit(&mut council.log, &key, &event)
}
