//! Closes a hash in the making that nobody needs any more; its rent goes back to who paid it. Anyone may call it.
//!
//! It changes nothing that is decided or recorded, so there is no event.

use anchor_lang::prelude::*;

use crate::{
    error::{require, PortcullisError},
    lifecycle::{Custody, Ending},
    state::{Gate, GateState, Hashing, Proposal},
    zero_copy,
};

#[derive(Accounts)]
pub struct CloseHashing<'info> {
    /// CHECK: its address is in the hashing; a proposal or a gate, or a proposal's account that is closed (handler).
    pub target: UncheckedAccount<'info>,

    /// CHECK: owner, discriminator (handler). Only `hash_buffer` and `hash_program` make such an account.
    #[cfg(not(feature = "idl-build"))]
    #[account(mut)]
    pub hashing: UncheckedAccount<'info>,

    /// The same for the IDL, which lists the account types that instructions name.
    #[cfg(feature = "idl-build")]
    #[account(mut)]
    pub hashing: AccountLoader<'info, Hashing>,

    /// CHECK: its address is in the hashing (handler).
    #[account(mut)]
    pub rent_payer: UncheckedAccount<'info>,
}

pub fn close_hashing(ctx: Context<CloseHashing>) -> Result<()> {
    let accounts = &ctx.accounts;
    let (target, info): (&AccountInfo, &AccountInfo) =
        (&accounts.target, accounts.hashing.as_ref());
    let hashing = *zero_copy::read::<Hashing>(info)?;
    require!(
        hashing.target == *target.key,
        PortcullisError::HashingMismatch
    );
    require!(
        hashing.rent_payer == *accounts.rent_payer.key,
        PortcullisError::RentPayerMismatch
    );
    // A proposal whose end only follows from the time is settled first: its buffer is returned.
    let needed = if *target.owner != crate::ID {
        false
    } else if zero_copy::is::<Gate>(target) {
        let gate = zero_copy::read::<Gate>(target)?;
        gate.state()? == GateState::Adopting && gate.life == hashing.life
    } else {
        let proposal = zero_copy::read::<Proposal>(target)?;
        proposal.ending == Ending::Open as u8 && proposal.custody()? == Custody::Held
    };
    require!(!needed, PortcullisError::HashingInUse);
    zero_copy::close(info, &accounts.rent_payer)
}
