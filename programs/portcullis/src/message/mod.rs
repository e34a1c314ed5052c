//! Votes as signed messages: the text that a member signs off chain, the envelope around it, and where the transaction
//! that relays it carries the signature. Pure; the client writes the text with the same code.
//!
//! A hardware wallet shows such a text in clear, where it could only sign an unknown program's transaction blindly; and
//! whoever signs it needs neither lamports nor a nonce. The text names the proposal's digest, which cannot exist before the
//! proposal, so nothing can be signed ahead of it.

mod encode;
mod signature;

use anchor_lang::prelude::*;

use crate::{
    change::Change, constants::ATTESTATION_KINDS, error::PortcullisError, lifecycle::Lane,
};

pub use encode::utc;
use encode::{put, put_hash, put_key, put_time};
pub use signature::{instruction_data, signed_message, Signed};

type Outcome<T> = core::result::Result<T, PortcullisError>;

/// Names of the kinds of attestation, by their numbers.
pub const KIND_NAMES: [&str; ATTESTATION_KINDS] = [
    "build", "audit", "shadow", "formal", "scan", "custom0", "custom1", "custom2",
];

/// What the member does with the proposal.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Verb<'a> {
    Approve,
    Reject,
    Veto,
    Trigger,
    Attest(Claim<'a>),
}

/// What an attester claims.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Claim<'a> {
    /// The kind, an index into [`KIND_NAMES`].
    pub kind: u8,
    /// SHA-256 of the attester's statement.
    pub statement: &'a [u8; 32],
    /// Where the statement is; empty: not said. Printable ASCII without spaces.
    pub uri: &'a str,
    /// The attestation counts before this, Unix seconds.
    pub expires_at: i64,
}

/// What the proposal does, with the one thing about it that a member must see before anything else.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Effect<'a> {
    /// SHA-256 of the code to come.
    Upgrade {
        sha256: &'a [u8; 32],
    },
    ChangeCouncil,
    ChangePolicy,
    /// The upgrade authority to be, and whether it must sign for that.
    TransferAuthority {
        to: &'a Pubkey,
        checked: bool,
    },
    /// The council to be.
    MoveGate {
        council: &'a Pubkey,
    },
    Finalize,
    /// SHA-256 of the code that must not come back.
    RevokeRelease {
        sha256: &'a [u8; 32],
    },
}

impl<'a> Effect<'a> {
    /// The effect of a proposal whose `terms.sha256` and details are these.
    pub const fn of(sha256: &'a [u8; 32], change: Option<&'a Change>) -> Self {
        match change {
            None | Some(Change::Upgrade(_)) => Effect::Upgrade { sha256 },
            Some(Change::Council(_)) => Effect::ChangeCouncil,
            Some(Change::Policy(_)) => Effect::ChangePolicy,
            Some(Change::TransferAuthority { to, checked }) => Effect::TransferAuthority {
                to,
                checked: *checked,
            },
            Some(Change::MoveGate { council, .. }) => Effect::MoveGate { council },
            Some(Change::Finalize) => Effect::Finalize,
            Some(Change::RevokeRelease { sha256 }) => Effect::RevokeRelease { sha256 },
        }
    }
}

/// Whom the proposal is about.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Subject<'a> {
    /// The gate's program.
    Program(&'a Pubkey),
    /// The council, where the proposal is about itself.
    Council(&'a Pubkey),
}

/// A vote as its signer reads it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Vote<'a> {
    pub verb: Verb<'a>,
    pub lane: Lane,
    pub effect: Effect<'a>,
    pub subject: Subject<'a>,
    /// The proposal's digest.
    pub digest: &'a [u8; 32],
    /// The vote is refused from this time on, Unix seconds.
    pub valid_until: i64,
}

