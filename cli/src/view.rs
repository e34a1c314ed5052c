//! Proposals, gates and councils as text and as JSON: one form for all commands.

use portcullis::{
    digest::Commitment,
    lifecycle::Status,
    policy::{FLAG_ANYONE_MAY_EXECUTE, FLAG_NONCE_VOTES},
    state::{Council, Gate, Proposal, Release, ROLE_GUARD},
};
use portcullis_client::{
    account::{Keyed, ProposalView},
    Guardianship,
};
use serde_json::{json, Value};

use crate::{
    client_error::hash,
    context::Context,
    duration::{human, relative, rfc3339, utc_and_local},
    error::CliError,
    member::role_names,
    output::{judged, table, Fields},
    policy_args,
};

/// A time for programs: Unix seconds and RFC 3339; null where there is none.
pub fn time(seconds: i64) -> Value {
    match seconds {
        0 => Value::Null,
        seconds => json!({ "unix_seconds": seconds, "rfc3339": rfc3339(seconds) }),
    }
}

/// A time for people, with its distance.
pub fn when(seconds: i64, now: i64) -> String {
    format!("{}, {}", utc_and_local(seconds), relative(seconds, now))
}

/// A commitment for people.
pub fn content(commitment: &Commitment) -> String {
    format!("{} ({} bytes)", hash(&commitment.sha256), commitment.len)
}

/// A commitment for programs.
pub fn content_json(commitment: &Commitment) -> Value {
    json!({ "sha256": hash(&commitment.sha256), "len_bytes": commitment.len })
}

/// `PROGRAM/12`.
pub fn name(view: &ProposalView) -> String {
    format!("{}/{}", view.gate.program, view.proposal.terms.index)
}

/// A status with the time that matters next.
pub fn status(view: &ProposalView) -> String {
    let now = view.now.timestamp;
    let proposal = &view.proposal;
    let name = view.status.name();
    match view.status {
        Status::Draft => format!("{name}: its buffer is not verified"),
        Status::Voting if proposal.is_approved() => {
            format!("{name}: approved, but another proposal of the gate is queued")
        }
        Status::Voting => format!(
            "{name}, closes {}",
            relative(proposal.terms.voting_ends_at, now)
        ),
        Status::Queued if now < proposal.eta => {
            format!("{name}, ready {}", relative(proposal.eta, now))
        }
        Status::Queued => format!(
            "{name}, ready in {} slot(s)",
            view.facts.earliest_slot.saturating_sub(view.now.slot)
        ),
        Status::Ready => format!("{name}, expires {}", relative(proposal.expires_at(), now)),
        _ => name.to_string(),
    }
}

/// Who has voted and how.
pub fn votes(view: &ProposalView) -> Vec<(String, String, &'static str)> {
    let proposal = &view.proposal;
    view.council
        .members()
        .iter()
        .filter_map(|member| {
            let cast = |bitmap| view.has_cast(bitmap, &member.key);
            let vote = if cast(proposal.vetoes) {
                "vetoed"
            } else if cast(proposal.approvals) {
                "approved"
            } else if cast(proposal.rejections) {
                "rejected"
            } else if member.weight > 0 || member.has(ROLE_GUARD) {
                "-"
            } else {
                return None;
            };
            Some((member.key.to_string(), role_names(member).join(","), vote))
        })
        .collect()
}

