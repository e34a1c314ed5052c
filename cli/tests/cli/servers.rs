//! RPC servers that fail or lie, and payers who have just enough.

use crate::net::{council_create, Fault, Net, PLAIN};

#[test]
fn a_forged_gate_does_not_pass_its_signer_off() {
    let net = Net::adopted();
    net.ok("verify $program --artifact old.so");
    net.forge_gate_signer("stranger");
    let run = net.recorder("forged_gate");
    run("01_verify", "verify $program --artifact old.so");
    for line in ["gate show $program", "status $program", "review $program/0"] {
        let output = net.run_checked(&format!("{line} --output json"));
        assert_eq!(output.status.code(), Some(4));
        let envelope: serde_json::Value = serde_json::from_slice(&output.stdout).unwrap();
        assert_eq!(envelope["error"]["code"], "accounts_unrelated", "{line}");
    }
}

#[test]
fn who_pays_needs_exactly_the_rent_and_the_fees() {
    let net = Net::with_lanes();
    let policy = "propose policy --program $program --voting-period 1d -k alice.json --fee-payer stranger.json";
    net.fund("stranger", 1_000_000);
    let run = net.recorder("funds");
    run("01_too_little", &format!("{policy} --yes"));
    let would =
        net.json("propose policy --program $program --voting-period 1d -k alice.json --dry-run");
    // Two signatures: the proposer's, and the payer's.
    let required = would["would"]["rent_lamports"].as_u64().unwrap() + 10_000;
    net.fund("stranger", required - 1_000_000 - 1);
    run("02_one_lamport_less", &format!("{policy} --yes"));
    net.fund("stranger", 1);
    net.ok(&format!("{policy} --yes"));
    assert_eq!(net.balance("stranger"), 0);
}

/// A program with an upgrade and its rollback to be proposed in two transactions; the bytes of both are there.
fn with_two_steps() -> (Net, String) {
    let net = Net::with_lanes();
    let buffer = net.upload("new.so");
    net.upload("old.so");
    let uri = format!("https://example.com/{}", "a".repeat(180));
    let propose = format!(
        "propose upgrade {buffer} --program $program --with-rollback -k alice.json --statement release.json \
         --statement-uri {uri}"
    );
    (net, propose)
}

#[test]
fn a_rollback_whose_confirmation_is_lost_is_looked_up() {
    let (net, propose) = with_two_steps();
    let proxy = net.proxy(Fault::Unanswered(2));
    let output = proxy.run(&net, &format!("{propose} --yes --rpc-timeout 5s"));
    let stderr = String::from_utf8(output.stderr).unwrap();
    assert_eq!(output.status.code(), Some(0), "{stderr}");
    assert!(
        stderr.contains("/1 is proposed, although its confirmation did not come: it is not known"),
        "{stderr}"
    );
    let stdout = String::from_utf8(output.stdout).unwrap();
    for name in ["$program/0", "$program/1"] {
        assert_eq!(net.status_of(name), "voting");
        assert!(stdout.contains(&net.digest_of(name)), "{stdout}");
    }
}

#[test]
fn a_rollback_that_cannot_be_looked_up_is_not_said_to_be_missing() {
    let (net, propose) = with_two_steps();
    let proxy = net.proxy(Fault::Silence(2));
    let output = proxy.run(&net, &format!("{propose} --yes --rpc-timeout 5s"));
    let stderr = String::from_utf8(output.stderr).unwrap();
    assert_eq!(output.status.code(), Some(6), "{stderr}");
    for said in [
        "/0 is proposed; whether its rollback is, is not known: it is not known whether transaction",
        "hint: solana confirm ",
        "/1 shows it; if there is none by then, propose the rest: portcullis propose rollback --for",
        ", with the same --statement",
    ] {
        assert!(stderr.contains(said), "{said}: {stderr}");
    }
    assert_eq!(net.status_of("$program/0"), "voting");
    assert_eq!(net.run_checked("status $program/1").status.code(), Some(5));
}

#[test]
fn a_payer_is_left_with_what_the_runtime_asks_for() {
    const EMPTY: u64 = 890_880;
    let net = Net::with_deployed("new.so").governed(&council_create(), PLAIN);
    let upgrade = net.upgrade("old.so");
    net.pass(&upgrade);
    let would = &net.json(&format!("execute {upgrade} -k alice.json --dry-run"))["would"];
    let rent = would["extension_rent_lamports"].as_u64().unwrap();
    // The payer signs the extension, the executor and the payer sign the execution.
    let required = rent + 15_000;
    let execute = format!("execute {upgrade} -k alice.json --fee-payer stranger.json --yes");
    let mut funded = 0;
    // Enough for all of it, but not for the runtime between the two: nothing is sent.
    for funds in [required, required + 1, required + EMPTY - 1] {
        net.fund("stranger", funds - funded);
        funded = funds;
        let output = net.run_checked(&execute);
        assert_eq!(output.status.code(), Some(8), "{funds}");
        let stderr = String::from_utf8(output.stderr).unwrap();
        let needs = format!("needs {} lamports and has {funds}:", required + EMPTY);
        assert!(stderr.contains(&needs), "{stderr}");
    }
    net.fund("stranger", 1);
    net.ok(&execute);
    assert_eq!(net.balance("stranger"), EMPTY);
    net.ok("verify $program --artifact old.so");
}

#[test]
fn a_payer_of_two_transactions_needs_the_fees_of_both() {
    let (net, propose) = with_two_steps();
    let would = &net.json(&format!("{propose} --dry-run"))["would"];
    let rents = [
        &would["rent_lamports"],
        &would["rollback_locked_lamports"]["account"],
    ];
    let rents: u64 = rents.iter().map(|rent| rent.as_u64().unwrap()).sum();
    // The bytes are uploaded already; each transaction is signed by the proposer and by the payer.
    let required = rents + 20_000;
    net.fund("stranger", required - 1);
    let propose = format!("{propose} --fee-payer stranger.json --yes");
    let output = net.run_checked(&propose);
    assert_eq!(output.status.code(), Some(8));
    let stderr = String::from_utf8(output.stderr).unwrap();
    let found = required - 1;
    assert!(
        stderr.contains(&format!("needs {required} lamports and has {found}:")),
        "{stderr}"
    );
    net.fund("stranger", 1);
    net.ok(&propose);
    assert_eq!(net.balance("stranger"), 0);
    assert_eq!(net.status_of("$program/1"), "voting");
}
