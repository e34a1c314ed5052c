//! Waits until a proposal is queued, ready or ended.

use std::time::{Duration, Instant};

use clap::{Args, ValueEnum};
use portcullis::lifecycle::Status;
use portcullis_client::{account::ProposalView, ClientError};

use crate::{
    args::RefArgs, context::Context, duration::parse_duration, error::CliError,
    reference::Reference, resolve, view,
};

/// The longest pause between two looks, so that a veto is not noticed late.
const LONGEST_PAUSE: Duration = Duration::from_secs(5);
const SHORTEST_PAUSE: Duration = Duration::from_millis(500);

/// What is waited for.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
enum Goal {
    /// Enough approvals: the timelock runs
    Queued,
    /// It can be executed, or of a standby triggered
    Ready,
    /// A standby can be triggered
    Armed,
    /// Executed, rejected, vetoed, cancelled, expired or stale
    Ended,
}

/// What to wait for, and how long.
#[derive(Args, Debug)]
#[command(after_help = "Examples:\n  \
    portcullis wait PROGRAM_ID/12 --for ready && portcullis execute PROGRAM_ID/12\n  \
    portcullis wait PROGRAM_ID/12 --for ended --timeout 2h")]
pub struct Wait {
    /// Which proposal: 12, PROGRAM_ID/12, council/3 or its address
    #[arg(value_name = "REF")]
    proposal: Reference,
    /// What to wait for
    #[arg(long = "for", value_enum, value_name = "STATE")]
    goal: Goal,
    /// Give up after this time; 0 looks once
    #[arg(long, value_name = "DURATION", value_parser = parse_duration, default_value = "30m")]
    timeout: Duration,
    #[command(flatten)]
    reference: RefArgs,
}

impl Wait {
    /// Runs it.
    ///
    /// # Errors
    /// `wait_timed_out`; `goal_out_of_reach` where the proposal has ended otherwise.
    pub async fn run(self, ctx: &Context) -> Result<(), CliError> {
        let Self {
            proposal,
            goal,
            timeout,
            reference,
        } = self;
        let mut view = resolve::proposal(ctx, &proposal, &reference).await?;
        let begun = Instant::now();
        let mut told = String::new();
        loop {
            let status = view::status(&view);
            let state = view.status.name();
            if reached(goal, &view) {
                ctx.out.result(
                    &format!("{} is {status}", view::name(&view)),
                    view::proposal_json(&view),
                );
                return Ok(());
            }
            if view.status.is_ended() {
                return Err(CliError::not_ready(
                    "goal_out_of_reach",
                    format!(
                        "{} is {state}: it will never be {}",
                        view::name(&view),
                        goal.name()
                    ),
                )
                .data(view::proposal_json(&view)));
            }
            if told != state {
                ctx.out.note(&format!("{} is {status}", view::name(&view)));
                told = state.to_string();
            }
            let left = timeout.saturating_sub(begun.elapsed());
            if left.is_zero() {
                return Err(CliError::not_ready(
                    "wait_timed_out",
                    format!(
                        "gave up after {}: {} is still {status}",
                        humantime::format_duration(timeout),
                        view::name(&view)
                    ),
                )
                .hint("wait longer with --timeout")
                .data(view::proposal_json(&view)));
            }
            tokio::time::sleep(pause(&view).min(left)).await;
            view = look_again(ctx, view).await?;
        }
    }
}

impl Goal {
    const fn name(self) -> &'static str {
        match self {
            Self::Queued => "queued",
            Self::Ready => "ready",
            Self::Armed => "armed",
            Self::Ended => "ended",
        }
    }
}

fn reached(goal: Goal, view: &ProposalView) -> bool {
    match goal {
        Goal::Queued => matches!(
            view.status,
            Status::Queued | Status::Ready | Status::Armed | Status::Executed
        ),
        Goal::Ready => matches!(view.status, Status::Ready | Status::Armed),
        Goal::Armed => view.status == Status::Armed,
        Goal::Ended => view.status.is_ended(),
    }
}

/// Half of the time until something can change by itself, within bounds.
fn pause(view: &ProposalView) -> Duration {
    let next = match view.proposal.eta {
        0 => view.proposal.terms.voting_ends_at,
        eta if view.now.timestamp < eta => eta,
        _ => view.now.timestamp,
    };
    let seconds = next
        .saturating_sub(view.now.timestamp)
        .max(0)
        .unsigned_abs();
    Duration::from_millis(seconds.saturating_mul(500)).clamp(SHORTEST_PAUSE, LONGEST_PAUSE)
}

/// A server that does not answer for a moment ends no wait.
async fn look_again(ctx: &Context, view: ProposalView) -> Result<ProposalView, CliError> {
    match ctx.client()?.fetch_proposal_view(&view.address).await {
        Ok(view) => Ok(view),
        Err(error @ ClientError::NotFound { .. }) => Err(error.into()),
        Err(error) if error.is_transient() => {
            tracing::warn!(%error, "looking again");
            Ok(view)
        }
        Err(error) => Err(error.into()),
    }
}
