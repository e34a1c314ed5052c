//! Executing what was approved.

use portcullis::{
    change::Change,
    error::PortcullisError,
    transitions::{self as t, Acceptance, ChangeExecution},
};

use super::{call::Call, step::Work, Entry, Replay, ReplayError};
use crate::event::Event;

impl Replay {
    pub(super) fn execute_upgrade(&mut self, call: &Call) -> Result<Vec<Entry>, ReplayError> {
        let [_executor, _council, _gate, key, predecessor_gate] = call.accounts()?;
        let predecessor = match self.changes.get(&key) {
            Some(Change::Upgrade(predecessor)) => {
                Some((*predecessor, call.found(&self.gates, &predecessor_gate)?))
            }
            _ => None,
        };
        self.signed_step(call, |parent, proposal, key, executor| {
            let predecessor = predecessor.as_ref().map(|(named, gate)| (named, gate));
            t::execute_upgrade(parent, proposal, key, executor, predecessor, call.now)
        })
    }

    /// Executes any other action; which one, the proposal says. The events of changes that concern a council too are in its
    /// chain as well.
    pub(super) fn execute_change(&mut self, call: &Call) -> Result<Vec<Entry>, ReplayError> {
        let [executor, council_key, gate_key, key] = call.accounts()?;
        let mut work = self.work(call, [council_key, gate_key, key])?;
        let change = call.found(&self.changes, &key)?;
        let execution = ChangeExecution {
            proposal: key,
            executor,
            now: call.now,
        };
        let Work {
            council,
            gate,
            proposal,
            ..
        } = &mut work;
        let mut accepting = None;
        let event = match (&change, gate.as_mut()) {
            (Change::Policy(change), gate) => {
                t::change_policy(council, gate, proposal, &execution, change).map(Event::from)
            }
            (Change::Council(change), None) => {
                t::change_council(council, proposal, &execution, change).map(Event::from)
            }
            (_, None) => Err(PortcullisError::NotOfAGate),
            (Change::RevokeRelease { .. }, Some(gate)) => {
                t::revoke_release(council, gate, proposal, &execution).map(Event::from)
            }
            (Change::TransferAuthority { to, checked }, Some(gate)) => {
                t::transfer_authority(council, gate, proposal, &execution, *to, *checked)
                    .map(Event::from)
            }
            (Change::Finalize, Some(gate)) => {
                t::finalize_program(council, gate, proposal, &execution).map(Event::from)
            }
            (Change::MoveGate { council: to, epoch }, Some(gate)) => {
                let [_, _, _, _, proposer] = call.accounts()?;
                let (_, other) = accepting.insert((*to, call.found(&self.councils, to)?));
                let acceptance = Acceptance {
                    key: *to,
                    council: other,
                    proposer,
                    epoch: *epoch,
                };
                t::move_gate(council, gate, proposal, &execution, acceptance).map(Event::from)
            }
            (Change::Council(_) | Change::Upgrade(_), Some(_)) => {
                Err(PortcullisError::AnotherAction)
            }
        }
        .map_err(|refusal| call.refused(refusal))?;
        let concerns_council = gate.is_none() || !matches!(change, Change::RevokeRelease { .. });
        let mut entries = Vec::new();
        if let Some(gate) = gate {
            entries.push(call.fold(&mut gate.log, gate_key, event.clone())?);
        }
        if concerns_council {
            entries.push(call.fold(&mut council.log, council_key, event.clone())?);
        }
        if let Some((to, mut other)) = accepting {
            entries.push(call.fold(&mut other.log, to, event)?);
            self.councils.insert(to, other);
        }
        self.keep(work);
        Ok(entries)
    }
}
