//! What the rules of one gate amount to.

use portcullis::state::{Council, Gate, Member, PendingSlot};
use serde::Serialize;
use solana_sdk::pubkey::Pubkey;

use super::{
    attacks::{Attack, StolenGuardian},
    doors::{self, Door, DoorKind, Keys, Opened, Stop, StopWay},
    sets,
};

/// All findings about a gate.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct GateReport {
    #[serde(serialize_with = "super::text")]
    pub program: Pubkey,
    /// Those that its policy keeps closed are left out.
    pub doors: Vec<Door>,
    /// `None`: its policy allows no standbys.
    pub standbys: Option<Standbys>,
    /// How soon another build can run, the fastest first.
    pub patches: Vec<Patch>,
    /// What ends when keys are lost, the fewest first.
    pub losses: Vec<Loss>,
    /// `None`: there are no guardians.
    pub stolen_guardian: Option<StolenGuardian>,
    /// The fewest keys first.
    pub attacks: Vec<Attack>,
}

/// What guardians can trigger.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Standbys {
    pub trigger_threshold: u8,
    /// A smallest set of guardians that triggers.
    pub trigger: Keys,
    pub slots: Vec<StandbySlot>,
}

/// A standby that is queued or armed.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
pub struct StandbySlot {
    #[serde(serialize_with = "super::text")]
    pub proposal: Pubkey,
    pub state: StandbyState,
    /// Armed from then on, Unix seconds.
    pub eta: i64,
    /// Unix seconds.
    pub expires_at: i64,
}

/// How far a standby is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum StandbyState {
    /// Its timelock runs.
    Queued,
    /// Its timelock is over, but the upgrade that it guards has not been executed.
    AwaitsUpgrade,
    Armed,
    /// It was not triggered in time, was made for another epoch, life or release, or its build is revoked.
    Dead,
}

/// How soon another build can run once it has its votes.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
pub struct Patch {
    pub lane: DoorKind,
    /// From the last vote to the execution. A standby: from the guardians' votes, with a build that was approved before.
    pub seconds: u64,
    /// The minimum interval since an earlier upgrade holds it up, not the timelock.
    pub rate_limited: bool,
}

/// What can be lost.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Capability {
    Upgrade,
    EmergencyUpgrade,
    ArmStandby,
    TriggerStandby,
    ChangeGate,
    Veto,
    EmergencyVeto,
    ChangeCouncil,
    VetoCouncilChange,
}

/// A smallest set of keys whose loss ends a capability.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Loss {
    pub capability: Capability,
    /// Empty: it is not possible even with all keys.
    pub keys: Keys,
    /// The others can still put new keys in the place of these.
    pub replaceable: bool,
}

/// The findings about a gate. `council_doors`: as [`doors::of_council`] gives them.
pub(super) fn report(
    council: &Council,
    council_doors: &[Opened],
    gate: &Gate,
    now: i64,
) -> GateReport {
    let members = council.members();
    let doors = doors::of_gate(council, council_doors, gate);
    let standbys = standbys(council, gate, now);
    let scene = Scene {
        members,
        doors: &doors,
        council_doors,
        standbys: standbys.as_ref(),
    };
    GateReport {
        program: gate.program,
        patches: scene.patches(gate, now),
        losses: scene.losses(),
        stolen_guardian: scene.stolen_guardian(),
        attacks: scene.attacks(),
        standbys,
        doors: doors.into_iter().map(|(door, _)| door).collect(),
    }
}

/// What of the council itself ends when keys are lost, the fewest first.
pub(super) fn losses_of_council(council: &Council, council_doors: &[Opened]) -> Vec<Loss> {
    Scene {
        members: council.members(),
        doors: &[],
        council_doors,
        standbys: None,
    }
    .losses()
}

/// Keys that the council can lose, whichever they are, and still be changed.
pub(super) fn spare_keys(council_doors: &[Opened]) -> u32 {
    council_doors
        .first()
        .and_then(|(change, _)| fewest_to_lose(change))
        .map_or(0, |stop| stop.keys.count.saturating_sub(1))
}

fn standbys(council: &Council, gate: &Gate, now: i64) -> Option<Standbys> {
    let threshold = gate.policy.trigger_threshold;
    if threshold == 0 {
        return None;
    }
    let members = council.members();
    let trigger = sets::heaviest(members, doors::guardians(members), u32::from(threshold));
    let [_, _, slots @ ..] = &gate.pending;
    Some(Standbys {
        trigger_threshold: threshold,
        trigger: Keys::of(members, trigger),
        slots: slots
            .iter()
            .filter(|slot| slot.proposal != Pubkey::default())
            .map(|slot| StandbySlot {
                proposal: slot.proposal,
                state: standby_state(council, gate, slot, now),
                eta: slot.eta,
                expires_at: slot.expires_at,
            })
            .collect(),
    })
}

