//! Triggers an armed standby, as a guardian; with the quorum reached by it, executes it at once.

use clap::{Args, ValueEnum};
use portcullis::lifecycle::{Lane, Status};
use portcullis_client::{account::ProposalView, transaction::MAX_TRANSACTION_BYTES};
use solana_sdk::pubkey::Pubkey;

use crate::{
    commands::execute::upgrade,
    context::Context,
    error::CliError,
    profile::Named,
    reference::Reference,
    resolve, view,
    vote::{self, cast_offline, cast_on, relay, MessageOptions, Verb, VoteOptions},
    write::{Step, Writer},
};

/// What the standby does.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
enum Use {
    /// Back to an earlier release
    Rollback,
    /// The build that halts the program
    SafeMode,
}

impl Use {
    const fn lane(self) -> Lane {
        match self {
            Self::Rollback => Lane::Rollback,
            Self::SafeMode => Lane::SafeMode,
        }
    }

    const fn name(self) -> &'static str {
        match self {
            Self::Rollback => "rollback",
            Self::SafeMode => "safe-mode",
        }
    }
}

/// Which standby, and how to sign.
#[derive(Args, Debug)]
#[command(after_help = "Examples:\n  \
    portcullis trigger PROGRAM_ID rollback\n  \
    portcullis trigger PROGRAM_ID safe-mode --yes --digest 7f3a90bc11d2e4f57f3a90bc11d2e4f5\n  \
    portcullis trigger --relay vote.json\n\n\
    The armed proposal is found, and its hash shown. Once enough guardians have asked, within 15 minutes of the first,\n\
    the one who completes the quorum executes it in the same transaction. Anyone else can: portcullis execute REF")]
pub struct Trigger {
    /// The program
    #[arg(
        id = "subject",
        value_name = "PROGRAM_ID",
        required_unless_present_any = ["relay", "bundle"]
    )]
    program: Option<Named>,
    /// What its standby does
    #[arg(value_enum, value_name = "USE", required_unless_present_any = ["relay", "bundle"])]
    standby: Option<Use>,
    /// Which one, where several are armed
    #[arg(long = "ref", value_name = "REF")]
    which: Option<Reference>,
    /// Only trigger, even where that completes the quorum
    #[arg(long)]
    no_execute: bool,
    #[command(flatten)]
    options: VoteOptions,
    #[command(flatten)]
    messages: MessageOptions,
}

impl Trigger {
    /// Runs it.
    ///
    /// # Errors
    /// Where no such standby is armed, or what stands against the vote.
    pub async fn run(self, ctx: &Context) -> Result<(), CliError> {
        let Self {
            program,
            standby,
            which,
            no_execute,
            options,
            messages,
        } = self;
        let program = program.map(|program| ctx.program(&program)).transpose()?;
        if messages.bundle().is_some() {
            return cast_offline(ctx, which.as_slice(), &options, messages, |view| {
                if let (Some(program), Some(standby)) = (program, standby) {
                    require_use(view, &program, standby)?;
                }
                Ok(Verb::Trigger)
            });
        }
        let (Some(program), Some(standby)) = (program, standby) else {
            return relay(ctx, "trigger", messages, options.write).await;
        };
        if messages.relays() {
            return Err(CliError::usage(
                "refs_with_relay",
                "the file names its proposals: give --relay FILE without a program",
            ));
        }
        let view = match &which {
            Some(reference) => resolve::proposal(ctx, reference, &options.reference).await?,
            None => armed(ctx, &program, standby).await?,
        };
        require_use(&view, &program, standby)?;
        let needed = u32::from(view.proposal.terms.snapshot.trigger_threshold);
        let completes = view.counted_triggers().saturating_add(1) >= needed;
        if no_execute || !completes || messages.signs() {
            return cast_on(ctx, vec![(Verb::Trigger, view)], options, messages).await;
        }
        let writer = ctx.writer(options.write.clone())?;
        vote::warn_of_clock(ctx, &view)?;
        let named = vec![(Verb::Trigger, view)];
        let ballots = vote::prepare(&writer.desk, named, &options, &messages)?;
        for ballot in &ballots {
            trigger_and_execute(ctx, &writer, ballot).await?;
        }
        Ok(())
    }
}

