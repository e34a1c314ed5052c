//! Transactions that others sign.

use std::collections::{BTreeMap, BTreeSet};

use serde_json::Value;

use crate::net::{address, bare, Net};

#[test]
fn what_others_sign_is_exported() {
    let net = Net::with_lanes();
    let run = net.recorder("export");
    let policy = "propose policy --program $program --voting-period 1d";
    // Neither key is there: their addresses are enough. Bob pays the rent.
    let exported = format!("{policy} --export -k $alice --fee-payer $bob");
    run("01_policy", &exported);
    run("02_json", &format!("{exported} --output json"));
    run("03_not_an_address", &format!("{policy} --yes -k $alice"));
    let buffer = net.upload("new.so");
    run(
        "04_with_rollback",
        &format!(
            "propose upgrade {buffer} --program $program --with-rollback --export -k alice.json"
        ),
    );
    run("05_upload", "buffer upload old.so --export -k alice.json");
    run(
        "06_adopt",
        "gate adopt $other-program --council $council --threshold 2 --timelock 20m \
         --upgrade-authority $authority --export -k $alice",
    );
}

/// The commands that change the chain, as their help shows them.
fn writes(command: &str) -> BTreeSet<String> {
    let help = bare(&format!("{command} --help"));
    let Some((_, commands)) = help.split_once("\nCommands:\n") else {
        return match help.contains("--export") {
            true => BTreeSet::from([command.trim().to_string()]),
            false => BTreeSet::new(),
        };
    };
    commands
        .lines()
        .take_while(|line| !line.is_empty())
        .filter(|line| line.starts_with("  ") && !line.starts_with("   "))
        .filter_map(|line| line.split_whitespace().next())
        .filter(|name| *name != "help")
        .flat_map(|name| writes(&format!("{command} {name}")))
        .collect()
}

/// What each of them can be asked in some state of the chain. No key is there: the addresses of alice, who acts, and of bob, who
/// pays, must do.
#[derive(Default)]
struct Asked {
    commands: BTreeMap<String, usize>,
}

impl Asked {
    fn run(&mut self, net: &Net, command: &str, rest: &str, acts: &str) {
        *self.commands.entry(command.to_string()).or_default() += 1;
        let line = format!("{command} {rest} -k ${acts} --fee-payer $bob");
        let before = net.chain();
        let exported = net.json(&format!("{line} --export"));
        assert_eq!(exported["export"], true, "{line}");
        for transaction in exported["transactions"].as_array().unwrap() {
            let signers = transaction["message"]["signers"].as_array().unwrap();
            assert!(
                signers.contains(&address(acts).into()) || acts == "bob",
                "{line}: {signers:?}"
            );
        }
        let count = exported["transactions"].as_array().unwrap().len();
        assert!(count > 0, "{line}");
        if count > 1 {
            return;
        }
        // The same is signed on several machines: here by none of them.
        let apart = net.json(&format!(
            "{line} --yes --sign-only --blockhash {}",
            net.blockhash()
        ));
        assert_eq!(apart["signers"], Value::Array(vec![]), "{line}");
        let absent: Vec<&str> = apart["absent"]
            .as_array()
            .unwrap()
            .iter()
            .map(|key| key.as_str().unwrap())
            .collect();
        assert_eq!(absent[0], address("bob"), "{line}: bob pays");
        assert!(net.chain() == before, "{line} changed the chain");
    }
}

/// A vote, and until when it is valid.
fn vote(net: &Net, name: &str) -> String {
    let until = net.time_of(name) + 1800;
    format!(
        "{name} --digest {} --valid-until {until}",
        net.digest_of(name)
    )
}

