//! Each flaw of the rules gets its warnings, and no others.

use std::collections::BTreeSet;

use portcullis::policy::FLAG_NONCE_VOTES;
use portcullis_client::analyze::Severity;

use super::*;

#[test]
fn sound_rules_get_no_warning() {
    assert_eq!(Scene::sound().ids(), Vec::<&str>::new());
}

/// A change of the sound scene, and the only warnings that follow from it.
type Flaw = (&'static [&'static str], fn(&mut Scene));

fn set_members(scene: &mut Scene, members: Vec<Member>) {
    let policy = scene.council.account.policy;
    scene.council = council_of(members, policy);
}

fn change_members(scene: &mut Scene, change: impl Fn(&mut Member)) {
    let mut members = scene.council.account.members().to_vec();
    members.iter_mut().for_each(change);
    set_members(scene, members);
}

fn change_policies(scene: &mut Scene, change: impl Fn(&mut Policy)) {
    change(&mut scene.council.account.policy);
    change(&mut scene.gate.account.policy);
}

fn flaws() -> Vec<Flaw> {
    vec![
        (&["threshold_one"], |scene| {
            scene.gate.account.policy.threshold = 1;
            change_members(scene, |member| {
                member.roles &= if member.has(V) { V | P } else { member.roles };
            });
            let mut members = scene.council.account.members().to_vec();
            members.extend([of(8, E, 0, 0), of(9, E, 0, 0)]);
            set_members(scene, members);
        }),
        (&["one_key_suffices"], |scene| {
            scene.gate.account.policy.threshold = 1;
        }),
        (&["no_guardian"], |scene| {
            let members = scene.council.account.members().to_vec();
            let voters = members.into_iter().filter(|member| !member.has(G));
            set_members(scene, voters.collect());
            change_policies(scene, |policy| {
                policy.veto_threshold = 0;
                policy.emergency_veto_threshold = 0;
            });
        }),
        (&["no_veto"], |scene| {
            scene.gate.account.policy.emergency_veto_threshold = 0;
        }),
        (&["veto_above_half"], |scene| {
            scene.gate.account.policy.veto_threshold = 3;
        }),
        (&["unreachable"], |scene| {
            scene.gate.account.policy.emergency_threshold = 6;
        }),
        (
            &[
                "unreachable",
                "unreachable",
                "attestations_for_upgrades_only",
            ],
            |scene| {
                scene.gate.account.policy.attestations[0] = 1;
                scene.gate.account.policy.attestations[1] = 1;
                let mut members = scene.council.account.members().to_vec();
                members.push(of(8, A, 0, 3));
                set_members(scene, members);
            },
        ),
        (&["attestations_for_upgrades_only"], |scene| {
            scene.gate.account.policy.attestations[0] = 1;
            let mut members = scene.council.account.members().to_vec();
            members.push(of(8, A, 0, 1));
            set_members(scene, members);
        }),
        (&["lockout_by_one_key"], |scene| {
            scene.council.account.policy.threshold = 5;
        }),
        (&["short_timelock"], |scene| {
            scene.gate.account.policy.timelock_seconds = DAY - 1;
        }),
        (&["short_timelock"], |scene| {
            // Not the council's, whose timelock would then be the shorter one.
            scene.gate.account.policy.timelock_seconds = 7_200;
        }),
        // At the limits.
        (&[], |scene| {
            scene.gate.account.policy.timelock_seconds = DAY;
        }),
        (&[], |scene| {
            scene.gate.account.policy.timelock_seconds = 3 * DAY;
        }),
        (&[], |scene| {
            scene.gate.account.policy.veto_threshold = 2;
        }),
        // One of one guardian is more than half, and cannot be fewer.
        (&[], |scene| {
            let members = scene.council.account.members().to_vec();
            let voters = members.into_iter().filter(|member| !member.has(G));
            set_members(scene, voters.chain([of(5, G, 0, 0)]).collect());
            change_policies(scene, |policy| {
                policy.emergency_veto_threshold = 1;
                policy.trigger_threshold = 1;
            });
        }),
        (&["council_weaker"], |scene| {
            scene.gate.account.policy.timelock_seconds = 4 * DAY;
        }),
        (&["council_weaker"], |scene| {
            scene.gate.account.policy.threshold = 4;
        }),
        (&["veto_above_half", "council_weaker"], |scene| {
            scene.council.account.policy.veto_threshold = 3;
        }),
        (&["nonce_votes_count", "council_weaker"], |scene| {
            scene.council.account.policy.flags |= FLAG_NONCE_VOTES;
        }),
        (&["nonce_votes_count"], |scene| {
            scene.gate.account.policy.flags |= FLAG_NONCE_VOTES;
        }),
        (
            &["single_executor", "single_executor", "lockout_by_one_key"],
            |scene| {
                let key = address("analyzed 1");
                change_members(scene, |member| {
                    if member.key == key {
                        member.roles &= !E;
                    }
                });
                let mut members = scene.council.account.members().to_vec();
                members.push(of(8, V | P, 1, 0));
                set_members(scene, members);
            },
        ),
        (
            &["single_proposer", "single_proposer", "lockout_by_one_key"],
            |scene| {
                let key = address("analyzed 1");
                change_members(scene, |member| {
                    if member.key == key {
                        member.roles &= !P;
                    }
                });
            },
        ),
        (&["voter_is_guardian"], |scene| {
            let key = address("analyzed 2");
            change_members(scene, |member| {
                if member.key == key {
                    member.roles |= G;
                }
            });
        }),
        (&["voter_is_attester"], |scene| {
            let key = address("analyzed 2");
            change_members(scene, |member| {
                if member.key == key {
                    member.roles |= A;
                    member.attests = 1;
                }
            });
        }),
        (&["member_is_a_program"], |scene| {
            let mut members = scene.council.account.members().to_vec();
            members.push(Member {
                key: pda::gate(&portcullis::ID, &address("program")),
                ..of(8, V, 1, 0)
            });
            set_members(scene, members);
        }),
        (&["no_emergency_lane"], |scene| {
            let policy = &mut scene.gate.account.policy;
            policy.emergency_threshold = 0;
            policy.emergency_timelock_seconds = 0;
            policy.emergency_min_interval_seconds = 0;
            policy.emergency_veto_threshold = 0;
        }),
        (&["emergency_not_faster"], |scene| {
            scene.gate.account.policy.emergency_timelock_seconds = 2 * DAY;
        }),
        (&["no_standby_lane"], |scene| {
            scene.gate.account.policy.trigger_threshold = 0;
            scene.gate.account.policy.standby_validity_seconds = 0;
        }),
        (&["no_standby_armed"], |scene| {
            scene.gate.account.pending[2] = PendingSlot::default();
        }),
        (&["no_standby_armed"], |scene| {
            scene.gate.account.pending[2].eta = NOW + 1;
        }),
        (&["standby_dead"], |scene| {
            scene.gate.account.pending[3] = PendingSlot {
                expires_at: NOW,
                ..armed()
            };
        }),
        (&["window_expired"], |scene| {
            scene.gate.account.pending[1] = PendingSlot {
                expires_at: NOW,
                ..armed()
            };
        }),
        (&[], |scene| {
            scene.gate.account.pending[0] = armed();
        }),
        (&["adoption_unfinished"], |scene| {
            scene.gate.account.state = GateState::Adopting as u8;
        }),
        (&["council_not_sealed"], |scene| {
            scene.council.account.config_epoch = 0;
            scene.gate.account.pending[2].epoch = 0;
        }),
        (&["portcullis_plain_key"], |scene| {
            scene.guardianship = Guardianship::PlainKey(address("holder"));
        }),
        (&["portcullis_foreign_authority"], |scene| {
            scene.guardianship = Guardianship::ProgramAddress(address("holder"));
        }),
        (&["portcullis_foreign_authority"], |scene| {
            scene.guardianship = Guardianship::NotLoaderV3 {
                owner: address("holder"),
            };
        }),
        (&[], |scene| {
            scene.guardianship = Guardianship::OwnGate {
                gate: address("gate"),
            };
        }),
    ]
}

