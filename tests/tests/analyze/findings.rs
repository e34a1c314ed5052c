//! One council, looked at closely.

use portcullis_client::analyze::{
    AttackPath, Capability, Door, DoorKind, Patch, StandbyState, StopWay,
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
