//! The document that explains a proposal: any file; or one that `portcullis statement` wrote, whose content is compared too.

use std::{collections::BTreeMap, path::Path};

use portcullis::lifecycle::Lane;
use portcullis_client::account::Commitment;
use serde::{Deserialize, Serialize};
use solana_sdk::pubkey::Pubkey;

use crate::{artifact, client_error::hash, error::CliError, output::one_line, view, vote};

const KIND: &str = "portcullis release";
const SCHEMA_VERSION: u32 = 1;

/// One release of a program, for every cluster that it goes to: one file, one hash.
#[derive(Clone, Debug, Deserialize, Serialize)]
#[serde(deny_unknown_fields)]
pub struct Release {
    kind: String,
    schema_version: u32,
    /// The program's name.
    pub name: String,
    /// The program's id by env.
    pub programs: BTreeMap<String, String>,
    /// Of the ELF without its trailing zeros.
    pub sha256: String,
    pub len_bytes: u32,
    /// What it was built from.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub commit: Option<String>,
    /// What else voters should know.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub note: Option<String>,
}

impl Release {
    /// A build for these programs.
    pub fn new(name: &str, ids: &[(&str, Pubkey)], build: &Commitment) -> Self {
        let programs = ids
            .iter()
            .map(|(env, id)| ((*env).to_string(), id.to_string()));
        Self {
            kind: KIND.to_string(),
            schema_version: SCHEMA_VERSION,
            name: name.to_string(),
            programs: programs.collect(),
            sha256: hash(&build.sha256),
            len_bytes: build.len,
            commit: None,
            note: None,
        }
    }

    /// Requires that it names this program, and these bytes.
    fn check(&self, name: &str, program: &Pubkey, proposed: &Commitment) -> Result<(), CliError> {
        let found = vote::parse_hash(&self.sha256).map(|sha256| Commitment {
            sha256,
            len: self.len_bytes,
        });
        if found != Ok(*proposed) {
            return Err(CliError::mismatch(
                "statement_of_another_build",
                format!(
                    "{name} is about {} ({} bytes), the proposal about {}",
                    self.sha256,
                    self.len_bytes,
                    view::content(proposed)
                ),
            )
            .hint("write it from the build that is proposed: portcullis statement"));
        }
        let program = program.to_string();
        if self.programs.values().any(|id| *id == program) {
            return Ok(());
        }
        Err(CliError::mismatch(
            "statement_of_another_program",
            format!("{name} does not name {program}"),
        )
        .hint("add its env to portcullis.toml, and write the statement again"))
    }
}

/// A statement's file.
#[derive(Clone, Debug)]
pub struct Read {
    name: String,
    pub sha256: [u8; 32],
    release: Option<Release>,
}

impl Read {
    /// Reads it.
    ///
    /// # Errors
    /// `file_unreadable`; one that says to be of `portcullis statement` and is not whole.
    pub fn file(path: &Path) -> Result<Self, CliError> {
        Self::new(path.display().to_string(), &artifact::read_file(path)?)
    }

    /// Reads it from its bytes.
    ///
    /// # Errors
    /// As [`file`](Self::file).
    pub fn new(name: String, bytes: &[u8]) -> Result<Self, CliError> {
        Ok(Self {
            sha256: solana_sha256_hasher::hash(bytes).to_bytes(),
            release: parse(&name, bytes)?,
            name,
        })
    }

    /// Requires that a statement about a release is about the one that a proposal brings. A standby carries the document of the
    /// release that it guards, and what any other document says is for people to compare.
    ///
    /// # Errors
    /// `statement_of_another_build`, `statement_of_another_program`.
    pub fn check(
        &self,
        lane: Lane,
        program: &Pubkey,
        proposed: &Commitment,
    ) -> Result<(), CliError> {
        match &self.release {
            Some(release) if !lane.is_standby() => release.check(&self.name, program, proposed),
            _ => Ok(()),
        }
    }
}

