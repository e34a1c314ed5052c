//! What the demo does, in order. Every line that it prints is a transaction or a read of the chain.

use portcullis_client::{
    elf::Artifact,
    pda,
    portcullis::{
        digest::{Commitment, Statement},
        policy::Policy,
        transitions::{AdoptArgs, CreateCouncilArgs, UpgradeArgs, VoteArgs},
        ID,
    },
    upload::UploadOptions,
    Client, SendOptions,
};
use portcullis_localnet::{
    portcullis_program, samples, Localnet, LocalnetConfig, LocalnetError, TimeControl,
};
use solana_sdk::{pubkey::Pubkey, signature::Keypair, signer::Signer};

use super::{
    attacks,
    cast::{Cast, Scene},
    incident::{self, Builds},
    proof,
    stage::Stage,
    token::Tokens,
};
use crate::error::{chain, CliError};

const FUNDS_LAMPORTS: u64 = 1_000_000_000_000;
/// Short slots, so that the demo spends its time on transactions and not on waiting for confirmations.
const SLOT_TIME_MS: u64 = 50;
/// Seconds.
pub const HOUR: u32 = 3600;
const DAY: u32 = 24 * HOUR;
/// Tokens at first.
pub const MINTED: u64 = 1_000;
/// Tokens of each transfer.
pub const MOVED: u64 = 250;

fn artifact(elf: Vec<u8>) -> Result<Artifact, CliError> {
    Artifact::new(elf).map_err(|error| CliError::general(chain(&error)))
}

/// A failure of the validator itself.
pub fn local(error: LocalnetError) -> CliError {
    CliError::general(chain(&error))
}

fn policy() -> Policy {
    Policy {
        threshold: 2,
        timelock_seconds: 2 * DAY,
        voting_period_seconds: 3 * DAY,
        execution_window_seconds: 2 * DAY,
        veto_threshold: 1,
        emergency_threshold: 3,
        emergency_timelock_seconds: HOUR,
        emergency_min_interval_seconds: 7 * DAY,
        emergency_veto_threshold: 1,
        trigger_threshold: 2,
        standby_validity_seconds: 30 * DAY,
        message_validity_seconds: 2 * HOUR,
        ..Policy::default()
    }
}

/// The first digits of a hash.
pub fn short(bytes: &[u8]) -> String {
    let hex = portcullis_client::error::hex(bytes);
    hex.chars().take(16).collect::<String>() + "…"
}

/// Runs the whole story.
///
/// # Errors
/// Where a step fails that must work.
pub async fn tell(stage: &mut Stage) -> Result<(), CliError> {
    let cast = Cast::new();
    let localnet = Localnet::start(LocalnetConfig {
        slot_time_ms: SLOT_TIME_MS,
        funded_accounts: cast
            .everyone()
            .iter()
            .map(|key| (key.pubkey(), FUNDS_LAMPORTS))
            .collect(),
        programs: vec![portcullis_program(ID, None)],
        ..LocalnetConfig::default()
    })
    .map_err(local)?;
    let (program, create_key) = (Keypair::new(), Keypair::new());
    let scene = Scene {
        client: Client::new(localnet.rpc_url(), ID),
        time: TimeControl::new(localnet.rpc_url()),
        council: pda::council(&ID, &create_key.pubkey()),
        program: program.pubkey(),
        cast,
    };
    let builds = Builds {
        spl_token: artifact(samples::spl_token().map_err(local)?)?,
        p_token: artifact(samples::p_token().map_err(local)?)?,
        memo: artifact(samples::memo().map_err(local)?)?,
    };
    let (old, new) = (&builds.spl_token, &builds.p_token);

    stage.act("ACT I: an upgrade, and every attack on it");
    stage.chapter("SETUP");
    stage.ok(format!(
        "an offline validator with Portcullis, JSON-RPC at {}",
        localnet.rpc_url()
    ));
    let alice = &scene.cast.alice;
    stage.must(
        format!(
            "deploy SPL Token 3.5.0 ({} bytes) with loader v3, upgrade authority: alice",
            old.commitment.len
        ),
        scene
            .client
            .deploy_program(
                old,
                &program,
                alice,
                alice,
                None,
                &UploadOptions::default(),
                &|_| {},
            )
            .await,
    )?;
    let tokens = stage.must(
        format!("make a mint and two accounts with it, mint {MINTED} tokens"),
        Tokens::create(&scene.client, scene.program, alice, MINTED).await,
    )?;
    let before = tokens.transfer(MOVED).await?;
    stage.ok(format!("transfer {MOVED} of them: {before} compute units"));

    create_council(stage, &scene, &create_key).await?;
    adopt(stage, &scene, old.commitment).await?;
    let proposal = propose(stage, &scene, new).await?;
    vote(stage, &scene, &proposal).await?;
    execute(stage, &scene, &proposal).await?;
    proof::upgrade(stage, &scene, &tokens, new.commitment, before).await?;
    incident::play(stage, &scene, &builds, &tokens).await?;
    proof::history(stage, &scene).await?;
    localnet.shutdown();
    Ok(())
}

