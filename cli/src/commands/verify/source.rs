//! Where the build comes from that the chain is compared with.

use std::path::{Path, PathBuf};

use portcullis::digest::Commitment;
use portcullis_client::elf::Artifact;
use serde_json::{json, Value};

use super::{
    build::{self, Interrupts, Variable},
    solana_verify,
    worktree::Worktree,
};
use crate::{
    artifact, client_error::hash, context::Context, error::CliError, fingerprint::fingerprint, view,
};

/// Where a build comes from.
pub enum Source {
    Artifact(PathBuf),
    Build {
        artifact: PathBuf,
        command: String,
        variables: Vec<Variable>,
    },
    Commit {
        artifact: PathBuf,
        command: String,
        variables: Vec<Variable>,
        rev: String,
        repo: PathBuf,
    },
    SolanaVerify(PathBuf),
}

/// What the chain is compared with.
pub struct Candidate {
    /// Whose hash it is: a file, or a tool's word.
    pub name: String,
    pub sha256: [u8; 32],
    /// None: only the hash is known.
    pub artifact: Option<(PathBuf, Artifact)>,
    /// For programs.
    pub source: Value,
}

impl Source {
    /// Gets the build, and makes it first where that is asked for.
    ///
    /// # Errors
    /// What stands against it.
    pub async fn read(self, ctx: &Context) -> Result<Candidate, CliError> {
        match self {
            Self::Artifact(path) => {
                let artifact = artifact::read(&path)?;
                let source = json!({ "kind": "artifact" });
                Ok(Candidate::of(path, artifact, source))
            }
            Self::Build {
                artifact: path,
                command,
                variables,
            } => {
                let before = modified(&path);
                let environment = build::environment(&variables, None)?;
                let mut interrupts = Interrupts::listen()?;
                let folder = Path::new(".");
                build::run(ctx, &command, folder, &environment, &mut interrupts).await?;
                let artifact = read_made(&path, &path)?;
                if before.is_some() && before == modified(&path) {
                    ctx.out.warn(format!(
                        "the build did not write {}: it is the file that was there before",
                        path.display()
                    ));
                }
                let source = json!({
                    "kind": "build",
                    "command": command,
                    "environment": environment.json(),
                });
                Ok(Candidate::of(path, artifact, source))
            }
            Self::Commit {
                artifact: path,
                command,
                variables,
                rev,
                repo,
            } => from_commit(ctx, &path, &command, &variables, &rev, &repo).await,
            Self::SolanaVerify(path) => {
                let sha256 = solana_verify::read(&path)?;
                Ok(Candidate {
                    name: "solana-verify".to_string(),
                    sha256,
                    artifact: None,
                    source: json!({ "kind": "solana_verify" }),
                })
            }
        }
    }
}

async fn from_commit(
    ctx: &Context,
    path: &Path,
    command: &str,
    variables: &[Variable],
    rev: &str,
    repo: &Path,
) -> Result<Candidate, CliError> {
    // From here on an interruption leaves no worktree behind.
    let mut interrupts = Interrupts::listen()?;
    let worktree = Worktree::add(repo, rev)?;
    ctx.out.note(&format!(
        "building commit {} in a clean worktree",
        worktree.commit
    ));
    if worktree.has_submodules() {
        ctx.out.warn(
            "the commit has submodules, which are not there: let the build command fetch them, \
             `git submodule update --init --recursive && …`",
        );
    }
    let made = worktree.inside(path)?;
    // Only what the build makes counts, not what somebody has committed there.
    worktree.forget(&made)?;
    let environment = build::environment(variables, Some(worktree.time))?;
    build::run(ctx, command, &worktree.root, &environment, &mut interrupts).await?;
    let made = worktree.require_inside(&made, path)?;
    let artifact = read_made(&made, path)?;
    let source = json!({
        "kind": "commit",
        "rev": rev,
        "commit": worktree.commit,
        "command": command,
        "environment": environment.json(),
    });
    Ok(Candidate::of(path.to_path_buf(), artifact, source))
}

/// What a build made; errors name the file as the user did.
fn read_made(made: &Path, named: &Path) -> Result<Artifact, CliError> {
    if !made.exists() {
        return Err(build::not_made(named));
    }
    artifact::read(made)
}

fn modified(path: &Path) -> Option<std::time::SystemTime> {
    path.metadata().ok()?.modified().ok()
}

impl Candidate {
    fn of(path: PathBuf, artifact: Artifact, source: Value) -> Self {
        Self {
            name: path.display().to_string(),
            sha256: artifact.commitment.sha256,
            artifact: Some((path, artifact)),
            source,
        }
    }

    /// To be read aloud.
    pub fn fingerprint(&self) -> String {
        fingerprint(&self.sha256)
    }

    /// Whether this is it; where only the hash is known, by the hash.
    pub fn is(&self, commitment: &Commitment) -> bool {
        match &self.artifact {
            Some((_, artifact)) => artifact.commitment == *commitment,
            None => self.sha256 == commitment.sha256,
        }
    }

    /// For people.
    pub fn text(&self) -> String {
        match &self.artifact {
            Some((_, artifact)) => view::content(&artifact.commitment),
            None => hash(&self.sha256),
        }
    }

    /// For programs.
    pub fn json(&self) -> Value {
        match &self.artifact {
            Some((path, artifact)) => artifact::json(artifact, path),
            None => json!({
                "sha256": hash(&self.sha256),
                "len_bytes": null,
                "file": null,
                "file_len_bytes": null,
                "sbpf_version": null,
                "fingerprint": self.fingerprint(),
            }),
        }
    }
}
