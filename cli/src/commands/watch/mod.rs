//! Shows what happens to councils and their gates while it happens.

mod exec;
mod kind;
mod line;
mod status_line;
mod webhook;

use std::{collections::BTreeSet, num::NonZeroU64, str::FromStr, time::Duration};

use clap::Args;
use portcullis_client::watch::{Since, Source, Update, Watch as Watcher, WatchOptions};
use solana_sdk::{pubkey::Pubkey, signature::Signature};
use tokio::signal::unix::{signal, Signal, SignalKind};

use self::{exec::Exec, kind::Kind, line::Line, status_line::StatusLine, webhook::Webhook};
use crate::{
    context::Context, duration::parse_duration, error::CliError, output::printable, profile::Named,
    resolve,
};

/// What is watched, and what is done with it.
#[derive(Args, Debug)]
#[command(after_help = "Examples:\n  \
    portcullis watch --council COUNCIL\n  \
    portcullis watch PROGRAM_ID --only queue,ready,execute\n  \
    portcullis watch PROGRAM_ID --only ready --exec 'portcullis execute \"$PORTCULLIS_PROPOSAL\" --yes'\n  \
    portcullis watch --output json --since SIGNATURE | jq -c '{event, proposal, by}'\n\n\
    Every event is rebuilt from its transaction and proven against the log chain before it is\n\
    shown; where that is not possible, its line says UNVERIFIED. The WebSocket only says when to look.\n\n\
    --exec runs through `sh -c` with the event's JSON on stdin, and in its environment\n\
    PORTCULLIS_EVENT, _EVENT_ID, _EVENT_KIND, _COUNCIL, _PROGRAM, _PROPOSAL, _STATUS, _BY,\n\
    _SIGNATURE, _SECONDS_TO_ETA and _VERIFIED. A webhook is posted the same JSON, again until it is\n\
    taken; with PORTCULLIS_WEBHOOK_SECRET set, the header x-portcullis-signature is `sha256=` and the\n\
    HMAC-SHA256 of the body. Either can see an event again after a restart: its id stays the same.")]
pub struct Watch {
    /// Only the gates of these programs
    #[arg(value_name = "PROGRAM_ID", conflicts_with = "council")]
    programs: Vec<Named>,
    /// A council and all its gates [default: the only one on the cluster]
    #[arg(long, value_name = "COUNCIL")]
    council: Option<Named>,
    /// Only events of these kinds
    #[arg(long, value_enum, value_name = "KIND", value_delimiter = ',')]
    only: Vec<Kind>,
    /// Where to begin: now, start, or behind the transaction with this signature
    #[arg(long, value_name = "SIGNATURE|now|start", default_value = "now", value_parser = parse_since)]
    since: Since,
    /// End after so many events
    #[arg(long, value_name = "NUMBER")]
    count: Option<NonZeroU64>,
    /// Run this for each event, one after the other
    #[arg(long, value_name = "COMMAND")]
    exec: Option<String>,
    /// How long such a command may take
    #[arg(long, value_name = "DURATION", value_parser = parse_duration, default_value = "1m", requires = "exec")]
    exec_timeout: Duration,
    /// Send each event to this URL as a POST; it is a secret, so better give it in the environment
    #[arg(
        long,
        value_name = "URL",
        env = "PORTCULLIS_WEBHOOK",
        hide_env_values = true
    )]
    webhook: Option<String>,
    /// The RPC server's WebSocket [default: from Solana's configuration, else the RPC URL with the next port]
    #[arg(long, value_name = "URL")]
    ws: Option<String>,
    /// How often the chain is looked at where there is no WebSocket
    #[arg(long, value_name = "DURATION", value_parser = parse_duration, default_value = "5s")]
    interval: Duration,
}

fn parse_since(text: &str) -> Result<Since, String> {
    match text {
        "now" => Ok(Since::Now),
        "start" => Ok(Since::Beginning),
        signature => Signature::from_str(signature)
            .map(Since::After)
            .map_err(|_| "must be now, start or a transaction's signature".to_string()),
    }
}

/// Ctrl-C, or what a service manager sends.
struct Interrupt([Signal; 2]);

