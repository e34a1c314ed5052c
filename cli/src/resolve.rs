//! From a REF to the proposal that it means.

use portcullis::state::Gate;
use portcullis_client::{
    account::{Keyed, ProposalView},
    pda, ClientError,
};
use solana_sdk::pubkey::Pubkey;

use crate::{
    args::RefArgs, client_error::rule, context::Context, error::CliError, exit::ExitCode,
    reference::Reference,
};

/// A proposal with its gate, council and status, all read at once and with a digest that was computed here.
///
/// # Errors
/// No such proposal, one that was closed, an ambiguous number.
pub async fn proposal(
    ctx: &Context,
    reference: &Reference,
    args: &RefArgs,
) -> Result<ProposalView, CliError> {
    let client = ctx.client()?;
    let (gate, index) = match reference {
        Reference::Address(address) => return Ok(client.fetch_proposal_view(address).await?),
        Reference::OfCouncil(_) => {
            return Err(CliError::usage(
                "council_proposals_unknown",
                format!("{reference} would be a proposal about a council itself, which do not exist yet"),
            )
            .hint("proposals of programs are PROGRAM_ID/NUMBER"));
        }
        Reference::OfProgram(program, index) => (gate(ctx, program).await?, *index),
        Reference::Index(index) => match &args.program {
            Some(program) => (gate(ctx, program).await?, *index),
            None => (only_gate(ctx, *index).await?, *index),
        },
    };
    let address = pda::proposal(&ctx.portcullis(), &gate.address, index);
    match client.fetch_proposal_view(&address).await {
        Err(ClientError::NotFound { .. }) => Err(missing(&gate, index)),
        other => Ok(other?),
    }
}

/// The gate of a program.
///
/// # Errors
/// Where the program has none.
pub async fn gate(ctx: &Context, program: &Pubkey) -> Result<Keyed<Gate>, CliError> {
    match ctx.client()?.fetch_gate(program).await {
        Err(ClientError::NotFound { .. }) => Err(CliError::not_found(format!(
            "program {program} has no gate on this cluster"
        ))
        .hint(format!(
            "check the program id and the cluster (-u); to put it behind a gate: portcullis gate adopt {program}"
        ))),
        other => Ok(other?),
    }
}

fn missing(gate: &Keyed<Gate>, index: u32) -> CliError {
    let program = gate.account.program;
    let count = gate.account.proposal_count;
    if index < count {
        return CliError::not_found(format!(
            "proposal {program}/{index} has ended and its account was closed"
        ))
        .hint(format!("what happened to it: portcullis history {program}"));
    }
    CliError::not_found(format!(
        "there is no proposal {program}/{index}: the gate has made {count} so far, numbered from 0"
    ))
    .hint(format!("list them: portcullis list --program {program}"))
}

/// The only gate of this instance. Which of several is meant is never guessed.
async fn only_gate(ctx: &Context, index: u32) -> Result<Keyed<Gate>, CliError> {
    let gates = ctx.client()?.list_gates(None).await?;
    match gates.as_slice() {
        [] => Err(CliError::not_found("there is no gate on this cluster")
            .hint("check the cluster (-u), or put a program behind a gate: portcullis gate adopt PROGRAM_ID")),
        [only] => Ok(*only),
        several => {
            let having: Vec<String> = several
                .iter()
                .filter(|gate| gate.account.proposal_count > index)
                .map(|gate| format!("{}/{index}", gate.account.program))
                .collect();
            let candidates = match having.as_slice() {
                [] => "none of them has such a proposal".to_string(),
                having => format!("it could be {}", having.join(", ")),
            };
            Err(CliError::usage(
                "ambiguous_ref",
                format!(
                    "`{index}` is ambiguous on a cluster with {} gates: {candidates}",
                    several.len()
                ),
            )
            .hint(format!("write PROGRAM_ID/{index}, or give --program PROGRAM_ID")))
        }
    }
}

/// Requires that a member has a role, with an error that names those who have it.
///
/// # Errors
/// `NotAMember`, `RoleMissing`.
pub fn require_role(
    council: &portcullis::state::Council,
    key: &Pubkey,
    role: u8,
    role_name: &str,
) -> Result<(), CliError> {
    let Err(error) = council.member_with(key, role) else {
        return Ok(());
    };
    let able: Vec<String> = council
        .members()
        .iter()
        .filter(|member| member.has(role))
        .map(|member| member.key.to_string())
        .collect();
    let name = error.name();
    let who = format!("{key} must be a member with the role {role_name}");
    let message = if name == "NotAMember" {
        format!("{who}, and is not a member of this council")
    } else {
        format!("{who}, and is a member without it")
    };
    Err(CliError::new(ExitCode::Refused, rule(error).code, message)
        .hint(format!("sign with -k as one of {}", able.join(", "))))
}
