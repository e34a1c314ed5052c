//! What the client crate reports, as the user sees it. The only place that maps its errors to hints and exit codes.

use portcullis::{error::PortcullisError, sha256::BLOCK};
use portcullis_client::{error::hex, ClientError, Refusal};
use solana_sdk::transaction::TransactionError;

use crate::{
    error::{chain, CliError},
    exit::ExitCode,
    output::printable,
};

/// The code of a transaction of which nobody knows whether it was executed.
pub const NOT_CONFIRMED: &str = "not_confirmed";

impl From<ClientError> for CliError {
    fn from(error: ClientError) -> Self {
        // Some of it is what a server or a program said.
        let message = printable(&chain(&error));
        let made = |exit, code: &str| Self::new(exit, code, message.clone());
        match &error {
            ClientError::Unreachable { .. } => made(ExitCode::Network, "unreachable")
                .hint("choose the cluster with -u, for instance -u devnet; is a local validator running?"),
            ClientError::RpcRefused { .. } => made(ExitCode::Network, "rpc_refused")
                .hint("the server may limit requests or lack this method: try again, or another server with -u"),
            ClientError::BadAnswer { .. } => made(ExitCode::Network, "rpc_bad_answer")
                .hint("is this the URL of a Solana RPC server? choose one with -u"),
            ClientError::NotFound { .. } => made(ExitCode::NotFound, "not_found")
                .hint("-u chooses the cluster, --portcullis the instance"),
            ClientError::WrongOwner { .. } | ClientError::Decode { .. } => {
                made(ExitCode::NotFound, "wrong_account")
                    .hint("-u chooses the cluster, --portcullis the instance")
            }
            ClientError::UnknownVersion { .. } => made(ExitCode::General, "unknown_version")
                .hint("install the newest portcullis"),
            ClientError::DigestMismatch { .. } => made(ExitCode::Mismatch, "digest_mismatch")
                .hint("do not sign: use an RPC server that you trust, with -u"),
            ClientError::Unrelated { .. } => made(ExitCode::Mismatch, "accounts_unrelated")
                .hint("do not sign: use an RPC server that you trust, with -u"),
            ClientError::Refused(refusal) => refused(refusal, message),
            ClientError::TransactionFailed { error, .. } => match error {
                TransactionError::InsufficientFundsForFee
                | TransactionError::InsufficientFundsForRent { .. }
                | TransactionError::AccountNotFound => {
                    made(ExitCode::InsufficientFunds, "insufficient_funds")
                        .hint("fund the fee payer, or name another with --fee-payer")
                }
                _ => made(ExitCode::General, "transaction_failed"),
            },
            ClientError::BlockhashExpired { .. } => made(ExitCode::Network, "blockhash_expired")
                .hint("it is safe to run the command again; --with-compute-unit-price helps on a busy cluster"),
            ClientError::NotConfirmed { signature, .. } => made(ExitCode::Network, NOT_CONFIRMED)
                .hint(format!("solana confirm {signature} looks it up; two minutes later it cannot land any more")),
            ClientError::InsufficientFunds { .. } => {
                made(ExitCode::InsufficientFunds, "insufficient_funds")
                    .hint("fund it, or name another account that pays with --fee-payer")
            }
            ClientError::TransactionTooLarge { .. } => made(ExitCode::General, "transaction_too_large")
                .hint("name fewer proposals or members at once"),
            ClientError::InvalidTransaction { .. } => made(ExitCode::General, "invalid_transaction"),
            ClientError::Signing { .. } => made(ExitCode::Usage, "signing_failed")
                .hint("give the signer with -k, and who pays with --fee-payer"),
            ClientError::ForeignSignature { .. } => made(ExitCode::Mismatch, "signature_mismatch")
                .hint("every machine must be given the same command, blockhash and times, and see the same state: compare the \
                       `Transaction Message` that --sign-only printed with the one here"),
            ClientError::InvalidBundle { .. } => made(ExitCode::Usage, "bundle_unusable")
                .hint("have it written anew: portcullis review REF --offline-bundle FILE"),
            ClientError::FalseBundle { .. } => made(ExitCode::Mismatch, "bundle_false")
                .hint("do not sign: it was altered or damaged; have another written by somebody whom you trust"),
            ClientError::ReadFile { .. } => made(ExitCode::Usage, "file_unreadable")
                .hint("check the path"),
            ClientError::Artifact { .. } | ClientError::Elf(_) => made(ExitCode::Usage, "elf_invalid")
                .hint("give the .so file that `cargo build-sbf` writes to target/deploy"),
            ClientError::BufferAuthority { buffer, .. } => {
                made(ExitCode::Refused, "BufferAuthorityMismatch").hint(format!(
                    "its authority can hand it over: solana program set-buffer-authority {buffer} \
                     --new-buffer-authority MEMBER"
                ))
            }
            ClientError::BufferSize { buffer, .. } => made(ExitCode::Refused, "buffer_size")
                .hint(format!("portcullis buffer close {buffer}")),
            ClientError::BufferTooSmall { .. } => made(ExitCode::Refused, "buffer_too_small")
                .hint("leave --reuse out; `portcullis buffer list` shows the sizes of all buffers"),
            ClientError::BufferContent { .. } | ClientError::ContentMismatch { .. } => {
                made(ExitCode::Mismatch, "content_mismatch")
            }
            ClientError::ProgramTooLarge { .. } => made(ExitCode::Refused, "program_too_large"),
            ClientError::InvalidMessage { .. } => made(ExitCode::Usage, "invalid_message"),
            ClientError::HashStalled { .. } => made(ExitCode::Network, "hash_stalled")
                .hint("run the command again; --with-compute-unit-price helps on a busy cluster"),
            ClientError::TransactionNotFound { .. } => made(ExitCode::Network, "history_incomplete")
                .hint("use an RPC server that keeps the whole ledger, with -u"),
            ClientError::NotInHistory { .. } => made(ExitCode::NotFound, "not_in_history")
                .hint("`portcullis history` and the lines of `portcullis watch --output json` name signatures"),
            ClientError::Replay { .. } => made(ExitCode::Mismatch, "history_broken")
                .hint("if another RPC server (-u) shows the same, the record does not explain the account: alert the council"),
        }
    }
}

