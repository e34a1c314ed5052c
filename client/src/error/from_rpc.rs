//! What the errors of Solana's RPC client become: their causes, and none of their URLs.

use solana_rpc_client_api::{
    client_error::{Error as RpcClientError, ErrorKind},
    request::{RpcError, RpcRequest, RpcResponseErrorData},
};

use super::ClientError;

/// A text without its URLs: they may carry a credential.
fn without_urls(text: &str) -> String {
    let words = text.split(' ').map(|word| match word.contains("://") {
        true => "(URL)",
        false => word,
    });
    words.collect::<Vec<_>>().join(" ")
}

/// An error and its causes, in one line.
pub(crate) fn chain(error: &dyn std::error::Error) -> String {
    let mut text = error.to_string();
    let mut source = error.source();
    while let Some(cause) = source {
        let cause_text = cause.to_string();
        if !text.ends_with(&cause_text) {
            text.push_str(": ");
            text.push_str(&cause_text);
        }
        source = cause.source();
    }
    without_urls(&text)
}

impl ClientError {
    /// What the server answered to this request cannot be.
    pub(crate) fn bad_answer(request: RpcRequest, reason: impl Into<String>) -> Self {
        Self::BadAnswer {
            request: request.as_str().into(),
            reason: reason.into(),
        }
    }
}

impl From<RpcClientError> for ClientError {
    fn from(error: RpcClientError) -> Self {
        let request = error
            .request
            .map_or("a request", |request: RpcRequest| request.as_str())
            .to_string();
        match *error.kind {
            ErrorKind::Reqwest(error) => {
                let status = error.status();
                let error = error.without_url();
                match status {
                    Some(status) => Self::RpcRefused {
                        request,
                        code: Some(i64::from(status.as_u16())),
                        reason: format!("HTTP status {status}"),
                    },
                    None if error.is_decode() => Self::BadAnswer {
                        request,
                        reason: chain(&error),
                    },
                    None => Self::Unreachable {
                        request,
                        reason: chain(&error),
                    },
                }
            }
            ErrorKind::Io(error) => Self::Unreachable {
                request,
                reason: chain(&error),
            },
            ErrorKind::Middleware(_) => Self::Unreachable {
                request,
                reason: "the HTTP client failed".into(),
            },
            ErrorKind::RpcError(RpcError::RpcResponseError {
                code,
                message,
                data,
            }) => match data {
                RpcResponseErrorData::SendTransactionPreflightFailure(result) => match result.err {
                    Some(error) => Self::TransactionFailed {
                        error: error.into(),
                        logs: result.logs.unwrap_or_default(),
                    },
                    None => Self::RpcRefused {
                        request,
                        code: Some(code),
                        reason: message,
                    },
                },
                _ => Self::RpcRefused {
                    request,
                    code: Some(code),
                    reason: message,
                },
            },
            ErrorKind::RpcError(RpcError::RpcRequestError(reason) | RpcError::ForUser(reason)) => {
                Self::RpcRefused {
                    request,
                    code: None,
                    reason: without_urls(&reason),
                }
            }
            ErrorKind::RpcError(RpcError::ParseError(reason)) => Self::BadAnswer {
                request,
                reason: format!("expected {reason}"),
            },
            ErrorKind::SerdeJson(error) => Self::BadAnswer {
                request,
                reason: error.to_string(),
            },
            ErrorKind::SigningError(error) => Self::Signing {
                reason: error.to_string(),
            },
            ErrorKind::TransactionError(error) => Self::TransactionFailed {
                error,
                logs: Vec::new(),
            },
            ErrorKind::Custom(reason) => Self::RpcRefused {
                request,
                code: None,
                reason: without_urls(&reason),
            },
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_url_never_gets_into_a_message() {
        for kind in [
            ErrorKind::RpcError(RpcError::ForUser(
                "error for url (https://host/?api-key=secret)".into(),
            )),
            ErrorKind::Custom("https://user:secret@host failed".into()),
            ErrorKind::Io(std::io::Error::other("no https://host/secret")),
        ] {
            let text = ClientError::from(RpcClientError::from(kind)).to_string();
            assert!(!text.contains("secret"), "{text}");
        }
    }
}
