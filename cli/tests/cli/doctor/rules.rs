//! Authority, council, attestations, what is pending, and who could change Portcullis itself.

use std::mem::offset_of;

use portcullis::state::{Gate, GateState};
use portcullis_client::pda;
use solana_sdk::pubkey::Pubkey;

use super::{examine, program};
use crate::net::{address, council_create, Net, PLAIN};

/// A field of `$program`'s gate, which no program would write.
fn forge_gate(net: &Net, offset: usize, bytes: &[u8]) {
    let gate = pda::gate(&portcullis::ID, &program());
    let start = Gate::SPACE - size_of::<Gate>() + offset;
    net.forge(&gate, |account| {
        account.data[start..start + bytes.len()].copy_from_slice(bytes);
    });
}

#[test]
fn the_chain_of_authority_is_followed_from_the_program_to_the_signer() {
    let net = Net::adopted();
    let told = examine(&net, "$program -k bob.json");
    assert_eq!((told.exit, told.of("error")), (3, vec!["role_missing"]));
    assert!(told.mend("role_missing").contains(&address("alice")));
    let told = examine(&net, "$program -k stranger.json");
    assert_eq!(told.of("error"), ["role_missing", "payer_too_poor"]);
    const AUTHORITY: usize = 4 + 8 + 1;
    let programdata = pda::programdata(&program());
    let run = net.recorder("doctor_authority");
    net.forge(&programdata, |account| account.data[AUTHORITY] ^= 1);
    run("01_not_the_gate", "doctor $program -k alice.json");
    let told = examine(&net, "$program -k alice.json");
    assert_eq!(told.of("error"), ["authority_not_the_gate"]);
    net.forge(&programdata, |account| account.data[AUTHORITY - 1] = 0);
    let told = examine(&net, "$program -k alice.json");
    assert_eq!(told.of("error"), ["program_final"]);
    net.forge(&programdata, |account| {
        account.data[AUTHORITY - 1] = 1;
        account.data[AUTHORITY] ^= 1;
        account.data[100] ^= 1;
    });
    let told = examine(&net, "$program -k alice.json");
    assert_eq!(told.of("error"), ["release_differs"]);
    net.forge(&programdata, |account| account.data[100] ^= 1);
    for (state, code) in [
        (GateState::Adopting, "gate_adopting"),
        (GateState::Exited, "gate_exited"),
    ] {
        forge_gate(&net, offset_of!(Gate, state), &[state as u8]);
        let told = examine(&net, "$program -k alice.json");
        assert_eq!(told.of("error"), [code]);
    }
    let output = net.run_checked("doctor $other-program");
    assert_eq!(output.status.code(), Some(5));
}

#[test]
fn a_council_that_cannot_reach_the_threshold_is_told() {
    let net = Net::adopted();
    assert_eq!(examine(&net, "$program -k alice.json").exit, 0);
    // Three votes of weight one.
    for (threshold, code) in [(3_u32, 0), (4, 3)] {
        forge_gate(&net, offset_of!(Gate, policy), &threshold.to_le_bytes());
        let told = examine(&net, "$program -k alice.json");
        assert_eq!(told.exit, code);
        if code != 0 {
            assert_eq!(told.of("error"), ["council_unreachable"]);
            assert_eq!(told.measured("council_unreachable"), (4.into(), 3.into()));
            assert!(told.mend("council_unreachable").contains("council analyze"));
        }
    }
    let told = examine(&net, "$program --emergency -k alice.json");
    assert!(told.of("error").contains(&"lane_closed"));
}

#[test]
fn attestations_that_are_missing_or_end_too_early_are_told() {
    let net = Net::with_attester();
    let told = examine(&net, "$program -k alice.json");
    assert_eq!(told.exit, 0);
    assert!(told.of("note").contains(&"attestations_needed"));
    let upgrade = net.upgrade("v3.so");
    net.approve(&upgrade);
    let run = net.recorder("doctor_attestation");
    run("01_missing", &format!("doctor {upgrade} -k alice.json"));
    let line = format!("{upgrade} -k alice.json");
    let told = examine(&net, &line);
    assert_eq!(
        (told.exit, told.of("error")),
        (7, vec!["attestation_missing"])
    );
    assert_eq!(told.measured("attestation_missing"), (1.into(), 0.into()));
    let digest = net.digest_of(&upgrade);
    net.ok(&format!(
        "attest {upgrade} --kind build --statement release.json --uri https://example.com/1 -k guard.json --yes \
         --digest {digest}"
    ));
    net.travel(20 * 60 + 1);
    let told = examine(&net, &line);
    assert_eq!((told.exit, told.of("error")), (0, vec![]));
    assert!(told.of("ok").contains(&"attestations_given"));
    // No program takes one that ends before the execution; a server could show it.
    let proposal: Pubkey = net
        .field(&format!("status {upgrade}"), "address")
        .parse()
        .unwrap();
    let guard = address("guard").parse().unwrap();
    let attestation = pda::attestation(&portcullis::ID, &proposal, &guard);
    let set = |expires_at: i64| {
        net.forge(&attestation, |account| {
            let at = account.data.len() - "https://example.com/1".len() - 16;
            account.data[at..at + 8].copy_from_slice(&expires_at.to_le_bytes());
        });
        let told = examine(&net, &line);
        (
            told.of("error").contains(&"attestation_expires"),
            told.of("warning").contains(&"attestation_expires"),
        )
    };
    let status = net.json(&format!("status {upgrade}"));
    let end = status["expires_at"]["unix_seconds"].as_i64().unwrap();
    assert_eq!(set(end), (false, false));
    assert_eq!(set(end - 1), (false, true));
    assert_eq!(set(net.time_of(&upgrade) - 1), (true, false));
}

