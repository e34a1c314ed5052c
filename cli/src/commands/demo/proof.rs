//! What the demo proves from the chain's own state.

use portcullis_client::{
    history::Verdict,
    pda,
    portcullis::{digest::Commitment, ID},
};

use super::{
    cast::Scene,
    stage::Stage,
    story::{short, MINTED, MOVED},
    token::Tokens,
};
use crate::error::CliError;

/// The new program runs on the old one's accounts, and it is what was voted for.
///
/// # Errors
/// Where it is not so.
pub async fn upgrade(
    stage: &mut Stage,
    scene: &Scene,
    tokens: &Tokens<'_>,
    new: Commitment,
    before: u64,
) -> Result<(), CliError> {
    stage.chapter("PROVE");
    let programdata = scene
        .client
        .fetch_programdata(&scene.program)
        .await?
        .account;
    stage.prove(
        format!(
            "the deployed bytes hash to what was voted for, {}",
            short(&new.sha256)
        ),
        programdata.commitment() == Some(new),
    )?;
    stage.prove(
        format!("the balances are kept: {} and {MOVED}", MINTED - MOVED),
        tokens.balances().await? == (MINTED - MOVED, MOVED),
    )?;
    let after = tokens.transfer(MOVED).await?;
    stage.prove(
        format!("a transfer costs {after} compute units, {before} before: the new program runs"),
        after < before,
    )
}

/// All of both acts, rebuilt from the transactions alone.
///
/// # Errors
/// Where it is not so.
pub async fn history(stage: &mut Stage, scene: &Scene) -> Result<(), CliError> {
    stage.chapter("PROVE");
    let history = scene.client.history(&scene.council).await?;
    let gate = pda::gate(&ID, &scene.program);
    let head = scene
        .client
        .fetch_gate(&scene.program)
        .await?
        .account
        .log
        .head;
    stage.prove(
        format!(
            "{} events rebuilt from transactions hash to its log_head, {}",
            history
                .entries
                .iter()
                .filter(|entry| entry.account == gate)
                .count(),
            short(&head)
        ),
        history
            .verdicts
            .iter()
            .all(|(_, verdict)| matches!(verdict, Verdict::Verified { .. }))
            && history.verdicts.iter().any(|(account, _)| *account == gate),
    )
}
