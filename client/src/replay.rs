//! Rebuilds councils, gates and proposals from the instructions that made them, with the program's own code. Pure: whoever has
//! the instructions of all successful transactions, in order, gets the accounts as they stand on chain, and every event.
//!
//! One thing cannot be rebuilt: a proposal's digest depends on a slot's hash, which no transaction holds. It is taken from the
//! proposal's first vote, which the program accepted only because it named that digest.

use std::collections::{BTreeMap, BTreeSet};

use anchor_lang::Discriminator;
use borsh::BorshDeserialize;
use bytemuck::Zeroable;
use portcullis::{
    change::Change,
    error::PortcullisError,
    instruction as data,
    instructions::{HashStepArgs, MessageVote, RelayVoteArgs},
    lifecycle::{Custody, Now},
    state::{
        find_attestation, find_authority, find_council, find_gate, find_proposal, Attestation,
        Council, Gate, GateState, Member, Parent, Proposal,
    },
    transitions::{
        self, Acceptance, AdoptAccounts, AdoptArgs, AttestAccounts, AttestArgs, ChangeAccounts,
        ChangeArgs, ChangeExecution, CreateCouncilArgs, Signed, UpgradeAccounts, UpgradeArgs,
        VoteArgs,
    },
};
use solana_sdk::pubkey::Pubkey;

use crate::event::Event;

/// Why an instruction cannot be replayed. On the chain it succeeded, so either instructions before it are missing or altered,
/// or a later version of Portcullis ran it.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum ReplayError {
    #[error("the instruction is none that this version of Portcullis has: update the client")]
    UnknownInstruction,
    #[error("the data of {instruction} cannot be decoded")]
    BadArguments { instruction: &'static str },
    #[error("{instruction} has too few accounts")]
    MissingAccounts { instruction: &'static str },
    #[error("{instruction} names {address}, which no instruction before it created: the history is incomplete")]
    UnknownAccount {
        instruction: &'static str,
        address: Pubkey,
    },
    #[error("{instruction} would have been refused ({}): the history is incomplete or altered", .refusal.name())]
    Refused {
        instruction: &'static str,
        refusal: PortcullisError,
    },
}

/// An event in one account's log chain.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Entry {
    /// The council or gate whose chain it is in.
    pub account: Pubkey,
    /// Its place in that chain, from 0.
    pub sequence: u64,
    /// The chain's head after it.
    pub head: [u8; 32],
    pub event: Event,
}

/// The state that the instructions so far have made.
#[derive(Clone, Debug, Default)]
pub struct Replay {
    portcullis: Pubkey,
    /// Only these councils' instructions are replayed, where it is set.
    only: Option<BTreeSet<Pubkey>>,
    pub councils: BTreeMap<Pubkey, Council>,
    pub gates: BTreeMap<Pubkey, Gate>,
    /// Proposals whose accounts are not closed. Without a vote yet, the digest is zero; the slot hash always is.
    pub proposals: BTreeMap<Pubkey, Proposal>,
    /// What stands behind those proposals, where something does.
    pub changes: BTreeMap<Pubkey, Change>,
    /// Attestations that are not revoked and whose accounts are not closed.
    pub attestations: BTreeMap<Pubkey, Attestation>,
    /// Bytes hashed so far of large buffers and programs, with the gate's life, by proposal or gate.
    hashed: BTreeMap<Pubkey, (u32, u32)>,
}

/// The accounts that every instruction on a proposal changes, as copies: after an error nothing is kept.
struct Work {
    council: Council,
    /// None where the proposal is about the council itself.
    gate: Option<Gate>,
    proposal: Proposal,
}

impl Work {
    /// What the proposal is about, beside the proposal itself.
    fn split(&mut self) -> (Parent<'_>, &mut Proposal) {
        let parent = match &mut self.gate {
            Some(gate) => Parent::Gate {
                council: &self.council,
                gate,
            },
            None => Parent::Council(&mut self.council),
        };
        (parent, &mut self.proposal)
    }
}

impl Replay {
    /// Replays all instructions of the instance `portcullis`.
    pub fn new(portcullis: Pubkey) -> Self {
        Self {
            portcullis,
            ..Self::default()
        }
    }

    /// Replays the instructions on one council and its gates, and passes over the others.
    pub fn of_council(portcullis: Pubkey, council: Pubkey) -> Self {
        Self::of_councils(portcullis, [council])
    }

    /// Replays the instructions on these councils and their gates, and passes over the others. A gate that moves, or is adopted
    /// again elsewhere, needs all councils that it has had.
    pub fn of_councils(portcullis: Pubkey, councils: impl IntoIterator<Item = Pubkey>) -> Self {
        Self {
            only: Some(councils.into_iter().collect()),
            ..Self::new(portcullis)
        }
    }

