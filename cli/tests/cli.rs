//! The real binary against a localnet of each test's own. Keys are fixed, so addresses are too; what differs from run to
//! run (digests, signatures, times, ports) is filtered out of the snapshots.

mod net;

use net::{Net, COUNCIL_RULES};

#[test]
fn a_whole_upgrade_in_text() {
    let net = Net::start();
    let run = |name: &str, args: &[&str]| net.snapshot(&format!("upgrade_text__{name}"), args);
    run("01_council_create", &net.council_create());
    run("02_council_show", &["council", "show", &net.council]);
    run("03_gate_adopt", &net.gate_adopt());
    run(
        "04_buffer_upload",
        &[
            "buffer",
            "upload",
            "new.so",
            "--program",
            &net.program,
            "-k",
            "alice.json",
            "--yes",
        ],
    );
    run("05_buffer_list", &["buffer", "list", "-k", "alice.json"]);
    run("06_propose_dry_run", &net.propose(&["--dry-run"]));
    run("07_propose", &net.propose(&["--yes"]));
    run(
        "08_review",
        &[
            "review",
            "0",
            "--artifact",
            "new.so",
            "--statement",
            "release.json",
            "--statement-uri",
            "https://example.com/1",
        ],
    );
    run("09_list_needs_vote", &["list", "--needs-vote", &net.bob]);
    let digest = net.digest("0");
    run(
        "10_approve_alice",
        &[
            "approve",
            "0",
            "-k",
            "alice.json",
            "--artifact",
            "new.so",
            "--yes",
            "--digest",
            &digest,
        ],
    );
    run(
        "11_approve_bob",
        &[
            "approve",
            "0",
            "-k",
            "bob.json",
            "--yes",
            "--digest",
            &digest[..32],
        ],
    );
    run(
        "12_execute_before_eta",
        &["execute", "0", "-k", "alice.json", "--yes"],
    );
    run(
        "13_wait_times_out",
        &["wait", "0", "--for", "ready", "--timeout", "0"],
    );
    net.travel(601);
    run("14_wait_ready", &["wait", "0", "--for", "ready"]);
    run("15_execute", &["execute", "0", "-k", "alice.json", "--yes"]);
    run(
        "16_verify",
        &["verify", &net.program, "--artifact", "new.so"],
    );
    run(
        "17_verify_mismatch",
        &["verify", &net.program, "--artifact", "old.so"],
    );
    run("18_status", &["status", &net.program]);
    run("19_history", &["history", &net.program]);
    run(
        "20_approve_after_the_end",
        &[
            "approve",
            "0",
            "-k",
            "carol.json",
            "--yes",
            "--digest",
            &digest,
        ],
    );
    run("21_close", &["close", "0", "-k", "bob.json", "--yes"]);
    run("22_review_of_a_closed_proposal", &["review", "0"]);
    run("23_council_analyze", &["council", "analyze", &net.council]);
}

#[test]
fn a_whole_upgrade_in_json() {
    let net = Net::start();
    let run = |name: &str, args: &[&str]| {
        let mut args = args.to_vec();
        args.extend(["--output", "json"]);
        net.snapshot(&format!("upgrade_json__{name}"), &args);
    };
    run("01_council_create", &net.council_create());
    run("02_council_show", &["council", "show", &net.council]);
    run("03_gate_adopt", &net.gate_adopt());
    run(
        "04_buffer_upload",
        &["buffer", "upload", "new.so", "-k", "alice.json", "--yes"],
    );
    run("05_buffer_list", &["buffer", "list", "-k", "alice.json"]);
    run("06_propose_dry_run", &net.propose(&["--dry-run"]));
    run("07_propose", &net.propose(&["--yes"]));
    run("08_review", &["review", "0", "--artifact", "new.so"]);
    let digest = net.digest("0");
    run(
        "09_approve_alice",
        &[
            "approve",
            "0",
            "-k",
            "alice.json",
            "--yes",
            "--digest",
            &digest,
        ],
    );
    run(
        "10_approve_bob",
        &[
            "approve", "0", "-k", "bob.json", "--yes", "--digest", &digest,
        ],
    );
    run(
        "11_execute_before_eta",
        &["execute", "0", "-k", "alice.json", "--yes"],
    );
    net.travel(601);
    run("12_execute", &["execute", "0", "-k", "alice.json", "--yes"]);
    run(
        "13_verify",
        &["verify", &net.program, "--artifact", "new.so"],
    );
    run("14_history", &["history", &net.program]);
    run("15_list", &["list", "--status", "executed"]);
    run("16_gate_show", &["gate", "show", &net.program]);
    run("17_misuse", &["approve", "nonsense"]);
    run("18_council_analyze", &["council", "analyze", &net.council]);
}

