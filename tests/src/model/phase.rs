//! What a proposal is now: from what it was made for, what has happened to it, and the time.

use super::*;

impl Model {
    /// Whether what the proposal was made for is still so: epoch, life, release. A standby may wait for the next release.
    pub fn is_current(&self, id: Id) -> bool {
        let proposal = &self.proposals[id];
        if self.councils[self.council_of(proposal.parent)].epoch != proposal.epoch {
            return false;
        }
        let Parent::Gate(program) = proposal.parent else {
            return true;
        };
        let gate = self.gate(program);
        if gate.life != proposal.life {
            return false;
        }
        match proposal.base {
            None => true,
            Some(_) if self.base_runs(id) => true,
            Some((index, _)) => proposal.lane.is_standby() && index == gate.release_index() + 1,
        }
    }

    /// Whether the release that it builds on is the one that runs.
    pub fn base_runs(&self, id: Id) -> bool {
        let proposal = &self.proposals[id];
        match (proposal.base, proposal.parent) {
            (Some((index, build)), Parent::Gate(program)) => {
                let gate = self.gate(program);
                index == gate.release_index() && build == gate.current().build
            }
            _ => true,
        }
    }

    /// What a proposal is now. A time that has run out comes before what else may have happened.
    pub fn phase(&self, id: Id) -> Phase {
        let proposal = &self.proposals[id];
        if let Some((end, _)) = proposal.end {
            return Phase::Ended(end);
        }
        if self.now >= proposal.deadline() {
            return Phase::Ended(End::Expired);
        }
        if !self.is_current(id) {
            return Phase::Ended(End::Stale);
        }
        if proposal.custody == Custody::Held {
            return Phase::Draft;
        }
        let Some((eta, queued)) = proposal.eta else {
            return Phase::Voting;
        };
        let slots = self.slot - queued;
        if self.now < eta || slots < u64::from(proposal.terms.timelock) || !self.base_runs(id) {
            Phase::Queued
        } else if proposal.lane.is_standby() {
            Phase::Armed
        } else {
            Phase::Ready
        }
    }

    pub fn is_live(&self, id: Id) -> bool {
        !matches!(self.phase(id), Phase::Ended(_))
    }
}
