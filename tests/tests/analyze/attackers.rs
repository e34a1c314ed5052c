//! What stolen keys can do, and what the others can do in time.

use portcullis_client::analyze::{AttackPath, DefenceWay, DoorKind};

use super::*;

#[test]
fn what_an_attacker_needs_and_what_the_others_can_do() {
    let scene = Scene::sound();
    let gate = scene.gate_report();
    let attack = |path| {
        let attack = gate.attacks.iter().find(|a| a.path == path).unwrap();
        let ways: Vec<(DefenceWay, u32)> = attack
            .defences
            .iter()
            .map(|defence| (defence.way, defence.keys_needed))
            .collect();
        (attack.keys.count, attack.seconds, ways)
    };
    assert_eq!(
        attack(AttackPath::Upgrade),
        (
            3,
            days(2),
            vec![
                (DefenceWay::Veto, 1),
                (DefenceWay::Retract, 1),
                (DefenceWay::TriggerStandby, 2)
            ]
        )
    );
    assert_eq!(
        attack(AttackPath::EmergencyUpgrade),
        (
            4,
            3_600,
            vec![
                (DefenceWay::Veto, 2),
                (DefenceWay::Retract, 1),
                (DefenceWay::TriggerStandby, 2)
            ]
        )
    );
    // A trigger does not stop what is no upgrade, and nobody vetoes the way around the veto.
    assert_eq!(
        attack(AttackPath::TakeAuthority),
        (
            3,
            days(2),
            vec![(DefenceWay::Veto, 1), (DefenceWay::Retract, 1)]
        )
    );
    assert_eq!(
        attack(AttackPath::ReplaceGuardians),
        (3, days(6 + 2), vec![(DefenceWay::Retract, 1)])
    );
    assert_eq!(attack(AttackPath::TriggerStandby), (2, 0, vec![]));
}

#[test]
fn the_way_around_the_veto_needs_an_executor_where_either_door_does() {
    let members = vec![of(0, P | V, 3, 0), of(1, E, 0, 0), of(5, G, 0, 0)];
    let keys = |council, gate| {
        let mut scene = Scene::with_members(members.clone());
        scene.council.account.policy.flags = council;
        scene.gate.account.policy.flags = gate;
        let gate = scene.gate_report();
        let mut attacks = gate.attacks.into_iter();
        let attack = attacks.find(|a| a.path == AttackPath::ReplaceGuardians);
        attack.unwrap().keys.count
    };
    assert_eq!(keys(0, 0), 2);
    assert_eq!(keys(FLAG_ANYONE_MAY_EXECUTE, 0), 2);
    assert_eq!(keys(0, FLAG_ANYONE_MAY_EXECUTE), 2);
    assert_eq!(keys(FLAG_ANYONE_MAY_EXECUTE, FLAG_ANYONE_MAY_EXECUTE), 1);
}

#[test]
fn as_many_approvals_are_taken_back_as_the_threshold_can_spare() {
    let members = |weight| {
        let mut members = vec![of(0, P | V, weight, 0), of(1, V | E, 2, 0)];
        members.extend([of(2, V, 1, 0), of(5, G, 0, 0), of(6, G, 0, 0)]);
        members
    };
    let retractions = |weight| {
        let mut scene = Scene::with_members(members(weight));
        scene.gate.account.policy.threshold = 2;
        let gate = scene.gate_report();
        let attack = gate
            .attacks
            .into_iter()
            .find(|a| a.path == AttackPath::Upgrade);
        let mut defences = attack.unwrap().defences.into_iter();
        let retract = defences.find(|defence| defence.way == DefenceWay::Retract);
        retract.unwrap().keys_needed
    };
    // Proposer and executor are both needed; either alone still weighs 2.
    assert_eq!(retractions(2), 2);
    assert_eq!(retractions(1), 1);
}

#[test]
fn as_many_guardians_must_be_left_as_trigger() {
    let offered = |threshold, armed: bool| {
        let mut scene = Scene::sound();
        scene.gate.account.policy.trigger_threshold = threshold;
        if !armed {
            scene.gate.account.pending[2] = PendingSlot::default();
        }
        let gate = scene.gate_report();
        let attack = gate
            .attacks
            .into_iter()
            .find(|a| a.path == AttackPath::Upgrade);
        let mut defences = attack.unwrap().defences.into_iter();
        defences
            .find(|defence| defence.way == DefenceWay::TriggerStandby)
            .map(|defence| defence.keys_needed)
    };
    assert_eq!(offered(4, true), Some(4));
    assert_eq!(offered(5, true), None);
    assert_eq!(offered(4, false), None);
}

