//! Shows what is in an ELF, what differs from another, and what of it a reviewer should look at; likewise of two IDLs.

mod layout;
mod loader;
mod subject;
mod text;

use std::{
    fs,
    path::{Path, PathBuf},
};

use clap::Args;
use portcullis_analysis::inspect::{InspectError, Inspection, Policy, Severity};
use serde_json::{json, Value};

use crate::{args::RefArgs, artifact, context::Context, error::CliError, exit::ExitCode};

use subject::Loaded;

/// What to inspect, and what to compare it with.
#[derive(Args, Debug)]
#[command(
    override_usage = "portcullis inspect [OPTIONS] <SUBJECT>\n       portcullis inspect [OPTIONS] --idl <OLD> <NEW>"
)]
#[command(after_help = "Examples:\n  \
    portcullis inspect target/deploy/app.so                          what is in a build\n  \
    portcullis inspect app.so --against PROGRAM_ID                   what it changes of what runs now\n  \
    portcullis inspect PROGRAM_ID/12 --fail-on high                  what a proposal would change\n  \
    portcullis inspect app.so --against old.so --policy inspect.toml --sarif app.sarif\n  \
    portcullis inspect --idl old.json target/idl/app.json            what a new IDL breaks\n  \
    portcullis inspect --idl PROGRAM_ID target/idl/app.json --sample 1000 -u mainnet-beta\n  \
    portcullis inspect --idl old.json new.json --accounts dumps/ --allow account-grown=Vault\n\n\
    The ELF is read as the loader reads it, so it is shown by what it does. Whether the loader takes it is judged by the\n\
    features of the cluster that SUBJECT is on or -u or --env names; a file alone asks none. Without a symbol table functions are told\n\
    apart by their bodies; addresses and error messages are found where they stand, not where they are put together.\n\
    It exits with 3 where there is a finding at or above --fail-on, with 4 where a buffer is not what was voted for.\n\n\
    IDLs are those of Anchor. With a program's id or name in place of a file, its IDL is fetched: from the program-metadata\n\
    program, else from Anchor's IDL account. It exits with 4 where a change is breaking and not allowed, without --fail-on\n\
    too. Accounts that cannot be read are no reason to pass: what only they can settle (account-grown) stays breaking until\n\
    all have been tried.")]
pub struct Inspect {
    /// A file, a program's address or name, a buffer's address, or a proposal (12, PROGRAM_ID/12)
    #[arg(value_name = "SUBJECT", required_unless_present = "idl")]
    subject: Option<String>,
    /// What it is compared with, named likewise [default: for a proposal or a gate's buffer, what runs now]
    #[arg(long, value_name = "SUBJECT")]
    against: Option<String>,
    /// Compare with nothing
    #[arg(long, conflicts_with = "against")]
    alone: bool,
    /// What the project approves in advance: a TOML file
    #[arg(long, value_name = "FILE")]
    policy: Option<PathBuf>,
    /// Exit with 3 where a finding is at least so grave: low, medium or high. With --idl, breaking changes are high, and fail
    /// always
    #[arg(long, value_name = "SEVERITY", value_parser = parse_fail_on)]
    fail_on: Option<Severity>,
    /// Also write the findings as SARIF 2.1.0
    #[arg(long, value_name = "FILE")]
    sarif: Option<PathBuf>,
    /// In place of ELFs, compare two IDLs, each a file, or a program's id or name: which accounts, callers and readers break
    #[arg(
        long,
        num_args = 2,
        value_names = ["OLD", "NEW"],
        conflicts_with_all = ["subject", "against", "alone", "policy", "sarif"]
    )]
    idl: Option<Vec<String>>,
    #[command(flatten)]
    layout: layout::Options,
    #[command(flatten)]
    reference: RefArgs,
}

fn parse_fail_on(text: &str) -> Result<Severity, String> {
    match text.parse() {
        Ok(Severity::Info) | Err(_) => Err("give low, medium or high".to_string()),
        Ok(severity) => Ok(severity),
    }
}

