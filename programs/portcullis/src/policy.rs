//! A policy, and when it is possible. Pure: no accounts, no clock.

use anchor_lang::prelude::*;

use crate::{
    constants::{
        ATTESTATION_KINDS, MAX_DURATION_SECONDS, MAX_VOTE_VALIDITY_SECONDS, MIN_TIMELOCK_SECONDS,
        MIN_WINDOW_SECONDS,
    },
    error::PortcullisError,
    lifecycle::Lane,
    state::{Member, ROLE_EXECUTE, ROLE_GUARD, ROLE_PROPOSE},
};

/// Anyone may execute, not only members with the EXECUTE role.
pub const FLAG_ANYONE_MAY_EXECUTE: u8 = 1 << 0;
/// Approvals in durable-nonce transactions count.
pub const FLAG_NONCE_VOTES: u8 = 1 << 1;
const KNOWN_FLAGS: u8 = FLAG_ANYONE_MAY_EXECUTE | FLAG_NONCE_VOTES;

/// The rules of a gate, or of a council about itself. Its bytes in an account are its Borsh bytes: there is no padding.
#[derive(
    AnchorSerialize,
    AnchorDeserialize,
    InitSpace,
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
pub struct Policy {
    /// Weight of approvals that a proposal needs.
    pub threshold: u32,
    /// Seconds between the threshold and the earliest execution.
    pub timelock_seconds: u32,
    /// Seconds from the proposal in which it can be approved.
    pub voting_period_seconds: u32,
    /// Seconds from `eta` in which the proposal can be executed.
    pub execution_window_seconds: u32,
    /// Least seconds between two upgrades. Zero: no limit.
    pub min_interval_seconds: u32,
    /// Longest validity of a signed-message vote. Zero: no such votes.
    pub message_validity_seconds: u32,
    /// Weight of approvals in the emergency lane. Zero: the lane is off.
    pub emergency_threshold: u32,
    /// Delay of the emergency lane.
    pub emergency_timelock_seconds: u32,
    /// Least seconds between two emergency upgrades.
    pub emergency_min_interval_seconds: u32,
    /// Longest validity of an armed standby.
    pub standby_validity_seconds: u32,
    /// Attestations required, by kind.
    pub attestations: [u8; ATTESTATION_KINDS],
    /// Guardians whose vetoes end a proposal. Zero: no veto.
    pub veto_threshold: u8,
    /// The same in the emergency lane.
    pub emergency_veto_threshold: u8,
    /// Guardians who trigger an armed standby. Zero: no standbys.
    pub trigger_threshold: u8,
    /// Bits: [`FLAG_ANYONE_MAY_EXECUTE`], [`FLAG_NONCE_VOTES`].
    pub flags: u8,
}

/// What a proposal keeps of its gate's policy, for its lane: later changes of the policy do not touch it.
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
pub struct Snapshot {
    /// Weight of approvals needed.
    pub threshold: u32,
    /// Seconds between the threshold and `eta`.
    pub timelock_seconds: u32,
    /// Seconds from creation to the voting deadline.
    pub voting_period_seconds: u32,
    /// Seconds from `eta` to `expires_at`; of a standby, how long it stays armed.
    pub execution_window_seconds: u32,
    /// Least seconds since the gate's last upgrade, in the emergency lane since the last emergency.
    pub min_interval_seconds: u32,
    /// Longest validity of a signed-message vote. Zero: no such votes.
    pub message_validity_seconds: u32,
    /// Attestations required, by kind.
    pub attestations: [u8; ATTESTATION_KINDS],
    /// Guardians whose vetoes end the proposal. Zero: no veto.
    pub veto_threshold: u8,
    /// Guardians who trigger the standby.
    pub trigger_threshold: u8,
    /// The policy's flags.
    pub flags: u8,
    /// Zero; makes the bytes without padding.
    pub reserved: u8,
}

