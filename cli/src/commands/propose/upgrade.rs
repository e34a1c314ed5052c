//! Proposes an upgrade: the buffer goes into the gate's custody, is hashed on chain, and the vote opens. One transaction, also
//! with the rollback that guards it.

use std::path::PathBuf;

use clap::Args;
use portcullis::{digest::Commitment, lifecycle::Lane};
use serde_json::{json, Value};
use solana_sdk::pubkey::Pubkey;

use super::{
    common::{finish, rules, CommonArgs, Place},
    plan::{fits, uploaded, Plan},
    predecessor,
    source::Source,
};
use crate::{
    artifact,
    client_error::NOT_CONFIRMED,
    context::Context,
    duration::{human, parse_seconds},
    error::CliError,
    output::Fields,
    preview::{Preview, Reach},
    profile::Named,
    reference::Reference,
    view,
    write::{Step, Writer},
};

/// Which buffer, for which program, explained by what.
#[derive(Args, Debug)]
#[command(after_help = "Examples:\n  \
    portcullis propose upgrade BUFFER --program PROGRAM_ID --artifact target/deploy/app.so --with-rollback\n  \
    portcullis propose upgrade BUFFER --program PROGRAM_ID --statement release.json \\\n    \
      --statement-uri https://example.com/releases/1.2.0.json\n  \
    portcullis propose upgrade BUFFER --program PROGRAM_ID --emergency\n  \
    portcullis propose upgrade BUFFER --program MAIN --predecessor CANARY/7 --soak 7d\n\n\
    The signer (-k) must be a member with the role propose, and the buffer's authority.")]
pub struct Upgrade {
    /// The buffer that `portcullis buffer upload` made
    #[arg(value_name = "BUFFER")]
    buffer: Pubkey,
    /// The program to upgrade
    #[arg(long, value_name = "PROGRAM_ID", env = "PORTCULLIS_PROGRAM")]
    program: Named,
    /// Your build: its hash must be that of the buffer
    #[arg(long, value_name = "FILE")]
    artifact: Option<PathBuf>,
    /// The emergency lane: more approvals, less time. For what cannot wait
    #[arg(long, conflicts_with = "with_rollback")]
    emergency: bool,
    /// A proposal of another program of the council, which must have executed before
    #[arg(long, value_name = "REF")]
    predecessor: Option<Reference>,
    /// How long the predecessor's release must have run, such as 7d
    #[arg(long, value_name = "DURATION", value_parser = parse_seconds, default_value = "0", requires = "predecessor")]
    soak: u32,
    /// Beside it propose a standby that goes back to what runs now: uploads the deployed bytes
    #[arg(long)]
    with_rollback: bool,
    /// Who gets the buffer's lamports [default: who pays]
    #[arg(long, value_name = "ADDRESS")]
    spill: Option<Pubkey>,
    #[command(flatten)]
    common: CommonArgs,
}

/// The standby beside the upgrade.
struct Guard {
    plan: Plan,
    source: Source,
    /// Of its account, in lamports.
    rent: u64,
}

