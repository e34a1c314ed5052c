//! Copies of the program's crate, and what the compiler makes of them.

use std::{
    fs,
    path::{Path, PathBuf},
    process::Command,
};

use anyhow::{bail, Context, Result};

/// A workspace that holds nothing but the program.
#[derive(Clone)]
pub struct Tree {
    pub work: PathBuf,
    target: PathBuf,
}

impl Tree {
    /// `more`: what the program's manifest has besides.
    pub fn copy(root: &Path, folder: &Path, more: &str) -> Result<Self> {
        let tree = Self {
            work: folder.join("work"),
            target: folder.join("target"),
        };
        if tree.work.exists() {
            fs::remove_dir_all(&tree.work)?;
        }
        let mut files = Vec::new();
        walk(&root.join("programs"), &mut files)?;
        for path in files {
            let to = tree.work.join(path.strip_prefix(root)?);
            fs::create_dir_all(to.parent().context("a file in no folder")?)?;
            fs::copy(&path, to)?;
        }
        fs::copy(root.join("Cargo.lock"), tree.work.join("Cargo.lock"))?;
        let manifest = fs::read_to_string(root.join("Cargo.toml"))?;
        let members = manifest
            .lines()
            .map(|line| match line.starts_with("members = ") {
                true => "members = [\"programs/portcullis\"]",
                false => line,
            });
        fs::write(
            tree.work.join("Cargo.toml"),
            members.collect::<Vec<_>>().join("\n"),
        )?;
        let program = tree.work.join("programs/portcullis/Cargo.toml");
        fs::write(&program, fs::read_to_string(&program)? + more)?;
        // The lock file shrinks to the one member.
        let done = Command::new("cargo")
            .args(["update", "--workspace", "--offline", "--quiet"])
            .current_dir(&tree.work)
            .output()?;
        if !done.status.success() {
            bail!(
                "the copied workspace: {}",
                String::from_utf8_lossy(&done.stderr)
            );
        }
        Ok(tree)
    }

    pub fn write(&self, file: &str, text: &str) -> Result<()> {
        let path = self.work.join("programs/portcullis/src").join(file);
        if fs::read_to_string(&path)? != text {
            fs::write(path, text)?;
        }
        Ok(())
    }

    /// The compiler's log, if it refuses.
    pub fn build(&self) -> Result<Result<(), String>> {
        let compiler = std::env::var_os("SBF_CARGO")
            .context("required: SBF_CARGO, as scripts/build-elf.sh does")?;
        let done = Command::new(compiler)
            .arg("--locked")
            .current_dir(self.work.join("programs/portcullis"))
            .env("CARGO_TARGET_DIR", &self.target)
            .env("CARGO_TERM_COLOR", "never")
            .env("CARGO_PROFILE_RELEASE_LTO", "off")
            .env("CARGO_PROFILE_RELEASE_OPT_LEVEL", "2")
            .output()?;
        Ok(match done.status.success() {
            true => Ok(()),
            false => Err(String::from_utf8_lossy(&done.stderr).into_owned()),
        })
    }

    /// The binary of one of its tests, for the host; the compiler's log, if it refuses.
    pub fn build_test(&self, name: &str) -> Result<Result<PathBuf, String>> {
        let done = Command::new("cargo")
            .args(["test", "--locked", "--no-run", "--test", name])
            .arg("--message-format=json-render-diagnostics")
            .current_dir(self.work.join("programs/portcullis"))
            .env("CARGO_TARGET_DIR", &self.target)
            .env("CARGO_TERM_COLOR", "never")
            .output()?;
        if !done.status.success() {
            return Ok(Err(String::from_utf8_lossy(&done.stderr).into_owned()));
        }
        for line in String::from_utf8(done.stdout)?.lines() {
            let message: serde_json::Value = serde_json::from_str(line)?;
            if let (true, Some(path)) = (
                message["target"]["name"] == name,
                message["executable"].as_str(),
            ) {
                return Ok(Ok(path.into()));
            }
        }
        bail!("cargo names no binary of the test {name}");
    }

    pub fn elf(&self) -> PathBuf {
        self.target.join("sbpf-solana/release/libportcullis.so")
    }
}

pub fn walk(folder: &Path, files: &mut Vec<PathBuf>) -> Result<()> {
    for entry in fs::read_dir(folder)? {
        let path = entry?.path();
        match path.is_dir() {
            true => walk(&path, files)?,
            false => files.push(path),
        }
    }
    Ok(())
}

/// Where the compiler's errors are: file, line, column.
pub fn errors(log: &str) -> Vec<(String, usize, usize)> {
    let mut places = Vec::new();
    let mut in_error = false;
    for line in log.lines() {
        if line.starts_with("error") {
            in_error = true;
        } else if line.starts_with("warning") {
            in_error = false;
        }
        let Some(place) = line.trim().strip_prefix("--> ") else {
            continue;
        };
        let mut parts = place.rsplitn(3, ':');
        let (column, row, path) = (parts.next(), parts.next(), parts.next());
        if let (true, Some(column), Some(row), Some(path)) = (in_error, column, row, path) {
            if let (Ok(column), Ok(row), Some((_, file))) = (
                column.parse(),
                row.parse(),
                path.rsplit_once("portcullis/src/"),
            ) {
                places.push((file.to_owned(), row, column));
            } else if let (Ok(column), Ok(row), Some(file)) =
                (column.parse(), row.parse(), path.strip_prefix("src/"))
            {
                places.push((file.to_owned(), row, column));
            }
        }
        in_error = false;
    }
    places
}
