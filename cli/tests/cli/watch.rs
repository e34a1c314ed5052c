//! What happens is shown while it happens: once, in order, proven.

mod delivery;
mod servers;

use std::collections::BTreeSet;

use serde_json::Value;

use crate::net::{council_create, Net};

/// Whatever has happened, a watch from the start shows the events of a council and its gates as their histories prove them.
pub fn assert_a_watch_shows_the_history(net: &Net, council: &str, programs: &[&str]) {
    let mut expected = BTreeSet::new();
    let subjects = programs.iter().map(|program| program.to_string());
    for subject in subjects.chain([format!("--council {council}")]) {
        let history = net.json(&format!("history {subject}"));
        let account = match history["gate"].as_str() {
            Some(gate) => gate.to_string(),
            None => history["council"].as_str().unwrap().to_string(),
        };
        for event in history["events"].as_array().unwrap() {
            let link = format!("{account}/{} {}", event["sequence"], event["head"]);
            expected.insert(link);
        }
    }
    let mut watching = net.watch(&format!(
        "watch --council {council} --since start --output json"
    ));
    let mut shown = BTreeSet::new();
    while !expected.is_subset(&shown) {
        let line = &watching.next_json(1)[0];
        assert_eq!(line["verified"], true, "{line}");
        for link in line["log"].as_array().unwrap() {
            let account = link["account"].as_str().unwrap();
            let link = format!("{account}/{} {}", link["sequence"], link["head"]);
            assert!(shown.insert(link), "{line}");
        }
    }
    assert_eq!(watching.interrupt(), 0);
}

const DAY: i64 = 86_400;

/// Events by name.
fn names(lines: &[Value]) -> Vec<&str> {
    lines
        .iter()
        .map(|line| line["event"].as_str().unwrap())
        .collect()
}

/// The events of the gate, as its history proves them.
fn history(net: &Net) -> Vec<Value> {
    let history = net.json("history $program");
    history["events"].as_array().unwrap().clone()
}

/// Shown are the gate's last events, each once, in the order of its chain.
fn assert_are_the_last(net: &Net, lines: &[Value]) {
    let events = history(net);
    let shown: Vec<&Value> = lines
        .iter()
        .filter(|line| !line["signature"].is_null())
        .collect();
    let expected = &events[events.len() - shown.len()..];
    for (line, event) in shown.iter().zip(expected) {
        assert_eq!(line["verified"], true, "{line}");
        for key in ["event", "signature", "slot", "fields", "time"] {
            assert_eq!(line[key], event[key], "{line}");
        }
        assert_eq!(line["log"][0]["sequence"], event["sequence"]);
        assert_eq!(line["log"][0]["head"], event["head"]);
    }
    let ids: BTreeSet<&str> = lines
        .iter()
        .map(|line| line["id"].as_str().unwrap())
        .collect();
    assert_eq!(ids.len(), lines.len());
}

#[test]
fn an_upgrade_is_watched_over_the_socket() {
    let net = Net::adopted();
    let mut watching = net.watch("watch --council $council");
    let proposal = net.upgrade("new.so");
    watching.next(2);
    net.approve(&proposal);
    watching.next(2);
    assert_eq!(watching.interrupt(), 0);
    net.compare_text(
        "watch__text",
        "portcullis watch --council $council",
        &format!(
            "--- stdout\n{}\n--- stderr\n{}",
            watching.lines.join("\n"),
            watching.said.join("\n")
        ),
    );
}

#[test]
fn without_a_socket_the_chain_is_asked_and_nothing_is_lost() {
    let net = Net::adopted();
    let mut watching = net.watch_polling("watch $program --output json --count 8");
    let proposal = net.upgrade("new.so");
    net.approve(&proposal);
    let mut lines = watching.next_json(4);
    net.travel(601);
    lines.extend(watching.next_json(1));
    net.execute(&proposal);
    lines.extend(watching.next_json(1));
    // Its window passes without an execution.
    let late = net.upgrade("old.so");
    net.travel(3 * DAY + 1);
    lines.extend(watching.next_json(2));
    assert_eq!(watching.end(), 0);
    assert_eq!(
        names(&lines),
        [
            "UpgradeProposed",
            "BufferVerified",
            "ApprovalCast",
            "ApprovalCast",
            "ProposalReady",
            "UpgradeExecuted",
            "UpgradeProposed",
            "BufferVerified",
        ]
    );
    assert_are_the_last(&net, &lines);
    assert_eq!(lines[0]["proposal"], Value::String(proposal));
    assert_eq!(lines[6]["proposal"], Value::String(late));
    let statuses =
        |key: &str| -> Vec<&Value> { lines[..6].iter().map(|line| &line[key]).collect() };
    assert_eq!(
        statuses("status"),
        ["draft", "voting", "voting", "queued", "ready", "executed"]
    );
    let sources = watching
        .said
        .iter()
        .filter(|line| line.contains("WebSocket"));
    assert_eq!(sources.count(), 1, "{:?}", watching.said);
    net.compare_text(
        "watch__json_queued",
        "portcullis watch $program --output json",
        &serde_json::to_string_pretty(&lines[3]).unwrap(),
    );
    net.compare_text(
        "watch__json_ready",
        "portcullis watch $program --output json",
        &serde_json::to_string_pretty(&lines[4]).unwrap(),
    );
}

