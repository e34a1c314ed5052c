//! The program with its mutants: sources, builds, ELFs.

use std::{
    collections::HashSet,
    fs,
    path::{Path, PathBuf},
    sync::Mutex,
};

use anyhow::{anyhow, bail, Context, Result};

use crate::{
    accounts, find,
    source::{
        instrument, name, Change, Mutant, Switch, ALWAYS_ON, BY_NUMBER, BY_VARIABLE, SWITCHES,
    },
    tree::{errors, walk, Tree},
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
