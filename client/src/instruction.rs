//! A builder for each instruction of the program. They derive what can be derived and take the rest; nothing is fetched.

use anchor_lang::{prelude::AccountMeta, InstructionData, ToAccountMetas};
use portcullis::{
    accounts as metas, instruction as data,
    state::Member,
    transitions::{AdoptArgs, CreateCouncilArgs, UpgradeArgs, VoteArgs},
};
use solana_sdk::{instruction::Instruction, pubkey::Pubkey};
use solana_sdk_ids::{bpf_loader_upgradeable, system_program, sysvar};

use crate::pda;

/// Builds instructions for one instance of Portcullis.
#[derive(Clone, Copy, Debug)]
pub struct Builder {
    /// The program id of the instance.
    pub portcullis: Pubkey,
}

impl Default for Builder {
    fn default() -> Self {
        Self {
            portcullis: portcullis::ID,
        }
    }
}

/// The accounts that every instruction on a proposal names.
#[derive(Clone, Copy, Debug)]
pub struct ProposalKeys {
    pub council: Pubkey,
    /// The program that the proposal's gate governs.
    pub program: Pubkey,
    /// The proposal's index within its gate.
    pub index: u32,
}

impl Builder {
    fn build(&self, accounts: impl ToAccountMetas, data: impl InstructionData) -> Instruction {
        let accounts: Vec<AccountMeta> = accounts.to_account_metas(None);
        Instruction {
            program_id: self.portcullis,
            accounts,
            data: data.data(),
        }
    }

    /// The gate of a program.
    pub fn gate(&self, program: &Pubkey) -> Pubkey {
        pda::gate(&self.portcullis, program)
    }

    /// The address of a proposal.
    pub fn proposal(&self, keys: &ProposalKeys) -> Pubkey {
        pda::proposal(&self.portcullis, &self.gate(&keys.program), keys.index)
    }

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

    fn build_council(&self, create_key: Pubkey) -> metas::BuildCouncil {
        metas::BuildCouncil {
            create_key,
            council: pda::council(&self.portcullis, &create_key),
        }
    }

    /// `add_members`. Signer: create key.
    pub fn add_members(&self, create_key: Pubkey, members: Vec<Member>) -> Instruction {
        self.build(self.build_council(create_key), data::AddMembers { members })
    }

    /// `seal_council`. Signer: create key.
    pub fn seal_council(&self, create_key: Pubkey) -> Instruction {
        self.build(self.build_council(create_key), data::SealCouncil {})
    }

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
        self.build(
            metas::ProposeUpgrade {
                proposer,
                payer,
                council: keys.council,
                gate: self.gate(&keys.program),
                proposal: self.proposal(keys),
                buffer,
                authority: pda::authority(&self.portcullis, &keys.program),
                spill,
                slot_hashes: sysvar::slot_hashes::ID,
                loader_program: bpf_loader_upgradeable::ID,
                system_program: system_program::ID,
            },
            data::ProposeUpgrade { args },
        )
    }

    /// `verify_buffer`. No signer. Costs half a compute unit a byte of the ELF.
    pub fn verify_buffer(&self, keys: &ProposalKeys, buffer: Pubkey) -> Instruction {
        self.build(
            metas::VerifyBuffer {
                subject: self.subject(keys),
                buffer,
            },
            data::VerifyBuffer {},
        )
    }

    /// `approve`. Signer: member.
    pub fn approve(&self, keys: &ProposalKeys, member: Pubkey, args: VoteArgs) -> Instruction {
        self.build(
            metas::Approve {
                member,
                subject: self.subject(keys),
                instructions: sysvar::instructions::ID,
            },
            data::Approve { args },
        )
    }

    fn subject(&self, keys: &ProposalKeys) -> metas::Subject {
        metas::Subject {
            council: keys.council,
            gate: self.gate(&keys.program),
            proposal: self.proposal(keys),
        }
    }

    fn oppose(&self, keys: &ProposalKeys, member: Pubkey) -> metas::Oppose {
        metas::Oppose {
            member,
            subject: self.subject(keys),
        }
    }

    /// `reject`. Signer: member.
    pub fn reject(&self, keys: &ProposalKeys, member: Pubkey, args: VoteArgs) -> Instruction {
        self.build(self.oppose(keys, member), data::Reject { args })
    }

    /// `retract`. Signer: member.
    pub fn retract(&self, keys: &ProposalKeys, member: Pubkey, args: VoteArgs) -> Instruction {
        self.build(self.oppose(keys, member), data::Retract { args })
    }

    /// `veto`. Signer: member, a guardian.
    pub fn veto(&self, keys: &ProposalKeys, member: Pubkey, args: VoteArgs) -> Instruction {
        self.build(self.oppose(keys, member), data::Veto { args })
    }

    /// `cancel`. Signer: proposer.
    pub fn cancel(&self, keys: &ProposalKeys, proposer: Pubkey) -> Instruction {
        self.build(
            metas::Cancel {
                proposer,
                subject: self.subject(keys),
            },
            data::Cancel {},
        )
    }

    /// `queue`. No signer.
    pub fn queue(&self, keys: &ProposalKeys) -> Instruction {
        self.build(
            metas::Queue {
                subject: self.subject(keys),
            },
            data::Queue {},
        )
    }

    /// `execute_upgrade`. Signer: executor. Costs half a compute unit a byte of the ELF.
    pub fn execute_upgrade(
        &self,
        keys: &ProposalKeys,
        buffer: Pubkey,
        spill: Pubkey,
        executor: Pubkey,
    ) -> Instruction {
        self.build(
            metas::ExecuteUpgrade {
                executor,
                subject: self.subject(keys),
                program: keys.program,
                programdata: pda::programdata(&keys.program),
                buffer,
                spill,
                authority: pda::authority(&self.portcullis, &keys.program),
                rent: sysvar::rent::ID,
                clock: sysvar::clock::ID,
                loader_program: bpf_loader_upgradeable::ID,
            },
            data::ExecuteUpgrade {},
        )
    }

    /// `return_buffer`. No signer.
    pub fn return_buffer(
        &self,
        keys: &ProposalKeys,
        buffer: Pubkey,
        depositor: Pubkey,
    ) -> Instruction {
        self.build(
            metas::ReturnBuffer {
                subject: self.subject(keys),
                buffer,
                authority: pda::authority(&self.portcullis, &keys.program),
                depositor,
                loader_program: bpf_loader_upgradeable::ID,
            },
            data::ReturnBuffer {},
        )
    }

    /// `close_buffer`. No signer.
    pub fn close_buffer(&self, keys: &ProposalKeys, buffer: Pubkey, spill: Pubkey) -> Instruction {
        self.build(
            metas::CloseBuffer {
                subject: self.subject(keys),
                buffer,
                authority: pda::authority(&self.portcullis, &keys.program),
                spill,
                loader_program: bpf_loader_upgradeable::ID,
            },
            data::CloseBuffer {},
        )
    }

    /// `close_proposal`. No signer.
    pub fn close_proposal(&self, keys: &ProposalKeys, rent_payer: Pubkey) -> Instruction {
        self.build(
            metas::CloseProposal {
                subject: self.subject(keys),
                rent_payer,
            },
            data::CloseProposal {},
        )
    }
}
