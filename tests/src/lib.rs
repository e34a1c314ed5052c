//! Fixtures of the program's tests: a [`World`] that is LiteSVM with the committed ELF, a council and an adopted program.
//!
//! What a test does not set is valid, so that a refusal has one reason only.

// A fixture that fails is a failed test.
#![allow(clippy::unwrap_used)]

pub mod adoption;
pub mod calls;
pub mod elf;
pub mod forwarder;
pub mod governance;
pub mod keys;
pub mod lanes;
pub mod matrix;
pub mod messages;
pub mod model;
pub mod proposals;
pub mod record;
pub mod refusal;
pub mod rules;
pub mod scenes;
pub mod steps;
pub mod world;

pub use portcullis::{
    digest::{Commitment, Statement},
    error::PortcullisError,
    lifecycle::{Custody, Ending, Now, Status},
    policy::{Policy, FLAG_ANYONE_MAY_EXECUTE, FLAG_NONCE_VOTES},
    state::{
        Council, Gate, Member, PendingSlot, Proposal, Release, Terms, ROLE_ATTEST, ROLE_EXECUTE,
        ROLE_GUARD, ROLE_PROPOSE, ROLE_VOTE,
    },
    transitions::{AdoptArgs, CreateCouncilArgs, UpgradeArgs, VoteArgs},
};
pub use portcullis_client::{
    instruction::{Builder, ProposalKeys},
    pda,
};
pub use solana_account::Account;
pub use solana_sdk::{
    instruction::{AccountMeta, Instruction, InstructionError},
    pubkey::Pubkey,
    signature::Keypair,
    signer::Signer,
};

pub use {
    anchor_lang::error::ErrorCode,
    keys::*,
    refusal::{Outcome, Refusal},
    world::{council_policy, policy, Proposed, Setup, World, BUILDER, DAY, FEE, START},
};
