//! A policy as command line flags, and as a table.

use clap::Args;
use portcullis::{
    constants::{MAX_DURATION_SECONDS, MIN_TIMELOCK_SECONDS, MIN_WINDOW_SECONDS},
    error::PortcullisError,
    policy::{Policy, Powers, FLAG_ANYONE_MAY_EXECUTE, FLAG_NONCE_VOTES},
};
use serde_json::{json, Value};

use crate::{
    duration::{human, parse_seconds},
    error::CliError,
    exit::ExitCode,
    output::Fields,
};

/// The rules. Those of lanes that this version does not have (emergency, standby, attestations) stay off.
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
}

impl PolicyArgs {
    /// The policy, for members with these powers.
    pub fn policy(&self, powers: &Powers) -> Policy {
        let mut flags = 0;
        if self.anyone_may_execute {
            flags |= FLAG_ANYONE_MAY_EXECUTE;
        }
        if self.nonce_votes {
            flags |= FLAG_NONCE_VOTES;
        }
        Policy {
            threshold: self.threshold,
            timelock_seconds: self.timelock,
            voting_period_seconds: self.voting_period,
            execution_window_seconds: self.execution_window,
            min_interval_seconds: self.min_interval,
            veto_threshold: self.veto_threshold.unwrap_or(powers.guardians.min(1)),
            flags,
            ..Policy::default()
        }
    }
}

/// What the program would say of an impossible policy or member set, with the limits that it names only in words.
pub fn refusal(error: PortcullisError, powers: &Powers, delay_floor_seconds: u32) -> CliError {
    let name = error.name();
    let hint = match error {
        PortcullisError::ThresholdUnreachable => {
            format!("the voters weigh {} together", powers.weight)
        }
        PortcullisError::DelayBelowFloor => format!(
            "the timelock must be at least {}",
            human(delay_floor_seconds.max(MIN_TIMELOCK_SECONDS))
        ),
        PortcullisError::WindowTooShort => format!(
            "the voting period and the execution window must be at least {}",
            human(MIN_WINDOW_SECONDS)
        ),
        PortcullisError::DurationTooLong => {
            format!("at most {} are allowed", human(MAX_DURATION_SECONDS))
        }
        PortcullisError::VetoUnreachable => format!("there are {} guardians", powers.guardians),
        _ => "nothing was sent; change the members or the policy".to_string(),
    };
    CliError::new(
        ExitCode::Refused,
        name.clone(),
        format!("the program would refuse this: {name}: {error}"),
    )
    .hint(hint)
}

/// The policy as lines.
pub fn fields(policy: &Policy) -> Fields {
    let mut fields = Fields::new()
        .row("threshold", policy.threshold)
        .row("timelock", human(policy.timelock_seconds))
        .row("voting period", human(policy.voting_period_seconds))
        .row("execution window", human(policy.execution_window_seconds))
        .row(
            "veto threshold",
            match policy.veto_threshold {
                0 => "none: nobody can veto".to_string(),
                guardians => format!("{guardians} guardian(s)"),
            },
        )
        .row("minimum interval", human(policy.min_interval_seconds))
        .row("who may execute", executors(policy.flags));
    fields.push("durable-nonce votes", nonce_votes(policy.flags));
    fields
}

/// Who may execute, in words.
pub fn executors(flags: u8) -> &'static str {
    if flags & FLAG_ANYONE_MAY_EXECUTE != 0 {
        "anyone"
    } else {
        "members with the execute role"
    }
}

/// Whether durable-nonce votes count, in words.
pub fn nonce_votes(flags: u8) -> &'static str {
    if flags & FLAG_NONCE_VOTES != 0 {
        "COUNT: approvals may have been signed long ago"
    } else {
        "refused"
    }
}

/// The policy for programs.
pub fn json(policy: &Policy) -> Value {
    json!({
        "threshold": policy.threshold,
        "timelock_seconds": policy.timelock_seconds,
        "voting_period_seconds": policy.voting_period_seconds,
        "execution_window_seconds": policy.execution_window_seconds,
        "min_interval_seconds": policy.min_interval_seconds,
        "message_validity_seconds": policy.message_validity_seconds,
        "veto_threshold": policy.veto_threshold,
        "anyone_may_execute": policy.flags & FLAG_ANYONE_MAY_EXECUTE != 0,
        "nonce_votes": policy.flags & FLAG_NONCE_VOTES != 0,
        "attestations": policy.attestations,
        "emergency_threshold": policy.emergency_threshold,
        "emergency_timelock_seconds": policy.emergency_timelock_seconds,
        "emergency_min_interval_seconds": policy.emergency_min_interval_seconds,
        "emergency_veto_threshold": policy.emergency_veto_threshold,
        "trigger_threshold": policy.trigger_threshold,
        "standby_validity_seconds": policy.standby_validity_seconds,
    })
}

/// What a reader should know of a policy beyond its numbers.
pub fn warnings(policy: &Policy) -> Vec<String> {
    let mut warnings = Vec::new();
    if policy.threshold == 1 {
        warnings.push(
            "the threshold is 1: one stolen key upgrades the program after the timelock".into(),
        );
    }
    if policy.flags & FLAG_NONCE_VOTES != 0 {
        warnings.push(
            "approvals in durable-nonce transactions count: signatures collected long ago can be used".into(),
        );
    }
    if policy.veto_threshold == 0 {
        warnings.push("nobody can veto".into());
    }
    warnings
}
