//! What there is: councils, gates, proposals, programs and buffers. Keys are small numbers here; `start` has the real ones.

use std::collections::{BTreeMap, BTreeSet};

use portcullis::{
    change::{CouncilChange, PolicyChange},
    policy::Policy,
    state::Member,
};

use super::{start, Hashing, Target};

/// A person, a council, a program (and its gate), a buffer, a proposal, a build: a place in the model's list of them.
pub type Id = usize;

/// No build: of a release that was claimed and given up.
pub const NOTHING: Id = usize::MAX;

/// Releases that a gate remembers: the current one and eight before it.
pub const REMEMBERED: usize = 9;
/// Slots of a gate by lane.
pub const STANDARD: usize = 0;
pub const EMERGENCY: usize = 1;
pub const STANDBYS: [usize; 2] = [2, 3];

#[derive(Clone, Debug, Default)]
pub struct Model {
    /// Unix seconds.
    pub now: i64,
    pub slot: u64,
    pub councils: Vec<Council>,
    pub programs: Vec<Program>,
    /// By program.
    pub gates: Vec<Option<Gate>>,
    /// All that were ever made.
    pub proposals: Vec<Proposal>,
    pub buffers: Vec<Buffer>,
    pub hashings: BTreeMap<Target, Hashing>,
    /// Lamports that the spill account has received.
    pub spilled: u64,
}

#[derive(Clone, Debug)]
pub struct Council {
    /// In ascending order of their keys.
    pub members: Vec<Member>,
    pub policy: Policy,
    pub floor: u32,
    /// Zero until sealed.
    pub epoch: u32,
    pub proposals: u32,
    pub gates: u32,
    /// The strictest that its gates have demanded since it had none.
    pub strictest: Strictest,
    /// The proposal in the slot.
    pub pending: Option<Id>,
    pub events: u64,
}

#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Strictest {
    pub threshold: u32,
    pub emergency_threshold: u32,
    pub timelock: u32,
    pub attestations: [u8; 8],
    pub veto: u8,
    pub emergency_veto: u8,
    pub trigger: u8,
    /// The fewest guardians that stop a standard proposal of a gate that can be stopped.
    pub easiest_veto: Option<u8>,
    pub refuses_nonce: bool,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Holder {
    Person(Id),
    /// The gate of this program.
    Gate(Id),
    Nobody,
}

#[derive(Clone, Debug)]
pub struct Program {
    pub authority: Holder,
    pub build: Id,
    /// Bytes behind the header.
    pub capacity: usize,
    /// Slot of the last deployment or extension.
    pub deployed: u64,
}

/// In the order of their numbers on chain.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum GateState {
    Exited,
    Active,
    Adopting,
}

#[derive(Clone, Debug)]
pub struct Gate {
    pub council: Id,
    pub state: GateState,
    pub life: u32,
    pub former_authority: Id,
    pub policy: Policy,
    pub proposals: u32,
    /// All there ever were; the last one runs.
    pub releases: Vec<Release>,
    pub pending: [Option<Id>; 4],
    pub last_upgrade: Option<i64>,
    pub last_emergency: Option<i64>,
    pub events: u64,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Release {
    pub build: Id,
    pub by: Option<Id>,
    pub slot: u64,
    pub at: i64,
    pub life: u32,
    pub revoked: bool,
}

#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Buffer {
    /// None: there is nothing at the address.
    pub content: Option<(Holder, Id)>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Parent {
    Gate(Id),
    Council(Id),
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Lane {
    Standard,
    Emergency,
    Rollback,
    SafeMode,
}

impl Lane {
    pub fn is_standby(self) -> bool {
        self == Lane::Rollback || self == Lane::SafeMode
    }
}

/// An upgrade waits for another gate's release: of this proposal, or of none that there is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Predecessor {
    pub gate: Id,
    pub by: Option<Id>,
    pub soak: u32,
}

/// What a proposal does.
#[derive(Clone, Debug, PartialEq)]
pub enum What {
    Upgrade {
        build: Id,
        predecessor: Option<Predecessor>,
    },
    Council(CouncilChange),
    Policy(PolicyChange),
    Transfer {
        to: Id,
        checked: bool,
    },
    Move {
        council: Id,
        epoch: u32,
    },
    Finalize,
    Revoke {
        build: Id,
    },
}

/// The rules that a proposal is decided under; they never change.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Terms {
    pub threshold: u32,
    pub timelock: u32,
    pub voting_period: u32,
    pub window: u32,
    pub interval: u32,
    pub message_validity: u32,
    pub attestations: [u8; 8],
    pub veto: u8,
    pub trigger: u8,
    pub flags: u8,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum End {
    Executed,
    Rejected,
    Vetoed,
    Cancelled,
    Expired,
    Stale,
}

/// Where a proposal's buffer is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Custody {
    None,
    Held,
    Verified,
    Returned,
    Closed,
    Consumed,
    Carried,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Phase {
    Draft,
    Voting,
    Queued,
    Ready,
    Armed,
    Ended(End),
}

#[derive(Clone, Debug)]
pub struct Proposal {
    pub parent: Parent,
    /// Within the parent.
    pub index: u32,
    pub what: What,
    pub lane: Lane,
    pub proposer: Id,
    /// The council's members and epoch and the gate's life when it was made.
    pub members: Vec<Member>,
    pub epoch: u32,
    pub life: u32,
    /// The release that it builds on, counted from one, and its build; none where it depends on none.
    pub base: Option<(u32, Id)>,
    pub terms: Terms,
    pub created_slot: u64,
    pub voting_ends: i64,
    pub not_before: i64,
    pub buffer: Option<Id>,
    pub custody: Custody,
    pub approvals: BTreeSet<Id>,
    pub rejections: BTreeSet<Id>,
    pub vetoes: BTreeSet<Id>,
    pub triggers: BTreeSet<Id>,
    pub first_trigger: i64,
    pub retracted: BTreeSet<Id>,
    /// Attesters with the kind and the expiry of what they attested; also after the proposal's account is closed, until
    /// theirs is.
    pub attested: BTreeMap<Id, (u8, i64)>,
    pub weight: u32,
    /// When it may execute, and the slot in which that was fixed.
    pub eta: Option<(i64, u64)>,
    /// How and when it ended, once that is written down.
    pub end: Option<(End, i64)>,
    /// Its account is closed.
    pub closed: bool,
}

impl Model {
    pub fn council_of(&self, parent: Parent) -> Id {
        match parent {
            Parent::Council(council) => council,
            Parent::Gate(program) => self.gate(program).council,
        }
    }

