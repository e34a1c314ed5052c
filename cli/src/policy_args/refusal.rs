//! Why a policy or a set of members is refused: the rule's name, what was required, what was found, what to do.

use portcullis::{
    constants::{
        MAX_DURATION_SECONDS, MAX_VOTE_VALIDITY_SECONDS, MIN_TIMELOCK_SECONDS, MIN_WINDOW_SECONDS,
    },
    error::PortcullisError,
    policy::{attestations_reachable, Policy, Powers},
    state::{Council, Member},
};

use super::show::attestations;
use crate::{client_error::exit_of_rule, duration::human, error::CliError};

/// What was judged.
#[derive(Clone, Copy, Debug)]
pub struct Judged<'a> {
    pub policy: &'a Policy,
    pub members: &'a [Member],
    pub delay_floor_seconds: u32,
    pub of: Of<'a>,
}

/// Whose policy or members they are.
#[derive(Clone, Copy, Debug)]
pub enum Of<'a> {
    /// A council that is yet to be.
    NewCouncil,
    /// A council as it is, with its gates.
    Council(&'a Council),
    /// A gate of this council.
    Gate(&'a Council),
}

impl Judged<'_> {
    fn council(&self) -> Option<&Council> {
        match self.of {
            Of::NewCouncil => None,
            Of::Council(council) | Of::Gate(council) => Some(council),
        }
    }
}

/// What the program would say, with what it requires and what was found.
pub fn refusal(error: PortcullisError, judged: &Judged) -> CliError {
    let name = error.name();
    let (detail, hint) = explain(error, judged);
    let detail = match detail {
        Some((required, found)) => format!(": required {required}, found {found}"),
        None => String::new(),
    };
    CliError::new(
        exit_of_rule(name),
        name,
        format!("the program would refuse this: {name}: {error}{detail}"),
    )
    .hint(hint)
}

type Detail = Option<(String, String)>;

