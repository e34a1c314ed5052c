//! Steps of a hash as instructions, and what happens on chain without one of Portcullis's.

use portcullis::instructions::HashStepArgs;
use portcullis_client::pda;
use solana_sdk::{instruction::Instruction, pubkey::Pubkey, signer::Signer};

use super::*;
use crate::{elf, steps::STEP, World, BUILDER};

impl Model {
    pub fn target_key(&self, target: Target) -> Pubkey {
        match target {
            Target::Proposal(id) => self.address(id),
            Target::Gate(program) => start::gate(program),
        }
    }

    pub(super) fn hash_instruction(&self, step: &HashStep) -> Instruction {
        let [payer, refund] =
            [step.payer, step.refund].map(|payer| start::payers()[payer].pubkey());
        let args = HashStepArgs {
            offset: step.offset,
            len: step.len,
        };
        match step.target {
            Target::Proposal(id) => {
                BUILDER.hash_buffer(&self.keys(id), self.buffer_key(id), payer, refund, args)
            }
            Target::Gate(program) => {
                let council = self.gates[program].as_ref().map_or(0, |gate| gate.council);
                let (council, program) = (start::council(council), start::program(program));
                BUILDER.hash_program(council, program, payer, refund, args)
            }
        }
    }

    /// The steps that [`Action::Advance`] stands for, and the account as it is after them.
    pub fn advanced(&self, target: Target, world: &mut World) -> Vec<Instruction> {
        let (Some(far), Some(hashing)) = (self.far(target), self.hashings.get(&target)) else {
            return vec![];
        };
        let words = start::words(hashing.build, far);
        let key = pda::hashing(&portcullis::ID, &self.target_key(target));
        world.forge(&key, |account| {
            for (to, word) in account.data[80..112].chunks_mut(4).zip(words) {
                to.copy_from_slice(&word.to_le_bytes());
            }
            account.data[112..].copy_from_slice(&far.to_le_bytes());
        });
        let steps = (hashing.done..far).step_by(STEP as usize);
        steps
            .map(|offset| {
                self.hash_instruction(&HashStep {
                    target,
                    payer: hashing.payer,
                    refund: hashing.payer,
                    offset,
                    len: STEP.min(far - offset),
                })
            })
            .collect()
    }

    /// Does on chain what needs no instruction of Portcullis.
    pub fn happen(&self, action: &Action, world: &mut World) {
        match action {
            Action::Wait { seconds, slots } => {
                let now = world.now();
                world.set_timestamp(now.timestamp + seconds);
                world.set_slot(now.slot + slots);
            }
            Action::Extend { program } => {
                let (slot, key) = (
                    world.now().slot,
                    pda::programdata(&start::program(*program)),
                );
                world.forge(&key, |account| {
                    account
                        .data
                        .resize(account.data.len() + start::EXTENSION, 0);
                    account.data[4..12].copy_from_slice(&slot.to_le_bytes());
                    account.lamports = elf::rent(account.data.len());
                });
            }
            Action::Write {
                buffer,
                build,
                holder,
            } => {
                let account = elf::buffer(Some(start::key(*holder)), start::build(*build));
                world.put(&start::buffer(*buffer), account);
            }
            _ => {}
        }
    }
}
