//! What is dangerous about the rules, with advice. The ids are stable: scripts may compare them.

use portcullis::{
    policy::{Policy, FLAG_ANYONE_MAY_EXECUTE, FLAG_NONCE_VOTES},
    state::{Gate, GateState, Member, ROLE_ATTEST, ROLE_EXECUTE, ROLE_PROPOSE, ROLE_VOTE},
};
use serde::Serialize;
use solana_sdk::pubkey::Pubkey;

use super::{
    doors::{self, Door, DoorKind, Opened, StopWay},
    gates::{GateReport, StandbyState},
    Subject,
};
use crate::rpc::Guardianship;

/// A delay below this is short for people to notice what is queued.
const SHORT_DELAY_SECONDS: u64 = 24 * 60 * 60;

/// How grave a warning is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Severity {
    /// One stolen or lost key is enough for the worst, or all rules are void.
    High,
    /// A rule that people rely on is weak or missing.
    Medium,
    /// Worth knowing.
    Low,
}

/// Something dangerous about the rules.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Warning {
    /// Never changes its meaning.
    pub id: &'static str,
    pub severity: Severity,
    /// The program whose gate is meant, the member, the council, or Portcullis's own upgrade authority.
    #[serde(serialize_with = "super::text")]
    pub about: Pubkey,
    pub message: String,
    pub advice: &'static str,
}

/// Collects warnings about one account.
struct Finder {
    about: Pubkey,
    found: Vec<Warning>,
}

impl Finder {
    fn add(
        &mut self,
        when: bool,
        severity: Severity,
        id: &'static str,
        message: impl Into<String>,
        advice: &'static str,
    ) {
        if when {
            self.found.push(Warning {
                id,
                severity,
                about: self.about,
                message: message.into(),
                advice,
            });
        }
    }
}

/// All warnings, the gravest first.
pub(super) fn find(
    subject: &Subject,
    council_doors: &[Opened],
    reports: &[GateReport],
) -> Vec<Warning> {
    let mut warnings = of_portcullis(subject.guardianship);
    warnings.extend(of_council(subject, council_doors));
    warnings.extend(of_members(subject.council.account.members()));
    for report in reports {
        let gate = subject
            .gates
            .iter()
            .find(|gate| gate.account.program == report.program);
        if let Some(gate) = gate {
            warnings.extend(of_gate(subject, &gate.account, report));
        }
    }
    // Stable: within a severity, the order of above.
    warnings.sort_by_key(|warning| warning.severity);
    warnings
}

fn of_portcullis(guardianship: Option<Guardianship>) -> Vec<Warning> {
    let finder = |about| Finder {
        about,
        found: Vec::new(),
    };
    let mut found = match guardianship {
        Some(Guardianship::PlainKey(key)) => finder(key),
        Some(Guardianship::ProgramAddress(key)) => finder(key),
        Some(Guardianship::NotLoaderV3 { owner }) => finder(owner),
        Some(Guardianship::Finalized)
        | Some(Guardianship::OwnGate { .. })
        | Some(Guardianship::OtherInstance { .. })
        | None => return Vec::new(),
    };
    let plain = matches!(guardianship, Some(Guardianship::PlainKey(_)));
    let advice =
        "use an instance of Portcullis that is final, or one that a final instance governs";
    found.add(
        plain,
        Severity::High,
        "portcullis_plain_key",
        "a plain key is Portcullis's own upgrade authority: whoever has it voids every guarantee",
        advice,
    );
    found.add(
        !plain,
        Severity::Medium,
        "portcullis_foreign_authority",
        "what may change Portcullis itself is decided outside of it, by other rules than these",
        advice,
    );
    found.found
}

fn of_council(subject: &Subject, council_doors: &[Opened]) -> Vec<Warning> {
    let council = &subject.council.account;
    let members = council.members();
    let mut found = Finder {
        about: subject.council.address,
        found: Vec::new(),
    };
    found.add(
        !council.is_sealed(),
        Severity::Medium,
        "council_not_sealed",
        "the council is not sealed: it can do nothing yet",
        "run the very `council create` command again that was interrupted",
    );
    let guardians = doors::guardians(members).count_ones();
    found.add(
        guardians == 0,
        Severity::High,
        "no_guardian",
        "there is no guardian: nothing that has its votes can be stopped",
        "add guardians who watch the timelock and hold no votes",
    );
    if let Some((door, _)) = council_doors.first() {
        of_door(&mut found, door, members, guardians);
        of_policy(&mut found, &council.policy, members);
    }
    found.found
}

