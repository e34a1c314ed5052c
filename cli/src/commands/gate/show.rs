//! Shows a program's gate: council, policy, releases.

use clap::Args;

use crate::{context::Context, error::CliError, policy_args, profile::Named, resolve, view};

/// Which gate.
#[derive(Args, Debug)]
#[command(after_help = "Example:\n  portcullis gate show PROGRAM_ID -u devnet")]
pub struct Show {
    /// The program
    #[arg(value_name = "PROGRAM_ID")]
    program: Named,
}

impl Show {
    /// Runs it.
    ///
    /// # Errors
    /// Where the program has no gate.
    pub async fn run(self, ctx: &Context) -> Result<(), CliError> {
        let Self { program } = self;
        let gate = resolve::gate(ctx, &ctx.program(&program)?).await?;
        for warning in policy_args::warnings(&gate.account.policy) {
            ctx.out.warn(warning);
        }
        let (guardian, guardian_json) = view::guardian(ctx).await?;
        let hold = view::hold(ctx, &gate).await?;
        let mut data = view::gate_json(&gate);
        hold.add_to(&mut data);
        data["portcullis_upgrade_authority"] = guardian_json;
        let text = format!(
            "{}\n\nPortcullis's own upgrade authority: {guardian}",
            view::gate_text(&gate)
        );
        ctx.out.result(&text, data);
        Ok(())
    }
}
