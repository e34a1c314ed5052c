//! A guardian vetoes. Enough vetoes end the proposal for good.

use anchor_lang::prelude::*;

use super::*;
use crate::transitions::{self, Signed, VoteArgs};

pub fn veto(ctx: Context<Oppose>, args: VoteArgs) -> Result<()> {
    let member = ctx.accounts.member.key();
    ctx.accounts.subject.apply(|parent, proposal, key, now| {
        Ok(transitions::veto(
            parent,
            proposal,
            key,
            member,
            &args,
            Signed::Transaction,
            now,
        )?)
    })?;
    Ok(())
}
