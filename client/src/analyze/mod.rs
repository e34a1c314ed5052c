//! What the rules of a council and its gates amount to: who can push an upgrade through, who can stop one and for how long,
//! what lost and stolen keys mean, and how long the others have to answer. Pure: it fetches nothing.
//!
//! Everything is computed from the accounts as they are. Programs among the members count as one key each, whatever rules they
//! have of their own. Keys are taken to be independent of each other; those that lie in one drawer are not.

mod attacks;
mod doors;
mod gates;
pub mod sets;
mod warnings;

pub use attacks::{Attack, AttackPath, Defence, DefenceWay, StolenGuardian};
pub use doors::{Door, DoorKind, Keys, Stop, StopWay};
pub use gates::{Capability, GateReport, Loss, Patch, StandbySlot, StandbyState, Standbys};
pub use warnings::{Severity, Warning};

use portcullis::state::{Council, Gate};
use serde::Serialize;
use solana_sdk::pubkey::Pubkey;

use crate::{account::Keyed, rpc::Guardianship};

/// What is analyzed, as read at one moment.
#[derive(Clone, Copy, Debug)]
pub struct Subject<'a> {
    pub council: &'a Keyed<Council>,
    /// The gates of this council.
    pub gates: &'a [Keyed<Gate>],
    /// The chain's time, Unix seconds.
    pub now: i64,
    /// Who holds Portcullis's own upgrade authority, where that was looked up.
    pub guardianship: Option<Guardianship>,
}

/// All findings.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Report {
    #[serde(serialize_with = "text")]
    pub council: Pubkey,
    /// Before it is sealed, a council can do nothing of what stands here.
    pub sealed: bool,
    pub epoch: u32,
    pub members: Vec<MemberReport>,
    /// Weight of all voters.
    pub weight: u32,
    pub guardians: u32,
    /// Changes of members and rules, then the removal or replacement of guardians, which they cannot veto.
    pub doors: Vec<Door>,
    /// Keys that can be lost, whichever they are, with the others still able to replace them.
    pub spare_keys: u32,
    /// What of the council itself ends when keys are lost, the fewest first.
    pub losses: Vec<Loss>,
    pub gates: Vec<GateReport>,
    /// The gravest first.
    pub warnings: Vec<Warning>,
}

/// A member as the analysis sees it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
pub struct MemberReport {
    #[serde(serialize_with = "text")]
    pub key: Pubkey,
    pub weight: u16,
    /// It has no private key: a program acts for it, by CPI only.
    pub is_program: bool,
}

/// Analyzes a council with its gates. Exact at every size that a council can have.
pub fn analyze(subject: &Subject) -> Report {
    let council = &subject.council.account;
    let members = council.members();
    let all = sets::select(members, |_| true);
    let doors = doors::of_council(council);
    let gates: Vec<GateReport> = subject
        .gates
        .iter()
        .map(|gate| gates::report(council, &doors, &gate.account, subject.now))
        .collect();
    let warnings = warnings::find(subject, &doors, &gates);
    Report {
        council: subject.council.address,
        sealed: council.is_sealed(),
        epoch: council.config_epoch,
        members: members
            .iter()
            .map(|member| MemberReport {
                key: member.key,
                weight: member.weight,
                is_program: !member.key.is_on_curve(),
            })
            .collect(),
        weight: sets::weight(members, all),
        guardians: doors::guardians(members).count_ones(),
        spare_keys: gates::spare_keys(&doors),
        losses: gates::losses_of_council(council, &doors),
        doors: doors.into_iter().map(|(door, _)| door).collect(),
        gates,
        warnings,
    }
}

fn text<S: serde::Serializer>(key: &Pubkey, serializer: S) -> Result<S::Ok, S::Error> {
    serializer.collect_str(key)
}

fn texts<S: serde::Serializer>(keys: &[Pubkey], serializer: S) -> Result<S::Ok, S::Error> {
    serializer.collect_seq(keys.iter().map(Pubkey::to_string))
}
