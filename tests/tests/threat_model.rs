//! What `docs/threat-model.md` names exists: files, functions and tests; and it lists every file with tests of a guarantee.

use std::{
    collections::{BTreeMap, BTreeSet},
    fs,
    path::{Path, PathBuf},
};

const PAGE: &str = include_str!("../../docs/threat-model.md");

fn root() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("..")
}

/// All Rust files below a folder.
fn sources(folder: &Path, found: &mut Vec<PathBuf>) {
    for entry in fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        if path.is_dir() {
            sources(&path, found);
        } else if path.extension().is_some_and(|extension| extension == "rs") {
            found.push(path);
        }
    }
}

/// The names of the functions in a text.
fn functions(text: &str) -> impl Iterator<Item = &str> {
    text.split("fn ").skip(1).map(|rest| {
        let end = rest.find(|c: char| !c.is_alphanumeric() && c != '_');
        &rest[..end.unwrap_or(rest.len())]
    })
}

/// The functions of each test target: a file, or a folder with its modules.
fn targets() -> BTreeMap<String, BTreeSet<String>> {
    let folder = root().join("tests/tests");
    let mut files = Vec::new();
    sources(&folder, &mut files);
    let mut targets: BTreeMap<String, BTreeSet<String>> = BTreeMap::new();
    for file in files {
        let first = file.strip_prefix(&folder).unwrap().iter().next().unwrap();
        let name = first.to_str().unwrap().trim_end_matches(".rs").to_string();
        let text = fs::read_to_string(&file).unwrap();
        let found = functions(&text).map(str::to_string);
        targets.entry(name).or_default().extend(found);
    }
    targets
}

/// The numbers of the guarantees in a test's name: `g5_g6_x` has two.
fn guarantees(test: &str) -> BTreeSet<u32> {
    test.split('_')
        .map_while(|part| part.strip_prefix('g')?.parse().ok())
        .collect()
}

/// What stands between backticks.
fn quoted(text: &str) -> impl Iterator<Item = &str> {
    text.split('`').skip(1).step_by(2)
}

#[test]
fn every_guarantee_lists_the_files_that_test_it() {
    let targets = targets();
    for number in 1..=16 {
        let row = PAGE
            .lines()
            .find(|line| line.starts_with(&format!("| **G{number}** ")))
            .unwrap_or_else(|| panic!("G{number} has no row"));
        let suffix = format!("::g{number}_*");
        let listed: BTreeSet<&str> = quoted(row)
            .filter_map(|name| name.strip_suffix(suffix.as_str()))
            .collect();
        let testing: BTreeSet<&str> = targets
            .iter()
            .filter(|(_, tests)| tests.iter().any(|test| guarantees(test).contains(&number)))
            .map(|(name, _)| name.as_str())
            .collect();
        assert_eq!(listed, testing, "G{number}");
    }
}

#[test]
fn every_test_and_function_that_is_named_exists() {
    let targets = targets();
    let mut missing = Vec::new();
    for name in quoted(PAGE) {
        let Some((place, function)) = name.rsplit_once("::") else {
            continue;
        };
        if function.ends_with("_*") {
            continue;
        }
        let exists = match place.strip_suffix(".rs") {
            // A file of the program, or elsewhere with its whole path.
            Some(_) => [root().join("programs/portcullis/src"), root()]
                .iter()
                .filter_map(|folder| fs::read_to_string(folder.join(place)).ok())
                .any(|text| {
                    functions(&text).any(|found| found == function)
                        || text.contains(&format!("struct {function}"))
                }),
            None => targets
                .get(place)
                .is_some_and(|tests| tests.contains(function)),
        };
        if !exists {
            missing.push(name);
        }
    }
    assert_eq!(missing, Vec::<&str>::new());
}
