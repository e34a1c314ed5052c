//! Which councils and gates an instruction concerns, by its place among the accounts. The program has checked those, while
//! anyone can add others behind them.

use anchor_lang::Discriminator;
use portcullis::instruction as data;
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
}