impl Inspect {
    /// As the JSON envelope gives it: ELFs and IDLs have other keys.
    pub fn name(&self) -> &'static str {
        match self.idl {
            Some(_) => "inspect --idl",
            None => "inspect",
        }
    }

    /// Runs it.
    ///
    /// # Errors
    /// `findings` where one is at or above `--fail-on`, with all that was found out; what cannot be read or is no program;
    /// of IDLs, see [`layout::Options::run`].
    pub async fn run(self, ctx: &Context) -> Result<(), CliError> {
        let Self {
            subject,
            against,
            alone,
            policy: policy_file,
            fail_on,
            sarif,
            idl,
            layout,
            reference,
        } = self;
        if let Some([old, new]) = idl.as_deref() {
            let program = reference.program.as_ref();
            return layout.run(ctx, (old, new), program).await;
        }
        // The command line requires one or the other.
        let subject = subject.unwrap_or_default();
        let policy = policy_file
            .as_deref()
            .map_or(Ok(Policy::default()), read_policy)?;
        let mut subject = subject::load(ctx, &subject, &reference).await?;
        let against = match (&against, subject.base) {
            _ if alone => None,
            (Some(against), _) => Some(subject::load(ctx, against, &reference).await?),
            (None, Some(program)) => Some(subject::deployed(ctx, &program).await?),
            (None, None) => None,
        };
        if let (None, Some(against)) = (&subject.bytes.room, &against) {
            // A file has no program of its own: it is for the one that it is compared with.
            subject.bytes.room = against.bytes.room.clone();
        }
        let rules = loader::rules(ctx, [&subject].into_iter().chain(&against)).await?;
        let inspection = Inspection::for_cluster(
            &subject.bytes,
            against.as_ref().map(|one| &one.bytes),
            &policy,
            rules,
        )
        .map_err(|error| {
            let (name, reason) = match (&error, &against) {
                (InspectError::Against(reason), Some(against)) => (&against.name, reason),
                (InspectError::Against(reason) | InspectError::Subject(reason), _) => {
                    (&subject.name, reason)
                }
            };
            CliError::usage("elf_invalid", format!("{name} is no program: {reason}"))
        })?;
        let data = data(
            &inspection,
            &subject,
            against.as_ref(),
            policy_file.as_deref(),
        );
        let text = text::report(&inspection, &subject, against.as_ref());
        if let Some(path) = &sarif {
            write_sarif(path, &inspection.sarif(&subject.uri()))?;
        }
        let grave = |severity: &Severity| {
            inspection
                .findings
                .iter()
                .filter(|one| one.severity >= *severity)
                .count()
        };
        if let Some(count) = fail_on.as_ref().map(grave).filter(|count| *count > 0) {
            ctx.out.text_only(&text);
            return Err(CliError::new(
                ExitCode::Refused,
                "findings",
                format!(
                    "{} must have no finding of severity {} or above, found {count}",
                    subject.name,
                    fail_on.map(|one| one.to_string()).unwrap_or_default(),
                ),
            )
            .hint("look at each; what was reviewed can be allowed in a file for --policy, with the reason")
            .data(data));
        }
        ctx.out.result(&text, data);
        next(ctx, &subject, against.is_some(), alone);
        Ok(())
    }
}

/// What else to look at.
fn next(ctx: &Context, subject: &Loaded, compared: bool, alone: bool) {
    if let Some(reference) = &subject.reference {
        ctx.next(&format!(
            "next: portcullis review {reference} --artifact FILE.so"
        ));
    } else if !compared && !alone && ["file", "buffer"].contains(&subject.kind) {
        ctx.next(&format!(
            "next: portcullis inspect {} --against PROGRAM_ID",
            subject.name
        ));
    }
}

fn data(
    inspection: &Inspection,
    subject: &Loaded,
    against: Option<&Loaded>,
    policy: Option<&Path>,
) -> Value {
    // Text, numbers and lists always serialize.
    let mut data = serde_json::to_value(inspection).unwrap_or_default();
    for (side, loaded) in [("subject", Some(subject)), ("against", against)] {
        if let Some(loaded) = loaded {
            data[side]["name"] = json!(loaded.name);
            data[side]["kind"] = json!(loaded.kind);
        }
    }
    data["highest"] = json!(inspection.highest());
    data["policy"] = json!(policy.map(|path| path.display().to_string()));
    data
}

fn read_policy(path: &Path) -> Result<Policy, CliError> {
    let bytes = artifact::read_file(path)?;
    let unusable = |reason: String| {
        CliError::usage(
            "policy_invalid",
            crate::output::printable(&format!("{}: {reason}", path.display())),
        )
        .hint("its format: version, max_len_bytes, [syscalls] allow, [programs] allow, [[rule]] id, severity, reason")
    };
    let text = String::from_utf8(bytes).map_err(|_| unusable("it is not text".to_string()))?;
    text.parse()
        .map_err(|error: portcullis_analysis::inspect::PolicyError| unusable(error.to_string()))
}

fn write_sarif(path: &Path, sarif: &Value) -> Result<(), CliError> {
    // Made of strings and numbers.
    let text = serde_json::to_string_pretty(sarif).unwrap_or_default();
    fs::write(path, text + "\n").map_err(|error| {
        CliError::usage(
            "file_unwritable",
            format!("{} cannot be written: {error}", path.display()),
        )
        .hint("check the path given with --sarif")
    })
}
