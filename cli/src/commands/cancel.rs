//! Withdraws a proposal that is not queued. Only its proposer may.

use clap::Args;
use portcullis::{error::PortcullisError, lifecycle};
use serde_json::json;

use crate::{
    args::ProposalArgs, client_error::rule, context::Context, error::CliError, output::Fields,
    resolve, view, write::Step,
};

/// Which proposal.
#[derive(Args, Debug)]
#[command(after_help = "Example:\n  portcullis cancel PROGRAM_ID/12")]
pub struct Cancel {
    #[command(flatten)]
    of: ProposalArgs,
}

impl Cancel {
    /// Runs it.
    ///
    /// # Errors
    /// Where the proposal is queued, has ended, or is somebody else's.
    pub async fn run(self, ctx: &Context) -> Result<(), CliError> {
        let (writer, view) = resolve::to_change(ctx, &self.of).await?;
        let name = view::name(&view);
        let proposer = view.proposal.terms.proposer;
        if writer.key() != proposer {
            return Err(rule(PortcullisError::NotTheProposer).hint(format!(
                "the proposer is {proposer}; a voter rejects (portcullis reject {name}), a guardian vetoes"
            )));
        }
        lifecycle::check(view.status, lifecycle::Step::Cancel).map_err(|error| {
            rule(error).hint(format!(
                "only a proposal that is not queued can be cancelled; voters can still reject it: portcullis reject {name}"
            ))
        })?;
        let mut details = Fields::new()
            .row("proposal", &name)
            .row("action", view::action(&view))
            .row("status", view::status(&view));
        if view.is_upgrade() {
            details.push("hash", view::content(&view.commitment()));
        }
        details.extend(view::change_rows(&view));
        details.push("digest", crate::client_error::hash(&view.digest));
        writer.show("about to cancel a proposal", details)?;
        let step = Step::new("cancel", vec![ctx.builder().cancel(&view.keys(), proposer)]);
        let details = json!({ "ref": name, "proposal": view.address.to_string() });
        let Some(signatures) = writer.run(&[step], details, &[]).await? else {
            return Ok(());
        };
        let after = writer.client.fetch_proposal_view(&view.address).await?;
        let mut data = view::proposal_json(&after);
        data["signatures"] = signatures.iter().map(ToString::to_string).collect();
        ctx.out.result(&format!("cancelled {name}"), data);
        ctx.next(&match after.holds_buffer() {
            true => format!("next: portcullis buffer return {name}"),
            false => format!("next: portcullis close {name}"),
        });
        Ok(())
    }
}
