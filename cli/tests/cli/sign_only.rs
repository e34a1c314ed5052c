//! One transaction, signed on several machines.

use std::{io::Write, process::Stdio};

use serde_json::Value;

use crate::net::{address, Net};

/// A vote for which a time must be named, at the chain's time.
fn vote(net: &Net, verb: &str, name: &str) -> String {
    let until = net.time_of(name) + 3600;
    let digest = net.digest_of(name);
    format!("{verb} {name} --digest {digest} --yes --valid-until {until}")
}

fn policy(net: &Net) -> String {
    net.proposed("propose policy --program $program --voting-period 1d")
}

/// `--signer` with each signature that a command prints.
fn signatures(data: &Value) -> String {
    let signers = data["signers"].as_array().unwrap();
    let flags = signers
        .iter()
        .map(|pair| format!("--signer {}", pair.as_str().unwrap()));
    flags.collect::<Vec<_>>().join(" ")
}

#[test]
fn voter_payer_and_sender_are_three_machines() {
    let net = Net::with_lanes();
    let run = net.recorder("sign_only");
    let name = policy(&net);
    let vote = vote(&net, "approve", &name);
    let blockhash = net.blockhash();
    let at = |actors: &str, more: &str| format!("{vote} {actors} --blockhash {blockhash} {more}");
    let voter = at("-k bob.json --fee-payer $carol", "--sign-only");
    let payer = at("-k $bob --fee-payer carol.json", "--sign-only");
    let nobody = at("-k $bob --fee-payer $carol", "--sign-only");
    run("01_voter", &voter);
    run("02_voter_json", &format!("{voter} --output json"));
    run("03_payer", &payer);
    run("04_nobody", &nobody);
    let (voter, payer) = (net.json(&voter), net.json(&payer));
    assert_eq!(voter["absent"][0], *address("carol"));
    assert_eq!(payer["absent"][0], *address("bob"));
    assert_eq!(voter["message_base64"], payer["message_base64"]);
    let both = format!("{} {}", signatures(&voter), signatures(&payer));
    let send = |signatures: &str| at("-k $bob --fee-payer $carol", signatures);
    run("05_one_is_missing", &send(&signatures(&voter)));
    let before = ["alice", "bob", "carol"].map(|name| net.balance(name));
    run("06_send", &send(&both));
    let after = ["alice", "bob", "carol"].map(|name| net.balance(name));
    assert_eq!(after, [before[0], before[1], before[2] - 10_000]);
    assert_eq!(net.json(&format!("status {name}"))["approval_weight"], 1);
}

#[test]
fn the_one_who_pays_sends_with_a_signature_from_elsewhere() {
    let net = Net::with_lanes();
    let run = net.recorder("presigned");
    let name = policy(&net);
    let vote = vote(&net, "reject", &name);
    let blockhash = net.blockhash();
    let at = |actors: &str, more: &str| format!("{vote} {actors} --blockhash {blockhash} {more}");
    let signed = net.json(&at("-k bob.json --fee-payer $carol", "--sign-only"));
    let signature = signatures(&signed);
    let send = |line: &str| format!("{line} {signature}");
    let here = at("-k $bob --fee-payer carol.json", "");
    let until = net.time_of(&name) + 1800;
    let another = format!("--valid-until {until}");
    let (before, after) = here.split_once("--valid-until ").unwrap();
    let (_, after) = after.split_once(' ').unwrap();
    run(
        "01_another_time",
        &send(&format!("{before}{another} {after}")),
    );
    run(
        "02_another_price",
        &send(&format!("{here} --with-compute-unit-price 7")),
    );
    run(
        "03_another_payer",
        &send(&here.replace("carol.json", "alice.json")),
    );
    let unneeded = format!("--signer $alice={}", "1".repeat(64));
    run("04_unneeded", &send(&format!("{here} {unneeded}")));
    run("05_not_a_signature", &at("-k bob.json", "--signer $alice"));
    run(
        "06_without_a_blockhash",
        &format!("{vote} -k $bob --fee-payer carol.json {signature}"),
    );
    run("07_send", &send(&here));
    run("08_again", &send(&here));
    let votes = net.json(&format!("status {name}"))["votes"].clone();
    let of_bob = |vote: &&Value| vote["member"] == address("bob");
    let bob = votes.as_array().unwrap().iter().find(of_bob).unwrap();
    assert_eq!(bob["vote"], "rejected");

    // An unknown blockhash is as good as an old one.
    run(
        "09_expired",
        &format!("{vote} -k carol.json --blockhash {}", "1".repeat(32)),
    );
}

