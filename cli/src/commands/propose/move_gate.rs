//! Proposes to give a gate to another council.

use clap::Args;
use portcullis::{change::Change, error::PortcullisError};

use super::{
    change::{propose, Proposed},
    common::{CommonArgs, Place},
};
use crate::{
    client_error::rule,
    context::Context,
    duration::human,
    error::CliError,
    output::Fields,
    policy_args::{refusal, Judged, Of},
    preview::{Difference, Preview, Reach},
    profile::Named,
};

/// Where to.
#[derive(Args, Debug)]
#[command(after_help = "Example:\n  \
    portcullis propose move --program PROGRAM_ID --to COUNCIL\n\n\
    A member of the new council with the role propose signs the execution: nobody can burden a council with a gate.")]
pub struct Move {
    /// The program
    #[arg(long, value_name = "PROGRAM_ID", env = "PORTCULLIS_PROGRAM")]
    program: Named,
    /// The new council
    #[arg(long, value_name = "COUNCIL")]
    to: Named,
    #[command(flatten)]
    common: CommonArgs,
}

impl Move {
    /// Runs it.
    ///
    /// # Errors
    /// A council that could not take the gate, by the rule that stands against it.
    pub async fn run(self, ctx: &Context) -> Result<(), CliError> {
        let Self {
            program,
            to,
            common,
        } = self;
        let explained = common.read()?;
        let program = ctx.program(&program)?;
        let to = ctx.council(&to)?;
        let writer = ctx.writer(common.write)?;
        let place = Place::of_gate(ctx, &writer, &program).await?;
        let gate = place.gate()?;
        let policy = &gate.account.policy;
        let new = writer.client.fetch_council(&to).await?;
        if !new.account.is_sealed() {
            return Err(rule(PortcullisError::CouncilNotSealed)
                .hint("its create key seals it: portcullis council create takes it up again"));
        }
        // A rehearsal: it is required again when the move executes.
        let mut copy = new.account;
        copy.admit_gate(policy).map_err(|error| {
            refusal(
                error,
                &Judged {
                    policy,
                    members: new.account.members(),
                    delay_floor_seconds: new.account.delay_floor_seconds,
                    of: Of::Gate(&new.account),
                },
            )
            .context(format!("council {to} cannot take this gate"))
        })?;
        let (old, powers) = (&place.council, new.account.powers());
        let row = |what: &str, before: String, after: String| Difference {
            what: what.to_string(),
            before: Some(before),
            after: Some(after),
        };
        let former = old.account.powers();
        let rows = vec![
            row("council", old.address.to_string(), to.to_string()),
            row(
                "members",
                old.account.members().len().to_string(),
                new.account.members().len().to_string(),
            ),
            row(
                "weight of all voters",
                former.weight.to_string(),
                powers.weight.to_string(),
            ),
            row(
                "guardians",
                former.guardians.to_string(),
                powers.guardians.to_string(),
            ),
            row(
                "delay floor",
                human(old.account.delay_floor_seconds),
                human(new.account.delay_floor_seconds),
            ),
        ];
        let preview = Preview::new(ctx, old, rows, Reach::Life(gate)).await?;
        let details = Fields::new()
            .row("program", program)
            .row(
                "new council",
                format!("{to}, epoch {}", new.account.config_epoch),
            )
            .row("policy", "the gate keeps its own");
        propose(
            ctx,
            &writer,
            &place,
            Proposed {
                title: "to move the gate to another council",
                details,
                change: Change::MoveGate {
                    council: to,
                    epoch: new.account.config_epoch,
                },
                preview,
                explained,
            },
        )
        .await
    }
}