    /// Replays one instruction of Portcullis that succeeded; `keys` are its accounts in order, `now` the cluster's clock in
    /// its slot. Returns the events, with their places in the chains: two for an adoption, which is in the gate's and
    /// the council's, else one, and none for another council's instruction.
    ///
    /// # Errors
    /// Those of [`ReplayError`]; the state is then as before.
    pub fn feed(
        &mut self,
        data: &[u8],
        keys: &[Pubkey],
        now: Now,
    ) -> Result<Vec<Entry>, ReplayError> {
        /// The arguments of the instruction if it is this one. Bytes behind them are ignored, as Anchor does.
        fn args<T: BorshDeserialize>(
            data: &[u8],
            discriminator: &[u8],
            instruction: &'static str,
        ) -> Option<Result<T, ReplayError>> {
            let mut body = data.strip_prefix(discriminator)?;
            Some(T::deserialize(&mut body).map_err(|_| ReplayError::BadArguments { instruction }))
        }
        macro_rules! dispatch {
            ($($type:ident($args:ty) $name:literal => $handler:expr;)+) => {
                $(if let Some(args) = args::<$args>(data, data::$type::DISCRIMINATOR, $name) {
                    let args: $args = args?;
                    #[allow(clippy::redundant_closure_call)]
                    return ($handler)($name, args);
                })+
            };
        }
        use transitions as t;
        dispatch! {
            CreateCouncil(CreateCouncilArgs) "create_council" => |name, args| self.create_council(name, keys, args, now);
            AddMembers(Vec<Member>) "add_members" => |name, args| self.build_council(name, keys, |council, key| {
                Ok(t::add_members(council, key, args, now)?.into())
            });
            SealCouncil(()) "seal_council" => |name, ()| self.build_council(name, keys, |council, key| {
                Ok(t::seal_council(council, key, now)?.into())
            });
            AdoptProgram(AdoptArgs) "adopt_program" => |name, args| self.adopt_program(name, keys, args, now);
            ProposeUpgrade(UpgradeArgs) "propose_upgrade" => |name, args| self.propose_upgrade(name, keys, args, now);
            ReproposeUpgrade(UpgradeArgs) "repropose_upgrade" => |name, args| self.repropose_upgrade(name, keys, args, now);
            ProposeChange(ChangeArgs) "propose_change" => |name, args| self.propose_change(name, keys, args, now);
            VerifyBuffer(()) "verify_buffer" => |name, ()| self.step(name, keys, |parent, proposal, _| {
                Ok(t::verify_buffer(parent, proposal, now)?.into())
            });
            HashBuffer(HashStepArgs) "hash_buffer" => |name, args| self.hash_buffer(name, keys, args, now);
            HashProgram(HashStepArgs) "hash_program" => |name, args| self.hash_program(name, keys, args, now);
            Approve(VoteArgs) "approve" => |name, args| self.vote(name, keys, args, |parent, proposal, key, member| {
                Ok(t::approve(parent, proposal, key, member, &args, Signed::Transaction, now)?.into())
            });
            Reject(VoteArgs) "reject" => |name, args| self.vote(name, keys, args, |parent, proposal, key, member| {
                Ok(t::reject(parent, proposal, key, member, &args, Signed::Transaction, now)?.into())
            });
            Retract(VoteArgs) "retract" => |name, args| self.vote(name, keys, args, |parent, proposal, key, member| {
                Ok(t::retract(parent, proposal, key, member, &args, now)?.into())
            });
            Veto(VoteArgs) "veto" => |name, args| self.vote(name, keys, args, |parent, proposal, key, member| {
                Ok(t::veto(parent, proposal, key, member, &args, Signed::Transaction, now)?.into())
            });
            Trigger(VoteArgs) "trigger" => |name, args| self.vote(name, keys, args, |parent, proposal, _, member| {
                Ok(t::trigger(parent, proposal, member, &args, Signed::Transaction, now)?.into())
            });
            // That the member signed the message, the ed25519 program has made sure on the chain.
            RelayVote(RelayVoteArgs) "relay_vote" => |name, args: RelayVoteArgs| self.vote(name, keys, args.vote, |parent, proposal, key, member| {
                let (vote, signed) = (&args.vote, Signed::Message);
                Ok(match args.verb {
                    MessageVote::Approve => t::approve(parent, proposal, key, member, vote, signed, now)?.into(),
                    MessageVote::Reject => t::reject(parent, proposal, key, member, vote, signed, now)?.into(),
                    MessageVote::Veto => t::veto(parent, proposal, key, member, vote, signed, now)?.into(),
                    MessageVote::Trigger => t::trigger(parent, proposal, member, vote, signed, now)?.into(),
                })
            });
            Attest(AttestArgs) "attest" => |name, args| self.attest(name, keys, args, Signed::Transaction, now);
            RelayAttestation(AttestArgs) "relay_attestation" => |name, args| self.attest(name, keys, args, Signed::Message, now);
            RevokeAttestation(VoteArgs) "revoke_attestation" => |name, args| self.revoke_attestation(name, keys, args, now);
            CloseAttestation(()) "close_attestation" => |name, ()| {
                let [_proposal, attestation] = first(name, keys)?;
                self.attestations.remove(&attestation);
                Ok(Vec::new())
            };
            CloseHashing(()) "close_hashing" => |name, ()| {
                let [target] = first(name, keys)?;
                self.hashed.remove(&target);
                Ok(Vec::new())
            };
            Cancel(()) "cancel" => |name, ()| self.signed_step(name, keys, |parent, proposal, key, proposer| {
                Ok(t::cancel(parent, proposal, key, proposer, now)?.into())
            });
            Queue(()) "queue" => |name, ()| self.step(name, keys, |parent, proposal, key| {
                Ok(t::queue(parent, proposal, key, now)?.into())
            });
            ExecuteUpgrade(()) "execute_upgrade" => |name, ()| self.execute_upgrade(name, keys, now);
            ExecuteChange(()) "execute_change" => |name, ()| self.execute_change(name, keys, now);
            TransferAuthority(()) "transfer_authority" => |name, ()| self.execute_change(name, keys, now);
            FinalizeProgram(()) "finalize_program" => |name, ()| self.execute_change(name, keys, now);
            MoveGate(()) "move_gate" => |name, ()| self.execute_change(name, keys, now);
            AbandonAdoption(()) "abandon_adoption" => |name, ()| self.abandon_adoption(name, keys, now);
            ReturnBuffer(()) "return_buffer" => |name, ()| self.step(name, keys, |parent, proposal, key| {
                Ok(t::return_buffer(parent, proposal, key, now)?.into())
            });
            CloseBuffer(()) "close_buffer" => |name, ()| self.step(name, keys, |parent, proposal, key| {
                Ok(t::close_buffer(parent, proposal, key, now)?.into())
            });
            CloseProposal(()) "close_proposal" => |name, ()| self.close_proposal(name, keys, now);
        }
        Err(ReplayError::UnknownInstruction)
    }

