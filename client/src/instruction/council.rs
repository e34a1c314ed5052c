//! Making a council.

use portcullis::{
    accounts as metas, instruction as data, state::Member, transitions::CreateCouncilArgs,
};
use solana_sdk::{instruction::Instruction, pubkey::Pubkey};
use solana_sdk_ids::system_program;

use super::Builder;
use crate::pda;

impl Builder {
    /// `create_council`. Signers: create key, payer.
    pub fn create_council(
        &self,
        create_key: Pubkey,
        payer: Pubkey,
        args: CreateCouncilArgs,
    ) -> Instruction {
        self.build(
            metas::CreateCouncil {
                create_key,
                payer,
                council: pda::council(&self.portcullis, &create_key),
                system_program: system_program::ID,
            },
            data::CreateCouncil { args },
        )
    }

    /// `add_members`. Signer: create key.
    pub fn add_members(&self, create_key: Pubkey, members: Vec<Member>) -> Instruction {
        self.build(self.build_council(create_key), data::AddMembers { members })
    }

    /// `seal_council`. Signer: create key.
    pub fn seal_council(&self, create_key: Pubkey) -> Instruction {
        self.build(self.build_council(create_key), data::SealCouncil {})
    }

    fn build_council(&self, create_key: Pubkey) -> metas::BuildCouncil {
        metas::BuildCouncil {
            create_key,
            council: pda::council(&self.portcullis, &create_key),
        }
    }
}
