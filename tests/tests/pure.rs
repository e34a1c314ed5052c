//! Policies, digests and slots as properties of the pure modules.

use bytemuck::Zeroable;
use portcullis::{
    digest::digest,
    lifecycle::Lane,
    policy::{Powers, Snapshot},
};
use portcullis_tests::{rules, *};
use proptest::{array, prelude::*};

const MAX: u32 = 90 * 86_400;

fn powers() -> Powers {
    Powers {
        weight: 3,
        guardians: 1,
        proposers: 1,
        executors: 1,
        attesters: [0; 8],
    }
}

#[test]
fn each_rule_of_a_policy_is_refused_by_name_and_taken_at_its_limit() {
    for (reason, name, change) in rules::violations() {
        let mut policy = policy();
        change(&mut policy);
        assert_eq!(policy.validate(&powers(), 3_600), Err(reason), "{name}");
    }
    for (name, change) in rules::limits() {
        let mut policy = policy();
        change(&mut policy);
        assert_eq!(policy.validate(&powers(), 3_600), Ok(()), "{name}");
    }
    let nobody = Powers {
        proposers: 0,
        ..powers()
    };
    assert_eq!(
        policy().validate(&nobody, 0),
        Err(PortcullisError::NoProposer)
    );
    let nobody = Powers {
        executors: 0,
        ..powers()
    };
    assert_eq!(
        policy().validate(&nobody, 0),
        Err(PortcullisError::NoExecutor)
    );
}

/// Numbers near the limits of durations.
fn duration() -> impl Strategy<Value = u32> {
    prop_oneof![
        Just(0),
        Just(599),
        Just(600),
        Just(3_600),
        Just(MAX),
        Just(MAX + 1),
        0..MAX,
    ]
}

prop_compose! {
    fn any_policy()(
        threshold in 0..6u32,
        timelock_seconds in duration(),
        voting_period_seconds in duration(),
        execution_window_seconds in duration(),
        min_interval_seconds in duration(),
        message_validity_seconds in prop_oneof![Just(0u32), 0..90_000u32],
        emergency_threshold in prop_oneof![Just(0u32), 0..6u32],
        emergency_timelock_seconds in prop_oneof![Just(0u32), duration()],
        (emergency_min_interval_seconds, standby_validity_seconds) in
            (prop_oneof![Just(0u32), duration()], prop_oneof![Just(0u32), duration()]),
        attestations in array::uniform8(prop_oneof![8 => Just(0u8), 1 => 0..3u8]),
        veto_threshold in 0..4u8,
        emergency_veto_threshold in prop_oneof![Just(0u8), 0..4u8],
        trigger_threshold in prop_oneof![Just(0u8), 0..4u8],
        flags in 0..5u8,
    ) -> Policy {
        Policy {
            threshold,
            timelock_seconds,
            voting_period_seconds,
            execution_window_seconds,
            min_interval_seconds,
            message_validity_seconds,
            emergency_threshold,
            emergency_timelock_seconds,
            emergency_min_interval_seconds,
            standby_validity_seconds,
            attestations,
            veto_threshold,
            emergency_veto_threshold,
            trigger_threshold,
            flags,
        }
    }
}

prop_compose! {
    fn any_powers()(
        weight in 0..6u32,
        guardians in 0..4u8,
        proposers in 0..3u8,
        executors in 0..2u8,
        attesters in array::uniform8(0..3u8),
    ) -> Powers {
        Powers { weight, guardians, proposers, executors, attesters }
    }
}

