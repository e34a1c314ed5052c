//! Completions and manual pages.

use std::process::Command;

use crate::net::bare;

#[test]
fn bash_completes_commands_options_and_values() {
    let script = tempfile::NamedTempFile::new().unwrap();
    std::fs::write(&script, bare("completions bash")).unwrap();
    let source = format!("source {}", script.path().display());
    let completed = |line: &str| {
        let words: Vec<&str> = line.split(' ').collect();
        let last = words.len() - 1;
        let program = format!(
            "{source}\nCOMP_WORDS=({line})\nCOMP_CWORD={last}\n_portcullis portcullis '{}' '{}'\necho \"${{COMPREPLY[*]}}\"",
            words[last],
            words[last - 1],
        );
        let output = Command::new("bash")
            .args(["-c", &program])
            .output()
            .unwrap();
        assert!(output.status.success(), "{line}");
        String::from_utf8(output.stdout).unwrap().trim().to_string()
    };
    assert_eq!(completed("portcullis appr"), "approve");
    assert_eq!(completed("portcullis propose tr"), "transfer");
    assert_eq!(completed("portcullis approve --dig"), "--digest");
    assert_eq!(completed("portcullis list --output j"), "json");
}

#[test]
fn every_shell_has_its_script() {
    for (shell, part) in [
        ("bash", "complete -F _portcullis"),
        ("zsh", "#compdef portcullis"),
        ("fish", "complete -c portcullis"),
        ("elvish", "edit:completion:arg-completer[portcullis]"),
        ("powershell", "Register-ArgumentCompleter"),
    ] {
        let script = bare(&format!("completions {shell}"));
        assert!(script.contains(part), "{shell}");
    }
}

#[test]
fn every_command_has_its_manual_page() {
    let folder = tempfile::tempdir().unwrap();
    let pages = folder.path().join("man/man1");
    bare(&format!("man {}", pages.display()));
    let page = |name: &str| std::fs::read_to_string(pages.join(name)).unwrap();
    assert!(page("portcullis.1").contains("Exit codes:"));
    for (name, part) in [
        ("portcullis-approve.1", "The digest that you reviewed"),
        ("portcullis-propose-upgrade.1", "with\\-rollback"),
        ("portcullis-council-create.1", "delay\\-floor"),
    ] {
        assert!(page(name).contains(part), "{name}");
    }
    // A file stands where the folder should be.
    let file = folder.path().join("file");
    std::fs::write(&file, "").unwrap();
    let mut command = Command::new(env!("CARGO_BIN_EXE_portcullis"));
    let output = command.arg("man").arg(&file).output().unwrap();
    assert_eq!(output.status.code(), Some(2));
    let stderr = String::from_utf8(output.stderr).unwrap();
    assert!(stderr.contains("cannot be written to"), "{stderr}");
}
