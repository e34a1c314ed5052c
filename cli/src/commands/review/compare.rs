//! A proposal compared with the voter's own build and statement. No server is asked for it.

use std::path::{Path, PathBuf};

use portcullis::digest::Statement;
use portcullis_client::{
    account::{Keyed, ProposalView, StoredAttestation},
    bundle::BundledStatement,
    elf::Artifact,
};
use serde_json::{json, Value};

use crate::{
    artifact,
    client_error::hash,
    error::CliError,
    output::{judged, one_line},
    statement, view,
};

/// What a proposal was compared with, and how that ended.
pub struct Compared {
    statement: Option<Result<Statement, CliError>>,
    artifact: Option<(PathBuf, Result<Artifact, CliError>)>,
    /// How a document comes here that is not.
    missing: &'static str,
}

/// Where a server is at hand.
const ONLINE: &str =
    "compare it with --statement FILE --statement-uri URI (`portcullis history` shows the URI)";
const OFFLINE: &str =
    "the document is not in the bundle: `review --statement FILE --statement-uri URI --offline-bundle` puts it there";

impl Compared {
    /// Compares a proposal with the document that explains it and the voter's own build.
    ///
    /// # Errors
    /// A document that cannot be read.
    pub fn new(
        view: &ProposalView,
        document: Option<&BundledStatement>,
        artifact: Option<&Path>,
    ) -> Result<Self, CliError> {
        let statement = match document {
            Some(document) => Some(compare_statement(view, document)?),
            None => None,
        };
        let artifact = artifact.map(|path| (path.to_path_buf(), artifact::require(view, path)));
        Ok(Self {
            statement,
            artifact,
            missing: ONLINE,
        })
    }

    /// On a machine without a network.
    #[must_use]
    pub fn offline(mut self) -> Self {
        self.missing = OFFLINE;
        self
    }

    /// Attestations, statement and artifact, for people.
    pub fn text(&self, view: &ProposalView, attestations: &[Keyed<StoredAttestation>]) -> String {
        let mut text = String::new();
        let shown = view::attestation_rows(attestations, view.now.timestamp);
        if !shown.is_empty() {
            text.push_str(&format!("\n\n{shown}"));
        }
        let (line, _) = self.statement_line(view);
        text.push_str(&format!("\n\nstatement  {line}"));
        if let Some((line, _)) = self.artifact_line(view) {
            text.push_str(&format!("\nartifact   {line}"));
        }
        text
    }

    /// Statement and artifact, for programs.
    pub fn add_to(&self, view: &ProposalView, data: &mut Value) {
        data["statement"] = self.statement_line(view).1;
        data["artifact"] = self
            .artifact_line(view)
            .map_or(Value::Null, |(_, found)| found);
    }

    /// What differs, if anything does.
    pub fn mismatch(self) -> Option<CliError> {
        let artifact = self.artifact.and_then(|(_, compared)| compared.err());
        artifact.or(self.statement.and_then(Result::err))
    }

    fn statement_line(&self, view: &ProposalView) -> (String, Value) {
        let commitment = view.proposal.terms.statement;
        match &self.statement {
            None if commitment == [0; 32] => ("none".to_string(), Value::Null),
            None => (
                format!("commitment {}; {}", hash(&commitment), self.missing),
                json!({ "commitment": hash(&commitment) }),
            ),
            Some(Ok(statement)) => (
                judged(
                    &format!(
                        "MATCHES: {} at {}",
                        hash(&statement.sha256),
                        one_line(&statement.uri)
                    ),
                    true,
                ),
                json!({
                    "commitment": hash(&commitment),
                    "sha256": hash(&statement.sha256),
                    "uri": statement.uri,
                    "matches": true,
                }),
            ),
            Some(Err(error)) => (
                judged(&format!("NOT the proposal's: {error}"), false),
                json!({ "commitment": hash(&commitment), "matches": false }),
            ),
        }
    }

    fn artifact_line(&self, view: &ProposalView) -> Option<(String, Value)> {
        if !view.is_upgrade() && self.artifact.is_none() {
            return None;
        }
        Some(match &self.artifact {
            Some((path, Ok(artifact))) => {
                let mut data = artifact::json(artifact, path);
                data["matches"] = json!(true);
                (judged(&format!("MATCHES {}", path.display()), true), data)
            }
            Some((path, Err(error))) => (
                judged(&format!("NOT the proposal's: {error}"), false),
                json!({ "file": path.display().to_string(), "matches": false }),
            ),
            None => (
                "not compared: build it yourself and give --artifact FILE.so".to_string(),
                Value::Null,
            ),
        })
    }
}

fn compare_statement(
    view: &ProposalView,
    document: &BundledStatement,
) -> Result<Result<Statement, CliError>, CliError> {
    let read = statement::Read::new("the statement".to_string(), &document.content()?)?;
    let statement = Statement {
        sha256: read.sha256,
        uri: document.uri.clone(),
    };
    if statement.commitment() == view.proposal.terms.statement {
        return Ok(match view.program().filter(|_| view.is_upgrade()) {
            Some(program) => read
                .check(view.lane, &program, &view.commitment())
                .map(|()| statement),
            None => Ok(statement),
        });
    }
    Ok(Err(CliError::mismatch(
        "statement_mismatch",
        format!(
            "the statement with the SHA-256 {} and the URI {} is not the one that proposal {} names",
            hash(&statement.sha256),
            one_line(&statement.uri),
            view::name(view)
        ),
    )
    .hint("both the file's bytes and the URI must be exactly those that were proposed")))
}
