//! What the demo's attackers try. Each transaction is sent without the server's simulation, so that the chain itself refuses.

use portcullis_client::{
    portcullis::transitions::VoteArgs,
    transaction::{build_message, sign, with_budget, TransactionSummary},
    ClientError, SendOptions,
};
use solana_loader_v3_interface::instruction as loader_v3;
use solana_nonce::{state::State, versions::Versions};
use solana_sdk::{
    hash::Hash,
    instruction::Instruction,
    pubkey::Pubkey,
    signature::{Keypair, Signature},
    signer::Signer,
    transaction::VersionedTransaction,
};
use solana_system_interface::instruction as system;

use super::{cast::Scene, stage::Stage, story::Proposal};
use crate::error::{chain, CliError};

/// Without the server's simulation.
fn onto_the_chain(compute_units: u32) -> SendOptions {
    SendOptions {
        compute_unit_limit: Some(compute_units),
        skip_preflight: true,
        ..SendOptions::default()
    }
}

/// Sends one instruction of `signer`, who pays.
///
/// # Errors
/// Where the chain refuses.
pub async fn send(
    scene: &Scene,
    instruction: Instruction,
    signer: &Keypair,
) -> Result<Signature, ClientError> {
    send_all(scene, &[instruction], signer).await
}

/// Sends instructions of `signer`, who pays.
///
/// # Errors
/// Where the chain refuses.
pub async fn send_all(
    scene: &Scene,
    instructions: &[Instruction],
    signer: &Keypair,
) -> Result<Signature, ClientError> {
    scene
        .client
        .send(instructions, signer, &[], &onto_the_chain(400_000))
        .await
}

/// The buffer's former authority changes a byte after the proposal.
pub async fn write_to_the_buffer(
    stage: &mut Stage,
    scene: &Scene,
    proposal: &Proposal,
) -> Result<(), CliError> {
    let alice = &scene.cast.alice;
    let write = loader_v3::write(&proposal.buffer, &alice.pubkey(), 1000, vec![0; 32]);
    stage.attack(
        "alice, who uploaded the buffer, changes its bytes after proposing",
        "IncorrectBufferAuthorityProvided",
        send(scene, write, alice).await,
    );
    Ok(())
}

/// Someone who is no member votes.
pub async fn vote_as_a_stranger(
    stage: &mut Stage,
    scene: &Scene,
    proposal: &Proposal,
) -> Result<(), CliError> {
    let mallory = &scene.cast.mallory;
    let vote = proposal.vote(scene).await?;
    let approve = scene
        .client
        .builder()
        .approve(&proposal.keys, mallory.pubkey(), vote);
    stage.attack(
        "a stranger approves",
        "NotAMember",
        send(scene, approve, mallory).await,
    );
    Ok(())
}

/// A member was shown something else than what is proposed.
pub async fn vote_with_another_digest(
    stage: &mut Stage,
    scene: &Scene,
    proposal: &Proposal,
) -> Result<(), CliError> {
    let bob = &scene.cast.bob;
    let vote = VoteArgs {
        digest: [7; 32],
        ..proposal.vote(scene).await?
    };
    let approve = scene
        .client
        .builder()
        .approve(&proposal.keys, bob.pubkey(), vote);
    stage.attack(
        "bob is made to approve another digest than the proposal's",
        "DigestMismatch",
        send(scene, approve, bob).await,
    );
    Ok(())
}

/// An approval that never goes stale, kept until it is wanted: how Drift lost 285 million dollars.
pub async fn vote_in_a_durable_nonce_transaction(
    stage: &mut Stage,
    scene: &Scene,
    proposal: &Proposal,
) -> Result<(), CliError> {
    let bob = &scene.cast.bob;
    let nonce = Keypair::new();
    let rent = scene
        .client
        .rpc
        .get_minimum_balance_for_rent_exemption(State::size())
        .await
        .map_err(ClientError::from)?;
    let create = system::create_nonce_account(&bob.pubkey(), &nonce.pubkey(), &bob.pubkey(), rent);
    scene
        .client
        .send(&create, bob, &[&nonce], &SendOptions::default())
        .await?;
    let durable = nonce_hash(scene, &nonce.pubkey()).await?;
    let vote = proposal.vote(scene).await?;
    let instructions = [
        system::advance_nonce_account(&nonce.pubkey(), &bob.pubkey()),
        scene
            .client
            .builder()
            .approve(&proposal.keys, bob.pubkey(), vote),
    ];
    let message = build_message(&instructions, &bob.pubkey(), &[], durable)?;
    let transaction = sign(message, &[bob])?;
    stage.attack(
        "bob's approval is pre-signed under a durable nonce (Drift, April 2026)",
        "DurableNonceTransaction",
        scene
            .client
            .send_transaction(&transaction, u64::MAX, true)
            .await,
    );
    Ok(())
}

async fn nonce_hash(scene: &Scene, nonce: &Pubkey) -> Result<Hash, CliError> {
    let account = scene.client.get_account(nonce).await?;
    let versions: Option<Versions> = account.and_then(|account| account.deserialize_data().ok());
    match versions.as_ref().map(Versions::state) {
        Some(State::Initialized(data)) => Ok(data.blockhash()),
        _ => Err(CliError::general(format!(
            "{nonce} must be a nonce account and is not"
        ))),
    }
}

fn execute_instruction(scene: &Scene, proposal: &Proposal, buffer: Pubkey) -> Instruction {
    scene.client.builder().execute_upgrade(
        &proposal.keys,
        buffer,
        proposal.spill,
        scene.cast.alice.pubkey(),
        None,
    )
}

