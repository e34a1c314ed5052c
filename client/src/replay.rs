//! Rebuilds councils, gates and proposals from the instructions that made them, with the program's own code. Pure: whoever has
//! the instructions of all successful transactions, in order, gets the accounts as they stand on chain, and every event.
//!
//! One thing cannot be rebuilt: a proposal's digest depends on a slot's hash, which no transaction holds. It is taken from the
//! proposal's first vote, which the program accepted only because it named that digest.

use std::collections::BTreeMap;

use anchor_lang::Discriminator;
use borsh::BorshDeserialize;
use bytemuck::Zeroable;
use portcullis::{
    error::PortcullisError,
    instruction as data,
    lifecycle::Now,
    state::{
        find_authority, find_council, find_gate, find_proposal, Council, Gate, Member, Proposal,
    },
    transitions::{
        self, AdoptAccounts, AdoptArgs, CreateCouncilArgs, UpgradeAccounts, UpgradeArgs, VoteArgs,
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
    /// Only this council's instructions are replayed, where it is set.
    only: Option<Pubkey>,
    pub councils: BTreeMap<Pubkey, Council>,
    pub gates: BTreeMap<Pubkey, Gate>,
    /// Proposals whose accounts are not closed. Without a vote yet, the digest is zero; the slot hash always is.
    pub proposals: BTreeMap<Pubkey, Proposal>,
}

/// The accounts that every instruction on a proposal changes, as copies: after an error nothing is kept.
struct Work {
    council: Council,
    gate: Gate,
    proposal: Proposal,
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
        Self {
            only: Some(council),
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
            VerifyBuffer(()) "verify_buffer" => |name, ()| self.step(name, keys, |w, _| {
                Ok(t::verify_buffer(&w.council, &w.gate, &mut w.proposal, now)?.into())
            });
            Approve(VoteArgs) "approve" => |name, args| self.vote(name, keys, args, |w, key, member| {
                Ok(t::approve(&w.council, &mut w.gate, &mut w.proposal, key, member, &args, now)?.into())
            });
            Reject(VoteArgs) "reject" => |name, args| self.vote(name, keys, args, |w, key, member| {
                Ok(t::reject(&w.council, &mut w.gate, &mut w.proposal, key, member, &args, now)?.into())
            });
            Retract(VoteArgs) "retract" => |name, args| self.vote(name, keys, args, |w, key, member| {
                Ok(t::retract(&w.council, &mut w.gate, &mut w.proposal, key, member, &args, now)?.into())
            });
            Veto(VoteArgs) "veto" => |name, args| self.vote(name, keys, args, |w, key, member| {
                Ok(t::veto(&w.council, &mut w.gate, &mut w.proposal, key, member, &args, now)?.into())
            });
            Cancel(()) "cancel" => |name, ()| self.signed_step(name, keys, |w, key, proposer| {
                Ok(t::cancel(&w.council, &mut w.gate, &mut w.proposal, key, proposer, now)?.into())
            });
            Queue(()) "queue" => |name, ()| self.step(name, keys, |w, key| {
                Ok(t::queue(&w.council, &mut w.gate, &mut w.proposal, key, now)?.into())
            });
            ExecuteUpgrade(()) "execute_upgrade" => |name, ()| self.signed_step(name, keys, |w, key, executor| {
                Ok(t::execute_upgrade(&w.council, &mut w.gate, &mut w.proposal, key, executor, now)?.into())
            });
            ReturnBuffer(()) "return_buffer" => |name, ()| self.step(name, keys, |w, key| {
                Ok(t::return_buffer(&w.council, &mut w.gate, &mut w.proposal, key, now)?.into())
            });
            CloseBuffer(()) "close_buffer" => |name, ()| self.step(name, keys, |w, key| {
                Ok(t::close_buffer(&w.council, &mut w.gate, &mut w.proposal, key, now)?.into())
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
            if replayed.digest == [0; 32] {
                replayed.digest = found.digest;
            }
            bytemuck::bytes_of(&replayed) == bytemuck::bytes_of(found)
        })
    }

    fn is_other_council(&self, council: &Pubkey) -> bool {
        self.only.is_some_and(|only| only != *council)
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
        let mut gate = Gate::zeroed();
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
        let mut proposal = Proposal::zeroed();
        proposal.bump = find_proposal(&self.portcullis, &gate_key, gate.proposal_count).1;
        let event = transitions::propose_upgrade(
            &council,
            &mut gate,
            &mut proposal,
            &UpgradeAccounts {
                gate: gate_key,
                buffer,
                spill,
                proposer,
                rent_payer,
            },
            // Only the digest depends on it; see the module.
            [0; 32],
            args,
            now,
        )
        .map_err(refused(name))?;
        let entry = fold(name, &mut gate.log, gate_key, event.into())?;
        self.gates.insert(gate_key, gate);
        self.proposals.insert(key, proposal);
        Ok(vec![entry])
    }

    /// Applies a transition to copies of council, gate and proposal, whose addresses come first, and keeps them if it
    /// succeeds.
    fn step(
        &mut self,
        name: &'static str,
        keys: &[Pubkey],
        transition: impl FnOnce(&mut Work, Pubkey) -> Result<Event, PortcullisError>,
    ) -> Result<Vec<Entry>, ReplayError> {
        let [council_key, gate_key, key] = first(name, keys)?;
        if self.is_other_council(&council_key) {
            return Ok(Vec::new());
        }
        let mut work = Work {
            council: found(name, &self.councils, &council_key)?,
            gate: found(name, &self.gates, &gate_key)?,
            proposal: found(name, &self.proposals, &key)?,
        };
        let event = transition(&mut work, key).map_err(refused(name))?;
        let entry = fold(name, &mut work.gate.log, gate_key, event)?;
        self.gates.insert(gate_key, work.gate);
        self.proposals.insert(key, work.proposal);
        Ok(vec![entry])
    }

    /// [`step`](Self::step) where the signer's address comes before the three.
    fn signed_step(
        &mut self,
        name: &'static str,
        keys: &[Pubkey],
        transition: impl FnOnce(&mut Work, Pubkey, Pubkey) -> Result<Event, PortcullisError>,
    ) -> Result<Vec<Entry>, ReplayError> {
        let (signer, subject) = keys
            .split_first()
            .ok_or(ReplayError::MissingAccounts { instruction: name })?;
        self.step(name, subject, |work, key| transition(work, key, *signer))
    }

    /// [`signed_step`](Self::signed_step) for a vote, which also tells the digest where it is not known yet.
    fn vote(
        &mut self,
        name: &'static str,
        keys: &[Pubkey],
        args: VoteArgs,
        transition: impl FnOnce(&mut Work, Pubkey, Pubkey) -> Result<Event, PortcullisError>,
    ) -> Result<Vec<Entry>, ReplayError> {
        self.signed_step(name, keys, |work, key, member| {
            if work.proposal.digest == [0; 32] {
                work.proposal.digest = args.digest;
            }
            transition(work, key, member)
        })
    }

    fn close_proposal(
        &mut self,
        name: &'static str,
        keys: &[Pubkey],
        now: Now,
    ) -> Result<Vec<Entry>, ReplayError> {
        let entries = self.step(name, keys, |w, key| {
            Ok(
                transitions::close_proposal(&w.council, &mut w.gate, &mut w.proposal, key, now)?
                    .into(),
            )
        })?;
        // Nothing was done where it is another council's.
        if !entries.is_empty() {
            let [_, _, key] = first(name, keys)?;
            self.proposals.remove(&key);
        }
        Ok(entries)
    }
}

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
                keys: ProposalKeys {
                    council,
                    program: Pubkey::new_unique(),
                    index: 0,
                },
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
                    keys.program,
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
            self.replay.gates[&self.builder.gate(&self.keys.program)]
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
        let execute = builder.execute_upgrade(&keys, world.buffer, b, a);
        entries.extend(world.feed(execute).unwrap());
        let key = builder.proposal(&keys);
        let council = world.replay.councils[&keys.council];
        assert_eq!(
            world.replay.proposals[&key].status(&council, &world.gate(), world.now),
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
        let gate_key = builder.gate(&keys.program);
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
        let execute = builder.execute_upgrade(&keys, world.buffer, a, a);
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
