//! Proposals of every kind from the command line: what they show before they are signed, and what is refused before anything is
//! sent.

// Each test file uses a part of it.
#[allow(dead_code)]
mod net;

use net::Net;

fn args<'a>(first: &[&'a str], more: &[&'a str]) -> Vec<&'a str> {
    [first, more, &["-k", "alice.json"]].concat()
}

#[test]
fn other_rules_are_shown_before_and_after_and_impossible_ones_refused_by_name() {
    let net = Net::with_lanes();
    let of_gate = ["propose", "policy", "--program", &net.program];
    let of_council = ["propose", "policy", "--council", &net.council];
    let run = |name: &str, args: &[&str]| net.snapshot(&format!("policy__{name}"), args);
    run(
        "01_dry_run",
        &args(
            &of_gate,
            &[
                "--emergency-threshold",
                "0",
                "--min-interval",
                "1d",
                "--dry-run",
            ],
        ),
    );
    for (name, more) in [
        ("02_unreachable", ["--threshold", "9"]),
        ("03_short", ["--timelock", "1m"]),
        ("04_weak_emergency", ["--emergency-threshold", "1"]),
        ("05_long_emergency", ["--emergency-timelock", "1h"]),
        ("06_triggers", ["--trigger-threshold", "2"]),
        ("07_attesters", ["--attestations", "audit=1"]),
        ("08_message", ["--message-validity", "2d"]),
        ("09_stricter_than_council", ["--timelock", "1h"]),
        ("10_unchanged", ["--threshold", "2"]),
    ] {
        run(name, &args(&of_gate, &[&more[..], &["--yes"]].concat()));
    }
    run(
        "11_council_weaker_than_gate",
        &args(&of_council, &["--timelock", "10m", "--yes"]),
    );
    run(
        "12_council",
        &args(
            &of_council,
            &["--timelock", "1d", "--delay-floor", "10m", "--yes"],
        ),
    );
    run(
        "13_subject",
        &args(&["propose", "policy"], &["--threshold", "3"]),
    );
    let mut made = args(&of_gate, &["--voting-period", "1d", "--yes"]);
    made.extend(["--output", "json"]);
    run("14_gate_json", &made);
    let name = format!("{}/0", net.program);
    net.approve(&name);
    net.travel(20 * 60 + 1);
    net.ok(&["execute", &name, "-k", "alice.json", "--yes"]);
    let gate = net.ok(&["gate", "show", &net.program]);
    assert!(gate.contains("voting period        1day"), "{gate}");
}

#[test]
fn releases_follow_each_other_across_gates() {
    let net = Net::with_lanes();
    let run = |name: &str, args: &[&str]| net.snapshot(&format!("predecessor__{name}"), args);
    net.ok(&net.adopt_other());
    let buffer = net.upload("new.so");
    let first = format!("{}/0", net.program);
    net.ok(&args(
        &["propose", "upgrade", &buffer, "--program", &net.program],
        &["--yes"],
    ));
    let again = net.upload("new.so");
    let upgrade = [
        "propose",
        "upgrade",
        &again,
        "--program",
        &net.other_program,
    ];
    let after = ["--predecessor", first.as_str(), "--soak", "7d"];
    run(
        "01_propose",
        &args(&upgrade, &[&after[..], &["--yes"]].concat()),
    );
    let second = format!("{}/0", net.other_program);
    net.approve(&second);
    net.travel(20 * 60 + 1);
    run(
        "02_not_executed",
        &["execute", &second, "-k", "alice.json", "--yes"],
    );
    let third = net.upload("new.so");
    let own = ["propose", "upgrade", &third, "--program", &net.program];
    run(
        "03_of_its_own_gate",
        &args(&own, &[&after[..], &["--yes"]].concat()),
    );
    run("04_soak_alone", &args(&own, &["--soak", "1d", "--yes"]));
    net.ok(&["cancel", &first, "-k", "alice.json", "--yes"]);
    let late = [
        "propose",
        "upgrade",
        &third,
        "--program",
        &net.other_program,
    ];
    run(
        "05_of_a_cancelled_one",
        &args(&late, &[&after[..], &["--yes"]].concat()),
    );
}

#[test]
fn other_members_are_shown_with_what_ends() {
    let net = Net::with_lanes();
    let (bob, carol, guard) = (
        net.address("bob"),
        net.address("carol"),
        net.address("guard"),
    );
    let of = ["propose", "council", "--council", &net.council];
    let run = |name: &str, args: &[&str]| net.snapshot(&format!("members__{name}"), args);
    net.ok(&args(
        &["propose", "policy", "--program", &net.program],
        &["--voting-period", "1d", "--yes"],
    ));
    let heavier = format!("{bob}:vote:2");
    run(
        "01_change",
        &args(&of, &["--remove", &bob, "--add", &heavier, "--yes"]),
    );
    run(
        "02_unreachable",
        &args(&of, &["--remove", &bob, "--remove", &carol, "--yes"]),
    );
    run(
        "03_gates_need_the_guardian",
        &args(&of, &["--remove", &guard, "--yes"]),
    );
    run("04_twice", &args(&of, &["--add", &heavier, "--yes"]));
    let stranger = net.address("stranger");
    run(
        "05_no_member",
        &args(&of, &["--remove", &stranger, "--yes"]),
    );
    let guardian = format!("{stranger}:guard");
    run(
        "06_only_guardians",
        &args(&of, &["--remove", &guard, "--add", &guardian, "--dry-run"]),
    );
}

#[test]
fn an_upgrade_comes_with_its_way_back() {
    let net = Net::with_lanes();
    let run = |name: &str, args: &[&str]| net.snapshot(&format!("standby__{name}"), args);
    let buffer = net.upload("new.so");
    let upgrade = ["propose", "upgrade", &buffer, "--program", &net.program];
    run(
        "01_dry_run",
        &args(&upgrade, &["--with-rollback", "--dry-run"]),
    );
    run(
        "02_emergency",
        &args(&upgrade, &["--emergency", "--dry-run"]),
    );
    run("03_both", &args(&upgrade, &["--with-rollback", "--yes"]));
    let (first, second) = (format!("{}/0", net.program), format!("{}/1", net.program));
    net.approve(&first);
    net.approve(&second);
    net.travel(20 * 60 + 1);
    net.ok(&["execute", &first, "-k", "alice.json", "--yes"]);
    run("04_armed", &["status", &second]);
    let rollback = ["propose", "rollback", "--program", &net.program];
    run("05_bytes_required", &args(&rollback, &["--yes"]));
    run(
        "06_other_bytes",
        &args(&rollback, &["--artifact", "new.so", "--dry-run"]),
    );
    run(
        "07_from_a_file",
        &args(&rollback, &["--artifact", "old.so", "--dry-run"]),
    );
    run(
        "08_unknown_release",
        &args(
            &["propose", "rollback", "9", "--program", &net.program],
            &["--yes"],
        ),
    );
    let safe = net.upload("old.so");
    run(
        "09_safe_mode",
        &args(
            &["propose", "safe-mode", &safe, "--program", &net.program],
            &["--yes"],
        ),
    );
    let revoke = ["propose", "revoke", "1", "--program", &net.program];
    run("10_revoke", &args(&revoke, &["--dry-run"]));
    // What the gate holds of a dead proposal is carried over.
    let dead = format!("{}/2", net.program);
    run("11_still_live", &args(&["repropose", &dead], &["--yes"]));
    net.ok(&["cancel", &dead, "-k", "alice.json", "--yes"]);
    run("12_repropose", &args(&["repropose", &dead], &["--yes"]));
    run("13_released", &args(&["repropose", &dead], &["--yes"]));
}

#[test]
fn the_ways_out_are_shown_with_what_ends() {
    let net = Net::with_lanes();
    let run = |name: &str, args: &[&str]| net.snapshot(&format!("exit__{name}"), args);
    let program = ["--program", net.program.as_str()];
    let buffer = net.upload("new.so");
    net.ok(&args(
        &["propose", "upgrade", &buffer, "--program", &net.program],
        &["--yes"],
    ));
    let transfer = |more: &[&'static str]| {
        let mut all = vec!["propose", "transfer", "--to"];
        all.push(Box::leak(net.address("bob").into_boxed_str()));
        all.extend(more);
        all.extend(["--program", Box::leak(net.program.clone().into_boxed_str())]);
        all.extend(["-k", "alice.json"]);
        all
    };
    run("01_transfer", &transfer(&["--dry-run"]));
    run("02_unchecked", &transfer(&["--unchecked", "--dry-run"]));
    let same = ["propose", "move", "--to", &net.council];
    run(
        "03_same_council",
        &args(&same, &[&program[..], &["--yes"]].concat()),
    );
    run(
        "04_not_finalizable",
        &args(
            &["propose", "finalize"],
            &[&program[..], &["--yes"]].concat(),
        ),
    );
    run("05_by_a_stranger", &{
        let mut all = transfer(&["--yes"]);
        let last = all.len() - 1;
        all[last] = "bob.json";
        all
    });
}

#[test]
fn a_gate_moves_only_to_a_council_that_can_take_it() {
    let net = Net::with_lanes();
    let run = |name: &str, args: &[&str]| net.snapshot(&format!("moving__{name}"), args);
    let weaker = net.other_council("program.json", false);
    let other = net.other_council("other-program.json", true);
    let to = |council: &str, more: &[&str]| {
        let first = [
            "propose",
            "move",
            "--program",
            &net.program,
            "--to",
            council,
        ];
        let all = args(&first, more);
        all.into_iter().map(str::to_string).collect::<Vec<_>>()
    };
    let weak = to(&weaker, &["--yes"]);
    run(
        "01_weaker",
        &weak.iter().map(String::as_str).collect::<Vec<_>>(),
    );
    let good = to(&other, &["--yes"]);
    run(
        "02_propose",
        &good.iter().map(String::as_str).collect::<Vec<_>>(),
    );
}

#[test]
fn what_others_sign_is_exported() {
    let net = Net::with_lanes();
    let run = |name: &str, args: &[&str]| net.snapshot(&format!("export__{name}"), args);
    let alice = net.alice.clone();
    let bob = net.bob.clone();
    let policy = [
        "propose",
        "policy",
        "--program",
        &net.program,
        "--voting-period",
        "1d",
    ];
    // Neither key is there: their addresses are enough. Bob pays the rent.
    let exported = [
        &policy[..],
        &["--export", "-k", &alice, "--fee-payer", &bob],
    ]
    .concat();
    run("01_policy", &exported);
    run("02_json", &[&exported[..], &["--output", "json"]].concat());
    run(
        "03_not_an_address",
        &[&policy[..], &["--yes", "-k", &alice]].concat(),
    );
    let buffer = net.upload("new.so");
    let upgrade = ["propose", "upgrade", &buffer, "--program", &net.program];
    run(
        "04_with_rollback",
        &args(&upgrade, &["--with-rollback", "--export"]),
    );
    run(
        "05_upload",
        &args(&["buffer", "upload", "old.so"], &["--export"]),
    );
    let authority = net.address("authority");
    let adopt = [
        "gate",
        "adopt",
        &net.other_program,
        "--council",
        &net.council,
        "--threshold",
        "2",
        "--timelock",
        "20m",
        "--upgrade-authority",
        &authority,
        "--export",
        "-k",
        &alice,
    ];
    run("06_adopt", &adopt);
}