#[test]
fn votes_against_and_the_way_back() {
    let net = Net::adopted();
    let run = |name: &str, args: &[&str]| net.snapshot(&format!("against__{name}"), args);
    net.ok(&["buffer", "upload", "new.so", "-k", "alice.json", "--yes"]);
    net.ok(&net.propose(&["--yes"]));
    let digest = net.digest("0");
    run(
        "01_vote_without_digest",
        &["approve", "0", "-k", "alice.json", "--yes"],
    );
    run(
        "02_wrong_digest",
        &[
            "approve",
            "0",
            "-k",
            "alice.json",
            "--yes",
            "--digest",
            &"0".repeat(64),
        ],
    );
    run(
        "03_wrong_artifact",
        &[
            "approve",
            "0",
            "-k",
            "alice.json",
            "--yes",
            "--digest",
            &digest,
            "--artifact",
            "old.so",
        ],
    );
    run(
        "04_stranger",
        &[
            "approve",
            "0",
            "-k",
            "stranger.json",
            "--yes",
            "--digest",
            &digest,
        ],
    );
    run(
        "05_guardian_cannot_vote",
        &[
            "approve",
            "0",
            "-k",
            "guard.json",
            "--yes",
            "--digest",
            &digest,
        ],
    );
    run(
        "06_dry_run",
        &["approve", "0", "-k", "alice.json", "--dry-run"],
    );
    run("07_no_terminal", &["approve", "0", "-k", "alice.json"]);
    run(
        "08_reject",
        &[
            "reject",
            "0",
            "-k",
            "alice.json",
            "--yes",
            "--digest",
            &digest,
        ],
    );
    run(
        "09_opposite_vote",
        &[
            "approve",
            "0",
            "-k",
            "alice.json",
            "--yes",
            "--digest",
            &digest,
        ],
    );
    run(
        "10_retract",
        &[
            "retract",
            "0",
            "-k",
            "alice.json",
            "--yes",
            "--digest",
            &digest,
        ],
    );
    run(
        "11_return_of_a_live_proposal",
        &["buffer", "return", "0", "-k", "bob.json", "--yes"],
    );
    run(
        "12_cancel_by_another",
        &["cancel", "0", "-k", "bob.json", "--yes"],
    );
    run(
        "13_veto",
        &[
            "veto",
            "0",
            "-k",
            "guard.json",
            "--yes",
            "--digest",
            &digest,
        ],
    );
    run(
        "14_approve_after_veto",
        &[
            "approve",
            "0",
            "-k",
            "alice.json",
            "--yes",
            "--digest",
            &digest,
        ],
    );
    run("15_wait_in_vain", &["wait", "0", "--for", "ready"]);
    run(
        "16_close_holding_its_buffer",
        &["close", "0", "-k", "bob.json", "--yes"],
    );
    run(
        "17_close_buffer_too_early",
        &[
            "buffer",
            "close",
            "--proposal",
            "0",
            "-k",
            "bob.json",
            "--yes",
        ],
    );
    run(
        "18_buffer_return",
        &["buffer", "return", "0", "-k", "bob.json", "--yes"],
    );
    run(
        "19_buffer_close",
        &["buffer", "close", "--all", "-k", "alice.json", "--yes"],
    );
    run("20_close", &["close", "0", "-k", "bob.json", "--yes"]);
    net.ok(&["buffer", "upload", "new.so", "-k", "alice.json", "--yes"]);
    net.ok(&net.propose(&["--yes"]));
    run("21_cancel", &["cancel", "1", "-k", "alice.json", "--yes"]);
    run(
        "22_execute_a_cancelled_one",
        &["execute", "1", "-k", "alice.json", "--yes"],
    );
}

