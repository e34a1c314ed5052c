//! Who guards the gatekeeper.

use portcullis_client::Guardianship;
use serde_json::{json, Value};

use crate::{context::Context, error::CliError, output::judged};

/// Who holds Portcullis's own upgrade authority, with a judgement; a plain key raises the alarm.
///
/// # Errors
/// Where Portcullis is not on this cluster.
pub async fn guardian(ctx: &Context) -> Result<(String, Value), CliError> {
    let portcullis = ctx.portcullis();
    let found = ctx
        .client()?
        .guardianship(&[portcullis::ID])
        .await
        .map_err(|error| {
            CliError::from(error).hint(format!(
                "portcullis {portcullis} must be on this cluster: check -u and --portcullis"
            ))
        })?;
    let (kind, holder, good, text) = match found {
        Guardianship::Finalized => (
            "finalized",
            None,
            true,
            "nobody: Portcullis can never change (good)".to_string(),
        ),
        Guardianship::OwnGate { gate } => (
            "own_gate",
            Some(gate),
            true,
            format!("its own gate {gate}: it changes only as it lets other programs change"),
        ),
        Guardianship::OtherInstance { portcullis, gate } => (
            "other_instance",
            Some(gate),
            true,
            format!(
                "the gate {gate} of another instance, {portcullis}: as good as that one's council"
            ),
        ),
        Guardianship::ProgramAddress(address) => (
            "program_address",
            Some(address),
            false,
            format!("{address}, an address of some other program: as good as that program's rules"),
        ),
        Guardianship::PlainKey(key) => (
            "plain_key",
            Some(key),
            false,
            format!("{key}, a plain key: whoever has it can void every guarantee"),
        ),
        Guardianship::NotLoaderV3 { owner } => (
            "not_loader_v3",
            Some(owner),
            false,
            format!("unknown: the program belongs to the loader {owner}"),
        ),
    };
    match kind {
        "plain_key" => ctx.out.alarm(format!(
            "Portcullis's own upgrade authority is {text}. Trust this instance as much as that key."
        )),
        "program_address" | "not_loader_v3" => ctx
            .out
            .warn(format!("Portcullis's own upgrade authority is {text}")),
        _ => {}
    }
    let data = json!({
        "judgement": kind,
        "good": good,
        "holder": holder.map(|key| key.to_string()),
    });
    Ok((judged(&text, good), data))
}
