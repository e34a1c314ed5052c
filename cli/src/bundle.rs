//! Proposals on their way to a machine without a network, see [`portcullis_client::bundle`].

use std::{fs, path::Path};

use portcullis::lifecycle::Now;
use portcullis_client::{
    account::ProposalView,
    bundle::{Bundle, BundledStatement, Opened},
};

use crate::{
    args::RefArgs, context::Context, duration::utc_and_local, error::CliError, output::one_line,
    profile::Named, reference::Reference, resolve, view,
};

/// How far the clocks of a machine without a network and of a cluster may be apart, in seconds.
const TOLERATED_SECONDS: i64 = 600;
/// From when on a bundle is called old, in seconds.
const OLD_SECONDS: i64 = 24 * 3600;

/// Writes a proposal for a machine without a network.
///
/// # Errors
/// Those of the client; `file_unwritable`.
pub async fn write(
    ctx: &Context,
    view: &ProposalView,
    statement: Option<BundledStatement>,
    path: &Path,
) -> Result<(), CliError> {
    let cluster = ctx.cluster()?.shown();
    let written_by = format!("portcullis {}", env!("CARGO_PKG_VERSION"));
    let bundle = ctx
        .client()?
        .fetch_bundle(&view.address, cluster, written_by, statement)
        .await?;
    fs::write(path, bundle.to_text()).map_err(|error| {
        CliError::usage(
            "file_unwritable",
            format!("{} cannot be written: {error}", path.display()),
        )
        .hint("check the path")
    })
}

/// A bundle that was opened, and the cluster as it calls it.
pub struct Read {
    pub opened: Opened,
    pub statement: Option<BundledStatement>,
    pub cluster: String,
}

/// Opens a bundle as of now: this machine's clock, or with `bundle_time` the one in the bundle.
///
/// # Errors
/// A file that cannot be read, `bundle_unusable`, `bundle_false`, `clock_behind_bundle`.
pub fn read(ctx: &Context, path: &Path, bundle_time: bool) -> Result<Read, CliError> {
    let unusable = |error| CliError::from(error).context(path.display());
    let bytes = crate::artifact::read_file(path)?;
    let bundle = Bundle::parse(&String::from_utf8_lossy(&bytes)).map_err(unusable)?;
    let now = now(ctx, bundle.written_at(), bundle_time)?;
    let opened = bundle.open(&ctx.portcullis(), now).map_err(unusable)?;
    Ok(Read {
        opened,
        statement: bundle.statement.clone(),
        cluster: one_line(&format!(
            "{}, genesis {}, as the bundle says",
            bundle.cluster, bundle.genesis_hash
        )),
    })
}

/// The time that counts. The slot stays that of the bundle, so that what waits for slots is not taken for ready.
fn now(ctx: &Context, written: Now, bundle_time: bool) -> Result<Now, CliError> {
    if bundle_time {
        ctx.out.warn(format!(
            "the time is taken from the bundle, {}: compare it with a clock that you trust",
            utc_and_local(written.timestamp)
        ));
        return Ok(written);
    }
    let here = jiff::Timestamp::now().as_second();
    if here.saturating_add(TOLERATED_SECONDS) < written.timestamp {
        return Err(CliError::usage(
            "clock_behind_bundle",
            format!(
                "the bundle was written at {}, and this machine's clock shows {}",
                utc_and_local(written.timestamp),
                utc_and_local(here)
            ),
        )
        .hint(
            "set this machine's clock; or let the time in the bundle count, with --bundle-time",
        ));
    }
    if here.saturating_sub(written.timestamp) > OLD_SECONDS {
        ctx.out.warn(format!(
            "the bundle was written at {}: what has happened since does not show",
            utc_and_local(written.timestamp)
        ));
    }
    Ok(Now {
        timestamp: here.max(written.timestamp),
        slot: written.slot,
    })
}

/// Requires that a REF means the proposal of the bundle.
///
/// # Errors
/// `another_proposal`.
pub fn require_named(
    ctx: &Context,
    view: &ProposalView,
    reference: &Reference,
    args: &RefArgs,
) -> Result<(), CliError> {
    let index = view.proposal.terms.index;
    let of_council = view.gate.is_none();
    let program = args.program.as_ref().filter(|_| !of_council);
    let program = program.map(|program| ctx.program(program)).transpose()?;
    let council = args.council.as_ref().filter(|_| of_council);
    let council = council.map(|council| ctx.council(council)).transpose()?;
    let given_fit = program.is_none_or(|program| view.program() == Some(program))
        && council.is_none_or(|council| view.council_address == council);
    let is_meant = match reference {
        Reference::Subject(named) => *named == Named::Address(view.address),
        Reference::Index(number) => !of_council && *number == index && given_fit,
        Reference::OfCouncil(number) => of_council && *number == index && given_fit,
        Reference::Of(subject, number) => {
            let subject = resolve::subject(ctx, subject)?;
            *number == index && subject == view.program().unwrap_or(view.council_address)
        }
    };
    if is_meant {
        return Ok(());
    }
    Err(CliError::mismatch(
        "another_proposal",
        format!("the bundle holds {}, not {reference}", view::name(view)),
    )
    .hint("leave the REF out, or have a bundle of that proposal written"))
}
