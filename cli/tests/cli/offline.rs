//! Votes that are signed on a machine without a network, from a file that somebody else wrote.

use serde_json::{json, Value};

use crate::net::{address, Net};

const STATEMENT: &str = "--statement release.json --statement-uri https://example.com/1.json";

/// An upgrade that is explained, and its file.
fn bundled(net: &Net) -> String {
    let buffer = net.upload("new.so");
    let name = net.proposed(&format!(
        "propose upgrade {buffer} --program $program {STATEMENT}"
    ));
    net.ok(&format!(
        "review {name} {STATEMENT} --offline-bundle bundle.json"
    ));
    name
}

fn sign(verb: &str, member: &str, digest: &str, more: &str) -> String {
    format!("{verb} --bundle bundle.json --sign-message {member}-vote.json --digest {digest} --yes -k {member}.json {more}")
}

#[test]
fn a_vote_is_signed_without_a_network_and_relayed_by_a_stranger() {
    let net = Net::with_lanes();
    let run = net.recorder("offline");
    let name = bundled(&net);
    let digest = net.digest_of(&name);
    run(
        "01_bundle",
        &format!("review {name} {STATEMENT} --artifact new.so --offline-bundle bundle.json"),
    );
    run(
        "02_bundle_json",
        &format!("review {name} --offline-bundle bundle.json --output json"),
    );
    net.ok(&format!(
        "review {name} {STATEMENT} --offline-bundle bundle.json"
    ));
    let shape: Value = serde_json::from_slice(&net.read("bundle.json")).unwrap();
    net.compare_text("offline__03_file", "the file", &shown(shape));
    let approve = |more: &str| sign("approve", "bob", &digest, more);
    net.snapshot_offline("offline__04_sign", &approve("--artifact new.so"));
    net.snapshot_offline(
        "offline__05_no_terminal",
        "approve --bundle bundle.json --sign-message vote.json -k bob.json",
    );
    // The stranger has no lamports: another pays.
    run(
        "06_relay",
        "approve --relay bob-vote.json -k stranger.json --fee-payer alice.json --yes",
    );
    assert_eq!(net.json(&format!("status {name}"))["approval_weight"], 1);
    assert_eq!(net.balance("stranger"), 0);

    // What does not fit is refused before anything is signed.
    for (file, line) in [
        ("07_another_number", approve("--artifact new.so 7")),
        ("08_another_build", approve("--artifact old.so")),
        (
            "09_another_digest",
            sign("approve", "carol", &"0".repeat(64), ""),
        ),
        ("10_not_a_voter", sign("approve", "guard", &digest, "")),
        (
            "11_no_digest",
            "approve --bundle bundle.json --sign-message vote.json -k bob.json --yes".to_string(),
        ),
        (
            "12_without_a_file",
            "approve --bundle bundle.json -k bob.json".to_string(),
        ),
    ] {
        net.snapshot_offline(&format!("offline__{file}"), &line);
    }
    for named in ["0", "$program/0", "0 --program $program"] {
        net.ok_offline(&sign("approve", "carol", &digest, named));
    }
    net.snapshot_offline(
        "offline__13_unsigned",
        &format!("approve --bundle bundle.json --sign-message text.json --unsigned --digest {digest} --yes -k $carol"),
    );
    assert!(std::fs::metadata(net.path().join("vote.json")).is_err());
}

/// A file without what differs between runs.
fn shown(mut bundle: Value) -> String {
    for account in bundle["accounts"].as_array_mut().unwrap() {
        let data = account["data_base64"].as_str().unwrap().len();
        account["data_base64"] = json!(format!("{data} digits"));
        account["address"] = json!("");
    }
    bundle["chain_time"]["unix_seconds"] = json!(0);
    bundle["chain_time"]["slot"] = json!(0);
    bundle["genesis_hash"] = json!("");
    bundle["proposal"] = json!("");
    serde_json::to_string_pretty(&bundle).unwrap()
}

