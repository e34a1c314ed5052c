//! The Clock sysvar of a transaction's moment.

use solana_sdk::{clock::Clock, epoch_schedule::EpochSchedule};

use super::vm::Vm;

impl Vm {
    /// Sets the clock; keeps the time where it is not known.
    pub fn set_time(&mut self, slot: u64, unix_timestamp: Option<i64>) {
        let mut clock = self.svm.get_sysvar::<Clock>();
        let time = unix_timestamp.unwrap_or(clock.unix_timestamp);
        if (clock.slot, clock.unix_timestamp) == (slot, time) {
            return;
        }
        clock.slot = slot;
        clock.unix_timestamp = time;
        if let Some(epoch) = epoch(&self.svm.get_sysvar::<EpochSchedule>(), slot) {
            clock.epoch = epoch;
            clock.leader_schedule_epoch = epoch.saturating_add(1);
        }
        self.svm.set_sysvar(&clock);
    }
}

/// The epoch of a slot; `None` within the short epochs of a cluster's first days.
fn epoch(schedule: &EpochSchedule, slot: u64) -> Option<u64> {
    let normal = slot.checked_sub(schedule.first_normal_slot)?;
    let epochs = normal.checked_div(schedule.slots_per_epoch)?;
    schedule.first_normal_epoch.checked_add(epochs)
}
