//! Examines an upgrade before it is proposed, and again before it is executed.

mod page;

use std::{
    path::PathBuf,
    time::{SystemTime, UNIX_EPOCH},
};

use clap::Args;
use portcullis::{
    lifecycle::{Lane, Status},
    state::Gate,
};
use portcullis_client::{
    account::Keyed,
    doctor::{diagnose, ArtifactFacts, Counts, Facts, Finding, Question, Severity, Target},
};
use serde_json::{json, Value};
use solana_sdk::pubkey::Pubkey;

use self::page::Page;
use crate::{
    args::{RefArgs, WriteArgs},
    artifact,
    context::Context,
    error::CliError,
    exit::ExitCode,
    output::printable,
    reference::Reference,
    resolve, view, write,
};

/// What to examine.
#[derive(Args, Debug)]
#[command(after_help = "Examples:\n  \
    portcullis doctor PROGRAM_ID                                    before proposing: gate, council, funds\n  \
    portcullis doctor PROGRAM_ID --artifact target/deploy/app.so    and the build, before it is uploaded\n  \
    portcullis doctor PROGRAM_ID --artifact app.so --buffer BUFFER  and what was uploaded\n  \
    portcullis doctor PROGRAM_ID/12 --artifact app.so               before executing\n  \
    portcullis doctor 12 --deny-warnings --output json | jq -r '.data.findings[] | .severity + \" \" + .code'\n\n\
    Nothing is signed or sent. -k and --fee-payer may be plain addresses: whose role and balance are examined.\n\
    Each finding has a stable code, what was found, why it matters, and the command that mends it. What could not be read\n\
    is a finding as well.\n\
    It exits with 3 where there are errors, with 7 where all of them only say that it is not time yet, else with 0;\n\
    with --deny-warnings warnings count as errors do.")]
pub struct Doctor {
    /// A program, before an upgrade is proposed; or a proposal, before it is executed [default: the only program]
    #[arg(value_name = "PROGRAM_ID|REF")]
    target: Option<Reference>,
    /// Your build
    #[arg(long, value_name = "FILE")]
    artifact: Option<PathBuf>,
    /// The buffer that is to be proposed
    #[arg(long, value_name = "BUFFER")]
    buffer: Option<Pubkey>,
    /// Who is to get the buffer's lamports [default: who pays]
    #[arg(long, value_name = "ADDRESS")]
    spill: Option<Pubkey>,
    /// It is to be proposed in the emergency lane
    #[arg(long)]
    emergency: bool,
    /// Fail on warnings too
    #[arg(long)]
    deny_warnings: bool,
    #[command(flatten)]
    reference: RefArgs,
}

impl Doctor {
    /// Runs it.
    ///
    /// # Errors
    /// `doctor_errors`, `doctor_warnings`, with all findings; and where there is nothing to examine.
    pub async fn run(self, ctx: &Context) -> Result<(), CliError> {
        let Self {
            target,
            artifact,
            buffer,
            spill,
            emergency,
            deny_warnings,
            reference,
        } = self;
        let artifact = match artifact {
            Some(path) => {
                let path = ctx.build(&path)?;
                Some(ArtifactFacts {
                    bytes: artifact::read_file(&path)?,
                    name: path.display().to_string(),
                })
            }
            None => None,
        };
        let (actor, payer) = actors(ctx)?;
        let target = find(ctx, target, &reference).await?;
        if matches!(target, Target::Proposal(_))
            && (buffer.is_some() || spill.is_some() || emergency)
        {
            return Err(CliError::usage(
                "not_of_a_proposal",
                "a proposal has its own buffer, spill account and lane",
            )
            .hint("leave --buffer, --spill and --emergency out, or give the program instead of a proposal"));
        }
        ctx.settle_price(payer.as_slice()).await?;
        let question = Question {
            target,
            lane: match emergency {
                true => Lane::Emergency,
                false => Lane::Standard,
            },
            artifact,
            buffer,
            spill,
            actor,
            payer,
            compute_unit_price_micro_lamports: ctx.compute_unit_price(),
            machine_time: machine_time(),
            instances: vec![portcullis::ID],
        };
        let facts = ctx.client()?.facts(question).await?;
        let mut findings = diagnose(&facts);
        for finding in &mut findings {
            // Some of it is what a server said.
            finding.what = printable(&finding.what);
            finding.mend = finding
                .mend
                .take()
                .map(|mend| printable(&ctx.command(&mend)));
        }
        let counts = Counts::of(&findings);
        let data = json(&facts, &findings, counts, deny_warnings)?;
        let text = Page {
            facts: &facts,
            findings: &findings,
            counts,
        }
        .text();
        if let Some(error) = verdict(&findings, deny_warnings) {
            ctx.out.text_only(&text);
            return Err(error.data(data));
        }
        ctx.out.result(&text, data);
        ctx.next(&format!("next: {}", next(&facts)));
        Ok(())
    }
}

fn machine_time() -> i64 {
    let since = SystemTime::now().duration_since(UNIX_EPOCH);
    // A clock before 1970 is a clock that drifts, which is what is looked for.
    since.map_or(0, |since| {
        i64::try_from(since.as_secs()).unwrap_or(i64::MAX)
    })
}

/// Who acts and who pays. Nobody has to be known; who was named has to be readable.
fn actors(ctx: &Context) -> Result<(Option<Pubkey>, Option<Pubkey>), CliError> {
    let named = ctx.global.keypair.is_some() || ctx.global.fee_payer.is_some();
    // Nothing is signed: addresses are enough.
    let addresses = WriteArgs {
        export: true,
        ..WriteArgs::default()
    };
    match write::actors(ctx, &addresses) {
        Ok((actor, payer)) => Ok((Some(actor.pubkey()), Some(payer.pubkey()))),
        Err(error) if named => Err(error),
        Err(_) => Ok((None, None)),
    }
}

