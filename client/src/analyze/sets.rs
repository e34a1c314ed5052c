//! Which sets of members suffice for something, and which suffice to stop it.
//!
//! Every answer is exact and takes polynomial time. That it is the smallest follows from three facts:
//!
//! - *Attestations are a transversal matroid.* An attester gives one kind a proposal, so a set of members can attest when its
//!   attesters can be assigned to the required places. By Hall's theorem that is the case exactly when for every subset of
//!   the required kinds there are at least as many attesters of one of these kinds as the subset has places: at most 255
//!   conditions.
//! - *The heaviest set of each size is found greedily.* The sets whose complement is taken away from all members without
//!   losing the attestations are the spanning sets of that matroid, so the complements are the independent sets of its dual,
//!   and the lightest independent set of each size is what taking away the lightest member first gives. The two members that
//!   propose and execute are tried in every combination and never taken away: that is the same matroid on fewer members.
//! - *Stopping is a matter of one role.* Something fails when its proposers, its executors, its voters' weight or its
//!   attestations fail, so a smallest stopping set lies within one of these groups. Of voters the heaviest are taken first;
//!   attestations fail when one of Hall's conditions does, so one member more than the condition can spare.

use std::cmp::Reverse;

use portcullis::{
    constants::ATTESTATION_KINDS,
    state::{Member, ROLE_EXECUTE, ROLE_PROPOSE, ROLE_VOTE},
};

/// Members by position, as a bitmap.
pub type Set = u64;

/// What a proposal needs of these members from its creation to its execution.
#[derive(Clone, Debug)]
pub struct Task<'a> {
    members: &'a [Member],
    /// Weight of approvals.
    pub threshold: u32,
    /// A member with EXECUTE is needed.
    pub executor: bool,
    conditions: Vec<Condition>,
}

/// One of Hall's conditions: that many of these attesters are needed at least.
#[derive(Clone, Copy, Debug)]
struct Condition {
    attesters: Set,
    count: u32,
}

/// Who stops a proposal by doing nothing.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Group {
    Proposers,
    Voters,
    Attesters,
    Executors,
}

/// The bit of a position; a council has at most 64 members.
fn bit(position: usize) -> Set {
    u32::try_from(position)
        .ok()
        .and_then(|position| 1u64.checked_shl(position))
        .unwrap_or_default()
}

/// The members for which `choose` holds.
pub fn select(members: &[Member], choose: impl Fn(&Member) -> bool) -> Set {
    members
        .iter()
        .enumerate()
        .filter(|(_, member)| choose(member))
        .fold(0, |set, (position, _)| set | bit(position))
}

/// The members of a set, in the council's order.
pub fn of(members: &[Member], set: Set) -> impl Iterator<Item = &Member> {
    members
        .iter()
        .enumerate()
        .filter(move |(position, _)| set & bit(*position) != 0)
        .map(|(_, member)| member)
}

/// What the votes of a set weigh.
pub fn weight(members: &[Member], set: Set) -> u32 {
    of(members, set)
        .map(|member| u32::from(member.weight))
        .sum()
}

/// The `count` heaviest of a set, or all where it is smaller; of equals the first.
pub fn heaviest(members: &[Member], set: Set, count: u32) -> Set {
    by_weight(members)
        .into_iter()
        .rev()
        .map(bit)
        .filter(|bit| set & bit != 0)
        .take(count as usize)
        .fold(0, |taken, bit| taken | bit)
}

/// Positions, lightest first; of equals the last.
fn by_weight(members: &[Member]) -> Vec<usize> {
    let mut order: Vec<usize> = (0..members.len()).collect();
    order.sort_by_key(|position| {
        (
            members.get(*position).map(|member| member.weight),
            Reverse(*position),
        )
    });
    order
}

impl<'a> Task<'a> {
    /// A task for at most 64 members. `attestations`: how many of each kind.
    pub fn new(
        members: &'a [Member],
        threshold: u32,
        executor: bool,
        attestations: &[u8; ATTESTATION_KINDS],
    ) -> Self {
        let kinds = (0..=u8::MAX).skip(1).filter(|kinds| {
            // A kind that is not required makes no condition tighter.
            attestations
                .iter()
                .enumerate()
                .all(|(kind, count)| kinds >> kind & 1 == 0 || *count > 0)
        });
        let conditions = kinds
            .map(|kinds| Condition {
                attesters: select(members, |member| member.attests & kinds != 0),
                count: attestations
                    .iter()
                    .enumerate()
                    .filter(|(kind, _)| kinds >> kind & 1 == 1)
                    .map(|(_, count)| u32::from(*count))
                    .sum(),
            })
            .collect();
        Self {
            members,
            threshold,
            executor,
            conditions,
        }
    }

