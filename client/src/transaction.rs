//! Sends and simulates transactions.

use std::time::{Duration, Instant};

use portcullis::constants::MAX_ELF_LEN;
use serde_json::json;
use solana_compute_budget_interface::ComputeBudgetInstruction;
use solana_message::{legacy, v0, AddressLookupTableAccount, CompileError, VersionedMessage};
use solana_rpc_client_api::{
    config::{RpcSendTransactionConfig, RpcSimulateTransactionConfig, RpcTransactionConfig},
    request::RpcRequest,
};
use solana_sdk::{
    hash::Hash, instruction::Instruction, pubkey::Pubkey, signature::Signature,
    transaction::TransactionError,
};
use solana_signer::Signer;
use solana_transaction::versioned::VersionedTransaction;
use solana_transaction_status_client_types::{
    option_serializer::OptionSerializer, EncodedConfirmedTransactionWithStatusMeta,
    TransactionStatus, UiTransactionEncoding,
};

use crate::{
    error::ClientError,
    refusal::{decode_refusal, Refusal},
    rpc::Client,
};

/// The most bytes of a transaction (`PACKET_DATA_SIZE`, solana-packet 4).
pub const MAX_TRANSACTION_BYTES: usize = 1232;
/// The most compute units of a transaction.
pub const MAX_COMPUTE_UNITS: u32 = 1_400_000;
/// What verifying, adopting and executing cost beside the hash, with room to spare (see docs/compute-units.md).
pub const HASH_BASE_COMPUTE_UNITS: u32 = 60_000;

const POLL: Duration = Duration::from_millis(300);
const RESEND: Duration = Duration::from_secs(2);
/// A server that fails this many polls in a row is given up; the transaction may still land.
const FAILED_POLLS: u32 = 50;

/// The compute units of an instruction that hashes `len` bytes: `sol_sha256` costs 85 and half a unit a byte (Agave 4.2).
/// At most [`MAX_COMPUTE_UNITS`].
pub fn hash_compute_units(len: u32) -> u32 {
    (len / 2)
        .saturating_add(85 + HASH_BASE_COMPUTE_UNITS)
        .min(MAX_COMPUTE_UNITS)
}

/// The compute units of an execution that hashes `len` bytes. A CPI costs one for each 250 bytes of the accounts that it
/// passes on, and anyone may extend the programdata to the account limit of 10 MiB, so both are counted at their most: twice
/// the programdata and the buffer. At most [`MAX_COMPUTE_UNITS`].
pub fn execution_compute_units(len: u32) -> u32 {
    const ACCOUNTS: u32 = 2 * (10 * 1024 * 1024 + MAX_ELF_LEN) / 250;
    hash_compute_units(len)
        .saturating_add(ACCOUNTS)
        .min(MAX_COMPUTE_UNITS)
}

/// How a transaction is built and sent.
#[derive(Clone, Debug, Default)]
pub struct SendOptions {
    /// `None`: the runtime's default, 200,000 for each instruction.
    pub compute_unit_limit: Option<u32>,
    /// Micro-lamports for each compute unit. `None`: no priority fee.
    pub compute_unit_price_micro_lamports: Option<u64>,
    /// With tables the message is of version 0, without legacy, which every hardware wallet can show.
    pub lookup_tables: Vec<AddressLookupTableAccount>,
    /// Sends without the server's simulation: for transactions that are meant to fail on chain.
    pub skip_preflight: bool,
}

impl SendOptions {
    /// With a limit of compute units.
    pub fn with_compute_units(limit: u32) -> Self {
        Self {
            compute_unit_limit: Some(limit),
            ..Self::default()
        }
    }
}

/// What a simulation says.
#[derive(Clone, Debug)]
pub struct Simulation {
    pub compute_units: Option<u64>,
    pub logs: Vec<String>,
    /// Why the transaction would fail, if it would.
    pub error: Option<TransactionError>,
    /// The same as a program's refusal, if a program refused.
    pub refusal: Option<Refusal>,
}

/// What the chain recorded of a transaction.
#[derive(Clone, Debug)]
pub struct TransactionSummary {
    pub signature: Signature,
    pub slot: u64,
    /// Unix seconds.
    pub block_time: Option<i64>,
    pub compute_units: Option<u64>,
    /// Lamports.
    pub fee: u64,
    pub logs: Vec<String>,
    pub error: Option<TransactionError>,
}

/// The programs of instructions, in order, as [`decode_refusal`] wants them.
fn programs(instructions: &[Instruction]) -> Vec<Pubkey> {
    instructions.iter().map(|ix| ix.program_id).collect()
}

