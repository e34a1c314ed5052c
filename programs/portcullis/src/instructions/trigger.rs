//! A guardian asks for an armed standby. Once enough have, within 15 minutes of the first, anyone may execute it.

use anchor_lang::prelude::*;

use super::*;
use crate::transitions::{self, Signed, VoteArgs};

pub fn trigger(ctx: Context<Approve>, args: VoteArgs) -> Result<()> {
    let member = ctx.accounts.member.key();
    let instructions = &ctx.accounts.instructions;
    ctx.accounts.subject.apply(|parent, proposal, _, now| {
        refuse_durable_nonce(parent, proposal, instructions)?;
        let signed = Signed::Transaction;
        Ok(transitions::trigger(
            parent, proposal, member, &args, signed, now,
        )?)
    })?;
    Ok(())
}
