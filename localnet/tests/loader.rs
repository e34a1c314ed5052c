//! The real loader, over RPC alone: deploy, call, extend, upgrade.
mod common;
use common::{memo, programdata, Net, ASSOCIATED_TOKEN, MEMO};
use portcullis_localnet::PORTCULLIS_ELF;
use solana_loader_v3_interface::{
    instruction::{extend_program, upgrade},
    state::UpgradeableLoaderState,
};
use solana_signer::Signer;

/// `e_flags` of an ELF, where sBPF keeps its version.
fn sbpf_version(elf: &[u8]) -> u32 {
    u32::from_le_bytes(elf[48..52].try_into().unwrap())
}

#[tokio::test]
async fn a_v0_program_is_deployed_extended_and_upgraded() {
    let net = Net::start();
    let (small, large) = (net.elf(&MEMO).await, net.elf(&ASSOCIATED_TOKEN).await);
    assert_eq!((sbpf_version(&small), sbpf_version(&large)), (0, 0));
    let program = net.deploy(&small).await;
    net.run(&[memo(program, "the first version")], &[]).await;

    let payer = net.payer.pubkey();
    let buffer = net.upload(&large).await;
    let upgrade = upgrade(&program, &buffer, &payer, &payer);
    let error = net
        .send(std::slice::from_ref(&upgrade), &[])
        .await
        .unwrap_err();
    assert!(
        error
            .to_string()
            .contains("ProgramData account not large enough"),
        "{error}"
    );
    net.run(
        &[extend_program(&program, Some(&payer), large.len() as u32)],
        &[],
    )
    .await;
    net.run(&[upgrade], &[]).await;

    let account = net.rpc.get_account(&programdata(&program)).await.unwrap();
    let state: UpgradeableLoaderState = account.deserialize_data().unwrap();
    let UpgradeableLoaderState::ProgramData {
        slot,
        upgrade_authority_address,
    } = state
    else {
        panic!("{state:?}")
    };
    assert_eq!(upgrade_authority_address, Some(payer));
    assert_eq!(slot + 1, net.time.now().await.unwrap().slot);
    assert_eq!(account.data[45..][..large.len()], large);
    // The new program takes the note for an instruction of its own, and has not the accounts for it.
    let call = net.sign(&[memo(program, "")], &[]).await;
    let log = net
        .rpc
        .simulate_transaction(&call)
        .await
        .unwrap()
        .value
        .logs
        .unwrap();
    assert!(log.contains(&"Program log: Create".to_string()), "{log:?}");
}

#[tokio::test]
async fn a_v3_program_is_deployed() {
    assert_eq!(sbpf_version(PORTCULLIS_ELF), 3);
    let net = Net::start();
    let program = net.deploy(PORTCULLIS_ELF).await;
    let account = net.rpc.get_account(&program).await.unwrap();
    assert!(account.executable);
}
