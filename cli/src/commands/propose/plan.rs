//! An upgrade that is about to be proposed, in whatever lane: what it says, what the program would say to it, what is sent.

use portcullis::{
    constants::MAX_ELF_LEN,
    digest::Commitment,
    error::PortcullisError,
    lifecycle::Lane,
    state::{Gate, Proposal, Terms},
    transitions::{self, UpgradeAccounts, UpgradeArgs},
};
use portcullis_client::{
    account::{decode_buffer, Buffer, Keyed, PortcullisAccount},
    pda,
    transaction::{
        build_message, hash_compute_units, with_budget, MAX_COMPUTE_UNITS, MAX_TRANSACTION_BYTES,
        PROPOSE_COMPUTE_UNITS,
    },
    SendOptions,
};
use solana_sdk::{hash::Hash, instruction::Instruction, pubkey::Pubkey};

use super::common::{Explained, Place};
use crate::{
    client_error::rule,
    context::Context,
    error::CliError,
    exit::ExitCode,
    output::Fields,
    view,
    write::{Step, Writer},
};

/// What to do about a gate that does not govern its program.
pub const NOT_ACTIVE: &str =
    "a large program is hashed first, one that has left is adopted again: portcullis gate show";

/// An upgrade that is about to be proposed.
pub struct Plan {
    pub index: u32,
    pub buffer: Pubkey,
    pub spill: Pubkey,
    pub args: UpgradeArgs,
}

impl Plan {
    /// An upgrade of what runs now to what the buffer holds.
    pub fn new(
        place: &Place,
        gate: &Gate,
        lane: Lane,
        (buffer, commitment): (Pubkey, Commitment),
        spill: Pubkey,
        explained: &Explained,
    ) -> Self {
        Self {
            index: place.next_index(),
            buffer,
            spill,
            args: UpgradeArgs {
                lane,
                commitment,
                base_index: gate.release.index,
                base: gate.release.commitment(),
                epoch: place.council.account.config_epoch,
                life: gate.life,
                statement: explained.statement.clone(),
                not_before: explained.not_before,
                predecessor: None,
            },
        }
    }

    /// Makes it with the program's own code on `ahead`, a copy of what is on chain; gives its terms.
    ///
    /// # Errors
    /// The rule that stands against it.
    pub fn rehearse(&self, ahead: &mut Place, writer: &Writer) -> Result<Terms, CliError> {
        let accounts = UpgradeAccounts {
            gate: ahead.parent(),
            buffer: self.buffer,
            spill: self.spill,
            proposer: writer.key(),
            rent_payer: writer.payer_key(),
        };
        ahead
            .rehearse(|parent, proposal, now| {
                let args = self.args.clone();
                transitions::propose_upgrade(parent, proposal, &accounts, [0; 32], args, now)
            })
            .map_err(|error| refused(error, &self.args))
    }

    /// Proposes it, and hashes the buffer if one transaction can.
    pub fn instructions(&self, ctx: &Context, writer: &Writer, place: &Place) -> Vec<Instruction> {
        let (builder, keys) = (ctx.builder(), place.keys(self.index));
        let mut instructions = vec![builder.propose_upgrade(
            &keys,
            self.buffer,
            self.spill,
            writer.key(),
            writer.payer_key(),
            self.args.clone(),
        )];
        if self.args.commitment.is_hashed_at_once() {
            instructions.push(builder.verify_buffer(&keys, self.buffer));
        }
        instructions
    }

    /// Compute units of these instructions.
    pub fn compute_units(&self) -> u32 {
        let hash = if self.args.commitment.is_hashed_at_once() {
            hash_compute_units(self.args.commitment.len)
        } else {
            0
        };
        hash.saturating_add(PROPOSE_COMPUTE_UNITS)
            .min(MAX_COMPUTE_UNITS)
    }

    /// The transaction that proposes it.
    pub fn step(&self, ctx: &Context, writer: &Writer, place: &Place) -> Step {
        let label = if self.args.commitment.is_hashed_at_once() {
            "propose and verify"
        } else {
            "propose"
        };
        Step::new(label, self.instructions(ctx, writer, place)).compute_units(self.compute_units())
    }

    /// Lamports that the proposal's account locks until it is closed.
    ///
    /// # Errors
    /// Those of the RPC server.
    pub async fn rent(&self, writer: &Writer<'_>) -> Result<u64, CliError> {
        let change = match self.args.predecessor {
            Some(predecessor) => portcullis::change::Change::Upgrade(predecessor)
                .to_bytes()
                .map_err(rule)?
                .len(),
            None => 0,
        };
        writer.rent(Proposal::space().saturating_add(change)).await
    }

    /// What it says, for people.
    pub fn details(&self, place: &Place, gate: &Gate) -> Fields {
        let args = &self.args;
        let next = args.base_index != gate.release.index;
        let mut fields = Fields::new()
            .row("proposal", place.name(self.index))
            .row("program", gate.program)
            .row(
                "from",
                format!(
                    "{}, release {}{}",
                    view::content(&args.base),
                    args.base_index,
                    if next { ", yet to come" } else { "" }
                ),
            )
            .row("to", view::content(&args.commitment))
            .row(
                "buffer",
                format!("{}: it goes into the gate's custody", self.buffer),
            )
            .row("authority", gate.authority);
        if let Some(predecessor) = &args.predecessor {
            fields.push(
                "waits for",
                format!(
                    "the release of gate {} by proposal {}, and {} of it running",
                    predecessor.gate,
                    crate::client_error::hash(&predecessor.digest),
                    crate::duration::human(predecessor.soak_seconds)
                ),
            );
        }
        fields
    }
}

