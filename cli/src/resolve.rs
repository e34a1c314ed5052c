//! From a REF to the proposal that it means.

use portcullis::state::{Council, Gate};
use portcullis_client::{
    account::{Keyed, ProposalView},
    pda, ClientError,
};
use solana_sdk::pubkey::Pubkey;

use crate::{
    args::{ProposalArgs, RefArgs},
    client_error::rule,
    context::Context,
    error::CliError,
    exit::ExitCode,
    profile::Named,
    reference::Reference,
    write::Writer,
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
    let (parent, index) = match reference {
        Reference::Subject(Named::Address(address)) => {
            return Ok(client.fetch_proposal_view(address).await?)
        }
        Reference::Subject(Named::Name(name)) => {
            return Err(CliError::usage(
                "no_proposal",
                format!("a proposal must be named, and `{name}` is at most a program"),
            )
            .hint(format!(
                "write {name}/NUMBER; list them: portcullis list --program {name}"
            )))
        }
        Reference::OfCouncil(index) => {
            (Parent::Council(Box::new(council(ctx, args).await?)), *index)
        }
        Reference::Of(subject, index) => (subject_of(ctx, subject).await?, *index),
        Reference::Index(index) => match &args.program {
            Some(program) => {
                let gate = gate(ctx, &ctx.program(program)?).await?;
                (Parent::Gate(Box::new(gate)), *index)
            }
            None => (
                Parent::Gate(Box::new(only_gate(ctx, *index).await?)),
                *index,
            ),
        },
    };
    let address = pda::proposal(&ctx.portcullis(), &parent.address(), index);
    match client.fetch_proposal_view(&address).await {
        Err(ClientError::NotFound { .. }) => Err(missing(&parent, index)),
        other => Ok(other?),
    }
}

/// The proposal that is to be changed, and what writes the change.
///
/// # Errors
/// Those of [`proposal`], and of the signer.
pub async fn to_change<'a>(
    ctx: &'a Context,
    args: &ProposalArgs,
) -> Result<(Writer<'a>, ProposalView), CliError> {
    let writer = ctx.writer(args.write.clone())?;
    let view = proposal(ctx, &args.proposal, &args.reference).await?;
    Ok((writer, view))
}

/// What a proposal is about.
enum Parent {
    Gate(Box<Keyed<Gate>>),
    Council(Box<Keyed<Council>>),
}

impl Parent {
    fn address(&self) -> Pubkey {
        match self {
            Self::Gate(gate) => gate.address,
            Self::Council(council) => council.address,
        }
    }
}

/// The address of a program, or of a council where no program has the name.
///
/// # Errors
/// A name that neither has.
pub fn subject(ctx: &Context, named: &Named) -> Result<Pubkey, CliError> {
    match ctx.program(named) {
        Err(error) if error.code == "unknown_name" => ctx.council(named).map_err(|_| error),
        other => other,
    }
}

/// The gate of a program, or the council at an address.
async fn subject_of(ctx: &Context, subject: &Named) -> Result<Parent, CliError> {
    let client = ctx.client()?;
    let subject = &self::subject(ctx, subject)?;
    if let Some(gate) = client.find_gate(subject).await? {
        return Ok(Parent::Gate(Box::new(gate)));
    }
    match client.find_council(subject).await {
        Ok(Some(council)) => Ok(Parent::Council(Box::new(council))),
        Ok(None) | Err(ClientError::Decode { .. }) => {
            Ok(Parent::Gate(Box::new(gate(ctx, subject).await?)))
        }
        Err(error) => Err(error.into()),
    }
}

/// The council that `council/3` means: the one given, or the only one.
async fn council(ctx: &Context, args: &RefArgs) -> Result<Keyed<Council>, CliError> {
    let client = ctx.client()?;
    if let Some(council) = &args.council {
        return Ok(client.fetch_council(&ctx.council(council)?).await?);
    }
    let councils = client.list_councils().await?;
    match councils.as_slice() {
        [] => Err(CliError::not_found("there is no council on this cluster")
            .hint("check the cluster (-u), or create one: portcullis council create")),
        [only] => Ok(*only),
        several => Err(CliError::usage(
            "ambiguous_ref",
            format!(
                "`council/…` is ambiguous on a cluster with {} councils",
                several.len()
            ),
        )
        .hint("write COUNCIL/NUMBER with the council's address, or give --council COUNCIL")),
    }
}

/// The gate of a program.
///
/// # Errors
/// Where the program has none.
pub async fn gate(ctx: &Context, program: &Pubkey) -> Result<Keyed<Gate>, CliError> {
    ctx.client()?.find_gate(program).await?.ok_or_else(|| {
        CliError::not_found(format!("program {program} has no gate on this cluster")).hint(format!(
            "check the program id and the cluster (-u); to put it behind a gate: {}",
            adoption(program)
        ))
    })
}

/// The command that puts a program behind a gate.
pub fn adoption(program: impl std::fmt::Display) -> String {
    format!(
        "portcullis gate adopt {program} --council COUNCIL --threshold WEIGHT --timelock DURATION \
         --upgrade-authority KEYPAIR"
    )
}

fn missing(parent: &Parent, index: u32) -> CliError {
    let (subject, count, which) = match parent {
        Parent::Gate(gate) => {
            let program = gate.account.program;
            (
                program,
                gate.account.proposal_count,
                format!("--program {program}"),
            )
        }
        Parent::Council(council) => {
            let address = council.address;
            (
                address,
                council.account.proposal_count,
                format!("--council {address}"),
            )
        }
    };
    if index < count {
        let history = match parent {
            Parent::Gate(_) => subject.to_string(),
            Parent::Council(_) => which,
        };
        return CliError::not_found(format!(
            "proposal {subject}/{index} has ended and its account was closed"
        ))
        .hint(format!("what happened to it: portcullis history {history}"));
    }
    let maker = match parent {
        Parent::Gate(_) => "the gate has made",
        Parent::Council(_) => "the council has made",
    };
    CliError::not_found(format!(
        "there is no proposal {subject}/{index}: {maker} {count} so far, numbered from 0"
    ))
    .hint(format!("list them: portcullis list {which}"))
}

/// The only gate of this instance. Which of several is meant is never guessed.
async fn only_gate(ctx: &Context, index: u32) -> Result<Keyed<Gate>, CliError> {
    let gates = ctx.client()?.list_gates(None).await?;
    match gates.as_slice() {
        [] => Err(
            CliError::not_found("there is no gate on this cluster").hint(format!(
                "check the cluster (-u), or put a program behind a gate: {}",
                adoption("PROGRAM_ID")
            )),
        ),
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
            .hint(format!(
                "write PROGRAM_ID/{index}, or give --program PROGRAM_ID"
            )))
        }
    }
}

/// The signer of the gate that a proposal is about; the default key where it is about a council.
pub fn authority(view: &ProposalView) -> Pubkey {
    view.gate
        .as_ref()
        .map(|gate| gate.account.authority)
        .unwrap_or_default()
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
