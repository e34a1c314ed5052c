//! The command line.

use std::{num::NonZeroU32, path::PathBuf, time::Duration};

use clap::{Args, Parser, Subcommand};
use solana_sdk::pubkey::Pubkey;

use crate::{
    commands, duration::parse_duration, exit, output::Format, price::ComputeUnitPrice,
    profile::Named, reference::Reference, write::ApartArgs,
};

/// The gate that Solana program upgrades pass through.
#[derive(Debug, Parser)]
#[command(
    name = "portcullis",
    version,
    about,
    long_about = "The gate that Solana program upgrades pass through.\n\n\
        A program's upgrade authority goes to its gate. From then on its bytes change only by a proposal that the \
        members of a council have approved, after a timelock, and only if the buffer hashes to what they voted for.",
    after_long_help = after_long_help(),
    disable_help_subcommand = true,
    max_term_width = 100
)]
pub struct Cli {
    #[command(flatten)]
    pub global: GlobalArgs,
    #[command(subcommand)]
    pub command: Command,
}

/// What every command takes. As in Solana's own tools.
#[derive(Args, Clone, Debug)]
#[command(next_help_heading = "Global options")]
pub struct GlobalArgs {
    /// Cluster: mainnet-beta, testnet, devnet, localhost or the URL of an RPC server; several, separated by commas or each with its
    /// -u, where the next is to be asked when one fails; a comma in a URL is %2C [default: from Solana's configuration]
    #[arg(
        short = 'u',
        long = "url",
        global = true,
        value_delimiter = ',',
        value_name = "URL_OR_MONIKER"
    )]
    pub urls: Vec<String>,
    /// The cluster that portcullis.toml names so, and the addresses that its names have there
    #[arg(long, global = true, value_name = "NAME", env = "PORTCULLIS_ENV")]
    pub env: Option<String>,
    /// The file with names for clusters, councils and programs [default: portcullis.toml, here or in a folder above]
    #[arg(long, global = true, value_name = "FILE", env = "PORTCULLIS_PROFILE")]
    pub profile: Option<PathBuf>,
    /// How long a request that the RPC servers do not answer is repeated
    #[arg(
        long,
        global = true,
        value_name = "DURATION",
        default_value = "30s",
        value_parser = parse_duration
    )]
    pub rpc_timeout: Duration,
    /// Requests that go out to the RPC servers in a second, at most [default: as many as there are]
    #[arg(long, global = true, value_name = "NUMBER")]
    pub rpc_rate: Option<NonZeroU32>,
    /// Signer: a keypair file, `-` for stdin, prompt:// for a seed phrase, or usb://ledger [default: from Solana's configuration]
    #[arg(short = 'k', long, global = true, value_name = "KEYPAIR")]
    pub keypair: Option<String>,
    /// Who pays fees and rent [default: the signer]
    #[arg(long, global = true, value_name = "KEYPAIR")]
    pub fee_payer: Option<String>,
    /// Solana's configuration file [default: ~/.config/solana/cli/config.yml]
    #[arg(short = 'C', long, global = true, value_name = "FILE")]
    pub config: Option<PathBuf>,
    /// Priority fee, in micro-lamports for each compute unit; or auto: what others paid lately for the same accounts, found anew
    /// during an upload, but no more than 1000000, or than N with auto:N
    #[arg(
        long = "with-compute-unit-price",
        global = true,
        value_name = "MICRO_LAMPORTS"
    )]
    pub compute_unit_price: Option<ComputeUnitPrice>,
    /// How the result is printed on stdout: for people, as JSON, only the value that a next command needs, or csv (of `history`)
    #[arg(
        long,
        global = true,
        value_enum,
        default_value_t,
        value_name = "FORMAT"
    )]
    pub output: Format,
    /// processed, confirmed or finalized [default: from Solana's configuration, else confirmed]
    #[arg(long, global = true, value_name = "LEVEL")]
    pub commitment: Option<String>,
    /// The instance of Portcullis that is meant [default: that of --env, else the committed program id]
    #[arg(
        long,
        global = true,
        value_name = "PROGRAM_ID",
        env = "PORTCULLIS_PROGRAM_ID"
    )]
    pub portcullis: Option<Pubkey>,
    /// Say more on stderr; twice for all
    #[arg(short, long, global = true, action = clap::ArgAction::Count)]
    pub verbose: u8,
}