impl Upgrade {
    /// Runs it.
    ///
    /// # Errors
    /// Where the buffer is not the signer's, not the artifact's, or what runs already.
    pub async fn run(self, ctx: &Context) -> Result<(), CliError> {
        let Self {
            buffer,
            program,
            artifact,
            emergency,
            predecessor,
            soak,
            with_rollback,
            spill,
            common,
        } = self;
        let explained = common.read()?;
        let program = ctx.program(&program)?;
        let writer = ctx.writer(common.write)?;
        if with_rollback {
            writer.refuse_export(
                "the deployed bytes are uploaded before the rollback can be proposed",
                "export the upgrade alone; then `portcullis propose rollback --for REF --buffer BUFFER --export`",
            )?;
        }
        let place = Place::of_gate(ctx, &writer, &program).await?;
        let gate = place.gate()?;
        let (commitment, _) = uploaded(ctx, &writer, gate, &buffer).await?;
        if let Some(path) = &artifact {
            require_artifact(&buffer, &commitment, &ctx.build(path)?)?;
        }
        explained.check(place.now)?;
        if gate.account.release.commitment() == commitment {
            ctx.out.warn("the buffer holds what is deployed already");
        }
        let lane = if emergency {
            Lane::Emergency
        } else {
            Lane::Standard
        };
        explained.check_release(lane, &program, &commitment)?;
        let spill = spill.unwrap_or(writer.payer_key());
        let found = (buffer, commitment);
        let mut plan = Plan::new(&place, &gate.account, lane, found, spill, &explained);
        plan.args.predecessor = match &predecessor {
            Some(reference) => Some(predecessor::named(ctx, &place, reference, soak).await?),
            None => None,
        };
        // Everything below is decided on a copy: the rollback gets the number after the upgrade's.
        let mut ahead = place.clone();
        let terms = plan.rehearse(&mut ahead, &writer)?;
        let guard = if with_rollback {
            Some(guard(ctx, &writer, &place, &mut ahead, &plan).await?)
        } else {
            None
        };

        let rent = plan.rent(&writer).await?;
        if emergency {
            let snapshot = &terms.snapshot;
            ctx.out.alarm(format!(
                "EMERGENCY LANE: executes {} after weight {} has approved, instead of {} after {}",
                human(snapshot.timelock_seconds),
                snapshot.threshold,
                human(gate.account.policy.timelock_seconds),
                gate.account.policy.threshold
            ));
        }
        let mut details = plan.details(&place, &gate.account);
        if emergency {
            details.push("lane", "EMERGENCY");
            if gate.account.last_emergency_at != 0 {
                let open = gate
                    .account
                    .last_emergency_at
                    .saturating_add(i64::from(terms.snapshot.min_interval_seconds));
                details.push(
                    "next emergency",
                    format!("not before {}", view::when(open, place.now.timestamp)),
                );
            }
        }
        details.extend(rules(&terms, &explained, place.now));
        details.push("spill", spill);
        details.push("rent", format!("{rent} lamports, returned at the end"));
        if let Some(guard) = &guard {
            details.extend(guard.details(&place));
        }
        writer.show("about to propose an upgrade", details)?;
        let reach = Reach::Release(gate, commitment.sha256);
        let preview = Preview::new(ctx, &place.council, Vec::new(), reach).await?;
        ctx.out.note(&format!("\n{}\n", preview.text()));
        let steps = steps(ctx, &writer, &place, &plan, guard.as_ref())?;
        let needed = guard
            .as_ref()
            .map_or(0, |guard| guard.rent.saturating_add(guard.source.unpaid));
        writer
            .require_funds(rent.saturating_add(needed), false, &steps)
            .await?;

        let mut extra = json!({
            "statement": explained.json(),
            "rent_lamports": rent,
            "preview": preview.json(),
        });
        if let Some(guard) = &guard {
            extra["rollback_locked_lamports"] = json!({
                "account": guard.rent, "buffer": guard.source.rent,
            });
        }
        let mut would = extra.clone();
        would["ref"] = json!(place.name(plan.index));
        would["lane"] = json!(view::lane_name(lane));
        would["program"] = json!(program.to_string());
        would["buffer"] = json!(buffer.to_string());
        would["new"] = view::content_json(&commitment);
        let address = place.address(ctx, plan.index);
        match guard {
            Some(guard) => {
                send_both(ctx, &writer, &place, (plan, guard), &steps, would, extra).await
            }
            None => match writer.run(&steps, would, &[]).await? {
                Some(signatures) => finish(ctx, &writer, &[address], &signatures, extra).await,
                None => Ok(()),
            },
        }
    }
}

impl Guard {
    /// What it is and what it locks, for people.
    fn details(&self, place: &Place) -> Fields {
        Fields::new()
            .row("rollback", place.name(self.plan.index))
            .row("  goes to", view::content(&self.plan.args.commitment))
            .row("  arms itself", "when the upgrade executes")
            .row("  buffer", self.plan.buffer)
            .row(
                "  locks",
                format!(
                    "{} lamports in its buffer, {} in its account, until it ends",
                    self.source.rent, self.rent
                ),
            )
    }
}

fn require_artifact(
    buffer: &Pubkey,
    found: &Commitment,
    path: &std::path::Path,
) -> Result<(), CliError> {
    let artifact = artifact::read(path)?;
    if artifact.commitment == *found {
        return Ok(());
    }
    Err(
        artifact::differs(&format!("buffer {buffer} holds"), found, &artifact, path)
            .hint("upload the build that is meant: portcullis buffer upload FILE.so"),
    )
}

