//! Portcullis: the gate that Solana programs' upgrades pass through.
//!
//! A program's upgrade authority goes to its [`Gate`](state::Gate). From then on its bytes change only by a
//! [`Proposal`](state::Proposal) that a [`Council`](state::Council) has approved, after a timelock, and only if the buffer
//! hashes to what was voted for.
//!
//! The rules are in pure modules ([`lifecycle`], [`policy`], [`digest`](mod@digest), [`transitions`]); [`instructions`] check
//! accounts; [`loader`] alone knows loader v3.

// Anchor's macros write code that these lints dislike.
#![allow(clippy::result_large_err, clippy::diverging_sub_expression)]
#![deny(
    clippy::arithmetic_side_effects,
    clippy::indexing_slicing,
    clippy::unwrap_used
)]

#[cfg(target_arch = "bpf")]
use solana_compiler_builtins as _;

pub mod change;
pub mod constants;
pub mod cpi_call;
pub mod decode;
pub mod digest;
#[cfg(all(feature = "own-entrypoint", not(feature = "cpi"), target_os = "solana"))]
mod dispatch;
#[cfg(all(feature = "own-entrypoint", not(feature = "cpi"), target_os = "solana"))]
mod entrypoint;
pub mod error;
pub mod events;
pub mod instructions;
pub mod lifecycle;
pub mod loader;
pub mod message;
pub mod nonce;
pub mod pda;
pub mod policy;
pub mod record;
pub mod sha256;
pub mod state;
pub mod sysvar;
pub mod transitions;
pub mod zero_copy;

use anchor_lang::prelude::*;

use instructions::*;
use state::Member;
use transitions::{AdoptArgs, AttestArgs, ChangeArgs, CreateCouncilArgs, UpgradeArgs, VoteArgs};

declare_id!("9YJvXBYcd5uzK7Qn6BKt2UfR4iZS6vRk5a9poB7RnyNq");

#[cfg(all(feature = "own-entrypoint", not(feature = "cpi"), target_os = "solana"))]
solana_security_txt::security_txt! {
    name: "Portcullis",
    project_url: "https://github.com/portcullis-gate/portcullis",
    contacts: "link:https://github.com/portcullis-gate/portcullis/security/advisories/new",
    policy: "https://github.com/portcullis-gate/portcullis/blob/main/SECURITY.md",
    source_code: "https://github.com/portcullis-gate/portcullis"
}

#[program]
pub mod portcullis {
    use super::*;

    // Votes come first: instructions are told apart in this order, and votes are the ones that many people pay for.

    /// Approves a proposal in `Voting`, `Queued` or `Ready` before its voting deadline. A VOTE member, not in a
    /// durable-nonce transaction.
    pub fn approve(ctx: Context<Approve>, args: VoteArgs) -> Result<()> {
        instructions::approve(ctx, args)
    }

    /// Rejects a proposal in `Voting`, `Queued` or `Ready`. A VOTE member.
    pub fn reject(ctx: Context<Oppose>, args: VoteArgs) -> Result<()> {
        instructions::reject(ctx, args)
    }

    /// Takes an approval or a rejection back, in `Voting`, `Queued` or `Ready`. The member that cast it.
    pub fn retract(ctx: Context<Oppose>, args: VoteArgs) -> Result<()> {
        instructions::retract(ctx, args)
    }

    /// Vetoes a proposal that has not ended. A GUARD member.
    pub fn veto(ctx: Context<Oppose>, args: VoteArgs) -> Result<()> {
        instructions::veto(ctx, args)
    }

    /// Creates a council, unsealed. The create key signs.
    pub fn create_council(ctx: Context<CreateCouncil>, args: CreateCouncilArgs) -> Result<()> {
        instructions::create_council(ctx, args)
    }

    /// Adds members to a council. The council must not be sealed; the create key signs.
    pub fn add_members(ctx: Context<BuildCouncil>, members: Vec<Member>) -> Result<()> {
        instructions::add_members(ctx, members)
    }

    /// Seals a council. Its members must be able to meet its policy; the create key signs.
    pub fn seal_council(ctx: Context<BuildCouncil>) -> Result<()> {
        instructions::seal_council(ctx)
    }

    /// Moves a program's upgrade authority to its new gate. The council must be sealed; the current upgrade authority and
    /// a PROPOSE member sign.
    pub fn adopt_program(ctx: Context<AdoptProgram>, args: AdoptArgs) -> Result<()> {
        instructions::adopt_program(ctx, args)
    }

    /// Proposes an upgrade and takes its buffer into custody. A PROPOSE member, who is the buffer's authority, signs.
    pub fn propose_upgrade(ctx: Context<ProposeUpgrade>, args: UpgradeArgs) -> Result<()> {
        instructions::propose_upgrade(ctx, args)
    }

    /// Hashes the buffer of a `Draft` and opens the vote. Anyone.
    pub fn verify_buffer(ctx: Context<VerifyBuffer>) -> Result<()> {
        instructions::verify_buffer(ctx)
    }

    /// Withdraws a proposal in `Draft` or `Voting`. Its proposer.
    pub fn cancel(ctx: Context<Cancel>) -> Result<()> {
        instructions::cancel(ctx)
    }

