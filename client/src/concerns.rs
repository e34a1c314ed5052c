//! Which councils and gates an instruction concerns, by its place among the accounts. The program has checked those, while
//! anyone can add others behind them.

use std::collections::BTreeSet;

use anchor_lang::Discriminator;
use portcullis::{
    events::{AdoptionCompleted, BufferVerified, PolicyChanged},
    instruction as data,
};
use solana_sdk::pubkey::Pubkey;

/// The councils and gates that an instruction which succeeded has named in their places.
pub(crate) fn concerns(portcullis: &Pubkey, instruction: &[u8], keys: &[Pubkey]) -> Vec<Pubkey> {
    let Some(places) = places(instruction) else {
        return Vec::new();
    };
    places
        .iter()
        .filter_map(|place| keys.get(*place).copied())
        // Portcullis itself stands where there is no gate.
        .filter(|key| key != portcullis)
        .collect()
}

/// The council among them: it comes first.
pub(crate) fn council_of(instruction: &[u8], keys: &[Pubkey]) -> Option<Pubkey> {
    keys.get(*places(instruction)?.first()?).copied()
}

/// The councils and gates whose chains got an event from an instruction that succeeded, each one. What the instruction alone does
/// not say is looked up in the transaction's logs.
pub(crate) fn chains(
    portcullis: &Pubkey,
    instruction: &[u8],
    keys: &[Pubkey],
    logged: &BTreeSet<Vec<u8>>,
) -> Vec<Pubkey> {
    let mut named = concerns(portcullis, instruction, keys);
    let is = |discriminator: &[u8]| instruction.starts_with(discriminator);
    let shows = |event: &[u8]| logged.iter().any(|bytes| bytes.starts_with(event));
    let steps = [
        (
            data::HashBuffer::DISCRIMINATOR,
            BufferVerified::DISCRIMINATOR,
        ),
        (
            data::HashProgram::DISCRIMINATOR,
            AdoptionCompleted::DISCRIMINATOR,
        ),
    ];
    // Only the last step of a hash has an event.
    if steps.iter().any(|(step, event)| is(step) && !shows(event)) {
        return Vec::new();
    }
    let in_all = [
        data::AdoptProgram::DISCRIMINATOR,
        data::AbandonAdoption::DISCRIMINATOR,
        data::TransferAuthority::DISCRIMINATOR,
        data::FinalizeProgram::DISCRIMINATOR,
        data::MoveGate::DISCRIMINATOR,
    ];
    let in_all = in_all.into_iter().any(is)
        || (is(data::ExecuteChange::DISCRIMINATOR) && shows(PolicyChanged::DISCRIMINATOR));
    match named.len() {
        // The gate stands behind the council.
        2.. if !in_all => vec![named.swap_remove(1)],
        _ => named,
    }
}

macro_rules! places {
    ($instruction:expr; $($places:expr => $($type:ident)+;)+) => {
        $($(if $instruction.starts_with(data::$type::DISCRIMINATOR) {
            return Some(&$places);
        })+)+
    };
}

fn places(instruction: &[u8]) -> Option<&'static [usize]> {
    places! { instruction;
        [2] => CreateCouncil;
        [1] => AddMembers SealCouncil;
        [3, 4] => AdoptProgram;
        [2, 3] => ProposeUpgrade ReproposeUpgrade ProposeChange Attest RelayAttestation;
        [0, 1] => VerifyBuffer HashBuffer HashProgram Queue ReturnBuffer CloseBuffer CloseProposal;
        [1, 2] => Approve Reject Retract Veto Trigger RelayVote Cancel RevokeAttestation ExecuteUpgrade ExecuteChange
            TransferAuthority FinalizeProgram AbandonAdoption;
        [1, 2, 5] => MoveGate;
    }
    // The rest concerns neither: it leaves no event.
    None
}

#[cfg(test)]
mod tests {
    use portcullis::{
        instructions::{HashStepArgs, MessageVote, RelayVoteArgs},
        transitions::VoteArgs,
    };

    use super::*;
    use crate::instruction::{Builder, ProposalKeys};

