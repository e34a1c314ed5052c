//! Creates a council: in one transaction where its members fit, else in several that can be taken up again.

use clap::Args;
use portcullis::{
    constants::MAX_MEMBERS,
    policy::Policy,
    state::{Council, Member},
    transitions::CreateCouncilArgs,
};
use portcullis_client::{
    account::{Keyed, PortcullisAccount},
    pda,
};
use serde_json::json;
use solana_sdk::{
    pubkey::Pubkey,
    signer::{keypair::Keypair, Signer},
};

use crate::{
    args::WriteArgs,
    client_error::rule,
    context::Context,
    duration::{human, parse_seconds},
    error::CliError,
    exit::ExitCode,
    member::MemberArg,
    output::Fields,
    policy_args::{self, Judged, Of, PolicyArgs},
    view,
    write::{Step, Writer},
};

/// Members that fit beside the rest of a creation into one transaction; with more, the creation takes several.
const MEMBERS_AT_ONCE: usize = 16;
/// Members of one `add_members`.
const MEMBERS_PER_ADDITION: usize = 24;

/// Members, rules, and the key that determines the address.
#[derive(Args, Debug)]
#[command(after_help = "Examples:\n  \
    portcullis council create --threshold 2 --timelock 2d \\\n    \
      --member ALICE:propose,vote,execute --member BOB:propose,vote --member CAROL:vote:2 --member GUARDIAN:guard\n  \
    portcullis council create --threshold 2 --timelock 2d --emergency-threshold 3 --emergency-timelock 1h \\\n    \
      --trigger-threshold 1 --attestations build=1 --member CI:attest=build --member …\n\n\
    The rules given here are those for changing the council itself. No gate of it may be stricter, so give at least\n\
    the threshold and the timelock of its strictest gate, and switch on the lanes that its gates are to have.")]
pub struct Create {
    /// A member: KEY:ROLES[:WEIGHT]. Roles: propose, vote, execute, guard, attest=KINDS, or letters such as pve. Give it
    /// once for each
    #[arg(long = "member", value_name = "KEY:ROLES[:WEIGHT]", required = true)]
    members: Vec<MemberArg>,
    #[command(flatten)]
    policy: PolicyArgs,
    /// No delay of any gate may ever be below this [default: the compiled minimum]
    #[arg(long, value_name = "DURATION", value_parser = parse_seconds, default_value = "0")]
    delay_floor: u32,
    /// Keypair that determines the council's address; the same key takes up a creation that was interrupted
    #[arg(long, value_name = "KEYPAIR")]
    create_key: Option<String>,
    #[command(flatten)]
    write: WriteArgs,
}

struct Wanted {
    members: Vec<Member>,
    policy: Policy,
    delay_floor_seconds: u32,
}

impl Create {
    /// Runs it.
    ///
    /// # Errors
    /// An impossible policy or member set, before anything is sent.
    pub async fn run(self, ctx: &Context) -> Result<(), CliError> {
        let Self {
            members,
            policy,
            delay_floor,
            create_key,
            write,
        } = self;
        let (wanted, mut draft) = wanted(&members, &policy, delay_floor)?;
        if create_key.is_none() && wanted.members.len() > MEMBERS_AT_ONCE {
            return Err(CliError::usage(
                "create_key_required",
                format!(
                    "{} members take several transactions, so --create-key is required",
                    wanted.members.len()
                ),
            )
            .hint(
                "make one with `solana-keygen new --no-bip39-passphrase -o create-key.json`: if the creation is \
                 interrupted, the same command takes it up again",
            ));
        }
        if create_key.is_none() && write.apart.is_used() {
            return Err(CliError::usage(
                "create_key_required",
                "several machines must create the same council, so --create-key is required",
            )
            .hint("make one with `solana-keygen new --no-bip39-passphrase -o create-key.json`"));
        }
        let writer = ctx.writer(write)?;
        let create_key = match &create_key {
            Some(source) => writer.load_signer(source, "create key")?,
            None => Box::new(Keypair::new()),
        };
        draft.create_key = create_key.pubkey();
        let address = pda::council(&ctx.portcullis(), &create_key.pubkey());
        let existing = writer.client.find_council(&address).await?;
        let plan = plan(
            ctx,
            &writer,
            &wanted,
            create_key.pubkey(),
            existing.as_ref(),
        )?;

        ctx.out
            .note(&view::council_text(&address.to_string(), &draft));
        for warning in policy_args::warnings(&wanted.policy) {
            ctx.out.warn(warning);
        }
        let rent = match existing {
            Some(_) => 0,
            None => writer.rent(Council::space()).await?,
        };
        writer.show(
            "about to create this council",
            Fields::new()
                .row("council", address)
                .row("members", wanted.members.len())
                .row("threshold", wanted.policy.threshold)
                .row("timelock", human(wanted.policy.timelock_seconds))
                .row("rent", format!("{rent} lamports, never returned"))
                .row("transactions", plan.len()),
        )?;
        let stays = plan.len() > 1;
        writer.require_funds(rent, stays, &plan).await?;
        let details = json!({
            "council": view::council_json(&address.to_string(), &draft),
            "rent_lamports": rent,
        });
        let Some(signatures) = writer.run(&plan, details, &[create_key.as_ref()]).await? else {
            return Ok(());
        };
        let council = writer.client.fetch_council(&address).await?;
        let mut data = view::council_json(&address.to_string(), &council.account);
        data["signatures"] = signatures.iter().map(ToString::to_string).collect();
        data["rent_lamports"] = json!(rent);
        ctx.out.result(&format!("created council {address}"), data);
        ctx.next(&format!(
            "next: portcullis gate adopt PROGRAM_ID --council {address} --threshold {} --timelock {}s \
             --upgrade-authority KEYPAIR",
            wanted.policy.threshold, wanted.policy.timelock_seconds
        ));
        Ok(())
    }
}

