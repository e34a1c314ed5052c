//! What stolen keys can do to a gate, and what the others can do about it.

use portcullis::state::ROLE_GUARD;
use serde::Serialize;
use solana_sdk::pubkey::Pubkey;

use super::{
    doors::{self, DoorKind, Keys},
    gates::Scene,
    sets::{self, Set, Task},
};

/// What one stolen guardian key can do beside that key's other roles.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct StolenGuardian {
    /// It alone vetoes what goes through these.
    pub vetoes: Vec<DoorKind>,
    /// It alone triggers a standby that is armed.
    pub triggers: bool,
    /// Standbys that are armed now.
    pub armed: u32,
    /// Until it is replaced, which it cannot veto. Seconds; `None`: some guardian's vote is needed for that.
    pub replaced_after_seconds: Option<u64>,
    /// Guardians whose key can do more than this.
    #[serde(serialize_with = "super::texts")]
    pub with_other_roles: Vec<Pubkey>,
}

/// What an attacker does.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum AttackPath {
    /// An upgrade of his in the standard lane.
    Upgrade,
    /// The same in the emergency lane.
    EmergencyUpgrade,
    /// The upgrade authority goes to him; attestations are not asked for.
    TakeAuthority,
    /// First his own guardians, which nobody can veto, then the upgrade authority.
    ReplaceGuardians,
    /// An armed standby: a build that was approved before, at a time that he chooses.
    TriggerStandby,
}

/// What the others can do about it in that time.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum DefenceWay {
    Veto,
    /// Owners whose keys were copied, not lost, take back the approvals given with them. As often as it is needed.
    Retract,
    /// Replace the attacker's keys in the council first: his proposals are dead with the old epoch.
    ChangeCouncil,
    /// An emergency upgrade runs first: his proposal builds on a release that does not run any more.
    EmergencyUpgrade,
    /// An armed standby runs first, to the same effect.
    TriggerStandby,
}

/// A defence.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
pub struct Defence {
    pub way: DefenceWay,
    /// Keys that it takes.
    pub keys_needed: u32,
}

/// A way to take a program over, or to harm it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Attack {
    pub path: AttackPath,
    /// A smallest set of keys that he must hold.
    pub keys: Keys,
    /// From his last vote to the harm: the time that the others have.
    pub seconds: u64,
    /// What those whose keys he does not hold can do. None of it: nothing stops him.
    pub defences: Vec<Defence>,
}

