//! What all proposals share: their explanation, where they are made, and how they are shown.

use std::path::PathBuf;

use bytemuck::Zeroable;
use clap::Args;
use portcullis::{
    constants::{MAX_DURATION_SECONDS, MAX_URI_LEN},
    digest::{Commitment, Statement},
    error::PortcullisError,
    lifecycle::{Lane, Now, Status},
    state::{Council, Gate, Parent, Proposal, Terms, ROLE_PROPOSE},
};
use portcullis_client::{account::Keyed, instruction::ProposalKeys, pda};
use serde_json::{json, Value};
use solana_sdk::{pubkey::Pubkey, signature::Signature};

use crate::{
    args::WriteArgs,
    client_error::{hash, rule},
    context::Context,
    duration::{human, parse_time, utc_and_local},
    error::CliError,
    hashing,
    output::Fields,
    policy_args::attestations,
    resolve::{self, require_role},
    statement, view,
    write::Writer,
};

/// What explains a proposal, and how it is sent.
#[derive(Args, Clone, Debug)]
pub struct CommonArgs {
    /// The document that explains it: commit, diff, notes, audits. Its hash is part of what voters sign
    #[arg(long, value_name = "FILE", requires = "statement_uri")]
    statement: Option<PathBuf>,
    /// Where that document can be read
    #[arg(long, value_name = "URI", requires = "statement")]
    statement_uri: Option<String>,
    /// Never execute before this time: RFC 3339 or Unix seconds
    #[arg(long, value_name = "TIME", value_parser = parse_time)]
    not_before: Option<i64>,
    #[command(flatten)]
    pub write: WriteArgs,
}

/// What every kind of proposal carries.
#[derive(Clone, Debug, Default)]
pub struct Explained {
    pub statement: Option<Statement>,
    file: Option<statement::Read>,
    /// Unix seconds; zero: no such wish.
    pub not_before: i64,
}

impl CommonArgs {
    /// Reads the statement.
    ///
    /// # Errors
    /// A file that cannot be read, `UriTooLong`, `UriNotPrintable`.
    pub fn read(&self) -> Result<Explained, CliError> {
        let (statement, file) = match (&self.statement, &self.statement_uri) {
            (Some(path), Some(uri)) => {
                let file = statement::Read::file(path)?;
                (Some(named(file.sha256, uri.clone())?), Some(file))
            }
            _ => (None, None),
        };
        Ok(Explained {
            statement,
            file,
            not_before: self.not_before.unwrap_or_default(),
        })
    }
}

fn named(sha256: [u8; 32], uri: String) -> Result<Statement, CliError> {
    let statement = Statement { sha256, uri };
    statement.validate().map_err(|error| {
        let found = statement.uri.len();
        match error {
            PortcullisError::UriTooLong => {
                rule(error).hint(format!("at most {MAX_URI_LEN} bytes, found {found}"))
            }
            _ => rule(error).hint("percent-encode what is no printable ASCII"),
        }
    })?;
    Ok(statement)
}

impl Explained {
    /// Requires that the document, where it is one about a release, is about this build of this program.
    ///
    /// # Errors
    /// Those of [`statement::Read::check`].
    pub fn check_release(
        &self,
        lane: Lane,
        program: &Pubkey,
        build: &Commitment,
    ) -> Result<(), CliError> {
        match &self.file {
            Some(file) => file.check(lane, program, build),
            None => Ok(()),
        }
    }

    /// Requires a `not_before` that the program takes.
    ///
    /// # Errors
    /// `NotBeforeOutOfRange`.
    pub fn check(&self, now: Now) -> Result<(), CliError> {
        let latest = now
            .timestamp
            .saturating_add(i64::from(MAX_DURATION_SECONDS));
        if (0..=latest).contains(&self.not_before) {
            return Ok(());
        }
        Err(rule(PortcullisError::NotBeforeOutOfRange)
            .hint(format!("at the latest {}", utc_and_local(latest))))
    }

    fn row(&self, fields: &mut Fields) {
        if let Some(statement) = &self.statement {
            fields.push(
                "statement",
                format!("{} at {}", hash(&statement.sha256), statement.uri),
            );
        }
    }

