//! From what the user names to the bytes of an ELF.

use std::{fs, path::Path};

use portcullis_analysis::inspect::Subject;
use portcullis_client::{
    account::{decode_buffer, decode_program, decode_programdata, Commitment, ProposalView},
    elf::MAX_LOADER_ELF_LEN,
};
use solana_sdk::pubkey::Pubkey;

use crate::{
    args::RefArgs, artifact, context::Context, error::CliError, exit::ExitCode, profile::Named,
    reference::Reference, resolve, view,
};

/// An ELF, and where it comes from.
pub struct Loaded {
    /// As the user knows it: a path, an address, a REF.
    pub name: String,
    /// file, program, programdata, buffer or proposal.
    pub kind: &'static str,
    pub bytes: Subject,
    /// The program whose deployed bytes it is compared with, unless the user says otherwise.
    pub base: Option<Pubkey>,
    /// The proposal's full name, if it is one.
    pub reference: Option<String>,
}

impl Loaded {
    fn new(name: impl Into<String>, kind: &'static str, bytes: Vec<u8>) -> Self {
        Self {
            name: name.into(),
            kind,
            bytes: Subject::of(bytes),
            base: None,
            reference: None,
        }
    }

    fn with_room(mut self, program: &Pubkey, room: usize) -> Self {
        self.bytes.room = Some((program.to_string(), room));
        self
    }

    /// Its name for other tools.
    pub fn uri(&self) -> String {
        match self.kind {
            "file" => self.name.clone(),
            _ => format!("solana:{}", self.name),
        }
    }
}

/// The bytes that are meant. A REF or a name is one also where there is a file of that name: write ./NAME for the file.
///
/// # Errors
/// Where there is nothing of that name, or it is no program; a buffer that is not what its proposal says.
pub async fn load(ctx: &Context, text: &str, args: &RefArgs) -> Result<Loaded, CliError> {
    match text.parse::<Reference>() {
        Ok(Reference::Subject(Named::Address(address))) => at(ctx, &address).await,
        Ok(Reference::Subject(Named::Name(_))) if Path::new(text).is_file() => file(text),
        Ok(Reference::Subject(named)) => deployed(ctx, &ctx.program(&named)?).await,
        // A file in a folder is also written so.
        Ok(Reference::Of(..)) if Path::new(text).is_file() => file(text),
        Ok(reference) => {
            let view = resolve::proposal(ctx, &reference, args).await?;
            proposal(ctx, &view).await
        }
        Err(_) => file(text),
    }
}

fn file(text: &str) -> Result<Loaded, CliError> {
    let path = Path::new(text);
    if let Ok(found) = fs::metadata(path) {
        let most = MAX_LOADER_ELF_LEN as u64;
        if found.is_file() && found.len() > most {
            return Err(CliError::usage(
                "elf_invalid",
                format!(
                    "{text} has {} bytes, loader v3 takes {most} at most",
                    found.len()
                ),
            )
            .hint("give the .so file that `cargo build-sbf` writes to target/deploy"));
        }
        if !found.is_file() && !found.is_dir() {
            return Err(CliError::usage(
                "file_unreadable",
                format!("{text} cannot be read: it is not a regular file"),
            )
            .hint("check the path"));
        }
    }
    Ok(Loaded::new(text, "file", artifact::read_file(path)?))
}

