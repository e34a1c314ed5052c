//! Drives a proposal to its execution: verifies a draft, queues what is approved, extends the program, executes.

use std::time::Duration;

use clap::Args;
use portcullis::{
    error::PortcullisError,
    lifecycle::{self, Status},
    policy::FLAG_ANYONE_MAY_EXECUTE,
    state::ROLE_EXECUTE,
};
use portcullis_client::{
    account::{ProposalView, BUFFER_HEADER, PROGRAMDATA_HEADER},
    deploy::extend_program,
    transaction::{execution_compute_units, hash_compute_units},
};
use serde_json::json;
use solana_sdk::{instruction::Instruction, signature::Signature};

use crate::{
    args::{RefArgs, WriteArgs},
    client_error::{hash, rule},
    context::Context,
    error::CliError,
    output::Fields,
    reference::Reference,
    resolve::{self, require_role},
    view,
    write::{Step, Writer},
};

/// Slots that are waited for after somebody extended the program in the slot of the execution.
const ATTEMPTS: u32 = 20;
/// About one slot.
const PAUSE: Duration = Duration::from_millis(400);

/// Which proposal.
#[derive(Args, Debug)]
#[command(after_help = "Example:\n  \
    portcullis wait PROGRAM_ID/12 --for ready && portcullis execute PROGRAM_ID/12\n\n\
    Where the program's account is too small, it is extended first. Where somebody extends it in the same slot, the\n\
    execution is tried again in the next ones. The deployed bytes are hashed and compared at the end.")]
pub struct Execute {
    /// Which proposal: 12, PROGRAM_ID/12 or its address
    #[arg(value_name = "REF")]
    proposal: Reference,
    #[command(flatten)]
    reference: RefArgs,
    #[command(flatten)]
    write: WriteArgs,
}

impl Execute {
    /// Runs it.
    ///
    /// # Errors
    /// Where the time has not come, the proposal has ended, or the signer may not execute.
    pub async fn run(self, ctx: &Context) -> Result<(), CliError> {
        let Self {
            proposal,
            reference,
            write,
        } = self;
        let writer = ctx.writer(write)?;
        let view = resolve::proposal(ctx, &proposal, &reference).await?;
        let name = view::name(&view);
        if let Some(step) = preparation(ctx, &view) {
            return prepare(&writer, &view, step).await;
        }
        lifecycle::check(view.status, lifecycle::Step::Execute)
            .map_err(|error| refusal(&view, error))?;
        require_interval(&view)?;
        let (policy, snapshot) = (view.gate.policy.flags, view.proposal.terms.snapshot.flags);
        if policy & snapshot & FLAG_ANYONE_MAY_EXECUTE == 0 {
            require_role(&view.council, &writer.key(), ROLE_EXECUTE, "execute")?;
        }

        let terms = &view.proposal.terms;
        let extension = extension(&writer, &view).await?;
        let mut details = Fields::new()
            .row("proposal", &name)
            .row("program", view.gate.program)
            .row(
                "from",
                format!("{}, release {}", hash(&terms.base_sha256), terms.base_index),
            )
            .row("to", view::content(&view.commitment()))
            .row("digest", hash(&view.digest))
            .row("eta", view::when(view.proposal.eta, view.now.timestamp))
            .row(
                "expires",
                view::when(view.proposal.expires_at(), view.now.timestamp),
            )
            .row("authority", view.gate.authority)
            .row("spill", terms.spill);
        let mut steps = Vec::new();
        if let Some(extension) = &extension {
            details.push(
                "extension",
                format!(
                    "{} bytes more, first, for {} lamports of rent",
                    extension.bytes, extension.rent_lamports
                ),
            );
            steps.push(Step::new(
                "extend the program",
                vec![extension.instruction.clone()],
            ));
        }
        steps.push(
            Step::new(
                "execute",
                vec![ctx.builder().execute_upgrade(
                    &view.keys(),
                    terms.buffer,
                    terms.spill,
                    writer.key(),
                )],
            )
            .compute_units(execution_compute_units(terms.len)),
        );
        writer.show("about to execute an upgrade", details)?;
        let extension_rent = extension
            .as_ref()
            .map_or(0, |extension| extension.rent_lamports);
        writer.require_funds(extension_rent).await?;
        if writer.is_dry_run() {
            let would = json!({ "proposal": view::proposal_json(&view), "extension_rent_lamports": extension_rent });
            return writer.simulate(&steps, would).await;
        }
        writer.confirm()?;
        let mut signatures = Vec::new();
        for step in &steps {
            signatures.push(persist(ctx, &writer, step).await?);
        }
        report(ctx, &writer, &view, extension_rent, &signatures).await
    }
}

/// The transaction that a proposal still needs before it can be queued at all, if any.
fn preparation(ctx: &Context, view: &ProposalView) -> Option<Step> {
    let keys = view.keys();
    let terms = &view.proposal.terms;
    match view.status {
        Status::Draft => Some(
            Step::new(
                "verify the buffer",
                vec![ctx.builder().verify_buffer(&keys, terms.buffer)],
            )
            .compute_units(hash_compute_units(terms.len)),
        ),
        Status::Voting if view.proposal.is_approved() => {
            Some(Step::new("queue", vec![ctx.builder().queue(&keys)]))
        }
        _ => None,
    }
}

