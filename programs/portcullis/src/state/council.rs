//! The council: who may propose, vote, execute, guard and attest, with what weight.

use anchor_lang::prelude::*;

use crate::{
    constants::{ATTESTATION_KINDS, MAX_MEMBERS},
    error::PortcullisError,
    policy::{Policy, Powers},
    record::Log,
    state::PendingSlot,
};

/// May propose.
pub const ROLE_PROPOSE: u8 = 1 << 0;
/// May approve, reject and retract, with its weight.
pub const ROLE_VOTE: u8 = 1 << 1;
/// May execute what is ready.
pub const ROLE_EXECUTE: u8 = 1 << 2;
/// May veto, and trigger standbys.
pub const ROLE_GUARD: u8 = 1 << 3;
/// May attest the kinds in its `attests`.
pub const ROLE_ATTEST: u8 = 1 << 4;
const KNOWN_ROLES: u8 = ROLE_PROPOSE | ROLE_VOTE | ROLE_EXECUTE | ROLE_GUARD | ROLE_ATTEST;

/// A member: a keypair, a hardware key, or another program's address.
#[derive(
    AnchorSerialize,
    AnchorDeserialize,
    Clone,
    Copy,
    Debug,
    Default,
    PartialEq,
    Eq,
    bytemuck::Pod,
    bytemuck::Zeroable,
)]
#[repr(C)]
pub struct Member {
    pub key: Pubkey,
    /// What its approval counts. Zero unless it has VOTE.
    pub weight: u16,
    /// Bits: PROPOSE 1, VOTE 2, EXECUTE 4, GUARD 8, ATTEST 16.
    pub roles: u8,
    /// Bits: the kinds that it attests. Zero unless it has ATTEST.
    pub attests: u8,
}

impl Member {
    /// Whether the member has all roles in `roles`.
    pub const fn has(&self, roles: u8) -> bool {
        self.roles & roles == roles
    }

    fn validate(&self) -> core::result::Result<(), PortcullisError> {
        if self.roles & !KNOWN_ROLES != 0 {
            return Err(PortcullisError::UnknownRole);
        }
        if self.roles == 0 || self.key == Pubkey::default() {
            return Err(PortcullisError::MemberWithoutRole);
        }
        if self.has(ROLE_VOTE) != (self.weight > 0) {
            return Err(PortcullisError::WeightWithoutVote);
        }
        if self.has(ROLE_ATTEST) != (self.attests != 0) {
            return Err(PortcullisError::AttestsWithoutRole);
        }
        Ok(())
    }
}

/// The most that any gate of the council demands. A change of the council must still meet it.
#[derive(
    AnchorSerialize,
    AnchorDeserialize,
    Clone,
    Copy,
    Debug,
    Default,
    PartialEq,
    Eq,
    bytemuck::Pod,
    bytemuck::Zeroable,
)]
#[repr(C)]
pub struct GateMaxima {
    pub threshold: u32,
    pub emergency_threshold: u32,
    /// Seconds.
    pub timelock_seconds: u32,
    pub attestations: [u8; ATTESTATION_KINDS],
    pub veto_threshold: u8,
    pub emergency_veto_threshold: u8,
    pub trigger_threshold: u8,
    /// Zero; makes the bytes without padding.
    pub reserved: u8,
}

impl GateMaxima {
    fn raise(&mut self, policy: &Policy) {
        self.threshold = self.threshold.max(policy.threshold);
        self.emergency_threshold = self.emergency_threshold.max(policy.emergency_threshold);
        self.timelock_seconds = self.timelock_seconds.max(policy.timelock_seconds);
        self.veto_threshold = self.veto_threshold.max(policy.veto_threshold);
        self.emergency_veto_threshold = self
            .emergency_veto_threshold
            .max(policy.emergency_veto_threshold);
        self.trigger_threshold = self.trigger_threshold.max(policy.trigger_threshold);
        for (most, required) in self.attestations.iter_mut().zip(&policy.attestations) {
            *most = (*most).max(*required);
        }
    }
}

