//! Shows a program's gate with what is pending, or one proposal.

mod envs;

use clap::Args;
use portcullis::{
    lifecycle::Status as Lifecycle,
    state::{Council, Gate, GateState},
};
use portcullis_client::{
    account::{Keyed, ProposalView},
    ClientError,
};
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
    portcullis status PROGRAM_ID/12     one proposal\n  \
    portcullis status --all-envs        every program of portcullis.toml on every env, and where they differ")]
pub struct Status {
    /// A program id, a council, or a proposal: 12, PROGRAM_ID/12, council/3 or its address
    #[arg(value_name = "PROGRAM_ID|REF", required_unless_present = "all_envs")]
    subject: Option<Reference>,
    /// Compare the programs of portcullis.toml, or the one that is named, on all its envs
    #[arg(long)]
    all_envs: bool,
    #[command(flatten)]
    reference: RefArgs,
}

impl Status {
    /// Runs it.
    ///
    /// # Errors
    /// Where there is neither a gate nor a proposal.
    pub async fn run(self, ctx: &Context) -> Result<(), CliError> {
        let Self {
            subject,
            all_envs,
            reference,
        } = self;
        let subject = match subject {
            subject if all_envs => return envs::show(ctx, subject.as_ref()).await,
            Some(subject) => subject,
            // Clap requires one of the two.
            None => {
                return Err(CliError::usage(
                    "no_subject",
                    "a program or proposal must be named",
                ))
            }
        };
        if let Reference::Subject(named) = &subject {
            let address = &resolve::subject(ctx, named)?;
            if ctx.client()?.find_gate(address).await?.is_some() {
                return program(ctx, address).await;
            }
            match ctx.client()?.find_council(address).await {
                Ok(Some(found)) => return council(ctx, &found).await,
                Ok(None) | Err(ClientError::Decode { .. }) => {}
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
                "it is a program, and {authority} may upgrade it at any time; to put it behind a gate: {}",
                resolve::adoption(address)
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
    let hold = view::hold(ctx, &gate).await?;
    let hashing = progress(ctx, &gate).await?;
    let pending = listed(&open);
    let text = format!(
        "{}{}\n\n{pending}\n\nPortcullis's own upgrade authority: {guardian}",
        view::gate_text(&gate),
        hashing
            .map(|done| format!(
                "\n\nhashed so far: {done} of {} bytes",
                gate.account.release.len
            ))
            .unwrap_or_default()
    );
    let mut data = view::gate_json(&gate);
    data["hashed_bytes"] = json!(hashing);
    hold.add_to(&mut data);
    data["open_proposals"] = open.iter().map(|view| view::proposal_json(view)).collect();
    data["portcullis_upgrade_authority"] = guardian_json;
    ctx.out.result(&text, data);
    Ok(())
}

/// Open proposals under a header.
fn listed(open: &[&ProposalView]) -> String {
    if open.is_empty() {
        return "no open proposals".to_string();
    }
    table(
        &view::LIST_HEADER,
        open.iter().map(|view| view::proposal_row(view)).collect(),
    )
}

/// How far the hash of a large program has come while it is being adopted.
async fn progress(ctx: &Context, gate: &Keyed<Gate>) -> Result<Option<u32>, CliError> {
    if gate.account.state() != Ok(GateState::Adopting) {
        return Ok(None);
    }
    let hashing = ctx.client()?.fetch_hashing(&gate.address).await?;
    Ok(Some(
        hashing.map_or(0, |hashing| hashing.account.state.hashed()),
    ))
}

async fn council(ctx: &Context, council: &Keyed<Council>) -> Result<(), CliError> {
    let now = ctx.client()?.now().await?;
    let proposals = view::proposals_of_council(ctx, council, now).await?;
    let open: Vec<&ProposalView> = proposals
        .iter()
        .filter(|view| !view.status.is_ended())
        .collect();
    let (guardian, guardian_json) = view::guardian(ctx).await?;
    let address = council.address.to_string();
    let text = format!(
        "{}\n\n{}\n\nPortcullis's own upgrade authority: {guardian}",
        view::council_text(&address, &council.account),
        listed(&open)
    );
    let mut data = view::council_json(&address, &council.account);
    data["open_proposals"] = open.iter().map(|view| view::proposal_json(view)).collect();
    data["portcullis_upgrade_authority"] = guardian_json;
    ctx.out.result(&text, data);
    Ok(())
}

async fn proposal(ctx: &Context, found: &ProposalView) -> Result<(), CliError> {
    let (guardian, guardian_json) = view::guardian(ctx).await?;
    let mut data: Value = view::proposal_json(found);
    data["portcullis_upgrade_authority"] = guardian_json;
    let attestations = ctx.client()?.list_attestations(&found.address).await?;
    data["attestations_given"] = view::attestations_json(&attestations);
    let hashed = match found.status {
        Lifecycle::Draft => ctx.client()?.fetch_hashing(&found.address).await?,
        _ => None,
    };
    let hashed = hashed.map(|hashing| hashing.account.state.hashed());
    data["hashed_bytes"] = json!(hashed);
    let hashed = hashed.map_or(String::new(), |done| {
        format!(
            "\nhashed so far: {done} of {} bytes",
            found.proposal.terms.len
        )
    });
    ctx.out.result(
        &format!(
            "{} is {}{hashed}\nPortcullis's own upgrade authority: {guardian}",
            view::name(found),
            view::status(found)
        ),
        data,
    );
    Ok(())
}