/// Takes the step that is missing; the execution itself has to wait for the votes or the timelock.
async fn prepare(writer: &Writer<'_>, view: &ProposalView, step: Step) -> Result<(), CliError> {
    let name = view::name(view);
    let label = step.label.clone();
    writer.show(
        &format!("about to {label}, which comes before the execution"),
        Fields::new()
            .row("proposal", &name)
            .row("status", view::status(view))
            .row("hash", view::content(&view.commitment()))
            .row("digest", hash(&view.digest)),
    )?;
    let would = json!({ "proposal": view::proposal_json(view) });
    let Some(signatures) = writer.run(&[step], would, &[]).await? else {
        return Ok(());
    };
    let after = writer.client.fetch_proposal_view(&view.address).await?;
    let mut data = view::proposal_json(&after);
    data["signatures"] = signatures.iter().map(ToString::to_string).collect();
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
        _ => format!("portcullis review {name} shows what happened; portcullis buffer return {name} hands its buffer back"),
    };
    rule(error)
        .context(format!("proposal {name} is {}", view::status(view)))
        .hint(hint)
        .data(view::proposal_json(view))
}

fn require_interval(view: &ProposalView) -> Result<(), CliError> {
    let last = view.gate.last_upgrade_at;
    let snapshot = view.proposal.terms.snapshot.min_interval_seconds;
    let interval = snapshot.max(view.gate.policy.min_interval_seconds);
    let earliest = last.saturating_add(i64::from(interval));
    if last == 0 || view.now.timestamp >= earliest {
        return Ok(());
    }
    Err(rule(PortcullisError::IntervalNotElapsed).hint(format!(
        "it can be executed {}",
        view::when(earliest, view.now.timestamp)
    )))
}

struct Extension {
    bytes: usize,
    rent_lamports: u64,
    instruction: Instruction,
}

/// What the program's account lacks for the buffer, with what it costs.
async fn extension(
    writer: &Writer<'_>,
    view: &ProposalView,
) -> Result<Option<Extension>, CliError> {
    let program = view.gate.program;
    let terms = &view.proposal.terms;
    let buffer = writer
        .client
        .get_account(&terms.buffer)
        .await?
        .ok_or_else(|| {
            CliError::not_found(format!(
                "the buffer {} of the proposal is gone",
                terms.buffer
            ))
        })?;
    let buffer_len = buffer.data.len().saturating_sub(BUFFER_HEADER);
    let room = writer
        .client
        .fetch_programdata(&program)
        .await?
        .account
        .elf
        .len();
    let Some(instruction) = extend_program(&program, &writer.payer_key(), room, buffer_len)? else {
        return Ok(None);
    };
    // The instruction ends with the number of bytes (solana-loader-v3-interface 6, `ExtendProgram`).
    let bytes = instruction
        .data
        .last_chunk()
        .map_or(0, |bytes| u32::from_le_bytes(*bytes) as usize);
    let now = writer.rent(PROGRAMDATA_HEADER + room).await?;
    let then = writer.rent(PROGRAMDATA_HEADER + room + bytes).await?;
    Ok(Some(Extension {
        bytes,
        rent_lamports: then.saturating_sub(now),
        instruction,
    }))
}

/// The loader takes no upgrade and no extension in the slot of another: tries again in the next ones.
async fn persist(ctx: &Context, writer: &Writer<'_>, step: &Step) -> Result<Signature, CliError> {
    let mut attempt = 1;
    loop {
        match writer.send(step, &[]).await {
            Err(error) if same_slot(&error) && attempt < ATTEMPTS => {
                ctx.out.note(&format!(
                    "the program was extended or deployed in this slot; trying again ({attempt})"
                ));
                attempt += 1;
                tokio::time::sleep(PAUSE).await;
            }
            done => return done,
        }
    }
}

fn same_slot(error: &CliError) -> bool {
    matches!(
        error.code.as_str(),
        "ProgramDeployedThisSlot" | "ProgramWasDeployedInThisBlockAlready"
    )
}

async fn report(
    ctx: &Context,
    writer: &Writer<'_>,
    view: &ProposalView,
    extension_rent: u64,
    signatures: &[Signature],
) -> Result<(), CliError> {
    let name = view::name(view);
    let after = writer.client.fetch_proposal_view(&view.address).await?;
    let deployed = writer.client.fetch_programdata(&view.gate.program).await?;
    let deployed = deployed.account.commitment().unwrap_or_default();
    let expected = view.commitment();
    let mut data = view::proposal_json(&after);
    data["deployed"] = view::content_json(&deployed);
    data["release_index"] = json!(after.gate.release.index);
    data["extension_rent_lamports"] = json!(extension_rent);
    data["signatures"] = signatures.iter().map(ToString::to_string).collect();
    let units = match signatures.last() {
        Some(signature) => writer.client.transaction_summary(signature).await.ok(),
        None => None,
    };
    data["compute_units"] = json!(units.and_then(|summary| summary.compute_units));
    if deployed != expected {
        return Err(CliError::mismatch(
            "HashMismatch",
            format!(
                "the chain holds {} after the execution, {} was voted for",
                view::content(&deployed),
                view::content(&expected)
            ),
        )
        .hint(
            "the RPC server may be behind or wrong: portcullis verify PROGRAM_ID -u ANOTHER_SERVER",
        )
        .data(data));
    }
    ctx.out.result(
        &Fields::new()
            .row("executed", &name)
            .row("program", view.gate.program)
            .row(
                "deployed",
                format!("{}, as voted", view::content(&deployed)),
            )
            .row("release", after.gate.release.index)
            .row(
                "signature",
                signatures
                    .last()
                    .map(ToString::to_string)
                    .unwrap_or_default(),
            )
            .render(0),
        data,
    );
    ctx.next(&format!(
        "next: portcullis verify {program} --artifact FILE.so, and portcullis close {name}",
        program = view.gate.program
    ));
    Ok(())
}
