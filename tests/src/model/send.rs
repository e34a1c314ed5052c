//! Actions as transactions.

use portcullis::{
    change::{Change, Predecessor as PredecessorArgs},
    instructions::{MessageVote, RelayVoteArgs},
    lifecycle::Lane as LaneArgs,
    message::{Claim, Effect, Subject, Verb, Vote},
    transitions::{AdoptArgs, AttestArgs, ChangeArgs, UpgradeArgs, VoteArgs},
};
use portcullis_client::instruction::ProposalKeys;
use solana_sdk::{instruction::Instruction, pubkey::Pubkey, signature::Keypair, signer::Signer};

use super::{act::Proposing, *};
use crate::{
    messages::{signed_text, verb},
    Statement, BUILDER,
};

/// A transaction, and what it does beside.
pub struct Sent {
    pub instruction: Instruction,
    pub signers: Vec<&'static Keypair>,
    pub form: Form,
}

fn relayed(kind: VoteKind) -> Option<MessageVote> {
    match kind {
        VoteKind::Approve => Some(MessageVote::Approve),
        VoteKind::Reject => Some(MessageVote::Reject),
        VoteKind::Veto => Some(MessageVote::Veto),
        VoteKind::Trigger => Some(MessageVote::Trigger),
        VoteKind::Retract => None,
    }
}

fn lane(lane: Lane) -> LaneArgs {
    match lane {
        Lane::Standard => LaneArgs::Standard,
        Lane::Emergency => LaneArgs::Emergency,
        Lane::Rollback => LaneArgs::Rollback,
        Lane::SafeMode => LaneArgs::SafeMode,
    }
}

/// The digests that the chain gave to proposals, by proposal.
pub type Digests = Vec<[u8; 32]>;

/// What a predecessor's name is on chain.
pub fn predecessor(named: &Predecessor, digests: &Digests) -> PredecessorArgs {
    PredecessorArgs {
        gate: start::gate(named.gate),
        digest: named.by.map_or([0; 32], |id| digests[id]),
        soak_seconds: named.soak,
    }
}

/// The change as the chain keeps it; none of an upgrade that waits for nothing.
pub fn change(what: &What, digests: &Digests) -> Option<Change> {
    Some(match what {
        What::Upgrade {
            predecessor: None, ..
        } => return None,
        What::Upgrade {
            predecessor: Some(named),
            ..
        } => Change::Upgrade(predecessor(named, digests)),
        What::Council(change) => Change::Council(change.clone()),
        What::Policy(change) => Change::Policy(*change),
        What::Transfer { to, checked } => Change::TransferAuthority {
            to: start::key(*to),
            checked: *checked,
        },
        What::Move { council, epoch } => Change::MoveGate {
            council: start::council(*council),
            epoch: *epoch,
        },
        What::Finalize => Change::Finalize,
        What::Revoke { build } => Change::RevokeRelease {
            sha256: start::commitment(*build).sha256,
        },
    })
}

impl Model {
    pub fn keys(&self, id: Id) -> ProposalKeys {
        let proposal = &self.proposals[id];
        self.keys_of(proposal.parent, proposal.index)
    }

    fn keys_of(&self, parent: Parent, index: u32) -> ProposalKeys {
        match parent {
            Parent::Council(council) => ProposalKeys::of_council(start::council(council), index),
            Parent::Gate(program) => {
                let council = self.gates[program].as_ref().map_or(0, |gate| gate.council);
                ProposalKeys::of_gate(start::council(council), start::program(program), index)
            }
        }
    }

    fn next_keys(&self, parent: Parent) -> ProposalKeys {
        let index = match parent {
            Parent::Council(council) => self.councils[council].proposals,
            Parent::Gate(program) => self.gates[program].as_ref().map_or(0, |g| g.proposals),
        };
        self.keys_of(parent, index)
    }

    pub fn address(&self, id: Id) -> Pubkey {
        BUILDER.proposal(&self.keys(id))
    }

    pub(super) fn buffer_key(&self, id: Id) -> Pubkey {
        self.proposals[id]
            .buffer
            .map(start::buffer)
            .unwrap_or_default()
    }

