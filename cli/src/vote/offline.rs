//! Votes on a machine without a network, on the proposal of a bundle.

use portcullis_client::account::ProposalView;

use super::{message, prepare, MessageOptions, Verb, VoteOptions};
use crate::{
    bundle, commands::review::Compared, context::Context, error::CliError, output::one_line,
    reference::Reference, view, write::Desk,
};

/// A statement's text is shown up to this size, in bytes.
const STATEMENT_SHOWN: usize = 16 * 1024;

/// What this machine cannot find out.
const NOT_KNOWN: &str = "\
not known here: what else would end with it, the state of the buffer, who can change Portcullis
only the bundle's word: the members, their votes and attestations so far, the policy of now; the digest covers all else";

/// Reviews the proposal of the bundle and signs a vote on it. Sends nothing anywhere.
///
/// # Errors
/// What is wrong with the bundle, or stands against the vote.
pub fn cast(
    ctx: &Context,
    references: &[Reference],
    options: &VoteOptions,
    messages: MessageOptions,
    verb: impl FnOnce(&ProposalView) -> Result<Verb, CliError>,
) -> Result<(), CliError> {
    let Some((path, bundle_time)) = messages.bundle() else {
        return Ok(());
    };
    let read = bundle::read(ctx, path, bundle_time)?;
    let view = read.opened.view;
    for reference in references {
        bundle::require_named(ctx, &view, reference, &options.reference)?;
    }
    let desk = Desk::offline(ctx, messages.write(options.write.clone()), read.cluster)?;
    let artifact = options.artifacts.first();
    let artifact = artifact.map(|path| ctx.build(path)).transpose()?;
    let compared = Compared::new(&view, read.statement.as_ref(), artifact.as_deref())?.offline();
    ctx.out.note(&format!(
        "{}{}\n{NOT_KNOWN}\n",
        view::proposal_text(&view),
        compared.text(&view, &read.opened.attestations)
    ));
    if let Some(error) = compared.mismatch() {
        return Err(error);
    }
    if let Some(statement) = &read.statement {
        show_statement(ctx, &statement.content()?);
    }
    let verb = verb(&view)?;
    let ballots = prepare(&desk, vec![(verb, view)], options, &messages)?;
    message::sign(&desk, &ballots, messages)
}

/// Shows the document, each line marked as its own: whoever wrote it must not pass for this program.
fn show_statement(ctx: &Context, content: &[u8]) {
    let text = std::str::from_utf8(content).ok();
    let Some(text) = text.filter(|text| text.len() <= STATEMENT_SHOWN) else {
        return;
    };
    let lines: Vec<String> = text
        .lines()
        .map(|line| format!("  | {}", one_line(line)))
        .collect();
    ctx.out
        .note(&format!("the statement:\n{}\n", lines.join("\n")));
}
