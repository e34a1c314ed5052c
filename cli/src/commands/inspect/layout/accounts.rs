//! Accounts to try a layout on: of the cluster, or from a folder.

use std::{collections::BTreeMap, fs, path::Path, str::FromStr};

use base64::{engine::general_purpose::STANDARD, Engine};
use portcullis_analysis::idl::Idl;
use serde::Deserialize;
use solana_sdk::pubkey::Pubkey;

use crate::{context::Context, error::CliError};

/// Files in a folder.
const MAX_FILES: usize = 100_000;
/// An account's data has at most 10 MiB; in base64, with what else the JSON holds, a half more.
const MAX_FILE_BYTES: u64 = 16 << 20;

/// Accounts with their data, and how many there are of each type.
pub struct Tried {
    pub accounts: Vec<(Pubkey, Vec<u8>)>,
    /// By the type's old name.
    pub totals: BTreeMap<String, usize>,
}

/// So many accounts of each type, by their addresses, which are as good as random.
pub async fn live(
    ctx: &Context,
    old: &Idl,
    program: &Pubkey,
    count: usize,
) -> Result<Tried, CliError> {
    let client = ctx.client()?;
    let mut tried = Tried {
        accounts: Vec::new(),
        totals: BTreeMap::new(),
    };
    for account in &old.accounts {
        let head = account.discriminator.as_slice();
        if head.is_empty() {
            continue;
        }
        // The addresses first: all data of a large program would be gigabytes.
        let listed = client
            .select_accounts(program, None, &[(0, head)], Some(head.len()))
            .await?;
        tried.totals.insert(account.name.clone(), listed.len());
        let mut addresses: Vec<Pubkey> = listed.iter().map(|(address, _)| *address).collect();
        addresses.sort();
        addresses.truncate(count);
        let accounts = client.get_accounts(&addresses).await?;
        for (address, account) in addresses.into_iter().zip(accounts) {
            // One that was closed in between is none that the upgrade meets.
            if let Some(account) = account.filter(|account| account.owner == *program) {
                tried.accounts.push((address, account.data));
            }
        }
    }
    Ok(tried)
}

#[derive(Deserialize)]
struct Dump {
    pubkey: String,
    account: DumpedAccount,
}

#[derive(Deserialize)]
struct DumpedAccount {
    data: (String, String),
}

/// All accounts of a folder.
pub fn dumped(folder: &Path) -> Result<Tried, CliError> {
    let bad = |path: &Path, reason: String| {
        CliError::usage("file_unreadable", format!("{}: {reason}", path.display())).hint(
            "a folder must hold what `solana account ADDRESS --output json` writes, or account data alone in .bin files",
        )
    };
    let entries = fs::read_dir(folder).map_err(|error| bad(folder, error.to_string()))?;
    let mut paths = Vec::new();
    for entry in entries {
        let path = entry
            .map_err(|error| bad(folder, error.to_string()))?
            .path();
        let kind = path.extension().and_then(|kind| kind.to_str());
        if matches!(kind, Some("json" | "bin")) {
            paths.push(path);
        }
        if paths.len() > MAX_FILES {
            return Err(bad(folder, format!("it has more than {MAX_FILES} files")));
        }
    }
    paths.sort();
    let mut accounts = Vec::with_capacity(paths.len());
    for path in &paths {
        let failed = |reason: String| bad(path, reason);
        let metadata = fs::metadata(path).map_err(|error| failed(error.to_string()))?;
        if metadata.len() > MAX_FILE_BYTES {
            return Err(failed(format!(
                "it has {} bytes, more than an account",
                metadata.len()
            )));
        }
        let bytes = fs::read(path).map_err(|error| failed(error.to_string()))?;
        if path.extension().is_some_and(|kind| kind == "bin") {
            let stem = path.file_stem().and_then(|stem| stem.to_str());
            let address = stem.and_then(|stem| Pubkey::from_str(stem).ok());
            accounts.push((address.unwrap_or_default(), bytes));
            continue;
        }
        let dump: Dump =
            serde_json::from_slice(&bytes).map_err(|error| failed(error.to_string()))?;
        let address = Pubkey::from_str(&dump.pubkey)
            .map_err(|_| failed("its pubkey is no address".to_string()))?;
        let (data, encoding) = dump.account.data;
        if encoding != "base64" {
            return Err(failed("its data must be in base64".to_string()));
        }
        let data = STANDARD
            .decode(data)
            .map_err(|error| failed(format!("its data are not base64: {error}")))?;
        accounts.push((address, data));
    }
    Ok(Tried {
        accounts,
        totals: BTreeMap::new(),
    })
}
