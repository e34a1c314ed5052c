//! What approve, reject, retract and veto have in common.

use std::{path::PathBuf, str::FromStr};

use clap::Args;
use portcullis::{
    constants::MAX_VOTE_VALIDITY_SECONDS,
    error::PortcullisError,
    lifecycle::{check, Step as LifecycleStep},
    state::{ROLE_GUARD, ROLE_VOTE},
    transitions::VoteArgs as SignedVote,
};
use portcullis_client::{
    account::ProposalView,
    transaction::{build_message, with_budget, MAX_TRANSACTION_BYTES},
};
use serde_json::{json, Value};
use solana_sdk::{hash::Hash, instruction::Instruction, pubkey::Pubkey};

use crate::{
    args::{RefArgs, WriteArgs},
    artifact,
    client_error::{hash, rule},
    context::Context,
    duration::{human, parse_seconds, utc_and_local},
    error::CliError,
    output::Fields,
    reference::Reference,
    resolve::{self, require_role},
    view,
    write::{Step, Writer},
};

/// A digest, or its beginning: enough that nobody can find another proposal that begins alike.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct DigestArg(String);

const MIN_DIGEST_DIGITS: usize = 32;

impl FromStr for DigestArg {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        let digits = text.to_ascii_lowercase();
        let hexadecimal = digits.bytes().all(|byte| byte.is_ascii_hexdigit());
        if hexadecimal && (MIN_DIGEST_DIGITS..=64).contains(&digits.len()) {
            return Ok(Self(digits));
        }
        Err(format!(
            "a digest must be {MIN_DIGEST_DIGITS} to 64 hexadecimal digits, found {} characters",
            text.chars().count()
        ))
    }
}

/// The kinds of votes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Verb {
    Approve,
    Reject,
    Retract,
    Veto,
}

impl Verb {
    fn name(self) -> &'static str {
        match self {
            Self::Approve => "approve",
            Self::Reject => "reject",
            Self::Retract => "retract",
            Self::Veto => "veto",
        }
    }

    /// What is about to happen.
    fn title(self) -> &'static str {
        match self {
            Self::Approve => "about to approve an upgrade",
            Self::Reject => "about to reject an upgrade",
            Self::Retract => "about to take back a vote on an upgrade",
            Self::Veto => "about to veto an upgrade, for good",
        }
    }

    fn past(self) -> &'static str {
        match self {
            Self::Approve => "approved",
            Self::Reject => "rejected",
            Self::Retract => "retracted the vote on",
            Self::Veto => "vetoed",
        }
    }

    fn step(self) -> LifecycleStep {
        match self {
            Self::Approve => LifecycleStep::Approve,
            Self::Reject => LifecycleStep::Reject,
            Self::Retract => LifecycleStep::Retract,
            Self::Veto => LifecycleStep::Veto,
        }
    }

    fn role(self) -> (u8, &'static str) {
        match self {
            Self::Veto => (ROLE_GUARD, "guard"),
            _ => (ROLE_VOTE, "vote"),
        }
    }
}

/// The options of every vote.
#[derive(Args, Clone, Debug)]
pub struct VoteOptions {
    /// The digest that you reviewed: all 64 hexadecimal digits, or at least the first 32. Required with --yes
    #[arg(long = "digest", value_name = "HEX")]
    digests: Vec<DigestArg>,
    /// Your own build: its hash must be the proposal's
    #[arg(long = "artifact", value_name = "FILE")]
    artifacts: Vec<PathBuf>,
    /// How long the signed vote can be used, at most 24h and never past the voting deadline
    #[arg(long, value_name = "DURATION", value_parser = parse_seconds, default_value = "1h")]
    valid_for: u32,
    #[command(flatten)]
    reference: RefArgs,
    #[command(flatten)]
    write: WriteArgs,
}