/// What holds for every door alike.
fn of_door(found: &mut Finder, door: &Door, members: &[Member], guardians: u32) {
    let what = match door.kind {
        DoorKind::Standard => "an upgrade",
        DoorKind::Emergency => "an emergency upgrade",
        DoorKind::Standby => "a standby",
        DoorKind::GateChange => "a change of the gate",
        DoorKind::CouncilChange | DoorKind::GuardianChange => "a change of the council",
    };
    let alone = door.push.as_ref().is_some_and(|keys| keys.count == 1);
    found.add(
        alone,
        Severity::High,
        "one_key_suffices",
        format!("one key alone pushes {what} through if nobody vetoes it"),
        "raise the threshold, and let another member execute or attest",
    );
    let heaviest = members.iter().map(|member| member.weight).max();
    found.add(
        !alone && heaviest.is_some_and(|weight| u32::from(weight) >= door.threshold),
        Severity::High,
        "threshold_one",
        format!(
            "one voter alone approves {what}: the threshold is {}",
            door.threshold
        ),
        "raise the threshold above the weight of every single voter",
    );
    found.add(
        door.push.is_none(),
        Severity::High,
        "unreachable",
        format!("all members together cannot push {what} through"),
        "change the policy or the members; of several kinds, an attester gives one a proposal",
    );
    let lost = door.stops.iter().find(|stop| {
        stop.way != StopWay::Veto && stop.keys.count == 1 && stop.lifted_after_seconds.is_none()
    });
    found.add(
        lost.is_some() && door.kind == DoorKind::CouncilChange,
        Severity::High,
        "lockout_by_one_key",
        "the loss of one key can lock everyone out for ever: no member could be replaced any more",
        "add voters, proposers and executors until the council can spare any one of them",
    );
    let veto = u32::from(door.veto_threshold);
    found.add(
        veto == 0 && guardians > 0,
        Severity::Medium,
        "no_veto",
        format!("guardians cannot veto {what}"),
        "set a veto threshold",
    );
    found.add(
        veto > 1 && veto > guardians / 2,
        Severity::Medium,
        "veto_above_half",
        format!("more than half of the guardians ({veto} of {guardians}) are needed to veto {what}"),
        "lower the veto threshold: guardians can be replaced without their veto, so few of them may stop things",
    );
    found.add(
        door.delay_seconds < SHORT_DELAY_SECONDS && door.kind != DoorKind::Emergency,
        Severity::Medium,
        "short_timelock",
        format!("there is less than a day to notice {what}"),
        "give people a timelock of a day at least, and an emergency lane for what cannot wait",
    );
}

/// What holds for the policies of gates and council alike.
fn of_policy(found: &mut Finder, policy: &Policy, members: &[Member]) {
    found.add(
        policy.flags & FLAG_NONCE_VOTES != 0,
        Severity::High,
        "nonce_votes_count",
        "approvals in durable-nonce transactions count: they may be sent long after they were signed",
        "refuse them; a signed message serves a voter without a connection better",
    );
    let one = |role| members.iter().filter(|member| member.has(role)).count() == 1;
    found.add(
        policy.flags & FLAG_ANYONE_MAY_EXECUTE == 0 && one(ROLE_EXECUTE),
        Severity::Medium,
        "single_executor",
        "only one member may execute, who can let everything expire",
        "let anyone execute, or give the role to more members",
    );
    found.add(
        one(ROLE_PROPOSE),
        Severity::Medium,
        "single_proposer",
        "only one member may propose, without whom nothing changes",
        "give the role to more members",
    );
}

fn of_members(members: &[Member]) -> Vec<Warning> {
    let mut warnings = Vec::new();
    for member in members {
        let mut found = Finder {
            about: member.key,
            found: Vec::new(),
        };
        found.add(
            member.has(ROLE_VOTE) && doors::guardians(&[*member]) != 0,
            Severity::Medium,
            "voter_is_guardian",
            "one key both votes and guards: whoever has it approves, and does not veto what he approved",
            "let guardians hold no votes",
        );
        found.add(
            member.has(ROLE_VOTE) && member.has(ROLE_ATTEST),
            Severity::Medium,
            "voter_is_attester",
            "one key both votes and attests: its attestation is no second opinion",
            "let attesters hold no votes",
        );
        found.add(
            !member.key.is_on_curve(),
            Severity::Low,
            "member_is_a_program",
            "a program's address: it acts by CPI only, under rules that are not seen here, and signs no messages",
            "read that program's own rules: its threshold counts as one key here",
        );
        warnings.extend(found.found);
    }
    warnings
}

