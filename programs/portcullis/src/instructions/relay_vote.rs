//! Anyone relays a vote that a member signed as an off-chain message, together with the ed25519 program's instruction that
//! verifies the signature.

use std::io;

use anchor_lang::prelude::*;

use super::*;
use crate::{
    change::Change,
    decode,
    error::PortcullisError,
    message::{self, Effect, Verb, Vote},
    record::encode,
    state::{Parent, Proposal},
    transitions::{self, Signed, VoteArgs},
};

/// A vote that a message can cast.
#[derive(AnchorSerialize, Clone, Copy, Debug, PartialEq, Eq)]
pub enum MessageVote {
    Approve,
    Reject,
    Veto,
    Trigger,
}

impl AnchorDeserialize for MessageVote {
    fn deserialize_reader<R: io::Read>(reader: &mut R) -> io::Result<Self> {
        Ok(match u8::deserialize_reader(reader)? {
            0 => Self::Approve,
            1 => Self::Reject,
            2 => Self::Veto,
            3 => Self::Trigger,
            _ => return Err(decode::invalid()),
        })
    }
}

/// What the message says besides the proposal.
#[derive(AnchorSerialize, AnchorDeserialize, Clone, Copy, Debug, PartialEq, Eq)]
pub struct RelayVoteArgs {
    pub verb: MessageVote,
    pub vote: VoteArgs,
}

#[derive(Accounts)]
pub struct RelayVote<'info> {
    /// CHECK: it has signed the message, which `message::verify` checks; its role is checked in `transitions`.
    pub member: UncheckedAccount<'info>,

    pub subject: Subject<'info>,

    /// CHECK: its address. It shows the ed25519 program's instruction before this one.
    #[account(address = solana_sdk_ids::sysvar::instructions::ID @ PortcullisError::InstructionsSysvarInvalid)]
    pub instructions: UncheckedAccount<'info>,
}

/// Requires that the member signed this vote on this proposal. A durable nonce needs no look here: the text holds the digest,
/// which nobody knew before the proposal, and a deadline.
pub(crate) fn verify_message(
    parent: &Parent,
    proposal: &Proposal,
    change: Option<&Change>,
    instructions: &AccountInfo,
    member: &Pubkey,
    verb: Verb,
    args: &VoteArgs,
) -> Result<()> {
    let terms = &proposal.terms;
    message::verify(
        &instructions.try_borrow_data()?,
        &crate::ID,
        member,
        &Vote {
            verb,
            lane: terms.lane()?,
            effect: Effect::of(&terms.sha256, change),
            subject: match parent.gate() {
                Some(gate) => message::Subject::Program(&gate.program),
                None => message::Subject::Council(&terms.parent),
            },
            digest: &args.digest,
            valid_until: args.valid_until,
        },
    )?;
    Ok(())
}

pub fn relay_vote(ctx: Context<RelayVote>, args: RelayVoteArgs) -> Result<()> {
    let accounts = &ctx.accounts;
    let member = accounts.member.key();
    let change = accounts.subject.change()?;
    let (vote, signed) = (&args.vote, Signed::Message);
    accounts
        .subject
        .apply_encoded(|parent, proposal, key, now| {
            let verb = match args.verb {
                MessageVote::Approve => Verb::Approve,
                MessageVote::Reject => Verb::Reject,
                MessageVote::Veto => Verb::Veto,
                MessageVote::Trigger => Verb::Trigger,
            };
            let (change, sysvar) = (change.as_ref(), &accounts.instructions);
            verify_message(parent, proposal, change, sysvar, &member, verb, vote)?;
            match args.verb {
                MessageVote::Approve => encode(&transitions::approve(
                    parent, proposal, key, member, vote, signed, now,
                )?),
                MessageVote::Reject => encode(&transitions::reject(
                    parent, proposal, key, member, vote, signed, now,
                )?),
                MessageVote::Veto => encode(&transitions::veto(
                    parent, proposal, key, member, vote, signed, now,
                )?),
                MessageVote::Trigger => encode(&transitions::trigger(
                    parent, proposal, member, vote, signed, now,
                )?),
            }
        })?;
    Ok(())
}
