//! A policy as command line flags: whole, for something new, and in part, for a change.

mod refusal;
mod show;

pub use {
    refusal::{refusal, Judged, Of},
    show::{attestations, executors, fields, json, nonce_votes, rows, warnings},
};

use clap::Args;
use portcullis::{
    constants::ATTESTATION_KINDS,
    policy::{Policy, Powers, FLAG_ANYONE_MAY_EXECUTE, FLAG_NONCE_VOTES},
};

use crate::{duration::parse_seconds, member::attestation_kind};

/// Least time between two emergency upgrades where the lane is on and nothing else was said.
const EMERGENCY_INTERVAL_SECONDS: u32 = 7 * 24 * 60 * 60;
/// How long a standby stays armed where the lane is on and nothing else was said.
const STANDBY_VALIDITY_SECONDS: u32 = 30 * 24 * 60 * 60;

/// The rules of something new.
#[derive(Args, Clone, Debug)]
#[command(next_help_heading = "Policy")]
pub struct PolicyArgs {
    /// Weight of approvals that a proposal needs
    #[arg(long, value_name = "WEIGHT")]
    threshold: u32,
    /// Time between the threshold and the earliest execution, such as 2d
    #[arg(long, value_name = "DURATION", value_parser = parse_seconds)]
    timelock: u32,
    /// Time in which a proposal can be approved
    #[arg(long, value_name = "DURATION", value_parser = parse_seconds, default_value = "3d")]
    voting_period: u32,
    /// Time in which a proposal that is ready can be executed
    #[arg(long, value_name = "DURATION", value_parser = parse_seconds, default_value = "2d")]
    execution_window: u32,
    /// Guardians whose vetoes stop a proposal; 0 for no veto [default: 1 where there are guardians]
    #[arg(long, value_name = "GUARDIANS")]
    veto_threshold: Option<u8>,
    /// Least time between two upgrades
    #[arg(long, value_name = "DURATION", value_parser = parse_seconds, default_value = "0")]
    min_interval: u32,
    /// Anyone may execute what is ready, not only members with the execute role
    #[arg(long)]
    anyone_may_execute: bool,
    /// Count approvals in durable-nonce transactions, which may have been signed long ago. Dangerous
    #[arg(long)]
    nonce_votes: bool,
    #[command(flatten)]
    lanes: LaneArgs,
}

/// The lanes that can be switched off, attestations, and votes by message.
#[derive(Args, Clone, Debug, Default)]
#[command(next_help_heading = "Policy: lanes, attestations, messages")]
pub struct LaneArgs {
    /// Weight of approvals in the emergency lane, at least the threshold; 0 for no such lane
    #[arg(long, value_name = "WEIGHT")]
    emergency_threshold: Option<u32>,
    /// Delay of the emergency lane, at most the timelock
    #[arg(long, value_name = "DURATION", value_parser = parse_seconds)]
    emergency_timelock: Option<u32>,
    /// Least time between two emergency upgrades [default: 7d where the lane is on]
    #[arg(long, value_name = "DURATION", value_parser = parse_seconds)]
    emergency_min_interval: Option<u32>,
    /// Guardians whose vetoes stop an emergency upgrade [default: as many as in the standard lane]
    #[arg(long, value_name = "GUARDIANS")]
    emergency_veto_threshold: Option<u8>,
    /// Guardians who trigger an armed standby; 0 for no standbys
    #[arg(long, value_name = "GUARDIANS")]
    trigger_threshold: Option<u8>,
    /// How long a standby stays armed [default: 30d where there are standbys]
    #[arg(long, value_name = "DURATION", value_parser = parse_seconds)]
    standby_validity: Option<u32>,
    /// Attestations that an upgrade needs, such as build=1,audit=2; `none` for none
    #[arg(long, value_name = "KIND=COUNT,…", value_parser = parse_attestations)]
    attestations: Option<Attestations>,
    /// Longest validity of a vote by signed message, at most 1d; 0 for no such votes
    #[arg(long, value_name = "DURATION", value_parser = parse_seconds)]
    message_validity: Option<u32>,
}

