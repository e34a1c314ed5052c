//! Councils.

use portcullis::state::Council;
use serde_json::{json, Value};

use super::slot_json;
use crate::{
    client_error::hash,
    duration::human,
    member::role_names,
    output::{table, Fields},
    policy_args,
};

/// A council for people: its fields, members, and the policy about itself.
pub fn council_text(address: &str, council: &Council) -> String {
    let fields = Fields::new()
        .row("council", address)
        .row(
            "state",
            if council.is_sealed() {
                format!("sealed, epoch {}", council.config_epoch)
            } else {
                "NOT SEALED: it can do nothing yet".to_string()
            },
        )
        .row("gates", council.gate_count)
        .row("delay floor", human(council.delay_floor_seconds))
        .row("create key", council.create_key);
    let rows = council
        .members()
        .iter()
        .map(|member| {
            vec![
                member.key.to_string(),
                role_names(member).join(","),
                member.weight.to_string(),
            ]
        })
        .collect();
    format!(
        "{}\n\n{}\n\nrules for changing the council itself\n{}",
        fields.render(0),
        table(&["member", "roles", "weight"], rows),
        policy_args::fields(&council.policy).render(2)
    )
}

/// A council for programs.
pub fn council_json(address: &str, council: &Council) -> Value {
    let members: Vec<Value> = council
        .members()
        .iter()
        .map(|member| {
            json!({ "key": member.key.to_string(), "roles": role_names(member), "weight": member.weight })
        })
        .collect();
    json!({
        "council": address,
        "create_key": council.create_key.to_string(),
        "sealed": council.is_sealed(),
        "epoch": council.config_epoch,
        "gate_count": council.gate_count,
        "delay_floor_seconds": council.delay_floor_seconds,
        "members": members,
        "policy": policy_args::json(&council.policy),
        "proposal_count": council.proposal_count,
        "pending": slot_json(&council.pending),
        "log_head": hash(&council.log.head),
        "log_sequence": council.log.sequence,
    })
}
