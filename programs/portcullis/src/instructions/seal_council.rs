//! Seals a council: its policy is measured against its members, and from now on it acts.

use anchor_lang::prelude::*;

use super::{now, BuildCouncil};
use crate::{record::emit, transitions};

pub fn seal_council(ctx: Context<BuildCouncil>) -> Result<()> {
    let key = ctx.accounts.council.key();
    let mut council = ctx.accounts.open()?;
    let event = transitions::seal_council(&mut council, key, now()?)?;
    emit(&mut council.log, &key, &event)
}
