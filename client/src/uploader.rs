//! One upload under way: what is missing, how it is cut into transactions, and how these are confirmed.

use std::{
    ops::Range,
    time::{Duration, Instant},
};

use futures::{stream, StreamExt};
use solana_loader_v3_interface::instruction::{self as loader, UpgradeableLoaderInstruction};
use solana_message::VersionedMessage;
use solana_rpc_client_api::config::{RpcSendTransactionConfig, UiTransactionEncoding};
use solana_sdk::{
    hash::Hash,
    instruction::{AccountMeta, Instruction},
    pubkey::Pubkey,
    signature::Signature,
};
use solana_sdk_ids::{bpf_loader_upgradeable, system_program};
use solana_signer::Signer;
use solana_system_interface::instruction as system;
use solana_transaction::versioned::VersionedTransaction;

use crate::{
    account::{decode_buffer, Buffer, BUFFER_HEADER},
    error::ClientError,
    rpc::Client,
    transaction::{
        build_message, sign, transaction_size, with_budget, SendOptions, MAX_TRANSACTION_BYTES,
    },
    upload::{UploadOptions, UploadProgress},
};

/// How many signatures one status request may name (`MAX_GET_SIGNATURE_STATUSES_QUERY_ITEMS`, rpc-client-api 4.2); writes go
/// out in windows of as many.
const WINDOW: usize = 256;
const POLL: Duration = Duration::from_millis(300);
const RESEND: Duration = Duration::from_secs(2);
/// Rounds in a row that may pass without a single confirmed write.
const IDLE_ROUNDS: u32 = 5;
/// Enough for a `Write` and the compute budget's instructions: loader v3 charges 2,370 for each of its own, the compute budget
/// 150 (Agave 4.2).
const WRITE_COMPUTE_UNITS: u32 = 3_000;

/// One upload under way.
pub(crate) struct Uploader<'a> {
    pub(crate) client: &'a Client,
    pub(crate) artifact: &'a [u8],
    pub(crate) buffer: Pubkey,
    pub(crate) authority: &'a dyn Signer,
    pub(crate) payer: &'a dyn Signer,
    pub(crate) options: &'a UploadOptions,
}

/// Part of the artifact, by its offset.
pub(crate) type Chunk = Range<usize>;

