//! Finds the hash in what `solana-verify` prints.
//!
//! `get-executable-hash`, `get-program-hash` and `get-buffer-hash` print it alone on a line; `verify-from-repo` and
//! `verify-from-image` print it behind a label, and that of the chain behind another (solana-verify 0.2 to 0.5). A build prints
//! much before it, digests of images among it; those are behind `sha256:` or another label and are not looked at.

use std::{
    collections::BTreeSet,
    fs,
    io::{self, Read},
    path::Path,
};

use crate::{client_error::hash, error::CliError};

/// More than any build prints.
const MOST_BYTES: u64 = 64 * 1024 * 1024;

/// Labels behind which the hash of a program stands, in lower case.
const LABELS: [&str; 8] = [
    "executable program hash from repo",
    "executable hash",
    "executable program hash",
    "on-chain program hash",
    "onchain program hash",
    "program hash",
    "buffer hash",
    "hash",
];

/// The hash in a file, or in stdin where that is `-`.
///
/// # Errors
/// `file_unreadable`, `solana_verify_unclear`.
pub fn read(path: &Path) -> Result<[u8; 32], CliError> {
    let mut bytes = Vec::new();
    let read = match path.as_os_str() == "-" {
        true => io::stdin().lock().take(MOST_BYTES).read_to_end(&mut bytes),
        false => {
            fs::File::open(path).and_then(|file| file.take(MOST_BYTES).read_to_end(&mut bytes))
        }
    };
    read.map_err(|error| {
        CliError::usage(
            "file_unreadable",
            format!("{} cannot be read: {error}", path.display()),
        )
        .hint("check the path; - reads stdin")
    })?;
    find(&String::from_utf8_lossy(&bytes))
}

/// The only hash of a program in a text.
fn find(text: &str) -> Result<[u8; 32], CliError> {
    let labelled: BTreeSet<[u8; 32]> = text.lines().filter_map(labelled).collect();
    let found = match labelled.is_empty() {
        false => labelled,
        true => text.lines().filter_map(|line| parse(line.trim())).collect(),
    };
    let mut hashes = found.iter();
    match (hashes.next(), hashes.next()) {
        (Some(only), None) => Ok(*only),
        (None, _) => Err(unclear(
            "there is no program's hash in what solana-verify printed".to_string(),
            "give what `solana-verify get-executable-hash FILE.so` prints on stdout: 64 hexadecimal digits",
        )),
        _ => {
            let all: Vec<String> = found.iter().map(hash).collect();
            Err(unclear(
                format!(
                    "solana-verify printed {} different hashes:\n  {}",
                    all.len(),
                    all.join("\n  ")
                ),
                "where it found a difference itself, the program is not what the source builds; else give one \
                 command's output at a time",
            ))
        }
    }
}

fn unclear(what: String, hint: &str) -> CliError {
    CliError::usage("solana_verify_unclear", what).hint(hint)
}

/// The hash behind a label.
fn labelled(line: &str) -> Option<[u8; 32]> {
    let (label, value) = line.trim().rsplit_once(':')?;
    let label = label.trim().to_ascii_lowercase();
    parse(value.trim()).filter(|_| LABELS.contains(&label.as_str()))
}

/// 64 hexadecimal digits and nothing else.
fn parse(text: &str) -> Option<[u8; 32]> {
    if text.len() != 64 || !text.bytes().all(|byte| byte.is_ascii_hexdigit()) {
        return None;
    }
    let mut bytes = [0; 32];
    for (place, byte) in bytes.iter_mut().enumerate() {
        let digits = text.get(2 * place..2 * place + 2)?;
        *byte = u8::from_str_radix(digits, 16).ok()?;
    }
    Some(bytes)
}

#[cfg(test)]
mod tests {
    use super::*;

    const A: &str = "7c76ba11f8742d040b1a874d943c2096f1b3a48db14d2a5b411fd5dad5d1bc2d";
    const B: &str = "72da599d9ee14b2a03a23ccfa6f06d53eea4a00825ad2191929cbd78fb69205c";

    fn found(text: &str) -> Option<String> {
        match find(text) {
            Ok(found) => Some(hash(&found)),
            Err(error) => {
                assert_eq!(error.code, "solana_verify_unclear");
                None
            }
        }
    }

    #[test]
    fn every_form_of_its_output_is_read() {
        for text in [
            A.to_string(),
            format!("{A}\n"),
            format!("\r\n  {}  \r\n", A.to_uppercase()),
            // verify-from-repo
            format!(
                "Cloning repo into /tmp/solana-verify/x\nBuilding...\nExecutable Program Hash from repo: {A}\n\
                 On-chain Program Hash: {A}\nProgram hash matches ✅\n"
            ),
            // verify-from-image
            format!(
                "Verifying image: \"x/y@sha256:{B}\", on network \"mainnet\"\nExecutable path in container: \"a.so\"\n\
                 Executable hash: {A}\nProgram hash: {A}\nExecutable matches on-chain program data ✅\n"
            ),
            // A digest of an image stands alone only behind its algorithm.
            format!("sha256:{B}\n{A}\n"),
            format!("Digest: sha256:{B}\nExecutable hash: {A}\n{B}\n"),
        ] {
            assert_eq!(found(&text), Some(A.to_string()), "{text}");
        }
    }

    #[test]
    fn none_and_several_are_refused() {
        for text in [
            String::new(),
            "Program hash matches".to_string(),
            A[..63].to_string(),
            format!("{A}0"),
            format!("Commit hash of something: {A}"),
            format!("{A}\n{B}"),
            format!("Executable Program Hash from repo: {A}\nOn-chain Program Hash: {B}\nProgram hash does not match ❌"),
            format!("x{A}"),
        ] {
            assert_eq!(found(&text), None, "{text}");
        }
        let error = find(&format!("{A}\n{B}")).unwrap_err();
        assert!(error.message.contains(A) && error.message.contains(B));
    }
}
