//! Votes as signed messages: made with the member's key alone, relayed by anyone. Between the two they are a [`file`].

use std::path::{Path, PathBuf};

use clap::{Args, ValueEnum};
use portcullis::{error::PortcullisError, message::Envelope};
use portcullis_client::{
    account::ProposalView,
    message::{envelope_of, text, wrapped, SignedVote},
};
use solana_sdk::{pubkey::Pubkey, signature::Signature};

use super::{
    file::{self, Filed},
    prepare::triggers_lapse_at,
    report, Cast, Verb,
};
use crate::{
    args::WriteArgs,
    client_error::rule,
    context::Context,
    duration::human,
    error::CliError,
    output::{printable, Fields},
    view,
    write::{Desk, Step, Writer},
};

/// A vote as a signed message instead of a transaction.
#[derive(Args, Clone, Debug)]
#[command(next_help_heading = "Votes as signed messages")]
pub struct MessageOptions {
    /// Sign a message instead of a transaction and write it to this file; anyone relays it
    #[arg(long, value_name = "FILE", conflicts_with_all = ["relay", "dry_run", "export", "blockhash"])]
    sign_message: Option<PathBuf>,
    /// Vote without a network, on the proposal of a file that `review --offline-bundle` has written
    #[arg(long, value_name = "FILE", requires = "sign_message")]
    bundle: Option<PathBuf>,
    /// Take the time in the bundle for now, where this machine's clock is not set
    #[arg(long, requires = "bundle")]
    bundle_time: bool,
    /// Write the text without a signature, to be signed elsewhere; -k may be the member's address
    #[arg(long, requires = "sign_message")]
    unsigned: bool,
    /// Around the text: `full` for Ledger's app from 1.8 on, `short` for `solana sign-offchain-message`
    #[arg(long, value_enum, default_value_t = EnvelopeArg::Full, value_name = "ENVELOPE")]
    envelope: EnvelopeArg,
    /// Relay votes that members signed as messages; the signer only pays
    #[arg(long, value_name = "FILE", conflicts_with_all = ["digests", "artifacts"])]
    relay: Vec<PathBuf>,
    /// The signature of a relayed text that was signed elsewhere, in base58
    #[arg(long, value_name = "SIGNATURE", requires = "relay")]
    signature: Option<Signature>,
}

/// The two headers that are in use.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
enum EnvelopeArg {
    Full,
    Short,
}

impl From<EnvelopeArg> for Envelope {
    fn from(envelope: EnvelopeArg) -> Self {
        match envelope {
            EnvelopeArg::Full => Self::Full,
            EnvelopeArg::Short => Self::Short,
        }
    }
}

impl MessageOptions {
    /// A vote as a transaction.
    pub fn none() -> Self {
        Self {
            sign_message: None,
            bundle: None,
            bundle_time: false,
            unsigned: false,
            envelope: EnvelopeArg::Full,
            relay: Vec::new(),
            signature: None,
        }
    }

    /// Whether the vote becomes a message.
    pub fn signs(&self) -> bool {
        self.sign_message.is_some()
    }

    /// Whether messages of others are relayed.
    pub fn relays(&self) -> bool {
        !self.relay.is_empty()
    }

    /// The proposal's file on a machine without a network, and whether the time in it counts.
    pub fn bundle(&self) -> Option<(&Path, bool)> {
        Some((self.bundle.as_deref()?, self.bundle_time))
    }

    /// Where nothing is signed, the member's address is enough.
    pub(super) fn write(&self, write: WriteArgs) -> WriteArgs {
        WriteArgs {
            export: write.export || self.unsigned,
            ..write
        }
    }
}

/// The latest time until which a message may be valid: the policy, and of a trigger the lapse, allow less than of a transaction.
///
/// # Errors
/// `MessageVotesOff`, `MessageAfterRetraction`.
pub(super) fn longest(
    verb: &Verb,
    view: &ProposalView,
    member: &Pubkey,
    of_transaction: i64,
) -> Result<i64, CliError> {
    let name = view::name(view);
    let longest = view.message_validity_seconds();
    if longest == 0 {
        return Err(rule(PortcullisError::MessageVotesOff)
            .context(format!("proposal {name}"))
            .hint("vote by transaction: leave --sign-message out"));
    }
    require_not_retracted(view, member)?;
    let longest = view.now.timestamp.saturating_add(i64::from(longest));
    let until = of_transaction.min(longest);
    Ok(match verb {
        Verb::Trigger => until.min(triggers_lapse_at(view)),
        _ => until,
    })
}

fn require_not_retracted(view: &ProposalView, member: &Pubkey) -> Result<(), CliError> {
    if !view.has_cast(view.proposal.retracted, member) {
        return Ok(());
    }
    Err(rule(PortcullisError::MessageAfterRetraction)
        .context(format!("proposal {}", view::name(view)))
        .hint("the member votes by transaction, without --sign-message"))
}

