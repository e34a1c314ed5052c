//! The user's own build, and statements: files that are compared with the chain.

use std::{fs, io::ErrorKind, path::Path};

use portcullis_client::{
    account::{Commitment, ProposalView},
    elf::{read_artifact, Artifact},
};
use serde_json::{json, Value};

use crate::{error::CliError, fingerprint::fingerprint, view};

/// Reads a program that the loader would accept.
///
/// # Errors
/// What was required of the file, and what was found in it.
pub fn read(path: &Path) -> Result<Artifact, CliError> {
    Ok(read_artifact(path)?)
}

/// An artifact for programs.
pub fn json(artifact: &Artifact, path: &Path) -> Value {
    let mut data = view::content_json(&artifact.commitment);
    data["file"] = json!(path.display().to_string());
    data["file_len_bytes"] = json!(artifact.bytes.len());
    data["sbpf_version"] = json!(artifact.sbpf_version);
    data["fingerprint"] = json!(fingerprint(&artifact.commitment.sha256));
    data
}

/// Requires that a build is what the proposal would deploy.
///
/// # Errors
/// `HashMismatch`.
pub fn require(view: &ProposalView, path: &Path) -> Result<Artifact, CliError> {
    let artifact = read(path)?;
    if !view.is_upgrade() {
        return Err(CliError::usage(
            "not_an_upgrade",
            format!(
                "proposal {} deploys nothing that an artifact could be compared with: {}",
                view::name(view),
                view::action(view)
            ),
        )
        .hint("leave --artifact out"));
    }
    let proposed = view.commitment();
    if artifact.commitment == proposed {
        return Ok(artifact);
    }
    Err(differs(
        &format!("proposal {} would deploy", view::name(view)),
        &proposed,
        &artifact,
        path,
    )
    .hint("do not approve: this proposal is not your build. Check the commit and the toolchain that you built with"))
}

/// The error for bytes that are not those of a build.
pub fn differs(what: &str, found: &Commitment, artifact: &Artifact, path: &Path) -> CliError {
    CliError::mismatch(
        "HashMismatch",
        format!(
            "{what} {}, but {} is {}",
            view::content(found),
            path.display(),
            view::content(&artifact.commitment)
        ),
    )
}

/// The bytes of a file.
///
/// # Errors
/// `file_unreadable`.
pub fn read_file(path: &Path) -> Result<Vec<u8>, CliError> {
    fs::read(path).map_err(|error| {
        let shown = path.display();
        let reason = match error.kind() {
            ErrorKind::NotFound => "there is no such file".to_string(),
            ErrorKind::IsADirectory => "it is a directory".to_string(),
            _ => error.to_string(),
        };
        CliError::usage(
            "file_unreadable",
            format!("{shown} cannot be read: {reason}"),
        )
        .hint("check the path")
    })
}
