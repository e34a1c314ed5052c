//! One upload under way: what is missing, and how it is cut into transactions.

use std::ops::Range;

use solana_loader_v3_interface::instruction::{self as loader, UpgradeableLoaderInstruction};
use solana_message::VersionedMessage;
use solana_sdk::{
    hash::Hash,
    instruction::{AccountMeta, Instruction},
    pubkey::Pubkey,
};
use solana_sdk_ids::{bpf_loader_upgradeable, system_program};
use solana_signer::Signer;
use solana_system_interface::instruction as system;

use super::UploadOptions;
use crate::{
    account::{decode_buffer, Buffer, BUFFER_HEADER},
    error::ClientError,
    rpc::Client,
    transaction::{
        build_message, transaction_size, unsigned, with_budget, SendOptions, MAX_TRANSACTION_BYTES,
    },
};

/// Enough for a `Write` and the compute budget's instructions: loader v3 charges 2,370 for each of its own, the compute budget
/// 150 (Agave 4.2).
const WRITE_COMPUTE_UNITS: u32 = 3_000;

/// One upload under way.
pub(super) struct Uploader<'a> {
    pub(super) client: &'a Client,
    pub(super) artifact: &'a [u8],
    pub(super) buffer: Pubkey,
    pub(super) authority: &'a dyn Signer,
    pub(super) payer: &'a dyn Signer,
    pub(super) options: &'a UploadOptions,
}

/// Part of the artifact, by its offset.
pub(super) type Chunk = Range<usize>;

