//! Executing what was approved.

use portcullis::{accounts as metas, instruction as data};
use solana_sdk::{instruction::Instruction, pubkey::Pubkey};
use solana_sdk_ids::{bpf_loader_upgradeable, sysvar};

use super::{Builder, ProposalKeys};
use crate::pda;

impl Builder {
    /// `execute_upgrade`. Signer: executor. Costs half a compute unit a byte of the ELF. `predecessor_gate`: the one that the
    /// proposal names.
    pub fn execute_upgrade(
        &self,
        keys: &ProposalKeys,
        buffer: Pubkey,
        spill: Pubkey,
        executor: Pubkey,
        predecessor_gate: Option<Pubkey>,
    ) -> Instruction {
        self.build_on(
            keys,
            metas::ExecuteUpgrade {
                executor,
                subject: self.subject(keys),
                predecessor_gate,
                program: keys.program(),
                programdata: pda::programdata(&keys.program()),
                buffer,
                spill,
                authority: pda::authority(&self.portcullis, &keys.program()),
                rent: sysvar::rent::ID,
                clock: sysvar::clock::ID,
                loader_program: bpf_loader_upgradeable::ID,
            },
            data::ExecuteUpgrade {},
        )
    }

    /// `execute_change`. Signer: executor.
    pub fn execute_change(&self, keys: &ProposalKeys, executor: Pubkey) -> Instruction {
        self.build_writing_council(
            keys,
            metas::ExecuteChange {
                executor,
                subject: self.subject(keys),
            },
            data::ExecuteChange {},
        )
    }

    /// `transfer_authority`. Signers: executor, and the new authority where the proposal demands it.
    pub fn transfer_authority(
        &self,
        keys: &ProposalKeys,
        executor: Pubkey,
        new_authority: Pubkey,
        checked: bool,
    ) -> Instruction {
        let mut instruction = self.build_writing_council(
            keys,
            metas::TransferAuthority {
                executor,
                subject: self.subject(keys),
                held: self.held(keys.program()),
                new_authority,
            },
            data::TransferAuthority {},
        );
        if checked {
            if let Some(last) = instruction.accounts.last_mut() {
                last.is_signer = true;
            }
        }
        instruction
    }

    /// `finalize_program`. Signer: executor.
    pub fn finalize_program(&self, keys: &ProposalKeys, executor: Pubkey) -> Instruction {
        self.build_writing_council(
            keys,
            metas::FinalizeProgram {
                executor,
                subject: self.subject(keys),
                held: self.held(keys.program()),
            },
            data::FinalizeProgram {},
        )
    }

    /// `move_gate`. Signers: executor, accepting proposer.
    pub fn move_gate(
        &self,
        keys: &ProposalKeys,
        executor: Pubkey,
        accepting_proposer: Pubkey,
        new_council: Pubkey,
    ) -> Instruction {
        self.build_writing_council(
            keys,
            metas::MoveGate {
                executor,
                subject: self.subject(keys),
                accepting_proposer,
                new_council,
            },
            data::MoveGate {},
        )
    }
}