    /// Whether a proposal's account is the one that the instructions give, all but its slot hash, and its digest before
    /// the first vote.
    pub fn matches_proposal(&self, address: &Pubkey, found: &Proposal) -> bool {
        self.proposals.get(address).is_some_and(|replayed| {
            let mut replayed = *replayed;
            replayed.terms.slot_hash = found.terms.slot_hash;
            if replayed.digest == UNKNOWN {
                replayed.digest = found.digest;
            }
            bytemuck::bytes_of(&replayed) == bytemuck::bytes_of(found)
        })
    }

    fn is_other_council(&self, council: &Pubkey) -> bool {
        self.only
            .as_ref()
            .is_some_and(|only| !only.contains(council))
    }

    fn create_council(
        &mut self,
        name: &'static str,
        keys: &[Pubkey],
        args: CreateCouncilArgs,
        now: Now,
    ) -> Result<Vec<Entry>, ReplayError> {
        let [create_key, _payer, key] = first(name, keys)?;
        if self.is_other_council(&key) {
            return Ok(Vec::new());
        }
        let mut council = Council::zeroed();
        council.bump = find_council(&self.portcullis, &create_key).1;
        let event = transitions::create_council(&mut council, key, create_key, args, now)
            .map_err(refused(name))?;
        let entry = fold(name, &mut council.log, key, event.into())?;
        self.councils.insert(key, council);
        Ok(vec![entry])
    }

    /// Applies a transition to a council that is not sealed.
    fn build_council(
        &mut self,
        name: &'static str,
        keys: &[Pubkey],
        transition: impl FnOnce(&mut Council, Pubkey) -> Result<Event, PortcullisError>,
    ) -> Result<Vec<Entry>, ReplayError> {
        let [_create_key, key] = first(name, keys)?;
        if self.is_other_council(&key) {
            return Ok(Vec::new());
        }
        let mut council = found(name, &self.councils, &key)?;
        let event = transition(&mut council, key).map_err(refused(name))?;
        let entry = fold(name, &mut council.log, key, event)?;
        self.councils.insert(key, council);
        Ok(vec![entry])
    }

    fn adopt_program(
        &mut self,
        name: &'static str,
        keys: &[Pubkey],
        args: AdoptArgs,
        now: Now,
    ) -> Result<Vec<Entry>, ReplayError> {
        let [proposer, _payer, former_authority, council_key, gate_key, authority, program, programdata] =
            first(name, keys)?;
        if self.is_other_council(&council_key) {
            return Ok(Vec::new());
        }
        let mut council = found(name, &self.councils, &council_key)?;
        // A program that had left its gate comes back to it.
        let mut gate = self.gates.get(&gate_key).copied().unwrap_or(Gate::zeroed());
        let event: Event = transitions::adopt_program(
            &mut council,
            &mut gate,
            &AdoptAccounts {
                gate: gate_key,
                council: council_key,
                program,
                programdata,
                authority,
                former_authority,
                proposer,
                gate_bump: find_gate(&self.portcullis, &program).1,
                authority_bump: find_authority(&self.portcullis, &program).1,
            },
            &args,
            now,
        )
        .map_err(refused(name))?
        .into();
        let entries = vec![
            fold(name, &mut gate.log, gate_key, event.clone())?,
            fold(name, &mut council.log, council_key, event)?,
        ];
        self.councils.insert(council_key, council);
        self.gates.insert(gate_key, gate);
        Ok(entries)
    }

    fn propose_upgrade(
        &mut self,
        name: &'static str,
        keys: &[Pubkey],
        args: UpgradeArgs,
        now: Now,
    ) -> Result<Vec<Entry>, ReplayError> {
        let [proposer, rent_payer, council_key, gate_key, key, buffer, _authority, spill] =
            first(name, keys)?;
        if self.is_other_council(&council_key) {
            return Ok(Vec::new());
        }
        let council = found(name, &self.councils, &council_key)?;
        let mut gate = found(name, &self.gates, &gate_key)?;
        let change = args.predecessor.map(Change::Upgrade);
        let mut proposal = Proposal::zeroed();
        proposal.bump = find_proposal(&self.portcullis, &gate_key, gate.proposal_count).1;
        let mut parent = Parent::Gate {
            council: &council,
            gate: &mut gate,
        };
        let accounts = UpgradeAccounts {
            gate: gate_key,
            buffer,
            spill,
            proposer,
            rent_payer,
        };
        let event =
            transitions::propose_upgrade(&mut parent, &mut proposal, &accounts, UNKNOWN, args, now)
                .map_err(refused(name))?;
        let entry = fold(name, &mut gate.log, gate_key, event.into())?;
        self.gates.insert(gate_key, gate);
        self.keep_new(key, proposal, change);
        Ok(vec![entry])
    }

