//! One upload under way: what is missing, and how it is cut into transactions.

use std::{borrow::Cow, cell::Cell};

use solana_loader_v3_interface::instruction as loader;
use solana_message::VersionedMessage;
use solana_sdk::{hash::Hash, instruction::Instruction, pubkey::Pubkey};
use solana_sdk_ids::system_program;
use solana_signer::Signer;

use super::{
    buffer_address,
    diff::{differences, Chunk},
    set_buffer_authority,
    step::STEP_COMPUTE_UNITS,
    UploadOptions, UploadPlan,
};
use crate::{
    account::{decode_buffer, Buffer, BUFFER_HEADER},
    elf::Artifact,
    error::ClientError,
    rpc::Client,
    transaction::{
        build_message, fee, transaction_size, unsigned, with_budget, SendOptions,
        MAX_TRANSACTION_BYTES,
    },
};

/// Enough for a `Write` and the compute budget's instructions: loader v3 charges 2,370 for each of its own, the compute budget
/// 150 (Agave 4.2).
const WRITE_COMPUTE_UNITS: u32 = 3_000;

/// One upload under way.
pub(super) struct Uploader<'a> {
    pub(super) client: &'a Client,
    /// All bytes of the buffer: the artifact, and zeros behind it in a longer buffer that is used again.
    pub(super) wanted: Cow<'a, [u8]>,
    pub(super) buffer: Pubkey,
    /// What the buffer's address follows from; none where the address of another artifact's buffer was given.
    pub(super) seed: Option<String>,
    pub(super) authority: &'a dyn Signer,
    pub(super) payer: &'a dyn Signer,
    pub(super) options: &'a UploadOptions,
    /// Micro-lamports for each compute unit, by now.
    pub(super) price: Cell<Option<u64>>,
}

impl<'a> Uploader<'a> {
    /// The upload, and the buffer as it is now.
    pub(super) async fn begin(
        client: &'a Client,
        artifact: &'a Artifact,
        authority: &'a dyn Signer,
        payer: &'a dyn Signer,
        options: &'a UploadOptions,
    ) -> Result<(Self, Option<Buffer>), ClientError> {
        let (buffer, seed) = match options.reuse {
            Some(buffer) => (buffer, None),
            None => {
                let key = authority.pubkey();
                let (address, seed) = buffer_address(&key, &artifact.commitment, options.variant)?;
                (address, Some(seed))
            }
        };
        let mut engine = Self {
            client,
            wanted: Cow::Borrowed(&artifact.bytes),
            buffer,
            seed,
            authority,
            payer,
            options,
            price: Cell::new(options.compute_unit_price_micro_lamports),
        };
        let found = engine.fetch().await?;
        if let Some(found) = &found {
            engine.fill(found.elf.len())?;
        } else if options.reuse.is_some() {
            return Err(ClientError::NotFound {
                address: buffer,
                expected: "the buffer to use again",
            });
        }
        Ok((engine, found))
    }

    /// Fits what is wanted to a buffer that is used again.
    fn fill(&mut self, len: usize) -> Result<(), ClientError> {
        if len < self.wanted.len() {
            return Err(ClientError::BufferTooSmall {
                buffer: self.buffer,
                required: self.wanted.len(),
                found: len,
            });
        }
        if len > self.wanted.len() {
            self.wanted.to_mut().resize(len, 0);
        }
        Ok(())
    }

    /// Takes the price to what others paid lately, where it follows them. It is the one of before while nobody says.
    pub(super) async fn follow_price(&self) {
        let price = self.price.get();
        // Without a price the chunks leave no room for one.
        let Some(ceiling) = price.and(self.options.compute_unit_price_ceiling_micro_lamports)
        else {
            return;
        };
        let written = [self.buffer, self.payer.pubkey()];
        match self.client.recent_compute_unit_price(&written).await {
            Ok(recent) => self.price.set(Some(recent.min(ceiling))),
            Err(error) => tracing::debug!(%error, "no new price"),
        }
    }

    pub(super) fn send_options(&self, compute_units: u32) -> SendOptions {
        send_options(self.price.get(), compute_units)
    }

