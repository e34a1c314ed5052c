//! Votes, attestations, the queue, and what takes them back.

use portcullis::error::PortcullisError::{self, *};

use super::{act::outcome, *};

const VOTE: u8 = 2;
const GUARD: u8 = 8;
const ATTEST: u8 = 16;
const DAY: i64 = 24 * 3_600;
const NONCE_VOTES: u8 = 2;
const TRIGGERS_LAPSE: i64 = 15 * 60;

/// The rule that an ended proposal stands behind.
pub fn ended(end: End) -> PortcullisError {
    match end {
        End::Executed => ProposalExecuted,
        End::Rejected => ProposalRejected,
        End::Vetoed => ProposalVetoed,
        End::Cancelled => ProposalCancelled,
        End::Expired => ProposalExpired,
        End::Stale => ProposalStale,
    }
}

impl Model {
    pub(super) fn verify(&mut self, id: Id) -> Outcome {
        let mut reasons = self.there(id)?;
        match self.phase(id) {
            Phase::Ended(end) => reasons.push(ended(end).into()),
            Phase::Draft => {}
            _ => reasons.push(BufferAlreadyVerified.into()),
        }
        let proposal = &self.proposals[id];
        match (&proposal.what, proposal.buffer) {
            (What::Upgrade { build, .. }, Some(buffer)) => {
                let content = self.buffers[buffer].content;
                // The gate's buffer, with the bytes that were committed to.
                if proposal.is_held() && content.is_none_or(|(_, found)| found != *build) {
                    reasons.extend(start::OTHER_BYTES.map(Reason::Rule));
                }
                if hash::in_steps(*build) {
                    reasons.push(NotHashedYet.into());
                }
            }
            _ => reasons.push(NotOfAGate.into()),
        }
        outcome(reasons)?;
        self.proposals[id].custody = Custody::Verified;
        self.record(id);
        Ok(())
    }

    /// What stands against any signed statement on a proposal.
    pub(super) fn against_signing(&self, id: Id, signing: &Signing, role: u8) -> Vec<Reason> {
        let mut reasons = vec![];
        let council = self.council_of(self.proposals[id].parent);
        reasons.extend(
            self.role_missing(council, signing.by, role)
                .map(Reason::Rule),
        );
        if !signing.right_digest {
            reasons.push(DigestMismatch.into());
        }
        if signing.until <= self.now {
            reasons.push(VoteExpired.into());
        }
        let mut longest = DAY;
        let proposal = &self.proposals[id];
        if signing.form == Form::Message {
            // The stricter of the rules then and now.
            let allowed = self.policy_of(proposal.parent).message_validity_seconds;
            longest = i64::from(proposal.terms.message_validity.min(allowed));
            if longest == 0 {
                reasons.push(MessageVotesOff.into());
            }
            // What was signed before could be relayed anew.
            if proposal.retracted.contains(&signing.by) {
                reasons.push(MessageAfterRetraction.into());
            }
        }
        if signing.until > self.now + longest {
            reasons.push(VoteValidTooLong.into());
        }
        reasons
    }

    /// What stands against saying yes in a transaction that was signed at any time before.
    pub(super) fn against_nonce(&self, id: Id, signing: &Signing) -> Option<Reason> {
        let proposal = &self.proposals[id];
        let flags = proposal.terms.flags & self.policy_of(proposal.parent).flags;
        let refused = signing.form == Form::Nonce && flags & NONCE_VOTES == 0;
        refused.then_some(DurableNonceTransaction.into())
    }

    /// What approves comes before the voting deadline and does not reach beyond it.
    fn against_deadline(&self, id: Id, signing: &Signing) -> Vec<Reason> {
        let closes = self.proposals[id].voting_ends;
        let mut reasons = vec![];
        if self.now >= closes {
            reasons.push(VotingClosed.into());
        }
        if signing.until > closes {
            reasons.push(VoteValidTooLong.into());
        }
        reasons
    }

    /// What stands against a vote because of what the proposal is now.
    fn against_phase(&self, id: Id, kind: VoteKind) -> Option<PortcullisError> {
        match (self.phase(id), kind) {
            (Phase::Ended(end), _) => Some(ended(end)),
            (_, VoteKind::Veto) => None,
            (Phase::Draft, _) => Some(BufferNotVerified),
            (Phase::Voting, VoteKind::Trigger) => Some(NotQueued),
            (Phase::Queued, VoteKind::Trigger) => Some(TimelockNotElapsed),
            (Phase::Ready, VoteKind::Trigger) => Some(NotAStandby),
            _ => None,
        }
    }

