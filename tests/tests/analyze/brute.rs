//! Every smallest set against all subsets of up to ten members.

use portcullis_client::analyze::{
    sets::{self, Group, Set, Task},
    AttackPath, Capability, DefenceWay, DoorKind, StopWay,
};
use proptest::{array, collection, prelude::*};

use super::*;

/// Whether these attesters can give what is required, each one kind: tries every assignment.
fn assigns(attesters: &[u8], required: [u8; 8]) -> bool {
    if required == [0; 8] {
        return true;
    }
    let Some((kinds, rest)) = attesters.split_first() else {
        return false;
    };
    assigns(rest, required)
        || (0..8)
            .filter(|kind| kinds >> kind & 1 == 1 && required[*kind] > 0)
            .any(|kind| {
                let mut left = required;
                left[kind] -= 1;
                assigns(rest, left)
            })
}

#[derive(Clone, Debug)]
struct Case {
    members: Vec<Member>,
    threshold: u32,
    executor: bool,
    attestations: [u8; 8],
}

impl Case {
    fn task(&self) -> Task<'_> {
        Task::new(
            &self.members,
            self.threshold,
            self.executor,
            &self.attestations,
        )
    }

    fn chosen(&self, set: Set) -> Vec<&Member> {
        (0..self.members.len())
            .filter(|position| set >> position & 1 == 1)
            .map(|position| &self.members[position])
            .collect()
    }

    /// What these members lack, group by group.
    fn lacks(&self, set: Set, group: Group) -> bool {
        let members = self.chosen(set);
        let has = |role| members.iter().any(|member| member.roles & role != 0);
        match group {
            Group::Proposers => !has(P),
            Group::Executors => self.executor && !has(E),
            Group::Voters => {
                members.iter().map(|m| u32::from(m.weight)).sum::<u32>() < self.threshold
            }
            Group::Attesters => {
                let kinds: Vec<u8> = members.iter().map(|member| member.attests).collect();
                !assigns(&kinds, self.attestations)
            }
        }
    }

    fn can(&self, set: Set) -> bool {
        [
            Group::Proposers,
            Group::Executors,
            Group::Voters,
            Group::Attesters,
        ]
        .into_iter()
        .all(|group| !self.lacks(set, group))
    }

    fn subsets(&self) -> impl Iterator<Item = Set> {
        0..1u64 << self.members.len()
    }
}

fn any_members(most: usize) -> impl Strategy<Value = Vec<Member>> {
    let member = (1..32u8, 1..6u16, 1..8u8);
    collection::vec(member, 1..=most).prop_map(|members| {
        members
            .into_iter()
            .enumerate()
            .map(|(number, (roles, weight, attests))| of(number, roles, weight, attests))
            .collect()
    })
}

