//! Proposes an upgrade: the buffer goes into the gate's custody, is hashed on chain, and the vote opens. One transaction.

use std::path::PathBuf;

use clap::Args;
use portcullis::{
    constants::{MAX_DURATION_SECONDS, MAX_ELF_LEN, MAX_URI_LEN},
    digest::{Commitment, Statement},
    error::PortcullisError,
    state::{Gate, Proposal, ROLE_PROPOSE},
    transitions::UpgradeArgs,
};
use portcullis_client::{
    account::{decode_buffer, Buffer, Keyed, PortcullisAccount},
    instruction::ProposalKeys,
    pda,
    transaction::{hash_compute_units, MAX_COMPUTE_UNITS},
};
use serde_json::json;
use solana_sdk::pubkey::Pubkey;

use crate::{
    args::WriteArgs,
    artifact,
    client_error::{hash, rule},
    context::Context,
    duration::{human, parse_time},
    error::CliError,
    exit::ExitCode,
    output::Fields,
    resolve::{self, require_role},
    view,
    write::{Step, Writer},
};

/// What proposing costs beside the hash, with room to spare.
const PROPOSE_COMPUTE_UNITS: u32 = 40_000;

/// Which buffer, for which program, explained by what.
#[derive(Args, Debug)]
#[command(after_help = "Examples:\n  \
    portcullis propose upgrade BUFFER --program PROGRAM_ID --artifact target/deploy/app.so\n  \
    portcullis propose upgrade BUFFER --program PROGRAM_ID --statement release.json \\\n    \
      --statement-uri https://example.com/releases/1.2.0.json\n\n\
    The signer (-k) must be a member with the role propose, and the buffer's authority.")]
pub struct Upgrade {
    /// The buffer that `portcullis buffer upload` made
    #[arg(value_name = "BUFFER")]
    buffer: Pubkey,
    /// The program to upgrade
    #[arg(long, value_name = "PROGRAM_ID", env = "PORTCULLIS_PROGRAM")]
    program: Pubkey,
    /// Your build: its hash must be that of the buffer
    #[arg(long, value_name = "FILE")]
    artifact: Option<PathBuf>,
    /// The document that explains the upgrade: commit, diff, notes, audits. Its hash is part of what voters sign
    #[arg(long, value_name = "FILE", requires = "statement_uri")]
    statement: Option<PathBuf>,
    /// Where that document can be read
    #[arg(long, value_name = "URI", requires = "statement")]
    statement_uri: Option<String>,
    /// Never execute before this time: RFC 3339 or Unix seconds
    #[arg(long, value_name = "TIME", value_parser = parse_time)]
    not_before: Option<i64>,
    /// Who gets the buffer's lamports [default: who pays]
    #[arg(long, value_name = "ADDRESS")]
    spill: Option<Pubkey>,
    #[command(flatten)]
    write: WriteArgs,
}

impl Upgrade {
    /// Runs it.
    ///
    /// # Errors
    /// Where the buffer is not the signer's, not the artifact's, or what runs already.
    pub async fn run(self, ctx: &Context) -> Result<(), CliError> {
        let Self {
            buffer,
            program,
            artifact,
            statement,
            statement_uri,
            not_before,
            spill,
            write,
        } = self;
        let statement = match (statement, statement_uri) {
            (Some(path), Some(uri)) => Some(read_statement(&path, uri)?),
            _ => None,
        };
        let writer = ctx.writer(write)?;
        let gate = resolve::gate(ctx, &program).await?;
        let council = writer.client.fetch_council(&gate.account.council).await?;
        require_role(&council.account, &writer.key(), ROLE_PROPOSE, "propose")?;
        let commitment = uploaded(ctx, &writer, &gate, &buffer).await?;
        if let Some(path) = &artifact {
            let artifact = artifact::read(path)?;
            if artifact.commitment != commitment {
                return Err(artifact::differs(
                    &format!("buffer {buffer} holds"),
                    &commitment,
                    &artifact,
                    path,
                )
                .hint("upload the build that is meant: portcullis buffer upload FILE.so"));
            }
        }
        let now = writer.client.now().await?;
        let not_before = not_before.unwrap_or_default();
        check_not_before(not_before, now.timestamp)?;
        let release = gate.account.release;
        let base = Commitment {
            sha256: release.sha256,
            len: release.len,
        };
        if base == commitment {
            ctx.out.warn("the buffer holds what is deployed already");
        }
        let spill = spill.unwrap_or(writer.payer_key());
        let policy = &gate.account.policy;
        let index = gate.account.proposal_count;
        let rent = writer.rent(Proposal::space()).await?;
        let earliest = now
            .timestamp
            .saturating_add(i64::from(policy.timelock_seconds))
            .max(not_before);
        let mut details = Fields::new()
            .row("proposal", format!("{program}/{index}"))
            .row("program", program)
            .row(
                "from",
                format!("{}, release {}", view::content(&base), release.index),
            )
            .row("to", view::content(&commitment))
            .row(
                "buffer",
                format!("{buffer}: it goes into the gate's custody"),
            )
            .row("authority", gate.account.authority);
        if let Some(statement) = &statement {
            details.push(
                "statement",
                format!("{} at {}", hash(&statement.sha256), statement.uri),
            );
        }
        details.push(
            "voting ends",
            view::when(
                now.timestamp
                    .saturating_add(i64::from(policy.voting_period_seconds)),
                now.timestamp,
            ),
        );
        details.push(
            "eta",
            format!(
                "{} after weight {} has approved; not before {}",
                human(policy.timelock_seconds),
                policy.threshold,
                view::when(earliest, now.timestamp)
            ),
        );
        details.push("spill", spill);
        details.push("rent", format!("{rent} lamports, returned at the end"));
        writer.show("about to propose an upgrade", details)?;
        writer.require_funds(rent).await?;

        let keys = ProposalKeys {
            council: gate.account.council,
            program,
            index,
        };
        let builder = ctx.builder();
        let instructions = vec![
            builder.propose_upgrade(
                &keys,
                buffer,
                spill,
                writer.key(),
                writer.payer_key(),
                UpgradeArgs {
                    commitment,
                    base_index: release.index,
                    base,
                    epoch: council.account.config_epoch,
                    life: gate.account.life,
                    statement: statement.clone(),
                    not_before,
                },
            ),
            builder.verify_buffer(&keys, buffer),
        ];
        let units = hash_compute_units(commitment.len)
            .saturating_add(PROPOSE_COMPUTE_UNITS)
            .min(MAX_COMPUTE_UNITS);
        let step = Step::new("propose and verify", instructions).compute_units(units);
        let statement_json = statement
            .as_ref()
            .map(|statement| json!({ "sha256": hash(&statement.sha256), "uri": statement.uri }));
        let would = json!({
            "ref": format!("{program}/{index}"),
            "program": program.to_string(),
            "buffer": buffer.to_string(),
            "new": view::content_json(&commitment),
            "statement": statement_json,
            "rent_lamports": rent,
        });
        let Some(signatures) = writer.run(&[step], would, &[]).await? else {
            return Ok(());
        };
        let address = pda::proposal(&ctx.portcullis(), &gate.address, index);
        let made = writer.client.fetch_proposal_view(&address).await?;
        let mut data = view::proposal_json(&made);
        data["statement"] = json!(statement_json);
        data["rent_lamports"] = json!(rent);
        data["signatures"] = signatures.iter().map(ToString::to_string).collect();
        let name = view::name(&made);
        let digest = hash(&made.digest);
        ctx.out.result(
            &Fields::new()
                .row("proposed", &name)
                .row("address", address)
                .row("status", view::status(&made))
                .row("hash", hash(&commitment.sha256))
                .row("digest", &digest)
                .render(0),
            data,
        );
        ctx.next(&format!(
            "voters next: portcullis review {name} --artifact FILE.so\n             \
             portcullis approve {name} --artifact FILE.so --digest {digest}"
        ));
        Ok(())
    }
}

