//! Executions of every kind from the command line: standbys that guardians trigger, changes, ways out.

// Each test file uses a part of it.
#[allow(dead_code)]
mod net;

use net::Net;

const TIMELOCK: i64 = 20 * 60 + 1;

#[test]
fn guardians_roll_an_upgrade_back_in_one_transaction() {
    let net = Net::with_lanes();
    let run = |name: &str, args: &[&str]| net.snapshot(&format!("trigger__{name}"), args);
    let trigger = ["trigger", &net.program, "rollback", "-k", "guard.json"];
    let with = |more: &[&'static str]| [&trigger[..], more].concat();
    run("01_nothing_is_armed", &with(&["--dry-run"]));
    let buffer = net.upload("new.so");
    let upgrade = ["propose", "upgrade", &buffer, "--program", &net.program];
    let upgrade = net.proposed(&[&upgrade[..], &["--with-rollback"]].concat());
    assert!(upgrade.ends_with("/0"), "{upgrade}");
    let rollback = format!("{}/1", net.program);
    let digests = [net.digest_of(&upgrade), net.digest_of(&rollback)];
    for voter in ["alice.json", "bob.json"] {
        let votes = net.json(&[
            "approve",
            &upgrade,
            &rollback,
            "-k",
            voter,
            "--yes",
            "--digest",
            &digests[0],
            "--digest",
            &digests[1],
        ]);
        assert_eq!(votes["data"]["signatures"].as_array().unwrap().len(), 1);
    }
    net.travel(TIMELOCK);
    run("02_queued_until_the_upgrade_runs", &with(&["--dry-run"]));
    net.ok(&["execute", &upgrade, "-k", "alice.json", "--yes"]);
    run("03_wait_armed", &["wait", &rollback, "--for", "armed"]);
    run("04_review", &["review", &rollback]);
    run(
        "05_execute_untriggered",
        &["execute", &rollback, "-k", "alice.json", "--yes"],
    );
    run(
        "06_wrong_use",
        &[
            "trigger",
            &net.program,
            "safe-mode",
            "-k",
            "guard.json",
            "--dry-run",
        ],
    );
    run(
        "07_not_a_guardian",
        &[
            "trigger",
            &net.program,
            "rollback",
            "-k",
            "bob.json",
            "--dry-run",
        ],
    );
    run("08_trigger_without_digest", &with(&["--yes"]));
    let digest = net.digest_of(&rollback);
    run("09_dry_run", &with(&["--dry-run"]));
    let yes: Vec<&str> = [&trigger[..], &["--yes", "--digest", &digest]].concat();
    run("10_trigger", &yes);
    assert_eq!(net.status_of(&rollback), "executed");
    net.ok(&["verify", &net.program, "--artifact", "old.so"]);
    run("11_gate_show", &["gate", "show", &net.program]);
    run("12_history", &["history", &net.program]);
}

#[test]
fn a_gate_s_and_the_council_s_own_changes_pass_in_one_vote() {
    let net = Net::with_lanes();
    let run = |name: &str, args: &[&str]| net.snapshot(&format!("change__{name}"), args);
    let stranger = format!("{}:guard", net.address("stranger"));
    let council = [
        "propose",
        "council",
        "--council",
        &net.council,
        "--add",
        &stranger,
    ];
    let members = net.proposed(&council);
    let policy = [
        "propose",
        "policy",
        "--program",
        &net.program,
        "--voting-period",
        "1d",
    ];
    let policy = net.proposed(&policy);
    run("01_review_members", &["review", "council/0"]);
    run("02_review_policy", &["review", &policy]);
    run("03_list", &["list"]);
    run("04_artifact", &["review", &policy, "--artifact", "new.so"]);
    let digests = [net.digest_of(&policy), net.digest_of(&members)];
    let both = |voter: &'static str| {
        let digests = ["--digest", &digests[0], "--digest", &digests[1]];
        let approve = ["approve", &policy, "council/0", "-k", voter, "--yes"];
        [&approve[..], &digests[..]].concat()
    };
    run("05_approve", &both("alice.json"));
    net.ok(&both("bob.json"));
    run(
        "06_execute_early",
        &["execute", &policy, "-k", "alice.json", "--yes"],
    );
    net.travel(TIMELOCK);
    run(
        "07_execute_policy",
        &["execute", &policy, "-k", "alice.json", "--yes"],
    );
    run(
        "08_execute_members",
        &["execute", "council/0", "-k", "alice.json", "--yes"],
    );
    run("09_status_council", &["status", &net.council]);
    run("10_history", &["history", "--council", &net.council]);
    run(
        "11_close",
        &["close", "council/0", "-k", "bob.json", "--yes"],
    );
    net.ok(&["history", &net.program]);
}

#[test]
fn a_program_leaves_and_comes_back_and_its_history_goes_on() {
    let net = Net::with_lanes();
    let run = |name: &str, args: &[&str]| net.snapshot(&format!("leave__{name}"), args);
    let stranger = net.address("stranger");
    let of = ["--program", &net.program];
    let transfer = net.proposed(&[&["propose", "transfer", "--to", &stranger], &of[..]].concat());
    run("01_review", &["review", &transfer]);
    net.pass(&transfer, TIMELOCK);
    let execute = ["execute", &transfer, "-k", "alice.json", "--yes"];
    run("02_without_its_signature", &execute);
    let with = |key| [&execute[..], &["--new-authority", key]].concat();
    run("03_another_key", &with("bob.json"));
    run("04_execute", &with("stranger.json"));
    run("05_status", &["status", &net.program]);
    run("06_close", &["close", &transfer, "-k", "bob.json", "--yes"]);
    let mut adopt = net.gate_adopt();
    for arg in &mut adopt {
        if *arg == "authority.json" {
            *arg = "stranger.json";
        }
        if *arg == "10m" {
            *arg = "20m";
        }
    }
    run("07_adopted_again", &adopt);
    run("08_history", &["history", &net.program]);
}

#[test]
fn a_gate_moves_where_the_new_council_accepts_it() {
    let net = Net::with_lanes();
    let run = |name: &str, args: &[&str]| net.snapshot(&format!("move__{name}"), args);
    let second = net.second_council();
    let of = [
        "propose",
        "move",
        "--program",
        &net.program,
        "--to",
        &second,
    ];
    let moved = net.proposed(&of);
    let left = [
        "propose",
        "policy",
        "--program",
        &net.program,
        "--voting-period",
        "1d",
    ];
    let left = net.proposed(&left);
    net.pass(&moved, TIMELOCK);
    run(
        "01_not_accepted",
        &[
            "execute",
            &moved,
            "-k",
            "alice.json",
            "--accepting-proposer",
            "bob.json",
            "--yes",
        ],
    );
    run(
        "02_execute",
        &["execute", &moved, "-k", "alice.json", "--yes"],
    );
    // What was proposed before is dead, although the digest of it covers the former council.
    assert_eq!(net.status_of(&left), "stale");
    run("03_history", &["history", &net.program]);
    net.ok(&["history", "--council", &net.council]);
    net.ok(&["close", &left, "-k", "bob.json", "--yes"]);
}

#[test]
fn finalization_must_be_said_twice() {
    let net = Net::with_lanes();
    let run = |name: &str, args: &[&str]| net.snapshot(&format!("final__{name}"), args);
    let finalize = ["propose", "finalize", "--program", &net.program];
    let args = [&finalize[..], &["-k", "alice.json", "--yes"]].concat();
    run("01_sbpf_v0_is_refused", &args);
}
