//! Signers in Solana's forms: a keypair file, `-` for stdin, `prompt://` for a seed phrase, `usb://ledger`.

use std::{
    fs::{self, OpenOptions},
    io::{ErrorKind, Write},
    path::Path,
};

use solana_clap_utils::keypair::signer_from_path;
use solana_sdk::signer::{keypair::Keypair, Signer};

use crate::{error::CliError, ledger};

/// Loads the signer that `source` names. `what` says whose it is, such as `keypair`.
///
/// # Errors
/// What was required of the file, and what was found in it.
pub fn load(source: &str, what: &str) -> Result<Box<dyn Signer>, CliError> {
    let scheme = source.split_once(':').map(|(scheme, _)| scheme);
    match scheme {
        Some("usb") => ledger::load(source, what),
        Some("prompt" | "stdin") => interactive(source, what),
        _ if source == "-" => interactive(source, what),
        _ => {
            let path = source.strip_prefix("file:").unwrap_or(source);
            Ok(Box::new(keypair_file(Path::new(path), what)?))
        }
    }
}

fn interactive(source: &str, what: &str) -> Result<Box<dyn Signer>, CliError> {
    signer_from_path(&Default::default(), source, what, &mut None)
        .map_err(|error| unusable(what, source, error))
}

/// Reads a keypair file: a JSON array of 64 numbers.
///
/// # Errors
/// What was required, and what was found.
pub fn keypair_file(path: &Path, what: &str) -> Result<Keypair, CliError> {
    let shown = path.display();
    let text = fs::read_to_string(path).map_err(|error| match error.kind() {
        ErrorKind::NotFound => unusable(what, &shown, "there is no such file")
            .hint("give another with -k, or make one with `solana-keygen new`"),
        ErrorKind::InvalidData => unusable(
            what,
            &shown,
            "it must be a JSON array of 64 numbers, found bytes that are no text",
        ),
        _ => unusable(what, &shown, error),
    })?;
    let bytes = parse_keypair(&text).map_err(|found| {
        unusable(
            what,
            &shown,
            format!("it must be a JSON array of 64 numbers from 0 to 255, found {found}"),
        )
        .hint("a keypair file is what `solana-keygen new` writes; an address or a program is none")
    })?;
    Keypair::try_from(bytes.as_slice()).map_err(|_| {
        unusable(
            what,
            &shown,
            "its last 32 bytes must be the public key of its first 32, and are not",
        )
        .hint("the file is damaged: restore it from its backup")
    })
}

/// Makes a keypair file with a new key, which only its owner may read. Overwrites nothing.
///
/// # Errors
/// Where the file is there already or cannot be written.
pub fn new_keypair_file(path: &Path) -> Result<Keypair, CliError> {
    let key = Keypair::new();
    let numbers: Vec<String> = key.to_bytes().iter().map(u8::to_string).collect();
    let mut options = OpenOptions::new();
    options.write(true).create_new(true);
    #[cfg(unix)]
    std::os::unix::fs::OpenOptionsExt::mode(&mut options, 0o600);
    let written = options
        .open(path)
        .and_then(|mut file| file.write_all(format!("[{}]", numbers.join(",")).as_bytes()));
    match written {
        Ok(()) => Ok(key),
        Err(error) => Err(CliError::usage(
            "keypair_not_made",
            format!(
                "the keypair file {} cannot be made: {error}",
                path.display()
            ),
        )
        .hint("name a file in a folder that is there")),
    }
}

/// The 64 bytes of a keypair file, or what was found instead. Never quotes the content: it may be secret.
fn parse_keypair(text: &str) -> Result<Vec<u8>, String> {
    let value: serde_json::Value =
        serde_json::from_str(text.trim()).map_err(|_| match text.trim() {
            "" => "an empty file".to_string(),
            _ => "something that is not JSON".to_string(),
        })?;
    let numbers = value
        .as_array()
        .ok_or_else(|| "JSON that is not an array".to_string())?;
    let bytes: Option<Vec<u8>> = numbers
        .iter()
        .map(|number| number.as_u64().and_then(|number| u8::try_from(number).ok()))
        .collect();
    match bytes {
        None => Err("an array with other values".to_string()),
        Some(bytes) if bytes.len() != 64 => Err(format!("{} numbers", bytes.len())),
        Some(bytes) => Ok(bytes),
    }
}

fn unusable(
    what: &str,
    source: impl std::fmt::Display,
    reason: impl std::fmt::Display,
) -> CliError {
    CliError::usage(
        "keypair_unusable",
        format!("the {what} {source} cannot be used: {reason}"),
    )
    .hint("name a keypair file, or another signer, with -k")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_new_keypair_file_is_its_owner_s_and_overwrites_nothing() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("key.json");
        let made = new_keypair_file(&path).unwrap();
        assert_eq!(keypair_file(&path, "key").unwrap(), made);
        #[cfg(unix)]
        {
            use std::os::unix::fs::PermissionsExt;
            let mode = fs::metadata(&path).unwrap().permissions().mode();
            assert_eq!(mode & 0o777, 0o600);
        }
        assert_eq!(
            new_keypair_file(&path).unwrap_err().code,
            "keypair_not_made"
        );
        assert_eq!(keypair_file(&path, "key").unwrap(), made);
    }

    #[test]
    fn what_is_wrong_with_a_keypair_file_is_named_without_its_content() {
        assert_eq!(parse_keypair("").unwrap_err(), "an empty file");
        assert_eq!(
            parse_keypair("hello").unwrap_err(),
            "something that is not JSON"
        );
        assert_eq!(
            parse_keypair("{}").unwrap_err(),
            "JSON that is not an array"
        );
        assert_eq!(
            parse_keypair("[1,2,300]").unwrap_err(),
            "an array with other values"
        );
        assert_eq!(parse_keypair("[1,2,3]").unwrap_err(), "3 numbers");
        let key = Keypair::new();
        let text = serde_json::to_string(&key.to_bytes().to_vec()).unwrap();
        assert_eq!(parse_keypair(&text).unwrap(), key.to_bytes());
    }
}
