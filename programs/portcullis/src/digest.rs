//! What voters sign, and the hash of an ELF. Pure; the client uses the same code.

use anchor_lang::prelude::*;
use solana_sha256_hasher::hashv;

use crate::{
    constants::{DIGEST_DOMAIN, STATEMENT_DOMAIN},
    state::Terms,
};

/// The hash commitment to an ELF: SHA-256 of its bytes without trailing zeros, and how many those are.
///
/// It is the hash that `solana-verify get-executable-hash` prints (solana-verify 0.4, `get_binary_hash`).
#[derive(
    AnchorSerialize, AnchorDeserialize, InitSpace, Clone, Copy, Debug, Default, PartialEq, Eq,
)]
pub struct Commitment {
    pub sha256: [u8; 32],
    pub len: u32,
}

impl Commitment {
    /// Commits to the bytes of an ELF; trailing zeros do not count.
    ///
    /// Returns `None` where nothing but zeros is there, or more than 4 GiB.
    pub fn of(elf: &[u8]) -> Option<Self> {
        let len = elf.iter().rposition(|byte| *byte != 0)?.checked_add(1)?;
        Some(Self {
            sha256: hashv(&[elf.get(..len)?]).to_bytes(),
            len: u32::try_from(len).ok()?,
        })
    }
}

/// The document that explains a proposal: commit, diff, notes, audits.
#[derive(AnchorSerialize, AnchorDeserialize, Clone, Debug, Default, PartialEq, Eq)]
pub struct Statement {
    /// SHA-256 of the document's bytes.
    pub sha256: [u8; 32],
    /// Where to find it: printable ASCII, at most [`MAX_URI_LEN`](crate::constants::MAX_URI_LEN) bytes.
    pub uri: String,
}

impl Statement {
    /// What the proposal stores of the statement, so that its digest covers hash and URI in 32 bytes.
    pub fn commitment(&self) -> [u8; 32] {
        hashv(&[STATEMENT_DOMAIN, &self.sha256, self.uri.as_bytes()]).to_bytes()
    }
}

/// The digest of a proposal: SHA-256 over a domain tag, Portcullis's program id, the council, and the bytes of the
/// proposal's [`Terms`] as they stand in its account.
pub fn digest(portcullis: &Pubkey, council: &Pubkey, terms: &Terms) -> [u8; 32] {
    hashv(&[
        DIGEST_DOMAIN,
        portcullis.as_ref(),
        council.as_ref(),
        bytemuck::bytes_of(terms),
    ])
    .to_bytes()
}