fn read_statement(path: &std::path::Path, uri: String) -> Result<Statement, CliError> {
    if uri.len() > MAX_URI_LEN {
        return Err(rule(PortcullisError::UriTooLong)
            .hint(format!("at most {MAX_URI_LEN} bytes, found {}", uri.len())));
    }
    Ok(Statement {
        sha256: artifact::statement_hash(path)?,
        uri,
    })
}

fn check_not_before(not_before: i64, now: i64) -> Result<(), CliError> {
    let latest = now.saturating_add(i64::from(MAX_DURATION_SECONDS));
    if (0..=latest).contains(&not_before) {
        return Ok(());
    }
    Err(rule(PortcullisError::NotBeforeOutOfRange).hint(format!(
        "at the latest {}",
        crate::duration::utc_and_local(latest)
    )))
}

/// The commitment to what the buffer holds, if the signer may propose it.
async fn uploaded(
    ctx: &Context,
    writer: &Writer<'_>,
    gate: &Keyed<Gate>,
    address: &Pubkey,
) -> Result<Commitment, CliError> {
    let account = writer.client.get_account(address).await?.ok_or_else(|| {
        CliError::not_found(format!("there is no buffer {address} on this cluster")).hint(
            "upload one: portcullis buffer upload FILE.so; list yours: portcullis buffer list",
        )
    })?;
    let buffer: Buffer = decode_buffer(address, &account)?;
    require_authority(ctx, gate, address, &buffer, &writer.key())?;
    let commitment = buffer.commitment().ok_or_else(|| {
        rule(PortcullisError::LengthOutOfRange)
            .context(format!("buffer {address} holds nothing but zeros"))
            .hint("finish its upload: portcullis buffer upload FILE.so")
    })?;
    if commitment.len > MAX_ELF_LEN {
        return Err(rule(PortcullisError::ElfTooLarge).hint(format!(
            "the buffer holds {} bytes, at most {MAX_ELF_LEN} can be hashed in one transaction",
            commitment.len
        )));
    }
    Ok(commitment)
}

fn require_authority(
    ctx: &Context,
    gate: &Keyed<Gate>,
    address: &Pubkey,
    buffer: &Buffer,
    key: &Pubkey,
) -> Result<(), CliError> {
    if buffer.authority == Some(*key) {
        return Ok(());
    }
    let error = |found: String| {
        CliError::new(
            ExitCode::Refused,
            "BufferAuthorityMismatch",
            format!("the proposer must be the authority of buffer {address}: it is {found}, the signer is {key}"),
        )
    };
    Err(match buffer.authority {
        Some(authority) if authority == pda::authority(&ctx.portcullis(), &gate.account.program) => {
            error(format!("{authority}, this gate's signer")).hint(format!(
                "another proposal holds this buffer: portcullis list --program {}",
                gate.account.program
            ))
        }
        Some(authority) if !authority.is_on_curve() => error(format!("{authority}, a program's address")).hint(
            "the gate of another program may hold it; upload a buffer of your own: portcullis buffer upload FILE.so",
        ),
        Some(authority) => error(authority.to_string()).hint(format!(
            "its authority hands it over with: solana program set-buffer-authority {address} \
             --new-buffer-authority {key}"
        )),
        None => error("nobody (the buffer is immutable)".to_string())
            .hint("upload a buffer of your own: portcullis buffer upload FILE.so"),
    })
}