fn parse(name: &str, bytes: &[u8]) -> Result<Option<Release>, CliError> {
    let value: serde_json::Value = match serde_json::from_slice(bytes) {
        Ok(value) => value,
        Err(_) => return Ok(None),
    };
    if value.get("kind").and_then(serde_json::Value::as_str) != Some(KIND) {
        return Ok(None);
    }
    let release: Result<Release, _> = serde_json::from_value(value);
    match release {
        Ok(release) if vote::parse_hash(&release.sha256).is_err() => Err(unusable(
            name,
            "its sha256 must be 64 hexadecimal digits, and is not",
        )),
        Ok(release) if release.schema_version == SCHEMA_VERSION => Ok(Some(release)),
        Ok(release) => Err(unusable(
            name,
            &format!(
                "its schema_version must be {SCHEMA_VERSION}, found {}",
                release.schema_version
            ),
        )),
        // It may quote the document, which is somebody else's.
        Err(error) => Err(unusable(name, &one_line(&error.to_string()))),
    }
}

fn unusable(name: &str, reason: &str) -> CliError {
    CliError::usage(
        "file_unreadable",
        format!("the statement {name} cannot be used: {reason}"),
    )
    .hint("write it anew: portcullis statement NAME")
}

#[cfg(test)]
mod tests {
    use super::*;

    fn release() -> (Release, Pubkey, Commitment) {
        let program = Pubkey::new_from_array([7; 32]);
        let build = Commitment {
            sha256: [0xab; 32],
            len: 9,
        };
        let release = Release::new("lending", &[("devnet", program)], &build);
        (release, program, build)
    }

    fn parsed(text: &str) -> Result<Option<Release>, CliError> {
        parse("release.json", text.as_bytes())
    }

    #[test]
    fn a_release_is_about_its_build_and_its_programs_only() {
        let (release, program, build) = release();
        let text = serde_json::to_string(&release).unwrap();
        let read = parsed(&text).unwrap().unwrap();
        let check = |program: &Pubkey, build: &Commitment| {
            read.check("x", program, build).map_err(|error| error.code)
        };
        assert_eq!(check(&program, &build), Ok(()));
        let other = Pubkey::new_from_array([8; 32]);
        assert_eq!(
            check(&other, &build),
            Err("statement_of_another_program".to_string())
        );
        for other in [
            Commitment { len: 10, ..build },
            Commitment {
                sha256: [1; 32],
                ..build
            },
        ] {
            assert_eq!(
                check(&program, &other),
                Err("statement_of_another_build".to_string())
            );
        }
    }

    #[test]
    fn any_other_file_is_a_statement_too() {
        for text in ["", "Notes.", "{}", "[1]", "{\"kind\":\"other\"}"] {
            assert!(parsed(text).unwrap().is_none(), "{text}");
        }
    }

    #[test]
    fn a_release_that_is_not_whole_is_refused() {
        let (release, ..) = release();
        let mut value = serde_json::to_value(&release).unwrap();
        for sha256 in ["ab", "\u{1b}[2J", ""] {
            let mut value = value.clone();
            value["sha256"] = sha256.into();
            let error = parsed(&value.to_string()).unwrap_err();
            assert!(error.message.contains("64 hexadecimal digits"), "{error}");
        }
        let mut hostile = value.clone();
        hostile["\u{1b}[2J"] = 1.into();
        let error = parsed(&hostile.to_string()).unwrap_err();
        assert!(!error.message.contains('\u{1b}'), "{error}");
        value["schema_version"] = 2.into();
        let error = parsed(&value.to_string()).unwrap_err();
        assert!(error.message.contains("must be 1, found 2"), "{error}");
        value["more"] = 1.into();
        assert!(parsed(&value.to_string()).is_err());
        value.as_object_mut().unwrap().remove("sha256");
        assert!(parsed(&value.to_string()).is_err());
    }
}
