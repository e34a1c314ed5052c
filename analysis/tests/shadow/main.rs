//! Bundles, replays and reports.

mod hostile;
mod lookups;
mod recording;
mod rehearsals;
mod token;
mod traffic;
mod vault;