    /// Queues an approved proposal in `Voting` whose lane's slot has become free. Anyone.
    pub fn queue(ctx: Context<Queue>) -> Result<()> {
        instructions::queue(ctx)
    }

    /// Executes a proposal that is `Ready`. An EXECUTE member, or anyone where the policy says so.
    pub fn execute_upgrade(ctx: Context<ExecuteUpgrade>) -> Result<()> {
        instructions::execute_upgrade(ctx)
    }

    /// Hands the buffer of a proposal that ended without execution back to its depositor. Anyone.
    pub fn return_buffer(ctx: Context<ReturnBuffer>) -> Result<()> {
        instructions::return_buffer(ctx)
    }

    /// Closes the buffer that nobody took back for 30 days after the end; lamports to the spill account. Anyone.
    pub fn close_buffer(ctx: Context<CloseBuffer>) -> Result<()> {
        instructions::close_buffer(ctx)
    }

    /// Closes an ended proposal that holds no buffer; rent to who paid it. Anyone.
    pub fn close_proposal(ctx: Context<CloseProposal>) -> Result<()> {
        instructions::close_proposal(ctx)
    }

    /// Relays a vote that a member signed as an off-chain message; the ed25519 program's instruction stands before it. Anyone.
    pub fn relay_vote(ctx: Context<RelayVote>, args: RelayVoteArgs) -> Result<()> {
        instructions::relay_vote(ctx, args)
    }

    /// Asks for an armed standby. A GUARD member, not in a durable-nonce transaction.
    pub fn trigger(ctx: Context<Approve>, args: VoteArgs) -> Result<()> {
        instructions::trigger(ctx, args)
    }

    /// Attests in `Voting`, `Queued`, `Ready` or `Armed` before the voting deadline. An ATTEST member, not in a durable-nonce
    /// transaction.
    pub fn attest(ctx: Context<Attest>, args: AttestArgs) -> Result<()> {
        instructions::attest(ctx, args)
    }

    /// Relays an attestation that a member signed as an off-chain message. Anyone.
    pub fn relay_attestation(ctx: Context<RelayAttestation>, args: AttestArgs) -> Result<()> {
        instructions::relay_attestation(ctx, args)
    }

    /// Takes an attestation back before the execution. Its attester.
    pub fn revoke_attestation(ctx: Context<RevokeAttestation>, args: VoteArgs) -> Result<()> {
        instructions::revoke_attestation(ctx, args)
    }

    /// Closes the attestation of a proposal whose account is closed; rent to who paid it. Anyone.
    pub fn close_attestation(ctx: Context<CloseAttestation>) -> Result<()> {
        instructions::close_attestation(ctx)
    }

    /// Proposes an upgrade anew with the buffer of an ended proposal. The member that made that one, with PROPOSE.
    pub fn repropose_upgrade(ctx: Context<ReproposeUpgrade>, args: UpgradeArgs) -> Result<()> {
        instructions::repropose_upgrade(ctx, args)
    }

    /// Proposes any other action than an upgrade, about a gate or about the council itself. A PROPOSE member.
    pub fn propose_change(ctx: Context<ProposeChange>, args: ChangeArgs) -> Result<()> {
        instructions::propose_change(ctx, args)
    }

    /// Executes a change of members, of a policy, or a revocation that is `Ready`. An EXECUTE member, or anyone where the
    /// policy says so.
    pub fn execute_change(ctx: Context<ExecuteChange>) -> Result<()> {
        instructions::execute_change(ctx)
    }

    /// Executes a transfer of the upgrade authority that is `Ready`. As above; the new authority signs too, unless the
    /// proposal says otherwise.
    pub fn transfer_authority(ctx: Context<TransferAuthority>) -> Result<()> {
        instructions::transfer_authority(ctx)
    }

    /// Executes a finalization that is `Ready`. As above; the program is of sBPF version 3 or later.
    pub fn finalize_program(ctx: Context<FinalizeProgram>) -> Result<()> {
        instructions::finalize_program(ctx)
    }

    /// Executes a move to another council that is `Ready`. As above; a PROPOSE member of the new council signs too.
    pub fn move_gate(ctx: Context<MoveGate>) -> Result<()> {
        instructions::move_gate(ctx)
    }

    /// Hashes a part of a `Draft`'s large buffer; the last step opens the vote. Anyone.
    pub fn hash_buffer(ctx: Context<HashBuffer>, args: HashStepArgs) -> Result<()> {
        instructions::hash_buffer(ctx, args)
    }

    /// Hashes a part of a large program that is being adopted; the last step opens the gate. Anyone.
    pub fn hash_program(ctx: Context<HashProgram>, args: HashStepArgs) -> Result<()> {
        instructions::hash_program(ctx, args)
    }

    /// Closes a hash in the making that nobody needs any more; rent to who paid it. Anyone.
    pub fn close_hashing(ctx: Context<CloseHashing>) -> Result<()> {
        instructions::close_hashing(ctx)
    }

    /// Gives the upgrade authority of a large program back before its bytes are hashed. The former upgrade authority.
    pub fn abandon_adoption(ctx: Context<AbandonAdoption>) -> Result<()> {
        instructions::abandon_adoption(ctx)
    }
}
