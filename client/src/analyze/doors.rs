//! The ways through which a program or a council can be changed, who opens each, and who keeps it shut.

use portcullis::{
    constants::ATTESTATION_KINDS,
    lifecycle::Lane,
    policy::{Snapshot, FLAG_ANYONE_MAY_EXECUTE},
    state::{Council, Gate, Member, ROLE_GUARD},
};
use serde::Serialize;
use solana_sdk::pubkey::Pubkey;

use super::sets::{self, Group, Set, Task};

/// A way to change something.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum DoorKind {
    /// An upgrade in the standard lane.
    Standard,
    /// An upgrade in the emergency lane.
    Emergency,
    /// Approving and arming a standby; guardians trigger it.
    Standby,
    /// A gate's other actions: other rules, another council, no authority any more, or another upgrade authority.
    GateChange,
    /// Other members or rules of the council.
    CouncilChange,
    /// Removal or replacement of guardians and nothing else: without a veto, after twice the timelock.
    GuardianChange,
}

/// Members who together can do something.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize)]
pub struct Keys {
    pub count: u32,
    /// What their votes weigh.
    pub weight: u32,
    #[serde(serialize_with = "super::texts")]
    pub keys: Vec<Pubkey>,
}

/// Who stops a proposal.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum StopWay {
    /// Guardians veto it.
    Veto,
    /// Voters reject it, or do not vote.
    Voters,
    /// Attesters do not attest, or revoke.
    Attesters,
    /// Nobody proposes.
    Proposers,
    /// Nobody executes.
    Executors,
}

/// A smallest set of keys that stops everything that would go through a door.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Stop {
    pub way: StopWay,
    pub keys: Keys,
    /// Voters of any number stop it if they weigh this much.
    pub weight_needed: Option<u32>,
    /// How long, at most, a proposal stays open against them before it is dead. Seconds; zero: they end it at once.
    pub open_for_seconds: u64,
    /// When the others have put somebody else in their place, if they begin at once. Seconds; `None`: they cannot.
    pub lifted_after_seconds: Option<u64>,
}

/// A door.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Door {
    pub kind: DoorKind,
    /// Weight of approvals.
    pub threshold: u32,
    /// Attestations by kind.
    pub attestations: [u8; ATTESTATION_KINDS],
    pub anyone_may_execute: bool,
    /// Guardians who veto. Zero: nobody can.
    pub veto_threshold: u8,
    /// From the last needed approval to the earliest execution.
    pub delay_seconds: u64,
    pub voting_period_seconds: u32,
    /// In which it can be executed; of a standby, triggered.
    pub execution_window_seconds: u32,
    pub min_interval_seconds: u32,
    /// A smallest set of keys that pushes something through, if nobody stops them; `None` where all members cannot.
    pub push: Option<Keys>,
    /// The smallest sets that keep it shut, by the way in which they do.
    pub stops: Vec<Stop>,
}

/// A door and what it needs.
pub(super) type Opened<'a> = (Door, Task<'a>);

impl Keys {
    pub(super) fn of(members: &[Member], set: Set) -> Self {
        Self {
            count: set.count_ones(),
            weight: sets::weight(members, set),
            keys: sets::of(members, set).map(|member| member.key).collect(),
        }
    }

    /// The set that these keys are of `members`.
    pub(super) fn set(&self, members: &[Member]) -> Set {
        sets::select(members, |member| self.keys.contains(&member.key))
    }
}

/// The members who are guardians.
pub(super) fn guardians(members: &[Member]) -> Set {
    sets::select(members, |member| member.has(ROLE_GUARD))
}

/// The council's own doors: first its changes, then that of its guardians.
pub(super) fn of_council(council: &Council) -> Vec<Opened<'_>> {
    let members = council.members();
    let snapshot = council
        .policy
        .snapshot_of_change(council.delay_floor_seconds);
    let change = open(members, DoorKind::CouncilChange, &snapshot);
    let mut guardians = open(
        members,
        DoorKind::GuardianChange,
        &Snapshot {
            veto_threshold: 0,
            ..snapshot
        },
    );
    guardians.0.delay_seconds = guardians.0.delay_seconds.saturating_mul(2);
    let replace = Replacement::new(council, &change);
    let mut doors = vec![change, guardians];
    for door in &mut doors {
        replace.stops(members, door);
    }
    doors
}

