//! The clock: what transactions see, what RPC reports of it, and how it is moved and held.
mod common;
use common::{program, transfer, Net, ASSOCIATED_TOKEN, MEMO};
use portcullis_localnet::TimeControl;
use solana_keypair::Keypair;
use solana_loader_v3_interface::instruction::extend_program;
use solana_pubkey::Pubkey;
use solana_rpc_client_api::config::RpcTransactionConfig;
use solana_signature::Signature;
use solana_signer::Signer;
use solana_slot_hashes::SlotHashes;

/// `(slot, blockTime)` as each of the three methods that tell it, once the transaction is confirmed.
async fn reported(net: &Net, signature: &Signature, address: &Pubkey) -> [(u64, Option<i64>); 3] {
    let transaction = net
        .rpc
        .get_transaction_with_config(signature, RpcTransactionConfig::default())
        .await
        .unwrap();
    let signatures = net.rpc.get_signatures_for_address(address).await.unwrap();
    let listed = signatures
        .iter()
        .find(|listed| listed.signature == signature.to_string())
        .unwrap();
    let block_time = net.rpc.get_block_time(transaction.slot).await.unwrap();
    [
        (transaction.slot, transaction.block_time),
        (listed.slot, listed.block_time),
        (transaction.slot, Some(block_time)),
    ]
}

#[tokio::test]
async fn block_time_is_the_clock_that_the_transaction_saw() {
    let net = Net::start();
    let to = Pubkey::new_unique();
    net.time.hold().await.unwrap();
    // More slots than fit in two seconds, so that every position within a second occurs, and jumps of uneven lengths.
    for round in 0..16 {
        let seen = match round % 4 {
            3 => {
                let now = net.time.now().await.unwrap();
                net.time
                    .advance_to(now.unix_timestamp + 1 + 977 * round)
                    .await
                    .unwrap()
            }
            _ => net.time.now().await.unwrap(),
        };
        let signature = net
            .send(&[transfer(&net.payer, &to, 1_000_000 + round as u64)], &[])
            .await
            .unwrap();
        net.time.next_slot().await.unwrap();
        let expected = (seen.slot, Some(seen.unix_timestamp));
        assert_eq!(
            reported(&net, &signature, &to).await,
            [expected; 3],
            "round {round}"
        );
    }
}

#[tokio::test]
async fn block_time_stays_right_while_the_clock_runs() {
    let net = Net::start();
    let to = Pubkey::new_unique();
    for lamports in 1_000_000..1_000_008 {
        let before = net.time.now().await.unwrap();
        let signature = net
            .send(&[transfer(&net.payer, &to, lamports)], &[])
            .await
            .unwrap();
        let after = net.time.now().await.unwrap();
        net.wait_for(&signature).await;
        let [by_transaction, by_address, by_slot] = reported(&net, &signature, &to).await;
        assert_eq!([by_address, by_slot], [by_transaction; 2]);
        let (slot, block_time) = by_transaction;
        assert!((before.slot..=after.slot).contains(&slot));
        assert!((before.unix_timestamp..=after.unix_timestamp).contains(&block_time.unwrap()));
    }
}

#[tokio::test]
async fn advancing_reaches_the_second_and_passes_the_slots() {
    let net = Net::start();
    // So that nothing moves besides.
    net.time.hold().await.unwrap();
    for seconds in [1, 599, 600, 172_800] {
        let now = net.time.now().await.unwrap();
        let target = now.unix_timestamp + seconds;
        let after = net.time.advance_to(target).await.unwrap();
        assert_eq!(after.unix_timestamp, target);
        // A slot begins at most 400 ms after a second, so that much may be missing from the 2.5 slots a second.
        assert!(
            after.slot - now.slot >= (seconds as u64 - 1) * 5 / 2,
            "{seconds}: {now:?} {after:?}"
        );
        assert!(after.slot - now.slot >= seconds as u64);
        assert_eq!(
            net.time.advance_to(target).await.unwrap(),
            after,
            "a time that is reached changes nothing"
        );
        assert_eq!(
            net.rpc
                .get_slot_with_commitment(Default::default())
                .await
                .unwrap()
                + 31,
            after.slot
        );
    }
    let to = Pubkey::new_unique();
    net.run(&[transfer(&net.payer, &to, 1_000_000)], &[]).await;
    assert_eq!(net.rpc.get_balance(&to).await.unwrap(), 1_000_000);
    let epoch = net.rpc.get_epoch_info().await.unwrap();
    assert_eq!(
        (epoch.epoch, epoch.slot_index),
        (epoch.absolute_slot / 432_000, epoch.absolute_slot % 432_000)
    );
    assert_eq!(epoch.epoch, 1, "two days are more than one epoch");
    // The clock goes on from there.
    let held = net.time.now().await.unwrap();
    net.time.resume().await.unwrap();
    while net.time.now().await.unwrap().unix_timestamp == held.unix_timestamp {}
    let now = net.time.now().await.unwrap();
    assert_eq!(now.unix_timestamp, held.unix_timestamp + 1);
    assert!(now.slot <= held.slot + 3);
}