    fn keep_new(&mut self, key: Pubkey, proposal: Proposal, change: Option<Change>) {
        self.proposals.insert(key, proposal);
        if let Some(change) = change {
            self.changes.insert(key, change);
        }
    }

    fn repropose_upgrade(
        &mut self,
        name: &'static str,
        keys: &[Pubkey],
        args: UpgradeArgs,
        now: Now,
    ) -> Result<Vec<Entry>, ReplayError> {
        let [proposer, rent_payer, council_key, gate_key, former_key, key] = first(name, keys)?;
        if self.is_other_council(&council_key) {
            return Ok(Vec::new());
        }
        let council = found(name, &self.councils, &council_key)?;
        let mut gate = found(name, &self.gates, &gate_key)?;
        let mut former = found(name, &self.proposals, &former_key)?;
        let change = args.predecessor.map(Change::Upgrade);
        let mut proposal = Proposal::zeroed();
        proposal.bump = find_proposal(&self.portcullis, &gate_key, gate.proposal_count).1;
        let mut parent = Parent::Gate {
            council: &council,
            gate: &mut gate,
        };
        let accounts = UpgradeAccounts {
            gate: gate_key,
            buffer: former.terms.buffer,
            spill: former.terms.spill,
            proposer,
            rent_payer,
        };
        let event = transitions::repropose_upgrade(
            &mut parent,
            &mut former,
            &former_key,
            &mut proposal,
            &accounts,
            UNKNOWN,
            args,
            now,
        )
        .map_err(refused(name))?;
        let entry = fold(name, &mut gate.log, gate_key, event.into())?;
        self.gates.insert(gate_key, gate);
        self.proposals.insert(former_key, former);
        self.keep_new(key, proposal, change);
        Ok(vec![entry])
    }

    fn propose_change(
        &mut self,
        name: &'static str,
        keys: &[Pubkey],
        args: ChangeArgs,
        now: Now,
    ) -> Result<Vec<Entry>, ReplayError> {
        let [proposer, rent_payer, council_key, gate_key, key] = first(name, keys)?;
        if self.is_other_council(&council_key) {
            return Ok(Vec::new());
        }
        let mut work = Work {
            council: found(name, &self.councils, &council_key)?,
            gate: self.gate(name, &gate_key)?,
            proposal: Proposal::zeroed(),
        };
        let parent_key = self.parent(council_key, gate_key);
        let change = args.change.clone();
        let accounts = ChangeAccounts {
            parent: parent_key,
            proposer,
            rent_payer,
        };
        let (mut parent, proposal) = work.split();
        proposal.bump = find_proposal(&self.portcullis, &parent_key, parent.proposal_count()).1;
        let event: Event =
            transitions::propose_change(&mut parent, proposal, &accounts, UNKNOWN, args, now)
                .map_err(refused(name))?
                .into();
        let entry = fold(name, parent.log(), parent_key, event)?;
        self.keep(council_key, gate_key, &work);
        self.keep_new(key, work.proposal, Some(change));
        Ok(vec![entry])
    }

    /// The gate of an instruction; none where the program's own id stands in its place.
    fn gate(&self, name: &'static str, key: &Pubkey) -> Result<Option<Gate>, ReplayError> {
        if *key == self.portcullis {
            return Ok(None);
        }
        found(name, &self.gates, key).map(Some)
    }

    /// What a proposal with these accounts is about.
    fn parent(&self, council: Pubkey, gate: Pubkey) -> Pubkey {
        if gate == self.portcullis {
            council
        } else {
            gate
        }
    }

    fn keep(&mut self, council: Pubkey, gate_key: Pubkey, work: &Work) {
        self.councils.insert(council, work.council);
        if let Some(gate) = work.gate {
            self.gates.insert(gate_key, gate);
        }
    }

    /// Applies a transition to copies of council, gate and proposal, whose addresses come first, and keeps them if it
    /// succeeds.
    fn step(
        &mut self,
        name: &'static str,
        keys: &[Pubkey],
        transition: impl FnOnce(&mut Parent, &mut Proposal, Pubkey) -> Result<Event, PortcullisError>,
    ) -> Result<Vec<Entry>, ReplayError> {
        let [council_key, gate_key, key] = first(name, keys)?;
        if self.is_other_council(&council_key) {
            return Ok(Vec::new());
        }
        let mut work = Work {
            council: found(name, &self.councils, &council_key)?,
            gate: self.gate(name, &gate_key)?,
            proposal: found(name, &self.proposals, &key)?,
        };
        let (mut parent, proposal) = work.split();
        let event = transition(&mut parent, proposal, key).map_err(refused(name))?;
        let entry = fold(
            name,
            parent.log(),
            self.parent(council_key, gate_key),
            event,
        )?;
        self.keep(council_key, gate_key, &work);
        self.proposals.insert(key, work.proposal);
        Ok(vec![entry])
    }

    /// [`step`](Self::step) where the signer's address comes before the three.
    fn signed_step(
        &mut self,
        name: &'static str,
        keys: &[Pubkey],
        transition: impl FnOnce(
            &mut Parent,
            &mut Proposal,
            Pubkey,
            Pubkey,
        ) -> Result<Event, PortcullisError>,
    ) -> Result<Vec<Entry>, ReplayError> {
        let (signer, subject) = keys
            .split_first()
            .ok_or(ReplayError::MissingAccounts { instruction: name })?;
        self.step(name, subject, |parent, proposal, key| {
            transition(parent, proposal, key, *signer)
        })
    }

