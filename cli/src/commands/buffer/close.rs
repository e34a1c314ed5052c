//! Closes buffers of the signer's own, or one that its depositor left behind in a gate's custody.

use clap::Args;
use portcullis::{constants::ABANDONED_BUFFER_SECONDS, error::PortcullisError, lifecycle};
use portcullis_client::account::decode_buffer;
use serde_json::json;
use solana_sdk::{instruction::Instruction, pubkey::Pubkey};

use super::require_releasable;
use crate::{
    args::{RefArgs, WriteArgs},
    client_error::rule,
    context::Context,
    error::CliError,
    exit::ExitCode,
    output::Fields,
    reference::Reference,
    resolve, view,
    write::{Step, Writer},
};

/// Buffers of one transaction.
const BUFFERS_AT_ONCE: usize = 8;

/// Which buffers.
#[derive(Args, Debug)]
#[command(after_help = "Examples:\n  \
    portcullis buffer close BUFFER                       one of your own\n  \
    portcullis buffer close --all                        all of your own\n  \
    portcullis buffer close --proposal PROGRAM_ID/12     one that was left behind for 30 days after the proposal's end")]
#[group(id = "which", required = true, multiple = false)]
pub struct Which {
    /// The buffer; its authority is the signer
    #[arg(value_name = "BUFFER")]
    buffer: Option<Pubkey>,
    /// All buffers whose authority is the signer
    #[arg(long)]
    all: bool,
    /// The buffer that this ended proposal still holds: lamports to its spill account
    #[arg(long, value_name = "REF")]
    proposal: Option<Reference>,
}

/// Which buffers, and who gets their lamports.
#[derive(Args, Debug)]
pub struct Close {
    #[command(flatten)]
    which: Which,
    /// Who gets the lamports of buffers of your own [default: who pays]
    #[arg(long, value_name = "ADDRESS", conflicts_with = "proposal")]
    recipient: Option<Pubkey>,
    #[command(flatten)]
    reference: RefArgs,
    #[command(flatten)]
    write: WriteArgs,
}

impl Close {
    /// Runs it.
    ///
    /// # Errors
    /// Where a buffer is somebody else's, or the time has not come.
    pub async fn run(self, ctx: &Context) -> Result<(), CliError> {
        let Self {
            which,
            recipient,
            reference,
            write,
        } = self;
        let writer = ctx.writer(write)?;
        let recipient = recipient.unwrap_or(writer.payer_key());
        match which {
            Which {
                proposal: Some(proposal),
                ..
            } => abandoned(ctx, &writer, &proposal, &reference).await,
            Which {
                buffer: Some(buffer),
                ..
            } => {
                let lamports = own_buffer(&writer, &buffer).await?;
                own(ctx, &writer, &[(buffer, lamports)], recipient).await
            }
            Which { .. } => {
                let buffers = writer.client.list_buffers(&writer.key()).await?;
                let buffers: Vec<(Pubkey, u64)> = buffers
                    .iter()
                    .map(|buffer| (buffer.address, buffer.lamports))
                    .collect();
                own(ctx, &writer, &buffers, recipient).await
            }
        }
    }
}

/// The lamports of a buffer whose authority is the signer.
async fn own_buffer(writer: &Writer<'_>, address: &Pubkey) -> Result<u64, CliError> {
    let account = writer.client.get_account(address).await?.ok_or_else(|| {
        CliError::not_found(format!("there is no buffer {address} on this cluster"))
            .hint("list yours: portcullis buffer list")
    })?;
    let buffer = decode_buffer(address, &account)?;
    if buffer.authority == Some(writer.key()) {
        return Ok(account.lamports);
    }
    let found = buffer
        .authority
        .map_or("none".to_string(), |key| key.to_string());
    Err(CliError::new(
        ExitCode::Refused,
        "BufferAuthorityMismatch",
        format!(
            "the authority of buffer {address} must be the signer {}, it is {found}",
            writer.key()
        ),
    )
    .hint("a buffer that a proposal holds: portcullis buffer return REF, after the proposal's end"))
}

