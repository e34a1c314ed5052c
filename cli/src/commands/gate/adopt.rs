//! Puts a program behind a gate. Its current upgrade authority signs, and a member of the council that may propose.

use clap::Args;
use portcullis::{
    digest::Commitment,
    state::{Council, Gate, GateState, ROLE_PROPOSE},
    transitions::AdoptArgs,
};
use portcullis_client::{
    account::{Keyed, PortcullisAccount, Programdata},
    hashing::{hash_transactions, Target},
    pda,
    transaction::hash_compute_units,
};
use serde_json::json;
use solana_sdk::{pubkey::Pubkey, signer::Signer};

use crate::{
    args::WriteArgs,
    client_error::{hash, rule},
    context::Context,
    error::CliError,
    exit::ExitCode,
    hashing,
    output::Fields,
    policy_args::{self, Judged, Of, PolicyArgs},
    profile::Named,
    resolve::require_role,
    view,
    write::{Step, Writer},
};

/// Which program goes to which council, under which rules.
#[derive(Args, Debug)]
#[command(after_help = "Example:\n  \
    portcullis gate adopt PROGRAM_ID --council COUNCIL --threshold 2 --timelock 2d --upgrade-authority authority.json\n\n\
    The signer (-k) must be a member of the council with the role propose, and --upgrade-authority the key that may\n\
    upgrade the program now. From then on only an approved proposal can change the program.")]
pub struct Adopt {
    /// The program
    #[arg(value_name = "PROGRAM_ID")]
    program: Named,
    /// The council that decides from now on [default: that of the program in portcullis.toml]
    #[arg(long, value_name = "COUNCIL")]
    council: Option<Named>,
    #[command(flatten)]
    policy: PolicyArgs,
    /// The program's current upgrade authority [default: the signer]
    #[arg(long, value_name = "KEYPAIR")]
    upgrade_authority: Option<String>,
    /// The hash that you expect to be deployed (64 hexadecimal digits), such as that of your last release
    #[arg(long, value_name = "SHA256")]
    expect: Option<String>,
    #[command(flatten)]
    write: WriteArgs,
}