    /// [`signed_step`](Self::signed_step) for a vote, which also tells the digest where it is not known yet.
    fn vote(
        &mut self,
        name: &'static str,
        keys: &[Pubkey],
        args: VoteArgs,
        transition: impl FnOnce(
            &mut Parent,
            &mut Proposal,
            Pubkey,
            Pubkey,
        ) -> Result<Event, PortcullisError>,
    ) -> Result<Vec<Entry>, ReplayError> {
        self.signed_step(name, keys, |parent, proposal, key, member| {
            if proposal.digest == UNKNOWN {
                proposal.digest = args.digest;
            }
            transition(parent, proposal, key, member)
        })
    }

    fn attest(
        &mut self,
        name: &'static str,
        keys: &[Pubkey],
        args: AttestArgs,
        signed: Signed,
        now: Now,
    ) -> Result<Vec<Entry>, ReplayError> {
        let [attester, rent_payer] = first(name, keys)?;
        let subject = keys.get(2..).unwrap_or_default();
        let portcullis = self.portcullis;
        let mut record = None;
        let entries = self.step(name, subject, |parent, proposal, key| {
            if proposal.digest == UNKNOWN {
                proposal.digest = args.vote.digest;
            }
            let (address, bump) = find_attestation(&portcullis, &key, &attester);
            let accounts = AttestAccounts {
                proposal: key,
                attester,
                rent_payer,
                bump,
            };
            let (attestation, event) =
                transitions::attest(parent, proposal, &accounts, args, signed, now)?;
            record = Some((address, attestation));
            Ok(event.into())
        })?;
        self.attestations.extend(record);
        Ok(entries)
    }

    fn revoke_attestation(
        &mut self,
        name: &'static str,
        keys: &[Pubkey],
        args: VoteArgs,
        now: Now,
    ) -> Result<Vec<Entry>, ReplayError> {
        let [_attester, council, _gate, _proposal, address] = first(name, keys)?;
        if self.is_other_council(&council) {
            return Ok(Vec::new());
        }
        let attestation =
            self.attestations
                .get(&address)
                .cloned()
                .ok_or(ReplayError::UnknownAccount {
                    instruction: name,
                    address,
                })?;
        let entries = self.vote(name, keys, args, |parent, proposal, key, _| {
            Ok(
                transitions::revoke_attestation(parent, proposal, key, &attestation, &args, now)?
                    .into(),
            )
        })?;
        self.attestations.remove(&address);
        Ok(entries)
    }

    /// Whether this step completes the hash of `len` bytes; notes how far it came.
    fn hash_step(&mut self, target: Pubkey, life: u32, len: u32, args: &HashStepArgs) -> bool {
        let done = match self.hashed.get(&target) {
            Some((of, done)) if *of == life => *done,
            _ => 0,
        };
        let end = args.offset.saturating_add(args.len).min(len);
        if end < len {
            // What was done already was not done again.
            self.hashed.insert(target, (life, done.max(end)));
            return false;
        }
        self.hashed.remove(&target);
        true
    }

    fn hash_buffer(
        &mut self,
        name: &'static str,
        keys: &[Pubkey],
        args: HashStepArgs,
        now: Now,
    ) -> Result<Vec<Entry>, ReplayError> {
        let [council, _gate, key] = first(name, keys)?;
        if self.is_other_council(&council) {
            return Ok(Vec::new());
        }
        let proposal = found(name, &self.proposals, &key)?;
        let terms = &proposal.terms;
        if proposal.custody == Custody::Verified as u8
            || !self.hash_step(key, terms.life, terms.len, &args)
        {
            return Ok(Vec::new());
        }
        self.step(name, keys, |parent, proposal, _| {
            Ok(transitions::verify_buffer(parent, proposal, now)?.into())
        })
    }

    fn hash_program(
        &mut self,
        name: &'static str,
        keys: &[Pubkey],
        args: HashStepArgs,
        now: Now,
    ) -> Result<Vec<Entry>, ReplayError> {
        let [council_key, gate_key] = first(name, keys)?;
        if self.is_other_council(&council_key) {
            return Ok(Vec::new());
        }
        let mut council = found(name, &self.councils, &council_key)?;
        let mut gate = found(name, &self.gates, &gate_key)?;
        if gate.state == GateState::Active as u8
            || !self.hash_step(gate_key, gate.life, gate.release.len, &args)
        {
            return Ok(Vec::new());
        }
        let event: Event = transitions::complete_adoption(&mut gate, gate_key, now)
            .map_err(refused(name))?
            .into();
        let entries = vec![
            fold(name, &mut gate.log, gate_key, event.clone())?,
            fold(name, &mut council.log, council_key, event)?,
        ];
        self.councils.insert(council_key, council);
        self.gates.insert(gate_key, gate);
        Ok(entries)
    }

    fn abandon_adoption(
        &mut self,
        name: &'static str,
        keys: &[Pubkey],
        now: Now,
    ) -> Result<Vec<Entry>, ReplayError> {
        let [_former_authority, council_key, gate_key] = first(name, keys)?;
        if self.is_other_council(&council_key) {
            return Ok(Vec::new());
        }
        let mut council = found(name, &self.councils, &council_key)?;
        let mut gate = found(name, &self.gates, &gate_key)?;
        let event: Event = transitions::abandon_adoption(&mut council, &mut gate, gate_key, now)
            .map_err(refused(name))?
            .into();
        let entries = vec![
            fold(name, &mut gate.log, gate_key, event.clone())?,
            fold(name, &mut council.log, council_key, event)?,
        ];
        self.councils.insert(council_key, council);
        self.gates.insert(gate_key, gate);
        Ok(entries)
    }

