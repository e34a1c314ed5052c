//! Bundles, replays and reports.

mod hostile;
mod lookups;
mod recording;
mod token;
mod traffic;
mod vault;
