//! Upgrades, from the buffer to the end of their proposal.

use portcullis::{
    digest::Commitment,
    lifecycle::{Lane, Status},
    transitions::{UpgradeArgs, VoteArgs},
};
use portcullis_client::instruction::ProposalKeys;
use solana_sdk::{instruction::Instruction, pubkey::Pubkey, signature::Keypair, signer::Signer};

use crate::{elf, keys::*, refusal::Outcome, PortcullisError, Proposed, World, BUILDER};

/// A world, a buffer, and what a proposal of it says.
pub fn prepared() -> (World, Proposed, UpgradeArgs) {
    let mut world = World::new();
    let buffer = world.buffer(elf::p_token(), &voter(0).pubkey());
    let proposed = world.next(buffer);
    let args = world.upgrade_args(elf::p_token());
    (world, proposed, args)
}

/// Sends an instruction that `who` signs.
pub fn by(who: &Keypair, world: &mut World, instruction: Instruction) -> Outcome {
    world.send(&[instruction], &[who])
}

impl World {
    /// A new buffer with this content.
    pub fn buffer(&mut self, content: &[u8], authority: &Pubkey) -> Pubkey {
        self.buffers += 1;
        let key = address(&format!("buffer {}", self.buffers));
        self.put(&key, elf::buffer(Some(*authority), content));
        key
    }

    /// What a proposer signs for this ELF.
    pub fn upgrade_args(&self, content: &[u8]) -> UpgradeArgs {
        let (gate, council) = (self.gate(), self.council());
        UpgradeArgs {
            lane: Lane::Standard,
            predecessor: None,
            commitment: Commitment::of(content).unwrap(),
            base_index: gate.release.index,
            base: Commitment {
                sha256: gate.release.sha256,
                len: gate.release.len,
            },
            epoch: council.config_epoch,
            life: gate.life,
            statement: None,
            not_before: 0,
        }
    }

    /// The next proposal of the gate for a buffer; spill is the payer.
    pub fn next(&self, buffer: Pubkey) -> Proposed {
        let keys = ProposalKeys::of_gate(self.council, self.program, self.gate().proposal_count);
        Proposed {
            keys,
            address: BUILDER.proposal(&keys),
            buffer,
            spill: address("spill"),
        }
    }

    /// `propose_upgrade` by the first voter.
    pub fn propose_instruction(&self, proposed: &Proposed, args: UpgradeArgs) -> Instruction {
        BUILDER.propose_upgrade(
            &proposed.keys,
            proposed.buffer,
            proposed.spill,
            voter(0).pubkey(),
            payer().pubkey(),
            args,
        )
    }

    /// Proposes with these args.
    pub fn propose_with(&mut self, proposed: &Proposed, args: UpgradeArgs) -> Outcome {
        let instruction = self.propose_instruction(proposed, args);
        self.send(&[instruction], &[voter(0)])
    }

    /// Proposes an upgrade to this ELF; a draft.
    pub fn propose_elf(&mut self, content: &[u8]) -> Proposed {
        let buffer = self.buffer(content, &voter(0).pubkey());
        let proposed = self.next(buffer);
        let args = self.upgrade_args(content);
        self.propose_with(&proposed, args).unwrap();
        proposed
    }

    /// A draft of the upgrade to p-token.
    pub fn draft(&mut self) -> Proposed {
        self.propose_elf(elf::p_token())
    }

    /// A verified proposal.
    pub fn voting(&mut self) -> Proposed {
        let proposed = self.draft();
        self.verify(&proposed).unwrap();
        proposed
    }

    /// A proposal whose timelock runs.
    pub fn queued(&mut self) -> Proposed {
        let proposed = self.voting();
        self.approve(&proposed, voter(0)).unwrap();
        self.approve(&proposed, voter(1)).unwrap();
        assert_eq!(self.status(&proposed), Status::Queued);
        proposed
    }

