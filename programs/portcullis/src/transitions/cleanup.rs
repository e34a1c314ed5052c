//! The beginning and the end of a proposal's buffer, and what cleans up.

use anchor_lang::prelude::*;

use super::{end, later, require, settle, status, Outcome};
use crate::{
    constants::ABANDONED_BUFFER_SECONDS,
    error::PortcullisError,
    events::{BufferClosed, BufferReturned, BufferVerified, ProposalCancelled, ProposalClosed},
    lifecycle::{check, Custody, Ending, Now, Step},
    state::{Parent, Proposal},
};

/// Notes that the buffer's bytes are the committed ones.
pub fn verify_buffer(
    parent: &Parent,
    proposal: &mut Proposal,
    now: Now,
) -> Outcome<BufferVerified> {
    check(status(parent, proposal, now)?, Step::Verify)?;
    proposal.custody = Custody::Verified as u8;
    Ok(BufferVerified {
        parent: proposal.terms.parent,
        index: proposal.terms.index,
        sha256: proposal.terms.sha256,
        slot: now.slot,
        timestamp: now.timestamp,
    })
}

/// Withdraws a proposal that is not queued.
pub fn cancel(
    parent: &mut Parent,
    proposal: &mut Proposal,
    key: Pubkey,
    proposer: Pubkey,
    now: Now,
) -> Outcome<ProposalCancelled> {
    require(
        proposer == proposal.terms.proposer,
        PortcullisError::NotTheProposer,
    )?;
    check(status(parent, proposal, now)?, Step::Cancel)?;
    end(parent, proposal, &key, Ending::Cancelled, now.timestamp);
    Ok(ProposalCancelled {
        parent: proposal.terms.parent,
        index: proposal.terms.index,
        proposer,
        slot: now.slot,
        timestamp: now.timestamp,
    })
}

/// Notes that an ended proposal's buffer goes back to its depositor.
pub fn return_buffer(
    parent: &mut Parent,
    proposal: &mut Proposal,
    key: Pubkey,
    now: Now,
) -> Outcome<BufferReturned> {
    settle(parent, proposal, &key, Step::ReleaseBuffer, now)?;
    require(
        proposal.custody()?.is_held(),
        PortcullisError::BufferReleased,
    )?;
    proposal.custody = Custody::Returned as u8;
    Ok(BufferReturned {
        parent: proposal.terms.parent,
        index: proposal.terms.index,
        buffer: proposal.terms.buffer,
        depositor: proposal.terms.proposer,
        ending: proposal.ending,
        slot: now.slot,
        timestamp: now.timestamp,
    })
}

/// Notes that the buffer of a proposal that ended long ago is closed.
pub fn close_buffer(
    parent: &mut Parent,
    proposal: &mut Proposal,
    key: Pubkey,
    now: Now,
) -> Outcome<BufferClosed> {
    settle(parent, proposal, &key, Step::ReleaseBuffer, now)?;
    require(
        proposal.custody()?.is_held(),
        PortcullisError::BufferReleased,
    )?;
    require(
        now.timestamp >= later(proposal.ended_at, ABANDONED_BUFFER_SECONDS)?,
        PortcullisError::BufferNotAbandoned,
    )?;
    proposal.custody = Custody::Closed as u8;
    Ok(BufferClosed {
        parent: proposal.terms.parent,
        index: proposal.terms.index,
        buffer: proposal.terms.buffer,
        spill: proposal.terms.spill,
        ending: proposal.ending,
        slot: now.slot,
        timestamp: now.timestamp,
    })
}

/// Ends an ended proposal's record on chain; its account is closed after this.
pub fn close_proposal(
    parent: &mut Parent,
    proposal: &mut Proposal,
    key: Pubkey,
    now: Now,
) -> Outcome<ProposalClosed> {
    settle(parent, proposal, &key, Step::Close, now)?;
    require(
        !proposal.custody()?.is_held(),
        PortcullisError::BufferStillHeld,
    )?;
    Ok(ProposalClosed {
        parent: proposal.terms.parent,
        index: proposal.terms.index,
        rent_payer: proposal.terms.rent_payer,
        ending: proposal.ending,
        slot: now.slot,
        timestamp: now.timestamp,
    })
}
