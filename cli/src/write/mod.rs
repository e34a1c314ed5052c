//! Everything that changes the chain goes through here: show, simulate or ask, sign, send.

mod apart;
mod desk;

pub use self::{
    apart::{actors, ApartArgs},
    desk::Desk,
};

use std::rc::Rc;

use portcullis_client::{transaction::fee, Client, ClientError, SendOptions};
use serde_json::{json, Value};
use solana_sdk::{instruction::Instruction, pubkey::Pubkey, signature::Signature, signer::Signer};

use crate::{
    args::WriteArgs, context::Context, error::CliError, export, output::Fields, price::written,
};

/// One transaction of a write.
#[derive(Clone)]
pub struct Step {
    /// What it does: `approve`, `extend the program`.
    pub label: String,
    pub instructions: Vec<Instruction>,
    /// `None`: the runtime's default.
    pub compute_units: Option<u32>,
    /// How many of its first instructions need nothing from the steps before it, so that a dry run can simulate them.
    independent: usize,
}

impl Step {
    /// A transaction with the runtime's default of compute units.
    pub fn new(label: impl Into<String>, instructions: Vec<Instruction>) -> Self {
        Self {
            label: label.into(),
            instructions,
            compute_units: None,
            independent: 0,
        }
    }

    /// Writes of a buffer, which come before the step that proposes it.
    pub fn upload(label: impl Into<String>) -> Self {
        Self::new(label, Vec::new())
    }

    /// With a limit of compute units.
    #[must_use]
    pub fn compute_units(mut self, limit: u32) -> Self {
        self.compute_units = Some(limit);
        self
    }

    /// Although steps come before it, its first `count` instructions do not depend on them.
    #[must_use]
    pub fn independent(mut self, count: usize) -> Self {
        self.independent = count;
        self
    }
}

/// A write under way.
pub struct Writer<'a> {
    pub desk: Desk<'a>,
    pub client: &'a Client,
    pub payer: Rc<dyn Signer>,
}

impl Context {
    /// Begins a write: a cluster that was chosen, a signer, somebody who pays.
    ///
    /// # Errors
    /// Where one of them is missing.
    pub fn writer(&self, args: WriteArgs) -> Result<Writer<'_>, CliError> {
        self.require_chosen_cluster()?;
        apart::require_fixed_price(self, &args)?;
        let (signer, payer) = apart::actors(self, &args)?;
        let desk = Desk {
            ctx: self,
            args,
            cluster: None,
            signer,
            payer: payer.pubkey(),
        };
        Ok(Writer {
            desk,
            client: self.client()?,
            payer,
        })
    }
}

