//! Buffers, and whose lamports go where.

use crate::net::{address, Fault, Net};

#[test]
fn a_closed_buffer_s_lamports_go_to_the_recipient() {
    let net = Net::start();
    let buffer = net.upload("new.so");
    let locked = net.lamports(&buffer.parse().unwrap());
    assert!(locked > 0);
    let list = |authority: &str| net.json(&format!("buffer list --authority {authority}"));
    // Nobody's key is needed to look.
    let listed = list("$alice");
    assert_eq!(listed["authority"], address("alice"));
    assert_eq!(listed["buffers"].as_array().unwrap().len(), 1);
    assert_eq!(listed["buffers"][0]["buffer"], *buffer);
    assert_eq!(listed["buffers"][0]["rent_lamports"], locked);
    assert!(list("$bob")["buffers"].as_array().unwrap().is_empty());

    let alice = net.balance("alice");
    net.ok(&format!(
        "buffer close {buffer} --recipient $stranger -k alice.json --yes"
    ));
    assert_eq!(net.balance("stranger"), locked);
    assert_eq!(net.balance("alice"), alice - 5_000);
    assert!(list("$alice")["buffers"].as_array().unwrap().is_empty());
}

#[test]
fn the_lamports_of_an_executed_upgrade_go_to_the_spill() {
    let net = Net::adopted();
    let buffer = net.upload("new.so");
    net.proposed(&format!(
        "propose upgrade {buffer} --program $program --spill $stranger"
    ));
    assert_eq!(net.field("status 0", "spill"), address("stranger"));
    net.pass("$program/0");
    let locked = net.lamports(&buffer.parse().unwrap());
    let alice = net.balance("alice");
    net.execute("$program/0");
    assert_eq!(net.balance("stranger"), locked);
    assert_eq!(net.balance("alice"), alice - 5_000);
    assert_eq!(net.lamports(&buffer.parse().unwrap()), 0);
}

#[test]
fn an_upload_has_no_more_on_its_way_than_it_may() {
    let net = Net::start();
    for (number, file) in [(1, "old.so"), (8, "new.so")] {
        let proxy = net.proxy(Fault::Nothing);
        let upload = format!(
            "buffer upload {file} --concurrency {number} -k alice.json --yes --output json"
        );
        let output = proxy.run(&net, &upload);
        let envelope: serde_json::Value = serde_json::from_slice(&output.stdout).unwrap();
        let buffer = envelope["data"]["buffer"].as_str().unwrap();
        assert_eq!(net.bytes_of(buffer), net.read(file));
        let most = proxy.most_under_way();
        assert!((1..=number).contains(&most), "{most}");
        assert!(most > 1 || number == 1);
    }
    for number in ["0", "257"] {
        let upload = format!("buffer upload memo.so --concurrency {number} -k alice.json --yes");
        let output = net.run_checked(&upload);
        assert_eq!(output.status.code(), Some(2));
        let stderr = String::from_utf8(output.stderr).unwrap();
        assert!(stderr.contains("is not in 1..=256"), "{stderr}");
    }
}
