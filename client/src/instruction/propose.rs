//! Making proposals.

use portcullis::{
    accounts as metas, instruction as data,
    transitions::{ChangeArgs, UpgradeArgs},
};
use solana_sdk::{instruction::Instruction, pubkey::Pubkey};
use solana_sdk_ids::{bpf_loader_upgradeable, system_program, sysvar};

use super::{Builder, ProposalKeys};
use crate::pda;

impl Builder {
    /// `propose_upgrade`. Signers: proposer, payer. `keys.index` is the gate's `proposal_count`.
    pub fn propose_upgrade(
        &self,
        keys: &ProposalKeys,
        buffer: Pubkey,
        spill: Pubkey,
        proposer: Pubkey,
        payer: Pubkey,
        args: UpgradeArgs,
    ) -> Instruction {
        self.build_on(
            keys,
            metas::ProposeUpgrade {
                proposer,
                payer,
                council: keys.council,
                gate: self.gate(&keys.program()),
                proposal: self.proposal(keys),
                buffer,
                authority: pda::authority(&self.portcullis, &keys.program()),
                spill,
                slot_hashes: sysvar::slot_hashes::ID,
                loader_program: bpf_loader_upgradeable::ID,
                system_program: system_program::ID,
            },
            data::ProposeUpgrade { args },
        )
    }

    /// `repropose_upgrade`. Signers: proposer, payer. `former`: the index of the ended proposal, whose buffer goes over.
    pub fn repropose_upgrade(
        &self,
        keys: &ProposalKeys,
        former: u32,
        proposer: Pubkey,
        payer: Pubkey,
        args: UpgradeArgs,
    ) -> Instruction {
        self.build_on(
            keys,
            metas::ReproposeUpgrade {
                proposer,
                payer,
                council: keys.council,
                gate: self.gate(&keys.program()),
                former: self.proposal(&ProposalKeys {
                    index: former,
                    ..*keys
                }),
                proposal: self.proposal(keys),
                slot_hashes: sysvar::slot_hashes::ID,
                system_program: system_program::ID,
            },
            data::ReproposeUpgrade { args },
        )
    }

    /// `propose_change`. Signers: proposer, payer. `keys.index` is the parent's `proposal_count`.
    pub fn propose_change(
        &self,
        keys: &ProposalKeys,
        proposer: Pubkey,
        payer: Pubkey,
        args: ChangeArgs,
    ) -> Instruction {
        self.build_on(
            keys,
            metas::ProposeChange {
                proposer,
                payer,
                council: keys.council,
                gate: self.gate_of(keys),
                proposal: self.proposal(keys),
                slot_hashes: sysvar::slot_hashes::ID,
                system_program: system_program::ID,
            },
            data::ProposeChange { args },
        )
    }
}
