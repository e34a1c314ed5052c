//! Adopting a program, and giving it back.

use portcullis::{accounts as metas, instruction as data, transitions::AdoptArgs};
use solana_sdk::{instruction::Instruction, pubkey::Pubkey};
use solana_sdk_ids::{bpf_loader_upgradeable, system_program};

use super::Builder;
use crate::pda;

impl Builder {
    /// `adopt_program`. Signers: proposer, payer, upgrade authority.
    pub fn adopt_program(
        &self,
        council: Pubkey,
        program: Pubkey,
        upgrade_authority: Pubkey,
        proposer: Pubkey,
        payer: Pubkey,
        args: AdoptArgs,
    ) -> Instruction {
        self.build(
            metas::AdoptProgram {
                proposer,
                payer,
                upgrade_authority,
                council,
                gate: self.gate(&program),
                authority: pda::authority(&self.portcullis, &program),
                program,
                programdata: pda::programdata(&program),
                loader_program: bpf_loader_upgradeable::ID,
                system_program: system_program::ID,
            },
            data::AdoptProgram { args },
        )
    }

    /// `abandon_adoption`. Signer: the former upgrade authority.
    pub fn abandon_adoption(
        &self,
        council: Pubkey,
        program: Pubkey,
        former_authority: Pubkey,
    ) -> Instruction {
        self.build(
            metas::AbandonAdoption {
                former_authority,
                council,
                gate: self.gate(&program),
                held: self.held(program),
            },
            data::AbandonAdoption {},
        )
    }
}