/// Reviews, signs and sends votes of one kind.
///
/// # Errors
/// What stands against one of them: then none is sent.
pub async fn cast(
    ctx: &Context,
    verb: Verb,
    references: &[Reference],
    options: VoteOptions,
) -> Result<(), CliError> {
    let VoteOptions {
        digests,
        artifacts,
        valid_for,
        reference,
        write,
    } = options;
    each_has_one("--digest", digests.len(), references.len())?;
    each_has_one("--artifact", artifacts.len(), references.len())?;
    if valid_for == 0 || valid_for > MAX_VOTE_VALIDITY_SECONDS {
        return Err(CliError::usage(
            "valid_for_out_of_range",
            format!(
                "--valid-for must be above zero and at most {}, found {}",
                human(MAX_VOTE_VALIDITY_SECONDS),
                human(valid_for)
            ),
        )
        .hint(
            "the shorter, the better: a vote that is not sent in time is worth nothing to a thief",
        ));
    }
    if write.yes && !write.dry_run && digests.is_empty() {
        return Err(CliError::usage(
            "digest_required",
            "--yes needs --digest: what is signed without a question must be named",
        )
        .hint("portcullis review REF shows the digest"));
    }

    let writer = ctx.writer(write)?;
    let mut ballots = Vec::with_capacity(references.len());
    for (place, named) in references.iter().enumerate() {
        let view = resolve::proposal(ctx, named, &reference).await?;
        may_cast(verb, &view, &writer.key())?;
        if let Some(digest) = digests.get(place) {
            require_digest(&view, digest)?;
        }
        if let Some(path) = artifacts.get(place) {
            artifact::require(&view, path)?;
        }
        let valid_until = valid_until(verb, &view, valid_for);
        show(
            &writer,
            verb,
            &view,
            valid_until,
            artifacts.get(place).is_some(),
        )?;
        warn_of_clock(ctx, &view)?;
        ballots.push(Ballot { view, valid_until });
    }
    if distinct(&ballots) < ballots.len() {
        return Err(CliError::usage(
            "ref_given_twice",
            "every proposal may be named once, and one is named twice",
        ));
    }

    let steps = pack(ctx, &writer, verb, &ballots)?;
    let details =
        json!({ "votes": ballots.iter().map(|ballot| ballot.json(verb)).collect::<Vec<_>>() });
    let Some(signatures) = writer.run(&steps, details, &[]).await? else {
        return Ok(());
    };
    report(ctx, verb, &ballots, &signatures).await
}

struct Ballot {
    view: ProposalView,
    valid_until: i64,
}

impl Ballot {
    fn json(&self, verb: Verb) -> Value {
        json!({
            "vote": verb.name(),
            "ref": view::name(&self.view),
            "proposal": self.view.address.to_string(),
            "digest": hash(&self.view.digest),
            "valid_until": view::time(self.valid_until),
        })
    }

    fn instruction(&self, ctx: &Context, verb: Verb, member: Pubkey) -> Instruction {
        let (builder, keys) = (ctx.builder(), self.view.keys());
        let vote: SignedVote = self.view.vote_args(self.valid_until);
        match verb {
            Verb::Approve => builder.approve(&keys, member, vote),
            Verb::Reject => builder.reject(&keys, member, vote),
            Verb::Retract => builder.retract(&keys, member, vote),
            Verb::Veto => builder.veto(&keys, member, vote),
        }
    }
}

fn distinct(ballots: &[Ballot]) -> usize {
    let mut addresses: Vec<Pubkey> = ballots.iter().map(|ballot| ballot.view.address).collect();
    addresses.sort_unstable();
    addresses.dedup();
    addresses.len()
}

fn each_has_one(flag: &str, given: usize, proposals: usize) -> Result<(), CliError> {
    if given == 0 || given == proposals {
        return Ok(());
    }
    Err(CliError::usage(
        "wrong_number_of_values",
        format!("{flag} must be given once for each proposal, in their order: {proposals} needed, {given} found"),
    ))
}

