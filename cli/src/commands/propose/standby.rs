//! Proposes a standby: an upgrade that is voted now, armed after its timelock, and executed when guardians trigger it.

use std::path::PathBuf;

use clap::Args;
use portcullis::{
    digest::Commitment,
    error::PortcullisError,
    lifecycle::Lane,
    state::{Gate, Release},
};
use portcullis_client::account::Keyed;
use serde_json::json;
use solana_sdk::pubkey::Pubkey;

use super::{
    common::{finish, rules, CommonArgs, Place},
    plan::Plan,
    revoke::ReleaseRef,
    source::Source,
};
use crate::{
    args::RefArgs,
    artifact,
    client_error::{hash, rule},
    context::Context,
    duration::human,
    error::CliError,
    profile::Named,
    reference::Reference,
    resolve, view,
    write::{Step, Writer},
};

/// A build that halts the program.
#[derive(Args, Debug)]
#[command(after_help = "Examples:\n  \
    portcullis propose safe-mode BUFFER --program PROGRAM_ID --artifact halted.so\n  \
    portcullis propose safe-mode BUFFER --program PROGRAM_ID --for 12\n\n\
    Guardians trigger it once it is armed: portcullis trigger PROGRAM_ID safe-mode")]
pub struct SafeMode {
    /// The buffer with the build that halts it
    #[arg(value_name = "BUFFER")]
    buffer: Pubkey,
    /// Your build: its hash must be that of the buffer
    #[arg(long, value_name = "FILE")]
    artifact: Option<PathBuf>,
    #[command(flatten)]
    standby: StandbyArgs,
}

/// Back to an earlier release.
#[derive(Args, Debug)]
#[command(after_help = "Examples:\n  \
    portcullis propose rollback --program PROGRAM_ID --artifact last-good.so\n  \
    portcullis propose rollback 3 --program PROGRAM_ID --buffer BUFFER\n  \
    portcullis propose rollback --program PROGRAM_ID --for 12\n\n\
    Guardians trigger it once it is armed: portcullis trigger PROGRAM_ID rollback")]
pub struct Rollback {
    /// The release to go back to: its number or hash [default: the one before what would be left]
    #[arg(value_name = "RELEASE")]
    release: Option<ReleaseRef>,
    /// A buffer that holds that release
    #[arg(long, value_name = "BUFFER", conflicts_with = "artifact")]
    buffer: Option<Pubkey>,
    /// A file that holds that release; it is uploaded [default, of what runs now: the deployed bytes]
    #[arg(long, value_name = "FILE")]
    artifact: Option<PathBuf>,
    #[command(flatten)]
    standby: StandbyArgs,
}

/// What both take.
#[derive(Args, Debug)]
struct StandbyArgs {
    /// The program
    #[arg(long, value_name = "PROGRAM_ID", env = "PORTCULLIS_PROGRAM")]
    program: Named,
    /// The upgrade that it guards: it arms itself when that executes [default: what runs now]
    #[arg(long = "for", value_name = "REF")]
    guards: Option<Reference>,
    /// Who gets the buffer's lamports [default: who pays]
    #[arg(long, value_name = "ADDRESS")]
    spill: Option<Pubkey>,
    #[command(flatten)]
    common: CommonArgs,
}

/// What a standby leaves when it executes.
struct Base {
    index: u32,
    commitment: Commitment,
}

impl SafeMode {
    /// Runs it.
    ///
    /// # Errors
    /// Where the buffer is not the signer's or not the artifact's.
    pub async fn run(self, ctx: &Context) -> Result<(), CliError> {
        let Self {
            buffer,
            artifact,
            standby,
        } = self;
        let writer = ctx.writer(standby.common.write.clone())?;
        let place = Place::of_gate(ctx, &writer, &ctx.program(&standby.program)?).await?;
        let source = Source::buffer(ctx, &writer, place.gate()?, &buffer).await?;
        if let Some(path) = &artifact {
            let path = &ctx.build(path)?;
            let artifact = artifact::read(path)?;
            if artifact.commitment != source.commitment {
                let what = format!("buffer {buffer} holds");
                return Err(artifact::differs(
                    &what,
                    &source.commitment,
                    &artifact,
                    path,
                ));
            }
        }
        let base = base(ctx, &standby, place.gate()?).await?;
        propose(ctx, &writer, &place, &standby, Lane::SafeMode, base, source).await
    }
}

