//! Executes a change of members, of a policy, or the revocation of a release.

use anchor_lang::prelude::*;

use super::*;
use crate::{
    change::Change,
    record::{emit, emit_to_both},
    state::{Council, Proposal},
    transitions::{self, wrong_action, ChangeExecution},
};

#[derive(Accounts)]
pub struct ExecuteChange<'info> {
    /// Its EXECUTE role is checked in `transitions`, unless the policy lets anyone execute.
    pub executor: Signer<'info>,

    /// The council is writable: a gate's rules raise what it must meet.
    pub subject: Subject<'info>,
}

pub fn execute_change(ctx: Context<ExecuteChange>) -> Result<()> {
    let subject = &ctx.accounts.subject;
    let change = subject.change()?;
    let mut open = subject.open_all()?;
    let OpenAll {
        council,
        gate,
        proposal,
        now,
    } = &mut open;
    let council: &mut Council = council;
    let proposal: &mut Proposal = proposal;
    let execution = ChangeExecution {
        proposal: subject.proposal.key(),
        executor: *ctx.accounts.executor.key,
        now: *now,
    };
    let (parent, council_key) = (subject.parent(), subject.council.key);
    match (&change, gate.as_deref_mut()) {
        (Some(Change::Council(change)), None) => {
            let event = transitions::change_council(council, proposal, &execution, change)?;
            emit(&mut council.log, council_key, &event)
        }
        (Some(Change::Policy(change)), None) => {
            let event = transitions::change_policy(council, None, proposal, &execution, change)?;
            emit(&mut council.log, council_key, &event)
        }
        (Some(Change::Policy(change)), Some(gate)) => {
            let event =
                transitions::change_policy(council, Some(gate), proposal, &execution, change)?;
            let (one, other) = ((&mut gate.log, parent), (&mut council.log, council_key));
            emit_to_both(one, other, &event).map(drop)
        }
        (Some(Change::RevokeRelease { .. }), Some(gate)) => {
            let event = transitions::revoke_release(council, gate, proposal, &execution)?;
            emit(&mut gate.log, parent, &event)
        }
        (other, _) => Err(wrong_action(other.as_ref()).into()),
    }
}
