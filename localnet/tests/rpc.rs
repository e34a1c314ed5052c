//! What the rest of the project relies on besides: simulation, filters, nonces, commitments, subscriptions.
mod common;
use common::{overdraft, overdrawn, transfer, Net};
use futures::StreamExt;
use solana_account_decoder_client_types::{UiAccountEncoding, UiDataSliceConfig};
use solana_commitment_config::{CommitmentConfig, CommitmentLevel};
use solana_keypair::Keypair;
use solana_pubkey::Pubkey;
use solana_pubsub_client::nonblocking::pubsub_client::PubsubClient;
use solana_rpc_client_api::{
    client_error::ErrorKind,
    config::{RpcAccountInfoConfig, RpcProgramAccountsConfig, RpcSignatureSubscribeConfig},
    filter::{Memcmp, RpcFilterType},
    request::{RpcError, RpcResponseErrorData},
    response::RpcSignatureResult,
};
use solana_signer::Signer;
use solana_transaction::{Transaction, TransactionError};

#[tokio::test]
async fn simulation_and_preflight_tell_the_error_and_the_log() {
    let net = Net::start();
    let transaction = net.sign(&[overdraft(&net.payer)], &[]).await;
    let simulated = net
        .rpc
        .simulate_transaction(&transaction)
        .await
        .unwrap()
        .value;
    assert_eq!(simulated.err.map(TransactionError::from), Some(overdrawn()));
    assert!(simulated
        .logs
        .unwrap()
        .iter()
        .any(|line| line.contains("custom program error: 0x1")));

    let error = net.rpc.send_transaction(&transaction).await.unwrap_err();
    assert_eq!(error.get_transaction_error(), Some(overdrawn()));
    let ErrorKind::RpcError(RpcError::RpcResponseError { code, data, .. }) = error.kind() else {
        panic!("{error:?}")
    };
    assert_eq!(*code, -32002);
    let RpcResponseErrorData::SendTransactionPreflightFailure(result) = data else {
        panic!("{data:?}")
    };
    assert!(result
        .logs
        .as_ref()
        .unwrap()
        .iter()
        .any(|line| line.contains("custom program error: 0x1")));
    // What fails in preflight leaves no trace.
    net.time.next_slot().await.unwrap();
    assert!(net
        .rpc
        .get_signatures_for_address(&net.payer.pubkey())
        .await
        .unwrap()
        .is_empty());
}

#[tokio::test]
async fn program_accounts_are_filtered_and_sliced() {
    let net = Net::start();
    let owner = Pubkey::new_unique();
    let mut expected = Vec::new();
    for tag in 0..3u8 {
        let address = Pubkey::new_unique();
        let mut account = solana_account::Account::new(10_000_000, 40, &owner);
        account.data[8..].fill(tag);
        portcullis_localnet::set_account(&net.rpc, &address, &account)
            .await
            .unwrap();
        assert_eq!(net.rpc.get_account(&address).await.unwrap(), account);
        expected.push(address);
    }
    let config = RpcProgramAccountsConfig {
        filters: Some(vec![
            RpcFilterType::DataSize(40),
            RpcFilterType::Memcmp(Memcmp::new_base58_encoded(8, &[1, 1])),
        ]),
        account_config: RpcAccountInfoConfig {
            encoding: Some(UiAccountEncoding::Base64),
            data_slice: Some(UiDataSliceConfig {
                offset: 7,
                length: 3,
            }),
            ..Default::default()
        },
        ..Default::default()
    };
    let found = net
        .rpc
        .get_program_ui_accounts_with_config(&owner, config)
        .await
        .unwrap();
    assert_eq!(found.len(), 1);
    assert_eq!(found[0].0, expected[1]);
    assert_eq!(found[0].1.data.decode().unwrap(), [0, 1, 1]);
    assert_eq!(found[0].1.space, Some(40));
}

#[tokio::test]
async fn a_durable_nonce_transaction_runs_once() {
    let net = Net::start();
    let nonce = Keypair::new();
    let payer = net.payer.pubkey();
    let create = solana_system_interface::instruction::create_nonce_account(
        &payer,
        &nonce.pubkey(),
        &payer,
        2_000_000,
    );
    net.run(&create, &[&nonce]).await;
    let stored = net.rpc.get_account_data(&nonce.pubkey()).await.unwrap();
    // Version, state, authority; then the nonce.
    let value = solana_hash::Hash::new_from_array(stored[40..72].try_into().unwrap());
    let to = Pubkey::new_unique();
    let instructions = [
        solana_system_interface::instruction::advance_nonce_account(&nonce.pubkey(), &payer),
        transfer(&net.payer, &to, 1_000_000),
    ];
    let transaction =
        Transaction::new_signed_with_payer(&instructions, Some(&payer), &[&net.payer], value);
    // Longer than a blockhash lives.
    for _ in 0..160 {
        net.time.next_slot().await.unwrap();
    }
    net.rpc.send_transaction(&transaction).await.unwrap();
    net.time.next_slot().await.unwrap();
    assert_eq!(net.rpc.get_balance(&to).await.unwrap(), 1_000_000);
    assert_ne!(
        net.rpc.get_account_data(&nonce.pubkey()).await.unwrap()[40..72],
        *value.as_ref()
    );
    assert!(net.rpc.send_transaction(&transaction).await.is_err());
}

