//! Upgrades in the emergency lane.

use crate::net::Net;

#[test]
fn an_emergency_takes_more_votes_and_less_time() {
    let net = Net::with_lanes();
    let run = net.recorder("emergency");
    let buffer = net.upload("new.so");
    run(
        "01_propose",
        &format!("propose upgrade {buffer} --program $program --emergency -k alice.json --yes"),
    );
    net.approve("$program/0");
    run(
        "02_two_are_not_enough",
        "execute $program/0 -k alice.json --yes",
    );
    let digest = net.digest_of("$program/0");
    run(
        "03_third_approval",
        &format!("approve $program/0 -k carol.json --yes --digest {digest}"),
    );
    net.travel(10 * 60 + 1);
    run("04_execute", "execute $program/0 -k alice.json --yes");
    run("05_gate_show", "gate show $program");

    // The next one has to wait, whoever approves it.
    let buffer = net.upload("old.so");
    run(
        "06_propose_another",
        &format!("propose upgrade {buffer} --program $program --emergency -k alice.json --yes"),
    );
    net.approve("$program/1");
    net.vote("approve", "$program/1", "carol");
    net.travel(10 * 60 + 1);
    run("07_interval", "execute $program/1 -k alice.json --yes");
}
