//! Cleaning up after proposals.

use portcullis::error::PortcullisError::*;

use super::{act::outcome, *};

const DAYS_30: i64 = 30 * 24 * 3_600;

impl Model {
    /// What stands against cleaning up.
    fn against_cleaning(&self, id: Id) -> Result<Vec<Reason>, Vec<Reason>> {
        let mut reasons = self.there(id)?;
        if self.is_live(id) {
            reasons.push(ProposalStillLive.into());
        }
        Ok(reasons)
    }

    /// Writes an end down that only followed so far: of an expiry its own time, else now.
    pub(super) fn write_end(&mut self, id: Id) {
        if let (None, Phase::Ended(end)) = (self.proposals[id].end, self.phase(id)) {
            let at = match end {
                End::Expired => self.proposals[id].deadline(),
                _ => self.now,
            };
            self.end(id, end, at);
        }
    }

    fn against_release(&self, id: Id) -> Result<Vec<Reason>, Vec<Reason>> {
        let mut reasons = self.against_cleaning(id)?;
        if !self.proposals[id].is_held() {
            reasons.push(BufferReleased.into());
        }
        if self.proposals[id].buffer.is_none() {
            reasons.push(Reason::Account);
        }
        Ok(reasons)
    }

    pub(super) fn return_buffer(&mut self, id: Id) -> Outcome {
        outcome(self.against_release(id)?)?;
        self.write_end(id);
        let proposal = &mut self.proposals[id];
        proposal.custody = Custody::Returned;
        let depositor = Holder::Person(proposal.proposer);
        if let Some((holder, _)) = proposal
            .buffer
            .and_then(|buffer| self.buffers[buffer].content.as_mut())
        {
            *holder = depositor;
        }
        self.record(id);
        Ok(())
    }

    pub(super) fn close_buffer(&mut self, id: Id) -> Outcome {
        let mut reasons = self.against_release(id)?;
        let mut after = self.clone();
        after.write_end(id);
        if let Some((_, at)) = after.proposals[id].end {
            if self.now < at + DAYS_30 {
                reasons.push(BufferNotAbandoned.into());
            }
        }
        outcome(reasons)?;
        self.write_end(id);
        self.proposals[id].custody = Custody::Closed;
        self.spend_buffer(id);
        self.record(id);
        Ok(())
    }

    /// The buffer is gone, its lamports went to the spill account.
    pub(super) fn spend_buffer(&mut self, id: Id) {
        if let Some(buffer) = self.proposals[id].buffer {
            if let Some((_, build)) = self.buffers[buffer].content.take() {
                self.spilled += start::buffer_lamports(build);
            }
        }
    }

    pub(super) fn close_proposal(&mut self, id: Id) -> Outcome {
        let mut reasons = self.against_cleaning(id)?;
        if self.proposals[id].is_held() {
            reasons.push(BufferStillHeld.into());
        }
        outcome(reasons)?;
        self.write_end(id);
        self.proposals[id].closed = true;
        self.record(id);
        Ok(())
    }

    pub(super) fn close_attestation(&mut self, id: Id, by: Id) -> Outcome {
        let mut reasons = vec![];
        if !self.proposals[id].closed {
            reasons.push(ProposalNotClosed.into());
        }
        if !self.proposals[id].attested.contains_key(&by) {
            reasons.push(Reason::Account);
        }
        outcome(reasons)?;
        self.proposals[id].attested.remove(&by);
        Ok(())
    }
}