#[test]
fn what_else_is_pending_is_told() {
    let net = Net::with_lanes();
    let [first, second] = ["v3.so", "new.so"].map(|file| net.upgrade(file));
    net.approve(&first);
    let told = examine(&net, "$program -k alice.json");
    assert_eq!((told.exit, told.of("warning")), (0, vec!["slot_taken"]));
    let told = examine(&net, "$program -k alice.json --deny-warnings");
    assert_eq!(
        (told.exit, &told.error["code"]),
        (3, &"doctor_warnings".into())
    );
    let told = examine(&net, "$program --emergency -k alice.json");
    assert_eq!(told.of("warning"), ["competing_upgrade"]);
    net.approve(&second);
    let run = net.recorder("doctor_slots");
    run("01_slot_taken", &format!("doctor {second} -k alice.json"));
    let told = examine(&net, &format!("{second} -k alice.json"));
    assert_eq!((told.exit, told.of("error")), (7, vec!["slot_taken"]));
    net.travel(20 * 60 + 1);
    net.execute(&first);
    let told = examine(&net, &format!("{second} -k alice.json"));
    assert_eq!((told.exit, told.of("error")), (3, vec!["base_stale"]));
    assert_eq!(told.measured("base_stale"), (1.into(), 2.into()));
}

#[test]
fn standbys_and_changes_of_the_council_are_told() {
    let net = Net::with_lanes();
    net.armed_rollback();
    let told = examine(&net, "$program -k alice.json");
    assert!(told.of("note").contains(&"standby_armed"));
    let told = examine(&net, "$program/1 -k alice.json");
    assert_eq!((told.exit, told.of("error")), (7, vec!["not_triggered"]));
    let change = net.proposed("propose council --council $council --add $stranger:vote");
    let upgrade = net.upgrade("v3.so");
    net.approve(&change);
    let told = examine(&net, &format!("{upgrade} -k alice.json"));
    assert!(told.of("warning").contains(&"council_change_pending"));
    // The change itself is examined too.
    let told = examine(&net, &format!("{change} -k alice.json"));
    assert_eq!((told.exit, told.of("error")), (7, vec!["timelock_running"]));
    net.travel(20 * 60 + 1);
    let told = examine(&net, &format!("{change} -k alice.json"));
    assert_eq!((told.exit, told.of("error")), (0, vec![]));
    net.execute(&change);
    let told = examine(&net, &format!("{upgrade} -k alice.json"));
    assert_eq!((told.exit, told.of("error")), (3, vec!["epoch_stale"]));
}

#[test]
fn the_spill_account_is_examined_before_it_is_voted_for() {
    let net = Net::adopted();
    let gate = pda::gate(&portcullis::ID, &program());
    let signer = pda::authority(&portcullis::ID, &program());
    for (spill, code) in [
        (address("other-program"), "spill_executable"),
        (
            "SysvarC1ock11111111111111111111111111111111".to_string(),
            "spill_not_writable",
        ),
        (signer.to_string(), "spill_not_distinct"),
        (gate.to_string(), "spill_not_distinct"),
        (
            pda::programdata(&address("other-program").parse().unwrap()).to_string(),
            "spill_not_the_system_s",
        ),
    ] {
        let told = examine(&net, &format!("$program --spill {spill} -k alice.json"));
        assert_eq!((told.exit, told.of("error")), (3, vec![code]), "{spill}");
    }
    let told = examine(&net, "$program --spill $stranger -k alice.json");
    assert!(told.of("ok").contains(&"spill_in_order"));
    // Whoever has its key may have assigned it since: the lamports go there all the same.
    let upgrade = net.upgrade("v3.so");
    net.forge(&address("alice").parse().unwrap(), |account| {
        account.owner = portcullis::ID;
    });
    let told = examine(&net, &format!("{upgrade} -k carol.json"));
    assert!(told.of("warning").contains(&"spill_not_the_system_s"));
}

#[test]
fn who_could_change_portcullis_itself_is_told() {
    let net = Net::with_upgradeable_portcullis().governed(&council_create(), PLAIN);
    let run = net.recorder("doctor_portcullis");
    run(
        "01_plain_key",
        "doctor $program --artifact v3.so -k alice.json",
    );
    let told = examine(&net, "$program -k alice.json --deny-warnings");
    assert_eq!(
        (told.exit, told.of("warning")),
        (3, vec!["portcullis_plain_key"])
    );
}

#[test]
fn what_only_a_simulation_finds_is_told() {
    let net = Net::with_lanes();
    net.adopt_other();
    let first = net.upgrade("v3.so");
    let buffer = net.upload("v3.so");
    let after = net.proposed(&format!(
        "propose upgrade {buffer} --program $other-program --predecessor {first} --soak 7d"
    ));
    net.pass(&after);
    let told = examine(&net, &format!("{after} -k alice.json"));
    assert_eq!(
        (told.exit, told.of("error")),
        (3, vec!["simulation_refused"])
    );
    assert_eq!(
        told.measured("simulation_refused").1,
        "PredecessorNotExecuted"
    );
}
