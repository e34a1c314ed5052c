//! The second act's end: a patch that cannot wait goes through the emergency lane, two of its votes as signed messages.

use portcullis_client::{
    elf::Artifact,
    message::{self, Ballot, SignedVote},
    portcullis::{lifecycle::Lane, message::Envelope},
    transaction::hash_compute_units,
    ClientError, SendOptions,
};
use solana_sdk::{signature::Keypair, signer::Signer};

use super::{
    attacks, breaches,
    cast::Scene,
    incident::{deployed, read, upload, wait_for_eta, Builds, Wanted},
    stage::Stage,
    story::{Proposal, HOUR, MINTED, MOVED},
    token::Tokens,
};
use crate::error::CliError;

/// Plays it.
///
/// # Errors
/// Where a step fails that must work.
pub async fn play(
    stage: &mut Stage,
    scene: &Scene,
    builds: &Builds,
    tokens: &Tokens<'_>,
) -> Result<(), CliError> {
    stage.chapter("PROPOSE");
    let patch = &builds.spl_token;
    let proposal = stage.must(
        "a zero-day in p-token: in the EMERGENCY LANE go over to SPL Token 3.5.0",
        propose_emergency(scene, patch).await,
    )?;
    stage.chapter("VOTE");
    approve(stage, scene, &proposal, "alice", &scene.cast.alice).await?;
    let (bob, carol, mallory) = (&scene.cast.bob, &scene.cast.carol, &scene.cast.mallory);
    let bobs = signed_message(stage, scene, &proposal, "bob", bob).await?;
    stage.must(
        "mallory, a stranger, relays it and pays: it counts, for nobody can alter it",
        relay(scene, &proposal, &bobs, mallory).await,
    )?;
    let carols = signed_message(stage, scene, &proposal, "carol", carol).await?;
    stage.chapter("ATTACK");
    breaches::alter_a_message(stage, scene, &proposal, &carols).await?;
    stage.chapter("VOTE");
    stage.must(
        "mallory relays it as it is: 3 of 3, the emergency timelock runs",
        relay(scene, &proposal, &carols, mallory).await,
    )?;
    let retract =
        scene
            .client
            .builder()
            .retract(&proposal.keys, carol.pubkey(), proposal.vote(scene).await?);
    stage.must(
        "carol has second thoughts and retracts: eta is gone",
        scene
            .client
            .send(&[retract], carol, &[], &SendOptions::default())
            .await,
    )?;
    stage.chapter("ATTACK");
    breaches::replay_a_message(stage, scene, &proposal, &carols).await?;
    stage.chapter("VOTE");
    approve(stage, scene, &proposal, "carol, convinced,", carol).await?;
    stage.chapter("ATTACK");
    attacks::execute_early(stage, scene, &proposal).await?;
    stage.chapter("WAIT");
    wait_for_eta(stage, scene, &proposal, "the emergency timelock: an hour").await?;
    stage.chapter("EXECUTE");
    stage.must(
        "the patch is in, an hour after the third approval instead of two days",
        attacks::execute(scene, &proposal, proposal.buffer).await,
    )?;
    stage.chapter("PROVE");
    tokens.transfer(MOVED).await?;
    stage.prove(
        "the patched bytes run on the same accounts and balances",
        deployed(scene).await? == Some(patch.commitment)
            && tokens.balances().await? == (MINTED - 4 * MOVED, 4 * MOVED),
    )?;
    stage.chapter("ATTACK");
    breaches::use_the_lane_again(stage, scene, &builds.p_token).await
}

/// Alice uploads a build and proposes it in the emergency lane.
pub async fn propose_emergency(
    scene: &Scene,
    artifact: &Artifact,
) -> Result<Proposal, ClientError> {
    let buffer = upload(scene, artifact).await?;
    let gate = scene.client.fetch_gate(&scene.program).await?.account;
    let wanted = Wanted {
        lane: Lane::Emergency,
        buffer,
        commitment: artifact.commitment,
        base_index: gate.release.index,
        base: gate.release.commitment(),
    };
    let (keys, instructions) = wanted.instructions(scene, gate.proposal_count).await?;
    let options = SendOptions::with_compute_units(hash_compute_units(artifact.commitment.len));
    let alice = &scene.cast.alice;
    scene
        .client
        .send(&instructions, alice, &[], &options)
        .await?;
    read(scene, keys, buffer).await
}

async fn approve(
    stage: &mut Stage,
    scene: &Scene,
    proposal: &Proposal,
    name: &str,
    voter: &Keypair,
) -> Result<(), CliError> {
    let approve =
        scene
            .client
            .builder()
            .approve(&proposal.keys, voter.pubkey(), proposal.vote(scene).await?);
    stage.must(
        format!("{name} approves by transaction"),
        scene
            .client
            .send(&[approve], voter, &[], &SendOptions::default())
            .await,
    )?;
    Ok(())
}

/// A vote signed away from any network, as a hardware wallet shows and signs it.
async fn signed_message(
    stage: &mut Stage,
    scene: &Scene,
    proposal: &Proposal,
    name: &str,
    voter: &Keypair,
) -> Result<SignedVote, CliError> {
    let view = scene.client.fetch_proposal_view(&proposal.address).await?;
    let valid_until = view.now.timestamp + i64::from(HOUR);
    let text = message::text(&view, &Ballot::Approve, valid_until)?;
    let portcullis = &scene.client.portcullis;
    let bytes = message::wrapped(portcullis, &voter.pubkey(), &text, Envelope::Full)?;
    let shown: String = text.chars().take(38).collect();
    stage.ok(format!("{name} signs a message offline: \"{shown}…\""));
    Ok(SignedVote {
        member: voter.pubkey(),
        ballot: Ballot::Approve,
        valid_until,
        envelope: Envelope::Full,
        signature: voter.sign_message(&bytes),
    })
}

/// Sends somebody's signed message; whoever does so only pays.
pub async fn relay(
    scene: &Scene,
    proposal: &Proposal,
    vote: &SignedVote,
    payer: &Keypair,
) -> Result<(), ClientError> {
    let view = scene.client.fetch_proposal_view(&proposal.address).await?;
    let instructions = vote.instructions(&scene.client.builder(), &view, payer.pubkey())?;
    attacks::send_all(scene, &instructions, payer).await?;
    Ok(())
}
