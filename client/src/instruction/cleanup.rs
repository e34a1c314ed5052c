//! What is left to do once a proposal has ended.

use portcullis::{accounts as metas, instruction as data};
use solana_sdk::{instruction::Instruction, pubkey::Pubkey};
use solana_sdk_ids::bpf_loader_upgradeable;

use super::{Builder, ProposalKeys};
use crate::pda;

impl Builder {
    /// `return_buffer`. No signer.
    pub fn return_buffer(
        &self,
        keys: &ProposalKeys,
        buffer: Pubkey,
        depositor: Pubkey,
    ) -> Instruction {
        self.build_on(
            keys,
            metas::ReturnBuffer {
                subject: self.subject(keys),
                buffer,
                authority: pda::authority(&self.portcullis, &keys.program()),
                depositor,
                loader_program: bpf_loader_upgradeable::ID,
            },
            data::ReturnBuffer {},
        )
    }

    /// `close_buffer`. No signer.
    pub fn close_buffer(&self, keys: &ProposalKeys, buffer: Pubkey, spill: Pubkey) -> Instruction {
        self.build_on(
            keys,
            metas::CloseBuffer {
                subject: self.subject(keys),
                buffer,
                authority: pda::authority(&self.portcullis, &keys.program()),
                spill,
                loader_program: bpf_loader_upgradeable::ID,
            },
            data::CloseBuffer {},
        )
    }

    /// `close_proposal`. No signer.
    pub fn close_proposal(&self, keys: &ProposalKeys, rent_payer: Pubkey) -> Instruction {
        self.build_on(
            keys,
            metas::CloseProposal {
                subject: self.subject(keys),
                rent_payer,
            },
            data::CloseProposal {},
        )
    }
}
