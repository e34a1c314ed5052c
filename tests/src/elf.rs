//! Real ELFs, out of LiteSVM, and loader accounts in their real layout.

use std::sync::OnceLock;

use litesvm::LiteSVM;
use portcullis_localnet::samples;
use solana_account::Account;
use solana_loader_v3_interface::state::UpgradeableLoaderState;
use solana_sdk::pubkey::Pubkey;
use solana_sdk_ids::bpf_loader_upgradeable;

/// Portcullis, as committed; or the build that `PORTCULLIS_ELF` names, for `tests/mutants`.
pub fn portcullis() -> &'static [u8] {
    static ELF: OnceLock<Vec<u8>> = OnceLock::new();
    ELF.get_or_init(|| {
        let committed = concat!(env!("CARGO_MANIFEST_DIR"), "/../artifacts/portcullis.so");
        let path = std::env::var("PORTCULLIS_ELF").unwrap_or_else(|_| committed.to_string());
        std::fs::read(&path).unwrap_or_else(|error| panic!("{path}: {error}"))
    })
}

/// SPL Token 3.5.0: what the adopted program runs at first.
pub fn spl_token() -> &'static [u8] {
    static ELF: OnceLock<Vec<u8>> = OnceLock::new();
    ELF.get_or_init(|| samples::spl_token().unwrap())
}

/// p-token: what the default proposal upgrades to.
pub fn p_token() -> &'static [u8] {
    static ELF: OnceLock<Vec<u8>> = OnceLock::new();
    ELF.get_or_init(|| samples::p_token().unwrap())
}

/// SPL Memo 4: a small program.
pub fn memo() -> &'static [u8] {
    static ELF: OnceLock<Vec<u8>> = OnceLock::new();
    ELF.get_or_init(|| samples::memo().unwrap())
}

/// Token-2022 with `fill` bytes behind it until it is `len` long: a valid ELF as large as wanted.
pub fn large(len: usize, fill: u8) -> Vec<u8> {
    let mut elf = samples::token_2022().unwrap();
    assert!(elf.len() < len && fill != 0);
    elf.resize(len, fill);
    elf
}

/// The least lamports of an account of so many bytes.
pub fn rent(bytes: usize) -> u64 {
    static SVM: OnceLock<LiteSVM> = OnceLock::new();
    SVM.get_or_init(|| LiteSVM::default().with_sysvars())
        .minimum_balance_for_rent_exemption(bytes)
}

fn loader_account(state: &UpgradeableLoaderState, header: usize, content: &[u8]) -> Account {
    let mut data = vec![0; header + content.len()];
    let mut account =
        Account::new_data_with_space(1, state, header, &bpf_loader_upgradeable::ID).unwrap();
    data[..header].copy_from_slice(&account.data);
    data[header..].copy_from_slice(content);
    account.lamports = rent(data.len());
    account.data = data;
    account
}

/// A buffer account.
pub fn buffer(authority: Option<Pubkey>, content: &[u8]) -> Account {
    loader_account(
        &UpgradeableLoaderState::Buffer {
            authority_address: authority,
        },
        UpgradeableLoaderState::size_of_buffer_metadata(),
        content,
    )
}

/// A programdata account.
pub fn programdata(slot: u64, authority: Option<Pubkey>, content: &[u8]) -> Account {
    loader_account(
        &UpgradeableLoaderState::ProgramData {
            slot,
            upgrade_authority_address: authority,
        },
        UpgradeableLoaderState::size_of_programdata_metadata(),
        content,
    )
}

/// A program account; its programdata must be there before it.
pub fn program(programdata_address: Pubkey) -> Account {
    let mut account = loader_account(
        &UpgradeableLoaderState::Program {
            programdata_address,
        },
        UpgradeableLoaderState::size_of_program(),
        &[],
    );
    account.executable = true;
    account
}
