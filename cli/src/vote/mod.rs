//! What approve, reject, retract, veto, trigger and attest have in common.

mod digest;
mod file;
mod message;
mod options;
mod verb;

pub use {
    file::parse_hash,
    message::{relay, MessageOptions},
    options::{VoteOptions, Votes},
    verb::Verb,
};

use portcullis::{
    constants::{MAX_VOTE_VALIDITY_SECONDS, TRIGGER_LAPSE_SECONDS},
    lifecycle::Status,
};
use portcullis_client::{
    account::ProposalView,
    transaction::{build_message, with_budget, MAX_TRANSACTION_BYTES},
};
use serde_json::{json, Value};
use solana_sdk::{hash::Hash, instruction::Instruction, pubkey::Pubkey, signature::Signature};

use crate::{
    artifact,
    client_error::hash,
    commands::review::loud,
    context::Context,
    duration::{human, utc_and_local},
    error::CliError,
    output::{printable, Fields},
    reference::Reference,
    resolve, view,
    write::{Step, Writer},
};

/// Reviews, signs and sends votes of one kind, as a transaction or as messages.
///
/// # Errors
/// What stands against one of them: then none is sent.
pub async fn cast(
    ctx: &Context,
    verb: Verb,
    references: &[Reference],
    options: VoteOptions,
    messages: MessageOptions,
) -> Result<(), CliError> {
    if messages.relays() {
        if !references.is_empty() {
            return Err(CliError::usage(
                "refs_with_relay",
                "the file names its proposals: give --relay FILE without a REF",
            ));
        }
        return relay(ctx, verb.name(), messages, options.write).await;
    }
    let mut named = Vec::with_capacity(references.len());
    for reference in references {
        let view = resolve::proposal(ctx, reference, &options.reference).await?;
        named.push((verb.clone(), view));
    }
    cast_on(ctx, named, options, messages).await
}

/// [`cast`] on proposals that were found before.
///
/// # Errors
/// As there.
pub async fn cast_on(
    ctx: &Context,
    named: Vec<(Verb, ProposalView)>,
    options: VoteOptions,
    messages: MessageOptions,
) -> Result<(), CliError> {
    let writer = ctx.writer(messages.write(options.write))?;
    let ballots = prepare(ctx, &writer, named, &options, &messages)?;
    if messages.signs() {
        return message::sign(ctx, &writer, &ballots, messages);
    }
    let steps = pack(ctx, &writer, &ballots)?;
    let Some(signatures) = writer.run(&steps, details(&ballots), &[]).await? else {
        return Ok(());
    };
    report(ctx, &ballots, &signatures).await
}

/// A vote that may be cast.
pub struct Cast {
    pub verb: Verb,
    pub view: ProposalView,
    pub member: Pubkey,
    pub valid_until: i64,
}

impl Cast {
    fn json(&self) -> Value {
        json!({
            "vote": self.verb.name(),
            "ref": view::name(&self.view),
            "proposal": self.view.address.to_string(),
            "member": self.member.to_string(),
            "digest": hash(&self.view.digest),
            "valid_until": view::time(self.valid_until),
        })
    }

    /// The member's own instruction.
    pub fn instruction(&self, ctx: &Context, payer: Pubkey) -> Instruction {
        let builder = ctx.builder();
        self.verb
            .instruction(&builder, &self.view, self.member, payer, self.valid_until)
    }
}

/// The votes as a result or a dry run shows them.
pub fn details(ballots: &[Cast]) -> Value {
    json!({ "votes": ballots.iter().map(Cast::json).collect::<Vec<_>>() })
}

