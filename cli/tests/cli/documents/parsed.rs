//! Commands that stand in a document's text: the command line must know each, and its options.

use std::{
    collections::BTreeMap,
    process::{Command, Output},
    sync::OnceLock,
};

use serde_json::Value;

/// Stands for every address.
const ADDRESS: &str = "9YJvXBYcd5uzK7Qn6BKt2UfR4iZS6vRk5a9poB7RnyNq";
const NOBODY: &str = "http://127.0.0.1:1";

fn portcullis(words: &[&str]) -> Output {
    let folder = tempfile::tempdir().unwrap();
    let mut command = Command::new(env!("CARGO_BIN_EXE_portcullis"));
    command
        .current_dir(folder.path())
        .env_clear()
        .env("HOME", folder.path());
    command.args(words).output().unwrap()
}

/// Every command, such as `buffer upload`, with its help; the whole under the empty name.
fn helps() -> &'static BTreeMap<String, String> {
    static HELPS: OnceLock<BTreeMap<String, String>> = OnceLock::new();
    HELPS.get_or_init(|| {
        let mut helps = BTreeMap::new();
        let mut names = vec![String::new()];
        while let Some(name) = names.pop() {
            let mut words: Vec<&str> = name.split_whitespace().collect();
            words.push("--help");
            let help = String::from_utf8(portcullis(&words).stdout).unwrap();
            let listed = help
                .split_once("\nCommands:\n")
                .map_or("", |(_, rest)| rest);
            let listed = listed.split("\n\n").next().unwrap();
            names.extend(
                listed
                    .lines()
                    .filter_map(|line| line.split_whitespace().next())
                    .map(|word| format!("{name} {word}").trim().to_string()),
            );
            helps.insert(name, help);
        }
        helps
    })
}

/// The command that a piece of code begins with, without its arguments.
pub fn name(code: &str) -> Option<String> {
    let code = code.strip_prefix("portcullis ").unwrap_or(code);
    let mut words = code.split_whitespace();
    let first = words.next()?;
    let group = words.next().map(|second| format!("{first} {second}"));
    group
        .filter(|name| helps().contains_key(name))
        .or_else(|| Some(first.to_string()).filter(|name| helps().contains_key(name)))
}

/// All commands in a line of shell.
pub fn names_in(line: &str) -> Vec<String> {
    line.split("portcullis ").skip(1).filter_map(name).collect()
}

/// The long options in a line.
pub fn options_in(line: &str) -> impl Iterator<Item = String> + '_ {
    let words = line.split([' ', '[', ']', '=', '(', ')']);
    words
        .filter(|word| word.starts_with("--"))
        .map(str::to_string)
}

/// Requires that code in the text, if it is a command or an option, is one that exists. Whether it is.
pub fn check(page: &str, code: &str) -> bool {
    if code.starts_with('-') {
        let option = code.split([' ', '=']).next().unwrap();
        let known = |help: &String| {
            help.split([' ', ',', '\n', '[', '='])
                .any(|word| word == option)
        };
        assert!(
            helps().values().any(known),
            "{page}: no command has the option {code}"
        );
        return true;
    }
    let Some(name) = name(code) else {
        assert!(
            !code.starts_with("portcullis "),
            "{page}: no such command: {code}"
        );
        return false;
    };
    let bare = code.strip_prefix("portcullis ").unwrap_or(code);
    if bare != name {
        require(page, bare);
    }
    true
}

/// Requires that the command line takes a command with its arguments. It asks a server that is not there.
pub fn require(page: &str, line: &str) {
    let line = line.split(" # ").next().unwrap();
    let mut words: Vec<String> = line.split_whitespace().map(filled).collect();
    if let Some(place) = words.iter().position(|word| word == "-u") {
        words.drain(place..(place + 2).min(words.len()));
    }
    // These would start.
    let starts = ["demo", "localnet"].contains(&words[0].as_str());
    words.extend(if starts {
        vec!["--help".to_string()]
    } else {
        ["-u", NOBODY, "--rpc-timeout", "0", "--output", "json"]
            .map(str::to_string)
            .to_vec()
    });
    let words: Vec<&str> = words.iter().map(String::as_str).collect();
    let output = portcullis(&words);
    let understood = match serde_json::from_slice::<Value>(&output.stdout) {
        Ok(envelope) => envelope["error"]["code"] != "usage",
        Err(_) => output.status.success(),
    };
    assert!(
        understood,
        "{page}: `{line}` is not understood: {}",
        String::from_utf8_lossy(&output.stderr)
    );
}

/// With an example in the place of what a reader would put in.
fn filled(word: &str) -> String {
    let word = word.trim_matches(['[', ']', '"']);
    let word = word
        .replace("7f3a…", &"7f3a".repeat(16))
        .replace("URI", "https://example.com");
    let (subject, number) = match word.split_once('/') {
        Some((subject, number)) if !word.contains("://") => (subject.to_string(), Some(number)),
        _ => (word.clone(), None),
    };
    let place = subject.starts_with('$')
        || (subject.len() > 1 && subject.chars().all(|c| c.is_ascii_uppercase() || c == '_'));
    match (subject.as_str(), place, number) {
        ("NUMBER", ..) => "40".to_string(),
        ("REF", ..) => "12".to_string(),
        (_, true, Some(number)) => format!("{ADDRESS}/{number}"),
        (_, true, None) => ADDRESS.to_string(),
        _ => word,
    }
}
