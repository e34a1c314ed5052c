//! Shows what a proposal would do, compared with the voter's own build and statement.

use std::path::{Path, PathBuf};

use clap::Args;
use portcullis::{
    change::Change,
    digest::Statement,
    lifecycle::{Lane, Status},
};
use portcullis_client::{
    account::{decode_buffer, Keyed, ProposalView, BUFFER_HEADER},
    elf::Artifact,
    pda,
};
use serde_json::{json, Value};

use crate::{
    args::RefArgs,
    artifact,
    client_error::hash,
    context::Context,
    duration::human,
    error::CliError,
    output::judged,
    policy_args,
    preview::{Preview, Reach},
    reference::Reference,
    resolve, statement, view,
};

/// Which proposal, and what to compare it with.
#[derive(Args, Debug)]
#[command(after_help = "Examples:\n  \
    portcullis review PROGRAM_ID/12\n  \
    portcullis review PROGRAM_ID/12 --artifact target/deploy/app.so\n  \
    portcullis review PROGRAM_ID/12 --statement release.json --statement-uri https://example.com/1.2.0.json\n\n\
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
            reference,
        } = self;
        let view = resolve::proposal(ctx, &proposal, &reference).await?;
        let mut text = view::proposal_text(&view);
        let mut data = view::proposal_json(&view);

        let statement = match (&statement, statement_uri) {
            (Some(path), Some(uri)) => Some(compare_statement(&view, path, uri)),
            _ => None,
        };
        let (shown, found) = ends(ctx, &view).await?;
        text.push_str(&shown);
        data["ends"] = found;
        let attestations = ctx.client()?.list_attestations(&view.address).await?;
        data["attestations_given"] = view::attestations_json(&attestations);
        let shown = view::attestation_rows(&attestations, view.now.timestamp);
        if !shown.is_empty() {
            text.push_str(&format!("\n\n{shown}"));
        }
        let (line, found) = statement_line(&view, statement.as_ref());
        text.push_str(&format!("\n\nstatement  {line}"));
        data["statement"] = found;
        let artifact = artifact.map(|path| ctx.build(&path)).transpose()?;
        let compared = artifact.as_ref().map(|path| artifact::require(&view, path));
        data["artifact"] = Value::Null;
        data["buffer_state"] = Value::Null;
        if view.is_upgrade() || compared.is_some() {
            let (line, found) = artifact_line(compared.as_ref(), artifact.as_deref());
            text.push_str(&format!("\nartifact   {line}"));
            data["artifact"] = found;
        }
        if view.is_upgrade() {
            let held = held(ctx, &view).await?;
            text.push_str(&format!("\nbuffer     {}", held.0));
            data["buffer_state"] = json!(held.1);
        }
        let (guardian, guardian_json) = view::guardian(ctx).await?;
        text.push_str(&format!("\nPortcullis's own upgrade authority: {guardian}"));
        data["portcullis_upgrade_authority"] = guardian_json;
        warn(ctx, &view).await?;

        // A mismatch is the result, and the exit code says so; what was found is printed all the same.
        let mismatch = [
            compared.and_then(Result::err),
            statement.and_then(Result::err),
        ]
        .into_iter()
        .flatten()
        .next();
        if let Some(error) = mismatch {
            ctx.out.text_only(&text);
            return Err(error.data(data));
        }
        ctx.out.result(&text, data);
        next(ctx, &view, artifact);
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

fn compare_statement(view: &ProposalView, path: &Path, uri: String) -> Result<Statement, CliError> {
    let read = statement::Read::file(path)?;
    let statement = Statement {
        sha256: read.sha256,
        uri,
    };
    if statement.commitment() == view.proposal.terms.statement {
        // A standby carries the document of the release that it guards.
        let release = matches!(view.lane, Lane::Standard | Lane::Emergency) && view.is_upgrade();
        if let Some(program) = view.program().filter(|_| release) {
            read.check(&program, &view.commitment())?;
        }
        return Ok(statement);
    }
    Err(CliError::mismatch(
        "statement_mismatch",
        format!(
            "the statement {} with the URI {} is not the one that proposal {} names",
            path.display(),
            statement.uri,
            view::name(view)
        ),
    )
    .hint("both the file's bytes and the URI must be exactly those that were proposed"))
}

