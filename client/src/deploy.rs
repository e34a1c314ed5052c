//! Deploys and extends programs of loader v3 outside of any gate: what must be done before one is adopted or upgraded.

use solana_loader_v3_interface::{
    instruction::{self as loader, MINIMUM_EXTEND_PROGRAM_BYTES},
    state::UpgradeableLoaderState,
};
use solana_sdk::{instruction::Instruction, pubkey::Pubkey, signature::Signature};
use solana_signer::Signer;

use crate::{
    account::PROGRAMDATA_HEADER,
    elf::{Artifact, MAX_ACCOUNT_LEN},
    error::ClientError,
    rpc::Client,
    transaction::SendOptions,
    upload::{UploadOptions, UploadProgress},
};

/// What a deployment may use: the loader's own cost, and what loading a large ELF is charged for.
const DEPLOY_COMPUTE_UNITS: u32 = 400_000;

/// A program that was deployed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Deployment {
    pub program: Pubkey,
    pub programdata: Pubkey,
    pub signature: Signature,
}

/// The bytes that a programdata account with room for `capacity` lacks for an ELF of `elf_len`, both without the header;
/// `None` where it has room already. Loader v3 extends by 10,240 bytes at least, or to its limit (SIMD-0431).
///
/// # Errors
/// `ProgramTooLarge`.
pub fn extension_bytes(
    program: &Pubkey,
    capacity: usize,
    elf_len: usize,
) -> Result<Option<u32>, ClientError> {
    if elf_len <= capacity {
        return Ok(None);
    }
    let limit = MAX_ACCOUNT_LEN.saturating_sub(PROGRAMDATA_HEADER);
    let too_large = ClientError::ProgramTooLarge {
        program: *program,
        required: elf_len,
        limit,
    };
    if elf_len > limit {
        return Err(too_large);
    }
    let headroom = limit.saturating_sub(capacity);
    let additional = elf_len
        .saturating_sub(capacity)
        .max(MINIMUM_EXTEND_PROGRAM_BYTES as usize)
        .min(headroom);
    u32::try_from(additional).map(Some).map_err(|_| too_large)
}

/// The instruction that makes room for an ELF, if it needs any; see [`extension_bytes`]. Anyone may send it, at top level, and
/// not in the slot of another extension or upgrade.
///
/// # Errors
/// `ProgramTooLarge`.
pub fn extend_program(
    program: &Pubkey,
    payer: &Pubkey,
    capacity: usize,
    elf_len: usize,
) -> Result<Option<Instruction>, ClientError> {
    let additional = extension_bytes(program, capacity, elf_len)?;
    Ok(additional.map(|bytes| loader::extend_program(program, Some(payer), bytes)))
}

impl Client {
    /// Deploys a new program through a buffer. `max_len` is the room for later upgrades, in bytes; `None`: the
    /// artifact's own length.
    ///
    /// # Errors
    /// Those of [`upload_buffer`](Self::upload_buffer) and [`send`](Self::send). After an error the buffer is still there,
    /// and the same call goes on.
    #[expect(
        clippy::too_many_arguments,
        reason = "three signers, and what an upload takes besides"
    )]
    pub async fn deploy_program(
        &self,
        artifact: &Artifact,
        program: &dyn Signer,
        upgrade_authority: &dyn Signer,
        payer: &dyn Signer,
        max_len: Option<usize>,
        options: &UploadOptions,
        progress: &dyn Fn(UploadProgress),
    ) -> Result<Deployment, ClientError> {
        // The loader wants one authority for both, so the buffer is not handed over.
        let options = UploadOptions {
            authority: None,
            ..*options
        };
        let upload = self
            .upload_buffer(artifact, upgrade_authority, payer, &options, progress)
            .await?;
        let max_len = max_len.unwrap_or(0).max(artifact.bytes.len());
        let rent = self
            .rpc
            .get_minimum_balance_for_rent_exemption(UpgradeableLoaderState::size_of_program())
            .await?;
        let (address, authority) = (program.pubkey(), upgrade_authority.pubkey());
        let instructions = loader::deploy_with_max_program_len(
            &payer.pubkey(),
            &address,
            &upload.buffer,
            &authority,
            rent,
            max_len,
        )
        .map_err(|error| ClientError::InvalidTransaction {
            reason: error.to_string(),
        })?;
        let signature = self
            .send(
                &instructions,
                payer,
                &[program, upgrade_authority],
                &SendOptions {
                    compute_unit_price_micro_lamports: options.compute_unit_price_micro_lamports,
                    ..SendOptions::with_compute_units(DEPLOY_COMPUTE_UNITS)
                },
            )
            .await?;
        Ok(Deployment {
            program: address,
            programdata: crate::pda::programdata(&address),
            signature,
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const LIMIT: usize = MAX_ACCOUNT_LEN - PROGRAMDATA_HEADER;

    /// The bytes that the instruction adds, if there is one.
    fn added(capacity: usize, elf_len: usize) -> Option<u32> {
        let program = Pubkey::new_unique();
        let extend = extend_program(&program, &Pubkey::new_unique(), capacity, elf_len).unwrap()?;
        let bytes = extend.data.last_chunk::<4>().unwrap();
        Some(u32::from_le_bytes(*bytes))
    }

    #[test]
    fn a_program_is_extended_by_what_is_missing_within_the_loader_s_limits() {
        assert_eq!(added(100, 100), None);
        assert_eq!(added(100, 50), None);
        assert_eq!(added(100, 101), Some(10_240));
        assert_eq!(added(100, 100 + 10_240), Some(10_240));
        assert_eq!(added(100, 100 + 10_241), Some(10_241));
        // Near the limit only the whole rest is allowed.
        assert_eq!(added(LIMIT - 5_000, LIMIT - 4_000), Some(5_000));
        assert_eq!(added(LIMIT - 5_000, LIMIT), Some(5_000));
    }

    #[test]
    fn what_no_program_can_hold_is_refused() {
        let program = Pubkey::new_unique();
        assert!(matches!(
            extend_program(&program, &program, 0, LIMIT + 1),
            Err(ClientError::ProgramTooLarge { limit: LIMIT, .. })
        ));
    }
}
