//! Runs a bundle under both programs.

mod clock;
mod deployed;
mod judge;
mod run;
mod side;
mod succession;
mod tables;
mod vm;

pub(crate) use run::Replay;
pub use run::{run, Options};
pub(crate) use vm::{Execution, Vm};
