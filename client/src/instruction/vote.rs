//! Votes, and what else moves a proposal before it executes.

use portcullis::{
    accounts as metas, instruction as data, instructions::RelayVoteArgs, transitions::VoteArgs,
};
use solana_sdk::{instruction::Instruction, pubkey::Pubkey};
use solana_sdk_ids::sysvar;

use super::{Builder, ProposalKeys};

impl Builder {
    /// `approve`. Signer: member.
    pub fn approve(&self, keys: &ProposalKeys, member: Pubkey, args: VoteArgs) -> Instruction {
        self.build_on(keys, self.approval(keys, member), data::Approve { args })
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

    /// `trigger`. Signer: member, a guardian.
    pub fn trigger(&self, keys: &ProposalKeys, member: Pubkey, args: VoteArgs) -> Instruction {
        self.build_on(keys, self.approval(keys, member), data::Trigger { args })
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

    /// What is refused in a durable-nonce transaction, which the instructions sysvar shows.
    fn approval(&self, keys: &ProposalKeys, member: Pubkey) -> metas::Approve {
        metas::Approve {
            member,
            subject: self.subject(keys),
            instructions: sysvar::instructions::ID,
        }
    }

    fn oppose(&self, keys: &ProposalKeys, member: Pubkey) -> metas::Oppose {
        metas::Oppose {
            member,
            subject: self.subject(keys),
        }
    }
}