/// The gate or the proposal that is meant.
async fn find(
    ctx: &Context,
    target: Option<Reference>,
    args: &RefArgs,
) -> Result<Target, CliError> {
    let reference = match (target, &args.program) {
        (Some(reference), _) => reference,
        (None, Some(program)) => Reference::Subject(program.clone()),
        (None, None) => return Ok(Target::Program(Box::new(only_gate(ctx).await?))),
    };
    if let Reference::Subject(named) = &reference {
        let address = &resolve::subject(ctx, named)?;
        // A proposal's address belongs to Portcullis; a program never does.
        let account = ctx.client()?.get_account(address).await?;
        if account.is_none_or(|account| account.owner != ctx.portcullis()) {
            let gate = resolve::gate(ctx, address).await?;
            return Ok(Target::Program(Box::new(gate)));
        }
    }
    let view = resolve::proposal(ctx, &reference, args).await?;
    Ok(Target::Proposal(Box::new(view)))
}

async fn only_gate(ctx: &Context) -> Result<Keyed<Gate>, CliError> {
    let gates = ctx.client()?.list_gates(None).await?;
    match gates.as_slice() {
        [only] => Ok(*only),
        several => Err(CliError::usage(
            "no_target",
            format!(
                "what to examine must be named on a cluster with {} gates",
                several.len()
            ),
        )
        .hint("portcullis doctor PROGRAM_ID, or portcullis doctor PROGRAM_ID/NUMBER")),
    }
}

/// What the findings come to.
fn verdict(findings: &[Finding], deny_warnings: bool) -> Option<CliError> {
    let of = |severity| {
        let these = findings.iter().filter(move |f| f.severity == severity);
        these.collect::<Vec<_>>()
    };
    let (errors, warnings) = (of(Severity::Error), of(Severity::Warning));
    let (code, grave) = match errors.is_empty() {
        false => ("doctor_errors", errors),
        true if deny_warnings && !warnings.is_empty() => ("doctor_warnings", warnings),
        true => return None,
    };
    let exit = match grave.iter().all(|finding| finding.not_yet) {
        true => ExitCode::NotReady,
        false => ExitCode::Refused,
    };
    let codes: Vec<&str> = grave.iter().map(|finding| finding.code).collect();
    let what = match code {
        "doctor_errors" => "error",
        _ => "warning",
    };
    let error = CliError::new(
        exit,
        code,
        format!(
            "{} found: {}",
            page::count(grave.len(), what),
            codes.join(", ")
        ),
    );
    let mend = grave.iter().find_map(|finding| finding.mend.as_ref());
    Some(match mend {
        Some(mend) => error.hint(mend.clone()),
        None => error,
    })
}

/// The step that comes now.
fn next(facts: &Facts) -> String {
    let file = facts.artifact.as_ref().map(|artifact| &artifact.name);
    let own = file.map_or(String::new(), |file| format!(" --artifact {file}"));
    let program = facts.program.as_ref().map(|p| p.gate.account.program);
    let program = program.map_or_else(String::new, |program| program.to_string());
    match (&facts.proposal, &facts.buffer, file) {
        (Some(view), ..) if view.status == Status::Voting => {
            format!("portcullis approve {}{own}", facts.name())
        }
        (Some(_), ..) => format!("portcullis execute {}", facts.name()),
        (None, Some(buffer), _) => format!(
            "portcullis propose upgrade {} --program {program}{own}{}",
            buffer.address,
            match facts.lane {
                Lane::Emergency => " --emergency",
                _ => "",
            }
        ),
        (None, None, Some(file)) => format!("portcullis buffer upload {file} --program {program}"),
        (None, None, None) => format!("portcullis doctor {program} --artifact FILE.so"),
    }
}

fn json(
    facts: &Facts,
    findings: &[Finding],
    counts: Counts,
    deny_warnings: bool,
) -> Result<Value, CliError> {
    let findings = serde_json::to_value(findings)
        .map_err(|error| CliError::general(format!("the findings cannot be written: {error}")))?;
    let program = facts.program.as_ref();
    Ok(json!({
        "stage": page::stage(facts).replace(' ', "_"),
        "program": program.map(|p| p.gate.account.program.to_string()),
        "gate": program.map(|p| p.gate.address.to_string()),
        "council": facts.council.address.to_string(),
        "ref": facts.proposal.as_ref().map(|_| facts.name()),
        "status": facts.proposal.as_ref().map(|view| view.status.name()),
        "chain_time": view::time(facts.now.timestamp),
        "chain_slot": facts.now.slot,
        "deny_warnings": deny_warnings,
        "counts": counts.json(),
        "findings": findings,
    }))
}

#[cfg(test)]
mod tests {
    use litesvm::LiteSVM;
    use portcullis_client::doctor::{Features, ENABLE_V3, ONLY_V3};

    #[test]
    fn the_features_that_are_read_are_those_of_agave() {
        let mainnet = LiteSVM::mainnet_feature_set();
        for address in Features::addresses() {
            let known =
                mainnet.active().contains_key(&address) || mainnet.inactive().contains(&address);
            assert!(known, "{address}");
        }
        let active = Features::addresses().into_iter();
        let active = active.filter(|address| mainnet.is_active(address));
        let rules = Features::with_active(active).rules();
        assert_eq!(
            *rules.sbpf_versions.end() == 3,
            mainnet.is_active(&ENABLE_V3)
        );
        assert_eq!(
            *rules.sbpf_versions.start() == 3,
            mainnet.is_active(&ONLY_V3)
        );
    }
}
