//! What kind of event it is: the words that `--only` takes.

use clap::ValueEnum;
use portcullis::lifecycle::Status;
use portcullis_client::watch::{StatusChange, WatchedEvent, WatchedProposal};

/// What happened, in one word.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub enum Kind {
    /// Something is proposed
    Propose,
    /// A buffer's bytes are verified
    Verify,
    /// A vote for a proposal
    Approve,
    /// A vote against it
    Reject,
    /// A vote is taken back
    Retract,
    /// A guardian stops it
    Veto,
    /// An attestation is given or taken back
    Attest,
    /// A guardian asks for a standby
    Trigger,
    /// Approved: the timelock runs; by whatever event
    Queue,
    /// Its proposer withdraws it
    Cancel,
    /// It is carried out
    Execute,
    /// Its timelock is over
    Ready,
    /// Its voting has closed or its window has passed
    Expire,
    /// What it was made for is no longer so
    Stale,
    /// A program comes behind a gate, or its adoption is abandoned
    Adopt,
    /// A council is created
    Council,
    /// A buffer or an account of what has ended is handed back or closed
    Close,
}

impl Kind {
    /// The kind of an event of the program, by its name.
    fn of_name(name: &str) -> Option<Self> {
        Some(match name {
            "UpgradeProposed" | "UpgradeReproposed" | "ChangeProposed" => Self::Propose,
            "BufferVerified" => Self::Verify,
            "ApprovalCast" => Self::Approve,
            "RejectionCast" => Self::Reject,
            "VoteRetracted" => Self::Retract,
            "VetoCast" => Self::Veto,
            "AttestationGiven" | "AttestationRevoked" => Self::Attest,
            "TriggerCast" => Self::Trigger,
            "ProposalQueued" => Self::Queue,
            "ProposalCancelled" => Self::Cancel,
            "UpgradeExecuted"
            | "CouncilChanged"
            | "PolicyChanged"
            | "AuthorityTransferred"
            | "GateMoved"
            | "ProgramFinalized"
            | "ReleaseRevoked" => Self::Execute,
            "ProgramAdopted" | "AdoptionCompleted" | "AdoptionAbandoned" => Self::Adopt,
            "CouncilCreated" | "MembersAdded" | "CouncilSealed" => Self::Council,
            "BufferReturned" | "BufferClosed" | "ProposalClosed" => Self::Close,
            _ => return None,
        })
    }

    /// The kind of an event, and whether it queued its proposal.
    pub fn of_event(event: &WatchedEvent) -> (Option<Self>, bool) {
        let queued = event.proposal.as_ref().is_some_and(was_queued);
        (Self::of_name(event.event.name), queued)
    }

    /// What the time, or another proposal's end, has done, with the name that it has beside the program's events.
    pub fn of_change(change: &StatusChange) -> (Self, &'static str) {
        match (change.proposal.after, &change.proposal.account) {
            (Some(Status::Ready), _) => (Self::Ready, "ProposalReady"),
            (Some(Status::Armed), _) => (Self::Ready, "ProposalArmed"),
            (Some(Status::Expired), Some(proposal)) if proposal.eta == 0 => {
                (Self::Expire, "VotingClosed")
            }
            (Some(Status::Expired), _) => (Self::Expire, "ProposalExpired"),
            _ => (Self::Stale, "ProposalStale"),
        }
    }

    /// As it is written.
    pub fn name(self) -> String {
        self.to_possible_value()
            .map(|value| value.get_name().to_string())
            .unwrap_or_default()
    }
}

fn was_queued(proposal: &WatchedProposal) -> bool {
    let queued = |status: &Option<Status>| *status == Some(Status::Queued);
    queued(&proposal.after) && !queued(&proposal.before)
}

#[cfg(test)]
mod tests {
    use portcullis_client::event::NAMES;

    use super::*;

    #[test]
    fn every_event_has_a_kind() {
        for name in NAMES {
            assert!(Kind::of_name(name).is_some(), "{name}");
        }
    }
}
