//! The proposed program: a file, a buffer, or what a proposal would deploy.

use std::{path::Path, str::FromStr};

use portcullis::error::PortcullisError;
use portcullis_client::{
    account::{decode_buffer, Commitment, ProposalView},
    ClientError,
};
use solana_sdk::pubkey::Pubkey;

use crate::{
    args::RefArgs, artifact, client_error::rule, context::Context, error::CliError, profile::Named,
    reference::Reference, resolve, view,
};

/// The ELF, and the proposal that would deploy it, if that is how it was named.
pub struct Proposed {
    pub elf: Vec<u8>,
    pub proposal: Option<ProposalView>,
}

/// Finds the proposed program by what the user wrote.
///
/// # Errors
/// What is neither a file, nor a buffer, nor a proposal that holds one.
pub async fn find(ctx: &Context, named: &str, args: &RefArgs) -> Result<Proposed, CliError> {
    let path = ctx.build(Path::new(named))?;
    if path.exists() {
        return Ok(Proposed {
            elf: artifact::read(&path)?.bytes,
            proposal: None,
        });
    }
    let reference = Reference::from_str(named).map_err(|_| {
        CliError::usage(
            "no_proposed_program",
            format!("`{named}` is neither a file that is there, nor a buffer, nor a proposal"),
        )
        .hint("give a build, a buffer's address, or a proposal such as PROGRAM_ID/12")
    })?;
    if let Reference::Subject(Named::Address(address)) = &reference {
        if let Some(elf) = buffer(ctx, address).await? {
            return Ok(Proposed {
                elf,
                proposal: None,
            });
        }
    }
    let view = resolve::proposal(ctx, &reference, args).await?;
    if !view.is_upgrade() {
        return Err(CliError::usage(
            "not_an_upgrade",
            format!(
                "proposal {} deploys nothing that could be run: {}",
                view::name(&view),
                view::action(&view)
            ),
        ));
    }
    let address = view.proposal.terms.buffer;
    let elf = buffer(ctx, &address).await?.ok_or_else(|| {
        CliError::not_found(format!(
            "the buffer {address} of proposal {} is gone",
            view::name(&view)
        ))
    })?;
    if Commitment::of(&elf) != Some(view.commitment()) {
        return Err(rule(PortcullisError::HashMismatch).context(format!(
            "the buffer of proposal {} does not hold what it would deploy",
            view::name(&view)
        )));
    }
    Ok(Proposed {
        elf,
        proposal: Some(view),
    })
}

/// A buffer's bytes; `None` where something else is at the address.
async fn buffer(ctx: &Context, address: &Pubkey) -> Result<Option<Vec<u8>>, CliError> {
    let Some(account) = ctx.client()?.get_account(address).await? else {
        return Ok(None);
    };
    match decode_buffer(address, &account) {
        Ok(buffer) => Ok(Some(buffer.elf)),
        Err(ClientError::WrongOwner { .. }) => Ok(None),
        Err(error) => Err(error.into()),
    }
}
