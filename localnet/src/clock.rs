//! When slots close, and what time they show.
//!
//! The driver stands between surfpool's RPC servers and its run loop. It closes the slots itself, so that the chain's
//! clock obeys one rule: `Clock::unix_timestamp` of slot s is `(t0 + (s - s0) * slot_time) / 1000`, whatever was held
//! or moved. Surfpool computes `blockTime` in three ways, and under this rule they agree (`close_slot` sees to the third).
use crossbeam_channel::{Receiver, RecvTimeoutError, Sender};
use solana_clock::Clock;
use solana_slot_hashes::SlotHashes;
use std::{
    sync::{
        atomic::{AtomicBool, Ordering},
        Arc,
    },
    time::{Duration, Instant},
};
use surfpool_core::{
    error::SurfpoolResult,
    surfnet::{locker::SurfnetSvmLocker, svm::SurfnetSvm},
};
use surfpool_types::{ClockCommand, SerialVmMutationResult, SerialVmMutationTask, SimnetCommand};

/// Closes a slot every `slot_time` unless the clock is held, and carries out the clock's cheatcodes.
pub(crate) struct ClockDriver {
    /// What the RPC servers ask for.
    pub requests: Receiver<SimnetCommand>,
    /// Surfpool's run loop, which runs transactions and our changes one after the other.
    pub runloop: Sender<SimnetCommand>,
    pub locker: SurfnetSvmLocker,
    pub slot_time: Duration,
}

impl ClockDriver {
    /// Runs until the validator is terminated.
    pub fn run(self) {
        let closing = Arc::new(AtomicBool::new(false));
        let mut held = false;
        let mut next_slot = Instant::now() + self.slot_time;
        loop {
            // A due slot comes before waiting requests: a flood of these must not stop the clock.
            if !held && Instant::now() >= next_slot {
                next_slot = (next_slot + self.slot_time).max(Instant::now());
                self.tick(&closing);
            }
            let request = match held {
                true => self.requests.recv().map_err(RecvTimeoutError::from),
                false => self.requests.recv_deadline(next_slot),
            };
            match request {
                Err(RecvTimeoutError::Timeout) => {}
                Err(RecvTimeoutError::Disconnected) => return,
                Ok(SimnetCommand::CommandClock(_, command)) => {
                    let was_held = held;
                    held = match command {
                        ClockCommand::Pause => true,
                        ClockCommand::PauseWithConfirmation(reply) => {
                            // Answered behind every slot change that was under way.
                            self.change(move |svm| {
                                let _ = reply.send(svm.latest_epoch_info());
                            });
                            true
                        }
                        ClockCommand::Resume => false,
                        ClockCommand::Toggle => !held,
                        // Refused without a word (surfpool has no reply for it): it would break the module's rule.
                        ClockCommand::UpdateSlotInterval(_) => held,
                    };
                    if was_held && !held {
                        next_slot = Instant::now() + self.slot_time;
                    }
                }
                Ok(SimnetCommand::UpdateInternalClock(_, target)) => {
                    self.change(move |svm| report(advance(svm, &target)));
                }
                Ok(SimnetCommand::UpdateInternalClockWithConfirmation(_, target, reply)) => {
                    self.change(move |svm| {
                        report(advance(svm, &target));
                        let _ = reply.send(svm.latest_epoch_info());
                    });
                }
                Ok(command) => {
                    let last = matches!(command, SimnetCommand::Terminate(_));
                    if self.runloop.send(command).is_err() || last {
                        return;
                    }
                }
            }
        }
    }

    /// Closes the open slot, unless the run loop is so busy that the one before still waits for it.
    fn tick(&self, closing: &Arc<AtomicBool>) {
        if closing.swap(true, Ordering::AcqRel) {
            return;
        }
        let closing = closing.clone();
        self.change(move |svm| {
            report(close_slot(svm));
            closing.store(false, Ordering::Release);
        });
    }

    /// Changes the validator's state between two transactions, never within one.
    fn change(&self, change: impl FnOnce(&mut SurfnetSvm) + Send + Sync + 'static) {
        let locker = self.locker.clone();
        let task = SerialVmMutationTask::new(move || {
            Box::pin(async move {
                locker.with_svm_writer(change);
                SerialVmMutationResult::NoBlock
            })
        });
        // Nobody listens any more once the run loop has ended, and then nobody waits for the change either.
        let _ = self
            .runloop
            .send(SimnetCommand::ProcessSerialVmMutation(task));
    }
}

/// Closes the open slot, which confirms its transactions, and opens the next one.
pub(crate) fn close_slot(svm: &mut SurfnetSvm) -> SurfpoolResult<()> {
    let closed = svm.get_latest_absolute_slot();
    let unix_timestamp = (svm.updated_at / 1_000) as i64;
    svm.confirm_current_block()?;
    // Surfpool stamps the block with the time of the slot that it opens.
    if let Some(mut block) = svm.blocks.get(&closed)? {
        block.block_time = unix_timestamp;
        svm.blocks.store(closed, block)?;
    }
    // Surfpool files the closed slot's hash under the slot that it opens.
    let hashes = svm.inner.get_sysvar::<SlotHashes>();
    let hashes: Vec<_> = hashes
        .iter()
        .filter(|(slot, _)| *slot != closed)
        .map(|&(slot, hash)| (slot.min(closed), hash))
        .collect();
    svm.inner.set_sysvar(&SlotHashes::new(&hashes));
    Ok(())
}

/// Moves by whole slots, at least one, until the clock has reached both the target's slot and its time.
fn advance(svm: &mut SurfnetSvm, target: &Clock) -> SurfpoolResult<()> {
    let target_ms = u64::try_from(target.unix_timestamp)
        .unwrap_or(0)
        .saturating_mul(1_000);
    let by_time = target_ms
        .saturating_sub(svm.updated_at)
        .div_ceil(svm.slot_time.max(1));
    let by_slot = target.slot.saturating_sub(svm.get_latest_absolute_slot());
    let slots = by_time.max(by_slot).max(1);
    close_slot(svm)?;
    if slots > 1 {
        skip_slots(svm, slots - 2);
        // Closing the last skipped slot writes the Clock and SlotHashes sysvars.
        close_slot(svm)?;
    }
    Ok(())
}

/// Passes over `slots` empty slots, without telling the sysvars.
fn skip_slots(svm: &mut SurfnetSvm, slots: u64) {
    svm.updated_at = svm
        .updated_at
        .saturating_add(slots.saturating_mul(svm.slot_time));
    let info = &mut svm.latest_epoch_info;
    info.absolute_slot = info.absolute_slot.saturating_add(slots);
    // Surfpool's epochs all have one length when it is offline.
    let index = info.slot_index.saturating_add(slots);
    info.epoch += index / info.slots_in_epoch.max(1);
    info.slot_index = index % info.slots_in_epoch.max(1);
}

fn report(result: SurfpoolResult<()>) {
    if let Err(error) = result {
        tracing::error!(%error, "the localnet's clock could not move");
    }
}
