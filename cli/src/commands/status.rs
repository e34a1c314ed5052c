//! Shows a program's gate with what is pending, or one proposal.

use clap::Args;
use portcullis_client::{account::ProposalView, pda, ClientError};
use serde_json::{json, Value};
use solana_sdk::pubkey::Pubkey;

use crate::{
    args::RefArgs, context::Context, error::CliError, output::table, policy_args,
    reference::Reference, resolve, view,
};

/// Which program or proposal.
#[derive(Args, Debug)]
#[command(after_help = "Examples:\n  \
    portcullis status PROGRAM_ID        the gate, and all open proposals\n  \
    portcullis status PROGRAM_ID/12     one proposal")]
pub struct Status {
    /// A program id, or a proposal: 12, PROGRAM_ID/12 or its address
    #[arg(value_name = "PROGRAM_ID|REF")]
    subject: Reference,
    #[command(flatten)]
    reference: RefArgs,
}

impl Status {
    /// Runs it.
    ///
    /// # Errors
    /// Where there is neither a gate nor a proposal.
    pub async fn run(self, ctx: &Context) -> Result<(), CliError> {
        let Self { subject, reference } = self;
        if let Reference::Address(address) = &subject {
            match ctx.client()?.fetch_gate(address).await {
                Ok(_) => return program(ctx, address).await,
                Err(ClientError::NotFound { .. }) => {}
                Err(error) => return Err(error.into()),
            }
            // An address without a gate is a proposal's, or a program that Portcullis does not know.
            return match ctx.client()?.fetch_proposal_view(address).await {
                Ok(found) => proposal(ctx, &found).await,
                Err(ClientError::NotFound { .. } | ClientError::WrongOwner { .. }) => {
                    Err(no_gate(ctx, address).await)
                }
                Err(error) => Err(error.into()),
            };
        }
        let found = resolve::proposal(ctx, &subject, &reference).await?;
        proposal(ctx, &found).await
    }
}

/// Says who may upgrade the program instead.
async fn no_gate(ctx: &Context, address: &Pubkey) -> CliError {
    let error = CliError::not_found(format!(
        "{address} is neither a program with a gate nor a proposal on this cluster"
    ));
    let programdata = match ctx.client() {
        Ok(client) => client.fetch_programdata(address).await.ok(),
        Err(_) => None,
    };
    match programdata.map(|programdata| programdata.account.upgrade_authority) {
        Some(Some(authority)) => error
            .hint(format!(
                "it is a program, and {authority} may upgrade it at any time: portcullis gate adopt {address}"
            ))
            .data(json!({ "upgrade_authority": authority.to_string() })),
        Some(None) => error.hint("it is a program that can never change"),
        None => error.hint("check the address and the cluster (-u)"),
    }
}

async fn program(ctx: &Context, program: &Pubkey) -> Result<(), CliError> {
    let client = ctx.client()?;
    let gate = resolve::gate(ctx, program).await?;
    let council = client.fetch_council(&gate.account.council).await?;
    let now = client.now().await?;
    let proposals = view::proposals_of(ctx, &gate, &council, now).await?;
    let open: Vec<&ProposalView> = proposals
        .iter()
        .filter(|view| !view.status.is_ended())
        .collect();
    let (guardian, guardian_json) = view::guardian(ctx).await?;
    for warning in policy_args::warnings(&gate.account.policy) {
        ctx.out.warn(warning);
    }
    let held = client.upgrade_authority_of(program, &[]).await?;
    let authority = pda::authority(&ctx.portcullis(), program);
    let holds = client
        .fetch_programdata(program)
        .await?
        .account
        .upgrade_authority
        == Some(authority);
    if !holds {
        ctx.out.alarm(format!(
            "the gate does not hold the upgrade authority of {program}: {held:?}"
        ));
    }
    let pending = if open.is_empty() {
        "no open proposals".to_string()
    } else {
        table(
            &["proposal", "status", "hash", "approvals"],
            open.iter().map(|view| view::proposal_row(view)).collect(),
        )
    };
    let text = format!(
        "{}\n\n{pending}\n\nPortcullis's own upgrade authority: {guardian}",
        view::gate_text(&gate)
    );
    let mut data = view::gate_json(&gate);
    data["holds_upgrade_authority"] = json!(holds);
    data["open_proposals"] = open.iter().map(|view| view::proposal_json(view)).collect();
    data["portcullis_upgrade_authority"] = guardian_json;
    ctx.out.result(&text, data);
    Ok(())
}

async fn proposal(ctx: &Context, found: &ProposalView) -> Result<(), CliError> {
    let (guardian, guardian_json) = view::guardian(ctx).await?;
    let mut data: Value = view::proposal_json(found);
    data["portcullis_upgrade_authority"] = guardian_json;
    ctx.out.result(
        &format!(
            "{} is {}\nPortcullis's own upgrade authority: {guardian}",
            view::name(found),
            view::status(found)
        ),
        data,
    );
    Ok(())
}
