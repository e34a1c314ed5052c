//! Making proposals.

use std::collections::{BTreeMap, BTreeSet};

use portcullis::{
    error::PortcullisError::*,
    policy::Policy,
    state::{Member, ROLE_GUARD, ROLE_PROPOSE},
};

use super::{
    act::{outcome, Proposing},
    *,
};

const DAYS_90: i64 = 90 * 24 * 3_600;

/// The rules of an upgrade in a lane; none where the policy has no such lane.
fn upgrade_terms(policy: &Policy, lane: Lane, floor: u32) -> Option<Terms> {
    let mut terms = change_terms(policy, floor);
    terms.interval = policy.min_interval_seconds;
    terms.attestations = policy.attestations;
    match lane {
        Lane::Standard => {}
        Lane::Emergency => {
            terms.threshold = policy.emergency_threshold;
            terms.timelock = policy.emergency_timelock_seconds.max(floor);
            terms.interval = policy.emergency_min_interval_seconds;
            terms.veto = policy.emergency_veto_threshold;
            if policy.emergency_threshold == 0 {
                return None;
            }
        }
        Lane::Rollback | Lane::SafeMode => {
            terms.window = policy.standby_validity_seconds;
            terms.interval = 0;
            terms.trigger = policy.trigger_threshold;
            if policy.trigger_threshold == 0 {
                return None;
            }
        }
    }
    Some(terms)
}

/// The rules of any other proposal: without attestations and intervals.
fn change_terms(policy: &Policy, floor: u32) -> Terms {
    Terms {
        threshold: policy.threshold,
        timelock: policy.timelock_seconds.max(floor),
        voting_period: policy.voting_period_seconds,
        window: policy.execution_window_seconds,
        message_validity: policy.message_validity_seconds,
        veto: policy.veto_threshold,
        flags: policy.flags,
        ..Terms::default()
    }
}

/// Whether guardians are taken away or replaced, and nothing else happens.
pub fn touches_guardians_only(before: &[Member], after: &[Member]) -> bool {
    let guardians = |members: &[Member]| -> BTreeSet<_> {
        let some = members.iter().filter(|m| m.roles & ROLE_GUARD != 0);
        some.map(|m| m.key).collect()
    };
    // All that members are beside guardians.
    let rest = |members: &[Member]| -> BTreeMap<_, _> {
        let some = members.iter().map(|m| {
            let roles = m.roles & !ROLE_GUARD;
            (m.key, (roles, m.weight, m.attests))
        });
        some.filter(|(_, (roles, ..))| *roles != 0).collect()
    };
    let (old, new) = (guardians(before), guardians(after));
    rest(before) == rest(after) && !old.is_subset(&new) && new.len() <= old.len()
}

impl Model {
    fn against_proposing(&self, parent: Parent, terms: &Proposing) -> Vec<Reason> {
        let council = self.council_of(parent);
        let mut reasons = vec![];
        reasons.extend(
            self.role_missing(council, terms.by, ROLE_PROPOSE)
                .map(Reason::Rule),
        );
        let found = &self.councils[council];
        if found.epoch == 0 {
            reasons.push(CouncilNotSealed.into());
        }
        if found.epoch != terms.epoch {
            reasons.push(EpochMismatch.into());
        }
        let life = match parent {
            Parent::Gate(program) => {
                if self.gate(program).state != GateState::Active {
                    reasons.push(GateNotActive.into());
                }
                self.gate(program).life
            }
            Parent::Council(_) => 0,
        };
        if life != terms.life {
            reasons.push(LifeMismatch.into());
        }
        if terms.not_before < 0 || terms.not_before > self.now + DAYS_90 {
            reasons.push(NotBeforeOutOfRange.into());
        }
        reasons
    }

