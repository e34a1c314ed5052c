//! Runs the embedded validator in the foreground until ctrl-c.

mod travel;

pub use travel::Travel;

use std::path::{Path, PathBuf};

use clap::{Args, Subcommand};
use portcullis_localnet::{
    portcullis_program, Localnet as Validator, LocalnetConfig, LocalnetError, ProgramConfig,
};
use serde_json::json;
use solana_sdk::{pubkey::Pubkey, signer::Signer};

use crate::{
    artifact,
    context::Context,
    duration::parse_duration,
    error::CliError,
    output::Fields,
    signer::{keypair_file, new_keypair_file},
};

/// Lamports that a funded account starts with: 10,000 SOL.
const FUNDS_LAMPORTS: u64 = 10_000_000_000_000;

/// What can be done with one that runs.
#[derive(Debug, Subcommand)]
pub enum Control {
    /// Put a localnet's clock forward
    Travel(Travel),
}

/// Ports, and what is there from the start.
#[derive(Args, Debug)]
#[command(args_conflicts_with_subcommands = true)]
#[command(after_help = "Examples:\n  \
    portcullis localnet --fund ~/.config/solana/id.json\n  \
    portcullis localnet --fund alice.json --fund bob.json --program app.json=app.so:alice.json\n  \
    portcullis -u localhost localnet travel 2d     in another terminal: two days pass\n\n\
    Everything is in memory and gone when it stops; keypair files that it makes stay.")]
pub struct Localnet {
    #[command(subcommand)]
    pub control: Option<Control>,
    /// JSON-RPC port on 127.0.0.1; 0 takes a free one
    #[arg(long, value_name = "PORT", default_value_t = 8899)]
    rpc_port: u16,
    /// WebSocket port on 127.0.0.1; 0 takes a free one
    #[arg(long, value_name = "PORT", default_value_t = 8900)]
    ws_port: u16,
    /// Gives 10,000 SOL to an address or to the key of a keypair file; may be given several times. A file NAME.json that is not
    /// there is made, with a new key
    #[arg(long = "fund", value_name = "KEY")]
    funded: Vec<String>,
    /// Deploys a program: PROGRAM=FILE.so:AUTHORITY, keys as addresses or keypair files; may be given several times. PROGRAM's
    /// keypair file is made like those of --fund
    #[arg(long = "program", value_name = "PROGRAM=FILE:AUTHORITY")]
    programs: Vec<String>,
    /// Time from one slot to the next, 10ms to 1s
    #[arg(long, value_name = "DURATION", value_parser = parse_duration, default_value = "400ms")]
    slot_time: std::time::Duration,
}

impl Localnet {
    /// Runs it.
    ///
    /// # Errors
    /// Where a port is taken, a key is wrong, or a program is refused.
    pub async fn run(self, ctx: &Context) -> Result<(), CliError> {
        let Self {
            control,
            rpc_port,
            ws_port,
            funded,
            programs,
            slot_time,
        } = self;
        if let Some(Control::Travel(travel)) = control {
            return travel.run(ctx).await;
        }
        let mut config = LocalnetConfig {
            rpc_port: Some(rpc_port).filter(|port| *port != 0),
            ws_port: Some(ws_port).filter(|port| *port != 0),
            slot_time_ms: u64::try_from(slot_time.as_millis()).unwrap_or(u64::MAX),
            ..LocalnetConfig::default()
        };
        for key in &funded {
            config
                .funded_accounts
                .push((address_of_made(ctx, key)?, FUNDS_LAMPORTS));
        }
        let funded_accounts = config.funded_accounts.clone();
        config
            .programs
            .push(portcullis_program(portcullis::ID, None));
        for program in &programs {
            config.programs.push(parse_program(ctx, program)?);
        }
        let installed: Vec<Pubkey> = config
            .programs
            .iter()
            .map(|program| program.program_id)
            .collect();
        // Starting blocks for a moment; nothing else runs here.
        let validator = Validator::start(config).map_err(failed)?;
        let (rpc, ws) = (
            validator.rpc_url().to_string(),
            validator.ws_url().to_string(),
        );
        let mut fields = Fields::new()
            .row("json-rpc", &rpc)
            .row("websocket", &ws)
            .row(
                "portcullis",
                format!("{}, final: no upgrade authority", portcullis::ID),
            );
        for program in installed.iter().skip(1) {
            fields.push("program", program);
        }
        // Members are named by their addresses, so that of a file is shown.
        for (key, (address, _)) in funded.iter().zip(&funded_accounts) {
            let address = address.to_string();
            let file = match *key == address {
                true => String::new(),
                false => format!(", {key},"),
            };
            fields.push("funded", format!("{address}{file} with 10,000 SOL"));
        }
        ctx.out.result(
            &fields.render(0),
            json!({
                "rpc_url": rpc,
                "ws_url": ws,
                "portcullis": portcullis::ID.to_string(),
                "programs": installed.iter().map(ToString::to_string).collect::<Vec<_>>(),
                "funded": funded,
                "funded_addresses": funded_accounts.iter().map(|(address, _)| address.to_string()).collect::<Vec<_>>(),
                "funded_lamports": FUNDS_LAMPORTS,
            }),
        );
        ctx.out.note(&format!(
            "next, in another terminal: portcullis -u {rpc} council create --help\nctrl-c stops it"
        ));
        let stopped = tokio::signal::ctrl_c().await;
        validator.shutdown();
        stopped
            .map_err(|error| CliError::general(format!("waiting for ctrl-c failed: {error}")))?;
        ctx.out.note("stopped");
        Ok(())
    }
}

fn failed(error: LocalnetError) -> CliError {
    let message = crate::error::chain(&error);
    match error {
        LocalnetError::Port { .. } => CliError::usage("port_taken", message)
            .hint("give others with --rpc-port and --ws-port; 0 takes a free one"),
        LocalnetError::SlotTime { .. } => CliError::usage("slot_time_out_of_range", message),
        LocalnetError::Account { .. } => CliError::usage("program_refused", message),
        _ => CliError::general(message),
    }
}

/// An address, or that of a keypair file.
fn address_of(text: &str) -> Result<Pubkey, CliError> {
    match text.parse() {
        Ok(address) => Ok(address),
        Err(_) => Ok(keypair_file(Path::new(text), "key")?.pubkey()),
    }
}

/// The same; makes the keypair file where there is none. What does not end like one is a mistyped address.
fn address_of_made(ctx: &Context, text: &str) -> Result<Pubkey, CliError> {
    let path = Path::new(text);
    let file = path.extension().is_some_and(|end| end == "json");
    if file && !path.exists() {
        let made = new_keypair_file(path)?.pubkey();
        ctx.out
            .note(&format!("made {text}, the key of {made}: for tests only"));
        return Ok(made);
    }
    address_of(text)
}

fn parse_program(ctx: &Context, text: &str) -> Result<ProgramConfig, CliError> {
    let wrong = || {
        CliError::usage(
            "program_argument",
            format!("--program must be PROGRAM=FILE:AUTHORITY, found `{text}`"),
        )
        .hint("for instance --program program-keypair.json=app.so:authority.json")
    };
    let (program, rest) = text.split_once('=').ok_or_else(wrong)?;
    let (file, authority) = rest.rsplit_once(':').ok_or_else(wrong)?;
    Ok(ProgramConfig {
        // First what may be wrong, then the new file.
        elf: artifact::read(&PathBuf::from(file))?.bytes,
        upgrade_authority: Some(address_of(authority)?),
        program_id: address_of_made(ctx, program)?,
    })
}
