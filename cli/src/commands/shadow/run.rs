//! Replays transactions under the deployed and under the proposed program, and compares.

use std::{fs, io::Cursor, path::PathBuf, str::FromStr};

use clap::{Args, ValueEnum};
use portcullis_analysis::{
    invariants::Invariants,
    shadow::{
        self, page,
        record::{self, Source},
        report, Knowledge, Limits, Options, Reader, Report, Writer,
    },
};
use serde_json::json;

use super::{proposed, refused, rehearsal, required};
use crate::{
    args::RefArgs, artifact, client_error::hash, commands::invariant::check, context::Context,
    error::CliError, exit::ExitCode, idl, output::printable, profile::Named,
};

/// What makes a run fail.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, ValueEnum)]
enum FailOn {
    /// Transactions that fail, or break an invariant, only under the proposed program
    NewFailures,
    /// Those, and all with another effect: other accounts, lamports or return data, success where there was failure, also of
    /// variations that nobody sent
    #[default]
    Effects,
    /// Those, and other errors and logs; compute units never count
    AnyDifference,
}

/// Which transactions, and which program.
#[derive(Args, Debug)]
#[command(after_help = "Examples:\n  \
    portcullis shadow run bundle.gz --new app.so --html report.html\n  \
    portcullis shadow run bundle.gz --new PROGRAM_ID/12 --as-upgraded --report report.json\n  \
    portcullis shadow run PROGRAM_ID --limit 500 --new BUFFER -u mainnet-beta\n  \
    portcullis attest PROGRAM_ID/12 --kind shadow --report report.json\n\n\
    Every transaction runs twice on the same state, in LiteSVM with mainnet's features and without checking signatures. Only\n\
    those in which the deployed program does again what the cluster recorded are judged; it exits with 1 where these are too\n\
    few, and with 4 where the programs differ in what --fail-on says.")]
pub struct Run {
    /// A bundle that `shadow record` made, or a program whose last transactions are recorded now
    #[arg(value_name = "BUNDLE|PROGRAM")]
    source: String,
    /// The proposed program: a build, a buffer's address, or the proposal that would deploy it
    #[arg(long, value_name = "FILE|BUFFER|REF")]
    new: String,
    /// Compare with this build instead of the deployed program
    #[arg(long, value_name = "FILE", conflicts_with = "as_upgraded")]
    old: Option<PathBuf>,
    /// How many of the program's last transactions, where no bundle is given
    #[arg(long, value_name = "NUMBER", default_value = "1000",
        value_parser = clap::value_parser!(u32).range(1..=100_000))]
    limit: u32,
    /// The share of transactions that must be reproduced, from 0 to 1
    #[arg(long, value_name = "SHARE", default_value = "0.9", value_parser = parse_share)]
    min_fidelity: f64,
    /// What makes the run fail
    #[arg(long, value_name = "WHAT", value_enum, default_value_t)]
    fail_on: FailOn,
    /// Execute the proposal first, on forked state and at its eta: the gate itself puts the program in place
    #[arg(long)]
    as_upgraded: bool,
    /// The deployed program's IDL, by which accounts, errors and events get their names [default: that in the bundle]
    #[arg(long, value_name = "FILE|PROGRAM")]
    idl: Option<String>,
    /// The proposed program's IDL, where it is another
    #[arg(long, value_name = "FILE")]
    new_idl: Option<PathBuf>,
    /// Check the invariants of this file before and after each transaction, under both programs
    #[arg(long, value_name = "FILE")]
    invariants: Option<PathBuf>,
    /// Do not try variations of what succeeded: without a signature, with another account or number, later
    #[arg(long)]
    no_probes: bool,
    /// Write the report as JSON: its SHA-256 is what a `shadow` attestation carries
    #[arg(long, value_name = "FILE")]
    report: Option<PathBuf>,
    /// Write the report as a page for browsers
    #[arg(long, value_name = "FILE")]
    html: Option<PathBuf>,
    #[command(flatten)]
    reference: RefArgs,
}

fn parse_share(text: &str) -> Result<f64, String> {
    text.parse()
        .ok()
        .filter(|share| (0.0..=1.0).contains(share))
        .ok_or_else(|| "must be a number from 0 to 1, such as 0.95".to_string())
}

impl Run {
    /// Runs it.
    ///
    /// # Errors
    /// `fidelity_too_low`, `behaviour_differs`, `invariants_not_judged`; a bundle or a program that is not usable.
    pub async fn run(self, ctx: &Context) -> Result<(), CliError> {
        let proposed = proposed::find(ctx, &self.new, &self.reference).await?;
        let options = Options {
            new_elf: proposed.elf,
            old_elf: match &self.old {
                Some(path) => Some(artifact::read(path)?.bytes),
                None => None,
            },
            required_fidelity: self.min_fidelity,
            probes: !self.no_probes,
            knowledge: self.knowledge(ctx).await?,
        };
        let rehearsal = match (self.as_upgraded, &proposed.proposal) {
            (false, _) => None,
            (true, Some(view)) => Some(rehearsal::prepare(ctx, view).await?),
            (true, None) => {
                return Err(CliError::usage(
                    "no_proposal",
                    "--as-upgraded executes a proposal, and --new names none",
                )
                .hint("give the proposal: --new PROGRAM_ID/12"));
            }
        };
        let reader = self
            .reader(ctx, options.knowledge.invariants.as_ref())
            .await?;
        let program = reader.header().program;
        if let Some(view) = &proposed.proposal {
            if view.keys().program() != program {
                return Err(CliError::mismatch(
                    "another_program",
                    format!(
                        "the proposal upgrades {}, and the transactions are of {program}",
                        view.keys().program()
                    ),
                ));
            }
        }
        let done = match &rehearsal {
            Some(rehearsal) => shadow::run_as_upgraded(reader, options, rehearsal),
            None => shadow::run(reader, options),
        };
        self.conclude(ctx, &done.map_err(refused)?)
    }