    /// What stands against an upgrade beside its buffer.
    fn against_upgrade(&self, program: Id, terms: &Proposing) -> Vec<Reason> {
        let mut reasons = self.against_proposing(Parent::Gate(program), terms);
        let gate = self.gate(program);
        let What::Upgrade { build, predecessor } = &terms.what else {
            return vec![NotAnUpgrade.into()];
        };
        let standby = terms.lane.is_standby();
        let (index, base) = terms.base;
        let current = index == gate.release_index() && base == gate.current().build;
        if !(current || standby && index == gate.release_index() + 1) {
            reasons.push(BaseMismatch.into());
        }
        if standby && gate.is_revoked(*build) {
            reasons.push(ReleaseRevoked.into());
        }
        if terms.lane == Lane::Rollback && (!gate.knows(*build) || *build == base) {
            reasons.push(NotAnEarlierRelease.into());
        }
        if let Some(predecessor) = predecessor {
            // It names a proposal; no gate waits for itself; what is urgent waits for nothing.
            if standby
                || predecessor.gate == program
                || i64::from(predecessor.soak) > DAYS_90
                || predecessor.by.is_none()
            {
                reasons.push(PredecessorInvalid.into());
            }
        }
        let floor = self.councils[gate.council].floor;
        if upgrade_terms(&gate.policy, terms.lane, floor).is_none() {
            reasons.push(
                if standby {
                    StandbyLaneOff
                } else {
                    EmergencyLaneOff
                }
                .into(),
            );
        }
        reasons
    }

    fn new_upgrade(&mut self, program: Id, buffer: Id, custody: Custody, terms: &Proposing) {
        let gate = self.gate(program);
        let floor = self.councils[gate.council].floor;
        let rules = upgrade_terms(&gate.policy, terms.lane, floor).expect("a lane");
        self.add(
            Parent::Gate(program),
            terms,
            rules,
            Some(terms.base),
            Some(buffer),
            custody,
        );
    }

    fn add(
        &mut self,
        parent: Parent,
        terms: &Proposing,
        rules: Terms,
        base: Option<(u32, Id)>,
        buffer: Option<Id>,
        custody: Custody,
    ) {
        let council = self.council_of(parent);
        let members = self.councils[council].members.clone();
        let count = match parent {
            Parent::Gate(program) => &mut self.gate_mut(program).proposals,
            Parent::Council(council) => &mut self.councils[council].proposals,
        };
        let index = *count;
        *count += 1;
        self.proposals.push(Proposal {
            parent,
            index,
            what: terms.what.clone(),
            lane: terms.lane,
            proposer: terms.by,
            members,
            epoch: terms.epoch,
            life: terms.life,
            base,
            terms: rules,
            created_slot: self.slot,
            voting_ends: self.now + i64::from(rules.voting_period),
            not_before: terms.not_before,
            buffer,
            custody,
            approvals: BTreeSet::new(),
            rejections: BTreeSet::new(),
            vetoes: BTreeSet::new(),
            triggers: BTreeSet::new(),
            first_trigger: 0,
            retracted: BTreeSet::new(),
            attested: BTreeMap::new(),
            weight: 0,
            eta: None,
            end: None,
            closed: false,
        });
        self.record(self.proposals.len() - 1);
    }

    pub(super) fn propose_upgrade(
        &mut self,
        program: Id,
        buffer: Id,
        terms: &Proposing,
    ) -> Outcome {
        if self.gates[program].is_none() {
            return Err(vec![Reason::Account]);
        }
        let mut reasons = self.against_upgrade(program, terms);
        match self.buffers[buffer].content {
            None => reasons.push(NotABuffer.into()),
            Some((holder, found)) => {
                if holder != Holder::Person(terms.by) {
                    reasons.push(BufferAuthorityMismatch.into());
                }
                if matches!(&terms.what, What::Upgrade { build, .. } if !hash::is_exact(found, *build))
                {
                    reasons.push(BufferNotExact.into());
                }
            }
        }
        outcome(reasons)?;
        if let Some((holder, _)) = &mut self.buffers[buffer].content {
            *holder = Holder::Gate(program);
        }
        self.new_upgrade(program, buffer, Custody::Held, terms);
        Ok(())
    }