/// The doors of a gate, those that its policy keeps closed left out.
pub(super) fn of_gate<'a>(
    council: &'a Council,
    council_doors: &[Opened<'a>],
    gate: &Gate,
) -> Vec<Opened<'a>> {
    let members = council.members();
    let floor = council.delay_floor_seconds;
    let lanes = [
        (DoorKind::Standard, Lane::Standard),
        (DoorKind::Emergency, Lane::Emergency),
        (DoorKind::Standby, Lane::Rollback),
    ];
    let mut doors: Vec<Opened> = lanes
        .into_iter()
        .filter_map(|(kind, lane)| Some((kind, gate.policy.snapshot(lane, floor).ok()?)))
        .chain([(DoorKind::GateChange, gate.policy.snapshot_of_change(floor))])
        .map(|(kind, snapshot)| open(members, kind, &snapshot))
        .collect();
    if let Some(change) = council_doors.first() {
        let replace = Replacement::new(council, change);
        for door in &mut doors {
            replace.stops(members, door);
        }
    }
    doors
}

/// A door without its stops.
fn open<'a>(members: &'a [Member], kind: DoorKind, snapshot: &Snapshot) -> Opened<'a> {
    let anyone_may_execute =
        kind == DoorKind::Standby || snapshot.flags & FLAG_ANYONE_MAY_EXECUTE != 0;
    let task = Task::new(
        members,
        snapshot.threshold,
        !anyone_may_execute,
        &snapshot.attestations,
    );
    let door = Door {
        kind,
        threshold: snapshot.threshold,
        attestations: snapshot.attestations,
        anyone_may_execute,
        veto_threshold: snapshot.veto_threshold,
        delay_seconds: u64::from(snapshot.timelock_seconds),
        voting_period_seconds: snapshot.voting_period_seconds,
        execution_window_seconds: snapshot.execution_window_seconds,
        min_interval_seconds: snapshot.min_interval_seconds,
        push: task.smallest().map(|set| Keys::of(members, set)),
        stops: Vec::new(),
    };
    (door, task)
}

/// How members who stop things are replaced: by a change of the council that the others can still make.
struct Replacement<'a> {
    task: Task<'a>,
    guardians: Set,
    veto_threshold: u32,
    delay_seconds: u64,
}

impl<'a> Replacement<'a> {
    fn new(council: &Council, change: &Opened<'a>) -> Self {
        Self {
            task: change.1.clone(),
            guardians: guardians(council.members()),
            veto_threshold: u32::from(change.0.veto_threshold),
            delay_seconds: change.0.delay_seconds,
        }
    }

    /// Seconds until the others have replaced `set`. `veto`: they stop things as guardians only, so only that is taken from
    /// them.
    fn takes(&self, set: Set, veto: bool) -> Option<u64> {
        if !self.task.is_met_by(self.task.all() & !set) {
            return None;
        }
        let without_veto = self.delay_seconds.saturating_mul(2);
        let vetoes = (set & self.guardians).count_ones();
        Some(if veto {
            without_veto
        } else if self.veto_threshold > 0 && vetoes >= self.veto_threshold {
            // They would veto it, so they lose that role first.
            without_veto.saturating_add(self.delay_seconds)
        } else {
            self.delay_seconds
        })
    }

    fn stops(&self, members: &[Member], (door, task): &mut Opened) {
        let needed = u32::from(door.veto_threshold);
        if (1..=self.guardians.count_ones()).contains(&needed) {
            // Guardians who have votes too are harder to get rid of.
            let set = sets::heaviest(members, self.guardians, needed);
            door.stops.push(Stop {
                way: StopWay::Veto,
                keys: Keys::of(members, set),
                weight_needed: None,
                open_for_seconds: 0,
                lifted_after_seconds: self.takes(set, true),
            });
        }
        for (group, set) in task.stops() {
            let (way, open_for_seconds) = match group {
                // By rejecting it; a proposal that they only leave alone expires with the voting period.
                Group::Voters => (StopWay::Voters, 0),
                Group::Proposers => (StopWay::Proposers, 0),
                Group::Attesters => (StopWay::Attesters, u64::from(door.voting_period_seconds)),
                Group::Executors => (
                    StopWay::Executors,
                    u64::from(door.voting_period_seconds)
                        .saturating_add(door.delay_seconds)
                        .saturating_add(u64::from(door.execution_window_seconds)),
                ),
            };
            door.stops.push(Stop {
                way,
                keys: Keys::of(members, set),
                weight_needed: (group == Group::Voters).then(|| task.stopping_weight()),
                open_for_seconds,
                lifted_after_seconds: self.takes(set, false),
            });
        }
    }
}
