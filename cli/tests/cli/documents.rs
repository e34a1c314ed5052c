//! Every command of the README and the runbook, taken from the document and run as it stands there, in its order, against a localnet
//! that the document's own command starts.
//!
//! What differs from a reader's shell: questions are answered with yes; the localnet takes free ports and shorter slots, and has what
//! only another multisig could bring; `<!-- test: COMMAND -->` runs what the text tells: time passes, others act. A block
//! ```` ```sh no-run ```` is not run; [`NOT_RUN`] lists these.

mod page;
mod parsed;
mod script;
mod session;
mod vault;

use std::collections::BTreeSet;

use page::Page;

/// The documents, and those of their sections on whose state all later ones build; each other section has a shell of its own.
const README: (&str, &[&str]) = ("README.md", &["Try it on a local validator"]);
const RUNBOOK: (&str, &[&str]) = (
    "docs/runbook.md",
    &["Before you begin", "Adopting a program from a single key"],
);

/// What cannot run here: document, first line of the block, why.
const NOT_RUN: [(&str, &str, &str); 3] = [
    (
        "README.md",
        "make demo    # the main job on an embedded validator, with every attack that it tries shown as the chain refuses it",
        "runs by itself in CI, and the tests would start themselves",
    ),
    (
        "README.md",
        "mkdir -p target/deploy && solana-keygen new -s --no-bip39-passphrase -o target/deploy/portcullis-keypair.json",
        "needs Solana's and Anchor's tools, Docker and devnet",
    ),
    (
        "README.md",
        "scripts/setup-node.sh && cd migrations",
        "needs devnet; the tests in deploy.rs run that script against a localnet",
    ),
];

#[test]
fn every_command_of_the_readme_runs() {
    let page = Page::read(README.0);
    session::run(&page, README.1);
    assert!(
        page.runnable().count() >= 3 && page.commands() >= 18,
        "{}",
        page.commands()
    );
}

#[test]
fn every_command_of_the_runbook_runs() {
    let page = Page::read(RUNBOOK.0);
    session::run(&page, RUNBOOK.1);
    assert!(
        page.runnable().count() >= 40 && page.commands() >= 150,
        "{}",
        page.commands()
    );
}

#[test]
#[should_panic(expected = "short.md stopped")]
fn a_command_that_fails_is_noticed() {
    session::run(&Page::parse("short.md", "```sh\ntrue\nfalse\n```\n"), &[]);
}

#[test]
#[should_panic(expected = "exit code 0, not 7")]
fn a_command_that_should_be_refused_and_is_not_is_noticed() {
    session::run(
        &Page::parse(
            "short.md",
            "```sh\ntrue # refused, exit code 7: never\n```\n",
        ),
        &[],
    );
}

#[test]
#[should_panic(expected = "shows what nothing printed")]
fn what_is_shown_and_not_printed_is_noticed() {
    let text = "```sh\necho one two three\n```\n\n```text\none …  three\none … four\n```\n";
    session::run(&Page::parse("short.md", text), &[]);
}

#[test]
#[should_panic(expected = "kept: unbound variable")]
fn a_section_knows_nothing_of_another_one() {
    let text = "## One\n\n```sh\nkept=1\n```\n\n## Two\n\n```sh\necho $kept\n```\n";
    session::run(&Page::parse("short.md", text), &[]);
}

#[test]
fn what_is_not_run_is_listed_here() {
    let mut found = Vec::new();
    for (name, _) in [README, RUNBOOK] {
        let page = Page::read(name);
        found.extend(
            page.not_run()
                .map(|block| (name, block.text.lines().next().unwrap().to_string())),
        );
    }
    let listed: Vec<_> = NOT_RUN
        .iter()
        .map(|(name, line, _)| (*name, (*line).to_string()))
        .collect();
    assert_eq!(found, listed);
}

#[test]
fn every_command_in_the_text_is_understood() {
    let mut commands = 0;
    for (name, _) in [README, RUNBOOK] {
        let page = Page::read(name);
        for line in page
            .not_run()
            .flat_map(|block| script::commands(&block.text))
        {
            if let Some(rest) = line.strip_prefix("portcullis ") {
                parsed::require(name, rest);
            }
        }
        for code in &page.inline {
            commands += usize::from(parsed::check(name, code));
        }
    }
    assert!(
        commands >= 90,
        "{commands} commands and options in the text"
    );
}

/// The table promises commands and options; the runbook and the README's trial show each of them at work.
#[test]
fn every_command_of_the_release_s_table_is_run_somewhere() {
    let mut run = BTreeSet::new();
    for (name, _) in [README, RUNBOOK] {
        for block in Page::read(name).runnable() {
            for line in script::commands(&block.text) {
                run.extend(parsed::names_in(&line));
                run.extend(parsed::options_in(&line));
            }
        }
    }
    let readme = Page::read(README.0);
    let mut promised = BTreeSet::new();
    for code in readme.codes_of("How a release goes") {
        promised.extend(parsed::name(code));
        promised.extend(parsed::options_in(code));
    }
    // Told below the table; `uploads.rs`, `servers.rs`, `bench_upload.rs`, `sign_only.rs`, `inspect.rs`,
    // `layouts.rs`, `invariants.rs`, `shadow.rs` and `watch.rs` run these.
    for option in [
        "--blockhash",
        "--report",
        "--sample",
        "invariant check",
        "--idl",
        "shadow record",
        "shadow run",
        "--fail-on",
        "--invariants",
        "--policy",
        "--sarif",
        "--exec",
        "--webhook",
        "--only",
        "--sign-only",
        "--signer",
        "--reuse",
        "--rpc-rate",
        "--rpc-timeout",
        "--with-compute-unit-price",
        "--use-rpc",
        "--export",
        "--dry-run",
        "--yes",
    ] {
        promised.remove(option);
    }
    assert!(promised.len() >= 50, "{promised:?}");
    let missing: Vec<_> = promised.difference(&run).collect();
    assert!(missing.is_empty(), "told, but run nowhere: {missing:?}");
}

/// A rule's name that no program and no command knows sends its reader astray.
#[test]
fn every_rule_that_the_text_names_exists() {
    let idl: serde_json::Value =
        serde_json::from_str(&page::file("artifacts/portcullis.json")).unwrap();
    let known: BTreeSet<&str> = idl["errors"]
        .as_array()
        .unwrap()
        .iter()
        .map(|error| error["name"].as_str().unwrap())
        .collect();
    let mut named = 0;
    for (name, _) in [README, RUNBOOK] {
        for code in Page::read(name)
            .inline
            .iter()
            .filter(|code| page::is_rule(code))
        {
            assert!(known.contains(code.as_str()), "{name}: {code}");
            named += 1;
        }
    }
    assert!(named >= 15, "{named} rules named");
}