impl Rollback {
    /// Runs it.
    ///
    /// # Errors
    /// A release that the gate does not remember, bytes that are not its own.
    pub async fn run(self, ctx: &Context) -> Result<(), CliError> {
        let Self {
            release,
            buffer,
            artifact,
            standby,
        } = self;
        let writer = ctx.writer(standby.common.write.clone())?;
        let place = Place::of_gate(ctx, &writer, &ctx.program(&standby.program)?).await?;
        let gate = place.gate()?;
        let base = base(ctx, &standby, gate).await?;
        let target = match &release {
            Some(release) => release.find(&gate.account)?,
            None => newest_before(&gate.account, &base)?,
        };
        let source = match (&buffer, &artifact) {
            (Some(buffer), _) => Source::buffer(ctx, &writer, gate, buffer).await?,
            (None, Some(path)) => Source::file(ctx, &writer, &ctx.build(path)?).await?,
            (None, None) if target.index == gate.account.release.index => {
                Source::deployed(ctx, &writer, gate).await?
            }
            (None, None) => {
                return Err(CliError::usage(
                    "bytes_required",
                    format!(
                        "the chain keeps the hash of release {} ({}) and not its bytes",
                        target.index,
                        hash(&target.sha256)
                    ),
                )
                .hint("give the build with --artifact FILE.so, or a buffer that holds it with --buffer"));
            }
        };
        if source.commitment != target.commitment() {
            return Err(rule(PortcullisError::HashMismatch)
                .context(format!(
                    "release {} is {}, the bytes given are {}",
                    target.index,
                    view::content(&target.commitment()),
                    view::content(&source.commitment)
                ))
                .hint("give the very build that ran: a rollback goes nowhere else"));
        }
        propose(ctx, &writer, &place, &standby, Lane::Rollback, base, source).await
    }
}

/// The release that ran last before what the standby leaves, and that is not revoked.
fn newest_before(gate: &Gate, base: &Base) -> Result<Release, CliError> {
    gate.releases()
        .filter(|release| {
            release.index < base.index
                && release.sha256 != base.commitment.sha256
                && release.revoked == 0
        })
        .max_by_key(|release| release.index)
        .copied()
        .ok_or_else(|| {
            rule(PortcullisError::NotAnEarlierRelease).hint(format!(
                "the gate remembers none that is not revoked: portcullis gate show {}",
                gate.program
            ))
        })
}

/// The release that runs, or the one that an open upgrade will bring.
async fn base(ctx: &Context, standby: &StandbyArgs, gate: &Keyed<Gate>) -> Result<Base, CliError> {
    let release = gate.account.release;
    let Some(reference) = &standby.guards else {
        return Ok(Base {
            index: release.index,
            commitment: release.commitment(),
        });
    };
    let args = RefArgs {
        program: Some(standby.program.clone()),
        council: None,
    };
    let upgrade = resolve::proposal(ctx, reference, &args).await?;
    let guarded = upgrade.proposal.terms.parent == gate.address
        && upgrade.is_upgrade()
        && !upgrade.status.is_ended()
        && upgrade.proposal.terms.base_index == release.index;
    if !guarded {
        return Err(CliError::usage(
            "nothing_to_guard",
            format!(
                "{} must be an open upgrade of this program from what runs now, and is none",
                view::name(&upgrade)
            ),
        )
        .hint(format!("portcullis list --program {}", standby.program)));
    }
    Ok(Base {
        index: release.index.saturating_add(1),
        commitment: upgrade.commitment(),
    })
}