fn of_gate(subject: &Subject, gate: &Gate, report: &GateReport) -> Vec<Warning> {
    let council = &subject.council.account;
    let members = council.members();
    let guardians = doors::guardians(members).count_ones();
    let mut found = Finder {
        about: gate.program,
        found: Vec::new(),
    };
    for door in &report.doors {
        // Arming and other changes follow the standard rules, of which enough is said once.
        if matches!(door.kind, DoorKind::Standard | DoorKind::Emergency) {
            of_door(&mut found, door, members, guardians);
        }
    }
    of_policy(&mut found, &gate.policy, members);
    found.add(
        gate.state() == Ok(GateState::Adopting),
        Severity::Low,
        "adoption_unfinished",
        "the deployed bytes are not hashed yet: until then the gate only gives the authority back",
        "send the remaining steps: anyone may",
    );
    found.add(
        is_weaker(&council.policy, &gate.policy),
        Severity::High,
        "council_weaker",
        "the council is easier to change than this program: who cannot pass the gate replaces its members",
        "make the council's own policy at least as strict as the gate's, field by field",
    );
    let attested = gate.policy.attestations.iter().any(|count| *count > 0);
    found.add(
        attested,
        Severity::Low,
        "attestations_for_upgrades_only",
        "only upgrades need attestations: voters can give the upgrade authority away without any",
        "do not count on attesters to stop voters; guardians can",
    );
    let emergency = report
        .doors
        .iter()
        .find(|door| door.kind == DoorKind::Emergency);
    found.add(
        emergency.is_none(),
        Severity::Medium,
        "no_emergency_lane",
        "there is no emergency lane: a patch takes the whole timelock",
        "set an emergency threshold, delay and interval",
    );
    let standard = report
        .doors
        .iter()
        .find(|door| door.kind == DoorKind::Standard);
    found.add(
        emergency.is_some_and(|emergency| {
            standard.is_some_and(|standard| emergency.delay_seconds >= standard.delay_seconds)
        }),
        Severity::Medium,
        "emergency_not_faster",
        "the emergency lane is not faster than the standard one",
        "shorten its delay, or lengthen the timelock",
    );
    of_standbys(&mut found, report);
    of_slots(&mut found, subject, gate);
    found.found
}

fn of_standbys(found: &mut Finder, report: &GateReport) {
    let advice = "propose an upgrade with its rollback (`--with-rollback`), or a safe mode, before you need it";
    let Some(standbys) = &report.standbys else {
        found.add(
            true,
            Severity::Low,
            "no_standby_lane",
            "the policy allows no standbys: guardians can veto what is pending, but undo nothing",
            "set a trigger threshold and how long standbys stay armed",
        );
        return;
    };
    let has = |state| standbys.slots.iter().any(|slot| slot.state == state);
    found.add(
        !has(StandbyState::Armed),
        Severity::Medium,
        "no_standby_armed",
        "no standby is armed: no response takes seconds",
        advice,
    );
    found.add(
        has(StandbyState::Dead),
        Severity::Medium,
        "standby_dead",
        "a standby has expired, or was made for other members or another release",
        advice,
    );
}

/// Whether something approved was never executed.
fn of_slots(found: &mut Finder, subject: &Subject, gate: &Gate) {
    let [standard, emergency, ..] = &gate.pending;
    let missed = [standard, emergency]
        .into_iter()
        .any(|slot| slot.proposal != Pubkey::default() && slot.expires_at <= subject.now);
    found.add(
        missed,
        Severity::Low,
        "window_expired",
        "an approved proposal was not executed within its window",
        "propose it again; hand its buffer back with `buffer return`",
    );
}

/// Whether some rule of the council about itself is weaker than the gate's.
fn is_weaker(council: &Policy, gate: &Policy) -> bool {
    council.threshold < gate.threshold
        || council.timelock_seconds < gate.timelock_seconds
        || (gate.veto_threshold > 0 && !(1..=gate.veto_threshold).contains(&council.veto_threshold))
        || council.flags & !gate.flags & FLAG_NONCE_VOTES != 0
}
