//! Executes upgrades, standbys among them: extends the program where it is too small, and is patient with the loader.

use std::time::Duration;

use portcullis::{
    error::PortcullisError,
    lifecycle::{Lane, Status},
};
use portcullis_client::{
    account::{ProposalView, BUFFER_HEADER, PROGRAMDATA_HEADER},
    deploy::extension_bytes,
    transaction::execution_compute_units,
};
use serde_json::json;
use solana_loader_v3_interface::instruction as loader_v3;
use solana_sdk::{instruction::Instruction, pubkey::Pubkey, signature::Signature};

use crate::{
    client_error::{hash, rule},
    context::Context,
    error::CliError,
    output::Fields,
    resolve, view,
    write::{Step, Writer},
};

/// Slots that are waited for after somebody extended the program in the slot of the execution.
const ATTEMPTS: u32 = 20;
/// About one slot.
const PAUSE: Duration = Duration::from_millis(400);

/// Executes an upgrade that is ready, or a standby that was triggered.
///
/// # Errors
/// What stands against it; `HashMismatch` where the chain then holds other bytes.
pub(super) async fn execute(
    ctx: &Context,
    writer: &Writer<'_>,
    view: &ProposalView,
) -> Result<(), CliError> {
    require_interval(view)?;
    if view.status == Status::Armed && !view.proposal.is_triggered(view.now) {
        let program = view.keys().program();
        let use_of = view::lane_name(view.lane).replace('_', "-");
        return Err(rule(PortcullisError::StandbyNotTriggered).hint(format!(
            "{} of {} guardians ask for it: portcullis trigger {program} {use_of}",
            view.counted_triggers(),
            view.proposal.terms.snapshot.trigger_threshold
        )));
    }
    let extension = extension(writer, view).await?;
    let steps = steps(ctx, writer.key(), view, extension.as_ref(), None);
    let terms = &view.proposal.terms;
    let mut details = Fields::new()
        .row("proposal", view::name(view))
        .row("action", view::action(view))
        .row("program", view.keys().program())
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
        .row("authority", resolve::authority(view))
        .row("spill", terms.spill);
    details.extend(view::change_rows(view));
    if let Some(extension) = &extension {
        details.push(
            "extension",
            format!(
                "{} bytes more, first, for {} lamports of rent",
                extension.bytes, extension.rent_lamports
            ),
        );
    }
    writer.show("about to execute an upgrade", details)?;
    let extension_rent = extension
        .as_ref()
        .map_or(0, |extension| extension.rent_lamports);
    // The execution that follows an extension costs less than what the payer must be left with.
    let stays = extension.is_some();
    writer.require_funds(extension_rent, stays, &steps).await?;
    if writer.sends_nothing() {
        let would = json!({ "proposal": view::proposal_json(view), "extension_rent_lamports": extension_rent });
        return writer.stop_short(&steps, would, &[]).await;
    }
    writer.require_one_transaction(&steps)?;
    writer.confirm()?;
    let mut signatures = Vec::new();
    for step in &steps {
        signatures.push(persist(ctx, writer, step).await?);
    }
    report(ctx, writer, view, extension_rent, &signatures).await
}

/// The transactions that execute an upgrade; a `trigger` that completes the quorum stands ahead of the execution in its transaction.
pub(crate) fn steps(
    ctx: &Context,
    executor: Pubkey,
    view: &ProposalView,
    extension: Option<&Extension>,
    trigger: Option<Instruction>,
) -> Vec<Step> {
    let terms = &view.proposal.terms;
    let predecessor_gate = view.predecessor().map(|predecessor| predecessor.gate);
    let mut steps = Vec::new();
    if let Some(extension) = extension {
        steps.push(Step::new(
            "extend the program",
            vec![extension.instruction.clone()],
        ));
    }
    let label = match trigger {
        Some(_) => "trigger and execute",
        None => "execute",
    };
    let mut instructions: Vec<Instruction> = trigger.into_iter().collect();
    instructions.push(ctx.builder().execute_upgrade(
        &view.keys(),
        terms.buffer,
        terms.spill,
        executor,
        predecessor_gate,
    ));
    steps.push(Step::new(label, instructions).compute_units(execution_compute_units(terms.len)));
    steps
}

/// The stricter of the policy then and now, as the program counts it.
fn require_interval(view: &ProposalView) -> Result<(), CliError> {
    let Some(gate) = view.gate.as_ref().map(|gate| &gate.account) else {
        return Ok(());
    };
    let last = match view.lane {
        Lane::Standard => gate.last_upgrade_at,
        Lane::Emergency => gate.last_emergency_at,
        Lane::Rollback | Lane::SafeMode => 0,
    };
    let snapshot = view.proposal.terms.snapshot.min_interval_seconds;
    let interval = snapshot.max(gate.policy.min_interval_seconds(view.lane));
    let earliest = last.saturating_add(i64::from(interval));
    if last == 0 || view.now.timestamp >= earliest {
        return Ok(());
    }
    Err(rule(PortcullisError::IntervalNotElapsed).hint(format!(
        "it can be executed {}",
        view::when(earliest, view.now.timestamp)
    )))
}

/// An extension of the program that comes before the execution.
pub(crate) struct Extension {
    bytes: u32,
    pub rent_lamports: u64,
    pub instruction: Instruction,
}

/// What the program's account lacks for the buffer, with what it costs.
pub(crate) async fn extension(
    writer: &Writer<'_>,
    view: &ProposalView,
) -> Result<Option<Extension>, CliError> {
    let program = view.keys().program();
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
    let Some(bytes) = extension_bytes(&program, room, buffer_len)? else {
        return Ok(None);
    };
    let instruction = loader_v3::extend_program(&program, Some(&writer.payer_key()), bytes);
    let space = PROGRAMDATA_HEADER.saturating_add(room);
    let now = writer.rent(space).await?;
    let then = writer.rent(space.saturating_add(bytes as usize)).await?;
    Ok(Some(Extension {
        bytes,
        rent_lamports: then.saturating_sub(now),
        instruction,
    }))
}

/// The loader takes no upgrade and no extension in the slot of another: tries again in the next ones.
pub(crate) async fn persist(
    ctx: &Context,
    writer: &Writer<'_>,
    step: &Step,
) -> Result<Signature, CliError> {
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

/// Shows what runs now, and that it is what was voted for.
pub(crate) async fn report(
    ctx: &Context,
    writer: &Writer<'_>,
    view: &ProposalView,
    extension_rent: u64,
    signatures: &[Signature],
) -> Result<(), CliError> {
    let name = view::name(view);
    let after = writer.client.fetch_proposal_view(&view.address).await?;
    let program = view.keys().program();
    let deployed = writer.client.fetch_programdata(&program).await?;
    let deployed = deployed.account.commitment().unwrap_or_default();
    let expected = view.commitment();
    let release = after
        .gate
        .as_ref()
        .map_or(0, |gate| gate.account.release.index);
    let mut data = view::proposal_json(&after);
    data["deployed"] = view::content_json(&deployed);
    data["release_index"] = json!(release);
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
            .row("program", program)
            .row(
                "deployed",
                format!("{}, as voted", view::content(&deployed)),
            )
            .row("release", release)
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
        "next: portcullis verify {program} --artifact FILE.so, and portcullis close {name}"
    ));
    Ok(())
}
