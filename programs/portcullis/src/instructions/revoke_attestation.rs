//! An attester takes its attestation back; `eta` falls if the policy's are no longer met. Its rent goes back to who paid it.

use anchor_lang::prelude::*;

use super::*;
use crate::{
    error::{require, PortcullisError},
    state::Attestation,
    transitions::{self, VoteArgs},
    zero_copy,
};

#[derive(Accounts)]
pub struct RevokeAttestation<'info> {
    /// The attestation's attester (handler).
    pub attester: Signer<'info>,

    pub subject: Subject<'info>,

    /// CHECK: owner, discriminator; of this proposal and attester (handler). Only `attest` makes such an account.
    #[account(mut)]
    pub attestation: UncheckedAccount<'info>,

    /// CHECK: its address is in the attestation (handler).
    #[account(mut)]
    pub rent_payer: UncheckedAccount<'info>,
}

pub fn revoke_attestation(ctx: Context<RevokeAttestation>, args: VoteArgs) -> Result<()> {
    let accounts = &ctx.accounts;
    let attestation = *zero_copy::read::<Attestation>(&accounts.attestation)?;
    require!(
        attestation.attester == *accounts.attester.key,
        PortcullisError::AttestationMismatch
    );
    require!(
        attestation.rent_payer == *accounts.rent_payer.key,
        PortcullisError::RentPayerMismatch
    );
    accounts.subject.apply(|parent, proposal, key, now| {
        require!(
            attestation.proposal == key,
            PortcullisError::AttestationMismatch
        );
        Ok(transitions::revoke_attestation(
            parent,
            proposal,
            key,
            &attestation,
            &args,
            now,
        )?)
    })?;
    zero_copy::close(&accounts.attestation, &accounts.rent_payer)
}