#[test]
fn what_the_time_does_is_told_although_no_transaction_says_it() {
    let net = Net::adopted();
    let never = net.upgrade("new.so");
    let approved = net.proposed("propose policy --program $program --voting-period 1d");
    let mut watching = net.watch_polling("watch --council $council --output json --count 6");
    net.approve(&approved);
    let mut lines = watching.next_json(2);
    net.travel(601);
    lines.extend(watching.next_json(1));
    net.travel(2 * DAY);
    lines.extend(watching.next_json(1));
    net.travel(DAY);
    lines.extend(watching.next_json(1));
    net.ok(&format!("buffer return {never} -k alice.json --yes"));
    lines.extend(watching.next_json(1));
    assert_eq!(watching.end(), 0);
    let told: Vec<String> = lines
        .iter()
        .map(|line| format!("{} {}", line["event"], line["status"]).replace('"', ""))
        .collect();
    assert_eq!(
        told,
        [
            "ApprovalCast voting",
            "ApprovalCast queued",
            "ProposalReady ready",
            "ProposalExpired expired",
            "VotingClosed expired",
            "BufferReturned expired",
        ]
    );
    for line in &lines[2..5] {
        assert_eq!(line["verified"], true);
        assert!(line["signature"].is_null() && line["by"].is_null());
    }
    assert_eq!(lines[2]["time"], lines[1]["eta"]);
    assert_eq!(lines[2]["seconds_to_eta"], 0);
    assert_eq!(lines[3]["time"], lines[1]["expires_at"]);
    assert_eq!(lines[4]["time"], lines[4]["voting_ends_at"]);
    assert_eq!(lines[4]["proposal"], Value::String(never));
}

#[test]
fn what_was_built_on_another_release_is_told_to_be_stale() {
    let net = Net::adopted();
    let first = net.upgrade("new.so");
    let second = net.upgrade("v3.so");
    let mut watching = net.watch("watch --output json --only execute,stale --count 2");
    net.pass(&first);
    net.execute(&first);
    let lines = watching.next_json(2);
    assert_eq!(watching.end(), 0);
    assert_eq!(names(&lines), ["UpgradeExecuted", "ProposalStale"]);
    assert_eq!(lines[1]["proposal"], Value::String(second));
    assert_eq!(lines[1]["status_before"], "voting");
}

#[test]
fn a_watch_goes_on_where_another_one_stopped() {
    let net = Net::adopted();
    let mut first = net.watch_polling("watch --output json --count 2");
    let proposal = net.upgrade("new.so");
    let mut lines = first.next_json(2);
    assert_eq!(first.end(), 0);
    net.approve(&proposal);
    let last = lines[1]["signature"].as_str().unwrap().to_string();
    let second = format!("watch --output json --count 2 --since {last}");
    let mut second = net.watch_with(net.command(&second));
    lines.extend(second.next_json(2));
    assert_eq!(second.end(), 0);
    assert_are_the_last(&net, &lines);
    assert_eq!(names(&lines)[2..], ["ApprovalCast", "ApprovalCast"]);

    let all = net.watch_with(net.command("watch --since start --count 7"));
    let mut all = all;
    let shown = all.next(7);
    assert_eq!(all.end(), 0);
    let text = shown.join("\n");
    net.compare_text(
        "watch__from_the_start",
        "portcullis watch --since start",
        &text,
    );
}

#[test]
fn a_watch_ends_when_nobody_reads_it_any_more() {
    let net = Net::adopted();
    let mut watching = net.watch("watch $program --since start");
    watching.next(1);
    watching.stop_reading();
    // It notices that with the next events.
    let proposal = net.upgrade("new.so");
    net.approve(&proposal);
    assert_eq!(watching.end(), 0);
}

#[test]
fn only_what_was_asked_for_is_shown() {
    let net = Net::with_lanes();
    net.adopt_other();
    let mut of_other = net.watch("watch $other-program --output json --count 1");
    let mut queued = net.watch("watch $program --only queue --output json --count 1");
    let proposal = net.upgrade("new.so");
    net.approve(&proposal);
    let line = &queued.next_json(1)[0];
    assert_eq!(
        (&line["kind"], &line["queued"]),
        (&"approve".into(), &true.into())
    );
    assert_eq!(queued.end(), 0);
    let other = net.proposed("propose policy --program $other-program --voting-period 1d");
    let line = &of_other.next_json(1)[0];
    assert_eq!(line["proposal"], Value::String(other));
    assert_eq!(of_other.end(), 0);
}

#[test]
fn a_watch_that_cannot_begin_says_why() {
    let net = Net::start();
    let run = net.recorder("watch_errors");
    run("01_no_council", "watch");
    run("02_no_gate", "watch $program");
    net.ok(&council_create());
    run(
        "03_no_websocket",
        "watch --ws https://user:secret@rpc.example.com/secret",
    );
    run("04_no_webhook", "watch --webhook hooks.example.com/secret");
    run("05_no_event", &format!("watch --since {}", "1".repeat(64)));
    run("06_neither_now_nor_start", "watch --since yesterday");
    net.council_of("bob");
    run("07_several_councils", "watch");
}