    fn execute_upgrade(
        &mut self,
        name: &'static str,
        keys: &[Pubkey],
        now: Now,
    ) -> Result<Vec<Entry>, ReplayError> {
        let [_executor, council, _gate, key, predecessor_gate] = first(name, keys)?;
        if self.is_other_council(&council) {
            return Ok(Vec::new());
        }
        let predecessor = match self.changes.get(&key) {
            Some(Change::Upgrade(predecessor)) => {
                Some((*predecessor, found(name, &self.gates, &predecessor_gate)?))
            }
            _ => None,
        };
        self.signed_step(name, keys, |parent, proposal, key, executor| {
            let predecessor = predecessor.as_ref().map(|(named, gate)| (named, gate));
            Ok(
                transitions::execute_upgrade(parent, proposal, key, executor, predecessor, now)?
                    .into(),
            )
        })
    }

    /// Executes any other action; which one, the proposal says. The events of changes that concern a council too are in its
    /// chain as well.
    fn execute_change(
        &mut self,
        name: &'static str,
        keys: &[Pubkey],
        now: Now,
    ) -> Result<Vec<Entry>, ReplayError> {
        use transitions as t;
        let [executor, council_key, gate_key, key] = first(name, keys)?;
        if self.is_other_council(&council_key) {
            return Ok(Vec::new());
        }
        let mut council = found(name, &self.councils, &council_key)?;
        let gate = self.gate(name, &gate_key)?;
        let mut proposal = found(name, &self.proposals, &key)?;
        let change = self
            .changes
            .get(&key)
            .ok_or(ReplayError::UnknownAccount {
                instruction: name,
                address: key,
            })?
            .clone();
        let execution = ChangeExecution {
            proposal: key,
            executor,
            now,
        };
        let refuse = refused(name);
        let mut entries = Vec::new();
        match gate {
            None => {
                let event: Event = match &change {
                    Change::Council(change) => {
                        t::change_council(&mut council, &mut proposal, &execution, change)
                            .map(Event::from)
                    }
                    Change::Policy(change) => {
                        t::change_policy(&mut council, None, &mut proposal, &execution, change)
                            .map(Event::from)
                    }
                    _ => Err(PortcullisError::NotOfAGate),
                }
                .map_err(refuse)?;
                entries.push(fold(name, &mut council.log, council_key, event)?);
            }
            Some(mut gate) => {
                let event: Event = match &change {
                    Change::Policy(change) => t::change_policy(
                        &mut council,
                        Some(&mut gate),
                        &mut proposal,
                        &execution,
                        change,
                    )
                    .map(Event::from),
                    Change::RevokeRelease { .. } => {
                        t::revoke_release(&council, &mut gate, &mut proposal, &execution)
                            .map(Event::from)
                    }
                    Change::TransferAuthority { to, checked } => t::transfer_authority(
                        &mut council,
                        &mut gate,
                        &mut proposal,
                        &execution,
                        *to,
                        *checked,
                    )
                    .map(Event::from),
                    Change::Finalize => {
                        t::finalize_program(&mut council, &mut gate, &mut proposal, &execution)
                            .map(Event::from)
                    }
                    Change::MoveGate { council: to, epoch } => {
                        let [_, _, _, _, proposer] = first(name, keys)?;
                        let mut other = found(name, &self.councils, to)?;
                        let acceptance = Acceptance {
                            key: *to,
                            council: &mut other,
                            proposer,
                            epoch: *epoch,
                        };
                        let event: Event = t::move_gate(
                            &mut council,
                            &mut gate,
                            &mut proposal,
                            &execution,
                            acceptance,
                        )
                        .map_err(&refuse)?
                        .into();
                        entries.push(fold(name, &mut other.log, *to, event.clone())?);
                        self.councils.insert(*to, other);
                        Ok(event)
                    }
                    Change::Council(_) | Change::Upgrade(_) => Err(PortcullisError::AnotherAction),
                }
                .map_err(refuse)?;
                if !matches!(change, Change::RevokeRelease { .. }) {
                    entries.insert(0, fold(name, &mut council.log, council_key, event.clone())?);
                }
                entries.insert(0, fold(name, &mut gate.log, gate_key, event)?);
                self.gates.insert(gate_key, gate);
            }
        }
        self.councils.insert(council_key, council);
        self.proposals.insert(key, proposal);
        Ok(entries)
    }

    fn close_proposal(
        &mut self,
        name: &'static str,
        keys: &[Pubkey],
        now: Now,
    ) -> Result<Vec<Entry>, ReplayError> {
        let entries = self.step(name, keys, |parent, proposal, key| {
            Ok(transitions::close_proposal(parent, proposal, key, now)?.into())
        })?;
        // Nothing was done where it is another council's.
        if !entries.is_empty() {
            let [_, _, key] = first(name, keys)?;
            self.proposals.remove(&key);
            self.changes.remove(&key);
        }
        Ok(entries)
    }
}

/// In the place of a slot's hash, and of a digest before the first vote: no transaction holds them.
const UNKNOWN: [u8; 32] = [0; 32];

