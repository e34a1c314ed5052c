//! The program with its mutants: sources, builds, ELFs.

use std::{
    collections::HashSet,
    fs,
    path::{Path, PathBuf},
    process::Command,
    sync::Mutex,
};

use anyhow::{anyhow, bail, Context, Result};

use crate::{
    accounts, find,
    source::{
        instrument, name, Change, Mutant, Switch, ALWAYS_ON, BY_NUMBER, BY_VARIABLE, SWITCHES,
    },
};

/// What the number of the active mutant stands behind.
const MARK: &[u8] = b"portcullis-mut:\0";
/// Every build drops the mutants that do not compile; more rounds than this are a fault of this tool.
const ROUNDS: usize = 40;

/// Files whose code runs so often that switches in it would exceed the compute limit. They are pure: their own tests run on the
/// host. What these do not kill is built one by one.
const HOT: [&str; 1] = ["sha256.rs"];
/// What the tests of hot files need on the host.
const HOST_DEPENDENCIES: &str = "
[dev-dependencies]
proptest.workspace = true
";

pub struct Program {
    sources: Vec<(String, String)>,
    mutants: Vec<Mutant>,
    dropped: HashSet<u32>,
    folder: PathBuf,
    /// A copy of the program's crate in which all mutants are behind switches, but those of hot files.
    switches: Tree,
    /// A copy for the mutants that are built one by one, because they are in hot files.
    plain: Mutex<Tree>,
}

/// An ELF with all switches, and what it holds.
pub struct Switches {
    bytes: Vec<u8>,
    mark: usize,
    present: HashSet<u32>,
}

/// An ELF in a file that lives as long as this.
pub struct Elf(tempfile::NamedTempFile);

impl Elf {
    pub fn path(&self) -> &Path {
        self.0.path()
    }

    fn of(bytes: &[u8]) -> Result<Self> {
        let file = tempfile::NamedTempFile::new()?;
        fs::write(file.path(), bytes)?;
        Ok(Self(file))
    }
}

impl Switches {
    /// Whether the ELF holds the mutant's code. The rest of the crate runs only off chain.
    pub fn contains(&self, mutant: &Mutant) -> bool {
        is_hot(mutant) || self.present.contains(&mutant.id)
    }

    pub fn with(&self, number: u32) -> Result<Elf> {
        let mut bytes = self.bytes.clone();
        bytes[self.mark..self.mark + 4].copy_from_slice(&number.to_le_bytes());
        Elf::of(&bytes)
    }

    /// With no mutant.
    pub fn base(&self) -> Result<Elf> {
        Elf::of(&self.bytes)
    }
}

impl Program {
    pub fn read(root: &Path) -> Result<Self> {
        let folder = root.join("programs/portcullis/src");
        let mut files = Vec::new();
        walk(&folder, &mut files)?;
        files.sort();
        let (mut sources, mut mutants) = (Vec::new(), Vec::new());
        for path in files {
            let file = path.strip_prefix(&folder)?.to_string_lossy().into_owned();
            let text = fs::read_to_string(&path)?;
            mutants.extend(find::mutants(&file, &text).with_context(|| file.clone())?);
            mutants.extend(accounts::mutants(&file, &text)?);
            sources.push((file, text));
        }
        for (id, mutant) in (1..).zip(&mut mutants) {
            mutant.id = id;
        }
        name(&mut mutants);
        let target = std::env::var_os("CARGO_TARGET_DIR")
            .map_or(root.join("target"), PathBuf::from)
            .join("mutants");
        let plain = Tree::copy(root, &target.join("plain"), "")?;
        let (_, main) = sources
            .iter()
            .find(|(file, _)| file == "lib.rs")
            .context("no lib.rs")?;
        plain.write("lib.rs", &[main, SWITCHES, ALWAYS_ON].concat())?;
        Ok(Self {
            sources,
            mutants,
            dropped: HashSet::new(),
            folder: target.clone(),
            switches: Tree::copy(root, &target.join("switches"), "")?,
            plain: Mutex::new(plain),
        })
    }

    /// All that can be built.
    pub fn mutants(&self) -> impl Iterator<Item = &Mutant> {
        self.mutants
            .iter()
            .filter(|m| !self.dropped.contains(&m.id))
    }

    /// Those behind switches that do not compile.
    pub fn unbuildable(&self) -> Vec<Mutant> {
        self.mutants
            .iter()
            .filter(|m| self.dropped.contains(&m.id))
            .cloned()
            .collect()
    }

    pub fn build_switches(&mut self) -> Result<Switches> {
        let tree = self.switches.clone();
        self.fit(&tree, false, BY_NUMBER, Tree::build)?;
        self.read_switches()
    }

    /// The test of a hot file, with its mutants behind switches, for the host.
    pub fn build_on_host(&mut self, root: &Path, name: &str) -> Result<PathBuf> {
        let tree = Tree::copy(root, &self.folder.join("host"), HOST_DEPENDENCIES)?;
        let test = fs::read_to_string(root.join(format!("tests/tests/{name}.rs")))?;
        let folder = tree.work.join("programs/portcullis/tests");
        fs::create_dir_all(&folder)?;
        // The fixtures, with LiteSVM in them, only pass the program's error on.
        fs::write(
            folder.join(format!("{name}.rs")),
            test.replace("portcullis_tests::", "portcullis::error::"),
        )?;
        self.fit(&tree, true, BY_VARIABLE, |tree| {
            tree.build_test(name).map(|built| built.map(|_| ()))
        })?;
        tree.build_test(name)?.map_err(|log| anyhow!(log))
    }

