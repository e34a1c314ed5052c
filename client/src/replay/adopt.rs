//! Adopting a program, and giving it back. These events are in the gate's chain and in the council's.

use bytemuck::Zeroable;
use portcullis::{
    error::PortcullisError,
    state::{find_authority, find_gate, Council, Gate},
    transitions::{self, AdoptAccounts, AdoptArgs},
};
use solana_sdk::pubkey::Pubkey;

use super::{call::Call, Entry, Replay, ReplayError};
use crate::event::Event;

impl Replay {
    pub(super) fn adopt_program(
        &mut self,
        call: &Call,
        args: &AdoptArgs,
    ) -> Result<Vec<Entry>, ReplayError> {
        let [proposer, _payer, former_authority, council_key, gate_key, authority, program, programdata] =
            call.accounts()?;
        let accounts = AdoptAccounts {
            gate: gate_key,
            council: council_key,
            program,
            programdata,
            authority,
            former_authority,
            proposer,
            gate_bump: find_gate(&self.portcullis, &program).1,
            authority_bump: find_authority(&self.portcullis, &program).1,
        };
        // A program that had left its gate comes back to it.
        let gate = self.gates.get(&gate_key).copied().unwrap_or(Gate::zeroed());
        self.apply_to_both(call, council_key, gate_key, gate, |council, gate| {
            transitions::adopt_program(council, gate, &accounts, args, call.now)
        })
    }

    pub(super) fn abandon_adoption(&mut self, call: &Call) -> Result<Vec<Entry>, ReplayError> {
        let [_former_authority, council_key, gate_key] = call.accounts()?;
        let gate = call.found(&self.gates, &gate_key)?;
        self.apply_to_both(call, council_key, gate_key, gate, |council, gate| {
            transitions::abandon_adoption(council, gate, gate_key, call.now)
        })
    }

    pub(super) fn apply_to_both<E: Into<Event>>(
        &mut self,
        call: &Call,
        council_key: Pubkey,
        gate_key: Pubkey,
        mut gate: Gate,
        transition: impl FnOnce(&mut Council, &mut Gate) -> Result<E, PortcullisError>,
    ) -> Result<Vec<Entry>, ReplayError> {
        let mut council = call.found(&self.councils, &council_key)?;
        let event: Event = transition(&mut council, &mut gate)
            .map_err(|refusal| call.refused(refusal))?
            .into();
        let entries = vec![
            call.fold(&mut gate.log, gate_key, event.clone())?,
            call.fold(&mut council.log, council_key, event)?,
        ];
        self.councils.insert(council_key, council);
        self.gates.insert(gate_key, gate);
        Ok(entries)
    }
}
