//! The Rust client of Portcullis: addresses, instructions, accounts, errors, and the history rebuilt from transactions.
//! It prints nothing and exits nowhere.

pub mod account;
pub mod analyze;
pub mod bundle;
mod concerns;
pub mod deploy;
pub mod doctor;
pub mod elf;
pub mod error;
pub mod event;
pub mod hashing;
pub mod history;
pub mod instruction;
pub mod message;
pub mod pda;
pub mod proposal;
pub mod refusal;
pub mod replay;
pub mod rpc;
mod sources;
pub mod transaction;
pub mod upload;
pub mod watch;

pub use error::ClientError;
pub use portcullis;
pub use refusal::Refusal;
pub use rpc::{Client, Guardianship, ProposalFilter, ProposalList, STATUSES};
pub use transaction::SendOptions;
