//! What one attempt at a request came to.

use std::{io, time::Duration};

use serde_json::Value;
use solana_rpc_client_api::{
    client_error::{
        reqwest::{self, header::RETRY_AFTER, Response, StatusCode},
        Error, ErrorKind, Result,
    },
    custom_error::{
        JSON_RPC_SERVER_ERROR_NODE_UNHEALTHY,
        JSON_RPC_SERVER_ERROR_SEND_TRANSACTION_PREFLIGHT_FAILURE,
    },
    error_object::RpcErrorObject,
    request::{RpcError, RpcResponseErrorData},
};

use crate::error::chain;

/// The codes of a rate limit within an answer of HTTP status 200, as providers give them.
const TOO_MANY_CODES: [i64; 2] = [429, -32429];

/// What failed at once needs no word about how long it was tried.
const WORTH_TELLING: Duration = Duration::from_secs(1);

/// What a failure says about the request.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Answer {
    /// It never arrived.
    NoConnection,
    /// It may have arrived, or not.
    Unknown,
    /// There were too many; it was not carried out. The server may say when to come again.
    TooMany { wait: Option<Duration> },
    /// This server will not answer it; another one might.
    Refused,
    /// The servers that were given do not belong together.
    WrongCluster,
}

/// A failed attempt.
pub(super) struct Failure {
    pub(super) answer: Answer,
    pub(super) error: Error,
}

impl Failure {
    fn new(answer: Answer, kind: impl Into<ErrorKind>) -> Self {
        let error = Error::from(kind.into());
        Self { answer, error }
    }

    pub(super) fn refused(error: Error) -> Self {
        let answer = Answer::Refused;
        Self { answer, error }
    }

    pub(super) fn wrong_cluster(found: &Value, required: &Value) -> Self {
        let reason = format!(
            "all servers must belong to one cluster, and they have the genesis hashes {required} and {found}: correct the URLs"
        );
        Self::new(Answer::WrongCluster, ErrorKind::Custom(reason))
    }

    /// The failure in words, without a URL.
    pub(super) fn reason(&self) -> String {
        chain(&self.error)
    }

    /// The error to report after so many attempts.
    pub(super) fn after(self, attempts: u32, elapsed: Duration) -> Error {
        if attempts < 2 || elapsed < WORTH_TELLING {
            return self.error;
        }
        let tried = format!("asked {attempts} times in {} s", elapsed.as_secs());
        match *self.error.kind {
            ErrorKind::Reqwest(error) => match error.status() {
                Some(status) => status_error(status, Some(tried)),
                None => {
                    let reason = chain(&error.without_url());
                    io::Error::other(format!("{reason}; {tried}")).into()
                }
            },
            ErrorKind::RpcError(RpcError::RpcResponseError {
                code,
                message,
                data,
            }) => RpcError::RpcResponseError {
                code,
                message: format!("{message}; {tried}"),
                data,
            }
            .into(),
            kind => kind.into(),
        }
    }
}

/// In the form of a JSON-RPC error, which keeps code and words.
fn status_error(status: StatusCode, more: Option<String>) -> Error {
    let mut message = format!("HTTP status {status}");
    if let Some(more) = more {
        message.push_str("; ");
        message.push_str(&more);
    }
    RpcError::RpcResponseError {
        code: i64::from(status.as_u16()),
        message,
        data: RpcResponseErrorData::Empty,
    }
    .into()
}

/// What a server has answered. Where there are several, one that is behind refuses.
pub(super) async fn read(
    response: std::result::Result<Response, reqwest::Error>,
    has_others: bool,
) -> std::result::Result<Result<Value>, Failure> {
    let response = response.map_err(|error| match error.is_connect() {
        true => Failure::new(Answer::NoConnection, error),
        false => Failure::new(Answer::Unknown, error),
    })?;
    let status = response.status();
    if !status.is_success() {
        let wait = retry_after(&response);
        let answer = match status {
            StatusCode::TOO_MANY_REQUESTS => Answer::TooMany { wait },
            StatusCode::SERVICE_UNAVAILABLE if wait.is_some() => Answer::TooMany { wait },
            _ if status.is_server_error() || status == StatusCode::REQUEST_TIMEOUT => {
                Answer::Unknown
            }
            _ => Answer::Refused,
        };
        let asked = wait.map(|wait| format!("the server asks to wait {} s", wait.as_secs()));
        let error = status_error(status, asked);
        return Err(Failure { answer, error });
    }
    let bytes = response.bytes().await;
    let bytes = bytes.map_err(|error| Failure::new(Answer::Unknown, error))?;
    let mut answer: Value =
        serde_json::from_slice(&bytes).map_err(|error| Failure::new(Answer::Refused, error))?;
    let Some(fields) = answer.as_object_mut() else {
        let error = RpcError::ParseError("a JSON object".into());
        return Err(Failure::new(Answer::Refused, error));
    };
    let Some(error) = fields.remove("error").filter(Value::is_object) else {
        return Ok(Ok(fields.remove("result").unwrap_or_default()));
    };
    let (code, error) = rpc_error(error);
    match code {
        Some(code) if TOO_MANY_CODES.contains(&code) => Err(Failure {
            answer: Answer::TooMany { wait: None },
            error,
        }),
        Some(JSON_RPC_SERVER_ERROR_NODE_UNHEALTHY) if has_others => Err(Failure::refused(error)),
        _ => Ok(Err(error)),
    }
}

/// Only the form in seconds; no RPC provider gives a date.
fn retry_after(response: &Response) -> Option<Duration> {
    let value = response.headers().get(RETRY_AFTER)?.to_str().ok()?;
    value.trim().parse().ok().map(Duration::from_secs)
}

/// A JSON-RPC error with its code, and with the simulation of a transaction that was refused by one.
fn rpc_error(value: Value) -> (Option<i64>, Error) {
    let data = value.get("data").cloned().unwrap_or_default();
    let object: RpcErrorObject = match serde_json::from_value(value) {
        Ok(object) => object,
        Err(error) => {
            return (
                None,
                RpcError::RpcRequestError(format!("an error that cannot be read: {error}")).into(),
            )
        }
    };
    let data = match object.code {
        JSON_RPC_SERVER_ERROR_SEND_TRANSACTION_PREFLIGHT_FAILURE => serde_json::from_value(data)
            .map_or(
                RpcResponseErrorData::Empty,
                RpcResponseErrorData::SendTransactionPreflightFailure,
            ),
        _ => RpcResponseErrorData::Empty,
    };
    let code = object.code;
    let message = object.message;
    let error = RpcError::RpcResponseError {
        code,
        message,
        data,
    };
    (Some(code), error.into())
}
