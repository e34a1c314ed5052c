//! Lists of many proposals: right, in few requests, in one order.

use std::collections::BTreeMap;

use portcullis::lifecycle::Status;
use portcullis_client::STATUSES;
use serde_json::Value;

use crate::net::Net;

/// For gates, councils, the clock, and proposals: those of a status that may be stored or derived are asked for twice.
const REQUESTS: usize = 5;

fn refs(list: &Value) -> Vec<String> {
    let proposals = list["proposals"].as_array().unwrap();
    let name = |proposal: &Value| proposal["ref"].as_str().unwrap().to_string();
    proposals.iter().map(name).collect()
}

#[test]
fn a_crowd_is_listed_as_each_proposal_is_read_and_in_few_requests() {
    let net = Net::start();
    let crowd = net.crowd(20, 300);
    let gateway = net.gateway();
    let list = |line: &str| -> Value {
        let line = format!("list {line} --output json -u {}", gateway.url);
        let before = gateway.requests();
        let output = net.command(&line).output().unwrap();
        let stderr = String::from_utf8(output.stderr).unwrap();
        assert!(output.status.success(), "{stderr}");
        let requests = gateway.requests() - before;
        assert!(requests <= REQUESTS, "{line}: {requests} requests");
        let mut envelope: Value = serde_json::from_slice(&output.stdout).unwrap();
        envelope["data"].take()
    };

    let all = list("");
    let listed = all["proposals"].as_array().unwrap();
    assert_eq!(listed.len(), 300);
    assert_eq!(all["total"], 300);
    for proposal in listed {
        let address = proposal["address"].as_str().unwrap();
        let status = crowd.statuses[&address.parse().unwrap()];
        assert_eq!(proposal["status"], status, "{address}");
    }
    // Every thirteenth is read alone, in all its fields but the time.
    for proposal in listed.iter().step_by(13) {
        let name = proposal["ref"].as_str().unwrap();
        let alone = net.json(&format!("status {name}"));
        for (field, value) in proposal.as_object().unwrap() {
            let is_time = ["chain_time", "chain_slot"].contains(&field.as_str());
            assert!(is_time || alone[field] == *value, "{name}: {field}");
        }
    }

    let mut by_status: BTreeMap<&str, Vec<String>> = BTreeMap::new();
    for status in STATUSES.map(Status::name) {
        let found = list(&format!("--status {status}"));
        for proposal in found["proposals"].as_array().unwrap() {
            assert_eq!(proposal["status"], status);
        }
        by_status.insert(status, refs(&found));
    }
    assert!(by_status.values().all(|found| found.len() > 10));
    let mut together: Vec<String> = by_status.values().flatten().cloned().collect();
    together.sort();
    let mut expected = refs(&all);
    expected.sort();
    assert_eq!(together, expected);

    // The order is that of the whole list, and a limit cuts its end.
    let open = list("--status voting --status ready");
    let order = |names: &[&str]| -> Vec<String> {
        let mut found = refs(&all);
        found.retain(|name| names.iter().any(|status| by_status[status].contains(name)));
        found
    };
    assert_eq!(refs(&open), order(&["voting", "ready"]));
    let some = list("--status voting --status ready --limit 7");
    assert_eq!(refs(&some), refs(&open)[..7]);
    assert_eq!(some["total"], open["total"]);
    assert_eq!(refs(&list("")), refs(&all));

    let needs_vote = refs(&list("--needs-vote $alice"));
    assert_eq!(needs_vote, order(&["voting"]));
    let program = crowd.programs[3];
    let of_program = refs(&list(&format!("--program {program}")));
    let of = |subject: &str| -> Vec<String> {
        let mut found = refs(&all);
        found.retain(|name| name.starts_with(subject));
        found
    };
    assert_eq!(of_program, of(&program.to_string()));
    assert!(of_program.len() > 5);
    let of_council = list(&format!("--council {}", crowd.councils[0]));
    assert_eq!(refs(&of_council), refs(&all));
}

#[test]
fn a_list_of_many_says_what_it_leaves_out() {
    let net = Net::start();
    net.crowd(2, 44);
    let run = net.recorder("lists");
    run(
        "01_limited",
        "list --status queued --status armed --limit 3",
    );
    run("02_no_limit_of_zero", "list --limit 0");
}
