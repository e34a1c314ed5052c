//! Starting, what is there from the start, and stopping.
mod common;
use common::{memo, program, programdata, Net, MEMO};
use portcullis_localnet::{
    portcullis_program, Localnet, LocalnetConfig, LocalnetError, PORTCULLIS_ELF,
};
use solana_loader_v3_interface::state::UpgradeableLoaderState;
use solana_pubkey::Pubkey;
use solana_sdk_ids::bpf_loader_upgradeable;
use std::net::TcpListener;

#[tokio::test]
async fn programs_have_the_accounts_that_the_loader_makes() {
    let elf = {
        let net = Net::start();
        net.elf(&MEMO).await
    };
    for upgrade_authority in [Some(Pubkey::new_unique()), None] {
        let program = program(elf.clone(), upgrade_authority);
        let address = program.program_id;
        let net = Net::start_with(vec![program]);

        let account = net.rpc.get_account(&address).await.unwrap();
        assert_eq!(
            (account.owner, account.executable),
            (bpf_loader_upgradeable::ID, true)
        );
        assert_eq!(account.data.len(), 36);
        let state: UpgradeableLoaderState = account.deserialize_data().unwrap();
        let programdata_address = programdata(&address);
        assert_eq!(
            state,
            UpgradeableLoaderState::Program {
                programdata_address
            }
        );

        let account = net.rpc.get_account(&programdata_address).await.unwrap();
        assert_eq!(
            (account.owner, account.executable),
            (bpf_loader_upgradeable::ID, false)
        );
        let state: UpgradeableLoaderState = account.deserialize_data().unwrap();
        let upgrade_authority_address = upgrade_authority;
        assert_eq!(
            state,
            UpgradeableLoaderState::ProgramData {
                slot: 0,
                upgrade_authority_address
            }
        );
        assert_eq!(account.data[45..], elf);
        let rent = net
            .rpc
            .get_minimum_balance_for_rent_exemption(account.data.len())
            .await
            .unwrap();
        assert_eq!(account.lamports, rent);

        net.run(&[memo(address, "callable at once")], &[]).await;
    }
}

#[tokio::test]
async fn portcullis_can_be_installed() {
    let program_id = Pubkey::new_unique();
    let net = Net::start_with(vec![portcullis_program(program_id, None)]);
    let data = net
        .rpc
        .get_account_data(&programdata(&program_id))
        .await
        .unwrap();
    assert_eq!(data[45..], *PORTCULLIS_ELF);
}

#[test]
fn what_the_loader_refuses_is_named() {
    let program = portcullis_localnet::ProgramConfig {
        program_id: Pubkey::new_unique(),
        elf: b"not an ELF".to_vec(),
        upgrade_authority: None,
    };
    let program_id = program.program_id;
    let programs = vec![program];
    let error = Localnet::start(LocalnetConfig {
        programs,
        ..Default::default()
    })
    .unwrap_err();
    assert!(
        matches!(error, LocalnetError::Account { address, .. } if address == program_id),
        "{error}"
    );
}

#[test]
fn a_slot_time_out_of_bounds_is_refused() {
    for slot_time_ms in [0, 9, 1_001] {
        let error = Localnet::start(LocalnetConfig {
            slot_time_ms,
            ..Default::default()
        })
        .unwrap_err();
        assert!(
            matches!(error, LocalnetError::SlotTime { found } if found == slot_time_ms),
            "{error}"
        );
    }
}

#[test]
fn a_port_in_use_is_named() {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let taken = listener.local_addr().unwrap().port();
    for (rpc_port, ws_port) in [(Some(taken), None), (None, Some(taken))] {
        let error = Localnet::start(LocalnetConfig {
            rpc_port,
            ws_port,
            ..Default::default()
        })
        .unwrap_err();
        assert!(
            matches!(error, LocalnetError::Port { port, .. } if port == taken),
            "{error}"
        );
    }
}

#[tokio::test]
async fn shutdown_frees_the_ports() {
    let net = Net::start();
    net.rpc.get_latest_blockhash().await.unwrap();
    let port = |url: &str| url.rsplit(':').next().unwrap().parse::<u16>().unwrap();
    let (rpc_port, ws_port) = (port(net.localnet.rpc_url()), port(net.localnet.ws_url()));
    net.localnet.shutdown();
    let again = Localnet::start(LocalnetConfig {
        rpc_port: Some(rpc_port),
        ws_port: Some(ws_port),
        ..Default::default()
    });
    assert_eq!(
        again.unwrap().rpc_url(),
        format!("http://127.0.0.1:{rpc_port}")
    );
}

#[test]
fn two_localnets_run_side_by_side() {
    let one = Localnet::start(LocalnetConfig::default()).unwrap();
    let other = Localnet::start(LocalnetConfig::default()).unwrap();
    assert_ne!(one.rpc_url(), other.rpc_url());
    assert_ne!(one.ws_url(), other.ws_url());
}
