//! What a step's numbers choose: people, signatures, times.

use portcullis::state::{ROLE_EXECUTE, ROLE_PROPOSE};

use super::{
    steps::{pick, Flaw, Step, DAY},
    *,
};

impl Model {
    /// Mostly one that is live, else any whose account is there.
    pub(super) fn some_proposal(&self, number: u8) -> Option<Id> {
        let open = |id: &Id| !self.proposals[*id].closed;
        let all: Vec<Id> = (0..self.proposals.len()).filter(open).collect();
        let live: Vec<Id> = all.iter().copied().filter(|id| self.is_live(*id)).collect();
        match number % 4 {
            0 => pick(&all, number / 4),
            1 => live.last().copied(),
            _ => pick(&live, number / 4),
        }
    }

    /// Someone with the role; with a flaw, anyone.
    pub(super) fn someone(&self, council: Id, role: u8, number: u8, flaw: Flaw) -> Id {
        let fit: Vec<Id> = (0..start::people())
            .filter(|id| self.role_missing(council, *id, role).is_none())
            .collect();
        let anyone = usize::from(number) % start::people();
        match flaw {
            Flaw::Person => anyone,
            _ => pick(&fit, number).unwrap_or(anyone),
        }
    }

    /// What `by` signs; the form by number.
    pub(super) fn sign(&self, id: Id, by: Id, flaw: Flaw, number: u8) -> Signing {
        let closes = self.proposals[id].voting_ends;
        let (form, valid) = match number % 16 {
            8..=10 => (Form::Message, 3_600),
            11..=12 => (Form::Message, 600),
            13..=15 => (Form::Nonce, 3_600),
            _ => (Form::Transaction, 3_600),
        };
        let usual = if self.now < closes {
            closes.min(self.now + valid)
        } else {
            self.now + valid
        };
        Signing {
            form,
            by,
            right_digest: flaw != Flaw::Digest,
            until: match flaw {
                Flaw::Lapsed => self.now,
                Flaw::TooLong => self.now + DAY + 1,
                Flaw::AsLongAsCanBe => self.now + DAY,
                Flaw::BeyondDeadline => closes + 1,
                _ => usual,
            },
        }
    }

    pub(super) fn uploaded(&self, number: u8) -> Id {
        usize::from(number) % start::uploaded()
    }

    /// A new address, or one that is empty again.
    pub(super) fn empty_buffer(&self, number: u8) -> Id {
        let empty = |id: &Id| self.buffers[*id].content.is_none();
        let empty: Vec<Id> = (0..self.buffers.len()).filter(empty).collect();
        match number % 2 {
            0 => pick(&empty, number / 2).unwrap_or(self.buffers.len()),
            _ => self.buffers.len(),
        }
    }

    pub(super) fn attestation(&self, id: Id, by: Id, kind: u8, flaw: Flaw, number: u8) -> Action {
        let proposal = &self.proposals[id];
        let last = (proposal.voting_ends + i64::from(proposal.terms.timelock))
            .max(proposal.not_before)
            + i64::from(proposal.terms.window);
        Action::Attest {
            proposal: id,
            signing: self.sign(id, by, flaw, number),
            kind: if flaw == Flaw::Bytes { 8 } else { kind },
            expires: last - i64::from(flaw == Flaw::Later),
        }
    }

    pub(super) fn execution_of(&self, id: Id, number: u8, flaw: Flaw) -> Action {
        let proposal = &self.proposals[id];
        let council = self.council_of(proposal.parent);
        let with = match &proposal.what {
            What::Transfer { to, .. } => (flaw != Flaw::Signer).then_some(*to),
            What::Move { council, .. } => {
                let flaw = match flaw {
                    Flaw::Signer => Flaw::Person,
                    _ => Flaw::None,
                };
                Some(self.someone(*council, ROLE_PROPOSE, number, flaw))
            }
            _ => None,
        };
        Action::Execute {
            proposal: id,
            by: self.someone(council, ROLE_EXECUTE, number, flaw),
            with,
        }
    }

    pub(super) fn wait(&self, step: &Step) -> Action {
        let soon = i64::from(step.b) + 1;
        let times: Vec<i64> = match self.some_proposal(step.a) {
            None => vec![],
            Some(id) => {
                let proposal = &self.proposals[id];
                let eta = proposal.eta.map_or(proposal.voting_ends, |(eta, _)| eta);
                let lapse = proposal.first_trigger + 900;
                let ends = [proposal.voting_ends, eta, proposal.deadline(), lapse];
                ends.iter().flat_map(|time| [time - 1, *time]).collect()
            }
        };
        let times: Vec<i64> = times.into_iter().filter(|time| *time > self.now).collect();
        let seconds = match step.c % 8 {
            0 => soon,
            1 => DAY / 2,
            2 if step.d.is_multiple_of(8) => 31 * DAY,
            _ => pick(&times, step.d).map_or(soon, |time| time - self.now),
        };
        match step.flaw {
            Flaw::Clock => Action::Wait { seconds, slots: 1 },
            Flaw::Later => Action::Wait {
                seconds: 0,
                slots: seconds as u64,
            },
            _ => Action::Wait {
                seconds,
                slots: seconds as u64,
            },
        }
    }
}
