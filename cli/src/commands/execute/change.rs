//! Executes what is no upgrade: changes of members and rules, exits, moves, revocations.

use portcullis::{change::Change, error::PortcullisError, lifecycle::Action, state::ROLE_PROPOSE};
use portcullis_client::account::ProposalView;
use serde_json::json;
use solana_sdk::{instruction::Instruction, pubkey::Pubkey, signer::Signer};

use super::Signers;
use crate::{
    client_error::{hash, rule},
    commands::review::loud,
    context::Context,
    error::CliError,
    output::Fields,
    resolve::require_role,
    view,
    write::{Step, Writer},
};

/// Executes a change that is ready.
///
/// # Errors
/// Where a signer is missing, or the change is impossible by now.
pub(super) async fn execute(
    ctx: &Context,
    writer: &Writer<'_>,
    view: &ProposalView,
    signers: Signers,
) -> Result<(), CliError> {
    let name = view::name(view);
    let (instruction, signer) = instruction(ctx, writer, view, &signers).await?;
    loud(ctx, view);
    let mut details = Fields::new()
        .row("proposal", &name)
        .row("action", view::action(view));
    if let Some(program) = view.program() {
        details.push("program", program);
    }
    details.extend(view::change_rows(view));
    details.push("digest", hash(&view.digest));
    details.push("eta", view::when(view.proposal.eta, view.now.timestamp));
    details.push(
        "expires",
        view::when(view.proposal.expires_at(), view.now.timestamp),
    );
    writer.show(
        &format!("about to execute: {}", view::action(view)),
        details,
    )?;
    let step = Step::new("execute", vec![instruction]);
    let would = json!({ "proposal": view::proposal_json(view) });
    let more: Vec<&dyn Signer> = signer.iter().map(AsRef::as_ref).collect();
    let Some(signatures) = writer.run(&[step], would, &more).await? else {
        return Ok(());
    };
    report(
        ctx,
        writer,
        view,
        signatures.iter().map(ToString::to_string).collect(),
    )
    .await
}

type MoreSigner = Option<Box<dyn Signer>>;

/// The instruction, and who signs it beside the executor.
async fn instruction(
    ctx: &Context,
    writer: &Writer<'_>,
    view: &ProposalView,
    signers: &Signers,
) -> Result<(Instruction, MoreSigner), CliError> {
    let (builder, keys, executor) = (ctx.builder(), view.keys(), writer.key());
    Ok(match &view.change {
        Some(Change::TransferAuthority { to, checked }) => {
            let signer = match (checked, &signers.new_authority) {
                (false, _) => None,
                (true, Some(source)) => {
                    let signer = writer.load_signer(source, "new authority")?;
                    if signer.pubkey() != *to {
                        return Err(rule(PortcullisError::NewAuthorityMismatch).hint(format!(
                            "the proposal names {to}, --new-authority is {}",
                            signer.pubkey()
                        )));
                    }
                    Some(signer)
                }
                (true, None) if *to == executor => None,
                (true, None) => {
                    return Err(rule(PortcullisError::NewAuthorityMustSign)
                        .hint(format!("give the keypair of {to} with --new-authority")));
                }
            };
            let instruction = builder.transfer_authority(&keys, executor, *to, *checked);
            (instruction, signer)
        }
        Some(Change::Finalize) => {
            require_final(view, signers.finalized.as_ref())?;
            (builder.finalize_program(&keys, executor), None)
        }
        Some(Change::MoveGate { council, epoch }) => {
            let signer = match &signers.accepting_proposer {
                Some(source) => Some(writer.load_signer(source, "accepting proposer")?),
                None => None,
            };
            let proposer = signer.as_ref().map_or(executor, |signer| signer.pubkey());
            let target = writer.client.fetch_council(council).await?.account;
            require_role(&target, &proposer, ROLE_PROPOSE, "propose").map_err(|error| {
                error
                    .context("the new council accepts the gate by one of its proposers")
                    .hint(format!(
                        "give the keypair of one with --accepting-proposer; portcullis council show {council} lists them"
                    ))
            })?;
            if target.config_epoch != *epoch {
                return Err(rule(PortcullisError::EpochMismatch).hint(format!(
                    "the voters saw the epoch {epoch} of the new council, it is {} now: propose the move anew",
                    target.config_epoch
                )));
            }
            let instruction = builder.move_gate(&keys, executor, proposer, *council);
            (instruction, signer)
        }
        _ => (builder.execute_change(&keys, executor), None),
    })
}

/// `--yes` alone makes nothing final.
fn require_final(view: &ProposalView, named: Option<&Pubkey>) -> Result<(), CliError> {
    let program = view.keys().program();
    if named == Some(&program) {
        return Ok(());
    }
    Err(CliError::usage(
        "finalization_not_confirmed",
        format!(
            "after this nobody can ever change {program} again, and it must be named once more"
        ),
    )
    .hint(format!(
        "portcullis execute {} --final {program}",
        view::name(view)
    )))
}

async fn report(
    ctx: &Context,
    writer: &Writer<'_>,
    view: &ProposalView,
    signatures: Vec<String>,
) -> Result<(), CliError> {
    let name = view::name(view);
    let after = writer.client.fetch_proposal_view(&view.address).await?;
    let mut data = view::proposal_json(&after);
    let signature = signatures.last().cloned().unwrap_or_default();
    data["signatures"] = signatures.into();
    let mut fields = Fields::new()
        .row("executed", &name)
        .row("action", view::action(view));
    if let Some(program) = view.program() {
        fields.push("program", program);
    }
    // As it was proposed: afterwards there is no difference any more.
    fields.extend(view::change_rows(view));
    if let (Action::TransferAuthority | Action::Finalize, Some(program)) =
        (view.action, view.program())
    {
        let authority = writer
            .client
            .fetch_programdata(&program)
            .await?
            .account
            .upgrade_authority;
        let holder = authority.map_or("nobody, for ever".to_string(), |key| key.to_string());
        data["upgrade_authority"] = json!(authority.map(|key| key.to_string()));
        fields.push("upgrade authority", holder);
    }
    if view.action == Action::ChangeCouncil {
        fields.push("council's epoch", after.council.config_epoch);
        data["council_epoch"] = json!(after.council.config_epoch);
    }
    fields.push("signature", signature);
    ctx.out.result(&fields.render(0), data);
    ctx.next(&format!("next: portcullis close {name}"));
    Ok(())
}