prop_compose! {
    fn any_case()(
        members in any_members(10),
        threshold in 1..15u32,
        executor: bool,
        kinds in array::uniform3(prop_oneof![2 => Just(0u8), 2 => Just(1u8), 1 => Just(2u8)]),
    ) -> Case {
        let mut attestations = [0; 8];
        attestations[..3].copy_from_slice(&kinds);
        Case { members, threshold, executor, attestations }
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(512))]

    #[test]
    fn the_set_that_pushes_through_is_the_smallest_of_all(case in any_case()) {
        let least = case.subsets().filter(|set| case.can(*set)).map(Set::count_ones).min();
        let found = case.task().smallest();
        prop_assert_eq!(found.map(Set::count_ones), least);
        if let Some(found) = found {
            prop_assert!(case.can(found));
        }
        for set in case.subsets() {
            prop_assert_eq!(case.task().is_met_by(set), case.can(set));
        }
    }

    #[test]
    fn the_smallest_part_of_a_set_is_the_smallest(case in any_case(), within: u64) {
        let least = case
            .subsets()
            .filter(|set| set & !within == 0 && case.can(*set))
            .map(Set::count_ones)
            .min();
        let found = case.task().smallest_within(within);
        prop_assert_eq!(found.map(Set::count_ones), least);
        prop_assert!(found.is_none_or(|found| found & !within == 0 && case.can(found)));
    }

    #[test]
    fn each_set_that_stops_is_the_smallest_of_its_group_and_one_is_the_smallest_of_all(
        case in any_case(),
    ) {
        let task = case.task();
        let all = task.all();
        let stops = task.stops();
        for (group, set) in &stops {
            let least = case
                .subsets()
                .filter(|away| case.lacks(all & !away, *group))
                .map(Set::count_ones)
                .min();
            prop_assert!(case.lacks(all & !set, *group), "{:?}", group);
            prop_assert_eq!(Some(set.count_ones()), least, "{:?}", group);
        }
        let least = case
            .subsets()
            .filter(|away| !case.can(all & !away))
            .map(Set::count_ones)
            .min();
        prop_assert_eq!(stops.iter().map(|(_, set)| set.count_ones()).min(), least);
        // By weight: any voters of this weight stop it, and none that weigh less.
        for set in case.subsets() {
            let stopped = case.lacks(all & !set, Group::Voters);
            prop_assert_eq!(stopped, sets::weight(&case.members, set) >= task.stopping_weight());
        }
    }

    #[test]
    fn what_is_said_of_a_whole_council_holds_for_every_subset(
        members in any_members(8),
        threshold in 1..10u32,
        veto_threshold in 0..3u8,
        trigger_threshold in 0..3u8,
        build in 0..3u8,
    ) {
        let members = sorted(members);
        let mut attestations = [0; 8];
        attestations[0] = build;
        let gate_policy = Policy {
            threshold,
            veto_threshold,
            trigger_threshold,
            attestations,
            ..policy()
        };
        let council_policy = Policy { threshold: threshold + 1, attestations: [0; 8], ..gate_policy };
        let council = council_of(members.clone(), council_policy);
        let report = analyze(&Subject {
            council: &council,
            gates: &[gate_of(gate_policy)],
            now: NOW,
            guardianship: None,
        });
        let case = |threshold, attestations, executor| Case {
            members: members.clone(),
            threshold,
            executor,
            attestations,
        };
        let change = case(threshold + 1, [0; 8], true);
        let gate = &report.gates[0];
        let guards = |set: Set| change.chosen(set).iter().filter(|m| m.has(G)).count();
        let all = (1u64 << members.len()) - 1;
        let bits = |keys: &[Pubkey]| sets::select(&members, |member| keys.contains(&member.key));

        for door in gate.doors.iter().chain(&report.doors) {
            let executor = door.kind != DoorKind::Standby;
            let case = case(door.threshold, door.attestations, executor);
            prop_assert_eq!(door.push.is_some(), case.can(all));
            for stop in &door.stops {
                let set = bits(&stop.keys.keys);
                // Whoever is left can change the council, or cannot.
                prop_assert_eq!(stop.lifted_after_seconds.is_some(), change.can(all & !set));
                match stop.way {
                    StopWay::Veto => prop_assert!(guards(set) >= usize::from(door.veto_threshold)),
                    _ => prop_assert!(!case.can(all & !set)),
                }
            }
        }
        for (losses, gate) in [(&gate.losses, true), (&report.losses, false)] {
            for loss in losses {
                let ends = |away: Set| {
                    let left = all & !away;
                    match loss.capability {
                        Capability::Upgrade => !case(threshold, attestations, true).can(left),
                        Capability::ArmStandby => !case(threshold, attestations, false).can(left),
                        Capability::ChangeGate => !case(threshold, [0; 8], true).can(left),
                        Capability::ChangeCouncil => !change.can(left),
                        Capability::TriggerStandby => guards(left) < usize::from(trigger_threshold),
                        Capability::Veto | Capability::VetoCouncilChange =>
                            guards(left) < usize::from(veto_threshold),
                        Capability::EmergencyUpgrade | Capability::EmergencyVeto => unreachable!(),
                    }
                };
                let lost = bits(&loss.keys.keys);
                prop_assert!(ends(lost));
                let least = (0..=all).filter(|away| ends(*away)).map(Set::count_ones).min();
                prop_assert_eq!(least, Some(loss.keys.count), "{:?}", loss.capability);
                prop_assert_eq!(loss.replaceable, change.can(all & !lost));
            }
            prop_assert!(losses.is_sorted_by_key(|loss| loss.keys.count));
            let veto = usize::from(veto_threshold > 0);
            let standby = 2 * usize::from(trigger_threshold > 0);
            prop_assert_eq!(losses.len(), if gate { 3 + 2 * veto + standby } else { 1 + veto });
        }
        // Any so many keys can be spared, and not any one more, unless not even all can change the council.
        let least = (0..=all).filter(|away| !change.can(all & !away)).map(Set::count_ones).min();
        prop_assert_eq!(report.spare_keys, least.map_or(0, |count| count.saturating_sub(1)));
        for attack in &gate.attacks {
            let held = bits(&attack.keys.keys);
            let needs = match attack.path {
                AttackPath::Upgrade => case(threshold, attestations, true),
                AttackPath::TakeAuthority => case(threshold, [0; 8], true),
                AttackPath::ReplaceGuardians => change.clone(),
                AttackPath::EmergencyUpgrade | AttackPath::TriggerStandby => unreachable!(),
            };
            prop_assert!(needs.can(held));
            let fewer = (0..=all).filter(|set| set.count_ones() < attack.keys.count);
            prop_assert!(!fewer.into_iter().any(|set| needs.can(set)));
            let vetoes = attack.defences.iter().any(|d| d.way == DefenceWay::Veto);
            let guarded = attack.path != AttackPath::ReplaceGuardians
                && veto_threshold > 0
                && guards(all & !held) >= usize::from(veto_threshold);
            prop_assert_eq!(vetoes, guarded);
        }
    }
}

