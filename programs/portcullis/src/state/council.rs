//! The council: who may propose, vote, execute, guard and attest, with what weight.

use anchor_lang::prelude::*;

use crate::{
    constants::{ATTESTATION_KINDS, MAX_DURATION_SECONDS, MAX_MEMBERS},
    error::PortcullisError,
    policy::{attestations_reachable, Policy, Powers, FLAG_NONCE_VOTES},
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

    /// Refuses a member that could not act, or whose fields contradict each other.
    ///
    /// # Errors
    /// `UnknownRole`, `MemberWithoutRole`, `WeightWithoutVote`, `AttestsWithoutRole`.
    pub fn validate(&self) -> core::result::Result<(), PortcullisError> {
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

/// The most that any gate of the council demands, since it had none. A change of the council must still meet it.
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
    /// The fewest guardians that can veto in the standard lane of any gate. Zero: no gate has a veto.
    pub easiest_veto: u8,
    /// 1: some gate refuses durable-nonce votes.
    pub refuses_nonce: u8,
    /// Zero; makes the bytes without padding.
    pub reserved: [u8; 3],
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
        if policy.veto_threshold > 0 {
            self.easiest_veto = match self.easiest_veto {
                0 => policy.veto_threshold,
                easiest => easiest.min(policy.veto_threshold),
            };
        }
        if policy.flags & FLAG_NONCE_VOTES == 0 {
            self.refuses_nonce = 1;
        }
    }

    /// Whether these members can meet every gate's policy.
    fn are_met_by(&self, members: &[Member]) -> bool {
        let powers = Powers::of(members);
        let guardians = self
            .veto_threshold
            .max(self.emergency_veto_threshold)
            .max(self.trigger_threshold);
        self.threshold.max(self.emergency_threshold) <= powers.weight
            && guardians <= powers.guardians
            && attestations_reachable(&self.attestations, members)
    }

    /// Whether a council with this policy is at least as hard to change as the strictest gate.
    fn are_covered_by(&self, policy: &Policy) -> bool {
        self.threshold <= policy.threshold
            && self.timelock_seconds <= policy.timelock_seconds
            && (self.easiest_veto == 0 || (1..=self.easiest_veto).contains(&policy.veto_threshold))
            && (self.refuses_nonce == 0 || policy.flags & FLAG_NONCE_VOTES == 0)
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
    /// Zero; makes the bytes without padding.
    pub reserved_more: [u8; 4],
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
        Powers::of(self.members())
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

    /// Takes in a gate on one proposer's word. So its policy may not demand more than the council's own does: nobody who
    /// has a program of their own can make the council hard to change.
    ///
    /// # Errors
    /// Those of [`Self::admit_policy`]; `PolicyAboveCouncil`.
    pub fn admit_gate(&mut self, policy: &Policy) -> core::result::Result<(), PortcullisError> {
        let bounded = self.demands_as_much_as(policy);
        self.admit_policy(policy)?;
        if !bounded {
            return Err(PortcullisError::PolicyAboveCouncil);
        }
        self.gate_count = self
            .gate_count
            .checked_add(1)
            .ok_or(PortcullisError::Overflow)?;
        Ok(())
    }

    /// Whether a gate's policy demands no more of the members than the council's own.
    fn demands_as_much_as(&self, policy: &Policy) -> bool {
        let own = &self.policy;
        policy.emergency_threshold <= own.emergency_threshold.max(own.threshold)
            && policy.veto_threshold.max(policy.emergency_veto_threshold)
                <= own.veto_threshold.max(own.emergency_veto_threshold)
            && policy.trigger_threshold <= own.trigger_threshold.max(own.veto_threshold)
            && policy
                .attestations
                .iter()
                .zip(&own.attestations)
                .all(|(required, most)| required <= most)
    }

    /// Accepts rules that one of its gates has voted for with this threshold. Below the council's own they are bounded as at an
    /// adoption: else a member could adopt a program of its own under rules that it meets alone, and vote itself stricter ones.
    ///
    /// # Errors
    /// Those of [`Self::admit_policy`]; `PolicyAboveCouncil`.
    pub fn admit_voted_policy(
        &mut self,
        policy: &Policy,
        threshold: u32,
    ) -> core::result::Result<(), PortcullisError> {
        let bounded = threshold >= self.policy.threshold || self.demands_as_much_as(policy);
        self.admit_policy(policy)?;
        if !bounded {
            return Err(PortcullisError::PolicyAboveCouncil);
        }
        Ok(())
    }

    /// Accepts rules for one of its gates.
    ///
    /// # Errors
    /// The rule that the policy violates; `CouncilWeakerThanGate` where the council's own door would be the weaker one.
    pub fn admit_policy(&mut self, policy: &Policy) -> core::result::Result<(), PortcullisError> {
        policy.validate(&self.powers(), self.delay_floor_seconds)?;
        let mut maxima = self.gate_maxima;
        maxima.raise(policy);
        // Of all gates together, so that a later change of members is not refused for what was so before.
        if !attestations_reachable(&maxima.attestations, self.members()) {
            return Err(PortcullisError::AttestationsUnreachable);
        }
        if !maxima.are_covered_by(&self.policy) {
            return Err(PortcullisError::CouncilWeakerThanGate);
        }
        self.gate_maxima = maxima;
        Ok(())
    }

    /// Lets a gate go. What the gates demanded is forgotten with the last.
    ///
    /// # Errors
    /// `Overflow` where it has none.
    pub fn release_gate(&mut self) -> core::result::Result<(), PortcullisError> {
        self.gate_count = self
            .gate_count
            .checked_sub(1)
            .ok_or(PortcullisError::Overflow)?;
        if self.gate_count == 0 {
            self.gate_maxima = GateMaxima::default();
        }
        Ok(())
    }

    /// Refuses members who could not meet the council's own policy, or one of its gates'.
    ///
    /// # Errors
    /// The rule that is violated; `GateCouldNotBeMet`.
    pub fn check_members(&self, members: &[Member]) -> core::result::Result<(), PortcullisError> {
        let powers = Powers::of(members);
        self.policy.validate(&powers, self.delay_floor_seconds)?;
        // A gate that needs an executor was admitted only because there is one.
        let executes = self.gate_count == 0 || self.powers().executors == 0 || powers.executors > 0;
        if !executes || !self.gate_maxima.are_met_by(members) {
            return Err(PortcullisError::GateCouldNotBeMet);
        }
        Ok(())
    }

    /// Refuses rules of its own that its members cannot meet, or that would make it easier to change than one of its gates.
    ///
    /// # Errors
    /// The rule that is violated; `DelayFloorLowered`, `CouncilWeakerThanGate`.
    pub fn check_policy(
        &self,
        policy: &Policy,
        delay_floor_seconds: u32,
    ) -> core::result::Result<(), PortcullisError> {
        if delay_floor_seconds < self.delay_floor_seconds {
            return Err(PortcullisError::DelayFloorLowered);
        }
        if delay_floor_seconds > MAX_DURATION_SECONDS {
            return Err(PortcullisError::DurationTooLong);
        }
        policy.validate(&self.powers(), delay_floor_seconds)?;
        if !self.gate_maxima.are_covered_by(policy) {
            return Err(PortcullisError::CouncilWeakerThanGate);
        }
        Ok(())
    }

    /// Puts other members in the place of those before. They are in order, and at most 64.
    ///
    /// # Errors
    /// `TooManyMembers`; `Overflow` after 2^32 changes.
    pub fn replace_members(
        &mut self,
        members: &[Member],
    ) -> core::result::Result<(), PortcullisError> {
        self.members = [Member::default(); MAX_MEMBERS];
        self.members
            .get_mut(..members.len())
            .ok_or(PortcullisError::TooManyMembers)?
            .copy_from_slice(members);
        self.member_count =
            u8::try_from(members.len()).map_err(|_| PortcullisError::TooManyMembers)?;
        self.config_epoch = self
            .config_epoch
            .checked_add(1)
            .ok_or(PortcullisError::Overflow)?;
        Ok(())
    }
}
