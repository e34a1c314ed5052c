//! Programs that one transaction cannot hash.

use crate::{
    net::{adopt, council_create, Net, PLAIN},
    watch::assert_a_watch_shows_the_history,
};

fn with_council() -> Net {
    let net = Net::with_deployed("large.so");
    net.ok(&council_create());
    net
}

#[test]
fn a_large_program_is_adopted_in_many_transactions() {
    let net = with_council();
    net.snapshot("large__adopt", &adopt("$program", PLAIN));
    net.ok("verify $program --artifact large.so");
    net.ok("history $program");
}

#[test]
fn an_interrupted_adoption_is_taken_up_again() {
    let net = with_council();
    let run = net.recorder("adopting");
    net.begin_adoption(2);
    run("01_status", "status $program");
    run("02_resume", &adopt("$program", PLAIN));
    net.ok("history $program");
    run(
        "03_too_late",
        "gate abandon $program -k authority.json --yes",
    );
}

#[test]
fn an_adoption_is_abandoned_and_the_authority_comes_back() {
    let net = with_council();
    let run = net.recorder("abandon");
    net.begin_adoption(1);
    let abandon =
        |key: &str| format!("gate abandon $program -k {key}.json --fee-payer bob.json --yes");
    run("01_by_another", &abandon("alice"));
    run("02_abandon", &abandon("authority"));
    net.ok("history $program");
}

#[test]
fn a_large_upgrade_is_verified_in_many_transactions() {
    let net = with_council();
    net.ok(&adopt("$program", PLAIN));
    let mut other = net.read("large.so");
    other[2_000_000] = 2;
    net.write("other.so", &other);
    let upgrade = net.upgrade("other.so");
    assert_eq!(net.status_of(&upgrade), "voting");
    net.pass(&upgrade);
    net.execute(&upgrade);
    net.ok("verify $program --artifact other.so");
    net.ok("history $program");
    assert_a_watch_shows_the_history(&net, "$council", &["$program"]);
}

/// Only one transaction can have the blockhash; what follows is anyone's.
#[test]
fn what_is_signed_on_several_machines_is_hashed_afterwards() {
    let net = with_council();
    let run = net.recorder("large_apart");
    let apart = || format!("--blockhash {}", net.blockhash());
    run(
        "01_adopt",
        &format!("{} {}", adopt("$program", PLAIN), apart()),
    );
    assert_eq!(net.json("gate show $program")["state"], "adopting");
    net.ok(&adopt("$program", PLAIN));
    let mut other = net.read("large.so");
    other[2_000_000] = 2;
    net.write("other.so", &other);
    let buffer = net.upload("other.so");
    run(
        "02_propose",
        &format!(
            "propose upgrade {buffer} --program $program -k alice.json --yes {}",
            apart()
        ),
    );
    assert_eq!(net.status_of("$program/0"), "draft");
    let verify = "execute $program/0 -k carol.json --yes";
    run("03_verify", &format!("{verify} {}", apart()));
    // It says that the execution itself has to wait.
    let output = net.command(verify).args(["-u", net.url()]).output();
    assert_eq!(output.unwrap().status.code(), Some(7));
    assert_eq!(net.status_of("$program/0"), "voting");
}