/// All rules once more, as one sentence.
fn possible(p: &Policy, powers: &Powers, floor: u32) -> bool {
    let floor = floor.max(600);
    let durations = [
        p.timelock_seconds,
        p.voting_period_seconds,
        p.execution_window_seconds,
        p.min_interval_seconds,
        p.emergency_timelock_seconds,
        p.emergency_min_interval_seconds,
        p.standby_validity_seconds,
    ];
    let emergency = if p.emergency_threshold == 0 {
        p.emergency_timelock_seconds == 0
            && p.emergency_min_interval_seconds == 0
            && p.emergency_veto_threshold == 0
    } else {
        (p.threshold..=powers.weight).contains(&p.emergency_threshold)
            && (floor..=p.timelock_seconds).contains(&p.emergency_timelock_seconds)
            && p.emergency_min_interval_seconds > 0
    };
    (1..=powers.weight).contains(&p.threshold)
        && p.timelock_seconds >= floor
        && p.voting_period_seconds >= 600
        && p.execution_window_seconds >= 600
        && durations.iter().all(|seconds| *seconds <= MAX)
        && p.message_validity_seconds <= 86_400
        && p.veto_threshold <= powers.guardians
        && p.emergency_veto_threshold <= powers.guardians
        && emergency
        && p.trigger_threshold <= powers.guardians
        && (p.trigger_threshold > 0) == (p.standby_validity_seconds > 0)
        && (0..8).all(|kind| p.attestations[kind] <= powers.attesters[kind])
        && powers.proposers > 0
        && (powers.executors > 0 || p.flags & 1 == 1)
        && p.flags < 4
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(8_192))]

    #[test]
    fn g12_a_policy_that_is_taken_can_be_met(
        policy in any_policy(),
        powers in any_powers(),
        floor in prop_oneof![Just(0u32), Just(3_600u32)],
    ) {
        let taken = policy.validate(&powers, floor).is_ok();
        prop_assert_eq!(taken, possible(&policy, &powers, floor));
    }

    #[test]
    fn g12_a_policy_made_possible_is_taken(policy in any_policy(), powers in any_powers()) {
        let mut p = policy;
        let powers = Powers {
            weight: powers.weight.max(1),
            guardians: powers.guardians.max(1),
            proposers: 1,
            executors: 1,
            attesters: [2; 8],
        };
        p.threshold = p.threshold.clamp(1, powers.weight);
        p.timelock_seconds = p.timelock_seconds.clamp(600, MAX);
        p.voting_period_seconds = p.voting_period_seconds.clamp(600, MAX);
        p.execution_window_seconds = p.execution_window_seconds.clamp(600, MAX);
        p.min_interval_seconds = p.min_interval_seconds.min(MAX);
        p.message_validity_seconds = p.message_validity_seconds.min(86_400);
        p.veto_threshold = p.veto_threshold.min(powers.guardians);
        if p.emergency_threshold > 0 {
            p.emergency_threshold = p.emergency_threshold.clamp(p.threshold, powers.weight);
            p.emergency_timelock_seconds =
                p.emergency_timelock_seconds.clamp(600, p.timelock_seconds);
            p.emergency_min_interval_seconds = p.emergency_min_interval_seconds.clamp(1, MAX);
            p.emergency_veto_threshold = p.emergency_veto_threshold.min(powers.guardians);
        } else {
            p.emergency_timelock_seconds = 0;
            p.emergency_min_interval_seconds = 0;
            p.emergency_veto_threshold = 0;
        }
        p.trigger_threshold = p.trigger_threshold.min(powers.guardians);
        p.standby_validity_seconds = if p.trigger_threshold > 0 { 600 } else { 0 };
        p.flags %= 4;
        prop_assert_eq!(p.validate(&powers, 0), Ok(()));
        // More members can only help.
        let more = Powers { weight: powers.weight + 1, guardians: powers.guardians + 1, ..powers };
        prop_assert_eq!(p.validate(&more, 0), Ok(()));
    }

    #[test]
    fn g4_the_digest_covers_every_bit(
        bytes in proptest::collection::vec(any::<u8>(), size_of::<Terms>()),
        position in 0..size_of::<Terms>(),
        bit in 0..8u8,
        council in any::<[u8; 32]>(),
        instance in any::<[u8; 32]>(),
    ) {
        let terms: Terms = bytemuck::pod_read_unaligned(&bytes);
        let (instance, council) = (Pubkey::new_from_array(instance), Pubkey::new_from_array(council));
        let right = digest(&instance, &council, &terms, &[]);
        let mut other = bytes.clone();
        other[position] ^= 1 << bit;
        let changed: Terms = bytemuck::pod_read_unaligned(&other);
        prop_assert_ne!(digest(&instance, &council, &changed, &[]), right);
        prop_assert_ne!(digest(&council, &instance, &terms, &[]), right);
        prop_assert_eq!(digest(&instance, &council, &terms, &[]), right);
    }

    #[test]
    fn g1_a_commitment_ignores_zeros_behind_and_nothing_else(
        mut content in proptest::collection::vec(any::<u8>(), 1..300),
        zeros in 0..50usize,
    ) {
        content.push(1);
        let right = Commitment::of(&content).unwrap();
        prop_assert_eq!(right.len as usize, content.len());
        prop_assert_eq!(right.sha256, solana_sha256_hasher::hash(&content).to_bytes());
        let mut longer = content.clone();
        longer.resize(content.len() + zeros, 0);
        prop_assert_eq!(Commitment::of(&longer), Some(right));
        longer.push(1);
        prop_assert_ne!(Commitment::of(&longer), Some(right));
    }
}

#[test]
fn g4_each_byte_of_the_terms_has_its_own_digest() {
    let zero = Terms::zeroed();
    let (instance, council) = (portcullis::ID, address("council"));
    let mut seen = std::collections::HashSet::new();
    seen.insert(digest(&instance, &council, &zero, &[]));
    for position in 0..size_of::<Terms>() {
        let mut bytes = bytemuck::bytes_of(&zero).to_vec();
        bytes[position] = 1;
        let terms: Terms = bytemuck::pod_read_unaligned(&bytes);
        assert!(
            seen.insert(digest(&instance, &council, &terms, &[])),
            "{position}"
        );
    }
    assert!(seen.insert(digest(&instance, &address("another council"), &zero, &[])));
    assert!(seen.insert(digest(&address("another instance"), &council, &zero, &[])));
}

#[test]
fn g1_nothing_but_zeros_is_no_commitment() {
    assert_eq!(Commitment::of(&[]), None);
    assert_eq!(Commitment::of(&[0; 100]), None);
}

