//! One council, looked at closely.

use portcullis_client::analyze::{
    AttackPath, Capability, DefenceWay, Door, DoorKind, Patch, StandbyState, StopWay,
};

use super::*;

fn door(doors: &[Door], kind: DoorKind) -> &Door {
    doors.iter().find(|door| door.kind == kind).unwrap()
}

fn stop(door: &Door, way: StopWay) -> (u32, u64, Option<u64>) {
    let stop = door.stops.iter().find(|stop| stop.way == way).unwrap();
    (
        stop.keys.count,
        stop.open_for_seconds,
        stop.lifted_after_seconds,
    )
}

fn days(count: u64) -> u64 {
    count * u64::from(DAY)
}

#[test]
fn who_stops_what_and_for_how_long() {
    let scene = Scene::sound();
    let report = scene.report();
    let gate = &report.gates[0];
    let standard = door(&gate.doors, DoorKind::Standard);
    assert_eq!(standard.push.as_ref().map(|keys| keys.count), Some(3));
    assert_eq!(standard.delay_seconds, days(2));
    // Guardians are replaced after twice the council's timelock, and cannot veto that.
    assert_eq!(stop(standard, StopWay::Veto), (1, 0, Some(days(6))));
    // Three of five voters: the rest cannot replace them.
    assert_eq!(stop(standard, StopWay::Voters), (3, 0, None));
    assert_eq!(stop(standard, StopWay::Proposers), (2, 0, None));
    assert_eq!(
        stop(standard, StopWay::Executors),
        (2, days(3 + 2 + 2), None)
    );
    assert!(standard
        .stops
        .iter()
        .all(|stop| stop.way != StopWay::Attesters));

    let weights = standard.stops.iter().map(|stop| stop.weight_needed);
    assert_eq!(weights.collect::<Vec<_>>(), [None, Some(3), None, None]);

    // Two voters stop an emergency, and the other three replace them.
    let emergency = door(&gate.doors, DoorKind::Emergency);
    assert_eq!(emergency.delay_seconds, 3_600);
    assert_eq!(stop(emergency, StopWay::Veto), (2, 0, Some(days(6))));
    assert_eq!(stop(emergency, StopWay::Executors).2, None);
    let scene = Scene::with_members(
        sound_members()
            .into_iter()
            .map(|member| Member {
                roles: if member.has(V) {
                    P | V | E
                } else {
                    member.roles
                },
                ..member
            })
            .collect(),
    );
    let gate = scene.gate_report();
    let emergency = door(&gate.doors, DoorKind::Emergency);
    assert_eq!(stop(emergency, StopWay::Voters), (2, 0, Some(days(3))));

    // A delay floor that has risen since holds for the gate at once.
    let mut scene = scene;
    scene.council.account.delay_floor_seconds = 2 * 3_600;
    let gate = scene.gate_report();
    assert_eq!(
        door(&gate.doors, DoorKind::Emergency).delay_seconds,
        2 * 3_600
    );
}

#[test]
fn guardians_cannot_veto_their_replacement() {
    let report = Scene::sound().report();
    let guardians = door(&report.doors, DoorKind::GuardianChange);
    assert_eq!(guardians.veto_threshold, 0);
    assert_eq!(guardians.delay_seconds, days(6));
    assert!(guardians.stops.iter().all(|stop| stop.way != StopWay::Veto));
    let change = door(&report.doors, DoorKind::CouncilChange);
    assert_eq!(change.delay_seconds, days(3));
    assert_eq!(stop(change, StopWay::Veto), (1, 0, Some(days(6))));

    // A voter who guards and would veto being replaced as a voter loses that role first.
    let members = sound_members()
        .into_iter()
        .map(|member| Member {
            roles: if member.has(V) {
                P | V | E | G
            } else {
                member.roles
            },
            ..member
        })
        .collect();
    let mut scene = Scene::with_members(members);
    for (veto_threshold, replaced_after) in [(0, 3), (1, 9), (2, 9), (3, 3)] {
        scene.council.account.policy.veto_threshold = veto_threshold;
        let gate = scene.gate_report();
        let emergency = door(&gate.doors, DoorKind::Emergency);
        let expected = (2, 0, Some(days(replaced_after)));
        assert_eq!(stop(emergency, StopWay::Voters), expected);
    }
}

