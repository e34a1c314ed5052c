//! A voter rejects. Once the others cannot reach the threshold, the proposal ends.

use anchor_lang::prelude::*;

use super::*;
use crate::transitions::{self, Signed, VoteArgs};

/// The accounts of `reject`, `retract` and `veto`. They stop things, so they are not refused in a durable-nonce
/// transaction and need no instructions sysvar.
#[derive(Accounts)]
pub struct Oppose<'info> {
    /// Its role is checked in `transitions`: VOTE for `reject` and `retract`, GUARD for `veto`.
    pub member: Signer<'info>,

    pub subject: Subject<'info>,
}

pub fn reject(ctx: Context<Oppose>, args: VoteArgs) -> Result<()> {
    let member = ctx.accounts.member.key();
    ctx.accounts.subject.apply(|parent, proposal, key, now| {
        Ok(transitions::reject(
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