/// All that there is to know of a proposal, for people.
pub fn proposal_text(view: &ProposalView) -> String {
    let now = view.now.timestamp;
    let proposal = &view.proposal;
    let terms = &proposal.terms;
    let base = Commitment {
        sha256: terms.base_sha256,
        len: terms.base_len,
    };
    let queued = proposal.eta != 0;
    let mut fields = Fields::new()
        .row("proposal", name(view))
        .row("address", view.address)
        .row("status", status(view))
        .row("action", "upgrade, standard lane")
        .row("program", view.gate.program)
        .row(
            "from",
            format!("{}, release {}", content(&base), terms.base_index),
        )
        .row("to", content(&view.commitment()))
        .row("buffer", terms.buffer)
        .row("proposer", terms.proposer)
        .row("spill", terms.spill)
        .row("rent payer", terms.rent_payer)
        .row(
            "council",
            format!("{}, epoch {}", view.council_address, terms.epoch),
        )
        .row("voting ends", when(terms.voting_ends_at, now));
    if terms.not_before != 0 {
        fields.push("not before", when(terms.not_before, now));
    }
    if queued {
        fields.push("eta", when(proposal.eta, now));
        fields.push("expires", when(proposal.expires_at(), now));
    }
    if proposal.ended_at != 0 {
        fields.push("ended", when(proposal.ended_at, now));
    }
    let snapshot = &terms.snapshot;
    fields.push(
        "approvals",
        format!(
            "weight {} of {}",
            proposal.approval_weight, snapshot.threshold
        ),
    );
    fields.push("timelock", human(snapshot.timelock_seconds));
    fields.push("execution window", human(snapshot.execution_window_seconds));
    fields.push(
        "vetoes",
        match snapshot.veto_threshold {
            0 => "nobody can veto".to_string(),
            needed => format!("{} of {needed}", proposal.vetoes.count_ones()),
        },
    );
    fields.push("who may execute", policy_args::executors(snapshot.flags));
    fields.push(
        "durable-nonce votes",
        policy_args::nonce_votes(snapshot.flags),
    );
    fields.push("digest", hash(&view.digest));
    let rows = votes(view)
        .into_iter()
        .map(|(member, roles, vote)| vec![member, roles, vote.to_string()])
        .collect();
    format!(
        "{}\n\n{}",
        fields.render(0),
        table(&["member", "roles", "vote"], rows)
    )
}

/// All that there is to know of a proposal, for programs.
pub fn proposal_json(view: &ProposalView) -> Value {
    let proposal = &view.proposal;
    let terms = &proposal.terms;
    let snapshot = &terms.snapshot;
    let queued = proposal.eta != 0;
    let votes: Vec<Value> = votes(view)
        .into_iter()
        .map(|(member, roles, vote)| {
            json!({ "member": member, "roles": roles, "vote": if vote == "-" { Value::Null } else { json!(vote) } })
        })
        .collect();
    json!({
        "ref": name(view),
        "address": view.address.to_string(),
        "status": view.status.name(),
        "action": "upgrade",
        "lane": "standard",
        "program": view.gate.program.to_string(),
        "gate": view.gate_address.to_string(),
        "council": view.council_address.to_string(),
        "index": terms.index,
        "epoch": terms.epoch,
        "life": terms.life,
        "digest": hash(&view.digest),
        "base": { "sha256": hash(&terms.base_sha256), "len_bytes": terms.base_len, "release_index": terms.base_index },
        "new": content_json(&view.commitment()),
        "statement_commitment": if terms.statement == [0; 32] { Value::Null } else { json!(hash(&terms.statement)) },
        "buffer": terms.buffer.to_string(),
        "proposer": terms.proposer.to_string(),
        "spill": terms.spill.to_string(),
        "rent_payer": terms.rent_payer.to_string(),
        "voting_ends_at": time(terms.voting_ends_at),
        "not_before": time(terms.not_before),
        "eta": time(proposal.eta),
        "expires_at": if queued { time(proposal.expires_at()) } else { Value::Null },
        "ended_at": time(proposal.ended_at),
        "approval_weight": proposal.approval_weight,
        "vetoes": proposal.vetoes.count_ones(),
        "votes": votes,
        "policy": {
            "threshold": snapshot.threshold,
            "timelock_seconds": snapshot.timelock_seconds,
            "voting_period_seconds": snapshot.voting_period_seconds,
            "execution_window_seconds": snapshot.execution_window_seconds,
            "min_interval_seconds": snapshot.min_interval_seconds,
            "veto_threshold": snapshot.veto_threshold,
            "anyone_may_execute": snapshot.flags & FLAG_ANYONE_MAY_EXECUTE != 0,
            "nonce_votes": snapshot.flags & FLAG_NONCE_VOTES != 0,
        },
        "chain_time": time(view.now.timestamp),
        "chain_slot": view.now.slot,
    })
}

/// A council for people: its fields, members, and the policy about itself.
pub fn council_text(address: &str, council: &Council) -> String {
    let fields = Fields::new()
        .row("council", address)
        .row(
            "state",
            if council.is_sealed() {
                format!("sealed, epoch {}", council.config_epoch)
            } else {
                "NOT SEALED: it can do nothing yet".to_string()
            },
        )
        .row("gates", council.gate_count)
        .row("delay floor", human(council.delay_floor_seconds))
        .row("create key", council.create_key);
    let rows = council
        .members()
        .iter()
        .map(|member| {
            vec![
                member.key.to_string(),
                role_names(member).join(","),
                member.weight.to_string(),
            ]
        })
        .collect();
    format!(
        "{}\n\n{}\n\nrules for changing the council itself\n{}",
        fields.render(0),
        table(&["member", "roles", "weight"], rows),
        policy_args::fields(&council.policy).render(2)
    )
}

