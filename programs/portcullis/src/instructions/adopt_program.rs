//! Moves a program's upgrade authority to its new gate. The program's current upgrade authority signs, so nobody can squat a
//! gate, and a PROPOSE member of the council, so nobody can burden a council with a program.

use anchor_lang::prelude::*;

use super::now;
use crate::{
    constants::{AUTHORITY_SEED, GATE_SEED},
    error::PortcullisError,
    loader::{self, LoaderV3, PROGRAMDATA_HEADER},
    record::emit,
    state::{Council, Gate},
    transitions::{self, AdoptAccounts, AdoptArgs},
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
    pub council: AccountLoader<'info, Council>,

    /// New, at the address that the program determines: a second gate for a program cannot exist.
    #[account(
        init,
        payer = payer,
        space = Gate::SPACE,
        seeds = [GATE_SEED, program.key().as_ref()],
        bump,
    )]
    pub gate: AccountLoader<'info, Gate>,

    /// CHECK: its seeds. Holds no data; signs for the loader.
    #[account(seeds = [AUTHORITY_SEED, program.key().as_ref()], bump)]
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
        loader::verify_content(&self.programdata, PROGRAMDATA_HEADER, &args.deployed)
    }
}

#[access_control(ctx.accounts.validate(&args))]
pub fn adopt_program(ctx: Context<AdoptProgram>, args: AdoptArgs) -> Result<()> {
    let accounts = &ctx.accounts;
    let (gate_key, council_key) = (accounts.gate.key(), accounts.council.key());
    {
        let mut council = accounts.council.load_mut()?;
        let mut gate = accounts.gate.load_init()?;
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
                gate_bump: ctx.bumps.gate,
                authority_bump: ctx.bumps.authority,
            },
            &args,
            now()?,
        )?;
        emit(&mut gate.log, &gate_key, &event)?;
        // The council's chain takes the same event; its bytes are in the logs already.
        council
            .log
            .fold(&council_key, &anchor_lang::Event::data(&event))?;
    }
    loader::take_authority(
        &accounts.programdata,
        &accounts.program,
        &accounts.upgrade_authority,
        &accounts.authority,
        &loader::Signer::new(accounts.program.key(), ctx.bumps.authority),
    )
}
