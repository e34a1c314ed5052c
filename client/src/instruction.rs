//! A builder for each instruction of the program. They derive what can be derived and take the rest; nothing is fetched.

use anchor_lang::{prelude::AccountMeta, InstructionData, ToAccountMetas};
use portcullis::{
    accounts as metas, instruction as data,
    instructions::{HashStepArgs, RelayVoteArgs},
    state::Member,
    transitions::{AdoptArgs, AttestArgs, ChangeArgs, CreateCouncilArgs, UpgradeArgs, VoteArgs},
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
        let mut instruction = self.build(accounts, data);
        if keys.program.is_none() {
            writable(&mut instruction, &keys.council);
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

    /// `approve`. Signer: member.
    pub fn approve(&self, keys: &ProposalKeys, member: Pubkey, args: VoteArgs) -> Instruction {
        self.build_on(
            keys,
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
            gate: self.gate_of(keys),
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
        self.build_on(keys, self.oppose(keys, member), data::Reject { args })
    }

    /// `retract`. Signer: member.
    pub fn retract(&self, keys: &ProposalKeys, member: Pubkey, args: VoteArgs) -> Instruction {
        self.build_on(keys, self.oppose(keys, member), data::Retract { args })
    }

    /// `veto`. Signer: member, a guardian.
    pub fn veto(&self, keys: &ProposalKeys, member: Pubkey, args: VoteArgs) -> Instruction {
        self.build_on(keys, self.oppose(keys, member), data::Veto { args })
    }

    /// `cancel`. Signer: proposer.
    pub fn cancel(&self, keys: &ProposalKeys, proposer: Pubkey) -> Instruction {
        self.build_on(
            keys,
            metas::Cancel {
                proposer,
                subject: self.subject(keys),
            },
            data::Cancel {},
        )
    }

    /// `queue`. No signer.
    pub fn queue(&self, keys: &ProposalKeys) -> Instruction {
        self.build_on(
            keys,
            metas::Queue {
                subject: self.subject(keys),
            },
            data::Queue {},
        )
    }

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

    /// `trigger`. Signer: member, a guardian.
    pub fn trigger(&self, keys: &ProposalKeys, member: Pubkey, args: VoteArgs) -> Instruction {
        self.build_on(
            keys,
            metas::Approve {
                member,
                subject: self.subject(keys),
                instructions: sysvar::instructions::ID,
            },
            data::Trigger { args },
        )
    }

    /// `relay_vote`. No signer; the ed25519 program's instruction stands immediately before it.
    pub fn relay_vote(
        &self,
        keys: &ProposalKeys,
        member: Pubkey,
        args: RelayVoteArgs,
    ) -> Instruction {
        self.build_on(
            keys,
            metas::RelayVote {
                member,
                subject: self.subject(keys),
                instructions: sysvar::instructions::ID,
            },
            data::RelayVote { args },
        )
    }

    fn attestation_record(
        &self,
        keys: &ProposalKeys,
        attester: &Pubkey,
        payer: Pubkey,
    ) -> metas::AttestationRecord {
        metas::AttestationRecord {
            payer,
            subject: self.subject(keys),
            attestation: self.attestation(keys, attester),
            instructions: sysvar::instructions::ID,
            system_program: system_program::ID,
        }
    }

    /// `attest`. Signers: attester, payer.
    pub fn attest(
        &self,
        keys: &ProposalKeys,
        attester: Pubkey,
        payer: Pubkey,
        args: AttestArgs,
    ) -> Instruction {
        self.build_on(
            keys,
            metas::Attest {
                attester,
                record: self.attestation_record(keys, &attester, payer),
            },
            data::Attest { args },
        )
    }

    /// `relay_attestation`. Signer: payer; the ed25519 program's instruction stands immediately before it.
    pub fn relay_attestation(
        &self,
        keys: &ProposalKeys,
        attester: Pubkey,
        payer: Pubkey,
        args: AttestArgs,
    ) -> Instruction {
        self.build_on(
            keys,
            metas::RelayAttestation {
                attester,
                record: self.attestation_record(keys, &attester, payer),
            },
            data::RelayAttestation { args },
        )
    }

    /// `revoke_attestation`. Signer: attester.
    pub fn revoke_attestation(
        &self,
        keys: &ProposalKeys,
        attester: Pubkey,
        rent_payer: Pubkey,
        args: VoteArgs,
    ) -> Instruction {
        self.build_on(
            keys,
            metas::RevokeAttestation {
                attester,
                subject: self.subject(keys),
                attestation: self.attestation(keys, &attester),
                rent_payer,
            },
            data::RevokeAttestation { args },
        )
    }

    /// `close_attestation`. No signer. The proposal's account is closed before.
    pub fn close_attestation(
        &self,
        keys: &ProposalKeys,
        attester: Pubkey,
        rent_payer: Pubkey,
    ) -> Instruction {
        self.build_on(
            keys,
            metas::CloseAttestation {
                proposal: self.proposal(keys),
                attestation: self.attestation(keys, &attester),
                rent_payer,
            },
            data::CloseAttestation {},
        )
    }

    /// `execute_change`. Signer: executor.
    pub fn execute_change(&self, keys: &ProposalKeys, executor: Pubkey) -> Instruction {
        let mut instruction = self.build_on(
            keys,
            metas::ExecuteChange {
                executor,
                subject: self.subject(keys),
            },
            data::ExecuteChange {},
        );
        writable(&mut instruction, &keys.council);
        instruction
    }

    fn held(&self, program: Pubkey) -> metas::Held {
        metas::Held {
            program,
            programdata: pda::programdata(&program),
            authority: pda::authority(&self.portcullis, &program),
            loader_program: bpf_loader_upgradeable::ID,
        }
    }

    /// `transfer_authority`. Signers: executor, and the new authority where the proposal demands it.
    pub fn transfer_authority(
        &self,
        keys: &ProposalKeys,
        executor: Pubkey,
        new_authority: Pubkey,
        checked: bool,
    ) -> Instruction {
        let mut instruction = self.build_on(
            keys,
            metas::TransferAuthority {
                executor,
                subject: self.subject(keys),
                held: self.held(keys.program()),
                new_authority,
            },
            data::TransferAuthority {},
        );
        writable(&mut instruction, &keys.council);
        if checked {
            if let Some(last) = instruction.accounts.last_mut() {
                last.is_signer = true;
            }
        }
        instruction
    }

    /// `finalize_program`. Signer: executor.
    pub fn finalize_program(&self, keys: &ProposalKeys, executor: Pubkey) -> Instruction {
        let mut instruction = self.build_on(
            keys,
            metas::FinalizeProgram {
                executor,
                subject: self.subject(keys),
                held: self.held(keys.program()),
            },
            data::FinalizeProgram {},
        );
        writable(&mut instruction, &keys.council);
        instruction
    }

    /// `move_gate`. Signers: executor, accepting proposer.
    pub fn move_gate(
        &self,
        keys: &ProposalKeys,
        executor: Pubkey,
        accepting_proposer: Pubkey,
        new_council: Pubkey,
    ) -> Instruction {
        let mut instruction = self.build_on(
            keys,
            metas::MoveGate {
                executor,
                subject: self.subject(keys),
                accepting_proposer,
                new_council,
            },
            data::MoveGate {},
        );
        writable(&mut instruction, &keys.council);
        instruction
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

/// Lets an instruction write to an account that most others of its kind only read.
fn writable(instruction: &mut Instruction, key: &Pubkey) {
    for meta in &mut instruction.accounts {
        if meta.pubkey == *key {
            meta.is_writable = true;
        }
    }
}