#[test]
fn what_cannot_be_the_same_everywhere_is_refused() {
    let net = Net::with_lanes();
    let run = net.recorder("apart");
    let name = policy(&net);
    let digest = net.digest_of(&name);
    let blockhash = net.blockhash();
    let apart = format!("--blockhash {blockhash} --sign-only");
    run(
        "01_no_time",
        &format!("approve {name} --digest {digest} --yes -k bob.json {apart}"),
    );
    run(
        "02_no_digest",
        &format!("approve {name} --yes -k bob.json {apart} --valid-until 2030-01-01T00:00:00Z"),
    );
    run("03_too_late", &format!("approve {name} --yes --digest {digest} -k bob.json {apart} --valid-until 2090-01-01T00:00:00Z"));
    let vote = vote(&net, "approve", &name);
    run(
        "04_auto",
        &format!("{vote} -k bob.json {apart} --with-compute-unit-price auto"),
    );
    run(
        "05_upload",
        &format!("buffer upload old.so --yes -k alice.json {apart}"),
    );
    run(
        "06_several",
        &format!("{} -k alice.json {apart}", creation(20)),
    );
    run(
        "06_several_to_send",
        &format!("{} -k alice.json --blockhash {blockhash}", creation(20)),
    );
    run(
        "07_no_create_key",
        &format!(
            "{} -k alice.json {apart}",
            creation(1).replace("--create-key program.json", "")
        ),
    );
    run(
        "08_dry_run",
        &format!("cancel {name} --yes -k alice.json {apart} --dry-run"),
    );
    run(
        "09_no_terminal",
        &format!("cancel {name} -k alice.json {apart}"),
    );
    run(
        "10_sign_only_without_a_blockhash",
        &format!("cancel {name} -k alice.json --sign-only"),
    );
    run(
        "11_no_address",
        &format!("cancel {name} -k $alice --yes --blockhash {blockhash}"),
    );
    run(
        "12_as_a_message",
        &format!("{vote} -k bob.json {apart} --sign-message vote.json"),
    );
}

fn creation(members: u8) -> String {
    let members: Vec<String> = crate::net::strangers(members)
        .iter()
        .map(|key| format!("--member {key}:propose,vote,execute"))
        .collect();
    format!(
        "council create --create-key program.json --threshold 1 --timelock 10m {} --yes",
        members.join(" ")
    )
}

/// Two keys beside the payer.
#[test]
fn a_program_is_adopted_with_its_authority_on_another_machine() {
    let net = Net::with_lanes();
    let run = net.recorder("adopt_apart");
    let blockhash = net.blockhash();
    let adopt = |actors: &str, more: &str| {
        format!(
        "gate adopt $other-program --council $council --threshold 2 --timelock 20m {actors} --yes --blockhash {blockhash} {more}"
    )
    };
    let authority = adopt(
        "--upgrade-authority authority.json -k $alice",
        "--sign-only",
    );
    run("01_authority", &authority);
    let signed = signatures(&net.json(&authority));
    run(
        "02_send",
        &adopt("--upgrade-authority $authority -k alice.json", &signed),
    );
    net.ok("gate show $other-program");
}

/// As a secret store hands it over.
#[test]
fn a_key_comes_from_stdin_and_is_printed_nowhere() {
    let net = Net::with_lanes();
    let name = policy(&net);
    let digest = net.digest_of(&name);
    let secret = String::from_utf8(net.read("bob.json")).unwrap();
    for form in ["-", "stdin:"] {
        let verb = if form == "-" { "approve" } else { "retract" };
        let line = format!("{verb} {name} --digest {digest} --yes -k {form} -vv");
        let mut child = net
            .command(&line)
            .args(["-u", net.url()])
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .spawn()
            .unwrap();
        let stdin = child.stdin.take().unwrap();
        { stdin }.write_all(secret.as_bytes()).unwrap();
        let output = child.wait_with_output().unwrap();
        let printed = [output.stdout, output.stderr].concat();
        let printed = String::from_utf8(printed).unwrap();
        assert!(output.status.success(), "{printed}");
        // The first eight bytes of the secret key.
        let numbers: Vec<&str> = secret.trim_matches('[').split(',').take(8).collect();
        assert!(!printed.contains(&numbers.join(",")));
        assert!(!printed.contains(&numbers.join(", ")));
    }
}
