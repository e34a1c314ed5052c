//! What votes have done.

use portcullis::lifecycle::Status;
use portcullis_client::account::ProposalView;
use serde_json::json;
use solana_sdk::signature::Signature;

use super::{prepare::triggers_lapse_at, Cast, Verb};
use crate::{context::Context, error::CliError, view};

/// What comes after a vote that was the last one needed, or one of several triggers.
fn next_command(ballot: &Cast, after: &ProposalView) -> Option<String> {
    let name = view::name(after);
    match after.status {
        Status::Armed if after.proposal.is_triggered(after.now) => Some(format!(
            "portcullis execute {name}, before it lapses {}",
            view::when(triggers_lapse_at(after), after.now.timestamp)
        )),
        Status::Armed if ballot.verb == Verb::Trigger => Some(format!(
            "another guardian before {}: portcullis trigger {} {}",
            view::when(triggers_lapse_at(after), after.now.timestamp),
            after.keys().program(),
            view::lane_name(after.lane).replace('_', "-")
        )),
        Status::Queued | Status::Ready if !after.lane.is_standby() => Some(format!(
            "portcullis wait {name} --for ready && portcullis execute {name}"
        )),
        _ => None,
    }
}

/// Shows what the votes have done.
///
/// # Errors
/// Those of the RPC server.
pub async fn report(
    ctx: &Context,
    ballots: &[Cast],
    signatures: &[Signature],
) -> Result<(), CliError> {
    let mut lines = Vec::new();
    let mut votes = Vec::new();
    let mut next = Vec::new();
    for ballot in ballots {
        let after = ctx
            .client()?
            .fetch_proposal_view(&ballot.view.address)
            .await?;
        let name = view::name(&after);
        lines.push(format!(
            "{} {name}: {}",
            ballot.verb.past(),
            view::status(&after)
        ));
        let proposal = &after.proposal;
        if after.status == Status::Voting {
            lines.push(format!(
                "approvals weight {} of {}",
                proposal.approval_weight, proposal.terms.snapshot.threshold
            ));
        }
        if matches!(after.status, Status::Queued | Status::Ready) {
            lines.push(format!(
                "eta {}",
                view::when(proposal.eta, after.now.timestamp)
            ));
        }
        next.extend(next_command(ballot, &after));
        let mut vote = ballot.json();
        vote["status"] = json!(after.status.name());
        vote["approval_weight"] = json!(proposal.approval_weight);
        vote["threshold"] = json!(proposal.terms.snapshot.threshold);
        vote["triggers"] = json!(after.counted_triggers());
        vote["eta"] = view::time(proposal.eta);
        votes.push(vote);
    }
    let signatures: Vec<String> = signatures.iter().map(ToString::to_string).collect();
    lines.push(format!("signature {}", signatures.join(" ")));
    ctx.out.result(
        &lines.join("\n"),
        json!({ "votes": votes, "signatures": signatures }),
    );
    for command in next {
        ctx.next(&format!("next: {command}"));
    }
    Ok(())
}
