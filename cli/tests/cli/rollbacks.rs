//! An upgrade and its rollback in two transactions, and what is left of them after an interruption.

use crate::net::{Fault, Net};

/// With this the two proposals do not fit into one transaction.
fn explained() -> String {
    let uri = format!("https://example.com/{}", "a".repeat(180));
    format!("--statement release.json --statement-uri {uri}")
}

#[test]
fn what_does_not_fit_into_one_transaction_takes_two() {
    let net = Net::with_lanes();
    let run = net.recorder("two_steps");
    let buffer = net.upload("new.so");
    let propose = format!(
        "propose upgrade {buffer} --program $program --with-rollback -k alice.json {}",
        explained()
    );
    run("01_dry_run", &format!("{propose} --dry-run"));
    let made = net.json(&format!("{propose} --yes"));
    assert_eq!(made["signatures"].as_array().unwrap().len(), 2);
    let statement = &made["statement"]["sha256"];
    assert!(statement.is_string());
    run("02_review", "review $program/1");
    net.approve("$program/0");
    net.pass("$program/1");
    net.execute("$program/0");
    assert_eq!(net.status_of("$program/1"), "armed");
    net.ok("history $program");
}

#[test]
fn an_interruption_between_the_two_leaves_a_way_on() {
    let net = Net::with_lanes();
    let run = net.recorder("interrupted");
    let buffer = net.upload("new.so");
    net.upload("old.so");
    let propose = format!(
        "propose upgrade {buffer} --program $program --with-rollback -k alice.json {}",
        explained()
    );
    // The server takes the first transaction, and refuses the second.
    net.snapshot_stopped_by(
        &net.proxy(Fault::Refused(2)),
        "interrupted__01_after_the_first",
        &format!("{propose} --yes"),
    );
    assert_eq!(net.status_of("$program/0"), "voting");
    assert_eq!(net.run_checked("status $program/1").status.code(), Some(5));

    run("02_again", &format!("{propose} --yes"));
    let rollback = format!(
        "propose rollback --program $program --for $program/0 -k alice.json {}",
        explained()
    );
    run("03_the_rest", &format!("{rollback} --yes"));
    net.approve("$program/0");
    net.pass("$program/1");
    net.execute("$program/0");
    assert_eq!(net.status_of("$program/1"), "armed");
}