#[test]
fn the_largest_council_with_the_hardest_rules_is_analyzed() {
    // Every member can do everything, so the heaviest alone are the answer.
    let members: Vec<Member> = (0..64)
        .map(|number| of(number as usize, P | V | E | G | A, 1 + 7 * number, 255))
        .collect();
    let total: u32 = members.iter().map(|member| u32::from(member.weight)).sum();
    let threshold = total / 2;
    let task = Task::new(&members, threshold, true, &[2; 8]);
    let mut weights: Vec<u32> = members.iter().map(|m| u32::from(m.weight)).collect();
    weights.sort_unstable_by(|a, b| b.cmp(a));
    let enough = (1..=64).find(|count| weights.iter().take(*count).sum::<u32>() >= threshold);
    let set = task.smallest().unwrap();
    assert!(task.is_met_by(set));
    assert_eq!(set.count_ones() as usize, enough.unwrap());

    let heavy_attesters_only = members.iter().map(|member| Member {
        attests: if member.weight > 7 * 50 { 255 } else { 0 },
        roles: if member.weight > 7 * 50 {
            V | A
        } else {
            V | P | E
        },
        ..*member
    });
    let members: Vec<Member> = heavy_attesters_only.collect();
    let task = Task::new(&members, 1, true, &[1; 8]);
    // Eight attesters, and one who proposes and executes.
    assert_eq!(task.smallest().map(Set::count_ones), Some(9));
    let stops = task.stops();
    let attesters = stops.iter().find(|(group, _)| *group == Group::Attesters);
    assert_eq!(attesters.unwrap().1.count_ones(), 14 - 8 + 1);
}

#[test]
fn an_attester_of_two_kinds_counts_once() {
    let members = vec![of(0, P | V | E, 1, 0), of(1, A, 0, 3)];
    let task = |attestations| Task::new(&members, 1, true, attestations).can_be_attested();
    assert!(task(&[1, 0, 0, 0, 0, 0, 0, 0]));
    assert!(task(&[0, 1, 0, 0, 0, 0, 0, 0]));
    assert!(!task(&[1, 1, 0, 0, 0, 0, 0, 0]));
}
