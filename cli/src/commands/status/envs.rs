//! The programs of `portcullis.toml` on every env: where they differ.

use std::collections::BTreeMap;

use portcullis_client::{
    account::{Commitment, ProposalView},
    ClientError,
};
use serde_json::{json, Value};
use solana_sdk::pubkey::Pubkey;

use crate::{
    client_error::hash,
    context::Context,
    error::CliError,
    output::{judged, table},
    profile::Named,
    reference::Reference,
    view,
};

/// A program on one env.
struct Deployment {
    env: String,
    program: Pubkey,
    found: Result<Found, CliError>,
}

struct Found {
    /// None: no such program there.
    deployed: Option<Commitment>,
    /// Who may upgrade it; none: nobody.
    authority: Option<Pubkey>,
    /// Whether that is its gate.
    governed: bool,
    release: Option<u32>,
    /// Open proposals, newest first.
    open: Vec<ProposalView>,
}

/// Shows all programs of the profile, or the one that is named.
///
/// # Errors
/// A name that the profile has not; the first env that could not be asked, after all that the others say.
pub async fn show(ctx: &Context, subject: Option<&Reference>) -> Result<(), CliError> {
    let profile = ctx.profile()?;
    if !ctx.global.urls.is_empty() {
        return Err(CliError::usage(
            "one_cluster",
            "--all-envs asks the clusters that portcullis.toml names, and -u names one",
        )
        .hint("leave one of them out"));
    }
    let names: Vec<&str> = match subject {
        None => profile.programs().collect(),
        Some(Reference::Subject(Named::Name(name))) => {
            let known = profile.programs().find(|known| known == name);
            vec![known.ok_or_else(|| profile.unknown_program(name))?]
        }
        Some(other) => {
            return Err(CliError::usage(
                "no_name",
                format!("--all-envs takes a program's name from portcullis.toml, found `{other}`"),
            ))
        }
    };
    let mut contexts = BTreeMap::new();
    for env in profile.envs() {
        contexts.insert(env, ctx.on_env(env));
    }
    let mut texts = Vec::new();
    let mut programs = Vec::new();
    let mut failure = None;
    for name in names {
        let asked = profile.ids(name).into_iter().map(|(env, program)| {
            let context = contexts.get(env);
            async move {
                let found = match context {
                    Some(Ok(ctx)) => look(ctx, &program).await,
                    Some(Err(error)) => Err(CliError::new(error.exit, &error.code, &error.message)),
                    // The profile has been checked: every env that it uses is one of its own.
                    None => Err(CliError::general(format!("there is no env `{env}`"))),
                };
                Deployment {
                    env: env.to_string(),
                    program,
                    found,
                }
            }
        });
        let deployments = futures::future::join_all(asked).await;
        texts.push(text(name, &deployments));
        programs.push(json(name, &deployments));
        failure = failure.or_else(|| {
            let failed = deployments.into_iter().find_map(|one| {
                let error = one.found.err()?;
                Some(error.context(format!("{name} on {}", one.env)))
            });
            failed
        });
    }
    let text = match texts.is_empty() {
        true => format!("{} names no program", profile.path().display()),
        false => texts.join("\n\n"),
    };
    let data = json!({ "programs": programs });
    match failure {
        None => ctx.out.result(&text, data),
        Some(error) => {
            ctx.out.text_only(&text);
            return Err(error.data(data));
        }
    }
    Ok(())
}

impl Found {
    /// Who may upgrade it, for people.
    fn holder(&self) -> String {
        match self.authority {
            _ if self.deployed.is_none() => "no such program".to_string(),
            Some(_) if self.governed => judged("the gate", true),
            Some(key) => judged(&format!("{key}, which is no gate"), false),
            None => "nobody: final".to_string(),
        }
    }
}

async fn look(ctx: &Context, program: &Pubkey) -> Result<Found, CliError> {
    let client = ctx.client()?;
    let programdata = match client.fetch_programdata(program).await {
        Ok(programdata) => Some(programdata.account),
        Err(ClientError::NotFound { .. }) => None,
        Err(error) => return Err(error.into()),
    };
    let gate = client.find_gate(program).await?;
    let authority = programdata
        .as_ref()
        .and_then(|programdata| programdata.upgrade_authority);
    let governed = gate
        .as_ref()
        .is_some_and(|gate| authority == Some(gate.account.authority));
    let mut open = Vec::new();
    if let Some(gate) = &gate {
        let council = client.fetch_council(&gate.account.council).await?;
        let now = client.now().await?;
        open = view::proposals_of(ctx, gate, &council, now).await?;
        open.retain(|view| !view.status.is_ended());
    }
    Ok(Found {
        deployed: programdata.and_then(|programdata| programdata.commitment()),
        authority,
        governed,
        release: gate.map(|gate| gate.account.release.index),
        open,
    })
}

