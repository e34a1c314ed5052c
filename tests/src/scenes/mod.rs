//! Every instruction in a state in which it succeeds, in a town that holds everything with which it could be confused.

mod changes;
mod hashing;
mod people;
mod town;
mod upgrades;

use solana_sdk::{instruction::Instruction, pubkey::Pubkey};

pub use people::{keypair_of, OTHER_CREATE_KEY, THIRD_CREATE_KEY};
pub use town::{Town, PARTS};

use crate::{refusal::Outcome, world::World};

/// An instruction that succeeds in its world.
#[derive(Clone)]
pub struct Scene {
    /// Its name in the IDL.
    pub name: &'static str,
    /// What tells this scene from others of the same instruction.
    pub variant: &'static str,
    pub world: World,
    /// Stands before it in its transaction: the ed25519 program's instruction of a signed message.
    pub before: Option<Instruction>,
    pub instruction: Instruction,
    /// What the town has to offer in the place of an account.
    pub others: Vec<(&'static str, Pubkey)>,
}

/// Makes a scene.
pub type Make = fn() -> Scene;

/// All scenes, at least one for each instruction.
pub fn all() -> Vec<Make> {
    [upgrades::SCENES, changes::SCENES, hashing::SCENES].concat()
}

impl Scene {
    fn new(
        name: &'static str,
        variant: &'static str,
        town: Town,
        instruction: Instruction,
    ) -> Self {
        Self {
            name,
            variant,
            others: town.others(),
            world: town.world,
            before: None,
            instruction,
        }
    }

    /// The scene's title.
    pub fn title(&self) -> String {
        match self.variant {
            "" => self.name.to_string(),
            variant => format!("{} ({variant})", self.name),
        }
    }

    /// Sends the instruction, or another in its place.
    pub fn send(&self, world: &mut World, instruction: &Instruction) -> Outcome {
        let instructions: Vec<Instruction> =
            self.before.iter().chain([instruction]).cloned().collect();
        submit(world, instructions)
    }
}

/// Sends instructions, signed by whoever must sign as far as their keys are known. Who has no key does not sign.
pub fn submit(world: &mut World, mut instructions: Vec<Instruction>) -> Outcome {
    let mut signers = Vec::new();
    for instruction in &mut instructions {
        for meta in instruction
            .accounts
            .iter_mut()
            .filter(|meta| meta.is_signer)
        {
            match keypair_of(&meta.pubkey) {
                Some(keypair) => signers.push(keypair),
                None => meta.is_signer = false,
            }
        }
    }
    world.send(&instructions, &signers)
}
