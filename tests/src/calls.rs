//! Each instruction in a state in which it succeeds, for tests that go through all of them.

use std::sync::OnceLock;

use portcullis::lifecycle::{Lane, Status, Step};
use solana_sdk::{instruction::Instruction, pubkey::Pubkey, signature::Keypair, signer::Signer};

use crate::{elf, keys::*, lanes, Proposed, World, BUILDER, DAY};

/// An instruction on a proposal.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Call {
    Verify,
    Approve,
    Reject,
    Retract,
    Veto,
    Cancel,
    Queue,
    Execute,
    ReturnBuffer,
    CloseBuffer,
    CloseProposal,
    /// These need a council of [`lanes::setup`].
    Trigger,
    Attest,
    RevokeAttestation,
}

/// All steps. A new one does not compile until it is here.
pub const STEPS: [Step; 13] = {
    const fn position(step: Step) -> usize {
        match step {
            Step::Verify => 0,
            Step::Approve => 1,
            Step::Reject => 2,
            Step::Retract => 3,
            Step::Veto => 4,
            Step::Cancel => 5,
            Step::Queue => 6,
            Step::Attest => 7,
            Step::RevokeAttestation => 8,
            Step::Trigger => 9,
            Step::Execute => 10,
            Step::ReleaseBuffer => 11,
            Step::Close => 12,
        }
    }
    let steps = [
        Step::Verify,
        Step::Approve,
        Step::Reject,
        Step::Retract,
        Step::Veto,
        Step::Cancel,
        Step::Queue,
        Step::Attest,
        Step::RevokeAttestation,
        Step::Trigger,
        Step::Execute,
        Step::ReleaseBuffer,
        Step::Close,
    ];
    let mut index = 0;
    while index < steps.len() {
        assert!(position(steps[index]) == index);
        index += 1;
    }
    steps
};

impl Call {
    /// Those that any council has: upgrades in the standard lane.
    pub const ALL: [Call; 11] = [
        Call::Verify,
        Call::Approve,
        Call::Reject,
        Call::Retract,
        Call::Veto,
        Call::Cancel,
        Call::Queue,
        Call::Execute,
        Call::ReturnBuffer,
        Call::CloseBuffer,
        Call::CloseProposal,
    ];

    /// Those that clean up after a proposal's end.
    pub const fn cleans_up(self) -> bool {
        matches!(
            self,
            Call::ReturnBuffer | Call::CloseBuffer | Call::CloseProposal
        )
    }

    /// A world in which the instruction on this proposal succeeds.
    pub fn possible(self) -> (World, Proposed) {
        let mut world = World::new();
        let proposed = match self {
            Call::Verify | Call::Cancel => world.draft(),
            Call::Approve | Call::Reject | Call::Veto => world.voting(),
            Call::Retract => {
                let proposed = world.voting();
                world.approve(&proposed, voter(1)).unwrap();
                proposed
            }
            Call::Queue => {
                let first = world.queued();
                let second = world.queued_second();
                world.veto(&first, guardian(0)).unwrap();
                second
            }
            Call::Execute => world.ready(),
            Call::ReturnBuffer => {
                let proposed = world.draft();
                world.cancel(&proposed, voter(0)).unwrap();
                proposed
            }
            Call::CloseBuffer => {
                let proposed = world.draft();
                world.cancel(&proposed, voter(0)).unwrap();
                world.pass(30 * DAY);
                proposed
            }
            Call::CloseProposal => {
                let proposed = world.draft();
                world.cancel(&proposed, voter(0)).unwrap();
                world.return_buffer(&proposed).unwrap();
                proposed
            }
            Call::Trigger => {
                world = lanes::world();
                world.armed_in(Lane::SafeMode, elf::memo())
            }
            Call::Attest | Call::RevokeAttestation => {
                world = lanes::world();
                let proposed = world.voting();
                if self == Call::RevokeAttestation {
                    world
                        .attest(&proposed, &lanes::reviewer(), lanes::BUILD)
                        .unwrap();
                }
                proposed
            }
        };
        (world, proposed)
    }

