//! Proposes any other action than an upgrade: about a gate, or about the council itself.

use anchor_lang::prelude::*;

use super::{
    new_proposal::{newest_slot_hash, NewProposal},
    now,
    subject::check_council,
};
use crate::{
    digest::digest,
    record::emit,
    state::{Council, Gate, Parent},
    transitions::{self, ChangeAccounts, ChangeArgs},
    zero_copy,
};

#[derive(Accounts)]
pub struct ProposeChange<'info> {
    /// Its PROPOSE role is checked in `transitions::propose_change`.
    pub proposer: Signer<'info>,

    /// Pays the proposal's rent and gets it back.
    #[account(mut)]
    pub payer: Signer<'info>,

    /// CHECK: owner, discriminator; it is the gate's (handler), or the parent itself, and then writable (`load_mut`).
    pub council: UncheckedAccount<'info>,

    /// CHECK: owner, discriminator; its council is the one given (handler). None where the proposal is about the council itself.
    #[account(mut)]
    pub gate: Option<UncheckedAccount<'info>>,

    /// CHECK: its seeds (`NewProposal::create`): new, at the address of the parent's next proposal.
    #[account(mut)]
    pub proposal: UncheckedAccount<'info>,

    /// CHECK: its address.
    #[account(address = solana_sdk_ids::sysvar::slot_hashes::ID)]
    pub slot_hashes: UncheckedAccount<'info>,

    pub system_program: Program<'info, System>,
}

impl ProposeChange<'_> {
    fn propose(&self, parent_key: Pubkey, mut parent: Parent, args: ChangeArgs) -> Result<()> {
        let bytes = args.change.to_bytes()?;
        let new = NewProposal {
            payer: &self.payer,
            account: &self.proposal,
            parent: &parent_key,
            index: parent.proposal_count(),
        };
        let (mut proposal, bump) = new.create(&bytes)?;
        let event = transitions::propose_change(
            &mut parent,
            &mut proposal,
            &ChangeAccounts {
                parent: parent_key,
                proposer: self.proposer.key(),
                rent_payer: self.payer.key(),
            },
            newest_slot_hash(&self.slot_hashes)?,
            args,
            now()?,
        )?;
        proposal.bump = bump;
        proposal.digest = digest(
            &crate::ID,
            self.council.as_ref().key,
            &proposal.terms,
            &bytes,
        );
        emit(parent.log(), &parent_key, &event)
    }
}

pub fn propose_change(ctx: Context<ProposeChange>, args: ChangeArgs) -> Result<()> {
    let accounts = &ctx.accounts;
    let council_key = accounts.council.key();
    match &accounts.gate {
        Some(account) => {
            let council = zero_copy::read::<Council>(&accounts.council)?;
            let mut gate = zero_copy::write::<Gate>(account)?;
            check_council(&gate, &council_key)?;
            let parent = Parent::Gate {
                council: &council,
                gate: &mut gate,
            };
            accounts.propose(account.key(), parent, args)
        }
        None => {
            let mut council = zero_copy::write::<Council>(&accounts.council)?;
            accounts.propose(council_key, Parent::Council(&mut council), args)
        }
    }
}