#[test]
fn members_without_a_private_key_are_named() {
    let key = pda::gate(&portcullis::ID, &address("program"));
    let mut scene = Scene::sound();
    let mut members = scene.council.account.members().to_vec();
    members.push(Member {
        key,
        ..of(8, V, 1, 0)
    });
    set_members(&mut scene, members);
    let report = scene.report();
    let programs = report.members.iter().filter(|member| member.is_program);
    assert_eq!(programs.map(|member| member.key).collect::<Vec<_>>(), [key]);
    let warning = &report.warnings[0];
    assert_eq!((warning.id, warning.about), ("member_is_a_program", key));
}

#[test]
fn each_flaw_gets_its_warnings_and_no_others() {
    for (number, (expected, spoil)) in flaws().into_iter().enumerate() {
        let mut scene = Scene::sound();
        spoil(&mut scene);
        let mut found = scene.ids();
        let mut expected = expected.to_vec();
        found.sort_unstable();
        expected.sort_unstable();
        assert_eq!(found, expected, "flaw {number}");
    }
}

#[test]
fn each_warning_stands_in_the_docs_with_its_severity() {
    let docs = include_str!("../../../docs/analyze.md");
    let rows: Vec<&str> = docs
        .lines()
        .filter(|line| line.starts_with("| `"))
        .collect();
    let mut seen = BTreeSet::new();
    for (_, spoil) in flaws() {
        let mut scene = Scene::sound();
        spoil(&mut scene);
        for warning in scene.report().warnings {
            let severity = serde_json::to_value(warning.severity).unwrap();
            let name = format!("`{}`", warning.id);
            let cell = format!("| {} |", severity.as_str().unwrap());
            assert!(
                rows.iter()
                    .any(|row| row.contains(&name) && row.contains(&cell)),
                "{name} {severity}"
            );
            seen.insert(name);
        }
    }
    let documented: usize = rows
        .iter()
        .filter_map(|row| row.split('|').nth(1))
        .map(|ids| ids.split(',').count())
        .sum();
    assert_eq!(seen.len(), documented);
}

#[test]
fn the_gravest_warning_comes_first() {
    let mut scene = Scene::sound();
    scene.gate.account.pending[2] = PendingSlot::default();
    scene.gate.account.policy.attestations[0] = 1;
    scene.guardianship = Guardianship::PlainKey(address("holder"));
    let severities: Vec<Severity> = scene.report().warnings.iter().map(|w| w.severity).collect();
    assert!(severities.is_sorted());
    assert_eq!(severities.first(), Some(&Severity::High));
    assert_eq!(severities.last(), Some(&Severity::Low));
}