#[test]
fn g4_a_statement_is_committed_with_its_uri() {
    let statement = |byte, uri: &str| Statement {
        sha256: [byte; 32],
        uri: uri.into(),
    };
    let right = statement(1, "a").commitment();
    assert_ne!(statement(2, "a").commitment(), right);
    assert_ne!(statement(1, "b").commitment(), right);
    assert_ne!(statement(1, "").commitment(), [0; 32]);
}

#[test]
fn g9_each_lane_keeps_its_part_of_the_policy() {
    let policy = Policy {
        threshold: 1,
        timelock_seconds: 2,
        voting_period_seconds: 3,
        execution_window_seconds: 4,
        min_interval_seconds: 5,
        message_validity_seconds: 6,
        emergency_threshold: 7,
        emergency_timelock_seconds: 8,
        emergency_min_interval_seconds: 9,
        standby_validity_seconds: 10,
        attestations: [11, 12, 13, 14, 15, 16, 17, 18],
        veto_threshold: 19,
        emergency_veto_threshold: 20,
        trigger_threshold: 21,
        flags: 3,
    };
    let standard = Snapshot {
        threshold: 1,
        timelock_seconds: 2,
        voting_period_seconds: 3,
        execution_window_seconds: 4,
        min_interval_seconds: 5,
        message_validity_seconds: 6,
        attestations: policy.attestations,
        veto_threshold: 19,
        trigger_threshold: 0,
        flags: 3,
        reserved: 0,
    };
    assert_eq!(policy.snapshot(Lane::Standard, 0), Ok(standard));
    let emergency = Snapshot {
        threshold: 7,
        timelock_seconds: 8,
        min_interval_seconds: 9,
        veto_threshold: 20,
        ..standard
    };
    assert_eq!(policy.snapshot(Lane::Emergency, 0), Ok(emergency));
    let standby = Snapshot {
        execution_window_seconds: 10,
        min_interval_seconds: 0,
        trigger_threshold: 21,
        ..standard
    };
    for lane in [Lane::Rollback, Lane::SafeMode] {
        assert_eq!(policy.snapshot(lane, 0), Ok(standby));
        assert_eq!(policy.min_interval_seconds(lane), 0);
    }
    // Other actions need neither attestations nor intervals.
    let change = Snapshot {
        min_interval_seconds: 0,
        attestations: [0; 8],
        ..standard
    };
    assert_eq!(policy.snapshot_of_change(0), change);
    // The council's floor may have risen since the policy was made.
    for (lane, delay) in [
        (Lane::Standard, 9),
        (Lane::Emergency, 9),
        (Lane::Rollback, 9),
    ] {
        assert_eq!(
            policy.snapshot(lane, 9).map(|s| s.timelock_seconds),
            Ok(delay)
        );
    }
    assert_eq!(policy.snapshot_of_change(9).timelock_seconds, 9);
    // Lanes that are off.
    let off = Policy {
        emergency_threshold: 0,
        trigger_threshold: 0,
        ..policy
    };
    assert_eq!(
        off.snapshot(Lane::Emergency, 0),
        Err(PortcullisError::EmergencyLaneOff)
    );
    for lane in [Lane::Rollback, Lane::SafeMode] {
        assert_eq!(off.snapshot(lane, 0), Err(PortcullisError::StandbyLaneOff));
    }
    assert_eq!(policy.min_interval_seconds(Lane::Standard), 5);
    assert_eq!(policy.min_interval_seconds(Lane::Emergency), 9);
}

#[test]
fn each_lane_has_its_slots_and_each_end_clears_its_own() {
    let mut gate = Gate::zeroed();
    gate.life = 1;
    gate.release.index = 1;
    let slot = |name: &str| PendingSlot {
        proposal: address(name),
        expires_at: 100,
        epoch: 1,
        life: 1,
        base_index: 1,
        ..PendingSlot::default()
    };
    let now = Now {
        timestamp: 99,
        slot: 0,
    };
    assert!(gate.take_slot(Lane::Standard, slot("a"), now));
    assert!(!gate.take_slot(Lane::Standard, slot("b"), now));
    assert!(gate.take_slot(Lane::Emergency, slot("c"), now));
    assert!(!gate.take_slot(Lane::Emergency, slot("d"), now));
    assert!(gate.take_slot(Lane::Rollback, slot("e"), now));
    assert!(gate.take_slot(Lane::SafeMode, slot("f"), now));
    assert!(!gate.take_slot(Lane::Rollback, slot("g"), now));
    let taken = |gate: &Gate| gate.pending.map(|slot| slot.proposal);
    assert_eq!(taken(&gate), ["a", "c", "e", "f"].map(address));
    gate.clear_slot(&address("nobody"));
    assert_eq!(taken(&gate), ["a", "c", "e", "f"].map(address));
    gate.clear_slot(&address("e"));
    assert_eq!(gate.pending[2], PendingSlot::default());
    assert_eq!(gate.pending[3].proposal, address("f"));
    let later = Now {
        timestamp: 100,
        slot: 0,
    };
    assert!(gate.take_slot(Lane::Standard, slot("b"), later));
    assert_eq!(gate.pending[0].proposal, address("b"));
}