fn standby_state(council: &Council, gate: &Gate, slot: &PendingSlot, now: i64) -> StandbyState {
    let of_this_time =
        now < slot.expires_at && slot.epoch == council.config_epoch && slot.life == gate.life;
    let revoked = gate.is_revoked(&slot.sha256);
    let runs = slot.base_index == gate.release.index;
    let is_next = Some(slot.base_index) == gate.release.index.checked_add(1);
    match () {
        () if !of_this_time || revoked || !(runs || is_next) => StandbyState::Dead,
        () if now < slot.eta => StandbyState::Queued,
        () if is_next => StandbyState::AwaitsUpgrade,
        () => StandbyState::Armed,
    }
}

/// A smallest set whose loss keeps a door shut; of equals, one that cannot be replaced. A lost key vetoes nothing.
fn fewest_to_lose(door: &Door) -> Option<&Stop> {
    door.stops
        .iter()
        .filter(|stop| stop.way != StopWay::Veto)
        .min_by_key(|stop| (stop.keys.count, stop.lifted_after_seconds.is_some()))
}

/// A gate with all that its findings follow from.
pub(super) struct Scene<'a> {
    pub members: &'a [Member],
    /// Of the gate; none where only the council is looked at.
    pub doors: &'a [Opened<'a>],
    council_doors: &'a [Opened<'a>],
    pub standbys: Option<&'a Standbys>,
}

impl<'a> Scene<'a> {
    pub(super) fn door(&self, kind: DoorKind) -> Option<&'a Opened<'a>> {
        self.doors
            .iter()
            .chain(self.council_doors)
            .find(|(door, _)| door.kind == kind)
    }

    /// Standbys that are armed now.
    pub(super) fn armed(&self) -> u32 {
        let armed = self.standbys.map_or(0, |standbys| {
            let armed = |slot: &&StandbySlot| slot.state == StandbyState::Armed;
            standbys.slots.iter().filter(armed).count()
        });
        u32::try_from(armed).unwrap_or(u32::MAX)
    }

    fn patches(&self, gate: &Gate, now: i64) -> Vec<Patch> {
        let mut patches = Vec::new();
        for (kind, last) in [
            (DoorKind::Standard, gate.last_upgrade_at),
            (DoorKind::Emergency, gate.last_emergency_at),
        ] {
            let Some((door, _)) = self.door(kind).filter(|(door, _)| door.push.is_some()) else {
                continue;
            };
            let free_at = match last {
                0 => now,
                last => last.saturating_add(i64::from(door.min_interval_seconds)),
            };
            let interval = u64::try_from(free_at.saturating_sub(now)).unwrap_or_default();
            patches.push(Patch {
                lane: kind,
                seconds: door.delay_seconds.max(interval),
                rate_limited: interval > door.delay_seconds,
            });
        }
        if self.armed() > 0 {
            patches.push(Patch {
                lane: DoorKind::Standby,
                seconds: 0,
                rate_limited: false,
            });
        }
        patches.sort_by_key(|patch| patch.seconds);
        patches
    }

    fn losses(&self) -> Vec<Loss> {
        let change = self.door(DoorKind::CouncilChange);
        let mut losses: Vec<Loss> = self
            .doors
            .iter()
            .chain(change)
            .flat_map(|(door, _)| self.losses_of(door))
            .collect();
        if let Some(standbys) = self.standbys {
            let threshold = standbys.trigger_threshold;
            losses.push(self.guardians_lost(Capability::TriggerStandby, threshold));
        }
        losses.sort_by_key(|loss| (loss.keys.count, loss.capability));
        losses
    }

    fn losses_of(&self, door: &Door) -> Vec<Loss> {
        let (push, veto) = match door.kind {
            DoorKind::Standard => (Capability::Upgrade, Some(Capability::Veto)),
            DoorKind::Emergency => (
                Capability::EmergencyUpgrade,
                Some(Capability::EmergencyVeto),
            ),
            DoorKind::Standby => (Capability::ArmStandby, None),
            DoorKind::GateChange => (Capability::ChangeGate, None),
            DoorKind::CouncilChange | DoorKind::GuardianChange => (
                Capability::ChangeCouncil,
                Some(Capability::VetoCouncilChange),
            ),
        };
        let push = fewest_to_lose(door).map(|stop| Loss {
            capability: push,
            keys: stop.keys.clone(),
            replaceable: stop.lifted_after_seconds.is_some(),
        });
        let veto = veto
            .filter(|_| door.veto_threshold > 0)
            .map(|capability| self.guardians_lost(capability, door.veto_threshold));
        push.into_iter().chain(veto).collect()
    }

    /// A smallest set of guardians without which `needed` of them are not left.
    fn guardians_lost(&self, capability: Capability, needed: u8) -> Loss {
        let guardians = doors::guardians(self.members);
        let count = guardians
            .count_ones()
            .saturating_add(1)
            .saturating_sub(u32::from(needed));
        let set = sets::heaviest(self.members, guardians, count);
        Loss {
            capability,
            keys: Keys::of(self.members, set),
            replaceable: self
                .door(DoorKind::CouncilChange)
                .is_some_and(|(_, change)| change.is_met_by(change.all() & !set)),
        }
    }
}
