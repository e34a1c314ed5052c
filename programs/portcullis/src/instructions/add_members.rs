//! Adds members to a council that is not sealed yet: for councils too large for one transaction.

use std::cell::RefMut;

use anchor_lang::prelude::*;

use super::now;
use crate::{
    error::{require, PortcullisError},
    record::emit,
    state::{Council, Member},
    transitions, zero_copy,
};

/// The accounts of `add_members` and `seal_council`.
#[derive(Accounts)]
pub struct BuildCouncil<'info> {
    /// Compared with the council's (`open`).
    pub create_key: Signer<'info>,

    /// CHECK: owner, discriminator, create key (`open`); only `create_council` makes such an account.
    #[cfg(not(feature = "idl-build"))]
    #[account(mut)]
    pub council: UncheckedAccount<'info>,

    /// The same for the IDL, which lists the account types that instructions name.
    #[cfg(feature = "idl-build")]
    #[account(mut)]
    pub council: AccountLoader<'info, Council>,
}

impl BuildCouncil<'_> {
    pub(crate) fn open(&self) -> Result<RefMut<'_, Council>> {
        let council = zero_copy::write::<Council>(self.council.as_ref())?;
        require!(
            council.create_key == *self.create_key.key,
            PortcullisError::CreateKeyMismatch
        );
        Ok(council)
    }
}

pub fn add_members(ctx: Context<BuildCouncil>, members: Vec<Member>) -> Result<()> {
    let key = ctx.accounts.council.key();
    let mut council = ctx.accounts.open()?;
    let event = transitions::add_members(&mut council, key, members, now()?)?;
    emit(&mut council.log, &key, &event)
}
