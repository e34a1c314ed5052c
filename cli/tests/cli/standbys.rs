//! Standbys: proposed beside an upgrade or alone, armed, triggered by guardians.

use crate::net::Net;

#[test]
fn an_upgrade_comes_with_its_way_back() {
    let net = Net::with_lanes();
    let run = net.recorder("standby");
    let buffer = net.upload("new.so");
    let upgrade =
        |more: &str| format!("propose upgrade {buffer} --program $program {more} -k alice.json");
    run("01_dry_run", &upgrade("--with-rollback --dry-run"));
    run("02_emergency", &upgrade("--emergency --dry-run"));
    run("03_both", &upgrade("--with-rollback --yes"));
    net.approve("$program/0");
    net.pass("$program/1");
    net.execute("$program/0");
    run("04_armed", "status $program/1");
    let rollback = |more: &str| format!("propose rollback {more} --program $program -k alice.json");
    run("05_bytes_required", &rollback("--yes"));
    run("06_other_bytes", &rollback("--artifact new.so --dry-run"));
    run("07_from_a_file", &rollback("--artifact old.so --dry-run"));
    run("08_unknown_release", &rollback("9 --yes"));
    let safe = net.upload("old.so");
    run(
        "09_safe_mode",
        &format!("propose safe-mode {safe} --program $program -k alice.json --yes"),
    );
    run(
        "10_revoke",
        "propose revoke 1 --program $program -k alice.json --dry-run",
    );
    // What the gate holds of a dead proposal is carried over.
    let repropose = "repropose $program/2 -k alice.json --yes";
    run("11_still_live", repropose);
    net.ok("cancel $program/2 -k alice.json --yes");
    run("12_repropose", repropose);
    run("13_released", repropose);
}

#[test]
fn guardians_roll_an_upgrade_back_in_one_transaction() {
    let net = Net::with_lanes();
    let run = net.recorder("trigger");
    let trigger = |more: &str| format!("trigger $program rollback -k guard.json {more}");
    run("01_nothing_is_armed", &trigger("--dry-run"));
    let buffer = net.upload("new.so");
    net.proposed(&format!(
        "propose upgrade {buffer} --program $program --with-rollback"
    ));
    let (upgrade, rollback) = (net.digest_of("$program/0"), net.digest_of("$program/1"));
    for voter in ["alice", "bob"] {
        let votes = net.json(&format!(
            "approve $program/0 $program/1 -k {voter}.json --yes --digest {upgrade} --digest {rollback}"
        ));
        assert_eq!(votes["signatures"].as_array().unwrap().len(), 1);
    }
    net.travel(20 * 60 + 1);
    run("02_queued_until_the_upgrade_runs", &trigger("--dry-run"));
    net.execute("$program/0");
    run("03_wait_armed", "wait $program/1 --for armed");
    run("04_review", "review $program/1");
    run(
        "05_execute_untriggered",
        "execute $program/1 -k alice.json --yes",
    );
    run(
        "06_wrong_use",
        "trigger $program safe-mode -k guard.json --dry-run",
    );
    run(
        "07_not_a_guardian",
        "trigger $program rollback -k bob.json --dry-run",
    );
    run("08_trigger_without_digest", &trigger("--yes"));
    run("09_dry_run", &trigger("--dry-run"));
    run(
        "10_trigger",
        &trigger(&format!("--yes --digest {rollback}")),
    );
    assert_eq!(net.status_of("$program/1"), "executed");
    net.ok("verify $program --artifact old.so");
    run("11_gate_show", "gate show $program");
    run("12_history", "history $program");
}
