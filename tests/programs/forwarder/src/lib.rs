//! A program whose addresses are members of a council: it forwards a call to any program, and signs it as one of its own
//! addresses. What a multisig's vault or a DAO's treasury does after its own votes, without these.

#[cfg(target_arch = "bpf")]
use solana_compiler_builtins as _;

use borsh::{BorshDeserialize, BorshSerialize};
use solana_program::{
    account_info::AccountInfo,
    entrypoint::ProgramResult,
    instruction::{AccountMeta, Instruction},
    program::invoke_signed,
    program_error::ProgramError,
    pubkey::Pubkey,
};

/// First seed of the addresses that it signs for: `["member", name]`.
pub const MEMBER_SEED: &[u8] = b"member";

/// What to forward. Accounts: the called program, then those of the call.
#[derive(BorshSerialize, BorshDeserialize, Clone, Debug)]
pub struct Forward {
    /// Second seed of the address that signs.
    pub name: Vec<u8>,
    pub bump: u8,
    /// Whether it signs at all.
    pub sign: bool,
    /// The call's instruction data.
    pub data: Vec<u8>,
}

#[cfg(not(feature = "no-entrypoint"))]
solana_program::entrypoint!(process);

/// Forwards the call with the accounts' own flags; the address of `name` signs it too, if it is asked to.
///
/// # Errors
/// `InvalidInstructionData`, `NotEnoughAccountKeys`, or those of the call.
pub fn process(program_id: &Pubkey, accounts: &[AccountInfo], data: &[u8]) -> ProgramResult {
    let forward =
        Forward::try_from_slice(data).map_err(|_| ProgramError::InvalidInstructionData)?;
    let (program, rest) = accounts
        .split_first()
        .ok_or(ProgramError::NotEnoughAccountKeys)?;
    let bump = [forward.bump];
    let seeds: &[&[u8]] = &[MEMBER_SEED, &forward.name, &bump];
    let member = Pubkey::create_program_address(seeds, program_id)?;
    let call = Instruction {
        program_id: *program.key,
        accounts: rest
            .iter()
            .map(|account| AccountMeta {
                pubkey: *account.key,
                is_signer: account.is_signer || (forward.sign && *account.key == member),
                is_writable: account.is_writable,
            })
            .collect(),
        data: forward.data,
    };
    invoke_signed(&call, accounts, &[seeds])
}
