//! Attestations.

use portcullis::{
    accounts as metas, instruction as data,
    transitions::{AttestArgs, VoteArgs},
};
use solana_sdk::{instruction::Instruction, pubkey::Pubkey};
use solana_sdk_ids::{system_program, sysvar};

use super::{Builder, ProposalKeys};

impl Builder {
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
}