    /// The statement for programs.
    pub fn json(&self) -> Value {
        match &self.statement {
            Some(statement) => {
                json!({ "sha256": hash(&statement.sha256), "uri": statement.uri })
            }
            None => Value::Null,
        }
    }
}

/// What a proposal would be about, as it is now.
#[derive(Clone)]
pub struct Place {
    pub council: Keyed<Council>,
    /// None: the council itself.
    pub gate: Option<Keyed<Gate>>,
    pub now: Now,
}

impl Place {
    /// The gate of a program, which the signer may propose to.
    ///
    /// # Errors
    /// No gate, `NotAMember`, `RoleMissing`.
    pub async fn of_gate(
        ctx: &Context,
        writer: &Writer<'_>,
        program: &Pubkey,
    ) -> Result<Self, CliError> {
        let gate = resolve::gate(ctx, program).await?;
        let council = writer.client.fetch_council(&gate.account.council).await?;
        Self::new(writer, council, Some(gate)).await
    }

    /// A council, which the signer may propose to.
    ///
    /// # Errors
    /// No such council, `NotAMember`, `RoleMissing`.
    pub async fn of_council(writer: &Writer<'_>, council: &Pubkey) -> Result<Self, CliError> {
        let council = writer.client.fetch_council(council).await?;
        Self::new(writer, council, None).await
    }

    async fn new(
        writer: &Writer<'_>,
        council: Keyed<Council>,
        gate: Option<Keyed<Gate>>,
    ) -> Result<Self, CliError> {
        require_role(&council.account, &writer.key(), ROLE_PROPOSE, "propose")?;
        let now = writer.client.now().await?;
        Ok(Self { council, gate, now })
    }

    /// The gate.
    ///
    /// # Errors
    /// Where it is about the council itself; the callers have made it with a gate.
    pub fn gate(&self) -> Result<&Keyed<Gate>, CliError> {
        self.gate
            .as_ref()
            .ok_or_else(|| rule(PortcullisError::NotOfAGate))
    }

    /// The account that the proposal belongs to.
    pub fn parent(&self) -> Pubkey {
        match &self.gate {
            Some(gate) => gate.address,
            None => self.council.address,
        }
    }

    /// The number that the next proposal gets.
    pub fn next_index(&self) -> u32 {
        match &self.gate {
            Some(gate) => gate.account.proposal_count,
            None => self.council.account.proposal_count,
        }
    }

    /// What the instructions of a proposal with this number name.
    pub fn keys(&self, index: u32) -> ProposalKeys {
        ProposalKeys {
            council: self.council.address,
            program: self.gate.as_ref().map(|gate| gate.account.program),
            index,
        }
    }

    /// The address of the proposal with this number.
    pub fn address(&self, ctx: &Context, index: u32) -> Pubkey {
        pda::proposal(&ctx.portcullis(), &self.parent(), index)
    }

    /// `PROGRAM_ID/12` or `COUNCIL/3`.
    pub fn name(&self, index: u32) -> String {
        match &self.gate {
            Some(gate) => format!("{}/{index}", gate.account.program),
            None => format!("{}/{index}", self.council.address),
        }
    }

    /// The gate's life; zero for the council itself.
    pub fn life(&self) -> u32 {
        self.gate.as_ref().map_or(0, |gate| gate.account.life)
    }

    /// Makes a proposal with the program's own code on copies of the accounts, so that what would be refused is refused before
    /// anything is signed; gives its terms. Later proposals of the same place then get the numbers after it.
    ///
    /// # Errors
    /// The rule that stands against it.
    pub fn rehearse<T>(
        &mut self,
        make: impl FnOnce(&mut Parent, &mut Proposal, Now) -> Result<T, PortcullisError>,
    ) -> Result<Terms, PortcullisError> {
        let mut proposal = Proposal::zeroed();
        let mut parent = match &mut self.gate {
            Some(gate) => Parent::Gate {
                council: &self.council.account,
                gate: &mut gate.account,
            },
            None => Parent::Council(&mut self.council.account),
        };
        make(&mut parent, &mut proposal, self.now)?;
        Ok(proposal.terms)
    }
}

