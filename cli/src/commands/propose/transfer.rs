//! Proposes to give the upgrade authority to another key.

use clap::Args;
use portcullis::change::Change;
use solana_sdk::pubkey::Pubkey;

use super::{
    change::{propose, Proposed},
    common::{CommonArgs, Place},
};
use crate::{
    context::Context,
    error::CliError,
    output::Fields,
    preview::{Difference, Preview, Reach},
    profile::Named,
};

/// Who gets it.
#[derive(Args, Debug)]
#[command(after_help = "Example:\n  \
    portcullis propose transfer --program PROGRAM_ID --to NEW_AUTHORITY\n\n\
    The new authority signs the execution, so that a wrong key cannot get it, unless --unchecked.")]
pub struct Transfer {
    /// The program
    #[arg(long, value_name = "PROGRAM_ID", env = "PORTCULLIS_PROGRAM")]
    program: Named,
    /// The new upgrade authority
    #[arg(long, value_name = "KEY")]
    to: Pubkey,
    /// The new authority need not sign: a typing error loses the program for ever
    #[arg(long)]
    unchecked: bool,
    #[command(flatten)]
    common: CommonArgs,
}

impl Transfer {
    /// Runs it.
    ///
    /// # Errors
    /// `NewAuthorityInvalid`, and those of every proposal.
    pub async fn run(self, ctx: &Context) -> Result<(), CliError> {
        let Self {
            program,
            to,
            unchecked,
            common,
        } = self;
        let explained = common.read()?;
        let program = ctx.program(&program)?;
        let writer = ctx.writer(common.write)?;
        let place = Place::of_gate(ctx, &writer, &program).await?;
        let gate = place.gate()?;
        if unchecked {
            ctx.out.alarm(format!(
                "{to} need not sign: if nobody has its key, nobody can ever upgrade {program} again"
            ));
        }
        let kind = if to.is_on_curve() {
            "a plain key"
        } else {
            "a program's address"
        };
        let rows = vec![
            Difference {
                what: "upgrade authority".to_string(),
                before: Some(format!("{} (the gate's signer)", gate.account.authority)),
                after: Some(format!("{to} ({kind})")),
            },
            Difference {
                what: "votes and timelock".to_string(),
                before: Some("this gate's".to_string()),
                after: Some("none: whoever holds the key upgrades at will".to_string()),
            },
        ];
        let details = Fields::new().row("program", program).row(
            "new authority",
            if unchecked {
                "does NOT sign the execution"
            } else {
                "signs the execution too"
            },
        );
        let preview = Preview::new(ctx, &place.council, rows, Reach::Life(gate)).await?;
        propose(
            ctx,
            &writer,
            &place,
            Proposed {
                title: "to give the upgrade authority away",
                details,
                change: Change::TransferAuthority {
                    to,
                    checked: !unchecked,
                },
                preview,
                explained,
            },
        )
        .await
    }
}
