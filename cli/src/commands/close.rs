//! Closes the accounts of a proposal that has ended, its attestations and a hash in the making among them. Anyone may; the rent
//! goes back to who paid it.

use clap::Args;
use portcullis::lifecycle;
use portcullis_client::account::ProposalView;
use serde_json::{json, Value};
use solana_sdk::{instruction::Instruction, pubkey::Pubkey};

use crate::{
    args::ProposalArgs,
    client_error::rule,
    context::Context,
    error::CliError,
    output::Fields,
    resolve, view,
    write::{Step, Writer},
};

/// Which proposal.
#[derive(Args, Debug)]
#[command(after_help = "Example:\n  portcullis close PROGRAM_ID/12\n\n\
    Its attestations and a hash in the making are closed with it. A proposal that still holds its buffer gives that back\n\
    first: portcullis buffer return PROGRAM_ID/12")]
pub struct Close {
    #[command(flatten)]
    of: ProposalArgs,
}

impl Close {
    /// Runs it.
    ///
    /// # Errors
    /// Where the proposal is live or still holds its buffer.
    pub async fn run(self, ctx: &Context) -> Result<(), CliError> {
        let (writer, view) = resolve::to_change(ctx, &self.of).await?;
        let name = view::name(&view);
        lifecycle::check(view.status, lifecycle::Step::Close).map_err(|error| {
            rule(error).context(format!("proposal {name} is {}", view.status.name()))
        })?;
        if view.holds_buffer() {
            return Err(rule(portcullis::error::PortcullisError::BufferStillHeld)
                .hint(format!("first: portcullis buffer return {name}")));
        }
        let closing = Closing::of(ctx, &writer, &view).await?;
        let mut shown = Fields::new()
            .row("proposal", &name)
            .row("status", view::status(&view));
        for (what, lamports, payer) in &closing.rents {
            shown.push(what, format!("{lamports} lamports, to {payer}"));
        }
        writer.show("about to close the accounts of an ended proposal", shown)?;
        let details = json!({
            "ref": name,
            "proposal": view.address.to_string(),
            "status": view.status.name(),
            "rent_lamports": closing.total(),
            "rents": closing.json(),
            "rent_payer": view.proposal.terms.rent_payer.to_string(),
        });
        let Some(signatures) = writer.run(&closing.steps(), details.clone(), &[]).await? else {
            return Ok(());
        };
        let mut data = details;
        data["signatures"] = signatures.iter().map(ToString::to_string).collect();
        let lines: Vec<String> = closing
            .rents
            .iter()
            .map(|(what, lamports, payer)| format!("{what}: {lamports} lamports went to {payer}"))
            .collect();
        ctx.out
            .result(&format!("closed {name}\n{}", lines.join("\n")), data);
        Ok(())
    }
}

/// Attestations of one transaction.
const AT_ONCE: usize = 12;

/// What is closed, and whose rent comes back.
struct Closing {
    /// What, lamports, to whom.
    rents: Vec<(String, u64, Pubkey)>,
    /// The hashing, then the proposal, then its attestations, which can only be closed after it.
    instructions: Vec<Instruction>,
}

impl Closing {
    async fn of(ctx: &Context, writer: &Writer<'_>, view: &ProposalView) -> Result<Self, CliError> {
        let (builder, keys) = (ctx.builder(), view.keys());
        let mut closing = Self {
            rents: Vec::new(),
            instructions: Vec::new(),
        };
        if let Some(hashing) = writer.client.fetch_hashing(&view.address).await? {
            let payer = hashing.account.rent_payer;
            let instruction = builder.close_hashing(view.address, payer);
            closing
                .add(
                    writer,
                    "hash in the making",
                    hashing.address,
                    payer,
                    instruction,
                )
                .await?;
        }
        let payer = view.proposal.terms.rent_payer;
        let instruction = builder.close_proposal(&keys, payer);
        closing
            .add(writer, "proposal", view.address, payer, instruction)
            .await?;
        for attestation in writer.client.list_attestations(&view.address).await? {
            let (attester, payer) = (
                attestation.account.attestation.attester,
                attestation.account.attestation.rent_payer,
            );
            let what = format!("attestation of {attester}");
            let instruction = builder.close_attestation(&keys, attester, payer);
            closing
                .add(writer, &what, attestation.address, payer, instruction)
                .await?;
        }
        Ok(closing)
    }

    async fn add(
        &mut self,
        writer: &Writer<'_>,
        what: &str,
        address: Pubkey,
        payer: Pubkey,
        instruction: Instruction,
    ) -> Result<(), CliError> {
        let lamports = writer.lamports(&address).await?;
        self.rents.push((what.to_string(), lamports, payer));
        self.instructions.push(instruction);
        Ok(())
    }

    fn total(&self) -> u64 {
        self.rents.iter().map(|(_, lamports, _)| lamports).sum()
    }

    fn json(&self) -> Value {
        self.rents
            .iter()
            .map(|(what, lamports, payer)| {
                json!({ "account": what, "lamports": lamports, "to": payer.to_string() })
            })
            .collect()
    }

    fn steps(&self) -> Vec<Step> {
        self.instructions
            .chunks(AT_ONCE)
            .map(|chunk| Step::new("close", chunk.to_vec()))
            .collect()
    }
}
