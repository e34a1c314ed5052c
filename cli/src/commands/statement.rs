//! Writes the document that explains a release, the same for every cluster that it goes to.

use std::path::PathBuf;

use clap::Args;
use serde_json::json;

use crate::{
    artifact, client_error::hash, context::Context, error::CliError, output::printable,
    statement::Release,
};

/// Which release.
#[derive(Args, Debug)]
#[command(after_help = "Example:\n  \
    portcullis statement lending --commit $(git rev-parse HEAD) > release.json\n  \
    portcullis --env devnet propose upgrade BUFFER --program lending --statement release.json \\\n    \
    --statement-uri https://example.com/release.json\n\n\
    The file names the program's id on every env of portcullis.toml, so that one document with one hash explains the release\n\
    wherever it is proposed. `propose upgrade` and `review` refuse it for another build or program.")]
pub struct Statement {
    /// The program's name in portcullis.toml
    #[arg(value_name = "NAME")]
    name: String,
    /// The build [default: the artifact in portcullis.toml]
    #[arg(long, value_name = "FILE")]
    artifact: Option<PathBuf>,
    /// What it was built from
    #[arg(long, value_name = "COMMIT")]
    commit: Option<String>,
    /// What else voters should know
    #[arg(long, value_name = "TEXT")]
    note: Option<String>,
}

impl Statement {
    /// Runs it.
    ///
    /// # Errors
    /// A name that the profile has not, a build that cannot be read.
    pub fn run(self, ctx: &Context) -> Result<(), CliError> {
        let Self {
            name,
            artifact,
            commit,
            note,
        } = self;
        let profile = ctx.profile()?;
        let ids = profile.ids(&name);
        if ids.is_empty() {
            return Err(profile.unknown_program(&name));
        }
        let path = artifact
            .or_else(|| profile.artifact(&name))
            .ok_or_else(|| {
                CliError::usage(
                    "no_artifact",
                    format!(
                        "{} names no artifact for `{name}`",
                        profile.path().display()
                    ),
                )
                .hint("add one, or give the build with --artifact FILE.so")
            })?;
        let build = artifact::read(&path)?.commitment;
        let mut release = Release::new(&name, &ids, &build);
        release.commit = commit;
        release.note = note;
        // Strings and numbers always serialize.
        let text = serde_json::to_string_pretty(&release).unwrap_or_default();
        let sha256 = solana_sha256_hasher::hash(format!("{text}\n").as_bytes()).to_bytes();
        ctx.out.result(
            &text,
            json!({ "statement": release, "sha256": hash(&sha256) }),
        );
        ctx.out.note(&format!(
            "{}: {} on {}; saved as it is, the file's SHA-256 is {}",
            printable(&name),
            hash(&build.sha256),
            ids.iter()
                .map(|(env, _)| *env)
                .collect::<Vec<_>>()
                .join(", "),
            hash(&sha256)
        ));
        Ok(())
    }
}
