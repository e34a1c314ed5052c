//! Compares what is deployed with the gate's record, and with the user's own build.

use std::path::{Path, PathBuf};

use clap::Args;
use portcullis::state::{Gate, GateState};
use portcullis_client::{
    account::{Commitment, Keyed, Programdata},
    elf::Artifact,
};
use serde_json::{json, Value};
use solana_sdk::pubkey::Pubkey;

use crate::{
    artifact,
    client_error::hash,
    context::Context,
    error::CliError,
    output::{judged, Fields},
    view,
};

/// What to compare.
#[derive(Args, Debug)]
#[command(after_help = "Examples:\n  \
    portcullis verify PROGRAM_ID                         the chain with the gate's record\n  \
    portcullis verify PROGRAM_ID --artifact app.so       the chain with your build as well\n  \
    portcullis verify --artifact app.so                  the hash of your build, nothing else\n\n\
    The hash is the SHA-256 of the ELF without trailing zeros, as solana-verify prints it.\n\
    It exits with 4 where anything differs.")]
pub struct Verify {
    /// The program
    #[arg(value_name = "PROGRAM_ID", required_unless_present = "artifact")]
    program: Option<Pubkey>,
    /// Your build
    #[arg(long, value_name = "FILE")]
    artifact: Option<PathBuf>,
}

impl Verify {
    /// Runs it.
    ///
    /// # Errors
    /// `HashMismatch`, with both hashes.
    pub async fn run(self, ctx: &Context) -> Result<(), CliError> {
        let Self { program, artifact } = self;
        let artifact = match &artifact {
            Some(path) => Some((path.as_path(), artifact::read(path)?)),
            None => None,
        };
        match program {
            Some(program) => on_chain(ctx, &program, artifact.as_ref()).await,
            None => {
                if let Some((path, artifact)) = &artifact {
                    ctx.out.result(
                        &hash(&artifact.commitment.sha256),
                        json!({ "artifact": artifact::json(artifact, path) }),
                    );
                }
                Ok(())
            }
        }
    }
}

async fn on_chain(
    ctx: &Context,
    program: &Pubkey,
    artifact: Option<&(&Path, Artifact)>,
) -> Result<(), CliError> {
    let client = ctx.client()?;
    let gate = client.find_gate(program).await?;
    let programdata = client.fetch_programdata(program).await?;
    let deployed = programdata.account.commitment().unwrap_or_default();
    let mut fields = Fields::new()
        .row("program", program)
        .row("deployed", view::content(&deployed));
    let mut data = json!({
        "program": program.to_string(),
        "deployed": view::content_json(&deployed),
        "upgrade_authority": programdata.account.upgrade_authority.map(|key| key.to_string()),
    });
    let mut failures = Vec::new();
    match &gate {
        Some(gate) => failures.extend(compare_gate(
            gate,
            &programdata,
            &deployed,
            &mut fields,
            &mut data,
        )),
        None => {
            fields.push(
                "gate",
                "none: whoever has the upgrade authority can change the program at any time",
            );
            data["gate"] = Value::Null;
            if artifact.is_none() {
                ctx.out.text_only(&fields.render(0));
                return Err(CliError::not_found(format!(
                    "program {program} has no gate to compare with"
                ))
                .hint("compare it with your own build: --artifact FILE.so")
                .data(data));
            }
        }
    }
    if let Some((path, artifact)) = artifact {
        failures.extend(compare_artifact(
            path,
            artifact,
            &deployed,
            &mut fields,
            &mut data,
        ));
    }
    match failures.into_iter().next() {
        None => {
            ctx.out.result(&fields.render(0), data);
            Ok(())
        }
        Some(error) => {
            ctx.out.text_only(&fields.render(0));
            Err(error.data(data))
        }
    }
}

/// The gate must hold the authority, and its current release must be what runs.
fn compare_gate(
    gate: &Keyed<Gate>,
    programdata: &Keyed<Programdata>,
    deployed: &Commitment,
    fields: &mut Fields,
    data: &mut Value,
) -> Option<CliError> {
    let release = &gate.account.release;
    let recorded = Commitment {
        sha256: release.sha256,
        len: release.len,
    };
    let same = recorded == *deployed;
    let holds = programdata.account.upgrade_authority == Some(gate.account.authority);
    fields.push("gate", gate.address);
    fields.push(
        "release",
        format!(
            "{} {}, {}",
            release.index,
            view::content(&recorded),
            if same {
                judged("MATCHES the chain", true)
            } else {
                judged("DIFFERS from the chain", false)
            }
        ),
    );
    fields.push(
        "upgrade authority",
        match programdata.account.upgrade_authority {
            Some(_) if holds => judged("the gate's signer", true),
            Some(_) => judged("NOT the gate's signer", false),
            // Finalized: what the gate let through stays for ever.
            None => judged("nobody: it can never change", true),
        },
    );
    data["gate"] = json!({
        "address": gate.address.to_string(),
        "release_index": release.index,
        "release": view::content_json(&recorded),
        "matches": same,
        "holds_upgrade_authority": holds,
    });
    if !same {
        return Some(
            CliError::mismatch(
                "HashMismatch",
                format!("the chain holds {}, the gate's release is {}", view::content(deployed), view::content(&recorded)),
            )
            .hint("the program was changed past its gate, or the RPC server is wrong: ask another one with -u"),
        );
    }
    let found = programdata.account.upgrade_authority.filter(|_| !holds)?;
    Some(
        CliError::mismatch(
            "GateNotUpgradeAuthority",
            format!(
                "the upgrade authority must be {}, found {found}",
                gate.account.authority
            ),
        )
        .hint(match gate.account.state() {
            Ok(GateState::Exited) => {
                "it has left its gate, and that key may change it at any time: portcullis history shows how"
            }
            _ => "that key may change it at any time, or the RPC server is wrong: ask another one with -u",
        }),
    )
}

fn compare_artifact(
    path: &Path,
    artifact: &Artifact,
    deployed: &Commitment,
    fields: &mut Fields,
    data: &mut Value,
) -> Option<CliError> {
    let same = artifact.commitment == *deployed;
    fields.push(
        "artifact",
        format!(
            "{}, {}",
            view::content(&artifact.commitment),
            if same {
                judged("MATCHES the chain", true)
            } else {
                judged("DIFFERS from the chain", false)
            }
        ),
    );
    data["artifact"] = artifact::json(artifact, path);
    data["artifact"]["matches"] = json!(same);
    (!same).then(|| {
        artifact::differs("the chain holds", deployed, artifact, path).hint(
            "is it the same commit, built with the same toolchain? A verifiable build answers that",
        )
    })
}
