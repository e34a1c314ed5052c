//! Hashing large buffers and programs in steps. Only the last step of a hash leaves an event.

use portcullis::{
    error::PortcullisError, instructions::HashStepArgs, lifecycle::Custody, state::GateState,
    transitions,
};
use solana_sdk::pubkey::Pubkey;

use super::{call::Call, Entry, Replay, ReplayError};

impl Replay {
    pub(super) fn hash_buffer(
        &mut self,
        call: &Call,
        args: &HashStepArgs,
    ) -> Result<Vec<Entry>, ReplayError> {
        let [_council, _gate, key] = call.accounts()?;
        let proposal = call.found(&self.proposals, &key)?;
        let terms = &proposal.terms;
        // Somebody else was faster, or there is more to hash.
        if proposal.custody == Custody::Verified as u8
            || !self.hash_step(call, key, terms.life, terms.len, args)?
        {
            return Ok(Vec::new());
        }
        let entries = self.step(call, |parent, proposal, _| {
            transitions::verify_buffer(parent, proposal, call.now)
        })?;
        self.hashed.remove(&key);
        Ok(entries)
    }

    pub(super) fn hash_program(
        &mut self,
        call: &Call,
        args: &HashStepArgs,
    ) -> Result<Vec<Entry>, ReplayError> {
        let [council_key, gate_key] = call.accounts()?;
        let gate = call.found(&self.gates, &gate_key)?;
        if gate.state == GateState::Active as u8
            || !self.hash_step(call, gate_key, gate.life, gate.release.len, args)?
        {
            return Ok(Vec::new());
        }
        let entries = self.apply_to_both(call, council_key, gate_key, gate, |_, gate| {
            transitions::complete_adoption(gate, gate_key, call.now)
        })?;
        self.hashed.remove(&gate_key);
        Ok(entries)
    }

    pub(super) fn close_hashing(&mut self, call: &Call) -> Result<Vec<Entry>, ReplayError> {
        let [target] = call.accounts()?;
        self.hashed.remove(&target);
        Ok(Vec::new())
    }

    /// Whether this step completes the hash of `len` bytes; if not, notes how far it came.
    fn hash_step(
        &mut self,
        call: &Call,
        target: Pubkey,
        life: u32,
        len: u32,
        args: &HashStepArgs,
    ) -> Result<bool, ReplayError> {
        let done = match self.hashed.get(&target) {
            Some((of, done)) if *of == life => *done,
            _ => 0,
        };
        if args.offset > done {
            return Err(call.refused(PortcullisError::HashGap));
        }
        let end = args.offset.saturating_add(args.len).min(len);
        if end < len {
            // What was done already was not done again.
            self.hashed.insert(target, (life, done.max(end)));
        }
        Ok(end >= len)
    }
}
