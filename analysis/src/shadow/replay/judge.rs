//! Compares the two executions of each transaction, and counts.

use std::collections::BTreeMap;

use litesvm::LiteSVM;
use solana_sdk::{account::AccountSharedData, message::VersionedMessage, pubkey::Pubkey};

use super::{side::Prepared, Execution, Vm};
use crate::shadow::{
    calls::{calls, logged},
    checks::Checks,
    compare::{Difference, Pair},
    knowledge::Knowledge,
    probes::Probe,
    report::{self, CallUnits, Example, Gathered, InvariantRow, Judged},
    ShadowError,
};

/// The most names of instructions that are learned, and characters of one.
const MAX_NAMES: usize = 256;
const MAX_NAME: usize = 64;

/// Runs the proposed program, and compares.
pub(super) struct Judge<'a> {
    program: Pubkey,
    /// The program's address as logs show it.
    address: String,
    knowledge: &'a Knowledge,
    checks: Option<Checks<'a>>,
    /// Bytes that tell instructions apart.
    discriminator: usize,
    /// Names of instructions, as logs told them.
    names: BTreeMap<Vec<u8>, String>,
    gathered: Gathered,
}

impl<'a> Judge<'a> {
    pub fn new(program: Pubkey, discriminator: usize, knowledge: &'a Knowledge) -> Self {
        Self {
            program,
            address: program.to_string(),
            knowledge,
            checks: knowledge.invariants.as_ref().map(Checks::new),
            discriminator,
            names: BTreeMap::new(),
            gathered: Gathered::default(),
        }
    }

    /// What was found, with what became of each invariant.
    pub fn finish(self) -> (Gathered, Vec<InvariantRow>) {
        let rows = self.checks.map(Checks::finish);
        (self.gathered, rows.unwrap_or_default())
    }

    /// Judges one transaction. `vm` has the proposed program, and the state before the transaction, which is the same on both
    /// sides. `own` is what the proposed program does from its own state, and that state before it.
    pub fn transaction(
        &mut self,
        vm: &Vm,
        prepared: &Prepared,
        old: &Execution,
        own: Option<(&LiteSVM, &Execution)>,
    ) -> Result<(), ShadowError> {
        let recorded = &prepared.recorded;
        let new =
            &vm.execute(&prepared.transaction)
                .map_err(|reason| ShadowError::Transaction {
                    signature: recorded.signature.clone(),
                    reason,
                })?;
        let checks = self.checks.as_mut();
        let violations = checks.map(|checks| checks.transaction(&vm.svm, old, new, own));
        let violations = violations.unwrap_or_default();
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
            knowledge: self.knowledge,
            violations: &violations,
        };
        let differences = pair.differences();
        let kept = |one: &Difference| self.gathered.keeps(one.kind, &one.title);
        let told = match differences.iter().any(kept) {
            true => self.tell_calls(prepared, old, new),
            false => Vec::new(),
        };
        let both_succeed = old.error.is_none() && new.error.is_none();
        self.gathered.add(Judged {
            signature: &recorded.signature,
            slot: recorded.slot,
            differences,
            failed: old.error.is_some(),
            compute_units: both_succeed.then_some((old.compute_units, new.compute_units)),
            calls: units,
            told,
        });
        Ok(())
    }

    /// Tries a variation that the deployed program refuses.
    pub fn probe(
        &mut self,
        vm: &mut Vm,
        prepared: &Prepared,
        probe: &Probe,
        old: &Execution,
    ) -> Result<(), ShadowError> {
        let Some(new) = vm.probe(probe)? else {
            return Ok(());
        };
        let before = |address: &Pubkey| -> Option<AccountSharedData> {
            let copied = probe.accounts.iter();
            let mut copied = copied.filter(|account| account.address == *address);
            match copied.next() {
                Some(account) => Some(account.clone().into_account().into()),
                None => vm.svm.accounts_db().get_account(address),
            }
        };
        let pair = Pair {
            keeps: &|_, _| true,
            program: &self.program,
            old,
            new: &new,
            calls: &[],
            before: &before,
            knowledge: self.knowledge,
            violations: &[],
        };
        let variation = (probe.change).told(|place| self.knowledge.account(&probe.data, place));
        let accepted = pair.accepted(&variation, &self.name(&probe.data));
        let recorded = &prepared.recorded;
        let example = Example {
            signature: recorded.signature.clone(),
            slot: recorded.slot,
            calls: self.knowledge.call(&probe.data).into_iter().collect(),
            lines: Vec::new(),
        };
        self.gathered.add_probe(accepted, example);
        Ok(())
    }

    /// An instruction's name, as the IDL or a log told it before.
    fn name(&self, data: &[u8]) -> String {
        let start = data.get(..self.discriminator).unwrap_or(data);
        match (self.knowledge.instruction(data), self.names.get(start)) {
            (Some(name), _) => name.to_string(),
            (None, Some(name)) => name.clone(),
            (None, None) => format!("instruction {}", report::hex(start)),
        }
    }

    /// The program's calls with their arguments, where its IDL is known.
    fn tell_calls(&self, prepared: &Prepared, old: &Execution, new: &Execution) -> Vec<String> {
        const MAX: usize = 4;
        let (message, keys) = (prepared.message(), &prepared.keys);
        let [old, new] = [old, new].map(|done| calls(&self.program, message, keys, &done.inner));
        let longer = if new.len() > old.len() { new } else { old };
        let told = longer.iter().map(|call| self.knowledge.call(call.data));
        told.flatten().take(MAX).collect()
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
            let name = match (self.knowledge.instruction(call.data), told) {
                (Some(name), _) => name.to_string(),
                (None, Some(told)) => {
                    let told: String = told.chars().take(MAX_NAME).collect();
                    if self.names.len() < MAX_NAMES {
                        self.names.insert(start.to_vec(), told.clone());
                    }
                    told
                }
                (None, None) => self.name(call.data),
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