impl Adopt {
    /// Runs it.
    ///
    /// # Errors
    /// Where a signer is missing, the policy is impossible, or the program has a gate already.
    pub async fn run(self, ctx: &Context) -> Result<(), CliError> {
        let Self {
            program,
            council,
            policy,
            upgrade_authority,
            expect,
            write,
        } = self;
        let council = match (&council, &program) {
            (Some(council), _) => Some(ctx.council(council)?),
            (None, Named::Name(name)) => ctx.council_of(name)?,
            (None, Named::Address(_)) => None,
        };
        let council = council.ok_or_else(|| {
            CliError::usage("no_council", "a council must be named, and none is").hint(
                "give --council COUNCIL, or name one for the program in portcullis.toml; \
                 to make one: portcullis council create",
            )
        })?;
        let program = ctx.program(&program)?;
        let writer = ctx.writer(write)?;
        let council = writer.client.fetch_council(&council).await?;
        require_role(&council.account, &writer.key(), ROLE_PROPOSE, "propose")?;
        let gate = free_gate(&writer, &program).await?;
        if let Some(adopting) = gate.filter(|gate| gate.account.state() == Ok(GateState::Adopting))
        {
            return resume(ctx, &writer, &adopting, &council.address).await;
        }
        let policy = policy.policy(&council.account.powers());
        admit(&council, &policy)?;
        let programdata = writer.client.fetch_programdata(&program).await?;
        let current = current_authority(ctx, &program, &programdata)?;
        let authority = match &upgrade_authority {
            Some(source) => Some(writer.load_signer(source, "upgrade authority")?),
            None => None,
        };
        let given = authority
            .as_ref()
            .map_or(writer.key(), |signer| signer.pubkey());
        if given != current {
            return Err(wrong_authority(&program, &current, &given));
        }
        let deployed = deployed(&program, &programdata, expect.as_deref())?;

        let (guardian, guardian_json) = view::guardian(ctx).await?;
        for warning in policy_args::warnings(&policy) {
            ctx.out.warn(warning);
        }
        // A gate is never closed: a program that comes back finds its own.
        let rent = match gate {
            Some(_) => 0,
            None => writer.rent(Gate::space()).await?,
        };
        let gate_authority = pda::authority(&ctx.portcullis(), &program);
        let mut details = Fields::new()
            .row("program", program)
            .row("deployed", view::content(&deployed))
            .row("upgrade authority", current)
            .row("goes to", format!("{gate_authority} (the gate's signer)"))
            .row(
                "council",
                format!(
                    "{}, epoch {}",
                    council.address, council.account.config_epoch
                ),
            )
            .row("portcullis's own", guardian)
            .row("rent", format!("{rent} lamports, never returned"));
        if !deployed.is_hashed_at_once() {
            details.push(
                "hashing",
                format!(
                    "in {} more transactions; until then the gate governs nothing",
                    hash_transactions(deployed.len)
                ),
            );
        }
        details.push("policy", "");
        writer.show("about to put this program behind a gate", details)?;
        ctx.out.note(&policy_args::fields(&policy).render(4));

        let instruction = ctx.builder().adopt_program(
            council.address,
            program,
            current,
            writer.key(),
            writer.payer_key(),
            AdoptArgs {
                epoch: council.account.config_epoch,
                policy,
                deployed,
            },
        );
        let step = Step::new("adopt the program", vec![instruction])
            .compute_units(hash_compute_units(deployed.len));
        writer
            .require_funds(rent, false, std::slice::from_ref(&step))
            .await?;
        let details = json!({
            "program": program.to_string(),
            "council": council.address.to_string(),
            "deployed": view::content_json(&deployed),
            "former_authority": current.to_string(),
            "policy": policy_args::json(&policy),
            "rent_lamports": rent,
        });
        let more: Vec<&dyn Signer> = authority.iter().map(AsRef::as_ref).collect();
        let Some(signatures) = writer.run(&[step], details, &more).await? else {
            return Ok(());
        };
        if !deployed.is_hashed_at_once() && writer.signs_freely() {
            let council = council.address;
            hashing::in_steps(
                ctx,
                &writer,
                &Target::Program { council, program },
                deployed.len,
            )
            .await?;
        }
        let gate = writer.client.fetch_gate(&program).await?;
        let mut data = view::gate_json(&gate);
        data["former_authority"] = json!(current.to_string());
        data["rent_lamports"] = json!(rent);
        data["portcullis_upgrade_authority"] = guardian_json;
        data["signatures"] = signatures.iter().map(ToString::to_string).collect();
        if gate.account.state() == Ok(GateState::Adopting) {
            ctx.out.result(
                &format!(
                    "program {program} is being adopted by gate {}: until its bytes are hashed it governs nothing",
                    gate.address
                ),
                data,
            );
            ctx.out.note(&format!(
                "next, with keys in files and without --blockhash: the same portcullis gate adopt {program}, which hashes the program \
                 in many transactions"
            ));
            return Ok(());
        }
        ctx.out.result(
            &format!(
                "program {program} is behind gate {}\nrelease {}: {}",
                gate.address,
                gate.account.release.index,
                hash(&gate.account.release.sha256)
            ),
            data,
        );
        ctx.next(&format!(
            "next: portcullis buffer upload FILE.so --program {program}"
        ));
        Ok(())
    }
}

/// The gate that the program has had before, if it has left it or is about to be adopted.
async fn free_gate(writer: &Writer<'_>, program: &Pubkey) -> Result<Option<Keyed<Gate>>, CliError> {
    match writer.client.find_gate(program).await? {
        Some(gate) if gate.account.state() == Ok(GateState::Active) => Err(CliError::new(
            ExitCode::Refused,
            "already_adopted",
            format!("program {program} has the gate {} already", gate.address),
        )
        .hint(format!("portcullis gate show {program}"))),
        found => Ok(found),
    }
}