    /// The instruction of an action; none of what needs none.
    pub fn instruction(&self, action: &Action, digests: &Digests) -> Option<Sent> {
        let rent_payer = start::rent_payer();
        let payer = rent_payer.pubkey();
        let vote_args = |id: Id, signing: &Signing| VoteArgs {
            digest: if signing.right_digest {
                digests[id]
            } else {
                [7; 32]
            },
            valid_until: signing.until,
        };
        let sent = |instruction, signers: &[Id]| {
            let signers = signers.iter().map(|id| start::person(*id)).collect();
            Some(Sent {
                instruction,
                signers,
                form: Form::Transaction,
            })
        };
        let with_rent = |instruction, signers: &[Id]| {
            let mut sent = sent(instruction, signers)?;
            sent.signers.push(rent_payer);
            Some(sent)
        };
        match action {
            Action::Wait { .. }
            | Action::Extend { .. }
            | Action::Write { .. }
            | Action::Advance(_) => None,
            Action::AddMembers { council, members } => {
                let key = start::create_key(*council);
                Some(Sent {
                    instruction: BUILDER.add_members(key.pubkey(), members.clone()),
                    signers: vec![key],
                    form: Form::Transaction,
                })
            }
            Action::Seal { council } => {
                let key = start::create_key(*council);
                Some(Sent {
                    instruction: BUILDER.seal_council(key.pubkey()),
                    signers: vec![key],
                    form: Form::Transaction,
                })
            }
            Action::Adopt {
                program,
                council,
                proposer,
                authority,
                epoch,
                policy,
                build,
            } => {
                let args = AdoptArgs {
                    epoch: *epoch,
                    policy: *policy,
                    deployed: start::commitment(*build),
                };
                let instruction = BUILDER.adopt_program(
                    start::council(*council),
                    start::program(*program),
                    start::key(*authority),
                    start::key(*proposer),
                    payer,
                    args,
                );
                with_rent(instruction, &[*authority, *proposer])
            }
            Action::ProposeUpgrade {
                program,
                buffer,
                terms,
            } => {
                let instruction = BUILDER.propose_upgrade(
                    &self.next_keys(Parent::Gate(*program)),
                    start::buffer(*buffer),
                    start::spill(),
                    start::key(terms.by),
                    payer,
                    upgrade_args(terms, digests),
                );
                with_rent(instruction, &[terms.by])
            }
            Action::Repropose { former, terms } => {
                let parent = self.proposals[*former].parent;
                let instruction = BUILDER.repropose_upgrade(
                    &self.next_keys(parent),
                    self.proposals[*former].index,
                    start::key(terms.by),
                    payer,
                    upgrade_args(terms, digests),
                );
                with_rent(instruction, &[terms.by])
            }
            Action::ProposeChange { parent, terms } => {
                let args = ChangeArgs {
                    change: change(&terms.what, digests)?,
                    epoch: terms.epoch,
                    life: terms.life,
                    statement: None,
                    not_before: terms.not_before,
                };
                let by = start::key(terms.by);
                let instruction = BUILDER.propose_change(&self.next_keys(*parent), by, payer, args);
                with_rent(instruction, &[terms.by])
            }
            Action::Verify(id) => sent(
                BUILDER.verify_buffer(&self.keys(*id), self.buffer_key(*id)),
                &[],
            ),
            Action::Vote(kind, id, signing) => {
                let (keys, by) = (self.keys(*id), start::key(signing.by));
                let args = vote_args(*id, signing);
                if signing.form == Form::Message {
                    let verb = relayed(*kind)?;
                    let relay = RelayVoteArgs { verb, vote: args };
                    let mut sent = sent(BUILDER.relay_vote(&keys, by, relay), &[])?;
                    sent.form = Form::Message;
                    return Some(sent);
                }
                let instruction = match kind {
                    VoteKind::Approve => BUILDER.approve(&keys, by, args),
                    VoteKind::Reject => BUILDER.reject(&keys, by, args),
                    VoteKind::Retract => BUILDER.retract(&keys, by, args),
                    VoteKind::Veto => BUILDER.veto(&keys, by, args),
                    VoteKind::Trigger => BUILDER.trigger(&keys, by, args),
                };
                let mut sent = sent(instruction, &[signing.by])?;
                sent.form = signing.form;
                Some(sent)
            }
            Action::Attest {
                proposal,
                signing,
                kind,
                expires,
            } => {
                let args = AttestArgs {
                    vote: vote_args(*proposal, signing),
                    kind: *kind,
                    statement: Statement::default(),
                    expires_at: *expires,
                };
                let (keys, by) = (self.keys(*proposal), start::key(signing.by));
                let mut sent = match signing.form {
                    Form::Message => {
                        with_rent(BUILDER.relay_attestation(&keys, by, payer, args), &[])?
                    }
                    _ => with_rent(BUILDER.attest(&keys, by, payer, args), &[signing.by])?,
                };
                sent.form = signing.form;
                Some(sent)
            }
            Action::RevokeAttestation(id, signing) => {
                let args = vote_args(*id, signing);
                let by = start::key(signing.by);
                sent(
                    BUILDER.revoke_attestation(&self.keys(*id), by, payer, args),
                    &[signing.by],
                )
            }
            Action::Cancel(id, by) => {
                sent(BUILDER.cancel(&self.keys(*id), start::key(*by)), &[*by])
            }
            Action::Queue(id) => sent(BUILDER.queue(&self.keys(*id)), &[]),
            Action::Execute { proposal, by, with } => {
                let instruction = self.execution(*proposal, *by, *with, digests);
                let mut signers = vec![*by];
                signers.extend(with);
                sent(instruction, &signers)
            }
            Action::ReturnBuffer(id) => sent(
                BUILDER.return_buffer(
                    &self.keys(*id),
                    self.buffer_key(*id),
                    start::key(self.proposals[*id].proposer),
                ),
                &[],
            ),
            Action::CloseBuffer(id) => sent(
                BUILDER.close_buffer(&self.keys(*id), self.buffer_key(*id), start::spill()),
                &[],
            ),
            Action::CloseProposal(id) => sent(BUILDER.close_proposal(&self.keys(*id), payer), &[]),
            Action::CloseAttestation(id, by) => sent(
                BUILDER.close_attestation(&self.keys(*id), start::key(*by), payer),
                &[],
            ),
            Action::Hash(step) => Some(Sent {
                instruction: self.hash_instruction(step),
                signers: vec![&start::payers()[step.payer]],
                form: Form::Transaction,
            }),
            Action::CloseHashing(target, refund) => {
                let refund = start::payers()[*refund].pubkey();
                sent(BUILDER.close_hashing(self.target_key(*target), refund), &[])
            }
            Action::Abandon { program, by } => {
                let council = self.gates[*program].as_ref().map_or(0, |gate| gate.council);
                let (council, program) = (start::council(council), start::program(*program));
                sent(
                    BUILDER.abandon_adoption(council, program, start::key(*by)),
                    &[*by],
                )
            }
        }
    }