#[tokio::test]
async fn every_commitment_answers_with_the_newest_state() {
    let net = Net::start();
    net.time.hold().await.unwrap();
    let to = Pubkey::new_unique();
    net.send(&[transfer(&net.payer, &to, 1_000_000)], &[])
        .await
        .unwrap();
    for commitment in [
        CommitmentLevel::Processed,
        CommitmentLevel::Confirmed,
        CommitmentLevel::Finalized,
    ] {
        let commitment = CommitmentConfig { commitment };
        let account = net
            .rpc
            .get_account_with_commitment(&to, commitment)
            .await
            .unwrap()
            .value;
        assert_eq!(account.unwrap().lamports, 1_000_000);
        let (blockhash, _) = net
            .rpc
            .get_latest_blockhash_with_commitment(commitment)
            .await
            .unwrap();
        assert!(net
            .rpc
            .is_blockhash_valid(&blockhash, commitment)
            .await
            .unwrap());
    }
}

#[tokio::test]
async fn a_transaction_is_confirmed_with_its_slot_and_finalized_31_later() {
    let net = Net::start();
    net.time.hold().await.unwrap();
    let signature = net
        .send(
            &[transfer(&net.payer, &Pubkey::new_unique(), 1_000_000)],
            &[],
        )
        .await
        .unwrap();
    let status = |commitment| {
        net.rpc
            .get_signature_status_with_commitment(&signature, commitment)
    };
    assert_eq!(status(CommitmentConfig::processed()).await.unwrap(), None);
    net.time.next_slot().await.unwrap();
    assert_eq!(
        status(CommitmentConfig::confirmed()).await.unwrap(),
        Some(Ok(()))
    );
    assert_eq!(status(CommitmentConfig::finalized()).await.unwrap(), None);
    for _ in 0..30 {
        net.time.next_slot().await.unwrap();
    }
    assert_eq!(
        status(CommitmentConfig::finalized()).await.unwrap(),
        Some(Ok(()))
    );
}

#[tokio::test]
async fn a_signature_subscription_tells_the_confirmation() {
    let net = Net::start();
    net.time.hold().await.unwrap();
    let transaction = net
        .sign(
            &[transfer(&net.payer, &Pubkey::new_unique(), 1_000_000)],
            &[],
        )
        .await;
    let signature = transaction.signatures[0];
    let pubsub = PubsubClient::new(net.localnet.ws_url()).await.unwrap();
    let config = RpcSignatureSubscribeConfig {
        commitment: Some(CommitmentConfig::confirmed()),
        enable_received_notification: None,
    };
    let (mut updates, _) = pubsub
        .signature_subscribe(&signature, Some(config))
        .await
        .unwrap();
    net.rpc.send_transaction(&transaction).await.unwrap();
    net.time.next_slot().await.unwrap();
    let RpcSignatureResult::ProcessedSignature(result) = updates.next().await.unwrap().value else {
        panic!("it was only received");
    };
    assert!(result.err.is_none());
}

#[tokio::test]
async fn a_client_that_waits_for_confirmation_is_answered() {
    let net = Net::start();
    let to = Pubkey::new_unique();
    for lamports in 1_000_000..1_000_003 {
        let transaction = net.sign(&[transfer(&net.payer, &to, lamports)], &[]).await;
        net.rpc
            .send_and_confirm_transaction(&transaction)
            .await
            .unwrap();
        let transaction = net
            .sign(&[transfer(&net.payer, &to, 10 * lamports)], &[])
            .await;
        let signature = net.rpc.send_transaction(&transaction).await.unwrap();
        net.wait_for(&signature).await;
    }
}

#[tokio::test]
async fn an_airdrop_arrives() {
    let net = Net::start();
    let to = Pubkey::new_unique();
    let signature = net.rpc.request_airdrop(&to, 1_000_000_000).await.unwrap();
    net.time.next_slot().await.unwrap();
    assert_eq!(
        net.rpc.get_signature_status(&signature).await.unwrap(),
        Some(Ok(()))
    );
    assert_eq!(net.rpc.get_balance(&to).await.unwrap(), 1_000_000_000);
}
