//! Two councils, three gates, a proposal of each, and what else stands around.

use std::sync::OnceLock;

use anchor_lang::Discriminator;
use bytemuck::Zeroable;
use portcullis::{
    change::{Change, PolicyChange},
    digest::{Commitment, Statement},
    lifecycle::Status,
    sha256::Sha256State,
    state::{Gate, Hashing, Proposal},
    transitions::{AdoptArgs, AttestArgs, ChangeArgs, CreateCouncilArgs, VoteArgs},
};
use portcullis_client::{instruction::ProposalKeys, pda};
use solana_account::Account;
use solana_sdk::{instruction::Instruction, pubkey::Pubkey, signature::Keypair, signer::Signer};
use solana_sdk_ids::{bpf_loader_upgradeable, system_program, sysvar};

use super::people::{setup, OTHER_CREATE_KEY};
use crate::{
    elf,
    keys::*,
    world::{Proposed, World, BUILDER},
};

/// The programs that the town's gates govern: the world's own, another of its council, one of the other council.
pub const PARTS: [&str; 3] = ["program", "another program", "foreign program"];

/// A world in which an instruction finds more than its own accounts.
#[derive(Clone)]
pub struct Town {
    pub world: World,
    /// The council that the world's is not.
    pub other_council: Pubkey,
    /// A proposal of the same gate as the scene's.
    neighbour: Proposed,
    /// Of another gate, and of another council's.
    others: [Proposed; 2],
    /// About the council itself.
    own: ProposalKeys,
}

impl Town {
    /// The town before anything happens in it.
    pub fn new() -> Self {
        static TOWN: OnceLock<Town> = OnceLock::new();
        TOWN.get_or_init(Self::build).clone()
    }

    fn build() -> Self {
        let setup = setup();
        let mut world = setup.build();
        let home = (world.council, world.program);
        let other_key = keypair(OTHER_CREATE_KEY);
        let args = CreateCouncilArgs {
            policy: setup.council_policy,
            delay_floor_seconds: setup.delay_floor_seconds,
            members: setup.members.clone(),
        };
        let create = BUILDER.create_council(other_key.pubkey(), payer().pubkey(), args);
        let seal = BUILDER.seal_council(other_key.pubkey());
        world.send(&[create, seal], &[&other_key]).unwrap();
        let other_council = pda::council(&portcullis::ID, &other_key.pubkey());

        let neighbour = world.voting();
        let others = [(home.0, PARTS[1]), (other_council, PARTS[2])].map(|(council, name)| {
            (world.council, world.program) = (council, address(name));
            let program = world.program;
            world.install(&program, &setup.deployed);
            world.adopt(&setup).unwrap();
            world.voting()
        });
        (world.council, world.program) = home;
        let mut town = Self {
            world,
            other_council,
            neighbour,
            others,
            own: ProposalKeys::of_council(home.0, 0),
        };
        town.own = town.propose(
            None,
            Change::Policy(PolicyChange {
                policy: setup.council_policy,
                delay_floor_seconds: setup.delay_floor_seconds,
            }),
        );
        let (neighbour, attester_key) = (town.neighbour.keys, attester().pubkey());
        let args = town.attest_args(&neighbour);
        let attest = BUILDER.attest(&neighbour, attester_key, stranger(0).pubkey(), args);
        let world = &mut town.world;
        world.send(&[attest], &[attester(), stranger(0)]).unwrap();
        world.forge_hashing(&BUILDER.proposal(&neighbour));
        world
            .svm
            .airdrop(&address("wallet"), 1_000_000_000)
            .unwrap();
        world.put(
            &address("zeros"),
            Account {
                lamports: 1_000_000_000,
                data: vec![0; Gate::SPACE],
                owner: portcullis::ID,
                ..Account::default()
            },
        );
        let twin = elf::buffer(Some(stranger(1).pubkey()), elf::p_token());
        world.put(&address("strange buffer"), twin);
        town
    }

    /// What could be given in the place of an account.
    pub fn others(&self) -> Vec<(&'static str, Pubkey)> {
        let [another, foreign] = [address(PARTS[1]), address(PARTS[2])];
        let neighbour = self.neighbour.address;
        vec![
            ("the council", self.world.council),
            ("another council", self.other_council),
            ("the gate", self.world.gate_key()),
            ("another gate of the council", BUILDER.gate(&another)),
            ("another council's gate", BUILDER.gate(&foreign)),
            ("another proposal of the gate", neighbour),
            ("another gate's proposal", self.others[0].address),
            ("another council's proposal", self.others[1].address),
            ("a proposal about the council", BUILDER.proposal(&self.own)),
            (
                "another proposal's attestation",
                BUILDER.attestation(&self.neighbour.keys, &attester().pubkey()),
            ),
            (
                "another proposal's hashing",
                pda::hashing(&portcullis::ID, &neighbour),
            ),
            (
                "another gate's authority",
                pda::authority(&portcullis::ID, &another),
            ),
            ("another program", another),
            ("another programdata", pda::programdata(&another)),
            ("another proposal's buffer", self.neighbour.buffer),
            ("a stranger's buffer", address("strange buffer")),
            ("zeros", address("zeros")),
            ("nothing", address("nothing")),
            ("a wallet", address("wallet")),
            ("a stranger", stranger(1).pubkey()),
            ("a voter", voter(1).pubkey()),
            ("a guardian", guardian(1).pubkey()),
            ("Portcullis", portcullis::ID),
            ("System", system_program::ID),
            ("the loader", bpf_loader_upgradeable::ID),
            ("another sysvar", sysvar::epoch_schedule::ID),
        ]
    }