/// The instructions with those of the compute budget before them.
pub fn with_budget(instructions: &[Instruction], options: &SendOptions) -> Vec<Instruction> {
    let limit = options
        .compute_unit_limit
        .map(ComputeBudgetInstruction::set_compute_unit_limit);
    let price = options
        .compute_unit_price_micro_lamports
        .map(ComputeBudgetInstruction::set_compute_unit_price);
    limit
        .into_iter()
        .chain(price)
        .chain(instructions.iter().cloned())
        .collect()
}

/// The message of a transaction, ready to sign; instructions as given, see [`with_budget`].
///
/// # Errors
/// `InvalidTransaction`.
pub fn build_message(
    instructions: &[Instruction],
    payer: &Pubkey,
    lookup_tables: &[AddressLookupTableAccount],
    blockhash: Hash,
) -> Result<VersionedMessage, ClientError> {
    if lookup_tables.is_empty() {
        return Ok(VersionedMessage::Legacy(
            legacy::Message::new_with_blockhash(instructions, Some(payer), &blockhash),
        ));
    }
    v0::Message::try_compile(payer, instructions, lookup_tables, blockhash)
        .map(VersionedMessage::V0)
        .map_err(|error: CompileError| ClientError::InvalidTransaction {
            reason: error.to_string(),
        })
}

/// Signs a message with those of the signers that it needs.
///
/// # Errors
/// `Signing` where a signature is missing or a signer fails, `TransactionTooLarge`.
pub fn sign(
    message: VersionedMessage,
    signers: &[&dyn Signer],
) -> Result<VersionedTransaction, ClientError> {
    let required = usize::from(message.header().num_required_signatures);
    let keys = message
        .static_account_keys()
        .get(..required)
        .unwrap_or_default();
    let mut needed: Vec<&dyn Signer> = Vec::with_capacity(required);
    for key in keys {
        let signer = signers
            .iter()
            .find(|signer| signer.try_pubkey().is_ok_and(|found| found == *key))
            .ok_or_else(|| ClientError::Signing {
                reason: format!("{key} must sign, but its key is not among those given"),
            })?;
        needed.push(*signer);
    }
    let transaction =
        VersionedTransaction::try_new(message, needed.as_slice()).map_err(|error| {
            ClientError::Signing {
                reason: error.to_string(),
            }
        })?;
    let size = transaction_size(&transaction);
    if size > MAX_TRANSACTION_BYTES {
        return Err(ClientError::TransactionTooLarge {
            size,
            limit: MAX_TRANSACTION_BYTES,
        });
    }
    Ok(transaction)
}

/// Bytes of a transaction on the wire: a one-byte count (at most 127 signatures), the signatures, the message.
pub fn transaction_size(transaction: &VersionedTransaction) -> usize {
    let signatures = transaction
        .signatures
        .len()
        .saturating_mul(core::mem::size_of::<Signature>());
    transaction
        .message
        .serialize()
        .len()
        .saturating_add(signatures)
        .saturating_add(1)
}

impl Client {
    /// Builds, signs, sends and confirms a transaction; sends it again until it is confirmed or its blockhash expires.
    /// `signers` may hold more than are needed, and the payer again.
    ///
    /// # Errors
    /// `Refused` with the program's own reason, `TransactionFailed` for the runtime's, `BlockhashExpired` (without effect,
    /// safe to repeat), `NotConfirmed` (unknown), and those of [`sign`].
    pub async fn send(
        &self,
        instructions: &[Instruction],
        payer: &dyn Signer,
        signers: &[&dyn Signer],
        options: &SendOptions,
    ) -> Result<Signature, ClientError> {
        let instructions = with_budget(instructions, options);
        let (blockhash, last_valid_block_height) = self
            .rpc
            .get_latest_blockhash_with_commitment(self.rpc.commitment())
            .await?;
        let message = build_message(
            &instructions,
            &payer.pubkey(),
            &options.lookup_tables,
            blockhash,
        )?;
        let transaction = sign(message, &all_signers(payer, signers))?;
        self.send_transaction(
            &transaction,
            last_valid_block_height,
            options.skip_preflight,
        )
        .await
    }

    /// Sends a signed transaction without looking whether it succeeds.
    pub(crate) async fn submit(
        &self,
        transaction: &VersionedTransaction,
    ) -> Result<Signature, ClientError> {
        let config = RpcSendTransactionConfig {
            skip_preflight: true,
            encoding: Some(UiTransactionEncoding::Base64),
            ..RpcSendTransactionConfig::default()
        };
        Ok(self
            .rpc
            .send_transaction_with_config(transaction, config)
            .await?)
    }

