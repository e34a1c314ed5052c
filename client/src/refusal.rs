//! What a program said when it refused: its name for the broken rule, found from the error code and the logs.

use anchor_lang::error::ErrorCode;
use portcullis::error::PortcullisError;
use solana_sdk::{instruction::InstructionError, pubkey::Pubkey, transaction::TransactionError};
use solana_sdk_ids::{bpf_loader_upgradeable, system_program};
use solana_system_interface::error::SystemError;

/// A program's refusal of a transaction. The whole transaction had no effect but its fee.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Refusal {
    /// The program that refused; by CPI it may be another than the instruction's.
    pub program: Pubkey,
    /// The top-level instruction, from 0.
    pub instruction_index: usize,
    /// The broken rule: `TimelockNotElapsed`, `ConstraintHasOne`, `IncorrectAuthority`, …
    pub name: String,
    /// What the program says about it.
    pub message: String,
    /// The program's own error code, if it gave one.
    pub code: Option<u32>,
    /// The transaction's logs.
    pub logs: Vec<String>,
}

impl std::fmt::Display for Refusal {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "refused: {}", self.name)?;
        if !self.message.is_empty() {
            write!(f, ": {}", self.message)?;
        }
        write!(
            f,
            " (program {}, instruction {})",
            self.program, self.instruction_index
        )
    }
}

/// Lists all variants of an error enum. The match makes sure that a new one is not forgotten here.
macro_rules! variants {
    ($list:ident, $type:ident { $($variant:ident),+ $(,)? }) => {
        const $list: &[$type] = &[$($type::$variant),+];

        const _: fn($type) = |error| match error {
            $($type::$variant)|+ => {}
        };
    };
}

variants!(
    ANCHOR_ERRORS,
    ErrorCode {
        InstructionMissing,
        InstructionFallbackNotFound,
        InstructionDidNotDeserialize,
        InstructionDidNotSerialize,
        IdlInstructionStub,
        IdlInstructionInvalidProgram,
        IdlAccountNotEmpty,
        EventInstructionStub,
        ConstraintMut,
        ConstraintHasOne,
        ConstraintSigner,
        ConstraintRaw,
        ConstraintOwner,
        ConstraintRentExempt,
        ConstraintSeeds,
        ConstraintExecutable,
        ConstraintState,
        ConstraintAssociated,
        ConstraintAssociatedInit,
        ConstraintClose,
        ConstraintAddress,
        ConstraintZero,
        ConstraintTokenMint,
        ConstraintTokenOwner,
        ConstraintMintMintAuthority,
        ConstraintMintFreezeAuthority,
        ConstraintMintDecimals,
        ConstraintSpace,
        ConstraintAccountIsNone,
        ConstraintTokenTokenProgram,
        ConstraintMintTokenProgram,
        ConstraintAssociatedTokenTokenProgram,
        ConstraintMintGroupPointerExtension,
        ConstraintMintGroupPointerExtensionAuthority,
        ConstraintMintGroupPointerExtensionGroupAddress,
        ConstraintMintGroupMemberPointerExtension,
        ConstraintMintGroupMemberPointerExtensionAuthority,
        ConstraintMintGroupMemberPointerExtensionMemberAddress,
        ConstraintMintMetadataPointerExtension,
        ConstraintMintMetadataPointerExtensionAuthority,
        ConstraintMintMetadataPointerExtensionMetadataAddress,
        ConstraintMintCloseAuthorityExtension,
        ConstraintMintCloseAuthorityExtensionAuthority,
        ConstraintMintPermanentDelegateExtension,
        ConstraintMintPermanentDelegateExtensionDelegate,
        ConstraintMintTransferHookExtension,
        ConstraintMintTransferHookExtensionAuthority,
        ConstraintMintTransferHookExtensionProgramId,
        ConstraintDuplicateMutableAccount,
        AccountAlreadyMigrated,
        AccountNotMigrated,
        ConstraintMintPausableExtension,
        ConstraintMintPausableAuthority,
        RequireViolated,
        RequireEqViolated,
        RequireKeysEqViolated,
        RequireNeqViolated,
        RequireKeysNeqViolated,
        RequireGtViolated,
        RequireGteViolated,
        AccountDiscriminatorAlreadySet,
        AccountDiscriminatorNotFound,
        AccountDiscriminatorMismatch,
        AccountDidNotDeserialize,
        AccountDidNotSerialize,
        AccountNotEnoughKeys,
        AccountNotMutable,
        AccountOwnedByWrongProgram,
        InvalidProgramId,
        InvalidProgramExecutable,
        AccountNotSigner,
        AccountNotSystemOwned,
        AccountNotInitialized,
        AccountNotProgramData,
        AccountNotAssociatedTokenAccount,
        AccountSysvarMismatch,
        AccountReallocExceedsLimit,
        AccountDuplicateReallocs,
        DeclaredProgramIdMismatch,
        TryingToInitPayerAsProgramAccount,
        InvalidNumericConversion,
        Deprecated,
    }
);

