//! The chain beside the gate's record and the user's build.

use portcullis::state::{Gate, GateState};
use portcullis_client::account::{Commitment, Keyed, Programdata};
use serde_json::{json, Value};
use solana_sdk::pubkey::Pubkey;

use super::source::Candidate;
use crate::{
    context::Context,
    error::CliError,
    fingerprint::fingerprint,
    output::{judged, Fields},
    view,
};

/// Compares, and shows both hashes one under the other.
///
/// # Errors
/// `HashMismatch`, `GateNotUpgradeAuthority`, `not_found`, with all that was found out.
pub async fn compare(
    ctx: &Context,
    program: &Pubkey,
    candidate: Option<&Candidate>,
) -> Result<(), CliError> {
    let client = ctx.client()?;
    let gate = client.find_gate(program).await?;
    let programdata = client.fetch_programdata(program).await?;
    let deployed = programdata.account.commitment().unwrap_or_default();
    let mut fields = Fields::new().row("program", program);
    let mut hashes = Fields::new().row("deployed", view::content(&deployed));
    let mut data = json!({
        "program": program.to_string(),
        "deployed": view::content_json(&deployed),
        "upgrade_authority": programdata.account.upgrade_authority.map(|key| key.to_string()),
        "gate": null,
        "artifact": null,
        "source": null,
    });
    data["deployed"]["fingerprint"] = json!(fingerprint(&deployed.sha256));
    let mut failures = Vec::new();
    match &gate {
        Some(gate) => {
            failures.extend(compare_release(gate, &deployed, &mut hashes));
            failures.extend(compare_authority(gate, &programdata, &mut fields));
            data["gate"] = gate_json(gate, &programdata, &deployed);
        }
        None => fields.push(
            "gate",
            "none: whoever has the upgrade authority can change the program at any time",
        ),
    }
    let mut prints = Fields::new().row("fingerprint", fingerprint(&deployed.sha256));
    if let Some(candidate) = candidate {
        let gate = gate.as_ref().map(|gate| &gate.account);
        failures.extend(compare_candidate(candidate, &deployed, gate, &mut hashes));
        prints = Fields::new()
            .row("deployed, to read aloud", fingerprint(&deployed.sha256))
            .row(
                &format!("{}, to read aloud", candidate.name),
                candidate.fingerprint(),
            );
        data["artifact"] = candidate.json();
        data["artifact"]["matches"] = json!(candidate.is(&deployed));
        data["artifact"]["release_index"] = json!(gate
            .and_then(|gate| release_of(gate, candidate))
            .map(|(index, _)| index));
        data["source"] = candidate.source.clone();
    } else if gate.is_none() {
        failures.push(
            CliError::not_found(format!("program {program} has no gate to compare with"))
                .hint("compare it with your own build: --artifact FILE.so"),
        );
    }
    let mut parts = vec![fields.render(0), hashes.render(0), prints.render(0)];
    if let Some(gate) = &gate {
        parts.push(format!("releases\n{}", view::releases_text(&gate.account)));
    }
    let text = parts.join("\n\n");
    match failures.into_iter().next() {
        None => {
            ctx.out.result(&text, data);
            Ok(())
        }
        Some(error) => {
            ctx.out.text_only(&text);
            Err(error.data(data))
        }
    }
}

fn gate_json(gate: &Keyed<Gate>, programdata: &Keyed<Programdata>, deployed: &Commitment) -> Value {
    let release = gate.account.release.commitment();
    json!({
        "address": gate.address.to_string(),
        "release_index": gate.account.release.index,
        "release": view::content_json(&release),
        "matches": release == *deployed,
        "holds_upgrade_authority":
            programdata.account.upgrade_authority == Some(gate.account.authority),
        "releases": view::releases_json(&gate.account),
    })
}

/// The gate's current release must be what runs.
fn compare_release(
    gate: &Keyed<Gate>,
    deployed: &Commitment,
    hashes: &mut Fields,
) -> Option<CliError> {
    let release = &gate.account.release;
    let recorded = release.commitment();
    let same = recorded == *deployed;
    hashes.push(
        &format!("release {}", release.index),
        format!("{}, {}", view::content(&recorded), verdict(same)),
    );
    (!same).then(|| {
        let name = format!("release {}", release.index);
        let both = both(deployed, &name, view::content(&recorded));
        CliError::mismatch(
            "HashMismatch",
            format!("what the chain holds is not the gate's {name}\n{both}"),
        )
        .hint("the program was changed past its gate, or the RPC server is wrong: ask another one with -u")
    })
}

/// Both hashes, one under the other.
fn both(deployed: &Commitment, name: &str, content: String) -> String {
    let rows = Fields::new().row("the chain", view::content(deployed));
    rows.row(name, content).render(2)
}

fn verdict(same: bool) -> String {
    match same {
        true => judged("MATCHES the chain", true),
        false => judged("DIFFERS from the chain", false),
    }
}

/// The gate must hold the authority.
fn compare_authority(
    gate: &Keyed<Gate>,
    programdata: &Keyed<Programdata>,
    fields: &mut Fields,
) -> Option<CliError> {
    let holds = programdata.account.upgrade_authority == Some(gate.account.authority);
    fields.push("gate", gate.address);
    fields.push(
        "upgrade authority",
        match programdata.account.upgrade_authority {
            Some(_) if holds => judged("the gate's signer", true),
            Some(_) => judged("NOT the gate's signer", false),
            // Finalized: what the gate let through stays for ever.
            None => judged("nobody: it can never change", true),
        },
    );
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

/// The newest release that a build is, as far as the gate remembers, and whether it is revoked.
fn release_of(gate: &Gate, candidate: &Candidate) -> Option<(u32, bool)> {
    gate.releases()
        .filter(|release| candidate.is(&release.commitment()))
        .max_by_key(|release| release.index)
        .map(|release| (release.index, release.revoked != 0))
}

fn compare_candidate(
    candidate: &Candidate,
    deployed: &Commitment,
    gate: Option<&Gate>,
    hashes: &mut Fields,
) -> Option<CliError> {
    let same = candidate.is(deployed);
    let earlier = gate
        .filter(|_| !same)
        .and_then(|gate| Some((release_of(gate, candidate)?, gate.release.index)));
    let history = match earlier {
        // The chain then holds what the gate has never let through.
        Some(((index, _), current)) if index == current => {
            format!(": this is the gate's release {index}, which is not what runs")
        }
        Some(((index, revoked), current)) => format!(
            ": this is release {index}{}, not the current {current}",
            match revoked {
                true => ", REVOKED",
                false => "",
            }
        ),
        None => String::new(),
    };
    hashes.push(
        &candidate.name,
        format!("{}, {}{history}", candidate.text(), verdict(same)),
    );
    (!same).then(|| {
        let both = both(deployed, &candidate.name, candidate.text());
        CliError::mismatch(
            "HashMismatch",
            format!(
                "{} is not what the chain holds{history}\n{both}",
                candidate.name
            ),
        )
        .hint(match earlier {
            Some(_) => "build the commit of the current release; portcullis history shows how each came",
            None => "is it the same commit, built with the same toolchain? A verifiable build answers that",
        })
    })
}
