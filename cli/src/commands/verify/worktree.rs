//! A clean worktree of one commit, gone when it is dropped.

use std::{
    env, fs, io,
    path::{Component, Path, PathBuf},
    process::{self, Command, Output},
    time::{SystemTime, UNIX_EPOCH},
};

use super::build::not_made;
use crate::{error::CliError, exit::ExitCode};

/// What a hook or a wrapper may have set: it would point git to another repository.
const GIT_VARIABLES: [&str; 6] = [
    "GIT_DIR",
    "GIT_WORK_TREE",
    "GIT_INDEX_FILE",
    "GIT_COMMON_DIR",
    "GIT_OBJECT_DIRECTORY",
    "GIT_PREFIX",
];

/// A clean worktree.
pub struct Worktree {
    /// Where its files are.
    pub root: PathBuf,
    /// The full hash.
    pub commit: String,
    /// When it was committed, Unix seconds.
    pub time: i64,
    repo: PathBuf,
    /// Holds the worktree, and belongs to nobody else.
    folder: PathBuf,
}

impl Worktree {
    /// Checks a commit out into a new folder.
    ///
    /// # Errors
    /// `unknown_commit`, `git_failed`.
    pub fn add(repo: &Path, rev: &str) -> Result<Self, CliError> {
        let commit = resolve(repo, rev)?;
        let time = git(repo, &["show", "-s", "--format=%ct", &commit])?;
        let time = time.parse().unwrap_or_default();
        let folder = new_folder()?;
        // From here on it is cleaned up whatever happens.
        let worktree = Self {
            root: folder.join("worktree"),
            commit,
            time,
            repo: repo.to_path_buf(),
            folder,
        };
        let root = worktree.root.to_string_lossy();
        git(
            repo,
            &[
                "worktree",
                "add",
                "--detach",
                "--quiet",
                &root,
                &worktree.commit,
            ],
        )?;
        Ok(worktree)
    }

    /// Whether parts of it are in other repositories.
    pub fn has_submodules(&self) -> bool {
        self.root.join(".gitmodules").exists()
    }

    /// Where a file of the repository is here.
    ///
    /// # Errors
    /// `outside_the_commit`.
    pub fn inside(&self, path: &Path) -> Result<PathBuf, CliError> {
        let plain = |part| matches!(part, Component::Normal(_) | Component::CurDir);
        match path.components().all(plain) {
            true => Ok(self.root.join(path)),
            false => Err(outside(path)),
        }
    }

    /// Removes a file that was committed.
    ///
    /// # Errors
    /// `git_failed`.
    pub fn forget(&self, made: &Path) -> Result<(), CliError> {
        match fs::remove_file(made) {
            Err(error) if error.kind() != io::ErrorKind::NotFound => Err(failed(format!(
                "the committed {} cannot be removed: {error}",
                made.display()
            ))),
            _ => Ok(()),
        }
    }

    /// Requires that a file was made, and is no link to somewhere else.
    ///
    /// # Errors
    /// `build_made_nothing`, `outside_the_commit`.
    pub fn require_inside(&self, made: &Path, named: &Path) -> Result<PathBuf, CliError> {
        let real = made.canonicalize().map_err(|_| not_made(named))?;
        let root = self.root.canonicalize().map_err(|_| not_made(named))?;
        match real.starts_with(root) {
            true => Ok(real),
            false => Err(outside(named)),
        }
    }
}

impl Drop for Worktree {
    fn drop(&mut self) {
        let root = self.root.to_string_lossy();
        let removed = git(
            &self.repo,
            &["worktree", "remove", "--force", "--force", &root],
        );
        let emptied = fs::remove_dir_all(&self.folder);
        if removed.is_err() {
            // Git then only has to forget what is not there any more.
            let _ = git(&self.repo, &["worktree", "prune"]);
        }
        if let Err(error) = emptied {
            tracing::warn!(folder = %self.folder.display(), %error, "not removed");
        }
    }
}

fn outside(path: &Path) -> CliError {
    CliError::usage(
        "outside_the_commit",
        format!(
            "{} must be a file within the commit's own worktree",
            path.display()
        ),
    )
    .hint("name what the build makes relative to the repository: --artifact target/deploy/app.so")
}

/// The full hash of a commit.
fn resolve(repo: &Path, rev: &str) -> Result<String, CliError> {
    let unknown = |error: CliError| {
        CliError::usage(
            "unknown_commit",
            format!("there is no commit `{rev}` in {}: {error}", repo.display()),
        )
        .hint("fetch it, or name the repository with --repo DIR")
    };
    if rev.starts_with('-') {
        return Err(unknown(failed(
            "a revision does not begin with a dash".to_string(),
        )));
    }
    let rev = format!("{rev}^{{commit}}");
    git(repo, &["rev-parse", "--verify", &rev]).map_err(unknown)
}

/// Runs git in a repository, without its hooks; gives what it prints.
fn git(repo: &Path, args: &[&str]) -> Result<String, CliError> {
    let mut command = Command::new("git");
    for name in GIT_VARIABLES {
        command.env_remove(name);
    }
    let output = command
        .arg("-C")
        .arg(repo)
        .args(["-c", "core.hooksPath=/dev/null"])
        .args(args)
        .env("LC_ALL", "C")
        .output()
        .map_err(|error| failed(format!("git cannot be run: {error}")))?;
    match output.status.success() {
        true => Ok(said(&output.stdout)),
        false => Err(failed(refusal(&output))),
    }
}

fn refusal(output: &Output) -> String {
    let said = said(&output.stderr);
    let line = said.lines().next_back().unwrap_or("git failed");
    crate::output::printable(line)
}

fn said(bytes: &[u8]) -> String {
    String::from_utf8_lossy(bytes).trim().to_string()
}

fn failed(what: String) -> CliError {
    CliError::new(ExitCode::General, "git_failed", what)
}

/// A folder that did not exist.
fn new_folder() -> Result<PathBuf, CliError> {
    let since = SystemTime::now().duration_since(UNIX_EPOCH);
    let nanos = since.map_or(0, |since| since.as_nanos());
    let folder = env::temp_dir().join(format!("portcullis-verify-{}-{nanos}", process::id()));
    // Fails where somebody else has made it.
    fs::create_dir(&folder)
        .map_err(|error| failed(format!("{} cannot be made: {error}", folder.display())))?;
    Ok(folder)
}