#[test]
fn the_fastest_patch_waits_for_timelocks_and_intervals() {
    let patch = |lane, seconds, rate_limited| Patch {
        lane,
        seconds,
        rate_limited,
    };
    let standby = patch(DoorKind::Standby, 0, false);
    let mut scene = Scene::sound();
    let expected = [
        standby,
        patch(DoorKind::Emergency, 3_600, false),
        patch(DoorKind::Standard, days(2), false),
    ];
    assert_eq!(scene.gate_report().patches, expected);

    // The interval after any upgrade holds up the standard lane, that after an emergency the emergency lane.
    scene.gate.account.last_upgrade_at = NOW - 10;
    scene.gate.account.last_emergency_at = NOW - 10;
    let expected = [
        standby,
        patch(DoorKind::Standard, days(7) - 10, true),
        patch(DoorKind::Emergency, days(14) - 10, true),
    ];
    assert_eq!(scene.gate_report().patches, expected);
    scene.gate.account.last_upgrade_at = NOW - 6 * i64::from(DAY);
    scene.gate.account.last_emergency_at = NOW - 14 * i64::from(DAY);
    let expected = [
        standby,
        patch(DoorKind::Emergency, 3_600, false),
        patch(DoorKind::Standard, days(2), false),
    ];
    assert_eq!(scene.gate_report().patches, expected);
    // An interval that ends with the timelock holds nothing up.
    scene.gate.account.last_upgrade_at = NOW - 5 * i64::from(DAY);
    assert_eq!(scene.gate_report().patches, expected);
    // Without standbys in the policy, what stands in the slot cannot be triggered.
    scene.gate.account.policy.trigger_threshold = 0;
    assert_eq!(scene.gate_report().patches, expected[1..]);
}

#[test]
fn a_standby_is_armed_between_eta_and_expiry_on_its_own_base() {
    let state = |change: fn(&mut PendingSlot)| {
        let mut scene = Scene::sound();
        change(&mut scene.gate.account.pending[2]);
        let gate = scene.gate_report();
        let state = gate.standbys.unwrap().slots[0].state;
        let patched = gate.patches.iter().any(|patch| patch.seconds == 0);
        assert_eq!(patched, state == StandbyState::Armed);
        let armed = gate.stolen_guardian.unwrap().armed;
        assert_eq!(armed, u32::from(patched));
        let attacked = gate
            .attacks
            .iter()
            .any(|attack| attack.path == AttackPath::TriggerStandby);
        assert_eq!(attacked, patched);
        state
    };
    assert_eq!(state(|_| {}), StandbyState::Armed);
    assert_eq!(state(|slot| slot.eta = NOW + 1), StandbyState::Queued);
    assert_eq!(state(|slot| slot.expires_at = NOW), StandbyState::Dead);
    assert_eq!(state(|slot| slot.epoch = 2), StandbyState::Dead);
    assert_eq!(state(|slot| slot.life = 2), StandbyState::Dead);
    assert_eq!(state(|slot| slot.base_index = 6), StandbyState::Dead);
    assert_eq!(state(|slot| slot.base_index = 9), StandbyState::Dead);
    assert_eq!(state(|slot| slot.sha256 = REVOKED), StandbyState::Dead);
    assert_eq!(
        state(|slot| slot.base_index = 8),
        StandbyState::AwaitsUpgrade
    );
}

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
fn what_lost_keys_end_and_whether_others_replace_them() {
    let report = Scene::sound().report();
    // The two proposers are the first that nobody can do without; one of them can be spared.
    assert_eq!(report.spare_keys, 1);
    let found: Vec<(Capability, u32, bool)> = report.gates[0]
        .losses
        .iter()
        .map(|loss| (loss.capability, loss.keys.count, loss.replaceable))
        .collect();
    assert_eq!(
        found,
        [
            (Capability::Upgrade, 2, false),
            // Two voters would do as well, but those could be replaced.
            (Capability::EmergencyUpgrade, 2, false),
            (Capability::ArmStandby, 2, false),
            (Capability::ChangeGate, 2, false),
            (Capability::ChangeCouncil, 2, false),
            (Capability::TriggerStandby, 3, true),
            (Capability::EmergencyVeto, 3, true),
            (Capability::Veto, 4, true),
            (Capability::VetoCouncilChange, 4, true),
        ]
    );
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

#[test]
fn the_report_is_json_with_keys_as_text() {
    let scene = Scene::sound();
    let json = serde_json::to_value(scene.report()).unwrap();
    assert_eq!(json["council"], address("council").to_string());
    let gate = &json["gates"][0];
    assert_eq!(gate["program"], address("program").to_string());
    assert_eq!(gate["doors"][0]["kind"], "standard");
    assert_eq!(gate["doors"][0]["push"]["count"], 3);
    let key = &gate["doors"][0]["push"]["keys"][0];
    assert!(sound_members()
        .iter()
        .any(|member| *key == member.key.to_string()));
    assert_eq!(gate["stolen_guardian"]["replaced_after_seconds"], days(6));
}