async fn own(
    ctx: &Context,
    writer: &Writer<'_>,
    buffers: &[(Pubkey, u64)],
    recipient: Pubkey,
) -> Result<(), CliError> {
    let lamports: u64 = buffers.iter().map(|(_, lamports)| lamports).sum();
    let closed: Vec<String> = buffers
        .iter()
        .map(|(buffer, _)| buffer.to_string())
        .collect();
    let mut data = json!({
        "buffers": closed,
        "rent_lamports": lamports,
        "recipient": recipient.to_string(),
    });
    if buffers.is_empty() {
        ctx.out
            .result(&format!("{} has no buffers", writer.key()), data);
        return Ok(());
    }
    let mut details = Fields::new();
    for (buffer, lamports) in buffers {
        details.push("buffer", format!("{buffer}, {lamports} lamports"));
    }
    details.push("authority", writer.key());
    details.push("goes to", recipient);
    writer.show("about to close buffers", details)?;
    let steps: Vec<Step> = buffers
        .chunks(BUFFERS_AT_ONCE)
        .map(|chunk| {
            let instructions: Vec<Instruction> = chunk
                .iter()
                .map(|(buffer, _)| {
                    solana_loader_v3_interface::instruction::close(
                        buffer,
                        &recipient,
                        &writer.key(),
                    )
                })
                .collect();
            Step::new(format!("close {} buffer(s)", chunk.len()), instructions)
        })
        .collect();
    let Some(signatures) = writer.run(&steps, data.clone(), &[]).await? else {
        return Ok(());
    };
    data["signatures"] = signatures.iter().map(ToString::to_string).collect();
    ctx.out.result(
        &format!(
            "closed {} buffer(s); {lamports} lamports went to {recipient}",
            buffers.len()
        ),
        data,
    );
    Ok(())
}

async fn abandoned(
    ctx: &Context,
    writer: &Writer<'_>,
    proposal: &Reference,
    reference: &RefArgs,
) -> Result<(), CliError> {
    let view = resolve::proposal(ctx, proposal, reference).await?;
    let name = view::name(&view);
    require_releasable(&view, &name)?;
    // Without a stored end, the one that the program would store: an expiry's deadline, else now.
    let ended_at = match (view.proposal.ended_at, view.status) {
        (0, lifecycle::Status::Expired) => view.facts.deadline(),
        (0, _) => view.now.timestamp,
        (ended_at, _) => ended_at,
    };
    let earliest = ended_at.saturating_add(i64::from(ABANDONED_BUFFER_SECONDS));
    if view.now.timestamp < earliest {
        return Err(rule(PortcullisError::BufferNotAbandoned).hint(format!(
            "anyone may close it {}; until then: portcullis buffer return {name}",
            view::when(earliest, view.now.timestamp)
        )));
    }
    let (buffer, spill) = (view.proposal.terms.buffer, view.proposal.terms.spill);
    let lamports = writer.lamports(&buffer).await?;
    writer.show(
        "about to close a buffer that was left behind",
        Fields::new()
            .row("proposal", &name)
            .row("status", view::status(&view))
            .row("buffer", buffer)
            .row(
                "authority",
                format!("{} (the gate's signer)", resolve::authority(&view)),
            )
            .row("goes to", spill)
            .row("rent", format!("{lamports} lamports")),
    )?;
    let step = Step::new(
        "close the buffer",
        vec![ctx.builder().close_buffer(&view.keys(), buffer, spill)],
    );
    let mut data = json!({ "ref": name, "buffers": [buffer.to_string()], "rent_lamports": lamports, "recipient": spill.to_string() });
    let Some(signatures) = writer.run(&[step], data.clone(), &[]).await? else {
        return Ok(());
    };
    data["signatures"] = signatures.iter().map(ToString::to_string).collect();
    ctx.out.result(
        &format!("closed buffer {buffer} of {name}; {lamports} lamports went to {spill}"),
        data,
    );
    Ok(())
}