/// Name and message of an error code of Portcullis. `None` for a code that this version does not have.
pub fn portcullis_error(code: u32) -> Option<(String, String)> {
    PortcullisError::ALL
        .iter()
        .find(|error| u32::from(**error) == code)
        .map(|error| (error.name().to_string(), error.message().to_string()))
}

/// Name and message of an error code of Anchor's framework.
pub fn anchor_error(code: u32) -> Option<(String, String)> {
    ANCHOR_ERRORS
        .iter()
        .find(|error| u32::from(**error) == code)
        .map(|error| (error.name(), error.to_string()))
}

/// Finds which program refused and why. `programs` are those of the top-level instructions, in order. `None` where no
/// program refused, but the runtime.
pub fn decode_refusal(
    error: &TransactionError,
    programs: &[Pubkey],
    logs: &[String],
    portcullis: &Pubkey,
) -> Option<Refusal> {
    let TransactionError::InstructionError(index, error) = error else {
        return None;
    };
    let instruction_index = usize::from(*index);
    // A failed CPI fails the transaction, so the first program that is logged as failed is the one that refused.
    let failed = logs
        .iter()
        .enumerate()
        .find_map(|(line, log)| Some((line, failed_program(log)?)));
    let program = match failed {
        Some((_, program)) => program,
        None => programs.get(instruction_index).copied()?,
    };
    // What the program logged itself right before it failed; the runtime's own lines are about compute units.
    let said = failed.and_then(|(line, _)| {
        logs.get(..line)?
            .iter()
            .rev()
            .take_while(|log| !is_frame(log))
            .find(|log| !log.ends_with(" compute units") && !log.starts_with("Program data: "))
            .map(|log| log.strip_prefix("Program log: ").unwrap_or(log).to_string())
    });

    let code = match error {
        InstructionError::Custom(code) => Some(*code),
        _ => None,
    };
    let (name, message) = code
        .and_then(|code| named_code(&program, portcullis, code))
        .or_else(|| {
            let said = said.as_deref()?;
            anchor_log(said)
                .or_else(|| loader_log(said).filter(|_| program == bpf_loader_upgradeable::ID))
        })
        .unwrap_or_else(|| {
            let name = match error {
                InstructionError::Custom(code) => format!("Custom({code})"),
                error => format!("{error:?}"),
            };
            (name, said.unwrap_or_else(|| error.to_string()))
        });
    Some(Refusal {
        program,
        instruction_index,
        name,
        message,
        code,
        logs: logs.to_vec(),
    })
}

fn named_code(program: &Pubkey, portcullis: &Pubkey, code: u32) -> Option<(String, String)> {
    if program == portcullis {
        return portcullis_error(code).or_else(|| anchor_error(code));
    }
    if *program == system_program::ID {
        let error = SYSTEM_ERRORS.get(usize::try_from(code).ok()?)?;
        return Some((format!("{error:?}"), error.to_string()));
    }
    None
}

/// The System program's errors by their codes.
const SYSTEM_ERRORS: &[SystemError] = &[
    SystemError::AccountAlreadyInUse,
    SystemError::ResultWithNegativeLamports,
    SystemError::InvalidProgramId,
    SystemError::InvalidAccountDataLength,
    SystemError::MaxSeedLengthExceeded,
    SystemError::AddressWithSeedMismatch,
    SystemError::NonceNoRecentBlockhashes,
    SystemError::NonceBlockhashNotExpired,
    SystemError::NonceUnexpectedBlockhashValue,
];

/// The program of a line `Program KEY failed: reason`.
fn failed_program(log: &str) -> Option<Pubkey> {
    let (key, rest) = log.strip_prefix("Program ")?.split_once(' ')?;
    rest.starts_with("failed: ")
        .then(|| key.parse().ok())
        .flatten()
}

/// Whether a line opens or closes the run of a program: what stands before it was said by another one.
fn is_frame(log: &str) -> bool {
    log.strip_prefix("Program ")
        .and_then(|rest| rest.split_once(' '))
        .is_some_and(|(key, rest)| {
            (rest.starts_with("invoke [") || rest == "success") && key.parse::<Pubkey>().is_ok()
        })
}

/// `AnchorError … Error Code: NAME. Error Number: 2001. Error Message: MESSAGE.`, as any Anchor program logs it.
fn anchor_log(said: &str) -> Option<(String, String)> {
    let (_, rest) = said.split_once("Error Code: ")?;
    let (name, rest) = rest.split_once(". Error Number: ")?;
    let (_, message) = rest.split_once(". Error Message: ")?;
    Some((name.to_string(), message.trim_end_matches('.').to_string()))
}

