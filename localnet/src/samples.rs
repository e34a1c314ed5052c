//! Real programs to try things with, as the `litesvm` crate carries them.

use crate::error::LocalnetError;
use litesvm::LiteSVM;
use solana_loader_v3_interface::{get_program_data_address, state::UpgradeableLoaderState};
use solana_pubkey::Pubkey;

/// The feature that replaces SPL Token by p-token (agave-feature-set 4.2, `replace_spl_token_with_p_token`).
const P_TOKEN_FEATURE: Pubkey =
    Pubkey::from_str_const("ptokFjwyJtrwCa9Kgo9xoDS59V4QccBGEaRFnRPnSdP");
const TOKEN: Pubkey = Pubkey::from_str_const("TokenkegQfeZyiNwAJbNbGKPFXCWuBvf9Ss623VQ5DA");
const TOKEN_2022: Pubkey = Pubkey::from_str_const("TokenzQdBNbLqP5VEhdkAS6EPFLC1PHnBqCXEpPxuEb");
const MEMO: Pubkey = Pubkey::from_str_const("MemoSq4gqABAXKb96qnH8TysNcWxMyWCqXgDLGmfcHr");

/// The ELF of SPL Token 3.5.0.
///
/// # Errors
/// [`LocalnetError::Sample`] where this version of `litesvm` does not carry it.
pub fn spl_token() -> Result<Vec<u8>, LocalnetError> {
    installed(TOKEN, false)
}

/// The ELF of p-token, which does what SPL Token does at a fraction of the compute units.
///
/// # Errors
/// As [`spl_token`].
pub fn p_token() -> Result<Vec<u8>, LocalnetError> {
    installed(TOKEN, true)
}

/// The ELF of Token-2022: a large program.
///
/// # Errors
/// As [`spl_token`].
pub fn token_2022() -> Result<Vec<u8>, LocalnetError> {
    installed(TOKEN_2022, true)
}

/// The ELF of SPL Memo 4: a small program.
///
/// # Errors
/// As [`spl_token`].
pub fn memo() -> Result<Vec<u8>, LocalnetError> {
    installed(MEMO, true)
}

/// The ELF of a program that a `LiteSVM` installs, with the p-token feature on or off.
fn installed(program: Pubkey, p_token: bool) -> Result<Vec<u8>, LocalnetError> {
    let mut features = LiteSVM::mainnet_feature_set();
    if p_token {
        features.activate(&P_TOKEN_FEATURE, 0);
    } else {
        features.deactivate(&P_TOKEN_FEATURE);
    }
    let svm = LiteSVM::default()
        .with_feature_set(features)
        .with_builtins()
        .with_sysvars()
        .with_default_programs();
    let missing = || LocalnetError::Sample { program };
    let account = svm.get_account(&program).ok_or_else(missing)?;
    if account.owner != solana_sdk_ids::bpf_loader_upgradeable::ID {
        return Ok(account.data);
    }
    let programdata = svm
        .get_account(&get_program_data_address(&program))
        .ok_or_else(missing)?;
    let header = UpgradeableLoaderState::size_of_programdata_metadata();
    programdata
        .data
        .get(header..)
        .map(<[u8]>::to_vec)
        .ok_or_else(missing)
}