#[test]
fn every_command_that_writes_is_exported_and_signed_elsewhere() {
    let attesting = "--threshold 2 --timelock 20m --trigger-threshold 1 --standby-validity 10d --veto-threshold 1";
    let create = format!(
        "council create --create-key create.json --member $alice:propose,vote,execute,guard,attest=build \
         --member $bob:vote --member $carol:vote {attesting} -k alice.json --yes"
    );
    let net = Net::start().governed(&create, attesting);
    let mut asked = Asked::default();
    let all = writes("");

    asked.run(
        &net,
        "council create",
        "--create-key $stranger --member $alice:propose,vote,execute --threshold 1 --timelock 10m",
        "alice",
    );
    asked.run(
        &net,
        "gate adopt",
        "$other-program --council $council --threshold 2 --timelock 20m --upgrade-authority $authority",
        "alice",
    );
    let policy = "--program $program --voting-period 1d";
    asked.run(&net, "propose policy", policy, "alice");
    asked.run(
        &net,
        "propose council",
        "--council $council --remove $carol",
        "alice",
    );
    asked.run(
        &net,
        "propose transfer",
        "--to $stranger --program $program",
        "alice",
    );
    let other = net.council_of("alice");
    asked.run(
        &net,
        "propose move",
        &format!("--to {other} --program $program"),
        "alice",
    );
    let buffer = net.upload("new.so");
    asked.run(
        &net,
        "propose upgrade",
        &format!("{buffer} --program $program"),
        "alice",
    );
    asked.run(
        &net,
        "propose safe-mode",
        &format!("{buffer} --program $program"),
        "alice",
    );
    asked.run(&net, "buffer close", &buffer, "alice");

    let upgrade = net.proposed(&format!("propose upgrade {buffer} --program $program"));
    let named = vote(&net, &upgrade);
    for verb in ["approve", "reject", "veto"] {
        asked.run(&net, verb, &named, "alice");
    }
    let hash = "0f".repeat(32);
    asked.run(
        &net,
        "attest",
        &format!("{named} --kind build --sha256 {hash}"),
        "alice",
    );
    let digest = net.digest_of(&upgrade);
    net.ok(&format!(
        "attest {upgrade} --digest {digest} --yes --kind build --sha256 {hash} -k alice.json"
    ));
    asked.run(&net, "attest", &format!("{named} --revoke"), "alice");
    asked.run(&net, "cancel", &upgrade, "alice");
    net.ok(&format!(
        "approve {upgrade} --digest {digest} --yes -k alice.json"
    ));
    asked.run(&net, "retract", &named, "alice");
    net.ok(&format!(
        "approve {upgrade} --digest {digest} --yes -k bob.json"
    ));
    net.travel(20 * 60 + 1);
    asked.run(&net, "execute", &upgrade, "alice");
    net.execute(&upgrade);
    asked.run(&net, "close", &upgrade, "alice");
    asked.run(&net, "propose revoke", "1 --program $program", "alice");

    let old = net.upload("old.so");
    asked.run(
        &net,
        "propose rollback",
        &format!("--program $program --buffer {old}"),
        "alice",
    );
    let rollback = net.proposed(&format!(
        "propose rollback --program $program --buffer {old}"
    ));
    net.pass(&rollback);
    let digest = net.digest_of(&rollback);
    let until = net.time_of(&rollback) + 600;
    asked.run(
        &net,
        "trigger",
        &format!("$program rollback --digest {digest} --valid-until {until}"),
        "alice",
    );
    let cancelled = net.upgrade("old.so");
    net.ok(&format!("cancel {cancelled} -k alice.json --yes"));
    asked.run(&net, "repropose", &cancelled, "alice");
    asked.run(&net, "buffer return", &cancelled, "alice");

    let large = Net::with_deployed("large.so");
    large.ok(&crate::net::council_create());
    large.begin_adoption(1);
    asked.run(&large, "gate abandon", "$program", "authority");
    let final_one = Net::with_deployed("v3.so").with_every_lane();
    asked.run(
        &final_one,
        "propose finalize",
        "--program $program",
        "alice",
    );

    // Its writes are many, and need no role.
    let output = net.run_checked("buffer upload old.so --export -k $alice --output json");
    let envelope: Value = serde_json::from_slice(&output.stdout).unwrap();
    assert_eq!(envelope["error"]["code"], "not_exportable");
    asked.commands.insert("buffer upload".to_string(), 1);

    let known: BTreeSet<String> = asked.commands.into_keys().collect();
    assert_eq!(all, known);
}
