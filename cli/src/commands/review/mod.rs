//! Shows what a proposal would do, compared with the voter's own build and statement.

mod compare;
mod warn;

pub use self::{compare::Compared, warn::loud};

use std::path::{Path, PathBuf};

use clap::Args;
use portcullis::{change::Change, lifecycle::Status};
use portcullis_client::{
    account::{decode_buffer, Keyed, ProposalView},
    bundle::BundledStatement,
    pda,
};
use serde_json::{json, Value};

use self::warn::warn;
use crate::{
    args::RefArgs,
    artifact, bundle,
    client_error::hash,
    context::Context,
    error::CliError,
    fingerprint::fingerprint,
    output::judged,
    preview::{Preview, Reach},
    reference::Reference,
    resolve, view,
};

/// Which proposal, and what to compare it with.
#[derive(Args, Debug)]
#[command(after_help = "Examples:\n  \
    portcullis review PROGRAM_ID/12\n  \
    portcullis review PROGRAM_ID/12 --artifact target/deploy/app.so\n  \
    portcullis review PROGRAM_ID/12 --statement release.json --statement-uri https://example.com/1.2.0.json\n  \
    portcullis review PROGRAM_ID/12 --offline-bundle proposal.json\n\n\
    The digest is computed here from the proposal's terms; the RPC server is not trusted for it.\n\
    It exits with 4 where the artifact or the statement is another.")]
pub struct Review {
    /// Which proposal: 12, PROGRAM_ID/12, council/3 or its address
    #[arg(value_name = "REF")]
    proposal: Reference,
    /// Your own build: its hash must be the proposal's
    #[arg(long, value_name = "FILE")]
    artifact: Option<PathBuf>,
    /// The document that explains it: with its URI, its hash must be the proposal's
    #[arg(long, value_name = "FILE", requires = "statement_uri")]
    statement: Option<PathBuf>,
    /// Where that document is, exactly as proposed
    #[arg(long, value_name = "URI", requires = "statement")]
    statement_uri: Option<String>,
    /// Write all that a machine without a network needs to review it and to sign a vote on it as a message
    #[arg(long, value_name = "FILE")]
    offline_bundle: Option<PathBuf>,
    #[command(flatten)]
    reference: RefArgs,
}

impl Review {
    /// Runs it.
    ///
    /// # Errors
    /// `HashMismatch` or `statement_mismatch`, with all that was found out.
    pub async fn run(self, ctx: &Context) -> Result<(), CliError> {
        let Self {
            proposal,
            artifact,
            statement,
            statement_uri,
            offline_bundle,
            reference,
        } = self;
        let view = resolve::proposal(ctx, &proposal, &reference).await?;
        let mut text = view::proposal_text(&view);
        let mut data = view::proposal_json(&view);

        let document = match (&statement, statement_uri) {
            (Some(path), Some(uri)) => {
                Some(BundledStatement::new(uri, &artifact::read_file(path)?))
            }
            _ => None,
        };
        let (shown, found) = ends(ctx, &view).await?;
        text.push_str(&shown);
        data["ends"] = found;
        let attestations = ctx.client()?.list_attestations(&view.address).await?;
        data["attestations_given"] = view::attestations_json(&attestations);
        let artifact = artifact.map(|path| ctx.build(&path)).transpose()?;
        let compared = Compared::new(&view, document.as_ref(), artifact.as_deref())?;
        text.push_str(&compared.text(&view, &attestations));
        compared.add_to(&view, &mut data);
        data["buffer_state"] = Value::Null;
        data["fingerprint"] = Value::Null;
        if view.is_upgrade() {
            let aloud = fingerprint(&view.proposal.terms.sha256);
            text.push_str(&format!("\naloud      {aloud} (the proposed hash)"));
            data["fingerprint"] = json!(aloud);
            let held = held(ctx, &view).await?;
            text.push_str(&format!("\nbuffer     {}", held.0));
            data["buffer_state"] = json!(held.1);
        }
        let (guardian, guardian_json) = view::guardian(ctx).await?;
        text.push_str(&format!("\nPortcullis's own upgrade authority: {guardian}"));
        data["portcullis_upgrade_authority"] = guardian_json;
        warn(ctx, &view).await?;

        // A mismatch is the result, and the exit code says so; what was found is printed all the same.
        if let Some(error) = compared.mismatch() {
            ctx.out.text_only(&text);
            return Err(error.data(data));
        }
        data["offline_bundle"] = Value::Null;
        if let Some(path) = &offline_bundle {
            bundle::write(ctx, &view, document, path).await?;
            text.push_str(&format!("\nbundle     {}", path.display()));
            data["offline_bundle"] = json!(path.display().to_string());
        }
        ctx.out.result(&text, data);
        match offline_bundle {
            Some(path) => next_offline(ctx, &view, &path),
            None => next(ctx, &view, artifact),
        }
        Ok(())
    }
}

