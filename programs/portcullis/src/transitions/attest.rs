//! Attestations.

use anchor_lang::prelude::*;

use super::{
    bit, check_deadline, check_vote, fix_eta, later, require, unfix_eta, Outcome, Signed, VoteArgs,
};
use crate::{
    constants::LAYOUT_VERSION,
    digest::Statement,
    error::PortcullisError,
    events::{AttestationGiven, AttestationRevoked},
    lifecycle::{Now, Step},
    state::{Attestation, Parent, Proposal, ROLE_ATTEST},
};

/// What an attester signs.
#[derive(AnchorSerialize, AnchorDeserialize, Clone, Debug, PartialEq, Eq)]
pub struct AttestArgs {
    /// The proposal that the attester saw, and until when this instruction is valid.
    pub vote: VoteArgs,
    /// A kind that the member attests, a number below 8.
    pub kind: u8,
    /// The document that the attester signed.
    pub statement: Statement,
    /// It does not hold from this time on, Unix seconds.
    pub expires_at: i64,
}

/// The accounts of an attestation.
#[derive(Clone, Copy, Debug)]
pub struct AttestAccounts {
    pub proposal: Pubkey,
    pub attester: Pubkey,
    pub rent_payer: Pubkey,
    pub bump: u8,
}

/// Counts an attestation; the one that is missing last queues the proposal if the slot is free. Returns its account's content
/// as well.
pub fn attest(
    parent: &mut Parent,
    proposal: &mut Proposal,
    accounts: &AttestAccounts,
    args: AttestArgs,
    signed: Signed,
    now: Now,
) -> Outcome<(Attestation, AttestationGiven)> {
    let (position, member) = parent
        .council()
        .member_with(&accounts.attester, ROLE_ATTEST)?;
    let kinds = member.attests.checked_shr(args.kind.into());
    require(
        kinds.is_some_and(|kinds| kinds & 1 == 1),
        PortcullisError::KindNotAttested,
    )?;
    let step = Step::Attest;
    check_vote(parent, proposal, position, step, &args.vote, signed, now)?;
    check_deadline(proposal, &args.vote, now)?;
    args.statement.validate()?;
    require(
        args.expires_at >= attestation_must_outlast(proposal)?,
        PortcullisError::AttestationTooShort,
    )?;
    let count = proposal
        .attestations
        .get_mut(usize::from(args.kind))
        .ok_or(PortcullisError::KindNotAttested)?;
    *count = count.checked_add(1).ok_or(PortcullisError::Overflow)?;
    if proposal.eta == 0 && proposal.is_approved() {
        fix_eta(parent, proposal, accounts.proposal, now)?;
    }
    let attestation = Attestation {
        proposal: accounts.proposal,
        attester: accounts.attester,
        rent_payer: accounts.rent_payer,
        statement_sha256: args.statement.sha256,
        expires_at: args.expires_at,
        kind: args.kind,
        version: LAYOUT_VERSION,
        bump: accounts.bump,
        reserved: [0; 5],
    };
    let event = AttestationGiven {
        parent: proposal.terms.parent,
        index: proposal.terms.index,
        attester: accounts.attester,
        digest: args.vote.digest,
        kind: args.kind,
        statement: args.statement,
        expires_at: args.expires_at,
        eta: proposal.eta,
        slot: now.slot,
        timestamp: now.timestamp,
    };
    Ok((attestation, event))
}

/// The last moment at which the proposal could execute if it were queued at the voting deadline, Unix seconds. An attestation that
/// holds until then can be counted without looking at its expiry again.
pub fn attestation_must_outlast(proposal: &Proposal) -> Outcome<i64> {
    let terms = &proposal.terms;
    later(
        later(terms.voting_ends_at, terms.snapshot.timelock_seconds)?.max(terms.not_before),
        terms.snapshot.execution_window_seconds,
    )
}

/// Takes an attestation back; one that the policy needs takes `eta` and the slot with it.
pub fn revoke_attestation(
    parent: &mut Parent,
    proposal: &mut Proposal,
    key: Pubkey,
    attestation: &Attestation,
    args: &VoteArgs,
    now: Now,
) -> Outcome<AttestationRevoked> {
    let (position, _) = parent
        .council()
        .member_with(&attestation.attester, ROLE_ATTEST)?;
    let (step, signed) = (Step::RevokeAttestation, Signed::Transaction);
    check_vote(parent, proposal, position, step, args, signed, now)?;
    let count = proposal
        .attestations
        .get_mut(usize::from(attestation.kind))
        .ok_or(PortcullisError::KindNotAttested)?;
    *count = count.checked_sub(1).ok_or(PortcullisError::Overflow)?;
    proposal.retracted |= bit(position)?;
    unfix_eta(parent, proposal, &key);
    Ok(AttestationRevoked {
        parent: proposal.terms.parent,
        index: proposal.terms.index,
        attester: attestation.attester,
        digest: args.digest,
        kind: attestation.kind,
        eta: proposal.eta,
        slot: now.slot,
        timestamp: now.timestamp,
    })
}
