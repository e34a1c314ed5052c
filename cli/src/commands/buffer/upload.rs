//! Uploads a build into a buffer. The buffer's address follows from the uploader and the bytes, so an interrupted upload
//! goes on where it stopped.

use std::path::PathBuf;

use clap::Args;
use indicatif::{ProgressBar, ProgressStyle};
use portcullis::{constants::MAX_ELF_LEN, error::PortcullisError};
use portcullis_client::{
    account::{decode_buffer, Buffer, BUFFER_HEADER},
    elf::Artifact,
    upload::{
        buffer_address, is_part, Upload as Uploaded, UploadOptions, UploadPlan, UploadProgress,
    },
};
use serde_json::json;
use solana_sdk::pubkey::Pubkey;

use crate::{
    args::WriteArgs,
    artifact,
    client_error::{hash, rule},
    context::Context,
    error::CliError,
    exit::ExitCode,
    fingerprint::fingerprint,
    output::Fields,
    profile::Named,
    view,
    write::Writer,
};

/// Transactions on the way at once, unless the user says otherwise.
pub(crate) const CONCURRENCY: u16 = 16;
/// Buffers that one uploader can have for one build at the same time.
const MAX_VARIANTS: u16 = 16;

/// Which build, and who proposes it.
#[derive(Args, Debug)]
#[command(after_help = "Examples:\n  \
    portcullis buffer upload target/deploy/app.so\n  \
    portcullis buffer upload target/deploy/app.so --authority MEMBER -k ci.json\n  \
    portcullis buffer upload target/deploy/app.so --reuse BUFFER\n  \
    portcullis buffer upload target/deploy/app.so -u https://rpc.example.com,https://rpc.example.org --rpc-rate 40\n\n\
    Run it again after an interruption, on any machine that has the same build and keypair: it goes on where it stopped.\n\
    The uploader needs no role; it hands the buffer to the member who proposes (--authority). With --reuse an old buffer\n\
    of the uploader becomes that of the new build, and only what differs is sent; builds that differ only by zeros are\n\
    refused there.")]
pub struct Upload {
    /// The build: the .so file
    #[arg(value_name = "FILE")]
    artifact: PathBuf,
    /// The member who will propose it and gets the buffer [default: the signer]
    #[arg(long, value_name = "MEMBER")]
    authority: Option<Pubkey>,
    /// The program that it is for: shown in the next command
    #[arg(long, value_name = "PROGRAM_ID", env = "PORTCULLIS_PROGRAM")]
    program: Option<Named>,
    /// Write over this buffer of the uploader instead of creating one; it must be at least as large as the build
    #[arg(long, value_name = "BUFFER")]
    reuse: Option<Pubkey>,
    /// Transactions on the way at once
    #[arg(long, value_name = "NUMBER", default_value_t = CONCURRENCY, value_parser = clap::value_parser!(u16).range(1..=256))]
    concurrency: u16,
    #[command(flatten)]
    write: WriteArgs,
}

