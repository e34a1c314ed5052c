//! Changes of rules and members: what they show before they are signed, what is refused, what they do.

use crate::net::Net;

#[test]
fn other_rules_are_shown_before_and_after_and_impossible_ones_refused_by_name() {
    let net = Net::with_lanes();
    let run = net.recorder("policy");
    let gate = |more: &str| format!("propose policy --program $program {more} -k alice.json");
    let council = |more: &str| format!("propose policy --council $council {more} -k alice.json");
    run(
        "01_dry_run",
        &gate("--emergency-threshold 0 --min-interval 1d --dry-run"),
    );
    for (name, more) in [
        ("02_unreachable", "--threshold 9"),
        ("03_short", "--timelock 1m"),
        ("04_weak_emergency", "--emergency-threshold 1"),
        ("05_long_emergency", "--emergency-timelock 1h"),
        ("06_triggers", "--trigger-threshold 2"),
        ("07_attesters", "--attestations audit=1"),
        ("08_message", "--message-validity 2d"),
        ("09_stricter_than_council", "--timelock 1h"),
        ("10_unchanged", "--threshold 2"),
    ] {
        run(name, &gate(&format!("{more} --yes")));
    }
    run(
        "11_council_weaker_than_gate",
        &council("--timelock 10m --yes"),
    );
    run(
        "12_council",
        &council("--timelock 1d --delay-floor 10m --yes"),
    );
    run("13_subject", "propose policy --threshold 3 -k alice.json");
    run(
        "14_gate_json",
        &gate("--voting-period 1d --yes --output json"),
    );
    net.pass("$program/0");
    net.execute("$program/0");
    let gate = net.ok("gate show $program --output text");
    assert!(gate.contains("voting period        1day"), "{gate}");
}

#[test]
fn other_members_are_shown_with_what_ends() {
    let net = Net::with_lanes();
    let run = net.recorder("members");
    net.proposed("propose policy --program $program --voting-period 1d");
    for (name, more) in [
        ("01_change", "--remove $bob --add $bob:vote:2 --yes"),
        ("02_unreachable", "--remove $bob --remove $carol --yes"),
        ("03_gates_need_the_guardian", "--remove $guard --yes"),
        ("04_twice", "--add $bob:vote:2 --yes"),
        ("05_no_member", "--remove $stranger --yes"),
        (
            "06_only_guardians",
            "--remove $guard --add $stranger:guard --dry-run",
        ),
    ] {
        run(
            name,
            &format!("propose council --council $council {more} -k alice.json"),
        );
    }
}

#[test]
fn a_gate_s_and_the_council_s_own_changes_pass_in_one_vote() {
    let net = Net::with_lanes();
    let run = net.recorder("change");
    let members = net.proposed("propose council --council $council --add $stranger:guard");
    let policy = net.proposed("propose policy --program $program --voting-period 1d");
    run("01_review_members", "review council/0");
    run("02_review_policy", &format!("review {policy}"));
    run("03_list", "list");
    run("04_artifact", &format!("review {policy} --artifact new.so"));
    let digests = [net.digest_of(&policy), net.digest_of(&members)];
    let both = |voter: &str| {
        format!(
            "approve {policy} council/0 -k {voter}.json --yes --digest {} --digest {}",
            digests[0], digests[1]
        )
    };
    run("05_approve", &both("alice"));
    net.ok(&both("bob"));
    let execute = format!("execute {policy} -k alice.json --yes");
    run("06_execute_early", &execute);
    net.travel(20 * 60 + 1);
    run("07_execute_policy", &execute);
    run(
        "08_execute_members",
        "execute council/0 -k alice.json --yes",
    );
    run("09_status_council", "status $council");
    run("10_history", "history --council $council");
    run("11_close", "close council/0 -k bob.json --yes");
    net.ok("history $program");
}
