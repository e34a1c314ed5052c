//! A reference model of Portcullis: what DESIGN.md and `docs/` say, in plain Rust and in other words than the program's. It
//! shares with the program the formats of what is sent (a policy, a member, a change) and the names of the errors, and no
//! decision.
//!
//! [`drive`] lets random steps run beside the ELF. Whether a step is accepted must agree; the reason of a refusal must be one
//! of the rules that the model says stand against the step, whichever the program meets first; and after each step all
//! accounts are those that the model expects. [`invariants`] are the guarantees G1 to G16, each over one step of the model.

pub mod act;
mod bytes;
pub mod change;
pub mod changes;
mod choose;
pub mod cleanup;
pub mod compare;
pub mod drive;
pub mod execute;
mod happen;
pub mod hash;
pub mod invariants;
pub mod next;
pub mod phase;
pub mod policy;
pub mod proposals;
pub mod propose;
mod record;
mod script;
pub mod send;
pub mod sha256;
pub mod slots;
pub mod start;
pub mod state;
pub mod steps;
pub mod vote;
mod ways_out;

pub use act::{Action, Form, Outcome, Reason, Signing, VoteKind};
pub use hash::{HashStep, Hashing, Target};
pub use state::*;
