//! The slots of what is pending, and `eta`, which is fixed by taking one.

use super::*;

impl Model {
    /// The places where a proposal of this lane may wait.
    fn slots(&mut self, id: Id) -> Vec<&mut Option<Id>> {
        let (parent, lane) = (self.proposals[id].parent, self.proposals[id].lane);
        match parent {
            Parent::Council(council) => vec![&mut self.councils[council].pending],
            Parent::Gate(program) => {
                let places: &[usize] = match lane {
                    Lane::Standard => &[STANDARD],
                    Lane::Emergency => &[EMERGENCY],
                    _ => &STANDBYS,
                };
                let pending = self.gate_mut(program).pending.iter_mut().enumerate();
                pending
                    .filter(|(place, _)| places.contains(place))
                    .map(|(_, slot)| slot)
                    .collect()
            }
        }
    }

    /// The first place that is free, or taken by a dead one.
    pub(super) fn free_slot(&self, id: Id) -> Option<usize> {
        let mut copy = self.clone();
        let taken: Vec<Option<Id>> = copy.slots(id).into_iter().map(|slot| *slot).collect();
        taken
            .into_iter()
            .position(|taken| taken.is_none_or(|taken| !self.seems_live(taken)))
    }

    /// What a slot shows of the proposal in it: all that decides but the bytes of a release that has come since. So a standby
    /// whose base came with other bytes keeps its slot until anyone cleans it up, which everyone can at once.
    fn seems_live(&self, id: Id) -> bool {
        let proposal = &self.proposals[id];
        let mut other = self.clone();
        if let (true, Some((index, build)), Parent::Gate(program)) = (
            proposal.lane.is_standby(),
            &mut other.proposals[id].base,
            proposal.parent,
        ) {
            if *index == self.gate(program).release_index() {
                *build = self.gate(program).current().build;
            }
        }
        other.is_live(id)
    }

    /// Fixes `eta` where all is there that it needs, a slot included.
    pub(super) fn fix_eta(&mut self, id: Id) {
        let proposal = &self.proposals[id];
        if proposal.eta.is_some() || !proposal.is_approved() {
            return;
        }
        if let Some(place) = self.free_slot(id) {
            let earliest = self.now + i64::from(proposal.terms.timelock);
            let eta = earliest.max(proposal.not_before);
            self.proposals[id].eta = Some((eta, self.slot));
            *self.slots(id)[place] = Some(id);
        }
    }

    pub(super) fn unfix_eta(&mut self, id: Id) {
        if !self.proposals[id].is_approved() {
            let proposal = &mut self.proposals[id];
            proposal.eta = None;
            // Guardians asked for what was approved then.
            proposal.triggers.clear();
            proposal.first_trigger = 0;
            self.leave_slot(id);
        }
    }

    fn leave_slot(&mut self, id: Id) {
        for slot in self.slots(id) {
            if *slot == Some(id) {
                *slot = None;
            }
        }
    }

    pub(super) fn end(&mut self, id: Id, end: End, at: i64) {
        self.proposals[id].end = Some((end, at));
        self.leave_slot(id);
    }

    /// One more event in the parent's chain.
    pub(super) fn record(&mut self, id: Id) {
        match self.proposals[id].parent {
            Parent::Gate(program) => self.gate_mut(program).events += 1,
            Parent::Council(council) => self.councils[council].events += 1,
        }
    }
}
