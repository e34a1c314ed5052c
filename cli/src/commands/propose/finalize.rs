//! Proposes that a program is never upgraded again.

use clap::Args;
use portcullis::{change::Change, error::PortcullisError};
use portcullis_client::elf;

use super::{
    change::{propose, Proposed},
    common::{CommonArgs, Place},
};
use crate::{
    client_error::rule,
    context::Context,
    error::CliError,
    output::Fields,
    preview::{Difference, Preview, Reach},
    profile::Named,
    view,
};

/// Later loaders make no program final that is older than this (SIMD-0500).
const FINALIZABLE_SBPF_VERSION: u32 = 3;

/// Which program.
#[derive(Args, Debug)]
#[command(after_help = "Example:\n  portcullis propose finalize --program PROGRAM_ID")]
pub struct Finalize {
    /// The program
    #[arg(long, value_name = "PROGRAM_ID", env = "PORTCULLIS_PROGRAM")]
    program: Named,
    #[command(flatten)]
    common: CommonArgs,
}

impl Finalize {
    /// Runs it.
    ///
    /// # Errors
    /// `NotFinalizable`, and those of every proposal.
    pub async fn run(self, ctx: &Context) -> Result<(), CliError> {
        let Self { program, common } = self;
        let program = ctx.program(&program)?;
        let explained = common.read()?;
        let writer = ctx.writer(common.write)?;
        let place = Place::of_gate(ctx, &writer, &program).await?;
        let gate = place.gate()?;
        let programdata = writer.client.fetch_programdata(&program).await?.account;
        // The tail of zeros is no part of the ELF, and none of its headers either.
        if let Ok(found) = elf::check(&programdata.elf) {
            if found.sbpf_version < FINALIZABLE_SBPF_VERSION {
                return Err(rule(PortcullisError::NotFinalizable).hint(format!(
                    "found sBPF version {}: upgrade to a build for version 3 first",
                    found.sbpf_version
                )));
            }
        }
        let release = gate.account.release;
        ctx.out.alarm(format!(
            "this is for ever: once executed, nobody can upgrade {program}, whatever bug is found in it"
        ));
        let rows = vec![
            Difference {
                what: "upgrade authority".to_string(),
                before: Some(format!("{} (the gate's signer)", gate.account.authority)),
                after: Some("nobody, for ever".to_string()),
            },
            Difference {
                what: "what runs".to_string(),
                before: Some(format!("release {}", release.index)),
                after: Some(format!("release {}, for ever", release.index)),
            },
        ];
        let details = Fields::new()
            .row("program", program)
            .row("stays for ever", view::content(&release.commitment()));
        let preview = Preview::new(ctx, &place.council, rows, Reach::Life(gate)).await?;
        propose(
            ctx,
            &writer,
            &place,
            Proposed {
                title: "that the program is never upgraded again",
                details,
                change: Change::Finalize,
                preview,
                explained,
            },
        )
        .await
    }
}
