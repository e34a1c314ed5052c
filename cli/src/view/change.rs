//! What an action other than an upgrade changes.

use portcullis::{
    change::{Change, CouncilChange},
    policy::Policy,
    state::Council,
};
use portcullis_client::account::ProposalView;
use serde_json::{json, Value};

use crate::{
    client_error::hash,
    duration::human,
    member::{role_names, MemberArg},
    output::Fields,
    policy_args,
};

/// What the action changes, line by line. Empty for an upgrade without a predecessor.
pub fn change_rows(view: &ProposalView) -> Fields {
    let mut fields = Fields::new();
    match &view.change {
        None => {}
        Some(Change::Upgrade(predecessor)) => fields.push(
            "waits for",
            format!(
                "the release of the proposal with the digest {} at gate {}, which must have run for {}",
                hash(&predecessor.digest),
                predecessor.gate,
                human(predecessor.soak_seconds)
            ),
        ),
        Some(Change::Council(change)) => members(&mut fields, change, &view.council),
        Some(Change::Policy(change)) => {
            let before = policy_rows(view.policy());
            let mut differs = false;
            for ((name, before), (_, after)) in before.iter().zip(policy_rows(&change.policy)) {
                if *before != after {
                    differs = true;
                    fields.push(name, format!("{before} -> {after}"));
                }
            }
            let floor = view.council.delay_floor_seconds;
            if view.gate.is_none() && change.delay_floor_seconds != floor {
                differs = true;
                fields.push(
                    "delay floor",
                    format!("{} -> {}", human(floor), human(change.delay_floor_seconds)),
                );
            }
            if !differs {
                fields.push("policy", "as it is now");
            }
        }
        Some(Change::TransferAuthority { to, checked }) => {
            fields.push("new authority", to);
            fields.push(
                "it signs",
                match checked {
                    true => "yes, the execution",
                    false => "NO: a wrong address could not be taken back",
                },
            );
        }
        Some(Change::MoveGate { council, epoch }) => {
            fields.push("new council", format!("{council}, epoch {epoch}"));
        }
        Some(Change::Finalize) => {
            fields.push("forever", "NOBODY will be able to change this program again");
        }
        Some(Change::RevokeRelease { sha256 }) => {
            fields.push("revokes", hash(sha256));
        }
    }
    fields
}

fn policy_rows(policy: &Policy) -> Vec<(String, String)> {
    policy_args::fields(policy).into_rows()
}

fn members(fields: &mut Fields, change: &CouncilChange, council: &Council) {
    let before = |key| council.member_with(key, 0).ok().map(|(_, member)| *member);
    for key in &change.remove {
        if change.add.iter().any(|member| member.key == *key) {
            continue;
        }
        match before(key) {
            Some(member) => fields.push("removes", MemberArg(member)),
            None => fields.push("removes", key),
        }
    }
    for member in &change.add {
        match before(&member.key).filter(|_| change.remove.contains(&member.key)) {
            Some(old) => fields.push(
                "changes",
                format!("{} -> {}", MemberArg(old), MemberArg(*member)),
            ),
            None => fields.push("adds", MemberArg(*member)),
        }
    }
}

/// What the action changes, for programs.
pub fn change_json(change: Option<&Change>) -> Value {
    match change {
        None => Value::Null,
        Some(Change::Upgrade(predecessor)) => json!({
            "predecessor": {
                "gate": predecessor.gate.to_string(),
                "digest": hash(&predecessor.digest),
                "soak_seconds": predecessor.soak_seconds,
            },
        }),
        Some(Change::Council(change)) => json!({
            "remove": change.remove.iter().map(ToString::to_string).collect::<Vec<_>>(),
            "add": change
                .add
                .iter()
                .map(|member| json!({
                    "key": member.key.to_string(),
                    "roles": role_names(member),
                    "weight": member.weight,
                }))
                .collect::<Vec<_>>(),
        }),
        Some(Change::Policy(change)) => json!({
            "policy": policy_args::json(&change.policy),
            "delay_floor_seconds": change.delay_floor_seconds,
        }),
        Some(Change::TransferAuthority { to, checked }) => {
            json!({ "to": to.to_string(), "checked": checked })
        }
        Some(Change::MoveGate { council, epoch }) => {
            json!({ "council": council.to_string(), "epoch": epoch })
        }
        Some(Change::Finalize) => json!({}),
        Some(Change::RevokeRelease { sha256 }) => json!({ "sha256": hash(sha256) }),
    }
}
