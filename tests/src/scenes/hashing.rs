//! Scenes of programs that are hashed in steps.

use portcullis::instructions::HashStepArgs;
use solana_sdk::{instruction::Instruction, pubkey::Pubkey, signature::Keypair, signer::Signer};

use super::{Make, Scene, Town};
use crate::{
    elf,
    keys::*,
    world::{Proposed, BUILDER},
};

/// An ELF that is hashed in steps.
const LARGE: usize = 2_600_001;
/// The step that is taken there.
const STEP: HashStepArgs = HashStepArgs { offset: 0, len: 64 };

pub const SCENES: &[Make] = &[
    || {
        let (town, proposed) = large();
        let hash = hash_buffer(&proposed, STEP);
        Scene::new("hash_buffer", "the first step", town, hash)
    },
    || {
        let (mut town, proposed) = large();
        let first = hash_buffer(&proposed, STEP);
        town.world.send(&[first], &[stranger(0)]).unwrap();
        let hash = BUILDER.hash_buffer(
            &proposed.keys,
            proposed.buffer,
            voter(2).pubkey(),
            stranger(0).pubkey(),
            HashStepArgs { offset: 64, ..STEP },
        );
        Scene::new("hash_buffer", "a later step", town, hash)
    },
    || {
        let (mut town, program) = adopting();
        let hash = |payer: &Keypair, offset| {
            let (council, rent_payer) = (town.world.council, stranger(0).pubkey());
            let step = HashStepArgs { offset, ..STEP };
            BUILDER.hash_program(council, program, payer.pubkey(), rent_payer, step)
        };
        let (first, second) = (hash(stranger(0), 0), hash(voter(2), 64));
        town.world.send(&[first], &[stranger(0)]).unwrap();
        Scene::new("hash_program", "", town, second)
    },
    || {
        let (mut town, proposed) = large();
        let first = hash_buffer(&proposed, STEP);
        town.world.send(&[first], &[stranger(0)]).unwrap();
        town.world.cancel(&proposed, voter(0)).unwrap();
        let close = BUILDER.close_hashing(proposed.address, stranger(0).pubkey());
        Scene::new("close_hashing", "", town, close)
    },
    || {
        let (town, program) = adopting();
        let former = upgrade_authority().pubkey();
        let abandon = BUILDER.abandon_adoption(town.world.council, program, former);
        Scene::new("abandon_adoption", "", town, abandon)
    },
];

/// A draft whose buffer is hashed in steps.
fn large() -> (Town, Proposed) {
    let mut town = Town::new();
    let proposed = town.draft(&elf::large(LARGE, 0xab));
    (town, proposed)
}

fn hash_buffer(proposed: &Proposed, args: HashStepArgs) -> Instruction {
    let payer = stranger(0).pubkey();
    BUILDER.hash_buffer(&proposed.keys, proposed.buffer, payer, payer, args)
}

/// A program whose bytes are still to be hashed.
fn adopting() -> (Town, Pubkey) {
    let mut town = Town::new();
    let (program, adopt) = town.adoption(&elf::large(LARGE, 0xcd));
    let signers = [upgrade_authority(), voter(0), stranger(0)];
    town.world.send(&[adopt], &signers).unwrap();
    (town, program)
}
