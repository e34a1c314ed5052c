//! The program with its mutants: sources, builds, ELFs.

use std::{
    collections::HashSet,
    fs,
    path::{Path, PathBuf},
    process::Command,
    sync::Mutex,
};

use anyhow::{bail, Context, Result};

use crate::{
    accounts, find,
    source::{instrument, name, Change, Mutant, Switch, ALWAYS_ON, BY_NUMBER, FIRST, SWITCHES},
};

/// What the number of the active mutant stands behind.
const MARK: &[u8] = b"portcullis-mut:\0";
/// Every build drops the mutants that do not compile; more rounds than this are a fault of this tool.
const ROUNDS: usize = 40;

/// Files whose code runs so often that switches in it would exceed the compute limit: their mutants are built one by one.
const HOT: [&str; 1] = ["sha256.rs"];

pub struct Program {
    sources: Vec<(String, String)>,
    mutants: Vec<Mutant>,
    dropped: HashSet<u32>,
    /// A copy of the program's crate in which all mutants are behind switches.
    switches: Tree,
    /// A copy for the mutants that are built one by one.
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
        is_alone(mutant) || self.present.contains(&mutant.id)
    }

    pub fn with(&self, id: u32) -> Result<Elf> {
        let mut bytes = self.bytes.clone();
        bytes[self.mark..self.mark + 4].copy_from_slice(&(FIRST + id).to_le_bytes());
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
        let plain = Tree::copy(root, &target.join("plain"))?;
        let (_, main) = sources
            .iter()
            .find(|(file, _)| file == "lib.rs")
            .context("no lib.rs")?;
        plain.write("lib.rs", &[main, SWITCHES, ALWAYS_ON].concat())?;
        Ok(Self {
            sources,
            mutants,
            dropped: HashSet::new(),
            switches: Tree::copy(root, &target.join("switches"))?,
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
        for _ in 0..ROUNDS {
            let mut origins = Vec::new();
            for (file, text) in &self.sources {
                let here: Vec<&Mutant> = self
                    .mutants()
                    .filter(|m| m.file == *file && !is_alone(m))
                    .collect();
                let (mut new, origin) = instrument(text, &here);
                origins.push((file.clone(), new.clone(), origin));
                if file == "lib.rs" {
                    new.extend([SWITCHES, BY_NUMBER]);
                }
                self.switches.write(file, &new)?;
            }
            let Err(log) = self.switches.build()? else {
                return self.read_switches();
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
                let here = self.mutants().filter(|m| m.file == file && !is_alone(m));
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
            .map(|m| m.id)
            .filter(|id| numbers.contains(&(FIRST + id)))
            .collect();
        Ok(Switches {
            bytes,
            mark,
            present,
        })
    }

    /// The ELF with this mutant; none if it does not compile.
    pub fn elf_of(&self, mutant: &Mutant, switches: &Switches) -> Result<Option<Elf>> {
        if !is_alone(mutant) {
            return switches.with(mutant.id).map(Some);
        }
        let (_, text) = self
            .sources
            .iter()
            .find(|(file, _)| *file == mutant.file)
            .context("a mutant of no source")?;
        let new = match &mutant.change {
            Change::Text(new) => {
                [&text[..mutant.span.start], new, &text[mutant.span.end..]].concat()
            }
            Change::Switch(_) => instrument(text, &[mutant]).0,
        };
        let tree = self.plain.lock().expect("no build panics");
        tree.write(&mutant.file, &new)?;
        let built = tree.build()?;
        let elf = built.is_ok().then(|| fs::read(tree.elf())).transpose()?;
        tree.write(&mutant.file, text)?;
        elf.map(|bytes| Elf::of(&bytes)).transpose()
    }
}

/// Whether the mutant is built by itself.
pub fn is_alone(mutant: &Mutant) -> bool {
    matches!(mutant.change, Change::Text(_)) || HOT.contains(&mutant.file.as_str())
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
struct Tree {
    work: PathBuf,
    target: PathBuf,
}

impl Tree {
    fn copy(root: &Path, folder: &Path) -> Result<Self> {
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

    fn elf(&self) -> PathBuf {
        self.target.join("sbpf-solana/release/libportcullis.so")
    }
}
