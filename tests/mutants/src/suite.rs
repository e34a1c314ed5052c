//! The tests that run on the program's ELF.

use std::{
    collections::HashMap,
    path::{Path, PathBuf},
    process::{Command, Stdio},
    sync::Mutex,
    time::{Duration, Instant},
};

use anyhow::{bail, Context, Result};

use crate::{
    program::{Elf, Program, Switches},
    source::{Change, Mutant},
};

/// A test binary that runs longer than this hangs.
const LIMIT: Duration = Duration::from_secs(400);
/// A binary that takes so many times as long as the middle one is left for the mutants that the others do not kill.
const SLOW: u32 = 4;
/// Sequences of the model for one mutant.
const SEQUENCES: &str = "100";

struct Binary {
    name: String,
    path: PathBuf,
    /// What it took on the program as it is.
    time: Duration,
    /// Tests that fail with switches in the ELF and no mutant, such as those of its cost.
    skip: Vec<String>,
}

/// Which binaries to run.
#[derive(Clone, Copy, PartialEq, Eq)]
pub enum Pass {
    Quick,
    Slow,
}

pub struct Suite {
    folder: PathBuf,
    /// In the order of their times.
    binaries: Vec<Binary>,
    /// How many of them are quick.
    quick: usize,
    /// How many mutants of a group a binary has killed: it goes first on the group's next one.
    kills: Mutex<HashMap<(String, usize), usize>>,
}

impl Suite {
    /// The test binaries of the `tests` crate that need the ELF.
    pub fn find(root: &Path, elf: &Switches) -> Result<Self> {
        let folder = root.join("tests");
        let built = Command::new("cargo")
            .args([
                "test",
                "--locked",
                "--workspace",
                "--no-run",
                "--message-format=json",
                "--quiet",
            ])
            .current_dir(root)
            .stderr(Stdio::inherit())
            .output()?;
        if !built.status.success() {
            bail!("the tests do not build");
        }
        let base = elf.base()?;
        let mut suite = Self {
            folder,
            binaries: Vec::new(),
            quick: 0,
            kills: Mutex::default(),
        };
        for line in String::from_utf8(built.stdout)?.lines() {
            let message: serde_json::Value = serde_json::from_str(line)?;
            let source = message["target"]["src_path"].as_str().unwrap_or_default();
            let (Some(path), true) = (
                message["executable"].as_str(),
                source.contains("/tests/tests/"),
            ) else {
                continue;
            };
            if !source.starts_with(&*suite.folder.to_string_lossy()) {
                continue;
            }
            let name = message["target"]["name"]
                .as_str()
                .context("a target without a name")?
                .to_owned();
            let mut binary = Binary {
                name,
                path: path.into(),
                time: Duration::ZERO,
                skip: Vec::new(),
            };
            if suite.failures(&binary, Path::new("/none"))?.is_empty() {
                continue;
            }
            let start = Instant::now();
            binary.skip = suite.failures(&binary, base.path())?;
            binary.time = start.elapsed();
            for test in &binary.skip {
                println!(
                    "not run, because it fails without a mutant: {} {test}",
                    binary.name
                );
            }
            suite.binaries.push(binary);
        }
        suite.binaries.sort_by_key(|binary| binary.time);
        let middle = suite.binaries.get(suite.binaries.len() / 2);
        let middle = middle.context("no test needs the ELF")?.time;
        suite.quick = suite
            .binaries
            .partition_point(|binary| binary.time < SLOW * middle);
        Ok(suite)
    }

    /// The first test that fails on this ELF.
    pub fn killer(&self, mutant: &Mutant, elf: &Elf, pass: Pass) -> Result<Option<String>> {
        let mut order: Vec<usize> = match pass {
            Pass::Quick => (0..self.quick).collect(),
            Pass::Slow => (self.quick..self.binaries.len()).collect(),
        };
        {
            let kills = self.kills.lock().expect("no thread panics");
            let of = |index: usize| {
                kills
                    .get(&(group(mutant).to_owned(), index))
                    .copied()
                    .unwrap_or_default()
            };
            order.sort_by_key(|index| (std::cmp::Reverse(of(*index)), *index));
        }
        for index in order {
            let binary = &self.binaries[index];
            if let Some(test) = self.failures(binary, elf.path())?.into_iter().next() {
                *self
                    .kills
                    .lock()
                    .expect("no thread panics")
                    .entry((group(mutant).to_owned(), index))
                    .or_default() += 1;
                return Ok(Some(format!("{} {test}", binary.name)));
            }
        }
        Ok(None)
    }

    /// The tests of the binary that fail on this ELF.
    fn failures(&self, binary: &Binary, elf: &Path) -> Result<Vec<String>> {
        let mut command = Command::new(&binary.path);
        command.current_dir(&self.folder).arg("--exact");
        for test in &binary.skip {
            command.args(["--skip", test]);
        }
        command
            .env("PORTCULLIS_ELF", elf)
            .env("PORTCULLIS_SEQUENCES", SEQUENCES);
        failed(&mut command)
    }
}

/// Those that the same tests are likely to kill: of one file, or what accounts declare.
fn group(mutant: &Mutant) -> &str {
    match mutant.change {
        Change::Text(_) => "accounts",
        Change::Switch(_) => &mutant.file,
    }
}

/// The tests of a binary that fail.
fn failed(command: &mut Command) -> Result<Vec<String>> {
    let out = tempfile::NamedTempFile::new()?;
    let mut child = command
        .env("INSTA_UPDATE", "no")
        .env("RUST_BACKTRACE", "0")
        .stdout(out.reopen()?)
        .stderr(Stdio::null())
        .spawn()?;
    let start = Instant::now();
    let status = loop {
        match child.try_wait()? {
            Some(status) => break status,
            None if start.elapsed() > LIMIT => {
                child.kill()?;
                break child.wait()?;
            }
            None => std::thread::sleep(Duration::from_millis(10)),
        }
    };
    if status.success() {
        return Ok(Vec::new());
    }
    let text = std::fs::read_to_string(out.path())?;
    let failed = text
        .lines()
        .filter_map(|line| line.strip_prefix("test ")?.strip_suffix(" ... FAILED"));
    let failed: Vec<String> = failed.map(str::to_owned).collect();
    Ok(match failed.is_empty() {
        true => vec!["(ended by itself)".to_owned()],
        false => failed,
    })
}

/// The tests of a pure file, built for the host.
pub struct OnHost {
    name: String,
    path: PathBuf,
}

impl OnHost {
    pub fn find(program: &mut Program, root: &Path, name: &str) -> Result<Self> {
        let path = program.build_on_host(root, name)?;
        let name = name.to_owned();
        let failing = failed(&mut Command::new(&path))?;
        if !failing.is_empty() {
            bail!("tests fail on the host without a mutant: {name} {failing:?}");
        }
        Ok(Self { name, path })
    }

    /// The first test that fails with this mutant.
    pub fn killer(&self, mutant: &Mutant) -> Result<Option<String>> {
        let mut command = Command::new(&self.path);
        command.env("PORTCULLIS_MUTANT", mutant.number().to_string());
        let failed = failed(&mut command)?;
        Ok(failed.first().map(|test| format!("{} {test}", self.name)))
    }
}