    /// All members.
    pub fn all(&self) -> Set {
        select(self.members, |_| true)
    }

    fn attested_by(&self, set: Set) -> bool {
        self.conditions
            .iter()
            .all(|condition| (set & condition.attesters).count_ones() >= condition.count)
    }

    /// Whether all required attestations can be given together.
    pub fn can_be_attested(&self) -> bool {
        self.attested_by(self.all())
    }

    /// Whether these members alone can do it.
    pub fn is_met_by(&self, set: Set) -> bool {
        let has = |role| of(self.members, set).any(|member| member.has(role));
        has(ROLE_PROPOSE)
            && (!self.executor || has(ROLE_EXECUTE))
            && weight(self.members, set) >= self.threshold
            && self.attested_by(set)
    }

    /// A smallest set of members that can do it alone; `None` where all together cannot.
    pub fn smallest(&self) -> Option<Set> {
        self.smallest_within(self.all())
    }

    /// A smallest part of a set that can do it alone; `None` where the whole set cannot.
    pub fn smallest_within(&self, set: Set) -> Option<Set> {
        let set = set & self.all();
        if !self.is_met_by(set) {
            return None;
        }
        let executors = if self.executor {
            self.distinct(set, ROLE_EXECUTE)
        } else {
            vec![0]
        };
        let order = by_weight(self.members);
        self.distinct(set, ROLE_PROPOSE)
            .into_iter()
            .flat_map(|proposer| executors.iter().map(move |executor| proposer | executor))
            .map(|fixed| self.smallest_with(set, fixed, &order))
            .min_by_key(|set| set.count_ones())
    }

    /// A smallest part of `set` that contains `fixed`, which proposes and executes. `order`: positions, lightest first.
    fn smallest_with(&self, mut set: Set, fixed: Set, order: &[usize]) -> Set {
        let mut left = weight(self.members, set);
        for position in order {
            let bit = bit(*position);
            let own = weight(self.members, bit);
            if fixed & bit != 0 || set & bit == 0 {
                continue;
            }
            // All sets of this sequence are the heaviest of their size, so no smaller one is heavy enough.
            if left.saturating_sub(own) < self.threshold {
                break;
            }
            if self.attested_by(set & !bit) {
                set &= !bit;
                left = left.saturating_sub(own);
            }
        }
        set
    }

    /// Those of a set with a role, one of each sort: members who differ in nothing but the key are interchangeable.
    fn distinct(&self, set: Set, role: u8) -> Vec<Set> {
        let mut sorts = Vec::new();
        let mut bits = Vec::new();
        for (position, member) in self.members.iter().enumerate() {
            let sort = (member.weight, member.roles, member.attests);
            let bit = bit(position);
            if set & bit != 0 && member.has(role) && !sorts.contains(&sort) {
                sorts.push(sort);
                bits.push(bit);
            }
        }
        bits
    }

    /// For each group a smallest part of it without which the rest cannot do it. Empty where it cannot be done at all for
    /// lack of this group; a group that is not needed is left out.
    pub fn stops(&self) -> Vec<(Group, Set)> {
        let with = |role| select(self.members, |member| member.has(role));
        let mut stops = vec![(Group::Voters, self.voters_to_stop())];
        if let Some(attesters) = self.attesters_to_stop() {
            stops.push((Group::Attesters, attesters));
        }
        stops.push((Group::Proposers, with(ROLE_PROPOSE)));
        if self.executor {
            stops.push((Group::Executors, with(ROLE_EXECUTE)));
        }
        stops
    }

    /// The weight that stops it: with it away, the rest weighs less than the threshold.
    pub fn stopping_weight(&self) -> u32 {
        weight(self.members, self.all())
            .saturating_add(1)
            .saturating_sub(self.threshold)
    }

    fn voters_to_stop(&self) -> Set {
        let voters = select(self.members, |member| member.has(ROLE_VOTE));
        let enough = |count: &u32| {
            weight(self.members, heaviest(self.members, voters, *count)) >= self.stopping_weight()
        };
        // All voters together are enough, since a threshold is at least one.
        let count = (0..voters.count_ones())
            .find(enough)
            .unwrap_or(voters.count_ones());
        heaviest(self.members, voters, count)
    }

    fn attesters_to_stop(&self) -> Option<Set> {
        // The place that each condition cannot spare.
        self.conditions
            .iter()
            .map(|condition| {
                let have = condition.attesters.count_ones();
                let count = have.saturating_add(1).saturating_sub(condition.count);
                (count, condition)
            })
            .min_by_key(|(count, _)| *count)
            .map(|(count, condition)| heaviest(self.members, condition.attesters, count))
    }
}
