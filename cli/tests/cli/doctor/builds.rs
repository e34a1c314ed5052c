//! The build, its buffer, the program's room, and who pays.

use portcullis_client::doctor::ONLY_V3;
use solana_sdk::pubkey::Pubkey;

use super::examine;
use crate::net::{council_create, Net, PLAIN};

/// Owns the accounts of features.
const FEATURE: &str = "Feature111111111111111111111111111111111111";

#[test]
fn a_buffer_is_examined_from_its_owner_to_its_last_byte() {
    let net = Net::adopted();
    let with = |buffer: &str| {
        examine(
            &net,
            &format!("$program --artifact new.so --buffer {buffer} -k alice.json"),
        )
    };
    let errors = |buffer: &str| {
        let told = with(buffer);
        assert_eq!(told.exit, 3);
        told.of("error").join(" ")
    };
    assert_eq!(errors("$stranger"), "buffer_missing");
    assert_eq!(errors("$carol"), "buffer_not_the_loader_s");
    assert_eq!(errors("$program"), "buffer_not_a_buffer");
    // Another build, and a shorter one.
    let short = net.upload("memo.so");
    assert_eq!(errors(&short), "buffer_differs buffer_too_short");
    let told = with(&short);
    let (new, memo) = (net.read("new.so").len(), net.read("memo.so").len());
    assert_eq!(told.measured("buffer_too_short"), (new.into(), memo.into()));
    let longer = net.upload("old.so");
    assert_eq!(errors(&longer), "buffer_differs");
    let buffer = net.upload("new.so");
    let good = with(&buffer);
    assert_eq!((good.exit, good.of("error")), (0, vec![]));
    assert!(good.of("ok").contains(&"buffer_matches"));
    // The last byte that is not zero was not written.
    let bytes = net.read("new.so");
    let last = bytes.iter().rposition(|byte| *byte != 0).unwrap();
    let address: Pubkey = buffer.parse().unwrap();
    net.forge(&address, |account| account.data[37 + last] = 0);
    let told = with(&buffer);
    assert_eq!(told.of("error"), ["buffer_incomplete"]);
    assert_eq!(
        told.measured("buffer_incomplete"),
        (bytes.len().into(), (bytes.len() - 1).into())
    );
    assert!(told
        .mend("buffer_incomplete")
        .contains("buffer upload new.so"));
    // One byte was swapped.
    net.forge(&address, |account| {
        account.data[37 + last] = bytes[last].wrapping_add(1)
    });
    assert_eq!(errors(&buffer), "buffer_differs");
    net.forge(&address, |account| account.data[37..].fill(0));
    assert_eq!(errors(&buffer), "buffer_incomplete buffer_empty");
    // The option in front of the authority says that there is none.
    net.forge(&address, |account| {
        account.data[37..].copy_from_slice(&bytes);
        account.data[4] = 0;
    });
    assert_eq!(errors(&buffer), "buffer_immutable");
}

#[test]
fn a_buffer_of_somebody_else_cannot_be_proposed() {
    let net = Net::adopted();
    net.ok("buffer upload new.so -k bob.json --yes");
    let foreign = net.buffer_of("bob");
    let run = net.recorder("doctor_buffer");
    run(
        "01_foreign_authority",
        &format!("doctor $program --artifact new.so --buffer {foreign} -k alice.json"),
    );
    let upgrade = net.upgrade("new.so");
    let held = net.field(&format!("status {upgrade}"), "buffer");
    let told = examine(&net, &format!("$program --buffer {held} -k alice.json"));
    assert_eq!(told.of("error"), ["buffer_held_already"]);
    // A server shows other bytes, or another authority, than the gate has verified.
    let address: Pubkey = held.parse().unwrap();
    let line = format!("{upgrade} --artifact old.so -k alice.json");
    net.forge(&address, |account| account.data[100] ^= 1);
    let told = examine(&net, &line);
    assert!(told.of("error").contains(&"artifact_differs"));
    assert!(told.of("error").contains(&"buffer_content_differs"));
    assert_eq!(told.exit, 3);
    net.forge(&address, |account| {
        account.data[100] ^= 1;
        account.data[5] ^= 1;
    });
    let told = examine(&net, &line);
    assert!(told.of("error").contains(&"buffer_not_held"));
    net.forge(&address, |account| account.data[5] ^= 1);
    net.ok(&format!("cancel {upgrade} -k alice.json --yes"));
    net.ok(&format!("buffer return {upgrade} -k alice.json --yes"));
    let told = examine(&net, &line);
    assert_eq!(told.of("error"), ["proposal_ended"]);
}