    /// Puts the mutants of the hot files, or those of the others, behind switches, and leaves out what does not compile.
    fn fit(
        &mut self,
        tree: &Tree,
        hot: bool,
        switch: &str,
        build: impl Fn(&Tree) -> Result<Result<(), String>>,
    ) -> Result<()> {
        for _ in 0..ROUNDS {
            let mut origins = Vec::new();
            for (file, text) in &self.sources {
                let here: Vec<&Mutant> = self
                    .mutants()
                    .filter(|m| m.file == *file && is_hot(m) == hot)
                    .collect();
                let (mut new, origin) = instrument(text, &here);
                origins.push((file.clone(), new.clone(), origin));
                if file == "lib.rs" {
                    new.extend([SWITCHES, switch]);
                }
                tree.write(file, &new)?;
            }
            let Err(log) = build(tree)? else {
                return Ok(());
            };
            let mut culprits = HashSet::new();
            for (file, line, column) in errors(&log) {
                let Some((_, text, origin)) = origins.iter().find(|(f, ..)| *f == file) else {
                    continue;
                };
                let before: usize = text
                    .split_inclusive('\n')
                    .take(line - 1)
                    .map(str::len)
                    .sum();
                let Some(at) = origin.get(before + column - 1) else {
                    continue;
                };
                let here = self
                    .mutants()
                    .filter(|m| m.file == file && is_hot(m) == hot);
                let around = here.filter(|m| m.span.start <= *at && *at <= m.span.end);
                let culprit = around.min_by_key(|m| {
                    let typed = matches!(
                        m.change,
                        Change::Switch(Switch::Operator(..) | Switch::Extreme(..) | Switch::Allow)
                    );
                    (!typed, m.span.len())
                });
                culprits.extend(culprit.map(|m| m.id));
            }
            // A function that constants need must stay `const`.
            for name in log
                .lines()
                .filter(|l| l.contains("non-const"))
                .filter_map(|l| l.split('`').nth(1))
            {
                let name = name
                    .split("::<")
                    .next()
                    .unwrap_or_default()
                    .rsplit("::")
                    .next()
                    .unwrap_or_default();
                let there = self
                    .mutants()
                    .filter(|m| m.constness.is_some() && m.function == name);
                culprits.extend(there.map(|m| m.id));
            }
            if culprits.is_empty() {
                bail!("the program does not build, and no mutant of it is to blame:\n{log}");
            }
            eprintln!("{} mutants do not compile and are left out", culprits.len());
            self.dropped.extend(culprits);
        }
        bail!("the program did not build in {ROUNDS} rounds");
    }

    fn read_switches(&self) -> Result<Switches> {
        let bytes = fs::read(self.switches.elf())?;
        let mark = bytes
            .windows(MARK.len())
            .position(|w| w == MARK)
            .context("the ELF has no switch")?
            + MARK.len();
        // Every number is passed by `mov r1, NUMBER` or like it, so it stands in the code.
        let numbers: HashSet<u32> = bytes
            .chunks_exact(8)
            .map(|c| u32::from_le_bytes([c[4], c[5], c[6], c[7]]))
            .collect();
        let present = self
            .mutants()
            .filter(|m| numbers.contains(&m.number()))
            .map(|m| m.id)
            .collect();
        Ok(Switches {
            bytes,
            mark,
            present,
        })
    }

    /// The ELF with this mutant; none if it does not compile.
    pub fn elf_of(&self, mutant: &Mutant, switches: &Switches) -> Result<Option<Elf>> {
        if !is_hot(mutant) {
            return switches.with(mutant.number()).map(Some);
        }
        let (_, text) = self
            .sources
            .iter()
            .find(|(file, _)| *file == mutant.file)
            .context("a mutant of no source")?;
        let (new, _) = instrument(text, &[mutant]);
        let tree = self.plain.lock().expect("no build panics");
        tree.write(&mutant.file, &new)?;
        let built = tree.build()?;
        let elf = built.is_ok().then(|| fs::read(tree.elf())).transpose()?;
        tree.write(&mutant.file, text)?;
        elf.map(|bytes| Elf::of(&bytes)).transpose()
    }
}

/// Whether the mutant is in code that takes no switches on chain.
pub fn is_hot(mutant: &Mutant) -> bool {
    HOT.contains(&mutant.file.as_str())
}

fn walk(folder: &Path, files: &mut Vec<PathBuf>) -> Result<()> {
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
fn errors(log: &str) -> Vec<(String, usize, usize)> {
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

/// A workspace that holds nothing but the program.
#[derive(Clone)]
struct Tree {
    work: PathBuf,
    target: PathBuf,
}

impl Tree {
    /// `more`: what the program's manifest has besides.
    fn copy(root: &Path, folder: &Path, more: &str) -> Result<Self> {
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

    fn write(&self, file: &str, text: &str) -> Result<()> {
        let path = self.work.join("programs/portcullis/src").join(file);
        if fs::read_to_string(&path)? != text {
            fs::write(path, text)?;
        }
        Ok(())
    }

    /// The compiler's log, if it refuses.
    fn build(&self) -> Result<Result<(), String>> {
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
    fn build_test(&self, name: &str) -> Result<Result<PathBuf, String>> {
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

    fn elf(&self) -> PathBuf {
        self.target.join("sbpf-solana/release/libportcullis.so")
    }
}