/// A council for programs.
pub fn council_json(address: &str, council: &Council) -> Value {
    let members: Vec<Value> = council
        .members()
        .iter()
        .map(|member| {
            json!({ "key": member.key.to_string(), "roles": role_names(member), "weight": member.weight })
        })
        .collect();
    json!({
        "council": address,
        "create_key": council.create_key.to_string(),
        "sealed": council.is_sealed(),
        "epoch": council.config_epoch,
        "gate_count": council.gate_count,
        "delay_floor_seconds": council.delay_floor_seconds,
        "members": members,
        "policy": policy_args::json(&council.policy),
        "log_head": hash(&council.log.head),
        "log_sequence": council.log.sequence,
    })
}

/// A release for people.
pub fn release_text(release: &Release) -> String {
    format!(
        "{}  {} ({} bytes), since {}",
        release.index,
        hash(&release.sha256),
        release.len,
        utc_and_local(release.timestamp)
    )
}

fn release_json(release: &Release) -> Value {
    json!({
        "index": release.index,
        "sha256": hash(&release.sha256),
        "len_bytes": release.len,
        "slot": release.slot,
        "since": time(release.timestamp),
        "proposal_digest":
            if release.proposal_digest == [0; 32] { Value::Null } else { json!(hash(&release.proposal_digest)) },
        "revoked": release.revoked != 0,
    })
}

/// A gate for people.
pub fn gate_text(gate: &Keyed<Gate>) -> String {
    let account = &gate.account;
    let fields = Fields::new()
        .row("program", account.program)
        .row("gate", gate.address)
        .row("council", account.council)
        .row(
            "upgrade authority",
            format!("{} (the gate's signer)", account.authority),
        )
        .row("life", account.life)
        .row("proposals", account.proposal_count)
        .row("release", release_text(&account.release));
    let mut text = format!(
        "{}\n\npolicy\n{}",
        fields.render(0),
        policy_args::fields(&account.policy).render(2)
    );
    let mut earlier: Vec<&Release> = account
        .earlier
        .iter()
        .filter(|release| release.index > 0)
        .collect();
    earlier.sort_by_key(|release| std::cmp::Reverse(release.index));
    if !earlier.is_empty() {
        text.push_str("\n\nearlier releases");
        for release in earlier {
            text.push_str(&format!("\n  {}", release_text(release)));
        }
    }
    text
}

/// A gate for programs.
pub fn gate_json(gate: &Keyed<Gate>) -> Value {
    let account = &gate.account;
    let mut earlier: Vec<&Release> = account
        .earlier
        .iter()
        .filter(|release| release.index > 0)
        .collect();
    earlier.sort_by_key(|release| std::cmp::Reverse(release.index));
    json!({
        "program": account.program.to_string(),
        "programdata": account.programdata.to_string(),
        "gate": gate.address.to_string(),
        "council": account.council.to_string(),
        "authority": account.authority.to_string(),
        "life": account.life,
        "proposal_count": account.proposal_count,
        "release": release_json(&account.release),
        "earlier_releases": earlier.into_iter().map(release_json).collect::<Vec<_>>(),
        "policy": policy_args::json(&account.policy),
        "last_upgrade_at": time(account.last_upgrade_at),
        "log_head": hash(&account.log.head),
        "log_sequence": account.log.sequence,
    })
}

/// One line of a list of proposals.
pub fn proposal_row(view: &ProposalView) -> Vec<String> {
    vec![
        name(view),
        status(view),
        hash(&view.proposal.terms.sha256),
        format!(
            "{}/{}",
            view.proposal.approval_weight, view.proposal.terms.snapshot.threshold
        ),
    ]
}

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

/// The proposals of a gate with their status, newest first, as read at one moment.
///
/// # Errors
/// Those of the client.
pub async fn proposals_of(
    ctx: &Context,
    gate: &Keyed<Gate>,
    council: &Keyed<Council>,
    now: portcullis::lifecycle::Now,
) -> Result<Vec<ProposalView>, CliError> {
    let list: Vec<Keyed<Proposal>> = ctx.client()?.list_proposals(&gate.address).await?;
    list.into_iter()
        .rev()
        .map(|proposal| {
            Ok(ProposalView::new(
                &ctx.portcullis(),
                proposal.address,
                proposal.account,
                *gate,
                *council,
                now,
            )?)
        })
        .collect()
}
