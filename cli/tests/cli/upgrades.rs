//! Upgrades from the upload to the verification: what every command says, and what the loader asks for.

use crate::net::{adopt, council_create, Net, PLAIN};

/// A proposal with everything that explains it.
fn propose(buffer: &str) -> String {
    format!(
        "propose upgrade {buffer} --program $program --artifact new.so --statement release.json \
         --statement-uri https://example.com/1 -k alice.json"
    )
}

#[test]
fn a_whole_upgrade_in_text() {
    let net = Net::start();
    let run = net.recorder("upgrade_text");
    run("01_council_create", &council_create());
    run("02_council_show", "council show $council");
    run("03_gate_adopt", &adopt("$program", PLAIN));
    run(
        "04_buffer_upload",
        "buffer upload new.so --program $program -k alice.json --yes",
    );
    run("05_buffer_list", "buffer list -k alice.json");
    let propose = propose(&net.buffer_of("alice"));
    run("06_propose_dry_run", &format!("{propose} --dry-run"));
    run("07_propose", &format!("{propose} --yes"));
    run(
        "08_review",
        "review 0 --artifact new.so --statement release.json --statement-uri https://example.com/1",
    );
    run("09_list_needs_vote", "list --needs-vote $bob");
    let digest = net.digest_of("$program/0");
    run(
        "10_approve_alice",
        &format!("approve 0 -k alice.json --artifact new.so --yes --digest {digest}"),
    );
    run(
        "11_approve_bob",
        &format!("approve 0 -k bob.json --yes --digest {}", &digest[..32]),
    );
    run("12_execute_before_eta", "execute 0 -k alice.json --yes");
    run("13_wait_times_out", "wait 0 --for ready --timeout 0");
    net.travel(601);
    run("14_wait_ready", "wait 0 --for ready");
    run("15_execute", "execute 0 -k alice.json --yes");
    run("16_verify", "verify $program --artifact new.so");
    run("17_verify_mismatch", "verify $program --artifact old.so");
    run("18_status", "status $program");
    run("19_history", "history $program");
    run(
        "20_approve_after_the_end",
        &format!("approve 0 -k carol.json --yes --digest {digest}"),
    );
    run("21_close", "close 0 -k bob.json --yes");
    run("22_review_of_a_closed_proposal", "review 0");
    run("23_council_analyze", "council analyze $council");
}

#[test]
fn a_whole_upgrade_in_json() {
    let net = Net::start();
    let record = net.recorder("upgrade_json");
    let run = |name: &str, line: &str| record(name, &format!("{line} --output json"));
    run("01_council_create", &council_create());
    run("02_council_show", "council show $council");
    run("03_gate_adopt", &adopt("$program", PLAIN));
    run(
        "04_buffer_upload",
        "buffer upload new.so -k alice.json --yes",
    );
    run("05_buffer_list", "buffer list -k alice.json");
    let propose = propose(&net.buffer_of("alice"));
    run("06_propose_dry_run", &format!("{propose} --dry-run"));
    run("07_propose", &format!("{propose} --yes"));
    run("08_review", "review 0 --artifact new.so");
    let digest = net.digest_of("$program/0");
    let approve = |voter: &str| format!("approve 0 -k {voter}.json --yes --digest {digest}");
    run("09_approve_alice", &approve("alice"));
    run("10_approve_bob", &approve("bob"));
    run("11_execute_before_eta", "execute 0 -k alice.json --yes");
    net.travel(601);
    run("12_execute", "execute 0 -k alice.json --yes");
    run("13_verify", "verify $program --artifact new.so");
    run("14_history", "history $program");
    run("15_list", "list --status executed");
    run("16_gate_show", "gate show $program");
    run("17_misuse", "approve no,sense");
    run("18_council_analyze", "council analyze $council");
}

#[test]
fn an_extension_comes_before_a_larger_upgrade() {
    let net = Net::with_deployed("new.so").governed(&council_create(), PLAIN);
    let upgrade = net.upgrade("old.so");
    net.pass(&upgrade);
    let run = net.recorder("extension");
    run("dry_run", "execute 0 -k alice.json --dry-run");
    let blockhash = net.blockhash();
    run(
        "signed_apart",
        &format!("execute 0 -k alice.json --yes --blockhash {blockhash}"),
    );
    run("execute", "execute 0 -k alice.json --yes");
}

