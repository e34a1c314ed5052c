//! What a project knows of its program beside the code.

use std::fs;

use serde_json::Value;

use super::portcullis;
use crate::net::{adopt, council_create, Net, PLAIN};

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

/// An Anchor program with its IDL: Portcullis itself.
#[test]
fn the_gate_s_own_transactions_are_replayed_by_its_idl() {
    let net = Net::start();
    net.ok(&council_create());
    net.ok(&adopt("$program", PLAIN));
    let name = net.upgrade("new.so");
    net.approve(&name);
    let elf = concat!(env!("CARGO_MANIFEST_DIR"), "/../artifacts/portcullis");
    let record = format!("shadow record {} --out gate.gz", ::portcullis::ID);
    net.ok(&record);
    let run = format!("shadow run gate.gz --new {elf}.so --idl {elf}.json --min-fidelity 0");
    let report = &net.json(&run)["report"];
    // Of the accounts of later ones only today's content is known; the council was not there, as its lamports say.
    assert_eq!(report["fidelity"]["reproduced"], 1, "{report}");
    let row = &report["instructions"][0];
    assert_eq!(
        (&row["name"], &row["transactions"]),
        (&"create_council".into(), &1.into())
    );
    let summary = &report["summary"];
    assert_eq!(summary["same"], 1, "{report}");
    assert!(summary["probes"].as_u64().unwrap() > 10, "{report}");
    assert_eq!(summary["accepted_probes"], 0, "{report}");
    assert_eq!(summary["differing_probes"], 0, "{report}");
}