/// Signs votes as messages and writes them to the file.
///
/// # Errors
/// A signer that cannot sign messages, a file that cannot be written.
pub(super) fn sign(
    desk: &Desk<'_>,
    ballots: &[Cast],
    options: MessageOptions,
) -> Result<(), CliError> {
    let ctx = desk.ctx;
    let Some(path) = &options.sign_message else {
        return Ok(());
    };
    let mut votes = Vec::new();
    let mut texts = Vec::new();
    for cast in ballots {
        let Some(ballot) = cast.verb.ballot() else {
            continue;
        };
        let text = text(&cast.view, &ballot, cast.valid_until)?;
        ctx.out
            .note(&format!("this is the text that is signed:\n\n{text}\n"));
        texts.push((cast, ballot, text));
    }
    if !options.unsigned {
        desk.confirm("Sign?")?;
    }
    for (cast, ballot, text) in texts {
        let signature = match options.unsigned {
            true => None,
            false => {
                let bytes = wrapped(
                    &ctx.portcullis(),
                    &cast.member,
                    &text,
                    options.envelope.into(),
                )?;
                let signature = desk.signer.try_sign_message(&bytes).map_err(|error| {
                    CliError::usage("signing_failed", format!("the message was not signed: {error}"))
                        .hint("sign the text elsewhere: --unsigned writes it, --relay FILE --signature SIGNATURE relays it")
                })?;
                Some(signature)
            }
        };
        votes.push(file::to_json(ctx, cast, &ballot, &text, signature));
    }
    let file = file::write(path, &votes)?;
    let lines: Vec<String> = votes
        .iter()
        .filter_map(|vote| Some(printable(vote.get("text")?.as_str()?)))
        .collect();
    let state = if options.unsigned {
        "to be signed"
    } else {
        "signed"
    };
    ctx.out.result(
        &format!("{}\n{state}, in {}", lines.join("\n"), path.display()),
        file,
    );
    let verb = ballots.first().map_or("approve", |cast| cast.verb.name());
    let next = format!(
        "next, by anyone before it lapses: portcullis {verb} --relay {}{}",
        path.display(),
        if options.unsigned {
            " --signature SIGNATURE"
        } else {
            ""
        }
    );
    match options.bundle {
        // Another machine sends it, which knows its own servers.
        Some(_) => ctx.out.note(&next),
        None => ctx.next(&next),
    }
    Ok(())
}

/// Relays votes from files, all of the kind that `verb` names.
///
/// # Errors
/// A text that is not that of the proposal, a signature that is not the member's, a rule that stands against a vote.
pub async fn relay(
    ctx: &Context,
    verb: &str,
    options: MessageOptions,
    write: WriteArgs,
) -> Result<(), CliError> {
    let writer = ctx.writer(write)?;
    let mut casts = Vec::new();
    let mut steps = Vec::new();
    for path in &options.relay {
        for filed in file::read(path)? {
            let (cast, step) = relayed(ctx, &writer, verb, filed, options.signature).await?;
            casts.push(cast);
            steps.push(step);
        }
    }
    if steps.is_empty() {
        return Err(CliError::usage("no_votes", "there is no vote in the file"));
    }
    let Some(signatures) = writer.run(&steps, super::details(&casts), &[]).await? else {
        return Ok(());
    };
    report(ctx, &casts, &signatures).await
}

async fn relayed(
    ctx: &Context,
    writer: &Writer<'_>,
    verb: &str,
    filed: Filed,
    signature: Option<Signature>,
) -> Result<(Cast, Step), CliError> {
    if verb != filed.verb.name() {
        return Err(CliError::usage(
            "another_vote",
            format!(
                "the file holds a vote of another kind: {}",
                filed.verb.name()
            ),
        )
        .hint(format!("portcullis {} --relay FILE", filed.verb.name())));
    }
    let view = writer.client.fetch_proposal_view(&filed.proposal).await?;
    let name = view::name(&view);
    let expected = text(&view, &filed.ballot, filed.valid_until)?;
    if expected != filed.text {
        return Err(CliError::mismatch(
            "message_mismatch",
            format!(
                "the text in the file is not that of a vote on {name}, which would be: {expected}"
            ),
        )
        .hint("the member must sign the text of this proposal; it may have been proposed anew"));
    }
    let Some(signature) = filed.signature.or(signature) else {
        return Err(CliError::usage(
            "signature_missing",
            format!("the vote of {} is not signed yet", filed.member),
        )
        .hint("give its signature with --signature"));
    };
    let envelope = envelope_of(&ctx.portcullis(), &filed.member, &expected, &signature)?
        .ok_or_else(|| {
            CliError::mismatch(
                "signature_invalid",
                format!(
                    "the signature is not one of {} over this text",
                    filed.member
                ),
            )
            .hint("sign the text as a Solana off-chain message, with the member's own key")
        })?;
    require_in_time(&view, &filed)?;
    filed.verb.require_possible(&view, &filed.member)?;
    require_not_retracted(&view, &filed.member)?;
    writer.show(
        "about to relay a signed vote",
        Fields::new()
            .row("proposal", &name)
            .row("action", view::action(&view))
            .row("member", filed.member)
            .row("text", &expected)
            .row(
                "vote valid until",
                view::when(filed.valid_until, view.now.timestamp),
            ),
    )?;
    let vote = SignedVote {
        member: filed.member,
        ballot: filed.ballot,
        valid_until: filed.valid_until,
        envelope,
        signature,
    };
    let instructions = vote.instructions(&ctx.builder(), &view, writer.payer_key())?;
    let label = format!("relay: {} {name}", filed.verb.name());
    let cast = Cast {
        verb: filed.verb,
        view,
        member: filed.member,
        valid_until: filed.valid_until,
    };
    Ok((cast, Step::new(label, instructions.to_vec())))
}

fn require_in_time(view: &ProposalView, filed: &Filed) -> Result<(), CliError> {
    let now = view.now.timestamp;
    let name = view::name(view);
    if now >= filed.valid_until {
        return Err(rule(PortcullisError::VoteExpired)
            .context(format!("proposal {name}"))
            .hint("the member must sign anew"));
    }
    let longest = view.message_validity_seconds();
    if longest == 0 {
        return Err(rule(PortcullisError::MessageVotesOff).context(format!("proposal {name}")));
    }
    if filed.valid_until > now.saturating_add(i64::from(longest)) {
        return Err(rule(PortcullisError::VoteValidTooLong)
            .context(format!("proposal {name}"))
            .hint(format!(
                "a message counts at most {} before it lapses: relay it later",
                human(longest)
            )));
    }
    Ok(())
}
