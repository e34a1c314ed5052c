//! Breaks the program in one place at a time and looks for a test that notices.
//!
//! All mutants are compiled into one ELF, each behind a switch whose number is patched into the ELF before a run; those of the hash
//! function, which has no room for switches on chain, into its own tests on the host. A mutant that no test of the `tests` crate
//! kills has survived. `docs/mutants.md` explains each survivor; one that it does not name fails the run.

mod accounts;
mod find;
mod program;
mod source;
mod suite;
mod tree;

use std::{
    collections::HashSet,
    path::{Path, PathBuf},
    sync::{
        atomic::{AtomicUsize, Ordering},
        Mutex,
    },
};

use anyhow::{bail, Context, Result};
use clap::Parser;

use crate::{
    program::{is_hot, Program},
    source::Mutant,
    suite::{OnHost, Pass, Suite},
};

#[derive(Parser)]
#[command(about = "Breaks the program in one place at a time and looks for a test that notices")]
struct Args {
    /// Only mutants whose name contains one of these.
    filters: Vec<String>,
    /// How many tests binaries run at once.
    #[arg(long, default_value_t = 2)]
    jobs: usize,
    /// Print the mutants and stop.
    #[arg(long)]
    list: bool,
    /// Only those that `docs/mutants.md` explains: they must survive still.
    #[arg(long)]
    explained: bool,
}

fn main() -> Result<()> {
    let args = Args::parse();
    let root = Path::new(env!("CARGO_MANIFEST_DIR"))
        .join("../..")
        .canonicalize()?;
    let explained = explained(&root.join("docs/mutants.md"))?;
    let mut program = Program::read(&root)?;
    let wanted = |mutant: &Mutant| {
        let filtered =
            args.filters.is_empty() || args.filters.iter().any(|f| mutant.name.contains(f));
        filtered && (!args.explained || explained.contains(&mutant.name))
    };
    if args.list {
        for mutant in program.mutants().filter(|m| wanted(m)) {
            println!("{} ({})", mutant.name, mutant.place());
        }
        return Ok(());
    }

    eprintln!("building the program with its mutants");
    let elf = program.build_switches()?;
    let on_host = OnHost::find(&mut program, &root, "sha256")?;
    let suite = Suite::find(&root, &elf)?;

    let all: Vec<Mutant> = program.mutants().filter(|m| wanted(m)).cloned().collect();
    let (mut todo, elsewhere): (Vec<_>, Vec<_>) = all.into_iter().partition(|m| elf.contains(m));
    // What may need a build of its own comes last.
    todo.sort_by_key(is_hot);
    println!(
        "{} mutants, {} of them in code that the ELF does not hold",
        todo.len() + elsewhere.len(),
        elsewhere.len()
    );
    let run = |todo: &[Mutant], pass: Pass| -> Result<Vec<Mutant>> {
        let next = AtomicUsize::new(0);
        let survived = Mutex::new(Vec::new());
        std::thread::scope(|scope| {
            let work = || -> Result<()> {
                while let Some(mutant) = todo.get(next.fetch_add(1, Ordering::Relaxed)) {
                    let mut killer = match is_hot(mutant) && pass == Pass::Quick {
                        true => on_host.killer(mutant)?,
                        false => None,
                    };
                    if killer.is_none() {
                        killer = match program.elf_of(mutant, &elf)? {
                            Some(elf) => suite.killer(mutant, &elf, pass)?,
                            None => Some("the compiler".to_owned()),
                        };
                    }
                    match killer {
                        Some(test) => println!("killed    {} <- {test}", mutant.name),
                        None => {
                            println!("survived  {} ({})", mutant.name, mutant.place());
                            let mut survived = survived.lock().expect("no thread panics");
                            survived.push(mutant.clone());
                        }
                    }
                }
                Ok(())
            };
            let threads: Vec<_> = (0..args.jobs).map(|_| scope.spawn(work)).collect();
            threads
                .into_iter()
                .try_for_each(|thread| thread.join().expect("no thread panics"))
        })?;
        Ok(survived.into_inner()?)
    };
    let left = run(&todo, Pass::Quick)?;
    println!(
        "\n{} survived the quick tests; now the slow ones",
        left.len()
    );
    let survived = run(&left, Pass::Slow)?;

    let (known, new): (Vec<_>, Vec<_>) = survived.iter().partition(|m| explained.contains(&m.name));
    println!(
        "\n{} mutants run: {} killed, {} survived, {} of these explained in docs/mutants.md",
        todo.len(),
        todo.len() - survived.len(),
        survived.len(),
        known.len()
    );
    for mutant in &program.unbuildable() {
        println!(
            "not tried (does not compile): {} ({})",
            mutant.name,
            mutant.place()
        );
    }
    for mutant in &elsewhere {
        println!("not in the ELF: {} ({})", mutant.name, mutant.place());
    }
    for mutant in &new {
        println!(
            "survived, unexplained: {} ({})",
            mutant.name,
            mutant.place()
        );
    }
    if !new.is_empty() {
        bail!(
            "{} mutants survived that docs/mutants.md does not explain",
            new.len()
        );
    }
    Ok(())
}

/// The names that `docs/mutants.md` explains: the code at the beginning of its list items.
fn explained(path: &PathBuf) -> Result<HashSet<String>> {
    if !path.exists() {
        return Ok(HashSet::new());
    }
    let text = std::fs::read_to_string(path).with_context(|| path.display().to_string())?;
    let items = text.lines().filter_map(|line| line.strip_prefix("- `"));
    Ok(items
        .filter_map(|item| item.split('`').next())
        .map(str::to_owned)
        .collect())
}
