//! The deployed program's side: what it does, also with variations.

use std::{
    collections::BTreeSet,
    sync::mpsc::{Receiver, SyncSender},
};

use solana_sdk::account::ReadableAccount;

use super::{
    run::Batch,
    side::{Prepared, Side},
    Execution, Vm,
};
use crate::shadow::{
    bundle::StoredAccount,
    fidelity::{deviations, Deviations},
    probes::{Change, Probe, Prober},
    ShadowError,
};

/// The most bytes that variations of one transaction write: the others are not compared.
const VARIED_BYTES: usize = 1 << 18;

/// What the deployed program did.
pub(super) struct Played {
    pub prepared: Prepared,
    /// `None`: it could not be run.
    pub old: Option<Execution>,
    pub deviations: Deviations,
    /// Variations, and what it does with them.
    pub varied: Vec<(Probe, Execution)>,
}

/// The deployed program's side.
pub(super) struct Deployed {
    pub side: Side,
    pub prober: Option<Prober>,
    pub state_bytes: u64,
    pub state_limit: u64,
}

impl Deployed {
    /// Plays all, until nobody wants them any more.
    pub fn play_all(&mut self, from: &Receiver<Batch<Prepared>>, to: &SyncSender<Batch<Played>>) {
        for batch in from {
            let mut played = Vec::with_capacity(batch.len());
            for prepared in batch {
                played.push(prepared.and_then(|prepared| self.play(prepared)));
                if played.last().is_some_and(Result::is_err) {
                    break;
                }
            }
            let failed = played.last().is_some_and(Result::is_err);
            if to.send(played).is_err() || failed {
                break;
            }
        }
    }

    fn play(&mut self, prepared: Prepared) -> Result<Played, ShadowError> {
        self.count(&prepared.recorded.accounts)?;
        self.side.meet(&prepared, &BTreeSet::new())?;
        // A bundle may hold what no cluster does.
        let Ok(old) = self.side.vm.execute(&prepared.transaction) else {
            return Ok(Played {
                prepared,
                old: None,
                deviations: Deviations {
                    not_run: 1,
                    ..Deviations::default()
                },
                varied: Vec::new(),
            });
        };
        let (outcome, keys) = (&prepared.recorded.outcome, &prepared.keys);
        let pre_state = self.side.pre_state;
        let deviations = deviations(outcome, pre_state, keys, &self.side.vm, &old);
        let varied = match old.error.is_none() && deviations.is_none() {
            true => self.vary(&prepared, &old)?,
            false => Vec::new(),
        };
        self.side.leave(&prepared, &old)?;
        Ok(Played {
            prepared,
            old: Some(old),
            deviations,
            varied,
        })
    }

    /// Variations of a transaction, and what the deployed program does with them.
    fn vary(
        &mut self,
        prepared: &Prepared,
        done: &Execution,
    ) -> Result<Vec<(Probe, Execution)>, ShadowError> {
        let Some(prober) = &mut self.prober else {
            return Ok(Vec::new());
        };
        let vm = &mut self.side.vm;
        let (message, keys) = (prepared.message(), &prepared.keys);
        let probes = prober.probes(message, keys, |address| vm.account(address), &done.written);
        let mut varied = Vec::new();
        let mut bytes = 0_usize;
        for probe in probes {
            let Some(done) = vm.probe(&probe)? else {
                continue;
            };
            if done.error.is_none() {
                let written = done.written.iter().map(|(_, account)| account.data().len());
                bytes = written.fold(bytes, usize::saturating_add);
                // An instruction that the deployed program has is no new one.
                if matches!(probe.change, Change::Start(_)) || bytes > VARIED_BYTES {
                    continue;
                }
            }
            varied.push((probe, done));
        }
        Ok(varied)
    }

    fn count(&mut self, accounts: &[StoredAccount]) -> Result<(), ShadowError> {
        count(
            &self.side.vm,
            accounts,
            &mut self.state_bytes,
            self.state_limit,
        )
    }
}

/// Keeps the sum of all accounts' bytes within the limit.
pub(super) fn count(
    vm: &Vm,
    accounts: &[StoredAccount],
    bytes: &mut u64,
    limit: u64,
) -> Result<(), ShadowError> {
    for account in accounts {
        let had = vm.data_len(&account.address) as u64;
        *bytes = bytes
            .saturating_sub(had)
            .saturating_add(account.data.len() as u64);
    }
    if *bytes > limit {
        return Err(ShadowError::TooLarge {
            what: "bytes of accounts",
            limit,
        });
    }
    Ok(())
}
