//! Armed standbys that guardians trigger together: by messages, by transactions, too late, and where several are armed.

use crate::net::Net;

#[test]
fn two_guardians_trigger_by_signed_messages() {
    let net = Net::with_two_guardians();
    let run = net.recorder("quorum");
    net.armed_rollback();
    let digest = net.digest_of("$program/1");
    let sign = |member: &str| {
        format!(
            "trigger $program rollback --yes --digest {digest} -k {member}.json --sign-message {member}-vote.json"
        )
    };
    let relay = |member: &str| format!("trigger --relay {member}-vote.json -k alice.json --yes");
    run("01_sign", &sign("guard"));
    run("02_not_a_guardian", &sign("bob"));
    run("03_first", &relay("guard"));
    run("04_status", "status $program/1");
    run(
        "05_one_is_not_enough",
        "execute $program/1 -k alice.json --yes",
    );
    run("06_relayed_twice", &relay("guard"));
    net.ok(&sign("carol"));
    run("07_second", &relay("carol"));
    assert_eq!(net.status_of("$program/1"), "armed");
    run("08_execute", "execute $program/1 -k bob.json --yes");
    net.ok("verify $program --artifact old.so");
    net.ok("history $program");
}

#[test]
fn a_lonely_trigger_lapses_and_two_in_time_execute() {
    let net = Net::with_two_guardians();
    let run = net.recorder("lapse");
    net.armed_rollback();
    let digest = net.digest_of("$program/1");
    let trigger = |member: &str| {
        format!("trigger $program rollback --yes --digest {digest} -k {member}.json")
    };
    net.ok(&format!("{} --sign-message late.json", trigger("carol")));
    run("01_alone", &trigger("guard"));
    run("02_twice", &trigger("guard"));
    net.travel(15 * 60);
    run(
        "03_message_too_late",
        "trigger --relay late.json -k alice.json --yes",
    );
    run("04_alone_again", &trigger("carol"));
    assert_eq!(net.status_of("$program/1"), "armed");
    net.ok("verify $program --artifact new.so");
    run(
        "05_without_execution",
        &format!("{} --no-execute", trigger("guard")),
    );
    assert_eq!(net.status_of("$program/1"), "armed");
    net.travel(15 * 60);
    run("06_lapsed", "execute $program/1 -k bob.json --yes");
    net.ok(&trigger("carol"));
    run("07_together", &trigger("guard"));
    assert_eq!(net.status_of("$program/1"), "executed");
    net.ok("verify $program --artifact old.so");
    net.ok("history $program");
}

#[test]
fn one_of_several_safe_modes_is_named() {
    let net = Net::with_lanes();
    let run = net.recorder("safe_mode");
    for (index, file) in ["new.so", "memo.so"].iter().enumerate() {
        let buffer = net.upload(file);
        let name = net.proposed(&format!(
            "propose safe-mode {buffer} --program $program --artifact {file}"
        ));
        net.pass(&name);
        assert_eq!(net.status_of(&format!("$program/{index}")), "armed");
    }
    let trigger = |more: &str| format!("trigger $program safe-mode -k guard.json {more}");
    run("01_ambiguous", &trigger("--dry-run"));
    run(
        "02_another_use",
        "trigger $program rollback --ref $program/1 -k guard.json --dry-run",
    );
    let digest = net.digest_of("$program/1");
    run(
        "03_of_the_other",
        &trigger(&format!("--ref $program/0 --yes --digest {digest}")),
    );
    run(
        "04_other_build",
        &trigger(&format!(
            "--ref $program/1 --yes --digest {digest} --artifact new.so"
        )),
    );
    run(
        "05_named",
        &trigger(&format!(
            "--ref $program/1 --yes --digest {digest} --artifact memo.so --output json"
        )),
    );
    net.ok("verify $program --artifact memo.so");
    // It was made for the release that the first has left.
    assert_eq!(net.status_of("$program/0"), "stale");
}
