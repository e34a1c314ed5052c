//! What nobody may overlook.

use portcullis::{change::Change, lifecycle::Lane};
use portcullis_client::account::{ProposalView, BUFFER_HEADER};

use crate::{context::Context, duration::human, error::CliError, policy_args};

/// What a review warns of.
pub(super) async fn warn(ctx: &Context, view: &ProposalView) -> Result<(), CliError> {
    let terms = &view.proposal.terms;
    for warning in policy_args::warnings(view.policy()) {
        ctx.out.warn(warning);
    }
    if view.status.is_ended() {
        ctx.out
            .warn(format!("the proposal has ended: {}", view.status.name()));
        return Ok(());
    }
    loud(ctx, view);
    if terms.statement == [0; 32] {
        ctx.out.warn("no statement explains this proposal");
    }
    let (true, Some(gate)) = (view.is_upgrade(), &view.gate) else {
        return Ok(());
    };
    if terms.sha256 == terms.base_sha256 {
        ctx.out
            .warn("the proposal deploys what is deployed already");
    }
    let client = ctx.client()?;
    let deployed = client
        .fetch_programdata(&gate.account.program)
        .await?
        .account;
    if let Some(buffer) = client.get_account(&terms.buffer).await? {
        let needed = buffer.data.len().saturating_sub(BUFFER_HEADER);
        if deployed.elf.len() < needed {
            ctx.out.warn(format!(
                "the program has room for {} bytes and the buffer holds {needed}: `portcullis execute` extends it first",
                deployed.elf.len()
            ));
        }
    }
    let base = deployed.commitment();
    if base.is_none_or(|base| base.sha256 != gate.account.release.sha256) {
        ctx.out
            .alarm("the deployed bytes are not those of the gate's current release");
    }
    Ok(())
}

/// What nobody may overlook before a vote.
pub fn loud(ctx: &Context, view: &ProposalView) {
    match &view.change {
        Some(Change::Finalize) => ctx.out.alarm(
            "FINALIZATION: once executed, nobody can ever change this program again, not even to close a hole",
        ),
        Some(Change::TransferAuthority { to, checked }) => {
            let signs = match checked {
                true => "it must sign the execution",
                false => "IT NEED NOT SIGN: if nobody has this key, the program is lost",
            };
            ctx.out.alarm(format!(
                "the upgrade authority leaves Portcullis and goes to {to}; {signs}"
            ));
        }
        Some(Change::MoveGate { council, .. }) => ctx
            .out
            .alarm(format!("another council decides from then on: {council}")),
        _ => {}
    }
    match view.lane {
        Lane::Emergency => ctx.out.alarm(format!(
            "EMERGENCY LANE: only {} between approval and execution",
            human(view.proposal.terms.snapshot.timelock_seconds)
        )),
        Lane::Rollback | Lane::SafeMode => ctx.out.warn(format!(
            "a standby: once armed, {} guardian(s) can execute it at once, for {}",
            view.proposal.terms.snapshot.trigger_threshold,
            human(view.proposal.terms.snapshot.execution_window_seconds)
        )),
        Lane::Standard => {}
    }
}
