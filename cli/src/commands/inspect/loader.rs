//! By which rules the loader is taken to judge: those of the cluster that is meant.

use portcullis_analysis::inspect::{LoaderRules, RulesSource};

use super::subject::Loaded;
use crate::{
    context::Context,
    error::{chain, CliError},
};

/// The rules of the cluster that a subject is from, or that the command line names. A build for no certain cluster is judged
/// without asking any.
///
/// # Errors
/// Where no cluster can be told from what is given. One that does not answer is told in the rules.
pub async fn rules<'a>(
    ctx: &Context,
    subjects: impl IntoIterator<Item = &'a Loaded>,
) -> Result<LoaderRules, CliError> {
    let named = !ctx.global.urls.is_empty() || ctx.global.env.is_some();
    if !named && subjects.into_iter().all(|one| one.kind == "file") {
        return Ok(LoaderRules::default());
    }
    let name = ctx.cluster()?.shown();
    Ok(match ctx.client()?.features().await {
        Ok(Some(features)) => LoaderRules::of_cluster(name, &features),
        Ok(None) => LoaderRules::unknown(name, "it shows no feature at all"),
        Err(error) => LoaderRules::unknown(name, &chain(&error)),
    })
}

/// The rules for people: whose they are, and what they allow.
pub fn lines(rules: &LoaderRules) -> [String; 2] {
    let (lowest, highest) = (rules.lowest_sbpf_version, rules.highest_sbpf_version);
    let versions = match lowest == highest {
        true => format!("only sBPF version {lowest}"),
        false => format!("sBPF versions {lowest} to {highest}"),
    };
    let missing = match rules.missing_syscalls.as_slice() {
        [] => "every system call".to_string(),
        missing => format!("all system calls but {}", missing.join(", ")),
    };
    let next = match rules.only_v3_next_epoch {
        true => "; from the next epoch on only sBPF version 3",
        false => "",
    };
    let built_in = format!(
        "those of mainnet-beta on {}",
        rules.as_of.unwrap_or("an unknown day")
    );
    let whose = match (rules.source, &rules.cluster) {
        (RulesSource::Cluster, Some(cluster)) => format!("those of {cluster} now"),
        (_, Some(cluster)) => {
            format!("NOT those of {cluster}, which are not known, but {built_in}")
        }
        (_, None) => format!("{built_in}, since no cluster was asked (-u)"),
    };
    [whose, format!("{versions}, {missing}{next}")]
}
