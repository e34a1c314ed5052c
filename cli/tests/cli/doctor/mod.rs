//! The doctor: every finding as a chain shows it, and what it says where all is well.

mod builds;
mod rules;

use serde_json::Value;
use solana_sdk::pubkey::Pubkey;

use crate::net::{address, Fault, Net};

/// What an examination says.
struct Told {
    exit: i32,
    data: Value,
    error: Value,
}

impl Told {
    fn new(output: std::process::Output, line: &str) -> Self {
        let mut envelope: Value = serde_json::from_slice(&output.stdout)
            .unwrap_or_else(|_| panic!("{line}: {}", String::from_utf8_lossy(&output.stderr)));
        Self {
            exit: output.status.code().unwrap(),
            data: envelope["data"].take(),
            error: envelope["error"].take(),
        }
    }

    fn findings(&self) -> &[Value] {
        self.data["findings"].as_array().unwrap()
    }

    /// The codes of a severity, in the order in which they are told.
    fn of(&self, severity: &str) -> Vec<&str> {
        let these = self.findings().iter();
        let these = these.filter(|finding| finding["severity"] == severity);
        these
            .map(|finding| finding["code"].as_str().unwrap())
            .collect()
    }

    fn finding(&self, code: &str) -> &Value {
        let found = self.findings().iter().find(|f| f["code"] == code);
        found.unwrap_or_else(|| panic!("{code}: {:#}", self.data))
    }

    /// Required and found.
    fn measured(&self, code: &str) -> (Value, Value) {
        let finding = self.finding(code);
        let value = |name: &str| finding[name]["value"].clone();
        (value("required"), value("found"))
    }

    fn mend(&self, code: &str) -> &str {
        self.finding(code)["mend"].as_str().unwrap()
    }
}

/// Examines; what is examined stays as it is.
fn examine(net: &Net, line: &str) -> Told {
    let line = format!("doctor {line} --output json");
    Told::new(net.run_checked(&line), &line)
}

fn program() -> Pubkey {
    address("program").parse().unwrap()
}

#[test]
fn all_is_well_before_an_upgrade_is_proposed() {
    let net = Net::adopted();
    let run = net.recorder("doctor_propose");
    run("01_program", "doctor $program -k alice.json");
    run("02_build", "doctor $program --artifact v3.so -k alice.json");
    let buffer = net.upload("v3.so");
    let line =
        format!("doctor $program --artifact v3.so --buffer {buffer} -k alice.json --deny-warnings");
    run("03_buffer", &line);
    run("04_buffer_json", &format!("{line} --output json"));
    // Without a name, the only program; nobody's key is needed to look.
    let told = examine(&net, "");
    assert_eq!((told.exit, told.of("error")), (0, vec![]));
    assert_eq!(told.data["program"], address("program"));
    assert!(told.of("note").contains(&"signer_unknown"));
    assert!(!told.data.to_string().contains("payer_can_pay"));
    // An address serves as well as a key.
    let told = examine(&net, "$program -k $alice");
    assert!(told.of("ok").contains(&"role_held"));
}

#[test]
fn all_is_well_before_an_upgrade_is_executed() {
    let net = Net::adopted();
    let upgrade = net.upgrade("v3.so");
    let run = net.recorder("doctor_execute");
    let line = format!("doctor {upgrade} --artifact v3.so -k alice.json");
    run("01_voting", &line);
    net.approve(&upgrade);
    run("02_queued", &line);
    net.travel(601);
    run("03_ready", &line);
    run("04_ready_json", &format!("{line} --output json"));
    let told = examine(&net, &format!("{upgrade} --artifact v3.so -k alice.json"));
    assert!(told.of("ok").contains(&"simulation_passed"));
    // The clock has travelled.
    assert_eq!(told.of("warning"), ["clock_drift"]);
    let told = examine(&net, &format!("{upgrade} -k alice.json --deny-warnings"));
    assert_eq!(
        (told.exit, &told.error["code"]),
        (3, &"doctor_warnings".into())
    );
    net.execute(&upgrade);
    run("05_executed", &line);
}

#[test]
fn time_and_votes_that_are_missing_are_not_yet_errors() {
    let net = Net::adopted();
    let upgrade = net.upgrade("v3.so");
    let line = format!("{upgrade} -k alice.json");
    let told = examine(&net, &line);
    assert_eq!((told.exit, told.of("error")), (7, vec!["votes_missing"]));
    assert_eq!(told.measured("votes_missing"), (2.into(), 0.into()));
    net.approve(&upgrade);
    let told = examine(&net, &line);
    assert_eq!((told.exit, told.of("error")), (7, vec!["timelock_running"]));
    let (eta, now) = told.measured("timelock_running");
    assert!(eta.as_i64().unwrap() > now.as_i64().unwrap());
    assert!(told.mend("timelock_running").contains("wait"));
    net.travel(601);
    // The member who executes must have the role; then it is not only a question of time.
    let told = examine(&net, &format!("{upgrade} -k bob.json"));
    assert_eq!((told.exit, told.of("error")), (3, vec!["role_missing"]));
    // Two days less a minute later.
    net.travel(2 * 86_400 - 60);
    let told = examine(&net, &line);
    assert_eq!(told.exit, 0);
    assert!(told.of("warning").contains(&"expires_soon"));
    net.travel(60);
    let told = examine(&net, &line);
    assert_eq!((told.exit, told.of("error")), (3, vec!["proposal_ended"]));
    assert_eq!(told.measured("proposal_ended").1, "expired");
    assert!(told.mend("proposal_ended").contains("repropose"));
}

#[test]
fn what_a_server_refuses_is_a_finding() {
    let net = Net::adopted();
    let upgrade = net.upgrade("v3.so");
    let examine = |method: &'static str, line: &str| {
        let proxy = net.proxy(Fault::Without(method));
        let line = format!("doctor {line} --output json --rpc-timeout 0s");
        Told::new(proxy.run(&net, &line), &line)
    };
    let told = examine("getProgramAccounts", "$program -k alice.json");
    assert_eq!((told.exit, told.of("error")), (3, vec!["could_not_check"]));
    assert_eq!(told.finding("could_not_check")["topic"], "council");
    let told = examine(
        "getMinimumBalanceForRentExemption",
        "$program --artifact v3.so -k alice.json",
    );
    assert_eq!(told.of("error"), ["could_not_check", "could_not_check"]);
    let told = examine("getRecentPerformanceSamples", "$program -k alice.json");
    assert_eq!((told.exit, told.of("error")), (0, vec![]));
    assert_eq!(told.finding("could_not_check")["topic"], "clock");
    net.pass(&upgrade);
    let told = examine("simulateTransaction", &format!("{upgrade} -k alice.json"));
    assert_eq!(told.exit, 0);
    assert!(told.of("warning").contains(&"could_not_check"));
}

#[test]
fn what_cannot_be_examined_is_explained() {
    let net = Net::adopted();
    let upgrade = net.upgrade("v3.so");
    let run = net.recorder("doctor_misuse");
    run(
        "01_buffer_of_a_proposal",
        &format!("doctor {upgrade} --buffer $alice"),
    );
    run("02_no_such_proposal", "doctor $program/7");
    run("03_no_gate", "doctor $other-program");
    run("04_missing_key", "doctor $program -k nowhere.json");
    // By its address as well.
    let proposal = net.field(&format!("status {upgrade}"), "address");
    assert_eq!(examine(&net, &proposal).data["ref"], upgrade);
    net.adopt_other_plainly();
    run("05_several_gates", "doctor");
    let named = examine(&net, "--program $other-program");
    assert_eq!(named.data["program"], address("other-program"));
}