fn explain(error: PortcullisError, judged: &Judged) -> (Detail, String) {
    let policy = judged.policy;
    let powers = Powers::of(judged.members);
    let floor = judged.delay_floor_seconds.max(MIN_TIMELOCK_SECONDS);
    let pair = |required: String, found: String| Some((required, found));
    let change = "nothing was sent; change the members or the policy".to_string();
    match error {
        PortcullisError::ThresholdUnreachable => (
            pair(
                format!("1 to {}", powers.weight),
                policy.threshold.to_string(),
            ),
            format!("the voters weigh {} together", powers.weight),
        ),
        PortcullisError::DelayBelowFloor => {
            let (lane, found) = if policy.timelock_seconds < floor {
                ("timelock", policy.timelock_seconds)
            } else {
                ("emergency timelock", policy.emergency_timelock_seconds)
            };
            (
                pair(human(floor), human(found)),
                format!("the {lane} must be at least {}", human(floor)),
            )
        }
        PortcullisError::WindowTooShort => (
            pair(
                human(MIN_WINDOW_SECONDS),
                human(
                    policy
                        .voting_period_seconds
                        .min(policy.execution_window_seconds),
                ),
            ),
            format!(
                "the voting period and the execution window must be at least {}",
                human(MIN_WINDOW_SECONDS)
            ),
        ),
        PortcullisError::DurationTooLong => (
            None,
            format!("at most {} are allowed", human(MAX_DURATION_SECONDS)),
        ),
        PortcullisError::MessageValidityTooLong => (
            pair(
                human(MAX_VOTE_VALIDITY_SECONDS),
                human(policy.message_validity_seconds),
            ),
            "give a shorter --message-validity".to_string(),
        ),
        PortcullisError::VetoUnreachable => (
            pair(
                format!("at most {}", powers.guardians),
                policy
                    .veto_threshold
                    .max(policy.emergency_veto_threshold)
                    .to_string(),
            ),
            format!("the council has {} guardian(s)", powers.guardians),
        ),
        PortcullisError::TriggerUnreachable => (
            pair(
                format!("at most {}", powers.guardians),
                policy.trigger_threshold.to_string(),
            ),
            format!("the council has {} guardian(s)", powers.guardians),
        ),
        PortcullisError::EmergencyThresholdInvalid => (
            pair(
                format!("{} to {}", policy.threshold, powers.weight),
                policy.emergency_threshold.to_string(),
            ),
            "the emergency lane trades time for more approvals: raise --emergency-threshold".into(),
        ),
        PortcullisError::EmergencyDelayInvalid => (
            pair(
                format!("a delay of at most {}, and an interval", human(policy.timelock_seconds)),
                format!(
                    "a delay of {} and the interval {}",
                    human(policy.emergency_timelock_seconds),
                    human(policy.emergency_min_interval_seconds)
                ),
            ),
            "give --emergency-timelock and --emergency-min-interval".to_string(),
        ),
        PortcullisError::EmergencyFieldsWithoutLane => (
            None,
            "give --emergency-threshold too, or none of its other flags".to_string(),
        ),
        PortcullisError::StandbyValidityInvalid => (
            None,
            "give --trigger-threshold with --standby-validity, or neither".to_string(),
        ),
        PortcullisError::AttestationsUnreachable => {
            let able = if attestations_reachable(&policy.attestations, judged.members) {
                "the gates of this council together need more attesters than it has"
            } else {
                "each attester attests one kind a proposal: add attesters, or require less"
            };
            (
                pair(
                    format!("{} by different members", attestations(&policy.attestations)),
                    format!("attesters: {}", attestations(&powers.attesters)),
                ),
                able.to_string(),
            )
        }
        PortcullisError::CouncilWeakerThanGate => bounded_by_council(judged),
        PortcullisError::PolicyAboveCouncil => match judged.council() {
            Some(council) => (
                None,
                format!(
                    "the council's own: emergency threshold {}, vetoes {}, triggers {}, attestations {}; within these, \
                     then raise it with `portcullis propose policy`",
                    council.policy.emergency_threshold,
                    council.policy.veto_threshold,
                    council.policy.trigger_threshold,
                    attestations(&council.policy.attestations)
                ),
            ),
            None => (None, change),
        },
        PortcullisError::GateCouldNotBeMet => match judged.council() {
            Some(council) => {
                let most = &council.gate_maxima;
                let guardians = most
                    .veto_threshold
                    .max(most.emergency_veto_threshold)
                    .max(most.trigger_threshold);
                (
                    pair(
                        format!(
                            "weight {}, {guardians} guardians, attestations {}",
                            most.threshold.max(most.emergency_threshold),
                            attestations(&most.attestations)
                        ),
                        format!(
                            "weight {}, {} guardians, attesters {}",
                            powers.weight,
                            powers.guardians,
                            attestations(&powers.attesters)
                        ),
                    ),
                    "lower the gates' policies first, or keep enough members".to_string(),
                )
            }
            None => (None, change),
        },
        PortcullisError::DelayFloorLowered => match judged.council() {
            Some(council) => (
                pair(
                    human(council.delay_floor_seconds),
                    human(judged.delay_floor_seconds),
                ),
                "a delay floor never falls again".to_string(),
            ),
            None => (None, change),
        },
        _ => (None, change),
    }
}

/// The council's own door must not be the weaker one.
fn bounded_by_council(judged: &Judged) -> (Detail, String) {
    let text = |threshold: u32, timelock: u32, veto: u8| {
        let veto = match veto {
            0 => "no veto".to_string(),
            count => format!("a veto of {count}"),
        };
        format!(
            "threshold {threshold}, timelock {}, {veto}",
            human(timelock)
        )
    };
    let of = |policy: &Policy| {
        text(
            policy.threshold,
            policy.timelock_seconds,
            policy.veto_threshold,
        )
    };
    let detail = match judged.of {
        Of::NewCouncil => None,
        Of::Gate(council) => Some((
            format!("of the council at least {}", of(judged.policy)),
            of(&council.policy),
        )),
        Of::Council(council) => {
            let most = &council.gate_maxima;
            Some((
                format!(
                    "at least {}, as its gates have",
                    text(most.threshold, most.timelock_seconds, most.easiest_veto)
                ),
                of(judged.policy),
            ))
        }
    };
    let hint = "a gate is never stricter than the council that could change it; the council's own policy is changed with \
                `portcullis propose policy --council`";
    (detail, hint.to_string())
}