#[test]
fn every_kind_of_vote_is_signed_without_a_network() {
    let net = Net::with_attester();
    let name = bundled(&net);
    let digest = net.digest_of(&name);
    let run = net.recorder("offline_kinds");
    net.snapshot_offline(
        "offline_kinds__01_attest",
        &sign(
            "attest",
            "guard",
            &digest,
            "--kind build --statement release.json --uri ipfs://a",
        ),
    );
    run(
        "02_relay_attest",
        "attest --relay guard-vote.json -k carol.json --yes",
    );
    net.ok_offline(&sign("reject", "carol", &digest, ""));
    run(
        "03_relay_reject",
        "reject --relay carol-vote.json -k alice.json --yes",
    );
    net.ok(&format!("review {name} --offline-bundle bundle.json"));
    net.snapshot_offline(
        "offline_kinds__04_given",
        &sign("approve", "bob", &digest, ""),
    );

    let net = Net::with_lanes();
    net.armed_rollback();
    let digest = net.digest_of("$program/1");
    net.ok("review $program/1 --offline-bundle bundle.json");
    let trigger = |more: &str| {
        sign(
            "trigger",
            "guard",
            &digest,
            &format!("{more} --bundle-time"),
        )
    };
    net.snapshot_offline(
        "offline_kinds__05_another_use",
        &trigger("$program safe-mode"),
    );
    net.snapshot_offline("offline_kinds__06_trigger", &trigger("$program rollback"));
    net.ok_offline(&trigger(""));
    net.ok("trigger --relay guard-vote.json -k alice.json --yes");
    let policy = net.proposed("propose policy --council $council --voting-period 1d");
    let digest = net.digest_of(&policy);
    net.ok(&format!("review {policy} --offline-bundle bundle.json"));
    let veto = |more: &str| sign("veto", "guard", &digest, &format!("{more} --bundle-time"));
    net.snapshot_offline("offline_kinds__07_of_a_gate", &veto("0"));
    net.snapshot_offline("offline_kinds__08_veto", &veto("council/0"));
    net.ok("veto --relay guard-vote.json -k alice.json --yes");
    assert_eq!(net.status_of(&policy), "vetoed");
}

#[test]
fn a_bundle_that_was_altered_is_refused() {
    let net = Net::with_lanes();
    let name = bundled(&net);
    let digest = net.digest_of(&name);
    let whole = String::from_utf8(net.read("bundle.json")).unwrap();
    let bundle: Value = serde_json::from_str(&whole).unwrap();
    // Another proposal of the same gate.
    let other = net.proposed("propose policy --program $program --voting-period 1d");
    net.ok(&format!("review {other} --offline-bundle bundle.json"));
    let other: Value = serde_json::from_slice(&net.read("bundle.json")).unwrap();
    let place = |kind: &str| {
        let accounts = bundle["accounts"].as_array().unwrap();
        accounts
            .iter()
            .position(|account| account["kind"] == kind)
            .unwrap()
    };
    let with = |change: &dyn Fn(&mut Value)| {
        let mut altered = bundle.clone();
        change(&mut altered);
        altered.to_string()
    };
    let proposal = place("proposal");
    for (name, text) in [
        ("01_truncated", whole[..whole.len() / 2].to_string()),
        ("02_not_json", "hello".to_string()),
        ("03_another_kind", whole.replace("offline-bundle", "votes")),
        (
            "04_another_instance",
            with(&|bundle| bundle["portcullis"] = json!(address("bob"))),
        ),
        (
            "05_another_owner",
            with(&|bundle| bundle["accounts"][proposal]["owner"] = json!(address("bob"))),
        ),
        (
            "06_another_proposal",
            with(&|bundle| bundle["accounts"][proposal] = other["accounts"][proposal].clone()),
        ),
        (
            "07_another_hash",
            with(&|bundle| {
                let account = &mut bundle["accounts"][proposal];
                let data = account["data_base64"].as_str().unwrap();
                // In the middle of the terms.
                let middle = data.len() / 3;
                let flipped = if &data[middle..=middle] == "A" {
                    "B"
                } else {
                    "A"
                };
                let data = format!("{}{flipped}{}", &data[..middle], &data[middle + 1..]);
                account["data_base64"] = json!(data);
            }),
        ),
        (
            "08_without_its_council",
            with(&|bundle| {
                let council = place("council");
                bundle["accounts"].as_array_mut().unwrap().remove(council);
            }),
        ),
        (
            "09_another_statement",
            with(&|bundle| bundle["statement"]["uri"] = json!("https://example.com/2.json")),
        ),
    ] {
        net.write("bundle.json", text.as_bytes());
        net.snapshot_offline(
            &format!("offline_altered__{name}"),
            &sign("approve", "bob", &digest, ""),
        );
        assert!(
            std::fs::metadata(net.path().join("bob-vote.json")).is_err(),
            "{name}"
        );
    }

    // Words of others stay in their line.
    let forged = json!("devnet\nproposal  forged\u{1b}[8m");
    net.write(
        "bundle.json",
        with(&|bundle| bundle["cluster"] = forged.clone()).as_bytes(),
    );
    let output = net.run_offline(&sign("approve", "bob", &digest, ""));
    let stderr = String::from_utf8(output.stderr).unwrap();
    assert!(
        stderr.contains("devnet\\nproposal  forged\\u{1b}[8m, genesis "),
        "{stderr}"
    );

    // A member who is none: the bundle may claim it, the chain does not take it.
    let member: solana_sdk::pubkey::Pubkey = address("carol").parse().unwrap();
    let claimed: solana_sdk::pubkey::Pubkey = address("stranger").parse().unwrap();
    let council = place("council");
    net.write(
        "bundle.json",
        with(&|bundle| {
            let account = &mut bundle["accounts"][council];
            let data = base64(account["data_base64"].as_str().unwrap());
            let data = replaced(&data, member.as_ref(), claimed.as_ref());
            account["data_base64"] = json!(encoded(&data));
        })
        .as_bytes(),
    );
    net.ok_offline(&sign("approve", "stranger", &digest, ""));
    net.snapshot(
        "offline_altered__10_relay_of_no_member",
        "approve --relay stranger-vote.json -k alice.json --yes",
    );
}

