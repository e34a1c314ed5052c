//! What approve, reject, retract, veto, trigger and attest have in common.

mod digest;
mod file;
mod message;
mod offline;
mod options;
mod prepare;
mod report;
mod verb;

pub use {
    file::parse_hash,
    message::{relay, MessageOptions},
    offline::cast as cast_offline,
    options::{VoteOptions, Votes},
    prepare::{prepare, warn_of_clock},
    report::report,
    verb::Verb,
};

use portcullis_client::{
    account::ProposalView,
    transaction::{build_message, with_budget, MAX_TRANSACTION_BYTES},
};
use serde_json::{json, Value};
use solana_sdk::{hash::Hash, instruction::Instruction, pubkey::Pubkey};

use crate::{
    client_error::hash,
    context::Context,
    error::CliError,
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
    if messages.bundle().is_some() {
        return cast_offline(ctx, references, &options, messages, |_| Ok(verb));
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
    let writer = ctx.writer(messages.write(options.write.clone()))?;
    for (_, view) in &named {
        warn_of_clock(ctx, view)?;
    }
    let ballots = prepare(&writer.desk, named, &options, &messages)?;
    if messages.signs() {
        return message::sign(&writer.desk, &ballots, messages);
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
