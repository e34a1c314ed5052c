//! Programs as loader v3 leaves them: a `Program` account that points to a `ProgramData` account with the code.
use crate::{config::ProgramConfig, error::LocalnetError};
use solana_account::Account;
use solana_loader_v3_interface::{get_program_data_address, state::UpgradeableLoaderState};
use solana_pubkey::Pubkey;
use solana_sdk_ids::bpf_loader_upgradeable;
use surfpool_core::surfnet::svm::SurfnetSvm;

/// Portcullis's own ELF, as committed.
pub static PORTCULLIS_ELF: &[u8] = include_bytes!(concat!(
    env!("CARGO_MANIFEST_DIR"),
    "/../artifacts/portcullis.so"
));

/// Portcullis itself, to be installed at `program_id`, which must be the id that the program was built with.
pub fn portcullis_program(program_id: Pubkey, upgrade_authority: Option<Pubkey>) -> ProgramConfig {
    ProgramConfig {
        program_id,
        elf: PORTCULLIS_ELF.to_vec(),
        upgrade_authority,
    }
}

/// Writes a program's two accounts, rent-exempt, so that the program is callable at once.
pub(crate) fn install(svm: &mut SurfnetSvm, program: &ProgramConfig) -> Result<(), LocalnetError> {
    let programdata_address = get_program_data_address(&program.program_id);
    let state = UpgradeableLoaderState::ProgramData {
        slot: 0,
        upgrade_authority_address: program.upgrade_authority,
    };
    let size = UpgradeableLoaderState::size_of_programdata(program.elf.len());
    let mut programdata = loader_account(svm, programdata_address, &state, size)?;
    // The account is exactly the header and the ELF long, and the header keeps its full size without an authority.
    programdata.data[UpgradeableLoaderState::size_of_programdata_metadata()..]
        .copy_from_slice(&program.elf);

    let state = UpgradeableLoaderState::Program {
        programdata_address,
    };
    let size = UpgradeableLoaderState::size_of_program();
    let mut account = loader_account(svm, program.program_id, &state, size)?;
    account.executable = true;

    // First the code, because writing the executable account loads it.
    write(svm, programdata_address, programdata)?;
    write(svm, program.program_id, account)
}

/// Writes an account as it is, and tells the indexes that `getProgramAccounts` reads.
pub(crate) fn write(
    svm: &mut SurfnetSvm,
    address: Pubkey,
    account: Account,
) -> Result<(), LocalnetError> {
    svm.set_account(&address, account)
        .map_err(|error| LocalnetError::Account {
            address,
            reason: error.to_string(),
        })
}

fn loader_account(
    svm: &SurfnetSvm,
    address: Pubkey,
    state: &UpgradeableLoaderState,
    size: usize,
) -> Result<Account, LocalnetError> {
    let lamports = svm.inner.minimum_balance_for_rent_exemption(size);
    Account::new_data_with_space(lamports, state, size, &bpf_loader_upgradeable::id()).map_err(
        |error| LocalnetError::Account {
            address,
            reason: error.to_string(),
        },
    )
}
