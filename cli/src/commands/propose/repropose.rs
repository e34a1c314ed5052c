//! Proposes anew what has ended, with the buffer that the gate still holds: nothing is uploaded again.

use clap::Args;
use portcullis::{
    error::PortcullisError,
    state::Proposal,
    transitions::{self, UpgradeAccounts, UpgradeArgs},
};
use portcullis_client::account::ProposalView;
use serde_json::json;

use super::{
    common::{finish, rules, CommonArgs, Place},
    plan::{refused, Plan},
};
use crate::{
    args::RefArgs,
    client_error::rule,
    context::Context,
    error::CliError,
    preview::{Preview, Reach},
    reference::Reference,
    resolve, view,
    write::{Step, Writer},
};

/// Which proposal.
#[derive(Args, Debug)]
#[command(after_help = "Example:\n  portcullis repropose PROGRAM_ID/12\n\n\
    For an upgrade or a standby that was rejected, vetoed, cancelled, or that expired or became stale while the gate holds\n\
    its buffer. The signer (-k) must be the one who proposed it.")]
pub struct Repropose {
    /// The proposal that has ended: 12, PROGRAM_ID/12 or its address
    #[arg(value_name = "REF")]
    reference: Reference,
    #[command(flatten)]
    refs: RefArgs,
    #[command(flatten)]
    common: CommonArgs,
}

impl Repropose {
    /// Runs it.
    ///
    /// # Errors
    /// Where it has not ended, holds no buffer, or another key proposed it.
    pub async fn run(self, ctx: &Context) -> Result<(), CliError> {
        let Self {
            reference,
            refs,
            common,
        } = self;
        let explained = common.read()?;
        let writer = ctx.writer(common.write)?;
        let former = resolve::proposal(ctx, &reference, &refs).await?;
        let Some(program) = former.program().filter(|_| former.is_upgrade()) else {
            return Err(rule(PortcullisError::NotAnUpgrade)
                .hint("only an upgrade has a buffer to carry over; propose the change again"));
        };
        let place = Place::of_gate(ctx, &writer, &program).await?;
        let gate = place.gate()?;
        explained.check(place.now)?;
        explained.check_release(former.lane, &program, &former.commitment())?;
        let terms = &former.proposal.terms;
        if terms.statement != [0; 32] && explained.statement.is_none() {
            ctx.out.warn(
                "the former proposal had a statement, this one has none: give --statement and --statement-uri again",
            );
        }
        let found = (terms.buffer, former.commitment());
        let mut plan = Plan::new(
            &place,
            &gate.account,
            former.lane,
            found,
            terms.spill,
            &explained,
        );
        plan.args.predecessor = former.predecessor().copied();
        // A standby may still wait for the release that it was made for.
        let next = gate.account.release.index.checked_add(1);
        if former.lane.is_standby() && Some(terms.base_index) == next {
            plan.args.base_index = terms.base_index;
            plan.args.base.sha256 = terms.base_sha256;
            plan.args.base.len = terms.base_len;
        }
        let new_terms = rehearse(&writer, &place, &former, &plan.args)?;

        let rent = plan.rent(&writer).await?;
        let mut details = plan.details(&place, &gate.account);
        details.push("carried over from", view::name(&former));
        details.push("lane", view::lane_name(former.lane));
        details.extend(rules(&new_terms, &explained, place.now));
        details.push("rent", format!("{rent} lamports, returned at the end"));
        writer.show("about to propose it anew", details)?;
        let reach = if former.lane.is_standby() {
            Reach::None
        } else {
            Reach::Release(gate, terms.sha256)
        };
        let preview = Preview::new(ctx, &place.council, Vec::new(), reach).await?;
        ctx.out.note(&format!("\n{}\n", preview.text()));

        let keys = place.keys(plan.index);
        let builder = ctx.builder();
        let mut instructions = vec![builder.repropose_upgrade(
            &keys,
            terms.index,
            writer.key(),
            writer.payer_key(),
            plan.args.clone(),
        )];
        // What was verified stays verified.
        let verify = !former.facts.verified && plan.args.commitment.is_hashed_at_once();
        if verify {
            instructions.push(builder.verify_buffer(&keys, terms.buffer));
        }
        let steps = [Step::new("propose anew", instructions).compute_units(plan.compute_units())];
        writer.require_funds(rent, false, &steps).await?;
        let extra = json!({
            "former": view::name(&former),
            "statement": explained.json(),
            "rent_lamports": rent,
            "preview": preview.json(),
        });
        let mut would = extra.clone();
        would["ref"] = json!(place.name(plan.index));
        let Some(signatures) = writer.run(&steps, would, &[]).await? else {
            return Ok(());
        };
        let address = place.address(ctx, plan.index);
        finish(ctx, &writer, &[address], &signatures, extra).await
    }
}

/// The program's own check, on copies.
fn rehearse(
    writer: &Writer,
    place: &Place,
    former: &ProposalView,
    args: &UpgradeArgs,
) -> Result<portcullis::state::Terms, CliError> {
    let terms = &former.proposal.terms;
    let accounts = UpgradeAccounts {
        gate: place.parent(),
        buffer: terms.buffer,
        spill: terms.spill,
        proposer: writer.key(),
        rent_payer: writer.payer_key(),
    };
    let mut ended: Proposal = former.proposal;
    place
        .clone()
        .rehearse(|parent, proposal, now| {
            transitions::repropose_upgrade(
                parent,
                &mut ended,
                &former.address,
                proposal,
                &accounts,
                [0; 32],
                args.clone(),
                now,
            )
        })
        .map_err(|error| match error {
            PortcullisError::ProposalStillLive => rule(error).hint(format!(
                "{} is {}: it ends first (portcullis cancel)",
                view::name(former),
                former.status.name()
            )),
            PortcullisError::BufferReleased => rule(error)
                .hint("upload it again: portcullis buffer upload FILE.so, then propose upgrade"),
            PortcullisError::NotTheProposer => {
                rule(error).hint(format!("sign with -k as {}", terms.proposer))
            }
            _ => refused(error, args),
        })
}
