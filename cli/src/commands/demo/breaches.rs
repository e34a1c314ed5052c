//! What attackers try in the second act. As in the first, the chain itself refuses.

use portcullis_client::{
    elf::Artifact, message::SignedVote, portcullis::lifecycle::Lane, SendOptions,
};
use solana_sdk::signer::Signer;

use super::{
    attacks,
    cast::Scene,
    emergency::{propose_emergency, relay},
    incident::{upload, wait_for_eta, Wanted},
    stage::Stage,
    story::Proposal,
};
use crate::error::CliError;

/// Approved and queued is not armed.
pub async fn trigger_before_it_is_armed(
    stage: &mut Stage,
    scene: &Scene,
    rollback: &Proposal,
) -> Result<(), CliError> {
    let dora = &scene.cast.dora;
    let vote = rollback.vote(scene).await?;
    let trigger = scene
        .client
        .builder()
        .trigger(&rollback.keys, dora.pubkey(), vote);
    stage.attack(
        "dora, a guardian, triggers the rollback before its timelock is over",
        "TimelockNotElapsed",
        attacks::send(scene, trigger, dora).await,
    );
    Ok(())
}

/// Neither a voter nor one guardian alone, nor a stranger who executes.
pub async fn trigger_without_quorum(
    stage: &mut Stage,
    scene: &Scene,
    rollback: &Proposal,
) -> Result<(), CliError> {
    let (alice, dora) = (&scene.cast.alice, &scene.cast.dora);
    let builder = scene.client.builder();
    stage.chapter("ATTACK");
    let trigger = builder.trigger(&rollback.keys, alice.pubkey(), rollback.vote(scene).await?);
    stage.attack(
        "alice, a voter and no guardian, triggers the rollback",
        "RoleMissing",
        attacks::send(scene, trigger, alice).await,
    );
    stage.chapter("TRIGGER");
    let trigger = builder.trigger(&rollback.keys, dora.pubkey(), rollback.vote(scene).await?);
    stage.must(
        "dora, a guardian, triggers the rollback: 1 of 2",
        scene
            .client
            .send(&[trigger], dora, &[], &SendOptions::default())
            .await,
    )?;
    stage.chapter("ATTACK");
    stage.attack(
        "it is executed on her word alone",
        "StandbyNotTriggered",
        attacks::execute(scene, rollback, rollback.buffer).await,
    );
    Ok(())
}

/// The way back leads nowhere that was left for a reason.
pub async fn roll_back_to_a_revoked_release(
    stage: &mut Stage,
    scene: &Scene,
    revoked: &Artifact,
) -> Result<(), CliError> {
    let buffer = upload(scene, revoked).await?;
    let gate = scene.client.fetch_gate(&scene.program).await?.account;
    let wanted = Wanted {
        lane: Lane::Rollback,
        buffer,
        commitment: revoked.commitment,
        base_index: gate.release.index,
        base: gate.release.commitment(),
    };
    let (_, instructions) = wanted.instructions(scene, gate.proposal_count).await?;
    let alice = &scene.cast.alice;
    stage.attack(
        "alice proposes a rollback to the release that was just left",
        "ReleaseRevoked",
        attacks::send_all(scene, &instructions, alice).await,
    );
    Ok(())
}

/// A signature over one text is none over another.
pub async fn alter_a_message(
    stage: &mut Stage,
    scene: &Scene,
    proposal: &Proposal,
    vote: &SignedVote,
) -> Result<(), CliError> {
    let mallory = &scene.cast.mallory;
    let view = scene.client.fetch_proposal_view(&proposal.address).await?;
    let key = mallory.pubkey();
    let builder = scene.client.builder();
    let [signed, _] = vote.instructions(&builder, &view, key)?;
    let longer = SignedVote {
        valid_until: vote.valid_until + 600,
        ..vote.clone()
    };
    let [_, relay] = longer.instructions(&builder, &view, key)?;
    stage.attack(
        "mallory relays carol's message as if it were valid for longer",
        "SignedMessageMismatch",
        attacks::send_all(scene, &[signed, relay], mallory).await,
    );
    Ok(())
}

/// Taken back is taken back.
pub async fn replay_a_message(
    stage: &mut Stage,
    scene: &Scene,
    proposal: &Proposal,
    vote: &SignedVote,
) -> Result<(), CliError> {
    stage.attack(
        "mallory relays carol's message once more, against her will",
        "MessageAfterRetraction",
        relay(scene, proposal, vote, &scene.cast.mallory).await,
    );
    Ok(())
}

/// An emergency is an exception.
pub async fn use_the_lane_again(
    stage: &mut Stage,
    scene: &Scene,
    artifact: &Artifact,
) -> Result<(), CliError> {
    let proposal = propose_emergency(scene, artifact).await?;
    for voter in [&scene.cast.alice, &scene.cast.bob, &scene.cast.carol] {
        let vote = proposal.vote(scene).await?;
        let approve = scene
            .client
            .builder()
            .approve(&proposal.keys, voter.pubkey(), vote);
        scene
            .client
            .send(&[approve], voter, &[], &SendOptions::default())
            .await?;
    }
    wait_for_eta(
        stage,
        scene,
        &proposal,
        "all three approve a second emergency, and its hour passes",
    )
    .await?;
    stage.attack(
        "alice executes it, an hour after the first",
        "IntervalNotElapsed",
        attacks::execute(scene, &proposal, proposal.buffer).await,
    );
    Ok(())
}
