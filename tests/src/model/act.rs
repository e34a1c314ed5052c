//! What is done to the model: an [`Action`] either has its whole effect or is refused, for all the reasons that there are.

use portcullis::{error::PortcullisError, policy::Policy, state::Member};

use super::{HashStep, Id, Lane, Model, Parent, Target, What};

/// Why an action is refused.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Reason {
    Rule(PortcullisError),
    /// An account is missing, or is there already: the error is the runtime's.
    Account,
}

impl From<PortcullisError> for Reason {
    fn from(rule: PortcullisError) -> Self {
        Reason::Rule(rule)
    }
}

/// Done, or everything that stands against it.
pub type Outcome = Result<(), Vec<Reason>>;

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum VoteKind {
    Approve,
    Reject,
    Retract,
    Veto,
    Trigger,
}

/// How a member signs.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Form {
    Transaction,
    /// A transaction that can be held back for as long as one likes.
    Nonce,
    /// A text, which anyone relays. Not for what takes something back.
    Message,
}

impl Form {
    /// The name of what is signed so.
    fn of(self, verb: &str) -> String {
        match self {
            Form::Transaction => verb.to_string(),
            form => format!("{verb} by {form:?}"),
        }
    }
}

/// What a voter signs: the right digest or another, and until when.
#[derive(Clone, Copy, Debug)]
pub struct Signing {
    pub form: Form,
    pub by: Id,
    pub right_digest: bool,
    pub until: i64,
}

/// What a proposer signs.
#[derive(Clone, Debug)]
pub struct Proposing {
    pub by: Id,
    pub what: What,
    pub lane: Lane,
    pub base: (u32, Id),
    pub epoch: u32,
    pub life: u32,
    pub not_before: i64,
}

#[derive(Clone, Debug)]
pub enum Action {
    Wait {
        seconds: i64,
        slots: u64,
    },
    /// By a stranger.
    Extend {
        program: Id,
    },
    /// Someone makes a buffer, at a new address or at one that is empty.
    Write {
        buffer: Id,
        build: Id,
        holder: Id,
    },
    AddMembers {
        council: Id,
        members: Vec<Member>,
    },
    Seal {
        council: Id,
    },
    Adopt {
        program: Id,
        council: Id,
        proposer: Id,
        authority: Id,
        epoch: u32,
        policy: Policy,
        build: Id,
    },
    ProposeUpgrade {
        program: Id,
        buffer: Id,
        terms: Proposing,
    },
    Repropose {
        former: Id,
        terms: Proposing,
    },
    ProposeChange {
        parent: Parent,
        terms: Proposing,
    },
    Verify(Id),
    Vote(VoteKind, Id, Signing),
    Attest {
        proposal: Id,
        signing: Signing,
        kind: u8,
        expires: i64,
    },
    RevokeAttestation(Id, Signing),
    Cancel(Id, Id),
    Queue(Id),
    /// `with`: who signs beside the executor, the new authority or the one who accepts a gate.
    Execute {
        proposal: Id,
        by: Id,
        with: Option<Id>,
    },
    ReturnBuffer(Id),
    CloseBuffer(Id),
    CloseProposal(Id),
    CloseAttestation(Id, Id),
    Hash(HashStep),
    /// All steps of a hash that has begun, but the last two.
    Advance(Target),
    /// With who is named as the one who paid.
    CloseHashing(Target, usize),
    Abandon {
        program: Id,
        by: Id,
    },
}

impl Action {
    /// Its name, to count by.
    pub fn name(&self) -> String {
        let text = format!("{self:?}");
        let end = text
            .find(|c: char| !c.is_alphanumeric())
            .unwrap_or(text.len());
        match self {
            Action::Vote(kind, _, signing) => signing.form.of(&format!("{kind:?}")),
            Action::Attest { signing, .. } => signing.form.of("Attest"),
            Action::Hash(HashStep {
                target: Target::Proposal(_),
                ..
            }) => "HashBuffer".to_string(),
            Action::Hash(_) => "HashProgram".to_string(),
            _ => text[..end].to_string(),
        }
    }
}

pub(super) fn outcome(reasons: Vec<Reason>) -> Outcome {
    if reasons.is_empty() {
        Ok(())
    } else {
        Err(reasons)
    }
}

impl Model {
    /// Does it or refuses it; refused, it changes nothing.
    pub fn act(&mut self, action: &Action) -> Outcome {
        match action {
            Action::Wait { seconds, slots } => {
                self.now += seconds;
                self.slot += slots;
                Ok(())
            }
            Action::Extend { program } => {
                let program = &mut self.programs[*program];
                program.capacity += super::start::EXTENSION;
                program.deployed = self.slot;
                Ok(())
            }
            Action::Write {
                buffer,
                build,
                holder,
            } => {
                if *buffer == self.buffers.len() {
                    self.buffers.push(super::Buffer { content: None });
                }
                self.buffers[*buffer].content = Some((super::Holder::Person(*holder), *build));
                Ok(())
            }
            Action::AddMembers { council, members } => self.add_members(*council, members),
            Action::Seal { council } => self.seal(*council),
            Action::Adopt {
                program,
                council,
                proposer,
                authority,
                epoch,
                policy,
                build,
            } => self.adopt(
                *program,
                (*council, *epoch),
                *proposer,
                *authority,
                *policy,
                *build,
            ),
            Action::ProposeUpgrade {
                program,
                buffer,
                terms,
            } => self.propose_upgrade(*program, *buffer, terms),
            Action::Repropose { former, terms } => self.repropose(*former, terms),
            Action::ProposeChange { parent, terms } => self.propose_change(*parent, terms),
            Action::Verify(proposal) => self.verify(*proposal),
            Action::Vote(kind, proposal, signing) => self.vote(*kind, *proposal, signing),
            Action::Attest {
                proposal,
                signing,
                kind,
                expires,
            } => self.attest(*proposal, signing, *kind, *expires),
            Action::RevokeAttestation(proposal, signing) => {
                self.revoke_attestation(*proposal, signing)
            }
            Action::Cancel(proposal, by) => self.cancel(*proposal, *by),
            Action::Queue(proposal) => self.queue(*proposal),
            Action::Execute { proposal, by, with } => self.execute(*proposal, *by, *with),
            Action::ReturnBuffer(proposal) => self.return_buffer(*proposal),
            Action::CloseBuffer(proposal) => self.close_buffer(*proposal),
            Action::CloseProposal(proposal) => self.close_proposal(*proposal),
            Action::CloseAttestation(proposal, by) => self.close_attestation(*proposal, *by),
            Action::Hash(step) => self.hash_step(step),
            Action::Advance(target) => self.advance(*target),
            Action::CloseHashing(target, refund) => self.close_hashing(*target, *refund),
            Action::Abandon { program, by } => self.abandon(*program, *by),
        }
    }
}