async fn propose(
    ctx: &Context,
    writer: &Writer<'_>,
    place: &Place,
    standby: &StandbyArgs,
    lane: Lane,
    base: Base,
    source: Source,
) -> Result<(), CliError> {
    let explained = standby.common.read()?;
    explained.check(place.now)?;
    let gate = place.gate()?;
    let spill = standby.spill.unwrap_or(writer.payer_key());
    let found = (source.buffer, source.commitment);
    let mut plan = Plan::new(place, &gate.account, lane, found, spill, &explained);
    plan.args.base_index = base.index;
    plan.args.base = base.commitment;
    let terms = plan.rehearse(&mut place.clone(), writer)?;
    let rent = plan.rent(writer).await?;
    let mut details = plan.details(place, &gate.account);
    details.extend(rules(&terms, &explained, place.now));
    let armed = human(terms.snapshot.execution_window_seconds);
    details.push(
        "triggered by",
        format!(
            "{} guardian(s) within 15 minutes, while it is armed ({armed})",
            terms.snapshot.trigger_threshold
        ),
    );
    details.push("spill", spill);
    details.push(
        "locks",
        format!(
            "{} lamports in its buffer, {rent} in its account, until it ends",
            source.rent
        ),
    );
    let (title, what) = match lane {
        Lane::SafeMode => ("a safe mode", "safe mode"),
        _ => ("a rollback", "rollback"),
    };
    writer.show(&format!("about to propose {title}"), details)?;
    let step = plan.step(ctx, writer, place);
    writer
        .require_funds(
            rent.saturating_add(source.unpaid),
            false,
            std::slice::from_ref(&step),
        )
        .await?;
    let extra = json!({
        "statement": explained.json(),
        "rent_lamports": rent,
        "locked_lamports": { "account": rent, "buffer": source.rent },
    });
    let mut would = extra.clone();
    would["ref"] = json!(place.name(plan.index));
    would["lane"] = json!(view::lane_name(lane));
    would["buffer"] = json!(source.buffer.to_string());
    would["new"] = view::content_json(&source.commitment);
    if source.needs_upload() {
        writer.refuse_export(
            "the bytes are uploaded before they can be proposed",
            "upload first with any key: portcullis buffer upload FILE.so --authority VAULT; then give --buffer",
        )?;
        if writer.sends_nothing() {
            let upload = Step::upload(format!("upload the bytes of the {what}"));
            return writer.stop_short(&[upload, step], would, &[]).await;
        }
        writer.confirm()?;
        source.ensure(ctx, writer).await?;
        let signature = writer.send(&step, &[]).await?;
        let address = place.address(ctx, plan.index);
        return finish(ctx, writer, &[address], &[signature], extra).await;
    }
    let Some(signatures) = writer.run(&[step], would, &[]).await? else {
        return Ok(());
    };
    let address = place.address(ctx, plan.index);
    finish(ctx, writer, &[address], &signatures, extra).await
}

#[cfg(test)]
mod tests {
    use bytemuck::Zeroable;

    use super::*;

    #[test]
    fn a_rollback_goes_to_the_last_release_before_that_is_not_revoked() {
        let mut gate = Gate::zeroed();
        for index in 1..4_u8 {
            let release = &mut gate.earlier[usize::from(index)];
            release.index = u32::from(index);
            release.sha256 = [index; 32];
        }
        gate.release.index = 4;
        gate.release.sha256 = [4; 32];
        let base = |index: u32, byte: u8| Base {
            index,
            commitment: Commitment {
                sha256: [byte; 32],
                len: 1,
            },
        };
        let newest = |gate: &Gate, base: &Base| newest_before(gate, base).map(|r| r.index).ok();
        assert_eq!(newest(&gate, &base(4, 4)), Some(3));
        // Of an upgrade that is yet to come: what runs now.
        assert_eq!(newest(&gate, &base(5, 9)), Some(4));
        gate.earlier[3].revoked = 1;
        assert_eq!(newest(&gate, &base(4, 4)), Some(2));
        // Not to the same bytes under another number.
        assert_eq!(newest(&gate, &base(4, 2)), Some(1));
        assert_eq!(newest(&gate, &base(1, 1)), None);
    }
}
