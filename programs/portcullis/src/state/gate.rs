//! The gate of one program: its council, policy, releases, and what is pending.

use anchor_lang::prelude::*;

use crate::{
    constants::{PENDING_SLOTS, RELEASE_RING},
    digest::Commitment,
    error::PortcullisError,
    lifecycle::{Lane, Now},
    policy::Policy,
    record::Log,
};

/// A build that a gate knows: the one that runs, or one that ran before.
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
pub struct Release {
    /// SHA-256 of the ELF without trailing zeros.
    pub sha256: [u8; 32],
    /// Digest of the proposal that brought it; zeros for the one found at adoption.
    pub proposal_digest: [u8; 32],
    /// When it became current.
    pub slot: u64,
    /// The same in Unix seconds.
    pub timestamp: i64,
    /// From 1, ever growing; never the same for two releases of a gate. Zero: an empty place of the ring.
    pub index: u32,
    /// Bytes of the ELF without trailing zeros.
    pub len: u32,
    /// The gate's life in which it became current.
    pub life: u32,
    /// 1: no rollback may go to it.
    pub revoked: u8,
    /// Zero; makes the bytes without padding.
    pub reserved: [u8; 3],
}

impl Release {
    /// The hash commitment to its ELF.
    pub const fn commitment(&self) -> Commitment {
        Commitment {
            sha256: self.sha256,
            len: self.len,
        }
    }
}

/// What is pending in one lane of a gate, at a fixed offset, so that other programs can read it and pause.
/// It is live while its proposal is the one named, `now < expires_at`, and epoch, life and base are the current ones.
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
pub struct PendingSlot {
    /// The queued proposal; the default key where nothing is pending.
    pub proposal: Pubkey,
    /// SHA-256 of what would run.
    pub sha256: [u8; 32],
    /// Earliest execution, Unix seconds.
    pub eta: i64,
    /// Nothing executes at or after this, Unix seconds.
    pub expires_at: i64,
    /// The council's epoch, the gate's life and the release index that it needs (zero: any).
    pub epoch: u32,
    pub life: u32,
    pub base_index: u32,
    /// An [`Action`](crate::lifecycle::Action).
    pub action: u8,
    /// Zero; makes the bytes without padding.
    pub reserved: [u8; 3],
}

/// What a gate is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[repr(u8)]
pub enum GateState {
    /// It does not hold the upgrade authority any more; it may be adopted again.
    Exited = 0,
    /// It governs its program.
    Active = 1,
    /// It holds the upgrade authority of a large program whose bytes are being hashed, and can only give it back.
    Adopting = 2,
}

/// The gate of a program. Address: `["gate", program_id]`. Never closed.
#[account(zero_copy)]
#[derive(Debug)]
pub struct Gate {
    /// [`LAYOUT_VERSION`](crate::constants::LAYOUT_VERSION).
    pub version: u8,
    pub bump: u8,
    /// Bump of `authority`.
    pub authority_bump: u8,
    /// A [`GateState`].
    pub state: u8,
    /// Counts adoptions, moves and exits: within a life the council is the same. A proposal of another life is dead.
    pub life: u32,
    pub council: Pubkey,
    /// The program that it governs.
    pub program: Pubkey,
    /// The program's programdata account.
    pub programdata: Pubkey,
    /// `["authority", program_id]`: the upgrade authority of the program and of every buffer proposed to it.
    pub authority: Pubkey,
    /// The upgrade authority before the adoption: while a large program is being hashed, it may take the authority back.
    pub former_authority: Pubkey,
    pub policy: Policy,
    /// Proposals made so far, the next one's index. Never reset.
    pub proposal_count: u32,
    /// The release that runs.
    pub release: Release,
    /// Earlier releases; the one with index i stands at i mod 8.
    pub earlier: [Release; RELEASE_RING],
    /// Standard, emergency, two standbys.
    pub pending: [PendingSlot; PENDING_SLOTS],
    /// Time of the last upgrade by any lane, Unix seconds. Zero: none yet. Never reset.
    pub last_upgrade_at: i64,
    /// Time of the last emergency upgrade, Unix seconds. Zero: none yet. Never reset.
    pub last_emergency_at: i64,
    pub log: Log,
}

