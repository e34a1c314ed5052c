//! Hashing in steps, of buffers and of programs that one transaction cannot hash.

use portcullis::{
    digest::Commitment, instructions::HashStepArgs, state::Hashing, transitions::AdoptArgs,
};
use portcullis_client::{account::PROGRAMDATA_HEADER, pda};
use solana_sdk::{pubkey::Pubkey, signature::Keypair, signer::Signer};

use crate::{elf, keys::*, refusal::Outcome, Proposed, Setup, World, BUILDER};

/// Bytes that one step hashes within a transaction's compute units: whole blocks.
pub const STEP: u32 = 22_016;
/// The shortest ELF that is hashed in steps.
pub const SHORTEST: usize = 2_600_001;
/// The longest ELF: programdata's header beside it, 10 MiB in all.
pub const LONGEST: usize = 10 * 1_024 * 1_024 - PROGRAMDATA_HEADER;

/// The steps of an ELF of this length.
pub fn steps(len: usize) -> Vec<HashStepArgs> {
    let len = u32::try_from(len).unwrap();
    (0..len)
        .step_by(STEP as usize)
        .map(|offset| HashStepArgs {
            offset,
            len: STEP.min(len - offset),
        })
        .collect()
}

/// A world whose program is this long, adopted as far as one transaction can.
pub fn adopting(content: &[u8]) -> World {
    let setup = Setup {
        deployed: content.to_vec(),
        ..Setup::default()
    };
    setup.build()
}

/// A world whose program is [`SHORTEST`], adopted: it is hashed once for all tests of a file.
pub fn adopted() -> World {
    use std::sync::OnceLock;
    static WORLD: OnceLock<World> = OnceLock::new();
    WORLD
        .get_or_init(|| {
            let mut world = adopting(&elf::large(SHORTEST, 0xab));
            world.hash_whole_program();
            world
        })
        .clone()
}

impl World {
    /// The hash in the making of a proposal's buffer.
    pub fn hashing(&self, proposed: &Proposed) -> Pubkey {
        pda::hashing(&portcullis::ID, &proposed.address)
    }

    /// Bytes of the buffer that are hashed so far.
    pub fn hashed(&self, proposed: &Proposed) -> u32 {
        self.read::<Hashing>(&self.hashing(proposed)).state.hashed()
    }

    /// A step on a buffer by a stranger; `payer()` began it, or begins it.
    pub fn hash(&mut self, proposed: &Proposed, args: HashStepArgs) -> Outcome {
        self.hash_by(proposed, args, payer(), &payer().pubkey())
    }

    pub fn hash_by(
        &mut self,
        proposed: &Proposed,
        args: HashStepArgs,
        by: &Keypair,
        rent_payer: &Pubkey,
    ) -> Outcome {
        let step = BUILDER.hash_buffer(
            &proposed.keys,
            proposed.buffer,
            by.pubkey(),
            *rent_payer,
            args,
        );
        self.send(&[step], &[by])
    }

    /// All steps on a buffer; returns how many those are.
    pub fn hash_whole(&mut self, proposed: &Proposed) -> usize {
        let len = self.proposal(proposed).terms.len as usize;
        let steps = steps(len);
        for step in &steps {
            self.hash(proposed, *step).unwrap();
        }
        steps.len()
    }

    /// A step on the program that is being adopted.
    pub fn hash_program(&mut self, args: HashStepArgs) -> Outcome {
        self.hash_program_by(args, payer(), &payer().pubkey())
    }

    pub fn hash_program_by(
        &mut self,
        args: HashStepArgs,
        by: &Keypair,
        rent_payer: &Pubkey,
    ) -> Outcome {
        let step = BUILDER.hash_program(self.council, self.program, by.pubkey(), *rent_payer, args);
        self.send(&[step], &[by])
    }

    /// All steps on the program; returns how many those are.
    pub fn hash_whole_program(&mut self) -> usize {
        let steps = steps(self.gate().release.len as usize);
        for step in &steps {
            self.hash_program(*step).unwrap();
        }
        steps.len()
    }

    /// Closes the hash in the making of a proposal or a gate.
    pub fn close_hashing(&mut self, target: &Pubkey, rent_payer: &Pubkey) -> Outcome {
        self.send(&[BUILDER.close_hashing(*target, *rent_payer)], &[])
    }

    /// The former upgrade authority, or who claims to be it, takes the program back.
    pub fn abandon(&mut self, by: &Keypair) -> Outcome {
        let abandon = BUILDER.abandon_adoption(self.council, self.program, by.pubkey());
        self.send(&[abandon], &[by])
    }

    /// Adopts the program again, with these bytes.
    pub fn adopt_anew(&mut self, deployed: Commitment) -> Outcome {
        let adopt = self.adopt_instruction(
            self.program,
            AdoptArgs {
                epoch: self.council().config_epoch,
                policy: self.gate().policy,
                deployed,
            },
        );
        self.send(&[adopt], &[upgrade_authority(), voter(0)])
    }
}