/// What every command that changes the chain takes.
#[derive(Args, Clone, Debug, Default)]
pub struct WriteArgs {
    /// Show and simulate what would be sent; sign and send nothing
    #[arg(long)]
    pub dry_run: bool,
    /// Do not ask
    #[arg(short, long)]
    pub yes: bool,
    /// Print the instructions and an unsigned message, for the vault of another multisig; sign and send nothing. -k,
    /// --fee-payer and other signers may be plain addresses then
    #[arg(long, conflicts_with = "dry_run")]
    pub export: bool,
    #[command(flatten)]
    pub apart: ApartArgs,
}

/// How a proposal is named.
#[derive(Args, Clone, Debug)]
pub struct RefArgs {
    /// The program that bare numbers belong to
    #[arg(long, value_name = "PROGRAM_ID", env = "PORTCULLIS_PROGRAM")]
    pub program: Option<Named>,
    /// The council that council/NUMBER belongs to
    #[arg(long, value_name = "COUNCIL", env = "PORTCULLIS_COUNCIL")]
    pub council: Option<Named>,
}

/// What a command takes that changes one proposal.
#[derive(Args, Clone, Debug)]
pub struct ProposalArgs {
    /// Which proposal: 12, PROGRAM_ID/12, council/3 or its address
    #[arg(value_name = "REF")]
    pub proposal: Reference,
    #[command(flatten)]
    pub reference: RefArgs,
    #[command(flatten)]
    pub write: WriteArgs,
}

#[derive(Debug, Subcommand)]
pub enum Command {
    /// Create, show and analyze councils
    #[command(subcommand)]
    Council(commands::council::Council),
    /// Put programs behind a gate, and show gates
    #[command(subcommand)]
    Gate(commands::gate::Gate),
    /// Upload, list, hand back and close buffers
    #[command(subcommand)]
    Buffer(commands::buffer::Buffer),
    /// Propose a change
    #[command(subcommand)]
    Propose(commands::propose::Propose),
    /// Propose anew what has ended, with the buffer that the gate still holds
    Repropose(commands::propose::Repropose),
    /// Show what a proposal would do, and check it against your own build
    Review(commands::review::Review),
    /// Vote for proposals
    Approve(commands::approve::Approve),
    /// Vote against a proposal
    Reject(commands::reject::Reject),
    /// Take your vote back
    Retract(commands::retract::Retract),
    /// Stop a proposal for good, as a guardian
    Veto(commands::veto::Veto),
    /// Record a signed statement about what a proposal would run, as an attester
    Attest(commands::attest::Attest),
    /// Execute an armed standby, as a guardian: a rollback or the safe mode
    Trigger(commands::trigger::Trigger),
    /// Withdraw your own proposal before it is queued
    Cancel(commands::cancel::Cancel),
    /// Wait until a proposal is queued, ready or ended
    Wait(commands::wait::Wait),
    /// Show what happens to a council and its gates, as it happens
    Watch(commands::watch::Watch),
    /// Execute a proposal that is ready
    Execute(commands::execute::Execute),
    /// Close the account of a proposal that has ended; its rent goes back to who paid it
    Close(commands::close::Close),
    /// Write the document that explains a release, the same for every cluster
    Statement(commands::statement::Statement),
    /// Show a program's gate and what is pending, or a proposal's state
    Status(commands::status::Status),
    /// List proposals
    List(commands::list::List),
    /// Rebuild a gate's history from its transactions and prove it against the log chain
    History(commands::history::History),
    /// Examine an upgrade before it is proposed, and again before it is executed
    Doctor(commands::doctor::Doctor),
    /// Show what is in a program's ELF, what an upgrade to it changes, and what a new IDL breaks
    Inspect(commands::inspect::Inspect),
    /// Compare a deployed program with its gate's record, or with your own build
    Verify(commands::verify::Verify),
    /// Print the signer's address
    Address(commands::address::Address),
    /// Replay real transactions under the deployed and the proposed program, and compare
    #[command(subcommand)]
    Shadow(commands::shadow::Shadow),
    /// Check what must hold of a program's accounts
    #[command(subcommand)]
    Invariant(commands::invariant::Invariant),
    /// Run an offline validator with Portcullis on it
    Localnet(commands::localnet::Localnet),
    /// Print what a shell needs to complete commands and options
    Completions(commands::completions::Completions),
    /// Write the manual's pages
    Man(commands::man::Man),
    /// Watch a real program being upgraded through its gate, and every attack refused
    Demo(commands::demo::Demo),
}

