//! Attests what a proposal would run, as a signed statement that the policy may require; or takes an attestation back.

use std::path::PathBuf;

use clap::{builder::PossibleValuesParser, Args};
use portcullis::{constants::MAX_URI_LEN, error::PortcullisError};
use portcullis_client::{
    account::{ProposalView, Statement},
    message::Attested,
};
use solana_sdk::pubkey::Pubkey;

use crate::{
    client_error::rule,
    context::Context,
    duration::parse_time,
    error::CliError,
    member::{attestation_kind, ATTESTATION_KINDS},
    reference::Reference,
    resolve, statement, view,
    vote::{cast_offline, cast_on, parse_hash, relay, MessageOptions, Verb, VoteOptions},
};

/// Which proposal, and what is claimed.
#[derive(Args, Debug)]
#[command(after_help = "Examples:\n  \
    portcullis attest PROGRAM_ID/12 --kind build --statement build.json --uri https://example.com/build.json\n  \
    portcullis attest PROGRAM_ID/12 --kind audit --sha256 HASH --uri ipfs://… --sign-message audit-vote.json\n  \
    portcullis attest --relay audit-vote.json\n  \
    portcullis attest PROGRAM_ID/12 --revoke\n\n\
    The statement's SHA-256 and URI are recorded on chain. The attestation must hold until the last moment at which the\n\
    proposal could execute.")]
pub struct Attest {
    /// Which proposal: 12, PROGRAM_ID/12 or its address
    #[arg(value_name = "REF", required_unless_present_any = ["relay", "bundle"])]
    proposal: Option<Reference>,
    /// What is attested
    #[arg(long, value_name = "KIND", value_parser = PossibleValuesParser::new(ATTESTATION_KINDS),
        required_unless_present_any = ["relay", "revoke"])]
    kind: Option<String>,
    /// The statement that you signed, or the report of a shadow run: its SHA-256 is recorded
    #[arg(
        long,
        visible_alias = "report",
        value_name = "FILE",
        conflicts_with = "sha256"
    )]
    statement: Option<PathBuf>,
    /// The SHA-256 of the statement, instead of the file
    #[arg(long, value_name = "HASH", value_parser = parse_hash)]
    sha256: Option<[u8; 32]>,
    /// Where the statement is
    #[arg(long, value_name = "URI", default_value = "")]
    uri: String,
    /// When it no longer holds: RFC 3339 or Unix seconds [default: the earliest that is allowed]
    #[arg(long, value_name = "TIME", value_parser = parse_time)]
    expires: Option<i64>,
    /// Take your attestation back; its rent returns
    #[arg(long, conflicts_with_all = ["kind", "statement", "sha256", "expires", "relay", "sign_message"])]
    revoke: bool,
    #[command(flatten)]
    options: VoteOptions,
    #[command(flatten)]
    messages: MessageOptions,
}

impl Attest {
    /// Runs it.
    ///
    /// # Errors
    /// What stands against the attestation; a statement that cannot be read.
    pub async fn run(self, ctx: &Context) -> Result<(), CliError> {
        let Self {
            proposal,
            kind,
            statement,
            sha256,
            uri,
            expires,
            revoke,
            options,
            messages,
        } = self;
        let claim = move |view: &ProposalView| {
            let sha256 = match (&statement, sha256) {
                (Some(path), _) => statement::Read::file(path)?.sha256,
                (None, Some(sha256)) => sha256,
                (None, None) => {
                    return Err(CliError::usage(
                        "statement_missing",
                        "an attestation names the statement that it stands for, and none is given",
                    )
                    .hint("give --statement FILE, or its hash with --sha256"));
                }
            };
            if uri.len() > MAX_URI_LEN {
                return Err(rule(PortcullisError::UriTooLong)
                    .hint(format!("at most {MAX_URI_LEN} bytes, found {}", uri.len())));
            }
            Ok(Verb::Attest(Attested {
                kind: kind_number(kind.as_deref().unwrap_or_default())?,
                statement: Statement { sha256, uri },
                expires_at: expires.unwrap_or(view.attestation_must_outlast()),
            }))
        };
        if messages.bundle().is_some() {
            return cast_offline(ctx, proposal.as_slice(), &options, messages, claim);
        }
        let Some(reference) = proposal else {
            return relay(ctx, "attest", messages, options.write).await;
        };
        if messages.relays() {
            return Err(CliError::usage(
                "refs_with_relay",
                "the file names its proposals: give --relay FILE without a REF",
            ));
        }
        let view = resolve::proposal(ctx, &reference, &options.reference).await?;
        let verb = if revoke {
            let attester = ctx.writer(options.write.clone())?.key();
            Verb::Revoke {
                rent_payer: rent_payer(ctx, &view, &attester).await?,
            }
        } else {
            claim(&view)?
        };
        cast_on(ctx, vec![(verb, view)], options, messages).await
    }
}

fn kind_number(kind: &str) -> Result<u8, CliError> {
    attestation_kind(kind)
        .ok()
        .and_then(|kind| u8::try_from(kind).ok())
        .ok_or_else(|| {
            CliError::usage(
                "unknown_kind",
                format!("`{kind}` is no kind of attestation"),
            )
        })
}

/// Who gets the rent of an attestation that is taken back.
async fn rent_payer(
    ctx: &Context,
    view: &ProposalView,
    attester: &Pubkey,
) -> Result<Pubkey, CliError> {
    let found = ctx
        .client()?
        .fetch_attestation(&view.address, attester)
        .await?;
    let found = found.ok_or_else(|| {
        CliError::not_found(format!(
            "{attester} has not attested on {}",
            view::name(view)
        ))
        .hint(format!(
            "portcullis review {} lists the attestations",
            view::name(view)
        ))
    })?;
    Ok(found.account.attestation.rent_payer)
}