/// What voters, or guardians of an armed standby, do next.
fn next(ctx: &Context, view: &ProposalView, artifact: Option<PathBuf>) {
    let (name, digest) = (view::name(view), hash(&view.digest));
    let own = artifact.map_or("FILE.so".to_string(), |path| path.display().to_string());
    let own = match view.is_upgrade() {
        true => format!("--artifact {own} "),
        false => String::new(),
    };
    match view.status {
        Status::Voting | Status::Queued | Status::Ready => ctx.next(&format!(
            "next: portcullis approve {name} {own}--digest {digest}\n  or: portcullis reject {name} --digest {digest}"
        )),
        Status::Armed => ctx.next(&format!(
            "next: portcullis trigger {} {} {own}--digest {digest}",
            view.keys().program(),
            view::lane_name(view.lane).replace('_', "-")
        )),
        _ => {}
    }
}

/// What the voter does on the machine without a network.
fn next_offline(ctx: &Context, view: &ProposalView, path: &Path) {
    let vote = match view.status {
        Status::Armed => "trigger",
        status if status.is_ended() => return,
        _ => "approve",
    };
    ctx.out.note(&format!(
        "next, on the machine that has the key: portcullis {vote} --bundle {} --sign-message vote.json",
        path.display()
    ));
}

/// What ends with an open proposal's execution, for people and for programs.
async fn ends(ctx: &Context, view: &ProposalView) -> Result<(String, Value), CliError> {
    let gate = view.gate.as_ref();
    let reach = match (&view.change, gate) {
        _ if view.status.is_ended() => Reach::None,
        (Some(Change::Council(_)), _) => Reach::Council,
        (
            Some(Change::TransferAuthority { .. } | Change::MoveGate { .. } | Change::Finalize),
            Some(gate),
        ) => Reach::Life(gate),
        (Some(Change::RevokeRelease { sha256 }), Some(gate)) => Reach::Revocation(gate, *sha256),
        // What builds on a release that is yet to come ends nothing that is open before that.
        (None | Some(Change::Upgrade(_)), Some(gate))
            if view.proposal.terms.base_index == gate.account.release.index =>
        {
            Reach::Release(gate, view.proposal.terms.sha256)
        }
        _ => Reach::None,
    };
    let council = Keyed {
        address: view.council_address,
        account: view.council,
    };
    let mut preview = Preview::new(ctx, &council, Vec::new(), reach).await?;
    let name = view::name(view);
    preview.doomed.retain(|doomed| doomed.name != name);
    let text = match preview.doomed.is_empty() {
        true => String::new(),
        false => format!("\n\n{}", preview.text()),
    };
    Ok((text, preview.json()["ends"].clone()))
}

/// Whether the gate holds the buffer, and whether it holds the committed bytes.
async fn held(ctx: &Context, view: &ProposalView) -> Result<(String, &'static str), CliError> {
    let terms = &view.proposal.terms;
    if !view.holds_buffer() {
        return Ok((
            "released: this proposal holds it no more".to_string(),
            "released",
        ));
    }
    let authority = pda::authority(&ctx.portcullis(), &view.keys().program());
    let account = ctx.client()?.get_account(&terms.buffer).await?;
    let buffer = account.and_then(|account| decode_buffer(&terms.buffer, &account).ok());
    Ok(match buffer {
        Some(buffer) if buffer.authority != Some(authority) => (
            judged("NOT HELD by the gate: its authority is another", false),
            "not_held",
        ),
        Some(buffer) if buffer.commitment() == Some(view.commitment()) => (
            judged(
                "held by the gate, and its bytes have the proposed hash",
                true,
            ),
            "verified_here",
        ),
        Some(_) => (
            judged("its bytes DO NOT have the proposed hash", false),
            "differs",
        ),
        None => (judged("MISSING", false), "missing"),
    })
}
