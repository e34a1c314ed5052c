//! Programs that one transaction cannot hash, from the command line.

// Each test file uses a part of it.
#[allow(dead_code)]
mod net;

use net::Net;

#[test]
fn a_large_program_is_adopted_in_many_transactions() {
    let net = Net::with_deployed("large.so");
    net.ok(&net.council_create());
    net.snapshot("large__adopt", &net.gate_adopt());
    net.ok(&["verify", &net.program, "--artifact", "large.so"]);
    net.ok(&["history", &net.program]);
}

#[test]
fn an_interrupted_adoption_is_taken_up_again() {
    let net = Net::with_deployed("large.so");
    net.ok(&net.council_create());
    net.begin_adoption(2);
    let run = |name: &str, args: &[&str]| net.snapshot(&format!("adopting__{name}"), args);
    run("01_status", &["status", &net.program]);
    run("02_resume", &net.gate_adopt());
    net.ok(&["history", &net.program]);
    run(
        "03_too_late",
        &[
            "gate",
            "abandon",
            &net.program,
            "-k",
            "authority.json",
            "--yes",
        ],
    );
}

#[test]
fn an_adoption_is_abandoned_and_the_authority_comes_back() {
    let net = Net::with_deployed("large.so");
    net.ok(&net.council_create());
    net.begin_adoption(1);
    let run = |name: &str, args: &[&str]| net.snapshot(&format!("abandon__{name}"), args);
    let abandon = |key: &'static str| {
        [
            "gate",
            "abandon",
            &net.program,
            "-k",
            key,
            "--fee-payer",
            "bob.json",
            "--yes",
        ]
    };
    run("01_by_another", &abandon("alice.json"));
    run("02_abandon", &abandon("authority.json"));
    net.ok(&["history", &net.program]);
}

#[test]
fn a_large_upgrade_is_verified_in_many_transactions() {
    let net = Net::with_deployed("large.so");
    net.ok(&net.council_create());
    net.ok(&net.gate_adopt());
    let mut other = net.read("large.so");
    other[2_000_000] = 2;
    net.write("other.so", &other);
    let buffer = net.upload("other.so");
    let propose = ["propose", "upgrade", &buffer, "--program", &net.program];
    let name = net.proposed(&propose);
    assert_eq!(net.status_of(&name), "voting");
    net.pass(&name, 601);
    net.ok(&["execute", &name, "-k", "alice.json", "--yes"]);
    net.ok(&["verify", &net.program, "--artifact", "other.so"]);
    net.ok(&["history", &net.program]);
}
