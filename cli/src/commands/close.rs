//! Closes the account of a proposal that has ended. Anyone may; the rent goes back to who paid it.

use clap::Args;
use portcullis::lifecycle;
use portcullis::state::Proposal;
use portcullis_client::account::PortcullisAccount;
use serde_json::json;

use crate::{
    args::{RefArgs, WriteArgs},
    client_error::rule,
    context::Context,
    error::CliError,
    output::Fields,
    reference::Reference,
    resolve, view,
    write::Step,
};

/// Which proposal.
#[derive(Args, Debug)]
#[command(after_help = "Example:\n  portcullis close PROGRAM_ID/12\n\n\
    A proposal that still holds its buffer gives that back first: portcullis buffer return PROGRAM_ID/12")]
pub struct Close {
    /// Which proposal: 12, PROGRAM_ID/12 or its address
    #[arg(value_name = "REF")]
    proposal: Reference,
    #[command(flatten)]
    reference: RefArgs,
    #[command(flatten)]
    write: WriteArgs,
}

impl Close {
    /// Runs it.
    ///
    /// # Errors
    /// Where the proposal is live or still holds its buffer.
    pub async fn run(self, ctx: &Context) -> Result<(), CliError> {
        let Self {
            proposal,
            reference,
            write,
        } = self;
        let writer = ctx.writer(write)?;
        let view = resolve::proposal(ctx, &proposal, &reference).await?;
        let name = view::name(&view);
        lifecycle::check(view.status, lifecycle::Step::Close).map_err(|error| {
            rule(error).context(format!("proposal {name} is {}", view.status.name()))
        })?;
        if view
            .proposal
            .custody()
            .is_ok_and(lifecycle::Custody::is_held)
        {
            return Err(rule(portcullis::error::PortcullisError::BufferStillHeld)
                .hint(format!("first: portcullis buffer return {name}")));
        }
        let payer = view.proposal.terms.rent_payer;
        let rent = writer.rent(Proposal::space()).await?;
        writer.show(
            "about to close the account of an ended proposal",
            Fields::new()
                .row("proposal", &name)
                .row("status", view::status(&view))
                .row("rent", format!("{rent} lamports, to {payer}")),
        )?;
        let step = Step::new(
            "close",
            vec![ctx.builder().close_proposal(&view.keys(), payer)],
        );
        let details = json!({
            "ref": name,
            "proposal": view.address.to_string(),
            "status": view.status.name(),
            "rent_lamports": rent,
            "rent_payer": payer.to_string(),
        });
        let Some(signatures) = writer.run(&[step], details.clone(), &[]).await? else {
            return Ok(());
        };
        let mut data = details;
        data["signatures"] = signatures.iter().map(ToString::to_string).collect();
        ctx.out.result(
            &format!("closed {name}; {rent} lamports went to {payer}"),
            data,
        );
        Ok(())
    }
}