impl Interrupt {
    fn new() -> Result<Self, CliError> {
        let listen = |kind| {
            signal(kind).map_err(|error| {
                CliError::general(format!("signals cannot be waited for: {error}"))
            })
        };
        Ok(Self([
            listen(SignalKind::interrupt())?,
            listen(SignalKind::terminate())?,
        ]))
    }

    async fn come(&mut self) {
        let [interrupt, terminate] = &mut self.0;
        tokio::select! {
            _ = interrupt.recv() => {}
            _ = terminate.recv() => {}
        }
    }
}

/// What happens with each event.
struct Handlers {
    programs: BTreeSet<Pubkey>,
    only: Vec<Kind>,
    left: Option<u64>,
    exec: Option<Exec>,
    webhook: Option<Webhook>,
    status_line: StatusLine,
}

impl Watch {
    /// Runs it.
    ///
    /// # Errors
    /// Where the watch cannot begin. Later failures are told, and it goes on.
    pub async fn run(self, ctx: &Context) -> Result<(), CliError> {
        let Self {
            programs,
            council,
            only,
            since,
            count,
            exec,
            exec_timeout,
            webhook,
            ws,
            interval,
        } = self;
        let programs: Result<Vec<Pubkey>, CliError> = programs
            .iter()
            .map(|program| ctx.program(program))
            .collect();
        let programs = programs?;
        let council = council.map(|council| ctx.council(&council)).transpose()?;
        let mut interrupt = Interrupt::new()?;
        let websocket = ctx.websocket(ws.as_deref())?;
        let webhook = webhook.as_deref().map(Webhook::open).transpose()?;
        let councils = councils(ctx, &programs, council).await?;
        if let (Since::After(_), [_, _, ..]) = (since, councils.as_slice()) {
            return Err(CliError::usage(
                "ambiguous_since",
                format!(
                    "--since SIGNATURE must belong to one council, and these programs have {}",
                    councils.len()
                ),
            )
            .hint("watch each council on its own, with --council"));
        }
        let options = WatchOptions {
            councils,
            websocket,
            interval,
            since,
        };
        if ctx.out.shows_progress() {
            ctx.out.note("rebuilding the history first");
        }
        let watcher = tokio::select! {
            watcher = Watcher::start(ctx.client()?, options) => watcher?,
            () = interrupt.come() => return Ok(()),
        };
        ctx.out.begin_lines();
        ctx.out.note(&describe(&watcher, &programs));
        let mut handlers = Handlers {
            programs: programs.into_iter().collect(),
            only,
            left: count.map(NonZeroU64::get),
            exec: exec.map(|command| Exec {
                command,
                limit: exec_timeout,
            }),
            webhook,
            status_line: StatusLine::new(ctx),
        };
        let interrupted = handlers
            .follow(ctx, watcher, &mut interrupt, interval)
            .await;
        handlers.status_line.clear();
        if let Some(webhook) = handlers.webhook {
            tokio::select! {
                () = webhook.close(ctx, interrupted) => {}
                // The second time, at once.
                () = interrupt.come() => {}
            }
        }
        Ok(())
    }
}

/// The councils that are meant.
async fn councils(
    ctx: &Context,
    programs: &[Pubkey],
    council: Option<Pubkey>,
) -> Result<Vec<Pubkey>, CliError> {
    if let Some(council) = council {
        return Ok(vec![council]);
    }
    let mut councils = BTreeSet::new();
    for program in programs {
        councils.insert(resolve::gate(ctx, program).await?.account.council);
    }
    if !councils.is_empty() {
        return Ok(councils.into_iter().collect());
    }
    let all = ctx.client()?.list_councils().await?;
    match all.as_slice() {
        [only] => Ok(vec![only.address]),
        [] => Err(CliError::not_found("there is no council on this cluster")
            .hint("check the cluster (-u), or create one: portcullis council create")),
        several => Err(CliError::usage(
            "no_subject",
            format!(
                "a program or a council must be named on a cluster with {} councils",
                several.len()
            ),
        )
        .hint("name the programs, or give --council COUNCIL")),
    }
}

