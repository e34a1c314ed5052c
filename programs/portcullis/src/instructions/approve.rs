//! A voter approves. The approval that meets the threshold fixes `eta`.

use anchor_lang::prelude::*;

use super::*;
use crate::{
    error::{require, PortcullisError},
    nonce::is_durable_nonce_transaction,
    policy::FLAG_NONCE_VOTES,
    state::{Parent, Proposal},
    transitions::{self, Signed, VoteArgs},
};

/// The accounts of `approve` and `trigger`.
#[derive(Accounts)]
pub struct Approve<'info> {
    /// Its role is checked in `transitions`: VOTE for `approve`, GUARD for `trigger`.
    pub member: Signer<'info>,

    pub subject: Subject<'info>,

    /// CHECK: its address. It shows the whole transaction, also to an instruction called by CPI.
    #[account(address = solana_sdk_ids::sysvar::instructions::ID @ PortcullisError::InstructionsSysvarInvalid)]
    pub instructions: UncheckedAccount<'info>,
}

/// Refuses a durable-nonce transaction, unless both the proposal's policy and the current one allow it.
pub(crate) fn refuse_durable_nonce(
    parent: &Parent,
    proposal: &Proposal,
    instructions: &AccountInfo,
) -> Result<()> {
    if parent.policy().flags & proposal.terms.snapshot.flags & FLAG_NONCE_VOTES == 0 {
        let durable = is_durable_nonce_transaction(&instructions.try_borrow_data()?)
            .ok_or(PortcullisError::InstructionsSysvarInvalid)?;
        require!(!durable, PortcullisError::DurableNonceTransaction);
    }
    Ok(())
}

pub fn approve(ctx: Context<Approve>, args: VoteArgs) -> Result<()> {
    let member = ctx.accounts.member.key();
    let instructions = &ctx.accounts.instructions;
    ctx.accounts.subject.apply(|parent, proposal, key, now| {
        refuse_durable_nonce(parent, proposal, instructions)?;
        let signed = Signed::Transaction;
        Ok(transitions::approve(
            parent, proposal, key, member, &args, signed, now,
        )?)
    })?;
    Ok(())
}