impl Uploader<'_> {
    pub(crate) fn send_options(&self, compute_units: u32) -> SendOptions {
        let price = self.options.compute_unit_price_micro_lamports;
        SendOptions {
            // Without a price the limit buys nothing, and its bytes are better used for the artifact.
            compute_unit_limit: price.map(|_| compute_units),
            compute_unit_price_micro_lamports: price,
            ..SendOptions::default()
        }
    }

    fn write_message(
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
    pub(crate) fn chunk_len(&self) -> Result<usize, ClientError> {
        let size = |len: usize| -> Result<usize, ClientError> {
            let message = self.write_message(0..len.min(self.artifact.len()), Hash::default())?;
            let signatures = usize::from(message.header().num_required_signatures);
            Ok(transaction_size(&VersionedTransaction {
                signatures: vec![Signature::default(); signatures],
                message,
            }))
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

    pub(crate) async fn fetch(&self) -> Result<Option<Buffer>, ClientError> {
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
    pub(crate) fn is_handed_over(&self, buffer: &Buffer) -> Result<bool, ClientError> {
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
    pub(crate) fn missing(&self, chunk_len: usize, found: Option<&Buffer>) -> Vec<Chunk> {
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
    pub(crate) fn create(&self, seed: &str, rent: u64, found_lamports: u64) -> Vec<Instruction> {
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

    /// Requires that the payer can pay for all of the rest of the upload.
    pub(crate) async fn require_funds(&self, rent: u64, writes: usize) -> Result<(), ClientError> {
        let payer = self.payer.pubkey();
        let write = self
            .client
            .fee(&self.write_message(0..1, self.blockhash().await?.0)?)
            .await?;
        // Beside the writes: the creation, and the hand-over.
        let transactions = (writes as u64).saturating_add(2);
        let required = rent.saturating_add(write.saturating_mul(transactions));
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

    async fn blockhash(&self) -> Result<(Hash, u64), ClientError> {
        let commitment = self.client.rpc.commitment();
        Ok(self
            .client
            .rpc
            .get_latest_blockhash_with_commitment(commitment)
            .await?)
    }

    /// Writes the chunks; signs again what a blockhash did not live long enough for.
    pub(crate) async fn write_all(
        &self,
        mut pending: Vec<Chunk>,
        progress: &dyn Fn(UploadProgress),
    ) -> Result<(), ClientError> {
        let total = self.artifact.len();
        let report = |pending: &[Chunk]| {
            let missing = pending.iter().map(ExactSizeIterator::len).sum();
            progress(UploadProgress {
                written: total.saturating_sub(missing),
                total,
            });
        };
        report(&pending);
        let mut idle = 0;
        while !pending.is_empty() {
            let rest = pending.split_off(pending.len().min(WINDOW));
            let before = pending.len();
            let (mut failed, reason) = self.write_window(pending).await?;
            idle = if failed.len() < before {
                0
            } else {
                idle + 1_u32
            };
            if idle > IDLE_ROUNDS {
                return Err(reason.unwrap_or(ClientError::BlockhashExpired {
                    signature: Signature::default(),
                }));
            }
            if idle > 0 {
                let wait = RESEND.saturating_mul(1_u32.checked_shl(idle).unwrap_or(u32::MAX));
                tracing::debug!(idle, ?wait, "no write was confirmed, waiting");
                tokio::time::sleep(wait).await;
            }
            failed.extend(rest);
            pending = failed;
            report(&pending);
        }
        Ok(())
    }

    /// Writes up to [`WINDOW`] chunks under one blockhash. Returns those that were not confirmed, with the last error that
    /// sending them met.
    async fn write_window(
        &self,
        chunks: Vec<Chunk>,
    ) -> Result<(Vec<Chunk>, Option<ClientError>), ClientError> {
        let (blockhash, last_valid_block_height) = match self.blockhash().await {
            Ok(found) => found,
            Err(error) if error.is_transient() => return Ok((chunks, Some(error))),
            Err(error) => return Err(error),
        };
        let signers = [self.payer, self.authority];
        let mut open = Vec::with_capacity(chunks.len());
        for chunk in chunks {
            let transaction = sign(self.write_message(chunk.clone(), blockhash)?, &signers)?;
            open.push((chunk, transaction));
        }
        let mut reason = self.send_all(&open).await;
        let mut sent = Instant::now();
        loop {
            tokio::time::sleep(POLL).await;
            let height = self.client.rpc.get_block_height().await;
            let signatures: Vec<Signature> = open.iter().map(|(_, tx)| signature(tx)).collect();
            match self.client.rpc.get_signature_statuses(&signatures).await {
                Ok(statuses) => {
                    let mut statuses = statuses.value.into_iter();
                    let mut still = Vec::with_capacity(open.len());
                    for (chunk, transaction) in open {
                        match statuses.next().flatten() {
                            Some(status) if self.client.is_settled(&status) => {
                                if let Some(error) = status.err {
                                    let signature = signature(&transaction);
                                    let programs = [bpf_loader_upgradeable::ID];
                                    return Err(self
                                        .client
                                        .failure(&signature, error, &programs)
                                        .await);
                                }
                            }
                            _ => still.push((chunk, transaction)),
                        }
                    }
                    open = still;
                }
                Err(error) => reason = Some(error.into()),
            }
            if open.is_empty() {
                return Ok((Vec::new(), None));
            }
            match height {
                Ok(height) if height > last_valid_block_height => break,
                Ok(_) => {}
                Err(error) => {
                    // Without an answer nothing says that the blockhash has expired; a blockhash lives about a minute.
                    reason = Some(error.into());
                    if sent.elapsed() > Duration::from_secs(90) {
                        break;
                    }
                    continue;
                }
            }
            if sent.elapsed() >= RESEND {
                sent = Instant::now();
                reason = self.send_all(&open).await.or(reason);
            }
        }
        // Writing the same bytes twice does no harm, so one that was confirmed unseen may be written again.
        Ok((open.into_iter().map(|(chunk, _)| chunk).collect(), reason))
    }

    /// Sends transactions without waiting for their confirmation. Returns an error that one of them met.
    async fn send_all(&self, open: &[(Chunk, VersionedTransaction)]) -> Option<ClientError> {
        let config = RpcSendTransactionConfig {
            skip_preflight: true,
            encoding: Some(UiTransactionEncoding::Base64),
            max_retries: Some(0),
            ..RpcSendTransactionConfig::default()
        };
        stream::iter(open)
            .map(|(_, transaction)| {
                self.client
                    .rpc
                    .send_transaction_with_config(transaction, config)
            })
            .buffer_unordered(self.options.concurrency.max(1))
            .fold(None, |last, sent| async move {
                match sent {
                    Ok(_) => last,
                    Err(error) => Some(ClientError::from(error)),
                }
            })
            .await
    }
}

fn signature(transaction: &VersionedTransaction) -> Signature {
    transaction.signatures.first().copied().unwrap_or_default()
}

impl Uploader<'_> {
    /// Reads the buffer back and compares every byte.
    pub(crate) async fn verify(&self) -> Result<(), ClientError> {
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