    /// The rules as they are now.
    pub fn policy_of(&self, parent: Parent) -> &Policy {
        match parent {
            Parent::Council(council) => &self.councils[council].policy,
            Parent::Gate(program) => &self.gate(program).policy,
        }
    }

    /// The gate of a program that has one.
    pub fn gate(&self, program: Id) -> &Gate {
        self.gates[program].as_ref().expect("a gate")
    }

    pub fn gate_mut(&mut self, program: Id) -> &mut Gate {
        self.gates[program].as_mut().expect("a gate")
    }

    pub fn member(&self, council: Id, person: Id) -> Option<&Member> {
        let key = start::key(person);
        self.councils[council]
            .members
            .iter()
            .find(|member| member.key == key)
    }

    /// Why a person may not do what `role` is needed for.
    pub fn role_missing(
        &self,
        council: Id,
        person: Id,
        role: u8,
    ) -> Option<portcullis::error::PortcullisError> {
        use portcullis::error::PortcullisError::*;
        match self.member(council, person) {
            None => Some(NotAMember),
            Some(member) if member.roles & role == 0 => Some(RoleMissing),
            Some(_) => None,
        }
    }
}

impl Gate {
    pub fn release_index(&self) -> u32 {
        self.releases.len() as u32
    }

    pub fn current(&self) -> &Release {
        self.releases.last().expect("a release")
    }

    pub fn remembered(&self) -> &[Release] {
        &self.releases[self.releases.len().saturating_sub(REMEMBERED)..]
    }

    pub fn knows(&self, build: Id) -> bool {
        self.remembered().iter().any(|r| r.build == build)
    }

    pub fn is_revoked(&self, build: Id) -> bool {
        self.remembered()
            .iter()
            .any(|r| r.build == build && r.revoked)
    }

    pub fn mark(&mut self, build: Id, revoked: bool) {
        let first = self.releases.len().saturating_sub(REMEMBERED);
        for release in &mut self.releases[first..] {
            if release.build == build {
                release.revoked = revoked;
            }
        }
    }
}

impl Proposal {
    pub fn expires(&self) -> Option<i64> {
        self.eta.map(|(eta, _)| eta + i64::from(self.terms.window))
    }

    /// When it expires if nothing else ends it.
    pub fn deadline(&self) -> i64 {
        self.expires().unwrap_or(self.voting_ends)
    }

    pub fn attestations(&self) -> [u8; 8] {
        let mut counts = [0; 8];
        for (kind, _) in self.attested.values() {
            counts[usize::from(*kind)] += 1;
        }
        counts
    }

    /// Whether threshold and attestations are met.
    pub fn is_approved(&self) -> bool {
        let have = self.attestations();
        self.weight >= self.terms.threshold
            && (0..8).all(|kind| have[kind] >= self.terms.attestations[kind])
    }

    pub fn is_held(&self) -> bool {
        matches!(self.custody, Custody::Held | Custody::Verified)
    }
}
