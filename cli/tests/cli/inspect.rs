//! `inspect`: what is in a build, a program, a buffer or a proposal, and what of a change is found.

use std::fs;

use portcullis_client::{
    doctor::{Features, ENABLE_V3, ONLY_V3},
    pda,
};
use serde_json::Value;

use crate::net::{address, check_json, Fault, Net};

/// SPL Token, which calls no other program, with a system call renamed to the one that does.
fn write_calling(net: &Net, name: &str) {
    let mut bytes = net.read("old.so");
    let (old, new) = (b"sol_get_rent_sysvar", b"sol_invoke_signed_c");
    let at = bytes.windows(old.len()).position(|part| part == old);
    bytes[at.unwrap()..][..new.len()].copy_from_slice(new);
    net.write(name, &bytes);
}

#[test]
fn builds_are_inspected_without_a_cluster() {
    let net = Net::start();
    write_calling(&net, "calls.so");
    net.write(
        "inspect.toml",
        br#"version = 1

[syscalls]
allow = ["sol_invoke_signed_c", "abort", "sol_log_", "sol_memcmp_", "sol_memcpy_", "sol_memmove_", "sol_memset_", "sol_set_return_data"]

[[rule]]
id = "PI108"
severity = "ignore"
reason = "reviewed in https://example.com/pull/7"

[[rule]]
id = "PI103"
severity = "info"
reason = "the rent comes with the transaction"

[[rule]]
id = "PI120"
severity = "info"
reason = "reviewed in https://example.com/pull/7"
"#,
    );
    net.write("bad.toml", b"version = 1\nmax_size = 7\n");
    let says = net.named_recorder("inspect_files");
    says("1_a_build", "inspect v3.so");
    says("2_two_builds", "inspect new.so --against old.so");
    says(
        "3_the_same",
        "inspect old.so --against old.so --fail-on low",
    );
    says(
        "4_a_new_call",
        "inspect calls.so --against old.so --fail-on high --sarif found.sarif",
    );
    says(
        "5_allowed",
        "inspect calls.so --against old.so --fail-on low --policy inspect.toml",
    );
    says("6_json", "inspect memo.so --against memo.so --output json");
    says(
        "7_failed_json",
        "inspect memo.so --fail-on low --output json",
    );
    says("8_no_program", "inspect release.json");
    says(
        "8_nothing_to_compare_with",
        "inspect memo.so --against release.json",
    );
    says("9_no_file", "inspect missing.so");
    says("10_bad_policy", "inspect old.so --policy bad.toml");
    says("11_bad_severity", "inspect old.so --fail-on info");
    says("12_a_folder", "inspect .");
    says(
        "13_unwritable",
        "inspect memo.so --sarif missing/found.sarif",
    );
    net.write("huge.so", &vec![1; 10_485_716]);
    says("14_too_long", "inspect huge.so");
    let sarif: Value = serde_json::from_slice(&net.read("found.sarif")).unwrap();
    let results = sarif["runs"][0]["results"].as_array().unwrap();
    assert_eq!(results[0]["ruleId"], "PI101");
    assert_eq!(results[0]["level"], "error");
}

#[test]
fn programs_buffers_and_proposals_are_compared_with_what_runs() {
    let net = Net::with_attester();
    write_calling(&net, "calls.so");
    let loose = net.upload("new.so");
    let of = |line: &str| net.json(line);
    let program = of("inspect $program");
    assert_eq!(program["subject"]["kind"], "program");
    assert_eq!(program["against"], Value::Null);
    // Nobody's gate holds it yet.
    let buffer = of(&format!("inspect {loose}"));
    assert_eq!(buffer["subject"]["kind"], "buffer");
    assert_eq!(buffer["against"], Value::Null);
    let compared = of(&format!("inspect {loose} --against $program"));
    assert_eq!(compared["against"]["kind"], "program");
    assert!(compared["subject"]["programdata"]["missing_bytes"] == 0);

    let calls = net.upload("calls.so");
    net.proposed(&format!("propose upgrade {calls} --program $program"));
    let snapshot = net.recorder("inspect_chain");
    snapshot("1_proposal", "inspect $program/0 --fail-on high");
    // The gate holds the buffer: it is known what it would replace.
    let held = of(&format!("inspect {calls}"));
    assert_eq!(held["against"]["kind"], "program");
    assert_eq!(held["highest"], "high");
    assert_eq!(held["findings"], of("inspect $program/0")["findings"]);
    let alone = of(&format!("inspect {calls} --alone"));
    assert_eq!(alone["against"], Value::Null);
    let programdata = pda::programdata(&address("program").parse().unwrap());
    let room = of(&format!("inspect {programdata}"));
    assert_eq!(room["subject"]["kind"], "programdata");
    assert_eq!(room["subject"]["sha256"], program["subject"]["sha256"]);
    // A program of a loader before v3.
    let memo = of("inspect MemoSq4gqABAXKb96qnH8TysNcWxMyWCqXgDLGmfcHr");
    assert_eq!(memo["subject"]["kind"], "program");
    let by_number = of("inspect 0 --program $program");
    assert_eq!(by_number["subject"]["name"], held_name(&net));
    snapshot("2_no_proposal", "inspect $program/7");
    snapshot("3_no_account", "inspect $stranger");
    snapshot("4_no_program", "inspect $alice");
    net.proposed("propose policy --program $program --voting-period 1d");
    snapshot("5_no_upgrade", "inspect $program/1");
    net.ok("cancel $program/0 -k alice.json --yes");
    net.ok("buffer return $program/0 -k alice.json --yes");
    snapshot("6_released", "inspect $program/0");
}