#[test]
fn an_extension_comes_before_a_larger_upgrade() {
    let net = Net::with_deployed("new.so");
    net.ok(&net.council_create());
    net.ok(&net.gate_adopt());
    net.ok(&["buffer", "upload", "old.so", "-k", "alice.json", "--yes"]);
    let buffer = net.buffer();
    net.ok(&[
        "propose",
        "upgrade",
        &buffer,
        "--program",
        &net.program,
        "-k",
        "alice.json",
        "--yes",
    ]);
    let digest = net.digest("0");
    for key in ["alice.json", "bob.json"] {
        net.ok(&["approve", "0", "-k", key, "--yes", "--digest", &digest]);
    }
    net.travel(601);
    net.snapshot(
        "extension__dry_run",
        &["execute", "0", "-k", "alice.json", "--dry-run"],
    );
    net.snapshot(
        "extension__execute",
        &["execute", "0", "-k", "alice.json", "--yes"],
    );
}

#[test]
fn an_execution_in_the_slot_of_an_extension_is_tried_again() {
    let net = Net::adopted();
    net.ok(&["buffer", "upload", "new.so", "-k", "alice.json", "--yes"]);
    net.ok(&net.propose(&["--yes"]));
    let digest = net.digest("0");
    for key in ["alice.json", "bob.json"] {
        net.ok(&["approve", "0", "-k", key, "--yes", "--digest", &digest]);
    }
    net.travel(601);
    net.extend_in_a_held_slot();
    let (code, stderr) = net.run_and_resume_clock_after(
        "trying again",
        &["execute", "0", "-k", "alice.json", "--yes"],
    );
    assert_eq!(code, 0, "{stderr}");
    net.ok(&["verify", &net.program, "--artifact", "new.so"]);
}

#[test]
fn an_interrupted_creation_of_a_large_council_is_taken_up_again() {
    let net = Net::start();
    let mut args: Vec<String> = COUNCIL_RULES.iter().map(ToString::to_string).collect();
    args.extend(["-k", "alice.json", "--yes"].map(String::from));
    for member in net::strangers(40) {
        args.extend(["--member".to_string(), format!("{member}:pve")]);
    }
    let plain: Vec<&str> = args.iter().map(String::as_str).collect();
    net.snapshot("large_council__needs_a_create_key", &plain);
    let mut keyed = plain.clone();
    keyed.extend(["--create-key", "create.json"]);
    net.begin_council(&net::strangers(40));
    net.snapshot_stdout("large_council__taken_up", &keyed);
    net.snapshot("large_council__exists", &keyed);
}

#[test]
fn several_proposals_are_approved_in_one_transaction() {
    let net = Net::adopted();
    net.ok(&[
        "gate",
        "adopt",
        &net.other_program,
        "--council",
        &net.council,
        "--threshold",
        "2",
        "--timelock",
        "10m",
        "-k",
        "alice.json",
        "--upgrade-authority",
        "authority.json",
        "--yes",
    ]);
    let names = [
        format!("{}/0", net.program),
        format!("{}/0", net.other_program),
    ];
    for program in [&net.program, &net.other_program] {
        net.ok(&["buffer", "upload", "new.so", "-k", "alice.json", "--yes"]);
        net.ok(&[
            "propose",
            "upgrade",
            &net.buffer(),
            "--program",
            program,
            "-k",
            "alice.json",
            "--yes",
        ]);
    }
    let digests = names.each_ref().map(|name| net.digest_of(name));
    net.snapshot(
        "several__ambiguous",
        &[
            "approve",
            "0",
            "-k",
            "bob.json",
            "--yes",
            "--digest",
            &digests[0],
        ],
    );
    net.snapshot(
        "several__one_digest_for_two",
        &[
            "approve",
            &names[0],
            &names[1],
            "-k",
            "bob.json",
            "--yes",
            "--digest",
            &digests[0],
        ],
    );
    net.snapshot(
        "several__digests_in_the_wrong_order",
        &[
            "approve",
            &names[0],
            &names[1],
            "-k",
            "bob.json",
            "--yes",
            "--digest",
            &digests[1],
            "--digest",
            &digests[0],
        ],
    );
    net.snapshot(
        "several__approve",
        &[
            "approve",
            &names[0],
            &names[1],
            "-k",
            "bob.json",
            "--fee-payer",
            "carol.json",
            "--yes",
            "--digest",
            &digests[0],
            "--digest",
            &digests[1],
            "--with-compute-unit-price",
            "5",
            "--output",
            "json",
        ],
    );
    net.snapshot("several__list", &["list"]);
}

