use anchor_lang::Discriminator;
use portcullis::{
    digest::Commitment,
    instruction as data,
    instructions::HashStepArgs,
    lifecycle::{Custody, Now, Status},
    policy::{Policy, FLAG_ANYONE_MAY_EXECUTE},
    state::{Member, ROLE_GUARD, ROLE_PROPOSE, ROLE_VOTE},
    transitions::{AdoptArgs, CreateCouncilArgs, UpgradeArgs, VoteArgs},
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
        let mut entries = self.draft();
        let verify = self.builder.verify_buffer(&self.keys, self.buffer);
        entries.extend(self.feed(verify).unwrap());
        entries
    }

    /// To a proposal whose buffer is not verified yet.
    fn draft(&mut self) -> Vec<Entry> {
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
fn a_missing_step_of_a_hash_is_noticed_and_nothing_is_kept() {
    let mut world = World::new();
    let (builder, keys) = (world.builder, world.keys);
    let payer = world.members[0];
    let step = |offset, len| {
        builder.hash_buffer(
            &keys,
            Pubkey::default(),
            payer,
            payer,
            HashStepArgs { offset, len },
        )
    };
    let gap = Err(ReplayError::Refused {
        instruction: "hash_buffer",
        refusal: PortcullisError::HashGap,
    });
    world.draft();
    let custody = |world: &World| world.replay.proposals[&builder.proposal(&keys)].custody;
    assert_eq!(world.feed(step(1, 2)), gap);
    assert_eq!(world.feed(step(0, 1)), Ok(Vec::new()));
    assert_eq!(world.feed(step(2, 1)), gap);
    // The last step comes too late to count; how far the hash came is not forgotten.
    world.now.timestamp += 40 * 86_400;
    assert!(matches!(
        world.feed(step(1, 2)),
        Err(ReplayError::Refused { .. })
    ));
    world.now.timestamp -= 40 * 86_400;
    assert_eq!(custody(&world), Custody::Held as u8);
    let verified = world.feed(step(1, 2)).unwrap();
    assert_eq!(verified[0].event.name, "BufferVerified");
    assert_eq!(custody(&world), Custody::Verified as u8);
    // What comes after is passed over.
    assert_eq!(world.feed(step(0, 1)), Ok(Vec::new()));
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
fn accounts_behind_those_needed_are_ignored_as_on_chain_and_bytes_refused() {
    let mut world = World::new();
    world.propose();
    let mut veto = world
        .builder
        .veto(&world.keys, world.members[2], world.vote());
    veto.accounts.push(anchor_lang::prelude::AccountMeta::new(
        Pubkey::new_unique(),
        false,
    ));
    let mut longer = veto.clone();
    longer.data.extend_from_slice(b"more");
    assert_eq!(
        world.feed(longer),
        Err(ReplayError::BadArguments {
            instruction: "veto"
        })
    );
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
            instruction: "queue",
            required: 3,
            found: 0,
        })
    );
    let vote = VoteArgs {
        digest: DIGEST,
        valid_until: 0,
    };
    let veto = anchor_lang::InstructionData::data(&data::Veto { args: vote });
    assert_eq!(
        replay.feed(&veto, &[Pubkey::new_unique()], START),
        Err(ReplayError::MissingAccounts {
            instruction: "veto",
            required: 4,
            found: 1,
        })
    );
}