    pub(super) fn vote(&mut self, kind: VoteKind, id: Id, signing: &Signing) -> Outcome {
        let mut reasons = self.there(id)?;
        let role = match kind {
            VoteKind::Veto | VoteKind::Trigger => GUARD,
            _ => VOTE,
        };
        reasons.extend(self.against_signing(id, signing, role));
        reasons.extend(self.against_phase(id, kind).map(Reason::Rule));
        let by = signing.by;
        let proposal = &self.proposals[id];
        let mut forbid = |forbidden: bool, rule: PortcullisError| {
            if forbidden {
                reasons.push(rule.into());
            }
        };
        let (approved, rejected) = (
            proposal.approvals.contains(&by),
            proposal.rejections.contains(&by),
        );
        let lapsed = self.now >= proposal.first_trigger + TRIGGERS_LAPSE;
        match kind {
            VoteKind::Approve => {
                forbid(approved, AlreadyVoted);
                forbid(rejected, OppositeVote);
            }
            VoteKind::Reject => {
                forbid(rejected, AlreadyVoted);
                forbid(approved, OppositeVote);
            }
            VoteKind::Retract => forbid(!approved && !rejected, NothingToRetract),
            VoteKind::Veto => {
                forbid(proposal.terms.veto == 0, VetoDisabled);
                forbid(proposal.vetoes.contains(&by), AlreadyVoted);
            }
            VoteKind::Trigger => {
                forbid(proposal.triggers.contains(&by) && !lapsed, AlreadyVoted);
                let first = match proposal.triggers.is_empty() || lapsed {
                    true => self.now,
                    false => proposal.first_trigger,
                };
                // Relayed again after the lapse it would live again.
                forbid(
                    signing.form == Form::Message && signing.until > first + TRIGGERS_LAPSE,
                    VoteValidTooLong,
                );
                reasons.extend(self.against_target(id));
            }
        }
        if kind == VoteKind::Approve {
            reasons.extend(self.against_deadline(id, signing));
        }
        if let VoteKind::Approve | VoteKind::Trigger = kind {
            reasons.extend(self.against_nonce(id, signing));
        }
        outcome(reasons)?;

        let council = self.council_of(self.proposals[id].parent);
        let weight = |by: Id| self.member(council, by).map_or(0, |m| u32::from(m.weight));
        let own_weight = weight(by);
        let all: u32 = (0..start::people()).map(weight).sum();
        let against: u32 = self.proposals[id]
            .rejections
            .iter()
            .chain([&by])
            .map(|by| weight(*by))
            .sum();
        let now = self.now;
        let proposal = &mut self.proposals[id];
        match kind {
            VoteKind::Approve => {
                proposal.approvals.insert(by);
                proposal.weight += own_weight;
                self.fix_eta(id);
            }
            VoteKind::Reject => {
                proposal.rejections.insert(by);
                if all - against < proposal.terms.threshold {
                    self.end(id, End::Rejected, now);
                }
            }
            VoteKind::Retract => {
                if proposal.approvals.remove(&by) {
                    proposal.weight -= own_weight;
                }
                proposal.rejections.remove(&by);
                proposal.retracted.insert(by);
                self.unfix_eta(id);
            }
            VoteKind::Veto => {
                proposal.vetoes.insert(by);
                if proposal.vetoes.len() >= usize::from(proposal.terms.veto) {
                    self.end(id, End::Vetoed, now);
                }
            }
            VoteKind::Trigger => {
                if proposal.triggers.is_empty() || lapsed {
                    proposal.triggers.clear();
                    proposal.first_trigger = now;
                }
                proposal.triggers.insert(by);
            }
        }
        self.record(id);
        Ok(())
    }

    /// Whether enough guardians ask for the standby, none of them too long ago.
    pub fn is_triggered(&self, id: Id) -> bool {
        let proposal = &self.proposals[id];
        proposal.triggers.len() >= usize::from(proposal.terms.trigger)
            && self.now < proposal.first_trigger + TRIGGERS_LAPSE
    }

