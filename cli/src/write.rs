//! Everything that changes the chain goes through here: show, simulate or ask, sign, send.

use std::{
    io::{self, IsTerminal},
    rc::Rc,
};

use dialoguer::Confirm;
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
    ctx: &'a Context,
    args: WriteArgs,
    pub client: &'a Client,
    pub signer: Rc<dyn Signer>,
    pub payer: Rc<dyn Signer>,
}

impl Context {
    /// Begins a write: a cluster that was chosen, a signer, somebody who pays.
    ///
    /// # Errors
    /// Where one of them is missing.
    pub fn writer(&self, args: WriteArgs) -> Result<Writer<'_>, CliError> {
        self.require_chosen_cluster()?;
        let (signer, payer) = if args.export {
            export::actors(self)?
        } else {
            (Rc::clone(self.signer()?), Rc::clone(self.fee_payer()?))
        };
        Ok(Writer {
            ctx: self,
            args,
            client: self.client()?,
            signer,
            payer,
        })
    }
}

impl Writer<'_> {
    /// The address that acts.
    pub fn key(&self) -> Pubkey {
        self.signer.pubkey()
    }

    /// The address that pays.
    pub fn payer_key(&self) -> Pubkey {
        self.payer.pubkey()
    }

    /// Whether nothing may be signed: [`simulate`](Self::simulate) then ends the command.
    pub fn is_dry_run(&self) -> bool {
        self.args.dry_run || self.args.export
    }

    /// Refuses `--export` where a command needs signatures of its own before anything can be printed.
    ///
    /// # Errors
    /// `not_exportable`.
    pub fn refuse_export(&self, why: &str, hint: &str) -> Result<(), CliError> {
        if self.args.export {
            return Err(CliError::usage("not_exportable", why).hint(hint));
        }
        Ok(())
    }

    /// Another signer of the write: in an export its address is enough.
    ///
    /// # Errors
    /// Where its key cannot be used.
    pub fn load_signer(&self, source: &str, what: &str) -> Result<Box<dyn Signer>, CliError> {
        export::load(self.args.export, source, what)
    }

    /// Shows on stderr what is about to happen, and where.
    ///
    /// # Errors
    /// Where the cluster is unknown.
    pub fn show(&self, title: &str, details: Fields) -> Result<(), CliError> {
        let mut fields = Fields::new()
            .row("cluster", self.ctx.cluster()?.shown())
            .row("portcullis", self.ctx.portcullis())
            .row("signer", self.key());
        if self.payer_key() != self.key() {
            fields.push("fee payer", self.payer_key());
        }
        fields.extend(details);
        self.ctx.out.note(&format!("{title}\n{}", fields.render(2)));
        Ok(())
    }

    /// Asks, unless `--yes` was given.
    ///
    /// # Errors
    /// `aborted` without a yes.
    pub fn confirm(&self) -> Result<(), CliError> {
        if self.args.yes {
            return Ok(());
        }
        if !io::stdin().is_terminal() || !io::stderr().is_terminal() {
            return Err(CliError::aborted(
                "this needs a confirmation, and there is no terminal to ask on",
            )
            .hint("look at what is shown above, then run it again with --yes"));
        }
        let agreed = Confirm::new()
            .with_prompt("Sign and send?")
            .default(false)
            .interact()
            .map_err(|error| {
                CliError::aborted(format!("the question was not answered: {error}"))
            })?;
        if agreed {
            Ok(())
        } else {
            Err(CliError::aborted("not confirmed; nothing was sent"))
        }
    }

    /// Requires that the payer has `lamports`, plus the fees of these steps.
    ///
    /// # Errors
    /// `insufficient_funds` with what is required and what was found.
    pub async fn require_funds(&self, lamports: u64, steps: &[Step]) -> Result<(), CliError> {
        if self.args.export {
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
        if found < required {
            return Err(ClientError::InsufficientFunds {
                payer,
                required,
                found,
            }
            .into());
        }
        Ok(())
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
            compute_unit_price_micro_lamports: self.ctx.compute_unit_price(),
            ..SendOptions::default()
        }
    }

    async fn settle_price(&self, instructions: &[Instruction]) -> Result<(), CliError> {
        self.ctx.settle_price(&written(instructions)).await
    }

    /// Simulates the first step, and of the others what does not depend on those before. Prints the result of the dry run, or the export.
    ///
    /// # Errors
    /// The refusal, where the step would be refused.
    pub async fn simulate(&self, steps: &[Step], details: Value) -> Result<(), CliError> {
        if self.args.export {
            let (text, transactions) = export::render(steps, &self.key())?;
            self.ctx.out.result(
                &text,
                json!({ "export": true, "transactions": transactions, "would": details }),
            );
            return Ok(());
        }
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
        self.ctx.out.result(
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

    /// Signs, sends and confirms one transaction.
    ///
    /// # Errors
    /// Those of the client.
    pub async fn send(
        &self,
        step: &Step,
        more_signers: &[&dyn Signer],
    ) -> Result<Signature, CliError> {
        let mut signers: Vec<&dyn Signer> = vec![self.signer.as_ref()];
        signers.extend(more_signers);
        self.settle_price(&step.instructions).await?;
        let signature = self
            .client
            .send(
                &step.instructions,
                self.payer.as_ref(),
                &signers,
                &self.options(step.compute_units),
            )
            .await?;
        tracing::info!(label = step.label, %signature, "confirmed");
        Ok(signature)
    }

    /// Shows nothing more: simulates on `--dry-run`, prints on `--export`, else asks and sends every step. `None` after a dry run, whose result
    /// is printed.
    ///
    /// # Errors
    /// A refusal, or no confirmation.
    pub async fn run(
        &self,
        steps: &[Step],
        details: Value,
        more_signers: &[&dyn Signer],
    ) -> Result<Option<Vec<Signature>>, CliError> {
        if self.is_dry_run() {
            self.simulate(steps, details).await?;
            return Ok(None);
        }
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
