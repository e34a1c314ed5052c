//! A proposal: its terms, which never change and are what voters sign, and what has happened to it.

use anchor_lang::prelude::*;

use crate::{
    constants::{ATTESTATION_KINDS, TRIGGER_LAPSE_SECONDS},
    digest::Commitment,
    error::PortcullisError,
    lifecycle::{Action, Custody, Ending, Facts, Lane, Now, Status},
    policy::Snapshot,
    state::{Council, Gate},
};

/// What a proposal says. Never changes; its bytes, as they stand here, are what the digest hashes.
#[zero_copy]
#[derive(Debug, PartialEq, Eq)]
pub struct Terms {
    /// The gate, or for actions on the council itself the council.
    pub parent: Pubkey,
    /// The buffer with the new ELF. This and the next are zeros where the action is no upgrade.
    pub buffer: Pubkey,
    /// Gets the buffer's lamports when it is consumed or closed.
    pub spill: Pubkey,
    /// The member that proposed it, and the buffer's depositor: it gets the buffer back.
    pub proposer: Pubkey,
    /// Gets this account's rent back.
    pub rent_payer: Pubkey,
    /// [`Statement::commitment`](crate::digest::Statement::commitment); zeros where there is none.
    pub statement: [u8; 32],
    /// SHA-256 of the new ELF without trailing zeros; of `RevokeRelease`, of the revoked one.
    pub sha256: [u8; 32],
    /// SHA-256 of the release that it builds on.
    pub base_sha256: [u8; 32],
    /// The newest SlotHashes entry at creation: nobody could know the digest before.
    pub slot_hash: [u8; 32],
    /// The policy of its lane at creation.
    pub snapshot: Snapshot,
    /// Bytes of the new ELF without trailing zeros.
    pub len: u32,
    /// Bytes of the base's ELF without trailing zeros.
    pub base_len: u32,
    /// Index of the release that it builds on. Zero: any, of an action that does not depend on the release.
    pub base_index: u32,
    /// Its number within the parent.
    pub index: u32,
    /// The council's epoch that it belongs to.
    pub epoch: u32,
    /// The gate's life that it belongs to; with it, the council.
    pub life: u32,
    /// An [`Action`].
    pub action: u8,
    /// A [`Lane`].
    pub lane: u8,
    /// [`LAYOUT_VERSION`](crate::constants::LAYOUT_VERSION).
    pub version: u8,
    /// Zero; makes the bytes without padding.
    pub reserved: u8,
    /// The slot of its creation.
    pub created_slot: u64,
    /// Approvals are taken before this, Unix seconds.
    pub voting_ends_at: i64,
    /// Never executes before this, Unix seconds. Zero: no such wish.
    pub not_before: i64,
}

/// A proposal. Address: `["proposal", gate or council, index]`. 504 bytes; behind them stands the
/// [`Change`](crate::change::Change) of an action with more fields than an upgrade.
#[account(zero_copy)]
#[derive(Debug)]
pub struct Proposal {
    pub terms: Terms,
    /// What voters sign: [`digest`](crate::digest::digest) of the terms.
    pub digest: [u8; 32],
    /// Earliest execution, Unix seconds; fixed when the threshold and the attestations are met. Zero: not queued.
    pub eta: i64,
    /// The slot in which `eta` was fixed.
    pub queued_slot: u64,
    /// When it ended, Unix seconds. Zero: it has not.
    pub ended_at: i64,
    /// Bit i: member i has approved.
    pub approvals: u64,
    /// Bit i: member i has rejected.
    pub rejections: u64,
    /// Bit i: member i, a guardian, has vetoed.
    pub vetoes: u64,
    /// Bit i: member i, a guardian, has asked to trigger the standby.
    pub triggers: u64,
    /// When the first trigger vote came, Unix seconds. Zero: none.
    pub triggered_at: i64,
    /// Bit i: member i has taken a vote or an attestation back. Messages that it signed before could be relayed anew, so
    /// from then on only its transactions count.
    pub retracted: u64,
    /// Valid attestations, by kind.
    pub attestations: [u8; ATTESTATION_KINDS],
    /// Weight of the approvals.
    pub approval_weight: u32,
    pub bump: u8,
    /// An [`Ending`].
    pub ending: u8,
    /// A [`Custody`].
    pub custody: u8,
    /// Zero; makes the bytes without padding.
    pub reserved: u8,
}