/// The envs by what they have, those that could not be asked left out.
fn groups<T: Ord>(
    deployments: &[Deployment],
    of: impl Fn(&Found) -> Option<T>,
) -> BTreeMap<T, Vec<&str>> {
    let mut groups: BTreeMap<T, Vec<&str>> = BTreeMap::new();
    for deployment in deployments {
        if let Some(key) = deployment.found.as_ref().ok().and_then(&of) {
            groups.entry(key).or_default().push(&deployment.env);
        }
    }
    groups
}

fn deployed(found: &Found) -> Option<String> {
    Some(match &found.deployed {
        Some(commitment) => view::content(commitment),
        None => "nothing".to_string(),
    })
}

/// What the newest open upgrade brings, and the statement that explains it.
fn pending(found: &Found) -> Option<(String, String)> {
    let upgrade = found.open.iter().find(|view| view.is_upgrade())?;
    let statement = upgrade.proposal.terms.statement;
    let statement = match statement == [0; 32] {
        true => "no statement".to_string(),
        false => format!("statement {}", hash(&statement)),
    };
    Some((view::content(&upgrade.commitment()), statement))
}

fn text(name: &str, deployments: &[Deployment]) -> String {
    let rows = deployments.iter().map(|deployment| {
        let (what, release, open) = match &deployment.found {
            Ok(found) => (
                found.holder(),
                found
                    .release
                    .map_or("-".to_string(), |index| index.to_string()),
                match found.open.as_slice() {
                    [] => "-".to_string(),
                    open => open.iter().map(short).collect::<Vec<_>>().join("\n"),
                },
            ),
            Err(_) => (judged("NOT KNOWN", false), "-".to_string(), "-".to_string()),
        };
        vec![
            deployment.env.clone(),
            deployment.program.to_string(),
            what,
            release,
            open,
        ]
    });
    let table = table(
        &[
            "env",
            "program",
            "upgrade authority",
            "release",
            "open proposals",
        ],
        rows.collect(),
    );
    let mut lines = vec![name.to_string(), table];
    let builds = groups(deployments, deployed);
    let asked = deployments.iter().all(|one| one.found.is_ok());
    lines.push(match builds.len() {
        0 => "deployed: not known".to_string(),
        1 if asked => judged("deployed: the same everywhere", true),
        1 => "deployed: the same wherever it is known".to_string(),
        _ => judged("deployed: DIFFERS", false),
    });
    for (build, envs) in &builds {
        lines.push(format!("  {}: {build}", envs.join(", ")));
    }
    let upgrades = groups(deployments, pending);
    if !upgrades.is_empty() {
        lines.push(match upgrades.len() {
            1 => judged("pending: the same wherever an upgrade is proposed", true),
            _ => judged("pending: DIFFERS", false),
        });
    }
    for ((build, statement), envs) in &upgrades {
        lines.push(format!("  {}: {build}, {statement}", envs.join(", ")));
    }
    lines.join("\n")
}

fn short(view: &ProposalView) -> String {
    format!(
        "{} {} {}",
        view.proposal.terms.index,
        view::action_name(view.action).replace('_', " "),
        view.status.name()
    )
}

fn json(name: &str, deployments: &[Deployment]) -> Value {
    let envs = deployments.iter().map(|deployment| {
        let mut data = json!({
            "env": deployment.env,
            "program": deployment.program.to_string(),
            "error": deployment.found.as_ref().err().map(CliError::json),
        });
        if let Ok(found) = &deployment.found {
            data["deployed"] = found
                .deployed
                .as_ref()
                .map_or(Value::Null, view::content_json);
            data["upgrade_authority"] = json!(found.authority.map(|key| key.to_string()));
            data["governed"] = json!(found.governed);
            data["release_index"] = json!(found.release);
            data["open_proposals"] = found.open.iter().map(view::proposal_json).collect();
        }
        data
    });
    json!({
        "name": name,
        "deployed_differs": groups(deployments, deployed).len() > 1,
        "pending_differs": groups(deployments, pending).len() > 1,
        "envs": envs.collect::<Vec<_>>(),
    })
}
