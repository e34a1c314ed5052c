//! Votes as signed messages, and attestations, from the command line.

// Each test file uses a part of it.
#[allow(dead_code)]
mod net;

use net::Net;

fn policy(net: &Net) -> String {
    net.proposed(&[
        "propose",
        "policy",
        "--program",
        &net.program,
        "--voting-period",
        "1d",
    ])
}

#[test]
fn a_signed_vote_is_relayed_by_a_stranger() {
    let net = Net::with_lanes();
    let run = |name: &str, args: &[&str]| net.snapshot(&format!("message__{name}"), args);
    let name = policy(&net);
    let digest = net.digest_of(&name);
    let sign = |more: &[&'static str]| {
        let sign = ["approve", &name, "--digest", &digest, "--yes"];
        [&sign[..], more].concat()
    };
    run(
        "01_sign",
        &sign(&["-k", "bob.json", "--sign-message", "vote.json"]),
    );
    run(
        "02_another_kind",
        &["veto", "--relay", "vote.json", "-k", "carol.json", "--yes"],
    );
    run(
        "03_relay",
        &[
            "approve",
            "--relay",
            "vote.json",
            "-k",
            "guard.json",
            "--yes",
        ],
    );
    run(
        "04_relay_again",
        &[
            "approve",
            "--relay",
            "vote.json",
            "-k",
            "guard.json",
            "--yes",
        ],
    );

    // Taken back by a transaction: the message is worth nothing any more, and no other is taken.
    net.ok(&[
        "retract", &name, "-k", "bob.json", "--digest", &digest, "--yes",
    ]);
    run(
        "05_relay_after_retract",
        &[
            "approve",
            "--relay",
            "vote.json",
            "-k",
            "guard.json",
            "--yes",
        ],
    );
    run(
        "06_sign_after_retract",
        &sign(&["-k", "bob.json", "--sign-message", "again.json"]),
    );

    // Altered on its way.
    net.ok(&sign(&["-k", "carol.json", "--sign-message", "vote.json"]));
    let file = String::from_utf8(net.read("vote.json")).unwrap();
    net.write("altered.json", file.replace("APPROVE", "REJECT").as_bytes());
    run(
        "07_altered_text",
        &[
            "approve",
            "--relay",
            "altered.json",
            "-k",
            "guard.json",
            "--yes",
        ],
    );
    let forged = file.replace(&net.address("carol"), &net.alice);
    net.write("forged.json", forged.as_bytes());
    run(
        "08_another_member",
        &[
            "approve",
            "--relay",
            "forged.json",
            "-k",
            "guard.json",
            "--yes",
        ],
    );
    net.write("torn.json", &file.as_bytes()[..file.len() / 2]);
    run(
        "09_torn",
        &[
            "approve",
            "--relay",
            "torn.json",
            "-k",
            "guard.json",
            "--yes",
        ],
    );
}

#[test]
fn a_text_is_signed_by_another_tool() {
    let net = Net::with_lanes();
    let run = |name: &str, args: &[&str]| net.snapshot(&format!("unsigned__{name}"), args);
    let name = policy(&net);
    let digest = net.digest_of(&name);
    let bob = net.bob.clone();
    let sign = ["approve", &name, "--digest", &digest, "--yes", "-k", &bob];
    let sign = [&sign[..], &["--sign-message", "vote.json", "--unsigned"]].concat();
    run("01_text", &sign);
    let file: serde_json::Value = serde_json::from_slice(&net.read("vote.json")).unwrap();
    let until = file["votes"][0]["valid_until"].as_i64().unwrap();
    let relay = [
        "approve",
        "--relay",
        "vote.json",
        "-k",
        "guard.json",
        "--yes",
    ];
    run("02_without_signature", &relay);
    let signed = |signer| net.signature_of(&name, signer, until);
    let wrong = signed("carol");
    run(
        "03_of_another",
        &[&relay[..], &["--signature", &wrong]].concat(),
    );
    let right = signed("bob");
    run("04_relay", &[&relay[..], &["--signature", &right]].concat());
}

#[test]
fn an_upgrade_waits_for_the_attestation_that_its_policy_requires() {
    let net = Net::with_attester();
    let run = |name: &str, args: &[&str]| net.snapshot(&format!("attest__{name}"), args);
    let buffer = net.upload("new.so");
    let name = net.proposed(&["propose", "upgrade", &buffer, "--program", &net.program]);
    let digest = net.digest_of(&name);
    net.approve(&name);
    run("01_waits", &["status", &name]);
    let attest = |more: &[&'static str]| {
        let attest = ["attest", &name, "--digest", &digest, "--yes"];
        [&attest[..], more].concat()
    };
    let build = ["--kind", "build", "--statement", "release.json"];
    let of = |key: &'static str| attest(&[&build[..], &["-k", key]].concat());
    run("02_not_an_attester", &of("bob.json"));
    run(
        "03_another_kind",
        &attest(&[
            "--kind",
            "audit",
            "--statement",
            "release.json",
            "-k",
            "guard.json",
        ]),
    );
    run(
        "04_too_short",
        &attest(&[&build[..], &["--expires", "2000000", "-k", "guard.json"]].concat()),
    );
    run(
        "05_no_statement",
        &attest(&["--kind", "build", "-k", "guard.json"]),
    );
    let by_message = [
        "--uri",
        "https://example.com/b",
        "-k",
        "guard.json",
        "--sign-message",
        "build.json",
    ];
    run("06_sign", &attest(&[&build[..], &by_message].concat()));
    run(
        "07_relay",
        &[
            "attest",
            "--relay",
            "build.json",
            "-k",
            "carol.json",
            "--yes",
        ],
    );
    run("08_review", &["review", &name]);
    run("09_revoke", &attest(&["--revoke", "-k", "guard.json"]));
    run(
        "10_nothing_to_revoke",
        &attest(&["--revoke", "-k", "guard.json"]),
    );
    net.ok(&of("guard.json"));
    net.travel(20 * 60 + 1);
    net.ok(&["execute", &name, "-k", "alice.json", "--yes"]);
    run("11_close", &["close", &name, "-k", "bob.json", "--yes"]);
    net.ok(&["history", &net.program]);
}
