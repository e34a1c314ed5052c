//! The report for people.

use portcullis::state::Council;
use portcullis_client::{
    account::Keyed,
    analyze::{
        Attack, Door, DoorKind, GateReport, Keys, Loss, Patch, Report, Severity, StandbyState,
        StolenGuardian, Warning,
    },
};
use solana_sdk::pubkey::Pubkey;

use super::names;
use crate::{
    duration::{human, relative},
    member::role_names,
    output::{judged, table, Fields},
};

/// A delay that may be longer than any duration of a policy.
fn span(seconds: u64) -> String {
    match u32::try_from(seconds) {
        Ok(0) => "at once".to_string(),
        Ok(seconds) => human(seconds),
        Err(_) => format!("{seconds}s"),
    }
}

/// A report beside the council that it is about.
pub struct Page<'a> {
    pub report: &'a Report,
    pub council: &'a Keyed<Council>,
    /// The chain's time, Unix seconds.
    pub now: i64,
}

impl Page<'_> {
    /// All of it.
    pub fn text(&self) -> String {
        let report = self.report;
        let mut parts = vec![self.head(), self.members()];
        if !report.sealed {
            parts.push("NOT SEALED: nothing of this holds yet".to_string());
        }
        parts.push(heading("the council itself"));
        parts.push(self.pushes(&report.doors));
        parts.push(self.stops(&report.doors));
        parts.push(self.losses(&report.losses));
        for gate in &report.gates {
            parts.push(heading(&format!("program {}", gate.program)));
            parts.extend(self.gate(gate));
        }
        parts.push(self.warnings());
        parts.join("\n\n")
    }

    fn head(&self) -> String {
        let report = self.report;
        Fields::new()
            .row("council", report.council)
            .row("epoch", report.epoch)
            .row("weight of all voters", report.weight)
            .row("guardians", report.guardians)
            .row(
                "keys to spare",
                match report.spare_keys {
                    0 => "none: one lost key can lock everyone out".to_string(),
                    keys => format!("{keys}, whichever are lost: the others replace them"),
                },
            )
            .row("programs", report.gates.len())
            .render(0)
    }

    fn members(&self) -> String {
        let rows = self.council.account.members().iter().zip(1..);
        let rows = rows.map(|(member, number)| {
            vec![
                number.to_string(),
                member.key.to_string(),
                role_names(member).join(","),
                member.weight.to_string(),
            ]
        });
        table(&["no.", "member", "roles", "weight"], rows.collect())
    }

    /// Numbers of members, as in the first table.
    fn numbers(&self, keys: &[Pubkey]) -> String {
        let numbers: Vec<String> = self
            .report
            .members
            .iter()
            .zip(1..)
            .filter(|(member, _)| keys.contains(&member.key))
            .map(|(_, number): (_, u32)| number.to_string())
            .collect();
        numbers.join(" ")
    }

    fn set(&self, keys: &Keys) -> Vec<String> {
        vec![
            keys.count.to_string(),
            keys.weight.to_string(),
            self.numbers(&keys.keys),
        ]
    }

    fn gate(&self, gate: &GateReport) -> Vec<String> {
        let mut parts = vec![self.pushes(&gate.doors), self.stops(&gate.doors)];
        parts.push(format!("fastest patch\n{}", patches(&gate.patches)));
        parts.extend(self.standbys(gate));
        parts.push(self.losses(&gate.losses));
        parts.push(match &gate.stolen_guardian {
            Some(stolen) => format!("one stolen guardian key\n{}", self.stolen(stolen)),
            None => "one stolen guardian key\n  there is none".to_string(),
        });
        parts.push(self.attacks(&gate.attacks));
        parts
    }

    fn pushes(&self, doors: &[Door]) -> String {
        let rows = doors.iter().map(|door| {
            let mut row = match &door.push {
                Some(keys) => self.set(keys),
                None => vec!["-".to_string(), "-".to_string(), "nobody can".to_string()],
            };
            row.push(format!("{} of {}", door.threshold, self.report.weight));
            row.push(span(door.delay_seconds));
            row.push(match door.veto_threshold {
                0 => "nobody".to_string(),
                needed => format!("{needed} of {} guardians", self.report.guardians),
            });
            (door.kind, row)
        });
        let header = [
            "what",
            "keys",
            "weight",
            "members",
            "needed weight",
            "delay",
            "vetoed by",
        ];
        format!(
            "the fewest keys that push through\n{}",
            table(&header, merged(rows))
        )
    }

    fn stops(&self, doors: &[Door]) -> String {
        let rows = doors.iter().flat_map(|door| {
            door.stops.iter().map(|stop| {
                let way = names::stop(stop.way);
                let mut row = vec![match stop.weight_needed {
                    Some(weight) => format!("{way} who weigh {weight}"),
                    None => way.to_string(),
                }];
                row.extend(self.set(&stop.keys));
                row.push(match stop.open_for_seconds {
                    0 => "at once".to_string(),
                    seconds => format!("after {}", span(seconds)),
                });
                row.push(match stop.lifted_after_seconds {
                    Some(seconds) => format!("after {}", span(seconds)),
                    None => "never".to_string(),
                });
                (door.kind, row)
            })
        });
        let header = [
            "what",
            "by",
            "keys",
            "weight",
            "members",
            "a proposal ends",
            "they are replaced",
        ];
        format!(
            "the fewest keys that stop it, and for how long\n{}",
            table(&header, merged(rows))
        )
    }

    fn standbys(&self, gate: &GateReport) -> Option<String> {
        let standbys = gate.standbys.as_ref()?;
        let mut text = format!(
            "standbys\n  {} guardian(s) trigger one that is armed: {}",
            standbys.trigger_threshold,
            self.numbers(&standbys.trigger.keys)
        );
        for slot in &standbys.slots {
            let state = match slot.state {
                StandbyState::Queued => format!("armed {}", relative(slot.eta, self.now)),
                StandbyState::AwaitsUpgrade => "armed with the upgrade that it guards".to_string(),
                StandbyState::Armed => {
                    format!("ARMED, expires {}", relative(slot.expires_at, self.now))
                }
                StandbyState::Dead => "dead".to_string(),
            };
            text.push_str(&format!("\n  {}: {state}", slot.proposal));
        }
        Some(text)
    }

    fn losses(&self, losses: &[Loss]) -> String {
        let rows = losses.iter().map(|loss| {
            vec![
                loss.keys.count.to_string(),
                names::capability(loss.capability).to_string(),
                self.numbers(&loss.keys.keys),
                match (loss.keys.count, loss.replaceable) {
                    (0, _) => "not possible even now",
                    (_, true) => "yes",
                    (_, false) => "never",
                }
                .to_string(),
            ]
        });
        format!(
            "lost keys: what the loss of so many can end\n{}",
            table(
                &["keys", "may end", "for instance", "can be replaced"],
                rows.collect()
            )
        )
    }

    fn stolen(&self, stolen: &StolenGuardian) -> String {
        let mut fields = Fields::new()
            .row(
                "vetoes alone",
                if stolen.vetoes.is_empty() {
                    "nothing".to_string()
                } else {
                    let names: Vec<&str> = stolen
                        .vetoes
                        .iter()
                        .map(|kind| names::door(*kind))
                        .collect();
                    names.join(", ")
                },
            )
            .row(
                "triggers alone",
                match (stolen.triggers, stolen.armed) {
                    (false, _) => "nothing".to_string(),
                    (true, 0) => "what is armed; nothing is".to_string(),
                    (true, armed) => format!("{armed} armed standby(s), approved before"),
                },
            )
            .row(
                "replaced after",
                match stolen.replaced_after_seconds {
                    Some(seconds) => format!("{}; it cannot veto that", span(seconds)),
                    None => "perhaps never: the vote of a guardian is needed for it".to_string(),
                },
            )
            .row("approves, changes, takes", "nothing");
        if !stolen.with_other_roles.is_empty() {
            fields.push(
                "but these have more roles",
                self.numbers(&stolen.with_other_roles),
            );
        }
        fields.render(2)
    }

    fn attacks(&self, attacks: &[Attack]) -> String {
        let rows = attacks.iter().map(|attack| {
            let mut row = vec![names::path(attack.path).to_string()];
            row.extend(self.set(&attack.keys));
            row.push(span(attack.seconds));
            let defences: Vec<String> = attack
                .defences
                .iter()
                .map(|defence| format!("{} ({})", names::defence(defence.way), defence.keys_needed))
                .collect();
            row.push(if defences.is_empty() {
                "nobody".to_string()
            } else {
                defences.join(", ")
            });
            row
        });
        format!(
            "what an attacker must hold, and who can stop him in which time (with so many keys)\n{}",
            table(
                &["attack", "keys", "weight", "members", "time", "stopped by"],
                rows.collect()
            )
        )
    }

    fn warnings(&self) -> String {
        if self.report.warnings.is_empty() {
            return "no warnings".to_string();
        }
        let blocks: Vec<String> = self.report.warnings.iter().map(warning).collect();
        format!("warnings\n{}", blocks.join("\n"))
    }
}

