//! Asks what a transaction would do.

use solana_rpc_client_api::config::{RpcSimulateTransactionConfig, UiTransactionEncoding};
use solana_sdk::{
    hash::Hash, instruction::Instruction, pubkey::Pubkey, transaction::TransactionError,
};

use super::{
    build::{message_programs, require_fits, unsigned},
    build_message, with_budget, SendOptions,
};
use crate::{
    error::ClientError,
    refusal::{decode_refusal, Refusal},
    rpc::Client,
};

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

impl Client {
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
        let transaction = unsigned(message);
        require_fits(&transaction)?;
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
            let programs = message_programs(&transaction.message);
            decode_refusal(error, &programs, &logs, &self.portcullis)
        });
        Ok(Simulation {
            compute_units: result.units_consumed,
            logs,
            error,
            refusal,
        })
    }
}
