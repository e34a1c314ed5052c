//! One module a subcommand: an args struct and `run(self, &Context)`.

pub mod address;
pub mod approve;
pub mod attest;
pub mod buffer;
pub mod cancel;
pub mod close;
pub mod completions;
pub mod council;
pub mod demo;
pub mod doctor;
pub mod execute;
pub mod gate;
pub mod history;
pub mod list;
pub mod localnet;
pub mod man;
pub mod propose;
pub mod reject;
pub mod retract;
pub mod review;
pub mod statement;
pub mod status;
pub mod trigger;
pub mod verify;
pub mod veto;
pub mod wait;
