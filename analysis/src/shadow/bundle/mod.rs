//! The file that transactions are recorded in: one JSON value a line, compressed with gzip if its name ends in `.gz`.
//!
//! The first line is the header, then come the accounts that are there from the start, then the transactions, oldest first,
//! each with those accounts that differ from what the bundle said of them last, or that a transaction may have changed since
//! then; the last line counts both, so that a bundle that was cut is noticed. It is read line by line: a bundle need not fit
//! into memory, only the accounts' newest state.

mod format;
mod read;
mod write;

pub(crate) use format::{decode, encode, error_value};
pub use format::{
    Address, Balances, End, Header, Line, Loaded, Outcome, PreState, Recorded, ReturnData,
    StoredAccount, KIND, SCHEMA_VERSION,
};
pub use read::{Limits, Reader};
pub use write::Writer;
