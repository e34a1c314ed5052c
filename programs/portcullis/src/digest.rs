//! What voters sign, and the hash of an ELF. Pure; the client uses the same code.

use std::io;

use anchor_lang::prelude::*;
use solana_sha256_hasher::hashv;

use crate::{
    constants::{DIGEST_DOMAIN, MAX_HASHED_AT_ONCE, MAX_URI_LEN, STATEMENT_DOMAIN},
    error::PortcullisError,
    state::Terms,
};

/// The most bytes of an instruction's data, which a call by CPI may have (Agave 4.2, `MAX_INSTRUCTION_DATA_LEN`).
const MAX_INSTRUCTION_DATA: usize = 10 * 1024;

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

    /// Whether the instruction that needs the hash computes it; what is longer is hashed in steps beforehand.
    pub const fn is_hashed_at_once(&self) -> bool {
        self.len <= MAX_HASHED_AT_ONCE
    }
}

/// The document that explains a proposal: commit, diff, notes, audits.
#[derive(AnchorSerialize, Clone, Debug, Default, PartialEq, Eq)]
pub struct Statement {
    /// SHA-256 of the document's bytes.
    pub sha256: [u8; 32],
    /// Where to find it: printable ASCII, at most [`MAX_URI_LEN`] bytes.
    pub uri: String,
}

/// Borsh's own, of a string, would ask for as much memory as the bytes claim, which a program does not have.
impl AnchorDeserialize for Statement {
    fn deserialize_reader<R: io::Read>(reader: &mut R) -> io::Result<Self> {
        let invalid = || io::Error::from(io::ErrorKind::InvalidData);
        let sha256 = AnchorDeserialize::deserialize_reader(reader)?;
        let len = u32::deserialize_reader(reader)? as usize;
        if len > MAX_INSTRUCTION_DATA {
            return Err(invalid());
        }
        let mut uri = vec![0; len];
        reader.read_exact(&mut uri)?;
        Ok(Self {
            sha256,
            uri: String::from_utf8(uri).map_err(|_| invalid())?,
        })
    }
}

impl Statement {
    /// Refuses a URI that is too long, or that a terminal would obey instead of show.
    ///
    /// # Errors
    /// `UriTooLong`, `UriNotPrintable`.
    pub fn validate(&self) -> core::result::Result<(), PortcullisError> {
        if self.uri.len() > MAX_URI_LEN {
            return Err(PortcullisError::UriTooLong);
        }
        if !self.uri.bytes().all(|byte| byte.is_ascii_graphic()) {
            return Err(PortcullisError::UriNotPrintable);
        }
        Ok(())
    }

    /// What the proposal stores of the statement, so that its digest covers hash and URI in 32 bytes.
    pub fn commitment(&self) -> [u8; 32] {
        hashv(&[STATEMENT_DOMAIN, &self.sha256, self.uri.as_bytes()]).to_bytes()
    }
}

/// The digest of a proposal: SHA-256 over a domain tag, Portcullis's program id, the council, the bytes of the proposal's
/// [`Terms`] as they stand in its account, and those of its [`Change`](crate::change::Change) behind them, if it has one. The terms
/// are fixed in length, so no two proposals hash the same bytes.
pub fn digest(portcullis: &Pubkey, council: &Pubkey, terms: &Terms, change: &[u8]) -> [u8; 32] {
    hashv(&[
        DIGEST_DOMAIN,
        portcullis.as_ref(),
        council.as_ref(),
        bytemuck::bytes_of(terms),
        change,
    ])
    .to_bytes()
}
