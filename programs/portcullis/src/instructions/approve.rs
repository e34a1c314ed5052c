//! A voter approves. The approval that meets the threshold fixes `eta`.

use anchor_lang::prelude::*;

use super::*;
use crate::{
    error::PortcullisError,
    nonce::is_durable_nonce_transaction,
    policy::FLAG_NONCE_VOTES,
    transitions::{self, VoteArgs},
};

#[derive(Accounts)]
pub struct Approve<'info> {
    /// Its VOTE role is checked in `transitions::approve`.
    pub member: Signer<'info>,

    pub subject: Subject<'info>,

    /// CHECK: its address. It shows the whole transaction, also to an instruction called by CPI.
    #[account(address = solana_sdk_ids::sysvar::instructions::ID @ PortcullisError::InstructionsSysvarInvalid)]
    pub instructions: UncheckedAccount<'info>,
}

pub fn approve(ctx: Context<Approve>, args: VoteArgs) -> Result<()> {
    let member = ctx.accounts.member.key();
    let instructions = &ctx.accounts.instructions;
    ctx.accounts
        .subject
        .apply(|council, gate, proposal, key, now| {
            // Allowed only where both the proposal's policy and the current one allow it.
            if gate.policy.flags & proposal.terms.snapshot.flags & FLAG_NONCE_VOTES == 0 {
                let durable = is_durable_nonce_transaction(&instructions.try_borrow_data()?)
                    .ok_or(PortcullisError::InstructionsSysvarInvalid)?;
                require!(!durable, PortcullisError::DurableNonceTransaction);
            }
            Ok(transitions::approve(
                council, gate, proposal, key, member, &args, now,
            )?)
        })?;
    Ok(())
}
