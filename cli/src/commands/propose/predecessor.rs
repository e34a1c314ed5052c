//! The upgrade of another program that must have run before this one may.

use portcullis::{change::Predecessor, error::PortcullisError, lifecycle::Status};
use portcullis_client::account::ProposalView;

use super::common::Place;
use crate::{
    args::RefArgs, client_error::rule, context::Context, error::CliError, reference::Reference,
    resolve, view,
};

/// The release that a proposal brings or has brought.
pub async fn named(
    ctx: &Context,
    place: &Place,
    reference: &Reference,
    soak_seconds: u32,
) -> Result<Predecessor, CliError> {
    let args = RefArgs {
        program: None,
        council: None,
    };
    let view: ProposalView = resolve::proposal(ctx, reference, &args).await?;
    let Some(gate) = view.gate.as_ref().filter(|_| view.is_upgrade()) else {
        return Err(CliError::usage(
            "predecessor_no_upgrade",
            format!("{reference} must be an upgrade, and is none"),
        ));
    };
    if view.status.is_ended() && view.status != Status::Executed {
        return Err(CliError::usage(
            "predecessor_ended",
            format!(
                "{} is {}: it never executes, so nothing could ever follow it",
                view::name(&view),
                view.status.name()
            ),
        ));
    }
    if view.council_address != place.council.address {
        return Err(rule(PortcullisError::PredecessorInvalid).hint(format!(
            "{} is of council {}, this gate of {}",
            view::name(&view),
            view.council_address,
            place.council.address
        )));
    }
    Ok(Predecessor {
        gate: gate.address,
        digest: view.digest,
        soak_seconds,
    })
}
