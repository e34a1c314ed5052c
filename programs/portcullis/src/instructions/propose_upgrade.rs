//! Proposes an upgrade and takes the buffer into the gate's custody, in one instruction. The buffer's authority is the
//! proposer, who signs; a buffer whose authority is the gate already is held by another proposal and refused.

use anchor_lang::{prelude::*, solana_program::sysvar::SysvarId};

use super::now;
use crate::{
    constants::{MAX_ELF_LEN, PROPOSAL_SEED},
    digest::digest,
    error::PortcullisError,
    loader::{self, LoaderV3, BUFFER_HEADER},
    record::emit,
    state::{Council, Gate, Proposal},
    transitions::{self, UpgradeAccounts, UpgradeArgs},
};

#[derive(Accounts)]
pub struct ProposeUpgrade<'info> {
    /// Its PROPOSE role is checked in `transitions::propose_upgrade`; it is the buffer's authority (`validate`).
    pub proposer: Signer<'info>,

    /// Pays the proposal's rent and gets it back.
    #[account(mut)]
    pub payer: Signer<'info>,

    /// Owner, discriminator; it is the gate's (handler).
    pub council: AccountLoader<'info, Council>,

    /// Owner, discriminator; only `adopt_program` makes such an account. Its council and authority are those given (handler).
    #[account(mut)]
    pub gate: AccountLoader<'info, Gate>,

    /// New, at the address of the gate's next proposal.
    #[account(
        init,
        payer = payer,
        space = Proposal::SPACE,
        seeds = [PROPOSAL_SEED, gate.key().as_ref(), &gate.load()?.proposal_count.to_le_bytes()],
        bump,
    )]
    pub proposal: AccountLoader<'info, Proposal>,

    /// CHECK: a buffer of loader v3 whose authority is the proposer (`validate`).
    #[account(mut)]
    pub buffer: UncheckedAccount<'info>,

    /// CHECK: its address is in the gate (handler).
    pub authority: UncheckedAccount<'info>,

    /// CHECK: owned by System, and none of the accounts of the upgrade (`validate`). It may be the proposer or the payer.
    /// Writable here too, because the runtime never lets a reserved address be, and the execution needs it so.
    #[account(mut)]
    pub spill: UncheckedAccount<'info>,

    /// CHECK: its address.
    #[account(address = SlotHashes::id())]
    pub slot_hashes: UncheckedAccount<'info>,

    /// Address.
    pub loader_program: Program<'info, LoaderV3>,

    pub system_program: Program<'info, System>,
}

impl ProposeUpgrade<'_> {
    fn validate(&self) -> Result<()> {
        // buffer
        require!(
            loader::buffer_authority(&self.buffer)? == Some(self.proposer.key()),
            PortcullisError::BufferAuthorityMismatch
        );

        // The whole account, zeros included: what verifies must be executable within a transaction's compute units.
        require!(
            self.buffer.data_len() <= BUFFER_HEADER.saturating_add(MAX_ELF_LEN as usize),
            PortcullisError::ElfTooLarge
        );

        // spill: a System-owned account is none of Portcullis's or the loader's; the gate's signer is one too.
        require!(
            *self.spill.owner == System::id() && self.spill.key() != self.authority.key(),
            PortcullisError::SpillInvalid
        );
        Ok(())
    }

    /// The newest entry of SlotHashes: a `u64` count, then `(u64 slot, hash)` newest first (solana-slot-hashes 3).
    fn newest_slot_hash(&self) -> Result<[u8; 32]> {
        let data = self.slot_hashes.try_borrow_data()?;
        data.get(16..48)
            .and_then(|hash| hash.try_into().ok())
            .ok_or_else(|| PortcullisError::Overflow.into())
    }
}

#[access_control(ctx.accounts.validate())]
pub fn propose_upgrade(ctx: Context<ProposeUpgrade>, args: UpgradeArgs) -> Result<()> {
    let accounts = &ctx.accounts;
    let signer = {
        let gate_key = accounts.gate.key();
        let council = accounts.council.load()?;
        let mut gate = accounts.gate.load_mut()?;
        let mut proposal = accounts.proposal.load_init()?;
        require!(
            gate.council == accounts.council.key(),
            PortcullisError::GateOfAnotherCouncil
        );
        require!(
            gate.authority == accounts.authority.key(),
            PortcullisError::GateAuthorityMismatch
        );
        let event = transitions::propose_upgrade(
            &council,
            &mut gate,
            &mut proposal,
            &UpgradeAccounts {
                gate: gate_key,
                buffer: accounts.buffer.key(),
                spill: accounts.spill.key(),
                proposer: accounts.proposer.key(),
                rent_payer: accounts.payer.key(),
            },
            accounts.newest_slot_hash()?,
            args,
            now()?,
        )?;
        proposal.bump = ctx.bumps.proposal;
        proposal.digest = digest(&crate::ID, &accounts.council.key(), &proposal.terms);
        emit(&mut gate.log, &gate_key, &event)?;
        loader::Signer::new(gate.program, gate.authority_bump)
    };
    loader::take_custody(
        &accounts.buffer,
        &accounts.proposer,
        &accounts.authority,
        &signer,
    )
}
