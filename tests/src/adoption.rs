//! Councils, programs and their adoption.

use portcullis::{
    digest::Commitment,
    transitions::{AdoptArgs, CreateCouncilArgs},
};
use portcullis_client::pda;
use solana_sdk::{instruction::Instruction, pubkey::Pubkey, signer::Signer};

use crate::{elf, keys::*, refusal::Outcome, Setup, World, BUILDER};

/// A sealed council and a program that nobody has adopted.
pub fn unadopted(setup: &Setup) -> World {
    let mut world = World::bare();
    world.create_council(setup).unwrap();
    world.install(&address("program"), &setup.deployed);
    world
}

/// Adopts the program with these args.
pub fn adopt_with(world: &mut World, args: AdoptArgs) -> Outcome {
    let instruction = world.adopt_instruction(world.program, args);
    world.send(&[instruction], &[upgrade_authority(), voter(0)])
}

impl World {
    /// Creates and seals the council of `setup`.
    pub fn create_council(&mut self, setup: &Setup) -> Outcome {
        let args = CreateCouncilArgs {
            policy: setup.council_policy,
            delay_floor_seconds: setup.delay_floor_seconds,
            members: setup.members.clone(),
        };
        let key = create_key().pubkey();
        self.send(
            &[
                BUILDER.create_council(key, payer().pubkey(), args),
                BUILDER.seal_council(key),
            ],
            &[create_key()],
        )
    }

    /// Another council of the same members, sealed.
    pub fn other_council(&mut self) -> Pubkey {
        let key = keypair("another create key");
        let setup = Setup::default();
        let args = CreateCouncilArgs {
            policy: setup.council_policy,
            delay_floor_seconds: setup.delay_floor_seconds,
            members: setup.members,
        };
        self.send(
            &[
                BUILDER.create_council(key.pubkey(), payer().pubkey(), args),
                BUILDER.seal_council(key.pubkey()),
            ],
            &[&key],
        )
        .unwrap();
        pda::council(&portcullis::ID, &key.pubkey())
    }

    /// Installs a program of loader v3 whose upgrade authority is `upgrade_authority()`, deployed ten slots ago.
    pub fn install(&mut self, program: &Pubkey, content: &[u8]) {
        let slot = self.now().slot - 10;
        let programdata = pda::programdata(program);
        let authority = Some(upgrade_authority().pubkey());
        self.put(&programdata, elf::programdata(slot, authority, content));
        self.put(program, elf::program(programdata));
    }

    /// What an adopter signs.
    pub fn adopt_args(&self, setup: &Setup) -> AdoptArgs {
        AdoptArgs {
            epoch: 1,
            policy: setup.policy,
            deployed: Commitment::of(&setup.deployed).unwrap(),
        }
    }

    /// The adoption of a program.
    pub fn adopt_instruction(&self, program: Pubkey, args: AdoptArgs) -> Instruction {
        BUILDER.adopt_program(
            self.council,
            program,
            upgrade_authority().pubkey(),
            voter(0).pubkey(),
            payer().pubkey(),
            args,
        )
    }

    /// Adopts the program with the policy of `setup`.
    pub fn adopt(&mut self, setup: &Setup) -> Outcome {
        let instruction = self.adopt_instruction(self.program, self.adopt_args(setup));
        self.send(&[instruction], &[upgrade_authority(), voter(0)])
    }

    /// Installs and adopts another program of the same council.
    pub fn adopt_another(&mut self, name: &str) -> Pubkey {
        let setup = Setup::default();
        let program = address(name);
        self.install(&program, &setup.deployed);
        let instruction = self.adopt_instruction(program, self.adopt_args(&setup));
        self.send(&[instruction], &[upgrade_authority(), voter(0)])
            .unwrap();
        program
    }
}
