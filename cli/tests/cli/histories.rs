//! Histories that a server does not give in full, and as a table for other programs.

use base64::{engine::general_purpose::STANDARD, Engine};
use serde_json::{json, Value};
use solana_sdk::signature::Signature;

use crate::net::{address, Gateway, Net};

/// A passed and executed upgrade: eight events of the gate.
fn upgraded() -> (Net, Vec<Value>) {
    let net = Net::adopted();
    let proposal = net.upgrade("new.so");
    net.pass(&proposal);
    net.execute(&proposal);
    net.ok(&format!("close {proposal} -k alice.json --yes"));
    let history = net.json("history $program");
    let events = history["events"].as_array().unwrap().clone();
    (net, events)
}

/// A server that has lost these transactions.
fn without(net: &Net, lost: &[&Value]) -> Gateway {
    let lost: Vec<Value> = lost
        .iter()
        .map(|event| event["signature"].clone())
        .collect();
    net.lying_gateway(move |method, result| {
        let list = result.as_array()?;
        let kept = list.iter().filter(|one| !lost.contains(&one["signature"]));
        (method == "getSignaturesForAddress").then(|| kept.cloned().collect())
    })
}

fn event<'a>(events: &'a [Value], name: &str) -> &'a Value {
    events.iter().find(|event| event["event"] == name).unwrap()
}

#[test]
fn a_gap_is_named_by_numbers_and_transactions() {
    let (net, events) = upgraded();
    let approvals: Vec<&Value> = events
        .iter()
        .filter(|event| event["event"] == "ApprovalCast")
        .collect();
    let [first, second] = approvals.as_slice() else {
        panic!("{events:?}")
    };
    let line = "history $program";
    for (name, lost) in [
        ("gap_in_the_middle", vec![*first, *second]),
        ("gap_at_the_end", vec![event(&events, "ProposalClosed")]),
        (
            "gap_at_the_beginning",
            vec![event(&events, "ProgramAdopted")],
        ),
    ] {
        let gateway = without(&net, &lost);
        let output = gateway.run(&net, line);
        assert_eq!(output.status.code(), Some(4));
        net.snapshot_of(&format!("history__{name}"), line, output);
    }

    let gateway = without(&net, &[*first]);
    let output = gateway.run(&net, &format!("{line} --output json"));
    let envelope: Value = serde_json::from_slice(&output.stdout).unwrap();
    assert_eq!(envelope["error"]["code"], "history_broken");
    let gap = &envelope["data"]["verdicts"]["gate"]["gap"];
    let place = |event: &Value| json!({ "signature": event["signature"], "slot": event["slot"] });
    // Without the first approval, the logs of the second one say another weight; only the execution is impossible.
    assert_eq!(
        *gap,
        json!({
            "recorded": 7,
            "found": 6,
            "first_missing": 3,
            "last_missing": 3,
            "after": place(event(&events, "BufferVerified")),
            "before": place(second),
        })
    );
    // The council's own chain is whole.
    assert_eq!(envelope["data"]["verdicts"]["council"]["verified"], true);
}

#[test]
fn what_cannot_be_explained_is_named_although_nothing_is_missing() {
    let (net, events) = upgraded();
    let altered = event(&events, "UpgradeExecuted")["signature"].clone();
    let altered: Signature = altered.as_str().unwrap().parse().unwrap();
    let gateway = net.lying_gateway(move |method, result| {
        if method != "getTransaction" {
            return None;
        }
        // The signatures come first, behind their number.
        let bytes = STANDARD.decode(result["transaction"][0].as_str()?).unwrap();
        if bytes[1..65] != *altered.as_ref() {
            return None;
        }
        // Before its eta, it says.
        let mut result = result.clone();
        result["blockTime"] = json!(1);
        Some(result)
    });
    let line = "history $program";
    let output = gateway.run(&net, line);
    assert_eq!(output.status.code(), Some(4));
    net.snapshot_of("history__unexplained", line, output);
}

#[test]
fn a_history_is_a_table_for_other_programs() {
    let (net, events) = upgraded();
    let output = net.run_checked("history $program --output csv");
    assert!(output.status.success());
    let mut reader = csv::Reader::from_reader(output.stdout.as_slice());
    let header: Vec<String> = reader
        .headers()
        .unwrap()
        .iter()
        .map(str::to_string)
        .collect();
    assert_eq!(
        header.join(","),
        "sequence,time,unix_seconds,slot,event,proposal,by,what,signature,head,in_logs,fields"
    );
    let rows: Vec<csv::StringRecord> = reader.records().map(Result::unwrap).collect();
    assert_eq!(rows.len(), events.len());
    for (row, event) in rows.iter().zip(&events) {
        let column = |name: &str| &row[header.iter().position(|column| column == name).unwrap()];
        for name in ["sequence", "slot"] {
            assert_eq!(column(name), event[name].to_string());
        }
        for name in ["event", "signature", "head"] {
            assert_eq!(column(name), event[name]);
        }
        assert_eq!(column("time"), event["time"]["rfc3339"]);
        assert_eq!(column("in_logs"), "true");
        let fields: Value = serde_json::from_str(column("fields")).unwrap();
        assert_eq!(fields, event["fields"]);
        assert_eq!(column("proposal").is_empty(), fields["index"].is_null());
    }
    let approval = rows.iter().find(|row| &row[4] == "ApprovalCast").unwrap();
    assert_eq!(
        (&approval[5], &approval[6]),
        ("0", address("alice").as_str())
    );
    let stderr = String::from_utf8(output.stderr).unwrap();
    assert_eq!(stderr.matches(": VERIFIED: ").count(), 2, "{stderr}");

    // Broken, it shows what there is and says so.
    let gateway = without(&net, &[event(&events, "ProposalClosed")]);
    let output = gateway.run(&net, "history $program --output csv");
    assert_eq!(output.status.code(), Some(4));
    let stdout = String::from_utf8(output.stdout).unwrap();
    assert_eq!(stdout.lines().count(), events.len());
    let run = net.recorder("csv");
    run("01_no_csv_of_a_list", "list --output csv");
    run("02_no_csv_of_a_watch", "watch --output csv");
}