    fn highest_price(&self) -> Option<u64> {
        let price = self.options.compute_unit_price_micro_lamports?;
        let ceiling = self.options.compute_unit_price_ceiling_micro_lamports;
        Some(price.max(ceiling.unwrap_or(price)))
    }

    fn write_instruction(&self, chunk: Chunk) -> Result<Instruction, ClientError> {
        let bytes = self.wanted.get(chunk.clone()).unwrap_or_default();
        let offset = u32::try_from(chunk.start).map_err(|_| ClientError::InvalidTransaction {
            reason: "the artifact is longer than 4 GiB".into(),
        })?;
        let authority = self.authority.pubkey();
        Ok(loader::write(
            &self.buffer,
            &authority,
            offset,
            bytes.to_vec(),
        ))
    }

    pub(super) fn write_message(
        &self,
        chunk: Chunk,
        blockhash: Hash,
    ) -> Result<VersionedMessage, ClientError> {
        let write = self.write_instruction(chunk)?;
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
            let message = self.write_message(0..len.min(self.wanted.len()), Hash::default())?;
            Ok(transaction_size(&unsigned(message)))
        };
        let mut len = MAX_TRANSACTION_BYTES
            .saturating_sub(size(0)?)
            .min(self.wanted.len());
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
        if self.options.reuse.is_none() && buffer.elf.len() != self.wanted.len() {
            return Err(ClientError::BufferSize {
                buffer: self.buffer,
                required: self.wanted.len(),
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
            && buffer.elf == *self.wanted
        {
            return Ok(true);
        }
        Err(ClientError::BufferAuthority {
            buffer: self.buffer,
            required: self.authority.pubkey(),
            found: buffer.authority,
        })
    }

    /// What is to be written; a new buffer is all zeros.
    pub(super) fn missing(&self, found: Option<&Buffer>) -> Result<Vec<Chunk>, ClientError> {
        let found = found.map_or(&[][..], |buffer| &buffer.elf);
        Ok(differences(&self.wanted, found, self.chunk_len()?))
    }

    /// What the rest of the upload takes: rent, and the fees of the creation, of the writes and of the hand-over.
    pub(super) async fn plan(&self, found: Option<&Buffer>) -> Result<UploadPlan, ClientError> {
        let rent = match found {
            Some(_) => 0,
            None => {
                let (rent, lamports) = self.rent().await?;
                rent.saturating_sub(lamports)
            }
        };
        let authority = self.authority.pubkey();
        let hand_over = self.options.authority.is_some_and(|to| to != authority);
        let writes = self.missing(found)?.len();
        let steps = u64::from(found.is_none()).saturating_add(hand_over.into());
        let fees = [
            (
                writes as u64,
                self.write_instruction(0..1)?,
                WRITE_COMPUTE_UNITS,
            ),
            // A creation has the same signers as a hand-over.
            (
                steps,
                set_buffer_authority(&self.buffer, &authority, &authority),
                STEP_COMPUTE_UNITS,
            ),
        ];
        let mut lamports = rent;
        for (count, instruction, compute_units) in fees {
            if count > 0 {
                let payer = self.payer.pubkey();
                let options = send_options(self.highest_price(), compute_units);
                let fee = fee(&[instruction], &payer, &options)?;
                lamports = lamports.saturating_add(fee.saturating_mul(count));
            }
        }
        Ok(UploadPlan {
            lamports,
            writes,
            len: self.wanted.len(),
        })
    }

    /// The rent of the buffer, and the lamports that its address holds already.
    pub(super) async fn rent(&self) -> Result<(u64, u64), ClientError> {
        let space = BUFFER_HEADER.saturating_add(self.wanted.len());
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
}

fn send_options(price: Option<u64>, compute_units: u32) -> SendOptions {
    SendOptions {
        // Without a price the limit buys nothing, and its bytes are better used for the artifact.
        compute_unit_limit: price.map(|_| compute_units),
        compute_unit_price_micro_lamports: price,
        ..SendOptions::default()
    }
}

#[cfg(test)]
pub(super) mod tests;
