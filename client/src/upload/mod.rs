//! Fills buffers. An upload that was interrupted goes on where it stopped: the buffer's address follows from the uploader and
//! the artifact, and only bytes that differ from the chain's are written.

mod diff;
mod pass;
mod step;
mod uploader;
mod write;

use portcullis::digest::Commitment;
use solana_loader_v3_interface::{instruction as loader, state::UpgradeableLoaderState};
use solana_rpc_client_api::config::UiDataSliceConfig;
use solana_sdk::{instruction::Instruction, pubkey::Pubkey};
use solana_sdk_ids::bpf_loader_upgradeable;
use solana_signer::Signer;

use self::{step::Step, uploader::Uploader};
use crate::{
    account::BUFFER_HEADER,
    elf::Artifact,
    error::{hex, ClientError},
    rpc::Client,
};

/// The longest seed of an address (`MAX_SEED_LEN`, solana-pubkey 4).
const MAX_SEED_LEN: usize = solana_sdk::pubkey::MAX_SEED_LEN;

/// Whether a buffer as long as a build holds nothing but parts of it, or all: where it was not written yet it is zero.
pub fn is_part(found: &[u8], build: &[u8]) -> bool {
    let mut bytes = found.iter().zip(build);
    found.len() == build.len() && bytes.all(|(found, built)| *found == 0 || found == built)
}

/// How a buffer is uploaded.
#[derive(Clone, Copy, Debug)]
pub struct UploadOptions {
    /// Requests at the same time. At least 1.
    pub concurrency: usize,
    /// Micro-lamports for each compute unit. `None`: no priority fee.
    pub compute_unit_price_micro_lamports: Option<u64>,
    /// With it a price follows the others': whenever a blockhash is renewed it becomes what they paid lately, but no more than
    /// this. Micro-lamports for each compute unit.
    pub compute_unit_price_ceiling_micro_lamports: Option<u64>,
    /// Hands the finished buffer over to this key: the member that will propose it.
    pub authority: Option<Pubkey>,
    /// Another address for the same artifact, where the buffer at the first is in use. Zero: the first.
    pub variant: u16,
    /// A buffer of the uploader to write over instead of a new one: only what differs is sent. It must be large enough.
    pub reuse: Option<Pubkey>,
}

impl Default for UploadOptions {
    fn default() -> Self {
        Self {
            concurrency: 16,
            compute_unit_price_micro_lamports: None,
            compute_unit_price_ceiling_micro_lamports: None,
            authority: None,
            variant: 0,
            reuse: None,
        }
    }
}

/// How far an upload is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct UploadProgress {
    /// Bytes that the chain holds.
    pub written: usize,
    /// Bytes of the artifact.
    pub total: usize,
}

/// What an upload would take.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct UploadPlan {
    /// From the payer: rent and fees, at the highest price where it follows the others'.
    pub lamports: u64,
    /// `Write` transactions.
    pub writes: usize,
    /// Bytes behind the header of the buffer.
    pub len: usize,
}

/// A finished upload.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Upload {
    pub buffer: Pubkey,
    /// Who can write to it, or propose it, now.
    pub authority: Pubkey,
    pub commitment: Commitment,
    /// Bytes behind the header.
    pub len: usize,
    /// The buffer was there before, whole or in part.
    pub resumed: bool,
    /// `Write` transactions that were confirmed.
    pub writes: usize,
}

/// A buffer without its bytes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct BufferHead {
    pub address: Pubkey,
    pub authority: Pubkey,
    pub lamports: u64,
    /// Bytes behind the header.
    pub len: usize,
}

/// The address of an uploader's buffer for an artifact, and the seed that it follows from.
///
/// # Errors
/// `InvalidTransaction`; cannot happen with the seeds made here.
pub fn buffer_address(
    uploader: &Pubkey,
    commitment: &Commitment,
    variant: u16,
) -> Result<(Pubkey, String), ClientError> {
    let mut seed = hex(&commitment.sha256);
    let suffix = match variant {
        0 => String::new(),
        variant => format!("-{variant}"),
    };
    seed.truncate(MAX_SEED_LEN.saturating_sub(suffix.len()));
    seed.push_str(&suffix);
    let address = Pubkey::create_with_seed(uploader, &seed, &bpf_loader_upgradeable::ID).map_err(
        |error| ClientError::InvalidTransaction {
            reason: error.to_string(),
        },
    )?;
    Ok((address, seed))
}

/// The instruction that hands a buffer over. The new authority need not sign.
pub fn set_buffer_authority(buffer: &Pubkey, current: &Pubkey, new: &Pubkey) -> Instruction {
    loader::set_buffer_authority(buffer, current, new)
}

/// The instruction that closes a buffer; its lamports go to the recipient.
pub fn close_buffer(buffer: &Pubkey, recipient: &Pubkey, authority: &Pubkey) -> Instruction {
    loader::close_any(buffer, recipient, Some(authority), None)
}

