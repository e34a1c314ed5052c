//! The main job from start to end, on the embedded validator: a real program is upgraded through votes and a timelock, and
//! every attack on the way is refused by the chain; then a bad upgrade passes and is rolled back, and an emergency. Nothing is
//! acted: all of it goes through JSON-RPC with the client that the other commands use.

mod attacks;
mod breaches;
mod cast;
mod emergency;
mod incident;
mod proof;
mod stage;
mod story;
mod token;

use clap::Args;
use serde_json::json;

use crate::{context::Context, error::CliError, exit::ExitCode};

use stage::Stage;

/// Nothing to choose: the demo brings its own validator and keys.
#[derive(Args, Debug)]
pub struct Demo {}

impl Demo {
    /// Runs it.
    ///
    /// # Errors
    /// Where a step fails that must work, or an attack is not refused as it must be.
    pub async fn run(self, ctx: &Context) -> Result<(), CliError> {
        let Self {} = self;
        let mut stage = Stage::new(ctx.out.is_text());
        story::tell(&mut stage).await?;
        let (refused, attempted) = stage.tally();
        if refused < attempted {
            return Err(CliError::new(
                ExitCode::General,
                "attack_not_refused",
                format!("{attempted} attacks had to be refused as told, {refused} were"),
            )
            .hint("look for `NOT` above; please report it as SECURITY.md says"));
        }
        let next = format!(
            "{refused} attacks tried, {refused} refused.\n\n\
             Next: run your own     portcullis localnet --fund ~/.config/solana/id.json\n      \
             look around           portcullis --help\n      \
             read what holds why   docs/threat-model.md"
        );
        ctx.out.result(
            &next,
            json!({ "steps": stage.into_steps(), "attacks": refused, "refused": refused }),
        );
        Ok(())
    }
}
