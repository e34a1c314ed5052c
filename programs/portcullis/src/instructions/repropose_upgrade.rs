//! Proposes an upgrade anew with the buffer that an ended proposal of the gate still holds: nothing is uploaded again, and what
//! was verified stays verified.

use anchor_lang::prelude::*;

use super::{
    new_proposal::{change_bytes, newest_slot_hash, NewProposal},
    now,
    subject::{check_council, check_parent},
};
use crate::{
    digest::digest,
    record::emit,
    state::{Council, Gate, Parent, Proposal},
    transitions::{self, UpgradeAccounts, UpgradeArgs},
    zero_copy,
};

#[derive(Accounts)]
pub struct ReproposeUpgrade<'info> {
    /// Its PROPOSE role, and that it made the former proposal, are checked in `transitions::repropose_upgrade`.
    pub proposer: Signer<'info>,

    /// Pays the proposal's rent and gets it back.
    #[account(mut)]
    pub payer: Signer<'info>,

    /// CHECK: owner, discriminator; it is the gate's (handler).
    pub council: UncheckedAccount<'info>,

    /// CHECK: owner, discriminator; only `adopt_program` makes such an account.
    #[account(mut)]
    pub gate: UncheckedAccount<'info>,

    /// CHECK: owner, discriminator; its parent is the gate (handler). It ended, and holds its buffer (`transitions`).
    #[account(mut)]
    pub former: UncheckedAccount<'info>,

    /// CHECK: its seeds (`NewProposal::create`): new, at the address of the gate's next proposal.
    #[account(mut)]
    pub proposal: UncheckedAccount<'info>,

    /// CHECK: its address.
    #[account(address = solana_sdk_ids::sysvar::slot_hashes::ID)]
    pub slot_hashes: UncheckedAccount<'info>,

    pub system_program: Program<'info, System>,
}

pub fn repropose_upgrade(ctx: Context<ReproposeUpgrade>, args: UpgradeArgs) -> Result<()> {
    let accounts = &ctx.accounts;
    let (council_key, gate_key) = (accounts.council.key(), accounts.gate.key());
    let council = zero_copy::read::<Council>(&accounts.council)?;
    let mut gate = zero_copy::write::<Gate>(&accounts.gate)?;
    let mut former = zero_copy::write::<Proposal>(&accounts.former)?;
    check_council(&gate, &council_key)?;
    check_parent(&former, &gate_key)?;
    let new = NewProposal {
        payer: &accounts.payer,
        account: &accounts.proposal,
        parent: &gate_key,
        index: gate.proposal_count,
    };
    let change = change_bytes(args.predecessor)?;
    let (mut proposal, bump) = new.create(&change)?;
    // Buffer and spill stay those that were checked when custody was taken.
    let upgrade = UpgradeAccounts {
        gate: gate_key,
        buffer: former.terms.buffer,
        spill: former.terms.spill,
        proposer: accounts.proposer.key(),
        rent_payer: accounts.payer.key(),
    };
    let event = transitions::repropose_upgrade(
        &mut Parent::Gate {
            council: &council,
            gate: &mut gate,
        },
        &mut former,
        &accounts.former.key(),
        &mut proposal,
        &upgrade,
        newest_slot_hash(&accounts.slot_hashes)?,
        args,
        now()?,
    )?;
    proposal.bump = bump;
    proposal.digest = digest(&crate::ID, &council_key, &proposal.terms, &change);
    emit(&mut gate.log, &gate_key, &event)
}