/// Every rule that the program would apply, so that the refusal comes before the signature.
fn may_cast(verb: Verb, view: &ProposalView, key: &Pubkey) -> Result<(), CliError> {
    let (role, role_name) = verb.role();
    let name = view::name(view);
    check(view.status, verb.step()).map_err(|error| {
        rule(error)
            .context(format!("proposal {name} is {}", view.status.name()))
            .hint(format!("portcullis review {name} shows what happened"))
    })?;
    require_role(&view.council, key, role, role_name)?;

    let proposal = &view.proposal;
    let approved = view.has_cast(proposal.approvals, key);
    let rejected = view.has_cast(proposal.rejections, key);
    let error = match verb {
        Verb::Approve if view.now.timestamp >= proposal.terms.voting_ends_at => {
            Some(PortcullisError::VotingClosed)
        }
        Verb::Approve if approved => Some(PortcullisError::AlreadyVoted),
        Verb::Approve if rejected => Some(PortcullisError::OppositeVote),
        Verb::Reject if rejected => Some(PortcullisError::AlreadyVoted),
        Verb::Reject if approved => Some(PortcullisError::OppositeVote),
        Verb::Retract if !approved && !rejected => Some(PortcullisError::NothingToRetract),
        Verb::Veto if proposal.terms.snapshot.veto_threshold == 0 => {
            Some(PortcullisError::VetoDisabled)
        }
        Verb::Veto if view.has_cast(proposal.vetoes, key) => Some(PortcullisError::AlreadyVoted),
        _ => None,
    };
    match error {
        None => Ok(()),
        Some(error) => {
            let hint = match error {
                PortcullisError::OppositeVote => format!("portcullis retract {name}"),
                _ => format!("portcullis review {name} shows all votes"),
            };
            Err(rule(error).context(format!("proposal {name}")).hint(hint))
        }
    }
}

fn require_digest(view: &ProposalView, given: &DigestArg) -> Result<(), CliError> {
    let digest = hash(&view.digest);
    if digest.starts_with(&given.0) {
        return Ok(());
    }
    let name = view::name(view);
    Err(CliError::mismatch(
        "digest_mismatch",
        format!(
            "proposal {name} has the digest {digest}, --digest says {}",
            given.0
        ),
    )
    .hint(format!(
        "this is not the proposal that you reviewed; look at it again: portcullis review {name}"
    )))
}

fn valid_until(verb: Verb, view: &ProposalView, valid_for: u32) -> i64 {
    let wanted = view.now.timestamp.saturating_add(i64::from(valid_for));
    match verb {
        Verb::Approve => wanted.min(view.proposal.terms.voting_ends_at),
        _ => wanted,
    }
}

/// A server that shows a clock far ahead would make the vote usable for longer than the voter thinks.
fn warn_of_clock(ctx: &Context, view: &ProposalView) -> Result<(), CliError> {
    const TOLERATED_SECONDS: i64 = 600;
    if ctx.cluster()?.is_local() {
        return Ok(());
    }
    let here = jiff::Timestamp::now().as_second();
    let distance = view.now.timestamp.saturating_sub(here);
    if distance.abs() > TOLERATED_SECONDS {
        ctx.out.warn(format!(
            "the cluster's clock shows {}, this machine's {}: the vote is valid by the cluster's",
            utc_and_local(view.now.timestamp),
            utc_and_local(here)
        ));
    }
    Ok(())
}

fn show(
    writer: &Writer,
    verb: Verb,
    view: &ProposalView,
    valid_until: i64,
    compared: bool,
) -> Result<(), CliError> {
    let now = view.now.timestamp;
    let proposal = &view.proposal;
    let terms = &proposal.terms;
    let eta = if proposal.eta != 0 {
        view::when(proposal.eta, now)
    } else {
        let earliest = now
            .saturating_add(i64::from(terms.snapshot.timelock_seconds))
            .max(terms.not_before);
        format!("not queued; not before {}", view::when(earliest, now))
    };
    let compared = if compared {
        " = your artifact's"
    } else {
        ", not compared with a build of yours (--artifact)"
    };
    let details = Fields::new()
        .row("proposal", view::name(view))
        .row("status", view::status(view))
        .row("program", view.gate.program)
        .row("from", hash(&terms.base_sha256))
        .row("to", format!("{}{compared}", hash(&terms.sha256)))
        .row(
            "approvals",
            format!(
                "weight {} of {}",
                proposal.approval_weight, terms.snapshot.threshold
            ),
        )
        .row("eta", eta)
        .row("digest", hash(&view.digest))
        .row("vote valid until", view::when(valid_until, now));
    writer.show(verb.title(), details)
}

