//! The second act. A bad upgrade passes every vote, and the guardians go back within seconds to what was voted beside it.

use portcullis_client::{
    elf::Artifact,
    instruction::ProposalKeys,
    portcullis::{
        digest::Commitment,
        lifecycle::{Lane, Status},
        transitions::UpgradeArgs,
    },
    transaction::hash_compute_units,
    upload::UploadOptions,
    ClientError, SendOptions,
};
use solana_sdk::{instruction::Instruction, pubkey::Pubkey, signer::Signer};

use super::{
    attacks, breaches,
    cast::Scene,
    emergency,
    stage::Stage,
    story::{local, Proposal, MINTED, MOVED},
    token::Tokens,
};
use crate::error::CliError;

/// Enough for any of the demo's transactions.
const COMPUTE_UNITS: u32 = 1_400_000;

/// The builds of this act.
pub struct Builds {
    /// SPL Token 3.5.0.
    pub spl_token: Artifact,
    /// p-token, which runs when the act begins.
    pub p_token: Artifact,
    /// SPL Memo: a real program, but not a token program.
    pub memo: Artifact,
}

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
    stage.act("ACT II: a bad upgrade, and a patch that cannot wait");
    let (bad, rollback) = propose_both(stage, scene, builds).await?;
    vote_for_both(stage, scene, &bad, &rollback).await?;
    stage.chapter("ATTACK");
    breaches::trigger_before_it_is_armed(stage, scene, &rollback).await?;
    execute_the_bad_one(stage, scene, &bad, &rollback, tokens).await?;
    breaches::trigger_without_quorum(stage, scene, &rollback).await?;
    roll_back(stage, scene, builds, &rollback, tokens).await?;
    stage.chapter("ATTACK");
    breaches::roll_back_to_a_revoked_release(stage, scene, &builds.memo).await?;
    emergency::play(stage, scene, builds, tokens).await
}

/// Uploads a build and hands the buffer to alice.
pub async fn upload(scene: &Scene, artifact: &Artifact) -> Result<Pubkey, ClientError> {
    let alice = &scene.cast.alice;
    let options = UploadOptions::default();
    let upload = scene
        .client
        .upload_buffer(artifact, alice, alice, &options, &|_| {})
        .await?;
    Ok(upload.buffer)
}

/// What alice proposes: which build, in which lane, on top of which release.
pub struct Wanted {
    pub lane: Lane,
    pub buffer: Pubkey,
    pub commitment: Commitment,
    pub base_index: u32,
    pub base: Commitment,
}

impl Wanted {
    /// The instructions that propose it as number `index`, and hash its buffer.
    pub async fn instructions(
        &self,
        scene: &Scene,
        index: u32,
    ) -> Result<(ProposalKeys, Vec<Instruction>), ClientError> {
        let gate = scene.client.fetch_gate(&scene.program).await?.account;
        let keys = ProposalKeys::of_gate(scene.council, scene.program, index);
        let alice = scene.cast.alice.pubkey();
        let builder = scene.client.builder();
        let args = UpgradeArgs {
            lane: self.lane,
            commitment: self.commitment,
            base_index: self.base_index,
            base: self.base,
            epoch: 1,
            life: gate.life,
            statement: None,
            not_before: 0,
            predecessor: None,
        };
        let propose = builder.propose_upgrade(&keys, self.buffer, alice, alice, alice, args);
        Ok((
            keys,
            vec![propose, builder.verify_buffer(&keys, self.buffer)],
        ))
    }
}

/// The proposal as it stands on chain.
pub async fn read(
    scene: &Scene,
    keys: ProposalKeys,
    buffer: Pubkey,
) -> Result<Proposal, ClientError> {
    let view = scene
        .client
        .fetch_proposal_of(&scene.program, keys.index)
        .await?;
    Ok(Proposal {
        keys,
        address: view.address,
        buffer,
        spill: scene.cast.alice.pubkey(),
        digest: view.digest,
    })
}

async fn propose_both(
    stage: &mut Stage,
    scene: &Scene,
    builds: &Builds,
) -> Result<(Proposal, Proposal), CliError> {
    stage.chapter("PROPOSE");
    let (memo, p_token) = (&builds.memo, &builds.p_token);
    let bad = stage.must(
        format!(
            "upload the wrong build by mistake: SPL Memo ({} bytes)",
            memo.commitment.len
        ),
        upload(scene, memo).await,
    )?;
    let good = stage.must(
        "upload what runs now, for a rollback",
        upload(scene, p_token).await,
    )?;
    let gate = scene.client.fetch_gate(&scene.program).await?.account;
    let index = gate.proposal_count;
    let upgrade = Wanted {
        lane: Lane::Standard,
        buffer: bad,
        commitment: memo.commitment,
        base_index: gate.release.index,
        base: gate.release.commitment(),
    };
    let rollback = Wanted {
        lane: Lane::Rollback,
        buffer: good,
        commitment: p_token.commitment,
        base_index: gate.release.index + 1,
        base: memo.commitment,
    };
    let (bad_keys, mut instructions) = upgrade.instructions(scene, index).await?;
    let (good_keys, more) = rollback.instructions(scene, index + 1).await?;
    instructions.extend(more);
    let units = hash_compute_units(memo.commitment.len)
        .saturating_add(hash_compute_units(p_token.commitment.len));
    let alice = &scene.cast.alice;
    stage.must(
        "propose the upgrade, and beside it the way back: one transaction",
        scene
            .client
            .send(
                &instructions,
                alice,
                &[],
                &SendOptions::with_compute_units(units),
            )
            .await,
    )?;
    Ok((
        read(scene, bad_keys, bad).await?,
        read(scene, good_keys, good).await?,
    ))
}

