//! Votes as signed messages: made where the key is, relayed by anyone. The text and its envelopes are the program's own, see
//! [`portcullis::message`].

use portcullis::{
    digest::Statement,
    instructions::{MessageVote, RelayVoteArgs},
    message::{instruction_data, Claim, Envelope, Verb},
    transitions::{AttestArgs, VoteArgs},
};
use solana_sdk::{instruction::Instruction, pubkey::Pubkey, signature::Signature};
use solana_sdk_ids::ed25519_program;

use crate::{error::ClientError, instruction::Builder, proposal::ProposalView};

/// The envelopes, in the order in which they are tried on a signature from elsewhere.
pub const ENVELOPES: [Envelope; 2] = [Envelope::Full, Envelope::Short];

/// What a member does with a proposal by a signed message.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Ballot {
    Approve,
    Reject,
    Veto,
    Trigger,
    Attest(Attested),
}

/// What an attester claims.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Attested {
    /// An index into [`KIND_NAMES`](portcullis::message::KIND_NAMES).
    pub kind: u8,
    pub statement: Statement,
    /// Unix seconds.
    pub expires_at: i64,
}

impl Attested {
    /// The arguments of the attestation.
    pub fn args(&self, vote: VoteArgs) -> AttestArgs {
        AttestArgs {
            vote,
            kind: self.kind,
            statement: self.statement.clone(),
            expires_at: self.expires_at,
        }
    }
}

impl Ballot {
    /// As it stands in the text.
    pub fn verb(&self) -> Verb<'_> {
        match self {
            Self::Approve => Verb::Approve,
            Self::Reject => Verb::Reject,
            Self::Veto => Verb::Veto,
            Self::Trigger => Verb::Trigger,
            Self::Attest(attested) => Verb::Attest(Claim {
                kind: attested.kind,
                statement: &attested.statement.sha256,
                uri: &attested.statement.uri,
                expires_at: attested.expires_at,
            }),
        }
    }
}

/// The text that a member signs to vote on exactly this proposal: one line of printable ASCII.
///
/// # Errors
/// `InvalidMessage` on a time beyond the calendar, an unknown kind, or a URI that is not printable.
pub fn text(view: &ProposalView, ballot: &Ballot, valid_until: i64) -> Result<String, ClientError> {
    let bytes = view
        .message(ballot.verb(), valid_until)
        .text()
        .map_err(|error| invalid(error.to_string()))?;
    String::from_utf8(bytes).map_err(|error| invalid(error.to_string()))
}

/// The bytes that `member` signs for a text.
///
/// # Errors
/// `InvalidMessage` on a text above 65,535 bytes.
pub fn wrapped(
    portcullis: &Pubkey,
    member: &Pubkey,
    text: &str,
    envelope: Envelope,
) -> Result<Vec<u8>, ClientError> {
    envelope
        .wrap(portcullis, member, text.as_bytes())
        .map_err(|error| invalid(error.to_string()))
}

/// The envelope that a signature over a text is in; none where it is no signature of the member over this text at all.
///
/// # Errors
/// Those of [`wrapped`].
pub fn envelope_of(
    portcullis: &Pubkey,
    member: &Pubkey,
    text: &str,
    signature: &Signature,
) -> Result<Option<Envelope>, ClientError> {
    for envelope in ENVELOPES {
        let bytes = wrapped(portcullis, member, text, envelope)?;
        if signature.verify(member.as_ref(), &bytes) {
            return Ok(Some(envelope));
        }
    }
    Ok(None)
}

/// A vote that was signed as a message.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SignedVote {
    pub member: Pubkey,
    pub ballot: Ballot,
    /// Unix seconds.
    pub valid_until: i64,
    pub envelope: Envelope,
    pub signature: Signature,
}

impl SignedVote {
    /// The two instructions that relay the vote; they must follow each other in a transaction. `payer` pays the rent of an
    /// attestation.
    ///
    /// # Errors
    /// Those of [`text`].
    pub fn instructions(
        &self,
        builder: &Builder,
        view: &ProposalView,
        payer: Pubkey,
    ) -> Result<[Instruction; 2], ClientError> {
        let text = text(view, &self.ballot, self.valid_until)?;
        let bytes = wrapped(&builder.portcullis, &self.member, &text, self.envelope)?;
        let data = instruction_data(&self.member, self.signature.as_array(), &bytes)
            .map_err(|error| invalid(error.to_string()))?;
        let signed = Instruction {
            program_id: ed25519_program::ID,
            accounts: Vec::new(),
            data,
        };
        let (keys, vote) = (view.keys(), view.vote_args(self.valid_until));
        let relayed = |verb| builder.relay_vote(&keys, self.member, RelayVoteArgs { verb, vote });
        let relay = match &self.ballot {
            Ballot::Approve => relayed(MessageVote::Approve),
            Ballot::Reject => relayed(MessageVote::Reject),
            Ballot::Veto => relayed(MessageVote::Veto),
            Ballot::Trigger => relayed(MessageVote::Trigger),
            Ballot::Attest(attested) => {
                builder.relay_attestation(&keys, self.member, payer, attested.args(vote))
            }
        };
        Ok([signed, relay])
    }
}

fn invalid(reason: String) -> ClientError {
    ClientError::InvalidMessage { reason }
}

#[cfg(test)]
mod tests {
    use solana_keypair::Keypair;
    use solana_signer::Signer;

    use super::*;

    #[test]
    fn the_envelope_is_found_and_other_signatures_are_none() {
        let (member, text) = (Keypair::new_from_array([7; 32]), "Portcullis: APPROVE");
        let key = member.pubkey();
        for envelope in ENVELOPES {
            let bytes = wrapped(&portcullis::ID, &key, text, envelope).unwrap();
            let signature = member.sign_message(&bytes);
            let found = |key: &Pubkey, text: &str| {
                envelope_of(&portcullis::ID, key, text, &signature).unwrap()
            };
            assert_eq!(found(&key, text), Some(envelope));
            assert_eq!(found(&key, "Portcullis: REJECT"), None);
            assert_eq!(found(&Pubkey::new_unique(), text), None);
        }
        // Without an envelope it could be a transaction.
        let bare = member.sign_message(text.as_bytes());
        assert_eq!(
            envelope_of(&portcullis::ID, &key, text, &bare).unwrap(),
            None
        );
    }
}
