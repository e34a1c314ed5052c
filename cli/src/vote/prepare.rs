//! What stands before a signature: the rules, what the voter has reviewed, and the vote in full.

use portcullis::constants::{MAX_VOTE_VALIDITY_SECONDS, TRIGGER_LAPSE_SECONDS};
use portcullis_client::account::ProposalView;

use super::{message, Cast, MessageOptions, Verb, VoteOptions};
use crate::{
    artifact,
    client_error::hash,
    commands::review::loud,
    context::Context,
    duration::{human, utc_and_local},
    error::CliError,
    output::{printable, Fields},
    view,
    write::Desk,
};

/// Checks every vote against the rules and what the voter has reviewed, and shows it.
///
/// # Errors
/// What stands against one of them.
pub fn prepare(
    desk: &Desk<'_>,
    named: Vec<(Verb, ProposalView)>,
    options: &VoteOptions,
    messages: &MessageOptions,
) -> Result<Vec<Cast>, CliError> {
    let VoteOptions {
        digests,
        artifacts,
        write,
        ..
    } = options;
    each_has_one("--digest", digests.len(), named.len())?;
    each_has_one("--artifact", artifacts.len(), named.len())?;
    require_valid_for(options)?;
    if write.yes && !desk.signs_nothing() && digests.is_empty() {
        return Err(CliError::usage(
            "digest_required",
            "--yes needs --digest: what is signed without a question must be named",
        )
        .hint("portcullis review REF shows the digest"));
    }
    let mut ballots: Vec<Cast> = Vec::with_capacity(named.len());
    for (place, (verb, view)) in named.into_iter().enumerate() {
        verb.require_possible(&view, &desk.key())?;
        if let Some(digest) = digests.get(place) {
            digest.require(&view)?;
        }
        if let Some(path) = artifacts.get(place) {
            artifact::require(&view, &desk.ctx.build(path)?)?;
        }
        let mut longest = longest(&verb, &view);
        if messages.signs() {
            longest = message::longest(&verb, &view, &desk.key(), longest)?;
        }
        let valid_until = valid_until(&view, options, longest)?;
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
            loud(desk.ctx, &view);
        }
        let compared = artifacts.get(place).is_some();
        show(desk, &verb, &view, valid_until, compared)?;
        ballots.push(Cast {
            verb,
            view,
            member: desk.key(),
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

fn require_valid_for(options: &VoteOptions) -> Result<(), CliError> {
    let valid_for = options.valid_for;
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
    if options.write.apart.is_used() && options.valid_until.is_none() {
        return Err(CliError::usage(
            "valid_until_required",
            "several machines must sign the same time from which the vote is refused, and none is given",
        )
        .hint("give the same --valid-until TIME on each, at most 24h from now"));
    }
    Ok(())
}

/// The latest time until which a vote may be valid, Unix seconds.
fn longest(verb: &Verb, view: &ProposalView) -> i64 {
    let longest = view
        .now
        .timestamp
        .saturating_add(i64::from(MAX_VOTE_VALIDITY_SECONDS));
    if verb.has_deadline() {
        longest.min(view.proposal.terms.voting_ends_at)
    } else {
        longest
    }
}

fn valid_until(view: &ProposalView, options: &VoteOptions, longest: i64) -> Result<i64, CliError> {
    let now = view.now.timestamp;
    let Some(wanted) = options.valid_until else {
        let wanted = now.saturating_add(i64::from(options.valid_for));
        return Ok(wanted.min(longest));
    };
    if wanted > now && wanted <= longest {
        return Ok(wanted);
    }
    Err(CliError::usage(
        "valid_until_out_of_range",
        format!(
            "--valid-until must be after {} and at most {}, found {}",
            utc_and_local(now),
            utc_and_local(longest),
            utc_and_local(wanted)
        ),
    )
    .hint("24h from now, the voting deadline and the policy's cap on messages bound it"))
}

/// When trigger votes lapse if another one came now, Unix seconds.
pub(super) fn triggers_lapse_at(view: &ProposalView) -> i64 {
    let first = match view.counted_triggers() {
        0 => view.now.timestamp,
        _ => view.proposal.triggered_at,
    };
    first.saturating_add(i64::from(TRIGGER_LAPSE_SECONDS))
}

/// A server that shows a clock far ahead would make the vote usable for longer than the voter thinks.
///
/// # Errors
/// Where the cluster is unknown.
pub fn warn_of_clock(ctx: &Context, view: &ProposalView) -> Result<(), CliError> {
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
    desk: &Desk<'_>,
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
    desk.show(
        &format!("{}: {}", verb.title(), view::action(view)),
        details,
    )
}
