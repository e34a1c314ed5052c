//! Which rules are possible, for whom.

use portcullis::{
    error::PortcullisError::{self, *},
    policy::Policy,
    state::Member,
};

use super::{act::outcome, Council, Id, Model, Outcome, Strictest};

const DAYS_90: u32 = 90 * 24 * 3_600;
const TEN_MINUTES: u32 = 600;
const PROPOSE: u8 = 1;
const EXECUTE: u8 = 4;
const GUARD: u8 = 8;

fn count(members: &[Member], role: u8) -> usize {
    members.iter().filter(|m| m.roles & role != 0).count()
}

fn total_weight(members: &[Member]) -> u32 {
    members.iter().map(|m| u32::from(m.weight)).sum()
}

/// What makes a policy impossible for these members, with this least delay.
pub fn impossible(policy: &Policy, members: &[Member], floor: u32) -> Vec<PortcullisError> {
    let mut broken = vec![];
    let mut demand = |met: bool, rule| {
        if !met {
            broken.push(rule);
        }
    };
    let weight = total_weight(members);
    let guardians = count(members, GUARD);
    let least_delay = floor.max(TEN_MINUTES);
    demand(
        policy.threshold > 0 && policy.threshold <= weight,
        ThresholdUnreachable,
    );
    demand(policy.timelock_seconds >= least_delay, DelayBelowFloor);
    for window in [
        policy.voting_period_seconds,
        policy.execution_window_seconds,
    ] {
        demand(window >= TEN_MINUTES, WindowTooShort);
    }
    for duration in [
        policy.timelock_seconds,
        policy.voting_period_seconds,
        policy.execution_window_seconds,
        policy.min_interval_seconds,
        policy.emergency_timelock_seconds,
        policy.emergency_min_interval_seconds,
        policy.standby_validity_seconds,
    ] {
        demand(duration <= DAYS_90, DurationTooLong);
    }
    demand(
        policy.message_validity_seconds <= 24 * 3_600,
        MessageValidityTooLong,
    );
    demand(
        usize::from(policy.veto_threshold) <= guardians,
        VetoUnreachable,
    );
    demand(
        usize::from(policy.emergency_veto_threshold) <= guardians,
        VetoUnreachable,
    );
    if policy.emergency_threshold > 0 {
        demand(
            policy.emergency_threshold >= policy.threshold && policy.emergency_threshold <= weight,
            EmergencyThresholdInvalid,
        );
        demand(
            policy.emergency_timelock_seconds >= least_delay,
            DelayBelowFloor,
        );
        demand(
            policy.emergency_timelock_seconds <= policy.timelock_seconds
                && policy.emergency_min_interval_seconds > 0,
            EmergencyDelayInvalid,
        );
    } else {
        let unused = policy.emergency_timelock_seconds
            + policy.emergency_min_interval_seconds
            + u32::from(policy.emergency_veto_threshold);
        demand(unused == 0, EmergencyFieldsWithoutLane);
    }
    demand(
        usize::from(policy.trigger_threshold) <= guardians,
        TriggerUnreachable,
    );
    let (triggers, validity) = (policy.trigger_threshold, policy.standby_validity_seconds);
    demand(
        (triggers > 0 && validity > 0) || (triggers == 0 && validity == 0),
        StandbyValidityInvalid,
    );
    for kind in 0..8 {
        let attesters = members.iter().filter(|m| m.attests & (1 << kind) != 0);
        demand(
            usize::from(policy.attestations[kind]) <= attesters.count(),
            AttestationsUnreachable,
        );
    }
    demand(count(members, PROPOSE) > 0, NoProposer);
    demand(
        count(members, EXECUTE) > 0 || policy.flags & 1 == 1,
        NoExecutor,
    );
    demand(policy.flags < 4, UnknownPolicyFlag);
    broken
}

/// Whether each attestation can have an attester of its own: by trying.
pub fn attesters_suffice(required: &[u8; 8], members: &[Member]) -> bool {
    let Some(kind) = (0..8).find(|kind| required[*kind] > 0) else {
        return true;
    };
    let mut fewer = *required;
    fewer[kind] -= 1;
    (0..members.len()).any(|chosen| {
        members[chosen].attests & (1 << kind) != 0 && {
            let mut others = members.to_vec();
            others.remove(chosen);
            attesters_suffice(&fewer, &others)
        }
    })
}