impl Upload {
    /// Runs it.
    ///
    /// # Errors
    /// A file that is no program, or what stands against the writes.
    pub async fn run(self, ctx: &Context) -> Result<(), CliError> {
        let Self {
            artifact: path,
            authority,
            program,
            reuse,
            concurrency,
            write,
        } = self;
        let path = ctx.build(&path)?;
        let artifact = artifact::read(&path)?;
        if artifact.commitment.len > MAX_ELF_LEN {
            return Err(rule(PortcullisError::ElfTooLarge).hint(format!(
                "{} has {} bytes, at most {MAX_ELF_LEN} can be hashed in one transaction",
                path.display(),
                artifact.commitment.len
            )));
        }
        let writer = ctx.writer(write)?;
        writer.refuse_export(
            "an upload is many transactions of the one who uploads, which needs no role",
            "upload with any key of your own, and hand the buffer over: --authority VAULT",
        )?;
        refuse_device(&writer)?;
        let authority = authority.unwrap_or(writer.key());
        let place = match reuse {
            Some(buffer) => reused_place(&writer, &artifact, buffer).await?,
            None => free_place(&writer, &artifact, &authority).await?,
        };
        let buffer = place.buffer;
        let options = options(ctx, &writer, &place, authority, concurrency).await?;
        let plan = plan(&writer, &artifact, &options).await?;
        let rent = writer.rent(BUFFER_HEADER + plan.len).await?;
        let mut fields = Fields::new()
            .row("file", path.display())
            .row("hash", view::content(&artifact.commitment))
            .row("buffer", buffer)
            .row("authority", authority)
            .row(
                "rent",
                format!("{rent} lamports, returned when it is used or closed"),
            )
            .row(
                "state",
                match (reuse, place.begun) {
                    (Some(_), _) => format!("used again: {} transactions", plan.writes),
                    (None, true) => "begun before: goes on where it stopped".to_string(),
                    (None, false) => "new".to_string(),
                },
            );
        if plan.len > artifact.bytes.len() {
            fields.push(
                "size",
                format!(
                    "{} bytes, {} of them zeros behind the build: the program needs as much room",
                    plan.len,
                    plan.len - artifact.bytes.len()
                ),
            );
        }
        writer.show("about to upload a build", fields)?;
        let stays = plan.writes > 0;
        writer.require_funds(plan.lamports, stays, &[]).await?;
        let would = json!({
            "buffer": buffer.to_string(),
            "artifact": artifact::json(&artifact, &path),
            "authority": authority.to_string(),
            "rent_lamports": rent,
            "writes": plan.writes,
        });
        if writer.sends_nothing() {
            ctx.out.result(
                "dry run: nothing was signed or sent",
                json!({ "dry_run": true, "transactions": [], "would": would }),
            );
            return Ok(());
        }
        writer.confirm()?;
        let upload = send(ctx, &writer, &artifact, &options).await?;
        let hash = hash(&artifact.commitment.sha256);
        ctx.out.result(
            &Fields::new()
                .row("buffer", upload.buffer)
                .row("hash", &hash)
                .row("fingerprint", fingerprint(&artifact.commitment.sha256))
                .row("authority", authority)
                .render(0),
            json!({
                "buffer": upload.buffer.to_string(),
                "artifact": artifact::json(&artifact, &path),
                "authority": authority.to_string(),
                "rent_lamports": rent,
                "resumed": upload.resumed,
                "writes": upload.writes,
            }),
        );
        let program = program.map_or("PROGRAM_ID".to_string(), |program| program.to_string());
        ctx.next(&format!(
            "next: portcullis propose upgrade {} --program {program} --artifact {}",
            upload.buffer,
            path.display()
        ));
        Ok(())
    }
}

fn refuse_device(writer: &Writer<'_>) -> Result<(), CliError> {
    writer.refuse_device(
        "an upload takes many transactions",
        "upload with a key in a file, which needs no role, and hand the buffer over: --authority ADDRESS",
    )
}

/// How a build is uploaded to its place.
///
/// # Errors
/// Those of the RPC server, where it is asked for the price.
pub(crate) async fn options(
    ctx: &Context,
    writer: &Writer<'_>,
    place: &Place,
    authority: Pubkey,
    concurrency: u16,
) -> Result<UploadOptions, CliError> {
    ctx.settle_price(&[place.buffer, writer.payer_key()])
        .await?;
    Ok(UploadOptions {
        concurrency: usize::from(concurrency),
        compute_unit_price_micro_lamports: ctx.compute_unit_price(),
        compute_unit_price_ceiling_micro_lamports: ctx.compute_unit_price_ceiling(),
        authority: Some(authority),
        variant: place.variant,
        reuse: place.reused.then_some(place.buffer),
    })
}

/// What an upload takes.
///
/// # Errors
/// Those of the client.
pub(crate) async fn plan(
    writer: &Writer<'_>,
    artifact: &Artifact,
    options: &UploadOptions,
) -> Result<UploadPlan, CliError> {
    let (signer, payer) = (writer.desk.signer.as_ref(), writer.payer.as_ref());
    Ok(writer
        .client
        .upload_plan(artifact, signer, payer, options)
        .await?)
}

/// Uploads a build to its place, with a progress bar.
///
/// # Errors
/// What stands against the writes.
pub(crate) async fn send(
    ctx: &Context,
    writer: &Writer<'_>,
    artifact: &Artifact,
    options: &UploadOptions,
) -> Result<Uploaded, CliError> {
    refuse_device(writer)?;
    let bar = progress(ctx);
    let upload = writer
        .client
        .upload_buffer(
            artifact,
            writer.desk.signer.as_ref(),
            writer.payer.as_ref(),
            options,
            &|progress: UploadProgress| {
                bar.set_length(progress.total as u64);
                bar.set_position(progress.written as u64);
            },
        )
        .await;
    bar.finish_and_clear();
    upload.map_err(|error| {
        let error = CliError::from(error);
        if error.exit == ExitCode::Network {
            error.hint("nothing is lost: run the same command again, it goes on where it stopped")
        } else {
            error
        }
    })
}

