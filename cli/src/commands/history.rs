//! Rebuilds what happened to a gate from its transactions, and proves it against the log chain on chain.

use clap::Args;
use portcullis::lifecycle::Lane;
use portcullis_client::history::{HistoryEntry, Verdict};
use serde_json::{json, Value};
use solana_sdk::pubkey::Pubkey;

use crate::{
    client_error::hash,
    context::Context,
    duration::{rfc3339, utc_and_local},
    error::CliError,
    output::{judged, printable, table},
    resolve, view,
};

/// Which gate or council.
#[derive(Args, Debug)]
#[command(
    after_help = "Examples:\n  portcullis history PROGRAM_ID -u devnet\n  portcullis history --council COUNCIL\n\n\
    Every event is computed again from the transactions' instructions, with the code that runs on chain, and folded into\n\
    the chain of hashes whose head the gate stores. It exits with 4 where an event is missing, altered or added."
)]
pub struct History {
    /// The program
    #[arg(value_name = "PROGRAM_ID", required_unless_present = "council")]
    program: Option<Pubkey>,
    /// The chain of a council itself
    #[arg(long, value_name = "COUNCIL", conflicts_with = "program")]
    council: Option<Pubkey>,
}

impl History {
    /// Runs it.
    ///
    /// # Errors
    /// `history_broken` where the transactions do not give what the gate stores.
    pub async fn run(self, ctx: &Context) -> Result<(), CliError> {
        let Self { program, council } = self;
        let client = ctx.client()?;
        let (gate, council) = match (&program, council) {
            (Some(program), _) => {
                let gate = resolve::gate(ctx, program).await?;
                let council = gate.account.council;
                (Some(gate), client.fetch_council(&council).await?)
            }
            (None, Some(council)) => (None, client.fetch_council(&council).await?),
            (None, None) => {
                return Err(CliError::usage(
                    "no_subject",
                    "a program or a council must be named",
                ))
            }
        };
        let subject = gate.as_ref().map_or(council.address, |gate| gate.address);
        let log = gate
            .as_ref()
            .map_or(council.account.log, |gate| gate.account.log);
        let history = client.history(&council.address).await?;
        let entries: Vec<&HistoryEntry> = history
            .entries
            .iter()
            .filter(|entry| entry.account == subject)
            .collect();
        let rows = entries
            .iter()
            .map(|entry| {
                vec![
                    entry.sequence.to_string(),
                    utc_and_local(entry.timestamp),
                    entry.event.name.to_string(),
                    about(entry),
                    entry.signature.to_string(),
                ]
            })
            .collect();
        let gate_address = gate.as_ref().map(|gate| gate.address);
        let named = gate_address.map(|gate| ("gate", gate));
        let named = named.into_iter().chain([("council", council.address)]);
        let verdicts: Vec<(&str, Option<&Verdict>)> = named
            .map(|(name, address)| (name, history.verdicts.get(&address)))
            .collect();
        let mut text = table(&["#", "time", "event", "what", "transaction"], rows);
        for (name, verdict) in &verdicts {
            text.push_str(&format!("\n{name}: {}", words(*verdict)));
        }
        let data = json!({
            "program": program.map(|program| program.to_string()),
            "gate": gate_address.map(|gate| gate.to_string()),
            "council": council.address.to_string(),
            "log_head": hash(&log.head),
            "log_sequence": log.sequence,
            "verdicts": verdicts
                .iter()
                .map(|(name, verdict)| ((*name).to_string(), json!({
                    "verified": verdict.is_some_and(Verdict::is_verified),
                    "text": plain(*verdict),
                })))
                .collect::<serde_json::Map<String, Value>>(),
            "events": entries.iter().map(|entry| json(entry)).collect::<Vec<_>>(),
        });
        let broken = verdicts
            .iter()
            .find(|(_, verdict)| !verdict.is_some_and(Verdict::is_verified));
        let Some((name, verdict)) = broken else {
            ctx.out.result(&text, data);
            return Ok(());
        };
        ctx.out.text_only(&text);
        Err(CliError::mismatch(
            "history_broken",
            format!("the transactions do not explain the {name}: {}", plain(*verdict)),
        )
        .hint(
            "ask another RPC server, one that keeps the whole ledger (-u); if it shows the same, alert the council",
        )
        .data(data))
    }
}

fn json(entry: &HistoryEntry) -> Value {
    json!({
        "sequence": entry.sequence,
        "event": entry.event.name,
        "fields": entry.event.fields,
        "time": view::time(entry.timestamp),
        "slot": entry.slot,
        "signature": entry.signature.to_string(),
        "head": hash(&entry.head),
        "in_logs": entry.emitted,
    })
}

/// What an event is about, in a few words.
fn about(entry: &HistoryEntry) -> String {
    // What is proposed anew stands within.
    let fields = &entry.event.fields;
    let fields = fields.get("proposed").unwrap_or(fields);
    let field = |name: &str| match fields.get(name) {
        Some(Value::String(text)) => Some(text.clone()),
        Some(Value::Number(number)) => Some(number.to_string()),
        Some(Value::Bool(true)) => Some("yes".to_string()),
        _ => None,
    };
    let mut words = Vec::new();
    if let Some(index) = field("index") {
        words.push(format!("proposal {index}"));
    }
    for name in [
        "proposer",
        "voter",
        "guardian",
        "attester",
        "executor",
        "depositor",
        "former_authority",
    ] {
        if let Some(key) = field(name) {
            words.push(format!("by {key}"));
        }
    }
    if let Some(lane) = field("lane").and_then(|lane| Lane::try_from(lane.parse::<u8>().ok()?).ok())
    {
        if lane != Lane::Standard {
            words.push(format!("lane {}", view::lane_name(lane)));
        }
    }
    for name in ["vetoed", "rejected", "triggered"] {
        if field(name).is_some() {
            words.push(name.to_string());
        }
    }
    for name in ["to", "council", "config_epoch"] {
        if let Some(value) = field(name) {
            words.push(format!("{} {value}", name.replace('_', " ")));
        }
    }
    if let Some(release) = field("release_index") {
        words.push(format!("release {release}"));
    }
    if let Some(eta) = fields
        .get("eta")
        .and_then(Value::as_i64)
        .filter(|eta| *eta != 0)
    {
        words.push(format!("eta {}", rfc3339(eta)));
    }
    if let Some(uri) = fields.pointer("/statement/uri").and_then(Value::as_str) {
        words.push(format!("statement {}", printable(uri)));
    }
    words.join(", ")
}

fn plain(verdict: Option<&Verdict>) -> String {
    match verdict {
        None => "there is no such account in the history".to_string(),
        Some(Verdict::Verified { head, sequence }) => format!(
            "VERIFIED: {sequence} events rebuilt from the transactions hash to the stored head {}",
            hash(head)
        ),
        Some(Verdict::Gap { required, found }) => {
            format!("INCOMPLETE: {required} events are recorded, the server's transactions give {found}")
        }
        Some(Verdict::HeadDiffers {
            sequence,
            required,
            found,
        }) => format!(
            "DIFFERS: after {sequence} events the stored head is {}, the transactions give {}",
            hash(required),
            hash(found)
        ),
        Some(Verdict::StateDiffers) => {
            "DIFFERS: the events hash to the stored head, but the account's state is not what they give".to_string()
        }
        Some(Verdict::Missing) => "MISSING: the transactions made it, and it is not there".to_string(),
    }
}

fn words(verdict: Option<&Verdict>) -> String {
    judged(&plain(verdict), verdict.is_some_and(Verdict::is_verified))
}
