//! What can go wrong.
use crate::config::{MAX_SLOT_TIME_MS, MIN_SLOT_TIME_MS};
use solana_pubkey::Pubkey;
use solana_rpc_client_api::client_error::Error as ClientError;

/// Why a localnet could not start, or refused a request.
#[derive(Debug, thiserror::Error)]
pub enum LocalnetError {
    /// A port is taken or may not be bound.
    #[error(
        "the {service} server needs port {port} on 127.0.0.1, which cannot be bound; stop what listens there, give \
         another port, or give none to take a free one"
    )]
    Port {
        /// `JSON-RPC` or `WebSocket`.
        service: &'static str,
        /// The port asked for; 0 when any free one would have done.
        port: u16,
        /// What the operating system said.
        source: std::io::Error,
    },
    /// [`LocalnetConfig::slot_time_ms`](crate::LocalnetConfig::slot_time_ms) is out of bounds.
    #[error("the slot time must be {MIN_SLOT_TIME_MS} to {MAX_SLOT_TIME_MS} ms, found {found} ms; give one within")]
    SlotTime {
        /// Milliseconds asked for.
        found: u64,
    },
    /// An account of the configuration was refused.
    #[error("account {address} could not be written: {reason}; if it belongs to a program, check that program's ELF")]
    Account {
        /// The account.
        address: Pubkey,
        /// What surfpool said.
        reason: String,
    },
    /// The `litesvm` crate does not carry a program that it should.
    #[error("the litesvm crate must carry the program {program}, and this version does not; use the version in Cargo.toml")]
    Sample {
        /// The program.
        program: Pubkey,
    },
    /// The validator gave up while starting, or did not get ready in time.
    #[error("the embedded validator did not start: {reason}; try again, with other ports if these are in use")]
    Start {
        /// What surfpool said.
        reason: String,
    },
    /// A thread could not be created.
    #[error("the embedded validator needs threads that the system refused; raise the limit or stop other processes")]
    Threads(#[from] std::io::Error),
    /// A request failed: no server there, one without surfpool's cheatcodes, or one that refuses the value.
    #[error("{method} failed at {url}; it needs a running localnet, and a value that it accepts")]
    Rpc {
        /// The JSON-RPC method.
        method: &'static str,
        /// The server.
        url: String,
        /// What the client or the server said.
        source: Box<ClientError>,
    },
    /// The server's Clock sysvar does not decode.
    #[error("the Clock sysvar at {url} must decode as a Clock and does not; check that the server is a localnet")]
    Clock {
        /// The server.
        url: String,
    },
}
