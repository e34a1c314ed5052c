//! Gates.

use portcullis::state::{Gate, GateState, Release};
use portcullis_client::account::Keyed;
use serde_json::{json, Value};

use super::{slot_json, time};
use crate::{client_error::hash, duration::utc_and_local, output::Fields, policy_args};

/// What a gate is, for people.
fn state(gate: &Gate) -> &'static str {
    match gate.state() {
        Ok(GateState::Active) => "active",
        Ok(GateState::Adopting) => {
            "ADOPTING: its program's bytes are being hashed; it governs nothing yet"
        }
        Ok(GateState::Exited) => "EXITED: it does not hold the upgrade authority any more",
        Err(_) => "unknown",
    }
}

/// The same for programs.
fn state_name(gate: &Gate) -> &'static str {
    match gate.state() {
        Ok(GateState::Active) => "active",
        Ok(GateState::Adopting) => "adopting",
        Ok(GateState::Exited) => "exited",
        Err(_) => "unknown",
    }
}

/// A release for people.
fn release_text(release: &Release) -> String {
    let revoked = if release.revoked == 0 {
        ""
    } else {
        ", REVOKED"
    };
    format!(
        "{}  {} ({} bytes), since {}{revoked}",
        release.index,
        hash(&release.sha256),
        release.len,
        utc_and_local(release.timestamp)
    )
}

fn release_json(release: &Release) -> Value {
    json!({
        "index": release.index,
        "sha256": hash(&release.sha256),
        "len_bytes": release.len,
        "slot": release.slot,
        "since": time(release.timestamp),
        "proposal_digest":
            if release.proposal_digest == [0; 32] { Value::Null } else { json!(hash(&release.proposal_digest)) },
        "revoked": release.revoked != 0,
    })
}

/// A gate for people.
pub fn gate_text(gate: &Keyed<Gate>) -> String {
    let account = &gate.account;
    let fields = Fields::new()
        .row("program", account.program)
        .row("gate", gate.address)
        .row("council", account.council)
        .row(
            match account.state() {
                Ok(GateState::Exited) => "the gate's signer",
                _ => "upgrade authority",
            },
            match account.state() {
                Ok(GateState::Exited) => account.authority.to_string(),
                _ => format!("{} (the gate's signer)", account.authority),
            },
        )
        .row("state", state(account))
        .row("life", account.life)
        .row("proposals", account.proposal_count)
        .row("release", release_text(&account.release));
    let mut text = format!(
        "{}\n\npolicy\n{}",
        fields.render(0),
        policy_args::fields(&account.policy).render(2)
    );
    let earlier = earlier_releases(account);
    if !earlier.is_empty() {
        text.push_str("\n\nearlier releases");
        for release in earlier {
            text.push_str(&format!("\n  {}", release_text(release)));
        }
    }
    text
}

/// The current release and all that the gate remembers, the newest first, for people.
pub fn releases_text(gate: &Gate) -> String {
    let lines = all_releases(gate).map(|release| format!("  {}", release_text(release)));
    lines.collect::<Vec<_>>().join("\n")
}

/// The same for programs.
pub fn releases_json(gate: &Gate) -> Value {
    all_releases(gate).map(release_json).collect()
}

fn all_releases(gate: &Gate) -> impl Iterator<Item = &Release> {
    let current = Some(&gate.release).filter(|release| release.index > 0);
    current.into_iter().chain(earlier_releases(gate))
}

/// The releases that the gate remembers, the newest first.
fn earlier_releases(gate: &Gate) -> Vec<&Release> {
    let remembered = gate.earlier.iter().filter(|release| release.index > 0);
    let mut releases: Vec<&Release> = remembered.collect();
    releases.sort_by_key(|release| std::cmp::Reverse(release.index));
    releases
}

/// A gate for programs.
pub fn gate_json(gate: &Keyed<Gate>) -> Value {
    let account = &gate.account;
    let earlier = earlier_releases(account);
    let [standard, emergency, standbys @ ..] = &account.pending;
    json!({
        "program": account.program.to_string(),
        "programdata": account.programdata.to_string(),
        "gate": gate.address.to_string(),
        "council": account.council.to_string(),
        "authority": account.authority.to_string(),
        "state": state_name(account),
        "life": account.life,
        "proposal_count": account.proposal_count,
        "release": release_json(&account.release),
        "earlier_releases": earlier.into_iter().map(release_json).collect::<Vec<_>>(),
        "policy": policy_args::json(&account.policy),
        "last_upgrade_at": time(account.last_upgrade_at),
        "last_emergency_at": time(account.last_emergency_at),
        "pending": {
            "standard": slot_json(standard),
            "emergency": slot_json(emergency),
            "standbys": standbys.iter().map(slot_json).collect::<Vec<_>>(),
        },
        "log_head": hash(&account.log.head),
        "log_sequence": account.log.sequence,
    })
}
