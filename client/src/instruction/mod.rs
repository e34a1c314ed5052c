//! A builder for each instruction of the program. They derive what can be derived and take the rest; nothing is fetched.

mod adopt;
mod attest;
mod cleanup;
mod council;
mod execute;
mod hash;
mod propose;
mod vote;

use anchor_lang::{prelude::AccountMeta, InstructionData, ToAccountMetas};
use portcullis::accounts as metas;
use solana_sdk::{instruction::Instruction, pubkey::Pubkey};
use solana_sdk_ids::bpf_loader_upgradeable;

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
    /// The program that the proposal's gate governs; none where the proposal is about the council itself.
    pub program: Option<Pubkey>,
    /// The proposal's index within its gate or council.
    pub index: u32,
}

impl ProposalKeys {
    /// The keys of a proposal about the gate of `program`.
    pub fn of_gate(council: Pubkey, program: Pubkey, index: u32) -> Self {
        Self {
            council,
            program: Some(program),
            index,
        }
    }

    /// The keys of a proposal about the council itself.
    pub fn of_council(council: Pubkey, index: u32) -> Self {
        Self {
            council,
            program: None,
            index,
        }
    }

    /// The gate's program. Of a council's proposal the default key, which the program refuses wherever it needs a gate.
    pub fn program(&self) -> Pubkey {
        self.program.unwrap_or_default()
    }
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

    /// An instruction on a proposal. One about the council itself writes to the council.
    fn build_on(
        &self,
        keys: &ProposalKeys,
        accounts: impl ToAccountMetas,
        data: impl InstructionData,
    ) -> Instruction {
        match keys.program {
            Some(_) => self.build(accounts, data),
            None => self.build_writing_council(keys, accounts, data),
        }
    }

    /// An instruction that writes to the council, which most others on a proposal only read.
    fn build_writing_council(
        &self,
        keys: &ProposalKeys,
        accounts: impl ToAccountMetas,
        data: impl InstructionData,
    ) -> Instruction {
        let mut instruction = self.build(accounts, data);
        for meta in &mut instruction.accounts {
            if meta.pubkey == keys.council {
                meta.is_writable = true;
            }
        }
        instruction
    }

    /// The gate of a program.
    pub fn gate(&self, program: &Pubkey) -> Pubkey {
        pda::gate(&self.portcullis, program)
    }

    /// The address of a proposal.
    pub fn proposal(&self, keys: &ProposalKeys) -> Pubkey {
        let parent = self.gate_of(keys).unwrap_or(keys.council);
        pda::proposal(&self.portcullis, &parent, keys.index)
    }

    /// The gate that a proposal is about.
    fn gate_of(&self, keys: &ProposalKeys) -> Option<Pubkey> {
        keys.program.map(|program| self.gate(&program))
    }

    /// The account of a proposal's attestation by `attester`.
    pub fn attestation(&self, keys: &ProposalKeys, attester: &Pubkey) -> Pubkey {
        pda::attestation(&self.portcullis, &self.proposal(keys), attester)
    }

    fn subject(&self, keys: &ProposalKeys) -> metas::Subject {
        metas::Subject {
            council: keys.council,
            gate: self.gate_of(keys),
            proposal: self.proposal(keys),
        }
    }

    fn held(&self, program: Pubkey) -> metas::Held {
        metas::Held {
            program,
            programdata: pda::programdata(&program),
            authority: pda::authority(&self.portcullis, &program),
            loader_program: bpf_loader_upgradeable::ID,
        }
    }
}