impl Vote<'_> {
    /// The text that the member signs: one line of printable ASCII, the most important words first. Different votes have
    /// different texts: every field has a fixed place and ends at a space, which no field contains.
    ///
    /// # Errors
    /// `Overflow` on a time outside the years 1970 to 9999 or an unknown kind of attestation; `UriNotPrintable`.
    pub fn text(&self) -> Outcome<Vec<u8>> {
        let mut text = Vec::with_capacity(TEXT_CAPACITY);
        let verb = match self.verb {
            Verb::Approve => "Portcullis: APPROVE ",
            Verb::Reject => "Portcullis: REJECT ",
            Verb::Veto => "Portcullis: VETO ",
            Verb::Trigger => "Portcullis: TRIGGER ",
            Verb::Attest(_) => "Portcullis: ATTEST ",
        };
        put(&mut text, verb);
        if let Verb::Attest(claim) = &self.verb {
            let kind = KIND_NAMES.get(usize::from(claim.kind));
            put(&mut text, kind.ok_or(PortcullisError::Overflow)?);
            put(&mut text, " for ");
        }
        let lane = match self.lane {
            Lane::Standard => "standard ",
            Lane::Emergency => "EMERGENCY ",
            Lane::Rollback => "standby rollback ",
            Lane::SafeMode => "standby safe mode ",
        };
        put(&mut text, lane);
        let effect = match self.effect {
            Effect::Upgrade { .. } => "upgrade of ",
            Effect::ChangeCouncil => "member change of ",
            Effect::ChangePolicy => "policy change of ",
            Effect::TransferAuthority { .. } => "authority transfer of ",
            Effect::MoveGate { .. } => "gate move of ",
            Effect::Finalize => "finalization of ",
            Effect::RevokeRelease { .. } => "release revocation of ",
        };
        put(&mut text, effect);
        match self.subject {
            Subject::Program(program) => put_key(&mut text, "program ", program),
            Subject::Council(council) => put_key(&mut text, "council ", council),
        }
        match self.effect {
            Effect::Upgrade { sha256 } | Effect::RevokeRelease { sha256 } => {
                put_hash(&mut text, ", code sha256 ", sha256);
            }
            Effect::TransferAuthority { to, checked } => {
                put_key(&mut text, ", to ", to);
                if !checked {
                    put(&mut text, " without its signature");
                }
            }
            Effect::MoveGate { council } => put_key(&mut text, ", to council ", council),
            Effect::ChangeCouncil | Effect::ChangePolicy | Effect::Finalize => {}
        }
        if let Verb::Attest(claim) = &self.verb {
            put_hash(&mut text, ", statement sha256 ", claim.statement);
            if !claim.uri.is_empty() {
                // Else it could end the line, hide what follows, or pass for another field.
                if !claim.uri.bytes().all(|byte| byte.is_ascii_graphic()) {
                    return Err(PortcullisError::UriNotPrintable);
                }
                put(&mut text, ", at ");
                put(&mut text, claim.uri);
            }
            put_time(&mut text, ", attested until ", claim.expires_at)?;
        }
        put_hash(&mut text, ", digest ", self.digest);
        put_time(&mut text, ", valid until ", self.valid_until)?;
        Ok(text)
    }
}

/// Bytes that hold any text without a URI.
const TEXT_CAPACITY: usize = 512;

/// The two headers that are in use for an off-chain message of version 0 in restricted ASCII.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Envelope {
    /// Twenty bytes, as `solana sign-offchain-message` writes them (solana-offchain-message 3.0,
    /// `OffchainMessage::serialize`); Ledger's app up to 1.7 wants them too (LedgerHQ/app-solana,
    /// `OFFCHAIN_MESSAGE_HEADER_LENGTH` 20).
    Short,
    /// 85 bytes, as the specification says (docs.anza.xyz/proposals/off-chain-message-signing): with an application domain,
    /// here Portcullis's program id, and the signers. Ledger's app wants them from 1.8 on (`parse_offchain_message_header`
    /// in `libsol/parser.c`) and refuses a message that does not name its own key.
    Full,
}

/// What every off-chain message begins with, so that it is never a transaction; then the header's version.
const SIGNING_DOMAIN: &[u8; 17] = b"\xffsolana offchain\0";
/// The format: all bytes are 0x20 to 0x7e, which is what hardware wallets show in clear.
const RESTRICTED_ASCII: u8 = 0;

impl Envelope {
    /// The bytes that `signer` signs for a text, this envelope around it.
    ///
    /// # Errors
    /// `Overflow` on a text above 65,535 bytes.
    pub fn wrap(self, portcullis: &Pubkey, signer: &Pubkey, text: &[u8]) -> Outcome<Vec<u8>> {
        let len = u16::try_from(text.len()).map_err(|_| PortcullisError::Overflow)?;
        let mut bytes = Vec::with_capacity(text.len().saturating_add(Self::FULL_LEN));
        bytes.extend_from_slice(SIGNING_DOMAIN);
        match self {
            Envelope::Short => bytes.push(RESTRICTED_ASCII),
            Envelope::Full => {
                bytes.extend_from_slice(portcullis.as_ref());
                bytes.extend_from_slice(&[RESTRICTED_ASCII, 1]);
                bytes.extend_from_slice(signer.as_ref());
            }
        }
        bytes.extend_from_slice(&len.to_le_bytes());
        bytes.extend_from_slice(text);
        Ok(bytes)
    }

    /// Bytes of [`Envelope::Short`].
    pub const SHORT_LEN: usize = 20;
    /// Bytes of [`Envelope::Full`].
    pub const FULL_LEN: usize = 85;
}

/// Checks that `signer` has signed exactly this vote's text, in either [`Envelope`]. `sysvar` is the data of the instructions
/// sysvar, whose address the caller has checked.
///
/// # Errors
/// Those of [`signed_message`] and of [`Vote::text`]; `SignedMessageMismatch` where another key signed, or another text, or
/// one in another envelope.
pub fn verify(sysvar: &[u8], portcullis: &Pubkey, signer: &Pubkey, vote: &Vote) -> Outcome<()> {
    let signed = signed_message(sysvar)?;
    let text = vote.text()?;
    let envelope = if signed.message.len() == text.len().saturating_add(Envelope::SHORT_LEN) {
        Envelope::Short
    } else {
        Envelope::Full
    };
    let expected = envelope.wrap(portcullis, signer, &text)?;
    if signed.signer == signer.as_array() && signed.message == expected.as_slice() {
        Ok(())
    } else {
        Err(PortcullisError::SignedMessageMismatch)
    }
}