/// A program's refusal. Those that only say "not yet" or "not these bytes" have exit codes of their own.
fn refused(refusal: &Refusal, message: String) -> CliError {
    let exit = exit_of_rule(&refusal.name);
    let error = CliError::new(exit, refusal.name.clone(), message);
    match exit {
        ExitCode::NotReady => {
            error.hint("try again later; `portcullis status REF` shows the times")
        }
        ExitCode::InsufficientFunds => {
            error.hint("fund the fee payer, or name another with --fee-payer")
        }
        // The rule's text does not name what else it stands for: the steps of a hash.
        _ if refusal.name == PortcullisError::LengthOutOfRange.name() => error.hint(format!(
            "a commitment's length is above zero and ends within the account; a step of a hash ends there too, after whole \
             blocks of {BLOCK} bytes unless it is the last"
        )),
        _ => error.hint(
            "nothing has changed on chain but the fee; `portcullis review REF` shows the proposal",
        ),
    }
}

/// The exit code for a violated rule.
pub fn exit_of_rule(name: &str) -> ExitCode {
    match name {
        "TimelockNotElapsed"
        | "IntervalNotElapsed"
        | "NotQueued"
        | "SlotTaken"
        | "ThresholdNotMet"
        | "ProgramDeployedThisSlot"
        | "BufferNotVerified"
        | "BufferNotAbandoned"
        | "StandbyNotTriggered"
        | "PredecessorNotExecuted"
        | "PredecessorSoaking" => ExitCode::NotReady,
        "DigestMismatch" | "HashMismatch" | "BaseMismatch" => ExitCode::Mismatch,
        "ResultWithNegativeLamports" | "InsufficientFunds" => ExitCode::InsufficientFunds,
        _ => ExitCode::Refused,
    }
}

/// A rule of the program that stands against a command, found before anything was sent.
pub fn rule(error: portcullis::error::PortcullisError) -> CliError {
    let name = error.name();
    CliError::new(
        exit_of_rule(name),
        name,
        format!("the program would refuse this: {name}: {error}"),
    )
}

/// The lower-case hexadecimal form of a hash.
pub fn hash(bytes: &[u8; 32]) -> String {
    hex(bytes)
}

#[cfg(test)]
mod tests {
    use portcullis_client::account::Commitment;
    use solana_sdk::{pubkey::Pubkey, signature::Signature};

    use super::*;

    fn exit(error: ClientError) -> ExitCode {
        CliError::from(error).exit
    }

    #[test]
    fn each_kind_of_error_has_its_exit_code() {
        let address = Pubkey::new_from_array([7; 32]);
        let text = || "x".to_string();
        assert_eq!(
            exit(ClientError::Unreachable {
                request: text(),
                reason: text()
            }),
            ExitCode::Network
        );
        assert_eq!(
            exit(ClientError::NotFound {
                address,
                expected: "a gate"
            }),
            ExitCode::NotFound
        );
        assert_eq!(
            exit(ClientError::DigestMismatch {
                proposal: address,
                stored: [0; 32],
                computed: [1; 32]
            }),
            ExitCode::Mismatch
        );
        assert_eq!(
            exit(ClientError::ContentMismatch {
                address,
                required: Commitment::default(),
                found: None
            }),
            ExitCode::Mismatch
        );
        assert_eq!(
            exit(ClientError::InsufficientFunds {
                payer: address,
                required: 2,
                found: 1
            }),
            ExitCode::InsufficientFunds
        );
        assert_eq!(
            exit(ClientError::BlockhashExpired {
                signature: Signature::default()
            }),
            ExitCode::Network
        );
        assert_eq!(
            exit(ClientError::TransactionFailed {
                error: TransactionError::AccountNotFound,
                logs: Vec::new()
            }),
            ExitCode::InsufficientFunds
        );
    }

    #[test]
    fn a_length_that_is_refused_is_explained_for_hashes_too() {
        let refused = |rule: PortcullisError| {
            CliError::from(ClientError::Refused(Box::new(Refusal {
                program: portcullis::ID,
                instruction_index: 0,
                name: rule.name().to_string(),
                message: rule.message().to_string(),
                code: Some(rule.into()),
                logs: Vec::new(),
            })))
        };
        let error = refused(PortcullisError::LengthOutOfRange);
        assert_eq!(
            (error.exit, &*error.code),
            (ExitCode::Refused, "LengthOutOfRange")
        );
        assert_eq!(
            error.hint.as_deref(),
            Some(
                "a commitment's length is above zero and ends within the account; a step of a hash ends there too, after \
                 whole blocks of 64 bytes unless it is the last"
            )
        );
        let other = refused(PortcullisError::TailNotZero).hint;
        assert!(other.is_some_and(|hint| hint.starts_with("nothing has changed on chain")));
    }

    #[test]
    fn rules_keep_their_names() {
        let error = rule(PortcullisError::VotingClosed);
        assert_eq!(
            (error.exit, error.code.as_str()),
            (ExitCode::Refused, "VotingClosed")
        );
        assert_eq!(
            rule(PortcullisError::TimelockNotElapsed).exit,
            ExitCode::NotReady
        );
        assert_eq!(
            rule(PortcullisError::DigestMismatch).exit,
            ExitCode::Mismatch
        );
    }
}