impl Command {
    /// Its name, as the JSON envelope gives it.
    pub fn name(&self) -> &'static str {
        match self {
            Self::Council(commands::council::Council::Create(_)) => "council create",
            Self::Council(commands::council::Council::Show(_)) => "council show",
            Self::Council(commands::council::Council::Analyze(_)) => "council analyze",
            Self::Gate(commands::gate::Gate::Adopt(_)) => "gate adopt",
            Self::Gate(commands::gate::Gate::Abandon(_)) => "gate abandon",
            Self::Gate(commands::gate::Gate::Show(_)) => "gate show",
            Self::Buffer(commands::buffer::Buffer::Upload(_)) => "buffer upload",
            Self::Buffer(commands::buffer::Buffer::List(_)) => "buffer list",
            Self::Buffer(commands::buffer::Buffer::Return(_)) => "buffer return",
            Self::Buffer(commands::buffer::Buffer::Close(_)) => "buffer close",
            Self::Propose(command) => command.name(),
            Self::Repropose(_) => "repropose",
            Self::Review(_) => "review",
            Self::Approve(_) => "approve",
            Self::Reject(_) => "reject",
            Self::Retract(_) => "retract",
            Self::Veto(_) => "veto",
            Self::Attest(_) => "attest",
            Self::Trigger(_) => "trigger",
            Self::Cancel(_) => "cancel",
            Self::Wait(_) => "wait",
            Self::Watch(_) => "watch",
            Self::Execute(_) => "execute",
            Self::Close(_) => "close",
            Self::Statement(_) => "statement",
            Self::Status(_) => "status",
            Self::List(_) => "list",
            Self::History(_) => "history",
            Self::Doctor(_) => "doctor",
            Self::Inspect(command) => command.name(),
            Self::Verify(_) => "verify",
            Self::Address(_) => "address",
            Self::Localnet(command) => match command.control {
                Some(commands::localnet::Control::Travel(_)) => "localnet travel",
                None => "localnet",
            },
            Self::Shadow(command) => command.name(),
            Self::Invariant(commands::invariant::Invariant::Check(_)) => "invariant check",
            Self::Completions(_) => "completions",
            Self::Man(_) => "man",
            Self::Demo(_) => "demo",
        }
    }
}

fn after_long_help() -> String {
    format!(
        "Proposals (REF):\n  \
           12              number 12 of the only gate, or of --program\n  \
           PROGRAM_ID/12   number 12 of that program's gate\n  \
           council/3       number 3 about the only council itself, or that of --council\n  \
           COUNCIL/3       number 3 about that council itself\n  \
           ADDRESS         the address of its account\n\n\
         Names: where an address of a program or council is asked for, a name of portcullis.toml will do, and where a build \
         is, that of its program:\n  \
           lending/12      number 12 of the program that is named so\n\n\
         First steps:\n  \
           portcullis demo                          watch the whole of it, offline\n  \
           portcullis localnet --fund ~/id.json     an offline cluster to try things on\n  \
           portcullis status PROGRAM_ID -u devnet   who governs a program\n\n\
         {}",
        exit::help()
    )
}

#[cfg(test)]
mod tests {
    use clap::CommandFactory;

    use super::*;

    #[test]
    fn the_command_line_is_consistent() {
        Cli::command().debug_assert();
    }

    #[test]
    fn servers_are_given_together_or_one_by_one() {
        let line = "portcullis list -u https://a.example/?k=1%2C2,devnet -u l";
        let cli = Cli::try_parse_from(line.split(' ')).unwrap();
        assert_eq!(
            cli.global.urls,
            ["https://a.example/?k=1%2C2", "devnet", "l"]
        );
    }
}