/// Goes on with the hash of a large program whose adoption was begun.
async fn resume(
    ctx: &Context,
    writer: &Writer<'_>,
    gate: &Keyed<Gate>,
    council: &Pubkey,
) -> Result<(), CliError> {
    let account = &gate.account;
    if account.council != *council {
        return Err(CliError::new(
            ExitCode::Refused,
            "another_council",
            format!(
                "the adoption of {} was begun for the council {}",
                account.program, account.council
            ),
        )
        .hint(format!(
            "its former authority takes it back: portcullis gate abandon {}",
            account.program
        )));
    }
    let deployed = account.release.commitment();
    writer.show(
        "about to go on with an adoption that was begun",
        Fields::new()
            .row("program", account.program)
            .row("deployed", view::content(&deployed))
            .row("gate", gate.address)
            .row("council", council),
    )?;
    writer.refuse_export(
        "an adoption is gone on with in many transactions, which anyone can send",
        "run it without --export and --blockhash",
    )?;
    if writer.sends_nothing() {
        return writer.stop_short(&[], view::gate_json(gate), &[]).await;
    }
    writer.confirm()?;
    let target = Target::Program {
        council: *council,
        program: account.program,
    };
    hashing::in_steps(ctx, writer, &target, deployed.len).await?;
    let gate = writer.client.fetch_gate(&account.program).await?;
    ctx.out.result(
        &format!(
            "program {} is behind gate {}\nrelease {}: {}",
            account.program,
            gate.address,
            gate.account.release.index,
            hash(&gate.account.release.sha256)
        ),
        view::gate_json(&gate),
    );
    Ok(())
}

/// The program's own check of the policy against the council.
fn admit(council: &Keyed<Council>, policy: &portcullis::policy::Policy) -> Result<(), CliError> {
    let mut copy = council.account;
    if !copy.is_sealed() {
        return Err(rule(portcullis::error::PortcullisError::CouncilNotSealed));
    }
    copy.admit_gate(policy).map_err(|error| {
        policy_args::refusal(
            error,
            &Judged {
                policy,
                members: council.account.members(),
                delay_floor_seconds: council.account.delay_floor_seconds,
                of: Of::Gate(&council.account),
            },
        )
    })
}

fn current_authority(
    ctx: &Context,
    program: &Pubkey,
    programdata: &Keyed<Programdata>,
) -> Result<Pubkey, CliError> {
    let Some(authority) = programdata.account.upgrade_authority else {
        return Err(CliError::new(
            ExitCode::Refused,
            "program_final",
            format!("program {program} has no upgrade authority any more: it can never change"),
        ));
    };
    if authority == pda::authority(&ctx.portcullis(), program) {
        return Err(CliError::new(
            ExitCode::Refused,
            "authority_is_gate",
            format!("the upgrade authority of {program} is its gate's signer already, but there is no gate"),
        )
        .hint("the authority was set by hand, without adoption; the RPC server may be behind: try again"));
    }
    Ok(authority)
}

fn wrong_authority(program: &Pubkey, required: &Pubkey, found: &Pubkey) -> CliError {
    CliError::new(
        ExitCode::Refused,
        "UpgradeAuthorityMismatch",
        format!("the upgrade authority of {program} is {required}, and must sign; found the key {found}"),
    )
    .hint("give its keypair with --upgrade-authority")
}

fn deployed(
    program: &Pubkey,
    programdata: &Keyed<Programdata>,
    expect: Option<&str>,
) -> Result<Commitment, CliError> {
    let deployed = programdata.account.commitment().ok_or_else(|| {
        CliError::new(
            ExitCode::Refused,
            "LengthOutOfRange",
            format!("program {program} holds no bytes but zeros"),
        )
    })?;
    if deployed.len > portcullis::constants::MAX_ELF_LEN {
        return Err(
            rule(portcullis::error::PortcullisError::ElfTooLarge).hint(format!(
                "the program has {} bytes, at most {} are possible",
                deployed.len,
                portcullis::constants::MAX_ELF_LEN
            )),
        );
    }
    let found = hash(&deployed.sha256);
    match expect {
        Some(expected) if !expected.eq_ignore_ascii_case(&found) => Err(CliError::mismatch(
            "HashMismatch",
            format!("program {program} must have the hash {expected}, it has {found}"),
        )
        .hint("do not adopt it before you know what is deployed")),
        _ => Ok(deployed),
    }
}
