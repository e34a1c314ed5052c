//! Rebuilds councils, gates and proposals from the instructions that made them, with the program's own code. Pure: whoever has
//! the instructions of all successful transactions, in order, gets the accounts as they stand on chain, and every event.
//!
//! One thing cannot be rebuilt: a proposal's digest depends on a slot's hash, which no transaction holds. It is taken from the
//! proposal's first vote, which the program accepted only because it named that digest.
//!
//! [`feed`](Replay::feed) knows the instructions; the other files hold what they do, as the program's `transitions` do.

mod adopt;
mod attest;
mod call;
mod council;
mod execute;
mod feed;
mod hash;
mod propose;
mod step;
#[cfg(test)]
mod tests;

use std::collections::{BTreeMap, BTreeSet};

use portcullis::{
    change::Change,
    error::PortcullisError,
    state::{Attestation, Council, Gate, Proposal},
};
use solana_sdk::pubkey::Pubkey;

use crate::event::Event;

/// Why an instruction cannot be replayed. On the chain it succeeded, so either instructions before it are missing or altered,
/// or a later version of Portcullis ran it.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum ReplayError {
    #[error("the instruction is none that this version of Portcullis has: update the client")]
    UnknownInstruction,
    #[error("the data of {instruction} cannot be decoded")]
    BadArguments { instruction: &'static str },
    #[error("{instruction} needs {required} accounts and has {found}: the history is altered")]
    MissingAccounts {
        instruction: &'static str,
        required: usize,
        found: usize,
    },
    #[error("{instruction} names {address}, which no instruction before it created: the history is incomplete")]
    UnknownAccount {
        instruction: &'static str,
        address: Pubkey,
    },
    #[error("{instruction} would have been refused ({}): the history is incomplete or altered", .refusal.name())]
    Refused {
        instruction: &'static str,
        refusal: PortcullisError,
    },
}

/// An event in one account's log chain.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Entry {
    /// The council or gate whose chain it is in.
    pub account: Pubkey,
    /// Its place in that chain, from 0.
    pub sequence: u64,
    /// The chain's head after it.
    pub head: [u8; 32],
    pub event: Event,
}

/// The state that the instructions so far have made.
#[derive(Clone, Debug, Default)]
pub struct Replay {
    portcullis: Pubkey,
    /// Only these councils' instructions are replayed, where it is set.
    only: Option<BTreeSet<Pubkey>>,
    pub councils: BTreeMap<Pubkey, Council>,
    pub gates: BTreeMap<Pubkey, Gate>,
    /// Proposals whose accounts are not closed. Without a vote yet, the digest is zero; the slot hash always is.
    pub proposals: BTreeMap<Pubkey, Proposal>,
    /// What stands behind those proposals, where something does.
    pub changes: BTreeMap<Pubkey, Change>,
    /// Attestations that are not revoked and whose accounts are not closed.
    pub attestations: BTreeMap<Pubkey, Attestation>,
    /// Bytes hashed so far of large buffers and programs, with the gate's life, by proposal or gate.
    hashed: BTreeMap<Pubkey, (u32, u32)>,
}

/// In the place of a slot's hash, and of a digest before the first vote: no transaction holds them.
const UNKNOWN: [u8; 32] = [0; 32];

impl Replay {
    /// Replays all instructions of the instance `portcullis`.
    pub fn new(portcullis: Pubkey) -> Self {
        Self {
            portcullis,
            ..Self::default()
        }
    }

    /// Replays the instructions on one council and its gates, and passes over the others.
    pub fn of_council(portcullis: Pubkey, council: Pubkey) -> Self {
        Self::of_councils(portcullis, [council])
    }

    /// Replays the instructions on these councils and their gates, and passes over the others. A gate that moves, or is adopted
    /// again elsewhere, needs all councils that it has had.
    pub fn of_councils(portcullis: Pubkey, councils: impl IntoIterator<Item = Pubkey>) -> Self {
        Self {
            only: Some(councils.into_iter().collect()),
            ..Self::new(portcullis)
        }
    }

    /// Whether a proposal's account is the one that the instructions give, all but its slot hash, and its digest before
    /// the first vote.
    pub fn matches_proposal(&self, address: &Pubkey, found: &Proposal) -> bool {
        self.proposals.get(address).is_some_and(|replayed| {
            let mut replayed = *replayed;
            replayed.terms.slot_hash = found.terms.slot_hash;
            if replayed.digest == UNKNOWN {
                replayed.digest = found.digest;
            }
            bytemuck::bytes_of(&replayed) == bytemuck::bytes_of(found)
        })
    }
}
