//! Signed votes as a file, on their way from the member to whoever relays them.

use std::{fs, path::Path, str::FromStr};

use portcullis::message::KIND_NAMES;
use portcullis_client::{
    account::Statement,
    message::{Attested, Ballot},
};
use serde_json::{json, Value};
use solana_sdk::{pubkey::Pubkey, signature::Signature};

use super::{Cast, Verb};
use crate::{client_error::hash, context::Context, error::CliError, view};

/// Of the file's layout.
const SCHEMA: u64 = 1;

/// Writes votes to a file; gives its content.
///
/// # Errors
/// `file_unwritable`.
pub fn write(path: &Path, votes: &[Value]) -> Result<Value, CliError> {
    let file = json!({ "schema_version": SCHEMA, "votes": votes });
    // A value made of strings and numbers always serializes.
    let written = serde_json::to_string_pretty(&file).unwrap_or_default();
    fs::write(path, format!("{written}\n")).map_err(|error| {
        CliError::usage(
            "file_unwritable",
            format!("{} cannot be written: {error}", path.display()),
        )
        .hint("check the path")
    })?;
    Ok(file)
}

/// A vote for its file.
pub fn to_json(
    ctx: &Context,
    cast: &Cast,
    ballot: &Ballot,
    text: &str,
    signature: Option<Signature>,
) -> Value {
    let attestation = match ballot {
        Ballot::Attest(attested) => json!({
            "kind": KIND_NAMES.get(usize::from(attested.kind)),
            "statement_sha256": hash(&attested.statement.sha256),
            "uri": attested.statement.uri,
            "expires_at": attested.expires_at,
        }),
        _ => Value::Null,
    };
    json!({
        "portcullis": ctx.portcullis().to_string(),
        "ref": view::name(&cast.view),
        "proposal": cast.view.address.to_string(),
        "member": cast.member.to_string(),
        "vote": cast.verb.name(),
        "attestation": attestation,
        "digest": hash(&cast.view.digest),
        "valid_until": cast.valid_until,
        "text": text,
        "signature": signature.map(|signature| signature.to_string()),
    })
}

/// A vote as it stands in a file. Nothing of it is trusted: the text is computed anew and the signature checked.
pub struct Filed {
    pub proposal: Pubkey,
    pub member: Pubkey,
    pub verb: Verb,
    pub ballot: Ballot,
    pub valid_until: i64,
    pub text: String,
    pub signature: Option<Signature>,
}

impl Filed {
    fn read(value: &Value) -> Option<Self> {
        let text = |name: &str| value.get(name)?.as_str();
        let key = |name: &str| Pubkey::from_str(text(name)?).ok();
        let verb = match text("vote")? {
            "approve" => Verb::Approve,
            "reject" => Verb::Reject,
            "veto" => Verb::Veto,
            "trigger" => Verb::Trigger,
            "attest" => Verb::Attest(attested(value.get("attestation")?)?),
            _ => return None,
        };
        Some(Self {
            proposal: key("proposal")?,
            member: key("member")?,
            ballot: verb.ballot()?,
            verb,
            valid_until: value.get("valid_until")?.as_i64()?,
            text: text("text")?.to_string(),
            signature: match value.get("signature")? {
                Value::Null => None,
                signature => Some(Signature::from_str(signature.as_str()?).ok()?),
            },
        })
    }
}

fn attested(value: &Value) -> Option<Attested> {
    let kind = value.get("kind")?.as_str()?;
    let position = KIND_NAMES.iter().position(|name| *name == kind)?;
    Some(Attested {
        kind: u8::try_from(position).ok()?,
        statement: Statement {
            sha256: parse_hash(value.get("statement_sha256")?.as_str()?).ok()?,
            uri: value.get("uri")?.as_str()?.to_string(),
        },
        expires_at: value.get("expires_at")?.as_i64()?,
    })
}

/// A hash in hexadecimal digits.
///
/// # Errors
/// What is wrong with it, for clap.
pub fn parse_hash(text: &str) -> Result<[u8; 32], String> {
    let wrong = || "a hash must be 64 hexadecimal digits".to_string();
    if text.len() != 64 || !text.bytes().all(|byte| byte.is_ascii_hexdigit()) {
        return Err(wrong());
    }
    let mut hash = [0; 32];
    for (place, byte) in hash.iter_mut().enumerate() {
        let digits = text.get(2 * place..2 * place + 2).ok_or_else(wrong)?;
        *byte = u8::from_str_radix(digits, 16).map_err(|_| wrong())?;
    }
    Ok(hash)
}

/// The votes of a file.
///
/// # Errors
/// `file_unreadable`.
pub fn read(path: &Path) -> Result<Vec<Filed>, CliError> {
    let unreadable = |reason: String| {
        CliError::usage(
            "file_unreadable",
            format!("{} cannot be read: {reason}", path.display()),
        )
        .hint("give a file that --sign-message has written")
    };
    let text = fs::read_to_string(path).map_err(|error| unreadable(error.to_string()))?;
    let file: Value = serde_json::from_str(&text)
        .map_err(|_| unreadable("it must be JSON, and is not".to_string()))?;
    if file.get("schema_version").and_then(Value::as_u64) != Some(SCHEMA) {
        return Err(unreadable(format!("its schema_version must be {SCHEMA}")));
    }
    let votes = file.get("votes").and_then(Value::as_array);
    votes
        .into_iter()
        .flatten()
        .map(|vote| {
            Filed::read(vote).ok_or_else(|| {
                unreadable("one of its votes is incomplete or malformed".to_string())
            })
        })
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn file() -> Value {
        json!({
            "proposal": Pubkey::new_from_array([1; 32]).to_string(),
            "member": Pubkey::new_from_array([2; 32]).to_string(),
            "vote": "attest",
            "attestation": {
                "kind": "audit",
                "statement_sha256": "ab".repeat(32),
                "uri": "https://example.com/a",
                "expires_at": 9,
            },
            "valid_until": 7,
            "text": "Portcullis: ATTEST",
            "signature": null,
        })
    }

    #[test]
    fn a_vote_is_read_from_its_file() {
        let filed = Filed::read(&file()).unwrap();
        assert_eq!(
            (filed.valid_until, filed.verb.name(), filed.signature),
            (7, "attest", None)
        );
        let Ballot::Attest(attested) = filed.ballot else {
            panic!("not an attestation");
        };
        assert_eq!((attested.kind, attested.statement.sha256), (1, [0xab; 32]));
    }

    #[test]
    fn a_vote_with_a_field_that_is_missing_or_wrong_is_refused() {
        let names = [
            "proposal",
            "member",
            "vote",
            "attestation",
            "valid_until",
            "text",
            "signature",
        ];
        for name in names {
            for wrong in [None, Some(json!([1]))] {
                let mut value = file();
                match wrong {
                    None => drop(value.as_object_mut().unwrap().remove(name)),
                    Some(wrong) => value[name] = wrong,
                }
                assert!(Filed::read(&value).is_none(), "{name}");
            }
        }
        let mut value = file();
        value["vote"] = json!("retract");
        assert!(Filed::read(&value).is_none());
    }

    #[test]
    fn a_hash_has_64_hexadecimal_digits() {
        assert_eq!(parse_hash(&"0f".repeat(32)), Ok([15; 32]));
        assert!(parse_hash(&"0".repeat(63)).is_err());
        assert!(parse_hash(&"g".repeat(64)).is_err());
        assert!(parse_hash(&"é".repeat(32)).is_err());
    }
}
