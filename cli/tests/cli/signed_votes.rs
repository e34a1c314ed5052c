//! Votes as signed messages, and attestations.

use serde_json::Value;

use crate::net::{address, Net};

fn policy(net: &Net) -> String {
    net.proposed("propose policy --program $program --voting-period 1d")
}

#[test]
fn a_signed_vote_is_relayed_by_a_stranger() {
    let net = Net::with_lanes();
    let run = net.recorder("message");
    let name = policy(&net);
    let digest = net.digest_of(&name);
    let sign = |member: &str, file: &str| {
        format!("approve {name} --digest {digest} --yes -k {member}.json --sign-message {file}")
    };
    let relay = |file: &str| format!("approve --relay {file} -k guard.json --yes");
    run("01_sign", &sign("bob", "vote.json"));
    run(
        "02_another_kind",
        "veto --relay vote.json -k carol.json --yes",
    );
    run("03_relay", &relay("vote.json"));
    run("04_relay_again", &relay("vote.json"));

    // Taken back by a transaction: the message is worth nothing any more, and no other is taken.
    net.ok(&format!(
        "retract {name} -k bob.json --digest {digest} --yes"
    ));
    run("05_relay_after_retract", &relay("vote.json"));
    run("06_sign_after_retract", &sign("bob", "again.json"));

    // Altered on its way.
    net.ok(&sign("carol", "vote.json"));
    let file = String::from_utf8(net.read("vote.json")).unwrap();
    net.write("altered.json", file.replace("APPROVE", "REJECT").as_bytes());
    run("07_altered_text", &relay("altered.json"));
    let forged = file.replace(&address("carol"), &address("alice"));
    net.write("forged.json", forged.as_bytes());
    run("08_another_member", &relay("forged.json"));
    net.write("torn.json", &file.as_bytes()[..file.len() / 2]);
    run("09_torn", &relay("torn.json"));
}

#[test]
fn a_rejection_and_a_veto_are_signed_and_relayed() {
    let net = Net::with_lanes();
    let run = net.recorder("against_by_message");
    let [rejected, vetoed] = [(); 2].map(|()| policy(&net));
    let sign = |verb: &str, name: &str, member: &str| {
        let digest = net.digest_of(name);
        format!("{verb} {name} --digest {digest} --yes -k {member}.json --sign-message {member}-vote.json")
    };
    run("01_sign_reject", &sign("reject", &rejected, "bob"));
    net.ok(&sign("reject", &rejected, "carol"));
    run(
        "02_relay_reject",
        "reject --relay bob-vote.json -k guard.json --yes",
    );
    let votes = |name: &str| {
        let status = net.json(&format!("status {name}"));
        let votes = status["votes"].as_array().unwrap().clone();
        let of = |member: &str| {
            let vote = votes.iter().find(|vote| vote["member"] == address(member));
            vote.unwrap()["vote"].clone()
        };
        ["bob", "carol", "guard"].map(of)
    };
    assert_eq!(
        votes(&rejected),
        ["rejected".into(), Value::Null, Value::Null]
    );
    assert_eq!(net.status_of(&rejected), "voting");
    // With the second one the threshold cannot be reached any more.
    net.ok("reject --relay carol-vote.json -k guard.json --yes");
    assert_eq!(
        votes(&rejected),
        ["rejected".into(), "rejected".into(), Value::Null]
    );
    assert_eq!(net.status_of(&rejected), "rejected");

    run("03_no_guardian", &sign("veto", &vetoed, "bob"));
    run("04_sign_veto", &sign("veto", &vetoed, "guard"));
    assert_eq!(net.status_of(&vetoed), "voting");
    run(
        "05_relay_veto",
        "veto --relay guard-vote.json -k bob.json --yes",
    );
    assert_eq!(net.status_of(&vetoed), "vetoed");
    assert_eq!(net.json(&format!("status {vetoed}"))["vetoes"], 1);
    run(
        "06_relay_again",
        "veto --relay guard-vote.json -k bob.json --yes",
    );
    net.ok("history $program");
}

#[test]
fn an_attestation_names_its_statement_by_its_hash_alone() {
    let net = Net::with_attester();
    let run = net.recorder("attest_hash");
    let name = net.upgrade("new.so");
    let digest = net.digest_of(&name);
    let attest = |more: &str| {
        format!("attest {name} --kind build --digest {digest} --yes -k guard.json {more}")
    };
    let hash = solana_sha256_hasher::hash(&net.read("release.json"));
    let hash: String = hash
        .to_bytes()
        .iter()
        .map(|byte| format!("{byte:02x}"))
        .collect();
    run("01_too_short", &attest(&format!("--sha256 {}", &hash[1..])));
    run(
        "02_no_hash",
        &attest(&format!("--sha256 {}", "z".repeat(64))),
    );
    run(
        "03_hash_and_file",
        &attest(&format!("--sha256 {hash} --statement release.json")),
    );
    let given = || net.json(&format!("status {name}"))["attestations_given"].clone();
    assert!(given().as_array().unwrap().is_empty());
    net.ok(&attest(&format!("--sha256 {hash}")));
    assert_eq!(given().as_array().unwrap().len(), 1);
    assert_eq!(given()[0]["statement_sha256"], *hash);
    assert_eq!(given()[0]["attester"], address("guard"));
    // It is worth as much as one whose file was given.
    net.pass(&name);
    net.execute(&name);
}

#[test]
fn a_text_is_signed_by_another_tool() {
    let net = Net::with_lanes();
    let run = net.recorder("unsigned");
    let name = policy(&net);
    let digest = net.digest_of(&name);
    run(
        "01_text",
        &format!(
            "approve {name} --digest {digest} --yes -k $bob --sign-message vote.json --unsigned"
        ),
    );
    let file: serde_json::Value = serde_json::from_slice(&net.read("vote.json")).unwrap();
    let until = file["votes"][0]["valid_until"].as_i64().unwrap();
    let relay = "approve --relay vote.json -k guard.json --yes";
    run("02_without_signature", relay);
    let relayed = |signer: &str| {
        let signature = net.signature_of(&name, signer, until);
        format!("{relay} --signature {signature}")
    };
    run("03_of_another", &relayed("carol"));
    run("04_relay", &relayed("bob"));
}

#[test]
fn an_upgrade_waits_for_the_attestation_that_its_policy_requires() {
    let net = Net::with_attester();
    let run = net.recorder("attest");
    let name = net.upgrade("new.so");
    let digest = net.digest_of(&name);
    net.approve(&name);
    run("01_waits", &format!("status {name}"));
    let attest = |more: &str| format!("attest {name} --digest {digest} --yes {more}");
    let build = |more: &str| attest(&format!("--kind build --statement release.json {more}"));
    run("02_not_an_attester", &build("-k bob.json"));
    run(
        "03_another_kind",
        &attest("--kind audit --statement release.json -k guard.json"),
    );
    run("04_too_short", &build("--expires 2000000 -k guard.json"));
    run("05_no_statement", &attest("--kind build -k guard.json"));
    run(
        "06_sign",
        &build("--uri https://example.com/b -k guard.json --sign-message build.json"),
    );
    run("07_relay", "attest --relay build.json -k carol.json --yes");
    run("08_review", &format!("review {name}"));
    run("09_revoke", &attest("--revoke -k guard.json"));
    run("10_nothing_to_revoke", &attest("--revoke -k guard.json"));
    net.ok(&build("-k guard.json"));
    net.travel(20 * 60 + 1);
    net.execute(&name);
    run("11_close", &format!("close {name} -k bob.json --yes"));
    net.ok("history $program");
}
