//! The real binary against a localnet of each test's own: one test target, since each would be linked for itself. Keys are fixed,
//! so addresses are too; what differs from run to run (digests, signatures, times, ports) is filtered out of the snapshots.

mod bad_input;
mod bench_list;
mod bench_shadow;
mod bench_upload;
mod buffers;
mod changes;
mod deploy;
mod doctor;
mod documents;
mod emergency;
mod exits;
mod exports;
mod histories;
mod inspect;
mod invariants;
mod keys;
mod large_programs;
mod layouts;
mod lists;
mod looks;
mod market;
mod net;
mod offline;
mod profiles;
#[path = "../../../analysis/tests/shadow/recording.rs"]
mod recording;
mod rollbacks;
mod servers;
mod set_up;
mod shadow;
mod shells;
mod sign_only;
mod signed_votes;
mod standbys;
mod triggers;
mod upgrades;
mod uploads;
mod verify;
mod votes;
mod watch;
