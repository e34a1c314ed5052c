//! Records a program's transactions with the accounts that they need.

use std::{
    path::PathBuf,
    time::{Duration, Instant},
};

use clap::Args;
use portcullis_analysis::shadow::{
    record::{self, Source},
    Writer,
};
use serde_json::json;

use super::{refused, required};
use crate::{
    commands::invariant::check, context::Context, duration::parse_duration, error::CliError,
    output::Fields, profile::Named,
};

/// Transactions whose accounts a live recording watches from the start.
const WARM_UP: usize = 100;
/// About one slot.
const PAUSE: Duration = Duration::from_millis(400);

/// Which transactions.
#[derive(Args, Debug)]
#[command(after_help = "Examples:\n  \
    portcullis shadow record PROGRAM_ID --limit 2000 --out bundle.gz -u mainnet-beta\n  \
    portcullis shadow record PROGRAM_ID --live 10m --out bundle.gz -u URL\n\n\
    Without --live the last transactions are taken, with the accounts as they are now: many of them will not do again what\n\
    they did, and `shadow run` says how many did. With --live the transactions of the time to come are taken, with their\n\
    accounts as they were just before. A name that ends in .gz makes a compressed file.")]
pub struct Record {
    /// The program
    #[arg(value_name = "PROGRAM")]
    program: Named,
    /// The file to write
    #[arg(long, value_name = "FILE")]
    out: PathBuf,
    /// How many of the last transactions
    #[arg(long, value_name = "NUMBER", default_value = "1000",
        value_parser = clap::value_parser!(u32).range(1..=100_000), conflicts_with = "live")]
    limit: u32,
    /// Record what comes from now on, for so long
    #[arg(long, value_name = "DURATION", value_parser = parse_duration)]
    live: Option<Duration>,
    /// Also record what the invariants of this file read, so that `shadow run` can check them
    #[arg(long, value_name = "FILE")]
    invariants: Option<PathBuf>,
}

impl Record {
    /// Runs it.
    ///
    /// # Errors
    /// What the server says; a file that cannot be written.
    pub async fn run(self, ctx: &Context) -> Result<(), CliError> {
        let Self {
            program,
            out,
            limit,
            live,
            invariants,
        } = self;
        let invariants = match &invariants {
            Some(path) => Some(check::load(ctx, path).await?),
            None => None,
        };
        let source = Source {
            client: ctx.client()?,
            program: ctx.program(&program)?,
            required: required(invariants.as_ref()),
        };
        let mut header = None;
        let make = |found: &portcullis_analysis::shadow::bundle::Header| {
            header = Some(found.clone());
            Writer::create(&out, found)
        };
        let written = match live {
            None => record::record(&source, limit as usize, make).await,
            Some(duration) => {
                let pause = || tokio::time::sleep(PAUSE);
                let mut told = 0;
                let begun = Instant::now();
                let go_on = |watched: record::Watched| {
                    if watched.transactions > told {
                        told = watched.transactions;
                        ctx.out.note(&format!(
                            "{told} transactions, {} accounts watched",
                            watched.accounts
                        ));
                    }
                    begun.elapsed() < duration
                };
                record::watch(&source, WARM_UP, make, pause, go_on).await
            }
        };
        let writer = written.map_err(refused)?;
        let transactions = writer.transactions();
        writer.finish().map_err(refused)?;
        let deployed = header.map(|header| header.deployed_sha256);
        let shown = out.display().to_string();
        ctx.out.result(
            &Fields::new()
                .row("program", source.program)
                .row("deployed", deployed.clone().unwrap_or_default())
                .row("transactions", transactions)
                .row("bundle", &shown)
                .render(0),
            json!({
                "program": source.program.to_string(),
                "deployed_sha256": deployed,
                "transactions": transactions,
                "file": shown,
            }),
        );
        ctx.next(&format!(
            "next: portcullis shadow run {shown} --new FILE.so --html report.html"
        ));
        Ok(())
    }
}