/// A council. Address: `["council", create_key]`.
#[account(zero_copy)]
#[derive(Debug)]
pub struct Council {
    /// [`LAYOUT_VERSION`](crate::constants::LAYOUT_VERSION).
    pub version: u8,
    pub bump: u8,
    /// Members in use, from the front of `members`.
    pub member_count: u8,
    /// Zero; makes the bytes without padding.
    pub reserved: u8,
    /// Rises with each change of members, weights or roles; zero until the council is sealed. A proposal of another
    /// epoch is dead.
    pub config_epoch: u32,
    /// The key that signed the creation; part of the address.
    pub create_key: Pubkey,
    /// The rules for changing the council itself.
    pub policy: Policy,
    /// No delay of any lane of any gate is below this. Seconds; only ever raised.
    pub delay_floor_seconds: u32,
    /// Proposals made about the council itself; the next one's index.
    pub proposal_count: u32,
    /// Gates that belong to it.
    pub gate_count: u32,
    /// What the strictest of the gates demand.
    pub gate_maxima: GateMaxima,
    /// What is pending about the council itself.
    pub pending: PendingSlot,
    pub log: Log,
    /// Sorted by key, each once; those behind `member_count` are zero.
    pub members: [Member; MAX_MEMBERS],
}

impl Council {
    /// Bytes of the account, its discriminator included.
    pub const SPACE: usize = Self::DISCRIMINATOR.len() + core::mem::size_of::<Self>();

    /// The members in use.
    pub fn members(&self) -> &[Member] {
        let count = usize::from(self.member_count);
        self.members.get(..count).unwrap_or(&self.members)
    }

    /// Whether `seal_council` has been done; before, the council can do nothing.
    pub const fn is_sealed(&self) -> bool {
        self.config_epoch > 0
    }

    /// The position of a member and the member, if it has all of `roles`.
    ///
    /// # Errors
    /// `NotAMember`, `RoleMissing`.
    pub fn member_with(
        &self,
        key: &Pubkey,
        roles: u8,
    ) -> core::result::Result<(usize, &Member), PortcullisError> {
        let members = self.members();
        let position = members
            .binary_search_by(|member| member.key.cmp(key))
            .map_err(|_| PortcullisError::NotAMember)?;
        let member = members.get(position).ok_or(PortcullisError::NotAMember)?;
        if !member.has(roles) {
            return Err(PortcullisError::RoleMissing);
        }
        Ok((position, member))
    }

    /// What the members can do together.
    pub fn powers(&self) -> Powers {
        let mut powers = Powers::default();
        // At most 64 members: the weights fit a u32, the counts a u8.
        for member in self.members() {
            powers.weight = powers.weight.saturating_add(u32::from(member.weight));
            let count = |role| u8::from(member.has(role));
            powers.proposers = powers.proposers.saturating_add(count(ROLE_PROPOSE));
            powers.executors = powers.executors.saturating_add(count(ROLE_EXECUTE));
            powers.guardians = powers.guardians.saturating_add(count(ROLE_GUARD));
            for (kind, attesters) in powers.attesters.iter_mut().enumerate() {
                *attesters = attesters.saturating_add((member.attests >> kind) & 1);
            }
        }
        powers
    }

    /// The weight of the members whose bit is set.
    pub fn weight_of(&self, bitmap: u64) -> u32 {
        self.members()
            .iter()
            .enumerate()
            .filter(|(position, _)| (bitmap >> position) & 1 == 1)
            .fold(0, |sum: u32, (_, member)| {
                sum.saturating_add(u32::from(member.weight))
            })
    }

    /// Appends members, which must go on in ascending order of their keys.
    ///
    /// # Errors
    /// `MembersNotSorted`, `TooManyMembers`, or what is wrong with a member.
    pub fn push_members(
        &mut self,
        members: &[Member],
    ) -> core::result::Result<(), PortcullisError> {
        for member in members {
            member.validate()?;
            if let Some(last) = self.members().last() {
                if last.key >= member.key {
                    return Err(PortcullisError::MembersNotSorted);
                }
            }
            let place = self
                .members
                .get_mut(usize::from(self.member_count))
                .ok_or(PortcullisError::TooManyMembers)?;
            *place = *member;
            self.member_count = self
                .member_count
                .checked_add(1)
                .ok_or(PortcullisError::TooManyMembers)?;
        }
        Ok(())
    }

    /// Takes in a gate with this policy.
    ///
    /// # Errors
    /// The rule that the policy violates; `CouncilWeakerThanGate` where the council's own door would be the weaker one.
    pub fn admit_gate(&mut self, policy: &Policy) -> core::result::Result<(), PortcullisError> {
        policy.validate(&self.powers(), self.delay_floor_seconds)?;
        if policy.threshold > self.policy.threshold
            || policy.timelock_seconds > self.policy.timelock_seconds
        {
            return Err(PortcullisError::CouncilWeakerThanGate);
        }
        self.gate_maxima.raise(policy);
        self.gate_count = self
            .gate_count
            .checked_add(1)
            .ok_or(PortcullisError::Overflow)?;
        Ok(())
    }
}