/// Other rules than those in force; what is not given stays.
#[derive(Args, Clone, Debug)]
#[command(next_help_heading = "Policy: what is not given stays as it is")]
pub struct PolicyPatch {
    /// Weight of approvals that a proposal needs
    #[arg(long, value_name = "WEIGHT")]
    threshold: Option<u32>,
    /// Time between the threshold and the earliest execution, such as 2d
    #[arg(long, value_name = "DURATION", value_parser = parse_seconds)]
    timelock: Option<u32>,
    /// Time in which a proposal can be approved
    #[arg(long, value_name = "DURATION", value_parser = parse_seconds)]
    voting_period: Option<u32>,
    /// Time in which a proposal that is ready can be executed
    #[arg(long, value_name = "DURATION", value_parser = parse_seconds)]
    execution_window: Option<u32>,
    /// Guardians whose vetoes stop a proposal; 0 for no veto
    #[arg(long, value_name = "GUARDIANS")]
    veto_threshold: Option<u8>,
    /// Least time between two upgrades
    #[arg(long, value_name = "DURATION", value_parser = parse_seconds)]
    min_interval: Option<u32>,
    /// Whether anyone may execute what is ready
    #[arg(long, value_name = "BOOL")]
    anyone_may_execute: Option<bool>,
    /// Whether approvals in durable-nonce transactions count. Dangerous
    #[arg(long, value_name = "BOOL")]
    nonce_votes: Option<bool>,
    #[command(flatten)]
    lanes: LaneArgs,
}

impl PolicyArgs {
    /// The policy, for members with these powers.
    pub fn policy(&self, powers: &Powers) -> Policy {
        let mut policy = Policy {
            threshold: self.threshold,
            timelock_seconds: self.timelock,
            voting_period_seconds: self.voting_period,
            execution_window_seconds: self.execution_window,
            min_interval_seconds: self.min_interval,
            veto_threshold: self.veto_threshold.unwrap_or(powers.guardians.min(1)),
            ..Policy::default()
        };
        set_flag(
            &mut policy,
            FLAG_ANYONE_MAY_EXECUTE,
            Some(self.anyone_may_execute),
        );
        set_flag(&mut policy, FLAG_NONCE_VOTES, Some(self.nonce_votes));
        self.lanes.apply(&mut policy);
        policy
    }
}

impl PolicyPatch {
    /// `before` with what was given in place of what it says.
    pub fn apply(&self, before: &Policy) -> Policy {
        let mut policy = *before;
        set(&mut policy.threshold, self.threshold);
        set(&mut policy.timelock_seconds, self.timelock);
        set(&mut policy.voting_period_seconds, self.voting_period);
        set(&mut policy.execution_window_seconds, self.execution_window);
        set(&mut policy.veto_threshold, self.veto_threshold);
        set(&mut policy.min_interval_seconds, self.min_interval);
        set_flag(
            &mut policy,
            FLAG_ANYONE_MAY_EXECUTE,
            self.anyone_may_execute,
        );
        set_flag(&mut policy, FLAG_NONCE_VOTES, self.nonce_votes);
        self.lanes.apply(&mut policy);
        policy
    }
}

impl LaneArgs {
    /// Puts these into a policy. A lane that is switched on gets what it needs and nobody gave; one that is switched off
    /// loses it, unless it was given: then the program's own check says what is wrong.
    fn apply(&self, policy: &mut Policy) {
        match self.emergency_threshold {
            Some(0) => {
                policy.emergency_timelock_seconds = 0;
                policy.emergency_min_interval_seconds = 0;
                policy.emergency_veto_threshold = 0;
            }
            Some(_) if policy.emergency_threshold == 0 => {
                policy.emergency_min_interval_seconds = EMERGENCY_INTERVAL_SECONDS;
                policy.emergency_veto_threshold = policy.veto_threshold;
            }
            _ => {}
        }
        match self.trigger_threshold {
            Some(0) => policy.standby_validity_seconds = 0,
            Some(_) if policy.trigger_threshold == 0 => {
                policy.standby_validity_seconds = STANDBY_VALIDITY_SECONDS;
            }
            _ => {}
        }
        set(&mut policy.emergency_threshold, self.emergency_threshold);
        set(
            &mut policy.emergency_timelock_seconds,
            self.emergency_timelock,
        );
        set(
            &mut policy.emergency_min_interval_seconds,
            self.emergency_min_interval,
        );
        set(
            &mut policy.emergency_veto_threshold,
            self.emergency_veto_threshold,
        );
        set(&mut policy.trigger_threshold, self.trigger_threshold);
        set(&mut policy.standby_validity_seconds, self.standby_validity);
        set(
            &mut policy.attestations,
            self.attestations.map(|Attestations(counts)| counts),
        );
        set(&mut policy.message_validity_seconds, self.message_validity);
    }
}

