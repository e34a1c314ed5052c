//! Compares what is deployed with the gate's record, and with the user's own build: a file, what a command builds, here or from a
//! git commit, or what `solana-verify` says.

mod build;
mod chain;
mod solana_verify;
mod source;
mod worktree;

use std::path::PathBuf;

use clap::Args;
use serde_json::json;

use self::{build::Variable, source::Source};
use crate::{client_error::hash, context::Context, error::CliError, profile::Named};

/// What to compare.
#[derive(Args, Debug)]
#[command(after_help = "Examples:\n  \
    portcullis verify PROGRAM_ID                         the chain with the gate's record\n  \
    portcullis verify PROGRAM_ID --artifact app.so       the chain with your build as well\n  \
    portcullis verify PROGRAM_ID --build 'cargo build-sbf' --artifact target/deploy/app.so\n  \
    portcullis verify PROGRAM_ID --commit v1.2.0 --build 'solana-verify build' --artifact target/deploy/app.so\n  \
    solana-verify get-executable-hash app.so | portcullis verify PROGRAM_ID --solana-verify -\n  \
    portcullis verify --artifact app.so                  the hash of your build, nothing else\n\n\
    The hash is the SHA-256 of the ELF without trailing zeros, as solana-verify prints it. The fingerprint is made from it,\n\
    to be read aloud: 24 digits, 0 is zero, 1 is one; where both can be seen, the full hashes decide.\n\
    A build command runs by `sh -c` without your environment: PATH, HOME, CARGO_HOME and RUSTUP_HOME as they are, LC_ALL=C,\n\
    TZ=UTC, of a commit SOURCE_DATE_EPOCH, and what --build-env names. What it prints goes to stderr.\n\
    It exits with 4 where anything differs.")]
pub struct Verify {
    /// The program
    #[arg(
        value_name = "PROGRAM_ID",
        required_unless_present_any = ["artifact", "solana_verify"]
    )]
    program: Option<Named>,
    /// Your build; with --build what the command makes, with --commit relative to the repository
    #[arg(long, value_name = "FILE")]
    artifact: Option<PathBuf>,
    /// Build it first
    #[arg(long, value_name = "COMMAND", requires = "artifact")]
    build: Option<String>,
    /// Build this commit in a clean worktree of its own, which is removed afterwards
    #[arg(long, value_name = "REV", requires = "build")]
    commit: Option<String>,
    /// The repository of --commit [default: here]
    #[arg(long, value_name = "DIR", requires = "commit")]
    repo: Option<PathBuf>,
    /// A variable that the build command gets: as it is here, or with this value. May be repeated
    #[arg(long, value_name = "NAME[=VALUE]", requires = "build")]
    build_env: Vec<Variable>,
    /// What solana-verify printed (get-executable-hash, get-program-hash, verify-from-repo): a file, or - for stdin
    #[arg(long, value_name = "FILE", conflicts_with = "artifact")]
    solana_verify: Option<PathBuf>,
}

impl Verify {
    /// Runs it.
    ///
    /// # Errors
    /// `HashMismatch`, with both hashes; and what stands against the build.
    pub async fn run(self, ctx: &Context) -> Result<(), CliError> {
        let Self {
            program,
            artifact,
            build,
            commit,
            repo,
            build_env,
            solana_verify,
        } = self;
        let program = program.map(|program| ctx.program(&program)).transpose()?;
        // What a command makes is not there yet.
        let artifact = match (artifact, &build) {
            (Some(path), None) => Some(ctx.build(&path)?),
            (artifact, _) => artifact,
        };
        let source = match (artifact, build, commit, solana_verify) {
            (_, _, _, Some(output)) => Some(Source::SolanaVerify(output)),
            (Some(artifact), Some(command), Some(rev), None) => Some(Source::Commit {
                artifact,
                command,
                variables: build_env,
                rev,
                repo: repo.unwrap_or_else(|| PathBuf::from(".")),
            }),
            (Some(artifact), Some(command), None, None) => Some(Source::Build {
                artifact,
                command,
                variables: build_env,
            }),
            (Some(artifact), None, ..) => Some(Source::Artifact(artifact)),
            (None, ..) => None,
        };
        let candidate = match source {
            Some(source) => Some(source.read(ctx).await?),
            None => None,
        };
        match (program, candidate) {
            (Some(program), candidate) => chain::compare(ctx, &program, candidate.as_ref()).await,
            (None, Some(candidate)) => {
                ctx.out
                    .note(&format!("fingerprint {}", candidate.fingerprint()));
                let data = json!({ "artifact": candidate.json(), "source": candidate.source });
                ctx.out.result(&hash(&candidate.sha256), data);
                Ok(())
            }
            // Clap requires one of them.
            (None, None) => Err(CliError::usage("usage", "there is nothing to compare")),
        }
    }
}
