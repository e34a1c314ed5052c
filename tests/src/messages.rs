//! Votes as signed messages, with the ed25519 program's real instruction, and durable-nonce transactions.

use portcullis::{
    instructions::{MessageVote, RelayVoteArgs},
    lifecycle::Lane,
    message::{self, Claim, Effect, Envelope, Subject, Verb, Vote},
    transitions::{AttestArgs, VoteArgs},
};
use solana_sdk::{
    hash::Hash, instruction::Instruction, message::Message, pubkey::Pubkey, signature::Keypair,
    signer::Signer, transaction::Transaction,
};
use solana_sdk_ids::ed25519_program;
use solana_system_interface::instruction as system;

use crate::{
    keys::*,
    refusal::{assert_refused, Outcome, Refusal},
    Proposed, World, BUILDER,
};

/// The ed25519 program's instruction for these bytes, really signed.
pub fn signature(signer: &Keypair, bytes: &[u8]) -> Instruction {
    let signature = signer.sign_message(bytes);
    Instruction {
        program_id: ed25519_program::ID,
        accounts: vec![],
        data: message::instruction_data(&signer.pubkey(), signature.as_array(), bytes).unwrap(),
    }
}

/// The same for a text in the short envelope.
pub fn signed_text(signer: &Keypair, text: &[u8]) -> Instruction {
    let bytes = Envelope::Short
        .wrap(&portcullis::ID, &signer.pubkey(), text)
        .unwrap();
    signature(signer, &bytes)
}

/// The verb of a message with which the program calls its vote.
pub fn verb(vote: MessageVote) -> Verb<'static> {
    match vote {
        MessageVote::Approve => Verb::Approve,
        MessageVote::Reject => Verb::Reject,
        MessageVote::Veto => Verb::Veto,
        MessageVote::Trigger => Verb::Trigger,
    }
}

impl World {
    /// The text of a vote on an upgrade of the gate.
    pub fn text(&self, proposed: &Proposed, verb: Verb, args: &VoteArgs) -> Vec<u8> {
        let terms = self.proposal(proposed).terms;
        let vote = Vote {
            verb,
            lane: Lane::try_from(terms.lane).unwrap(),
            effect: Effect::Upgrade {
                sha256: &terms.sha256,
            },
            subject: Subject::Program(&proposed.keys.program()),
            digest: &args.digest,
            valid_until: args.valid_until,
        };
        vote.text().unwrap()
    }

    /// The instructions that relay a member's vote on an upgrade.
    pub fn relayed(
        &self,
        proposed: &Proposed,
        vote: MessageVote,
        signer: &Keypair,
        args: VoteArgs,
    ) -> [Instruction; 2] {
        let text = self.text(proposed, verb(vote), &args);
        [
            signed_text(signer, &text),
            relay(proposed, vote, &signer.pubkey(), args),
        ]
    }

    /// Signs a vote, valid for ten minutes, and relays it.
    pub fn relay_vote(
        &mut self,
        proposed: &Proposed,
        vote: MessageVote,
        signer: &Keypair,
    ) -> Outcome {
        let args = self.trigger_args(proposed);
        let relayed = self.relayed(proposed, vote, signer, args);
        self.send(&relayed, &[])
    }

    /// The instructions that relay an attestation; `payer()` pays its rent.
    pub fn relayed_attestation(
        &self,
        proposed: &Proposed,
        signer: &Keypair,
        args: AttestArgs,
    ) -> [Instruction; 2] {
        let claim = Verb::Attest(Claim {
            kind: args.kind,
            statement: &args.statement.sha256,
            uri: &args.statement.uri,
            expires_at: args.expires_at,
        });
        let text = self.text(proposed, claim, &args.vote);
        [
            signed_text(signer, &text),
            BUILDER.relay_attestation(&proposed.keys, signer.pubkey(), payer().pubkey(), args),
        ]
    }

    /// Sends a durable-nonce transaction that was signed for a nonce, not for a recent blockhash.
    pub fn send_durable(&mut self, instructions: &[Instruction], signers: &[&Keypair]) -> Outcome {
        let nonce = keypair("nonce");
        if self.is_gone(&nonce.pubkey()) {
            // A nonce account has 80 bytes.
            let rent = self.svm.minimum_balance_for_rent_exemption(80);
            let authority = payer().pubkey();
            let create =
                system::create_nonce_account(&authority, &nonce.pubkey(), &authority, rent);
            self.send(&create, &[&nonce]).unwrap();
        }
        let mut all = vec![system::advance_nonce_account(
            &nonce.pubkey(),
            &payer().pubkey(),
        )];
        all.extend_from_slice(instructions);
        let mut transaction =
            Transaction::new_unsigned(Message::new(&all, Some(&payer().pubkey())));
        let keypairs: Vec<&Keypair> = [&[payer()], signers].concat();
        // Bytes 40 to 72 of the account are the nonce.
        let stored: [u8; 32] = self.account(&nonce.pubkey()).data[40..72]
            .try_into()
            .unwrap();
        transaction.sign(&keypairs, Hash::new_from_array(stored));
        // LiteSVM takes a nonce whose value is not that of the current blockhash.
        self.svm.expire_blockhash();
        self.svm.send_transaction(transaction).map_err(Box::new)
    }

    /// Requires that a durable-nonce transaction is refused for this reason and changes nothing; the nonce advances even so.
    #[track_caller]
    pub fn refuse_durable(
        &mut self,
        reason: impl Into<Refusal>,
        instruction: Instruction,
        signers: &[&Keypair],
    ) {
        let but_the_nonce = |world: &World| {
            let mut accounts = world.before();
            accounts.remove(&address("nonce"));
            accounts
        };
        let before = but_the_nonce(self);
        assert_refused(self.send_durable(&[instruction], signers), &reason.into());
        assert!(
            before == but_the_nonce(self),
            "a refused transaction changed an account"
        );
    }
}

/// The instruction that relays a vote; the signature's stands before it.
pub fn relay(
    proposed: &Proposed,
    verb: MessageVote,
    member: &Pubkey,
    vote: VoteArgs,
) -> Instruction {
    BUILDER.relay_vote(&proposed.keys, *member, RelayVoteArgs { verb, vote })
}
