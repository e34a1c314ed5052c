//! Ways out: transfers of the upgrade authority, moves to another council, finalizations.

use crate::{
    net::{address, adopt, Net},
    watch::assert_a_watch_shows_the_history,
};

#[test]
fn the_ways_out_are_shown_with_what_ends() {
    let net = Net::with_lanes();
    let run = net.recorder("exit");
    net.upgrade("new.so");
    let transfer = "propose transfer --to $bob --program $program";
    run(
        "01_transfer",
        &format!("{transfer} --dry-run -k alice.json"),
    );
    run(
        "02_unchecked",
        &format!("{transfer} --unchecked --dry-run -k alice.json"),
    );
    run(
        "03_same_council",
        "propose move --to $council --program $program -k alice.json --yes",
    );
    run(
        "04_not_finalizable",
        "propose finalize --program $program -k alice.json --yes",
    );
    run("05_by_a_stranger", &format!("{transfer} --yes -k bob.json"));
}

#[test]
fn a_program_leaves_and_comes_back_and_its_history_goes_on() {
    let net = Net::with_lanes();
    let run = net.recorder("leave");
    let transfer = net.proposed("propose transfer --to $stranger --program $program");
    run("01_review", &format!("review {transfer}"));
    net.pass(&transfer);
    let execute = format!("execute {transfer} -k alice.json --yes");
    run("02_without_its_signature", &execute);
    let with = |name: &str| format!("{execute} --new-authority {name}.json");
    run("03_another_key", &with("bob"));
    run("04_execute", &with("stranger"));
    run("05_status", "status $program");
    let gate = net.json("gate show $program");
    assert_eq!(gate["state"], "exited");
    assert_eq!(gate["life_began_with"]["action"], "transfer_authority");
    assert_eq!(gate["upgrade_authority"], address("stranger"));
    assert_eq!(gate["holds_upgrade_authority"], false);
    run("06_close", &format!("close {transfer} -k bob.json --yes"));
    let again = adopt("$program", "--threshold 2 --timelock 20m");
    run(
        "07_adopted_again",
        &again.replace("authority.json", "stranger.json"),
    );
    run("08_history", "history $program");
    assert_a_watch_shows_the_history(&net, "$council", &["$program"]);
}

#[test]
fn a_gate_moves_where_the_new_council_accepts_it() {
    let net = Net::with_lanes();
    let run = net.recorder("move");
    let other = net.council_of("alice");
    let moved = net.proposed(&format!("propose move --program $program --to {other}"));
    let left = net.proposed("propose policy --program $program --voting-period 1d");
    net.pass(&moved);
    run(
        "01_not_accepted",
        &format!("execute {moved} -k alice.json --accepting-proposer bob.json --yes"),
    );
    run(
        "02_execute",
        &format!("execute {moved} -k alice.json --yes"),
    );
    let gate = net.json("gate show $program");
    assert_eq!(gate["state"], "active");
    assert_eq!(gate["council"], *other);
    assert_eq!(gate["life_began_with"]["action"], "move_gate");
    assert_eq!(gate["life_began_with"]["ref"], *moved);
    assert_eq!(gate["holds_upgrade_authority"], true);
    // What was proposed before is dead, although the digest of it covers the former council.
    assert_eq!(net.status_of(&left), "stale");
    run("03_history", "history $program");
    net.ok("history --council $council");
    net.ok(&format!("close {left} -k bob.json --yes"));
    assert_a_watch_shows_the_history(&net, "$council", &[]);
    assert_a_watch_shows_the_history(&net, &other, &[]);
}

#[test]
fn a_gate_moves_only_to_a_council_that_can_take_it() {
    let net = Net::with_lanes();
    let run = net.recorder("moving");
    let to = |council: String| {
        format!("propose move --program $program --to {council} -k alice.json --yes")
    };
    run("01_weaker", &to(net.weaker_council()));
    run("02_propose", &to(net.council_of("alice")));
}

#[test]
fn a_gate_moves_with_the_signature_of_another_proposer() {
    let net = Net::with_lanes();
    let other = net.council_of("bob");
    let moved = net.proposed(&format!("propose move --program $program --to {other}"));
    net.pass(&moved);
    let execute = format!("execute {moved} -k alice.json --yes");
    // Alice executes; she is no member of the new council.
    net.snapshot("move__04_not_accepted_by_the_executor", &execute);
    net.ok(&format!("{execute} --accepting-proposer bob.json"));
    assert_eq!(net.field("gate show $program", "council"), other);
    net.ok("history $program");
    // Bob alone decides from now on.
    let policy = "propose policy --program $program --voting-period 1d -k bob.json --yes";
    net.ok(policy);
}

#[test]
fn a_program_that_was_closed_after_its_exit_is_shown_as_closed() {
    let net = Net::with_lanes();
    let transfer = net.proposed("propose transfer --to $stranger --program $program");
    net.pass(&transfer);
    net.ok(&format!(
        "execute {transfer} -k alice.json --yes --new-authority stranger.json"
    ));
    net.ok(&format!("close {transfer} -k bob.json --yes"));
    net.close_program("stranger");
    for line in ["gate show $program", "status $program"] {
        let gate = net.json(line);
        assert_eq!(gate["state"], "exited");
        assert!(gate["upgrade_authority"].is_null() && gate["life_began_with"].is_null());
        let output = net.run_checked(line);
        let stderr = String::from_utf8(output.stderr).unwrap();
        assert!(
            stderr.contains("its upgrade authority is nobody: it is closed"),
            "{stderr}"
        );
    }
}

#[test]
fn a_finalized_program_has_no_authority_any_more() {
    let net = Net::with_deployed("v3.so").with_every_lane();
    let run = net.recorder("final");
    let finalize = net.proposed("propose finalize --program $program");
    let left = net.proposed("propose policy --program $program --voting-period 1d");
    run("01_review", &format!("review {finalize}"));
    net.pass(&finalize);
    let execute = format!("execute {finalize} -k alice.json --yes");
    run("02_not_named", &execute);
    run(
        "03_another_named",
        &format!("{execute} --final $other-program"),
    );
    run(
        "04_dry_run",
        &format!("execute {finalize} -k alice.json --dry-run --final $program"),
    );
    run("05_execute", &format!("{execute} --final $program"));
    assert_eq!(net.status_of(&left), "stale");
    run("06_status", "status $program");
    run("07_gate_show_json", "gate show $program --output json");
    run("08_verify", "verify $program --artifact v3.so");
    run(
        "09_no_proposal_any_more",
        "propose policy --program $program --voting-period 1d -k alice.json --yes",
    );
    run(
        "10_no_gate_any_more",
        &adopt("$program", "--threshold 2 --timelock 20m"),
    );
    for name in [&finalize, &left] {
        let rent = net.balance("alice");
        let closed = net.json(&format!("close {name} -k bob.json --yes"));
        let rent = net.balance("alice") - rent;
        assert!(rent > 0, "{closed}");
    }
    net.ok("history $program");
    net.ok("history --council $council");
}
