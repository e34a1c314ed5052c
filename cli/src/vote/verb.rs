//! What a member can do with a proposal, and the rules that stand against it.

use portcullis::{
    error::PortcullisError,
    lifecycle::{check, Status, Step as LifecycleStep},
    state::{ROLE_ATTEST, ROLE_GUARD, ROLE_VOTE},
};
use portcullis_client::{
    account::ProposalView,
    instruction::Builder,
    message::{Attested, Ballot},
};
use solana_sdk::{instruction::Instruction, pubkey::Pubkey};

use crate::{
    client_error::rule, error::CliError, member::ATTESTATION_KINDS, resolve::require_role, view,
};

/// What a member does.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Verb {
    Approve,
    Reject,
    Retract,
    Veto,
    Trigger,
    Attest(Attested),
    /// Takes an attestation back, whose rent goes to this payer.
    Revoke {
        rent_payer: Pubkey,
    },
}

impl Verb {
    /// For programs and labels.
    pub fn name(&self) -> &'static str {
        match self {
            Self::Approve => "approve",
            Self::Reject => "reject",
            Self::Retract => "retract",
            Self::Veto => "veto",
            Self::Trigger => "trigger",
            Self::Attest(_) => "attest",
            Self::Revoke { .. } => "revoke",
        }
    }

    /// What is about to happen.
    pub fn title(&self) -> &'static str {
        match self {
            Self::Approve => "about to approve",
            Self::Reject => "about to reject",
            Self::Retract => "about to take back a vote",
            Self::Veto => "about to veto, for good",
            Self::Trigger => "ABOUT TO TRIGGER",
            Self::Attest(_) => "about to attest",
            Self::Revoke { .. } => "about to take back an attestation",
        }
    }

    /// What has happened.
    pub fn past(&self) -> &'static str {
        match self {
            Self::Approve => "approved",
            Self::Reject => "rejected",
            Self::Retract => "retracted the vote on",
            Self::Veto => "vetoed",
            Self::Trigger => "triggered",
            Self::Attest(_) => "attested",
            Self::Revoke { .. } => "took the attestation back on",
        }
    }

    /// The vote as a message; none where only a transaction does it.
    pub fn ballot(&self) -> Option<Ballot> {
        match self {
            Self::Approve => Some(Ballot::Approve),
            Self::Reject => Some(Ballot::Reject),
            Self::Veto => Some(Ballot::Veto),
            Self::Trigger => Some(Ballot::Trigger),
            Self::Attest(attested) => Some(Ballot::Attest(attested.clone())),
            Self::Retract | Self::Revoke { .. } => None,
        }
    }

    /// Whether it counts only until the voting ends.
    pub fn has_deadline(&self) -> bool {
        matches!(self, Self::Approve | Self::Attest(_))
    }

    /// The member's instruction. `payer` pays an attestation's rent.
    pub fn instruction(
        &self,
        builder: &Builder,
        view: &ProposalView,
        member: Pubkey,
        payer: Pubkey,
        valid_until: i64,
    ) -> Instruction {
        let (keys, vote) = (view.keys(), view.vote_args(valid_until));
        match self {
            Self::Approve => builder.approve(&keys, member, vote),
            Self::Reject => builder.reject(&keys, member, vote),
            Self::Retract => builder.retract(&keys, member, vote),
            Self::Veto => builder.veto(&keys, member, vote),
            Self::Trigger => builder.trigger(&keys, member, vote),
            Self::Attest(attested) => builder.attest(&keys, member, payer, attested.args(vote)),
            Self::Revoke { rent_payer } => {
                builder.revoke_attestation(&keys, member, *rent_payer, vote)
            }
        }
    }

    fn step(&self) -> LifecycleStep {
        match self {
            Self::Approve => LifecycleStep::Approve,
            Self::Reject => LifecycleStep::Reject,
            Self::Retract => LifecycleStep::Retract,
            Self::Veto => LifecycleStep::Veto,
            Self::Trigger => LifecycleStep::Trigger,
            Self::Attest(_) => LifecycleStep::Attest,
            Self::Revoke { .. } => LifecycleStep::RevokeAttestation,
        }
    }

    fn role(&self) -> (u8, &'static str) {
        match self {
            Self::Veto | Self::Trigger => (ROLE_GUARD, "guard"),
            Self::Attest(_) | Self::Revoke { .. } => (ROLE_ATTEST, "attest"),
            Self::Approve | Self::Reject | Self::Retract => (ROLE_VOTE, "vote"),
        }
    }

    /// Every rule that the program would apply, so that the refusal comes before the signature.
    ///
    /// # Errors
    /// The rule that stands against it.
    pub fn require_possible(&self, view: &ProposalView, key: &Pubkey) -> Result<(), CliError> {
        let (role, role_name) = self.role();
        let name = view::name(view);
        check(view.status, self.step()).map_err(|error| {
            rule(error)
                .context(format!("proposal {name} is {}", view.status.name()))
                .hint(format!("portcullis review {name} shows what happened"))
        })?;
        require_role(&view.council, key, role, role_name)?;
        let Some(error) = self.violated(view, key) else {
            return Ok(());
        };
        let hint = match error {
            PortcullisError::OppositeVote => format!("portcullis retract {name}"),
            PortcullisError::KindNotAttested => {
                "the kinds that a member attests are set by the council".to_string()
            }
            PortcullisError::AttestationTooShort => format!(
                "it must hold until the last moment of a possible execution, {}",
                view::when(view.attestation_must_outlast(), view.now.timestamp)
            ),
            _ => format!("portcullis review {name} shows all votes"),
        };
        Err(rule(error).context(format!("proposal {name}")).hint(hint))
    }

    fn violated(&self, view: &ProposalView, key: &Pubkey) -> Option<PortcullisError> {
        let proposal = &view.proposal;
        let approved = view.has_cast(proposal.approvals, key);
        let rejected = view.has_cast(proposal.rejections, key);
        let closed = view.now.timestamp >= proposal.terms.voting_ends_at;
        match self {
            Self::Approve | Self::Attest(_) if closed => Some(PortcullisError::VotingClosed),
            Self::Approve if approved => Some(PortcullisError::AlreadyVoted),
            Self::Approve if rejected => Some(PortcullisError::OppositeVote),
            Self::Reject if rejected => Some(PortcullisError::AlreadyVoted),
            Self::Reject if approved => Some(PortcullisError::OppositeVote),
            Self::Retract if !approved && !rejected => Some(PortcullisError::NothingToRetract),
            Self::Veto if proposal.terms.snapshot.veto_threshold == 0 => {
                Some(PortcullisError::VetoDisabled)
            }
            Self::Veto if view.has_cast(proposal.vetoes, key) => {
                Some(PortcullisError::AlreadyVoted)
            }
            Self::Trigger => self.trigger_violated(view, key),
            Self::Attest(attested) => {
                let attests = view
                    .council
                    .member_with(key, ROLE_ATTEST)
                    .map_or(0, |(_, member)| member.attests);
                if attested.kind as usize >= ATTESTATION_KINDS.len()
                    || attests >> attested.kind & 1 == 0
                {
                    return Some(PortcullisError::KindNotAttested);
                }
                if let Err(error) = attested.statement.validate() {
                    return Some(error);
                }
                (attested.expires_at < view.attestation_must_outlast())
                    .then_some(PortcullisError::AttestationTooShort)
            }
            _ => None,
        }
    }

    fn trigger_violated(&self, view: &ProposalView, key: &Pubkey) -> Option<PortcullisError> {
        let sha256 = &view.proposal.terms.sha256;
        let revoked = view
            .gate
            .as_ref()
            .is_some_and(|gate| gate.account.is_revoked(sha256));
        if revoked {
            return Some(PortcullisError::ReleaseRevoked);
        }
        let cast = view.has_cast(view.proposal.triggers, key);
        (view.status == Status::Armed && view.counted_triggers() > 0 && cast)
            .then_some(PortcullisError::AlreadyVoted)
    }
}
