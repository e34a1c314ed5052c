//! Executing.

use portcullis::{error::PortcullisError::*, state::ROLE_EXECUTE};

use super::{act::outcome, vote::ended, *};

const ANYONE: u8 = 1;

impl Model {
    pub(super) fn execute(&mut self, id: Id, by: Id, with: Option<Id>) -> Outcome {
        let mut reasons = self.there(id)?;
        let proposal = &self.proposals[id];
        let council = self.council_of(proposal.parent);
        // A triggered standby waits for nobody; else both the rules then and now must let anyone execute.
        let policy = self.policy_of(proposal.parent);
        let anyone = proposal.lane.is_standby()
            || (proposal.terms.flags & ANYONE != 0 && policy.flags & ANYONE != 0);
        if !anyone {
            reasons.extend(
                self.role_missing(council, by, ROLE_EXECUTE)
                    .map(Reason::Rule),
            );
        }
        match self.phase(id) {
            Phase::Ended(end) => reasons.push(ended(end).into()),
            Phase::Draft => reasons.push(BufferNotVerified.into()),
            Phase::Voting => reasons.push(NotQueued.into()),
            Phase::Queued => reasons.push(TimelockNotElapsed.into()),
            Phase::Ready => {}
            Phase::Armed => {
                if !self.is_triggered(id) {
                    reasons.push(StandbyNotTriggered.into());
                }
                reasons.extend(self.against_target(id));
            }
        }
        match proposal.what {
            What::Upgrade { .. } => reasons.extend(self.against_running(id)),
            _ => reasons.extend(self.against_effect(id, with)),
        }
        outcome(reasons)?;

        let now = self.now;
        self.record(id);
        if let (What::Upgrade { build, .. }, Parent::Gate(program)) =
            (self.proposals[id].what.clone(), self.proposals[id].parent)
        {
            self.run(id, program, build);
        } else {
            self.take_effect(id);
        }
        self.end(id, End::Executed, now);
        Ok(())
    }

    /// What stands against an upgrade beside its phase.
    fn against_running(&self, id: Id) -> Vec<Reason> {
        let proposal = &self.proposals[id];
        let Parent::Gate(program) = proposal.parent else {
            return vec![NotOfAGate.into()];
        };
        let (gate, mut reasons) = (self.gate(program), vec![]);
        // The stricter of the intervals then and now.
        let (last, interval) = match proposal.lane {
            Lane::Standard => (gate.last_upgrade, gate.policy.min_interval_seconds),
            Lane::Emergency => (
                gate.last_emergency,
                gate.policy.emergency_min_interval_seconds,
            ),
            _ => (None, 0),
        };
        let interval = interval.max(proposal.terms.interval);
        if last.is_some_and(|last| self.now < last + i64::from(interval)) {
            reasons.push(IntervalNotElapsed.into());
        }
        if let What::Upgrade {
            predecessor: Some(predecessor),
            ..
        } = &proposal.what
        {
            reasons.extend(self.against_predecessor(gate.council, predecessor));
        }
        let there = &self.programs[program];
        if there.authority != Holder::Gate(program) {
            reasons.push(GateNotUpgradeAuthority.into());
        }
        if there.deployed >= self.slot {
            reasons.push(ProgramDeployedThisSlot.into());
        }
        let bytes = proposal
            .buffer
            .and_then(|buffer| self.buffers[buffer].content);
        match bytes {
            Some((Holder::Gate(holder), build)) if holder == program => {
                if start::build(build).len() > there.capacity {
                    reasons.push(ProgramdataTooSmall.into());
                }
            }
            _ => reasons.extend([BufferNotHeld, NotABuffer].map(Reason::Rule)),
        }
        reasons
    }

    /// The release that was named ran at a gate of the same council, for long enough, and nobody has taken it back.
    fn against_predecessor(&self, council: Id, predecessor: &Predecessor) -> Vec<Reason> {
        let Some(gate) = &self.gates[predecessor.gate] else {
            return vec![Reason::Account];
        };
        let mut reasons = vec![];
        if gate.council != council {
            reasons.push(PredecessorInvalid.into());
        }
        // Of this life of an active gate: after an exit nobody knows what runs there.
        let remembered = gate.remembered();
        let found = remembered.iter().position(|release| {
            predecessor.by.is_some()
                && release.by == predecessor.by
                && release.life == gate.life
                && gate.state == GateState::Active
        });
        match found.map(|position| (&remembered[position], remembered.get(position + 1))) {
            None => reasons.push(PredecessorNotExecuted.into()),
            Some((release, successor)) => {
                let ran_until = successor.map_or(self.now, |successor| successor.at);
                if gate.is_revoked(release.build) {
                    reasons.push(PredecessorRevoked.into());
                }
                if ran_until < release.at + i64::from(predecessor.soak) {
                    reasons.push(PredecessorSoaking.into());
                }
            }
        }
        reasons
    }

    /// The program's bytes are replaced.
    fn run(&mut self, id: Id, program: Id, build: Id) {
        let (now, slot, lane) = (self.now, self.slot, self.proposals[id].lane);
        let gate = self.gate_mut(program);
        let left = gate.current().build;
        gate.releases.push(Release {
            build,
            by: Some(id),
            slot,
            at: now,
            life: gate.life,
            revoked: false,
        });
        match lane {
            // The code was voted for anew: whatever was said against it before.
            Lane::Standard | Lane::Emergency => gate.mark(build, false),
            Lane::Rollback => gate.mark(left, true),
            Lane::SafeMode => {}
        }
        gate.last_upgrade = Some(now);
        if lane == Lane::Emergency {
            gate.last_emergency = Some(now);
        }
        let there = &mut self.programs[program];
        there.build = build;
        there.deployed = slot;
        self.spend_buffer(id);
        self.proposals[id].custody = Custody::Consumed;
    }
}
