//! Uploads a build into a buffer. The buffer's address follows from the uploader and the bytes, so an interrupted upload
//! goes on where it stopped.

use std::path::PathBuf;

use clap::Args;
use indicatif::{ProgressBar, ProgressStyle};
use portcullis::{constants::MAX_ELF_LEN, error::PortcullisError};
use portcullis_client::{
    account::{decode_buffer, BUFFER_HEADER},
    elf::Artifact,
    upload::{buffer_address, Upload as Uploaded, UploadOptions, UploadProgress},
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
    output::Fields,
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
    portcullis buffer upload target/deploy/app.so --authority MEMBER -k ci.json\n\n\
    Run it again after an interruption: it goes on where it stopped. The uploader needs no role; it hands the buffer\n\
    to the member who proposes (--authority).")]
pub struct Upload {
    /// The build: the .so file
    #[arg(value_name = "FILE")]
    artifact: PathBuf,
    /// The member who will propose it and gets the buffer [default: the signer]
    #[arg(long, value_name = "MEMBER")]
    authority: Option<Pubkey>,
    /// The program that it is for: shown in the next command
    #[arg(long, value_name = "PROGRAM_ID", env = "PORTCULLIS_PROGRAM")]
    program: Option<Pubkey>,
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
            concurrency,
            write,
        } = self;
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
        let authority = authority.unwrap_or(writer.key());
        let place = free_place(&writer, &artifact, &authority).await?;
        let buffer = place.buffer;
        let rent = writer.rent(BUFFER_HEADER + artifact.bytes.len()).await?;
        writer.show(
            "about to upload a build",
            Fields::new()
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
                    if place.begun {
                        "begun before: goes on where it stopped"
                    } else {
                        "new"
                    },
                ),
        )?;
        let options = options(ctx, &place, authority, concurrency);
        let cost = cost(&writer, &artifact, &options).await?;
        writer.require_funds(cost, &[]).await?;
        let would = json!({
            "buffer": buffer.to_string(),
            "artifact": artifact::json(&artifact, &path),
            "authority": authority.to_string(),
            "rent_lamports": rent,
        });
        if writer.is_dry_run() {
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

/// How a build is uploaded to its place.
pub(crate) fn options(
    ctx: &Context,
    place: &Place,
    authority: Pubkey,
    concurrency: u16,
) -> UploadOptions {
    UploadOptions {
        concurrency: usize::from(concurrency),
        compute_unit_price_micro_lamports: ctx.global.compute_unit_price_micro_lamports,
        authority: Some(authority),
        variant: place.variant,
    }
}

/// Lamports that an upload takes, rent and fees.
///
/// # Errors
/// Those of the client.
pub(crate) async fn cost(
    writer: &Writer<'_>,
    artifact: &Artifact,
    options: &UploadOptions,
) -> Result<u64, CliError> {
    let (signer, payer) = (writer.signer.as_ref(), writer.payer.as_ref());
    Ok(writer
        .client
        .upload_cost(artifact, signer, payer, options)
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
    let bar = progress(ctx);
    let upload = writer
        .client
        .upload_buffer(
            artifact,
            writer.signer.as_ref(),
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
        let interrupted = error.is_transient();
        let error = CliError::from(error);
        if interrupted {
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
        };
        let Some(account) = writer.client.get_account(&buffer).await? else {
            return Ok(place(false));
        };
        // Anyone can send lamports there; the upload takes them as part of the rent.
        let Ok(found) = decode_buffer(&buffer, &account) else {
            return Ok(place(false));
        };
        let unfinished =
            found.authority == Some(writer.key()) && found.elf.len() == artifact.bytes.len();
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