impl Gate {
    /// Bytes of the account, its discriminator included.
    pub const SPACE: usize = Self::DISCRIMINATOR.len() + core::mem::size_of::<Self>();

    /// The slots of a lane.
    fn slots(&mut self, lane: Lane) -> &mut [PendingSlot] {
        let [standard, emergency, standbys @ ..] = &mut self.pending;
        match lane {
            Lane::Standard => core::slice::from_mut(standard),
            Lane::Emergency => core::slice::from_mut(emergency),
            Lane::Rollback | Lane::SafeMode => standbys,
        }
    }

    /// Takes a free or dead slot of the lane; `false` where all are live.
    pub fn take_slot(&mut self, lane: Lane, slot: PendingSlot, now: Now) -> bool {
        let (life, release_index) = (self.life, self.release.index);
        let free = self
            .slots(lane)
            .iter_mut()
            .find(|taken| !taken.is_live(slot.epoch, life, release_index, now));
        match free {
            Some(place) => {
                *place = slot;
                true
            }
            None => false,
        }
    }

    /// What it is.
    ///
    /// # Errors
    /// `Overflow` on a byte that this version does not know.
    pub fn state(&self) -> core::result::Result<GateState, PortcullisError> {
        match self.state {
            0 => Ok(GateState::Exited),
            1 => Ok(GateState::Active),
            2 => Ok(GateState::Adopting),
            _ => Err(PortcullisError::Overflow),
        }
    }

    /// The current release and the earlier ones that it remembers.
    pub fn releases(&self) -> impl Iterator<Item = &Release> {
        core::iter::once(&self.release)
            .chain(&self.earlier)
            .filter(|release| release.index > 0)
    }

    /// Whether a build ran here before or runs now, as far as the gate remembers.
    pub fn knows(&self, sha256: &[u8; 32]) -> bool {
        self.releases().any(|release| release.sha256 == *sha256)
    }

    /// Whether a build that it remembers is revoked.
    pub fn is_revoked(&self, sha256: &[u8; 32]) -> bool {
        self.releases()
            .any(|release| release.sha256 == *sha256 && release.revoked != 0)
    }

    /// Marks every release with these bytes, or takes the mark away.
    pub fn set_revoked(&mut self, sha256: &[u8; 32], revoked: bool) {
        for release in core::iter::once(&mut self.release).chain(&mut self.earlier) {
            if release.sha256 == *sha256 {
                release.revoked = u8::from(revoked);
            }
        }
    }

    /// Begins another life: every proposal of the one before is dead.
    ///
    /// # Errors
    /// `Overflow` after 2^32 lives.
    pub fn begin_life(&mut self) -> core::result::Result<(), PortcullisError> {
        self.life = self.life.checked_add(1).ok_or(PortcullisError::Overflow)?;
        Ok(())
    }

    /// Frees the slot that `proposal` has taken, if it has; no other.
    pub fn clear_slot(&mut self, proposal: &Pubkey) {
        for slot in &mut self.pending {
            if slot.proposal == *proposal {
                *slot = PendingSlot::default();
            }
        }
    }

    /// Makes `release` the current one, with the next index; the former one goes to the ring.
    ///
    /// # Errors
    /// `Overflow` after 2^32 releases.
    pub fn push_release(
        &mut self,
        mut release: Release,
    ) -> core::result::Result<(), PortcullisError> {
        release.index = self
            .release
            .index
            .checked_add(1)
            .ok_or(PortcullisError::Overflow)?;
        let position = self.release.index as usize % RELEASE_RING;
        if let Some(place) = self.earlier.get_mut(position) {
            *place = self.release;
        }
        self.release = release;
        Ok(())
    }
}

impl PendingSlot {
    /// Whether the proposal in it can still execute, as far as the slot can tell. A standby's base may be the next release.
    pub fn is_live(&self, epoch: u32, life: u32, release_index: u32, now: Now) -> bool {
        self.proposal != Pubkey::default()
            && now.timestamp < self.expires_at
            && self.epoch == epoch
            && self.life == life
            && (self.base_index == 0
                || self.base_index == release_index
                || Some(self.base_index) == release_index.checked_add(1))
    }
}
