//! Proposals, gates and councils as text and as JSON: one form for all commands.

mod change;
mod council;
mod event;
mod gate;
mod guardian;
mod hold;
mod proposal;

pub use change::{change_json, change_rows};
pub use council::{council_json, council_text};
pub use event::{about, actors, details, index};
pub use gate::{gate_json, gate_text, releases_json, releases_text};
pub use guardian::guardian;
pub use hold::hold;
pub use proposal::{
    action, attestation_rows, attestations_json, name, proposal_json, proposal_row, proposal_text,
    standing, status, LIST_HEADER,
};

use portcullis::{
    digest::Commitment,
    lifecycle::{Action, Lane, Now},
    state::{Council, Gate, PendingSlot},
};
use portcullis_client::account::{Keyed, ProposalView};
use serde_json::{json, Value};

use crate::{
    client_error::hash,
    context::Context,
    duration::{relative, rfc3339, utc_and_local},
    error::CliError,
};

/// A time for programs: Unix seconds and RFC 3339; null where there is none.
pub fn time(seconds: i64) -> Value {
    match seconds {
        0 => Value::Null,
        seconds => json!({ "unix_seconds": seconds, "rfc3339": rfc3339(seconds) }),
    }
}

/// A time for people, with its distance.
pub fn when(seconds: i64, now: i64) -> String {
    format!("{}, {}", utc_and_local(seconds), relative(seconds, now))
}

/// A commitment for people.
pub fn content(commitment: &Commitment) -> String {
    format!("{} ({} bytes)", hash(&commitment.sha256), commitment.len)
}

/// A commitment for programs.
pub fn content_json(commitment: &Commitment) -> Value {
    json!({ "sha256": hash(&commitment.sha256), "len_bytes": commitment.len })
}

/// An action for programs.
pub fn action_name(action: Action) -> &'static str {
    match action {
        Action::Upgrade => "upgrade",
        Action::ChangeCouncil => "change_council",
        Action::ChangePolicy => "change_policy",
        Action::TransferAuthority => "transfer_authority",
        Action::MoveGate => "move_gate",
        Action::Finalize => "finalize",
        Action::RevokeRelease => "revoke_release",
    }
}

/// A lane for programs.
pub fn lane_name(lane: Lane) -> &'static str {
    match lane {
        Lane::Standard => "standard",
        Lane::Emergency => "emergency",
        Lane::Rollback => "rollback",
        Lane::SafeMode => "safe_mode",
    }
}

/// A place for what is pending, for programs; null where it is free.
fn slot_json(slot: &PendingSlot) -> Value {
    if slot.proposal == Default::default() {
        return Value::Null;
    }
    json!({
        "proposal": slot.proposal.to_string(),
        "action": Action::try_from(slot.action).map_or("unknown", action_name),
        "sha256": hash(&slot.sha256),
        "eta": time(slot.eta),
        "expires_at": time(slot.expires_at),
        "epoch": slot.epoch,
        "life": slot.life,
        "base_index": slot.base_index,
    })
}

/// The proposals of a gate with their status, newest first, as read at one moment.
///
/// # Errors
/// Those of the client.
pub async fn proposals_of(
    ctx: &Context,
    gate: &Keyed<Gate>,
    council: &Keyed<Council>,
    now: Now,
) -> Result<Vec<ProposalView>, CliError> {
    let client = ctx.client()?;
    let mut list = client.list_views_of_gate(gate, council, now).await?;
    list.reverse();
    Ok(list)
}

/// The proposals about a council itself with their status, newest first, as read at one moment.
///
/// # Errors
/// Those of the client.
pub async fn proposals_of_council(
    ctx: &Context,
    council: &Keyed<Council>,
    now: Now,
) -> Result<Vec<ProposalView>, CliError> {
    let client = ctx.client()?;
    let mut list = client.list_views_of_council(council, now).await?;
    list.reverse();
    Ok(list)
}
