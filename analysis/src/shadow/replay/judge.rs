//! Compares the two executions of each transaction, and counts.

use std::collections::BTreeMap;

use solana_sdk::{account::AccountSharedData, message::VersionedMessage, pubkey::Pubkey};

use super::{side::Prepared, Execution, Vm};
use crate::shadow::{
    calls::{calls, logged},
    compare::Pair,
    hooks::{Hooks, Moment, State, Violation},
    report::{self, CallUnits, Cause, ComputeUnits, Gathered, InstructionRow, Judged, Summary},
    ShadowError,
};

/// What Anchor puts into every program: its instructions begin with eight bytes, others' with one.
const ANCHOR: &[u8] = b"AnchorError";
/// The most names of instructions that are learned, and characters of one.
const MAX_NAMES: usize = 256;
const MAX_NAME: usize = 64;

/// Runs the proposed program, and compares.
pub(super) struct Judge<'a> {
    program: Pubkey,
    /// The program's address as logs show it.
    address: String,
    hooks: &'a mut dyn Hooks,
    /// Bytes that tell instructions apart.
    discriminator: usize,
    /// Names of instructions, as logs told them.
    names: BTreeMap<Vec<u8>, String>,
    gathered: Gathered,
}

impl<'a> Judge<'a> {
    pub fn new(program: Pubkey, deployed: &[u8], hooks: &'a mut dyn Hooks) -> Self {
        let anchor = deployed
            .windows(ANCHOR.len())
            .any(|window| window == ANCHOR);
        Self {
            program,
            address: program.to_string(),
            hooks,
            discriminator: if anchor { 8 } else { 1 },
            names: BTreeMap::new(),
            gathered: Gathered::default(),
        }
    }

    pub fn summary(&self) -> Summary {
        self.gathered.summary()
    }

    /// As [`Gathered::finish`].
    pub fn finish(self) -> (Vec<InstructionRow>, Vec<Cause>, u64, ComputeUnits) {
        self.gathered.finish()
    }

    /// Judges one transaction. `vm` has the proposed program, and the state before the transaction, which is the same on both
    /// sides.
    pub fn transaction(
        &mut self,
        vm: &Vm,
        prepared: &Prepared,
        old: &Execution,
    ) -> Result<(), ShadowError> {
        let recorded = &prepared.recorded;
        let new =
            &vm.execute(&prepared.transaction)
                .map_err(|reason| ShadowError::Transaction {
                    signature: recorded.signature.clone(),
                    reason,
                })?;
        let violations = self.violations(vm, old, new);
        let (named, units) = self.name_calls(prepared.message(), &prepared.keys, old, new);
        let before = |address: &Pubkey| -> Option<AccountSharedData> {
            vm.svm.accounts_db().get_account(address)
        };
        let gathered = &self.gathered;
        let pair = Pair {
            keeps: &|kind, title| gathered.keeps(kind, title),
            program: &self.program,
            old,
            new,
            calls: &named,
            before: &before,
            hooks: &*self.hooks,
            violations: &violations,
        };
        let differences = pair.differences();
        let both_succeed = old.error.is_none() && new.error.is_none();
        self.gathered.add(Judged {
            signature: &recorded.signature,
            slot: recorded.slot,
            differences,
            failed: old.error.is_some(),
            compute_units: both_succeed.then_some((old.compute_units, new.compute_units)),
            calls: units,
        });
        Ok(())
    }

    /// What only the proposed program breaks.
    fn violations(&mut self, vm: &Vm, old: &Execution, new: &Execution) -> Vec<Violation> {
        if !self.hooks.checks() {
            return Vec::new();
        }
        let mut at = |moment, written: &[(Pubkey, AccountSharedData)]| {
            let svm = &vm.svm;
            self.hooks.check(moment, &State { svm, written })
        };
        let before = at(Moment::Before, &[]);
        let after_old = at(Moment::AfterOld, &old.written);
        let mut broken = at(Moment::AfterNew, &new.written);
        let known = |name: &str| {
            let all = before.iter().chain(&after_old);
            all.into_iter().any(|known| known.name == name)
        };
        broken.retain(|violation| !known(&violation.name));
        broken
    }

    /// The program's calls by name, and what each used.
    fn name_calls(
        &mut self,
        message: &VersionedMessage,
        keys: &[Pubkey],
        old: &Execution,
        new: &Execution,
    ) -> (Vec<(usize, String)>, Vec<CallUnits>) {
        let program = &self.program;
        let [of_old, of_new] = [old, new].map(|done| calls(program, message, keys, &done.inner));
        // The one that came further has them all.
        let found = if of_new.len() > of_old.len() {
            of_new
        } else {
            of_old
        };
        let [old, new] = [old, new].map(|done| logged(&self.address, &done.logs));
        let mut named = Vec::with_capacity(found.len());
        let mut units = Vec::with_capacity(found.len());
        for (place, call) in found.iter().enumerate() {
            let (old, new) = (old.get(place), new.get(place));
            let told = [old, new]
                .into_iter()
                .flatten()
                .find_map(|logged| logged.name);
            let start = call.data.get(..self.discriminator).unwrap_or(call.data);
            let name = match (self.hooks.instruction(call.data), told) {
                (Some(name), _) => name,
                (None, Some(told)) => {
                    let told: String = told.chars().take(MAX_NAME).collect();
                    if self.names.len() < MAX_NAMES {
                        self.names.insert(start.to_vec(), told.clone());
                    }
                    told
                }
                (None, None) => match self.names.get(start) {
                    Some(name) => name.clone(),
                    None => format!("instruction {}", report::hex(start)),
                },
            };
            named.push((call.top, name.clone()));
            units.push(CallUnits {
                name,
                old: old.and_then(|logged| logged.compute_units),
                new: new.and_then(|logged| logged.compute_units),
            });
        }
        (named, units)
    }
}