/// What a council's members can do together; policies are measured against it.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Powers {
    /// Sum of the voters' weights.
    pub weight: u32,
    /// Number of members with GUARD.
    pub guardians: u8,
    /// Number of members with PROPOSE.
    pub proposers: u8,
    /// Number of members with EXECUTE.
    pub executors: u8,
    /// Number of attesters by kind.
    pub attesters: [u8; ATTESTATION_KINDS],
}

impl Policy {
    /// Refuses a policy that these members could never meet, or that undercuts a limit.
    ///
    /// # Errors
    /// The rule that is violated, by name.
    pub fn validate(
        &self,
        powers: &Powers,
        delay_floor_seconds: u32,
    ) -> core::result::Result<(), PortcullisError> {
        let require = |rule: bool, error: PortcullisError| if rule { Ok(()) } else { Err(error) };
        let reachable = |threshold: u32| threshold >= 1 && threshold <= powers.weight;
        let floor = delay_floor_seconds.max(MIN_TIMELOCK_SECONDS);

        require(
            reachable(self.threshold),
            PortcullisError::ThresholdUnreachable,
        )?;
        require(
            self.timelock_seconds >= floor,
            PortcullisError::DelayBelowFloor,
        )?;
        require(
            self.voting_period_seconds >= MIN_WINDOW_SECONDS
                && self.execution_window_seconds >= MIN_WINDOW_SECONDS,
            PortcullisError::WindowTooShort,
        )?;
        require(
            [
                self.timelock_seconds,
                self.voting_period_seconds,
                self.execution_window_seconds,
                self.min_interval_seconds,
                self.emergency_timelock_seconds,
                self.emergency_min_interval_seconds,
                self.standby_validity_seconds,
            ]
            .iter()
            .all(|seconds| *seconds <= MAX_DURATION_SECONDS),
            PortcullisError::DurationTooLong,
        )?;
        require(
            self.message_validity_seconds <= MAX_VOTE_VALIDITY_SECONDS,
            PortcullisError::MessageValidityTooLong,
        )?;
        require(
            self.veto_threshold <= powers.guardians
                && self.emergency_veto_threshold <= powers.guardians,
            PortcullisError::VetoUnreachable,
        )?;
        if self.emergency_threshold == 0 {
            require(
                self.emergency_timelock_seconds == 0
                    && self.emergency_min_interval_seconds == 0
                    && self.emergency_veto_threshold == 0,
                PortcullisError::EmergencyFieldsWithoutLane,
            )?;
        } else {
            require(
                self.emergency_threshold >= self.threshold && reachable(self.emergency_threshold),
                PortcullisError::EmergencyThresholdInvalid,
            )?;
            require(
                self.emergency_timelock_seconds >= floor,
                PortcullisError::DelayBelowFloor,
            )?;
            require(
                self.emergency_timelock_seconds <= self.timelock_seconds
                    && self.emergency_min_interval_seconds > 0,
                PortcullisError::EmergencyDelayInvalid,
            )?;
        }
        require(
            self.trigger_threshold <= powers.guardians,
            PortcullisError::TriggerUnreachable,
        )?;
        require(
            (self.trigger_threshold == 0) == (self.standby_validity_seconds == 0),
            PortcullisError::StandbyValidityInvalid,
        )?;
        require(
            self.attestations
                .iter()
                .zip(&powers.attesters)
                .all(|(required, have)| required <= have),
            PortcullisError::AttestationsUnreachable,
        )?;
        require(powers.proposers > 0, PortcullisError::NoProposer)?;
        require(
            powers.executors > 0 || self.flags & FLAG_ANYONE_MAY_EXECUTE != 0,
            PortcullisError::NoExecutor,
        )?;
        require(
            self.flags & !KNOWN_FLAGS == 0,
            PortcullisError::UnknownPolicyFlag,
        )
    }

