//! Verifying buffers: at once where one transaction can hash them, else in steps with a progress bar.

use indicatif::{ProgressBar, ProgressStyle};
use portcullis_client::{
    account::ProposalView,
    hashing::{hash_steps, hash_transactions, HashProgress, Target},
    transaction::{hash_compute_units, MAX_COMPUTE_UNITS},
};

use crate::{
    context::Context,
    error::CliError,
    write::{Step, Writer},
};

/// The transaction that verifies a buffer which is hashed at once.
pub fn verification(ctx: &Context, view: &ProposalView) -> Step {
    let terms = &view.proposal.terms;
    let instruction = ctx.builder().verify_buffer(&view.keys(), terms.buffer);
    Step::new("verify the buffer", vec![instruction]).compute_units(hash_compute_units(terms.len))
}

/// Verifies the large buffer of a draft; goes on where others stopped. Gives the number of transactions.
///
/// # Errors
/// Those of the client.
pub async fn verify_large(
    ctx: &Context,
    writer: &Writer<'_>,
    view: &ProposalView,
) -> Result<u32, CliError> {
    in_steps(ctx, writer, &Target::buffer_of(view), view.commitment().len).await
}

/// Hashes a large buffer or program in steps, with a progress bar. Gives the number of transactions.
///
/// # Errors
/// Those of the client.
pub async fn in_steps(
    ctx: &Context,
    writer: &Writer<'_>,
    target: &Target,
    len: u32,
) -> Result<u32, CliError> {
    let count = hash_transactions(len);
    writer.refuse_device(
        "hashing takes many transactions",
        "let a key in a file pay: --fee-payer FILE",
    )?;
    ctx.out.note(&format!(
        "hashing {len} bytes on chain in {count} transactions; if it is interrupted, the same command goes on"
    ));
    ctx.settle_price(&[target.address(writer.client), writer.payer_key()])
        .await?;
    let bar = match ctx.out.shows_progress() {
        true => ProgressBar::new(u64::from(len)).with_style(style()),
        false => ProgressBar::hidden(),
    };
    let done = writer
        .client
        .hash_in_steps(
            target,
            len,
            writer.payer.as_ref(),
            ctx.compute_unit_price(),
            &|progress: HashProgress| bar.set_position(u64::from(progress.hashed)),
        )
        .await;
    bar.finish_and_clear();
    Ok(done?)
}

fn style() -> ProgressStyle {
    // A constant template that indicatif takes.
    ProgressStyle::with_template("hashing {wide_bar} {bytes}/{total_bytes}, {eta} left")
        .unwrap_or_else(|_| ProgressStyle::default_bar())
}

/// The next transaction of a verification in steps, for a dry run.
///
/// # Errors
/// Those of the RPC server.
pub async fn first_step_of(
    writer: &Writer<'_>,
    view: &ProposalView,
) -> Result<Vec<Step>, CliError> {
    let hashing = writer.client.fetch_hashing(&view.address).await?;
    let (hashed, rent_payer) = hashing.map_or((0, writer.payer_key()), |hashing| {
        (hashing.account.state.hashed(), hashing.account.rent_payer)
    });
    let target = Target::buffer_of(view);
    Ok(hash_steps(hashed, view.commitment().len)
        .take(1)
        .map(|step| {
            let instruction =
                target.instruction(writer.client, writer.payer_key(), rent_payer, step);
            Step::new("hash a part of the buffer", vec![instruction])
                .compute_units(MAX_COMPUTE_UNITS)
        })
        .collect())
}