/// What is watched, for people.
fn describe(watcher: &Watcher, programs: &[Pubkey]) -> String {
    let of_programs = |program: &Pubkey| programs.is_empty() || programs.contains(program);
    let gates = watcher.gates();
    let gates = gates.iter().filter(|(_, gate)| of_programs(&gate.program));
    let open = watcher.open();
    let open = open.iter().filter(|open| {
        programs.is_empty() || open.gate.is_some_and(|gate| of_programs(&gate.program))
    });
    format!(
        "watching {} gate(s) with {} open proposal(s); ctrl-c stops it",
        gates.count(),
        open.count()
    )
}

impl Handlers {
    /// Until it is enough. `true` where the user has interrupted it.
    async fn follow(
        &mut self,
        ctx: &Context,
        mut watcher: Watcher,
        interrupt: &mut Interrupt,
        interval: Duration,
    ) -> bool {
        let mut polling = false;
        while self.left != Some(0) {
            self.status_line.set(&watcher);
            let Some(update) = self.next(ctx, &mut watcher, interrupt).await else {
                return true;
            };
            let line = match update {
                Update::Event(event) => Line::of_event(&event),
                Update::Status(change) => Line::of_change(&change),
                other => {
                    self.status_line
                        .above(|| tell(ctx, other, interval, &mut polling));
                    continue;
                }
            };
            if !self.wants(&line) {
                continue;
            }
            let print = || ctx.out.line(&line.text, &line.json);
            if !self.status_line.above(print) {
                // As `portcullis watch | head -1` wants it.
                return true;
            }
            tokio::select! {
                () = self.hand_on(ctx, line) => {}
                () = interrupt.come() => return true,
            }
            self.left = self.left.map(|left| left.saturating_sub(1));
        }
        false
    }

    /// The next update; `None` where the user has interrupted it. The watch's own future is never dropped half-way but for that.
    async fn next(
        &mut self,
        ctx: &Context,
        watcher: &mut Watcher,
        interrupt: &mut Interrupt,
    ) -> Option<Update> {
        let next = watcher.next();
        tokio::pin!(next);
        loop {
            tokio::select! {
                update = &mut next => return Some(update),
                () = interrupt.come() => return None,
                failure = failure(&mut self.webhook) => {
                    self.status_line.above(|| ctx.out.note(&failure));
                }
                () = self.status_line.second() => {}
            }
        }
    }

    fn wants(&self, line: &Line) -> bool {
        let of_kind =
            |kind: &Kind| line.kind == Some(*kind) || (line.queued && *kind == Kind::Queue);
        let of_program = |program: Pubkey| self.programs.contains(&program);
        (self.only.is_empty() || self.only.iter().any(of_kind))
            && (self.programs.is_empty() || line.program.is_some_and(of_program))
    }

    /// To the user's command, and to the webhook.
    async fn hand_on(&self, ctx: &Context, line: Line) {
        if let Some(exec) = &self.exec {
            exec.run(ctx, &line.json).await;
        }
        if let Some(webhook) = &self.webhook {
            webhook.send(line.json).await;
        }
    }
}

/// What the webhook could not deliver.
async fn failure(webhook: &mut Option<Webhook>) -> String {
    match webhook {
        Some(webhook) => match webhook.failures.recv().await {
            Some(failure) => failure,
            None => std::future::pending().await,
        },
        None => std::future::pending().await,
    }
}

/// What is no event.
fn tell(ctx: &Context, update: Update, interval: Duration, polling: &mut bool) {
    match update {
        Update::Event(_) | Update::Status(_) => {}
        Update::Source(Source::Polling { reason }) => {
            if !*polling {
                ctx.out.note(&format!(
                    "note: no WebSocket ({}): asking every {} until there is one; nothing is lost",
                    printable(&reason),
                    humantime::format_duration(interval)
                ));
            }
            *polling = true;
        }
        Update::Source(Source::WebSocket) => {
            if *polling {
                ctx.out.note("note: the WebSocket is there again");
            }
            *polling = false;
        }
        Update::Unverified { council, reason } => ctx.out.warn(format!(
            "the history of council {council} cannot be proven: {}; from now on events are what the transactions' logs say; \
             another RPC server (-u) may keep the whole ledger",
            printable(&reason)
        )),
        Update::Trouble { reason } => {
            ctx.out
                .note(&format!("warning: {}; trying again", printable(&reason)));
        }
    }
}
