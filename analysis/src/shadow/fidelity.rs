//! Whether the deployed program did in the replay what the cluster recorded.

use serde::Serialize;
use solana_sdk::{account::ReadableAccount, pubkey::Pubkey};

use super::{
    bundle::{error_value, Outcome, PreState},
    calls::same_logs,
    replay::{Execution, Vm},
};

/// How many transactions were not reproduced, and in what. One transaction may count several times.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize)]
pub struct Deviations {
    /// It failed where it succeeded, the other way round, or with another error.
    pub error: u64,
    pub logs: u64,
    pub return_data: u64,
    /// Lamports that accounts gained or lost.
    pub balances: u64,
    /// Lamports before it, where the state of its moment was recorded.
    pub balances_before: u64,
    /// It could not be run at all.
    pub not_run: u64,
}

impl Deviations {
    /// Whether everything recorded was reproduced.
    pub fn is_none(&self) -> bool {
        *self == Self::default()
    }

    /// Counts those of one more transaction.
    pub fn add(&mut self, other: &Self) {
        for (sum, more) in [
            (&mut self.error, other.error),
            (&mut self.logs, other.logs),
            (&mut self.return_data, other.return_data),
            (&mut self.balances, other.balances),
            (&mut self.balances_before, other.balances_before),
            (&mut self.not_run, other.not_run),
        ] {
            *sum = sum.saturating_add(more);
        }
    }
}

/// Compares the replay of one transaction with its record. `vm` still has the state before it.
pub(crate) fn deviations(
    recorded: &Outcome,
    pre_state: PreState,
    keys: &[Pubkey],
    vm: &Vm,
    done: &Execution,
) -> Deviations {
    let mut found = Deviations::default();
    let error = done.error.as_ref().map(error_value);
    found.error = u64::from(error != recorded.error);
    if let Some(logs) = &recorded.logs {
        found.logs = u64::from(!same_logs(logs, &done.logs));
    }
    if let Some(data) = &recorded.return_data {
        let (program, bytes) = &done.return_data;
        found.return_data = u64::from((&data.program, &data.data) != (program, bytes));
    }
    let Some(balances) = &recorded.balances else {
        return found;
    };
    let mut before_differs = false;
    let mut change_differs =
        balances.before.len() != keys.len() || balances.after.len() != keys.len();
    let recorded = balances.before.iter().zip(&balances.after);
    for (place, (key, (before, after))) in keys.iter().zip(recorded).enumerate() {
        let had = vm.lamports(key);
        let has = match done.written.iter().find(|(written, _)| written == key) {
            Some((_, account)) => account.lamports(),
            None if done.error.is_some() && place == 0 => had.saturating_sub(done.fee),
            None => had,
        };
        before_differs |= had != *before;
        change_differs |=
            i128::from(has) - i128::from(had) != i128::from(*after) - i128::from(*before);
    }
    found.balances = u64::from(change_differs);
    found.balances_before = u64::from(before_differs && pre_state == PreState::Recorded);
    found
}