/// The first accounts of an instruction; those behind them are not needed here.
fn first<const N: usize>(
    instruction: &'static str,
    keys: &[Pubkey],
) -> Result<[Pubkey; N], ReplayError> {
    keys.first_chunk()
        .copied()
        .ok_or(ReplayError::MissingAccounts { instruction })
}

fn found<T: Copy>(
    instruction: &'static str,
    accounts: &BTreeMap<Pubkey, T>,
    address: &Pubkey,
) -> Result<T, ReplayError> {
    accounts
        .get(address)
        .copied()
        .ok_or(ReplayError::UnknownAccount {
            instruction,
            address: *address,
        })
}

fn refused(instruction: &'static str) -> impl Fn(PortcullisError) -> ReplayError {
    move |refusal| ReplayError::Refused {
        instruction,
        refusal,
    }
}

fn fold(
    instruction: &'static str,
    log: &mut portcullis::record::Log,
    account: Pubkey,
    event: Event,
) -> Result<Entry, ReplayError> {
    let sequence = log.sequence;
    log.fold(&account, &event.bytes)
        .map_err(refused(instruction))?;
    Ok(Entry {
        account,
        sequence,
        head: log.head,
        event,
    })
}

#[cfg(test)]
mod tests {
    use portcullis::{
        digest::Commitment,
        lifecycle::Status,
        policy::{Policy, FLAG_ANYONE_MAY_EXECUTE},
        state::{ROLE_GUARD, ROLE_PROPOSE, ROLE_VOTE},
    };
    use solana_sdk::instruction::Instruction;

    use super::*;
    use crate::instruction::{Builder, ProposalKeys};

    const START: Now = Now {
        timestamp: 1_800_000_000,
        slot: 1_000,
    };
    const DIGEST: [u8; 32] = [9; 32];

    /// A council of two voters and a guardian, and instructions as the builder makes them.
    struct World {
        replay: Replay,
        builder: Builder,
        create_key: Pubkey,
        members: [Pubkey; 3],
        keys: ProposalKeys,
        buffer: Pubkey,
        now: Now,
    }

    impl World {
        fn new() -> Self {
            let builder = Builder::default();
            let create_key = Pubkey::new_unique();
            let council = crate::pda::council(&builder.portcullis, &create_key);
            let mut members = [(); 3].map(|()| Pubkey::new_unique());
            members.sort();
            Self {
                replay: Replay::of_council(builder.portcullis, council),
                builder,
                create_key,
                members,
                keys: ProposalKeys::of_gate(council, Pubkey::new_unique(), 0),
                buffer: Pubkey::new_unique(),
                now: START,
            }
        }

        fn feed(&mut self, instruction: Instruction) -> Result<Vec<Entry>, ReplayError> {
            let keys: Vec<Pubkey> = instruction
                .accounts
                .iter()
                .map(|meta| meta.pubkey)
                .collect();
            self.now.slot += 1;
            self.replay.feed(&instruction.data, &keys, self.now)
        }

        fn policy() -> Policy {
            Policy {
                threshold: 2,
                timelock_seconds: 600,
                voting_period_seconds: 86_400,
                execution_window_seconds: 86_400,
                veto_threshold: 1,
                flags: FLAG_ANYONE_MAY_EXECUTE,
                ..Policy::default()
            }
        }

        /// To a proposal whose buffer is verified.
        fn propose(&mut self) -> Vec<Entry> {
            let member = |key, roles: u8| Member {
                key,
                roles,
                weight: u16::from(roles & ROLE_VOTE != 0),
                attests: 0,
            };
            let [a, b, c] = self.members;
            let (builder, keys) = (self.builder, self.keys);
            let deployed = Commitment::of(b"old").unwrap();
            let instructions = [
                builder.create_council(
                    self.create_key,
                    a,
                    CreateCouncilArgs {
                        policy: Self::policy(),
                        delay_floor_seconds: 0,
                        members: vec![member(a, ROLE_PROPOSE | ROLE_VOTE)],
                    },
                ),
                builder.add_members(
                    self.create_key,
                    vec![member(b, ROLE_VOTE), member(c, ROLE_GUARD)],
                ),
                builder.seal_council(self.create_key),
                builder.adopt_program(
                    keys.council,
                    keys.program(),
                    b,
                    a,
                    a,
                    AdoptArgs {
                        epoch: 1,
                        policy: Self::policy(),
                        deployed,
                    },
                ),
                builder.propose_upgrade(
                    &keys,
                    self.buffer,
                    b,
                    a,
                    a,
                    UpgradeArgs {
                        lane: portcullis::lifecycle::Lane::Standard,
                        predecessor: None,
                        commitment: Commitment::of(b"new").unwrap(),
                        base_index: 1,
                        base: deployed,
                        epoch: 1,
                        life: 1,
                        statement: None,
                        not_before: 0,
                    },
                ),
                builder.verify_buffer(&keys, self.buffer),
            ];
            instructions
                .into_iter()
                .flat_map(|instruction| self.feed(instruction).unwrap())
                .collect()
        }

        fn vote(&self) -> VoteArgs {
            VoteArgs {
                digest: DIGEST,
                valid_until: self.now.timestamp + 60,
            }
        }

        fn gate(&self) -> Gate {
            self.replay.gates[&self.builder.gate(&self.keys.program())]
        }
    }