    /// A standby never brings what is revoked, and a rollback nothing that the gate does not remember.
    pub(super) fn against_target(&self, id: Id) -> Vec<Reason> {
        let proposal = &self.proposals[id];
        let (Parent::Gate(program), What::Upgrade { build, .. }) =
            (proposal.parent, &proposal.what)
        else {
            return vec![];
        };
        let gate = self.gate(program);
        let mut reasons = vec![];
        if proposal.lane.is_standby() && gate.is_revoked(*build) {
            reasons.push(ReleaseRevoked.into());
        }
        if proposal.lane == Lane::Rollback && !gate.knows(*build) {
            reasons.push(NotAnEarlierRelease.into());
        }
        reasons
    }

    pub(super) fn attest(&mut self, id: Id, signing: &Signing, kind: u8, expires: i64) -> Outcome {
        let mut reasons = self.there(id)?;
        reasons.extend(self.against_signing(id, signing, ATTEST));
        reasons.extend(self.against_phase(id, VoteKind::Approve).map(Reason::Rule));
        reasons.extend(self.against_deadline(id, signing));
        reasons.extend(self.against_nonce(id, signing));
        let proposal = &self.proposals[id];
        let council = self.council_of(proposal.parent);
        let attests = self.member(council, signing.by).map_or(0, |m| m.attests);
        if kind > 7 || attests & (1 << kind) == 0 {
            reasons.push(KindNotAttested.into());
        }
        if kind > 7 && signing.form == Form::Message {
            // No text says it.
            reasons.push(Overflow.into());
        }
        let latest_eta =
            (proposal.voting_ends + i64::from(proposal.terms.timelock)).max(proposal.not_before);
        if expires < latest_eta + i64::from(proposal.terms.window) {
            reasons.push(AttestationTooShort.into());
        }
        if proposal.attested.contains_key(&signing.by) {
            reasons.push(Reason::Account);
        }
        outcome(reasons)?;
        self.proposals[id]
            .attested
            .insert(signing.by, (kind, expires));
        self.fix_eta(id);
        self.record(id);
        Ok(())
    }

    pub(super) fn revoke_attestation(&mut self, id: Id, signing: &Signing) -> Outcome {
        let mut reasons = self.there(id)?;
        reasons.extend(self.against_signing(id, signing, ATTEST));
        reasons.extend(self.against_phase(id, VoteKind::Approve).map(Reason::Rule));
        if !self.proposals[id].attested.contains_key(&signing.by) {
            reasons.push(Reason::Account);
        }
        outcome(reasons)?;
        let proposal = &mut self.proposals[id];
        proposal.attested.remove(&signing.by);
        proposal.retracted.insert(signing.by);
        self.unfix_eta(id);
        self.record(id);
        Ok(())
    }

    pub(super) fn cancel(&mut self, id: Id, by: Id) -> Outcome {
        let mut reasons = self.there(id)?;
        if by != self.proposals[id].proposer {
            reasons.push(NotTheProposer.into());
        }
        match self.phase(id) {
            Phase::Ended(end) => reasons.push(ended(end).into()),
            Phase::Draft | Phase::Voting => {}
            _ => reasons.push(AlreadyQueued.into()),
        }
        outcome(reasons)?;
        self.end(id, End::Cancelled, self.now);
        self.record(id);
        Ok(())
    }

    pub(super) fn queue(&mut self, id: Id) -> Outcome {
        let mut reasons = self.there(id)?;
        match self.phase(id) {
            Phase::Ended(end) => reasons.push(ended(end).into()),
            Phase::Draft => reasons.push(BufferNotVerified.into()),
            Phase::Voting => {}
            _ => reasons.push(AlreadyQueued.into()),
        }
        if !self.proposals[id].is_approved() {
            reasons.push(ThresholdNotMet.into());
        } else if self.free_slot(id).is_none() {
            reasons.push(SlotTaken.into());
        }
        outcome(reasons)?;
        self.fix_eta(id);
        self.record(id);
        Ok(())
    }

    /// The account of a proposal is there, else nothing else counts.
    pub(super) fn there(&self, id: Id) -> Result<Vec<Reason>, Vec<Reason>> {
        if self.proposals[id].closed {
            Err(vec![Reason::Account])
        } else {
            Ok(vec![])
        }
    }
}