impl Uploader<'_> {
    pub(super) fn send_options(&self, compute_units: u32) -> SendOptions {
        let price = self.options.compute_unit_price_micro_lamports;
        SendOptions {
            // Without a price the limit buys nothing, and its bytes are better used for the artifact.
            compute_unit_limit: price.map(|_| compute_units),
            compute_unit_price_micro_lamports: price,
            ..SendOptions::default()
        }
    }

    pub(super) fn write_message(
        &self,
        chunk: Chunk,
        blockhash: Hash,
    ) -> Result<VersionedMessage, ClientError> {
        let bytes = self.artifact.get(chunk.clone()).unwrap_or_default();
        let offset = u32::try_from(chunk.start).map_err(|_| ClientError::InvalidTransaction {
            reason: "the artifact is longer than 4 GiB".into(),
        })?;
        let write = loader::write(
            &self.buffer,
            &self.authority.pubkey(),
            offset,
            bytes.to_vec(),
        );
        build_message(
            &with_budget(&[write], &self.send_options(WRITE_COMPUTE_UNITS)),
            &self.payer.pubkey(),
            &[],
            blockhash,
        )
    }

    /// The most bytes that one transaction can write, found from transactions as they will be sent.
    pub(super) fn chunk_len(&self) -> Result<usize, ClientError> {
        let size = |len: usize| -> Result<usize, ClientError> {
            let message = self.write_message(0..len.min(self.artifact.len()), Hash::default())?;
            Ok(transaction_size(&unsigned(message)))
        };
        let mut len = MAX_TRANSACTION_BYTES
            .saturating_sub(size(0)?)
            .min(self.artifact.len());
        // The length prefixes grow with the data, by a byte or two.
        while len > 0 && size(len)? > MAX_TRANSACTION_BYTES {
            len = len.saturating_sub(1);
        }
        Ok(len.max(1))
    }

    pub(super) async fn fetch(&self) -> Result<Option<Buffer>, ClientError> {
        let Some(account) = self.client.get_account(&self.buffer).await? else {
            return Ok(None);
        };
        // Anyone can send lamports to the address before the buffer is there; that makes it no buffer.
        if account.owner == system_program::ID && account.data.is_empty() {
            return Ok(None);
        }
        let buffer = decode_buffer(&self.buffer, &account)?;
        if buffer.elf.len() != self.artifact.len() {
            return Err(ClientError::BufferSize {
                buffer: self.buffer,
                required: self.artifact.len(),
                found: buffer.elf.len(),
            });
        }
        Ok(Some(buffer))
    }

    /// Whether the buffer is finished and was handed over already; if not, it must be the uploader's.
    pub(super) fn is_handed_over(&self, buffer: &Buffer) -> Result<bool, ClientError> {
        if buffer.authority == Some(self.authority.pubkey()) {
            return Ok(false);
        }
        if self.options.authority.is_some()
            && buffer.authority == self.options.authority
            && buffer.elf == self.artifact
        {
            return Ok(true);
        }
        Err(ClientError::BufferAuthority {
            buffer: self.buffer,
            required: self.authority.pubkey(),
            found: buffer.authority,
        })
    }

    /// The chunks whose bytes differ from the chain's. A new buffer is all zeros, so chunks of zeros are not among them.
    pub(super) fn missing(&self, chunk_len: usize, found: Option<&Buffer>) -> Vec<Chunk> {
        (0..self.artifact.len())
            .step_by(chunk_len)
            .map(|start| start..start.saturating_add(chunk_len).min(self.artifact.len()))
            .filter(|chunk| {
                let wanted = self.artifact.get(chunk.clone()).unwrap_or_default();
                match found {
                    Some(buffer) => buffer.elf.get(chunk.clone()) != Some(wanted),
                    None => wanted.iter().any(|byte| *byte != 0),
                }
            })
            .collect()
    }

    /// The instructions that create the buffer, whether or not its address already holds lamports.
    pub(super) fn create(&self, seed: &str, rent: u64, found_lamports: u64) -> Vec<Instruction> {
        let (payer, authority) = (self.payer.pubkey(), self.authority.pubkey());
        let space = BUFFER_HEADER.saturating_add(self.artifact.len()) as u64;
        let owner = bpf_loader_upgradeable::ID;
        let mut instructions = if found_lamports == 0 {
            vec![system::create_account_with_seed(
                &payer,
                &self.buffer,
                &authority,
                seed,
                rent,
                space,
                &owner,
            )]
        } else {
            vec![
                system::transfer(&payer, &self.buffer, rent.saturating_sub(found_lamports)),
                system::allocate_with_seed(&self.buffer, &authority, seed, space, &owner),
            ]
        };
        instructions.push(initialize_buffer(&self.buffer, &authority));
        instructions
    }

    /// Lamports that the rest of the upload takes: rent, and the fees of the creation, of the writes and of the hand-over.
    pub(super) async fn cost(
        &self,
        found: Option<&Buffer>,
        rent: u64,
        writes: usize,
    ) -> Result<u64, ClientError> {
        let creation = found.is_none();
        let authority = self.authority.pubkey();
        let hand_over = self.options.authority.is_some_and(|to| to != authority);
        let write = self
            .client
            .fee(&self.write_message(0..1, self.blockhash().await?.0)?)
            .await?;
        let transactions = (writes as u64)
            .saturating_add(creation.into())
            .saturating_add(hand_over.into());
        Ok(rent.saturating_add(write.saturating_mul(transactions)))
    }

    /// The rent of the buffer, and the lamports that its address holds already.
    pub(super) async fn rent(&self) -> Result<(u64, u64), ClientError> {
        let space = BUFFER_HEADER.saturating_add(self.artifact.len());
        let rpc = &self.client.rpc;
        let rent = rpc.get_minimum_balance_for_rent_exemption(space).await?;
        Ok((rent, rpc.get_balance(&self.buffer).await?))
    }

    /// Requires that the payer can pay for all of the rest of the upload.
    pub(super) async fn require_funds(&self, required: u64) -> Result<(), ClientError> {
        let payer = self.payer.pubkey();
        let found = self.client.rpc.get_balance(&payer).await?;
        if found < required {
            return Err(ClientError::InsufficientFunds {
                payer,
                required,
                found,
            });
        }
        Ok(())
    }

    pub(super) async fn blockhash(&self) -> Result<(Hash, u64), ClientError> {
        let commitment = self.client.rpc.commitment();
        Ok(self
            .client
            .rpc
            .get_latest_blockhash_with_commitment(commitment)
            .await?)
    }

    /// Reads the buffer back and compares every byte.
    pub(super) async fn verify(&self) -> Result<(), ClientError> {
        let found = self.fetch().await?.ok_or(ClientError::NotFound {
            address: self.buffer,
            expected: "the uploaded buffer",
        })?;
        match (0..self.artifact.len()).find(|at| found.elf.get(*at) != self.artifact.get(*at)) {
            None => Ok(()),
            Some(offset) => Err(ClientError::BufferContent {
                buffer: self.buffer,
                offset,
            }),
        }
    }
}