    #[test]
    fn every_instruction_names_council_and_gate_where_they_are_looked_for() {
        let builder = Builder::default();
        let key = Pubkey::new_unique;
        let (council, program, other) = (key(), key(), key());
        let keys = ProposalKeys::of_gate(council, program, 0);
        let gate = builder.gate(&program);
        let vote = VoteArgs {
            digest: [0; 32],
            valid_until: 0,
        };
        let step = HashStepArgs { offset: 0, len: 0 };
        let relayed = RelayVoteArgs {
            verb: MessageVote::Approve,
            vote,
        };
        let instructions = [
            builder.verify_buffer(&keys, key()),
            builder.hash_buffer(&keys, key(), key(), key(), step),
            builder.hash_program(council, program, key(), key(), step),
            builder.queue(&keys),
            builder.return_buffer(&keys, key(), key()),
            builder.close_buffer(&keys, key(), key()),
            builder.close_proposal(&keys, key()),
            builder.approve(&keys, key(), vote),
            builder.reject(&keys, key(), vote),
            builder.retract(&keys, key(), vote),
            builder.veto(&keys, key(), vote),
            builder.trigger(&keys, key(), vote),
            builder.relay_vote(&keys, key(), relayed),
            builder.cancel(&keys, key()),
            builder.revoke_attestation(&keys, key(), key(), vote),
            builder.execute_upgrade(&keys, key(), key(), key(), None),
            builder.execute_change(&keys, key()),
            builder.transfer_authority(&keys, key(), key(), false),
            builder.finalize_program(&keys, key()),
            builder.abandon_adoption(council, program, key()),
        ];
        for instruction in instructions {
            let accounts: Vec<Pubkey> = instruction
                .accounts
                .iter()
                .map(|meta| meta.pubkey)
                .collect();
            assert_eq!(
                concerns(&portcullis::ID, &instruction.data, &accounts),
                [council, gate]
            );
        }
        let moved = builder.move_gate(&keys, key(), key(), other);
        let accounts: Vec<Pubkey> = moved.accounts.iter().map(|meta| meta.pubkey).collect();
        assert_eq!(
            concerns(&portcullis::ID, &moved.data, &accounts),
            [council, gate, other]
        );
        let of_council = builder.queue(&ProposalKeys::of_council(council, 0));
        let accounts: Vec<Pubkey> = of_council.accounts.iter().map(|meta| meta.pubkey).collect();
        assert_eq!(
            concerns(&portcullis::ID, &of_council.data, &accounts),
            [council]
        );
        let closed = builder.close_attestation(&keys, key(), key());
        let accounts: Vec<Pubkey> = closed.accounts.iter().map(|meta| meta.pubkey).collect();
        assert!(concerns(&portcullis::ID, &closed.data, &accounts).is_empty());
    }

    #[test]
    fn the_chains_of_an_instruction_are_those_that_its_event_is_in() {
        let builder = Builder::default();
        let key = Pubkey::new_unique;
        let (council, program, other) = (key(), key(), key());
        let keys = ProposalKeys::of_gate(council, program, 0);
        let gate = builder.gate(&program);
        let chains_of = |instruction: &solana_sdk::instruction::Instruction, logged: &[&[u8]]| {
            let accounts: Vec<Pubkey> = instruction
                .accounts
                .iter()
                .map(|meta| meta.pubkey)
                .collect();
            let logged = logged.iter().map(|bytes| bytes.to_vec()).collect();
            chains(&portcullis::ID, &instruction.data, &accounts, &logged)
        };
        let step = HashStepArgs { offset: 0, len: 0 };
        let hash = builder.hash_buffer(&keys, key(), key(), key(), step);
        assert_eq!(chains_of(&hash, &[]), []);
        assert_eq!(chains_of(&hash, &[BufferVerified::DISCRIMINATOR]), [gate]);
        let hash = builder.hash_program(council, program, key(), key(), step);
        assert_eq!(chains_of(&hash, &[]), []);
        assert_eq!(
            chains_of(&hash, &[AdoptionCompleted::DISCRIMINATOR]),
            [gate]
        );

        let change = builder.execute_change(&keys, key());
        assert_eq!(chains_of(&change, &[]), [gate]);
        assert_eq!(
            chains_of(&change, &[PolicyChanged::DISCRIMINATOR]),
            [council, gate]
        );
        assert_eq!(chains_of(&builder.queue(&keys), &[]), [gate]);
        let of_council = builder.queue(&ProposalKeys::of_council(council, 0));
        assert_eq!(chains_of(&of_council, &[]), [council]);
        for both in [
            builder.transfer_authority(&keys, key(), key(), false),
            builder.finalize_program(&keys, key()),
            builder.abandon_adoption(council, program, key()),
        ] {
            assert_eq!(chains_of(&both, &[]), [council, gate]);
        }
        let moved = builder.move_gate(&keys, key(), key(), other);
        assert_eq!(chains_of(&moved, &[]), [council, gate, other]);
    }
}