    /// The signature that stands before a message that is relayed.
    pub fn signature(&self, action: &Action, digests: &Digests) -> Option<Instruction> {
        let statement = Statement::default();
        let (id, signing, verb) = match action {
            Action::Vote(kind, id, signing) => (*id, signing, verb(relayed(*kind)?)),
            Action::Attest {
                proposal,
                signing,
                kind,
                expires,
            } => {
                let claim = Claim {
                    kind: *kind,
                    statement: &statement.sha256,
                    uri: &statement.uri,
                    expires_at: *expires,
                };
                (*proposal, signing, Verb::Attest(claim))
            }
            _ => return None,
        };
        let proposal = &self.proposals[id];
        let (change, sha256) = (
            change(&proposal.what, digests),
            compare::sha256_of(&proposal.what),
        );
        let about = match proposal.parent {
            Parent::Gate(program) => start::program(program),
            Parent::Council(council) => start::council(council),
        };
        let digest = match signing.right_digest {
            true => digests[id],
            false => [7; 32],
        };
        let vote = Vote {
            verb,
            lane: lane(proposal.lane),
            effect: Effect::of(&sha256, change.as_ref()),
            subject: match proposal.parent {
                Parent::Gate(_) => Subject::Program(&about),
                Parent::Council(_) => Subject::Council(&about),
            },
            digest: &digest,
            valid_until: signing.until,
        };
        // A kind that does not exist has no text.
        let text = vote.text().unwrap_or_default();
        Some(signed_text(start::person(signing.by), &text))
    }

    fn execution(&self, id: Id, by: Id, with: Option<Id>, digests: &Digests) -> Instruction {
        let (keys, by) = (self.keys(id), start::key(by));
        match &self.proposals[id].what {
            What::Upgrade { predecessor, .. } => {
                let waits_for = change(&self.proposals[id].what, digests)
                    .and(*predecessor)
                    .map(|named| start::gate(named.gate));
                BUILDER.execute_upgrade(&keys, self.buffer_key(id), start::spill(), by, waits_for)
            }
            What::Transfer { to, .. } => {
                let signs = with == Some(*to);
                BUILDER.transfer_authority(&keys, by, start::key(*to), signs)
            }
            What::Move { council, .. } => {
                let accepts = start::key(with.unwrap_or(start::STRANGER));
                BUILDER.move_gate(&keys, by, accepts, start::council(*council))
            }
            What::Finalize => BUILDER.finalize_program(&keys, by),
            _ => BUILDER.execute_change(&keys, by),
        }
    }
}

fn upgrade_args(terms: &Proposing, digests: &Digests) -> UpgradeArgs {
    let (build, named) = match &terms.what {
        What::Upgrade { build, predecessor } => (*build, *predecessor),
        _ => (0, None),
    };
    UpgradeArgs {
        lane: lane(terms.lane),
        commitment: start::commitment(build),
        base_index: terms.base.0,
        base: start::commitment(terms.base.1),
        epoch: terms.epoch,
        life: terms.life,
        statement: None,
        not_before: terms.not_before,
        predecessor: named.map(|named| predecessor(&named, digests)),
    }
}