/// A buffer's place.
pub(crate) struct Place {
    pub buffer: Pubkey,
    pub variant: u16,
    /// This upload was begun there before, or even finished.
    pub begun: bool,
    /// It was another build's.
    reused: bool,
}

/// An old buffer. Only its address says whose build it is: where the new build would look like that one unfinished, it is refused,
/// or the next upload of the old build would take the buffer back.
///
/// # Errors
/// `reuse_ambiguous`, and those of the RPC server.
async fn reused_place(
    writer: &Writer<'_>,
    artifact: &Artifact,
    buffer: Pubkey,
) -> Result<Place, CliError> {
    // What is no buffer is refused with the plan.
    let account = writer.client.get_account(&buffer).await?;
    let found = account.and_then(|account| decode_buffer(&buffer, &account).ok());
    if let Some(found) = found {
        let mut wanted = artifact.bytes.clone();
        wanted.resize(found.elf.len().max(wanted.len()), 0);
        if wanted != found.elf
            && is_part(&wanted, &found.elf)
            && is_at_home(writer, &found, &buffer)?
        {
            return Err(CliError::new(
                ExitCode::Refused,
                "reuse_ambiguous",
                format!(
                    "a build must differ from the one in buffer {buffer} by more than zeros to take its place: it would be taken \
                     for an unfinished upload of that one"
                ),
            )
            .hint("leave --reuse out: the build gets a buffer of its own"));
        }
    }
    Ok(Place {
        buffer,
        variant: 0,
        begun: true,
        reused: true,
    })
}

/// Whether a buffer's address is one of those that an upload of what it holds would take.
fn is_at_home(writer: &Writer<'_>, found: &Buffer, buffer: &Pubkey) -> Result<bool, CliError> {
    let Some(commitment) = found.commitment() else {
        return Ok(false);
    };
    for variant in 0..MAX_VARIANTS {
        if buffer_address(&writer.key(), &commitment, variant)?.0 == *buffer {
            return Ok(true);
        }
    }
    Ok(false)
}

/// The first of the uploader's addresses for this build whose buffer is not in use: a proposal may hold the earlier ones.
///
/// # Errors
/// `no_free_buffer`, and those of the RPC server.
pub(crate) async fn free_place(
    writer: &Writer<'_>,
    artifact: &Artifact,
    authority: &Pubkey,
) -> Result<Place, CliError> {
    for variant in 0..MAX_VARIANTS {
        let (buffer, _) = buffer_address(&writer.key(), &artifact.commitment, variant)?;
        let place = |begun| Place {
            buffer,
            variant,
            begun,
            reused: false,
        };
        let Some(account) = writer.client.get_account(&buffer).await? else {
            return Ok(place(false));
        };
        // Anyone can send lamports there; the upload takes them as part of the rent.
        let Ok(found) = decode_buffer(&buffer, &account) else {
            return Ok(place(false));
        };
        // One that was used again for another build is not this one's any more.
        let unfinished =
            found.authority == Some(writer.key()) && is_part(&found.elf, &artifact.bytes);
        let handed_over = found.authority == Some(*authority) && found.elf == artifact.bytes;
        if unfinished || handed_over {
            return Ok(place(true));
        }
    }
    Err(CliError::new(
        ExitCode::Refused,
        "no_free_buffer",
        format!(
            "all {MAX_VARIANTS} buffers of {} for this build are in use",
            writer.key()
        ),
    )
    .hint("hand back those of proposals that have ended: portcullis buffer return REF"))
}

/// A bar on a terminal, nothing elsewhere.
fn progress(ctx: &Context) -> ProgressBar {
    if !ctx.out.shows_progress() {
        return ProgressBar::hidden();
    }
    let bar = ProgressBar::new(0);
    // The template is a constant; should it not parse, the default bar does.
    if let Ok(style) =
        ProgressStyle::with_template("uploading {bar:40} {bytes}/{total_bytes} {eta}")
    {
        bar.set_style(style);
    }
    bar
}
