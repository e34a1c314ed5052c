//! The exact reason of a refusal.

use anchor_lang::error::ErrorCode;
use litesvm::types::{FailedTransactionMetadata, TransactionMetadata};
use portcullis::error::PortcullisError;
use solana_sdk::{instruction::InstructionError, transaction::TransactionError};

/// What a transaction came to.
pub type Outcome = Result<TransactionMetadata, Box<FailedTransactionMetadata>>;

/// Why an instruction failed.
#[derive(Clone, Debug, PartialEq)]
pub enum Refusal {
    /// A custom code: of Portcullis from 6000, of Anchor below.
    Code(u32, String),
    /// An error of the runtime, System or the loader.
    Instruction(InstructionError),
}

impl From<PortcullisError> for Refusal {
    fn from(error: PortcullisError) -> Self {
        let name = format!("{error:?}");
        Refusal::Code(u32::from(error), name)
    }
}

impl From<ErrorCode> for Refusal {
    fn from(error: ErrorCode) -> Self {
        let name = format!("{error:?}");
        Refusal::Code(u32::from(error), name)
    }
}

impl From<InstructionError> for Refusal {
    fn from(error: InstructionError) -> Self {
        Refusal::Instruction(error)
    }
}

/// Requires that the transaction failed for this reason.
#[track_caller]
pub fn assert_refused(result: Outcome, expected: &Refusal) {
    let failed = match result {
        Ok(_) => panic!("must be refused with {expected:?}, but succeeded"),
        Err(failed) => failed,
    };
    let TransactionError::InstructionError(_, error) = &failed.err else {
        panic!("must be refused with {expected:?}, but the transaction failed: {failed:#?}");
    };
    let same = match (expected, error) {
        (Refusal::Code(code, _), InstructionError::Custom(found)) => code == found,
        (Refusal::Instruction(expected), found) => expected == found,
        _ => false,
    };
    assert!(
        same,
        "must be refused with {expected:?}, but failed with {error:?}\n{}",
        failed.meta.logs.join("\n")
    );
}