#[test]
fn a_payer_needs_what_the_next_step_costs_to_the_lamport() {
    let net = Net::adopted();
    let buffer = net.upload("v3.so");
    let line = format!("$program --buffer {buffer} -k alice.json --fee-payer stranger.json");
    let told = examine(&net, &line);
    assert_eq!(told.of("error"), ["payer_too_poor"]);
    let (required, found) = told.measured("payer_too_poor");
    let required = required.as_u64().unwrap();
    assert_eq!(found, 0);
    net.fund("stranger", required - 1);
    let told = examine(&net, &line);
    assert_eq!(told.of("error"), ["payer_too_poor"]);
    assert_eq!(told.measured("payer_too_poor").1, required - 1);
    assert!(told.mend("payer_too_poor").contains("0.000000001"));
    net.fund("stranger", 1);
    let told = examine(&net, &line);
    assert_eq!((told.exit, told.of("error")), (0, vec![]));
    // The runtime leaves nobody with less than an empty account's rent.
    net.fund("stranger", 1);
    let told = examine(&net, &line);
    assert_eq!(told.of("error"), ["payer_left_below_rent"]);
    let propose = format!(
        "propose upgrade {buffer} --program $program -k alice.json --fee-payer stranger.json --yes"
    );
    assert!(!net.run_checked(&propose).status.success());
    let missing = told.mend("payer_left_below_rent");
    assert!(missing.contains("0.00089"), "{missing}");
    net.fund("stranger", 890_879);
    assert_eq!(examine(&net, &line).exit, 0);
    net.ok(&propose);
}

#[test]
fn what_an_upload_costs_is_counted_where_there_is_no_buffer() {
    let net = Net::adopted();
    let line = "$program --artifact v3.so -k alice.json --fee-payer stranger.json";
    let told = examine(&net, line);
    let required = told.measured("payer_too_poor").0.as_u64().unwrap();
    net.fund("stranger", required);
    assert_eq!(examine(&net, line).exit, 0);
    let upload = net.json("buffer upload v3.so -k alice.json --fee-payer stranger.json --yes");
    let buffer = upload["buffer"].as_str().unwrap();
    net.ok(&format!(
        "propose upgrade {buffer} --program $program -k alice.json --fee-payer stranger.json --yes"
    ));
    assert_eq!(net.balance("stranger"), 0);
}

#[test]
fn a_build_must_load_on_this_very_cluster() {
    let net = Net::adopted();
    let with = |file: &str| examine(&net, &format!("$program --artifact {file} -k alice.json"));
    net.write("text.so", b"this is no program at all");
    let told = with("text.so");
    assert_eq!((told.exit, told.of("error")), (3, vec!["elf_invalid"]));
    let mut large = net.read("old.so");
    large.resize(10 * 1024 * 1024 - 45, 1);
    net.write("limit.so", &large);
    let told = with("limit.so");
    assert!(told.of("note").contains(&"extension_needed"));
    large.push(1);
    net.write("large.so", &large);
    let told = with("large.so");
    assert_eq!(told.of("error"), ["elf_too_large", "program_cannot_grow"]);
    assert_eq!(told.measured("elf_too_large").1, 10 * 1024 * 1024 - 44);

    assert!(with("old.so").of("note").contains(&"elf_version_old"));
    assert!(with("v3.so").of("ok").contains(&"elf_loads"));
    // SIMD-0500 is asked for, and then active.
    net.forge(&ONLY_V3, |account| {
        account.owner = FEATURE.parse().unwrap();
        account.lamports = 1_000_000;
        account.data = vec![0; 9];
    });
    assert_eq!(with("new.so").of("warning"), ["elf_version_ending"]);
    net.forge(&ONLY_V3, |account| account.data[0] = 1);
    let run = net.recorder("doctor_elf");
    run(
        "01_version_refused",
        "doctor $program --artifact new.so -k alice.json",
    );
    let told = with("new.so");
    assert_eq!(told.of("error"), ["elf_version_refused"]);
    assert!(with("v3.so").of("ok").contains(&"elf_loads"));
    // A proposal with such a build is examined by what its buffer holds.
    let upgrade = net.upgrade("new.so");
    let told = examine(&net, &format!("{upgrade} -k alice.json"));
    assert!(told.of("error").contains(&"elf_version_refused"));
    let missing = net.run_checked("doctor $program --artifact nowhere.so");
    assert_eq!(missing.status.code(), Some(2));
}

#[test]
fn room_is_made_before_a_larger_build() {
    let net = Net::with_deployed("new.so").governed(&council_create(), PLAIN);
    let told = examine(&net, "$program --artifact old.so -k alice.json");
    let (old, new) = (net.read("old.so").len(), net.read("new.so").len());
    assert_eq!(told.measured("extension_needed"), (old.into(), new.into()));
    let upgrade = net.upgrade("old.so");
    net.pass(&upgrade);
    let line = format!("{upgrade} -k alice.json --fee-payer stranger.json");
    let told = examine(&net, &line);
    assert_eq!(told.of("error"), ["payer_too_poor"]);
    let required = told.measured("payer_too_poor").0.as_u64().unwrap();
    net.fund("stranger", required - 1);
    assert_eq!(examine(&net, &line).of("error"), ["payer_too_poor"]);
    net.fund("stranger", 1);
    assert_eq!(examine(&net, &line).exit, 0);
    net.ok(&format!("execute {line} --yes"));
    // What an empty account needs had to stay between the two transactions.
    assert_eq!(net.balance("stranger"), 890_880);
}

#[test]
fn an_upgrade_waits_for_the_next_slot_after_an_extension() {
    let net = Net::adopted();
    let upgrade = net.upgrade("v3.so");
    net.pass(&upgrade);
    net.extend_in_a_held_slot();
    let told = examine(&net, &format!("{upgrade} -k alice.json"));
    assert!(
        told.of("warning").contains(&"deployed_this_slot"),
        "{:#}",
        told.data
    );
}