    /// A proposal at its `eta`.
    pub fn ready(&mut self) -> Proposed {
        let proposed = self.queued();
        let eta = self.proposal(&proposed).eta;
        self.warp_to(eta);
        assert_eq!(self.status(&proposed), Status::Ready);
        proposed
    }

    pub fn verify(&mut self, proposed: &Proposed) -> Outcome {
        self.send(
            &[BUILDER.verify_buffer(&proposed.keys, proposed.buffer)],
            &[],
        )
    }

    /// The digest, and a validity that both rules allow.
    pub fn vote_args(&self, proposed: &Proposed) -> VoteArgs {
        let now = self.now().timestamp;
        let proposal = self.proposal(proposed);
        let closes = proposal.terms.voting_ends_at;
        VoteArgs {
            digest: proposal.digest,
            valid_until: if now < closes {
                closes.min(now + 3_600)
            } else {
                now + 3_600
            },
        }
    }

    pub fn approve(&mut self, proposed: &Proposed, member: &Keypair) -> Outcome {
        let args = self.vote_args(proposed);
        self.approve_with(proposed, member, args)
    }

    pub fn approve_with(
        &mut self,
        proposed: &Proposed,
        member: &Keypair,
        args: VoteArgs,
    ) -> Outcome {
        let instruction = BUILDER.approve(&proposed.keys, member.pubkey(), args);
        self.send(&[instruction], &[member])
    }

    pub fn reject(&mut self, proposed: &Proposed, member: &Keypair) -> Outcome {
        let args = self.vote_args(proposed);
        let instruction = BUILDER.reject(&proposed.keys, member.pubkey(), args);
        self.send(&[instruction], &[member])
    }

    pub fn retract(&mut self, proposed: &Proposed, member: &Keypair) -> Outcome {
        let args = self.vote_args(proposed);
        let instruction = BUILDER.retract(&proposed.keys, member.pubkey(), args);
        self.send(&[instruction], &[member])
    }

    pub fn veto(&mut self, proposed: &Proposed, member: &Keypair) -> Outcome {
        let args = self.vote_args(proposed);
        let instruction = BUILDER.veto(&proposed.keys, member.pubkey(), args);
        self.send(&[instruction], &[member])
    }

    pub fn cancel(&mut self, proposed: &Proposed, proposer: &Keypair) -> Outcome {
        let instruction = BUILDER.cancel(&proposed.keys, proposer.pubkey());
        self.send(&[instruction], &[proposer])
    }

    pub fn queue(&mut self, proposed: &Proposed) -> Outcome {
        self.send(&[BUILDER.queue(&proposed.keys)], &[])
    }

    /// It executes at `eta`, and not a second before.
    #[track_caller]
    pub fn executes_from(&mut self, proposed: &Proposed, eta: i64) {
        self.warp_to(eta - 1);
        self.refuse(PortcullisError::TimelockNotElapsed, |w| w.execute(proposed));
        self.warp_to(eta);
        self.execute(proposed).unwrap();
    }

    pub fn execute(&mut self, proposed: &Proposed) -> Outcome {
        self.execute_by(proposed, voter(0))
    }

    pub fn execute_by(&mut self, proposed: &Proposed, executor: &Keypair) -> Outcome {
        let instruction = BUILDER.execute_upgrade(
            &proposed.keys,
            proposed.buffer,
            proposed.spill,
            executor.pubkey(),
            None,
        );
        self.send(&[instruction], &[executor])
    }

    pub fn return_buffer(&mut self, proposed: &Proposed) -> Outcome {
        let instruction = BUILDER.return_buffer(&proposed.keys, proposed.buffer, voter(0).pubkey());
        self.send(&[instruction], &[])
    }

    pub fn close_buffer(&mut self, proposed: &Proposed) -> Outcome {
        let instruction = BUILDER.close_buffer(&proposed.keys, proposed.buffer, proposed.spill);
        self.send(&[instruction], &[])
    }

    pub fn close_proposal(&mut self, proposed: &Proposed) -> Outcome {
        let instruction = BUILDER.close_proposal(&proposed.keys, payer().pubkey());
        self.send(&[instruction], &[])
    }
}