impl Writer<'_> {
    /// The address that acts.
    pub fn key(&self) -> Pubkey {
        self.desk.key()
    }

    /// The address that pays.
    pub fn payer_key(&self) -> Pubkey {
        self.payer.pubkey()
    }

    fn args(&self) -> &WriteArgs {
        &self.desk.args
    }

    /// Whether nothing may be sent: [`stop_short`](Self::stop_short) then ends the command.
    pub fn sends_nothing(&self) -> bool {
        self.desk.signs_nothing() || self.args().apart.sign_only
    }

    /// Whether the signatures are made on several machines.
    pub fn is_apart(&self) -> bool {
        self.args().apart.is_used()
    }

    /// Refuses `--export` and signing on several machines where a command needs signatures of its own before anything can be
    /// printed.
    ///
    /// # Errors
    /// `not_exportable`, `not_signable_apart`.
    pub fn refuse_export(&self, why: &str, hint: &str) -> Result<(), CliError> {
        if self.args().export {
            return Err(CliError::usage("not_exportable", why).hint(hint));
        }
        self.refuse_apart(why, hint)
    }

    /// Whether many transactions can follow each other: all keys are here, and none asks each time.
    pub fn signs_freely(&self) -> bool {
        !self.is_apart() && !self.desk.asks_each_time(self.payer.as_ref())
    }

    /// Refuses a key on a device, which would ask for each of many transactions.
    ///
    /// # Errors
    /// `interactive_signer`.
    pub fn refuse_device(&self, why: &str, hint: &str) -> Result<(), CliError> {
        if !self.desk.asks_each_time(self.payer.as_ref()) {
            return Ok(());
        }
        Err(CliError::usage(
            "interactive_signer",
            format!("{why}, and a device asks for each"),
        )
        .hint(hint))
    }

    /// Another signer of the write: its address is enough where its signature is not made here.
    ///
    /// # Errors
    /// Where its key cannot be used.
    pub fn load_signer(&self, source: &str, what: &str) -> Result<Box<dyn Signer>, CliError> {
        apart::load(self.args(), source, what)
    }

    /// Shows on stderr what is about to happen, and where.
    ///
    /// # Errors
    /// Where the cluster is unknown.
    pub fn show(&self, title: &str, details: Fields) -> Result<(), CliError> {
        self.desk.show(title, details)
    }

    /// Asks, unless `--yes` was given.
    ///
    /// # Errors
    /// `aborted` without a yes.
    pub fn confirm(&self) -> Result<(), CliError> {
        self.desk.confirm(match self.args().apart.sign_only {
            true => "Sign?",
            false => "Sign and send?",
        })
    }

    /// Requires that the payer has `lamports`, plus the fees of these steps, and that the runtime takes what it is left with. With
    /// `stays` it must be left with the rent of an empty account: a step that costs next to nothing follows one that costs all.
    ///
    /// # Errors
    /// `insufficient_funds` with what is required and what was found.
    pub async fn require_funds(
        &self,
        lamports: u64,
        stays: bool,
        steps: &[Step],
    ) -> Result<(), CliError> {
        if self.args().export {
            return Ok(());
        }
        let mut required = lamports;
        for step in steps {
            self.settle_price(&step.instructions).await?;
            let options = self.options(step.compute_units);
            let fee = fee(&step.instructions, &self.payer_key(), &options)?;
            required = required.saturating_add(fee);
        }
        let payer = self.payer_key();
        let found = self.client.rpc.get_balance(&payer).await;
        let found = found.map_err(ClientError::from)?;
        // The runtime refuses a transaction that leaves its payer with less than the rent of an empty account, unless it is
        // left with nothing, or had less before.
        let empty = self.rent(0).await?;
        let least = match found.checked_sub(required) {
            Some(left) if left >= empty || found < empty => return Ok(()),
            // Where it pays the fee alone something may come back to it, so the runtime is left to judge.
            Some(_) if lamports == 0 => return Ok(()),
            Some(0) if !stays => return Ok(()),
            None if !stays => required,
            _ => required.saturating_add(empty),
        };
        Err(ClientError::InsufficientFunds {
            payer,
            required: least,
            found,
        }
        .into())
    }

    /// The rent of an account with so many bytes, in lamports.
    ///
    /// # Errors
    /// Those of the RPC server.
    pub async fn rent(&self, space: usize) -> Result<u64, CliError> {
        let rent = self
            .client
            .rpc
            .get_minimum_balance_for_rent_exemption(space)
            .await;
        Ok(rent.map_err(ClientError::from)?)
    }

    /// What an account holds; nothing where there is none.
    ///
    /// # Errors
    /// Those of the RPC server.
    pub async fn lamports(&self, address: &Pubkey) -> Result<u64, CliError> {
        let account = self.client.get_account(address).await?;
        Ok(account.map_or(0, |account| account.lamports))
    }

    /// How transactions are sent.
    pub fn options(&self, compute_units: Option<u32>) -> SendOptions {
        SendOptions {
            compute_unit_limit: compute_units,
            compute_unit_price_micro_lamports: self.desk.ctx.compute_unit_price(),
            ..SendOptions::default()
        }
    }

    async fn settle_price(&self, instructions: &[Instruction]) -> Result<(), CliError> {
        self.desk.ctx.settle_price(&written(instructions)).await
    }

    /// Ends a command that sends nothing: prints the export, or the signatures of the keys that are here, or the result of a dry
    /// run, which simulates the first step, and of the others what does not depend on those before.
    ///
    /// # Errors
    /// The refusal, where the step would be refused.
    pub async fn stop_short(
        &self,
        steps: &[Step],
        details: Value,
        more_signers: &[&dyn Signer],
    ) -> Result<(), CliError> {
        if self.args().export {
            let (text, transactions) = export::render(steps, &self.key())?;
            self.desk.ctx.out.result(
                &text,
                json!({ "export": true, "transactions": transactions, "would": details }),
            );
            return Ok(());
        }
        match self.args().apart.blockhash {
            Some(blockhash) => {
                self.sign_only(steps, blockhash, &self.signers(more_signers), details)
            }
            None => self.simulate(steps, details).await,
        }
    }

    async fn simulate(&self, steps: &[Step], details: Value) -> Result<(), CliError> {
        let mut lines = vec!["dry run: nothing was signed or sent".to_string()];
        let mut transactions = Vec::new();
        for (place, step) in steps.iter().enumerate() {
            let count = step.instructions.len();
            let first = if place == 0 { count } else { step.independent };
            let tried = step.instructions.get(..first).unwrap_or_default();
            let mut transaction = json!({
                "label": step.label, "instructions": count, "simulated": count > 0 && first == count,
            });
            let found = if count == 0 {
                "many transactions, not simulated".to_string()
            } else if tried.is_empty() {
                format!("{count} instruction(s), not simulated: it depends on the one before")
            } else {
                let units = self.try_out(tried, step.compute_units).await?;
                transaction["compute_units"] = json!(units);
                let rest = if first == count {
                    format!("would succeed, {units} compute units")
                } else {
                    format!("the first {first} would succeed, {units} compute units; the others depend on the one before")
                };
                format!("{count} instruction(s), {rest}")
            };
            lines.push(format!("  {}: {found}", step.label));
            transactions.push(transaction);
        }
        self.desk.ctx.out.result(
            &lines.join("\n"),
            json!({ "dry_run": true, "transactions": transactions, "would": details }),
        );
        Ok(())
    }

    /// The compute units that instructions take, without sending them.
    async fn try_out(
        &self,
        instructions: &[Instruction],
        compute_units: Option<u32>,
    ) -> Result<u64, CliError> {
        self.settle_price(instructions).await?;
        let options = self.options(compute_units);
        let simulation = self
            .client
            .simulate(instructions, &self.payer_key(), &options)
            .await?;
        let error = match (simulation.refusal, simulation.error) {
            (Some(refusal), _) => ClientError::Refused(Box::new(refusal)),
            (None, Some(error)) => ClientError::TransactionFailed {
                error,
                logs: simulation.logs,
            },
            (None, None) => return Ok(simulation.compute_units.unwrap_or_default()),
        };
        Err(CliError::from(error).context("dry run"))
    }

    /// The one who acts, the one who pays, and more.
    fn signers<'s>(&'s self, more: &[&'s dyn Signer]) -> Vec<&'s dyn Signer> {
        let own = [self.desk.signer.as_ref(), self.payer.as_ref()];
        own.into_iter().chain(more.iter().copied()).collect()
    }

    /// Signs, sends and confirms one transaction.
    ///
    /// # Errors
    /// Those of the client.
    pub async fn send(
        &self,
        step: &Step,
        more_signers: &[&dyn Signer],
    ) -> Result<Signature, CliError> {
        let signers = self.signers(more_signers);
        let signature = match self.args().apart.blockhash {
            Some(blockhash) => self.send_apart(step, blockhash, &signers).await?,
            None => {
                self.settle_price(&step.instructions).await?;
                let options = self.options(step.compute_units);
                let payer = self.payer.as_ref();
                self.client
                    .send(&step.instructions, payer, &signers, &options)
                    .await?
            }
        };
        tracing::info!(label = step.label, %signature, "confirmed");
        Ok(signature)
    }

    /// Shows nothing more: [stops short](Self::stop_short) where nothing may be sent, else asks and sends every step. `None` where
    /// nothing was sent; the result is printed then.
    ///
    /// # Errors
    /// A refusal, or no confirmation.
    pub async fn run(
        &self,
        steps: &[Step],
        details: Value,
        more_signers: &[&dyn Signer],
    ) -> Result<Option<Vec<Signature>>, CliError> {
        if self.sends_nothing() {
            self.stop_short(steps, details, more_signers).await?;
            return Ok(None);
        }
        self.require_one_transaction(steps)?;
        self.confirm()?;
        let mut signatures = Vec::with_capacity(steps.len());
        for step in steps {
            signatures.push(self.send(step, more_signers).await.map_err(|error| {
                if steps.len() > 1 {
                    error.context(&step.label)
                } else {
                    error
                }
            })?);
        }
        Ok(Some(signatures))
    }
}
