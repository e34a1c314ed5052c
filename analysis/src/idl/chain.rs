//! Where programs' IDLs are on the chain: addresses, and what is in those accounts.

use std::io::Read;

use flate2::read::{GzDecoder, ZlibDecoder};
use solana_sdk::{account::Account, pubkey, pubkey::Pubkey};

use super::{Idl, MAX_IDL_BYTES};

/// The program-metadata program, which holds IDLs since Anchor 1.0.
pub const METADATA_PROGRAM: Pubkey = pubkey!("ProgM6JCCvbYkfKqJYHePx4xxSUSqJp7rh8Lyv7nk7S");

/// The account of `anchor idl init`, owned by the program itself. `None`: no such address can exist.
pub fn anchor_idl_address(program: &Pubkey) -> Option<Pubkey> {
    let (signer, _) = Pubkey::find_program_address(&[], program);
    Pubkey::create_with_seed(&signer, "anchor:idl", program).ok()
}

/// The metadata account that only the program's upgrade authority can make.
pub fn metadata_idl_address(program: &Pubkey) -> Pubkey {
    let mut seed = [0; 16];
    seed[..3].copy_from_slice(b"idl");
    Pubkey::find_program_address(&[program.as_ref(), &seed], &METADATA_PROGRAM).0
}

/// Why an account holds no IDL.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum StoredIdlError {
    #[error("the account must hold {required} bytes, it has {found}")]
    Truncated { required: usize, found: usize },
    #[error("the account is no {0}")]
    WrongKind(&'static str),
    #[error("{what} must be one of the {known}, found {found}")]
    Unknown {
        what: &'static str,
        known: &'static str,
        found: u8,
    },
    /// At a URL or in another account.
    #[error("the account only refers to the IDL elsewhere: {0}")]
    Elsewhere(String),
    #[error("its content cannot be unpacked: {0}")]
    Packed(String),
}

fn part(data: &[u8], start: usize, len: usize) -> Result<&[u8], StoredIdlError> {
    let end = start.saturating_add(len);
    data.get(start..end).ok_or(StoredIdlError::Truncated {
        required: end,
        found: data.len(),
    })
}

fn length(data: &[u8], start: usize) -> Result<usize, StoredIdlError> {
    let bytes: [u8; 4] = part(data, start, 4)?.try_into().unwrap_or_default();
    Ok(usize::try_from(u32::from_le_bytes(bytes)).unwrap_or(usize::MAX))
}

fn unpacked(mut reader: impl Read) -> Result<Vec<u8>, StoredIdlError> {
    let mut bytes = Vec::new();
    // A few bytes can unpack to gigabytes.
    let limit = MAX_IDL_BYTES as u64 + 1;
    let read = reader.by_ref().take(limit).read_to_end(&mut bytes);
    read.map_err(|error| StoredIdlError::Packed(error.to_string()))?;
    match bytes.len() > MAX_IDL_BYTES {
        true => Err(StoredIdlError::Packed(format!(
            "it has more than {MAX_IDL_BYTES} bytes"
        ))),
        false => Ok(bytes),
    }
}

/// The JSON in the account of [`anchor_idl_address`] (`anchor_lang::idl::IdlAccount`: discriminator, authority, length, zlib).
///
/// # Errors
/// Where it is not such an account.
pub fn read_anchor_idl(data: &[u8]) -> Result<Vec<u8>, StoredIdlError> {
    const DISCRIMINATOR: [u8; 8] = [24, 70, 98, 191, 58, 144, 123, 158];
    if part(data, 0, 8)? != DISCRIMINATOR {
        return Err(StoredIdlError::WrongKind("IDL account of Anchor"));
    }
    let len = length(data, 40)?;
    unpacked(ZlibDecoder::new(part(data, 44, len)?))
}

/// The JSON in the account of [`metadata_idl_address`] (`Header` of program-metadata's `state/header.rs`).
///
/// # Errors
/// Where it is not such an account, or its content is not within it.
pub fn read_metadata_idl(data: &[u8]) -> Result<Vec<u8>, StoredIdlError> {
    const HEADER: usize = 96;
    let header = part(data, 0, HEADER)?;
    let byte = |at: usize| header.get(at).copied().unwrap_or_default();
    if byte(0) != 2 {
        return Err(StoredIdlError::WrongKind("metadata account"));
    }
    let (encoding, compression, format, source) = (byte(83), byte(84), byte(85), byte(86));
    let content = part(data, HEADER, length(data, 87)?)?;
    let unknown = |what, known, found| Err(StoredIdlError::Unknown { what, known, found });
    match source {
        0 => {}
        1 | 2 => {
            let shown = match source {
                1 => String::from_utf8_lossy(content).chars().take(200).collect(),
                _ => "another account".to_string(),
            };
            return Err(StoredIdlError::Elsewhere(shown));
        }
        other => return unknown("the data source", "known ones, 0 to 2", other),
    }
    if format > 1 {
        return unknown("the format", "readable ones, 0 and 1 (JSON)", format);
    }
    let content = match compression {
        0 => content.to_vec(),
        1 => unpacked(GzDecoder::new(content))?,
        2 => unpacked(ZlibDecoder::new(content))?,
        other => return unknown("the compression", "known ones, 0 to 2", other),
    };
    match encoding {
        0 | 1 => Ok(content),
        // Base58 and base64 are for bytes that are no text.
        other => unknown("the encoding", "readable ones, 0 and 1 (UTF-8)", other),
    }
}

