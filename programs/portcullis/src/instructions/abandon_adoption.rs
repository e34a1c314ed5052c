//! Gives the upgrade authority of a large program back while its bytes are still being hashed.

use anchor_lang::prelude::*;

use super::{subject::check_council, *};
use crate::{
    error::{require, PortcullisError},
    loader,
    record::emit_to_both,
    state::{Council, Gate},
    transitions, zero_copy,
};

#[derive(Accounts)]
pub struct AbandonAdoption<'info> {
    /// Its address is in the gate (handler).
    pub former_authority: Signer<'info>,

    /// CHECK: owner, discriminator; it is the gate's (handler).
    #[account(mut)]
    pub council: UncheckedAccount<'info>,

    /// CHECK: owner, discriminator; only `adopt_program` makes such an account.
    #[account(mut)]
    pub gate: UncheckedAccount<'info>,

    pub held: Held<'info>,
}

pub fn abandon_adoption(ctx: Context<AbandonAdoption>) -> Result<()> {
    let accounts = &ctx.accounts;
    let signer = {
        let (council_key, gate_key) = (accounts.council.key(), accounts.gate.key());
        let mut council = zero_copy::write::<Council>(&accounts.council)?;
        let mut gate = zero_copy::write::<Gate>(&accounts.gate)?;
        check_council(&gate, &council_key)?;
        accounts.held.check(&gate)?;
        require!(
            *accounts.former_authority.key == gate.former_authority,
            PortcullisError::UpgradeAuthorityMismatch
        );
        let event = transitions::abandon_adoption(&mut council, &mut gate, gate_key, now()?)?;
        emit_to_both(
            (&mut gate.log, &gate_key),
            (&mut council.log, &council_key),
            &event,
        )?;
        loader::Signer::new(gate.program, gate.authority_bump)
    };
    let held = &accounts.held;
    loader::give_authority(
        &held.programdata,
        &held.authority,
        &accounts.former_authority,
        true,
        &signer,
    )
}
