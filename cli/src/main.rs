//! `portcullis`: the command line of the gate that Solana program upgrades pass through.

mod args;
mod artifact;
mod bundle;
mod client_error;
mod commands;
mod config;
mod context;
mod dispatch;
mod duration;
mod error;
mod exit;
mod export;
mod fingerprint;
mod hashing;
mod idl;
mod ledger;
mod member;
mod output;
mod policy_args;
mod preview;
mod price;
mod profile;
mod reference;
mod resolve;
mod signer;
mod statement;
mod view;
mod vote;
mod write;

fn main() -> std::process::ExitCode {
    dispatch::main().into()
}
