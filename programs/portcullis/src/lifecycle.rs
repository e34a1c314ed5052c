//! The life of a proposal as a pure function of stored facts and the time. No accounts, no clock.
//!
//! Only what ends a proposal by a decision is stored (an [`Ending`]). Expiry follows from the time alone and comes before
//! staleness, so that a proposal that has expired stays expired whatever happens later to its council or gate.

use std::io;

use anchor_lang::prelude::*;

use crate::{decode, error::PortcullisError};

/// How a proposal travels. The last two are the standby lane's: voted in advance, armed, triggered later by guardians.
///
/// Stored as a byte, 0 to 3 in this order; Anchor's IDL knows no written discriminants.
#[derive(AnchorSerialize, Clone, Copy, Debug, PartialEq, Eq)]
#[repr(u8)]
pub enum Lane {
    Standard,
    /// Upgrades only: a higher threshold, a shorter delay, rate-limited.
    Emergency,
    /// A standby that goes back to an earlier release.
    Rollback,
    /// A standby that halts the protocol with a reviewed build.
    SafeMode,
}

impl AnchorDeserialize for Lane {
    fn deserialize_reader<R: io::Read>(reader: &mut R) -> io::Result<Self> {
        Self::try_from(u8::deserialize_reader(reader)?).map_err(|_| decode::invalid())
    }
}

impl Lane {
    /// Whether it is armed instead of executed when its timelock is over.
    pub const fn is_standby(self) -> bool {
        matches!(self, Lane::Rollback | Lane::SafeMode)
    }
}

/// What a proposal does.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[repr(u8)]
pub enum Action {
    Upgrade = 0,
    ChangeCouncil = 1,
    ChangePolicy = 2,
    TransferAuthority = 3,
    MoveGate = 4,
    Finalize = 5,
    RevokeRelease = 6,
}

/// How a proposal ended, once that is stored. Zero: it has not.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[repr(u8)]
pub enum Ending {
    Open = 0,
    Executed = 1,
    Rejected = 2,
    Vetoed = 3,
    Cancelled = 4,
    Expired = 5,
    Stale = 6,
}

/// Where the buffer of a proposal is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[repr(u8)]
pub enum Custody {
    /// The action has no buffer.
    None = 0,
    /// The gate is its authority; its bytes are not hashed yet.
    Held = 1,
    /// The gate is its authority, and its bytes are the committed ones.
    Verified = 2,
    /// Handed back to its depositor. The address may hold anything by now.
    Returned = 3,
    /// Closed by the gate. The address may hold anything by now.
    Closed = 4,
    /// Consumed by the upgrade.
    Consumed = 5,
    /// Carried over to a proposal that was made anew.
    Carried = 6,
}

macro_rules! from_byte {
    ($type:ident { $($variant:ident),+ }) => {
        impl TryFrom<u8> for $type {
            type Error = PortcullisError;

            /// Fails with `Overflow` on a byte that no version of Portcullis writes.
            fn try_from(byte: u8) -> core::result::Result<Self, PortcullisError> {
                $(if byte == $type::$variant as u8 { return Ok($type::$variant); })+
                Err(PortcullisError::Overflow)
            }
        }
    };
}
from_byte!(Lane {
    Standard,
    Emergency,
    Rollback,
    SafeMode
});
from_byte!(Action {
    Upgrade,
    ChangeCouncil,
    ChangePolicy,
    TransferAuthority,
    MoveGate,
    Finalize,
    RevokeRelease
});
from_byte!(Ending {
    Open,
    Executed,
    Rejected,
    Vetoed,
    Cancelled,
    Expired,
    Stale
});
from_byte!(Custody {
    None,
    Held,
    Verified,
    Returned,
    Closed,
    Consumed,
    Carried
});

impl Custody {
    /// Whether the gate is the buffer's authority.
    pub const fn is_held(self) -> bool {
        matches!(self, Custody::Held | Custody::Verified)
    }
}

/// What a proposal is at a moment.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Status {
    /// Its buffer is not verified.
    Draft,
    /// It collects approvals.
    Voting,
    /// Approved; the timelock runs.
    Queued,
    /// It can be executed.
    Ready,
    /// A standby that can be triggered.
    Armed,
    Executed,
    Rejected,
    Vetoed,
    Cancelled,
    Expired,
    /// The council, the gate's life or its release is no longer what it was made for.
    Stale,
}

impl Status {
    /// Whether nothing can happen to it any more but cleaning up.
    pub const fn is_ended(self) -> bool {
        !matches!(
            self,
            Status::Draft | Status::Voting | Status::Queued | Status::Ready | Status::Armed
        )
    }

    /// The status in lower case, as the CLI and JSON show it.
    pub const fn name(self) -> &'static str {
        match self {
            Status::Draft => "draft",
            Status::Voting => "voting",
            Status::Queued => "queued",
            Status::Ready => "ready",
            Status::Armed => "armed",
            Status::Executed => "executed",
            Status::Rejected => "rejected",
            Status::Vetoed => "vetoed",
            Status::Cancelled => "cancelled",
            Status::Expired => "expired",
            Status::Stale => "stale",
        }
    }

    /// What to store when a proposal with this status is cleaned up.
    pub const fn ending(self) -> Ending {
        match self {
            Status::Executed => Ending::Executed,
            Status::Rejected => Ending::Rejected,
            Status::Vetoed => Ending::Vetoed,
            Status::Cancelled => Ending::Cancelled,
            Status::Expired => Ending::Expired,
            Status::Stale => Ending::Stale,
            Status::Draft | Status::Voting | Status::Queued | Status::Ready | Status::Armed => {
                Ending::Open
            }
        }
    }
}