fn statement_line(
    view: &ProposalView,
    compared: Option<&Result<Statement, CliError>>,
) -> (String, Value) {
    let commitment = view.proposal.terms.statement;
    match compared {
        _ if commitment == [0; 32] && compared.is_none() => ("none".to_string(), Value::Null),
        None => (
            format!("commitment {}; compare it with --statement FILE --statement-uri URI (`portcullis history` shows the URI)", hash(&commitment)),
            json!({ "commitment": hash(&commitment) }),
        ),
        Some(Ok(statement)) => (
            judged(
                &format!("MATCHES: {} at {}", hash(&statement.sha256), statement.uri),
                true,
            ),
            json!({
                "commitment": hash(&commitment),
                "sha256": hash(&statement.sha256),
                "uri": statement.uri,
                "matches": true,
            }),
        ),
        Some(Err(_)) => (
            judged("DIFFERS from the one proposed", false),
            json!({ "commitment": hash(&commitment), "matches": false }),
        ),
    }
}

fn artifact_line(
    compared: Option<&Result<Artifact, CliError>>,
    path: Option<&Path>,
) -> (String, Value) {
    match (compared, path) {
        (Some(Ok(artifact)), Some(path)) => {
            let mut data = artifact::json(artifact, path);
            data["matches"] = json!(true);
            (judged(&format!("MATCHES {}", path.display()), true), data)
        }
        (Some(Err(error)), Some(path)) => (
            judged(&format!("NOT the proposal's: {error}"), false),
            json!({ "file": path.display().to_string(), "matches": false }),
        ),
        _ => (
            "not compared: build it yourself and give --artifact FILE.so".to_string(),
            Value::Null,
        ),
    }
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

async fn warn(ctx: &Context, view: &ProposalView) -> Result<(), CliError> {
    let terms = &view.proposal.terms;
    for warning in policy_args::warnings(view.policy()) {
        ctx.out.warn(warning);
    }
    if view.status.is_ended() {
        ctx.out
            .warn(format!("the proposal has ended: {}", view.status.name()));
        return Ok(());
    }
    loud(ctx, view);
    if terms.statement == [0; 32] {
        ctx.out.warn("no statement explains this proposal");
    }
    let (true, Some(gate)) = (view.is_upgrade(), &view.gate) else {
        return Ok(());
    };
    if terms.sha256 == terms.base_sha256 {
        ctx.out
            .warn("the proposal deploys what is deployed already");
    }
    let client = ctx.client()?;
    let deployed = client
        .fetch_programdata(&gate.account.program)
        .await?
        .account;
    if let Some(buffer) = client.get_account(&terms.buffer).await? {
        let needed = buffer.data.len().saturating_sub(BUFFER_HEADER);
        if deployed.elf.len() < needed {
            ctx.out.warn(format!(
                "the program has room for {} bytes and the buffer holds {needed}: `portcullis execute` extends it first",
                deployed.elf.len()
            ));
        }
    }
    let base = deployed.commitment();
    if base.is_none_or(|base| base.sha256 != gate.account.release.sha256) {
        ctx.out
            .alarm("the deployed bytes are not those of the gate's current release");
    }
    Ok(())
}

/// What nobody may overlook before a vote.
pub fn loud(ctx: &Context, view: &ProposalView) {
    match &view.change {
        Some(Change::Finalize) => ctx.out.alarm(
            "FINALIZATION: once executed, nobody can ever change this program again, not even to close a hole",
        ),
        Some(Change::TransferAuthority { to, checked }) => {
            let signs = match checked {
                true => "it must sign the execution",
                false => "IT NEED NOT SIGN: if nobody has this key, the program is lost",
            };
            ctx.out.alarm(format!(
                "the upgrade authority leaves Portcullis and goes to {to}; {signs}"
            ));
        }
        Some(Change::MoveGate { council, .. }) => ctx
            .out
            .alarm(format!("another council decides from then on: {council}")),
        _ => {}
    }
    match view.lane {
        Lane::Emergency => ctx.out.alarm(format!(
            "EMERGENCY LANE: only {} between approval and execution",
            human(view.proposal.terms.snapshot.timelock_seconds)
        )),
        Lane::Rollback | Lane::SafeMode => ctx.out.warn(format!(
            "a standby: once armed, {} guardian(s) can execute it at once, for {}",
            view.proposal.terms.snapshot.trigger_threshold,
            human(view.proposal.terms.snapshot.execution_window_seconds)
        )),
        Lane::Standard => {}
    }
}