    /// What the user knows of the program.
    async fn knowledge(&self, ctx: &Context) -> Result<Knowledge, CliError> {
        Ok(Knowledge {
            idl: match &self.idl {
                Some(named) => Some(idl::load(ctx, named).await?.idl),
                None => None,
            },
            new_idl: match &self.new_idl {
                Some(path) => Some(idl::read(path)?),
                None => None,
            },
            invariants: match &self.invariants {
                Some(path) => Some(check::load(ctx, path).await?),
                None => None,
            },
        })
    }

    /// The bundle, or what is recorded now.
    async fn reader(
        &self,
        ctx: &Context,
        invariants: Option<&Invariants>,
    ) -> Result<Reader, CliError> {
        let path = PathBuf::from(&self.source);
        if path.exists() {
            return Reader::open(&path, Limits::default()).map_err(refused);
        }
        let named = Named::from_str(&self.source).map_err(|_| {
            CliError::usage(
                "no_bundle",
                format!(
                    "`{}` is neither a file that is there nor a program",
                    self.source
                ),
            )
            .hint("record one: portcullis shadow record PROGRAM --out FILE")
        })?;
        let source = Source {
            client: ctx.client()?,
            program: ctx.program(&named)?,
            required: required(invariants),
        };
        let make = |header: &shadow::bundle::Header| Writer::new(Vec::new(), header);
        let writer = record::record(&source, self.limit as usize, make)
            .await
            .map_err(refused)?;
        let bytes = writer.finish().map_err(refused)?;
        Reader::new(Cursor::new(bytes), Limits::default()).map_err(refused)
    }

    fn conclude(&self, ctx: &Context, report: &Report) -> Result<(), CliError> {
        let bytes = report.to_bytes();
        let sha256 = hash(&report.sha256());
        for (path, content) in [
            (&self.report, bytes),
            (&self.html, page::render(report).into_bytes()),
        ] {
            if let Some(path) = path {
                fs::write(path, content).map_err(|error| {
                    CliError::usage(
                        "file_unwritable",
                        format!("{} cannot be written: {error}", path.display()),
                    )
                    .hint("check the folder")
                })?;
            }
        }
        let mut text = printable(&report::render(report));
        text.push_str(&format!("report        {sha256}\n"));
        let shown = |path: &Option<PathBuf>| path.as_ref().map(|path| path.display().to_string());
        let data = json!({
            "sha256": sha256,
            "report_file": shown(&self.report),
            "html_file": shown(&self.html),
            "report": report,
        });
        match self.judge(report) {
            None => {
                ctx.out.result(&text, data);
                if let (Some(file), None) = (shown(&self.report), &self.old) {
                    ctx.next(&format!(
                        "next: portcullis attest {}/NUMBER --kind shadow --report {file}",
                        report.program
                    ));
                }
                Ok(())
            }
            Some(error) => {
                ctx.out.text_only(&text);
                Err(error.data(data))
            }
        }
    }

    /// What stands against the proposed program, or against the run.
    fn judge(&self, report: &Report) -> Option<CliError> {
        let fidelity = &report.fidelity;
        if !report.is_faithful() {
            return Some(
                CliError::new(
                    ExitCode::General,
                    "fidelity_too_low",
                    format!(
                        "the deployed program reproduces {} of {} transactions, and a share of {} is required",
                        fidelity.reproduced, fidelity.transactions, fidelity.required_share
                    ),
                )
                .hint("record live, with the accounts of the moment: portcullis shadow record --live; or ask for less with --min-fidelity"),
            );
        }
        let summary = &report.summary;
        let found = match self.fail_on {
            FailOn::NewFailures => summary.failures() > 0,
            FailOn::Effects => summary.has_effects(),
            FailOn::AnyDifference => summary.has_effects() || summary.differing() > 0,
        };
        if found {
            return Some(
                CliError::mismatch("behaviour_differs", report.verdict().text)
                    .hint("the causes are above; --html FILE shows more of each"),
            );
        }
        // What holds under neither program says nothing about the proposed one.
        let unjudged = |row: &&report::InvariantRow| row.holds == 0;
        let row = report.invariants.iter().find(unjudged)?;
        let reason = row.reason.as_deref().unwrap_or("it was never checked");
        Some(
                CliError::new(
                    ExitCode::General,
                    "invariants_not_judged",
                    printable(&format!(
                        "the invariant `{}` must hold under the deployed program to be judged: {reason}",
                        row.name
                    )),
                )
                .hint("record with what it reads: portcullis shadow record --invariants FILE; or correct it: portcullis invariant check"),
        )
    }
}