/// When and under which rules a proposal with these terms is voted.
pub fn rules(terms: &Terms, explained: &Explained, now: Now) -> Fields {
    let snapshot = &terms.snapshot;
    let mut fields = Fields::new();
    explained.row(&mut fields);
    fields.push(
        "voting ends",
        view::when(terms.voting_ends_at, now.timestamp),
    );
    let earliest = now
        .timestamp
        .saturating_add(i64::from(snapshot.timelock_seconds))
        .max(terms.not_before);
    fields.push(
        "eta",
        format!(
            "{} after weight {} has approved; not before {}",
            human(snapshot.timelock_seconds),
            snapshot.threshold,
            view::when(earliest, now.timestamp)
        ),
    );
    if snapshot.attestations.iter().any(|count| *count > 0) {
        fields.push("attestations", attestations(&snapshot.attestations));
    }
    fields.push(
        "veto",
        match snapshot.veto_threshold {
            0 => "nobody can veto it".to_string(),
            count => format!("by {count} guardian(s)"),
        },
    );
    fields
}

/// Hashes what takes several transactions; then prints what was proposed, and what voters do next.
///
/// # Errors
/// Where a proposal cannot be read back.
pub async fn finish(
    ctx: &Context,
    writer: &Writer<'_>,
    addresses: &[Pubkey],
    signatures: &[Signature],
    extra: Value,
) -> Result<(), CliError> {
    let mut text = Vec::new();
    let mut data = Value::Null;
    let mut next = Vec::new();
    for (place, address) in addresses.iter().enumerate() {
        let mut made = writer.client.fetch_proposal_view(address).await?;
        let is_large = made.status == Status::Draft && !made.commitment().is_hashed_at_once();
        if is_large && writer.signs_freely() {
            hashing::verify_large(ctx, writer, &made).await?;
            made = writer.client.fetch_proposal_view(address).await?;
        }
        let name = view::name(&made);
        if made.status == Status::Draft {
            ctx.next(&format!(
                "next, with any key in a file that pays: portcullis execute {name}, which verifies the buffer in many transactions"
            ));
        }
        let digest = hash(&made.digest);
        let mut fields = Fields::new()
            .row("proposed", &name)
            .row("address", address)
            .row("status", view::status(&made));
        if made.is_upgrade() {
            fields.push("hash", hash(&made.commitment().sha256));
        }
        fields.push("digest", &digest);
        text.push(fields.render(0));
        next.push((name, digest, made.is_upgrade()));
        let value = view::proposal_json(&made);
        if place == 0 {
            data = value;
        } else {
            data["rollback"] = value;
        }
    }
    if let (Value::Object(data), Value::Object(extra)) = (&mut data, extra) {
        data.extend(extra);
    }
    data["signatures"] = signatures.iter().map(ToString::to_string).collect();
    ctx.out.result(&text.join("\n\n"), data);
    ctx.next(&next_commands(&next));
    Ok(())
}

fn next_commands(made: &[(String, String, bool)]) -> String {
    let artifact = |upgrade: &bool| if *upgrade { " --artifact FILE.so" } else { "" };
    match made {
        [(name, digest, upgrade)] => {
            let artifact = artifact(upgrade);
            format!(
                "voters next: portcullis review {name}{artifact}\n             \
                 portcullis approve {name}{artifact} --digest {digest}"
            )
        }
        several => {
            let names: Vec<&str> = several.iter().map(|(name, ..)| name.as_str()).collect();
            let reviews: Vec<String> = several
                .iter()
                .map(|(name, _, upgrade)| format!("portcullis review {name}{}", artifact(upgrade)))
                .collect();
            let digests: Vec<String> = several
                .iter()
                .map(|(_, digest, _)| format!("--digest {digest}"))
                .collect();
            format!(
                "voters next: {}\nthen, all in one transaction: portcullis approve {} {}",
                reviews.join("\n             "),
                names.join(" "),
                digests.join(" ")
            )
        }
    }
}
