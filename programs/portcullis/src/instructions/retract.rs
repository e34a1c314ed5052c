//! A voter takes its approval or rejection back; `eta` falls if the threshold is no longer met.

use anchor_lang::prelude::*;

use super::*;
use crate::transitions::{self, VoteArgs};

pub fn retract(ctx: Context<Oppose>, args: VoteArgs) -> Result<()> {
    let member = ctx.accounts.member.key();
    ctx.accounts.subject.apply(|parent, proposal, key, now| {
        Ok(transitions::retract(
            parent, proposal, key, member, &args, now,
        )?)
    })?;
    Ok(())
}
