//! What a command refuses before it asks the program: files, keys, addresses, names, clusters.

use crate::net::{adopt, Net, PLAIN};

#[test]
fn bad_input_is_explained() {
    let net = Net::adopted();
    let run = net.recorder("bad_input");
    net.write("short.json", b"[1,2,3]");
    net.write("text.json", b"hello");
    net.write("empty.so", b"");
    net.write("zeros.so", &[0; 100]);
    net.write("text.so", b"this is no program at all");
    let elf = net.read("new.so");
    net.write("truncated.so", &elf[..elf.len() / 2]);

    run("missing_keypair", "cancel 0 -k nowhere.json --yes");
    run("short_keypair", "cancel 0 -k short.json --yes");
    run("keypair_is_text", "cancel 0 -k text.json --yes");
    run("keypair_is_a_program", "cancel 0 -k new.so --yes");
    run("hardware_wallet", "cancel 0 -k usb://ledger --yes");
    for (name, file) in [
        ("missing_file", "nowhere.so"),
        ("not_an_elf", "text.so"),
        ("truncated_elf", "truncated.so"),
    ] {
        run(name, &format!("buffer upload {file} -k alice.json --yes"));
    }
    run("empty_file", "verify --artifact empty.so");
    run("zeros", "verify --artifact zeros.so");
    run("no_funds", "buffer upload new.so -k stranger.json --yes");
    net.ok("buffer upload new.so -k bob.json --yes");
    for (name, buffer) in [
        ("no_such_buffer", "$alice"),
        ("not_a_buffer", "$program"),
        ("buffer_of_another", &net.buffer_of("bob")),
    ] {
        run(
            name,
            &format!("propose upgrade {buffer} --program $program -k alice.json --yes"),
        );
    }
    run("no_such_proposal", "review 0");
    run("no_gate", "gate show $alice");
    run("not_a_council", "council show $program");
    run("status_of_nothing", "status $alice");
    run("status_without_gate", "status $other-program");
    run("council_proposal", "review council/3");
    run("unknown_name", "review lending/12");
    for (name, rules) in [
        (
            "member_of_no_role",
            "--threshold 1 --timelock 1d --member nokey:vote",
        ),
        (
            "member_twice",
            "--threshold 1 --timelock 1d --member $alice:v --member $alice:p",
        ),
        (
            "impossible_threshold",
            "--threshold 5 --timelock 1d --member $alice:pve",
        ),
        (
            "short_timelock",
            "--threshold 1 --timelock 1m --member $alice:pve",
        ),
        (
            "duration_without_unit",
            "--threshold 1 --timelock 2 --member $alice:pve",
        ),
    ] {
        run(name, &format!("council create {rules}"));
    }
    run(
        "portcullis_elsewhere",
        "gate show $program --portcullis $alice",
    );
}

#[test]
fn an_impossible_adoption_is_explained() {
    let net = Net::adopted();
    let run = net.recorder("bad_input");
    let other = adopt("$other-program", PLAIN);
    run("adopted_already", &adopt("$program", PLAIN));
    run(
        "adopt_without_authority",
        &other.replace("--upgrade-authority authority.json", ""),
    );
    run(
        "gate_stricter_than_council",
        &adopt("$other-program", "--threshold 3 --timelock 10m"),
    );
    run(
        "unexpected_hash",
        &format!("{other} --expect {}", "0".repeat(64)),
    );
}

#[test]
fn what_is_ambiguous_or_held_is_explained() {
    let net = Net::adopted();
    let run = net.recorder("bad_input");
    net.ok(&adopt("$other-program", PLAIN));
    net.upgrade("new.so");
    run("ambiguous_ref", "review 0");
    run("ambiguous_ref_json", "review 0 --output json");
    run("unambiguous_with_program", "status 0 --program $program");
    let held = net.field("status $program/0", "buffer");
    run(
        "buffer_of_another_proposal",
        &format!("propose upgrade {held} --program $other-program -k alice.json --yes"),
    );
    run(
        "close_a_held_buffer",
        &format!("buffer close {held} -k alice.json --yes"),
    );
}

#[test]
fn clusters_are_chosen_never_guessed() {
    let net = Net::start();
    let bare = |name: &str, line: &str| net.snapshot_without_url(&format!("cluster__{name}"), line);
    bare("unknown", "list -u foonet");
    bare("nobody_there", "list -u http://127.0.0.1:1");
    bare("writes_need_one", "cancel 0 -k alice.json --yes");
    bare("named_config_is_missing", "list --config nowhere.yml");
    bare(
        "unknown_commitment",
        "list -u localhost --commitment certain",
    );
    let config = format!(
        "json_rpc_url: {}\nwebsocket_url: ''\nkeypair_path: alice.json\n",
        net.url()
    );
    net.write("config.yml", config.as_bytes());
    bare("from_the_config_file", "buffer list --config config.yml");
    net.write("broken.yml", b"json_rpc_url: [");
    bare("broken_config", "list --config broken.yml");
}