    /// What an upgrade in `lane` keeps of this policy. `delay_floor_seconds` is the council's, which may have risen since.
    ///
    /// # Errors
    /// `EmergencyLaneOff`, `StandbyLaneOff`.
    pub fn snapshot(
        &self,
        lane: Lane,
        delay_floor_seconds: u32,
    ) -> core::result::Result<Snapshot, PortcullisError> {
        let standard = Snapshot {
            threshold: self.threshold,
            timelock_seconds: self.timelock_seconds.max(delay_floor_seconds),
            voting_period_seconds: self.voting_period_seconds,
            execution_window_seconds: self.execution_window_seconds,
            min_interval_seconds: self.min_interval_seconds,
            message_validity_seconds: self.message_validity_seconds,
            attestations: self.attestations,
            veto_threshold: self.veto_threshold,
            trigger_threshold: 0,
            flags: self.flags,
            reserved: 0,
        };
        match lane {
            Lane::Standard => Ok(standard),
            Lane::Emergency if self.emergency_threshold == 0 => {
                Err(PortcullisError::EmergencyLaneOff)
            }
            Lane::Emergency => Ok(Snapshot {
                threshold: self.emergency_threshold,
                timelock_seconds: self.emergency_timelock_seconds.max(delay_floor_seconds),
                min_interval_seconds: self.emergency_min_interval_seconds,
                veto_threshold: self.emergency_veto_threshold,
                ..standard
            }),
            Lane::Rollback | Lane::SafeMode if self.trigger_threshold == 0 => {
                Err(PortcullisError::StandbyLaneOff)
            }
            // A response within seconds waits for no interval.
            Lane::Rollback | Lane::SafeMode => Ok(Snapshot {
                execution_window_seconds: self.standby_validity_seconds,
                min_interval_seconds: 0,
                trigger_threshold: self.trigger_threshold,
                ..standard
            }),
        }
    }

    /// What any other proposal than an upgrade keeps of this policy. It needs no attestations: attesters who vanished could
    /// otherwise never be replaced.
    pub fn snapshot_of_change(&self, delay_floor_seconds: u32) -> Snapshot {
        Snapshot {
            threshold: self.threshold,
            timelock_seconds: self.timelock_seconds.max(delay_floor_seconds),
            voting_period_seconds: self.voting_period_seconds,
            execution_window_seconds: self.execution_window_seconds,
            message_validity_seconds: self.message_validity_seconds,
            veto_threshold: self.veto_threshold,
            flags: self.flags,
            ..Snapshot::default()
        }
    }

    /// The least interval between upgrades in `lane`, in seconds.
    pub fn min_interval_seconds(&self, lane: Lane) -> u32 {
        match lane {
            Lane::Standard => self.min_interval_seconds,
            Lane::Emergency => self.emergency_min_interval_seconds,
            Lane::Rollback | Lane::SafeMode => 0,
        }
    }
}

/// Whether these members can give the required attestations together. Each attests one kind a proposal, so for any set of kinds
/// there must be as many attesters as attestations (Hall's marriage theorem).
pub fn attestations_reachable(required: &[u8; ATTESTATION_KINDS], members: &[Member]) -> bool {
    let kinds = required
        .iter()
        .enumerate()
        .filter(|(_, count)| **count > 0)
        .fold(0u8, |kinds, (kind, _)| kinds | 1 << kind);
    // All non-empty subsets of `kinds`, from itself down: at most 255.
    let mut subset = kinds;
    while subset != 0 {
        let needed = required
            .iter()
            .enumerate()
            .filter(|(kind, _)| (subset >> kind) & 1 == 1)
            .fold(0u32, |sum, (_, count)| {
                sum.saturating_add(u32::from(*count))
            });
        let have = members.iter().filter(|m| m.attests & subset != 0).count();
        if (have as u64) < u64::from(needed) {
            return false;
        }
        subset = subset.wrapping_sub(1) & kinds;
    }
    true
}

impl Powers {
    /// The powers of these members.
    pub fn of(members: &[Member]) -> Self {
        let mut powers = Self::default();
        // At most 64 members: the weights fit a u32, the counts a u8.
        for member in members {
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
}