#[test]
fn a_plain_key_over_portcullis_raises_the_alarm() {
    let net = Net::with_upgradeable_portcullis();
    net.ok(&net.council_create());
    net.snapshot("alarm__adopt", &net.gate_adopt());
    net.snapshot("alarm__status", &["status", &net.program]);
    net.snapshot(
        "alarm__gate_show_json",
        &["gate", "show", &net.program, "--output", "json"],
    );
}

#[test]
fn a_finished_upload_is_not_paid_for_twice() {
    let net = Net::start();
    net.ok(&["buffer", "upload", "new.so", "-k", "alice.json", "--yes"]);
    net.snapshot(
        "upload__again",
        &[
            "buffer",
            "upload",
            "new.so",
            "-k",
            "alice.json",
            "--yes",
            "--output",
            "json",
        ],
    );
    net.snapshot(
        "upload__handed_over",
        &[
            "buffer",
            "upload",
            "new.so",
            "-k",
            "alice.json",
            "--authority",
            &net.bob,
            "--yes",
        ],
    );
    net.snapshot("upload__of_bob", &["buffer", "list", "-k", "bob.json"]);
    net.snapshot(
        "upload__dry_run",
        &[
            "buffer",
            "upload",
            "old.so",
            "-k",
            "alice.json",
            "--dry-run",
        ],
    );
}