    /// Sends a signed transaction and waits for its confirmation; see [`send`](Self::send).
    ///
    /// # Errors
    /// `Refused`, `TransactionFailed`, `BlockhashExpired`, `NotConfirmed`.
    pub async fn send_transaction(
        &self,
        transaction: &VersionedTransaction,
        last_valid_block_height: u64,
        skip_preflight: bool,
    ) -> Result<Signature, ClientError> {
        let programs = message_programs(&transaction.message);
        let config = RpcSendTransactionConfig {
            skip_preflight,
            preflight_commitment: Some(self.rpc.commitment().commitment),
            encoding: Some(UiTransactionEncoding::Base64),
            // This crate sends again itself.
            max_retries: Some(0),
            min_context_slot: None,
        };
        let signature = transaction.signatures.first().copied().unwrap_or_default();
        match self
            .rpc
            .send_transaction_with_config(transaction, config)
            .await
            .map_err(|error| self.explain_error(error.into(), &programs))
        {
            Ok(_) => {}
            // The first attempt may have arrived although its answer did not.
            Err(ClientError::TransactionFailed {
                error: TransactionError::AlreadyProcessed,
                ..
            }) => {}
            // It may have arrived although no answer came; `confirm` finds out, and sends it again.
            Err(error @ (ClientError::Unreachable { .. } | ClientError::BadAnswer { .. })) => {
                tracing::debug!(%signature, %error, "no answer to sending");
            }
            Err(error) => return Err(error),
        }
        self.confirm(transaction, &signature, last_valid_block_height, &programs)
            .await
    }

    async fn confirm(
        &self,
        transaction: &VersionedTransaction,
        signature: &Signature,
        last_valid_block_height: u64,
        programs: &[Pubkey],
    ) -> Result<Signature, ClientError> {
        let again = RpcSendTransactionConfig {
            skip_preflight: true,
            encoding: Some(UiTransactionEncoding::Base64),
            max_retries: Some(0),
            ..RpcSendTransactionConfig::default()
        };
        let mut sent = Instant::now();
        let mut failed_polls = 0;
        loop {
            // The height is read first: a status that is missing after the last valid block will not come any more.
            let height = self.rpc.get_block_height().await;
            let status = self.signature_status(signature).await;
            match (height, status) {
                (_, Ok(Some(status))) if self.is_settled(&status) => {
                    return match status.err {
                        None => Ok(*signature),
                        Some(error) => Err(self.failure(signature, error, programs).await),
                    };
                }
                (Ok(height), Ok(None)) if height > last_valid_block_height => {
                    return Err(ClientError::BlockhashExpired {
                        signature: *signature,
                    });
                }
                (Ok(_), Ok(_)) => failed_polls = 0,
                (Err(error), _) => {
                    failed_polls = self.count(failed_polls, signature, error.into())?
                }
                (_, Err(error)) => failed_polls = self.count(failed_polls, signature, error)?,
            }
            if sent.elapsed() >= RESEND {
                sent = Instant::now();
                if let Err(error) = self
                    .rpc
                    .send_transaction_with_config(transaction, again)
                    .await
                {
                    let error = ClientError::from(error);
                    tracing::debug!(%signature, %error, "sending again failed");
                }
            }
            tokio::time::sleep(POLL).await;
        }
    }

    fn count(
        &self,
        failed: u32,
        signature: &Signature,
        error: ClientError,
    ) -> Result<u32, ClientError> {
        if failed >= FAILED_POLLS {
            return Err(ClientError::NotConfirmed {
                signature: *signature,
                reason: error.to_string(),
            });
        }
        Ok(failed.saturating_add(1))
    }

    async fn signature_status(
        &self,
        signature: &Signature,
    ) -> Result<Option<TransactionStatus>, ClientError> {
        let answer = self.rpc.get_signature_statuses(&[*signature]).await?.value;
        Ok(answer.into_iter().next().flatten())
    }

    pub(crate) fn is_settled(&self, status: &TransactionStatus) -> bool {
        status.satisfies_commitment(self.rpc.commitment())
    }

    /// The reason of a transaction that failed on chain, with its logs where the server has them.
    pub(crate) async fn failure(
        &self,
        signature: &Signature,
        error: TransactionError,
        programs: &[Pubkey],
    ) -> ClientError {
        let logs = match self.transaction_summary(signature).await {
            Ok(summary) => summary.logs,
            Err(reason) => {
                tracing::debug!(%signature, %reason, "no logs");
                Vec::new()
            }
        };
        self.explain_error(ClientError::TransactionFailed { error, logs }, programs)
    }

    /// Why a transaction with this message failed, from its error and logs: `Refused` where a program refused, else
    /// `TransactionFailed`.
    pub fn explain(
        &self,
        error: TransactionError,
        logs: Vec<String>,
        message: &VersionedMessage,
    ) -> ClientError {
        self.explain_error(
            ClientError::TransactionFailed { error, logs },
            &message_programs(message),
        )
    }