/// The rollback from what the upgrade brings to what runs now.
async fn guard(
    ctx: &Context,
    writer: &Writer<'_>,
    place: &Place,
    ahead: &mut Place,
    upgrade: &Plan,
) -> Result<Guard, CliError> {
    let gate = place.gate()?;
    let index = ahead.next_index();
    // Whether the lane is open is found out before the deployed bytes are fetched.
    let mut plan = Plan {
        index,
        buffer: upgrade.buffer,
        spill: upgrade.spill,
        args: upgrade.args.clone(),
    };
    plan.args.lane = Lane::Rollback;
    plan.args.base_index = gate.account.release.index.saturating_add(1);
    plan.args.base = upgrade.args.commitment;
    plan.args.commitment = gate.account.release.commitment();
    plan.args.predecessor = None;
    plan.rehearse(ahead, writer)?;
    let source = Source::deployed(ctx, writer, gate).await?;
    plan.buffer = source.buffer;
    let rent = plan.rent(writer).await?;
    Ok(Guard { plan, source, rent })
}

/// The transactions of the proposals: one if they fit into it, else one each.
fn steps(
    ctx: &Context,
    writer: &Writer<'_>,
    place: &Place,
    plan: &Plan,
    guard: Option<&Guard>,
) -> Result<Vec<Step>, CliError> {
    let upgrade = plan.step(ctx, writer, place);
    let Some(guard) = guard else {
        return Ok(vec![upgrade]);
    };
    let rollback = guard.plan.step(ctx, writer, place);
    // The upgrade's buffer is there; the rollback's is uploaded first.
    let independent = upgrade.instructions.len();
    let units = plan
        .compute_units()
        .saturating_add(guard.plan.compute_units());
    let both = [upgrade.instructions.clone(), rollback.instructions.clone()].concat();
    Ok(if fits(writer, &both, units)? {
        let both = Step::new("propose and verify both", both);
        vec![both.compute_units(units).independent(independent)]
    } else {
        vec![upgrade.independent(independent), rollback]
    })
}

/// Uploads the deployed bytes, then proposes the upgrade and its rollback.
async fn send_both(
    ctx: &Context,
    writer: &Writer<'_>,
    place: &Place,
    (plan, guard): (Plan, Guard),
    steps: &[Step],
    would: Value,
    extra: Value,
) -> Result<(), CliError> {
    if writer.sends_nothing() {
        let upload = Step::upload("upload the deployed bytes for the rollback");
        return writer
            .stop_short(&[&[upload], steps].concat(), would, &[])
            .await;
    }
    writer.confirm()?;
    guard.source.ensure(ctx, writer).await?;
    let mut signatures = Vec::with_capacity(steps.len());
    for step in steps {
        match writer.send(step, &[]).await {
            Ok(signature) => signatures.push(signature),
            Err(error) if signatures.is_empty() => return Err(error.context(&step.label)),
            Err(error) => second_failed(ctx, writer, place, (&plan, &guard), error).await?,
        }
    }
    let addresses = [plan.index, guard.plan.index].map(|index| place.address(ctx, index));
    finish(ctx, writer, &addresses, &signatures, extra).await
}

/// The upgrade is proposed. Its rollback is not, or only its confirmation is missing: then it is looked up.
async fn second_failed(
    ctx: &Context,
    writer: &Writer<'_>,
    place: &Place,
    (plan, guard): (&Plan, &Guard),
    error: CliError,
) -> Result<(), CliError> {
    let (name, rollback) = (place.name(plan.index), place.name(guard.plan.index));
    let unknown = error.code == NOT_CONFIRMED;
    if unknown {
        let address = place.address(ctx, guard.plan.index);
        let found = writer.client.fetch_proposal(&address).await;
        if found.is_ok_and(|found| found.account.proposal.terms.buffer == guard.plan.buffer) {
            ctx.out.warn(format!(
                "{rollback} is proposed, although its confirmation did not come: {error}"
            ));
            return Ok(());
        }
    }
    let explained = match plan.args.statement {
        Some(_) => ", with the same --statement",
        None => "",
    };
    let rest = format!(
        "propose the rest: portcullis propose rollback --for {name} --program {} --buffer {}{explained}",
        place.keys(plan.index).program(),
        guard.plan.buffer
    );
    let before = error.hint.as_ref().map(|hint| format!("{hint}; "));
    let before = before.unwrap_or_default();
    Err(if unknown {
        error
            .context(format!(
                "{name} is proposed; whether its rollback is, is not known"
            ))
            .hint(format!(
                "{before}portcullis status {rollback} shows it; if there is none by then, {rest}"
            ))
    } else {
        error
            .context(format!("{name} is proposed, its rollback is not"))
            .hint(format!("{before}then {rest}"))
    })
}
