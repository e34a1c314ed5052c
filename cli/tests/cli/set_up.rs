//! Councils, gates and buffers before the first proposal.

use crate::net::{adopt, council_create, strangers, Net, PLAIN};

#[test]
fn an_interrupted_creation_of_a_large_council_is_taken_up_again() {
    let net = Net::start();
    let members = strangers(40);
    let mut create = format!("council create {PLAIN} -k alice.json --yes");
    for member in &members {
        create.push_str(&format!(" --member {member}:pve"));
    }
    net.snapshot("large_council__needs_a_create_key", &create);
    create.push_str(" --create-key create.json");
    net.begin_council(&members);
    net.snapshot_stdout("large_council__taken_up", &create);
    net.snapshot("large_council__exists", &create);
}

#[test]
fn a_plain_key_over_portcullis_raises_the_alarm() {
    let net = Net::with_upgradeable_portcullis();
    let run = net.recorder("alarm");
    net.ok(&council_create());
    run("adopt", &adopt("$program", PLAIN));
    run("status", "status $program");
    run("gate_show_json", "gate show $program --output json");
}

#[test]
fn a_finished_upload_is_not_paid_for_twice() {
    let net = Net::start();
    let run = net.recorder("upload");
    net.upload("new.so");
    run(
        "again",
        "buffer upload new.so -k alice.json --yes --output json",
    );
    run(
        "handed_over",
        "buffer upload new.so -k alice.json --authority $bob --yes",
    );
    run("of_bob", "buffer list -k bob.json");
    run("dry_run", "buffer upload old.so -k alice.json --dry-run");
}