fn replaced(data: &[u8], from: &[u8], to: &[u8]) -> Vec<u8> {
    let at = data
        .windows(from.len())
        .position(|window| window == from)
        .unwrap();
    let mut data = data.to_vec();
    data[at..at + to.len()].copy_from_slice(to);
    data
}

fn base64(text: &str) -> Vec<u8> {
    use base64::{engine::general_purpose::STANDARD, Engine};
    STANDARD.decode(text).unwrap()
}

fn encoded(data: &[u8]) -> String {
    use base64::{engine::general_purpose::STANDARD, Engine};
    STANDARD.encode(data)
}

#[test]
fn the_time_of_a_machine_without_a_network_counts() {
    let net = Net::with_lanes();
    let name = net.proposed("propose policy --program $program --voting-period 2d");
    let digest = net.digest_of(&name);
    let approve = |more: &str| sign("approve", "bob", &digest, more);
    // The chain is hours ahead of this machine's clock.
    net.travel(5 * 3600);
    net.ok(&format!("review {name} --offline-bundle bundle.json"));
    net.snapshot_offline("offline_time__01_behind", &approve(""));
    net.snapshot_offline("offline_time__02_bundle_time", &approve("--bundle-time"));
    let bundle: Value = serde_json::from_slice(&net.read("bundle.json")).unwrap();
    let written = bundle["chain_time"]["unix_seconds"].as_i64().unwrap();
    let until = |seconds: i64| {
        approve(&format!(
            "--bundle-time --valid-until {}",
            written + seconds
        ))
    };
    net.ok_offline(&until(3600));
    let vote: Value = serde_json::from_slice(&net.read("bob-vote.json")).unwrap();
    assert_eq!(vote["votes"][0]["valid_until"], written + 3600);
    // The policy allows messages an hour.
    net.snapshot_offline("offline_time__03_too_long", &until(3601));
    net.snapshot_offline("offline_time__04_past", &until(0));

    // An old one: what it says of the chain's clock cannot make a vote valid for longer than from now.
    let mut old = bundle.clone();
    old["chain_time"]["unix_seconds"] = json!(written - 10 * 86_400);
    net.write("bundle.json", old.to_string().as_bytes());
    let output = net.run_offline(&approve(""));
    let stderr = String::from_utf8(output.stderr).unwrap();
    assert!(
        output.status.success() && stderr.contains("what has happened since does not show"),
        "{stderr}"
    );
    let vote: Value = serde_json::from_slice(&net.read("bob-vote.json")).unwrap();
    // From this machine's clock on, which is behind the chain's here.
    assert!(vote["votes"][0]["valid_until"].as_i64().unwrap() < written);
    // After the deadline nothing is signed, whenever the bundle was written.
    let mut late = bundle;
    late["chain_time"]["unix_seconds"] = json!(written + 3 * 86_400);
    net.write("bundle.json", late.to_string().as_bytes());
    net.snapshot_offline(
        "offline_time__05_after_the_deadline",
        &approve("--bundle-time"),
    );
}