    pub(super) fn repropose(&mut self, former: Id, terms: &Proposing) -> Outcome {
        let mut reasons = self.there(former)?;
        let old = &self.proposals[former];
        let (Parent::Gate(program), What::Upgrade { build, .. }, Some(buffer)) =
            (old.parent, &old.what, old.buffer)
        else {
            return Err(vec![
                BufferReleased.into(),
                ProposalStillLive.into(),
                Reason::Account,
            ]);
        };
        if self.is_live(former) {
            reasons.push(ProposalStillLive.into());
        }
        if !old.is_held() {
            reasons.push(BufferReleased.into());
        }
        if old.proposer != terms.by {
            reasons.push(NotTheProposer.into());
        }
        if !matches!(&terms.what, What::Upgrade { build: new, .. } if new == build) {
            reasons.push(HashMismatch.into());
        }
        reasons.extend(self.against_upgrade(program, terms));
        let custody = old.custody;
        outcome(reasons)?;
        self.write_end(former);
        self.proposals[former].custody = Custody::Carried;
        self.new_upgrade(program, buffer, custody, terms);
        Ok(())
    }

    /// What stands against a change, when it is proposed and again when it is executed.
    /// `threshold`: of the vote.
    pub(super) fn against_change(
        &self,
        parent: Parent,
        what: &What,
        threshold: u32,
    ) -> Vec<Reason> {
        let council = &self.councils[self.council_of(parent)];
        let of_council = matches!(parent, Parent::Council(_));
        let mut reasons: Vec<Reason> = vec![];
        match (what, parent) {
            (What::Upgrade { .. }, _) => reasons.push(NotAChange.into()),
            (What::Council(_), Parent::Gate(_)) => reasons.push(NotOfTheCouncil.into()),
            (What::Council(change), Parent::Council(_)) => {
                let (after, wrong) = council.with(change);
                reasons.extend(wrong.into_iter().map(Reason::Rule));
                if reasons.is_empty() {
                    let broken = council.against_members(&after);
                    reasons.extend(broken.into_iter().map(Reason::Rule));
                }
            }
            (What::Policy(change), Parent::Council(_)) => {
                let broken = council.against_policy(&change.policy, change.delay_floor_seconds);
                reasons.extend(broken.into_iter().map(Reason::Rule));
            }
            (What::Policy(change), Parent::Gate(_)) => {
                if change.delay_floor_seconds != 0 {
                    reasons.push(DelayFloorOfAGate.into());
                }
                let broken = council.against_voted(&change.policy, threshold);
                reasons.extend(broken.into_iter().map(Reason::Rule));
            }
            (_, Parent::Council(_)) if of_council => reasons.push(NotOfAGate.into()),
            (What::Move { council, .. }, Parent::Gate(program))
                if self.gate(program).council == *council =>
            {
                reasons.push(SameCouncil.into());
            }
            (What::Revoke { build }, Parent::Gate(program))
                if !self.gate(program).knows(*build) =>
            {
                reasons.push(NotAnEarlierRelease.into());
            }
            _ => {}
        }
        reasons
    }

    pub(super) fn propose_change(&mut self, parent: Parent, terms: &Proposing) -> Outcome {
        if let Parent::Gate(program) = parent {
            if self.gates[program].is_none() {
                return Err(vec![Reason::Account]);
            }
        }
        let mut reasons = self.against_proposing(parent, terms);
        let threshold = self.policy_of(parent).threshold;
        reasons.extend(self.against_change(parent, &terms.what, threshold));
        outcome(reasons)?;
        let council = &self.councils[self.council_of(parent)];
        let mut rules = match parent {
            Parent::Gate(program) => change_terms(&self.gate(program).policy, council.floor),
            Parent::Council(_) => change_terms(&council.policy, council.floor),
        };
        if let What::Council(change) = &terms.what {
            if touches_guardians_only(&council.members, &council.with(change).0) {
                rules.veto = 0;
                rules.timelock *= 2;
            }
        }
        let base = match (&terms.what, parent) {
            (What::Finalize, Parent::Gate(program)) => {
                let gate = self.gate(program);
                Some((gate.release_index(), gate.current().build))
            }
            _ => None,
        };
        self.add(parent, terms, rules, base, None, Custody::None);
        Ok(())
    }
}
