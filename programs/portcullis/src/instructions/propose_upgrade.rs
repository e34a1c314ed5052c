//! Proposes an upgrade and takes the buffer into the gate's custody, in one instruction. The buffer's authority is the
//! proposer, who signs; a buffer whose authority is the gate already is held by another proposal and refused.

use anchor_lang::prelude::*;

use super::{
    new_proposal::{change_bytes, newest_slot_hash, NewProposal},
    now,
    subject::check_council,
};
use crate::{
    constants::MAX_HASHED_AT_ONCE,
    digest::digest,
    error::{require, PortcullisError},
    loader::{self, LoaderV3, BUFFER_HEADER},
    record::{encode, record},
    state::{Council, Gate, Parent, Proposal},
    transitions::{self, UpgradeAccounts, UpgradeArgs},
    zero_copy,
};

#[derive(Accounts)]
pub struct ProposeUpgrade<'info> {
    /// Its PROPOSE role is checked in `transitions::propose_upgrade`; it is the buffer's authority (`validate`).
    pub proposer: Signer<'info>,

    /// Pays the proposal's rent and gets it back.
    #[account(mut)]
    pub payer: Signer<'info>,

    /// CHECK: owner, discriminator; it is the gate's (handler).
    pub council: UncheckedAccount<'info>,

    /// CHECK: owner, discriminator; only `adopt_program` makes such an account. Its council and authority are those given (handler).
    #[account(mut)]
    pub gate: UncheckedAccount<'info>,

    /// CHECK: its seeds (`NewProposal::create`): new, at the address of the gate's next proposal.
    #[account(mut)]
    pub proposal: UncheckedAccount<'info>,

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
    #[account(address = solana_sdk_ids::sysvar::slot_hashes::ID)]
    pub slot_hashes: UncheckedAccount<'info>,

    /// Address.
    pub loader_program: Program<'info, LoaderV3>,

    pub system_program: Program<'info, System>,
}

impl ProposeUpgrade<'_> {
    fn validate(&self, args: &UpgradeArgs) -> Result<()> {
        // buffer
        require!(
            loader::buffer_authority(&self.buffer)? == Some(self.proposer.key()),
            PortcullisError::BufferAuthorityMismatch
        );

        // What verifies must be executable within a transaction's compute units, zeros included; and what is hashed in steps is
        // not hashed again when it executes, so nothing may stand behind it.
        let len = self.buffer.data_len().saturating_sub(BUFFER_HEADER);
        require!(
            len <= MAX_HASHED_AT_ONCE as usize || len == args.commitment.len as usize,
            PortcullisError::BufferNotExact
        );

        // spill: a System-owned account is none of Portcullis's or the loader's; the gate's signer is one too, and the proposal
        // still is.
        require!(
            *self.spill.owner == system_program::ID
                && self.spill.key != self.authority.key
                && self.spill.key != self.proposal.key,
            PortcullisError::SpillInvalid
        );
        Ok(())
    }
}

/// What `propose_upgrade` and `repropose_upgrade` do once their accounts are checked. `former`: the ended proposal whose buffer it
/// is, and its address.
#[inline(never)]
pub(super) fn propose(
    new: &NewProposal,
    council: &Council,
    gate: &mut Gate,
    former: Option<(&mut Proposal, &Pubkey)>,
    upgrade: &UpgradeAccounts,
    slot_hashes: &AccountInfo,
    args: UpgradeArgs,
) -> Result<()> {
    let change = change_bytes(args.predecessor)?;
    let (mut proposal, bump) = new.create(&change)?;
    let slot_hash = newest_slot_hash(slot_hashes)?;
    let now = now()?;
    let council_key = gate.council;
    let mut parent = Parent::Gate { council, gate };
    let event = match former {
        None => encode(&transitions::propose_upgrade(
            &mut parent,
            &mut proposal,
            upgrade,
            slot_hash,
            args,
            now,
        )?),
        Some((former, key)) => encode(&transitions::repropose_upgrade(
            &mut parent,
            former,
            key,
            &mut proposal,
            upgrade,
            slot_hash,
            args,
            now,
        )?),
    }?;
    proposal.bump = bump;
    proposal.digest = digest(&crate::ID, &council_key, &proposal.terms, &change);
    record(parent.log(), &upgrade.gate, &event)
}

#[access_control(ctx.accounts.validate(&args))]
pub fn propose_upgrade(ctx: Context<ProposeUpgrade>, args: UpgradeArgs) -> Result<()> {
    let accounts = &ctx.accounts;
    let signer = {
        let gate_key = accounts.gate.key();
        let council = zero_copy::read::<Council>(&accounts.council)?;
        let mut gate = zero_copy::write::<Gate>(&accounts.gate)?;
        check_council(&gate, accounts.council.key)?;
        require!(
            gate.authority == accounts.authority.key(),
            PortcullisError::GateAuthorityMismatch
        );
        let new = NewProposal {
            payer: &accounts.payer,
            account: &accounts.proposal,
            parent: &gate_key,
            index: gate.proposal_count,
        };
        let upgrade = UpgradeAccounts {
            gate: gate_key,
            buffer: accounts.buffer.key(),
            spill: accounts.spill.key(),
            proposer: accounts.proposer.key(),
            rent_payer: accounts.payer.key(),
        };
        let slot_hashes = &accounts.slot_hashes;
        propose(&new, &council, &mut gate, None, &upgrade, slot_hashes, args)?;
        loader::Signer::new(gate.program, gate.authority_bump)
    };
    loader::take_authority(
        &accounts.buffer,
        &accounts.proposer,
        &accounts.authority,
        &signer,
    )
}
