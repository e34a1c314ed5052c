//! A policy as a table and for programs.

use portcullis::{
    constants::ATTESTATION_KINDS as KINDS,
    policy::{Policy, FLAG_ANYONE_MAY_EXECUTE, FLAG_NONCE_VOTES},
};
use serde_json::{json, Map, Value};

use crate::{duration::human, member::ATTESTATION_KINDS, output::Fields};

/// The policy as names and values, always the same names in the same order: what a comparison shows too.
pub fn rows(policy: &Policy) -> Vec<(&'static str, String)> {
    let emergency = policy.emergency_threshold > 0;
    let in_emergency = |text: String| if emergency { text } else { "-".to_string() };
    let standby = policy.trigger_threshold > 0;
    vec![
        ("threshold", policy.threshold.to_string()),
        ("timelock", human(policy.timelock_seconds)),
        ("voting period", human(policy.voting_period_seconds)),
        ("execution window", human(policy.execution_window_seconds)),
        (
            "veto threshold",
            match policy.veto_threshold {
                0 => "none: nobody can veto".to_string(),
                1 => "1 guardian".to_string(),
                count => format!("{count} guardians"),
            },
        ),
        ("minimum interval", human(policy.min_interval_seconds)),
        ("attestations", attestations(&policy.attestations)),
        (
            "emergency lane",
            if emergency {
                format!("weight {}", policy.emergency_threshold)
            } else {
                "off".to_string()
            },
        ),
        (
            "emergency timelock",
            in_emergency(human(policy.emergency_timelock_seconds)),
        ),
        (
            "emergency interval",
            in_emergency(human(policy.emergency_min_interval_seconds)),
        ),
        (
            "emergency veto",
            in_emergency(match policy.emergency_veto_threshold {
                0 => "none".to_string(),
                count => count.to_string(),
            }),
        ),
        (
            "standbys",
            match policy.trigger_threshold {
                0 => "off".to_string(),
                1 => "1 guardian triggers".to_string(),
                count => format!("{count} guardians trigger"),
            },
        ),
        (
            "standby validity",
            if standby {
                human(policy.standby_validity_seconds)
            } else {
                "-".to_string()
            },
        ),
        (
            "signed messages",
            match policy.message_validity_seconds {
                0 => "off".to_string(),
                seconds => format!("valid for {} at most", human(seconds)),
            },
        ),
        ("who may execute", executors(policy.flags).to_string()),
        ("durable-nonce votes", nonce_votes(policy.flags).to_string()),
    ]
}

/// The policy as lines.
pub fn fields(policy: &Policy) -> Fields {
    let mut fields = Fields::new();
    for (name, value) in rows(policy) {
        // What a lane that is off would say besides is no news.
        if value != "-" {
            fields.push(name, value);
        }
    }
    fields
}

/// Required attestations in words.
pub fn attestations(counts: &[u8; KINDS]) -> String {
    let required: Vec<String> = ATTESTATION_KINDS
        .iter()
        .zip(counts)
        .filter(|(_, count)| **count > 0)
        .map(|(kind, count)| format!("{kind} {count}"))
        .collect();
    if required.is_empty() {
        "none".to_string()
    } else {
        required.join(", ")
    }
}

/// Who may execute, in words.
pub fn executors(flags: u8) -> &'static str {
    if flags & FLAG_ANYONE_MAY_EXECUTE != 0 {
        "anyone"
    } else {
        "members with the execute role"
    }
}

/// Whether durable-nonce votes count, in words.
pub fn nonce_votes(flags: u8) -> &'static str {
    if flags & FLAG_NONCE_VOTES != 0 {
        "COUNT: approvals may have been signed long ago"
    } else {
        "refused"
    }
}

/// The policy for programs.
pub fn json(policy: &Policy) -> Value {
    let attestations: Map<String, Value> = ATTESTATION_KINDS
        .iter()
        .zip(policy.attestations)
        .filter(|(_, count)| *count > 0)
        .map(|(kind, count)| ((*kind).to_string(), json!(count)))
        .collect();
    json!({
        "threshold": policy.threshold,
        "timelock_seconds": policy.timelock_seconds,
        "voting_period_seconds": policy.voting_period_seconds,
        "execution_window_seconds": policy.execution_window_seconds,
        "min_interval_seconds": policy.min_interval_seconds,
        "message_validity_seconds": policy.message_validity_seconds,
        "veto_threshold": policy.veto_threshold,
        "anyone_may_execute": policy.flags & FLAG_ANYONE_MAY_EXECUTE != 0,
        "nonce_votes": policy.flags & FLAG_NONCE_VOTES != 0,
        "attestations": attestations,
        "emergency_threshold": policy.emergency_threshold,
        "emergency_timelock_seconds": policy.emergency_timelock_seconds,
        "emergency_min_interval_seconds": policy.emergency_min_interval_seconds,
        "emergency_veto_threshold": policy.emergency_veto_threshold,
        "trigger_threshold": policy.trigger_threshold,
        "standby_validity_seconds": policy.standby_validity_seconds,
    })
}

/// What a reader should know of a policy beyond its numbers.
pub fn warnings(policy: &Policy) -> Vec<String> {
    let mut warnings = Vec::new();
    if policy.threshold == 1 {
        warnings.push(
            "the threshold is 1: one stolen key upgrades the program after the timelock".into(),
        );
    }
    if policy.flags & FLAG_NONCE_VOTES != 0 {
        warnings.push(
            "approvals in durable-nonce transactions count: signatures collected long ago can be used".into(),
        );
    }
    if policy.veto_threshold == 0 {
        warnings.push("nobody can veto".into());
    }
    if policy.emergency_threshold > 0 && policy.emergency_veto_threshold == 0 {
        warnings.push("nobody can veto an emergency upgrade".into());
    }
    warnings
}
