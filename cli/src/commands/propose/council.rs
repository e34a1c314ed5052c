//! Proposes other members.

use clap::Args;
use portcullis::change::{only_removes_guardians, Change, CouncilChange};
use solana_sdk::pubkey::Pubkey;

use super::{
    change::{propose, Proposed},
    common::{CommonArgs, Place},
};
use crate::{
    context::Context,
    error::CliError,
    member::MemberArg,
    output::Fields,
    preview::{members, Preview, Reach},
    profile::Named,
};

/// Who joins and who leaves.
#[derive(Args, Debug)]
#[command(after_help = "Examples:\n  \
    portcullis propose council --council COUNCIL --add DAVE:propose,vote --remove CAROL\n  \
    portcullis propose council --council COUNCIL --remove BOB --add BOB:vote:2\n\n\
    When it executes, every open proposal of the council and of its gates is dead, armed standbys included.\n\
    Guardians cannot veto a change that only removes or replaces guardians; it waits twice the timelock.")]
pub struct Council {
    /// The council
    #[arg(long, value_name = "COUNCIL", env = "PORTCULLIS_COUNCIL")]
    council: Named,
    /// A member that joins: KEY:ROLES[:WEIGHT]. At most 8
    #[arg(
        long = "add",
        value_name = "KEY:ROLES[:WEIGHT]",
        required_unless_present = "remove"
    )]
    add: Vec<MemberArg>,
    /// A member that leaves. At most 8
    #[arg(long, value_name = "KEY")]
    remove: Vec<Pubkey>,
    #[command(flatten)]
    common: CommonArgs,
}

impl Council {
    /// Runs it.
    ///
    /// # Errors
    /// Members who could not meet a policy, by name.
    pub async fn run(self, ctx: &Context) -> Result<(), CliError> {
        let Self {
            council,
            add,
            remove,
            common,
        } = self;
        let explained = common.read()?;
        let writer = ctx.writer(common.write)?;
        let place = Place::of_council(&writer, &ctx.council(&council)?).await?;
        let account = &place.council.account;
        let change = CouncilChange {
            remove,
            add: add.iter().map(|member| member.0).collect(),
        };
        // An impossible one is refused below, with its reason.
        let after = change
            .members_after(account)
            .unwrap_or_else(|_| account.members().to_vec());
        let mut details = Fields::new().row("council", place.council.address).row(
            "epoch",
            format!(
                "{}, then {}",
                account.config_epoch,
                account.config_epoch.saturating_add(1)
            ),
        );
        if only_removes_guardians(account.members(), &after) {
            details.push(
                "guardians",
                "only they change: they cannot veto it, and it waits twice the timelock",
            );
        }
        let rows = members(account.members(), &after);
        let preview = Preview::new(ctx, &place.council, rows, Reach::Council).await?;
        propose(
            ctx,
            &writer,
            &place,
            Proposed {
                title: "other members",
                details,
                change: Change::Council(change),
                preview,
                explained,
            },
        )
        .await
    }
}