/// The council as it would be, checked with the program's own code.
fn wanted(
    members: &[MemberArg],
    policy: &PolicyArgs,
    delay_floor_seconds: u32,
) -> Result<(Wanted, Council), CliError> {
    let mut members: Vec<Member> = members.iter().map(|member| member.0).collect();
    members.sort_by_key(|member| member.key);
    let mut neighbours = members.iter().zip(members.iter().skip(1));
    if let Some((twice, _)) = neighbours.find(|(one, next)| one.key == next.key) {
        return Err(CliError::usage(
            "member_given_twice",
            format!(
                "every member may be given once, {} is given twice",
                twice.key
            ),
        )
        .hint("give one --member with all of its roles"));
    }
    if members.len() > MAX_MEMBERS {
        return Err(CliError::new(
            ExitCode::Refused,
            "TooManyMembers",
            format!(
                "a council has at most {MAX_MEMBERS} members, found {}",
                members.len()
            ),
        ));
    }
    // All-zero bytes are a valid council without members.
    let mut council: Council = bytemuck::Zeroable::zeroed();
    council.push_members(&members).map_err(rule)?;
    let powers = council.powers();
    let policy = policy.policy(&powers);
    policy
        .validate(&powers, delay_floor_seconds)
        .map_err(|error| {
            policy_args::refusal(
                error,
                &Judged {
                    policy: &policy,
                    members: &members,
                    delay_floor_seconds,
                    of: Of::NewCouncil,
                },
            )
        })?;
    council.policy = policy;
    council.delay_floor_seconds = delay_floor_seconds;
    council.config_epoch = 1;
    Ok((
        Wanted {
            members,
            policy,
            delay_floor_seconds,
        },
        council,
    ))
}

/// The transactions that are still missing.
fn plan(
    ctx: &Context,
    writer: &Writer,
    wanted: &Wanted,
    key: Pubkey,
    existing: Option<&Keyed<Council>>,
) -> Result<Vec<Step>, CliError> {
    let builder = ctx.builder();
    let seal = builder.seal_council(key);
    let total = wanted.members.len();
    let create = |count: usize| {
        builder.create_council(
            key,
            writer.payer_key(),
            CreateCouncilArgs {
                policy: wanted.policy,
                delay_floor_seconds: wanted.delay_floor_seconds,
                members: wanted.members.iter().take(count).copied().collect(),
            },
        )
    };
    let (mut steps, done) = match existing {
        None if total <= MEMBERS_AT_ONCE => {
            return Ok(vec![Step::new(
                "create and seal the council",
                vec![create(total), seal],
            )]);
        }
        None => (
            vec![Step::new(
                "create the council",
                vec![create(MEMBERS_AT_ONCE)],
            )],
            MEMBERS_AT_ONCE,
        ),
        Some(found) => (Vec::new(), resumable(found, wanted)?),
    };
    let rest = wanted.members.get(done..).unwrap_or_default();
    for members in rest.chunks(MEMBERS_PER_ADDITION) {
        steps.push(Step::new(
            format!("add {} members", members.len()),
            vec![builder.add_members(key, members.to_vec())],
        ));
    }
    steps.push(Step::new("seal the council", vec![seal]));
    Ok(steps)
}

/// How many members an interrupted creation has already added; they must be the first of those wanted.
fn resumable(found: &Keyed<Council>, wanted: &Wanted) -> Result<usize, CliError> {
    let council = &found.account;
    let address = found.address;
    if council.is_sealed() {
        return Err(CliError::new(
            ExitCode::Refused,
            "CouncilSealed",
            format!("the council {address} of this create key exists and is sealed"),
        )
        .hint(format!(
            "portcullis council show {address}; use another --create-key for another council"
        )));
    }
    let same = council.policy == wanted.policy
        && council.delay_floor_seconds == wanted.delay_floor_seconds
        && wanted.members.starts_with(council.members());
    if !same {
        return Err(CliError::mismatch(
            "council_differs",
            format!(
                "the council {address} of this create key was begun with other members or rules"
            ),
        )
        .hint(
            "run the very command that was interrupted, or begin anew with another --create-key",
        ));
    }
    Ok(council.members().len())
}
