//! Moves a localnet's clock.

use std::time::Duration;

use clap::Args;
use portcullis_localnet::TimeControl;
use serde_json::json;

use crate::{
    context::Context,
    duration::{parse_duration, utc_and_local},
    error::CliError,
    exit::ExitCode,
    view,
};

/// How far.
#[derive(Args, Debug)]
#[command(after_help = "Example:\n  \
    portcullis -u localhost localnet travel 2d")]
pub struct Travel {
    /// By how much the clock is put forward; the slots of that time go by too
    #[arg(value_name = "DURATION", value_parser = parse_duration)]
    by: Duration,
}

impl Travel {
    /// Runs it.
    ///
    /// # Errors
    /// `not_local`; `localnet_clock` where the server is no localnet.
    pub async fn run(self, ctx: &Context) -> Result<(), CliError> {
        let Self { by } = self;
        let cluster = ctx.cluster()?;
        let [url] = cluster.urls.as_slice() else {
            return Err(not_local("several servers"));
        };
        if !cluster.is_local() {
            return Err(not_local(&cluster.shown()));
        }
        let time = TimeControl::new(url.as_str());
        let by = i64::try_from(by.as_secs()).unwrap_or(i64::MAX);
        let moved = match time.now().await {
            Ok(now) => time.advance_to(now.unix_timestamp.saturating_add(by)).await,
            Err(error) => Err(error),
        };
        // The cause would quote the URL, which may hold a key.
        let now = moved.map_err(|_| {
            CliError::new(
                ExitCode::Network,
                "localnet_clock",
                format!(
                    "the clock of {} cannot be moved: no localnet answers there",
                    cluster.shown()
                ),
            )
            .hint("start one in another terminal: portcullis localnet")
        })?;
        ctx.out.result(
            &format!(
                "the localnet's clock shows {}",
                utc_and_local(now.unix_timestamp)
            ),
            json!({ "chain_time": view::time(now.unix_timestamp), "slot": now.slot }),
        );
        Ok(())
    }
}

fn not_local(found: &str) -> CliError {
    CliError::usage(
        "not_local",
        format!("only a localnet's clock can be moved: one server on this machine is required, found {found}"),
    )
    .hint("give it with -u, for instance -u localhost")
}
