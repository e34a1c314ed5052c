//! Whether the loader of a cluster takes an ELF, by the features that the cluster shows.

use portcullis_analysis::inspect::{
    Inspection, LoaderRules, Policy, RulesSource, Severity, Subject,
};
use portcullis_client::doctor::{Features, ENABLE_V3, ONLY_V3};
use portcullis_localnet::samples;
use solana_sbpf::ebpf::{self, hash_symbol_name};
use solana_sdk::{account::Account, pubkey::Pubkey};
use solana_sdk_ids::feature;

use crate::{common::PORTCULLIS, place, rules};

const CLUSTER: &str = "http://localhost:8899";

fn of(features: &Features) -> LoaderRules {
    LoaderRules::of_cluster(CLUSTER.to_string(), features)
}

/// A cluster with all features but these. The two that are for tests only are never active.
fn without(missing: &[Pubkey]) -> LoaderRules {
    let active = Features::addresses().into_iter();
    let active = active.filter(|one| !one.to_string().starts_with("TestFeature"));
    of(&Features::with_active(
        active.filter(|one| !missing.contains(one)),
    ))
}

fn judged(bytes: &[u8], rules: LoaderRules) -> Inspection {
    let subject = Subject::of(bytes.to_vec());
    Inspection::for_cluster(&subject, None, &Policy::default(), rules).unwrap()
}

/// Severity, rule and message of the findings.
fn told(inspection: &Inspection) -> Vec<(Severity, &str, &str)> {
    let findings = inspection.findings.iter();
    findings
        .map(|one| (one.severity, one.rule, one.message.as_str()))
        .collect()
}

#[test]
fn a_cluster_takes_only_its_versions() {
    let no_v3 = judged(PORTCULLIS, without(&[ENABLE_V3, ONLY_V3]));
    let refused = "the loader would refuse it: its sBPF version is 3, this cluster takes 0 to 2 for new deployments";
    assert_eq!(told(&no_v3), [(Severity::High, "PI001", refused)]);
    assert!(!no_v3.subject.loader.accepted);
    let with_v3 = judged(PORTCULLIS, without(&[ONLY_V3]));
    assert_eq!(told(&with_v3), []);
    assert!(with_v3.subject.loader.accepted);
    assert_eq!(with_v3.rules.source, RulesSource::Cluster);
    assert_eq!(with_v3.rules.cluster.as_deref(), Some(CLUSTER));
    assert_eq!(judged(PORTCULLIS, without(&[])).findings, []);
    let old = judged(&samples::spl_token().unwrap(), without(&[]));
    let refused = "the loader would refuse it: its sBPF version is 0, this cluster takes only 3 for new deployments";
    assert_eq!(told(&old)[0], (Severity::High, "PI001", refused));
}

#[test]
fn what_the_next_epoch_refuses_is_told_beside_an_old_version_too() {
    let addresses = Features::addresses();
    let state = |address: &Pubkey| Account {
        owner: feature::ID,
        data: vec![u8::from(*address != ONLY_V3); 9],
        ..Account::default()
    };
    let accounts: Vec<Option<Account>> = addresses.iter().map(|one| Some(state(one))).collect();
    let rules = of(&Features::decode(&accounts).unwrap());
    assert!(rules.only_v3_next_epoch);
    let old = Subject::of(samples::spl_token().unwrap());
    let inspected = |rules: LoaderRules| {
        Inspection::for_cluster(&old, Some(&old), &Policy::default(), rules).unwrap()
    };
    let message =
        "it is built for sBPF version 0, and the cluster's next epoch takes only version 3";
    assert_eq!(
        told(&inspected(rules)),
        [(Severity::Medium, "PI002", message)]
    );
    assert_eq!(told(&inspected(without(&[ONLY_V3]))), []);
}

/// The feature that brings `sol_get_epoch_stake`.
const EPOCH_STAKE: Pubkey = Pubkey::from_str_const("FKe75t4LXxGaQnVHdUKM6DSFifVVraGZ8LyNo7oPwy1Z");

#[test]
fn a_system_call_that_is_not_offered_is_told_by_what_the_version_makes_of_it() {
    // Below version 3 the loader refuses it.
    let mut old = samples::spl_token().unwrap();
    let (name, other) = (b"sol_get_rent_sysvar", b"sol_get_epoch_stake");
    let at = old.windows(name.len()).position(|one| one == name).unwrap();
    old[at..at + name.len()].copy_from_slice(other);
    assert!(judged(&old, without(&[ONLY_V3])).subject.loader.accepted);
    let inspection = judged(&old, without(&[ONLY_V3, EPOCH_STAKE]));
    let refused = "the loader would refuse it: it calls sol_get_epoch_stake, which the cluster does not offer";
    assert_eq!(told(&inspection)[0], (Severity::High, "PI001", refused));
    assert_eq!(
        inspection.subject.loader.not_offered,
        ["sol_get_epoch_stake"]
    );

    // From version 3 on it is taken, and fails where it gets there.
    let mut new = PORTCULLIS.to_vec();
    let elf = portcullis_analysis::elf::Elf::read(PORTCULLIS).unwrap();
    let at = place(&elf, &new, 1000);
    new[at..at + 4].copy_from_slice(&[ebpf::CALL_IMM, 0, 0, 0]);
    new[at + 4..at + 8].copy_from_slice(&hash_symbol_name(other).to_le_bytes());
    assert_eq!(judged(&new, without(&[])).findings, []);
    let inspection = judged(&new, without(&[EPOCH_STAKE]));
    let calls = "it calls sol_get_epoch_stake";
    assert_eq!(told(&inspection), [(Severity::High, "PI010", calls)]);
    assert!(inspection.subject.loader.accepted);
}

#[test]
fn rules_that_are_not_known_are_told_and_the_built_in_ones_judge() {
    let unknown = LoaderRules::unknown(CLUSTER.to_string(), "it is \x1b[31m down");
    assert_eq!(unknown.source, RulesSource::BuiltIn);
    let inspection = judged(PORTCULLIS, unknown);
    let reason = "what http://localhost:8899 takes is not known: it is \\u{1b}[31m down";
    assert_eq!(told(&inspection), [(Severity::Medium, "PI009", reason)]);
    // Only version 3, and version 3 not yet: no loader is like that.
    let contradiction = judged(PORTCULLIS, of(&Features::with_active([ONLY_V3])));
    assert_eq!(rules(&contradiction.findings), ["PI009"]);
    assert!(contradiction.findings[0]
        .message
        .ends_with("the features that it shows leave no sBPF version that may be deployed"));
}

#[test]
fn without_a_cluster_mainnet_s_rules_of_a_known_day_judge() {
    let rules = LoaderRules::default();
    assert_eq!(rules.source, RulesSource::BuiltIn);
    assert_eq!((&rules.cluster, &rules.unknown), (&None, &None));
    assert_eq!(rules.as_of, Some("2026-08-24"));
    assert_eq!(
        (rules.lowest_sbpf_version, rules.highest_sbpf_version),
        (0, 3)
    );
    assert_eq!(
        rules.missing_syscalls,
        [
            "sol_blake3",
            "sol_big_mod_exp",
            "sol_remaining_compute_units",
            "sol_sha512",
            "sol_get_fees_sysvar"
        ]
    );
    assert_eq!(judged(PORTCULLIS, rules.clone()).rules, rules);
}
