//! Where the bytes of a standby come from: a buffer that is there, a file, or the deployed program itself.

use std::path::Path;

use portcullis::{digest::Commitment, error::PortcullisError, state::Gate};
use portcullis_client::{
    account::{Keyed, BUFFER_HEADER},
    elf::{Artifact, ElfError},
    upload::UploadOptions,
};
use solana_sdk::pubkey::Pubkey;

use super::plan::uploaded;
use crate::{
    artifact,
    client_error::rule,
    commands::buffer::upload::{self, free_place, CONCURRENCY},
    context::Context,
    error::{chain, CliError},
    write::Writer,
};

/// A buffer that is there, or what is to be uploaded into one.
pub struct Source {
    pub buffer: Pubkey,
    pub commitment: Commitment,
    /// Lamports that the buffer locks.
    pub rent: u64,
    upload: Option<(Artifact, UploadOptions)>,
    /// Lamports that are still to be paid for it, fees included.
    pub unpaid: u64,
}

impl Source {
    /// A buffer that the signer may propose.
    ///
    /// # Errors
    /// Those of [`uploaded`].
    pub async fn buffer(
        ctx: &Context,
        writer: &Writer<'_>,
        gate: &Keyed<Gate>,
        buffer: &Pubkey,
    ) -> Result<Self, CliError> {
        let (commitment, rent) = uploaded(ctx, writer, gate, buffer).await?;
        Ok(Self {
            buffer: *buffer,
            commitment,
            rent,
            upload: None,
            unpaid: 0,
        })
    }

    /// A build in a file, which is uploaded if no buffer of the signer holds it.
    ///
    /// # Errors
    /// A file that is no program.
    pub async fn file(ctx: &Context, writer: &Writer<'_>, path: &Path) -> Result<Self, CliError> {
        Self::artifact(ctx, writer, artifact::read(path)?).await
    }

    /// What is deployed now, byte by byte.
    ///
    /// # Errors
    /// `HashMismatch` where it is not the gate's release.
    pub async fn deployed(
        ctx: &Context,
        writer: &Writer<'_>,
        gate: &Keyed<Gate>,
    ) -> Result<Self, CliError> {
        let program = gate.account.program;
        let programdata = writer.client.fetch_programdata(&program).await?.account;
        let release = gate.account.release.commitment();
        if programdata.commitment() != Some(release) {
            return Err(rule(PortcullisError::HashMismatch)
                .context(format!(
                    "the deployed bytes of {program} are not the gate's release"
                ))
                .hint("the RPC server may be behind: try again, or another one with -u"));
        }
        let artifact = without_padding(programdata.elf, release.len).map_err(|error| {
            CliError::general(format!(
                "the deployed bytes of {program} cannot be deployed again: {}",
                chain(&error)
            ))
        })?;
        Self::artifact(ctx, writer, artifact).await
    }

    async fn artifact(
        ctx: &Context,
        writer: &Writer<'_>,
        artifact: Artifact,
    ) -> Result<Self, CliError> {
        let place = free_place(writer, &artifact, &writer.key()).await?;
        let options = upload::options(ctx, writer, &place, writer.key(), CONCURRENCY).await?;
        Ok(Self {
            buffer: place.buffer,
            commitment: artifact.commitment,
            rent: writer.rent(BUFFER_HEADER + artifact.bytes.len()).await?,
            unpaid: upload::plan(writer, &artifact, &options).await?.lamports,
            upload: Some((artifact, options)),
        })
    }

    /// Whether an upload comes first.
    pub fn needs_upload(&self) -> bool {
        self.upload.is_some()
    }

    /// Uploads what is to be uploaded.
    ///
    /// # Errors
    /// What stands against the writes.
    pub async fn ensure(&self, ctx: &Context, writer: &Writer<'_>) -> Result<(), CliError> {
        if let Some((artifact, options)) = &self.upload {
            upload::send(ctx, writer, artifact, options).await?;
        }
        Ok(())
    }
}

/// The program in a programdata account, whose end is filled with zeros. The ELF's own last header may end with zeros too:
/// what its headers speak of is kept.
fn without_padding(mut elf: Vec<u8>, len: u32) -> Result<Artifact, ElfError> {
    let len = usize::try_from(len).unwrap_or(usize::MAX);
    let end = match Artifact::new(elf.get(..len).unwrap_or(&elf).to_vec()) {
        Ok(artifact) => return Ok(artifact),
        Err(ElfError::Truncated { required, .. }) => {
            usize::try_from(required).unwrap_or(usize::MAX)
        }
        // The loader takes it with its padding: that is how it runs.
        Err(_) => elf.len(),
    };
    elf.truncate(end);
    Artifact::new(elf)
}

#[cfg(test)]
mod tests {
    use portcullis_localnet::samples;

    use super::*;

    #[test]
    fn a_program_is_cut_out_of_its_padding_as_it_was_deployed() {
        for elf in [
            samples::spl_token().unwrap(),
            samples::p_token().unwrap(),
            samples::memo().unwrap(),
        ] {
            let built = Artifact::new(elf.clone()).unwrap();
            let mut padded = elf;
            padded.resize(padded.len() + 10_240, 0);
            let found = without_padding(padded, built.commitment.len).unwrap();
            assert_eq!(found.commitment, built.commitment);
            assert!(found.bytes.len() <= built.bytes.len());
        }
    }
}