/// The instruction that sets a new buffer's authority; must stand in the transaction that creates the account.
fn initialize_buffer(buffer: &Pubkey, authority: &Pubkey) -> Instruction {
    Instruction::new_with_bincode(
        bpf_loader_upgradeable::ID,
        &UpgradeableLoaderInstruction::InitializeBuffer,
        vec![
            AccountMeta::new(*buffer, false),
            AccountMeta::new_readonly(*authority, false),
        ],
    )
}

#[cfg(test)]
mod tests {
    use solana_keypair::Keypair;

    use super::*;
    use crate::transaction::sign;

    fn uploader_for<'a>(
        client: &'a Client,
        artifact: &'a [u8],
        keys: (&'a Keypair, &'a Keypair),
        options: &'a UploadOptions,
    ) -> Uploader<'a> {
        Uploader {
            client,
            artifact,
            buffer: Pubkey::new_unique(),
            authority: keys.0,
            payer: keys.1,
            options,
        }
    }

    fn client() -> Client {
        Client::new("http://127.0.0.1:1", portcullis::ID)
    }

    #[test]
    fn a_chunk_fills_the_transaction_to_the_last_byte() {
        let client = client();
        let artifact = vec![7; 5_000];
        let (authority, payer) = (Keypair::new(), Keypair::new());
        for price in [None, Some(1)] {
            for keys in [(&authority, &payer), (&payer, &payer)] {
                let options = UploadOptions {
                    compute_unit_price_micro_lamports: price,
                    ..UploadOptions::default()
                };
                let engine = uploader_for(&client, &artifact, keys, &options);
                let len = engine.chunk_len().unwrap();
                let size = |len| {
                    let message = engine.write_message(0..len, Hash::default()).unwrap();
                    sign(message, &[keys.0, keys.1]).map(|tx| transaction_size(&tx))
                };
                assert_eq!(size(len).unwrap(), MAX_TRANSACTION_BYTES);
                assert!(matches!(
                    size(len + 1),
                    Err(ClientError::TransactionTooLarge { .. })
                ));
            }
        }
    }

    #[test]
    fn only_what_differs_is_written() {
        let client = client();
        let mut artifact = vec![0; 100];
        artifact[5] = 1;
        artifact[95] = 1;
        let keys = (Keypair::new(), Keypair::new());
        let options = UploadOptions::default();
        let engine = uploader_for(&client, &artifact, (&keys.0, &keys.1), &options);
        assert_eq!(engine.missing(10, None), [0..10, 90..100]);
        let mut elf = artifact.clone();
        elf[42] = 9;
        let found = Buffer {
            authority: None,
            elf,
        };
        assert_eq!(
            engine.missing(30, Some(&found)),
            [Chunk { start: 30, end: 60 }]
        );
    }

    #[test]
    fn another_s_buffer_is_refused() {
        let client = client();
        let keys = (Keypair::new(), Keypair::new());
        let member = Pubkey::new_unique();
        let options = UploadOptions {
            authority: Some(member),
            ..UploadOptions::default()
        };
        let artifact = [1, 2, 3];
        let engine = uploader_for(&client, &artifact, (&keys.0, &keys.1), &options);
        let buffer = |authority, elf: &[u8]| Buffer {
            authority,
            elf: elf.to_vec(),
        };
        let own = buffer(Some(keys.0.pubkey()), &[0; 3]);
        assert!(!engine.is_handed_over(&own).unwrap());
        assert!(engine
            .is_handed_over(&buffer(Some(member), &artifact))
            .unwrap());
        for foreign in [
            buffer(Some(member), &[0; 3]),
            buffer(Some(Pubkey::new_unique()), &artifact),
            buffer(None, &artifact),
        ] {
            assert!(matches!(
                engine.is_handed_over(&foreign),
                Err(ClientError::BufferAuthority { .. })
            ));
        }
    }
}
