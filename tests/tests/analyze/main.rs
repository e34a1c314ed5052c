//! The analysis of councils: every smallest set against all subsets, and the findings by name.

mod attackers;
mod brute;
mod findings;
mod warnings;

use bytemuck::Zeroable;
use portcullis::state::GateState;
use portcullis_client::{
    account::Keyed,
    analyze::{analyze, GateReport, Report, Subject},
    Guardianship,
};
use portcullis_tests::*;

const NOW: i64 = 1_800_000_000;
/// As durations of policies are.
const DAY: u32 = 86_400;
/// The bytes of a release that is revoked.
const REVOKED: [u8; 32] = [6; 32];
const P: u8 = ROLE_PROPOSE;
const V: u8 = ROLE_VOTE;
const E: u8 = ROLE_EXECUTE;
const G: u8 = ROLE_GUARD;
const A: u8 = ROLE_ATTEST;

/// In seconds, as reports are.
fn days(count: u64) -> u64 {
    count * u64::from(DAY)
}

/// A member with a key of its own.
fn of(number: usize, roles: u8, weight: u16, attests: u8) -> Member {
    Member {
        key: address(&format!("analyzed {number}")),
        weight: if roles & V != 0 { weight } else { 0 },
        roles,
        attests: if roles & A != 0 { attests } else { 0 },
    }
}

fn council_of(members: Vec<Member>, policy: Policy) -> Keyed<Council> {
    let mut council = Council::zeroed();
    council.push_members(&sorted(members)).unwrap();
    council.policy = policy;
    council.config_epoch = 1;
    Keyed {
        address: address("council"),
        account: council,
    }
}

fn gate_of(policy: Policy) -> Keyed<Gate> {
    let mut gate = Gate::zeroed();
    gate.program = address("program");
    gate.policy = policy;
    gate.life = 1;
    gate.state = GateState::Active as u8;
    gate.release.index = 7;
    gate.earlier[6] = Release {
        sha256: REVOKED,
        index: 6,
        revoked: 1,
        ..Release::default()
    };
    Keyed {
        address: address("gate"),
        account: gate,
    }
}

/// Three of five voters, two of whom propose and execute; one of four guardians; an emergency lane; standbys.
fn sound_members() -> Vec<Member> {
    sorted(vec![
        of(0, P | V | E, 1, 0),
        of(1, P | V | E, 1, 0),
        of(2, V, 1, 0),
        of(3, V, 1, 0),
        of(4, V, 1, 0),
        of(5, G, 0, 0),
        of(6, G, 0, 0),
        of(7, G, 0, 0),
        of(10, G, 0, 0),
    ])
}

fn sound_policy() -> Policy {
    Policy {
        threshold: 3,
        timelock_seconds: 2 * DAY,
        voting_period_seconds: 3 * DAY,
        execution_window_seconds: 2 * DAY,
        min_interval_seconds: 7 * DAY,
        emergency_threshold: 4,
        emergency_timelock_seconds: 3_600,
        emergency_min_interval_seconds: 14 * DAY,
        emergency_veto_threshold: 2,
        standby_validity_seconds: 30 * DAY,
        veto_threshold: 1,
        trigger_threshold: 2,
        ..Policy::default()
    }
}

fn armed() -> PendingSlot {
    PendingSlot {
        proposal: address("standby"),
        eta: NOW,
        expires_at: NOW + 1,
        epoch: 1,
        life: 1,
        base_index: 7,
        ..PendingSlot::default()
    }
}

struct Scene {
    council: Keyed<Council>,
    gate: Keyed<Gate>,
    guardianship: Guardianship,
}

impl Scene {
    fn sound() -> Self {
        let mut gate = gate_of(sound_policy());
        gate.account.pending[2] = armed();
        let council = council_of(
            sound_members(),
            Policy {
                timelock_seconds: 3 * DAY,
                ..sound_policy()
            },
        );
        Self {
            council,
            gate,
            guardianship: Guardianship::Finalized,
        }
    }

    fn with_members(members: Vec<Member>) -> Self {
        let sound = Self::sound();
        Self {
            council: council_of(members, sound.council.account.policy),
            ..sound
        }
    }

    fn report(&self) -> Report {
        analyze(&Subject {
            council: &self.council,
            gates: &[self.gate],
            now: NOW,
            guardianship: Some(self.guardianship),
        })
    }

    fn gate_report(&self) -> GateReport {
        self.report().gates.remove(0)
    }

    fn ids(&self) -> Vec<&'static str> {
        self.report().warnings.iter().map(|w| w.id).collect()
    }
}