    fn explain_error(&self, error: ClientError, programs: &[Pubkey]) -> ClientError {
        let ClientError::TransactionFailed { error, logs } = error else {
            return error;
        };
        match decode_refusal(&error, programs, &logs, &self.portcullis) {
            Some(refusal) => ClientError::Refused(Box::new(refusal)),
            None => ClientError::TransactionFailed { error, logs },
        }
    }

    /// Runs a transaction on the server without sending it. Signatures are not needed.
    ///
    /// # Errors
    /// Only where the simulation itself cannot be done; a transaction that would fail is a [`Simulation`] with an error.
    pub async fn simulate(
        &self,
        instructions: &[Instruction],
        payer: &Pubkey,
        options: &SendOptions,
    ) -> Result<Simulation, ClientError> {
        let instructions = with_budget(instructions, options);
        let message = build_message(
            &instructions,
            payer,
            &options.lookup_tables,
            Hash::default(),
        )?;
        let required = usize::from(message.header().num_required_signatures);
        let transaction = VersionedTransaction {
            signatures: vec![Signature::default(); required],
            message,
        };
        let size = transaction_size(&transaction);
        if size > MAX_TRANSACTION_BYTES {
            return Err(ClientError::TransactionTooLarge {
                size,
                limit: MAX_TRANSACTION_BYTES,
            });
        }
        let result = self
            .rpc
            .simulate_transaction_with_config(
                &transaction,
                RpcSimulateTransactionConfig {
                    sig_verify: false,
                    replace_recent_blockhash: true,
                    commitment: Some(self.rpc.commitment()),
                    encoding: Some(UiTransactionEncoding::Base64),
                    ..RpcSimulateTransactionConfig::default()
                },
            )
            .await?
            .value;
        let error = result.err.map(TransactionError::from);
        let logs = result.logs.unwrap_or_default();
        let refusal = error.as_ref().and_then(|error| {
            decode_refusal(error, &programs(&instructions), &logs, &self.portcullis)
        });
        Ok(Simulation {
            compute_units: result.units_consumed,
            logs,
            error,
            refusal,
        })
    }

    /// What the chain recorded of a transaction: logs, compute units, fee.
    ///
    /// # Errors
    /// `TransactionNotFound`.
    pub async fn transaction_summary(
        &self,
        signature: &Signature,
    ) -> Result<TransactionSummary, ClientError> {
        let transaction = self.fetch_transaction(signature).await?;
        let meta = transaction
            .transaction
            .meta
            .ok_or(ClientError::TransactionNotFound {
                signature: *signature,
            })?;
        Ok(TransactionSummary {
            signature: *signature,
            slot: transaction.slot,
            block_time: transaction.block_time,
            compute_units: Option::from(meta.compute_units_consumed),
            fee: meta.fee,
            logs: match meta.log_messages {
                OptionSerializer::Some(logs) => logs,
                _ => Vec::new(),
            },
            error: meta.err.map(TransactionError::from),
        })
    }

    /// A transaction as the server keeps it.
    pub(crate) async fn fetch_transaction(
        &self,
        signature: &Signature,
    ) -> Result<EncodedConfirmedTransactionWithStatusMeta, ClientError> {
        let config = RpcTransactionConfig {
            encoding: Some(UiTransactionEncoding::Base64),
            commitment: Some(self.rpc.commitment()),
            max_supported_transaction_version: Some(0),
        };
        // A server that does not have it answers null, for which the typed request has no place.
        let found: Option<EncodedConfirmedTransactionWithStatusMeta> = self
            .rpc
            .send(
                RpcRequest::GetTransaction,
                json!([signature.to_string(), config]),
            )
            .await?;
        found.ok_or(ClientError::TransactionNotFound {
            signature: *signature,
        })
    }

    /// The fee of a message in lamports.
    ///
    /// # Errors
    /// Those of the server.
    pub async fn fee(&self, message: &VersionedMessage) -> Result<u64, ClientError> {
        Ok(match message {
            VersionedMessage::Legacy(message) => self.rpc.get_fee_for_message(message).await?,
            VersionedMessage::V0(message) => self.rpc.get_fee_for_message(message).await?,
            VersionedMessage::V1(_) => {
                return Err(ClientError::InvalidTransaction {
                    reason: "messages of version 1 are not supported".into(),
                })
            }
        })
    }
}

fn all_signers<'a>(payer: &'a dyn Signer, signers: &[&'a dyn Signer]) -> Vec<&'a dyn Signer> {
    [payer].into_iter().chain(signers.iter().copied()).collect()
}

fn message_programs(message: &VersionedMessage) -> Vec<Pubkey> {
    let keys = message.static_account_keys();
    message
        .instructions()
        .iter()
        .map(|ix| {
            keys.get(usize::from(ix.program_id_index))
                .copied()
                .unwrap_or_default()
        })
        .collect()
}
