//! Rebuilds what happened to a gate from its transactions, and proves it against the log chain on chain.

use clap::Args;
use portcullis_client::history::{Gap, HistoryEntry, Place, Verdict};
use serde_json::{json, Value};

use crate::{
    client_error::hash,
    context::Context,
    duration::{rfc3339, utc_and_local},
    error::CliError,
    output::{judged, table},
    profile::Named,
    resolve, view,
};

/// Which gate or council.
#[derive(Args, Debug)]
#[command(
    after_help = "Examples:\n  portcullis history PROGRAM_ID -u devnet\n  portcullis history --council COUNCIL --output csv\n\n\
    Every event is computed again from the transactions' instructions, with the code that runs on chain, and folded into\n\
    the chain of hashes whose head the gate stores. It exits with 4 where an event is missing, altered or added."
)]
pub struct History {
    /// The program
    #[arg(value_name = "PROGRAM_ID", required_unless_present = "council")]
    program: Option<Named>,
    /// The chain of a council itself
    #[arg(long, value_name = "COUNCIL", conflicts_with = "program")]
    council: Option<Named>,
}

impl History {
    /// Runs it.
    ///
    /// # Errors
    /// `history_broken` where the transactions do not give what the gate stores.
    pub async fn run(self, ctx: &Context) -> Result<(), CliError> {
        let Self { program, council } = self;
        let program = program.map(|program| ctx.program(&program)).transpose()?;
        let council = council.map(|council| ctx.council(&council)).transpose()?;
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
        let gate_address = gate.as_ref().map(|gate| gate.address);
        let named = gate_address.map(|gate| ("gate", gate));
        let named = named.into_iter().chain([("council", council.address)]);
        let verdicts: Vec<(&str, Option<&Verdict>)> = named
            .map(|(name, address)| (name, history.verdicts.get(&address)))
            .collect();
        let data = json!({
            "program": program.map(|program| program.to_string()),
            "gate": gate_address.map(|gate| gate.to_string()),
            "council": council.address.to_string(),
            "log_head": hash(&log.head),
            "log_sequence": log.sequence,
            "verdicts": verdicts
                .iter()
                .map(|(name, verdict)| ((*name).to_string(), verdict_json(*verdict)))
                .collect::<serde_json::Map<String, Value>>(),
            "events": entries.iter().map(|entry| json(entry)).collect::<Vec<_>>(),
        });
        let broken = verdicts
            .iter()
            .find(|(_, verdict)| !verdict.is_some_and(Verdict::is_verified));
        if ctx.out.is_csv() {
            ctx.out
                .csv(&COLUMNS, entries.iter().map(|entry| columns(entry)));
            for (name, verdict) in &verdicts {
                ctx.out.note(&format!("{name}: {}", plain(*verdict)));
            }
        }
        let Some((name, verdict)) = broken else {
            if !ctx.out.is_csv() {
                ctx.out.result(&text(&entries, &verdicts), data);
            }
            return Ok(());
        };
        ctx.out.text_only(&text(&entries, &verdicts));
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

fn text(entries: &[&HistoryEntry], verdicts: &[(&str, Option<&Verdict>)]) -> String {
    let rows = entries
        .iter()
        .map(|entry| {
            vec![
                entry.sequence.to_string(),
                utc_and_local(entry.timestamp),
                entry.event.name.to_string(),
                view::about(&entry.event),
                entry.signature.to_string(),
            ]
        })
        .collect();
    let mut text = table(&["#", "time", "event", "what", "transaction"], rows);
    for (name, verdict) in verdicts {
        text.push_str(&format!("\n{name}: {}", words(*verdict)));
    }
    text
}

/// The columns of the CSV. New ones are only added, at the end.
const COLUMNS: [&str; 12] = [
    "sequence",
    "time",
    "unix_seconds",
    "slot",
    "event",
    "proposal",
    "by",
    "what",
    "signature",
    "head",
    "in_logs",
    "fields",
];

fn columns(entry: &HistoryEntry) -> Vec<String> {
    let event = &entry.event;
    let index = view::index(event).map(|index| index.to_string());
    vec![
        entry.sequence.to_string(),
        rfc3339(entry.timestamp),
        entry.timestamp.to_string(),
        entry.slot.to_string(),
        event.name.to_string(),
        index.unwrap_or_default(),
        view::actors(event).next().unwrap_or_default().to_string(),
        view::about(event),
        entry.signature.to_string(),
        hash(&entry.head),
        entry.emitted.to_string(),
        event.fields.to_string(),
    ]
}

fn verdict_json(verdict: Option<&Verdict>) -> Value {
    let place =
        |place: &Place| json!({ "signature": place.signature.to_string(), "slot": place.slot });
    let mut data = json!({
        "verified": verdict.is_some_and(Verdict::is_verified),
        "text": plain(verdict),
        "gap": null,
        "unexplained": null,
    });
    match verdict {
        Some(Verdict::Gap(gap)) => {
            let (first, last) = gap.numbers;
            data["gap"] = json!({
                "recorded": gap.required,
                "found": gap.found,
                "first_missing": first,
                "last_missing": last,
                "after": gap.after.as_ref().map(place),
                "before": gap.before.as_ref().map(place),
            });
        }
        Some(Verdict::Unexplained { at, .. }) => data["unexplained"] = place(at),
        _ => {}
    }
    data
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

fn plain(verdict: Option<&Verdict>) -> String {
    match verdict {
        None => "there is no such account in the history".to_string(),
        Some(Verdict::Verified { head, sequence }) => format!(
            "VERIFIED: {sequence} events rebuilt from the transactions hash to the stored head {}",
            hash(head)
        ),
        Some(Verdict::Gap(gap)) => gap_text(gap),
        Some(Verdict::Unexplained {
            required,
            found,
            at,
            reason,
        }) => format!(
            "NOT EXPLAINED: of {required} events {found} could be rebuilt; then comes transaction {} (slot {}): {reason}",
            at.signature, at.slot
        ),
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

/// Which events are missing, and between which transactions.
fn gap_text(gap: &Gap) -> String {
    let Gap {
        required,
        found,
        numbers: (first, last),
        after,
        before,
    } = gap;
    let missing = required.saturating_sub(*found);
    let numbers = match first == last {
        true => format!("number {first}"),
        false => format!("numbers {first} to {last}"),
    };
    let place = |place: &Place| format!("transaction {} (slot {})", place.signature, place.slot);
    let between = match (after, before) {
        (Some(after), Some(before)) => {
            format!("after {} and before {}", place(after), place(before))
        }
        (Some(after), None) => format!("after {}, to the end", place(after)),
        (None, Some(before)) => format!("before {}, from the beginning", place(before)),
        (None, None) => "all of them".to_string(),
    };
    format!(
        "INCOMPLETE: {required} events are recorded, the server's transactions give {found}; missing {missing}: {numbers}, or \
         earlier ones on which nothing up to there depends; {between}"
    )
}

fn words(verdict: Option<&Verdict>) -> String {
    judged(&plain(verdict), verdict.is_some_and(Verdict::is_verified))
}