/// Executes the proposal with this buffer.
///
/// # Errors
/// Where the chain refuses.
pub async fn execute(
    scene: &Scene,
    proposal: &Proposal,
    buffer: Pubkey,
) -> Result<Signature, ClientError> {
    let instruction = execute_instruction(scene, proposal, buffer);
    scene
        .client
        .send(
            &[instruction],
            &scene.cast.alice,
            &[],
            &onto_the_chain(EXECUTE_COMPUTE_UNITS),
        )
        .await
}

/// Enough for any ELF that one transaction can hash.
const EXECUTE_COMPUTE_UNITS: u32 = 1_400_000;

/// Approved is not enough.
pub async fn execute_early(
    stage: &mut Stage,
    scene: &Scene,
    proposal: &Proposal,
) -> Result<(), CliError> {
    stage.attack(
        "alice executes at once, with all the approvals that it takes",
        "TimelockNotElapsed",
        execute(scene, proposal, proposal.buffer).await,
    );
    Ok(())
}

/// The approved proposal, but other bytes.
pub async fn execute_another_buffer(
    stage: &mut Stage,
    scene: &Scene,
    proposal: &Proposal,
) -> Result<(), CliError> {
    let alice = &scene.cast.alice;
    let buffer = Keypair::new();
    let bytes = 512;
    let rent = scene
        .client
        .rpc
        .get_minimum_balance_for_rent_exemption(bytes)
        .await
        .map_err(ClientError::from)?;
    let create = loader_v3::create_buffer(
        &alice.pubkey(),
        &buffer.pubkey(),
        &alice.pubkey(),
        rent,
        bytes - portcullis_client::account::BUFFER_HEADER,
    )
    .map_err(|error| CliError::general(chain(&error)))?;
    let write = loader_v3::write(&buffer.pubkey(), &alice.pubkey(), 0, vec![0xee; 64]);
    let instructions: Vec<Instruction> = create.into_iter().chain([write]).collect();
    scene
        .client
        .send(&instructions, alice, &[&buffer], &SendOptions::default())
        .await?;
    stage.attack(
        "alice executes with another buffer than the one that was voted for",
        "BufferMismatch",
        execute(scene, proposal, buffer.pubkey()).await,
    );
    Ok(())
}

/// Anyone may extend any program, and a program that was extended in a slot cannot be upgraded in it. The clock is held so
/// that both are in the same slot.
pub async fn execute_in_the_slot_of_an_extension(
    stage: &mut Stage,
    scene: &Scene,
    proposal: &Proposal,
) -> Result<(), CliError> {
    let (alice, mallory) = (&scene.cast.alice, &scene.cast.mallory);
    let local = |error| CliError::general(chain(&error));
    let extend = loader_v3::extend_program(&scene.program, Some(&mallory.pubkey()), 10_240);
    let upgrade = execute_instruction(scene, proposal, proposal.buffer);
    let extend = signed(scene, &[extend], mallory).await?;
    let upgrade = signed(scene, &[upgrade], alice).await?;

    scene.time.hold().await.map_err(local)?;
    let config = solana_rpc_client_api::config::RpcSendTransactionConfig {
        skip_preflight: true,
        ..Default::default()
    };
    for transaction in [&extend, &upgrade] {
        scene
            .client
            .rpc
            .send_transaction_with_config(transaction, config)
            .await
            .map_err(ClientError::from)?;
    }
    scene.time.next_slot().await.map_err(local)?;
    scene.time.resume().await.map_err(local)?;

    let (extended, upgraded) = (
        outcome(scene, &extend).await?,
        outcome(scene, &upgrade).await?,
    );
    let extension_slot = extended.map_err(CliError::from)?;
    let (slot, refused) = match upgraded {
        Ok(slot) => (slot, Ok(())),
        Err(error) => (summary(scene, &upgrade).await?.slot, Err(error)),
    };
    stage.prove(
        "a stranger extends the program; the upgrade is sent in the same slot",
        slot == extension_slot,
    )?;
    stage.attack(
        "… which the loader forbids, so a stranger can delay it by a slot, no more",
        "ProgramDeployedThisSlot",
        refused,
    );
    Ok(())
}

async fn summary(
    scene: &Scene,
    transaction: &VersionedTransaction,
) -> Result<TransactionSummary, ClientError> {
    let signature = transaction.signatures.first().copied().unwrap_or_default();
    scene.client.transaction_summary(&signature).await
}

/// The slot of a transaction that has run, or why the chain refused it.
async fn outcome(
    scene: &Scene,
    transaction: &VersionedTransaction,
) -> Result<Result<u64, ClientError>, ClientError> {
    let summary = summary(scene, transaction).await?;
    Ok(match summary.error {
        None => Ok(summary.slot),
        Some(error) => Err(scene
            .client
            .explain(error, summary.logs, &transaction.message)),
    })
}

async fn signed(
    scene: &Scene,
    instructions: &[Instruction],
    payer: &Keypair,
) -> Result<VersionedTransaction, CliError> {
    let blockhash = scene
        .client
        .rpc
        .get_latest_blockhash()
        .await
        .map_err(ClientError::from)?;
    let instructions = with_budget(instructions, &onto_the_chain(EXECUTE_COMPUTE_UNITS));
    let message = build_message(&instructions, &payer.pubkey(), &[], blockhash)?;
    Ok(sign(message, &[payer])?)
}

/// Once is once.
pub async fn execute_twice(
    stage: &mut Stage,
    scene: &Scene,
    proposal: &Proposal,
) -> Result<(), CliError> {
    stage.attack(
        "alice executes it once more",
        "ProposalExecuted",
        execute(scene, proposal, proposal.buffer).await,
    );
    Ok(())
}