/// Checks every vote against the rules and what the voter has reviewed, and shows it.
///
/// # Errors
/// What stands against one of them.
pub fn prepare(
    ctx: &Context,
    writer: &Writer<'_>,
    named: Vec<(Verb, ProposalView)>,
    options: &VoteOptions,
    messages: &MessageOptions,
) -> Result<Vec<Cast>, CliError> {
    let VoteOptions {
        digests,
        artifacts,
        valid_for,
        write,
        ..
    } = options;
    each_has_one("--digest", digests.len(), named.len())?;
    each_has_one("--artifact", artifacts.len(), named.len())?;
    if *valid_for == 0 || *valid_for > MAX_VOTE_VALIDITY_SECONDS {
        return Err(CliError::usage(
            "valid_for_out_of_range",
            format!(
                "--valid-for must be above zero and at most {}, found {}",
                human(MAX_VOTE_VALIDITY_SECONDS),
                human(*valid_for)
            ),
        )
        .hint(
            "the shorter, the better: a vote that is not sent in time is worth nothing to a thief",
        ));
    }
    if write.yes && !writer.is_dry_run() && digests.is_empty() {
        return Err(CliError::usage(
            "digest_required",
            "--yes needs --digest: what is signed without a question must be named",
        )
        .hint("portcullis review REF shows the digest"));
    }
    let mut ballots: Vec<Cast> = Vec::with_capacity(named.len());
    for (place, (verb, view)) in named.into_iter().enumerate() {
        verb.require_possible(&view, &writer.key())?;
        if let Some(digest) = digests.get(place) {
            digest.require(&view)?;
        }
        if let Some(path) = artifacts.get(place) {
            artifact::require(&view, &ctx.build(path)?)?;
        }
        let mut valid_until = valid_until(&verb, &view, *valid_for);
        if messages.signs() {
            valid_until = message::valid_until(&verb, &view, &writer.key(), valid_until)?;
        }
        if ballots
            .iter()
            .any(|other| other.view.address == view.address)
        {
            return Err(CliError::usage(
                "ref_given_twice",
                "every proposal may be named once, and one is named twice",
            ));
        }
        if !view.status.is_ended() && matches!(verb, Verb::Approve) {
            loud(ctx, &view);
        }
        let compared = artifacts.get(place).is_some();
        show(writer, &verb, &view, valid_until, compared)?;
        warn_of_clock(ctx, &view)?;
        ballots.push(Cast {
            verb,
            view,
            member: writer.key(),
            valid_until,
        });
    }
    Ok(ballots)
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

fn valid_until(verb: &Verb, view: &ProposalView, valid_for: u32) -> i64 {
    let wanted = view.now.timestamp.saturating_add(i64::from(valid_for));
    if verb.has_deadline() {
        wanted.min(view.proposal.terms.voting_ends_at)
    } else {
        wanted
    }
}

/// When trigger votes lapse if another one came now, Unix seconds.
fn triggers_lapse_at(view: &ProposalView) -> i64 {
    let first = match view.counted_triggers() {
        0 => view.now.timestamp,
        _ => view.proposal.triggered_at,
    };
    first.saturating_add(i64::from(TRIGGER_LAPSE_SECONDS))
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

/// Shows a vote before it is signed.
fn show(
    writer: &Writer<'_>,
    verb: &Verb,
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
    let mut details = Fields::new()
        .row("proposal", view::name(view))
        .row("status", view::status(view));
    if let Some(program) = view.program() {
        details.push("program", program);
    }
    if view.is_upgrade() {
        let compared = if compared {
            " = your artifact's"
        } else {
            ", not compared with a build of yours (--artifact)"
        };
        details.push("from", hash(&terms.base_sha256));
        details.push("to", format!("{}{compared}", hash(&terms.sha256)));
    }
    details.extend(view::change_rows(view));
    if let Verb::Attest(attested) = verb {
        let kind = portcullis::message::KIND_NAMES.get(usize::from(attested.kind));
        details.push("kind", kind.copied().unwrap_or_default());
        details.push(
            "statement",
            format!(
                "{} at {}",
                hash(&attested.statement.sha256),
                printable(&attested.statement.uri)
            ),
        );
        details.push("holds until", view::when(attested.expires_at, now));
    }
    details.push(
        "approvals",
        format!(
            "weight {} of {}",
            proposal.approval_weight, terms.snapshot.threshold
        ),
    );
    if *verb == Verb::Trigger {
        details.push(
            "triggers",
            format!(
                "{} of {}, and this one; they lapse {}",
                view.counted_triggers(),
                terms.snapshot.trigger_threshold,
                view::when(triggers_lapse_at(view), now)
            ),
        );
    }
    details.push("eta", eta);
    details.push("digest", hash(&view.digest));
    details.push("vote valid until", view::when(valid_until, now));
    writer.show(
        &format!("{}: {}", verb.title(), view::action(view)),
        details,
    )
}

/// As few transactions as possible.
fn pack(ctx: &Context, writer: &Writer<'_>, ballots: &[Cast]) -> Result<Vec<Step>, CliError> {
    let mut packs: Vec<Vec<Instruction>> = vec![Vec::new()];
    for ballot in ballots {
        let instruction = ballot.instruction(ctx, writer.payer_key());
        let Some(last) = packs.last_mut() else { break };
        last.push(instruction);
        if last.len() > 1 && size(writer, last)? > MAX_TRANSACTION_BYTES {
            let spilled = last.pop().into_iter().collect();
            packs.push(spilled);
        }
    }
    let many = packs.len();
    let name = ballots.first().map_or("vote", |ballot| ballot.verb.name());
    Ok(packs
        .into_iter()
        .enumerate()
        .map(|(place, instructions)| {
            let label = match many {
                1 => name.to_string(),
                many => format!("{name} ({} of {many})", place + 1),
            };
            Step::new(label, instructions)
        })
        .collect())
}

/// Bytes of the transaction on the wire: one for the count, the signatures, the message.
pub fn size(writer: &Writer<'_>, instructions: &[Instruction]) -> Result<usize, CliError> {
    let instructions = with_budget(instructions, &writer.options(None));
    let message = build_message(&instructions, &writer.payer_key(), &[], Hash::default())?;
    let signatures = usize::from(message.header().num_required_signatures);
    Ok(message.serialize().len() + signatures * 64 + 1)
}

/// What comes after a vote that was the last one needed, or one of several triggers.
fn next_command(ballot: &Cast, after: &ProposalView) -> Option<String> {
    let name = view::name(after);
    match after.status {
        Status::Armed if after.proposal.is_triggered(after.now) => Some(format!(
            "portcullis execute {name}, before it lapses {}",
            view::when(triggers_lapse_at(after), after.now.timestamp)
        )),
        Status::Armed if ballot.verb == Verb::Trigger => Some(format!(
            "another guardian before {}: portcullis trigger {} {}",
            view::when(triggers_lapse_at(after), after.now.timestamp),
            after.keys().program(),
            view::lane_name(after.lane).replace('_', "-")
        )),
        Status::Queued | Status::Ready if !after.lane.is_standby() => Some(format!(
            "portcullis wait {name} --for ready && portcullis execute {name}"
        )),
        _ => None,
    }
}

/// Shows what the votes have done.
///
/// # Errors
/// Those of the RPC server.
pub async fn report(
    ctx: &Context,
    ballots: &[Cast],
    signatures: &[Signature],
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
        lines.push(format!(
            "{} {name}: {}",
            ballot.verb.past(),
            view::status(&after)
        ));
        let proposal = &after.proposal;
        if after.status == Status::Voting {
            lines.push(format!(
                "approvals weight {} of {}",
                proposal.approval_weight, proposal.terms.snapshot.threshold
            ));
        }
        if matches!(after.status, Status::Queued | Status::Ready) {
            lines.push(format!(
                "eta {}",
                view::when(proposal.eta, after.now.timestamp)
            ));
        }
        next.extend(next_command(ballot, &after));
        let mut vote = ballot.json();
        vote["status"] = json!(after.status.name());
        vote["approval_weight"] = json!(proposal.approval_weight);
        vote["threshold"] = json!(proposal.terms.snapshot.threshold);
        vote["triggers"] = json!(after.counted_triggers());
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
