//! What the ELF runs instead of the dispatcher that `#[program]` writes: instruction data is read to its last byte, and what all
//! instructions have in common stands in the ELF once. The list below is that of `#[program]`, in the same order; what it names and
//! that one lacks does not compile, and what it lacks is refused as unknown, which `data_fuzz` would notice.

use std::{collections::BTreeSet, mem::ManuallyDrop};

use anchor_lang::{
    error::{ComparedValues, Error, ErrorCode, ErrorOrigin},
    event::EVENT_IX_TAG_LE,
    prelude::*,
    solana_program::log::sol_log,
    Bumps, Discriminator,
};

use crate::{decode::decode, instruction, instructions::*, portcullis};

macro_rules! dispatch {
    ($($handler:ident: $Instruction:ident $({ $args:ident })?, $Accounts:ident;)+) => {
        fn dispatch<'info>(
            program: &'info Pubkey,
            accounts: &'info [AccountInfo<'info>],
            data: &'info [u8],
        ) -> Result<()> {
            // No account is ever reallocated.
            let mut reallocs = ManuallyDrop::new(BTreeSet::new());
            $(
                if let Some(data) = data.strip_prefix(instruction::$Instruction::DISCRIMINATOR) {
                    #[cfg(not(feature = "no-log-ix-name"))]
                    sol_log(concat!("Instruction: ", stringify!($Instruction)));
                    return run(program, accounts, data, &mut reallocs, |context: Context<$Accounts>, data| {
                        let instruction::$Instruction $({ $args })? = data;
                        portcullis::$handler(context $(, $args)?)
                    });
                }
            )+
            // Anchor's events by self-CPI, which Portcullis does not use.
            Err(if data.starts_with(EVENT_IX_TAG_LE) {
                ErrorCode::EventInstructionStub
            } else {
                ErrorCode::InstructionFallbackNotFound
            }
            .into())
        }
    };
}

// Votes come first, as in `#[program]`.
dispatch! {
    approve: Approve { args }, Approve;
    reject: Reject { args }, Oppose;
    retract: Retract { args }, Oppose;
    veto: Veto { args }, Oppose;
    create_council: CreateCouncil { args }, CreateCouncil;
    add_members: AddMembers { members }, BuildCouncil;
    seal_council: SealCouncil, BuildCouncil;
    adopt_program: AdoptProgram { args }, AdoptProgram;
    propose_upgrade: ProposeUpgrade { args }, ProposeUpgrade;
    verify_buffer: VerifyBuffer, VerifyBuffer;
    cancel: Cancel, Cancel;
    queue: Queue, Queue;
    execute_upgrade: ExecuteUpgrade, ExecuteUpgrade;
    return_buffer: ReturnBuffer, ReturnBuffer;
    close_buffer: CloseBuffer, CloseBuffer;
    close_proposal: CloseProposal, CloseProposal;
    relay_vote: RelayVote { args }, RelayVote;
    trigger: Trigger { args }, Approve;
    attest: Attest { args }, Attest;
    relay_attestation: RelayAttestation { args }, RelayAttestation;
    revoke_attestation: RevokeAttestation { args }, RevokeAttestation;
    close_attestation: CloseAttestation, CloseAttestation;
    repropose_upgrade: ReproposeUpgrade { args }, ReproposeUpgrade;
    propose_change: ProposeChange { args }, ProposeChange;
    execute_change: ExecuteChange, ExecuteChange;
    transfer_authority: TransferAuthority, TransferAuthority;
    finalize_program: FinalizeProgram, FinalizeProgram;
    move_gate: MoveGate, MoveGate;
    hash_buffer: HashBuffer { args }, HashBuffer;
    hash_program: HashProgram { args }, HashProgram;
    close_hashing: CloseHashing, CloseHashing;
    abandon_adoption: AbandonAdoption, AbandonAdoption;
}

/// Reads the arguments, checks the accounts, and hands both to the handler. Not inlined: the stack frame of all instructions together
/// would be too large.
#[inline(never)]
fn run<'info, A, D>(
    program: &'info Pubkey,
    infos: &'info [AccountInfo<'info>],
    data: &[u8],
    reallocs: &mut BTreeSet<Pubkey>,
    handler: impl FnOnce(Context<'info, A>, D) -> Result<()>,
) -> Result<()>
where
    A: Accounts<'info, A::Bumps> + Bumps<Bumps: Default> + 'info,
    D: AnchorDeserialize,
{
    let arguments = decode(data).ok_or(ErrorCode::InstructionDidNotDeserialize)?;
    let mut rest = infos;
    let mut bumps = A::Bumps::default();
    let mut accounts = A::try_accounts(program, &mut rest, data, &mut bumps, reallocs)?;
    // SAFETY: the handler has returned before `accounts` goes.
    let context = Context::new(program, unsafe { &mut *(&raw mut accounts) }, rest, bumps);
    // Anchor would write its accounts back then; here they are open in place.
    handler(context, arguments)
}

/// As the `entry` that Anchor writes; an error is logged, and its number returned.
pub fn entry<'info>(
    program: &'info Pubkey,
    accounts: &'info [AccountInfo<'info>],
    data: &'info [u8],
) -> core::result::Result<(), ProgramError> {
    let result = if *program == crate::ID {
        dispatch(program, accounts, data)
    } else {
        Err(ErrorCode::DeclaredProgramIdMismatch.into())
    };
    result.map_err(|error| {
        log(&error);
        error.into()
    })
}

/// The lines that Anchor logs, without `core::fmt`, whose code is thousands of bytes long. Errors of the runtime's own it logs itself.
#[cold]
#[inline(never)]
fn log(error: &Error) {
    let Error::AnchorError(error) = error else {
        return;
    };
    let mut line = String::from("AnchorError");
    match &error.error_origin {
        Some(ErrorOrigin::AccountName(name)) => {
            line.push_str(" caused by account: ");
            line.push_str(name);
        }
        _ => line.push_str(" occurred"),
    }
    line.push_str(". Error Code: ");
    line.push_str(&error.error_name);
    line.push_str(". Error Number: ");
    put_number(&mut line, error.error_code_number);
    line.push_str(". Error Message: ");
    line.push_str(&error.error_msg);
    line.push('.');
    sol_log(&line);
    if let Some(ComparedValues::Pubkeys((left, right))) = &error.compared_values {
        sol_log("Left:");
        left.log();
        sol_log("Right:");
        right.log();
    }
}

fn put_number(line: &mut String, number: u32) {
    if let rest @ 1.. = number / 10 {
        put_number(line, rest);
    }
    // The digit is below ten.
    line.push(char::from(b'0'.wrapping_add((number % 10) as u8)));
}