async fn create_council(
    stage: &mut Stage,
    scene: &Scene,
    create_key: &Keypair,
) -> Result<(), CliError> {
    let alice = &scene.cast.alice;
    let builder = scene.client.builder();
    let instructions = [
        builder.create_council(
            create_key.pubkey(),
            alice.pubkey(),
            CreateCouncilArgs {
                policy: policy(),
                delay_floor_seconds: HOUR,
                members: scene.cast.members(),
            },
        ),
        builder.seal_council(create_key.pubkey()),
    ];
    stage.must(
        "create a council: 2 of alice, bob, carol vote; dora and erin are guardians",
        scene
            .client
            .send(&instructions, alice, &[create_key], &SendOptions::default())
            .await,
    )?;
    Ok(())
}

async fn adopt(stage: &mut Stage, scene: &Scene, deployed: Commitment) -> Result<(), CliError> {
    let alice = &scene.cast.alice;
    let key = alice.pubkey();
    let instruction = scene.client.builder().adopt_program(
        scene.council,
        scene.program,
        key,
        key,
        key,
        AdoptArgs {
            epoch: 1,
            policy: policy(),
            deployed,
        },
    );
    let options = SendOptions::with_compute_units(
        portcullis_client::transaction::hash_compute_units(deployed.len),
    );
    stage.must(
        "adopt the program: its upgrade authority is the gate now, timelock 2 days",
        scene
            .client
            .send(&[instruction], alice, &[], &options)
            .await,
    )?;
    Ok(())
}

/// The proposal that the story is about.
pub struct Proposal {
    pub keys: portcullis_client::instruction::ProposalKeys,
    pub address: Pubkey,
    pub buffer: Pubkey,
    pub spill: Pubkey,
    pub digest: [u8; 32],
}

impl Proposal {
    /// A vote for what this proposal says, valid for an hour.
    pub async fn vote(&self, scene: &Scene) -> Result<VoteArgs, CliError> {
        let now = scene.client.now().await?;
        Ok(VoteArgs {
            digest: self.digest,
            valid_until: now.timestamp + i64::from(HOUR),
        })
    }
}

