//! Checks what must hold of a program's accounts, on a live cluster.

use std::{
    fs,
    path::{Path, PathBuf},
};

use clap::Args;
use portcullis_analysis::invariants::{
    file::{File, MAX_FILE},
    Idls, Invariants, InvariantsError, Outcome, Snapshot, Verdict,
};
use serde_json::{json, Value};
use solana_sdk::pubkey::Pubkey;

use crate::{
    context::Context,
    error::CliError,
    exit::ExitCode,
    idl,
    output::{judged, one_line, table},
};

/// Which invariants.
#[derive(Args, Debug)]
#[command(after_help = "Examples:\n  \
    portcullis invariant check -u mainnet-beta\n  \
    portcullis invariant check --file lending.toml --output json | jq '.data.invariants[] | select(.verdict != \"holds\")'\n\n\
    docs/invariants.md tells how the file is written. What cannot be computed is no pass.")]
pub struct Check {
    /// The file with the invariants
    #[arg(long, value_name = "FILE", default_value = "invariants.toml")]
    file: PathBuf,
}

impl Check {
    /// Runs it.
    ///
    /// # Errors
    /// `invariant_violated`, `invariant_failed`, `invariants_invalid`, and those of files and of the RPC server.
    pub async fn run(self, ctx: &Context) -> Result<(), CliError> {
        let Self { file: path } = self;
        let invariants = load(ctx, &path).await?;
        let snapshot = Snapshot::read(ctx.client()?, &invariants.required_accounts()).await?;
        let outcomes = invariants.evaluate(&snapshot);
        let count =
            |is: fn(&Verdict) -> bool| outcomes.iter().filter(|one| is(&one.verdict)).count();
        let violated = count(|verdict| matches!(verdict, Verdict::Violated(_)));
        let failed = count(|verdict| matches!(verdict, Verdict::Failed(_)));
        let text = text(&outcomes);
        let data = json!({
            "file": path.display().to_string(),
            "accounts_read": snapshot.accounts.len(),
            "violated": violated,
            "failed": failed,
            "invariants": list(&invariants, &outcomes),
        });
        if violated + failed == 0 {
            ctx.out.result(&text, data);
            return Ok(());
        }
        ctx.out.text_only(&text);
        let all = outcomes.len();
        let error = match violated {
            // The state is not the one that was expected.
            1.. => CliError::mismatch(
                "invariant_violated",
                format!("{violated} of {all} invariants do not hold"),
            )
            .hint("see what was compared; with --commitment finalized nothing of it can be undone"),
            0 => CliError::new(
                ExitCode::General,
                "invariant_failed",
                format!("{failed} of {all} invariants cannot be computed, which is no pass"),
            )
            .hint("correct the file, or the cluster (-u)"),
        };
        Err(error.data(data))
    }
}

/// Reads a file of invariants with the IDLs that it names; those that it does not name are fetched.
///
/// # Errors
/// `file_unreadable`, `invariants_invalid`, and those of [`idl::read`] and [`idl::fetch`].
pub async fn load(ctx: &Context, path: &Path) -> Result<Invariants, CliError> {
    let shown = path.display();
    let unreadable = |reason: String| {
        CliError::usage(
            "file_unreadable",
            format!("{shown} cannot be read: {reason}"),
        )
        .hint("give the file with the invariants with --file")
    };
    let metadata = fs::metadata(path).map_err(|error| unreadable(error.to_string()))?;
    if metadata.len() > MAX_FILE as u64 {
        return Err(unreadable(format!("it has more than {MAX_FILE} bytes")));
    }
    let text = fs::read_to_string(path).map_err(|error| unreadable(error.to_string()))?;
    let invalid = |error: InvariantsError| {
        CliError::usage("invariants_invalid", format!("{shown}: {error}"))
            .hint("docs/invariants.md tells how the file is written")
    };
    let file = File::parse(&text).map_err(invalid)?;
    let folder = path.parent().unwrap_or(Path::new(""));
    let mut idls = Idls::new();
    for (name, program) in file.needs_idl() {
        let found = match &program.idl {
            Some(idl) => idl::read(&folder.join(idl))?,
            None => {
                let id: Pubkey = program.id.parse().map_err(|_| {
                    invalid(InvariantsError::File {
                        reason: format!("programs.{name}.id must be an address"),
                    })
                })?;
                idl::fetch(ctx, &id).await?.idl
            }
        };
        idls.insert(name.to_string(), found);
    }
    Invariants::new(&file, idls).map_err(invalid)
}

fn words(verdict: &Verdict) -> (&'static str, Option<&str>) {
    match verdict {
        Verdict::Holds => ("holds", None),
        Verdict::Violated(why) => ("violated", Some(why)),
        Verdict::Failed(reason) => ("failed", Some(reason)),
    }
}

fn text(outcomes: &[Outcome]) -> String {
    let rows = outcomes.iter().map(|outcome| {
        let (verdict, _) = words(&outcome.verdict);
        let good = outcome.verdict == Verdict::Holds;
        vec![judged(verdict, good), one_line(&outcome.name)]
    });
    let mut parts = vec![table(&["verdict", "invariant"], rows.collect())];
    for outcome in outcomes {
        if let (verdict, Some(reason)) = words(&outcome.verdict) {
            parts.push(format!(
                "{} {verdict}:\n  {}",
                one_line(&outcome.name),
                one_line(reason)
            ));
        }
    }
    parts.join("\n\n")
}

fn list(invariants: &Invariants, outcomes: &[Outcome]) -> Vec<Value> {
    let described = invariants.described().zip(outcomes);
    described
        .map(|((name, description, expression), outcome)| {
            let (verdict, reason) = words(&outcome.verdict);
            json!({
                "name": name,
                "description": description,
                "expression": expression,
                "verdict": verdict,
                "reason": reason,
            })
        })
        .collect()
}
