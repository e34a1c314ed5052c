//! The end of every run: whatever has happened, everything gets out and comes back.

use portcullis::state::ROLE_PROPOSE;

use super::{
    act::Proposing,
    compare::Check,
    drive::Run,
    steps::{Flaw, DAY},
    *,
};

/// The end of the longest proposal there can be.
const AGES: i64 = 400 * DAY;

impl Run {
    /// Whatever has happened, once all that was open has run out, each gate's program gets out by one proposal, and then all
    /// buffers and all rent come back.
    pub(super) fn leave_everything(&mut self) -> Check {
        self.act(&Action::Wait {
            seconds: AGES,
            slots: AGES as u64,
        })?;
        for program in 0..self.model.programs.len() {
            let Some(gate) = &self.model.gates[program] else {
                continue;
            };
            match gate.state {
                GateState::Active => self.leave(program)?,
                GateState::Adopting => {
                    let by = gate.former_authority;
                    self.accepted(&Action::Abandon { program, by })?;
                }
                GateState::Exited => {}
            }
        }
        for id in 0..self.model.proposals.len() {
            if self.model.is_live(id) {
                return Err(format!("proposal {id} is live for ever"));
            }
            if self.model.proposals[id].closed {
                continue;
            }
            if self.model.proposals[id].is_held() {
                self.accepted(&Action::ReturnBuffer(id))?;
            }
            self.accepted(&Action::CloseProposal(id))?;
        }
        for id in 0..self.model.proposals.len() {
            let given: Vec<Id> = self.model.proposals[id].attested.keys().copied().collect();
            for by in given {
                self.accepted(&Action::CloseAttestation(id, by))?;
            }
        }
        let hashings: Vec<_> = self
            .model
            .hashings
            .iter()
            .map(|(t, h)| (*t, h.payer))
            .collect();
        for (target, payer) in hashings {
            self.accepted(&Action::CloseHashing(target, payer))?;
        }
        // What the rent payers have is compared with the accounts there are: councils and gates are left.
        for buffer in &self.model.buffers {
            if matches!(buffer.content, Some((Holder::Gate(_), _))) {
                return Err(format!("{buffer:?} is still held"));
            }
        }
        Ok(())
    }

    fn leave(&mut self, program: Id) -> Check {
        let gate = self.model.gate(program);
        let by = self
            .model
            .someone(gate.council, ROLE_PROPOSE, 0, Flaw::None);
        let terms = Proposing {
            by,
            what: What::Transfer {
                to: start::AUTHORITY,
                checked: true,
            },
            lane: Lane::Standard,
            base: (0, 0),
            epoch: self.model.councils[gate.council].epoch,
            life: gate.life,
            not_before: 0,
        };
        let parent = Parent::Gate(program);
        self.accepted(&Action::ProposeChange { parent, terms })?;
        let id = self.model.proposals.len() - 1;
        for _ in 0..start::people() + 3 {
            if !self.model.is_live(id) {
                break;
            }
            let next = self.model.next(id, 0);
            self.accepted(&next.ok_or("nothing leads out")?)?;
        }
        match self.model.gate(program).state {
            GateState::Exited => Ok(()),
            _ => Err(format!("no way out of gate {program}")),
        }
    }

    fn accepted(&mut self, action: &Action) -> Check {
        self.act(action)?;
        match self.trace.last() {
            Some(line) if line.ends_with("accepted") => Ok(()),
            line => Err(format!("must be possible: {line:?}")),
        }
    }
}