    #[test]
    fn a_whole_upgrade_is_rebuilt_from_its_instructions() {
        let mut world = World::new();
        let mut entries = world.propose();
        let (builder, keys, [a, b, _]) = (world.builder, world.keys, world.members);
        for voter in [a, b] {
            let approve = builder.approve(&keys, voter, world.vote());
            entries.extend(world.feed(approve).unwrap());
        }
        world.now.timestamp += 600;
        world.now.slot += 600;
        let execute = builder.execute_upgrade(&keys, world.buffer, b, a, None);
        entries.extend(world.feed(execute).unwrap());
        let key = builder.proposal(&keys);
        let council = world.replay.councils[&keys.council];
        assert_eq!(
            world.replay.proposals[&key].status(&council, Some(&world.gate()), world.now),
            Ok(Status::Executed)
        );
        entries.extend(world.feed(builder.close_proposal(&keys, a)).unwrap());
        assert!(world.replay.proposals.is_empty());

        let names: Vec<&str> = entries.iter().map(|entry| entry.event.name).collect();
        assert_eq!(
            names,
            [
                "CouncilCreated",
                "MembersAdded",
                "CouncilSealed",
                "ProgramAdopted",
                "ProgramAdopted",
                "UpgradeProposed",
                "BufferVerified",
                "ApprovalCast",
                "ApprovalCast",
                "UpgradeExecuted",
                "ProposalClosed",
            ]
        );
        // Both chains are without a gap, and end in the accounts' heads.
        let gate_key = builder.gate(&keys.program());
        for (account, log) in [(keys.council, council.log), (gate_key, world.gate().log)] {
            let chain: Vec<&Entry> = entries.iter().filter(|e| e.account == account).collect();
            assert!(chain.iter().map(|e| e.sequence).eq(0..log.sequence));
            assert_eq!(chain.last().unwrap().head, log.head);
        }
        assert_eq!(
            world.gate().release.sha256,
            Commitment::of(b"new").unwrap().sha256
        );
        assert_eq!(world.gate().release.proposal_digest, DIGEST);
    }

    #[test]
    fn the_first_vote_tells_the_digest_and_the_next_must_have_it() {
        let mut world = World::new();
        world.propose();
        let (builder, keys, [a, b, _]) = (world.builder, world.keys, world.members);
        let key = builder.proposal(&keys);
        assert_eq!(world.replay.proposals[&key].digest, [0; 32]);
        let first = builder.approve(&keys, a, world.vote());
        world.feed(first).unwrap();
        assert_eq!(world.replay.proposals[&key].digest, DIGEST);
        let other = builder.approve(
            &keys,
            b,
            VoteArgs {
                digest: [8; 32],
                ..world.vote()
            },
        );
        assert_eq!(
            world.feed(other),
            Err(ReplayError::Refused {
                instruction: "approve",
                refusal: PortcullisError::DigestMismatch
            })
        );
    }

    #[test]
    fn a_missing_instruction_is_noticed_and_nothing_is_kept() {
        let mut world = World::new();
        world.propose();
        let (builder, keys, [a, ..]) = (world.builder, world.keys, world.members);
        let log = world.gate().log;
        world.now.timestamp += 600;
        let execute = builder.execute_upgrade(&keys, world.buffer, a, a, None);
        assert_eq!(
            world.feed(execute),
            Err(ReplayError::Refused {
                instruction: "execute_upgrade",
                refusal: PortcullisError::NotQueued
            })
        );
        assert_eq!(world.gate().log, log);

        let mut empty = World::new();
        let (keys, instruction) = (empty.keys, empty.builder.queue(&empty.keys));
        assert_eq!(
            empty.feed(instruction),
            Err(ReplayError::UnknownAccount {
                instruction: "queue",
                address: keys.council
            })
        );
    }

    #[test]
    fn another_council_s_instruction_is_passed_over_also_with_ours_behind_it() {
        let mut world = World::new();
        world.propose();
        let before = world.gate().log;
        let mut foreign = world.builder.queue(&ProposalKeys {
            council: Pubkey::new_unique(),
            ..world.keys
        });
        foreign
            .accounts
            .push(anchor_lang::prelude::AccountMeta::new_readonly(
                world.keys.council,
                false,
            ));
        assert_eq!(world.feed(foreign), Ok(Vec::new()));
        assert_eq!(world.gate().log, before);
    }

    #[test]
    fn bytes_and_accounts_behind_those_needed_are_ignored_as_on_chain() {
        let mut world = World::new();
        world.propose();
        let mut veto = world
            .builder
            .veto(&world.keys, world.members[2], world.vote());
        veto.data.extend_from_slice(b"more");
        veto.accounts.push(anchor_lang::prelude::AccountMeta::new(
            Pubkey::new_unique(),
            false,
        ));
        assert_eq!(world.feed(veto).unwrap()[0].event.fields["vetoed"], true);
    }

    #[test]
    fn what_is_no_instruction_of_ours_is_refused_by_name() {
        let mut replay = Replay::new(portcullis::ID);
        assert_eq!(
            replay.feed(&[1, 2, 3], &[], START),
            Err(ReplayError::UnknownInstruction)
        );
        assert_eq!(
            replay.feed(data::Approve::DISCRIMINATOR, &[], START),
            Err(ReplayError::BadArguments {
                instruction: "approve"
            })
        );
        assert_eq!(
            replay.feed(data::Queue::DISCRIMINATOR, &[], START),
            Err(ReplayError::MissingAccounts {
                instruction: "queue"
            })
        );
    }
}
