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

    /// Sets the clock forward; gives the one that was there, unless nothing changes.
    pub fn delay(&mut self, seconds: i64) -> Option<Clock> {
        const SLOTS_A_SECOND: f64 = 2.5;
        if seconds == 0 {
            return None;
        }
        let clock = self.svm.get_sysvar::<Clock>();
        let slots = (seconds as f64 * SLOTS_A_SECOND) as u64;
        let time = clock.unix_timestamp.saturating_add(seconds);
        self.set_time(clock.slot.saturating_add(slots), Some(time));
        Some(clock)
    }
}

/// The epoch of a slot; `None` within the short epochs of a cluster's first days.
fn epoch(schedule: &EpochSchedule, slot: u64) -> Option<u64> {
    let normal = slot.checked_sub(schedule.first_normal_slot)?;
    let epochs = normal.checked_div(schedule.slots_per_epoch)?;
    schedule.first_normal_epoch.checked_add(epochs)
}
