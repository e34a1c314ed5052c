//! What a project knows of its program beside the code.

use std::fs;

use serde_json::Value;

use super::portcullis;

#[path = "../../../../analysis/tests/shadow/vault/deposits.rs"]
mod deposits;

#[test]
fn a_project_s_idl_and_invariants_are_used() {
    let folder = tempfile::tempdir().unwrap();
    let path = |name: &str| folder.path().join(name);
    deposits::record(&path("bundle.gz"));
    for (name, content) in [
        ("vault.json", deposits::IDL.to_string()),
        ("new.json", deposits::reordered_idl()),
        ("invariants.toml", deposits::INVARIANTS.to_string()),
        (
            "never.toml",
            deposits::INVARIANTS.replace(" <= 400000", " < 0"),
        ),
        (
            "missing.toml",
            deposits::INVARIANTS.replace(
                "4vJ9JU1bJJE96FWSJKvHsmmFADCg4gpZQff4P3bkLKi",
                "4vJ9JU1bJJE96FWSJKvHsmmFADCg4gpZQff4P3bkLKj",
            ),
        ),
    ] {
        fs::write(path(name), content).unwrap();
    }
    for bug in [
        "",
        "-balance-not-checked",
        "-rounds-against-the-vault",
        "-fields-reordered",
    ] {
        fs::write(path(&format!("vault{bug}.so")), deposits::elf(bug)).unwrap();
    }
    // No server is asked.
    let run = |line: &str| {
        let line = format!("shadow run bundle.gz {line}");
        portcullis(folder.path(), "http://127.0.0.1:1", &line)
    };
    let known = "--idl vault.json --invariants invariants.toml --fail-on new-failures";
    let (envelope, code) = run(&format!("--new vault.so {known}"));
    assert_eq!(code, 0, "{envelope}");
    let known_files = &envelope["data"]["report"]["known"];
    assert!(known_files["idl"].is_string() && known_files["invariants"].is_string());
    assert_eq!(known_files["new_idl"], Value::Null);

    let caught = |bug: &str, more: &str| {
        let line = format!("--new vault-{bug}.so {known} {more}");
        let (envelope, code) = run(&line);
        assert_eq!(
            (code, &envelope["error"]["code"]),
            (4, &"behaviour_differs".into()),
            "{envelope}"
        );
        let causes = envelope["data"]["report"]["causes"].as_array().unwrap();
        causes[0]["title"].as_str().unwrap().to_string()
    };
    assert_eq!(
        caught("balance-not-checked", ""),
        "breaks the invariant what was credited is all there is"
    );
    assert_eq!(
        caught("rounds-against-the-vault", "--html vault.html"),
        "breaks the invariant payments cost two on average (from its own state)"
    );
    let page = fs::read_to_string(path("vault.html")).unwrap();
    assert!(page.contains("payments cost two on average") && page.contains("call pay {amount: "));
    let title = caught("fields-reordered", "--new-idl new.json");
    assert!(title.starts_with("breaks the invariant"), "{title}");

    // What holds under neither program, or cannot be computed, judges nothing.
    for (file, reason) in [
        ("never", "0 < 0 is false"),
        ("missing", "there is no account"),
    ] {
        let (envelope, code) = run(&format!("--new vault.so --invariants {file}.toml"));
        let error = &envelope["error"];
        assert_eq!(
            (code, &error["code"]),
            (1, &"invariants_not_judged".into()),
            "{envelope}"
        );
        let message = error["message"].as_str().unwrap();
        assert!(message.contains(reason), "{message}");
    }
    for (line, error) in [
        ("--invariants none.toml", "file_unreadable"),
        ("--invariants vault.json", "invariants_invalid"),
        ("--idl none.json", "file_unreadable"),
        ("--new-idl invariants.toml", "idl_invalid"),
    ] {
        let (envelope, code) = run(&format!("--new vault.so {line}"));
        assert_eq!((code, &envelope["error"]["code"]), (2, &error.into()));
    }
}