/// What an account holds: a program, its programdata, a buffer, or a proposal.
async fn at(ctx: &Context, address: &Pubkey) -> Result<Loaded, CliError> {
    let client = ctx.client()?;
    let account = client.get_account(address).await?.ok_or_else(|| {
        CliError::not_found(format!("there is no account {address}"))
            .hint("-u chooses the cluster; a file is given by its path")
    })?;
    if account.owner == ctx.portcullis() {
        let view = client.fetch_proposal_view(address).await?;
        return proposal(ctx, &view).await;
    }
    let name = address.to_string();
    // Loaders v1 and v2 keep the ELF in the program's own account.
    if account.executable && account.data.starts_with(b"\x7fELF") {
        return Ok(Loaded::new(name, "program", account.data));
    }
    if let Ok(buffer) = decode_buffer(address, &account) {
        let mut loaded = Loaded::new(name, "buffer", buffer.elf);
        if let Some(program) = governed_by(ctx, buffer.authority).await? {
            let room = client.fetch_programdata(&program).await?.account.elf.len();
            loaded = loaded.with_room(&program, room);
            loaded.base = Some(program);
        }
        return Ok(loaded);
    }
    if decode_program(address, &account).is_ok() {
        return deployed(ctx, address).await;
    }
    if let Ok(programdata) = decode_programdata(address, &account) {
        return Ok(Loaded::new(name, "programdata", programdata.elf));
    }
    Err(CliError::new(
        ExitCode::NotFound,
        "wrong_account",
        format!("{address} must be a program, a buffer or a proposal, and is none of them"),
    )
    .hint("-u chooses the cluster, --portcullis the instance"))
}

/// The program whose gate holds what has this authority. No key that somebody has is a gate's.
async fn governed_by(ctx: &Context, authority: Option<Pubkey>) -> Result<Option<Pubkey>, CliError> {
    let Some(authority) = authority.filter(|key| !key.is_on_curve()) else {
        return Ok(None);
    };
    let gates = ctx.client()?.list_gates(None).await?;
    let gate = gates
        .iter()
        .find(|gate| gate.account.authority == authority);
    Ok(gate.map(|gate| gate.account.program))
}

/// What runs now.
///
/// # Errors
/// Where there is no such program.
pub async fn deployed(ctx: &Context, program: &Pubkey) -> Result<Loaded, CliError> {
    let programdata = ctx.client()?.fetch_programdata(program).await?.account;
    let room = programdata.elf.len();
    Ok(Loaded::new(program.to_string(), "program", programdata.elf).with_room(program, room))
}

/// What a proposal would deploy: the bytes that were voted for, whatever the server says.
async fn proposal(ctx: &Context, view: &ProposalView) -> Result<Loaded, CliError> {
    let name = view::name(view);
    let program = view.keys().program();
    if !view.is_upgrade() {
        return Err(CliError::usage(
            "not_an_upgrade",
            format!(
                "proposal {name} deploys nothing that could be inspected: {}",
                view::action(view)
            ),
        )
        .hint(format!("what it does: portcullis review {name}")));
    }
    let buffer = view.proposal.terms.buffer;
    let account = match view.holds_buffer() {
        true => ctx.client()?.get_account(&buffer).await?,
        false => None,
    };
    let Some(account) = account else {
        return Err(CliError::not_found(format!(
            "proposal {name} holds no buffer any more: it is {}",
            view.status.name()
        ))
        .hint(format!("what runs now: portcullis inspect {program}")));
    };
    let elf = decode_buffer(&buffer, &account)?.elf;
    let (found, voted) = (Commitment::of(&elf).unwrap_or_default(), view.commitment());
    if found != voted {
        return Err(CliError::mismatch(
            "HashMismatch",
            format!(
                "proposal {name} would deploy {}, but the server gives {} for its buffer",
                view::content(&voted),
                view::content(&found)
            ),
        )
        .hint("do not approve: ask another server with -u"));
    }
    let room = ctx.client()?.fetch_programdata(&program).await?.account;
    let gate = view.gate.as_ref().map(|gate| &gate.account.release);
    let release = gate.map(|release| (release.sha256, release.len));
    let runs = room.commitment().map(|found| (found.sha256, found.len));
    if release.is_some() && release != runs {
        ctx.out.warn(format!(
            "what the server gives for {program} is not the gate's release: portcullis verify {program}"
        ));
    }
    let mut loaded = Loaded::new(name.clone(), "proposal", elf).with_room(&program, room.elf.len());
    loaded.base = Some(program);
    loaded.reference = Some(name);
    Ok(loaded)
}