fn require_use(view: &ProposalView, program: &Pubkey, standby: Use) -> Result<(), CliError> {
    if view.program() == Some(*program) && view.lane == standby.lane() {
        return Ok(());
    }
    Err(CliError::usage(
        "another_standby",
        format!(
            "{} is not a {} of {program}: {}",
            view::name(view),
            standby.name(),
            view::action(view)
        ),
    ))
}

/// The only standby of a program that is armed for this use.
async fn armed(ctx: &Context, program: &Pubkey, standby: Use) -> Result<ProposalView, CliError> {
    let client = ctx.client()?;
    let gate = resolve::gate(ctx, program).await?;
    let council = client.fetch_council(&gate.account.council).await?;
    let now = client.now().await?;
    let mut standbys = view::proposals_of(ctx, &gate, &council, now).await?;
    standbys.retain(|view| view.lane == standby.lane() && !view.status.is_ended());
    let others: Vec<String> = standbys
        .iter()
        .map(|view| format!("{} is {}", view::name(view), view::status(view)))
        .collect();
    standbys.retain(|view| view.status == Status::Armed);
    match standbys.len() {
        1 => {}
        0 => {
            let error = CliError::not_found(format!("no {} of {program} is armed", standby.name()));
            return Err(match others.as_slice() {
                [] => error.hint(format!(
                    "guardians can still veto what is pending: portcullis status {program}"
                )),
                others => error.hint(others.join("; ")),
            });
        }
        several => {
            return Err(CliError::usage(
                "ambiguous_ref",
                format!("{several} standbys are armed: {}", others.join("; ")),
            )
            .hint("name one with --ref"));
        }
    }
    standbys
        .pop()
        .ok_or_else(|| CliError::not_found("no standby is armed"))
}

/// The vote and the execution, in one transaction where they fit.
async fn trigger_and_execute(
    ctx: &Context,
    writer: &Writer<'_>,
    ballot: &vote::Cast,
) -> Result<(), CliError> {
    ctx.out
        .warn("this completes the guardians' quorum: the standby executes at once");
    let view = &ballot.view;
    let extension = upgrade::extension(writer, view).await?;
    let trigger = ballot.instruction(ctx, writer.payer_key());
    let at_once = upgrade::steps(
        ctx,
        writer.key(),
        view,
        extension.as_ref(),
        Some(trigger.clone()),
    );
    let fits = match at_once.last() {
        Some(step) => {
            // A limit of compute units takes one more instruction and its program's address.
            const BUDGET: usize = 32 + 8;
            vote::size(writer, &step.instructions)? + BUDGET <= MAX_TRANSACTION_BYTES
        }
        None => false,
    };
    let steps = if fits {
        at_once
    } else {
        let mut steps = vec![Step::new("trigger", vec![trigger])];
        steps.extend(upgrade::steps(
            ctx,
            writer.key(),
            view,
            extension.as_ref(),
            None,
        ));
        steps
    };
    let rent = extension.map_or(0, |extension| extension.rent_lamports);
    writer.require_funds(rent, rent > 0, &steps).await?;
    if writer.sends_nothing() {
        return writer
            .stop_short(&steps, vote::details(std::slice::from_ref(ballot)), &[])
            .await;
    }
    writer.require_one_transaction(&steps)?;
    writer.confirm()?;
    let mut signatures = Vec::new();
    for step in &steps {
        signatures.push(upgrade::persist(ctx, writer, step).await?);
    }
    upgrade::report(ctx, writer, view, rent, &signatures).await
}