impl Scene<'_> {
    pub(super) fn stolen_guardian(&self) -> Option<StolenGuardian> {
        let guardians = doors::guardians(self.members);
        if guardians == 0 {
            return None;
        }
        let (change, _) = self.door(DoorKind::GuardianChange)?;
        let (_, task) = self.door(DoorKind::CouncilChange)?;
        let replaceable = sets::of(self.members, guardians).all(|guardian| {
            let own = sets::select(self.members, |member| member.key == guardian.key);
            task.is_met_by(task.all() & !own)
        });
        Some(StolenGuardian {
            vetoes: self
                .doors
                .iter()
                .chain(self.door(DoorKind::CouncilChange))
                .filter(|(door, _)| door.veto_threshold == 1)
                .map(|(door, _)| door.kind)
                .collect(),
            triggers: self
                .standbys
                .is_some_and(|standbys| standbys.trigger_threshold == 1),
            armed: self.armed(),
            replaced_after_seconds: replaceable.then_some(change.delay_seconds),
            with_other_roles: sets::of(self.members, guardians)
                .filter(|member| member.roles != ROLE_GUARD)
                .map(|member| member.key)
                .collect(),
        })
    }

    pub(super) fn attacks(&self) -> Vec<Attack> {
        let mut attacks: Vec<Attack> = [
            (AttackPath::Upgrade, DoorKind::Standard),
            (AttackPath::EmergencyUpgrade, DoorKind::Emergency),
            (AttackPath::TakeAuthority, DoorKind::GateChange),
        ]
        .into_iter()
        .filter_map(|(path, kind)| {
            let (door, _) = self.door(kind)?;
            let keys = door.push.clone()?;
            Some(self.attack(path, keys, door.delay_seconds, door.veto_threshold))
        })
        .chain(self.replace_guardians())
        .chain(self.trigger())
        .collect();
        attacks.sort_by_key(|attack| attack.keys.count);
        attacks
    }

    /// The way around the veto: it takes what the council's own change takes, and waits longest.
    fn replace_guardians(&self) -> Option<Attack> {
        if doors::guardians(self.members) == 0 {
            return None;
        }
        let (guardians, _) = self.door(DoorKind::GuardianChange)?;
        let (authority, _) = self.door(DoorKind::GateChange)?;
        let task = Task::new(
            self.members,
            guardians.threshold.max(authority.threshold),
            !(guardians.anyone_may_execute && authority.anyone_may_execute),
            &Default::default(),
        );
        let keys = Keys::of(self.members, task.smallest()?);
        let seconds = guardians
            .delay_seconds
            .saturating_add(authority.delay_seconds);
        Some(self.attack(AttackPath::ReplaceGuardians, keys, seconds, 0))
    }

    fn trigger(&self) -> Option<Attack> {
        let standbys = self.standbys?;
        (self.armed() > 0).then(|| Attack {
            path: AttackPath::TriggerStandby,
            keys: standbys.trigger.clone(),
            seconds: 0,
            defences: Vec::new(),
        })
    }

    fn attack(&self, path: AttackPath, keys: Keys, seconds: u64, veto_threshold: u8) -> Attack {
        let held = keys.set(self.members);
        let others = !held;
        let guardians = doors::guardians(self.members);
        let upgrade = matches!(path, AttackPath::Upgrade | AttackPath::EmergencyUpgrade);
        let mut defences = Vec::new();
        let mut offer = |way, keys_needed: Option<u32>| {
            defences.extend(keys_needed.map(|keys_needed| Defence { way, keys_needed }));
        };

        let left = (guardians & others).count_ones();
        let veto = Some(u32::from(veto_threshold)).filter(|needed| (1..=left).contains(needed));
        offer(DefenceWay::Veto, veto);
        offer(DefenceWay::Retract, self.retract(path, held));
        let faster = |kind| {
            let (door, task) = self.door(kind)?;
            // What he can queue himself takes the only slot.
            let in_time = door.delay_seconds < seconds && !task.is_met_by(held);
            let vetoed = door.veto_threshold > 0
                && (guardians & held).count_ones() >= u32::from(door.veto_threshold);
            let set = task.smallest_within(others)?;
            (in_time && !vetoed).then(|| set.count_ones())
        };
        offer(DefenceWay::ChangeCouncil, faster(DoorKind::CouncilChange));
        if upgrade {
            offer(DefenceWay::EmergencyUpgrade, faster(DoorKind::Emergency));
            let trigger = self
                .standbys
                .map(|standbys| u32::from(standbys.trigger_threshold))
                .filter(|needed| self.armed() > 0 && *needed <= left);
            offer(DefenceWay::TriggerStandby, trigger);
        }
        Attack {
            path,
            keys,
            seconds,
            defences,
        }
    }

    /// The fewest approvals of a set that must be taken back for the rest to weigh too little.
    fn retract(&self, path: AttackPath, held: Set) -> Option<u32> {
        let kind = match path {
            AttackPath::Upgrade => DoorKind::Standard,
            AttackPath::EmergencyUpgrade => DoorKind::Emergency,
            AttackPath::TakeAuthority => DoorKind::GateChange,
            AttackPath::ReplaceGuardians => DoorKind::GuardianChange,
            AttackPath::TriggerStandby => return None,
        };
        let (door, _) = self.door(kind)?;
        (1..=held.count_ones()).find(|count| {
            let retracted = sets::heaviest(self.members, held, *count);
            sets::weight(self.members, held & !retracted) < door.threshold
        })
    }
}
