//! Proposes other rules, for a gate or for a council itself.

use clap::Args;
use portcullis::change::{Change, PolicyChange};

use super::{
    change::{propose, Proposed},
    common::{CommonArgs, Place},
};
use crate::{
    context::Context,
    duration::{human, parse_seconds},
    error::CliError,
    output::Fields,
    policy_args::{self, PolicyPatch},
    preview::{differences, Difference, Preview, Reach},
    profile::Named,
};

/// Whose rules, and what changes.
#[derive(Args, Debug)]
#[command(after_help = "Examples:\n  \
    portcullis propose policy --program PROGRAM_ID --emergency-threshold 3 --emergency-timelock 1h\n  \
    portcullis propose policy --council COUNCIL --timelock 3d --delay-floor 1d\n\n\
    What is under way keeps the rules that it was proposed under.")]
pub struct Policy {
    /// The program whose gate gets other rules
    #[arg(long, value_name = "PROGRAM_ID", env = "PORTCULLIS_PROGRAM")]
    program: Option<Named>,
    /// The council whose own rules change; wins over --program
    #[arg(long, value_name = "COUNCIL")]
    council: Option<Named>,
    /// No delay of any gate may ever be below this; only ever raised. Of a council
    #[arg(long, value_name = "DURATION", value_parser = parse_seconds, requires = "council")]
    delay_floor: Option<u32>,
    #[command(flatten)]
    policy: PolicyPatch,
    #[command(flatten)]
    common: CommonArgs,
}

impl Policy {
    /// Runs it.
    ///
    /// # Errors
    /// An impossible policy, or one that changes nothing.
    pub async fn run(self, ctx: &Context) -> Result<(), CliError> {
        let Self {
            program,
            council,
            delay_floor,
            policy,
            common,
        } = self;
        let explained = common.read()?;
        let writer = ctx.writer(common.write)?;
        let place = match (&council, &program) {
            (Some(council), _) => Place::of_council(&writer, &ctx.council(council)?).await?,
            (None, Some(program)) => Place::of_gate(ctx, &writer, &ctx.program(program)?).await?,
            (None, None) => {
                return Err(CliError::usage(
                    "subject_required",
                    "a policy is that of a gate or of a council, and neither was named",
                )
                .hint("give --program PROGRAM_ID or --council COUNCIL"));
            }
        };
        let own = &place.council.account;
        let before = place
            .gate
            .as_ref()
            .map_or(own.policy, |gate| gate.account.policy);
        let after = policy.apply(&before);
        let floor = own.delay_floor_seconds;
        let new_floor = delay_floor.unwrap_or(floor);
        if after == before && new_floor == floor {
            return Err(
                CliError::usage("policy_unchanged", "the policy would stay as it is")
                    .hint("give what should change, such as --timelock 3d"),
            );
        }
        let mut rows = differences(policy_args::rows(&before), policy_args::rows(&after));
        if new_floor != floor {
            rows.push(Difference {
                what: "delay floor of all gates".to_string(),
                before: Some(human(floor)),
                after: Some(human(new_floor)),
            });
        }
        for warning in policy_args::warnings(&after) {
            ctx.out.warn(warning);
        }
        let details = match &place.gate {
            Some(gate) => Fields::new()
                .row("program", gate.account.program)
                .row("authority", gate.account.authority),
            None => Fields::new().row("council", place.council.address),
        };
        let change = Change::Policy(PolicyChange {
            policy: after,
            delay_floor_seconds: if place.gate.is_some() { 0 } else { new_floor },
        });
        let preview = Preview::new(ctx, &place.council, rows, Reach::None).await?;
        let title = match place.gate {
            Some(_) => "another policy for the gate",
            None => "another policy for the council itself",
        };
        propose(
            ctx,
            &writer,
            &place,
            Proposed {
                title,
                details,
                change,
                preview,
                explained,
            },
        )
        .await
    }
}
