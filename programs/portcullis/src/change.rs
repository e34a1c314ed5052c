//! What a proposal does beyond an upgrade, and what an upgrade waits for. Its Borsh bytes stand behind the fixed part of the
//! proposal's account; the digest covers them. Pure.

use std::io;

use anchor_lang::prelude::*;

use crate::{
    constants::{MAX_COUNCIL_CHANGES, MAX_MEMBERS},
    decode::{self, decode},
    error::PortcullisError,
    lifecycle::Action,
    policy::Policy,
    state::{Council, Member, ROLE_GUARD},
};

type Outcome<T> = core::result::Result<T, PortcullisError>;

/// An action with its fields.
#[derive(AnchorSerialize, Clone, Debug, PartialEq, Eq)]
pub enum Change {
    /// An upgrade that waits for another release. An upgrade without a predecessor has no bytes here at all.
    Upgrade(Predecessor),
    /// Members leave and join. The council's own.
    Council(CouncilChange),
    /// Other rules, for the gate or for the council itself.
    Policy(PolicyChange),
    /// The upgrade authority goes to another key. A gate's.
    TransferAuthority {
        to: Pubkey,
        /// The new authority signs the execution.
        checked: bool,
    },
    /// The gate goes to another council, one of whose proposers signs the execution. A gate's.
    MoveGate {
        council: Pubkey,
        /// That council's epoch, as the voters saw it.
        epoch: u32,
    },
    /// The program is never upgraded again. A gate's.
    Finalize,
    /// No rollback goes to this release any more. A gate's.
    RevokeRelease { sha256: [u8; 32] },
}

impl AnchorDeserialize for Change {
    fn deserialize_reader<R: io::Read>(reader: &mut R) -> io::Result<Self> {
        fn field<T: AnchorDeserialize>(reader: &mut impl io::Read) -> io::Result<T> {
            T::deserialize_reader(reader)
        }
        Ok(match u8::deserialize_reader(reader)? {
            0 => Self::Upgrade(field(reader)?),
            1 => Self::Council(field(reader)?),
            2 => Self::Policy(field(reader)?),
            3 => Self::TransferAuthority {
                to: field(reader)?,
                checked: decode::boolean(reader)?,
            },
            4 => Self::MoveGate {
                council: field(reader)?,
                epoch: field(reader)?,
            },
            5 => Self::Finalize,
            6 => Self::RevokeRelease {
                sha256: field(reader)?,
            },
            _ => return Err(decode::invalid()),
        })
    }
}

/// A release that must have come some time before an upgrade executes.
#[derive(AnchorSerialize, AnchorDeserialize, Clone, Copy, Debug, PartialEq, Eq)]
pub struct Predecessor {
    /// Another gate of the same council.
    pub gate: Pubkey,
    /// Digest of the proposal that brought the release; it determines gate, life and release.
    pub digest: [u8; 32],
    /// Seconds that must have passed since the release became current.
    pub soak_seconds: u32,
}

/// Members that leave and members that join. A member whose roles or weight change does both.
#[derive(AnchorSerialize, AnchorDeserialize, Clone, Debug, Default, PartialEq, Eq)]
pub struct CouncilChange {
    /// At most 8.
    pub remove: Vec<Pubkey>,
    /// At most 8.
    pub add: Vec<Member>,
}

/// New rules.
#[derive(AnchorSerialize, AnchorDeserialize, Clone, Copy, Debug, PartialEq, Eq)]
pub struct PolicyChange {
    pub policy: Policy,
    /// The council's delay floor from then on; never below the one before. Zero for a gate, which has none.
    pub delay_floor_seconds: u32,
}

impl Change {
    /// The action whose fields these are.
    pub const fn action(&self) -> Action {
        match self {
            Change::Upgrade(_) => Action::Upgrade,
            Change::Council(_) => Action::ChangeCouncil,
            Change::Policy(_) => Action::ChangePolicy,
            Change::TransferAuthority { .. } => Action::TransferAuthority,
            Change::MoveGate { .. } => Action::MoveGate,
            Change::Finalize => Action::Finalize,
            Change::RevokeRelease { .. } => Action::RevokeRelease,
        }
    }

    /// The bytes that stand behind the proposal's fixed part.
    ///
    /// # Errors
    /// `Overflow` where they cannot be written, which a `Vec` always can.
    pub fn to_bytes(&self) -> Outcome<Vec<u8>> {
        let mut bytes = Vec::new();
        self.serialize(&mut bytes)
            .map_err(|_| PortcullisError::Overflow)?;
        Ok(bytes)
    }

    /// Reads them back; `None` where there are none.
    ///
    /// # Errors
    /// `Overflow` where no version of Portcullis wrote them.
    pub fn from_bytes(bytes: &[u8]) -> Outcome<Option<Self>> {
        if bytes.is_empty() {
            return Ok(None);
        }
        decode(bytes).map(Some).ok_or(PortcullisError::Overflow)
    }
}

impl CouncilChange {
    /// The members that the council would have, in order.
    ///
    /// # Errors
    /// `CouncilChangeTooLarge`, `CouncilChangeEmpty`, `NotAMember`, `MemberTwice`, `TooManyMembers`, or what is wrong with a
    /// member.
    pub fn members_after(&self, council: &Council) -> Outcome<Vec<Member>> {
        if self.add.len() > MAX_COUNCIL_CHANGES || self.remove.len() > MAX_COUNCIL_CHANGES {
            return Err(PortcullisError::CouncilChangeTooLarge);
        }
        let mut members = council.members().to_vec();
        for key in &self.remove {
            let position = members
                .binary_search_by(|member| member.key.cmp(key))
                .map_err(|_| PortcullisError::NotAMember)?;
            members.remove(position);
        }
        for member in &self.add {
            member.validate()?;
            match members.binary_search_by(|other| other.key.cmp(&member.key)) {
                Ok(_) => return Err(PortcullisError::MemberTwice),
                Err(position) => members.insert(position, *member),
            }
        }
        if members.len() > MAX_MEMBERS {
            return Err(PortcullisError::TooManyMembers);
        }
        if members == council.members() {
            return Err(PortcullisError::CouncilChangeEmpty);
        }
        Ok(members)
    }
}

/// Whether a change of members, which is one, only removes or replaces guardians: all else about the members stays, and the
/// guardians do not grow in number, so that nobody can be outnumbered. Guardians cannot veto it.
pub fn only_removes_guardians(before: &[Member], after: &[Member]) -> bool {
    fn others(members: &[Member]) -> impl Iterator<Item = Member> + '_ {
        members
            .iter()
            .map(|member| Member {
                roles: member.roles & !ROLE_GUARD,
                ..*member
            })
            .filter(|member| member.roles != 0)
    }
    let guardians = |members: &[Member]| members.iter().filter(|m| m.has(ROLE_GUARD)).count();
    others(before).eq(others(after)) && guardians(after) <= guardians(before)
}