async fn vote_for_both(
    stage: &mut Stage,
    scene: &Scene,
    bad: &Proposal,
    rollback: &Proposal,
) -> Result<(), CliError> {
    stage.chapter("VOTE");
    let builder = scene.client.builder();
    for (name, voter) in [("alice", &scene.cast.alice), ("bob", &scene.cast.bob)] {
        let key = voter.pubkey();
        let approvals = [
            builder.approve(&bad.keys, key, bad.vote(scene).await?),
            builder.approve(&rollback.keys, key, rollback.vote(scene).await?),
        ];
        stage.must(
            format!("{name} approves both in one transaction"),
            scene
                .client
                .send(&approvals, voter, &[], &SendOptions::default())
                .await,
        )?;
    }
    Ok(())
}

async fn execute_the_bad_one(
    stage: &mut Stage,
    scene: &Scene,
    bad: &Proposal,
    rollback: &Proposal,
    tokens: &Tokens<'_>,
) -> Result<(), CliError> {
    stage.chapter("WAIT");
    wait_for_eta(
        stage,
        scene,
        rollback,
        "two days pass again, and nobody looks",
    )
    .await?;
    stage.chapter("EXECUTE");
    stage.must(
        "the bad upgrade passes: every vote, every hour of its timelock",
        attacks::execute(scene, bad, bad.buffer).await,
    )?;
    stage.chapter("PROVE");
    stage.prove(
        "no token moves any more: what runs is no token program",
        tokens.transfer(MOVED).await.is_err(),
    )?;
    let armed = scene.client.fetch_proposal_view(&rollback.address).await?;
    stage.prove(
        "the rollback has armed itself, for 30 days",
        armed.status == Status::Armed,
    )
}

async fn roll_back(
    stage: &mut Stage,
    scene: &Scene,
    builds: &Builds,
    rollback: &Proposal,
    tokens: &Tokens<'_>,
) -> Result<(), CliError> {
    stage.chapter("TRIGGER");
    let erin = &scene.cast.erin;
    let builder = scene.client.builder();
    let instructions = [
        builder.trigger(&rollback.keys, erin.pubkey(), rollback.vote(scene).await?),
        builder.execute_upgrade(
            &rollback.keys,
            rollback.buffer,
            rollback.spill,
            erin.pubkey(),
            None,
        ),
    ];
    stage.must(
        "erin, the second guardian, triggers and executes it in one transaction",
        scene
            .client
            .send(
                &instructions,
                erin,
                &[],
                &SendOptions::with_compute_units(COMPUTE_UNITS),
            )
            .await,
    )?;
    stage.chapter("PROVE");
    let gate = scene.client.fetch_gate(&scene.program).await?.account;
    let triggered_at = scene
        .client
        .fetch_proposal_view(&rollback.address)
        .await?
        .proposal
        .triggered_at;
    let seconds = gate.release.timestamp - triggered_at;
    stage.prove(
        format!(
            "{seconds} second(s) on the chain's clock from the first guardian to the end of it"
        ),
        (0..60).contains(&seconds),
    )?;
    stage.prove(
        "the deployed bytes are those from before, and the bad release is revoked",
        deployed(scene).await? == Some(builds.p_token.commitment)
            && gate.is_revoked(&builds.memo.commitment.sha256),
    )?;
    tokens.transfer(MOVED).await?;
    stage.prove(
        "tokens move again, and the balances are those that they must be",
        tokens.balances().await? == (MINTED - 3 * MOVED, 3 * MOVED),
    )?;
    Ok(())
}

/// Lets the validator's clock run to a proposal's eta.
pub async fn wait_for_eta(
    stage: &mut Stage,
    scene: &Scene,
    proposal: &Proposal,
    what: &str,
) -> Result<(), CliError> {
    let view = scene.client.fetch_proposal_view(&proposal.address).await?;
    let eta = view.proposal.eta;
    let now = scene.time.advance_to(eta).await.map_err(local)?;
    stage.prove(what, eta > 0 && now.unix_timestamp >= eta)
}

/// What runs now.
///
/// # Errors
/// Those of the client.
pub async fn deployed(scene: &Scene) -> Result<Option<Commitment>, ClientError> {
    let programdata = scene.client.fetch_programdata(&scene.program).await?;
    Ok(programdata.account.commitment())
}