#[test]
fn the_others_overtake_an_attacker_who_cannot_take_the_slot_himself() {
    // Seven voters, of whom three hold the standard lane and four the emergency lane.
    let mut members = sound_members();
    members.extend([of(8, P | V | E, 1, 0), of(9, P | V | E, 1, 0)]);
    let scene = Scene::with_members(members);
    let defences = |scene: &Scene, path| -> Vec<(DefenceWay, u32)> {
        let gate = scene.gate_report();
        let attack = gate.attacks.iter().find(|a| a.path == path).unwrap();
        attack
            .defences
            .iter()
            .map(|defence| (defence.way, defence.keys_needed))
            .collect()
    };
    assert!(defences(&scene, AttackPath::Upgrade).contains(&(DefenceWay::EmergencyUpgrade, 4)));
    // One that nobody can veto is not vetoed.
    let mut scene = scene;
    scene.gate.account.policy.emergency_veto_threshold = 0;
    assert!(defences(&scene, AttackPath::Upgrade).contains(&(DefenceWay::EmergencyUpgrade, 4)));
    // Guardians among his keys veto it.
    let guarding = |member: &Member| Member {
        roles: if member.has(V) {
            member.roles | G
        } else {
            member.roles
        },
        ..*member
    };
    let members = scene.council.account.members().iter().map(guarding);
    let mut guarded = Scene::with_members(members.collect());
    for (veto_threshold, offered) in [(3, false), (4, true)] {
        guarded.gate.account.policy.emergency_veto_threshold = veto_threshold;
        let ways = defences(&guarded, AttackPath::Upgrade);
        assert_eq!(ways.contains(&(DefenceWay::EmergencyUpgrade, 4)), offered);
    }
    // Where the emergency lane needs no more than the standard one, he queues there first.
    let mut easy = scene;
    easy.gate.account.policy.emergency_threshold = 3;
    let ways = defences(&easy, AttackPath::Upgrade);
    assert!(ways
        .iter()
        .all(|(way, _)| *way != DefenceWay::EmergencyUpgrade));
    // Replacing him takes the council's timelock, which must be the shorter one, and more weight than his.
    easy.council.account.policy.threshold = 4;
    easy.council.account.policy.timelock_seconds = DAY;
    let ways = defences(&easy, AttackPath::Upgrade);
    assert!(ways.contains(&(DefenceWay::ChangeCouncil, 4)));
    easy.council.account.policy.timelock_seconds = 2 * DAY;
    let ways = defences(&easy, AttackPath::Upgrade);
    assert!(ways
        .iter()
        .all(|(way, _)| *way != DefenceWay::ChangeCouncil));
}

#[test]
fn what_one_stolen_guardian_key_can_do() {
    let stolen = Scene::sound().gate_report().stolen_guardian.unwrap();
    assert_eq!(
        stolen.vetoes,
        [
            DoorKind::Standard,
            DoorKind::Standby,
            DoorKind::GateChange,
            DoorKind::CouncilChange
        ]
    );
    assert!(!stolen.triggers);
    assert_eq!(stolen.replaced_after_seconds, Some(days(6)));
    assert!(stolen.with_other_roles.is_empty());

    let mut scene = Scene::sound();
    scene.gate.account.policy.trigger_threshold = 1;
    assert!(scene.gate_report().stolen_guardian.unwrap().triggers);

    // Where the vote of a guardian is needed, it may never be replaced.
    let members = vec![of(0, P | V | E | G, 3, 0), of(1, G, 0, 0), of(2, V, 1, 0)];
    let scene = Scene::with_members(members);
    let stolen = scene.gate_report().stolen_guardian.unwrap();
    assert_eq!(stolen.replaced_after_seconds, None);
    assert_eq!(stolen.with_other_roles.len(), 1);

    let nobody = sound_members()
        .into_iter()
        .filter(|member| !member.has(G))
        .collect();
    assert_eq!(
        Scene::with_members(nobody).gate_report().stolen_guardian,
        None
    );
}
