//! Executes a move: the gate goes to another council, which accepts it.

use anchor_lang::prelude::*;

use super::*;
use crate::{
    change::Change,
    error::{require, PortcullisError},
    record::emit_to_both,
    state::Council,
    transitions::{self, wrong_action, Acceptance, ChangeExecution},
    zero_copy,
};

#[derive(Accounts)]
pub struct MoveGate<'info> {
    /// Its EXECUTE role is checked in `transitions`, unless the policy lets anyone execute.
    pub executor: Signer<'info>,

    /// The council is writable: it lets the gate go.
    pub subject: Subject<'info>,

    /// Its PROPOSE role in the new council is checked in `transitions::move_gate`.
    pub accepting_proposer: Signer<'info>,

    /// CHECK: owner, discriminator; its address is in the proposal (handler).
    #[account(mut)]
    pub new_council: UncheckedAccount<'info>,
}

pub fn move_gate(ctx: Context<MoveGate>) -> Result<()> {
    let accounts = &ctx.accounts;
    let subject = &accounts.subject;
    let change = subject.change()?;
    let Some(Change::MoveGate { council: to, epoch }) = change else {
        return Err(wrong_action(change.as_ref()).into());
    };
    require!(
        accounts.new_council.key() == to,
        PortcullisError::CouncilMismatch
    );
    let mut open = subject.open_all()?;
    let mut new_council = zero_copy::write::<Council>(&accounts.new_council)?;
    let gate = open
        .gate
        .as_deref_mut()
        .ok_or(PortcullisError::NotOfAGate)?;
    let execution = ChangeExecution {
        proposal: subject.proposal.key(),
        executor: *accounts.executor.key,
        now: open.now,
    };
    let acceptance = Acceptance {
        key: to,
        council: &mut new_council,
        proposer: *accounts.accepting_proposer.key,
        epoch,
    };
    let event = transitions::move_gate(
        &mut open.council,
        gate,
        &mut open.proposal,
        &execution,
        acceptance,
    )?;
    let bytes = emit_to_both(
        (&mut gate.log, subject.parent()),
        (&mut open.council.log, subject.council.key),
        &event,
    )?;
    new_council.log.fold(&to, &bytes)?;
    Ok(())
}
