//! Proposes an upgrade anew with the buffer that an ended proposal of the gate still holds: nothing is uploaded again, and what
//! was verified stays verified.

use anchor_lang::prelude::*;

use super::{
    new_proposal::NewProposal,
    propose_upgrade::propose,
    subject::{check_council, check_parent},
};
use crate::{
    state::{Council, Gate, Proposal},
    transitions::{UpgradeAccounts, UpgradeArgs},
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
    let gate_key = accounts.gate.key();
    let council = zero_copy::read::<Council>(&accounts.council)?;
    let mut gate = zero_copy::write::<Gate>(&accounts.gate)?;
    let mut former = zero_copy::write::<Proposal>(&accounts.former)?;
    check_council(&gate, accounts.council.key)?;
    check_parent(&former, &gate_key)?;
    let new = NewProposal {
        payer: &accounts.payer,
        account: &accounts.proposal,
        parent: &gate_key,
        index: gate.proposal_count,
    };
    // Buffer and spill stay those that were checked when custody was taken.
    let upgrade = UpgradeAccounts {
        gate: gate_key,
        buffer: former.terms.buffer,
        spill: former.terms.spill,
        proposer: accounts.proposer.key(),
        rent_payer: accounts.payer.key(),
    };
    propose(
        &new,
        &council,
        &mut gate,
        Some((&mut former, accounts.former.key)),
        &upgrade,
        &accounts.slot_hashes,
        args,
    )
}
