//! Proposes anything but an upgrade: shows before and after and what ends with it, checks it with the program's own code, sends.

use portcullis::{
    change::{Change, CouncilChange},
    error::PortcullisError,
    state::{Council, Proposal},
    transitions::{self, ChangeAccounts, ChangeArgs},
};
use portcullis_client::account::PortcullisAccount;
use serde_json::json;

use super::{
    common::{finish, rules, Explained, Place},
    plan::NOT_ACTIVE,
};
use crate::{
    client_error::rule,
    context::Context,
    error::CliError,
    exit::ExitCode,
    output::Fields,
    policy_args::{refusal, Judged, Of},
    preview::Preview,
    write::{Step, Writer},
};

/// A change that is ready to be proposed.
pub struct Proposed<'a> {
    /// `a new policy for …`.
    pub title: &'a str,
    /// What it is about, for people: lines beside the preview.
    pub details: Fields,
    pub change: Change,
    pub preview: Preview,
    pub explained: Explained,
}

/// Proposes it.
///
/// # Errors
/// The rule of the program that stands against it, before anything is sent.
pub async fn propose(
    ctx: &Context,
    writer: &Writer<'_>,
    place: &Place,
    proposed: Proposed<'_>,
) -> Result<(), CliError> {
    let Proposed {
        title,
        details,
        change,
        preview,
        explained,
    } = proposed;
    explained.check(place.now)?;
    let args = ChangeArgs {
        change,
        epoch: place.council.account.config_epoch,
        life: place.life(),
        statement: explained.statement.clone(),
        not_before: explained.not_before,
    };
    let accounts = ChangeAccounts {
        parent: place.parent(),
        proposer: writer.key(),
        rent_payer: writer.payer_key(),
    };
    let index = place.next_index();
    let terms = place
        .clone()
        .rehearse(|parent, proposal, now| {
            transitions::propose_change(parent, proposal, &accounts, [0; 32], args.clone(), now)
        })
        .map_err(|error| refused(error, place, &args.change))?;

    let bytes = args.change.to_bytes().map_err(rule)?;
    let rent = writer
        .rent(Proposal::space().saturating_add(bytes.len()))
        .await?;
    let mut fields = Fields::new().row("proposal", place.name(index));
    fields.extend(details);
    fields.extend(rules(&terms, &explained, place.now));
    fields.push("rent", format!("{rent} lamports, returned at the end"));
    writer.show(&format!("about to propose {title}"), fields)?;
    ctx.out.note(&format!("\n{}\n", preview.text()));

    let instruction =
        ctx.builder()
            .propose_change(&place.keys(index), writer.key(), writer.payer_key(), args);
    let extra = json!({
        "preview": preview.json(),
        "statement": explained.json(),
        "rent_lamports": rent,
    });
    let mut would = extra.clone();
    would["ref"] = json!(place.name(index));
    let steps = [Step::new("propose", vec![instruction])];
    writer.require_funds(rent, false, &steps).await?;
    let Some(signatures) = writer.run(&steps, would, &[]).await? else {
        return Ok(());
    };
    let address = place.address(ctx, index);
    finish(ctx, writer, &[address], &signatures, extra).await
}

/// The program's refusal with what it requires and what was found.
fn refused(error: PortcullisError, place: &Place, change: &Change) -> CliError {
    if error == PortcullisError::GateNotActive {
        return rule(error).hint(NOT_ACTIVE);
    }
    let council = &place.council.account;
    match change {
        Change::Policy(change) => refusal(
            error,
            &Judged {
                policy: &change.policy,
                members: council.members(),
                delay_floor_seconds: match place.gate {
                    Some(_) => council.delay_floor_seconds,
                    None => change.delay_floor_seconds,
                },
                of: match place.gate {
                    Some(_) => Of::Gate(council),
                    None => Of::Council(council),
                },
            },
        ),
        Change::Council(change) => match change.members_after(council) {
            Ok(after) => refusal(
                error,
                &Judged {
                    policy: &council.policy,
                    members: &after,
                    delay_floor_seconds: council.delay_floor_seconds,
                    of: Of::Council(council),
                },
            ),
            Err(PortcullisError::NotAMember) => no_members(change, council),
            Err(_) => rule(error).hint(members_hint(error, council)),
        },
        _ => rule(error).hint("nothing was sent; look at the gate with `portcullis gate show`"),
    }
}

/// Some are to be removed and are not there.
fn no_members(change: &CouncilChange, council: &Council) -> CliError {
    let strangers: Vec<String> = change
        .remove
        .iter()
        .filter(|key| council.member_with(key, 0).is_err())
        .map(ToString::to_string)
        .collect();
    CliError::new(
        ExitCode::Refused,
        PortcullisError::NotAMember.name(),
        format!(
            "only members can be removed, and these are none: {}",
            strangers.join(", ")
        ),
    )
    .hint("look at the members: portcullis council show")
}

fn members_hint(error: PortcullisError, council: &Council) -> String {
    match error {
        PortcullisError::MemberTwice => {
            "give --remove KEY too: a member whose roles or weight change leaves and joins in one change".into()
        }
        PortcullisError::CouncilChangeTooLarge => {
            "split it into several proposals, one after the other".to_string()
        }
        PortcullisError::TooManyMembers => format!(
            "the council has {} members already",
            council.members().len()
        ),
        _ => "nothing was sent; change the members".to_string(),
    }
}
