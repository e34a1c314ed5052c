//! Moves a program's upgrade authority to its new gate. The program's current upgrade authority signs, so nobody can squat a
//! gate, and a PROPOSE member of the council, so nobody can burden a council with a program.

use core::cell::RefMut;

use anchor_lang::prelude::*;

use super::now;
use crate::{
    constants::{AUTHORITY_SEED, GATE_SEED},
    error::{require, PortcullisError},
    loader::{self, LoaderV3, PROGRAMDATA_HEADER},
    pda,
    record::emit_to_both,
    state::{Council, Gate},
    transitions::{self, AdoptAccounts, AdoptArgs},
    zero_copy,
};

#[derive(Accounts)]
pub struct AdoptProgram<'info> {
    /// Its PROPOSE role is checked in `transitions::adopt_program`.
    pub proposer: Signer<'info>,

    #[account(mut)]
    pub payer: Signer<'info>,

    /// Compared with the programdata's upgrade authority in the handler.
    pub upgrade_authority: Signer<'info>,

    /// Owner and discriminator; the proposer is its member.
    #[account(mut)]
    pub council: UncheckedAccount<'info>,

    /// CHECK: its seeds: a second gate for a program cannot exist. New (`gate`); or of a program that had left it: then owner,
    /// discriminator and program (`gate`), and state (`transitions::adopt_program`).
    #[cfg_attr(not(feature = "idl-build"), account(mut))]
    #[cfg_attr(feature = "idl-build", account(mut, seeds = [GATE_SEED, program.key().as_ref()], bump))]
    pub gate: UncheckedAccount<'info>,

    /// CHECK: its seeds (handler). Holds no data; signs for the loader.
    #[cfg_attr(feature = "idl-build", account(seeds = [AUTHORITY_SEED, program.key().as_ref()], bump))]
    pub authority: UncheckedAccount<'info>,

    /// CHECK: `loader::programdata_address` in the handler: owned by loader v3, a program.
    pub program: UncheckedAccount<'info>,

    /// CHECK: its address is the one in the program account; `loader::programdata` checks owner and kind.
    #[account(mut)]
    pub programdata: UncheckedAccount<'info>,

    /// Address.
    pub loader_program: Program<'info, LoaderV3>,

    pub system_program: Program<'info, System>,
}

impl AdoptProgram<'_> {
    fn validate(&self, args: &AdoptArgs) -> Result<()> {
        // program, programdata
        require!(
            loader::programdata_address(&self.program)? == self.programdata.key(),
            PortcullisError::ProgramdataMismatch
        );

        // upgrade authority
        require!(
            loader::programdata(&self.programdata)?.upgrade_authority
                == Some(self.upgrade_authority.key()),
            PortcullisError::UpgradeAuthorityMismatch
        );

        // deployed bytes
        if args.deployed.is_hashed_at_once() {
            loader::verify_content(&self.programdata, PROGRAMDATA_HEADER, &args.deployed)
        } else {
            loader::verify_ends(&self.programdata, PROGRAMDATA_HEADER, &args.deployed)
        }
    }

    /// The gate's content and bump; created where the program has no gate yet. An account that Portcullis owns with this
    /// discriminator and program can only stand at the address that the program determines.
    fn gate(&self) -> Result<(RefMut<'_, Gate>, u8)> {
        if *self.gate.owner != crate::ID {
            let seeds = [GATE_SEED, self.program.key.as_ref(), &[]];
            return zero_copy::create(&self.payer, &self.gate, seeds, &[]);
        }
        let gate = zero_copy::write::<Gate>(&self.gate)?;
        require!(
            gate.program == *self.program.key,
            anchor_lang::error::ErrorCode::ConstraintSeeds
        );
        let bump = gate.bump;
        Ok((gate, bump))
    }
}

#[access_control(ctx.accounts.validate(&args))]
pub fn adopt_program(ctx: Context<AdoptProgram>, args: AdoptArgs) -> Result<()> {
    let accounts = &ctx.accounts;
    let (authority, authority_bump) =
        pda::find([AUTHORITY_SEED, accounts.program.key.as_ref(), &[]]);
    require!(
        authority == *accounts.authority.key,
        anchor_lang::error::ErrorCode::ConstraintSeeds
    );
    let (gate_key, council_key) = (accounts.gate.key(), accounts.council.key());
    {
        let mut council = zero_copy::write::<Council>(&accounts.council)?;
        let (mut gate, gate_bump) = accounts.gate()?;
        let event = transitions::adopt_program(
            &mut council,
            &mut gate,
            &AdoptAccounts {
                gate: gate_key,
                council: council_key,
                program: accounts.program.key(),
                programdata: accounts.programdata.key(),
                authority: accounts.authority.key(),
                former_authority: accounts.upgrade_authority.key(),
                proposer: accounts.proposer.key(),
                gate_bump,
                authority_bump,
            },
            &args,
            now()?,
        )?;
        emit_to_both(
            (&mut gate.log, &gate_key),
            (&mut council.log, &council_key),
            &event,
        )?;
    }
    loader::take_authority(
        &accounts.programdata,
        &accounts.upgrade_authority,
        &accounts.authority,
        &loader::Signer::new(accounts.program.key(), authority_bump),
    )
}
