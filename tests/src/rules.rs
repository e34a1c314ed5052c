//! Policies that break one rule each, and policies at the limit of each rule.

use portcullis::{error::PortcullisError, policy::Policy};

const MAX: u32 = 90 * 86_400;

/// A change of the default policy.
pub type Change = fn(&mut Policy);

fn emergency(policy: &mut Policy) {
    policy.emergency_threshold = 2;
    policy.emergency_timelock_seconds = 3_600;
    policy.emergency_min_interval_seconds = 1;
}

/// For a council of three voters and one guardian, without attesters, with a delay floor of an hour: what breaks which rule.
pub fn violations() -> Vec<(PortcullisError, &'static str, Change)> {
    use PortcullisError::*;
    vec![
        (ThresholdUnreachable, "no threshold", |p| p.threshold = 0),
        (ThresholdUnreachable, "above the weight", |p| {
            p.threshold = 4
        }),
        (DelayBelowFloor, "timelock", |p| p.timelock_seconds = 3_599),
        (WindowTooShort, "voting period", |p| {
            p.voting_period_seconds = 599
        }),
        (WindowTooShort, "execution window", |p| {
            p.execution_window_seconds = 599
        }),
        (DurationTooLong, "timelock", |p| {
            p.timelock_seconds = MAX + 1
        }),
        (DurationTooLong, "voting period", |p| {
            p.voting_period_seconds = MAX + 1
        }),
        (DurationTooLong, "window", |p| {
            p.execution_window_seconds = MAX + 1
        }),
        (DurationTooLong, "interval", |p| {
            p.min_interval_seconds = MAX + 1
        }),
        (DurationTooLong, "emergency timelock", |p| {
            p.emergency_timelock_seconds = MAX + 1
        }),
        (DurationTooLong, "emergency interval", |p| {
            p.emergency_min_interval_seconds = MAX + 1;
        }),
        (DurationTooLong, "standby validity", |p| {
            p.standby_validity_seconds = MAX + 1
        }),
        (MessageValidityTooLong, "message validity", |p| {
            p.message_validity_seconds = 86_401
        }),
        (VetoUnreachable, "veto", |p| p.veto_threshold = 2),
        (VetoUnreachable, "emergency veto", |p| {
            emergency(p);
            p.emergency_veto_threshold = 2;
        }),
        (EmergencyFieldsWithoutLane, "timelock", |p| {
            p.emergency_timelock_seconds = 3_600
        }),
        (EmergencyFieldsWithoutLane, "interval", |p| {
            p.emergency_min_interval_seconds = 1
        }),
        (EmergencyFieldsWithoutLane, "veto", |p| {
            p.emergency_veto_threshold = 1
        }),
        (EmergencyThresholdInvalid, "below the standard one", |p| {
            emergency(p);
            p.emergency_threshold = 1;
        }),
        (EmergencyThresholdInvalid, "above the weight", |p| {
            emergency(p);
            p.emergency_threshold = 4;
        }),
        (DelayBelowFloor, "emergency timelock", |p| {
            emergency(p);
            p.emergency_timelock_seconds = 3_599;
        }),
        (EmergencyDelayInvalid, "longer than the standard one", |p| {
            emergency(p);
            p.emergency_timelock_seconds = p.timelock_seconds + 1;
        }),
        (EmergencyDelayInvalid, "no interval", |p| {
            emergency(p);
            p.emergency_min_interval_seconds = 0;
        }),
        (TriggerUnreachable, "trigger", |p| {
            p.trigger_threshold = 2;
            p.standby_validity_seconds = 600;
        }),
        (StandbyValidityInvalid, "no validity", |p| {
            p.trigger_threshold = 1
        }),
        (StandbyValidityInvalid, "no trigger", |p| {
            p.standby_validity_seconds = 600
        }),
        (AttestationsUnreachable, "first kind", |p| {
            p.attestations[0] = 1
        }),
        (AttestationsUnreachable, "last kind", |p| {
            p.attestations[7] = 1
        }),
        (UnknownPolicyFlag, "third bit", |p| p.flags = 4),
        (UnknownPolicyFlag, "last bit", |p| p.flags = 128),
    ]
}

/// Policies at a limit, for the same council: none breaks a rule.
pub fn limits() -> Vec<(&'static str, Change)> {
    vec![
        ("threshold of one", |p| p.threshold = 1),
        ("threshold of all", |p| p.threshold = 3),
        ("timelock at the floor", |p| p.timelock_seconds = 3_600),
        ("shortest windows", |p| {
            p.voting_period_seconds = 600;
            p.execution_window_seconds = 600;
        }),
        ("longest durations", |p| {
            p.timelock_seconds = MAX;
            p.voting_period_seconds = MAX;
            p.execution_window_seconds = MAX;
            p.min_interval_seconds = MAX;
            p.emergency_threshold = 3;
            p.emergency_timelock_seconds = MAX;
            p.emergency_min_interval_seconds = MAX;
            p.trigger_threshold = 1;
            p.standby_validity_seconds = MAX;
        }),
        ("message validity", |p| p.message_validity_seconds = 86_400),
        ("no veto", |p| p.veto_threshold = 0),
        ("emergency veto", |p| {
            emergency(p);
            p.emergency_veto_threshold = 1;
        }),
        ("emergency at the floor", |p| {
            emergency(p);
            p.emergency_threshold = 3;
        }),
        ("emergency delay as long as the other", |p| {
            emergency(p);
            p.emergency_timelock_seconds = p.timelock_seconds;
        }),
        ("standby", |p| {
            p.trigger_threshold = 1;
            p.standby_validity_seconds = 1;
        }),
        ("both flags", |p| p.flags = 3),
    ]
}
