//! An embedded, offline Solana validator for Portcullis: the demo, the tests and developers run against it.
//!
//! It is [surfpool](https://docs.rs/surfpool-core) (LiteSVM behind a JSON-RPC and a WebSocket server) on 127.0.0.1, with
//! programs installed as loader v3 leaves them, and with a clock that a test can hold and move. It prints nothing: what
//! surfpool reports goes through the `log` crate, so it is silent unless the caller installs a logger.
//!
//! How it differs from surfpool as it comes, so that what a client rebuilds from transactions is exact:
//! - `blockTime` is the `unix_timestamp` that the slot's transactions saw. Surfpool reports the next slot's, which at
//!   400 ms a slot is one second more in two slots of five.
//! - Time moves by whole slots of [`LocalnetConfig::slot_time_ms`], also when it is moved by hand.
//! - The newest entry of `SlotHashes` is the parent slot's, as on a cluster; surfpool's is the open slot's.
//!
//! How it differs from a cluster: new code is callable in the slot of its deployment, every commitment level answers
//! with the newest state, and the ledger lives in memory.
mod clock;
mod config;
mod error;
mod localnet;
mod programs;
pub mod samples;
mod time_control;

pub use config::{
    LocalnetConfig, ProgramConfig, DEFAULT_SLOT_TIME_MS, MAX_SLOT_TIME_MS, MIN_SLOT_TIME_MS,
};
pub use error::LocalnetError;
pub use localnet::Localnet;
pub use programs::{portcullis_program, PORTCULLIS_ELF};
pub use time_control::{set_account, ChainTime, TimeControl};
