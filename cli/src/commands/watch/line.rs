//! What is shown of an event: a line for people, an object for programs.

use portcullis::lifecycle::{Action, Now, Status};
use portcullis_client::watch::{StatusChange, WatchedEvent, WatchedGate, WatchedProposal};
use serde_json::{json, Value};
use solana_sdk::pubkey::Pubkey;

use super::kind::Kind;
use crate::{
    client_error::hash,
    duration::utc_and_local,
    output::{printable, SCHEMA_VERSION},
    view,
};

/// An event as it is shown, and as other programs get it.
pub struct Line {
    pub text: String,
    pub json: Value,
    pub kind: Option<Kind>,
    /// The event queued its proposal, whatever else it is.
    pub queued: bool,
    pub program: Option<Pubkey>,
}

/// What an event and a change by the time have in common.
struct Subject<'a> {
    council: &'a Pubkey,
    gate: Option<WatchedGate>,
    proposal: Option<&'a WatchedProposal>,
    /// When it happened.
    at: Now,
    unverified: Option<&'a str>,
}

impl Subject<'_> {
    /// `PROGRAM_ID/12`; without a proposal, the program or the council.
    fn name(&self) -> String {
        let subject = self.gate.map_or(*self.council, |gate| gate.program);
        match self.proposal {
            Some(proposal) => format!("{subject}/{}", proposal.index),
            None => subject.to_string(),
        }
    }

    /// How the proposal stands after it.
    fn standing(&self) -> Option<String> {
        let proposal = self.proposal?;
        let account = proposal.account.as_ref()?;
        Some(view::standing(proposal.after?, account, self.at))
    }

    fn text(&self, event: &str, words: Vec<String>) -> String {
        let doubt = match self.unverified {
            Some(reason) => format!("  UNVERIFIED: {}", printable(reason)),
            None => String::new(),
        };
        let line = format!(
            "{}  {}  {event}  {}",
            utc_and_local(self.at.timestamp),
            self.name(),
            words.join(", "),
        );
        format!("{}{doubt}", line.trim_end())
    }

    fn json(&self, event: &str, id: String, kind: Option<Kind>) -> Value {
        let account = self.proposal.and_then(|proposal| proposal.account.as_ref());
        let status = |status: Option<Status>| status.map(Status::name);
        let queued = account.filter(|account| account.eta != 0);
        // One level deeper would be too deep for the macro.
        let (before, after) = match self.proposal {
            Some(proposal) => (status(proposal.before), status(proposal.after)),
            None => (None, None),
        };
        json!({
            "schema_version": SCHEMA_VERSION,
            "id": id,
            "event": event,
            "kind": kind.map(Kind::name),
            "time": view::time(self.at.timestamp),
            "council": self.council.to_string(),
            "program": self.gate.map(|gate| gate.program.to_string()),
            "gate": self.gate.map(|gate| gate.address.to_string()),
            "proposal": self.proposal.map(|_| self.name()),
            "proposal_address": self.proposal.map(|proposal| proposal.address.to_string()),
            "index": self.proposal.map(|proposal| proposal.index),
            "status": after,
            "status_before": before,
            "approval_weight": account.map(|account| account.approval_weight),
            "threshold": account.map(|account| account.terms.snapshot.threshold),
            "voting_ends_at": account.map_or(Value::Null, |account| view::time(account.terms.voting_ends_at)),
            "eta": queued.map_or(Value::Null, |account| view::time(account.eta)),
            "expires_at": queued.map_or(Value::Null, |account| view::time(account.expires_at())),
            "seconds_to_eta": queued.map(|account| account.eta.saturating_sub(self.at.timestamp)),
            "verified": self.unverified.is_none(),
            "unverified_reason": self.unverified,
        })
    }
}

impl Line {
    /// A transition on the chain.
    pub fn of_event(event: &WatchedEvent) -> Self {
        let (kind, queued) = Kind::of_event(event);
        let subject = Subject {
            council: &event.council,
            gate: event.gate,
            proposal: event.proposal.as_ref(),
            at: Now {
                timestamp: event.timestamp,
                slot: event.slot,
            },
            unverified: event.unverified.as_deref(),
        };
        let name = event.event.name;
        let mut words = Vec::new();
        words.extend(proposed(kind, event.proposal.as_ref()));
        words.extend(view::details(&event.event));
        if let Some(weight) = weight(kind, event.proposal.as_ref()) {
            words.push(weight);
        }
        words.extend(subject.standing());
        let id = match event.chains.first() {
            Some(link) => format!("{}/{}", link.account, link.sequence),
            None => format!("{}/{name}", event.signature),
        };
        let mut json = subject.json(name, id, kind);
        let chains: Vec<Value> = event
            .chains
            .iter()
            .map(|link| {
                json!({
                    "account": link.account.to_string(),
                    "sequence": link.sequence,
                    "head": hash(&link.head),
                })
            })
            .collect();
        json["by"] = json!(view::actors(&event.event).next());
        json["queued"] = json!(queued);
        json["log"] = json!(chains);
        json["signature"] = json!(event.signature.to_string());
        json["slot"] = json!(event.slot);
        json["fields"] = event.event.fields.clone();
        Self {
            text: subject.text(name, words),
            json,
            kind,
            queued,
            program: event.gate.map(|gate| gate.program),
        }
    }

    /// What the time, or another proposal's end, has done.
    pub fn of_change(change: &StatusChange) -> Self {
        let (kind, name) = Kind::of_change(change);
        let subject = Subject {
            council: &change.council,
            gate: change.gate,
            proposal: Some(&change.proposal),
            at: Now {
                timestamp: change.timestamp,
                slot: change.now.slot,
            },
            unverified: change.unverified.as_deref(),
        };
        let mut words = Vec::new();
        if name == "VotingClosed" {
            words.extend(weight(Some(Kind::Approve), Some(&change.proposal)));
        }
        words.extend(subject.standing());
        let id = format!("{}/{name}/{}", change.proposal.address, change.timestamp);
        let mut json = subject.json(name, id, Some(kind));
        json["by"] = Value::Null;
        json["queued"] = json!(false);
        json["log"] = json!([]);
        json["signature"] = Value::Null;
        json["slot"] = Value::Null;
        json["fields"] = Value::Null;
        Self {
            text: subject.text(name, words),
            json,
            kind: Some(kind),
            queued: false,
            program: change.gate.map(|gate| gate.program),
        }
    }
}

/// What is proposed, where the event is about that.
fn proposed(kind: Option<Kind>, proposal: Option<&WatchedProposal>) -> Option<String> {
    let terms = &proposal?.account.as_ref()?.terms;
    let action = match terms
        .action()
        .ok()
        .filter(|_| kind == Some(Kind::Propose))?
    {
        Action::Upgrade => format!("upgrade to {}", hash(&terms.sha256)),
        action => view::action_name(action).replace('_', " "),
    };
    Some(action)
}

/// How far the votes have come, where the event is about votes.
fn weight(kind: Option<Kind>, proposal: Option<&WatchedProposal>) -> Option<String> {
    let votes = matches!(kind, Some(Kind::Approve | Kind::Retract));
    let account = proposal?.account.as_ref().filter(|_| votes)?;
    Some(format!(
        "weight {} of {}",
        account.approval_weight, account.terms.snapshot.threshold
    ))
}