/// Whether instructions fit into one transaction with these compute units.
///
/// # Errors
/// `invalid_transaction`; cannot happen with instructions made here.
pub fn fits(
    writer: &Writer,
    instructions: &[Instruction],
    compute_units: u32,
) -> Result<bool, CliError> {
    let options: SendOptions = writer.options(Some(compute_units));
    let message = build_message(
        &with_budget(instructions, &options),
        &writer.payer_key(),
        &[],
        Hash::default(),
    )?;
    let signatures = usize::from(message.header().num_required_signatures);
    // A byte that counts the signatures, 64 for each, then the message.
    let bytes = message
        .serialize()
        .len()
        .saturating_add(signatures.saturating_mul(64))
        .saturating_add(1);
    Ok(bytes <= MAX_TRANSACTION_BYTES && compute_units < MAX_COMPUTE_UNITS)
}

/// The program's refusal, with what to do.
pub fn refused(error: PortcullisError, args: &UpgradeArgs) -> CliError {
    let hint = match error {
        PortcullisError::EmergencyLaneOff => {
            "switch it on by a vote: portcullis propose policy --emergency-threshold WEIGHT --emergency-timelock 1h"
                .to_string()
        }
        PortcullisError::StandbyLaneOff => {
            "switch it on by a vote: portcullis propose policy --trigger-threshold GUARDIANS".to_string()
        }
        PortcullisError::GateNotActive => NOT_ACTIVE.to_string(),
        PortcullisError::ReleaseRevoked => {
            "a standard or emergency upgrade to the same code takes the mark away".to_string()
        }
        PortcullisError::NotAnEarlierRelease => {
            "look at the releases that it remembers: portcullis gate show".to_string()
        }
        PortcullisError::PredecessorInvalid => {
            "name a proposal of another program of the same council, and a soak of 90 days at most".to_string()
        }
        PortcullisError::ElfTooLarge => format!(
            "the buffer holds {} bytes, at most {MAX_ELF_LEN} fit a program",
            args.commitment.len
        ),
        PortcullisError::BaseMismatch => {
            "the gate has another release by now: run the command again".to_string()
        }
        _ => "nothing was sent".to_string(),
    };
    rule(error).hint(hint)
}

/// The commitment to what a buffer holds, and its lamports, if the signer may propose it.
///
/// # Errors
/// No such buffer, one of somebody else, one without bytes.
pub async fn uploaded(
    ctx: &Context,
    writer: &Writer<'_>,
    gate: &Keyed<Gate>,
    address: &Pubkey,
) -> Result<(Commitment, u64), CliError> {
    let account = writer.client.get_account(address).await?.ok_or_else(|| {
        CliError::not_found(format!("there is no buffer {address} on this cluster")).hint(
            "upload one: portcullis buffer upload FILE.so; list yours: portcullis buffer list",
        )
    })?;
    let buffer: Buffer = decode_buffer(address, &account)?;
    require_authority(ctx, gate, address, &buffer, &writer.key())?;
    let commitment = buffer.commitment().ok_or_else(|| {
        rule(PortcullisError::LengthOutOfRange)
            .context(format!("buffer {address} holds nothing but zeros"))
            .hint("finish its upload: portcullis buffer upload FILE.so")
    })?;
    Ok((commitment, account.lamports))
}

fn require_authority(
    ctx: &Context,
    gate: &Keyed<Gate>,
    address: &Pubkey,
    buffer: &Buffer,
    key: &Pubkey,
) -> Result<(), CliError> {
    if buffer.authority == Some(*key) {
        return Ok(());
    }
    let program = gate.account.program;
    let error = |found: String| {
        CliError::new(
            ExitCode::Refused,
            "BufferAuthorityMismatch",
            format!("the proposer must be the authority of buffer {address}: it is {found}, the signer is {key}"),
        )
    };
    Err(match buffer.authority {
        Some(authority) if authority == pda::authority(&ctx.portcullis(), &program) => {
            error(format!("{authority}, this gate's signer")).hint(format!(
                "a proposal holds it already: portcullis list --program {program}; its rollback is added with \
                 portcullis propose rollback --for REF --program {program}; once it has ended, portcullis repropose \
                 REF carries its buffer over",
            ))
        }
        Some(authority) if !authority.is_on_curve() => error(format!("{authority}, a program's address")).hint(
            "the gate of another program may hold it; upload a buffer of your own: portcullis buffer upload FILE.so",
        ),
        Some(authority) => error(authority.to_string()).hint(format!(
            "its authority hands it over with: solana program set-buffer-authority {address} \
             --new-buffer-authority {key}"
        )),
        None => error("nobody (the buffer is immutable)".to_string())
            .hint("upload a buffer of your own: portcullis buffer upload FILE.so"),
    })
}