    /// Proposes a change of the world's gate, or of the council itself.
    pub fn propose(&mut self, program: Option<Pubkey>, change: Change) -> ProposalKeys {
        let world = &mut self.world;
        let keys = match program {
            Some(program) => {
                ProposalKeys::of_gate(world.council, program, world.gate().proposal_count)
            }
            None => ProposalKeys::of_council(world.council, world.council().proposal_count),
        };
        let args = self.change_args(program.is_some(), change);
        let (proposer, payer) = (voter(0), stranger(0));
        let propose = BUILDER.propose_change(&keys, proposer.pubkey(), payer.pubkey(), args);
        self.world.send(&[propose], &[proposer, payer]).unwrap();
        keys
    }

    /// What a proposer signs for a change.
    pub fn change_args(&self, of_gate: bool, change: Change) -> ChangeArgs {
        ChangeArgs {
            change,
            epoch: self.world.council().config_epoch,
            life: if of_gate { self.world.gate().life } else { 0 },
            statement: None,
            not_before: 0,
        }
    }

    /// A draft of an upgrade, whose rent the first stranger pays.
    pub fn draft(&mut self, content: &[u8]) -> Proposed {
        let buffer = self.world.buffer(content, &voter(0).pubkey());
        let proposed = self.world.next(buffer);
        let args = self.world.upgrade_args(content);
        let propose = BUILDER.propose_upgrade(
            &proposed.keys,
            buffer,
            proposed.spill,
            voter(0).pubkey(),
            stranger(0).pubkey(),
            args,
        );
        self.world
            .send(&[propose], &[voter(0), stranger(0)])
            .unwrap();
        proposed
    }

    /// A verified upgrade.
    pub fn voting(&mut self) -> Proposed {
        let proposed = self.draft(elf::p_token());
        self.world.verify(&proposed).unwrap();
        proposed
    }

    /// The fixed part of a proposal of any kind.
    pub fn proposal(&self, keys: &ProposalKeys) -> Proposal {
        let data = self.world.account(&BUILDER.proposal(keys)).data;
        bytemuck::pod_read_unaligned(&data[8..Proposal::SPACE])
    }

    /// A vote on a proposal, valid for an hour.
    pub fn vote(&self, keys: &ProposalKeys) -> VoteArgs {
        VoteArgs {
            digest: self.proposal(keys).digest,
            valid_until: self.world.now().timestamp + 3_600,
        }
    }

    /// An attestation of a proposal that outlasts it.
    pub fn attest_args(&self, keys: &ProposalKeys) -> AttestArgs {
        AttestArgs {
            vote: self.vote(keys),
            kind: 0,
            statement: Statement {
                sha256: [7; 32],
                uri: "https://example.org".into(),
            },
            expires_at: self.world.now().timestamp + 365 * 86_400,
        }
    }

    /// A member approves.
    pub fn approve(&mut self, keys: &ProposalKeys, member: &Keypair) {
        let approve = BUILDER.approve(keys, member.pubkey(), self.vote(keys));
        self.world.send(&[approve], &[member]).unwrap();
    }

    /// Enough members approve, and the timelock passes.
    pub fn ripen(&mut self, keys: &ProposalKeys) {
        self.approve(keys, voter(0));
        self.approve(keys, voter(1));
        self.world.warp_to(self.proposal(keys).eta);
        let gate = keys.program.map(|_| self.world.gate());
        let (council, now) = (self.world.council(), self.world.now());
        let status = self.proposal(keys).status(&council, gate.as_ref(), now);
        assert!(matches!(status, Ok(Status::Ready | Status::Armed)));
    }

    /// The adoption of a newly installed program, paid for by the first stranger.
    pub fn adoption(&mut self, content: &[u8]) -> (Pubkey, Instruction) {
        let program = address("new program");
        self.world.install(&program, content);
        (program, self.adoption_of(program, content))
    }

    /// The adoption of a program that is there already.
    pub fn adoption_of(&self, program: Pubkey, content: &[u8]) -> Instruction {
        let args = AdoptArgs {
            epoch: 1,
            policy: setup().policy,
            deployed: Commitment::of(content).unwrap(),
        };
        BUILDER.adopt_program(
            self.world.council,
            program,
            upgrade_authority().pubkey(),
            voter(0).pubkey(),
            stranger(0).pubkey(),
            args,
        )
    }
}

impl Default for Town {
    fn default() -> Self {
        Self::new()
    }
}

impl World {
    /// Puts a hash in the making there, as the first step of `hash_buffer` would leave it.
    pub fn forge_hashing(&mut self, target: &Pubkey) {
        let mut hashing = Hashing::zeroed();
        hashing.target = *target;
        hashing.life = 1;
        hashing.rent_payer = stranger(0).pubkey();
        hashing.state = Sha256State::new();
        hashing.state.update(&[7; 64]).unwrap();
        let account = Account {
            lamports: 1_000_000_000,
            data: [Hashing::DISCRIMINATOR, bytemuck::bytes_of(&hashing)].concat(),
            owner: portcullis::ID,
            ..Account::default()
        };
        self.put(&pda::hashing(&portcullis::ID, target), account);
    }
}
