//! IDLs: from files, or from the chain.

use std::{fs, path::Path, str::FromStr};

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
    let metadata = chain::metadata_idl_address(program);
    // Where Anchor's address cannot exist, the other is asked twice.
    let anchor = chain::anchor_idl_address(program).unwrap_or(metadata);
    let accounts = ctx.client()?.get_accounts(&[metadata, anchor]).await?;
    let mut accounts = accounts.into_iter();
    let (first, second) = (accounts.next().flatten(), accounts.next().flatten());
    let first = first.filter(|account| account.owner == chain::METADATA_PROGRAM);
    let second = second.filter(|account| account.owner == *program);
    let metadata = first.map(|account| {
        let from = format!("the program-metadata account {metadata} of {program}");
        (chain::read_metadata_idl(&account.data), from)
    });
    let stored = second.map(|account| {
        let from = format!("the IDL account {anchor} of {program}");
        (chain::read_anchor_idl(&account.data), from)
    });
    let mut failure = None;
    for (json, from) in metadata.into_iter().chain(stored) {
        let parsed = json
            .map_err(|error| error.to_string())
            .and_then(|json| Idl::parse(&json).map_err(|error| error.to_string()));
        match parsed {
            Ok(idl) => return of_program(idl, from, program),
            // Codama's may stand beside Anchor's.
            Err(reason) => failure = failure.or(Some(invalid(&from, &reason))),
        }
    }
    Err(failure.unwrap_or_else(|| {
        CliError::not_found(format!(
            "program {program} has no IDL on this cluster: there is neither {} nor {anchor}",
            chain::metadata_idl_address(program)
        ))
        .hint("check the cluster (-u), or give the IDL's file")
    }))
}

fn of_program(idl: Idl, from: String, program: &Pubkey) -> Result<Found, CliError> {
    match idl.program() {
        Some(other) if other != *program => Err(invalid(
            &from,
            &format!("it is of program {other}, not of {program}"),
        )),
        _ => Ok(Found {
            idl,
            from,
            program: Some(*program),
        }),
    }
}
