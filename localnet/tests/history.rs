//! What can be read of past transactions.
mod common;
use common::{memo, overdraft, overdrawn, transfer, Net, ASSOCIATED_TOKEN, MEMO};
use solana_commitment_config::CommitmentConfig;
use solana_instruction::{AccountMeta, Instruction};
use solana_pubkey::Pubkey;
use solana_rpc_client::rpc_client::GetConfirmedSignaturesForAddress2Config;
use solana_rpc_client_api::config::{RpcSendTransactionConfig, RpcTransactionConfig};
use solana_signature::Signature;
use solana_signer::Signer;
use solana_transaction::TransactionError;
use solana_transaction_status_client_types::{
    option_serializer::OptionSerializer, UiTransactionEncoding,
};

const TOKEN: Pubkey = Pubkey::from_str_const("TokenkegQfeZyiNwAJbNbGKPFXCWuBvf9Ss623VQ5DA");
const NATIVE_MINT: Pubkey = Pubkey::from_str_const("So11111111111111111111111111111111111111112");

/// Sends it whatever the simulation says, and confirms it.
async fn run_unchecked(net: &Net, instructions: &[Instruction]) -> Signature {
    let transaction = net.sign(instructions, &[]).await;
    let config = RpcSendTransactionConfig {
        skip_preflight: true,
        ..Default::default()
    };
    let signature = net
        .rpc
        .send_transaction_with_config(&transaction, config)
        .await
        .unwrap();
    net.time.next_slot().await.unwrap();
    signature
}

#[tokio::test]
async fn an_address_lists_its_transactions_newest_first() {
    let net = Net::start();
    net.time.hold().await.unwrap();
    let address = Pubkey::new_unique();
    let mention = |lamports| {
        let mut instruction = transfer(&net.payer, &net.payer.pubkey(), lamports);
        instruction
            .accounts
            .push(AccountMeta::new_readonly(address, false));
        instruction
    };
    let mut expected = Vec::new();
    // Two slots of three transactions each, so that the order within a slot shows.
    for slot in 0..2 {
        for index in 0..3 {
            expected.insert(
                0,
                net.send(&[mention(slot * 3 + index)], &[])
                    .await
                    .unwrap()
                    .to_string(),
            );
        }
        net.time.next_slot().await.unwrap();
    }
    let failed = {
        let mut instruction = overdraft(&net.payer);
        instruction
            .accounts
            .push(AccountMeta::new_readonly(address, false));
        run_unchecked(&net, &[instruction]).await.to_string()
    };
    expected.insert(0, failed);

    let listed = net.rpc.get_signatures_for_address(&address).await.unwrap();
    let signatures: Vec<_> = listed
        .iter()
        .map(|listed| listed.signature.clone())
        .collect();
    assert_eq!(signatures, expected, "also where the address is only read");
    let errors: Vec<_> = listed
        .iter()
        .map(|listed| listed.err.clone().map(TransactionError::from))
        .collect();
    assert_eq!(
        errors[0],
        Some(overdrawn()),
        "failed transactions are listed, with their error"
    );
    assert!(errors[1..].iter().all(Option::is_none));

    let page = |before: Option<usize>, until: Option<usize>, limit| {
        let signature = |index: usize| expected[index].parse().unwrap();
        GetConfirmedSignaturesForAddress2Config {
            before: before.map(signature),
            until: until.map(signature),
            limit: Some(limit),
            commitment: Some(CommitmentConfig::confirmed()),
        }
    };
    for (config, range) in [
        (page(None, None, 2), 0..2),
        (page(Some(1), None, 3), 2..5),
        (page(Some(1), Some(4), 1_000), 2..4),
        (page(Some(6), None, 3), 7..7),
    ] {
        let listed = net
            .rpc
            .get_signatures_for_address_with_config(&address, config)
            .await
            .unwrap();
        let listed: Vec<_> = listed.into_iter().map(|listed| listed.signature).collect();
        assert_eq!(listed, expected[range]);
    }
}

#[tokio::test]
async fn a_transaction_tells_its_inner_instructions_and_log() {
    let net = Net::start();
    let owner = net.payer.pubkey();
    let account = Pubkey::find_program_address(
        &[owner.as_ref(), TOKEN.as_ref(), NATIVE_MINT.as_ref()],
        &ASSOCIATED_TOKEN,
    );
    let accounts = vec![
        AccountMeta::new(owner, true),
        AccountMeta::new(account.0, false),
        AccountMeta::new_readonly(owner, false),
        AccountMeta::new_readonly(NATIVE_MINT, false),
        AccountMeta::new_readonly(solana_system_interface::program::ID, false),
        AccountMeta::new_readonly(TOKEN, false),
    ];
    let create = Instruction::new_with_bytes(ASSOCIATED_TOKEN, &[0], accounts);
    let signature = net.run(&[create], &[]).await;
    for encoding in [UiTransactionEncoding::Base64, UiTransactionEncoding::Json] {
        let config = RpcTransactionConfig {
            encoding: Some(encoding),
            ..Default::default()
        };
        let transaction = net
            .rpc
            .get_transaction_with_config(&signature, config)
            .await
            .unwrap()
            .transaction;
        if encoding == UiTransactionEncoding::Base64 {
            let decoded = transaction.transaction.decode().unwrap();
            assert_eq!(decoded.signatures[0], signature);
        }
        let meta = transaction.meta.unwrap();
        let OptionSerializer::Some(inner) = meta.inner_instructions else {
            panic!("{encoding}")
        };
        assert_eq!(inner[0].index, 0);
        assert!(inner[0].instructions.len() >= 3);
        let OptionSerializer::Some(log) = meta.log_messages else {
            panic!("{encoding}")
        };
        assert_eq!(log[0], format!("Program {ASSOCIATED_TOKEN} invoke [1]"));
    }
}

#[tokio::test]
async fn a_log_is_cut_at_ten_thousand_bytes() {
    let net = Net::start();
    let logged = |count| {
        let net = &net;
        async move {
            let notes: Vec<_> = (0..count).map(|_| memo(MEMO, "x")).collect();
            let signature = net.run(&notes, &[]).await;
            let config = RpcTransactionConfig::default();
            let transaction = net
                .rpc
                .get_transaction_with_config(&signature, config)
                .await
                .unwrap();
            match transaction.transaction.meta.unwrap().log_messages {
                OptionSerializer::Some(log) => log,
                _ => panic!("no log"),
            }
        }
    };
    let cut = "Log truncated".to_string();
    assert!(!logged(20).await.contains(&cut));
    let log = logged(60).await;
    // Lines that are short enough to fit may follow.
    let kept = log.iter().position(|line| *line == cut).unwrap();
    let bytes: usize = log[..kept].iter().map(String::len).sum();
    assert!((9_900..=10_000).contains(&bytes), "{bytes}");
}