impl Terms {
    /// What the buffer must hold.
    pub const fn commitment(&self) -> Commitment {
        Commitment {
            sha256: self.sha256,
            len: self.len,
        }
    }

    /// The action.
    ///
    /// # Errors
    /// `Overflow` on a byte that this version does not know.
    pub fn action(&self) -> core::result::Result<Action, PortcullisError> {
        Action::try_from(self.action)
    }

    /// The lane.
    ///
    /// # Errors
    /// `Overflow` on a byte that this version does not know.
    pub fn lane(&self) -> core::result::Result<Lane, PortcullisError> {
        Lane::try_from(self.lane)
    }
}

impl Proposal {
    /// Bytes of the account, its discriminator included.
    pub const SPACE: usize = Self::DISCRIMINATOR.len() + core::mem::size_of::<Self>();

    /// Nothing executes at or after this, Unix seconds; meaningless unless queued.
    pub fn expires_at(&self) -> i64 {
        // An eta is a checked sum of times, so 90 days more stay far below i64::MAX.
        self.eta
            .saturating_add(i64::from(self.terms.snapshot.execution_window_seconds))
    }

    /// Where the buffer is.
    ///
    /// # Errors
    /// `Overflow` on a byte that this version does not know.
    pub fn custody(&self) -> core::result::Result<Custody, PortcullisError> {
        Custody::try_from(self.custody)
    }

    /// The stored facts beside the council, and the gate if its parent is one, as they are now.
    ///
    /// # Errors
    /// `Overflow` on a byte that this version does not know.
    pub fn facts(
        &self,
        council: &Council,
        gate: Option<&Gate>,
    ) -> core::result::Result<Facts, PortcullisError> {
        let terms = &self.terms;
        let lane = terms.lane()?;
        // Within a gate an index names one release for ever, so its hash says more only of a release that was yet to come.
        let (base, next, life) = match gate {
            Some(gate) => (
                terms.base_index == 0 || terms.base_index == gate.release.index,
                lane.is_standby() && Some(terms.base_index) == gate.release.index.checked_add(1),
                gate.life,
            ),
            None => (true, false, 0),
        };
        let based = base
            && (!lane.is_standby()
                || gate.is_some_and(|gate| terms.base_sha256 == gate.release.sha256));
        Ok(Facts {
            lane,
            ending: Ending::try_from(self.ending)?,
            verified: self.custody()? != Custody::Held,
            current: terms.epoch == council.config_epoch && terms.life == life && (based || next),
            based,
            voting_ends_at: terms.voting_ends_at,
            eta: self.eta,
            expires_at: self.expires_at(),
            earliest_slot: self
                .queued_slot
                .saturating_add(u64::from(terms.snapshot.timelock_seconds)),
        })
    }

    /// The status at `now`.
    ///
    /// # Errors
    /// `Overflow` on a byte that this version does not know.
    pub fn status(
        &self,
        council: &Council,
        gate: Option<&Gate>,
        now: Now,
    ) -> core::result::Result<Status, PortcullisError> {
        Ok(self.facts(council, gate)?.status(now))
    }

    /// Whether enough guardians have asked at `now` for an armed standby to be executed.
    pub fn is_triggered(&self, now: Now) -> bool {
        self.triggers.count_ones() >= u32::from(self.terms.snapshot.trigger_threshold)
            && !self.triggers_lapsed(now)
    }

    /// Whether the trigger votes so far are too old to count.
    pub fn triggers_lapsed(&self, now: Now) -> bool {
        now.timestamp
            >= self
                .triggered_at
                .saturating_add(i64::from(TRIGGER_LAPSE_SECONDS))
    }

    /// Whether threshold and required attestations are met.
    pub fn is_approved(&self) -> bool {
        self.approval_weight >= self.terms.snapshot.threshold
            && self
                .attestations
                .iter()
                .zip(&self.terms.snapshot.attestations)
                .all(|(have, required)| have >= required)
    }
}
