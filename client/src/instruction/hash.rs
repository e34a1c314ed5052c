//! Hashing buffers and programs, at once or in steps.

use portcullis::{accounts as metas, instruction as data, instructions::HashStepArgs};
use solana_sdk::{instruction::Instruction, pubkey::Pubkey};
use solana_sdk_ids::system_program;

use super::{Builder, ProposalKeys};
use crate::pda;

impl Builder {
    /// `verify_buffer`. No signer. Costs half a compute unit a byte of the ELF.
    pub fn verify_buffer(&self, keys: &ProposalKeys, buffer: Pubkey) -> Instruction {
        self.build_on(
            keys,
            metas::VerifyBuffer {
                subject: self.subject(keys),
                buffer,
            },
            data::VerifyBuffer {},
        )
    }

    /// `hash_buffer`. Signer: payer. `rent_payer`: who paid for the first step. Costs 61 compute units a byte.
    pub fn hash_buffer(
        &self,
        keys: &ProposalKeys,
        buffer: Pubkey,
        payer: Pubkey,
        rent_payer: Pubkey,
        args: HashStepArgs,
    ) -> Instruction {
        self.build_on(
            keys,
            metas::HashBuffer {
                subject: self.subject(keys),
                buffer,
                progress: self.progress(&self.proposal(keys), payer, rent_payer),
            },
            data::HashBuffer { args },
        )
    }

    /// `hash_program`. Signer: payer. `rent_payer`: who paid for the first step. Costs 61 compute units a byte.
    pub fn hash_program(
        &self,
        council: Pubkey,
        program: Pubkey,
        payer: Pubkey,
        rent_payer: Pubkey,
        args: HashStepArgs,
    ) -> Instruction {
        let gate = self.gate(&program);
        self.build(
            metas::HashProgram {
                council,
                gate,
                programdata: pda::programdata(&program),
                progress: self.progress(&gate, payer, rent_payer),
            },
            data::HashProgram { args },
        )
    }

    /// `close_hashing`. No signer. `target`: the proposal or the gate.
    pub fn close_hashing(&self, target: Pubkey, rent_payer: Pubkey) -> Instruction {
        self.build(
            metas::CloseHashing {
                target,
                hashing: pda::hashing(&self.portcullis, &target),
                rent_payer,
            },
            data::CloseHashing {},
        )
    }

    fn progress(
        &self,
        target: &Pubkey,
        payer: Pubkey,
        rent_payer: Pubkey,
    ) -> metas::HashInProgress {
        metas::HashInProgress {
            payer,
            hashing: pda::hashing(&self.portcullis, target),
            rent_payer,
            system_program: system_program::ID,
        }
    }
}
