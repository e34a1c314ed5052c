//! From the command line to a command, and from its outcome to an exit code.

use std::{io::IsTerminal, rc::Rc};

use clap::{error::ErrorKind, Parser};
use tracing_subscriber::EnvFilter;

use crate::{
    args::{Cli, Command},
    context::Context,
    error::CliError,
    exit::ExitCode,
    output::{Format, Output},
};

/// Runs the process.
pub fn main() -> ExitCode {
    let cli = match Cli::try_parse() {
        Ok(cli) => cli,
        Err(error) => return unparsed(&error),
    };
    log(cli.global.verbose);
    let out = Rc::new(Output::new(cli.global.output, cli.command.name()));
    if let Err(error) = out.require_format() {
        return out.failure(&error);
    }
    let ctx = match Context::new(cli.global, Rc::clone(&out)) {
        Ok(ctx) => ctx,
        Err(error) => return out.failure(&error),
    };
    let runtime = tokio::runtime::Builder::new_multi_thread()
        .worker_threads(2)
        .enable_all()
        .build();
    let done = match runtime {
        Ok(runtime) => {
            let done = runtime.block_on(run(cli.command, &ctx));
            // A reader of stdin may still block a thread; nothing waits for it.
            runtime.shutdown_background();
            done
        }
        Err(error) => Err(CliError::general(format!(
            "the asynchronous runtime cannot start: {error}"
        ))),
    };
    match done {
        Ok(()) => ExitCode::Ok,
        Err(error) => out.failure(&error),
    }
}

/// Help and version are results; all else is misuse, which `--output json` shows within the envelope as well.
fn unparsed(error: &clap::Error) -> ExitCode {
    let asked = matches!(
        error.kind(),
        ErrorKind::DisplayHelp | ErrorKind::DisplayVersion
    );
    // Nobody is there to be told that the stream is closed.
    let _ = error.print();
    if asked {
        return ExitCode::Ok;
    }
    if wants_json(std::env::args()) {
        let text = error.render().to_string();
        let message = text.lines().next().unwrap_or_default();
        let message = message.strip_prefix("error: ").unwrap_or(message);
        Output::new(Format::Json, "").envelope_only(&CliError::usage("usage", message));
    }
    ExitCode::Usage
}

fn wants_json(mut args: impl Iterator<Item = String>) -> bool {
    while let Some(arg) = args.next() {
        if arg == "--output=json" || (arg == "--output" && args.next().as_deref() == Some("json")) {
            return true;
        }
    }
    false
}

/// Quiet unless asked: `-v` shows what this program does, `-vv` what its libraries do; `RUST_LOG` overrides both.
fn log(verbose: u8) {
    let default = match verbose {
        0 => "error,portcullis=warn,portcullis_client=warn",
        1 => "warn,portcullis=info,portcullis_client=info",
        _ => "info,portcullis=trace,portcullis_client=trace",
    };
    let filter = EnvFilter::try_from_default_env().unwrap_or_else(|_| EnvFilter::new(default));
    tracing_subscriber::fmt()
        .with_env_filter(filter)
        .with_writer(std::io::stderr)
        .with_ansi(std::io::stderr().is_terminal())
        .init();
}

async fn run(command: Command, ctx: &Context) -> Result<(), CliError> {
    match command {
        Command::Council(command) => command.run(ctx).await,
        Command::Gate(command) => command.run(ctx).await,
        Command::Buffer(command) => command.run(ctx).await,
        Command::Propose(command) => command.run(ctx).await,
        Command::Repropose(command) => command.run(ctx).await,
        Command::Review(command) => command.run(ctx).await,
        Command::Approve(command) => command.run(ctx).await,
        Command::Reject(command) => command.run(ctx).await,
        Command::Retract(command) => command.run(ctx).await,
        Command::Veto(command) => command.run(ctx).await,
        Command::Attest(command) => command.run(ctx).await,
        Command::Trigger(command) => command.run(ctx).await,
        Command::Cancel(command) => command.run(ctx).await,
        Command::Wait(command) => command.run(ctx).await,
        Command::Watch(command) => command.run(ctx).await,
        Command::Execute(command) => command.run(ctx).await,
        Command::Close(command) => command.run(ctx).await,
        Command::Statement(command) => command.run(ctx),
        Command::Status(command) => command.run(ctx).await,
        Command::List(command) => command.run(ctx).await,
        Command::History(command) => command.run(ctx).await,
        Command::Doctor(command) => command.run(ctx).await,
        Command::Inspect(command) => command.run(ctx).await,
        Command::Verify(command) => command.run(ctx).await,
        Command::Address(command) => command.run(ctx).await,
        Command::Shadow(command) => command.run(ctx).await,
        Command::Invariant(command) => command.run(ctx).await,
        Command::Localnet(command) => command.run(ctx).await,
        Command::Completions(command) => command.run(ctx),
        Command::Man(command) => command.run(ctx),
        Command::Demo(command) => command.run(ctx).await,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn misuse_is_json_where_json_was_asked_for() {
        let wants = |line: &str| wants_json(line.split(' ').map(str::to_string));
        assert!(wants("portcullis list --output json --nonsense"));
        assert!(wants("portcullis list --output=json"));
        assert!(!wants("portcullis list --output text"));
        assert!(!wants("portcullis json"));
    }
}