/// Loader v3 says in one plain sentence why it refuses (solana-bpf-loader-program 4.2), and its error codes alone do not tell
/// the reasons apart, so the sentence is the name: "Incorrect authority provided" is `IncorrectAuthorityProvided`.
fn loader_log(said: &str) -> Option<(String, String)> {
    let plain = |byte: u8| byte.is_ascii_alphabetic() || byte == b' ' || byte == b'\'';
    if said.is_empty() || !said.bytes().all(plain) {
        return None;
    }
    let name = said.split(' ').fold(String::new(), |mut name, word| {
        let mut letters = word.chars().filter(char::is_ascii_alphabetic);
        name.extend(letters.next().map(|first| first.to_ascii_uppercase()));
        name.extend(letters);
        name
    });
    Some((name, said.to_string()))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn decode(error: InstructionError, program: Pubkey, logs: &[&str]) -> Refusal {
        let logs: Vec<String> = logs.iter().map(ToString::to_string).collect();
        let error = TransactionError::InstructionError(1, error);
        decode_refusal(
            &error,
            &[Pubkey::default(), program],
            &logs,
            &portcullis::ID,
        )
        .unwrap()
    }

    #[test]
    fn every_code_of_portcullis_has_its_name() {
        let (name, message) = portcullis_error(6000).unwrap();
        assert_eq!(name, "CouncilSealed");
        assert!(message.starts_with("The council is already sealed"));
        let count = u32::try_from(PortcullisError::ALL.len()).unwrap();
        assert!((6000..6000 + count).all(|code| portcullis_error(code).is_some()));
        assert_eq!(portcullis_error(6000 + count), None);
        assert_eq!(portcullis_error(0), None);
    }

    #[test]
    fn a_rule_of_portcullis_is_named_without_any_logs() {
        let code = u32::from(PortcullisError::TimelockNotElapsed);
        let refusal = decode(InstructionError::Custom(code), portcullis::ID, &[]);
        assert_eq!(refusal.name, "TimelockNotElapsed");
        assert_eq!(refusal.code, Some(code));
        assert_eq!(refusal.instruction_index, 1);
        assert_eq!(
            refusal.to_string(),
            format!(
                "refused: TimelockNotElapsed: The timelock has not elapsed (program {}, instruction 1)",
                portcullis::ID
            )
        );
    }

    #[test]
    fn anchor_s_own_errors_have_their_names() {
        for (code, name) in [
            (2001, "ConstraintHasOne"),
            (3010, "AccountNotSigner"),
            (3012, "AccountNotInitialized"),
            (101, "InstructionFallbackNotFound"),
        ] {
            let refusal = decode(InstructionError::Custom(code), portcullis::ID, &[]);
            assert_eq!(refusal.name, name);
        }
    }

    #[test]
    fn the_loader_s_sentence_is_the_name_also_through_a_cpi() {
        let (loader, id) = (bpf_loader_upgradeable::ID, portcullis::ID);
        let logs = [
            format!("Program {id} invoke [1]"),
            "Program log: Instruction: ExecuteUpgrade".into(),
            format!("Program {loader} invoke [2]"),
            "Program was deployed in this block already".into(),
            format!("Program {loader} failed: invalid program argument"),
            format!("Program {id} consumed 9 of 10 compute units"),
            format!("Program {id} failed: invalid program argument"),
        ];
        let logs: Vec<&str> = logs.iter().map(String::as_str).collect();
        let refusal = decode(InstructionError::InvalidArgument, id, &logs);
        assert_eq!(refusal.program, loader);
        assert_eq!(refusal.name, "ProgramWasDeployedInThisBlockAlready");
        assert_eq!(
            refusal.message,
            "Program was deployed in this block already"
        );
        assert_eq!(refusal.code, None);
    }

    #[test]
    fn what_another_program_said_before_is_not_taken_for_the_reason() {
        let (loader, system) = (bpf_loader_upgradeable::ID, system_program::ID);
        let logs = [
            format!("Program {system} invoke [1]"),
            "Incorrect authority provided".into(),
            format!("Program {system} success"),
            format!("Program {loader} invoke [1]"),
            format!("Program {loader} failed: incorrect authority"),
        ];
        let logs: Vec<&str> = logs.iter().map(String::as_str).collect();
        let refusal = decode(InstructionError::IncorrectAuthority, loader, &logs);
        assert_eq!(refusal.name, "IncorrectAuthority");
    }

    #[test]
    fn system_errors_and_foreign_anchor_programs_are_named() {
        let refusal = decode(InstructionError::Custom(1), system_program::ID, &[]);
        assert_eq!(refusal.name, "ResultWithNegativeLamports");
        let other = Pubkey::new_unique();
        let logs = [
            format!("Program {other} invoke [1]"),
            "Program log: AnchorError caused by account: vault. Error Code: VaultLocked. \
             Error Number: 6003. Error Message: The vault is locked."
                .into(),
            format!("Program {other} consumed 9 of 10 compute units"),
            format!("Program {other} failed: custom program error: 0x1773"),
        ];
        let logs: Vec<&str> = logs.iter().map(String::as_str).collect();
        let refusal = decode(InstructionError::Custom(6003), other, &logs);
        assert_eq!(refusal.name, "VaultLocked");
        assert_eq!(refusal.message, "The vault is locked");
    }

    #[test]
    fn an_unknown_code_is_shown_as_it_is() {
        let refusal = decode(InstructionError::Custom(77), Pubkey::new_unique(), &[]);
        assert_eq!(refusal.name, "Custom(77)");
        assert!(
            decode_refusal(&TransactionError::AccountInUse, &[], &[], &portcullis::ID).is_none()
        );
    }
}
