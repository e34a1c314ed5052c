//! IDLs: from files, or from the chain.

use std::{collections::BTreeMap, fs, path::Path, str::FromStr};

use portcullis_analysis::idl::{chain, Idl, MAX_IDL_BYTES};
use solana_sdk::pubkey::Pubkey;

use crate::{context::Context, error::CliError, output::one_line, profile::Named};

/// An IDL and where it was found.
pub struct Found {
    pub idl: Idl,
    /// A file's path, or a program and the kind of account that holds its IDL.
    pub from: String,
    /// The program, where it was named.
    pub program: Option<Pubkey>,
}

/// An IDL by the path of its file, or by the id or name of its program.
///
/// # Errors
/// What is none of these, and an IDL that cannot be read.
pub async fn load(ctx: &Context, text: &str) -> Result<Found, CliError> {
    let path = Path::new(text);
    let named = Named::from_str(text);
    match named {
        Ok(named) if !path.exists() && !text.contains(['/', '.']) => {
            let program = ctx.program(&named)?;
            fetch(ctx, &program).await
        }
        _ => Ok(Found {
            idl: read(path)?,
            from: text.to_string(),
            program: None,
        }),
    }
}

/// Reads a file.
///
/// # Errors
/// `file_unreadable`, `idl_invalid`.
pub fn read(path: &Path) -> Result<Idl, CliError> {
    let shown = path.display();
    let unreadable = |reason: String| {
        CliError::usage(
            "file_unreadable",
            format!("{shown} cannot be read: {reason}"),
        )
        .hint("check the path; an IDL is in target/idl after `anchor build`")
    };
    let metadata = fs::metadata(path).map_err(|error| unreadable(error.to_string()))?;
    if metadata.len() > MAX_IDL_BYTES as u64 {
        return Err(unreadable(format!(
            "it has {} bytes, an IDL at most {MAX_IDL_BYTES}",
            metadata.len()
        )));
    }
    let json = fs::read(path).map_err(|error| unreadable(error.to_string()))?;
    Idl::parse(&json).map_err(|error| invalid(&shown.to_string(), &error.to_string()))
}

fn invalid(from: &str, reason: &str) -> CliError {
    CliError::usage("idl_invalid", format!("{from}: {}", one_line(reason)))
        .hint("give an IDL that Anchor has written; `anchor idl build` makes one")
}

/// Fetches a program's IDL: from the program-metadata program, else from Anchor's own account.
///
/// # Errors
/// `not_found`, `idl_invalid`, and those of the RPC server.
pub async fn fetch(ctx: &Context, program: &Pubkey) -> Result<Found, CliError> {
    let addresses = chain::idl_addresses(program);
    let accounts = ctx.client()?.get_accounts(&addresses).await?;
    let read: BTreeMap<_, _> = addresses.iter().copied().zip(accounts).collect();
    let found = chain::find_idl(program, |address| read.get(address).cloned().flatten());
    match found.map_err(|error| invalid(&error.from, &error.reason))? {
        Some(stored) => Ok(Found {
            idl: stored.idl,
            from: stored.from,
            program: Some(*program),
        }),
        None => {
            let shown: Vec<String> = addresses.iter().map(Pubkey::to_string).collect();
            Err(CliError::not_found(format!(
                "program {program} has no IDL on this cluster: there is neither {}",
                shown.join(" nor ")
            ))
            .hint("check the cluster (-u), or give the IDL's file"))
        }
    }
}