/// The clock, read once by each instruction.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Now {
    /// Unix seconds.
    pub timestamp: i64,
    pub slot: u64,
}

/// The stored facts from which the status follows.
#[derive(Clone, Copy, Debug)]
pub struct Facts {
    pub lane: Lane,
    pub ending: Ending,
    /// The buffer is verified, or the action has none.
    pub verified: bool,
    /// Council epoch, gate life and release are those that the proposal was made for; a standby's release may still be the
    /// next one.
    pub current: bool,
    /// The release that it builds on runs.
    pub based: bool,
    /// Unix seconds.
    pub voting_ends_at: i64,
    /// Unix seconds. Zero: not queued.
    pub eta: i64,
    /// Unix seconds; meaningless unless queued.
    pub expires_at: i64,
    /// The slot before which nothing executes; meaningless unless queued. A clock that jumps after an outage moves
    /// seconds but not slots, so it cannot swallow the timelock.
    pub earliest_slot: u64,
}

impl Facts {
    /// When the proposal expires if nothing else ends it, in Unix seconds.
    pub const fn deadline(&self) -> i64 {
        if self.eta == 0 {
            self.voting_ends_at
        } else {
            self.expires_at
        }
    }

    /// The status at `now`.
    pub fn status(&self, now: Now) -> Status {
        match self.ending {
            Ending::Executed => return Status::Executed,
            Ending::Rejected => return Status::Rejected,
            Ending::Vetoed => return Status::Vetoed,
            Ending::Cancelled => return Status::Cancelled,
            Ending::Expired => return Status::Expired,
            Ending::Stale => return Status::Stale,
            Ending::Open => {}
        }
        if now.timestamp >= self.deadline() {
            Status::Expired
        } else if !self.current {
            Status::Stale
        } else if !self.verified {
            Status::Draft
        } else if self.eta == 0 {
            Status::Voting
        } else if now.timestamp < self.eta || now.slot < self.earliest_slot || !self.based {
            Status::Queued
        } else if self.lane.is_standby() {
            Status::Armed
        } else {
            Status::Ready
        }
    }
}

/// What someone asks of a proposal.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Step {
    Verify,
    Approve,
    Reject,
    Retract,
    Veto,
    Cancel,
    Queue,
    Attest,
    RevokeAttestation,
    /// A guardian's vote to execute an armed standby.
    Trigger,
    Execute,
    /// Hand the buffer back, close it, or carry it over to another proposal.
    ReleaseBuffer,
    Close,
}

/// The whole machine: whether a proposal in `status` takes `step`, and if not, why.
///
/// # Errors
/// The rule that stands against it.
pub const fn check(status: Status, step: Step) -> core::result::Result<(), PortcullisError> {
    match (status, step) {
        (
            Status::Executed
            | Status::Rejected
            | Status::Vetoed
            | Status::Cancelled
            | Status::Expired
            | Status::Stale,
            Step::ReleaseBuffer | Step::Close,
        ) => Ok(()),
        (Status::Executed, _) => Err(PortcullisError::ProposalExecuted),
        (Status::Rejected, _) => Err(PortcullisError::ProposalRejected),
        (Status::Vetoed, _) => Err(PortcullisError::ProposalVetoed),
        (Status::Cancelled, _) => Err(PortcullisError::ProposalCancelled),
        (Status::Expired, _) => Err(PortcullisError::ProposalExpired),
        (Status::Stale, _) => Err(PortcullisError::ProposalStale),

        (_, Step::ReleaseBuffer | Step::Close) => Err(PortcullisError::ProposalStillLive),
        (_, Step::Veto) => Ok(()),

        (Status::Draft, Step::Verify | Step::Cancel) => Ok(()),
        (Status::Draft, _) => Err(PortcullisError::BufferNotVerified),
        (_, Step::Verify) => Err(PortcullisError::BufferAlreadyVerified),

        (
            _,
            Step::Approve | Step::Reject | Step::Retract | Step::Attest | Step::RevokeAttestation,
        ) => Ok(()),
        (Status::Voting, Step::Cancel | Step::Queue) => Ok(()),
        (Status::Voting, Step::Execute | Step::Trigger) => Err(PortcullisError::NotQueued),
        (Status::Queued | Status::Ready | Status::Armed, Step::Cancel | Step::Queue) => {
            Err(PortcullisError::AlreadyQueued)
        }
        (Status::Queued, Step::Execute | Step::Trigger) => Err(PortcullisError::TimelockNotElapsed),
        (Status::Ready, Step::Trigger) => Err(PortcullisError::NotAStandby),
        // Whether an armed standby was triggered is a question of its trigger votes.
        (Status::Ready, Step::Execute) | (Status::Armed, Step::Execute | Step::Trigger) => Ok(()),
    }
}