    /// The instruction and who signs it.
    pub fn instruction(
        self,
        world: &World,
        proposed: &Proposed,
    ) -> (Instruction, Vec<&'static Keypair>) {
        let keys = &proposed.keys;
        let vote = || world.vote_args(proposed);
        let (voter_key, guardian_key) = (voter(1).pubkey(), guardian(0).pubkey());
        match self {
            Call::Verify => (BUILDER.verify_buffer(keys, proposed.buffer), vec![]),
            Call::Approve => (BUILDER.approve(keys, voter_key, vote()), vec![voter(1)]),
            Call::Reject => (BUILDER.reject(keys, voter_key, vote()), vec![voter(1)]),
            Call::Retract => (BUILDER.retract(keys, voter_key, vote()), vec![voter(1)]),
            Call::Veto => (BUILDER.veto(keys, guardian_key, vote()), vec![guardian(0)]),
            Call::Cancel => (BUILDER.cancel(keys, voter(0).pubkey()), vec![voter(0)]),
            Call::Queue => (BUILDER.queue(keys), vec![]),
            Call::Execute => (
                BUILDER.execute_upgrade(
                    keys,
                    proposed.buffer,
                    proposed.spill,
                    voter(0).pubkey(),
                    None,
                ),
                vec![voter(0)],
            ),
            Call::ReturnBuffer => (
                BUILDER.return_buffer(keys, proposed.buffer, voter(0).pubkey()),
                vec![],
            ),
            Call::CloseBuffer => (
                BUILDER.close_buffer(keys, proposed.buffer, proposed.spill),
                vec![],
            ),
            Call::CloseProposal => (BUILDER.close_proposal(keys, payer().pubkey()), vec![]),
            Call::Trigger => (
                BUILDER.trigger(keys, guardian_key, world.trigger_args(proposed)),
                vec![guardian(0)],
            ),
            Call::Attest => {
                let args = world.attest_args(proposed, lanes::BUILD);
                let (key, rent_payer) = (attester().pubkey(), stranger(0).pubkey());
                (
                    BUILDER.attest(keys, key, rent_payer, args),
                    vec![attester(), stranger(0)],
                )
            }
            Call::RevokeAttestation => {
                let (key, rent_payer) = (reviewer().pubkey(), stranger(0).pubkey());
                let args = world.trigger_args(proposed);
                (
                    BUILDER.revoke_attestation(keys, key, rent_payer, args),
                    vec![reviewer()],
                )
            }
        }
    }
}

fn reviewer() -> &'static Keypair {
    static REVIEWER: OnceLock<Keypair> = OnceLock::new();
    REVIEWER.get_or_init(lanes::reviewer)
}

impl World {
    /// An approved proposal, beside another that has the slot.
    pub fn queued_second(&mut self) -> Proposed {
        let second = self.propose_elf(elf::memo());
        self.verify(&second).unwrap();
        self.approve(&second, voter(0)).unwrap();
        self.approve(&second, voter(1)).unwrap();
        assert_eq!(self.status(&second), Status::Voting);
        second
    }
}

/// Puts another account in the place of one.
pub fn substitute(instruction: &Instruction, account: &Pubkey, other: &Pubkey) -> Instruction {
    let mut instruction = instruction.clone();
    let mut found = false;
    for meta in &mut instruction.accounts {
        if meta.pubkey == *account {
            meta.pubkey = *other;
            found = true;
        }
    }
    assert!(found, "the instruction does not name {account}");
    instruction
}

/// Takes the signer flag of an account away.
pub fn unsigned(instruction: &Instruction, account: &Pubkey) -> Instruction {
    let mut instruction = instruction.clone();
    for meta in &mut instruction.accounts {
        if meta.pubkey == *account {
            meta.is_signer = false;
        }
    }
    instruction
}

/// Takes the writable flag of an account away.
pub fn readonly(instruction: &Instruction, account: &Pubkey) -> Instruction {
    let mut instruction = instruction.clone();
    for meta in &mut instruction.accounts {
        if meta.pubkey == *account {
            meta.is_writable = false;
        }
    }
    instruction
}
