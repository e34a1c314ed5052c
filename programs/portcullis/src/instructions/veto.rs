//! A guardian vetoes. Enough vetoes end the proposal for good.

use anchor_lang::prelude::*;

use super::*;
use crate::transitions::{self, VoteArgs};

pub fn veto(ctx: Context<Oppose>, args: VoteArgs) -> Result<()> {
    let member = ctx.accounts.member.key();
    ctx.accounts
        .subject
        .apply(|council, gate, proposal, key, now| {
            Ok(transitions::veto(
                council, gate, proposal, key, member, &args, now,
            )?)
        })?;
    Ok(())
}
