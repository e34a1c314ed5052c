//! Other members and other policies, possible ones and impossible ones.

use portcullis::{
    change::CouncilChange,
    policy::Policy,
    state::{Member, ROLE_GUARD},
};

use super::{steps::pick, *};

impl Council {
    /// Some change of members.
    pub(super) fn change(&self, c: u8, d: u8) -> CouncilChange {
        let person = |number: u8| usize::from(number) % start::people();
        let member = |id: Id, roles: u8, weight: u16| Member {
            key: start::key(id),
            weight: if roles & 2 != 0 { weight } else { 0 },
            roles,
            attests: if roles & 16 != 0 { 1 + d % 3 } else { 0 },
        };
        let old = self.members[usize::from(c) % self.members.len()];
        let guardians = self.members.iter().filter(|m| m.roles & ROLE_GUARD != 0);
        let guardians: Vec<Member> = guardians.copied().collect();
        let guardian = pick(&guardians, c).unwrap_or(old);
        let new = |roles, weight| vec![member(person(d), roles, weight)];
        let (remove, add) = match c % 9 {
            // Another guardian; a guardian leaves; a guardian loses that role alone.
            0 => (vec![guardian.key], new(ROLE_GUARD, 0)),
            1 => (vec![guardian.key], vec![]),
            2 => (
                vec![guardian.key],
                vec![Member {
                    roles: (guardian.roles & !ROLE_GUARD).max(1),
                    ..guardian
                }],
            ),
            3 => (vec![], new(d / 8, u16::from(d % 3))),
            4 => (vec![old.key], new(old.roles, old.weight)),
            5 => (vec![old.key], vec![]),
            6 => (
                vec![old.key],
                vec![Member {
                    weight: u16::from(d % 4),
                    ..old
                }],
            ),
            7 => (vec![start::key(person(d))], vec![]),
            _ => (vec![old.key], vec![old]),
        };
        CouncilChange { remove, add }
    }
}

/// A policy that differs in one thing, for better or worse.
pub fn vary(policy: &Policy, which: u8, how: u8) -> Policy {
    let mut p = *policy;
    let day = 86_400;
    let among = |values: &[u32]| values[usize::from(how) % values.len()];
    match which % 16 {
        0 => p.threshold = among(&[0, 1, 2, 3, 4, 9]),
        1 => p.timelock_seconds = among(&[599, 1_799, 1_800, 3_600, day, 2 * day, 3 * day]),
        2 => p.veto_threshold = among(&[0, 1, 2, 3]) as u8,
        3 => {
            p.emergency_threshold = 0;
            p.emergency_timelock_seconds = among(&[0, 0, 0, 3_600]);
            p.emergency_min_interval_seconds = 0;
            p.emergency_veto_threshold = 0;
        }
        4 => {
            p.emergency_threshold = among(&[0, 1, 2, 3, 4, 9]);
            p.emergency_timelock_seconds = p.emergency_timelock_seconds.max(3_600);
            p.emergency_min_interval_seconds = p.emergency_min_interval_seconds.max(day);
        }
        5 => p.attestations[0] = among(&[0, 1, 2, 3]) as u8,
        6 => p.attestations[1] = among(&[0, 1, 2]) as u8,
        7 => {
            p.trigger_threshold = among(&[0, 1, 2, 3]) as u8;
            p.standby_validity_seconds = u32::from(p.trigger_threshold.min(1)) * 9 * day;
        }
        8 => p.flags = among(&[0, 1, 2, 3, 4]) as u8,
        9 => p.voting_period_seconds = among(&[599, 600, day, 90 * day, 90 * day + 1]),
        10 => p.execution_window_seconds = among(&[599, 600, day, 90 * day, 90 * day + 1]),
        11 => p.min_interval_seconds = among(&[0, 3_600, 5 * day, 90 * day + 1]),
        12 => p.message_validity_seconds = among(&[0, 86_400, 86_401]),
        13 => p.standby_validity_seconds = among(&[0, 600, 9 * day]),
        14 => p.emergency_timelock_seconds = among(&[0, 600, 1_800, day, 4 * day]),
        _ => p.emergency_veto_threshold = among(&[0, 1, 2, 3]) as u8,
    }
    p
}