fn held_name(net: &Net) -> String {
    net.field("status $program/0", "ref")
}

#[test]
fn bytes_that_were_not_voted_for_are_not_inspected_as_if_they_were() {
    let net = Net::with_attester();
    let buffer = net.upload("new.so");
    net.proposed(&format!("propose upgrade {buffer} --program $program"));
    let program = address("program").parse().unwrap();
    let snapshot = net.recorder("inspect_forged");
    net.forge_byte(&pda::programdata(&program));
    let output = net.run_checked("inspect $program/0");
    let warning = String::from_utf8(output.stderr).unwrap();
    assert!(output.status.success(), "{warning}");
    assert!(warning.contains("is not the gate's release"), "{warning}");
    net.forge_byte(&buffer.parse().unwrap());
    snapshot("1_buffer", "inspect $program/0");
}

#[test]
fn what_a_file_and_a_reference_share_is_told_apart() {
    let net = Net::start();
    fs::create_dir(net.path().join("lending")).unwrap();
    fs::copy(net.path().join("memo.so"), net.path().join("lending/12")).unwrap();
    fs::copy(net.path().join("memo.so"), net.path().join("app")).unwrap();
    for name in ["lending/12", "app", "./app"] {
        let data = net.json(&format!("inspect {name}"));
        assert_eq!(data["subject"]["kind"], "file", "{name}");
    }
}

/// Owns the accounts of features.
const FEATURE: &str = "Feature111111111111111111111111111111111111";

#[test]
fn the_loader_of_the_cluster_that_is_meant_is_asked() {
    let net = Net::start();
    let rules = |line: &str| net.json(line)["rules"].take();
    // A file asks nobody, not even where a cluster is configured.
    let configured = format!(
        "json_rpc_url: {}\nwebsocket_url: ''\nkeypair_path: alice.json\n",
        net.url()
    );
    net.write("config.yml", configured.as_bytes());
    let alone = net.named("inspect v3.so -C config.yml --output json");
    let alone: Value = serde_json::from_str(&alone).unwrap();
    assert_eq!(alone["data"]["rules"]["source"], "built_in");
    assert_eq!(alone["data"]["rules"]["cluster"], Value::Null);
    let compared = "inspect v3.so --against $program -C config.yml --output json";
    let compared: Value = serde_json::from_str(&net.named(compared)).unwrap();
    assert_eq!(compared["data"]["rules"]["source"], "cluster");
    let shown = rules("inspect v3.so");
    assert_eq!(shown["source"], "cluster");
    assert_eq!(shown["cluster"], net.url());
    assert_eq!(shown["highest_sbpf_version"], 3);

    let says = net.named_recorder("inspect_rules");
    says("1_no_cluster", "inspect v3.so");
    let says = net.recorder("inspect_rules");
    // Version 3 is not enabled here.
    net.forge(&ENABLE_V3, |account| account.data[0] = 0);
    says("2_no_v3", "inspect v3.so --fail-on high");
    says(
        "3_no_v3_json",
        "inspect memo.so --fail-on low --output json",
    );
    net.forge(&ENABLE_V3, |account| account.data[0] = 1);
    assert_eq!(net.json("inspect v3.so")["highest"], "info");
    // SIMD-0500 is asked for, and then active.
    net.forge(&ONLY_V3, |account| {
        account.owner = FEATURE.parse().unwrap();
        account.lamports = 1_000_000;
        account.data = vec![0; 9];
    });
    says("4_v3_soon", "inspect memo.so");
    net.forge(&ONLY_V3, |account| account.data[0] = 1);
    says("5_only_v3", "inspect memo.so --fail-on high");
    assert_eq!(net.json("inspect v3.so")["highest"], "info");
}

#[test]
fn a_cluster_whose_features_are_not_known_is_no_judge() {
    let net = Net::start();
    let says = net.recorder("inspect_unknown");
    // The program is read, its cluster's features are not.
    let proxy = net.proxy(Fault::Without("getMultipleAccounts"));
    let line = "inspect v3.so --output json --rpc-timeout 0s";
    let output = proxy.run(&net, line);
    assert!(output.status.success());
    check_json(&output.stdout);
    let told: Value = serde_json::from_slice(&output.stdout).unwrap();
    let rules = &told["data"]["rules"];
    assert_eq!(rules["source"], "built_in");
    assert!(rules["unknown"]
        .as_str()
        .unwrap()
        .contains("Node is behind"));
    assert_eq!(told["data"]["findings"][0]["rule"], "PI009");
    for address in Features::addresses() {
        net.forge(&address, |account| account.owner = Default::default());
    }
    says("1_no_feature", "inspect v3.so --fail-on medium");
    // Two features of which no cluster has only the first.
    net.forge(&ONLY_V3, |account| {
        account.owner = FEATURE.parse().unwrap();
        account.lamports = 1_000_000;
        account.data = vec![1; 9];
    });
    says("2_contradiction", "inspect v3.so --fail-on medium");
}