async fn propose(stage: &mut Stage, scene: &Scene, new: &Artifact) -> Result<Proposal, CliError> {
    let alice = &scene.cast.alice;
    stage.chapter("PROPOSE");
    let upload = stage.must(
        format!(
            "upload p-token ({} bytes) into a buffer",
            new.commitment.len
        ),
        scene
            .client
            .upload_buffer(new, alice, alice, &UploadOptions::default(), &|_| {})
            .await,
    )?;
    let gate = scene.client.fetch_gate(&scene.program).await?.account;
    let keys = portcullis_client::instruction::ProposalKeys::of_gate(
        scene.council,
        scene.program,
        gate.proposal_count,
    );
    let spill = alice.pubkey();
    let builder = scene.client.builder();
    let text = "Replace SPL Token 3.5.0 by p-token: the same accounts, far fewer compute units.";
    let statement = Statement {
        sha256: Commitment::of(text.as_bytes()).unwrap_or_default().sha256,
        uri: "https://example.org/releases/p-token.txt".into(),
    };
    let instructions = [
        builder.propose_upgrade(
            &keys,
            upload.buffer,
            spill,
            alice.pubkey(),
            alice.pubkey(),
            UpgradeArgs {
                lane: portcullis::lifecycle::Lane::Standard,
                predecessor: None,
                commitment: new.commitment,
                base_index: gate.release.index,
                base: gate.release.commitment(),
                epoch: 1,
                life: gate.life,
                statement: Some(statement),
                not_before: 0,
            },
        ),
        builder.verify_buffer(&keys, upload.buffer),
    ];
    let options = SendOptions::with_compute_units(
        portcullis_client::transaction::hash_compute_units(new.commitment.len),
    );
    stage.must(
        format!(
            "propose it: the gate takes the buffer and hashes it, {}",
            short(&new.commitment.sha256)
        ),
        scene.client.send(&instructions, alice, &[], &options).await,
    )?;
    let view = scene
        .client
        .fetch_proposal_of(&scene.program, keys.index)
        .await?;
    stage.ok(format!(
        "the digest that voters sign, from the proposal's own terms: {}",
        short(&view.digest)
    ));
    let proposal = Proposal {
        keys,
        address: view.address,
        buffer: upload.buffer,
        spill,
        digest: view.digest,
    };

    stage.chapter("ATTACK");
    attacks::write_to_the_buffer(stage, scene, &proposal).await?;
    attacks::vote_as_a_stranger(stage, scene, &proposal).await?;
    attacks::vote_with_another_digest(stage, scene, &proposal).await?;
    attacks::vote_in_a_durable_nonce_transaction(stage, scene, &proposal).await?;
    Ok(proposal)
}

async fn vote(stage: &mut Stage, scene: &Scene, proposal: &Proposal) -> Result<(), CliError> {
    stage.chapter("VOTE");
    for (name, voter) in [("alice", &scene.cast.alice), ("bob", &scene.cast.bob)] {
        let approve = scene.client.builder().approve(
            &proposal.keys,
            voter.pubkey(),
            proposal.vote(scene).await?,
        );
        stage.must(
            format!("{name} approves this digest, for an hour at most"),
            scene
                .client
                .send(&[approve], voter, &[], &SendOptions::default())
                .await,
        )?;
    }
    let view = scene.client.fetch_proposal_view(&proposal.address).await?;
    let wait = view.proposal.eta - view.now.timestamp;
    stage.prove(
        format!(
            "2 of 3: the timelock runs, {} hours to eta",
            (wait + 1800) / 3600
        ),
        view.proposal.eta > 0,
    )?;
    stage.chapter("ATTACK");
    attacks::execute_early(stage, scene, proposal).await
}

async fn execute(stage: &mut Stage, scene: &Scene, proposal: &Proposal) -> Result<(), CliError> {
    stage.chapter("WAIT");
    let eta = scene
        .client
        .fetch_proposal(&proposal.address)
        .await?
        .account
        .proposal
        .eta;
    let now = scene.time.advance_to(eta).await.map_err(local)?;
    stage.prove(
        "two days pass on the validator's clock",
        now.unix_timestamp >= eta,
    )?;

    stage.chapter("ATTACK");
    attacks::execute_another_buffer(stage, scene, proposal).await?;
    attacks::execute_in_the_slot_of_an_extension(stage, scene, proposal).await?;

    stage.chapter("EXECUTE");
    stage.must(
        "a slot later the same transaction passes: the gate upgrades the program",
        attacks::execute(scene, proposal, proposal.buffer).await,
    )?;
    stage.chapter("ATTACK");
    attacks::execute_twice(stage, scene, proposal).await
}