/// As few transactions as possible.
fn pack(
    ctx: &Context,
    writer: &Writer,
    verb: Verb,
    ballots: &[Ballot],
) -> Result<Vec<Step>, CliError> {
    let mut packs: Vec<Vec<Instruction>> = vec![Vec::new()];
    for ballot in ballots {
        let instruction = ballot.instruction(ctx, verb, writer.key());
        let Some(last) = packs.last_mut() else { break };
        last.push(instruction);
        if last.len() > 1 && size(writer, last)? > MAX_TRANSACTION_BYTES {
            let spilled = last.pop().into_iter().collect();
            packs.push(spilled);
        }
    }
    let many = packs.len();
    Ok(packs
        .into_iter()
        .enumerate()
        .map(|(place, instructions)| {
            let label = match many {
                1 => verb.name().to_string(),
                many => format!("{} ({} of {many})", verb.name(), place + 1),
            };
            Step::new(label, instructions)
        })
        .collect())
}

/// Bytes of the transaction on the wire: one for the count, the signatures, the message.
fn size(writer: &Writer, instructions: &[Instruction]) -> Result<usize, CliError> {
    let instructions = with_budget(instructions, &writer.options(None));
    let message = build_message(&instructions, &writer.payer_key(), &[], Hash::default())?;
    let signatures = usize::from(message.header().num_required_signatures);
    Ok(message.serialize().len() + signatures * 64 + 1)
}

async fn report(
    ctx: &Context,
    verb: Verb,
    ballots: &[Ballot],
    signatures: &[solana_sdk::signature::Signature],
) -> Result<(), CliError> {
    let mut lines = Vec::new();
    let mut votes = Vec::new();
    let mut next = Vec::new();
    for ballot in ballots {
        let after = ctx
            .client()?
            .fetch_proposal_view(&ballot.view.address)
            .await?;
        let name = view::name(&after);
        lines.push(format!("{} {name}: {}", verb.past(), view::status(&after)));
        let proposal = &after.proposal;
        if proposal.eta != 0 && !after.status.is_ended() {
            lines.push(format!(
                "eta {}",
                view::when(proposal.eta, after.now.timestamp)
            ));
            next.push(format!(
                "portcullis wait {name} --for ready && portcullis execute {name}"
            ));
        }
        let mut vote = ballot.json(verb);
        vote["status"] = json!(after.status.name());
        vote["approval_weight"] = json!(proposal.approval_weight);
        vote["threshold"] = json!(proposal.terms.snapshot.threshold);
        vote["eta"] = view::time(proposal.eta);
        votes.push(vote);
    }
    let signatures: Vec<String> = signatures.iter().map(ToString::to_string).collect();
    lines.push(format!("signature {}", signatures.join(" ")));
    ctx.out.result(
        &lines.join("\n"),
        json!({ "votes": votes, "signatures": signatures }),
    );
    for command in next {
        ctx.next(&format!("next: {command}"));
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_digest_is_32_to_64_hexadecimal_digits() {
        let parse = |text: &str| text.parse::<DigestArg>();
        assert!(parse(&"a".repeat(31))
            .unwrap_err()
            .contains("found 31 characters"));
        assert_eq!(parse(&"A".repeat(32)), Ok(DigestArg("a".repeat(32))));
        assert!(parse(&"a".repeat(64)).is_ok());
        assert!(parse(&"a".repeat(65)).is_err());
        assert!(parse(&"z0".repeat(16)).is_err());
    }
}