#[test]
fn an_execution_in_the_slot_of_an_extension_is_tried_again() {
    let net = Net::adopted();
    let upgrade = net.upgrade("new.so");
    net.pass(&upgrade);
    net.extend_in_a_held_slot();
    let (code, stderr) =
        net.run_and_resume_clock_after("trying again", "execute 0 -k alice.json --yes");
    assert_eq!(code, 0, "{stderr}");
    net.ok("verify $program --artifact new.so");
}

#[test]
fn nothing_executes_before_its_proposer_wished() {
    let net = Net::adopted();
    let run = net.recorder("not_before");
    let buffer = net.upload("new.so");
    let late = net.proposed("propose policy --program $program --voting-period 1d");
    let not_before = net.time_of(&late) + 3_600;
    let propose =
        |time: i64| format!("propose upgrade {buffer} --program $program --not-before {time}");
    let beyond = propose(not_before + 91 * 86_400);
    run(
        "01_beyond_the_limit",
        &format!("{beyond} -k alice.json --yes"),
    );
    let name = net.proposed(&propose(not_before));
    let status = net.json(&format!("status {name}"));
    assert_eq!(status["not_before"]["unix_seconds"], not_before);
    // The timelock of ten minutes ends before that hour.
    net.pass(&name);
    let status = net.json(&format!("status {name}"));
    assert_eq!(status["eta"]["unix_seconds"], not_before);
    let execute = format!("execute {name} -k alice.json --yes");
    run("02_execute_before", &execute);
    net.travel(not_before - net.time_of(&name) - 30);
    run("03_execute_just_before", &execute);
    net.ok("verify $program --artifact old.so");
    net.travel(30);
    net.ok(&execute);
    net.ok("verify $program --artifact new.so");
}

#[test]
fn anyone_executes_where_the_policy_says_so() {
    for (rules, code) in [
        (PLAIN.to_string(), 3),
        (format!("{PLAIN} --anyone-may-execute"), 0),
    ] {
        let net = Net::adopted_with(&rules);
        let gate = net.json("gate show $program");
        assert_eq!(gate["policy"]["anyone_may_execute"], code == 0);
        let upgrade = net.upgrade("new.so");
        net.pass(&upgrade);
        net.fund("stranger", 1_000_000);
        // No member at all.
        let output = net.run_checked(&format!(
            "execute {upgrade} -k stranger.json --yes --output json"
        ));
        assert_eq!(output.status.code(), Some(code));
        let deployed = if code == 0 { "new.so" } else { "old.so" };
        net.ok(&format!("verify $program --artifact {deployed}"));
        let envelope: serde_json::Value = serde_json::from_slice(&output.stdout).unwrap();
        if code != 0 {
            assert_eq!(envelope["error"]["code"], "NotAMember");
        }
    }
}

#[test]
fn releases_follow_each_other_across_gates() {
    let net = Net::with_lanes();
    let run = net.recorder("predecessor");
    net.adopt_other();
    let first = net.upgrade("new.so");
    let propose = |buffer: &str, program: &str, more: &str| {
        format!("propose upgrade {buffer} --program {program} {more} --yes -k alice.json")
    };
    let after = format!("--predecessor {first} --soak 7d");
    let buffer = net.upload("new.so");
    run("01_propose", &propose(&buffer, "$other-program", &after));
    net.pass("$other-program/0");
    run(
        "02_not_executed",
        "execute $other-program/0 -k alice.json --yes",
    );
    let third = net.upload("new.so");
    run("03_of_its_own_gate", &propose(&third, "$program", &after));
    run("04_soak_alone", &propose(&third, "$program", "--soak 1d"));
    net.ok(&format!("cancel {first} -k alice.json --yes"));
    run(
        "05_of_a_cancelled_one",
        &propose(&third, "$other-program", &after),
    );
}