impl Strictest {
    /// With the demands of one more policy.
    pub fn with(mut self, policy: &Policy) -> Self {
        self.threshold = self.threshold.max(policy.threshold);
        self.emergency_threshold = self.emergency_threshold.max(policy.emergency_threshold);
        self.timelock = self.timelock.max(policy.timelock_seconds);
        self.veto = self.veto.max(policy.veto_threshold);
        self.emergency_veto = self.emergency_veto.max(policy.emergency_veto_threshold);
        self.trigger = self.trigger.max(policy.trigger_threshold);
        for kind in 0..8 {
            self.attestations[kind] = self.attestations[kind].max(policy.attestations[kind]);
        }
        if policy.veto_threshold > 0 {
            let easiest = self.easiest_veto.unwrap_or(u8::MAX);
            self.easiest_veto = Some(easiest.min(policy.veto_threshold));
        }
        self.refuses_nonce |= policy.flags & 2 == 0;
        self
    }

    /// Whether a council with this policy is no weaker a door than any gate.
    pub fn is_matched_by(&self, council: &Policy) -> bool {
        council.threshold >= self.threshold
            && council.timelock_seconds >= self.timelock
            && self.easiest_veto.is_none_or(|easiest| {
                council.veto_threshold > 0 && council.veto_threshold <= easiest
            })
            && !(self.refuses_nonce && council.flags & 2 != 0)
    }

    /// Whether these members can do all that the gates demand.
    fn is_met_by(&self, members: &[Member]) -> bool {
        let weight = total_weight(members);
        let guardians = count(members, GUARD) as u8;
        weight >= self.threshold
            && weight >= self.emergency_threshold
            && guardians >= self.veto
            && guardians >= self.emergency_veto
            && guardians >= self.trigger
            && attesters_suffice(&self.attestations, members)
    }
}

impl Council {
    /// What stands against these rules at one of its gates.
    pub fn against_gate_policy(&self, policy: &Policy) -> Vec<PortcullisError> {
        let mut broken = impossible(policy, &self.members, self.floor);
        let strictest = self.strictest.with(policy);
        if !attesters_suffice(&strictest.attestations, &self.members) {
            broken.push(AttestationsUnreachable);
        }
        if !strictest.is_matched_by(&self.policy) {
            broken.push(CouncilWeakerThanGate);
        }
        broken
    }

    /// Whether these rules demand more than the council itself can be asked for.
    fn is_exceeded_by(&self, policy: &Policy) -> bool {
        let own = &self.policy;
        let most_votes = own.threshold.max(own.emergency_threshold);
        let most_vetoes = own.veto_threshold.max(own.emergency_veto_threshold);
        policy.emergency_threshold > most_votes
            || policy.veto_threshold > most_vetoes
            || policy.emergency_veto_threshold > most_vetoes
            || policy.trigger_threshold > own.trigger_threshold.max(own.veto_threshold)
            || (0..8).any(|kind| policy.attestations[kind] > own.attestations[kind])
    }

    /// What stands against taking in a gate with these rules, which only one proposer decides.
    pub fn against_gate(&self, policy: &Policy) -> Vec<PortcullisError> {
        let mut broken = self.against_gate_policy(policy);
        if self.is_exceeded_by(policy) {
            broken.push(PolicyAboveCouncil);
        }
        broken
    }

    /// What stands against rules that a gate has voted for with this threshold: where that is less than the council asks for,
    /// they are bound as those of a new gate are.
    pub fn against_voted(&self, policy: &Policy, threshold: u32) -> Vec<PortcullisError> {
        let mut broken = self.against_gate_policy(policy);
        if threshold < self.policy.threshold && self.is_exceeded_by(policy) {
            broken.push(PolicyAboveCouncil);
        }
        broken
    }

    /// What stands against these members.
    pub fn against_members(&self, members: &[Member]) -> Vec<PortcullisError> {
        let mut broken = impossible(&self.policy, members, self.floor);
        if !self.strictest.is_met_by(members) {
            broken.push(GateCouldNotBeMet);
        }
        broken
    }

    /// What stands against these rules of its own.
    pub fn against_policy(&self, policy: &Policy, floor: u32) -> Vec<PortcullisError> {
        let mut broken = impossible(policy, &self.members, floor);
        if floor < self.floor {
            broken.push(DelayFloorLowered);
        }
        if floor > DAYS_90 {
            broken.push(DurationTooLong);
        }
        if !self.strictest.is_matched_by(policy) {
            broken.push(CouncilWeakerThanGate);
        }
        broken
    }
}

impl Model {
    pub(super) fn seal(&mut self, council: Id) -> Outcome {
        let found = &self.councils[council];
        let mut broken = impossible(&found.policy, &found.members, found.floor);
        if found.epoch > 0 {
            broken.push(CouncilSealed);
        }
        outcome(broken.into_iter().map(Into::into).collect())?;
        self.councils[council].epoch = 1;
        self.councils[council].events += 1;
        Ok(())
    }
}
