//! An attester attests: a signed statement about what the proposal would run. What the policy requires must be there before
//! `eta` is fixed.

use anchor_lang::prelude::*;

use super::*;
use crate::{
    constants::ATTESTATION_SEED,
    error::PortcullisError,
    message::{Claim, Verb},
    state::Attestation,
    transitions::{self, AttestAccounts, AttestArgs, Signed},
    zero_copy,
};

/// What `attest` and `relay_attestation` have in common.
#[derive(Accounts)]
pub struct AttestationRecord<'info> {
    /// Pays the attestation's rent and gets it back.
    #[account(mut)]
    pub payer: Signer<'info>,

    pub subject: Subject<'info>,

    /// CHECK: its seeds (`zero_copy::create`): new, one of this attester and proposal. System refuses one that exists.
    #[account(mut)]
    pub attestation: UncheckedAccount<'info>,

    /// CHECK: its address. It shows the whole transaction.
    #[account(address = solana_sdk_ids::sysvar::instructions::ID @ PortcullisError::InstructionsSysvarInvalid)]
    pub instructions: UncheckedAccount<'info>,

    pub system_program: Program<'info, System>,
}

#[derive(Accounts)]
pub struct Attest<'info> {
    /// Its ATTEST role and its kinds are checked in `transitions::attest`.
    pub attester: Signer<'info>,

    pub record: AttestationRecord<'info>,
}

#[derive(Accounts)]
pub struct RelayAttestation<'info> {
    /// CHECK: it has signed the message, which `verify_message` checks; its role and kinds in `transitions::attest`.
    pub attester: UncheckedAccount<'info>,

    pub record: AttestationRecord<'info>,
}

impl AttestationRecord<'_> {
    fn write(&self, attester: Pubkey, args: AttestArgs, signed: Signed) -> Result<()> {
        let subject = &self.subject;
        let proposal_key = subject.proposal.key();
        let change = subject.change()?;
        let seeds = [ATTESTATION_SEED, proposal_key.as_ref(), attester.as_ref()];
        let uri = args.statement.uri.clone();
        let (mut record, bump) = zero_copy::create::<Attestation>(
            &self.payer,
            &self.attestation,
            seeds,
            uri.as_bytes(),
        )?;
        subject.apply(|parent, proposal, key, now| {
            match signed {
                Signed::Transaction => refuse_durable_nonce(parent, proposal, &self.instructions)?,
                Signed::Message => verify_message(
                    parent,
                    proposal,
                    change.as_ref(),
                    &self.instructions,
                    &attester,
                    Verb::Attest(Claim {
                        kind: args.kind,
                        statement: &args.statement.sha256,
                        uri: &args.statement.uri,
                        expires_at: args.expires_at,
                    }),
                    &args.vote,
                )?,
            }
            let accounts = AttestAccounts {
                proposal: key,
                attester,
                rent_payer: self.payer.key(),
                bump,
            };
            let (attestation, event) =
                transitions::attest(parent, proposal, &accounts, args, signed, now)?;
            *record = attestation;
            Ok(event)
        })?;
        Ok(())
    }
}

pub fn attest(ctx: Context<Attest>, args: AttestArgs) -> Result<()> {
    let attester = ctx.accounts.attester.key();
    ctx.accounts
        .record
        .write(attester, args, Signed::Transaction)
}

pub fn relay_attestation(ctx: Context<RelayAttestation>, args: AttestArgs) -> Result<()> {
    let attester = ctx.accounts.attester.key();
    ctx.accounts.record.write(attester, args, Signed::Message)
}
