//! Gives the upgrade authority of a large program back while its bytes are still being hashed.

use clap::Args;
use portcullis::{error::PortcullisError, state::GateState};
use serde_json::json;

use crate::{
    args::WriteArgs, client_error::rule, context::Context, error::CliError, output::Fields,
    profile::Named, resolve, view, write::Step,
};

/// Which program.
#[derive(Args, Debug)]
#[command(
    after_help = "Example:\n  portcullis gate abandon PROGRAM_ID -k authority.json\n\n\
    The signer must be the upgrade authority that gave the program to the gate."
)]
pub struct Abandon {
    /// The program
    #[arg(value_name = "PROGRAM_ID")]
    program: Named,
    #[command(flatten)]
    write: WriteArgs,
}

impl Abandon {
    /// Runs it.
    ///
    /// # Errors
    /// Where the gate is not adopting, or the signer is another.
    pub async fn run(self, ctx: &Context) -> Result<(), CliError> {
        let Self { program, write } = self;
        let program = ctx.program(&program)?;
        let writer = ctx.writer(write)?;
        let gate = resolve::gate(ctx, &program).await?;
        let account = &gate.account;
        if account.state() != Ok(GateState::Adopting) {
            return Err(rule(PortcullisError::GateNotAdopting).hint(format!(
                "a gate that governs lets its program go by a proposal: portcullis propose transfer --program {program}"
            )));
        }
        let former = account.former_authority;
        if writer.key() != former {
            return Err(
                rule(PortcullisError::UpgradeAuthorityMismatch).hint(format!(
                    "sign with -k as {former}, the former upgrade authority"
                )),
            );
        }
        let hashing = writer.client.fetch_hashing(&gate.address).await?;
        let mut details = Fields::new()
            .row("program", program)
            .row("gate", gate.address)
            .row("authority", account.authority)
            .row("goes to", former);
        let builder = ctx.builder();
        let mut instructions = vec![builder.abandon_adoption(account.council, program, former)];
        if let Some(hashing) = &hashing {
            details.push(
                "rent",
                format!(
                    "of the hash in the making, to {}",
                    hashing.account.rent_payer
                ),
            );
            instructions.push(builder.close_hashing(gate.address, hashing.account.rent_payer));
        }
        writer.show("about to give the upgrade authority back", details)?;
        let step = Step::new("abandon the adoption", instructions);
        let would = json!({ "program": program.to_string(), "goes_to": former.to_string() });
        let Some(signatures) = writer.run(&[step], would, &[]).await? else {
            return Ok(());
        };
        let after = writer.client.fetch_gate(&program).await?;
        let mut data = view::gate_json(&after);
        data["signatures"] = signatures.iter().map(ToString::to_string).collect();
        ctx.out.result(
            &format!("the upgrade authority of {program} is {former} again"),
            data,
        );
        Ok(())
    }
}
