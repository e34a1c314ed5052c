//! Closes the attestation of a proposal whose account is closed; its rent goes back to who paid it. Anyone may call it.
//!
//! It changes nothing that is decided or recorded, so there is no event.

use anchor_lang::prelude::*;

use crate::{
    error::{require, PortcullisError},
    state::Attestation,
    zero_copy,
};

#[derive(Accounts)]
pub struct CloseAttestation<'info> {
    /// CHECK: its address is in the attestation, and it is closed (handler): nobody can create it anew, because a parent's
    /// indices are never used twice.
    pub proposal: UncheckedAccount<'info>,

    /// CHECK: owner, discriminator (handler). Only `attest` makes such an account.
    #[cfg(not(feature = "idl-build"))]
    #[account(mut)]
    pub attestation: UncheckedAccount<'info>,

    /// The same for the IDL, which lists the account types that instructions name.
    #[cfg(feature = "idl-build")]
    #[account(mut)]
    pub attestation: AccountLoader<'info, Attestation>,

    /// CHECK: its address is in the attestation (handler).
    #[account(mut)]
    pub rent_payer: UncheckedAccount<'info>,
}

pub fn close_attestation(ctx: Context<CloseAttestation>) -> Result<()> {
    let accounts = &ctx.accounts;
    let info: &AccountInfo = accounts.attestation.as_ref();
    let attestation = *zero_copy::read::<Attestation>(info)?;
    require!(
        attestation.proposal == *accounts.proposal.key,
        PortcullisError::AttestationMismatch
    );
    require!(
        attestation.rent_payer == *accounts.rent_payer.key,
        PortcullisError::RentPayerMismatch
    );
    require!(
        *accounts.proposal.owner != crate::ID,
        PortcullisError::ProposalNotClosed
    );
    zero_copy::close(info, &accounts.rent_payer)
}
