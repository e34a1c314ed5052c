//! Sockets that break, and servers that hide something or fall behind.

use std::{
    sync::{
        atomic::{AtomicBool, AtomicUsize, Ordering::SeqCst},
        Arc, Mutex,
    },
    thread,
    time::Duration,
};

use serde_json::Value;

use super::{assert_are_the_last, history, names};
use crate::net::Net;

#[test]
fn a_socket_that_breaks_loses_and_repeats_nothing() {
    let net = Net::adopted();
    let wire = net.wire();
    let line = format!(
        "watch $program --output json --ws {} --interval 1h",
        wire.url
    );
    let mut watching = net.watch_with(net.command(&line));
    let proposal = net.upgrade("new.so");
    let mut lines = watching.next_json(2);
    for voter in ["alice", "bob"] {
        wire.cut();
        watching.wait_for("no WebSocket");
        watching.said.clear();
        net.vote("approve", &proposal, voter);
        wire.mend();
        watching.wait_for("the WebSocket is there again");
        lines.extend(watching.next_json(1));
    }
    // It works as before.
    net.vote("retract", &proposal, "bob");
    lines.extend(watching.next_json(1));
    assert_eq!(watching.interrupt(), 0);
    assert_eq!(
        names(&lines),
        [
            "UpgradeProposed",
            "BufferVerified",
            "ApprovalCast",
            "ApprovalCast",
            "VoteRetracted"
        ]
    );
    assert_eq!(watching.lines.len(), lines.len());
    assert_are_the_last(&net, &lines);
    assert!(wire.connections() >= 3);
}

#[test]
fn what_a_server_hides_is_marked_as_not_proven() {
    let net = Net::adopted();
    let proposal = net.upgrade("new.so");
    let first = history(&net)[0]["signature"].clone();
    let gateway = net.lying_gateway(move |method, result| {
        let list = result.as_array()?;
        let kept = list.iter().filter(|one| one["signature"] != first);
        (method == "getSignaturesForAddress").then(|| kept.cloned().collect())
    });
    let mut watching = net.watch_polling_at(&gateway.url, "watch $program --output json --count 2");
    watching.wait_for("cannot be proven");
    net.approve(&proposal);
    let lines = watching.next_json(2);
    assert_eq!(watching.end(), 0);
    assert_eq!(names(&lines), ["ApprovalCast", "ApprovalCast"]);
    assert_eq!(lines[1]["status"], "queued");
    for line in &lines {
        assert_eq!(line["verified"], false);
        assert_eq!(line["log"], serde_json::json!([]));
    }
    let reason = lines[0]["unverified_reason"].as_str().unwrap();
    assert!(
        reason.contains("which no instruction before it created"),
        "{reason}"
    );
}

#[test]
fn a_server_that_hides_something_for_a_while_changes_nothing() {
    let net = Net::adopted();
    let proposal = net.upgrade("new.so");
    let lies = Arc::new(AtomicBool::new(false));
    let lying = Arc::clone(&lies);
    // The first vote is hidden until the execution was asked for, which nothing explains without it.
    let hidden = Mutex::new(None);
    let given = AtomicUsize::new(0);
    let gateway = net.lying_gateway(move |method, result| {
        if !lying.load(SeqCst) {
            return None;
        }
        if method == "getTransaction" && given.fetch_add(1, SeqCst) == 1 {
            lying.store(false, SeqCst);
        }
        let list = result.as_array().filter(|list| !list.is_empty())?;
        let signature = |one: &Value| one["signature"].clone();
        let mut hidden = hidden.lock().unwrap();
        let hidden = hidden.get_or_insert_with(|| list.last().map(signature));
        let kept = list.iter().filter(|one| Some(signature(one)) != *hidden);
        (method == "getSignaturesForAddress").then(|| kept.cloned().collect())
    });
    let mut watching = net.watch_polling_at(&gateway.url, "watch $program --output json --count 3");
    lies.store(true, SeqCst);
    net.pass(&proposal);
    net.execute(&proposal);
    let lines = watching.next_json(3);
    assert_eq!(watching.end(), 0);
    assert!(!lies.load(SeqCst));
    assert_eq!(
        names(&lines),
        ["ApprovalCast", "ApprovalCast", "UpgradeExecuted"]
    );
    assert_are_the_last(&net, &lines);
}

#[test]
fn a_server_that_falls_behind_changes_nothing() {
    let net = Net::adopted();
    let stale = Arc::new(AtomicBool::new(false));
    let behind = Arc::clone(&stale);
    let old = Mutex::new(None);
    let gateway = net.lying_gateway(move |method, result| {
        // Council, gate and clock.
        let asked = method == "getMultipleAccounts" && result["value"].as_array()?.len() == 3;
        let mut old = old.lock().unwrap();
        let old = asked.then(|| old.get_or_insert_with(|| result.clone()).clone());
        old.filter(|_| behind.load(SeqCst))
    });
    let mut watching = net.watch_polling_at(&gateway.url, "watch $program --output json --count 3");
    let proposal = net.upgrade("new.so");
    let mut lines = watching.next_json(2);
    stale.store(true, SeqCst);
    let before = gateway.requests();
    while gateway.requests() < before + 8 {
        thread::sleep(Duration::from_millis(50));
    }
    stale.store(false, SeqCst);
    net.vote("approve", &proposal, "bob");
    lines.extend(watching.next_json(1));
    assert_eq!(watching.end(), 0);
    assert_are_the_last(&net, &lines);
}