fn set<T>(field: &mut T, given: Option<T>) {
    if let Some(value) = given {
        *field = value;
    }
}

fn set_flag(policy: &mut Policy, flag: u8, given: Option<bool>) {
    match given {
        Some(true) => policy.flags |= flag,
        Some(false) => policy.flags &= !flag,
        None => {}
    }
}

/// Counts by kind, as given by the user.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Attestations(pub [u8; ATTESTATION_KINDS]);

fn parse_attestations(text: &str) -> Result<Attestations, String> {
    let mut counts = [0; ATTESTATION_KINDS];
    if text == "none" {
        return Ok(Attestations(counts));
    }
    for word in text.split(',') {
        let (kind, count) = word
            .split_once('=')
            .ok_or_else(|| format!("`{word}` must be KIND=COUNT, such as build=1"))?;
        let place = counts
            .get_mut(attestation_kind(kind)?)
            .ok_or_else(|| format!("`{kind}` is not a kind of attestation"))?;
        if *place != 0 {
            return Err(format!("the kind `{kind}` is given twice"));
        }
        *place = count
            .parse()
            .ok()
            .filter(|count| *count > 0)
            .ok_or_else(|| format!("the count must be 1 to 255, found `{count}`"))?;
    }
    Ok(Attestations(counts))
}

#[cfg(test)]
mod tests {
    use super::*;

    const DAY: u32 = 86_400;

    fn lanes(change: impl Fn(&mut LaneArgs), before: &Policy) -> Policy {
        let mut args = LaneArgs::default();
        change(&mut args);
        let mut policy = *before;
        args.apply(&mut policy);
        policy
    }

    #[test]
    fn a_lane_that_is_switched_on_gets_what_it_needs_and_off_loses_it() {
        let plain = Policy {
            veto_threshold: 2,
            ..Policy::default()
        };
        let on = lanes(
            |args| {
                args.emergency_threshold = Some(3);
                args.emergency_timelock = Some(3_600);
                args.trigger_threshold = Some(2);
            },
            &plain,
        );
        assert_eq!(
            (
                on.emergency_threshold,
                on.emergency_timelock_seconds,
                on.emergency_min_interval_seconds,
                on.emergency_veto_threshold,
                on.trigger_threshold,
                on.standby_validity_seconds,
            ),
            (3, 3_600, 7 * DAY, 2, 2, 30 * DAY)
        );
        // What is on keeps its own values.
        let higher = lanes(|args| args.emergency_threshold = Some(4), &on);
        assert_eq!(
            higher,
            Policy {
                emergency_threshold: 4,
                ..on
            }
        );
        let off = lanes(
            |args| {
                args.emergency_threshold = Some(0);
                args.trigger_threshold = Some(0);
            },
            &on,
        );
        assert_eq!(off, plain);
    }

    #[test]
    fn attestations_are_counts_by_kind() {
        assert_eq!(
            parse_attestations("build=1,audit=2"),
            Ok(Attestations([1, 2, 0, 0, 0, 0, 0, 0]))
        );
        assert_eq!(parse_attestations("none"), Ok(Attestations([0; 8])));
        for (text, found) in [
            ("build", "KIND=COUNT"),
            ("luck=1", "not a kind"),
            ("build=0", "1 to 255"),
            ("build=1,build=2", "twice"),
            ("", "KIND=COUNT"),
        ] {
            let error = parse_attestations(text).unwrap_err();
            assert!(error.contains(found), "{error}");
        }
    }
}