impl Client {
    /// Uploads an artifact into a buffer of `uploader`, or finishes an upload that was interrupted; checks every byte on
    /// chain; hands the buffer over where the options say so. `progress` is called from time to time.
    ///
    /// # Errors
    /// `InsufficientFunds` before anything is sent; `BufferAuthority`, `BufferSize` and `BufferTooSmall` for another buffer at
    /// that address; `BufferContent` where the chain does not hold what was written; and those of [`send`](Self::send). After
    /// any error the same call goes on where it stopped.
    pub async fn upload_buffer(
        &self,
        artifact: &Artifact,
        uploader: &dyn Signer,
        payer: &dyn Signer,
        options: &UploadOptions,
        progress: &dyn Fn(UploadProgress),
    ) -> Result<Upload, ClientError> {
        let (engine, found) = Uploader::begin(self, artifact, uploader, payer, options).await?;
        let authority = uploader.pubkey();
        let mut upload = Upload {
            buffer: engine.buffer,
            authority,
            commitment: artifact.commitment,
            len: engine.wanted.len(),
            resumed: found.is_some(),
            writes: 0,
        };
        if let Some(found) = &found {
            if engine.is_handed_over(found)? {
                upload.authority = found.authority.unwrap_or(authority);
                return Ok(upload);
            }
        }
        let plan = engine.plan(found.as_ref()).await?;
        engine.require_funds(plan.lamports).await?;
        if found.is_none() {
            engine.take(Step::Create).await?;
        }
        upload.writes = engine.write_all(found.as_ref(), progress).await?;
        if let Some(member) = options.authority.filter(|member| *member != authority) {
            engine.take(Step::HandOver(&member)).await?;
            upload.authority = member;
        }
        Ok(upload)
    }

    /// What [`upload_buffer`](Self::upload_buffer) would take now.
    ///
    /// # Errors
    /// `BufferAuthority`, `BufferSize` and `BufferTooSmall` for another buffer at that address, and those of the server.
    pub async fn upload_plan(
        &self,
        artifact: &Artifact,
        uploader: &dyn Signer,
        payer: &dyn Signer,
        options: &UploadOptions,
    ) -> Result<UploadPlan, ClientError> {
        let (engine, found) = Uploader::begin(self, artifact, uploader, payer, options).await?;
        match &found {
            Some(found) if engine.is_handed_over(found)? => Ok(UploadPlan {
                lamports: 0,
                writes: 0,
                len: engine.wanted.len(),
            }),
            found => engine.plan(found.as_ref()).await,
        }
    }

    /// The buffers of an authority, without their bytes.
    ///
    /// # Errors
    /// Those of the server; some servers do not list a loader's accounts.
    pub async fn list_buffers(&self, authority: &Pubkey) -> Result<Vec<BufferHead>, ClientError> {
        let header = buffer_header(authority);
        let slice = UiDataSliceConfig {
            offset: 0,
            length: header.len(),
        };
        let mut buffers: Vec<BufferHead> = self
            .program_accounts(&bpf_loader_upgradeable::ID, &[(0, &header)], Some(slice))
            .await?
            .map(|found| {
                let (address, account, space) = found?;
                Ok(BufferHead {
                    address,
                    authority: *authority,
                    lamports: account.lamports,
                    len: space.saturating_sub(BUFFER_HEADER),
                })
            })
            .collect::<Result<_, ClientError>>()?;
        buffers.sort_by_key(|buffer| buffer.address);
        Ok(buffers)
    }
}

/// The bytes before the ELF in a buffer of `authority`: the state's tag and the option's tag, as bincode writes them.
fn buffer_header(authority: &Pubkey) -> Vec<u8> {
    let tag: u32 = 1;
    let mut header = tag.to_le_bytes().to_vec();
    header.push(1);
    header.extend_from_slice(authority.as_ref());
    debug_assert_eq!(
        header.len(),
        UpgradeableLoaderState::size_of_buffer_metadata()
    );
    header
}

#[cfg(test)]
mod tests {
    use solana_account::Account;

    use super::*;
    use crate::account::decode_buffer;

    #[test]
    fn a_buffer_s_header_is_that_of_the_interface_crate() {
        let authority = Pubkey::new_unique();
        let account = Account {
            data: buffer_header(&authority),
            owner: bpf_loader_upgradeable::ID,
            ..Account::default()
        };
        let buffer = decode_buffer(&Pubkey::new_unique(), &account).unwrap();
        assert_eq!(buffer.authority, Some(authority));
        assert_eq!(account.data.len(), BUFFER_HEADER);
    }

    #[test]
    fn the_address_follows_from_uploader_artifact_and_variant() {
        let commitment = Commitment::of(b"elf").unwrap();
        let uploader = Pubkey::new_unique();
        let (address, seed) = buffer_address(&uploader, &commitment, 0).unwrap();
        assert_eq!(seed, hex(&commitment.sha256)[..32]);
        assert_eq!(
            buffer_address(&uploader, &commitment, 0).unwrap().0,
            address
        );
        let others = [
            buffer_address(&uploader, &commitment, 1).unwrap(),
            buffer_address(&uploader, &commitment, u16::MAX).unwrap(),
            buffer_address(&Pubkey::new_unique(), &commitment, 0).unwrap(),
        ];
        for (other, seed) in others {
            assert_ne!(other, address);
            assert_eq!(seed.len(), MAX_SEED_LEN);
        }
    }
}
