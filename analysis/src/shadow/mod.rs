//! Replays real transactions under the deployed and under a proposed program, and tells what differs.
//!
//! A [`bundle`] holds the transactions, what the cluster recorded of them, and the accounts that they need. [`run`] executes
//! each in LiteSVM twice on the same state, once under either program, and makes a [`Report`]. Only transactions in which the
//! deployed program does what was recorded are judged; their share is the report's fidelity.

pub mod bundle;
mod calls;
mod checks;
mod compare;
mod error;
mod fidelity;
mod fields;
mod knowledge;
mod lines;
pub mod page;
mod probes;
pub mod record;
mod rehearse;
pub mod replay;
pub mod report;

pub use bundle::{Limits, Reader, Writer};
pub use error::ShadowError;
pub use knowledge::Knowledge;
pub use record::Recorder;
pub use rehearse::{run_as_upgraded, Rehearsal};
pub use replay::{run, Options};
pub use report::Report;
