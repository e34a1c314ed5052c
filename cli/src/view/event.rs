//! Events.

use portcullis::lifecycle::Lane;
use portcullis_client::event::Event;
use serde_json::Value;

use super::lane_name;
use crate::{duration::rfc3339, output::printable};

/// What is proposed anew stands within.
fn body(event: &Event) -> &Value {
    event.fields.get("proposed").unwrap_or(&event.fields)
}

/// The number of the proposal that it is about.
pub fn index(event: &Event) -> Option<u64> {
    body(event).get("index")?.as_u64()
}

/// Who did it, as far as the event says so.
pub fn actors(event: &Event) -> impl Iterator<Item = &str> {
    let fields = body(event);
    [
        "proposer",
        "voter",
        "guardian",
        "attester",
        "executor",
        "depositor",
        "former_authority",
    ]
    .into_iter()
    .filter_map(|name| fields.get(name)?.as_str())
}

/// What an event is about, in a few words.
pub fn about(event: &Event) -> String {
    let mut words = Vec::new();
    if let Some(index) = index(event) {
        words.push(format!("proposal {index}"));
    }
    words.extend(details(event));
    words.join(", ")
}

/// The same without the proposal.
pub fn details(event: &Event) -> Vec<String> {
    let fields = body(event);
    let field = |name: &str| match fields.get(name) {
        Some(Value::String(text)) => Some(text.clone()),
        Some(Value::Number(number)) => Some(number.to_string()),
        Some(Value::Bool(true)) => Some("yes".to_string()),
        _ => None,
    };
    let mut words: Vec<String> = actors(event).map(|key| format!("by {key}")).collect();
    if let Some(lane) = field("lane").and_then(|lane| Lane::try_from(lane.parse::<u8>().ok()?).ok())
    {
        if lane != Lane::Standard {
            words.push(format!("lane {}", lane_name(lane)));
        }
    }
    for name in ["vetoed", "rejected", "triggered"] {
        if field(name).is_some() {
            words.push(name.to_string());
        }
    }
    for name in ["to", "council", "config_epoch"] {
        if let Some(value) = field(name) {
            words.push(format!("{} {value}", name.replace('_', " ")));
        }
    }
    if let Some(release) = field("release_index") {
        words.push(format!("release {release}"));
    }
    if let Some(eta) = fields
        .get("eta")
        .and_then(Value::as_i64)
        .filter(|eta| *eta != 0)
    {
        words.push(format!("eta {}", rfc3339(eta)));
    }
    if let Some(uri) = fields.pointer("/statement/uri").and_then(Value::as_str) {
        words.push(format!("statement {}", printable(uri)));
    }
    words
}