/// An IDL from the chain.
#[derive(Debug)]
pub struct Stored {
    pub idl: Idl,
    /// The account that holds it, in words.
    pub from: String,
}

/// An account that should hold an IDL, and does not hold one that can be used.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{from}: {reason}")]
pub struct Unusable {
    /// The account, in words.
    pub from: String,
    pub reason: String,
}

/// The accounts that may hold a program's IDL, that of program-metadata first.
pub fn idl_addresses(program: &Pubkey) -> Vec<Pubkey> {
    let metadata = metadata_idl_address(program);
    [Some(metadata), anchor_idl_address(program)]
        .into_iter()
        .flatten()
        .collect()
}

/// A program's IDL in the accounts of [`idl_addresses`], as `account` gives them: the first that is Anchor's. Codama's may
/// stand beside it.
///
/// # Errors
/// An IDL of another program; where there is none that can be used, the first that there is.
pub fn find_idl(
    program: &Pubkey,
    account: impl Fn(&Pubkey) -> Option<Account>,
) -> Result<Option<Stored>, Unusable> {
    let mut failed = None;
    for address in idl_addresses(program) {
        let Some(account) = account(&address) else {
            continue;
        };
        let (from, json) = match account.owner {
            METADATA_PROGRAM => (
                format!("the program-metadata account {address} of {program}"),
                read_metadata_idl(&account.data),
            ),
            owner if owner == *program => (
                format!("the IDL account {address} of {program}"),
                read_anchor_idl(&account.data),
            ),
            _ => continue,
        };
        let parsed = json.map_err(|error| error.to_string());
        let parsed = parsed.and_then(|json| Idl::parse(&json).map_err(|error| error.to_string()));
        let reason = match parsed {
            Ok(idl) => match idl.program() {
                // It is Anchor's, and wrong: what else there is may be so too.
                Some(other) if other != *program => {
                    let reason = format!("it is of program {other}, not of {program}");
                    return Err(Unusable { from, reason });
                }
                _ => return Ok(Some(Stored { idl, from })),
            },
            Err(reason) => reason,
        };
        failed.get_or_insert(Unusable { from, reason });
    }
    failed.map_or(Ok(None), Err)
}

#[cfg(test)]
mod tests {
    use std::io::Write;

    use flate2::{write::ZlibEncoder, Compression};

    use super::*;

    fn packed(bytes: &[u8]) -> Vec<u8> {
        let mut encoder = ZlibEncoder::new(Vec::new(), Compression::best());
        encoder.write_all(bytes).unwrap();
        encoder.finish().unwrap()
    }

    fn anchor(packed: &[u8]) -> Vec<u8> {
        let mut data = vec![24, 70, 98, 191, 58, 144, 123, 158];
        data.extend([7; 32]);
        data.extend(u32::try_from(packed.len()).unwrap().to_le_bytes());
        data.extend(packed);
        data.extend([0; 100]);
        data
    }

    fn metadata(packed: &[u8], kinds: [u8; 4]) -> Vec<u8> {
        let mut data = vec![0; 96];
        data[0] = 2;
        data[83..87].copy_from_slice(&kinds);
        let len = u32::try_from(packed.len()).unwrap();
        data[87..91].copy_from_slice(&len.to_le_bytes());
        data.extend(packed);
        data
    }

    #[test]
    fn both_accounts_are_read() {
        let data = anchor(&packed(b"{}"));
        assert_eq!(read_anchor_idl(&data).unwrap(), b"{}");
        for len in 0..44 + 10 {
            assert!(read_anchor_idl(&data[..len]).is_err());
        }
        let data = metadata(&packed(b"{}"), [1, 2, 1, 0]);
        assert_eq!(read_metadata_idl(&data).unwrap(), b"{}");
        for len in 0..data.len() {
            assert!(read_metadata_idl(&data[..len]).is_err());
        }
        let plain = metadata(b"{}", [1, 0, 1, 0]);
        assert_eq!(read_metadata_idl(&plain).unwrap(), b"{}");
        let url = metadata(b"https://example.com", [1, 0, 1, 1]);
        assert_eq!(
            read_metadata_idl(&url),
            Err(StoredIdlError::Elsewhere("https://example.com".into()))
        );
        for kinds in [[3, 0, 1, 0], [1, 3, 1, 0], [1, 0, 2, 0], [1, 0, 1, 3]] {
            assert!(matches!(
                read_metadata_idl(&metadata(b"{}", kinds)),
                Err(StoredIdlError::Unknown { .. })
            ));
        }
    }

    #[test]
    fn what_unpacks_to_too_much_is_refused() {
        let bomb = packed(&vec![b' '; MAX_IDL_BYTES + 1]);
        assert!(bomb.len() < 10_000);
        for error in [
            read_anchor_idl(&anchor(&bomb)).unwrap_err(),
            read_metadata_idl(&metadata(&bomb, [1, 2, 1, 0])).unwrap_err(),
        ] {
            assert!(matches!(error, StoredIdlError::Packed(_)), "{error}");
        }
    }
}
