//! Hands the buffer of a proposal that ended without execution back to its depositor. Anyone may.

use clap::Args;
use serde_json::json;

use super::require_releasable;
use crate::{
    args::ProposalArgs, context::Context, error::CliError, output::Fields, resolve, view,
    write::Step,
};

/// Which proposal's buffer.
#[derive(Args, Debug)]
#[command(after_help = "Example:\n  portcullis buffer return PROGRAM_ID/12")]
pub struct Return {
    #[command(flatten)]
    of: ProposalArgs,
}

impl Return {
    /// Runs it.
    ///
    /// # Errors
    /// Where the proposal is live or holds no buffer any more.
    pub async fn run(self, ctx: &Context) -> Result<(), CliError> {
        let (writer, view) = resolve::to_change(ctx, &self.of).await?;
        let name = view::name(&view);
        require_releasable(&view, &name)?;
        let (buffer, depositor) = (view.proposal.terms.buffer, view.proposal.terms.proposer);
        let rent = writer.lamports(&buffer).await?;
        writer.show(
            "about to hand a buffer back",
            Fields::new()
                .row("proposal", &name)
                .row("status", view::status(&view))
                .row("buffer", buffer)
                .row("hash", view::content(&view.commitment()))
                .row(
                    "authority",
                    format!("{} (the gate's signer)", resolve::authority(&view)),
                )
                .row("goes to", depositor)
                .row(
                    "rent",
                    format!("{rent} lamports stay in the buffer, for who closes it"),
                ),
        )?;
        let step = Step::new(
            "return the buffer",
            vec![ctx.builder().return_buffer(&view.keys(), buffer, depositor)],
        );
        let mut data = json!({
            "ref": name,
            "status": view.status.name(),
            "buffer": buffer.to_string(),
            "depositor": depositor.to_string(),
            "buffer_lamports": rent,
        });
        let Some(signatures) = writer.run(&[step], data.clone(), &[]).await? else {
            return Ok(());
        };
        data["signatures"] = signatures.iter().map(ToString::to_string).collect();
        ctx.out.result(
            &format!("buffer {buffer} belongs to {depositor} again"),
            data,
        );
        ctx.next(&format!(
            "next: portcullis buffer close {buffer} gets its rent back, portcullis close {name} the proposal's"
        ));
        Ok(())
    }
}