/// One row for all doors of which the same is said.
fn merged(rows: impl Iterator<Item = (DoorKind, Vec<String>)>) -> Vec<Vec<String>> {
    let mut merged: Vec<(String, Vec<String>)> = Vec::new();
    for (kind, rest) in rows {
        let name = names::door(kind);
        match merged.iter_mut().find(|(_, said)| *said == rest) {
            Some((names, _)) => *names = format!("{names}, {name}"),
            None => merged.push((name.to_string(), rest)),
        }
    }
    let row = |(names, rest)| [vec![names], rest].concat();
    merged.into_iter().map(row).collect()
}

fn heading(text: &str) -> String {
    format!("== {text} ==")
}

fn warning(warning: &Warning) -> String {
    let severity = match warning.severity {
        Severity::High => judged("HIGH", false),
        Severity::Medium => "medium".to_string(),
        Severity::Low => "low".to_string(),
    };
    format!(
        "  {severity} {} ({})\n    {}\n    advice: {}",
        warning.id, warning.about, warning.message, warning.advice
    )
}

fn patches(patches: &[Patch]) -> String {
    if patches.is_empty() {
        return "  none is possible".to_string();
    }
    let lines: Vec<String> = patches
        .iter()
        .map(|patch| {
            let time = span(patch.seconds);
            match (patch.lane, patch.rate_limited) {
                (DoorKind::Standby, _) => {
                    "  standby: seconds after the guardians' votes, a build that was approved before"
                        .to_string()
                }
                (lane, false) => format!("  {}: {time} after the votes", names::door(lane)),
                (lane, true) => format!(
                    "  {}: in {time}, when the interval since the last one is over",
                    names::door(lane)
                ),
            }
        })
        .collect();
    lines.join("\n")
}
