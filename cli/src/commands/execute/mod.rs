//! Drives a proposal to its execution: verifies a draft, queues what is approved, extends the program, executes.

mod change;
pub mod upgrade;

use clap::Args;
use portcullis::{
    error::PortcullisError,
    lifecycle::{self, Status},
    policy::FLAG_ANYONE_MAY_EXECUTE,
    state::ROLE_EXECUTE,
};
use portcullis_client::account::ProposalView;
use solana_sdk::pubkey::Pubkey;

use crate::{
    args::{RefArgs, WriteArgs},
    client_error::{hash, rule},
    context::Context,
    error::CliError,
    hashing,
    output::Fields,
    reference::Reference,
    resolve::{self, require_role},
    view,
    write::{Step, Writer},
};

/// Which proposal.
#[derive(Args, Debug)]
#[command(after_help = "Examples:\n  \
    portcullis wait PROGRAM_ID/12 --for ready && portcullis execute PROGRAM_ID/12\n  \
    portcullis execute PROGRAM_ID/13 --new-authority key.json         a transfer of the upgrade authority\n  \
    portcullis execute PROGRAM_ID/14 --accepting-proposer member.json a move to another council\n\n\
    Where the program's account is too small, it is extended first. Where somebody extends it in the same slot, the\n\
    execution is tried again in the next ones. The deployed bytes are hashed and compared at the end.")]
pub struct Execute {
    /// Which proposal: 12, PROGRAM_ID/12, council/3 or its address
    #[arg(value_name = "REF")]
    proposal: Reference,
    #[command(flatten)]
    signers: Signers,
    #[command(flatten)]
    reference: RefArgs,
    #[command(flatten)]
    write: WriteArgs,
}

/// What some actions need beside the executor.
#[derive(Args, Clone, Debug)]
pub struct Signers {
    /// Of a transfer: the new upgrade authority, which signs too
    #[arg(long, value_name = "KEYPAIR")]
    new_authority: Option<String>,
    /// Of a move: a member of the new council with the role propose, which signs too [default: the signer]
    #[arg(long, value_name = "KEYPAIR")]
    accepting_proposer: Option<String>,
    /// Of a finalization: the program that nobody will ever be able to change again
    #[arg(long = "final", value_name = "PROGRAM_ID")]
    finalized: Option<Pubkey>,
}

impl Execute {
    /// Runs it.
    ///
    /// # Errors
    /// Where the time has not come, the proposal has ended, or the signer may not execute.
    pub async fn run(self, ctx: &Context) -> Result<(), CliError> {
        let Self {
            proposal,
            signers,
            reference,
            write,
        } = self;
        let writer = ctx.writer(write)?;
        let view = resolve::proposal(ctx, &proposal, &reference).await?;
        if view.status == Status::Draft && !view.commitment().is_hashed_at_once() {
            return verify_in_steps(ctx, &writer, &view).await;
        }
        if let Some(step) = preparation(ctx, &view) {
            return prepare(&writer, &view, step).await;
        }
        lifecycle::check(view.status, lifecycle::Step::Execute)
            .map_err(|error| refusal(&view, error))?;
        let flags = view.policy().flags & view.proposal.terms.snapshot.flags;
        if flags & FLAG_ANYONE_MAY_EXECUTE == 0 && !view.lane.is_standby() {
            require_role(&view.council, &writer.key(), ROLE_EXECUTE, "execute")?;
        }
        if view.is_upgrade() {
            upgrade::execute(ctx, &writer, &view).await
        } else {
            change::execute(ctx, &writer, &view, signers).await
        }
    }
}

/// The transaction that a proposal still needs before it can be queued at all, if any.
fn preparation(ctx: &Context, view: &ProposalView) -> Option<Step> {
    match view.status {
        Status::Draft => Some(hashing::verification(ctx, view)),
        Status::Voting if view.proposal.is_approved() => {
            Some(Step::new("queue", vec![ctx.builder().queue(&view.keys())]))
        }
        _ => None,
    }
}

/// Takes the step that is missing; the execution itself has to wait for the votes or the timelock.
async fn prepare(writer: &Writer<'_>, view: &ProposalView, step: Step) -> Result<(), CliError> {
    let label = step.label.clone();
    show_preparation(writer, view, &label)?;
    let would = serde_json::json!({ "proposal": view::proposal_json(view) });
    let Some(signatures) = writer.run(&[step], would, &[]).await? else {
        return Ok(());
    };
    let signatures = signatures.iter().map(ToString::to_string).collect();
    prepared(writer, view, &label, signatures).await
}

fn show_preparation(writer: &Writer<'_>, view: &ProposalView, label: &str) -> Result<(), CliError> {
    let mut details = Fields::new()
        .row("proposal", view::name(view))
        .row("status", view::status(view));
    if view.is_upgrade() {
        details.push("hash", view::content(&view.commitment()));
    }
    details.push("digest", hash(&view.digest));
    writer.show(
        &format!("about to {label}, which comes before the execution"),
        details,
    )
}

/// Verifies a large buffer; the votes come after that.
async fn verify_in_steps(
    ctx: &Context,
    writer: &Writer<'_>,
    view: &ProposalView,
) -> Result<(), CliError> {
    const LABEL: &str = "verify the buffer";
    show_preparation(writer, view, LABEL)?;
    writer.refuse_apart(
        "a large buffer is verified in many transactions, which anyone can send",
        "run it without --blockhash, with any key that pays",
    )?;
    if writer.sends_nothing() {
        let steps = hashing::first_step_of(writer, view).await?;
        let would = serde_json::json!({ "proposal": view::proposal_json(view) });
        return writer.stop_short(&steps, would, &[]).await;
    }
    writer.confirm()?;
    hashing::verify_large(ctx, writer, view).await?;
    prepared(writer, view, LABEL, Vec::new()).await
}

async fn prepared(
    writer: &Writer<'_>,
    view: &ProposalView,
    label: &str,
    signatures: Vec<String>,
) -> Result<(), CliError> {
    let name = view::name(view);
    let after = writer.client.fetch_proposal_view(&view.address).await?;
    let mut data = view::proposal_json(&after);
    data["signatures"] = signatures.into();
    Err(CliError::not_ready(
        "not_executed_yet",
        format!("{name} is {} now, and cannot be executed yet", view::status(&after)),
    )
    .hint(format!(
        "the step `{label}` was done; next: portcullis wait {name} --for ready && portcullis execute {name}"
    ))
    .data(data))
}

fn refusal(view: &ProposalView, error: PortcullisError) -> CliError {
    let name = view::name(view);
    let threshold = view.proposal.terms.snapshot.threshold;
    let hint = match view.status {
        Status::Voting => format!(
            "it needs approvals of weight {threshold} and has {}",
            view.proposal.approval_weight
        ),
        Status::Queued => format!("wait for it: portcullis wait {name} --for ready"),
        _ if view.holds_buffer() => format!(
            "portcullis review {name} shows what happened; portcullis buffer return {name} hands its buffer back"
        ),
        _ => format!("portcullis review {name} shows what happened"),
    };
    rule(error)
        .context(format!("proposal {name} is {}", view::status(view)))
        .hint(hint)
        .data(view::proposal_json(view))
}
