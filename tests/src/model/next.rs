//! What a proposal needs next.

use portcullis::{
    error::PortcullisError,
    state::{ROLE_ATTEST, ROLE_EXECUTE, ROLE_GUARD, ROLE_VOTE},
};

use super::{
    steps::{pick, Flaw, DAY},
    *,
};

impl Model {
    /// A time to wait for now and then: just before something runs out, or just when it does.
    pub fn limit(&self, id: Id, number: u8) -> Option<i64> {
        let proposal = &self.proposals[id];
        let runs_out = match (self.phase(id), number % 8) {
            (Phase::Armed, 2) if !proposal.triggers.is_empty() => proposal.first_trigger + 900,
            (Phase::Ready | Phase::Armed, 4) => proposal.deadline(),
            (Phase::Voting, 6) if !proposal.approvals.is_empty() => proposal.voting_ends,
            _ => return None,
        };
        let until = runs_out - i64::from(number % 16 < 8);
        (until > self.now).then_some(until)
    }

    /// By transaction where the form is not allowed.
    fn allowed(&self, id: Id, signing: Signing) -> Signing {
        let reasons = self.against_signing(id, &signing, 0);
        let stands = |rule: PortcullisError| reasons.contains(&rule.into());
        let refused = self.against_nonce(id, &signing).is_some()
            || stands(PortcullisError::MessageVotesOff)
            || stands(PortcullisError::MessageAfterRetraction)
            || stands(PortcullisError::VoteValidTooLong);
        match refused {
            true => Signing {
                form: Form::Transaction,
                ..signing
            },
            false => signing,
        }
    }

    /// What leads the proposal on.
    pub fn next(&self, id: Id, number: u8) -> Option<Action> {
        let proposal = &self.proposals[id];
        let council = self.council_of(proposal.parent);
        let person = |role: u8, done: &dyn Fn(Id) -> bool| {
            let fit: Vec<Id> = (0..start::people())
                .filter(|by| self.role_missing(council, *by, role).is_none() && !done(*by))
                .collect();
            pick(&fit, number)
        };
        let seconds = |until: i64| Action::Wait {
            seconds: (until - self.now).max(1),
            slots: (until - self.now).max(1) as u64,
        };
        match self.phase(id) {
            Phase::Draft => Some(match proposal.what {
                What::Upgrade { build, .. } if hash::in_steps(build) => {
                    self.next_hash(Target::Proposal(id), number)
                }
                _ => Action::Verify(id),
            }),
            Phase::Voting => {
                let have = proposal.attestations();
                let wanted = (0..8).find(|kind| have[*kind] < proposal.terms.attestations[*kind]);
                let attester = wanted.and_then(|kind| {
                    let unfit = |by: Id| {
                        let attests = self.member(council, by).map_or(0, |m| m.attests);
                        attests & (1 << kind) == 0 || proposal.attested.contains_key(&by)
                    };
                    Some((kind as u8, person(ROLE_ATTEST, &unfit)?))
                });
                if let Some((kind, by)) = attester {
                    let mut attest = self.attestation(id, by, kind, Flaw::None, number);
                    if let Action::Attest { signing, .. } = &mut attest {
                        *signing = self.allowed(id, *signing);
                    }
                    return Some(attest);
                }
                if proposal.weight >= proposal.terms.threshold {
                    return Some(Action::Queue(id));
                }
                let voted =
                    |by: Id| proposal.approvals.contains(&by) || proposal.rejections.contains(&by);
                let by = person(ROLE_VOTE, &voted)?;
                let signing = self.sign(id, by, Flaw::None, number);
                Some(Action::Vote(
                    VoteKind::Approve,
                    id,
                    self.allowed(id, signing),
                ))
            }
            Phase::Queued => {
                let (eta, queued) = proposal.eta?;
                let slot = queued + u64::from(proposal.terms.timelock);
                let slots = slot.saturating_sub(self.slot) as i64;
                Some(seconds(eta.max(self.now + slots)))
            }
            Phase::Armed if !self.is_triggered(id) => {
                let asked = |by: Id| {
                    proposal.triggers.contains(&by) && self.now < proposal.first_trigger + 900
                };
                let by = person(ROLE_GUARD, &asked)?;
                let mut signing = self.sign(id, by, Flaw::None, number);
                // No longer than the first trigger counts.
                if signing.form == Form::Message {
                    let first = match proposal.triggers.is_empty() {
                        true => self.now,
                        false => proposal.first_trigger,
                    };
                    signing.until = signing.until.min(first + 900);
                }
                Some(Action::Vote(
                    VoteKind::Trigger,
                    id,
                    self.allowed(id, signing),
                ))
            }
            Phase::Ready | Phase::Armed => {
                let by = person(ROLE_EXECUTE, &|_| false).unwrap_or(start::STRANGER);
                let mut execute = self.execution_of(id, number, Flaw::None);
                if let Action::Execute { by: executor, .. } = &mut execute {
                    *executor = by;
                }
                let Err(reasons) = self.clone().act(&execute) else {
                    return Some(execute);
                };
                let stands = |rule| reasons.contains(&Reason::Rule(rule));
                match proposal.parent {
                    Parent::Gate(program) if stands(PortcullisError::ProgramdataTooSmall) => {
                        Some(Action::Extend { program })
                    }
                    _ if stands(PortcullisError::ProgramDeployedThisSlot) => {
                        Some(seconds(self.now + 1))
                    }
                    _ if stands(PortcullisError::IntervalNotElapsed)
                        || stands(PortcullisError::PredecessorSoaking) =>
                    {
                        Some(seconds(self.now + DAY / 2))
                    }
                    _ => Some(execute),
                }
            }
            Phase::Ended(_) if proposal.closed => None,
            Phase::Ended(_) if proposal.is_held() => Some(Action::ReturnBuffer(id)),
            Phase::Ended(_) => Some(Action::CloseProposal(id)),
        }
    }
}