#[test]
fn bad_input_is_explained() {
    let net = Net::adopted();
    let run = |name: &str, args: &[&str]| net.snapshot(&format!("bad_input__{name}"), args);
    net.write("short.json", b"[1,2,3]");
    net.write("text.json", b"hello");
    net.write("empty.so", b"");
    net.write("zeros.so", &[0; 100]);
    net.write("text.so", b"this is no program at all");
    let elf = net.read("new.so");
    net.write("truncated.so", &elf[..elf.len() / 2]);

    run(
        "missing_keypair",
        &["cancel", "0", "-k", "nowhere.json", "--yes"],
    );
    run(
        "short_keypair",
        &["cancel", "0", "-k", "short.json", "--yes"],
    );
    run(
        "keypair_is_text",
        &["cancel", "0", "-k", "text.json", "--yes"],
    );
    run(
        "keypair_is_a_program",
        &["cancel", "0", "-k", "new.so", "--yes"],
    );
    run(
        "hardware_wallet",
        &["cancel", "0", "-k", "usb://ledger", "--yes"],
    );
    run(
        "missing_file",
        &[
            "buffer",
            "upload",
            "nowhere.so",
            "-k",
            "alice.json",
            "--yes",
        ],
    );
    run("empty_file", &["verify", "--artifact", "empty.so"]);
    run("zeros", &["verify", "--artifact", "zeros.so"]);
    run(
        "not_an_elf",
        &["buffer", "upload", "text.so", "-k", "alice.json", "--yes"],
    );
    run(
        "truncated_elf",
        &[
            "buffer",
            "upload",
            "truncated.so",
            "-k",
            "alice.json",
            "--yes",
        ],
    );
    run(
        "no_funds",
        &["buffer", "upload", "new.so", "-k", "stranger.json", "--yes"],
    );
    run(
        "no_such_buffer",
        &[
            "propose",
            "upgrade",
            &net.alice,
            "--program",
            &net.program,
            "-k",
            "alice.json",
            "--yes",
        ],
    );
    run(
        "not_a_buffer",
        &[
            "propose",
            "upgrade",
            &net.program,
            "--program",
            &net.program,
            "-k",
            "alice.json",
            "--yes",
        ],
    );
    net.ok(&["buffer", "upload", "new.so", "-k", "bob.json", "--yes"]);
    run(
        "buffer_of_another",
        &[
            "propose",
            "upgrade",
            &net.buffer_of("bob.json"),
            "--program",
            &net.program,
            "-k",
            "alice.json",
            "--yes",
        ],
    );
    run("no_such_proposal", &["review", "0"]);
    run("no_gate", &["gate", "show", &net.alice]);
    run("not_a_council", &["council", "show", &net.program]);
    run("status_of_nothing", &["status", &net.alice]);
    run("status_without_gate", &["status", &net.other_program]);
    run("council_proposal", &["review", "council/3"]);
    run("unknown_name", &["review", "lending/12"]);
    run(
        "member_of_no_role",
        &[
            "council",
            "create",
            "--threshold",
            "1",
            "--timelock",
            "1d",
            "--member",
            "nokey:vote",
        ],
    );
    run(
        "member_twice",
        &[
            "council",
            "create",
            "--threshold",
            "1",
            "--timelock",
            "1d",
            "--member",
            &format!("{}:v", net.alice),
            "--member",
            &format!("{}:p", net.alice),
        ],
    );
    run(
        "impossible_threshold",
        &[
            "council",
            "create",
            "--threshold",
            "5",
            "--timelock",
            "1d",
            "--member",
            &format!("{}:pve", net.alice),
        ],
    );
    run(
        "short_timelock",
        &[
            "council",
            "create",
            "--threshold",
            "1",
            "--timelock",
            "1m",
            "--member",
            &format!("{}:pve", net.alice),
        ],
    );
    run(
        "duration_without_unit",
        &[
            "council",
            "create",
            "--threshold",
            "1",
            "--timelock",
            "2",
            "--member",
            &format!("{}:pve", net.alice),
        ],
    );
    run("adopted_already", &net.gate_adopt());
    run(
        "adopt_without_authority",
        &[
            "gate",
            "adopt",
            &net.other_program,
            "--council",
            &net.council,
            "--threshold",
            "2",
            "--timelock",
            "10m",
            "-k",
            "alice.json",
            "--yes",
        ],
    );
    run(
        "gate_stricter_than_council",
        &[
            "gate",
            "adopt",
            &net.other_program,
            "--council",
            &net.council,
            "--threshold",
            "3",
            "--timelock",
            "10m",
            "-k",
            "alice.json",
            "--upgrade-authority",
            "authority.json",
            "--yes",
        ],
    );
    run(
        "unexpected_hash",
        &[
            "gate",
            "adopt",
            &net.other_program,
            "--council",
            &net.council,
            "--threshold",
            "2",
            "--timelock",
            "10m",
            "-k",
            "alice.json",
            "--upgrade-authority",
            "authority.json",
            "--yes",
            "--expect",
            &"0".repeat(64),
        ],
    );
    run(
        "portcullis_elsewhere",
        &["gate", "show", &net.program, "--portcullis", &net.alice],
    );

    net.ok(&[
        "gate",
        "adopt",
        &net.other_program,
        "--council",
        &net.council,
        "--threshold",
        "2",
        "--timelock",
        "10m",
        "-k",
        "alice.json",
        "--upgrade-authority",
        "authority.json",
        "--yes",
    ]);
    net.ok(&["buffer", "upload", "new.so", "-k", "alice.json", "--yes"]);
    net.ok(&net.propose(&["--yes"]));
    run("ambiguous_ref", &["review", "0"]);
    run("ambiguous_ref_json", &["review", "0", "--output", "json"]);
    run(
        "unambiguous_with_program",
        &["status", "0", "--program", &net.program],
    );
    net.ok(&["buffer", "upload", "old.so", "-k", "alice.json", "--yes"]);
    let held = net.held_buffer();
    run(
        "buffer_of_another_proposal",
        &[
            "propose",
            "upgrade",
            &held,
            "--program",
            &net.other_program,
            "-k",
            "alice.json",
            "--yes",
        ],
    );
    run(
        "close_a_held_buffer",
        &["buffer", "close", &held, "-k", "alice.json", "--yes"],
    );
}

#[test]
fn clusters_are_chosen_never_guessed() {
    let net = Net::start();
    let bare =
        |name: &str, args: &[&str]| net.snapshot_without_url(&format!("cluster__{name}"), args);
    bare("unknown", &["list", "-u", "foonet"]);
    bare("nobody_there", &["list", "-u", "http://127.0.0.1:1"]);
    bare(
        "writes_need_one",
        &["cancel", "0", "-k", "alice.json", "--yes"],
    );
    bare(
        "named_config_is_missing",
        &["list", "--config", "nowhere.yml"],
    );
    bare(
        "unknown_commitment",
        &["list", "-u", "localhost", "--commitment", "certain"],
    );
    net.write(
        "config.yml",
        format!(
            "json_rpc_url: {}\nwebsocket_url: ''\nkeypair_path: alice.json\n",
            net.url()
        )
        .as_bytes(),
    );
    bare(
        "from_the_config_file",
        &["buffer", "list", "--config", "config.yml"],
    );
    net.write("broken.yml", b"json_rpc_url: [");
    bare("broken_config", &["list", "--config", "broken.yml"]);
}