#[tokio::test]
async fn transactions_of_a_held_slot_share_it_and_are_confirmed_with_it() {
    let net = Net::start();
    let held = net.time.hold().await.unwrap();
    let to = Pubkey::new_unique();
    let mut sent = Vec::new();
    for lamports in 1_000_000..1_000_003 {
        sent.push(
            net.send(&[transfer(&net.payer, &to, lamports)], &[])
                .await
                .unwrap(),
        );
    }
    let statuses = net.rpc.get_signature_statuses(&sent).await.unwrap().value;
    assert_eq!(statuses, vec![None, None, None], "nothing is confirmed yet");
    assert_eq!(
        net.rpc.get_balance(&to).await.unwrap(),
        3_000_003,
        "though everything has run"
    );
    assert_eq!(net.time.now().await.unwrap(), held);

    let next = net.time.next_slot().await.unwrap();
    assert_eq!(next.slot, held.slot + 1);
    for status in net.rpc.get_signature_statuses(&sent).await.unwrap().value {
        assert_eq!(status.unwrap().slot, held.slot);
    }
    net.time.resume().await.unwrap();
    while net.time.now().await.unwrap().slot <= next.slot {}
}

#[tokio::test]
async fn an_extension_blocks_an_upgrade_in_its_slot_only() {
    let elf = Net::start().elf(&ASSOCIATED_TOKEN).await;
    let authority = Keypair::new();
    let program = program(elf, Some(authority.pubkey()));
    let program_id = program.program_id;
    let net = Net::start_with(vec![program]);
    let small = net.elf(&MEMO).await;
    let buffer = net.upload(&small).await;
    let give = solana_loader_v3_interface::instruction::set_buffer_authority(
        &buffer,
        &net.payer.pubkey(),
        &authority.pubkey(),
    );
    net.run(&[give], &[]).await;
    let upgrade = solana_loader_v3_interface::instruction::upgrade(
        &program_id,
        &buffer,
        &authority.pubkey(),
        &net.payer.pubkey(),
    );

    net.time.hold().await.unwrap();
    let extend = extend_program(&program_id, Some(&net.payer.pubkey()), 10_240);
    net.send(&[extend], &[]).await.unwrap();
    let error = net
        .send(std::slice::from_ref(&upgrade), &[&authority])
        .await
        .unwrap_err();
    assert!(
        error
            .to_string()
            .contains("Program was deployed in this block already"),
        "{error}"
    );

    net.time.next_slot().await.unwrap();
    net.run(&[upgrade], &[&authority]).await;
}

#[tokio::test]
async fn slot_hashes_begin_with_the_parent_slot() {
    let net = Net::start();
    let mut held = net.time.hold().await.unwrap();
    let mut newest = Vec::new();
    for round in 0..4 {
        let account = net
            .rpc
            .get_account(&solana_sdk_ids::sysvar::slot_hashes::ID)
            .await
            .unwrap();
        let hashes: SlotHashes = account.deserialize_data().unwrap();
        assert_eq!(hashes[0].0, held.slot - 1, "round {round}");
        assert!(hashes.windows(2).all(|pair| pair[0].0 > pair[1].0));
        assert!(
            !newest.contains(&hashes[0].1),
            "each slot has a hash of its own"
        );
        newest.push(hashes[0].1);
        held = match round {
            1 => net.time.advance_to(held.unix_timestamp + 60).await.unwrap(),
            _ => net.time.next_slot().await.unwrap(),
        };
    }
}

#[tokio::test]
async fn a_server_that_is_not_there_is_named() {
    let url = {
        let net = Net::start();
        net.localnet.rpc_url().to_string()
    };
    let error = TimeControl::new(&url).now().await.unwrap_err();
    assert!(error.to_string().contains(&url), "{error}");
}
