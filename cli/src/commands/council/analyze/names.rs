//! What the parts of a report are called.

use portcullis_client::analyze::{AttackPath, Capability, DefenceWay, DoorKind, StopWay};

/// What goes through a door.
pub fn door(kind: DoorKind) -> &'static str {
    match kind {
        DoorKind::Standard => "upgrade",
        DoorKind::Emergency => "emergency upgrade",
        DoorKind::Standby => "standby",
        DoorKind::GateChange => "gate change",
        DoorKind::CouncilChange => "council change",
        DoorKind::GuardianChange => "guardian change",
    }
}

/// Who stops it.
pub fn stop(way: StopWay) -> &'static str {
    match way {
        StopWay::Veto => "guardians",
        StopWay::Voters => "voters",
        StopWay::Attesters => "attesters",
        StopWay::Proposers => "proposers",
        StopWay::Executors => "executors",
    }
}

/// What can be lost.
pub fn capability(capability: Capability) -> &'static str {
    match capability {
        Capability::Upgrade => "upgrades",
        Capability::EmergencyUpgrade => "emergency upgrades",
        Capability::ArmStandby => "arming standbys",
        Capability::TriggerStandby => "triggering standbys",
        Capability::ChangeGate => "changes of the gate",
        Capability::Veto => "vetoes",
        Capability::EmergencyVeto => "vetoes of emergency upgrades",
        Capability::ChangeCouncil => "changes of the council",
        Capability::VetoCouncilChange => "vetoes of council changes",
    }
}

/// An attack.
pub fn path(path: AttackPath) -> &'static str {
    match path {
        AttackPath::Upgrade => "the attacker's upgrade",
        AttackPath::EmergencyUpgrade => "the attacker's emergency upgrade",
        AttackPath::TakeAuthority => "taking the authority",
        AttackPath::ReplaceGuardians => "the guardians first, then the authority",
        AttackPath::TriggerStandby => "triggering an armed standby",
    }
}

/// A defence.
pub fn defence(way: DefenceWay) -> &'static str {
    match way {
        DefenceWay::Veto => "veto",
        DefenceWay::Retract => "owners retract",
        DefenceWay::ChangeCouncil => "change of the council",
        DefenceWay::EmergencyUpgrade => "emergency upgrade",
        DefenceWay::TriggerStandby => "standby",
    }
}
